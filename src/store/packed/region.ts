/**
 * Where a blob that is edited in place lies: in a record of a database, or in memory of its own.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import { allocate } from "../memory/allocate.ts";
import type { Database } from "../keyspace/database.ts";
import type { Encoding, Entry } from "../memory/record.ts";
import type { SharedBuffer, Shelf, Tenant } from "../memory/pool.ts";

/** A blob `[start, end)` of `bytes` that may change its length, and by that its place. */
export interface Region {
  /** What it lies in. */
  readonly bytes: Uint8Array;
  /** Offset of its first byte. */
  readonly start: number;
  /** Offset after its last byte. */
  readonly end: number;
  /** Gives it another length; what lies below both stays, and all three above are to be read anew. */
  resize(length: number): void;
}

/** The value of a record. Made once and opened for one entry after the other. */
export class RecordRegion implements Region {
  #db: Database | undefined = undefined;
  #entry: Entry = 0;
  #encoding: Encoding = 0;
  #value: BytesRef = new BytesRef();

  /** Points nowhere. */
  constructor() {}

  /** Points at an entry's value, which is held in its record; valid until another writes there. */
  open(db: Database, entry: Entry, encoding: Encoding): void {
    this.#db = db;
    this.#entry = entry;
    this.#encoding = encoding;
    db.valueRef(entry, this.#value);
  }

  /** Where the entry is now. */
  get entry(): Entry {
    return this.#entry;
  }

  /** The segment the value lies in. */
  get bytes(): Uint8Array {
    return this.#value.bytes;
  }

  /** Offset of the value. */
  get start(): number {
    return this.#value.start;
  }

  /** Offset after the value. */
  get end(): number {
    return this.#value.end;
  }

  /** May move the entry; where it has to, `spare` bytes are left to grow into, a quarter unless told. */
  resize(length: number, spare?: number): void {
    const db = this.#db;
    assert(db !== undefined, "a region is opened before it is resized");
    this.#entry = db.resizeBlob(this.#entry, this.#encoding, length, spare);
    db.valueRef(this.#entry, this.#value);
  }
}

/** What a buffer holds from `start` on. */
export class BufferRegion implements Region {
  /** Where it lies, at the end. */
  readonly buffer: ByteBuffer = new ByteBuffer();
  /** Offset of the first byte. */
  start: number = 0;

  /** The buffer's storage. */
  get bytes(): Uint8Array {
    return this.buffer.bytes;
  }

  /** Where the buffer ends. */
  get end(): number {
    return this.buffer.length;
  }

  /** New bytes are undefined. */
  resize(length: number): void {
    const { buffer } = this;
    const end = this.start + length;
    if (end > buffer.length) buffer.reserve(end - buffer.length);
    buffer.length = end;
  }
}

/** Memory of its own with at most about an eighth to spare, or as long as it does not grow a shared one. */
export class NodeRegion implements Region, Tenant {
  #bytes: Uint8Array;
  #length: number;
  #shared: SharedBuffer | undefined;

  /** A copy of bytes `[start, end)` of `source`, with nothing to spare; on `shelf` where that has room. */
  constructor(source: Uint8Array, start: number, end: number, shelf?: Shelf) {
    const length = end - start;
    this.#length = length;
    this.#shared = shelf?.bufferFor(roundUp(length));
    this.#bytes = this.#shared?.enter(this, roundUp(length)) ?? newBytes(length);
    this.#bytes.set(source.subarray(start, end));
  }

  /** The memory. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Always 0. */
  get start(): number {
    return 0;
  }

  /** Length of the blob. */
  get end(): number {
    return this.#length;
  }

  /** Bytes of memory, what is spare included. */
  get memoryBytes(): number {
    return this.#bytes.length;
  }

  /** New bytes are undefined. */
  resize(length: number): void {
    const capacity = this.#bytes.length;
    const spare = (length >>> 3) + 8;
    // Twice the spare before memory is given back, so that a length going up and down moves nothing.
    const isLoose = length < this.#length && capacity - length > 2 * spare + 8;
    if (length > capacity || isLoose) this.#move(length + spare, Math.min(length, this.#length));
    this.#length = length;
  }

  /** Room for a blob of that length, with half as much to spare unless told: for one that grows. */
  reserve(length: number, spare: number = (length >>> 1) + 32): void {
    if (length > this.#bytes.length) this.#move(length + spare, this.#length);
  }

  /** Gives back what {@linkcode NodeRegion.reserve} left over. */
  trim(): void {
    if (this.#bytes.length - this.#length > (this.#length >>> 3)) {
      this.#move(this.#length, this.#length);
    }
  }

  /** See {@linkcode Tenant}. */
  moveOut(): void {
    this.#shared = undefined;
    this.#move(this.#bytes.length, this.#length);
  }

  /** Nobody will ask for it again. Without this, memory that is shared waits for all that lives in it. */
  release(): void {
    this.#shared?.leave(this, this.#bytes.length);
    this.#shared = undefined;
  }

  #move(capacity: number, kept: number): void {
    const moved = newBytes(capacity);
    moved.set(this.#bytes.subarray(0, kept));
    this.release();
    this.#bytes = moved;
  }
}

function newBytes(length: number): Uint8Array {
  return new Uint8Array(allocate(roundUp(length)));
}

function roundUp(length: number): number {
  return (length + 7) & ~7;
}

/**
 * Blobs that are edited in place. The editors of `listpack.ts` and `intset.ts` know offsets only; a
 * region tells them where the blob lies and makes it longer or shorter.
 *
 * ```
 *  RecordRegion   value of a record in a slab         (record_region.ts)  small values
 *  BufferRegion   tail of a growing buffer                                values being built
 *  NodeRegion     memory of its own, or a pool slice                      nodes of large values
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import { allocate } from "../memory/allocate.ts";
import type { Pool, PoolBuffer, SliceOwner } from "../memory/pool.ts";

/** A blob `[start, end)` of `bytes`. A change of its length may move it. */
export interface Region {
  /** The memory that the blob lies in, together with bytes of others. */
  readonly bytes: Uint8Array;
  /** Offset of the blob's first byte. */
  readonly start: number;
  /** Offset after the blob's last byte. */
  readonly end: number;
  /**
   * Makes the blob `length` bytes long: bytes below both lengths stay, new ones are undefined. The three
   * fields above must be read again.
   */
  resize(length: number): void;
}

/** The tail of a buffer: what is below `start` belongs to others. Used again for one blob after another. */
export class BufferRegion implements Region {
  /** The buffer; the blob ends where the buffer ends. */
  readonly buffer: ByteBuffer = new ByteBuffer();
  /** Offset of the blob's first byte. */
  start: number = 0;

  /** The buffer's storage, replaced when the buffer grows. */
  get bytes(): Uint8Array {
    return this.buffer.bytes;
  }

  /** Length of the buffer. */
  get end(): number {
    return this.buffer.length;
  }

  /** Moves the end of the buffer; new bytes are undefined. */
  resize(length: number): void {
    const { buffer } = this;
    const end = this.start + length;
    if (end > buffer.length) buffer.reserve(end - buffer.length);
    buffer.length = end;
  }
}

/**
 * A node of a large value: a slice of a pooled buffer until it first outgrows that, then memory of its
 * own with at most about an eighth to spare.
 */
export class NodeRegion implements Region, SliceOwner {
  #bytes: Uint8Array;
  #length: number;
  #buffer: PoolBuffer | undefined;

  /** Copies bytes `[start, end)` of `source`, with nothing to spare, into a slice of `pool` if it has room. */
  constructor(source: Uint8Array, start: number, end: number, pool?: Pool) {
    const length = end - start;
    this.#length = length;
    this.#buffer = pool?.bufferFor(roundUp(length));
    this.#bytes = this.#buffer?.addSlice(this, roundUp(length)) ?? newBytes(length);
    this.#bytes.set(source.subarray(start, end));
  }

  /** The node's memory, spare bytes included. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Always 0: a node's memory begins with the blob. */
  get start(): number {
    return 0;
  }

  /** Length of the blob in bytes. */
  get end(): number {
    return this.#length;
  }

  /** Bytes of the node's memory, spare bytes included. */
  get memoryBytes(): number {
    return this.#bytes.length;
  }

  /** Moves to other memory when the blob outgrows this one or leaves much of it unused. */
  resize(length: number): void {
    const capacity = this.#bytes.length;
    const spare = (length >>> 3) + 8;
    // Twice the spare before memory is given back, so that a length going up and down moves nothing.
    const isLoose = length < this.#length && capacity - length > 2 * spare + 8;
    if (length > capacity || isLoose) this.#move(length + spare, Math.min(length, this.#length));
    this.#length = length;
    assert(length <= this.#bytes.length, "a node's blob fits its memory");
  }

  /** Makes room for a blob of `length` that is about to grow further: half as much to spare unless told. */
  reserve(length: number, spare: number = (length >>> 1) + 32): void {
    if (length > this.#bytes.length) this.#move(length + spare, this.#length);
  }

  /** Gives back what {@linkcode NodeRegion.reserve} left over, if that is more than an eighth. */
  trim(): void {
    if (this.#bytes.length - this.#length > (this.#length >>> 3)) {
      this.#move(this.#length, this.#length);
    }
  }

  /** Called by the pool, which has forgotten this slice already: copies the blob to memory of its own. */
  moveOut(): void {
    this.#buffer = undefined;
    this.#move(this.#bytes.length, this.#length);
  }

  /** Gives the slice back to the pool; call it exactly once, the region is unusable afterwards. */
  release(): void {
    this.#buffer?.freeSlice(this, this.#bytes.length);
    this.#buffer = undefined;
  }

  #move(capacity: number, kept: number): void {
    assert(kept <= capacity, "the bytes to keep fit the new memory");
    const moved = newBytes(capacity);
    moved.set(this.#bytes.subarray(0, kept));
    this.release();
    this.#bytes = moved;
  }
}

function newBytes(length: number): Uint8Array {
  return new Uint8Array(allocate(roundUp(length)));
}

/** Rounds up to 8: slices of one buffer stay aligned, and slabs allocate in the same unit. */
function roundUp(length: number): number {
  return (length + 7) & ~7;
}

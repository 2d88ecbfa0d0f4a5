/**
 * A slice of bytes without a view ({@linkcode BytesRef}) and a buffer that grows as it is written
 * ({@linkcode ByteBuffer}). Both are numbers beside a `Uint8Array`: creating a view costs some 30
 * ns and garbage, so hot paths hand on offsets.
 *
 * @module
 */

import { assert } from "./assert.ts";
import { copyBytes } from "./copy.ts";

/** Bytes of the smallest buffer. */
const MIN_CAPACITY = 64;

/** The slice `[start, end)` of `bytes`, made once and pointed at other bytes as often as needed. */
export class BytesRef {
  /** The buffer that holds the slice; whoever filled the reference owns it. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Offset of the first byte in `bytes`. */
  start: number = 0;
  /** Offset after the last byte in `bytes`. */
  end: number = 0;

  /** Points the reference at bytes `[start, end)` of another buffer. */
  set(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  /** The slice as a borrowed view: valid until its buffer is written again. */
  view(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
}

/**
 * A buffer whose capacity doubles as it is written, a power of two unless the constructor was given
 * another. Any write may replace `bytes`, so a caller reads that field again after each. Holds
 * `length <= bytes.length`.
 *
 *     bytes   | written: [0, length) | free: [length, bytes.length) |
 */
export class ByteBuffer {
  /** The storage; bytes from `length` on have no meaning. */
  bytes: Uint8Array;
  /** Bytes written so far; also the offset of the next write. */
  length: number = 0;

  /**
   * Starts empty.
   *
   * @param capacity Bytes to reserve at once, raised to 64.
   */
  constructor(capacity: number = MIN_CAPACITY) {
    this.bytes = new Uint8Array(Math.max(capacity, MIN_CAPACITY));
  }

  /** Makes room for `more` bytes behind those written, so that a caller may fill them directly. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    let capacity = this.bytes.length * 2;
    while (capacity < needed) capacity *= 2;
    const grown = new Uint8Array(capacity);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Appends one byte, the low 8 bits of a number. */
  writeByte(byte: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = byte;
  }

  /**
   * Appends bytes `[start, end)` of `source`, which may be this buffer's own storage: growing keeps
   * the old storage alive until they are copied.
   */
  writeBytes(source: Uint8Array, start: number = 0, end: number = source.length): void {
    assert(start <= end && end <= source.length, "the slice lies inside its source");
    const count = end - start;
    this.reserve(count);
    copyBytes(this.bytes, this.length, source, start, end);
    this.length += count;
  }

  /** Appends a string of code points below 256, one byte for each. */
  writeLatin1(text: string): void {
    const count = text.length;
    this.reserve(count);
    const bytes = this.bytes;
    const at = this.length;
    for (let i = 0; i < count; i++) bytes[at + i] = text.charCodeAt(i);
    this.length = at + count;
  }

  /** A view of the written bytes: valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** A copy of the written bytes. */
  toBytes(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  /** Drops the first `count` written bytes and moves the others to the front. */
  discard(count: number): void {
    assert(count >= 0 && count <= this.length, "no more is discarded than was written");
    this.bytes.copyWithin(0, count, this.length);
    this.length -= count;
  }

  /** Drops all written bytes and keeps the memory. */
  clear(): void {
    this.length = 0;
  }

  /**
   * Drops all written bytes and gives back a storage of more than `capacity` bytes for one of that
   * size.
   */
  shrink(capacity: number = MIN_CAPACITY): void {
    this.length = 0;
    if (this.bytes.length > capacity) this.bytes = new Uint8Array(Math.max(capacity, MIN_CAPACITY));
  }
}

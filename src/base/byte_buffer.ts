/**
 * A growing run of bytes, written at its end. Not a stream: it owns no source and no sink.
 *
 * @module
 */

import { assert } from "./assert.ts";
import { copyBytes } from "./copy.ts";

const MIN_CAPACITY = 64;

/** Bytes `[start, end)` of `bytes`: a slice that costs no allocation to refill. */
export class BytesRef {
  /** The buffer that holds the slice; not owned. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Offset of the first byte. */
  start: number = 0;
  /** Offset after the last byte. */
  end: number = 0;

  /** Points at other bytes. */
  set(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  /** A borrowed view: valid only as long as the buffer it points into is left alone. */
  view(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
}

/**
 * A buffer that doubles as it is written. `bytes` may be replaced by any write: take it anew after one.
 */
export class ByteBuffer {
  /** The storage; only `[0, length)` has meaning. */
  bytes: Uint8Array;
  /** How many bytes have been written. */
  length: number = 0;

  /**
   * Reserves memory at once.
   *
   * @param capacity Bytes of it.
   */
  constructor(capacity: number = MIN_CAPACITY) {
    this.bytes = new Uint8Array(Math.max(capacity, MIN_CAPACITY));
  }

  /** Makes room for `more` bytes after `length`. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    let capacity = this.bytes.length * 2;
    while (capacity < needed) capacity *= 2;
    const grown = new Uint8Array(capacity);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Appends one byte. */
  writeByte(byte: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = byte;
  }

  /** Appends bytes `[start, end)` of `source`, which may be this buffer's own storage. */
  writeBytes(source: Uint8Array, start: number = 0, end: number = source.length): void {
    assert(start <= end && end <= source.length, "slice lies inside its source");
    const count = end - start;
    this.reserve(count);
    copyBytes(this.bytes, this.length, source, start, end);
    this.length += count;
  }

  /** Appends a string of code points below 256, a byte each. */
  writeLatin1(text: string): void {
    const count = text.length;
    this.reserve(count);
    const bytes = this.bytes;
    const at = this.length;
    for (let i = 0; i < count; i++) bytes[at + i] = text.charCodeAt(i);
    this.length = at + count;
  }

  /** What has been written, borrowed: valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** What has been written, copied. */
  toBytes(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  /** Drops the first `count` bytes and moves the rest to the front. */
  discard(count: number): void {
    assert(count <= this.length, "no more is discarded than was written");
    this.bytes.copyWithin(0, count, this.length);
    this.length -= count;
  }

  /** Forgets what was written and keeps the memory. */
  clear(): void {
    this.length = 0;
  }

  /** Forgets what was written and gives back memory beyond `capacity` bytes. */
  shrink(capacity: number = MIN_CAPACITY): void {
    this.length = 0;
    if (this.bytes.length > capacity) this.bytes = new Uint8Array(Math.max(capacity, MIN_CAPACITY));
  }
}

/**
 * The last bytes of a replication stream, kept so that a replica which lost its connection can go on
 * where it was.
 *
 * ```text
 *   stream offsets      first                       next
 *                         |<------- histlen -------->|
 *   ring   [ ...newer...  |next  first ... older ... ]
 * ```
 *
 * Offsets count from 1: byte number `first` is the oldest held, `next` the one that comes next. A range
 * is asked for by the offset of its first byte, as PSYNC does.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { ByteBuffer } from "../base/byte_buffer.ts";

/** A ring over the stream's newest bytes. */
export class Backlog {
  /** Most bytes it holds. */
  readonly capacity: number;
  readonly #ring: Uint8Array;
  #nextOffset: number;
  #length: number = 0;

  /**
   * @param capacity Bytes to keep, Redis's 1 MB unless told.
   * @param offset Stream offset of the last byte before the first one kept.
   */
  constructor(capacity: number = 1024 * 1024, offset: number = 0) {
    assert(capacity > 0, "a backlog holds something");
    assert(offset >= 0, "stream offsets are not negative");
    this.capacity = capacity;
    this.#ring = new Uint8Array(capacity);
    this.#nextOffset = offset + 1;
  }

  /** Offset of the oldest byte held: `repl_backlog_first_byte_offset`. */
  get firstByteOffset(): number {
    return this.#nextOffset - this.#length;
  }

  /** Bytes held: `repl_backlog_histlen`. */
  get histlen(): number {
    return this.#length;
  }

  /** Offset of the byte that comes next. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Adds stream bytes `[start, end)` of `source`; the oldest make room. */
  append(source: Uint8Array, start: number = 0, end: number = source.length): void {
    const count = end - start;
    assert(count >= 0, "a slice does not end before it starts");
    const { capacity } = this;
    // Of more bytes than fit only the last ones will ever be read.
    let from = Math.max(start, end - capacity);
    let at = this.#indexOf(this.#nextOffset + (from - start));
    while (from < end) {
      const part = Math.min(end - from, capacity - at);
      this.#ring.set(source.subarray(from, from + part), at);
      from += part;
      at = 0;
    }
    this.#nextOffset += count;
    this.#length = Math.min(capacity, this.#length + count);
  }

  /** Whether a replica that asks for `offset` onwards can have all of it. At the tip that is nothing. */
  covers(offset: number): boolean {
    return offset >= this.firstByteOffset && offset <= this.#nextOffset;
  }

  /** Appends every byte from `offset` on to `out`. */
  copyFrom(offset: number, out: ByteBuffer): void {
    assert(this.covers(offset), "the backlog holds what is asked for");
    const count = this.#nextOffset - offset;
    out.reserve(count);
    const at = this.#indexOf(offset);
    const part = Math.min(count, this.capacity - at);
    out.writeBytes(this.#ring, at, at + part);
    out.writeBytes(this.#ring, 0, count - part);
  }

  /** Forgets everything; the next byte comes after `offset`. */
  reset(offset: number): void {
    this.#nextOffset = offset + 1;
    this.#length = 0;
  }

  #indexOf(offset: number): number {
    return (offset - 1) % this.capacity;
  }
}

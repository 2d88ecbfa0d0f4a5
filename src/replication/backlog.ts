/**
 * The replication backlog of a master: the last bytes of its stream, kept so that a replica which lost its
 * connection can go on where it was.
 *
 * ```text
 *   stream offsets      first                       next
 *                         |<------- histlen -------->|
 *
 *   ring            0                                    capacity
 *                   | newer ...    | first ...   older   |
 *                                  ^ index of `next`, which overwrites `first`
 *   index of byte n = (n - 1) mod capacity, so the offset alone gives the place
 * ```
 *
 * Offsets count from 1: byte number `first` is the oldest held, `next` the one that comes next. A range
 * is asked for by the offset of its first byte, as PSYNC does. Redis since 7.0 shares blocks with its
 * replicas' output buffers instead (replBufBlock); a ring is enough for a master that serves tests.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { ByteBuffer } from "../base/byte_buffer.ts";

/** A ring over the stream's newest bytes. */
export class Backlog {
  /** Most bytes it holds: `repl_backlog_size`. */
  readonly capacity: number;
  readonly #ring: Uint8Array;
  #nextOffset: number;
  #length: number = 0;

  /**
   * Begins empty.
   *
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

  /** Offset of the byte that will be appended next: `master_repl_offset` + 1. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Appends stream bytes `[start, end)` of `source`; the oldest ones are overwritten. */
  append(source: Uint8Array, start: number = 0, end: number = source.length): void {
    const count = end - start;
    assert(count >= 0, "a range does not end before it starts");
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
    assert(this.firstByteOffset >= 1, "offsets count from 1");
  }

  /**
   * Whether every byte from `offset` on is held. True for `nextOffset`, from which on there is nothing yet.
   */
  covers(offset: number): boolean {
    return offset >= this.firstByteOffset && offset <= this.#nextOffset;
  }

  /** Copies every byte from `offset` on to the end of `out`. */
  copyFrom(offset: number, out: ByteBuffer): void {
    assert(this.covers(offset), "the backlog covers the offset asked for");
    const count = this.#nextOffset - offset;
    out.reserve(count);
    const at = this.#indexOf(offset);
    const part = Math.min(count, this.capacity - at);
    out.writeBytes(this.#ring, at, at + part);
    out.writeBytes(this.#ring, 0, count - part);
  }

  /** Drops every byte; the next one comes after `offset`. */
  reset(offset: number): void {
    assert(offset >= 0, "stream offsets are not negative");
    this.#nextOffset = offset + 1;
    this.#length = 0;
  }

  #indexOf(offset: number): number {
    return (offset - 1) % this.capacity;
  }
}

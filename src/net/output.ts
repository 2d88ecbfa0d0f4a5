/**
 * What a socket still has to send: two buffers that swap roles, so that the owner fills one while the
 * runtime writes the other, and nothing is allocated or copied for a write.
 *
 * ```text
 *             #taken        #flushed                filling.length
 *   filling  |-- copied off --|-- flushed --|-- not flushed yet --|
 *
 *             start                         sending.length
 *   sending  |-- sent --|-- the run to write --|
 * ```
 *
 * Usually all of `filling` is flushed when the runtime is done with `sending`, and the two swap. Only when
 * the owner is in the middle of a reply (a header to be filled in stands behind what was flushed) the
 * flushed part is copied to `sending` instead, since the rest must keep its place in the buffer.
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import { assert } from "../base/assert.ts";

/**
 * An empty buffer larger than this is shrunk: a connection must not keep the memory of its worst
 * burst.
 */
const KEPT_CAPACITY = 1 << 20;
/** What it is shrunk to. */
const SHRUNK_CAPACITY = 1 << 16;

/** The double buffer behind {@linkcode Socket.out}. */
export class Output {
  /** The buffer the owner appends to. Another one after `next` has swapped them. */
  filling: ByteBuffer = new ByteBuffer();
  /**
   * The buffer whose bytes `[start, end)` are the next run to write, after `next` returned true.
   */
  sending: ByteBuffer = new ByteBuffer();
  /** Offset in `sending` of the first byte not written yet. */
  start: number = 0;
  /** Offset in `filling` up to which bytes may be written. */
  #flushed: number = 0;
  /** Offset in `filling` up to which bytes were copied to `sending`. */
  #taken: number = 0;

  /** How many bytes were appended and not written yet, flushed or not. */
  get length(): number {
    return this.filling.length - this.#taken + this.sending.length - this.start;
  }

  /** Marks everything appended so far as flushed: it may be written from now on. */
  commit(): void {
    assert(this.filling.length >= this.#flushed, "what was flushed stays in the buffer");
    this.#flushed = this.filling.length;
  }

  /**
   * Makes the next run ready: `sending` from `start` on. False when nothing flushed is left. The run stays
   * the same until `advance` has taken all of it.
   */
  next(): boolean {
    if (this.start < this.sending.length) return true;
    assert(this.#taken <= this.#flushed, "only what was flushed is written");
    if (this.#taken === this.#flushed) return false;
    const filling = this.filling;
    if (this.#flushed < filling.length) {
      // A reply is being built behind what was flushed, maybe with a header to fill in later: it
      // must keep its offset, so the flushed part is copied off instead.
      this.sending.writeBytes(filling.bytes, this.#taken, this.#flushed);
      this.#taken = this.#flushed;
      return true;
    }
    this.filling = this.sending;
    this.sending = filling;
    this.start = this.#taken;
    this.#taken = 0;
    this.#flushed = 0;
    return true;
  }

  /** Takes `count` bytes off the run: the runtime has written them. */
  advance(count: number): void {
    assert(count >= 0, "what was written stays written");
    assert(this.start + count <= this.sending.length, "no more was taken than was offered");
    this.start += count;
    if (this.start < this.sending.length) return;
    this.start = 0;
    recycle(this.sending);
  }

  /**
   * Forgets everything. A run that the runtime still holds keeps its memory: `sending` is a new
   * buffer.
   */
  drop(): void {
    this.filling.clear();
    this.sending = new ByteBuffer();
    this.start = 0;
    this.#flushed = 0;
    this.#taken = 0;
  }
}

function recycle(buffer: ByteBuffer): void {
  if (buffer.bytes.length > KEPT_CAPACITY) buffer.shrink(SHRUNK_CAPACITY);
  else buffer.clear();
}

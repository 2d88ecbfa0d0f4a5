/**
 * What a socket still has to send: two buffers that swap, so that one is filled while the runtime
 * writes the other, and nothing is allocated per write.
 *
 * ```
 * filling  |-- taken --|-- flushed --|-- not flushed yet --|
 * sending  |-- sent ---|-- run ------|
 * ```
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import { assert } from "../base/assert.ts";

/** A buffer above this is given back once it is empty; a connection must not keep its worst burst. */
const KEPT_CAPACITY = 1 << 20;
const SHRUNK_CAPACITY = 1 << 16;

/** The double buffer behind {@linkcode Socket.out}. */
export class Output {
  /** Where the owner appends. */
  filling: ByteBuffer = new ByteBuffer();
  /** The buffer whose bytes `[start, end)` are the next run to write, after `next` returned true. */
  sending: ByteBuffer = new ByteBuffer();
  /** Offset in `sending` of the first byte not written yet. */
  start: number = 0;
  #flushed: number = 0;
  #taken: number = 0;

  /** Bytes appended and not written yet, flushed or not. */
  get length(): number {
    return this.filling.length - this.#taken + this.sending.length - this.start;
  }

  /** Everything appended so far may be written from now on. */
  commit(): void {
    assert(this.filling.length >= this.#flushed, "what was flushed stays in the buffer");
    this.#flushed = this.filling.length;
  }

  /** Makes the next run ready in `sending`; false when nothing flushed is left. */
  next(): boolean {
    if (this.start < this.sending.length) return true;
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

  /** The runtime took `count` bytes of the run. */
  advance(count: number): void {
    assert(this.start + count <= this.sending.length, "no more was taken than was offered");
    this.start += count;
    if (this.start < this.sending.length) return;
    this.start = 0;
    recycle(this.sending);
  }

  /** Forgets everything. The run in the runtime's hands, if any, keeps its memory. */
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

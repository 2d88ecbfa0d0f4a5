/**
 * Bytes from the master that wait for their turn. A master cuts off whoever reads too slowly, so the
 * socket is drained even while the host is busy; what was drained is counted here, and bounded.
 *
 * ```text
 *  socket --> [ block | block | block ] --> state machine, a slice at a time
 *               head                  tail: filled up before another is begun
 * ```
 *
 * @module
 */

import { assert } from "../base/assert.ts";

/** Small chunks share blocks of this size; larger ones get a block of their own. */
const BLOCK_BYTES = 64 * 1024;

interface Block {
  readonly bytes: Uint8Array;
  end: number;
}

/** A queue of bytes. */
export class Inbox {
  /** Bytes that wait. */
  byteLength: number = 0;
  #blocks: Block[] = [];
  #head: number = 0;
  #pos: number = 0;

  /** Adds a copy of bytes `[start, end)` of a borrowed chunk. */
  push(chunk: Uint8Array, start: number = 0, end: number = chunk.length): void {
    const count = end - start;
    assert(count >= 0, "a slice does not end before it starts");
    if (count === 0) return;
    this.byteLength += count;
    const tail = this.#blocks.length > this.#head
      ? this.#blocks[this.#blocks.length - 1]
      : undefined;
    if (tail !== undefined && tail.bytes.length - tail.end >= count) {
      tail.bytes.set(chunk.subarray(start, end), tail.end);
      tail.end += count;
      return;
    }
    const bytes = new Uint8Array(Math.max(count, BLOCK_BYTES));
    bytes.set(chunk.subarray(start, end));
    this.#blocks.push({ bytes, end: count });
  }

  /** The oldest bytes, borrowed until the next `push`; undefined when none wait. */
  peek(): Uint8Array | undefined {
    if (this.#head === this.#blocks.length) return undefined;
    const { bytes, end } = this.#blocks[this.#head];
    return bytes.subarray(this.#pos, end);
  }

  /** Forgets the first `count` bytes of what `peek` gave. */
  advance(count: number): void {
    const block = this.#blocks[this.#head];
    assert(this.#pos + count <= block.end, "no more is taken than was there");
    this.#pos += count;
    this.byteLength -= count;
    if (this.#pos < block.end) return;
    this.#pos = 0;
    this.#head++;
    // Moving the list costs as much as it is long: done when half of it is gone.
    if (this.#head * 2 < this.#blocks.length) {
      this.#blocks[this.#head - 1] = SPENT;
      return;
    }
    this.#blocks.splice(0, this.#head);
    this.#head = 0;
  }

  /** Forgets everything. */
  clear(): void {
    this.#blocks = [];
    this.#head = 0;
    this.#pos = 0;
    this.byteLength = 0;
  }
}

const SPENT: Block = { bytes: new Uint8Array(0), end: 0 };

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

/** What is allocated at once. */
const BLOCK_BYTES = 128 * 1024;
/** Blocks kept for what comes next: as many as fill and empty while a snapshot is loaded. */
const SPARE_BLOCKS = 32;

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
  readonly #spare: Uint8Array[] = [];

  /** Adds a copy of bytes `[start, end)` of a borrowed chunk. */
  push(chunk: Uint8Array, start: number = 0, end: number = chunk.length): void {
    const count = end - start;
    assert(count >= 0, "a slice does not end before it starts");
    this.byteLength += count;
    for (let pos = start; pos < end;) {
      const tail = this.#tail();
      const fits = Math.min(end - pos, BLOCK_BYTES - tail.end);
      tail.bytes.set(chunk.subarray(pos, pos + fits), tail.end);
      tail.end += fits;
      pos += fits;
    }
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
    if (this.#spare.length < SPARE_BLOCKS) this.#spare.push(block.bytes);
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
    this.#spare.length = 0;
  }

  /** The last block, which has room. */
  #tail(): Block {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.end < BLOCK_BYTES) return last;
    const block = { bytes: this.#spare.pop() ?? new Uint8Array(BLOCK_BYTES), end: 0 };
    this.#blocks.push(block);
    return block;
  }
}

const SPENT: Block = { bytes: new Uint8Array(0), end: 0 };

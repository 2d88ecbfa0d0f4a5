/**
 * The inbox: bytes from the master that wait for a later turn. A master cuts off a replica that reads too
 * slowly, so the socket is drained even while the host is busy; what was drained is counted here, and
 * {@linkcode Turns} bounds it.
 *
 * ```text
 *  blocks  [ SPENT | SPENT | block | block | block ] <- push
 *                            ^head           ^tail, filled up before another block is begun
 *                            |pos: bytes before it are handled
 *
 *  a block is 128 KB; at most 32 handled ones are kept in `spare` and filled again
 * ```
 *
 * Blocks, and not one growing buffer: 64 MB in one piece would be copied whole each time it grew.
 *
 * @module
 */

import { assert } from "../base/assert.ts";

/** Bytes of one block. */
const BLOCK_BYTES = 128 * 1024;
/** Most handled blocks kept: together 4 MB, which is what waits at most while a snapshot is loaded. */
const SPARE_BLOCKS = 32;

interface Block {
  readonly bytes: Uint8Array;
  /** Where its bytes end, and the next ones go. */
  end: number;
}

/** Stands in the list for a block that was handled, so that it is not kept alive. */
const SPENT: Block = { bytes: new Uint8Array(0), end: 0 };

/** A queue of bytes, in the order they came. */
export class Inbox {
  /** How many bytes wait. */
  byteLength: number = 0;
  #blocks: Block[] = [];
  #head: number = 0;
  #pos: number = 0;
  readonly #spare: Uint8Array[] = [];

  /** Adds a copy of bytes `[start, end)` of a borrowed chunk. */
  push(chunk: Uint8Array, start: number = 0, end: number = chunk.length): void {
    const count = end - start;
    assert(count >= 0, "a range does not end before it starts");
    this.byteLength += count;
    for (let pos = start; pos < end;) {
      const tail = this.#tail();
      const fits = Math.min(end - pos, BLOCK_BYTES - tail.end);
      tail.bytes.set(chunk.subarray(pos, pos + fits), tail.end);
      tail.end += fits;
      pos += fits;
    }
  }

  /** The oldest bytes, as many as lie in one block; borrowed until `advance`. Undefined when none wait. */
  peek(): Uint8Array | undefined {
    if (this.#head === this.#blocks.length) return undefined;
    const { bytes, end } = this.#blocks[this.#head];
    return bytes.subarray(this.#pos, end);
  }

  /** Drops the first `count` bytes of what `peek` gave: they were handled. */
  advance(count: number): void {
    const block = this.#blocks[this.#head];
    assert(this.#pos + count <= block.end, "no more is handled than was there");
    this.#pos += count;
    this.byteLength -= count;
    assert(this.byteLength >= 0, "as many bytes are left as were pushed and not handled");
    if (this.#pos < block.end) return;
    this.#pos = 0;
    if (this.#spare.length < SPARE_BLOCKS) this.#spare.push(block.bytes);
    this.#head++;
    // Moving the list costs as much as it is long: done when half of it is spent.
    if (this.#head * 2 < this.#blocks.length) {
      this.#blocks[this.#head - 1] = SPENT;
      return;
    }
    this.#blocks.splice(0, this.#head);
    this.#head = 0;
  }

  /** Drops every byte and gives the memory back. */
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

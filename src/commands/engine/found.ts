/**
 * What KEYS, SCAN, HSCAN, SSCAN and ZSCAN have found: the elements as they will be replied, and which of them a
 * pattern still has to be matched with. A match may take the product of two lengths, which clients choose: of
 * those that take long the elements are kept, and decided in slices before the reply.
 *
 * What was found lies in blocks, so that it is not moved as it becomes much.
 *
 * ```text
 *   takes(a) yes   takes(b) ? too long    takes(c) no    takes(d) yes
 *   out:  $1 a      $9 b.........                          $1 d
 *                   └ undecided: from, to; cut out again when the pattern does not match
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer } from "../../base/byte_buffer.ts";
import { Glob } from "../../base/glob.ts";
import type { ReplyTarget } from "../../resp/reply_target.ts";
import type { Steps } from "./long_read.ts";

/** Elements of the pattern compared for one text before it is put off, and for all texts together. */
const STEPS_A_TEXT = 4096;
const STEPS_AT_ONCE = 200_000;
/** Elements of the pattern compared in one step of {@linkcode Found.decide}: some ten microseconds. */
const STEPS_A_DECISION = 10_000;

/** Bytes after which another block is begun: growing one would move all that was found. */
const BLOCK_BYTES = 1 << 16;

/** An element that stands in a block although it is not known whether the pattern matches it. */
interface Undecided {
  /** What it stands in. */
  readonly block: ByteBuffer;
  /** Offset of its first bulk string, the one that is matched. */
  readonly from: number;
  /** Bytes of that bulk string. */
  readonly length: number;
  /** Offset behind its last bulk string. */
  to: number;
}

/** Elements found, in the order they were met. */
export class Found {
  /** Bulk strings of the elements, as they will be replied; another one after {@linkcode Found.takes}. */
  out: ByteBuffer = new ByteBuffer(256);
  /** All that was found, in order; `out` is the last. */
  readonly #blocks: ByteBuffer[] = [this.out];
  readonly #glob: Glob | undefined;
  readonly #undecided: Undecided[] = [];
  readonly #dropped: Undecided[] = [];
  #count: number = 0;
  #stepsLeft: number = STEPS_AT_ONCE;
  /** How many of the undecided ones are decided, and whether the next one has been begun. */
  #decided: number = 0;
  #begun: boolean = false;

  /**
   * Begins without elements.
   *
   * @param pattern What an element's first bulk string must match; undefined for any. Kept, not copied.
   */
  constructor(pattern: Uint8Array | undefined) {
    this.#glob = pattern === undefined ? undefined : new Glob(pattern);
  }

  /** How many elements were taken; some of them may be dropped again by {@linkcode Found.decide}. */
  get count(): number {
    return this.#count;
  }

  /**
   * Whether the pattern lets an element pass, as far as that is known: the caller appends its bulk strings to
   * `out` then, `bytes[start, end)` first.
   */
  takes(bytes: Uint8Array, start: number, end: number): boolean {
    this.#closeLast();
    if (this.out.length > BLOCK_BYTES) this.#blocks.push(this.out = new ByteBuffer(BLOCK_BYTES));
    const verdict = this.#glob === undefined || this.#match(this.#glob, bytes, start, end);
    if (verdict === false) return false;
    this.#count++;
    if (verdict === undefined) {
      const { out } = this;
      this.#undecided.push({ block: out, from: out.length, length: end - start, to: -1 });
    }
    return true;
  }

  /** Lets a walk of many slices match as much at once in each of them. */
  refill(): void {
    this.#stepsLeft = STEPS_AT_ONCE;
  }

  /** Decides some more of what was put off; true when all is decided. */
  decide(): boolean {
    this.#closeLast();
    const one = this.#undecided[this.#decided];
    if (one === undefined) return true;
    const glob = this.#glob!;
    if (!this.#begun) {
      // "$", the digits, CR and LF stand before the text.
      const start = one.from + String(one.length).length + 3;
      assert(start + one.length + 2 <= one.to, "the text stands where its element does");
      glob.begin(one.block.bytes, start, start + one.length);
    }
    const verdict = glob.run(STEPS_A_DECISION);
    this.#begun = verdict === undefined;
    if (verdict === false) this.#dropped.push(one);
    if (verdict !== undefined) this.#decided++;
    return this.#decided === this.#undecided.length;
  }

  /** Replies with an array of the elements, `parts` bulk strings each, in steps. All must be decided. */
  *reply(reply: ReplyTarget, parts: number): Steps {
    assert(this.#decided === this.#undecided.length, "every element is decided");
    reply.array((this.#count - this.#dropped.length) * parts);
    let next = 0;
    for (const block of this.#blocks) {
      let pos = 0;
      for (; this.#dropped[next]?.block === block; next++) {
        const { from, to } = this.#dropped[next];
        reply.bulks(block.bytes, pos, from);
        pos = to;
      }
      reply.bulks(block.bytes, pos, block.length);
      yield;
    }
  }

  #match(glob: Glob, bytes: Uint8Array, start: number, end: number): boolean | undefined {
    // Most texts are decided by fewer comparisons than they have bytes: those are not counted.
    if (end - start < STEPS_A_TEXT) {
      glob.begin(bytes, start, end);
      const verdict = glob.run(end - start + 1);
      if (verdict !== undefined) return verdict;
    }
    if (this.#stepsLeft <= 0) return undefined;
    this.#stepsLeft -= STEPS_A_TEXT;
    glob.begin(bytes, start, end);
    return glob.run(STEPS_A_TEXT);
  }

  /** The last element's bulk strings are all there once the next one comes. */
  #closeLast(): void {
    const last = this.#undecided[this.#undecided.length - 1];
    if (last !== undefined && last.to < 0) last.to = last.block.length;
  }
}

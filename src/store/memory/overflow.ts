/**
 * The overflow buckets of a table: where the chain of a bucket goes on when its seven slots are full.
 *
 * ```
 *  in use    words 0-13 hashes and pointers, word 14 count, word 15 link to the next bucket of the chain
 *  free      word 0 previous free, word 14 UNUSED (-1), word 15 next free      0 for none, else index + 1
 *
 *  [ used | free | used | used | free | used ]        buckets 0 to `#top` - 1, a stack with holes
 * ```
 *
 * A new bucket fills a hole if there is one, else it is pushed on the top. The stack comes down over
 * holes at its top; while more than half of it is holes, its owner moves the topmost bucket into one
 * ({@linkcode OverflowBuckets.sinking}), so that the memory follows the number of buckets in use.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { BUCKET_MASK, BUCKET_SHIFT, BUCKET_WORDS, BucketArray } from "./buckets.ts";

/** Word of a bucket that counts its entries. */
export const COUNT = 14;
/** Word of a bucket that holds the index + 1 of the chain's next overflow bucket, 0 at its end. */
export const LINK = 15;

/** Count of a free bucket. */
const UNUSED = -1;
/** Word of a free bucket that holds the index + 1 of the free one before it. */
const PREVIOUS = 0;

/** Overflow buckets by index; their owner links them into chains. */
export class OverflowBuckets {
  #buckets: BucketArray = new BucketArray();
  /** The memory, by segments as in {@linkcode BucketArray}. */
  readonly segments: Int32Array[] = this.#buckets.segments;
  #top: number = 0;
  #holes: number = 0;
  #firstHole: number = 0;

  /** Bytes held, holes included. */
  get bytes(): number {
    return this.#buckets.bytes;
  }

  /** How many buckets hang on chains. */
  get used(): number {
    return this.#top - this.#holes;
  }

  /** Takes an empty bucket, which may replace element 0 of `segments`; returns its index. */
  take(): number {
    let index = this.#top;
    if (this.#firstHole !== 0) {
      index = this.#firstHole - 1;
      this.#unlinkHole(index);
    } else {
      this.#buckets.ensure(index + 1);
      this.#top++;
    }
    this.setWord(index, COUNT, 0);
    this.setWord(index, LINK, 0);
    return index;
  }

  /** Gives back a bucket that no chain leads to any more. */
  free(index: number): void {
    assert(this.word(index, COUNT) !== UNUSED, "an overflow bucket is freed once");
    const next = this.#firstHole;
    this.setWord(index, COUNT, UNUSED);
    this.setWord(index, LINK, next);
    this.setWord(index, PREVIOUS, 0);
    if (next !== 0) this.setWord(next - 1, PREVIOUS, index + 1);
    this.#firstHole = index + 1;
    this.#holes++;
  }

  /** Reads one word of a bucket. */
  word(index: number, word: number): number {
    return this.segments[index >>> BUCKET_SHIFT][((index & BUCKET_MASK) << 4) + word];
  }

  /** Writes one word of a bucket. */
  setWord(index: number, word: number, value: number): void {
    this.segments[index >>> BUCKET_SHIFT][((index & BUCKET_MASK) << 4) + word] = value;
  }

  /** The topmost bucket if it is in use and should move into a hole, -1 otherwise. */
  get sinking(): number {
    if (this.#holes * 2 <= this.#top || this.#top <= BUCKET_WORDS) return -1;
    return this.word(this.#top - 1, COUNT) === UNUSED ? -1 : this.#top - 1;
  }

  /** Copies a bucket into a hole and frees it; returns the new index, which its chain must lead to. */
  sink(index: number): number {
    assert(this.#holes > 0, "there is a hole to sink into");
    const hole = this.take();
    for (let i = 0; i < BUCKET_WORDS; i++) this.setWord(hole, i, this.word(index, i));
    this.free(index);
    return hole;
  }

  /** Lowers the stack over the holes at its top and gives back memory well beyond it. */
  lower(): void {
    if (this.#holes === 0) return;
    const before = this.#top;
    while (this.#top > 0 && this.word(this.#top - 1, COUNT) === UNUSED) {
      this.#unlinkHole(--this.#top);
    }
    if (this.#top !== before) this.#buckets.trim(this.#top);
    assert(this.#holes <= this.#top, "holes lie below the top");
  }

  #unlinkHole(index: number): void {
    const next = this.word(index, LINK);
    const previous = this.word(index, PREVIOUS);
    if (next !== 0) this.setWord(next - 1, PREVIOUS, previous);
    if (previous !== 0) this.setWord(previous - 1, LINK, next);
    else this.#firstHole = next;
    this.#holes--;
  }
}

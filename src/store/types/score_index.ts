/**
 * Records in the order of a sorted set: by score, then by key as bytes. It owns no record: it holds each
 * one's score and its entry in a slab, and compares keys there. Ranks are counted, not stored.
 *
 * ```
 *  index   blocks in order; each has a total
 *  block   up to 512 leaves in order, and for each the score it begins with and its count
 *  leaf    up to 256 elements in order: float64 scores, then u32 entries, in one buffer
 * ```
 *
 * A search is three binary searches, the first two over scores that lie side by side; a rank adds up
 * totals of blocks (some 200 for ten million elements) and counts of one block's leaves. A leaf that is full
 * splits, one that is nearly empty joins its neighbour, and so do blocks: no write moves more than a few
 * kilobytes. Elements that come in order, from either end, fill leaves to the brim.
 *
 * @module
 */

import { compareBytes } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import { allocate } from "../memory/allocate.ts";
import {
  type Entry,
  keyLengthAt,
  prefixBytes,
  SEGMENT_SHIFT,
  UNIT_MASK,
} from "../memory/record.ts";
import type { Slab } from "../memory/slab.ts";

const LEAF_MAX = 256;
const LEAF_FIRST = 16;
const LEAF_STEP = 64;
/** A leaf with fewer elements looks for a neighbour to join. */
const LEAF_MIN = 64;
/** Two neighbours of together no more than this become one, with room left on either side. */
const LEAF_JOIN = 192;
const BLOCK_MAX = 512;
const BLOCK_MIN = 128;
const BLOCK_JOIN = 384;
/** Leaves of a block that is made in one go. */
const BLOCK_FILL = 384;
/** What the engine spends on a leaf beside its buffer: three objects. */
const LEAF_OVERHEAD = 256;

/** What a search calls "before": elements up to the bound, or up to and with it. */
const Bound = { ELEMENT: 0, SCORE: 1, SCORE_INCLUSIVE: 2, KEY: 3, KEY_INCLUSIVE: 4 } as const;
type Bound = typeof Bound[keyof typeof Bound];

/** Gets an element. */
export type IndexVisitor = (score: number, entry: Entry) => void;

class Leaf {
  scores: Float64Array;
  entries: Uint32Array;

  constructor(capacity: number) {
    const buffer = allocate(capacity * 12);
    this.scores = new Float64Array(buffer, 0, capacity);
    this.entries = new Uint32Array(buffer, capacity * 8, capacity);
  }

  /** Room for `capacity` elements, of which there are `count`. */
  resize(capacity: number, count: number): void {
    const { scores, entries } = this;
    const buffer = allocate(capacity * 12);
    this.scores = new Float64Array(buffer, 0, capacity);
    this.entries = new Uint32Array(buffer, capacity * 8, capacity);
    this.scores.set(scores.subarray(0, count));
    this.entries.set(entries.subarray(0, count));
  }

  /** Copies elements `[start, end)` of another leaf to `at`. */
  take(at: number, source: Leaf, start: number, end: number): void {
    this.scores.set(source.scores.subarray(start, end), at);
    this.entries.set(source.entries.subarray(start, end), at);
  }
}

class Block {
  readonly leaves: Leaf[] = [];
  readonly counts: number[] = [];
  readonly firsts: number[] = [];
  total: number = 0;

  insert(index: number, leaf: Leaf, count: number): void {
    this.leaves.splice(index, 0, leaf);
    this.counts.splice(index, 0, count);
    this.firsts.splice(index, 0, leaf.scores[0]);
    this.total += count;
  }

  remove(index: number): void {
    this.total -= this.counts[index];
    this.leaves.splice(index, 1);
    this.counts.splice(index, 1);
    this.firsts.splice(index, 1);
  }

  /** Moves leaves from `start` on to the end of another block. */
  moveTo(target: Block, start: number): void {
    for (let i = start; i < this.leaves.length; i++) {
      target.insert(target.leaves.length, this.leaves[i], this.counts[i]);
      this.total -= this.counts[i];
    }
    this.leaves.length = start;
    this.counts.length = start;
    this.firsts.length = start;
  }
}

/** See the module's text. */
export class ScoreIndex {
  readonly #slab: Slab;
  readonly #blocks: Block[] = [];
  #size: number = 0;
  #bufferBytes: number = 0;
  #leaves: number = 0;

  // What is searched for.
  #bound: Bound = Bound.ELEMENT;
  #score: number = 0;
  #key: Uint8Array = new Uint8Array(0);
  #keyStart: number = 0;
  #keyEnd: number = 0;

  // What `prepend` has put aside: full leaves from the last to the first, the newest filled from its end.
  readonly #run: Leaf[] = [];
  #runAt: number = 0;

  // Where the last search ended: before the first element that is not before the bound.
  #block: number = 0;
  #leaf: number = 0;
  #offset: number = 0;

  /** @param slab Where the records are. */
  constructor(slab: Slab) {
    this.#slab = slab;
    const block = new Block();
    this.#blocks.push(block);
    this.#addLeaf(block, 0, new Leaf(LEAF_FIRST), 0);
  }

  /** How many elements there are. */
  get size(): number {
    return this.#size;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bufferBytes + this.#leaves * LEAF_OVERHEAD;
  }

  /** Adds a record that is not there. */
  insert(score: number, entry: Entry): void {
    this.#searchElement(score, entry);
    this.#makeRoom();
    const block = this.#blocks[this.#block];
    const leaf = block.leaves[this.#leaf];
    const count = block.counts[this.#leaf];
    const offset = this.#offset;
    if (offset < count) {
      leaf.scores.copyWithin(offset + 1, offset, count);
      leaf.entries.copyWithin(offset + 1, offset, count);
    }
    leaf.scores[offset] = score;
    leaf.entries[offset] = entry;
    if (offset === 0) block.firsts[this.#leaf] = score;
    block.counts[this.#leaf] = count + 1;
    block.total++;
    this.#size++;
  }

  /**
   * Adds a record to an empty index, or before the one that this added last: {@linkcode settle} is to be
   * called before anything else.
   *
   * @returns False, and nothing added, when it does not come before.
   */
  prepend(score: number, entry: Entry): boolean {
    const run = this.#run;
    assert(this.#size === 0, "what is prepended goes to an empty index");
    if (run.length > 0) {
      const { scores, entries } = run[run.length - 1];
      const at = this.#runAt;
      if (score > scores[at]) return false;
      if (score === scores[at] && this.#compareEntries(entry, entries[at]) >= 0) return false;
    }
    if (this.#runAt === 0) {
      run.push(new Leaf(LEAF_MAX));
      this.#runAt = LEAF_MAX;
    }
    const leaf = run[run.length - 1];
    leaf.scores[--this.#runAt] = score;
    leaf.entries[this.#runAt] = entry;
    return true;
  }

  /** Makes what was prepended the index's elements. */
  settle(): void {
    const run = this.#run;
    if (run.length === 0) return;
    const first = run[run.length - 1];
    const count = LEAF_MAX - this.#runAt;
    first.scores.copyWithin(0, this.#runAt);
    first.entries.copyWithin(0, this.#runAt);
    if (count <= LEAF_MAX - LEAF_STEP) first.resize(count, count);
    this.#blocks.length = 0;
    this.#leaves = 0;
    this.#bufferBytes = 0;
    this.#size = (run.length - 1) * LEAF_MAX + count;
    let block = new Block();
    for (let i = run.length - 1; i >= 0; i--) {
      if (block.leaves.length === 0) this.#blocks.push(block);
      this.#addLeaf(block, block.leaves.length, run[i], i === run.length - 1 ? count : LEAF_MAX);
      if (block.leaves.length === BLOCK_FILL) block = new Block();
    }
    run.length = 0;
    this.#runAt = 0;
  }

  /** Takes a record out, by the score it was put in with. */
  remove(score: number, entry: Entry): void {
    this.#searchElement(score, entry);
    assert(this.#entryHere() === entry, "the record is in the index");
    this.#cut(1);
  }

  /** A record has moved. */
  relocate(score: number, from: Entry, to: Entry): void {
    this.#searchElement(score, to);
    assert(this.#entryHere() === from, "the record is in the index");
    this.#blocks[this.#block].leaves[this.#leaf].entries[this.#offset] = to;
  }

  /** How many elements come before a record. */
  rankOf(score: number, entry: Entry): number {
    this.#searchElement(score, entry);
    return this.#rankHere();
  }

  /** How many elements have a score below `score`, or with `inclusive` no higher one. */
  countBelow(score: number, inclusive: boolean): number {
    this.#bound = inclusive ? Bound.SCORE_INCLUSIVE : Bound.SCORE;
    this.#score = score;
    this.#search();
    return this.#rankHere();
  }

  /** The same for keys, which are in order where all scores are equal. */
  countBelowKey(bytes: Uint8Array, start: number, end: number, inclusive: boolean): number {
    this.#bound = inclusive ? Bound.KEY_INCLUSIVE : Bound.KEY;
    this.#key = bytes;
    this.#keyStart = start;
    this.#keyEnd = end;
    this.#search();
    return this.#rankHere();
  }

  /** Visits `count` elements from `rank` on, upwards or downwards; all of them must be there. */
  each(rank: number, count: number, reverse: boolean, visit: IndexVisitor): void {
    if (count <= 0) return;
    this.#seekRank(rank);
    let block = this.#block;
    let leaf = this.#leaf;
    let offset = this.#offset;
    const step = reverse ? -1 : 1;
    for (;;) {
      const { leaves, counts } = this.#blocks[block];
      const { scores, entries } = leaves[leaf];
      const end = reverse ? -1 : counts[leaf];
      for (; offset !== end; offset += step) {
        visit(scores[offset], entries[offset]);
        if (--count === 0) return;
      }
      leaf += step;
      if (leaf < 0 || leaf === leaves.length) {
        block += step;
        leaf = reverse ? this.#blocks[block].leaves.length - 1 : 0;
      }
      offset = reverse ? this.#blocks[block].counts[leaf] - 1 : 0;
    }
  }

  /** Takes out `count` elements from `rank` on; `visit` gets each before. */
  removeRange(rank: number, count: number, visit: IndexVisitor): void {
    while (count > 0) {
      this.#seekRank(rank);
      const block = this.#blocks[this.#block];
      const { scores, entries } = block.leaves[this.#leaf];
      const here = Math.min(count, block.counts[this.#leaf] - this.#offset);
      for (let i = this.#offset; i < this.#offset + here; i++) visit(scores[i], entries[i]);
      this.#cut(here);
      count -= here;
    }
  }

  /** Checks order, counts and totals. For tests: takes time. */
  audit(): void {
    let size = 0;
    let leaves = 0;
    let bytes = 0;
    let last: Entry = 0;
    let lastScore = -Infinity;
    for (const block of this.#blocks) {
      let total = 0;
      block.leaves.forEach((leaf, index) => {
        const count = block.counts[index];
        assert(count > 0 || this.#size === 0, "no leaf is empty");
        assert(count === 0 || block.firsts[index] === leaf.scores[0], "a leaf's first is known");
        for (let i = 0; i < count; i++) {
          const score = leaf.scores[i];
          const inOrder = last === 0 || lastScore < score ||
            (lastScore === score && this.#compareEntries(last, leaf.entries[i]) < 0);
          assert(inOrder, "elements are in order");
          last = leaf.entries[i];
          lastScore = score;
        }
        total += count;
        bytes += leaf.scores.length * 12;
        leaves++;
      });
      assert(total === block.total, "a block's total counts its elements");
      size += total;
    }
    assert(size === this.#size, "size counts the elements");
    assert(leaves === this.#leaves && bytes === this.#bufferBytes, "memory is counted");
  }

  #compareEntries(a: Entry, b: Entry): number {
    this.#setKey(b);
    return this.#compareKey(a);
  }

  /** Takes a record's own key for what is searched. */
  #setKey(entry: Entry): void {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[slot];
    this.#key = this.#slab.bytes[slot];
    this.#keyStart = (unit << 3) + prefixBytes(words[unit << 1]);
    this.#keyEnd = this.#keyStart + keyLengthAt(words, unit << 1);
  }

  #searchElement(score: number, entry: Entry): void {
    this.#bound = Bound.ELEMENT;
    this.#score = score;
    this.#setKey(entry);
    this.#search();
  }

  /** Order of a record's key and the one searched for. */
  #compareKey(entry: Entry): number {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[slot];
    const start = (unit << 3) + prefixBytes(words[unit << 1]);
    const end = start + keyLengthAt(words, unit << 1);
    return compareBytes(
      this.#slab.bytes[slot],
      start,
      end,
      this.#key,
      this.#keyStart,
      this.#keyEnd,
    );
  }

  #isBefore(score: number, leaf: Leaf, offset: number): boolean {
    switch (this.#bound) {
      case Bound.ELEMENT:
        return score < this.#score ||
          (score === this.#score && this.#compareKey(leaf.entries[offset]) < 0);
      case Bound.SCORE:
        return score < this.#score;
      case Bound.SCORE_INCLUSIVE:
        return score <= this.#score;
      case Bound.KEY:
        return this.#compareKey(leaf.entries[offset]) < 0;
      default:
        return this.#compareKey(leaf.entries[offset]) <= 0;
    }
  }

  /** The bound lies in the last block, and in its last leaf, that begins before it. */
  #search(): void {
    const blocks = this.#blocks;
    let low = 1;
    let high = blocks.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      const block = blocks[mid];
      if (this.#isBefore(block.firsts[0], block.leaves[0], 0)) low = mid + 1;
      else high = mid;
    }
    this.#block = low - 1;
    const { leaves, firsts, counts } = blocks[low - 1];
    low = 1;
    high = leaves.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.#isBefore(firsts[mid], leaves[mid], 0)) low = mid + 1;
      else high = mid;
    }
    this.#leaf = low - 1;
    const leaf = leaves[low - 1];
    const { scores } = leaf;
    high = counts[low - 1];
    low = 0;
    // What comes in order comes at the end.
    if (high > 0 && this.#isBefore(scores[high - 1], leaf, high - 1)) low = high;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.#isBefore(scores[mid], leaf, mid)) low = mid + 1;
      else high = mid;
    }
    this.#offset = low;
  }

  #entryHere(): Entry {
    const block = this.#blocks[this.#block];
    if (this.#offset < block.counts[this.#leaf]) {
      return block.leaves[this.#leaf].entries[this.#offset];
    }
    // The element is the next leaf's first: no leaf before it begins before it, save this one.
    this.#offset = 0;
    if (++this.#leaf === block.leaves.length) {
      this.#leaf = 0;
      if (++this.#block === this.#blocks.length) return 0;
    }
    return this.#blocks[this.#block].leaves[this.#leaf].entries[0];
  }

  #rankHere(): number {
    let rank = this.#offset;
    for (let i = 0; i < this.#block; i++) rank += this.#blocks[i].total;
    const { counts } = this.#blocks[this.#block];
    for (let i = 0; i < this.#leaf; i++) rank += counts[i];
    return rank;
  }

  #seekRank(rank: number): void {
    assert(rank >= 0 && rank < this.#size, "a rank is that of an element");
    let rest = rank;
    let block = 0;
    while (rest >= this.#blocks[block].total) rest -= this.#blocks[block++].total;
    const { counts, total } = this.#blocks[block];
    let leaf = 0;
    if (rest < total >>> 1) {
      while (rest >= counts[leaf]) rest -= counts[leaf++];
    } else {
      // From the nearer end.
      leaf = counts.length;
      let before = total;
      while (before > rest) before -= counts[--leaf];
      rest -= before;
    }
    this.#block = block;
    this.#leaf = leaf;
    this.#offset = rest;
  }

  #addLeaf(block: Block, index: number, leaf: Leaf, count: number): void {
    block.insert(index, leaf, count);
    this.#leaves++;
    this.#bufferBytes += leaf.scores.length * 12;
  }

  #removeLeaf(block: Block, index: number): void {
    this.#leaves--;
    this.#bufferBytes -= block.leaves[index].scores.length * 12;
    block.remove(index);
  }

  #resizeLeaf(leaf: Leaf, capacity: number, count: number): void {
    this.#bufferBytes += (capacity - leaf.scores.length) * 12;
    leaf.resize(capacity, count);
  }

  /** Makes room for one more element where the search ended, which may move by that. */
  #makeRoom(): void {
    const block = this.#blocks[this.#block];
    const leaf = block.leaves[this.#leaf];
    const count = block.counts[this.#leaf];
    const capacity = leaf.scores.length;
    if (count < capacity) return;
    if (capacity < LEAF_MAX) {
      const grown = capacity < LEAF_STEP ? capacity * 2 : capacity + LEAF_STEP;
      this.#resizeLeaf(leaf, Math.min(grown, LEAF_MAX), count);
      return;
    }
    if (block.leaves.length === BLOCK_MAX) this.#splitBlock();
    this.#splitLeaf();
  }

  #splitBlock(): void {
    const block = this.#blocks[this.#block];
    const half = BLOCK_MAX >>> 1;
    const upper = new Block();
    block.moveTo(upper, half);
    this.#blocks.splice(this.#block + 1, 0, upper);
    if (this.#leaf < half) return;
    this.#leaf -= half;
    this.#block++;
  }

  /** Splits the full leaf the search ended in: in halves, or at its end when that is the order's. */
  #splitLeaf(): void {
    const block = this.#blocks[this.#block];
    const index = this.#leaf;
    const leaf = block.leaves[index];
    const isLast = this.#block === this.#blocks.length - 1 && index === block.leaves.length - 1;
    if (isLast && this.#offset === LEAF_MAX) {
      this.#addLeaf(block, index + 1, new Leaf(LEAF_STEP), 0);
      this.#leaf++;
      this.#offset = 0;
      return;
    }
    if (this.#block === 0 && index === 0 && this.#offset === 0) {
      this.#addLeaf(block, 0, new Leaf(LEAF_STEP), 0);
      return;
    }
    const half = LEAF_MAX >>> 1;
    const upper = new Leaf(half + LEAF_STEP);
    upper.take(0, leaf, half, LEAF_MAX);
    this.#addLeaf(block, index + 1, upper, LEAF_MAX - half);
    block.counts[index] = half;
    block.total -= LEAF_MAX - half;
    this.#resizeLeaf(leaf, half + LEAF_STEP, half);
    if (this.#offset <= half) return;
    this.#offset -= half;
    this.#leaf++;
  }

  /** Takes out elements of one leaf from where the search ended. */
  #cut(removed: number): void {
    const block = this.#blocks[this.#block];
    const index = this.#leaf;
    const leaf = block.leaves[index];
    const offset = this.#offset;
    const before = block.counts[index];
    const count = before - removed;
    leaf.scores.copyWithin(offset, offset + removed, before);
    leaf.entries.copyWithin(offset, offset + removed, before);
    block.counts[index] = count;
    block.total -= removed;
    this.#size -= removed;
    if (offset === 0) block.firsts[index] = leaf.scores[0];
    if (count < LEAF_MIN) this.#tidyLeaf(block, index, count);
  }

  /** A leaf that is nearly empty joins a neighbour, or gives back memory; an empty one goes. */
  #tidyLeaf(block: Block, index: number, count: number): void {
    const { counts, leaves } = block;
    if (count === 0) {
      if (this.#leaves > 1) this.#removeLeaf(block, index);
    } else if (index + 1 < leaves.length && count + counts[index + 1] <= LEAF_JOIN) {
      this.#joinLeaves(block, index);
    } else if (index > 0 && count + counts[index - 1] <= LEAF_JOIN) {
      this.#joinLeaves(block, index - 1);
    } else if (leaves[index].scores.length > 2 * LEAF_MIN) {
      this.#resizeLeaf(leaves[index], LEAF_MIN + LEAF_STEP / 2, count);
    }
    if (leaves.length < BLOCK_MIN && this.#blocks.length > 1) this.#tidyBlock();
  }

  #joinLeaves(block: Block, index: number): void {
    const { counts, leaves } = block;
    const count = counts[index];
    const more = counts[index + 1];
    const leaf = leaves[index];
    if (leaf.scores.length < count + more) this.#resizeLeaf(leaf, LEAF_JOIN, count);
    leaf.take(count, leaves[index + 1], 0, more);
    this.#removeLeaf(block, index + 1);
    counts[index] += more;
    block.total += more;
  }

  #tidyBlock(): void {
    const blocks = this.#blocks;
    const index = this.#block;
    const here = blocks[index].leaves.length;
    if (here === 0) {
      blocks.splice(index, 1);
    } else if (index + 1 < blocks.length && here + blocks[index + 1].leaves.length <= BLOCK_JOIN) {
      blocks[index + 1].moveTo(blocks[index], 0);
      blocks.splice(index + 1, 1);
    } else if (index > 0 && here + blocks[index - 1].leaves.length <= BLOCK_JOIN) {
      blocks[index].moveTo(blocks[index - 1], 0);
      blocks.splice(index, 1);
    }
  }
}

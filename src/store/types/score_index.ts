/**
 * Records in the order of a sorted set: by score, then by key as bytes. It is what the skiplist is in
 * Redis (`t_zset.c zslInsert`, `zslGetRank`), and answers the same: insert, remove, rank, range.
 *
 * ```
 *  index   [ block | block | ... ]              in order, always one at least
 *  block   [ leaf | leaf | ... ]  up to 512     with each leaf's first score and count, and a total
 *  leaf    [ element | element ... ]  up to 256  scores, then entries, in one buffer
 * ```
 *
 * A skiplist's nodes are objects that a walk jumps between, a cache miss each. Here a search is three
 * binary searches, of blocks, leaves and elements, over scores that lie side by side; only where scores
 * are equal are keys compared, in the slab. Ranks are counted, not stored: a rank adds up the totals of
 * the blocks before (some 200 for ten million elements) and the counts of one block's leaves.
 *
 * A full leaf splits, a nearly empty one joins its neighbour, and so do blocks: no write moves more than a
 * few kilobytes. Between splitting (256) and joining (at most 192 together) lies room, so that a write and
 * its reverse do not split and join in turn. Elements that come in order, from either end, fill leaves to
 * the brim.
 *
 * An index of the feed (`feed/index_rows.ts`) is sorted by more than that: its score is the beginning of a sort key, which
 * a record has for each of its indexes. There the bytes that follow lie beside the score as a second number, so that keys
 * that begin alike are compared in the leaf, too.
 *
 * The index owns no record: it holds each one's score and its entry in a slab. Whoever moves a record
 * says so with {@linkcode ScoreIndex.relocate}. A NaN has no place in an order: no score is one.
 *
 * @module
 */

import { compareBytes } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import {
  type Entry,
  keyLengthAt,
  prefixBytes,
  SEGMENT_SHIFT,
  UNIT_MASK,
} from "../memory/record.ts";
import type { Slab } from "../memory/slab.ts";
import { Block, Leaf, LEAF_MAX } from "./score_block.ts";

/** Elements that the first leaf has room for; it doubles until it has a step. */
const LEAF_FIRST = 16;
/** By so many elements a longer leaf grows, up to its limit. */
const LEAF_STEP = 64;
/** A leaf with fewer elements looks for a neighbour to join. */
const LEAF_MIN = 64;
/** Two neighbours of together no more elements than this become one, which has room for further ones. */
const LEAF_JOIN = 192;
/** A block with as many leaves is cut in halves before it gets another one. */
const BLOCK_MAX = 512;
/** A block with fewer leaves looks for a neighbour to join. */
const BLOCK_MIN = 128;
/** Two neighbours of together no more leaves than this become one. */
const BLOCK_JOIN = 384;
/** Leaves of a block that is made in one go: there is room for more before it is cut. */
const BLOCK_FILL = 384;
/** What the engine spends on a leaf beside its buffer, about: three objects. */
const LEAF_OVERHEAD = 256;

/**
 * What a search looks for: the first element that does not come before the bound. An element comes before
 * ELEMENT if its score is lower, or equal and its key lower; before SCORE or KEY if it is lower; before
 * an inclusive bound also if it is equal. Keys alone are a bound where all scores are equal (ZRANGEBYLEX). An element
 * comes before SORT_KEY if its score is lower, or equal and its sort key lower.
 */
const Bound = {
  ELEMENT: 0,
  SCORE: 1,
  SCORE_INCLUSIVE: 2,
  KEY: 3,
  KEY_INCLUSIVE: 4,
  SORT_KEY: 5,
} as const;
type Bound = typeof Bound[keyof typeof Bound];

/** The order of records that have a sort key: by it, then by key. Their scores are its first bytes as a number. */
export interface SortOrder {
  /** How many bytes a score stands for: sort keys agree in them where scores are equal. */
  readonly leadBytes: number;
  /** Points `out` at the sort key of a record. */
  sortKey(entry: Entry, out: BytesRef): void;
  /** The bytes that follow as a number: a sort key with a lower one comes first where scores are equal. */
  next(key: BytesRef): number;
}

/** Called with the score and the entry of one element. */
export type IndexVisitor = (score: number, entry: Entry) => void;

/** Elements in order; see the drawing at the top. */
export class ScoreIndex {
  readonly #slab: Slab;
  readonly #blocks: Block[] = [];
  #size: number = 0;
  #bufferBytes: number = 0;
  #leaves: number = 0;

  // What the search is for: see Bound.
  #bound: Bound = Bound.ELEMENT;
  #score: number = 0;
  #key: Uint8Array = new Uint8Array(0);
  #keyStart: number = 0;
  #keyEnd: number = 0;
  #next: number = 0;
  readonly #order: SortOrder | undefined;
  readonly #sort: BytesRef = new BytesRef();
  readonly #compared: BytesRef = new BytesRef();

  // What `prepend` has put aside: full leaves from the highest scores to the lowest. The newest is filled
  // from its end down to #runAt.
  readonly #run: Leaf[] = [];
  #runAt: number = 0;

  // Where the last search ended: at the first element that is not before the bound, or, where that is the
  // first of its leaf, behind the last element of the leaf before.
  #block: number = 0;
  #leaf: number = 0;
  #offset: number = 0;

  /**
   * An index without members.
   *
   * @param slab Where the records lie, whose keys are compared.
   * @param order What is compared before the keys; nothing unless given.
   */
  constructor(slab: Slab, order?: SortOrder) {
    this.#slab = slab;
    this.#order = order;
    const block = new Block();
    this.#blocks.push(block);
    this.#addLeaf(block, 0, this.#newLeaf(LEAF_FIRST), 0);
  }

  /** How many elements there are. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the leaves, and about what their objects take. */
  get bytes(): number {
    return this.#bufferBytes + this.#leaves * LEAF_OVERHEAD;
  }

  /** Adds a record that is not in the index (`zslInsert`). O(log n), and a leaf's elements move. */
  insert(score: number, entry: Entry): void {
    assert(this.#run.length === 0, "what was prepended is settled");
    this.#searchElement(score, entry);
    this.#makeRoom();
    const block = this.#blocks[this.#block];
    const leaf = block.leaves[this.#leaf];
    const count = block.counts[this.#leaf];
    const offset = this.#offset;
    assert(count < leaf.scores.length, "there is room for one more element");
    if (offset < count) leaf.move(offset + 1, offset, count);
    leaf.scores[offset] = score;
    leaf.entries[offset] = entry;
    if (leaf.nexts !== undefined) leaf.nexts[offset] = this.#next;
    if (offset === 0) block.firsts[this.#leaf] = score;
    block.counts[this.#leaf] = count + 1;
    block.total++;
    this.#size++;
  }

  /**
   * Adds a record to an empty index, or before the one that this added last: for loading, as a snapshot
   * holds sorted sets from the highest score to the lowest. No search is needed, and leaves are made full.
   * {@linkcode ScoreIndex.settle} must be called before anything else.
   *
   * @returns False, and nothing added, when the record does not come before the last one.
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
      run.push(this.#newLeaf(LEAF_MAX));
      this.#runAt = LEAF_MAX;
    }
    const leaf = run[run.length - 1];
    leaf.scores[--this.#runAt] = score;
    leaf.entries[this.#runAt] = entry;
    if (leaf.nexts !== undefined) {
      this.#order!.sortKey(entry, this.#sort);
      leaf.nexts[this.#runAt] = this.#order!.next(this.#sort);
    }
    return true;
  }

  /**
   * Makes the records that were prepended the index's elements; does nothing when there are none.
   *
   * @param leaves How many leaves at most this call puts in their place, all unless given.
   * @returns True when none is left; until then nothing else may be called.
   */
  settle(leaves: number = Infinity): boolean {
    const run = this.#run;
    if (run.length === 0) return true;
    // The index was empty: it has a size once its first leaf is in place.
    if (this.#size === 0) this.#settleFirst();
    let block = this.#blocks[this.#blocks.length - 1];
    for (; run.length > 0 && leaves > 0; leaves--) {
      if (block.leaves.length === BLOCK_FILL) this.#blocks.push(block = new Block());
      this.#addLeaf(block, block.leaves.length, run.pop()!, LEAF_MAX);
    }
    return run.length === 0;
  }

  /** Puts the lowest leaf that was prepended in the place of the empty one. */
  #settleFirst(): void {
    const run = this.#run;
    const first = run.pop()!;
    const count = LEAF_MAX - this.#runAt;
    first.move(0, this.#runAt, LEAF_MAX);
    if (count <= LEAF_MAX - LEAF_STEP) first.resize(count, count);
    this.#leaves = 0;
    this.#bufferBytes = 0;
    this.#size = run.length * LEAF_MAX + count;
    const block = new Block();
    this.#blocks[0] = block;
    this.#addLeaf(block, 0, first, count);
    this.#runAt = 0;
  }

  /**
   * How many other elements have the score and the sort key of one that is in the index: 0, 1, or 2 for more. Right
   * after `insert` of that element no search is needed.
   *
   * @param inserted True when the element is the one that was inserted last, and nothing was done since.
   */
  sharers(score: number, entry: Entry, inserted: boolean): number {
    if (!inserted) {
      this.#searchElement(score, entry);
      this.#entryHere();
    }
    this.#setKey(entry);
    const before = this.#sharersBeside(score, -1);
    return before === 2 ? 2 : Math.min(before + this.#sharersBeside(score, 1), 2);
  }

  /** Takes out a record, which is found by the score that it was added with (`zslDelete`). */
  remove(score: number, entry: Entry): void {
    this.#searchElement(score, entry);
    assert(this.#entryHere() === entry, "the record is in the index");
    this.#cut(1);
  }

  /** Follows a record that has moved in the slab: its content must be at `to` already. */
  relocate(score: number, from: Entry, to: Entry): void {
    this.#searchElement(score, to);
    assert(this.#entryHere() === from, "the record is in the index");
    this.#blocks[this.#block].leaves[this.#leaf].entries[this.#offset] = to;
  }

  /** How many elements come before a record that is in the index (`zslGetRank`, which counts from 1). */
  rankOf(score: number, entry: Entry): number {
    this.#searchElement(score, entry);
    return this.#rankHere();
  }

  /** How many elements have a score below `score`, or with `inclusive` up to it. */
  countBelow(score: number, inclusive: boolean): number {
    this.#bound = inclusive ? Bound.SCORE_INCLUSIVE : Bound.SCORE;
    this.#score = score;
    this.#search();
    return this.#rankHere();
  }

  /** How many elements have a key below this one, or with `inclusive` up to it: where all scores are equal. */
  countBelowKey(bytes: Uint8Array, start: number, end: number, inclusive: boolean): number {
    this.#bound = inclusive ? Bound.KEY_INCLUSIVE : Bound.KEY;
    this.#key = bytes;
    this.#keyStart = start;
    this.#keyEnd = end;
    this.#search();
    return this.#rankHere();
  }

  /** How many elements come before this score and sort key. */
  countBelowSortKey(score: number, bytes: Uint8Array, start: number, end: number): number {
    this.#bound = Bound.SORT_KEY;
    this.#score = score;
    this.#sort.set(bytes, start, end);
    this.#next = this.#order!.next(this.#sort);
    this.#search();
    return this.#rankHere();
  }

  /**
   * Visits `count` elements from `rank` on, upwards or downwards: all of them must be there. `visit` must
   * not change the index.
   */
  each(rank: number, count: number, reverse: boolean, visit: IndexVisitor): void {
    if (count <= 0) return;
    assert(
      reverse ? count <= rank + 1 : rank + count <= this.#size,
      "a range lies within the index",
    );
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

  /** Takes out `count` elements from `rank` on (`zslDeleteRangeByRank`); each is visited before it goes. */
  removeRange(rank: number, count: number, visit: IndexVisitor): void {
    assert(rank + count <= this.#size, "what is removed lies within the index");
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

  /** How many neighbours of the place at hand, on one side, have this score and the sort key in `#sort`, up to 2. */
  #sharersBeside(score: number, step: number): number {
    let block = this.#block;
    let leaf = this.#leaf;
    let offset = this.#offset + step;
    for (let count = 0; count < 2; count++, offset += step) {
      if (offset < 0 || offset === this.#blocks[block].counts[leaf]) {
        leaf += step;
        if (leaf < 0 || leaf === this.#blocks[block].leaves.length) {
          block += step;
          if (block < 0 || block === this.#blocks.length) return count;
          leaf = step < 0 ? this.#blocks[block].leaves.length - 1 : 0;
        }
        offset = step < 0 ? this.#blocks[block].counts[leaf] - 1 : 0;
      }
      const beside = this.#blocks[block].leaves[leaf];
      if (beside.scores[offset] !== score) return count;
      if (this.#compareSortKeyAt(beside, offset) !== 0) return count;
    }
    return 2;
  }

  /** Order of the keys of two records. */
  #compareEntries(a: Entry, b: Entry): number {
    this.#setKey(b);
    return this.#compareKey(a);
  }

  /** Makes a record's key the one that is searched for. */
  #setKey(entry: Entry): void {
    if (this.#order !== undefined) {
      this.#order.sortKey(entry, this.#sort);
      this.#next = this.#order.next(this.#sort);
    }
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[slot];
    this.#key = this.#slab.bytes[slot];
    this.#keyStart = (unit << 3) + prefixBytes(words[unit << 1]);
    this.#keyEnd = this.#keyStart + keyLengthAt(words, unit << 1);
  }

  /** Searches for the place of a record, which may be in the index or not. */
  #searchElement(score: number, entry: Entry): void {
    this.#bound = Bound.ELEMENT;
    this.#score = score;
    this.#setKey(entry);
    this.#search();
  }

  /** Order of the element at `offset` of a leaf and the record that is searched for, whose score is the same. */
  #compareAt({ entries, nexts }: Leaf, offset: number): number {
    const order = nexts === undefined ? 0 : nexts[offset] - this.#next;
    return order === 0 ? this.#compareKey(entries[offset]) : order;
  }

  /** Order of the sort key of an element and the one that is searched for, whose score is the same. */
  #compareSortKeyAt({ entries, nexts }: Leaf, offset: number): number {
    const order = nexts![offset] - this.#next;
    return order === 0 ? this.#compareSortKey(entries[offset]) : order;
  }

  /** Order of a record's key and the one that is searched for. */
  #compareKey(entry: Entry): number {
    if (this.#order !== undefined) {
      const order = this.#compareSortKey(entry);
      if (order !== 0) return order;
    }
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

  /** Order of a record's sort key and the one that is searched for. */
  #compareSortKey(entry: Entry): number {
    const a = this.#compared;
    const b = this.#sort;
    this.#order!.sortKey(entry, a);
    const shorter = Math.min(a.end - a.start, b.end - b.start);
    const equal = Math.min(this.#order!.leadBytes, shorter);
    return compareBytes(a.bytes, a.start + equal, a.end, b.bytes, b.start + equal, b.end);
  }

  /** Whether the element at `offset` of a leaf, whose score is `score`, comes before the bound. */
  #isBefore(score: number, leaf: Leaf, offset: number): boolean {
    switch (this.#bound) {
      case Bound.ELEMENT:
        return score < this.#score ||
          (score === this.#score && this.#compareAt(leaf, offset) < 0);
      case Bound.SCORE:
        return score < this.#score;
      case Bound.SCORE_INCLUSIVE:
        return score <= this.#score;
      case Bound.SORT_KEY:
        return score < this.#score ||
          (score === this.#score && this.#compareSortKeyAt(leaf, offset) < 0);
      case Bound.KEY:
        return this.#compareKey(leaf.entries[offset]) < 0;
      default:
        return this.#compareKey(leaf.entries[offset]) <= 0;
    }
  }

  /**
   * Finds where the bound lies: in the last block that begins before it, and there in the last leaf that
   * does; in the first, if none does. Leaves that are empty stand alone: their first score says nothing.
   */
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
    // Elements that are added in order belong behind the last one: one comparison tells.
    if (high > 0 && this.#isBefore(scores[high - 1], leaf, high - 1)) low = high;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.#isBefore(scores[mid], leaf, mid)) low = mid + 1;
      else high = mid;
    }
    this.#offset = low;
  }

  /** The element where the search ended, 0 when there is none; moves to the next leaf if it is there. */
  #entryHere(): Entry {
    const block = this.#blocks[this.#block];
    if (this.#offset < block.counts[this.#leaf]) {
      return block.leaves[this.#leaf].entries[this.#offset];
    }
    // The search stops in the last leaf that begins before the bound: the bound itself may begin the next.
    this.#offset = 0;
    if (++this.#leaf === block.leaves.length) {
      this.#leaf = 0;
      if (++this.#block === this.#blocks.length) return 0;
    }
    return this.#blocks[this.#block].leaves[this.#leaf].entries[0];
  }

  /** How many elements come before the place where the search ended. */
  #rankHere(): number {
    let rank = this.#offset;
    for (let i = 0; i < this.#block; i++) rank += this.#blocks[i].total;
    const { counts } = this.#blocks[this.#block];
    for (let i = 0; i < this.#leaf; i++) rank += counts[i];
    return rank;
  }

  /** Points at the element of a rank, as a search does; leaves are passed over from the nearer end. */
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
      leaf = counts.length;
      let before = total;
      while (before > rest) before -= counts[--leaf];
      rest -= before;
    }
    this.#block = block;
    this.#leaf = leaf;
    this.#offset = rest;
  }

  #newLeaf(capacity: number): Leaf {
    return new Leaf(capacity, this.#order !== undefined);
  }

  /** Puts a leaf into a block and counts its memory. */
  #addLeaf(block: Block, index: number, leaf: Leaf, count: number): void {
    block.insert(index, leaf, count);
    this.#leaves++;
    this.#bufferBytes += leaf.bytes;
  }

  /** Takes a leaf out of its block and no longer counts its memory. */
  #removeLeaf(block: Block, index: number): void {
    this.#leaves--;
    this.#bufferBytes -= block.leaves[index].bytes;
    block.remove(index);
  }

  #resizeLeaf(leaf: Leaf, capacity: number, count: number): void {
    this.#bufferBytes -= leaf.bytes;
    leaf.resize(capacity, count);
    this.#bufferBytes += leaf.bytes;
  }

  /** Makes room for one more element where the search ended; that place may then be in another leaf. */
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

  /** Cuts the full block that the search ended in, in halves. */
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

  /**
   * Cuts the full leaf that the search ended in. In halves amid the index; at its very end, or before its
   * very first element, an empty leaf is put beside it instead: elements come in order there, and a half
   * would stay half full.
   */
  #splitLeaf(): void {
    const block = this.#blocks[this.#block];
    const index = this.#leaf;
    const leaf = block.leaves[index];
    const isLast = this.#block === this.#blocks.length - 1 && index === block.leaves.length - 1;
    if (isLast && this.#offset === LEAF_MAX) {
      this.#addLeaf(block, index + 1, this.#newLeaf(LEAF_STEP), 0);
      this.#leaf++;
      this.#offset = 0;
      return;
    }
    if (this.#block === 0 && index === 0 && this.#offset === 0) {
      this.#addLeaf(block, 0, this.#newLeaf(LEAF_STEP), 0);
      return;
    }
    const half = LEAF_MAX >>> 1;
    const upper = this.#newLeaf(half + LEAF_STEP);
    upper.take(0, leaf, half, LEAF_MAX);
    this.#addLeaf(block, index + 1, upper, LEAF_MAX - half);
    block.counts[index] = half;
    block.total -= LEAF_MAX - half;
    this.#resizeLeaf(leaf, half + LEAF_STEP, half);
    if (this.#offset <= half) return;
    this.#offset -= half;
    this.#leaf++;
  }

  /** Takes out `removed` elements from where the search ended; all of them lie in that leaf. */
  #cut(removed: number): void {
    const block = this.#blocks[this.#block];
    const index = this.#leaf;
    const leaf = block.leaves[index];
    const offset = this.#offset;
    const before = block.counts[index];
    const count = before - removed;
    assert(offset + removed <= before, "elements that go lie in one leaf");
    leaf.move(offset, offset + removed, before);
    block.counts[index] = count;
    block.total -= removed;
    this.#size -= removed;
    if (offset === 0) block.firsts[index] = leaf.scores[0];
    if (count < LEAF_MIN) this.#tidyLeaf(block, index, count);
  }

  /** Joins a leaf that is nearly empty to a neighbour, or else gives back memory; removes an empty one. */
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

  /** Appends the leaf behind the one at `index` to it. */
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

  /** Joins the block that the search ended in, which has few leaves, to a neighbour; removes an empty one. */
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

/**
 * The parts of a {@linkcode ScoreIndex}: leaves of elements, and blocks of leaves. They hold and move
 * what they are told; what belongs where is the index's business.
 *
 * ```
 *  leaf     float64 score | score | ... | u32 entry | entry | ...      one buffer, 12 bytes an element
 *  or       float64 score | ... | float64 next | ... | u32 entry | ...  20 bytes, for records that have a sort key
 *  block    leaves, and of each: its count of elements and the score it begins with
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { allocate } from "../memory/allocate.ts";

/** Most elements of a leaf: moving half of them, 1.5 KB, costs about what a search does. */
export const LEAF_MAX = 256;
/** Bytes of an element in a leaf: its score and its entry. */
const ELEMENT_BYTES = 12;
/** The same with the number that follows the score. */
const LONG_ELEMENT_BYTES = 20;

/** Neighbouring elements in order; how many there are its block knows. */
export class Leaf {
  /** Scores, ascending; room behind the last one. */
  scores: Float64Array;
  /** Entries of the records, each at its score's index. */
  entries: Uint32Array;
  /** What elements of equal score are compared by first; undefined where that is their keys. */
  nexts: Float64Array | undefined;

  /** Makes a leaf with room for `capacity` elements. @param isLong Whether it has `nexts`. */
  constructor(capacity: number, isLong: boolean) {
    const buffer = allocate(capacity * (isLong ? LONG_ELEMENT_BYTES : ELEMENT_BYTES));
    this.scores = new Float64Array(buffer, 0, capacity);
    this.entries = new Uint32Array(buffer, capacity * (isLong ? 16 : 8), capacity);
    this.nexts = isLong ? new Float64Array(buffer, capacity * 8, capacity) : undefined;
  }

  /** Bytes of the buffer. */
  get bytes(): number {
    return this.scores.buffer.byteLength;
  }

  /** Moves the first `count` elements to a buffer with room for `capacity`. */
  resize(capacity: number, count: number): void {
    assert(count <= capacity && capacity <= LEAF_MAX, "a leaf has room for its elements");
    const grown = new Leaf(capacity, this.nexts !== undefined);
    grown.take(0, this, 0, count);
    this.scores = grown.scores;
    this.entries = grown.entries;
    this.nexts = grown.nexts;
  }

  /** Moves elements `[start, end)` to `at`, where there is room. */
  move(at: number, start: number, end: number): void {
    this.scores.copyWithin(at, start, end);
    this.entries.copyWithin(at, start, end);
    this.nexts?.copyWithin(at, start, end);
  }

  /** Copies elements `[start, end)` of another leaf to `at`, where there is room. */
  take(at: number, source: Leaf, start: number, end: number): void {
    this.scores.set(source.scores.subarray(start, end), at);
    this.entries.set(source.entries.subarray(start, end), at);
    this.nexts?.set(source.nexts!.subarray(start, end), at);
  }
}

/** Neighbouring leaves in order: three arrays of one length. */
export class Block {
  /** The leaves. None is empty, but the only one of an empty index. */
  readonly leaves: Leaf[] = [];
  /** How many elements each leaf has. */
  readonly counts: number[] = [];
  /** The score each leaf begins with. */
  readonly firsts: number[] = [];
  /** How many elements all leaves have. */
  total: number = 0;

  /** Puts a leaf of `count` elements at `index`. */
  insert(index: number, leaf: Leaf, count: number): void {
    assert(count <= leaf.scores.length, "a leaf has room for its elements");
    this.leaves.splice(index, 0, leaf);
    this.counts.splice(index, 0, count);
    this.firsts.splice(index, 0, leaf.scores[0]);
    this.total += count;
  }

  /** Takes the leaf at `index` out, with its elements. */
  remove(index: number): void {
    this.total -= this.counts[index];
    this.leaves.splice(index, 1);
    this.counts.splice(index, 1);
    this.firsts.splice(index, 1);
    assert(this.total >= 0, "no more elements go than there were");
  }

  /** Moves the leaves from `start` on to the end of another block. */
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

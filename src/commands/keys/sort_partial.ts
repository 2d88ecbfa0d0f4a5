/**
 * The sort of SORT with BY and LIMIT, which puts only a range of ranks in order: Bentley and McIlroy's
 * quicksort, "Engineering a Sort Function" (1993), as `pqsort.c` has it. The sort is not stable: where
 * weights are equal, its exact steps decide which element comes first. A replica that applies
 * `SORT ... STORE` must take the same steps as its master, or the two store different lists. Every
 * comparison and swap below is therefore `pqsort.c`'s, in its order.
 *
 * During one partition a run of `order` looks like this; at the end both runs of equal elements are swapped
 * into the middle:
 *
 *     from        equalFirst     low        high     equalLast     to
 *     | = pivot   | < pivot      | unknown  | > pivot    | = pivot |
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Steps } from "../engine/long_read.ts";

/** Runs of fewer elements are sorted by insertion. */
const FEW = 7;
/** In runs of more elements the pivot is the median of three medians. */
const MANY = 40;
/** How many elements are compared with the pivot in one step. */
const COMPARED_A_STEP = 512;

/**
 * Negative when element `a` comes before `b`, zero when their weights are equal, positive when it comes
 * after.
 */
export type CompareElements = (a: number, b: number) => number;

/**
 * Moves elements until ranks `[start, end)` hold what they hold in full order; the other ranks keep some
 * order (`pqsort.c pqsort`); in steps. Elements are numbers that only `compare` interprets.
 *
 * Runs that are still to be sorted are kept in an array instead of on the call stack: a quicksort recurses
 * as often as there are elements when every pivot is bad.
 */
export function* sortPartially(
  order: Int32Array,
  start: number,
  end: number,
  compare: CompareElements,
): Steps {
  assert(start >= 0 && end <= order.length, "the range of ranks lies among the elements");
  if (start >= end) return;
  const runs = [0, order.length];
  while (runs.length > 0) {
    const to = runs.pop()!;
    const from = runs.pop()!;
    if (to - from < FEW) insertAll(order, from, to, compare);
    else yield* partition(order, from, to, start, end, compare, runs);
  }
}

/**
 * Splits run `[from, to)` into elements below, equal to and above a pivot, and pushes those of the outer
 * two that overlap ranks `[start, end)` and have more than one element.
 */
function* partition(
  order: Int32Array,
  from: number,
  to: number,
  start: number,
  end: number,
  compare: CompareElements,
  runs: number[],
): Steps {
  swap(order, from, pivotOf(order, from, to, compare));
  const pivot = order[from];
  // Elements equal to the pivot gather at both ends: [from, equalFirst) and (equalLast, to).
  let equalFirst = from + 1;
  let equalLast = to - 1;
  let low = equalFirst;
  let high = equalLast;
  for (;;) {
    for (; low <= high; low++) {
      const sign = compare(order[low], pivot);
      if (sign > 0) break;
      if (low % COMPARED_A_STEP === 0) yield;
      if (sign === 0) swap(order, equalFirst++, low);
    }
    for (; low <= high; high--) {
      const sign = compare(order[high], pivot);
      if (sign < 0) break;
      if (high % COMPARED_A_STEP === 0) yield;
      if (sign === 0) swap(order, high, equalLast--);
    }
    if (low > high) break;
    swap(order, low++, high--);
    if (low % COMPARED_A_STEP === 0) yield;
  }
  assert(low === high + 1, "every element of the run is compared");
  const below = low - equalFirst;
  const above = equalLast - high;
  const first = Math.min(equalFirst - from, below);
  swapRuns(order, from, low - first, first);
  const last = Math.min(above, to - 1 - equalLast);
  swapRuns(order, low, to - last, last);
  if (below > 1 && start < from + below && end > from) runs.push(from, from + below);
  if (above > 1 && start < to && end > to - above) runs.push(to - above, to);
}

/**
 * The index of the pivot: the middle of 7 elements, else a median of three, or of three medians in a long
 * run.
 */
function pivotOf(
  order: Int32Array,
  from: number,
  to: number,
  compare: CompareElements,
): number {
  const count = to - from;
  let middle = from + (count >>> 1);
  if (count === FEW) return middle;
  let first = from;
  let last = to - 1;
  if (count > MANY) {
    const eighth = count >>> 3;
    first = medianOf(order, first, first + eighth, first + 2 * eighth, compare);
    middle = medianOf(order, middle - eighth, middle, middle + eighth, compare);
    last = medianOf(order, last - 2 * eighth, last - eighth, last, compare);
  }
  return medianOf(order, first, middle, last, compare);
}

/** Of three indexes the one whose element lies between the others (`pqsort.c med3`). */
function medianOf(
  order: Int32Array,
  a: number,
  b: number,
  c: number,
  compare: CompareElements,
): number {
  const between = compare(order[b], order[c]);
  if (compare(order[a], order[b]) < 0) {
    if (between < 0) return b;
    return compare(order[a], order[c]) < 0 ? c : a;
  }
  if (between > 0) return b;
  return compare(order[a], order[c]) < 0 ? a : c;
}

/** Sorts a short run by insertion. */
function insertAll(order: Int32Array, from: number, to: number, compare: CompareElements): void {
  for (let i = from + 1; i < to; i++) {
    for (let at = i; at > from && compare(order[at - 1], order[at]) > 0; at--) {
      swap(order, at, at - 1);
    }
  }
}

/** Swaps `count` elements from index `a` on with those from index `b` on; the two runs do not overlap. */
function swapRuns(order: Int32Array, a: number, b: number, count: number): void {
  for (let i = 0; i < count; i++) swap(order, a + i, b + i);
}

function swap(order: Int32Array, a: number, b: number): void {
  const kept = order[a];
  order[a] = order[b];
  order[b] = kept;
}

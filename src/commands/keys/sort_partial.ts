/**
 * The sort that SORT with BY and LIMIT uses, of which only a range of ranks comes out in order: Bentley
 * and McIlroy's quicksort, as `pqsort.c` takes it. It is not stable, and where weights are equal its
 * steps alone decide what comes first: a replica has to take the same steps to store the same list.
 *
 * @module
 */

/** Below so many elements are inserted one by one. */
const FEW = 7;
/** Beyond so many the pivot is the median of three medians. */
const MANY = 40;

/** Negative, zero or positive as element `a` comes before, with or after `b`. */
export type CompareElements = (a: number, b: number) => number;

/**
 * Orders elements so far that ranks `[start, end)` hold what they would hold in full order. Runs left to
 * do are kept in a list: no order of elements exhausts the stack.
 */
export function sortPartially(
  order: Int32Array,
  start: number,
  end: number,
  compare: CompareElements,
): void {
  if (start >= end) return;
  const runs = [0, order.length];
  while (runs.length > 0) {
    const to = runs.pop()!;
    const from = runs.pop()!;
    if (to - from < FEW) insertAll(order, from, to, compare);
    else partition(order, from, to, start, end, compare, runs);
  }
}

/** Splits a run into what is below, like and above its pivot; what is wanted of the first and last is pushed. */
function partition(
  order: Int32Array,
  from: number,
  to: number,
  start: number,
  end: number,
  compare: CompareElements,
  runs: number[],
): void {
  swap(order, from, pivotOf(order, from, to, compare));
  const pivot = order[from];
  // What equals the pivot gathers at both ends: [from, equalFirst) and (equalLast, to).
  let equalFirst = from + 1;
  let equalLast = to - 1;
  let low = equalFirst;
  let high = equalLast;
  for (;;) {
    for (; low <= high; low++) {
      const sign = compare(order[low], pivot);
      if (sign > 0) break;
      if (sign === 0) swap(order, equalFirst++, low);
    }
    for (; low <= high; high--) {
      const sign = compare(order[high], pivot);
      if (sign < 0) break;
      if (sign === 0) swap(order, high, equalLast--);
    }
    if (low > high) break;
    swap(order, low++, high--);
  }
  const below = low - equalFirst;
  const above = equalLast - high;
  const first = Math.min(equalFirst - from, below);
  swapRuns(order, from, low - first, first);
  const last = Math.min(above, to - 1 - equalLast);
  swapRuns(order, low, to - last, last);
  if (below > 1 && start < from + below && end > from) runs.push(from, from + below);
  if (above > 1 && start < to && end > to - above) runs.push(to - above, to);
}

/** Where the element lies that a run is split by. */
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

function insertAll(order: Int32Array, from: number, to: number, compare: CompareElements): void {
  for (let i = from + 1; i < to; i++) {
    for (let at = i; at > from && compare(order[at - 1], order[at]) > 0; at--) {
      swap(order, at, at - 1);
    }
  }
}

function swapRuns(order: Int32Array, a: number, b: number, count: number): void {
  for (let i = 0; i < count; i++) swap(order, a + i, b + i);
}

function swap(order: Int32Array, a: number, b: number): void {
  const kept = order[a];
  order[a] = order[b];
  order[b] = kept;
}

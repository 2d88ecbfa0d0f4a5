/**
 * The sort of SORT where every rank is wanted: a stable merge sort in steps, so that a million elements do not hold
 * the event loop. Redis calls the C library's qsort there; that of most servers, glibc's, is a stable merge sort,
 * too, so that elements whose weights are equal come out alike.
 *
 * ```text
 *   runs of 16, sorted by insertion   | a | b | c | d | e | f |
 *   merged two by two, to and fro     |  ab   |  cd   |  ef   |
 *   between two arrays                |     abcd      |  ef   |
 * ```
 *
 * @module
 */

import type { Steps } from "../engine/long_read.ts";
import type { CompareElements } from "./sort_partial.ts";

/** Elements of the runs that are sorted by insertion. */
const RUN = 16;
/** Elements that one step puts in their places: some ten microseconds of comparing. */
const STEP_ELEMENTS = 512;

/** Puts elements in order, in steps. Elements are numbers that only `compare` interprets. */
export function* sortWholly(order: Int32Array, compare: CompareElements): Steps {
  const { length } = order;
  for (let from = 0; from < length; from += RUN) {
    insertRun(order, from, Math.min(from + RUN, length), compare);
    if (from % (RUN * RUN) === 0) yield;
  }
  let source: Int32Array = order;
  let target: Int32Array = new Int32Array(length);
  for (let width = RUN; width < length; width *= 2) {
    for (let from = 0; from < length; from += 2 * width) {
      const merge = new Merge(source, target, from, width);
      while (!merge.some(compare)) yield;
      yield;
    }
    [source, target] = [target, source];
  }
  if (source !== order) order.set(source);
}

/** Two runs of `source` that are merged into one of `target`. */
class Merge {
  readonly #source: Int32Array;
  readonly #target: Int32Array;
  #left: number;
  readonly #leftEnd: number;
  #right: number;
  readonly #rightEnd: number;
  #out: number;

  /** The runs begin at `from` and `from + width`; the second may be shorter, or empty. */
  constructor(source: Int32Array, target: Int32Array, from: number, width: number) {
    this.#source = source;
    this.#target = target;
    this.#left = from;
    this.#leftEnd = Math.min(from + width, source.length);
    this.#right = this.#leftEnd;
    this.#rightEnd = Math.min(from + 2 * width, source.length);
    this.#out = from;
  }

  /** Puts some more elements in their places; true when all are. */
  some(compare: CompareElements): boolean {
    const source = this.#source;
    const target = this.#target;
    const leftEnd = this.#leftEnd;
    const rightEnd = this.#rightEnd;
    let left = this.#left;
    let right = this.#right;
    let out = this.#out;
    const end = Math.min(out + STEP_ELEMENTS, rightEnd);
    while (out < end) {
      // Of two that are equal the left one comes first: the sort is stable.
      const takesLeft = left < leftEnd &&
        (right >= rightEnd || compare(source[left], source[right]) <= 0);
      target[out++] = takesLeft ? source[left++] : source[right++];
    }
    this.#left = left;
    this.#right = right;
    this.#out = out;
    return out === rightEnd;
  }
}

/** Sorts a short run by insertion. */
function insertRun(order: Int32Array, from: number, to: number, compare: CompareElements): void {
  for (let i = from + 1; i < to; i++) {
    const element = order[i];
    let at = i;
    for (; at > from && compare(order[at - 1], element) > 0; at--) order[at] = order[at - 1];
    order[at] = element;
  }
}

/**
 * The elements of a vector set that are most alike to a vector, found by comparing all of them, some at a time.
 * Between two steps elements may come and go.
 *
 * What Redis answers with `VSIM ... TRUTH` is answered, to the order of elements that are equally far
 * (`hnsw_ground_truth_with_filter`, `pq_push`): elements are seen from the youngest to the oldest, the first
 * `most` of them stand before those seen earlier, all others behind. Only where distances are no numbers, of
 * vectors with infinite ones, Redis has no order that could be told; here they come last.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { Best } from "../../base/best.ts";
import { allocate } from "../memory/allocate.ts";
import {
  distance,
  normalize,
  type Quant,
  quantize,
  vectorBytes,
  type VectorMemory,
  vectorMemory,
} from "./vector_quant.ts";
import type { VectorSet } from "./vector_set.ts";
import { NO_SLOT } from "./vector_slots.ts";

/** Whether the element of a slot may be found. */
export type VectorFilter = (slot: number) => boolean;

/** An element that was found. */
interface Found {
  /** Distance from what is looked for; NaN where a vector has numbers that are none. */
  readonly far: number;
  /** The same, Infinity in place of NaN, so that there is an order. */
  readonly key: number;
  /** Its place among elements that are equally far. */
  readonly rank: number;
  readonly slot: number;
  /** The order of the slot's element: another one may have the slot later. */
  readonly order: number;
}

/** How many of the elements found are sorted in one step. */
const SORTED_A_STEP = 64;

/** One search, from the first comparison to the elements found. */
export class VectorScan {
  readonly #set: VectorSet;
  readonly #filter: VectorFilter | undefined;
  readonly #isFused: boolean;
  readonly #query: VectorMemory;
  readonly #queryRange: number;
  readonly #best: Best<Found>;
  #seen: number = 0; // elements that passed the filter
  #at: number;
  #order: number;

  /**
   * Begins a search.
   *
   * @param vector With the dimensions of the set's own vectors; it is changed.
   * @param most How many elements are kept at most.
   * @param isFused Whether long vectors are compared as AVX2 does: see `distance`.
   */
  constructor(
    set: VectorSet,
    vector: Float32Array,
    most: number,
    filter: VectorFilter | undefined,
    isFused: boolean,
  ) {
    const { quant, dim } = set.form;
    assert(vector.length === dim, "the vector has the dimensions of the set");
    this.#set = set;
    this.#best = new Best(compareFound, Math.min(most, set.size));
    this.#filter = filter;
    this.#isFused = isFused;
    this.#query = queryMemory(quant, dim);
    normalize(vector);
    this.#queryRange = quantize(quant, vector, this.#query, 0);
    this.#at = set.slots.first;
    this.#order = this.#at === NO_SLOT ? 0 : set.slots.orderOf(this.#at);
  }

  /**
   * Compares up to `count` elements, or puts some of those found in order.
   *
   * @returns True when there is no more to do.
   */
  step(count: number): boolean {
    const { slots } = this.#set;
    if (this.#at === NO_SLOT) return this.#best.sort(SORTED_A_STEP);
    if (slots.orderOf(this.#at) !== this.#order) this.#findAgain();
    for (let left = count; left > 0 && this.#at !== NO_SLOT; left--) {
      this.#look(this.#at);
      this.#at = slots.next(this.#at);
    }
    if (this.#at !== NO_SLOT) this.#order = slots.orderOf(this.#at);
    return false;
  }

  /**
   * Calls back with the elements found that are still there, the nearest first, until `visit` answers false.
   * Only once {@linkcode VectorScan.step} has answered true.
   */
  each(visit: (slot: number, distance: number) => boolean): void {
    const { slots } = this.#set;
    for (const { slot, order, far } of this.#best.items) {
      if (slots.orderOf(slot) === order && !visit(slot, far)) return;
    }
  }

  /** The element that came next was removed: goes on with the youngest that is older. */
  #findAgain(): void {
    const { slots } = this.#set;
    let slot = slots.first;
    while (slot !== NO_SLOT && slots.orderOf(slot) > this.#order) slot = slots.next(slot);
    this.#at = slot;
  }

  #look(slot: number): void {
    if (this.#filter !== undefined && !this.#filter(slot)) return;
    const { form: { quant, dim }, slots } = this.#set;
    const memory = slots.memoryOf(slot);
    const range = slots.rangeOf(slot);
    const at = slots.offsetOf(slot);
    const fused = this.#isFused;
    const far = distance(quant, dim, this.#query, 0, this.#queryRange, memory, at, range, fused);
    const best = this.#best;
    const seen = this.#seen++;
    const key = far === far ? far : Infinity;
    if (!best.isFull) {
      best.offer({ far, key, rank: -seen, slot, order: slots.orderOf(slot) });
    } else if (best.worst !== undefined && key < best.worst.key) {
      best.offer({ far, key, rank: seen, slot, order: slots.orderOf(slot) });
    }
  }
}

function compareFound(a: Found, b: Found): number {
  if (a.key < b.key) return -1;
  return a.key > b.key ? 1 : a.rank - b.rank;
}

function queryMemory(quant: Quant, dim: number): VectorMemory {
  return vectorMemory(allocate(Math.ceil(vectorBytes(quant, dim) / 8) * 8));
}

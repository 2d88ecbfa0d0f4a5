/**
 * The best few of many, in order: a heap of those found so far, the worst at its root, that is sorted in place
 * once all have been offered. Both in steps of the caller's length.
 *
 * @module
 */

import { assert } from "./assert.ts";

/** Keeps the best `most` items of those it is offered. */
export class Best<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #most: number;
  readonly #items: T[] = [];
  #unsorted: number = -1; // items that still form a heap; -1 while items are offered

  /**
   * Begins without items.
   *
   * @param compare Below 0 when `a` is better than `b`.
   * @param most How many items are kept at most; Infinity for all.
   */
  constructor(compare: (a: T, b: T) => number, most: number) {
    this.#compare = compare;
    this.#most = most;
  }

  /** The items kept: in no order until {@linkcode Best.sort} has answered true, then the best first. */
  get items(): readonly T[] {
    return this.#items;
  }

  /** Whether an item is kept only in place of another. */
  get isFull(): boolean {
    return this.#items.length >= this.#most;
  }

  /** The worst of the items kept, undefined while there is none. Only before they are sorted. */
  get worst(): T | undefined {
    return this.#items[0];
  }

  /** Keeps an item if it is among the best so far; of two that are equal the one that came first. */
  offer(item: T): void {
    assert(this.#unsorted === -1, "items are offered before they are sorted");
    const items = this.#items;
    if (!this.isFull) {
      items.push(item);
      this.#siftUp(items.length - 1);
    } else if (this.#most > 0 && this.#compare(item, items[0]) < 0) {
      items[0] = item;
      this.#siftDown(items.length);
    }
  }

  /** Sorts up to `count` of the items kept. @returns True when all are sorted. */
  sort(count: number): boolean {
    const items = this.#items;
    if (this.#unsorted === -1) this.#unsorted = items.length;
    for (let left = count; left > 0 && this.#unsorted > 1; left--) {
      const last = --this.#unsorted;
      const worst = items[0];
      items[0] = items[last];
      items[last] = worst;
      this.#siftDown(last);
    }
    return this.#unsorted <= 1;
  }

  #siftUp(from: number): void {
    const items = this.#items;
    const item = items[from];
    let i = from;
    while (i > 0) {
      const parent = (i - 1) >>> 1;
      if (this.#compare(items[parent], item) >= 0) break;
      items[i] = items[parent];
      i = parent;
    }
    items[i] = item;
  }

  #siftDown(count: number): void {
    if (count === 0) return;
    const items = this.#items;
    const item = items[0];
    let i = 0;
    while (true) {
      let child = 2 * i + 1;
      if (child >= count) break;
      if (child + 1 < count && this.#compare(items[child + 1], items[child]) > 0) child++;
      if (this.#compare(item, items[child]) >= 0) break;
      items[i] = items[child];
      i = child;
    }
    items[i] = item;
  }
}

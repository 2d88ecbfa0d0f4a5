/**
 * Random numbers from a seed: the same seed gives the same numbers on every runtime, so that a
 * failed run can be repeated. For tests, jitter and sampling, never for secrets.
 *
 * @module
 */

import { assert } from "./assert.ts";

const UINT32_RANGE = 0x100000000;

/**
 * sfc32 ("small fast counter") by Chris Doty-Humphrey: 128 bits of state, three words that are
 * mixed and a counter that guarantees a period of at least 2^32. It passes his test suite
 * PractRand.
 */
export class Prng {
  #a: number = 0;
  #b: number = 0;
  #c: number = 0;
  #counter: number = 1;

  /**
   * Starts the sequence that belongs to a seed.
   *
   * @param seed Any whole number up to 2^53; equal seeds give equal sequences.
   */
  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / UINT32_RANGE) | 0;
    this.#c = 0x9e3779b9 | 0;
    // Twelve rounds spread a small seed over the whole state.
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** A random whole number in [0, 2^32). */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum >>> 0;
  }

  /** A random number in [0, 1), a multiple of 2^-32. */
  next(): number {
    return this.uint32() / UINT32_RANGE;
  }

  /** A random whole number in [0, `limit`); `limit` is at most 2^32. */
  int(limit: number): number {
    assert(limit > 0 && limit <= UINT32_RANGE, "the limit is between 1 and 2^32");
    return Math.floor(this.next() * limit);
  }

  /** A random whole number in [`low`, `high`], both ends included. */
  between(low: number, high: number): number {
    return low + this.int(high - low + 1);
  }

  /** True with a chance of one in `n`. */
  oneIn(n: number): boolean {
    return this.int(n) === 0;
  }

  /** `count` random bytes in a new array. */
  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = this.uint32() >>> 24;
    return bytes;
  }

  /** One of `items`, each as likely as the others. */
  pick<T>(items: readonly T[]): T {
    assert(items.length > 0, "there is something to pick from");
    return items[this.int(items.length)];
  }

  /** Puts `items` in random order, in place, and returns them (Fisher and Yates). */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }
}

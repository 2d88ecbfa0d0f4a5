/**
 * How often things of certain names came, of a bounded number of names: a peer decides what names there are.
 *
 * @module
 */

/** Most names counted one by one unless told; further names are counted as "*". */
const MAX_NAMES = 100;
/** Longest name; the rest is cut off. */
const MAX_LENGTH = 100;

/** Counts by name: commands of the stream, codes of errors. */
export class NameCounts {
  readonly #counts: Map<string, number> = new Map();
  readonly #maxNames: number;

  /** Has counted nothing. @param maxNames How many names are counted one by one. */
  constructor(maxNames: number = MAX_NAMES) {
    this.#maxNames = maxNames;
  }

  /** Counts one more of that name, or of "*" where as many other names as may be are counted. */
  add(name: string): void {
    const cut = name.slice(0, MAX_LENGTH);
    const counted = this.#counts.has(cut) || this.#counts.size < this.#maxNames ? cut : "*";
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1);
  }

  /** The numbers by name; a copy. */
  toRecord(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}

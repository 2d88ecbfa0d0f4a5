/**
 * How often commands of certain names came, of a bounded number of names: a master decides what names there are.
 *
 * @module
 */

/** Most names counted one by one; commands of further names are counted as "*". */
const MAX_NAMES = 100;
/** Longest name; the rest is cut off. */
const MAX_LENGTH = 100;

/** Commands of the stream, counted by their names. */
export class NameCounts {
  readonly #counts: Map<string, number> = new Map();

  /** Counts one more command of that name, or of "*" where 100 other names are counted. */
  add(name: string): void {
    const cut = name.slice(0, MAX_LENGTH);
    const counted = this.#counts.has(cut) || this.#counts.size < MAX_NAMES ? cut : "*";
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1);
  }

  /** The numbers by name; a copy. */
  toRecord(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}

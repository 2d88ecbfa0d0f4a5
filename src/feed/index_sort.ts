/**
 * Puts the rows of one index in order while it is built: in steps, with a fifth of the work that as many inserts take.
 *
 * ```text
 *  rows ──add──▶ run of 512, sorted ─┐
 *                run of 512, sorted ─┼─ tournament: the highest of all heads ──▶ ScoreIndex, from its end
 *                ...                ─┘
 * ```
 *
 * Rows are compared by two numbers of seven bytes each, the lead and the one that follows it, and only where both are
 * equal by their bytes. The heads of the runs are few: they stay in the processor's cache, where the rows of a search in
 * a large index do not.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { BytesRef } from "../base/byte_buffer.ts";
import type { Entry } from "../store/memory/record.ts";
import { leadOf, nextOf } from "./index_key.ts";

/** Rows of a run, 2 to the power of this: sorting one is the longest step, some 200 microseconds. */
const RUN_SHIFT = 9;
const RUN: number = 1 << RUN_SHIFT;
/**
 * Runs that lie in one array. An array for each run would be thousands of small buffers outside of the heap, which the
 * garbage collector has to visit one by one.
 */
const CHUNK_SHIFT = 7;
const CHUNK_RUNS: number = 1 << CHUNK_SHIFT;
/** Lead of a run that has come to its end: below every other one. */
const ENDED = -1;

const NONE = new Float64Array(0);

/** What a {@linkcode RowSorter} asks about rows. */
export interface SortedRows {
  /** Points `out` at the sort key of a row. */
  sortKeyOf(entry: Entry, out: BytesRef): void;
  /** The order of two rows by sort key and id. */
  compare(a: Entry, b: Entry): number;
}

// The run that is being sorted, of whichever sorter: `endRun` uses them within one step.
const leads = new Float64Array(RUN);
const nexts = new Float64Array(RUN);
let places = new Uint16Array(RUN);
let merged = new Uint16Array(RUN);

/** Sorts rows, which must neither change nor move meanwhile. First all are added, then they are taken. */
export class RowSorter {
  readonly #rows: SortedRows;
  readonly #key: BytesRef;
  /** Each run's rows, from the lowest to the highest: taken from their ends. Run `i` begins at `i << RUN_SHIFT`. */
  readonly #chunks: Uint32Array[] = [];
  #runs: number = 0;
  readonly #filling: Uint32Array = new Uint32Array(RUN);
  #filled: number = 0;

  // The tournament. Of each run its head's two numbers, and how many rows it still has; of each match its loser, and
  // at 0 the winner of all.
  #headLeads: Float64Array = NONE;
  #headNexts: Float64Array = NONE;
  #left: Int32Array = new Int32Array(0);
  #losers: Int32Array = new Int32Array(0);

  /** Has nothing to sort yet. @param key Used for what is compared. */
  constructor(rows: SortedRows, key: BytesRef) {
    this.#rows = rows;
    this.#key = key;
  }

  /** Adds a row. Sorts a run when it is full. */
  add(entry: Entry): void {
    this.#filling[this.#filled++] = entry;
    if (this.#filled === RUN) this.#endRun();
  }

  /** All rows were added: they can be taken. */
  begin(): void {
    const last = this.#filled;
    if (last > 0) this.#endRun();
    const runs = this.#runs;
    this.#headLeads = new Float64Array(runs);
    this.#headNexts = new Float64Array(runs);
    this.#left = new Int32Array(runs).fill(RUN);
    if (last > 0) this.#left[runs - 1] = last;
    this.#losers = new Int32Array(Math.max(runs, 1));
    const winners = new Int32Array(2 * runs);
    for (let run = 0; run < runs; run++) {
      winners[runs + run] = run;
      this.#readHead(run);
    }
    for (let match = runs - 1; match > 0; match--) {
      const a = winners[2 * match];
      const b = winners[2 * match + 1];
      const wins = this.#isAbove(a, b);
      winners[match] = wins ? a : b;
      this.#losers[match] = wins ? b : a;
    }
    if (runs > 0) this.#losers[0] = winners[1];
  }

  /** The lead of the highest row that is left; negative when there is none. */
  get lead(): number {
    return this.#runs === 0 ? ENDED : this.#headLeads[this.#losers[0]];
  }

  /** Takes the highest row that is left: there must be one. */
  take(): Entry {
    const run = this.#losers[0];
    const left = --this.#left[run];
    assert(left >= 0, "what is taken is there");
    const entry = this.#rowAt(run, left);
    this.#readHead(run);
    const losers = this.#losers;
    let winner = run;
    for (let match = (run + this.#runs) >>> 1; match > 0; match >>>= 1) {
      const other = losers[match];
      if (!this.#isAbove(other, winner)) continue;
      losers[match] = winner;
      winner = other;
    }
    losers[0] = winner;
    return entry;
  }

  /** Sorts the run that was filled. */
  #endRun(): void {
    const rows = this.#rows;
    const key = this.#key;
    const filling = this.#filling;
    const count = this.#filled;
    for (let i = 0; i < count; i++) {
      rows.sortKeyOf(filling[i], key);
      leads[i] = leadOf(key.bytes, key.start, key.end);
      nexts[i] = nextOf(key);
      places[i] = i;
    }
    // The array's own sort makes numbers of the heap for each comparison: a third of what a build allocated.
    for (let width = 1; width < count; width *= 2) this.#mergePairs(width, count);
    const run = this.#runs++;
    if ((run & (CHUNK_RUNS - 1)) === 0) this.#chunks.push(new Uint32Array(CHUNK_RUNS * RUN));
    const chunk = this.#chunks[run >>> CHUNK_SHIFT];
    const from = (run & (CHUNK_RUNS - 1)) << RUN_SHIFT;
    for (let i = 0; i < count; i++) chunk[from + i] = filling[places[i]];
    this.#filled = 0;
  }

  /** Merges neighbours of `width` places that are in order each. */
  #mergePairs(width: number, count: number): void {
    const source = places;
    const target = merged;
    for (let start = 0; start < count; start += 2 * width) {
      const middle = Math.min(start + width, count);
      const end = Math.min(middle + width, count);
      let left = start;
      let right = middle;
      for (let at = start; at < end; at++) {
        const takesLeft = right === end ||
          (left < middle && !this.#isBehind(source[left], source[right]));
        target[at] = takesLeft ? source[left++] : source[right++];
      }
    }
    places = target;
    merged = source;
  }

  /** Whether the row at one place of the run comes behind that at another one. */
  #isBehind(a: number, b: number): boolean {
    const difference = leads[a] - leads[b] || nexts[a] - nexts[b];
    if (difference !== 0) return difference > 0;
    return this.#rows.compare(this.#filling[a], this.#filling[b]) > 0;
  }

  /** Row `index` of a run. */
  #rowAt(run: number, index: number): Entry {
    const chunk = this.#chunks[run >>> CHUNK_SHIFT];
    return chunk[((run & (CHUNK_RUNS - 1)) << RUN_SHIFT) + index];
  }

  /** Reads what a run's head is compared by. */
  #readHead(run: number): void {
    const left = this.#left[run];
    if (left === 0) {
      this.#headLeads[run] = ENDED;
      return;
    }
    const key = this.#key;
    this.#rows.sortKeyOf(this.#rowAt(run, left - 1), key);
    this.#headLeads[run] = leadOf(key.bytes, key.start, key.end);
    this.#headNexts[run] = nextOf(key);
  }

  /** Whether the head of a run is the higher one of two. */
  #isAbove(a: number, b: number): boolean {
    const lead = this.#headLeads[a];
    const difference = lead - this.#headLeads[b] || this.#headNexts[a] - this.#headNexts[b];
    if (difference !== 0) return difference > 0;
    if (lead === ENDED) return false;
    return this.#rows.compare(
      this.#rowAt(a, this.#left[a] - 1),
      this.#rowAt(b, this.#left[b] - 1),
    ) > 0;
  }
}

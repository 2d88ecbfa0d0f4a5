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

/** Rows of a run: sorting one is the longest step, some 200 microseconds. */
const RUN = 512;
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

// The run that is being filled, of whichever sorter: `add` and `endRun` use them within one step.
const leads = new Float64Array(RUN);
const nexts = new Float64Array(RUN);
const places = new Uint32Array(RUN);

/** Sorts rows, which must neither change nor move meanwhile. First all are added, then they are taken. */
export class RowSorter {
  readonly #rows: SortedRows;
  readonly #key: BytesRef;
  /** Each run's rows, from the lowest to the highest: taken from their ends. */
  readonly #runs: Uint32Array[] = [];
  #filling: Uint32Array = new Uint32Array(RUN);
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
    if (this.#filled > 0) this.#endRun();
    const runs = this.#runs.length;
    this.#headLeads = new Float64Array(runs);
    this.#headNexts = new Float64Array(runs);
    this.#left = Int32Array.from(this.#runs, (run) => run.length);
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
    return this.#runs.length === 0 ? ENDED : this.#headLeads[this.#losers[0]];
  }

  /** Takes the highest row that is left: there must be one. */
  take(): Entry {
    const run = this.#losers[0];
    const left = --this.#left[run];
    assert(left >= 0, "what is taken is there");
    const entry = this.#runs[run][left];
    this.#readHead(run);
    const losers = this.#losers;
    let winner = run;
    for (let match = (run + this.#runs.length) >>> 1; match > 0; match >>>= 1) {
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
    const sorted = places.subarray(0, count).sort((a, b) =>
      leads[a] - leads[b] || nexts[a] - nexts[b] || rows.compare(filling[a], filling[b])
    );
    this.#runs.push(Uint32Array.from(sorted, (place) => filling[place]));
    this.#filled = 0;
  }

  /** Reads what a run's head is compared by. */
  #readHead(run: number): void {
    const left = this.#left[run];
    if (left === 0) {
      this.#headLeads[run] = ENDED;
      return;
    }
    const key = this.#key;
    this.#rows.sortKeyOf(this.#runs[run][left - 1], key);
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
      this.#runs[a][this.#left[a] - 1],
      this.#runs[b][this.#left[b] - 1],
    ) > 0;
  }
}

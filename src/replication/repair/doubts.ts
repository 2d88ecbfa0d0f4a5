/**
 * Databases of which it is not known which keys they have: SWAPDB has put one in place that a filter had left out.
 * What is held of such a database is right; a key that is not held may be there all the same, until the master has
 * been asked for all of its keys.
 *
 * ```text
 *   SWAPDB applied    SCAN 0 ... SCAN n    SCAN says 0, INFO says Y    applied >= Y
 *        |---------------- in doubt, keys found are awaited ---------------|  as any other database
 *
 *   a key there at SWAPDB  and still there at Y          SCAN has found it
 *                          and changed in between        its command came in the stream, and it was awaited for that
 * ```
 *
 * @module
 */

import type { TimerId } from "../../base/clock.ts";
import { type MasterDesk, MissingRights } from "./master.ts";
import type { RepairOptions } from "./types.ts";

/** Keys that the master is asked to look at in one go. */
const KEYS = 1000;
/** Milliseconds between two pages, or until it is looked again whether awaited keys have become fewer. */
const PAUSE_MS = 20;
/** Milliseconds until the master is asked again after it did not answer. */
const RETRY_MS = 1000;

/** One database in doubt. */
interface Doubt {
  db: number;
  /** Offset up to which the database was right. */
  readonly before: number;
  /** Run id of the master that the cursor belongs to; "" before the first page. */
  runId: string;
  cursor: string;
  /** Once all keys are found: the doubt ends when so much is applied. */
  until: number;
  /** The master does not let us look: keys that nobody names are lost. */
  givenUp: boolean;
}

/** What the search asks and tells. */
export interface DoubtOwner {
  /** Whether so many keys are awaited that the search must wait. */
  readonly isBusy: boolean;
  /** The master has this key, which is owned by the callee. */
  found(db: number, key: Uint8Array): void;
  /** The keys of a database cannot be had. */
  lost(db: number, error: MissingRights): void;
  /** A doubt has ended, or holds nothing up any more. */
  settled(): void;
}

/** Searches for the keys of databases. */
export class DoubtedDatabases {
  readonly #options: RepairOptions;
  readonly #desk: MasterDesk;
  readonly #owner: DoubtOwner;
  readonly #doubts: Map<number, Doubt> = new Map();
  #following: boolean = false;
  #timer: TimerId | undefined;
  #running: boolean = false;

  /** Asks nothing yet. @param owner Gets the keys. */
  constructor(options: RepairOptions, desk: MasterDesk, owner: DoubtOwner) {
    this.#options = options;
    this.#desk = desk;
    this.#owner = owner;
  }

  /** How many databases are in doubt. */
  get size(): number {
    return this.#doubts.size;
  }

  /** Offset up to which every database was right; Infinity while none is searched. */
  get before(): number {
    let before = Infinity;
    for (const doubt of this.#doubts.values()) {
      if (!doubt.givenUp) before = Math.min(before, doubt.before);
    }
    return before;
  }

  /** Offset up to which a database was right; Infinity while its keys are not searched for. */
  beforeOf(db: number): number {
    const doubt = this.#doubts.get(db);
    return doubt === undefined || doubt.givenUp ? Infinity : doubt.before;
  }

  /** Whether a database is in doubt. */
  has(db: number): boolean {
    return this.#doubts.has(db);
  }

  /** From now on it is not known which keys a database has. */
  begin(db: number, before: number): void {
    this.#doubts.set(db, newDoubt(db, before));
    this.#wake(0);
  }

  /** Every key of the database is known: it was emptied. */
  end(db: number): void {
    this.#doubts.delete(db);
  }

  /** Every key of every database is known. */
  clear(): void {
    this.#doubts.clear();
  }

  /** SWAPDB of two databases that are both held: a search begins anew in the other one. */
  swap(a: number, b: number): void {
    const [ofA, ofB] = [this.#doubts.get(a), this.#doubts.get(b)];
    this.#doubts.delete(a);
    this.#doubts.delete(b);
    if (ofA !== undefined) this.begin(b, ofA.before);
    if (ofB !== undefined) this.begin(a, ofB.before);
  }

  /** The stream is followed, or no longer: then keys that are found would have no place in it. */
  set following(follows: boolean) {
    this.#following = follows;
    if (follows) this.#wake(0);
    else this.#cancel();
  }

  /** So much of the stream is applied: doubts end whose keys are all found. */
  advanced(applied: number): void {
    for (const doubt of this.#doubts.values()) {
      if (doubt.until > applied) continue;
      this.#doubts.delete(doubt.db);
      this.#owner.settled();
    }
  }

  #cancel(): void {
    this.#options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #wake(afterMs: number): void {
    if (!this.#following || this.#running || this.#timer !== undefined) return;
    this.#timer = this.#options.clock.setTimer(() => {
      this.#timer = undefined;
      void this.#search();
    }, afterMs);
  }

  /** Asks for one page of the first database that is searched; never rejects. */
  async #search(): Promise<void> {
    const doubt = [...this.#doubts.values()].find(({ givenUp, until }) =>
      !givenUp && until === Infinity
    );
    if (doubt === undefined) return;
    if (this.#owner.isBusy) return this.#wake(PAUSE_MS);
    this.#running = true;
    let pauseMs = PAUSE_MS;
    try {
      await this.#page(doubt);
    } catch (error) {
      if (error instanceof MissingRights) this.#giveUp(doubt, error);
      else pauseMs = RETRY_MS;
    } finally {
      this.#running = false;
    }
    this.#wake(pauseMs);
  }

  async #page(doubt: Doubt): Promise<void> {
    const { runId, cursor, keys, place } = await this.#desk.scan(doubt.db, doubt.cursor, KEYS);
    if (!this.#isCurrent(doubt)) return;
    if (doubt.runId !== "" && runId !== doubt.runId) {
      // A cursor of another process means nothing here.
      doubt.runId = "";
      doubt.cursor = "0";
      return;
    }
    doubt.runId = runId;
    doubt.cursor = cursor;
    for (const key of keys) this.#owner.found(doubt.db, key);
    if (cursor !== "0") return;
    doubt.until = place;
    this.advanced(this.#options.place.applied);
  }

  #isCurrent(doubt: Doubt): boolean {
    return this.#following && this.#doubts.get(doubt.db) === doubt;
  }

  #giveUp(doubt: Doubt, error: MissingRights): void {
    if (!this.#isCurrent(doubt)) return;
    doubt.givenUp = true;
    this.#owner.lost(doubt.db, error);
    this.#owner.settled();
  }
}

function newDoubt(db: number, before: number): Doubt {
  return { db, before, runId: "", cursor: "0", until: Infinity, givenUp: false };
}

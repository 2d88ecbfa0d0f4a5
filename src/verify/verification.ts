/**
 * One comparison with the master, which goes on writing meanwhile.
 *
 * ```text
 *  count      DBSIZE of each database, as of an offset, and ours as of that offset
 *  here       keys that are held here, in batches  --> DUMP at the master --> value, type, expiry, or "extra"
 *  there      keys that the master lists           --> those not held here --> "missing"
 *  recheck    what differed, or could not be told, once more and again
 *  repair     what still differs is fetched (`replication/repair`), then compared again
 * ```
 *
 * A batch is watched ({@linkcode Past}) before it is asked for; the answer is as of an offset X, and is compared with
 * what the key was here at X, once the stream has come so far. So no write of meanwhile makes a difference.
 *
 * A failover that goes on in our history costs the batches under way; when all data is replaced, it begins again.
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";
import { toError } from "../base/errors.ts";
import { BytesRef } from "../base/byte_buffer.ts";
import { Slice } from "../base/slices.ts";
import { textOf } from "../client/connection.ts";
import { fieldOf } from "../client/info.ts";
import { isOfHistory, type MasterPlace, MissingRights } from "../replication/repair/master.ts";
import { stopped } from "../replication/errors.ts";
import type { Database } from "../store/keyspace/database.ts";
import { Refusal } from "../store/keyspace/key_filter.ts";
import type { Entry } from "../store/memory/record.ts";
import { VerifyError } from "./errors.ts";
import { Judge, type Verdict } from "./judge.ts";
import { type MasterAnswer, MasterValues, type NoAnswer } from "./master_values.ts";
import { Pace } from "./pace.ts";
import type { VerifyParts } from "./parts.ts";
import { Past, type WatchedKey } from "./past.ts";
import { type DifferingKey, Tally } from "./tally.ts";
import type { DatabaseCount, VerifyOptions, VerifyProgress, VerifyReport } from "./types.ts";

/** Most keys of one question. */
const BATCH_KEYS = 128;
/** Most bytes of one question, by what the values take here; one larger value comes alone. */
const BATCH_BYTES = 1024 * 1024;
/** Questions under way at once. */
const FLIGHTS = 3;
/** Largest value that is asked for. */
const MAX_VALUE_BYTES = 64 * 1024 * 1024;
/** Keys of one SCAN of the master, about; it costs the master as much as reading so many of them: */
const SCAN_KEYS = 1000;
const SCAN_COST = 50;
/** Keys that differed once and wait for another look, at most. */
const MAX_SUSPECTS = 2000;
/** Looks at a key that cannot be compared, and the pause between two. */
const LOOKS = 20;
const LOOK_MS = 100;
/** Milliseconds without progress after which a wait for the stream or the master is given up. */
const PATIENCE_MS = 60_000;
/** Milliseconds between two attempts while the master cannot be asked, or the link is down. */
const RETRY_MS = 200;
/** Replacements of all data after which it does not begin again. */
const MAX_RESTARTS = 3;
/** Milliseconds between two calls of `onProgress`. */
const PROGRESS_MS = 100;
/** Keys that are repaired at once. */
const REPAIRS = 500;

/** Keys of one database that are asked for together. */
interface Batch {
  readonly db: number;
  readonly keys: Uint8Array[];
  bytes: number;
}

/** A key that is to be looked at again. */
interface Suspect {
  readonly db: number;
  readonly key: Uint8Array;
  looks: number;
}

/** Why a pass through the data has ended early: it was replaced. */
class Replaced extends Error {}

/** A comparison under way. */
export class Verification {
  readonly #parts: VerifyParts;
  readonly #options: VerifyOptions;
  readonly #past: Past;
  readonly #pace: Pace;
  readonly #values: MasterValues;
  readonly #flights: Set<Promise<void>> = new Set();
  readonly #suspects: Map<string, Suspect> = new Map();
  readonly #waits: Set<{ readonly offset: number; readonly wake: () => void }> = new Set();
  readonly #beganMs: number;
  #judge: Judge;
  #tally: Tally;
  #failure: Error | undefined = undefined;
  #replaced: boolean = false;
  /** False once the master refused MEMORY USAGE. */
  #asksSizes: boolean = true;
  #restarts: number = 0;
  #phase: VerifyProgress["phase"] = "counting";
  #done: number = 0;
  #total: number = 0;
  #toldMs: number = -Infinity;

  /** Asks nothing yet. @param options Which have been checked. */
  constructor(parts: VerifyParts, options: VerifyOptions) {
    const { keyspace, clock, place } = parts;
    this.#parts = parts;
    this.#options = options;
    this.#past = new Past(keyspace, place);
    this.#pace = new Pace(options.keysPerSecond ?? 20_000, options.bytesPerSecond ?? 64_000_000);
    this.#values = new MasterValues(parts.desk);
    this.#judge = new Judge(this.#past, parts);
    this.#tally = new Tally(options.listed ?? 100);
    this.#beganMs = clock.monotonic();
  }

  /** The offset has moved: answers that waited for it are compared. */
  moved(): void {
    if (this.#waits.size === 0) return;
    const { applied } = this.#parts.place;
    for (const wait of this.#waits) if (wait.offset <= applied) wait.wake();
  }

  /** All data was replaced: what was compared is of no use. */
  replaced(): void {
    this.#replaced = true;
    this.#wakeAll();
  }

  /** Ends it: `run` rejects with the reason. */
  end(reason: Error): void {
    this.#failure ??= reason;
    this.#wakeAll();
    this.#parts.desk.stop();
  }

  /**
   * Compares.
   *
   * @throws {VerifyError} For each reason that it names.
   */
  async run(): Promise<VerifyReport> {
    this.#past.open();
    try {
      for (;;) {
        try {
          await this.#whenLive();
          const databases = await this.#pass();
          return this.#report(databases);
        } catch (error) {
          if (!(error instanceof Replaced)) throw error;
          await Promise.allSettled(this.#flights);
          this.#begin();
        }
      }
    } finally {
      this.#failure ??= stopped();
      this.#parts.desk.stop();
      this.#wakeAll();
      await Promise.allSettled(this.#flights);
      this.#past.close();
    }
  }

  /** Forgets what was compared, to begin anew. */
  #begin(): void {
    if (this.#restarts === MAX_RESTARTS) {
      throw new VerifyError(
        "REPLACED",
        `All data was replaced ${MAX_RESTARTS + 1} times, by full resyncs or SWAPDB`,
      );
    }
    this.#restarts++;
    this.#replaced = false;
    this.#past.swapped = false;
    this.#suspects.clear();
    this.#tally = new Tally(this.#options.listed ?? 100);
    this.#done = 0;
  }

  /** Goes through the data once. */
  async #pass(): Promise<DatabaseCount[]> {
    this.#phase = "counting";
    const theirs = await this.#masterKeys();
    const databases = await this.#countAll(theirs);
    this.#phase = "comparing";
    const indexes = [...new Set([...this.#parts.keyspace.indexes(), ...theirs.keys()])]
      .filter((index) => this.#parts.filter.keepsDatabase(index)).sort((a, b) => a - b);
    if (this.#options.full === true) await this.#compareAll(indexes, theirs);
    else await this.#compareSample(indexes, theirs);
    await this.#land();
    await this.#recheck();
    await this.#repair();
    return databases;
  }

  /** Every key here, then every key that the master lists. */
  async #compareAll(
    indexes: readonly number[],
    theirs: ReadonlyMap<number, number>,
  ): Promise<void> {
    this.#total = indexes.reduce(
      (sum, index) => sum + this.#sizeOf(index) + (theirs.get(index) ?? 0),
      0,
    );
    for (const index of indexes) await this.#walkHere(index);
    for (const index of indexes) await this.#walkThere(index);
  }

  /** Keys drawn at random, half of them here and half of them at the master, more from larger databases. */
  async #compareSample(
    indexes: readonly number[],
    theirs: ReadonlyMap<number, number>,
  ): Promise<void> {
    const sample = this.#options.sample ?? 10_000;
    const held = indexes.reduce((sum, index) => sum + this.#sizeOf(index), 0);
    const listed = indexes.reduce((sum, index) => sum + (theirs.get(index) ?? 0), 0);
    this.#total = Math.min(sample, held + listed);
    for (const index of indexes) {
      const mine = Math.ceil(sample / 2 * this.#sizeOf(index) / Math.max(held, 1));
      const other = Math.floor(sample / 2 * (theirs.get(index) ?? 0) / Math.max(listed, 1));
      const seen = new Set<string>();
      await this.#drawHere(index, mine, seen);
      await this.#drawThere(index, other, seen);
    }
  }

  async #walkHere(index: number): Promise<void> {
    const slice = new Slice(this.#parts.clock);
    slice.start();
    let batch = newBatch(index);
    let cursor = 0;
    do {
      const db = this.#parts.keyspace.peek(index);
      if (db === undefined) break;
      cursor = db.scan(cursor, (entry) => this.#add(batch, db, entry));
      if (!isFull(batch)) {
        if (slice.over()) await slice.yield();
        continue;
      }
      await this.#submit(batch);
      slice.start();
      batch = newBatch(index);
    } while (cursor !== 0);
    await this.#submit(batch);
  }

  async #drawHere(index: number, count: number, seen: Set<string>): Promise<void> {
    let batch = newBatch(index);
    for (let tries = 2 * count; tries > 0 && seen.size < count; tries--) {
      const db = this.#parts.keyspace.peek(index);
      if (db === undefined || db.size === 0) break;
      const entry = db.randomEntry(this.#parts.random);
      db.keyRef(entry, ref);
      const id = idOf(index, ref.view());
      if (seen.has(id)) continue;
      seen.add(id);
      this.#add(batch, db, entry);
      if (!isFull(batch)) continue;
      await this.#submit(batch);
      batch = newBatch(index);
    }
    await this.#submit(batch);
  }

  /** The keys that the master lists: those that are not here are asked for. */
  async #walkThere(index: number): Promise<void> {
    let batch = newBatch(index);
    let cursor = "0";
    let runId: string | undefined;
    do {
      await this.#turn(SCAN_COST, 0);
      const page = await this.#persist(() => this.#parts.desk.scan(index, cursor, SCAN_KEYS));
      // A cursor means nothing to another process: after a failover it begins anew.
      if (runId !== undefined && runId !== page.runId) return await this.#walkThere(index);
      runId = page.runId;
      cursor = page.cursor;
      this.#done += page.keys.length;
      for (const key of page.keys) {
        if (!this.#keeps(index, key)) continue;
        if (this.#past.now(index, key).entry === 0) batch.keys.push(key);
      }
      this.#check();
      if (batch.keys.length < BATCH_KEYS) continue;
      await this.#submit(await this.#withoutLarge(batch), false);
      batch = newBatch(index);
    } while (cursor !== "0");
    await this.#submit(await this.#withoutLarge(batch), false);
  }

  async #drawThere(index: number, count: number, seen: Set<string>): Promise<void> {
    for (let left = count; left > 0; left -= BATCH_KEYS) {
      await this.#turn(SCAN_COST, 0);
      const draws = Array.from(
        { length: Math.min(left, BATCH_KEYS) },
        () => [["RANDOMKEY"], "+randomkey"] as const,
      );
      const replies = await this.#persist(() => this.#parts.desk.inTurn(index, draws));
      const batch = newBatch(index);
      for (const key of replies) {
        if (!(key instanceof Uint8Array) || !this.#keeps(index, key)) continue;
        const id = idOf(index, key);
        if (seen.has(id)) continue;
        seen.add(id);
        batch.keys.push(key);
      }
      await this.#submit(await this.#withoutLarge(batch));
    }
  }

  /** Adds a key here to a batch. */
  #add(batch: Batch, db: Database, entry: Entry): void {
    const { slots } = this.#parts.keyspace;
    if (slots.hiding && slots.hidesEntry(db, entry)) return;
    db.keyRef(entry, ref);
    const key = ref.view().slice();
    const bytes = db.recordBytes(entry) + (db.objectOf(entry)?.memoryBytes ?? 0);
    if (bytes > MAX_VALUE_BYTES) return this.#tally.skip("large");
    batch.keys.push(key);
    batch.bytes += bytes;
  }

  /** Has a batch compared, once fewer than `FLIGHTS` are under way. */
  async #submit(batch: Batch, counts: boolean = true): Promise<void> {
    this.#check();
    if (batch.keys.length === 0) return;
    while (this.#flights.size >= FLIGHTS) await Promise.race(this.#flights);
    await this.#turn(batch.keys.length, batch.bytes);
    const flight = this.#compare(batch).then((verdicts) => {
      this.#take(batch, verdicts);
      if (counts) this.#done += batch.keys.length;
      this.#tell();
    }).catch((error) => {
      if (!(error instanceof Replaced)) this.end(toError(error));
    }).finally(() => this.#flights.delete(flight));
    this.#flights.add(flight);
    if (this.#suspects.size < MAX_SUSPECTS) return;
    await this.#land();
    await this.#recheck();
    this.#phase = "comparing";
  }

  /** Waits until no batch is under way. */
  async #land(): Promise<void> {
    await Promise.allSettled([...this.#flights]);
    this.#check();
  }

  /** What was found of a batch: what is not equal is looked at again. */
  #take(batch: Batch, verdicts: readonly Verdict[]): void {
    for (const [i, verdict] of verdicts.entries()) {
      const key = batch.keys[i];
      if (verdict.kind === "same") this.#tally.same();
      else this.#suspects.set(idOf(batch.db, key), { db: batch.db, key, looks: 0 });
    }
  }

  /** Compares keys with the master. */
  async #compare({ db, keys, bytes }: Batch): Promise<Verdict[]> {
    return await this.#persist(async () => {
      const watched = keys.map((key) => this.#past.watch(db, key));
      try {
        const answers = await this.#values.of(db, keys);
        this.#charge(answers, bytes);
        const verdicts: Verdict[] = [];
        const slice = new Slice(this.#parts.clock);
        slice.start();
        for (const [i, answer] of answers.entries()) {
          verdicts.push(
            typeof answer === "string"
              ? { kind: answer === "again" ? "busy" : answer }
              : await this.#compareOne(watched[i], answer, slice),
          );
        }
        return verdicts;
      } finally {
        for (const key of watched) this.#past.unwatch(key);
      }
    });
  }

  async #compareOne(watched: WatchedKey, answer: MasterAnswer, slice: Slice): Promise<Verdict> {
    const { place } = answer;
    if (this.#parts.place.applied < place.offset || !isOfHistory(place, this.#parts.place)) {
      await this.#reach(place);
      slice.start();
    }
    const steps = this.#judge.judge(watched, answer);
    for (;;) {
      const { done, value } = steps.next();
      if (slice.over()) await slice.yield();
      if (done === true) return value;
      this.#check();
    }
  }

  /** Waits until the stream has come as far as an answer. */
  async #reach(place: MasterPlace): Promise<void> {
    const { clock, place: ours } = this.#parts;
    const beganMs = clock.monotonic();
    for (let last = -1; ours.applied < place.offset || !isOfHistory(place, ours);) {
      this.#check();
      const waitedMs = clock.monotonic() - beganMs;
      if (waitedMs > PATIENCE_MS && last === ours.applied) {
        throw new VerifyError(
          "STALLED",
          `The stream has not come to offset ${place.offset} for ${PATIENCE_MS} ms`,
        );
      }
      last = ours.applied;
      await this.#pause(waitedMs > PATIENCE_MS ? PATIENCE_MS : RETRY_MS, place.offset);
    }
    this.#check();
  }

  /** Looks again at what was not equal, until it is or is sure to differ. */
  async #recheck(): Promise<void> {
    this.#phase = "rechecking";
    while (this.#suspects.size > 0) {
      const suspects = [...this.#suspects.values()];
      for (const group of Map.groupBy(suspects, ({ db }) => db).values()) {
        for (let from = 0; from < group.length; from += BATCH_KEYS) {
          await this.#recheckSome(group.slice(from, from + BATCH_KEYS));
        }
      }
      if (this.#suspects.size > 0) await this.#pause(LOOK_MS);
      this.#check();
    }
  }

  async #recheckSome(suspects: readonly Suspect[]): Promise<void> {
    const { db } = suspects[0];
    const keys = suspects.map(({ key }) => key);
    await this.#turn(keys.length, 0);
    const verdicts = await this.#compare({ db, keys, bytes: 0 });
    for (const [i, verdict] of verdicts.entries()) {
      const suspect = suspects[i];
      const isUntold = verdict.kind === "busy" || verdict.kind === "moving";
      if (isUntold && ++suspect.looks < LOOKS) continue;
      this.#suspects.delete(idOf(db, suspect.key));
      this.#tally.settle(db, suspect.key, verdict);
    }
    this.#tell();
  }

  /** Fetches what differs, and compares it again. */
  async #repair(): Promise<void> {
    const { repair } = this.#parts;
    if (this.#options.repair !== true) return;
    this.#phase = "repairing";
    const differing = this.#tally.differing;
    for (let from = 0; from < differing.length; from += REPAIRS) {
      const some = differing.slice(from, from + REPAIRS);
      for (const { db, key } of some) repair.mend(db, key);
      const beganMs = this.#parts.clock.monotonic();
      while (some.some(({ db, key }) => repair.isAwaiting(db, key))) {
        if (this.#parts.clock.monotonic() - beganMs > PATIENCE_MS) break;
        await this.#pause(LOOK_MS);
        this.#check();
        this.#tell();
      }
      for (const group of Map.groupBy(some, ({ db }) => db).values()) {
        await this.#lookAtRepaired(group);
      }
    }
  }

  async #lookAtRepaired(keys: readonly DifferingKey[]): Promise<void> {
    for (let from = 0; from < keys.length; from += BATCH_KEYS) {
      const some = keys.slice(from, from + BATCH_KEYS);
      await this.#turn(some.length, 0);
      const verdicts = await this.#compare({
        db: some[0].db,
        keys: some.map(({ key }) => key),
        bytes: 0,
      });
      for (const [i, { kind }] of verdicts.entries()) {
        if (kind === "same") this.#tally.repaired(some[i]);
      }
    }
  }

  /** Makes the next questions wait for bytes that were not expected: of keys that are not here. */
  #charge(answers: readonly (MasterAnswer | NoAnswer)[], expected: number): void {
    let bytes = 0;
    for (const answer of answers) if (typeof answer !== "string") bytes += answer.bytes;
    if (bytes > expected) this.#pace.charge(bytes - expected);
  }

  /** Takes the keys out of a batch whose values take too much at the master; none where it does not tell. */
  async #withoutLarge(batch: Batch): Promise<Batch> {
    const { db, keys } = batch;
    if (keys.length === 0 || !this.#asksSizes) return batch;
    const sizes = await this.#persist(async () => {
      try {
        return await this.#parts.desk.inTurn(
          db,
          keys.map((key) => [["MEMORY", "USAGE", key], "+memory|usage"]),
        );
      } catch (error) {
        if (!(error instanceof MissingRights)) throw error;
        this.#asksSizes = false;
        return [];
      }
    });
    const isLarge = (i: number) => Number(sizes[i] ?? 0) > MAX_VALUE_BYTES;
    const kept = keys.filter((_, i) => !isLarge(i));
    for (let left = keys.length - kept.length; left > 0; left--) this.#tally.skip("large");
    return { ...batch, keys: kept };
  }

  /** How many keys the master says it has, by database. */
  async #masterKeys(): Promise<Map<number, number>> {
    const [reply] = await this.#persist(() =>
      this.#parts.desk.inTurn(0, [[["INFO", "keyspace"], "+info"]])
    );
    const info = textOf(reply);
    const keys = new Map<number, number>();
    for (const [, index] of info.matchAll(/^db(\d+):/gm)) {
      const count = /keys=(\d+)/.exec(fieldOf(info, `db${index}`))?.[1];
      keys.set(Number(index), Number(count ?? 0));
    }
    return keys;
  }

  /** Counts each database here and there as of one offset; nothing where the counts mean different things. */
  async #countAll(theirs: ReadonlyMap<number, number>): Promise<DatabaseCount[]> {
    const { keyspace, filter } = this.#parts;
    if (filter.active || keyspace.slots.hiding) return [];
    const indexes = new Set([...keyspace.indexes(), ...theirs.keys()]);
    const counts: DatabaseCount[] = [];
    try {
      for (const index of [...indexes].sort((a, b) => a - b)) counts.push(await this.#count(index));
    } catch (error) {
      if (error instanceof VerifyError && error.code === "REFUSED") return [];
      throw error;
    }
    return counts;
  }

  async #count(db: number): Promise<DatabaseCount> {
    for (;;) {
      this.#past.count(db);
      try {
        const { replies, place } = await this.#persist(() =>
          this.#parts.desk.atOnce(db, [[["DBSIZE"], "+dbsize"]])
        );
        await this.#reach(place);
        const keys = this.#past.sizeAt(db, place.offset);
        if (keys !== undefined) return { db, keys, masterKeys: Number(replies[0]) };
      } finally {
        this.#past.uncount(db);
      }
    }
  }

  /** Whether a key of the master's is to be here, by its name and by what was left out. */
  #keeps(db: number, key: Uint8Array): boolean {
    const { filter, keyspace } = this.#parts;
    if (!filter.active) return true;
    return filter.refusalOf(db, key, 0, key.length) === Refusal.NONE &&
      !keyspace.leftOut.has(db, key, 0, key.length);
  }

  #sizeOf(index: number): number {
    return this.#parts.keyspace.peek(index)?.visibleSize ?? 0;
  }

  /** Asks until there is an answer: a master that cannot be reached may be back, or another one, in a moment. */
  async #persist<T>(ask: () => Promise<T>): Promise<T> {
    const { clock } = this.#parts;
    const beganMs = clock.monotonic();
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        this.#check();
        if (error instanceof VerifyError || error instanceof Replaced) throw error;
        if (error instanceof MissingRights) throw new VerifyError("REFUSED", error.message, error);
        if (clock.monotonic() - beganMs > PATIENCE_MS) {
          const { message } = toError(error);
          throw new VerifyError("UNREACHABLE", `The master cannot be asked: ${message}`, error);
        }
      }
      await this.#pause(RETRY_MS);
      await this.#whenLive();
    }
  }

  /** Waits while the master is not followed. */
  async #whenLive(): Promise<void> {
    const { clock, isLive } = this.#parts;
    const beganMs = clock.monotonic();
    while (!isLive()) {
      if (clock.monotonic() - beganMs > PATIENCE_MS) {
        throw new VerifyError("UNREACHABLE", `The master was not followed for ${PATIENCE_MS} ms`);
      }
      await this.#pause(RETRY_MS);
      this.#check();
    }
  }

  /** Waits for its turn by the pace. */
  async #turn(keys: number, bytes: number): Promise<void> {
    const ms = this.#pace.take(this.#parts.clock.monotonic(), keys, bytes);
    // A timer is no more exact than that; what is too early now makes the next wait longer.
    if (ms >= 2) await this.#pause(ms);
    this.#check();
  }

  /** Waits, but not longer than until the stream has reached `offset`, or it ends. */
  #pause(ms: number, offset: number = Infinity): Promise<void> {
    const { clock } = this.#parts;
    if (this.#failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const wait = {
        offset,
        wake: () => {
          clock.clearTimer(timer);
          this.#waits.delete(wait);
          resolve();
        },
      };
      const timer = clock.setTimer(wait.wake, ms);
      this.#waits.add(wait);
    });
  }

  #wakeAll(): void {
    for (const wait of [...this.#waits]) wait.wake();
  }

  /** Throws when it has ended, or the data was replaced. */
  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#replaced || this.#past.swapped) throw new Replaced();
  }

  #tell(): void {
    const { onProgress } = this.#options;
    const now = this.#parts.clock.monotonic();
    if (onProgress === undefined || now - this.#toldMs < PROGRESS_MS) return;
    this.#toldMs = now;
    onProgress({
      phase: this.#phase,
      done: Math.min(this.#done, this.#total),
      total: this.#total,
      compared: this.#tally.compared,
      differences: this.#tally.differences,
      elapsedMs: now - this.#beganMs,
    });
  }

  #report(databases: readonly DatabaseCount[]): VerifyReport {
    const { clock, place } = this.#parts;
    this.#done = this.#total;
    this.#toldMs = -Infinity;
    this.#tell();
    return {
      ...this.#tally.report(databases),
      databases,
      byReads: this.#values.byReads,
      restarts: this.#restarts,
      replid: place.replid,
      offset: place.applied,
      tookMs: clock.monotonic() - this.#beganMs,
    };
  }
}

const ref = new BytesRef();

function newBatch(db: number): Batch {
  return { db, keys: [], bytes: 0 };
}

function isFull({ keys, bytes }: Batch): boolean {
  return keys.length >= BATCH_KEYS || bytes >= BATCH_BYTES;
}

function idOf(db: number, key: Uint8Array): string {
  return `${db}:${latin1(key)}`;
}

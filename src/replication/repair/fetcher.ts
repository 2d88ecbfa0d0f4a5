/**
 * Fetches the values of awaited keys, or asks whether they are there: in batches of bounded number and size, with
 * a pause between two, and with longer pauses while the master does not answer.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { keySlot } from "../../base/crc16.ts";
import type { TimerId } from "../../base/clock.ts";
import { ErrorReply } from "../../resp/types.ts";
import type { AwaitedKey } from "./awaited.ts";
import { type MasterDesk, type MasterValue, MissingRights } from "./master.ts";
import type { RepairOptions } from "./types.ts";

/** Most keys that are asked for at once. */
const BATCH_KEYS = 128;
/** Most bytes that are asked for at once, as MEMORY USAGE counts them; one larger value may come alone. */
const BATCH_BYTES = 8 * 1024 * 1024;
/** Largest value that is asked for, as MEMORY USAGE counts it: DUMP of it holds the master up. */
const MAX_VALUE_BYTES = 64 * 1024 * 1024;
/** Milliseconds between two batches: a key that changes all the time costs 20 fetches a second. */
const PAUSE_MS = 50;
/** Bytes that are worth a millisecond more of pause. */
const BYTES_PER_MS = 32 * 1024;
/** Milliseconds until the master is asked again after it did not answer; doubled each time. */
const RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
/** Milliseconds until a key is asked for again that the master refused for a reason that lasts. */
const REFUSED_MS = 60_000;

/** Milliseconds until a key is asked for again whose slot is on its way from or to the master. */
const MOVING_MS = 1000;

/** First words of what a cluster's node says of a slot that it does not have, or not yet, or not any more. */
const MOVING: ReadonlySet<string> = new Set(["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"]);

/** First words of errors that are about the master as a whole, and pass. */
const PASSING: ReadonlySet<string> = new Set([
  "LOADING",
  "BUSY",
  "MASTERDOWN",
  "NOAUTH",
  "WRONGPASS",
  "EXECABORT",
]);

/** What the fetcher tells of, and asks, its owner. */
export interface FetchOwner {
  /** True while this key is still awaited. */
  isAwaited(awaited: AwaitedKey): boolean;
  /** Takes the value that the master answered, while the stream is followed. */
  arrived(awaited: AwaitedKey, value: MasterValue): void;
  /** The value cannot be had, now and for a while. */
  refused(awaited: AwaitedKey, why: string): void;
  /** The master did not answer, for the `failures`th time in a row. */
  failed(error: unknown, failures: number): void;
}

/** Asks for awaited keys while it is told that the stream is followed. */
export class Fetcher {
  /** How often a value was asked for. */
  fetches: number = 0;
  /** How often it was asked whether a key is there. */
  looks: number = 0;
  readonly #options: RepairOptions;
  readonly #desk: MasterDesk;
  readonly #owner: FetchOwner;
  readonly #wanting: Set<AwaitedKey> = new Set();
  /** Keys that wait for a time on the monotonic clock. */
  readonly #later: Map<AwaitedKey, number> = new Map();
  #following: boolean = false;
  #running: boolean = false;
  /** When the next batch begins, on the monotonic clock; Infinity while none is due. */
  #dueAt: number = Infinity;
  #timer: TimerId | undefined;
  /** No batch begins before, on the monotonic clock. */
  #notBefore: number = 0;
  #failures: number = 0;
  /** False once the master refused MEMORY USAGE: sizes are not known then. */
  #asksSizes: boolean = true;

  /** Asks nothing yet. @param owner Gets the answers. */
  constructor(options: RepairOptions, desk: MasterDesk, owner: FetchOwner) {
    this.#options = options;
    this.#desk = desk;
    this.#owner = owner;
  }

  /** The stream is followed, or no longer: without it an answer could not be put in its place. */
  set following(follows: boolean) {
    this.#following = follows;
    this.#cancel();
    this.#failures = 0;
    this.#notBefore = 0;
    this.#wake();
  }

  /** Asks for a key soon. */
  want(awaited: AwaitedKey): void {
    assert(!awaited.asked, "a key that is asked for already is not wanted");
    if (this.#later.has(awaited)) return;
    this.#wanting.add(awaited);
    this.#wake();
  }

  /** Does not ask for a key any more. */
  forget(awaited: AwaitedKey): void {
    this.#wanting.delete(awaited);
    this.#later.delete(awaited);
  }

  #cancel(): void {
    this.#options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#dueAt = Infinity;
  }

  /** Makes sure that the next batch begins as soon as it may. */
  #wake(): void {
    if (this.#running || !this.#following) return;
    const { clock } = this.#options;
    const now = clock.monotonic();
    let at = this.#wanting.size > 0 ? this.#notBefore : Infinity;
    for (const time of this.#later.values()) at = Math.min(at, Math.max(time, this.#notBefore));
    // A key that is postponed for a minute holds up no other one.
    if (at >= this.#dueAt) return;
    this.#cancel();
    this.#dueAt = at;
    // In a later turn: commands that are here already are applied first, and one fetch serves them all.
    if (at <= now) clock.soon(() => this.#begin());
    else this.#timer = clock.setTimer(() => this.#begin(), at - now);
  }

  #begin(): void {
    if (this.#dueAt === Infinity || this.#running || !this.#following) return;
    this.#cancel();
    const now = this.#options.clock.monotonic();
    for (const [awaited, time] of this.#later) {
      if (time > now) continue;
      this.#later.delete(awaited);
      this.#wanting.add(awaited);
    }
    this.#running = true;
    this.#notBefore = now + PAUSE_MS;
    void this.#fetchBatch().finally(() => {
      this.#running = false;
      this.#wake();
    });
  }

  /** Fetches the keys that have wanted it longest; never rejects. */
  async #fetchBatch(): Promise<void> {
    const batch: AwaitedKey[] = [];
    for (const awaited of this.#wanting) {
      if (batch.length === BATCH_KEYS) break;
      this.#wanting.delete(awaited);
      awaited.asked = true;
      batch.push(awaited);
    }
    const lookedAt = batch.filter(({ wantsValue }) => !wantsValue);
    try {
      await this.#look(lookedAt);
      const chosen = await this.#fit(batch.filter((awaited) => !lookedAt.includes(awaited)));
      await Promise.all(chosen.map((awaited) => this.#fetchOne(awaited)));
    } catch (error) {
      for (const awaited of batch) this.#askLater(awaited);
      this.#onFailure(error);
    }
  }

  /** Asks how large the values are. Returns those that fit into one batch; the others want it again. */
  async #fit(batch: readonly AwaitedKey[]): Promise<AwaitedKey[]> {
    const sizes = this.#asksSizes ? await this.#sizesOf(batch) : [];
    const chosen: AwaitedKey[] = [];
    let total = 0;
    for (const [i, awaited] of batch.entries()) {
      if (!this.#stillAsked(awaited)) continue;
      const size = sizes[i] ?? 0;
      if (size > MAX_VALUE_BYTES) {
        this.#refuse(awaited, `it takes ${size} bytes, more than ${MAX_VALUE_BYTES}`);
      } else if (total > 0 && total + size > BATCH_BYTES) {
        awaited.asked = false;
        this.#wanting.add(awaited);
      } else {
        total += size;
        chosen.push(awaited);
      }
    }
    this.#notBefore += total / BYTES_PER_MS;
    return chosen;
  }

  async #sizesOf(batch: readonly AwaitedKey[]): Promise<number[]> {
    try {
      return await Promise.all(batch.map((awaited) => this.#sizeOf(awaited)));
    } catch (error) {
      if (!(error instanceof MissingRights)) throw error;
      // Values of unknown size are better than none; what is missing is told.
      this.#asksSizes = false;
      this.#owner.failed(error, 0);
      return [];
    }
  }

  /** How large a value is; 0 for a key of which the master says no size: asked for the value it says why. */
  async #sizeOf({ db, key }: AwaitedKey): Promise<number> {
    try {
      return await this.#desk.sizeOf(db, key);
    } catch (error) {
      if (error instanceof ErrorReply && !PASSING.has(error.code)) return 0;
      throw error;
    }
  }

  /** Asks of keys whether they are there, those of one database, and in a cluster of one slot, at once. */
  async #look(keys: readonly AwaitedKey[]): Promise<void> {
    if (keys.length === 0) return;
    const isCluster = await this.#desk.isCluster();
    const groups = Map.groupBy(
      keys,
      ({ db, key }) => isCluster ? `${db}:${keySlot(key, 0, key.length)}` : `${db}`,
    );
    const looks = [...groups.values()].map((of) => {
      this.looks += of.length;
      return this.#answer(of, () => this.#desk.look(of[0].db, of.map(({ key }) => key)));
    });
    try {
      await Promise.all(looks);
    } catch (error) {
      if (!(error instanceof MissingRights)) throw error;
      // Values may be had all the same; what is missing is told.
      for (const awaited of keys) if (this.#stillAsked(awaited)) this.postpone(awaited, REFUSED_MS);
      this.#owner.failed(error, 0);
    }
  }

  #fetchOne(awaited: AwaitedKey): Promise<void> {
    this.fetches++;
    return this.#answer([awaited], async () => [
      await this.#desk.fetch(awaited.db, awaited.key),
    ]);
  }

  /** Hands on what the master answers about some keys. */
  async #answer(
    keys: readonly AwaitedKey[],
    question: () => Promise<(MasterValue | undefined)[]>,
  ): Promise<void> {
    const generations = keys.map(({ generation }) => generation);
    let values: (MasterValue | undefined)[];
    try {
      values = await question();
    } catch (error) {
      // What the master says of these keys must not keep it from telling of others.
      const isOfKeys = error instanceof ErrorReply && !PASSING.has(error.code);
      if (!isOfKeys) throw error;
      for (const awaited of keys) {
        if (!this.#stillAsked(awaited)) continue;
        if (MOVING.has(error.code)) this.postpone(awaited, MOVING_MS);
        else this.#refuse(awaited, error.message);
      }
      return;
    }
    this.#failures = 0;
    keys.forEach((awaited, i) => {
      if (generations[i] === awaited.generation) this.#take(awaited, values[i]);
    });
  }

  #take(awaited: AwaitedKey, value: MasterValue | undefined): void {
    if (!this.#stillAsked(awaited)) return;
    if (!this.#following) return this.#askLater(awaited);
    awaited.asked = false;
    if (value === undefined) this.want(awaited);
    else this.#owner.arrived(awaited, value);
  }

  #stillAsked(awaited: AwaitedKey): boolean {
    return awaited.asked && this.#owner.isAwaited(awaited);
  }

  #askLater(awaited: AwaitedKey): void {
    if (!this.#stillAsked(awaited)) return;
    awaited.asked = false;
    this.#wanting.add(awaited);
  }

  /** Leaves a key alone for a while. */
  #refuse(awaited: AwaitedKey, why: string): void {
    this.postpone(awaited, REFUSED_MS);
    this.#owner.refused(awaited, why);
  }

  /** Asks for a key not before `ms` have passed. */
  postpone(awaited: AwaitedKey, ms: number): void {
    awaited.asked = false;
    this.#wanting.delete(awaited);
    this.#later.set(awaited, this.#options.clock.monotonic() + ms);
  }

  #onFailure(error: unknown): void {
    this.#failures++;
    const pauseMs = error instanceof MissingRights
      ? REFUSED_MS
      : Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(this.#failures - 1, 10));
    this.#notBefore = this.#options.clock.monotonic() + pauseMs;
    this.#owner.failed(error, this.#failures);
  }
}

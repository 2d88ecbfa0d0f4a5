/**
 * The keys whose values are awaited from the master, with the commands that wait with them.
 *
 * ```text
 *  offset   before      least           X                    applied
 *  stream  ---|-- cmd ----|---- k1 ------|---- k2 --- k3 -----|
 *              made the    last command   the fetched value    where the stream stands
 *              key wrong   we could not   is as of here
 *                          apply
 *
 *  X below least: the value is shown, and asked for again      k1 lies before X: dropped
 *  X at or above: the value is put in place, then k2 and k3 are applied to it
 * ```
 *
 * @module
 */

import { latin1 } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import type { Argv } from "../../resp/argv.ts";
import type { RepairReason } from "./types.ts";

/** Memory of one kept command beside its bytes, roughly: an object and two arrays of offsets. */
const KEPT_OVERHEAD = 200;

/** A command that waits for the value of its key. */
export interface KeptCommand {
  /** The command; owns its bytes. */
  readonly argv: Argv;
  /** Offset in the stream after it, or after the EXEC it was in. */
  readonly offset: number;
}

/** A value as the master told it. */
export interface FetchedValue {
  /** The offset it is as of. */
  readonly offset: number;
  /** What DUMP answered; null when there is no such key, and where only its type was asked. */
  readonly payload: Uint8Array | null;
  /** What TYPE answered where that was asked in place of DUMP and there is such a key; else undefined. */
  readonly type: string | undefined;
  /** When it expires, decimal milliseconds since 1970; "0" for never, as RESTORE takes it. */
  readonly expireAtMs: string;
}

/** A key whose value is awaited. */
export class AwaitedKey {
  /** Bytes of the key, which belong to this object. */
  readonly key: Uint8Array;
  /** Number of its database; SWAPDB changes it. */
  db: number;
  /** Why it is awaited. */
  readonly reason: RepairReason;
  /** Since when, milliseconds since 1970. */
  readonly sinceMs: number;
  /** Offset before the command that made it wrong: up to there it was right. */
  readonly before: number;
  /** A value as of this offset or later ends the waiting. */
  least: number;
  /** Commands after `least`, which are applied to the value when it is there. */
  kept: KeptCommand[] = [];
  /** Bytes that `kept` holds. */
  keptBytes: number = 0;
  /** How often `kept` grew beyond its bound. */
  overflows: number = 0;
  /** True where the value is asked for; false where it is enough to know whether the key is there. */
  wantsValue: boolean = true;
  /** True for one that may have gone wrong before those that were awaited earlier. */
  isLate: boolean = false;
  /** True while the master is being asked. */
  asked: boolean = false;
  /** Counts what makes an answer that is under way useless: the key moved to another database. */
  generation: number = 0;
  /** A value that is newer than what is applied. */
  arrival: FetchedValue | undefined = undefined;

  /** Begins to await `key`, whose bytes it takes over. */
  constructor(
    db: number,
    key: Uint8Array,
    reason: RepairReason,
    sinceMs: number,
    before: number,
    least: number,
  ) {
    assert(before <= least, "a command ends behind the one before it");
    this.db = db;
    this.key = key;
    this.reason = reason;
    this.sinceMs = sinceMs;
    this.before = before;
    this.least = least;
  }
}

/** Every awaited key, found by database and bytes. */
export class AwaitedKeys {
  /** Bytes of all commands that are kept. */
  keptBytes: number = 0;
  readonly #keys: Map<string, AwaitedKey> = new Map();
  /** How many of them are late ones. */
  #late: number = 0;
  /** Offset up to which all late ones were right; Infinity while there are none. */
  #beforeLate: number = Infinity;

  /** How many keys are awaited. */
  get size(): number {
    return this.#keys.size;
  }

  /** The key that has been awaited longest, which is the one that went wrong first; undefined for none. */
  get first(): AwaitedKey | undefined {
    return this.#keys.size === 0 ? undefined : this.#keys.values().next().value;
  }

  /** Offset up to which every key was right; Infinity while none is awaited. O(1). */
  get before(): number {
    return Math.min(this.first?.before ?? Infinity, this.#beforeLate);
  }

  /** The awaited keys in the order they began to be. */
  values(): IterableIterator<AwaitedKey> {
    return this.#keys.values();
  }

  /** The awaited key with bytes `[start, end)` in database `db`; undefined when that one is not awaited. */
  find(db: number, bytes: Uint8Array, start: number, end: number): AwaitedKey | undefined {
    return this.#keys.get(idOf(db, bytes, start, end));
  }

  /** True while this very object is awaited, and not one that came in its place. */
  has(awaited: AwaitedKey): boolean {
    return this.#keys.get(idOf(awaited.db, awaited.key)) === awaited;
  }

  /**
   * Adds a key that is not awaited yet.
   *
   * @param isLate Whether it may have gone wrong before those that are awaited: it was found in a database in doubt.
   */
  add(awaited: AwaitedKey, isLate: boolean = false): void {
    this.#set(awaited);
    if (!isLate) return;
    awaited.isLate = true;
    this.#late++;
    this.#beforeLate = Math.min(this.#beforeLate, awaited.before);
  }

  #set(awaited: AwaitedKey): void {
    const id = idOf(awaited.db, awaited.key);
    assert(!this.#keys.has(id), "a key is awaited once");
    this.#keys.set(id, awaited);
  }

  /** Forgets a key and what was kept for it. */
  delete(awaited: AwaitedKey): void {
    assert(this.has(awaited), "the key is awaited");
    this.dropKept(awaited, Infinity);
    this.#keys.delete(idOf(awaited.db, awaited.key));
    if (awaited.isLate && --this.#late === 0) this.#beforeLate = Infinity;
  }

  /** Keeps a copy of a command until the key's value is there. */
  keep(awaited: AwaitedKey, argv: Argv, offset: number): void {
    assert(offset >= awaited.least, "what is kept comes behind what could not be applied");
    const copy = argv.copy();
    const cost = costOf(copy);
    awaited.kept.push({ argv: copy, offset });
    awaited.keptBytes += cost;
    this.keptBytes += cost;
  }

  /** Drops the commands kept up to `offset`, which a value as of there has seen. */
  dropKept(awaited: AwaitedKey, offset: number): void {
    const { kept } = awaited;
    let count = 0;
    while (count < kept.length && kept[count].offset <= offset) count++;
    for (let i = 0; i < count; i++) {
      const cost = costOf(kept[i].argv);
      awaited.keptBytes -= cost;
      this.keptBytes -= cost;
    }
    if (count > 0) awaited.kept = kept.slice(count);
    assert(awaited.kept.length > 0 || awaited.keptBytes === 0, "no command, no bytes");
  }

  /** SWAPDB: the keys of two databases change places. Whoever was asked for them was asked in the other one. */
  swap(first: number, second: number, offset: number): AwaitedKey[] {
    const all = [...this.#keys.values()];
    const moved = all.filter(({ db }) => db === first || db === second);
    this.#keys.clear();
    for (const awaited of moved) {
      awaited.db = awaited.db === first ? second : first;
      awaited.generation++;
      awaited.asked = false;
      awaited.arrival = undefined;
      awaited.least = offset;
      this.dropKept(awaited, offset);
    }
    // All in their order: the first one went wrong first.
    for (const awaited of all) this.#set(awaited);
    return moved;
  }
}

function costOf(argv: Argv): number {
  return argv.bytes.length + KEPT_OVERHEAD;
}

function idOf(
  db: number,
  bytes: Uint8Array,
  start: number = 0,
  end: number = bytes.length,
): string {
  return `${db}:${latin1(bytes, start, end)}`;
}

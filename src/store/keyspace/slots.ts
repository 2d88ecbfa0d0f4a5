/**
 * The cluster slots of a keyspace: which are being imported, and which were emptied and still have keys in
 * the tables. Readers see no key of either; the master's stream sees the keys of the former, and those of the
 * latter are removed before a command of the stream could meet one.
 *
 * ```text
 *              begin                 finish
 *   plain ───────────────▶ imported ────────▶ plain: every key of the slots appears at once
 *     │                       │ fail
 *     │ empty                 ▼
 *     └──────────────────▶ emptied ──sweep────▶ plain
 * ```
 *
 * Emptying takes effect at once and costs nothing per key; the tables are swept afterwards, in slices.
 * Nothing is counted or kept here before a first sign of a cluster is seen.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import { keySlot, SLOT_COUNT } from "../../base/crc16.ts";
import type { Entry } from "../memory/record.ts";
import { ABSENT, SlotState } from "../memory/slot_counts.ts";
import type { Database } from "./database.ts";
import type { SlotRange } from "./slot_ranges.ts";

/** Imports that can be under way at once; a real node has a few. */
export const MAX_IMPORTS = 4096;

/** Draws before a visible key is looked for one by one. */
const RANDOM_TRIES = 200;

const IMPORTED = SlotState.IMPORTED_BY_TASK | SlotState.IMPORTED_BY_JOB;

/** An import of slots that has begun and has not ended. */
export interface SlotImport {
  /** Redis's task id or Valkey's job name. */
  readonly name: string;
  /** Who imports: a task of Redis or a job of Valkey. */
  readonly state: typeof SlotState.IMPORTED_BY_TASK | typeof SlotState.IMPORTED_BY_JOB;
  /** The slots, each of them once. */
  readonly ranges: readonly SlotRange[];
}

/** Called before a swept key is removed; the bytes are borrowed. */
export type BeforeSweep = (
  dbIndex: number,
  bytes: Uint8Array,
  start: number,
  end: number,
) => void;

/** The slots of one {@linkcode Keyspace}, which makes it. */
export class Slots {
  /** Called when slots were emptied that have keys: whoever sets it sees to it that `sweep` is called. */
  onEmptied: (() => void) | undefined = undefined;
  /** Called when every key of these slots has gone at once, in all databases; whoever awaits one need not any more. */
  onDropped: ((ranges: readonly SlotRange[]) => void) | undefined = undefined;
  /** Called when an import succeeded: the keys of these slots have become visible. */
  onImported: ((ranges: readonly SlotRange[]) => void) | undefined = undefined;
  readonly #databases: ReadonlyMap<number, Database>;
  readonly #states: Uint8Array = new Uint8Array(SLOT_COUNT);
  readonly #imports: Map<string, SlotImport> = new Map();
  #followed: boolean = false;
  #hiding: boolean = false;
  #sweeping: boolean = false;
  #sweptDb: number = 0; // the place in the list of databases where the sweep stands
  #cursor: number = 0;
  #found: Uint8Array[] = [];
  readonly #ref: BytesRef = new BytesRef();

  /** Hides nothing. @param databases Those of the keyspace, by number. */
  constructor(databases: ReadonlyMap<number, Database>) {
    this.#databases = databases;
  }

  /** True once a sign of a cluster was seen: keys are counted by slot from then on. */
  get followed(): boolean {
    return this.#followed;
  }

  /** True while some slot's keys are hidden from readers; nothing needs to be asked while it is false. */
  get hiding(): boolean {
    return this.#hiding;
  }

  /** True while keys of emptied slots are still in the tables. */
  get sweeping(): boolean {
    return this.#sweeping;
  }

  /** The state of each slot, bits of `SlotState`: read it, never write it. */
  get states(): Uint8Array {
    return this.#states;
  }

  /** The imports under way. */
  imports(): SlotImport[] {
    return [...this.#imports.values()];
  }

  /** Whether readers must not see a key. */
  hides(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#hiding && this.#states[keySlot(bytes, start, end)] !== 0;
  }

  /** Whether a key lies in a slot that is being imported: nobody is told of it before the import ends. */
  isImported(bytes: Uint8Array, start: number, end: number): boolean {
    return (this.#states[keySlot(bytes, start, end)] & IMPORTED) !== 0;
  }

  /** Whether readers must not see the key of an entry. */
  hidesEntry(db: Database, entry: Entry): boolean {
    return this.#hiding && this.#states[db.slotOf(entry)] !== 0;
  }

  /**
   * Draws an entry that readers may see; 0 when there is none. Each is about as likely as any other while
   * few keys are hidden. O(1), unless nearly all of them are.
   */
  randomVisible(db: Database, random: () => number): Entry {
    if (db.visibleSize === 0) return 0;
    for (let tries = 0; tries < RANDOM_TRIES; tries++) {
      const entry = db.randomEntry(random);
      if (!this.hidesEntry(db, entry)) return entry;
    }
    let found = 0;
    const look = (entry: Entry) => {
      if (found === 0 && !this.hidesEntry(db, entry)) found = entry;
    };
    let cursor = 0;
    do cursor = db.scan(cursor, look); while (found === 0 && cursor !== 0);
    return found;
  }

  /** Whether an entry's key is left out of digests, too. */
  isAbsent(db: Database, entry: Entry): boolean {
    return this.#hiding && (this.#states[db.slotOf(entry)] & ABSENT) !== 0;
  }

  /** Whether a key lies in a slot that was emptied, so that the sweep must have passed before it is used. */
  isEmptied(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#sweeping && (this.#states[keySlot(bytes, start, end)] & SlotState.EMPTIED) !== 0;
  }

  /** A cluster's node is followed: keys are counted by slot. O(keys) the first time. */
  follow(): void {
    if (this.#followed) return;
    this.#followed = true;
    for (const database of this.#databases.values()) database.countSlots(this.#states);
  }

  /** Nothing of a cluster is known any more: no key is counted by slot, none is hidden. */
  forget(): void {
    this.#followed = false;
    this.#imports.clear();
    this.#states.fill(0);
    this.#restate();
    for (const database of this.#databases.values()) database.ignoreSlots();
  }

  /**
   * An import begins: keys of its slots are hidden until it ends. One of the same name is replaced, and a
   * slot that another import held belongs to this one.
   *
   * @returns False when so many are under way that this one is not taken.
   */
  begin(imported: SlotImport): boolean {
    if (this.#imports.size >= MAX_IMPORTS && !this.#imports.has(imported.name)) return false;
    this.follow();
    this.#end(imported.name);
    this.#imports.set(imported.name, imported);
    each(imported.ranges, (slot) => {
      this.#states[slot] = (this.#states[slot] & ~IMPORTED) | imported.state;
    });
    this.#restate();
    return true;
  }

  /** An import succeeded: its keys appear. Returns false when there is none of that name. */
  finish(name: string): boolean {
    const ended = this.#end(name);
    if (ended === undefined) return false;
    this.#restate();
    this.onImported?.(ended.ranges);
    return true;
  }

  /** An import failed: its keys are dropped. Returns false when there is none of that name. */
  fail(name: string): boolean {
    const ended = this.#end(name);
    if (ended !== undefined) this.empty(ended.ranges);
    return ended !== undefined;
  }

  /** Every key of these slots is gone, in all databases; imports of them go on. */
  empty(ranges: readonly SlotRange[]): void {
    this.follow();
    each(ranges, (slot) => {
      if (this.#hasKeys(slot)) this.#states[slot] |= SlotState.EMPTIED;
    });
    this.#restate();
    this.#sweptDb = 0;
    this.#cursor = 0;
    this.onDropped?.(ranges);
    if (this.#sweeping) this.onEmptied?.();
  }

  /**
   * Removes keys of emptied slots from the tables.
   *
   * @param keys About how many keys to look at before returning.
   * @param before Called for each before it is removed.
   * @returns True when there are none left.
   */
  sweep(keys: number, before: BeforeSweep): boolean {
    const databases = [...this.#databases];
    let seen = 0;
    while (this.#sweeping && seen < keys) {
      const [index, db] = databases[this.#sweptDb];
      const left = db.slots?.emptiedKeys ?? 0;
      if (left > 0) seen += this.#sweepStep(index, db, before);
      if (left > 0 && this.#cursor !== 0) continue;
      this.#cursor = 0;
      this.#sweptDb++;
      this.#finishSweep();
      // SWAPDB may have put keys where the walk has been.
      if (this.#sweptDb === databases.length) this.#sweptDb = 0;
    }
    return !this.#sweeping;
  }

  /** Takes over what `other` knows, with the databases that the keyspace has just taken over. */
  replaceWith(other: Slots): void {
    this.#followed = other.#followed;
    this.#states.set(other.#states);
    this.#imports.clear();
    for (const [name, imported] of other.#imports) this.#imports.set(name, imported);
    other.#imports.clear();
    for (const database of this.#databases.values()) {
      if (this.#followed) database.countSlots(this.#states);
      else database.ignoreSlots();
    }
    other.forget();
    this.#sweptDb = 0;
    this.#cursor = 0;
    this.#restate();
    if (this.#sweeping) this.onEmptied?.();
  }

  /** Keeps a database in step that was made, or emptied by taking its content away. */
  adopt(database: Database): void {
    if (this.#followed) database.countSlots(this.#states);
  }

  #end(name: string): SlotImport | undefined {
    const ended = this.#imports.get(name);
    if (ended === undefined) return undefined;
    this.#imports.delete(name);
    each(ended.ranges, (slot) => this.#states[slot] &= ~IMPORTED);
    return ended;
  }

  /** Visits one place of the table and removes what it holds of emptied slots. */
  #sweepStep(index: number, db: Database, before: BeforeSweep): number {
    let seen = 1;
    this.#cursor = db.scan(this.#cursor, (entry) => {
      seen++;
      if ((this.#states[db.slotOf(entry)] & SlotState.EMPTIED) === 0) return;
      db.keyRef(entry, this.#ref);
      this.#found.push(this.#ref.view().slice());
    });
    for (const key of this.#found) {
      before(index, key, 0, key.length);
      db.remove(key, 0, key.length);
    }
    this.#found.length = 0;
    return seen;
  }

  /** Ends the sweep when no database has keys left; slots are plain, or still imported, again. */
  #finishSweep(): void {
    for (const db of this.#databases.values()) if ((db.slots?.emptiedKeys ?? 0) > 0) return;
    for (let slot = 0; slot < SLOT_COUNT; slot++) this.#states[slot] &= ~SlotState.EMPTIED;
    this.#restate();
  }

  #hasKeys(slot: number): boolean {
    for (const db of this.#databases.values()) if ((db.slots?.keysIn(slot) ?? 0) > 0) return true;
    return false;
  }

  /** States have changed: counts follow, and texts that were read before are read again. O(slots). */
  #restate(): void {
    const { EMPTIED } = SlotState;
    this.#hiding = this.#states.some((state) => state !== 0);
    this.#sweeping = this.#hiding && this.#states.some((state) => (state & EMPTIED) !== 0);
    for (const database of this.#databases.values()) {
      database.slots?.restate(this.#states);
      database.changes++;
    }
  }
}

/** Calls back with each slot of some ranges. */
function each(ranges: readonly SlotRange[], visit: (slot: number) => void): void {
  for (const [first, last] of ranges) {
    assert(first >= 0 && first <= last && last < SLOT_COUNT, "a range holds slots of a cluster");
    for (let slot = first; slot <= last; slot++) visit(slot);
  }
}

/**
 * Commits: what the master's stream has changed, told when a command, or a whole MULTI to EXEC, has been
 * applied, and never in between. Whatever tells the application of changes reads from here.
 *
 * ```text
 *  handler -- changed --> modified ----+                    +--> change feed
 *  FLUSHALL, SWAPDB --> modifiedAll ---+--> Commits --end --+--> live values, watches
 *  repair, cluster slots that move ----+    one record      +--> indexes
 *
 *  SET a; SET b; SET a            keys a b
 *  SET a; FLUSHDB; SET b          event flush, then keys b: a is gone with the database
 *  SET a (0); SWAPDB 0 1          event swap, then keys a (1): where it is now
 * ```
 *
 * A listener therefore performs the events of a commit in order, then looks at its keys, whose values it
 * finds in the keyspace. While nobody listens, a change costs one comparison.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer, type BytesRef } from "../../base/byte_buffer.ts";
import { hash32 } from "../../base/hash.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";

/** Up to so many keys are compared one by one; more are looked up in a hash table. */
const LINEAR_KEYS = 8;
/** A buffer that one large transaction has grown beyond this is given back after it. */
const KEPT_BYTES = 1 << 20;
const KEPT_KEYS = 1 << 16;

/** A change of more than single keys. */
export type WholeChange =
  /** FLUSHDB, FLUSHALL: every key of database `db` is gone, or with -1 of every database. */
  | { readonly kind: "flush"; readonly db: number }
  /** SWAPDB: two databases have exchanged their contents. */
  | { readonly kind: "swap"; readonly a: number; readonly b: number }
  /**
   * Cluster slots have moved: any of their keys may have become visible or hidden. Which ones follows in
   * later commits, whose keys are named one by one.
   */
  | { readonly kind: "slots" };

/** Which byte of which history the data stands at. */
export interface CommitPlace {
  /** The history's id, 40 hex digits; "" where no master is followed. */
  readonly replid: string;
  /** Offset of the last stream byte that the data shows. */
  readonly applied: number;
  /** Up to here every key is what the stream made of it: behind `applied` while keys are being fetched. */
  readonly settled: number;
}

/** What one commit has touched. All of it is borrowed: valid during the listener's call only. */
export interface Commit {
  /** Id of the history that `offset` counts in. */
  readonly replid: string;
  /** Offset of the stream after the commit; that of the one before when no command of the stream made it. */
  readonly offset: number;
  /** Up to this offset no key waits for its value; never beyond `offset`. */
  readonly settled: number;
  /** Whole-database events, in order; they come before the keys. */
  readonly events: readonly WholeChange[];
  /** How many keys were touched, each once, in the order they were touched first. */
  readonly count: number;
  /** Number of the database of key `index`. */
  dbAt(index: number): number;
  /** Points `ref` at the bytes of key `index`. */
  keyAt(index: number, ref: BytesRef): void;
  /** Lower-case name of the command that touched key `index` last, as "set" or "cluster|flushslot". */
  commandAt(index: number): string;
}

/** Is told of commits, synchronously. What it throws is reported and stops nobody. */
export interface CommitListener {
  /** A commit has been applied; reads see all of it and nothing of the next one. */
  committed(commit: Commit): void;
  /**
   * A snapshot of a full sync is whole and will take the place of `old`. Neither changes until then: the
   * stream waits. What must be worked out first is done in steps, each of them some ten microseconds.
   *
   * @returns Does a step, and answers true when no more is to be done; undefined when nothing is.
   */
  replacing?(old: Keyspace, fresh: Keyspace): (() => boolean) | undefined;
  /** What `replacing` has worked out is of no use: the snapshot did not take the old data's place. */
  abandoned?(): void;
  /** A snapshot has taken the place of all data. Events and keys of the stream follow. */
  replaced(): void;
}

const NOWHERE: CommitPlace = { replid: "", applied: 0, settled: 0 };

/** Collects what is changed, and tells listeners at the end of each commit. */
export class Commits {
  /** Name of the command that is being run; whoever runs one sets it while {@linkcode listening}. */
  command: string = "";
  /** Where the data stands; the link has it. */
  place: CommitPlace = NOWHERE;
  readonly #keyspace: Keyspace;
  readonly #report: (error: unknown) => void;
  #listeners: readonly CommitListener[] = [];
  #listening: boolean = false;
  #open: CommitRecord;
  #spare: CommitRecord;
  #tells: boolean = false;
  #replaces: boolean = false;

  /**
   * Begins without listeners.
   *
   * @param keyspace The data that changes.
   * @param report Gets what a listener throws; must not throw.
   */
  constructor(keyspace: Keyspace, report: (error: unknown) => void) {
    this.#keyspace = keyspace;
    this.#report = report;
    this.#open = new CommitRecord(keyspace);
    this.#spare = new CommitRecord(keyspace);
  }

  /** True while anybody is told: without, nothing is collected. */
  get listening(): boolean {
    return this.#listening;
  }

  /**
   * Adds a listener, which is told from the next commit on. One that is added during a commit is not told of
   * it.
   *
   * @param first Told before the listeners there are: for what others may read when they are told, as indexes.
   * @returns Removes the listener; harmless when called again.
   */
  subscribe(listener: CommitListener, first: boolean = false): () => void {
    this.#listeners = first ? [listener, ...this.#listeners] : [...this.#listeners, listener];
    this.#listening = true;
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
      this.#listening = this.#listeners.length > 0;
      if (!this.#listening) this.#open.clear();
    };
  }

  /** A key was changed, made or deleted. The bytes are borrowed. Keys of hidden slots are left out. */
  touched(db: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#listening) return;
    const { slots } = this.#keyspace;
    if (slots.hiding && slots.isImported(bytes, start, end)) return;
    this.#open.add(db, bytes, start, end, this.command);
  }

  /** Whole databases were changed. */
  changed(change: WholeChange): void {
    if (this.#listening) this.#open.addEvent(change);
  }

  /** A commit has ended: listeners are told, unless it has touched nothing. */
  end(): void {
    // What a listener changes by itself is a commit that follows.
    if (this.#tells || this.#open.isEmpty) return;
    this.#tells = true;
    while (!this.#open.isEmpty) {
      const record = this.#open;
      this.#open = this.#spare;
      this.#spare = record;
      record.stand(this.place);
      for (const listener of this.#listeners) {
        try {
          listener.committed(record);
        } catch (error) {
          this.#report(error);
        }
      }
      record.clear();
    }
    this.#tells = false;
  }

  /**
   * A snapshot is whole. Returns what has to be done before it takes the place of the data, in steps; undefined
   * for nothing.
   */
  replacing(fresh: Keyspace): (() => boolean) | undefined {
    const steps: (() => boolean)[] = [];
    for (const listener of this.#listeners) {
      this.#guard(() => {
        const step = listener.replacing?.(this.#keyspace, fresh);
        if (step !== undefined) steps.push(step);
      });
    }
    this.#replaces = true;
    if (steps.length === 0) return undefined;
    return () => {
      let done = true;
      this.#guard(() => done = steps[0]());
      if (done) steps.shift();
      return steps.length === 0;
    };
  }

  /** The snapshot that `replacing` was told of will not take the place of the data. */
  abandoned(): void {
    if (!this.#replaces) return;
    this.#replaces = false;
    for (const listener of this.#listeners) this.#guard(() => listener.abandoned?.());
  }

  /** All data was replaced. */
  replaced(): void {
    this.#replaces = false;
    this.#open.clear();
    for (const listener of this.#listeners) this.#guard(() => listener.replaced());
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#report(error);
    }
  }
}

/** The keys and events of one commit: bytes in one buffer, and numbers beside it. */
class CommitRecord implements Commit {
  replid: string = "";
  offset: number = 0;
  settled: number = 0;
  count: number = 0;
  events: WholeChange[] = [];
  readonly #keyspace: Keyspace;
  #bytes: ByteBuffer = new ByteBuffer(1024);
  #dbs: Int32Array = new Int32Array(16);
  /** Key `i` ends here and begins where the one before it ends. */
  #ends: Int32Array = new Int32Array(16);
  #commands: string[] = [];
  /** Open addressing: index of a key plus 1. Filled once there are more than a few keys. */
  #table: Int32Array = new Int32Array(0);

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
  }

  get isEmpty(): boolean {
    return this.count === 0 && this.events.length === 0;
  }

  stand({ replid, applied, settled }: CommitPlace): void {
    assert(settled <= applied, "what is settled has been applied");
    this.replid = replid;
    this.offset = applied;
    this.settled = settled;
  }

  dbAt(index: number): number {
    return this.#dbs[index];
  }

  keyAt(index: number, ref: BytesRef): void {
    ref.set(this.#bytes.bytes, this.#startOf(index), this.#ends[index]);
  }

  commandAt(index: number): string {
    return this.#commands[index];
  }

  add(db: number, bytes: Uint8Array, start: number, end: number, command: string): void {
    const { count } = this;
    const slot = count < LINEAR_KEYS ? -1 : this.#slotOf(db, bytes, start, end);
    const known = slot < 0 ? this.#find(db, bytes, start, end) : this.#table[slot] - 1;
    if (known >= 0) {
      this.#commands[known] = command;
      return;
    }
    if (count === this.#dbs.length) this.#grow();
    this.#dbs[count] = db;
    this.#bytes.writeBytes(bytes, start, end);
    this.#ends[count] = this.#bytes.length;
    this.#commands[count] = command;
    this.count = count + 1;
    if (slot >= 0) this.#table[slot] = this.count;
    // A table is kept at most half full, so that a key is found near its place.
    if (this.count >= LINEAR_KEYS && this.count * 2 > this.#table.length) this.#fillTable();
    else if (this.count === LINEAR_KEYS) this.#fillTable();
  }

  addEvent(change: WholeChange): void {
    this.events.push(change);
    if (change.kind === "flush") {
      this.#renumber((db) => change.db < 0 || db === change.db ? -1 : db);
    } else if (change.kind === "swap") {
      const { a, b } = change;
      this.#renumber((db) => db === a ? b : db === b ? a : db);
    }
  }

  clear(): void {
    this.count = 0;
    if (this.events.length > 0) this.events = [];
    this.#bytes.clear();
    if (this.#bytes.bytes.length > KEPT_BYTES) this.#bytes.shrink(1024);
    if (this.#dbs.length <= KEPT_KEYS) return;
    this.#dbs = new Int32Array(16);
    this.#ends = new Int32Array(16);
    this.#commands = [];
    this.#table = new Int32Array(0);
  }

  /** Gives keys another database, or drops them where `numberOf` answers -1. O(keys). */
  #renumber(numberOf: (db: number) => number): void {
    if (this.count === 0) return;
    const { count } = this;
    const bytes = this.#bytes.toBytes();
    const ends = this.#ends.slice(0, count);
    const dbs = this.#dbs.slice(0, count);
    const commands = this.#commands.slice(0, count);
    this.#bytes.clear();
    this.count = 0;
    let start = 0;
    for (let i = 0; i < count; i++) {
      const db = numberOf(dbs[i]);
      if (db >= 0) this.add(db, bytes, start, ends[i], commands[i]);
      start = ends[i];
    }
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1];
  }

  #grow(): void {
    const dbs = new Int32Array(this.#dbs.length * 2);
    const ends = new Int32Array(this.#dbs.length * 2);
    dbs.set(this.#dbs);
    ends.set(this.#ends);
    this.#dbs = dbs;
    this.#ends = ends;
  }

  #find(db: number, bytes: Uint8Array, start: number, end: number): number {
    for (let i = 0; i < this.count; i++) if (this.#isAt(i, db, bytes, start, end)) return i;
    return -1;
  }

  #isAt(index: number, db: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#startOf(index);
    if (this.#dbs[index] !== db || this.#ends[index] - from !== end - start) return false;
    const own = this.#bytes.bytes;
    for (let i = start, at = from; i < end; i++, at++) if (own[at] !== bytes[i]) return false;
    return true;
  }

  /** The place of a key in the table: its own, or the free one where it belongs. */
  #slotOf(db: number, bytes: Uint8Array, start: number, end: number): number {
    const { seed0, seed1 } = this.#keyspace.settings;
    const mask = this.#table.length - 1;
    let slot = hash32(bytes, start, end, seed0 ^ db, seed1) & mask;
    for (;; slot = (slot + 1) & mask) {
      const index = this.#table[slot] - 1;
      if (index < 0 || this.#isAt(index, db, bytes, start, end)) return slot;
    }
  }

  /** Makes a table for the keys there are, with room for as many again. */
  #fillTable(): void {
    let size = Math.max(this.#table.length, 32);
    while (size < this.count * 4) size *= 2;
    if (size === this.#table.length) this.#table.fill(0);
    else this.#table = new Int32Array(size);
    for (let i = 0; i < this.count; i++) {
      const slot = this.#slotOf(
        this.#dbs[i],
        this.#bytes.bytes,
        this.#startOf(i),
        this.#ends[i],
      );
      this.#table[slot] = i + 1;
    }
  }
}

/**
 * One database as it was when a snapshot began, while it goes on changing: the copy-on-write that a
 * fork gives Redis for free, key by key.
 *
 * The snapshot visits the table with SCAN's cursor, and the table neither grows nor shrinks
 * meanwhile. So the cursor divides the hashes into those that were visited and those that are still
 * to come, and every key is in one of four states:
 *
 * ```text
 *                       cursor
 *   |-------- past --------|--------- to come ---------|
 *     written,               not written: take() writes it aside now and notes it in `touched`,
 *     or in `waiting`        so that the visit passes over it
 *
 *   waiting    visited while a large value was half written: the key is still to be written
 *   touched    written aside before a change, or made since the snapshot began: no longer to come
 * ```
 *
 * A key that did not exist is noted in `touched` all the same when a command is about to make it:
 * it does not belong to the snapshot.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { BytesRef } from "../base/byte_buffer.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { Entry } from "../store/memory/record.ts";
import { Records } from "../store/memory/records.ts";

/**
 * Writes a key; false when its value is so large that a part remains, for which other keys must
 * wait.
 */
export type WriteEntry = (entry: Entry) => boolean;

/** One database of a snapshot that is being written. */
export class FrozenDatabase {
  /** The index it had when the snapshot began, under which it is written. */
  readonly index: number;
  /** How many keys it had then. */
  readonly size: number;
  /** How many of those keys had an expiry. */
  readonly expiresCount: number;
  /** The database that holds its content now: SWAPDB and FLUSHDB move the content to another. */
  db: Database;
  /** True once every key has been written, or the snapshot was given up. */
  done: boolean = false;

  #cursor: number = 0;
  #begun: boolean = false; // a cursor of 0 is the beginning or the end
  /** Keys that are not to be written when the visit comes to them; records without values. */
  #touched: Records | undefined = undefined;
  /** Keys that were visited while a value was half written, and are still to be written. */
  readonly #waiting: Uint8Array[] = [];
  readonly #ref: BytesRef = new BytesRef();
  readonly #visit: (entry: Entry) => void;
  #write: WriteEntry = () => true;
  #isHalfWritten: boolean = false;

  /** Begins the snapshot of `db`, whose table stops growing and shrinking until `finish`. */
  constructor(index: number, db: Database) {
    this.index = index;
    this.db = db;
    this.size = db.size;
    this.expiresCount = db.expiresCount;
    this.#visit = (entry) => {
      if (this.#isTouched(entry)) return;
      if (this.#isHalfWritten) this.#waiting.push(this.#keyOf(entry));
      else this.#isHalfWritten = !this.#write(entry);
    };
    db.table.pauseRehash();
  }

  /**
   * Writes some of the keys that are still to come. Must not be called while a value is half
   * written.
   *
   * @param write Called for each of them; after it has answered false, the keys of the same step
   *   wait.
   */
  step(write: WriteEntry): void {
    assert(!this.done, "keys are still to come");
    if (this.#waiting.length > 0) return this.#stepWaiting(write);
    if (this.#begun && this.#cursor === 0) return this.finish();
    this.#begun = true;
    this.#isHalfWritten = false;
    this.#write = write;
    this.#cursor = this.db.scan(this.#cursor, this.#visit);
  }

  /**
   * Ends the snapshot of this database: the table may grow and shrink again. May be called again.
   */
  finish(): void {
    if (this.done) return;
    this.done = true;
    this.#touched = undefined;
    this.#waiting.length = 0;
    this.db.table.resumeRehash();
  }

  /**
   * If the key belongs to the snapshot and is not written yet, notes it as written and returns its
   * entry, which the caller writes before the key changes; else 0. Called before every change of a
   * key.
   */
  take(bytes: Uint8Array, start: number, end: number): Entry {
    if (this.done) return 0;
    const { db } = this;
    const waits = this.#findWaiting(bytes, start, end);
    if (waits >= 0) {
      this.#waiting.splice(waits, 1);
      return db.find(bytes, start, end);
    }
    if (this.#isPast(bytes, start, end)) return 0;
    const touched = this.#touched ??= new Records(db.settings);
    if (touched.find(bytes, start, end) !== 0) return 0;
    touched.addKey(bytes, start, end);
    return db.find(bytes, start, end);
  }

  #stepWaiting(write: WriteEntry): void {
    let mayWrite = true;
    while (mayWrite && this.#waiting.length > 0) {
      const key = this.#waiting.pop()!;
      const entry = this.db.find(key, 0, key.length);
      assert(entry !== 0, "a key that waits cannot be deleted before it was taken");
      mayWrite = write(entry);
    }
  }

  /** Whether the visit has passed the place where the key is, or would be. */
  #isPast(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#begun) return false;
    if (this.#cursor === 0) return true;
    const { table } = this.db;
    return table.isPast(this.#cursor, table.hashOf(bytes, start, end));
  }

  /** Whether the entry's key was written aside, or is younger than the snapshot. */
  #isTouched(entry: Entry): boolean {
    if (this.#touched === undefined) return false;
    const ref = this.#ref;
    this.db.keyRef(entry, ref);
    return this.#touched.find(ref.bytes, ref.start, ref.end) !== 0;
  }

  #keyOf(entry: Entry): Uint8Array {
    this.db.keyRef(entry, this.#ref);
    return this.#ref.view().slice();
  }

  #findWaiting(bytes: Uint8Array, start: number, end: number): number {
    return this.#waiting.findIndex((key) => isKey(key, bytes, start, end));
  }
}

/** Databases of a keyspace as they were, which follow their contents as those are exchanged or emptied. */
export class FrozenKeyspace {
  /** The databases, in ascending order of the numbers they had. */
  readonly databases: readonly FrozenDatabase[];
  readonly #keyspace: Keyspace;
  /** The databases by the index under which their content is found now. */
  readonly #byIndex: Map<number, FrozenDatabase> = new Map();

  /** Begins the snapshot of the databases of some numbers. */
  constructor(keyspace: Keyspace, indexes: readonly number[]) {
    this.#keyspace = keyspace;
    this.databases = indexes.map((index) => new FrozenDatabase(index, keyspace.db(index)));
    for (const frozen of this.databases) this.#byIndex.set(frozen.index, frozen);
  }

  /** The database whose content is found under an index now; undefined when it is none of these. */
  at(dbIndex: number): FrozenDatabase | undefined {
    return this.#byIndex.get(dbIndex);
  }

  /** Follows the content of an emptied database into `kept`, where nobody changes it any more. */
  afterClear(dbIndex: number, kept: Database): void {
    const frozen = this.#byIndex.get(dbIndex);
    if (frozen === undefined) return;
    this.#byIndex.delete(dbIndex);
    frozen.db = kept;
  }

  /** Follows the contents of two databases that are about to change places. */
  beforeSwap(a: number, b: number): void {
    const ofA = this.#byIndex.get(a);
    const ofB = this.#byIndex.get(b);
    this.#follow(a, ofB);
    this.#follow(b, ofA);
  }

  /** Ends the snapshot of all of them. May be called again. */
  finish(): void {
    for (const frozen of this.databases) frozen.finish();
    this.#byIndex.clear();
  }

  /** Notes that the content of `frozen` is about to be found under `index`; undefined: of no database here. */
  #follow(index: number, frozen: FrozenDatabase | undefined): void {
    if (frozen === undefined) {
      this.#byIndex.delete(index);
      return;
    }
    this.#byIndex.set(index, frozen);
    frozen.db = this.#keyspace.db(index);
  }
}

/** Whether bytes `[start, end)` are the same as those of `key`. */
export function isKey(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false;
  for (let i = 0; i < key.length; i++) if (key[i] !== bytes[start + i]) return false;
  return true;
}

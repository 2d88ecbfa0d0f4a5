/**
 * A database as it was when a snapshot began, while it goes on changing: which of its keys are written
 * already, which have been written ahead of their turn because they were about to change, and which have
 * come since and are none of the snapshot's.
 *
 * The table is held: it grows and shrinks only after the snapshot has passed, so a cursor divides the
 * hashes into those that were visited and those that are still to come.
 *
 * @module
 */

import { BytesRef } from "../base/byte_buffer.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Entry } from "../store/memory/record.ts";
import { Records } from "../store/memory/records.ts";

/** Writes a key; false when it is so large that a part of its value remains: then others wait. */
export type WriteEntry = (entry: Entry) => boolean;

/** One database of a snapshot. */
export class FrozenDatabase {
  /** Its number when the snapshot began. */
  readonly index: number;
  /** Keys it had. */
  readonly size: number;
  /** How many of them had an expiry. */
  readonly expiresCount: number;
  /** Where its content is now: SWAPDB and FLUSHDB give it another place. */
  db: Database;
  /** Whether every key has been visited. */
  done: boolean = false;

  #cursor: number = 0;
  #begun: boolean = false;
  /** Keys that are not to be written when their turn comes. */
  #touched: Database | undefined = undefined;
  /** Keys that were visited while another was half written, and are still to be written. */
  readonly #waiting: Uint8Array[] = [];
  readonly #ref: BytesRef = new BytesRef();
  readonly #look: (entry: Entry) => void;
  #write: WriteEntry = () => true;
  #isHalfWritten: boolean = false;

  /** Freezes a database. */
  constructor(index: number, db: Database) {
    this.index = index;
    this.db = db;
    this.size = db.size;
    this.expiresCount = db.expiresCount;
    this.#look = (entry) => {
      if (this.#isTouched(entry)) return;
      if (this.#isHalfWritten) this.#waiting.push(this.#keyOf(entry));
      else this.#isHalfWritten = !this.#write(entry);
    };
    db.table.pauseRehash();
  }

  /** Visits some keys that are still to be written. */
  step(write: WriteEntry): void {
    if (this.#waiting.length > 0) return this.#stepWaiting(write);
    if (this.#begun && this.#cursor === 0) return this.finish();
    this.#begun = true;
    this.#isHalfWritten = false;
    this.#write = write;
    this.#cursor = this.db.scan(this.#cursor, this.#look);
  }

  /** Nothing is left to be written: the table is free again. */
  finish(): void {
    if (this.done) return;
    this.done = true;
    this.#touched = undefined;
    this.#waiting.length = 0;
    this.db.table.resumeRehash();
  }

  /** The entry of a key that is about to change and has not been written, which is then seen to; else 0. */
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
      mayWrite = write(this.db.find(key, 0, key.length));
    }
  }

  #isPast(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#begun) return false;
    if (this.#cursor === 0) return true;
    const { table } = this.db;
    return table.isPast(this.#cursor, table.hashOf(bytes, start, end));
  }

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

/** Whether bytes `[start, end)` are that key. */
export function isKey(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false;
  for (let i = 0; i < key.length; i++) if (key[i] !== bytes[start + i]) return false;
  return true;
}

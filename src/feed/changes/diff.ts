/**
 * The differences between the old data and a snapshot that will take its place, worked out step by step before
 * it does: both stand still meanwhile.
 *
 * ```text
 *  old    walked:  in fresh, equal       nothing
 *                  in fresh, other       told
 *                  not in fresh          told
 *  fresh  walked:  not in old            told
 * ```
 *
 * Large values are told without being compared: that costs more than telling them. A hash whose fields expire
 * is compared by its bytes.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { drain } from "../../commands/engine/long_read.ts";
import { addValue, Digest } from "../../commands/server/digest.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import { Encoding, type Entry, ValueType } from "../../store/memory/record.ts";
import { hashHasExpiries, hashLength } from "../../store/types/hash.ts";
import { listLength } from "../../store/types/list.ts";
import { moduleValueOf } from "../../store/types/module.ts";
import { setLength } from "../../store/types/set.ts";
import { streamOf } from "../../store/types/small_stream.ts";
import { readString } from "../../store/types/string.ts";
import { zsetLength } from "../../store/types/zset.ts";
import { visibleEntry } from "./values.ts";

/** Collections with more elements count as changed. */
const MAX_COMPARED = 128;

/** Gets each key that differs; `old` is undefined where it is new, `type` -1 where it is gone. */
export type Differs = (
  dbIndex: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  old: { readonly db: Database; readonly entry: Entry } | undefined,
  type: ValueType | -1,
) => void;

const key = new BytesRef();
const a = new BytesRef();
const b = new BytesRef();

/** A comparison under way. */
export class Differences {
  readonly #old: Keyspace;
  readonly #fresh: Keyspace;
  readonly #differs: Differs;
  /** Databases of the old data, then those of the fresh, that are still to be walked. */
  #oldIndexes: number[];
  #freshIndexes: number[];
  #cursor: number = 0;

  /** Compares nothing before `step`. */
  constructor(old: Keyspace, fresh: Keyspace, differs: Differs) {
    this.#old = old;
    this.#fresh = fresh;
    this.#differs = differs;
    this.#oldIndexes = old.indexes();
    this.#freshIndexes = fresh.indexes();
  }

  /** Compares a few keys. Returns true when all are compared. */
  step(): boolean {
    if (this.#oldIndexes.length > 0) {
      const index = this.#oldIndexes[0];
      const db = this.#old.db(index);
      this.#cursor = db.scan(this.#cursor, (entry) => this.#compare(index, db, entry));
      if (this.#cursor === 0) this.#oldIndexes.shift();
    } else if (this.#freshIndexes.length > 0) {
      const index = this.#freshIndexes[0];
      const db = this.#fresh.db(index);
      this.#cursor = db.scan(this.#cursor, (entry) => this.#findNew(index, db, entry));
      if (this.#cursor === 0) this.#freshIndexes.shift();
    }
    return this.#oldIndexes.length === 0 && this.#freshIndexes.length === 0;
  }

  #compare(index: number, db: Database, entry: Entry): void {
    if (isHidden(this.#old, db, entry)) return;
    db.keyRef(entry, key);
    const { bytes, start, end } = key;
    const fresh = this.#fresh.peek(index);
    const found = visibleEntry(this.#fresh, fresh, bytes, start, end);
    if (fresh === undefined || found === 0) {
      return this.#differs(index, bytes, start, end, { db, entry }, -1);
    }
    if (isSame(this.#old, db, entry, this.#fresh, fresh, found)) return;
    this.#differs(index, bytes, start, end, { db, entry }, fresh.typeOf(found));
  }

  #findNew(index: number, db: Database, entry: Entry): void {
    if (isHidden(this.#fresh, db, entry)) return;
    db.keyRef(entry, key);
    const { bytes, start, end } = key;
    if (visibleEntry(this.#old, this.#old.peek(index), bytes, start, end) !== 0) return;
    this.#differs(index, bytes, start, end, undefined, db.typeOf(entry));
  }
}

function isHidden(keyspace: Keyspace, db: Database, entry: Entry): boolean {
  return keyspace.slots.hiding && keyspace.slots.hidesEntry(db, entry);
}

/** Whether two values are equal for sure, and expire at the same time. */
function isSame(
  oldSpace: Keyspace,
  oldDb: Database,
  oldEntry: Entry,
  newSpace: Keyspace,
  newDb: Database,
  newEntry: Entry,
): boolean {
  const type = oldDb.typeOf(oldEntry);
  if (type !== newDb.typeOf(newEntry)) return false;
  if (oldDb.expireAtMs(oldEntry) !== newDb.expireAtMs(newEntry)) return false;
  if (type === ValueType.STRING) {
    readString(oldDb, oldEntry, a);
    // The text of an integer lies in a buffer that the next one overwrites.
    if (oldDb.encodingOf(oldEntry) === Encoding.INT) a.set(a.view().slice(), 0, a.end - a.start);
    readString(newDb, newEntry, b);
    return isEqual(a, b);
  }
  if (type === ValueType.MODULE) return isSameModule(oldDb, oldEntry, newDb, newEntry);
  const oldObject = oldDb.objectOf(oldEntry);
  const newObject = newDb.objectOf(newEntry);
  if (oldObject === undefined && newObject === undefined) {
    oldDb.valueRef(oldEntry, a);
    newDb.valueRef(newEntry, b);
    if (oldDb.encodingOf(oldEntry) === newDb.encodingOf(newEntry) && isEqual(a, b)) return true;
  }
  if (lengthOf(oldDb, oldEntry) > MAX_COMPARED || lengthOf(newDb, newEntry) > MAX_COMPARED) {
    return false;
  }
  if (type === ValueType.HASH) {
    if (hashHasExpiries(oldDb, oldEntry) || hashHasExpiries(newDb, newEntry)) return false;
  }
  return digestOf(oldSpace, oldDb, oldEntry) === digestOf(newSpace, newDb, newEntry);
}

function isSameModule(
  oldDb: Database,
  oldEntry: Entry,
  newDb: Database,
  newEntry: Entry,
): boolean {
  const was = moduleValueOf(oldDb, oldEntry)?.payload;
  const is = moduleValueOf(newDb, newEntry)?.payload;
  if (was === undefined || is === undefined) return false;
  a.set(was, 0, was.length);
  b.set(is, 0, is.length);
  return isEqual(a, b);
}

function isEqual(one: BytesRef, other: BytesRef): boolean {
  const length = one.end - one.start;
  if (length !== other.end - other.start) return false;
  for (let i = 0; i < length; i++) {
    if (one.bytes[one.start + i] !== other.bytes[other.start + i]) return false;
  }
  return true;
}

function lengthOf(db: Database, entry: Entry): number {
  switch (db.typeOf(entry)) {
    case ValueType.LIST:
      return listLength(db, entry);
    case ValueType.SET:
      return setLength(db, entry);
    case ValueType.ZSET:
      return zsetLength(db, entry);
    case ValueType.HASH:
      return hashLength(db, entry);
    case ValueType.STREAM:
      return streamOf(db, entry).length;
    default:
      return Infinity;
  }
}

function digestOf(keyspace: Keyspace, db: Database, entry: Entry): string {
  const digest = new Digest();
  drain(addValue(digest, keyspace, { db, entry }));
  return digest.toString();
}

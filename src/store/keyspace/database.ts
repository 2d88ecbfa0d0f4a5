/**
 * One numbered database of a keyspace. Its keys and values are {@linkcode Records}, as the fields of a
 * large hash are; here is what only databases are asked for: values under another key or in another
 * database (COPY, RENAME, MOVE) and giving memory back (MEMORY PURGE). What a key holds is read and
 * written by the functions of `types/`.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { evacuate } from "../memory/evacuate.ts";
import type { Entry } from "../memory/record.ts";
import type { Records } from "../memory/records.ts";
import type { StoredObject } from "../memory/stored_object.ts";

/** The records of one database: all keys with their values and expiries. Made by a `Keyspace`. */
export type Database = Records;

/** {@linkcode compact} leaves a segment alone if at least this share of it is live. */
const COMPACT_SHARE = 0.9;

const oldKey: BytesRef = new BytesRef();
const value: BytesRef = new BytesRef();

/**
 * Sets a key of `target`, which may be `source` itself, to a copy of an entry's value: `copyCommand` of
 * Redis's `db.c`. O(size of the value).
 *
 * @returns The entry of the copy; `entry` is invalid if both databases are one.
 */
export function copyValue(
  source: Database,
  entry: Entry,
  target: Database,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  expireAtMs: number,
): Entry {
  const object = source.objectOf(entry)?.copy();
  return putValue(source, entry, target, keyBytes, keyStart, keyEnd, object, expireAtMs);
}

/**
 * Sets a key of `target` to an entry's value and expiry, an object without copying it. The source's key
 * still leads to the same object: the caller deletes that key next.
 */
export function moveValue(
  source: Database,
  entry: Entry,
  target: Database,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
): Entry {
  const object = source.objectOf(entry);
  const at = source.expireAtMs(entry);
  return putValue(source, entry, target, keyBytes, keyStart, keyEnd, object, at);
}

/** Moves an entry's value and expiry under another key of its database, in place of what that key held. */
export function renameKey(
  db: Database,
  entry: Entry,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
): void {
  if (db.find(keyBytes, keyStart, keyEnd) === entry) return;
  db.keyRef(entry, oldKey);
  moveValue(db, entry, db, keyBytes, keyStart, keyEnd);
  // The write may have moved the record, but not changed the bytes it lay in: they still spell its key.
  db.remove(oldKey.bytes, oldKey.start, oldKey.end);
}

/** Sets a key of `target` to an object, or to the bytes of an entry's value. */
function putValue(
  source: Database,
  entry: Entry,
  target: Database,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  object: StoredObject | undefined,
  expireAtMs: number,
): Entry {
  const type = source.typeOf(entry);
  const encoding = source.encodingOf(entry);
  if (object !== undefined) {
    return target.setObject(keyBytes, keyStart, keyEnd, type, encoding, object, expireAtMs);
  }
  source.valueRef(entry, value);
  const { bytes, start, end } = value;
  return target.setBlob(
    keyBytes,
    keyStart,
    keyEnd,
    type,
    encoding,
    bytes,
    start,
    end,
    expireAtMs,
  );
}

/**
 * Moves records together so that the segments they leave can be given back. A write: entries move.
 *
 * @param budgetBytes About how much to move before returning, so that a caller can work in slices.
 * @returns Bytes of work done; 0 when there is nothing worth moving.
 */
export function compact(db: Database, budgetBytes: number): number {
  const { slab, table } = db;
  const budget = Math.max(budgetBytes >>> 3, 1);
  let spent = 0;
  while (spent < budget) {
    if (slab.wastedBytes * 8 < slab.usedBytes && slab.victim < 0) break;
    if (!slab.chooseVictim(COMPACT_SHARE)) break;
    spent += Math.max(evacuate(slab, table, budget - spent), 1);
  }
  slab.debtUnits = 0;
  return spent * 8;
}

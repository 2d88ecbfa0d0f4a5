/**
 * Hashes in every form, as functions over an entry of {@linkcode Records}. A hash begins as pairs in a
 * listpack, becomes triples once a field gets an expiry (Redis 7.4's "listpackex"), and what Redis calls a
 * hash table beyond `hash-max-listpack-entries` and `hash-max-listpack-value`; it never goes back. When one
 * becomes the other is as in `t_hash.c`, as OBJECT ENCODING and snapshots show it.
 *
 * ```
 *  LISTPACK      field value | field value | ...           in the order they came
 *  LISTPACK_EX   field value ttl | field value ttl | ...   the soonest to expire first
 *  HASHTABLE     field value ttl | field value ttl | ...   the same, in the record; or
 *                HashTable                                 an object beside it (`hash_table.ts`)
 * ```
 *
 * The last form is two for the sake of memory: hashes of a few fields with long values are common and come
 * by the million, and an object for each takes two kilobytes. To clients both are "hashtable".
 *
 * No function hides or deletes a field because its expiry has passed: that is the caller's, who has a
 * clock. Functions that change a hash return where its entry is afterwards.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import type { Records } from "../memory/records.ts";
import { type FieldVisitor, HashTable, hashTableOf, isSmallTable } from "./hash_table.ts";
import {
  LISTPACK_EMPTY,
  lpAppendTo,
  lpBegin,
  lpEntryBytes,
  lpExtend,
  lpFind,
  lpFinish,
  lpFirst,
  lpIsEnd,
  lpLength,
  lpNext,
  lpRead,
  lpSeek,
  lpSplice,
  lpWrite,
} from "../packed/listpack.ts";
import { Encoding, type Entry, NO_EXPIRY, ValueType } from "../memory/record.ts";
import { RecordRegion } from "../packed/record_region.ts";
import {
  afterField,
  appendTriple,
  appendTtl,
  eachField,
  expiryAt,
  fitsTriple,
  placeFor,
  visitField,
} from "./hash_listpack.ts";

/** Most bytes of room in a new record: fields that would fill more make the hash a table instead. */
const MOST_ROOM_BYTES = 8192;
/** Bytes of memory that the buffer keeps between two uses. */
const KEPT_BYTES = 1 << 17;

const blob = new BytesRef();
const region = new RecordRegion();
/** Elements that are to be spliced into the region. */
const encoded = new ByteBuffer();

/** How many fields a hash has, expired ones included. */
export function hashLength(db: Records, entry: Entry): number {
  const large = hashTableOf(db, entry);
  if (large !== undefined) return large.size;
  db.valueRef(entry, blob);
  return Math.floor(lpLength(blob.bytes, blob.start, blob.end) / strideOf(db, entry));
}

/** Visits every field: in the listpack's order, or in none. `visit` must not write to the records. */
export function hashEach(db: Records, entry: Entry, visit: FieldVisitor): void {
  const large = hashTableOf(db, entry);
  if (large !== undefined) return large.each(visit);
  db.valueRef(entry, blob);
  eachField(blob.bytes, blob.start, strideOf(db, entry), visit);
}

/**
 * Visits about `count` fields of a table from a cursor on, 0 to begin with; a smaller form whole. Returns the next
 * cursor, 0 at the end.
 */
export function hashSome(
  db: Records,
  entry: Entry,
  cursor: number,
  count: number,
  visit: FieldVisitor,
): number {
  const large = hashTableOf(db, entry);
  if (large !== undefined) return large.some(cursor, count, visit);
  hashEach(db, entry, visit);
  return 0;
}

/** A field that {@linkcode hashFind} found; valid until the next write to the records. */
export class FieldCursor {
  /** The field's value; an integer's text is valid until the fourth read of one after it. */
  readonly value: BytesRef = new BytesRef();
  /** When the field expires, absolute milliseconds; NO_EXPIRY for never. */
  expireAtMs: number = NO_EXPIRY;
}

/** Looks a field up (`hashTypeGetValue`); false, and `out` is as it was, when it is not there. */
export function hashFind(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: FieldCursor,
): boolean {
  const large = hashTableOf(db, entry);
  if (large !== undefined) {
    const field = large.fields.find(bytes, start, end);
    if (field === 0) return false;
    large.fields.valueRef(field, out.value);
    out.expireAtMs = large.fields.expireAtMs(field);
    return true;
  }
  db.valueRef(entry, blob);
  const stride = strideOf(db, entry);
  const first = lpFirst(blob.bytes, blob.start);
  const pos = lpFind(blob.bytes, first, bytes, start, end, stride - 1);
  if (pos < 0) return false;
  lpRead(blob.bytes, lpNext(blob.bytes, pos), out.value);
  out.expireAtMs = stride === 3 ? expiryAt(blob.bytes, pos) : NO_EXPIRY;
  return true;
}

/** Visits the field at `index` of a hash in its record; one that `random` draws, of a HashTable. */
export function hashVisitAt(
  db: Records,
  entry: Entry,
  index: number,
  random: () => number,
  visit: FieldVisitor,
): void {
  const large = hashTableOf(db, entry);
  if (large !== undefined) return large.visit(large.fields.randomEntry(random), visit);
  db.valueRef(entry, blob);
  const { bytes, start, end } = blob;
  const stride = strideOf(db, entry);
  const pos = lpSeek(bytes, start, end, index * stride);
  assert(pos >= 0, "the index is that of a field");
  visitField(bytes, pos, stride, visit);
}

/**
 * Makes a key an empty hash, which the caller fills before anybody looks: no key holds nothing.
 *
 * @param bytes Bytes of room to leave for the fields, so that the record need not move for each.
 */
export function hashCreate(
  db: Records,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  bytes: number = 0,
): Entry {
  const spare = Math.min(bytes, MOST_ROOM_BYTES);
  const { HASH } = ValueType;
  const { LISTPACK } = Encoding;
  const empty = LISTPACK_EMPTY;
  return db.createBlob(keyBytes, keyStart, keyEnd, HASH, LISTPACK, empty, empty.length, spare);
}

/**
 * Converts a hash for which `count` fields are to come if they would be over the limits
 * (`hashTypeTryConversion`), before they are added one by one.
 *
 * @param longest Bytes of the longest name or value.
 */
export function hashExpect(db: Records, entry: Entry, count: number, longest: number): Entry {
  const { hashMaxListpackEntries, hashMaxListpackValue } = db.settings.limits;
  if (count <= hashMaxListpackEntries && longest <= hashMaxListpackValue) return entry;
  return isSmallTable(count, longest) ? convert(db, entry) : enlarge(db, entry);
}

/** Whether the last {@linkcode hashSet} made its field: false when it only changed the value. */
export const hashSetResult: { isNew: boolean } = { isNew: false };
/** Whether the last {@linkcode hashRemove} found its field. */
export const hashRemoveResult: { wasThere: boolean } = { wasThere: false };

/**
 * Sets a field (`hashTypeSet`); {@linkcode hashSetResult} tells whether it is new.
 *
 * @param expireAtMs NO_EXPIRY for never; undefined keeps the expiry that the field has.
 * @returns Where the entry is now.
 */
export function hashSet(
  db: Records,
  entry: Entry,
  field: Uint8Array,
  fieldStart: number,
  fieldEnd: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expireAtMs: number | undefined,
): Entry {
  entry = hold(db, entry, expireAtMs);
  const large = hashTableOf(db, entry);
  if (large !== undefined) {
    let at = expireAtMs;
    if (at === undefined) {
      const old = large.fields.find(field, fieldStart, fieldEnd);
      at = old === 0 ? NO_EXPIRY : large.fields.expireAtMs(old);
    }
    hashSetResult.isNew = large.set(field, fieldStart, fieldEnd, bytes, start, end, at);
    return entry;
  }
  if ((expireAtMs ?? NO_EXPIRY) !== NO_EXPIRY) entry = hashKeepExpiries(db, entry);
  return setPacked(db, entry, field, fieldStart, fieldEnd, bytes, start, end, expireAtMs);
}

/** Sets a field of a hash that is held in its record. */
function setPacked(
  db: Records,
  entry: Entry,
  field: Uint8Array,
  fieldStart: number,
  fieldEnd: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expireAtMs: number | undefined,
): Entry {
  const stride = strideOf(db, entry);
  region.open(db, entry, db.encodingOf(entry));
  const first = lpFirst(region.bytes, region.start);
  const pos = lpFind(region.bytes, first, field, fieldStart, fieldEnd, stride - 1);
  hashSetResult.isNew = pos < 0;
  if (pos < 0 && stride === 2) {
    const size = lpEntryBytes(field, fieldStart, fieldEnd) + lpEntryBytes(bytes, start, end);
    const place = lpExtend(region, size, 2);
    const after = lpWrite(region.bytes, place, field, fieldStart, fieldEnd);
    const last = lpWrite(region.bytes, after, bytes, start, end);
    assert(last === region.end - 1, "a pair ends where the room made for it ends");
    return settle(db, region.entry);
  }
  encoded.clear();
  if (pos >= 0 && (stride === 2 || staysInPlace(region.bytes, pos, expireAtMs))) {
    const valuePos = lpNext(region.bytes, pos);
    lpAppendTo(encoded, bytes, start, end);
    lpSplice(region, valuePos, lpNext(region.bytes, valuePos), 1, encoded, 1);
    encoded.shrink(KEPT_BYTES);
    return settle(db, region.entry);
  }
  // Only triples come here: their expiry says where they stand.
  const at = expireAtMs ?? NO_EXPIRY;
  appendTriple(encoded, field, fieldStart, fieldEnd, bytes, start, end, at);
  return moveTriple(db, pos, at);
}

/** Puts the triple in `encoded` where it belongs, instead of the one at `pos`; -1 for none. */
function moveTriple(db: Records, pos: number, expireAtMs: number): Entry {
  if (pos >= 0) lpSplice(region, pos, afterField(region.bytes, pos, 3), 3, undefined, 0);
  const place = placeFor(region.bytes, region.start, expireAtMs);
  lpSplice(region, place, place, 0, encoded, 3);
  encoded.shrink(KEPT_BYTES);
  return settle(db, region.entry);
}

/** Whether only the value of the triple at `pos` changes: one that gets or loses an expiry has to move. */
function staysInPlace(bytes: Uint8Array, pos: number, expireAtMs: number | undefined): boolean {
  if (expireAtMs === undefined) return true;
  return expireAtMs === NO_EXPIRY && expiryAt(bytes, pos) === NO_EXPIRY;
}

/**
 * Gives a field that is there an expiry, or with NO_EXPIRY takes it away.
 *
 * @returns Where the entry is now.
 */
export function hashSetExpiry(
  db: Records,
  entry: Entry,
  field: Uint8Array,
  start: number,
  end: number,
  expireAtMs: number,
): Entry {
  entry = hold(db, entry, expireAtMs);
  const large = hashTableOf(db, entry);
  if (large !== undefined) {
    const found = large.fields.find(field, start, end);
    assert(found !== 0, "the field is there");
    large.setExpiry(found, expireAtMs);
    return entry;
  }
  const kept = hashKeepExpiries(db, entry);
  region.open(db, kept, db.encodingOf(kept));
  const pos = lpFind(region.bytes, lpFirst(region.bytes, region.start), field, start, end, 2);
  assert(pos >= 0, "the field is there");
  const ttlPos = lpNext(region.bytes, lpNext(region.bytes, pos));
  encoded.clear();
  encoded.writeBytes(region.bytes, pos, ttlPos);
  appendTtl(encoded, expireAtMs);
  return moveTriple(db, pos, expireAtMs);
}

/**
 * Deletes a field (`hashTypeDelete`); {@linkcode hashRemoveResult} tells whether it was there. The key of a
 * hash that has become empty is the caller's to delete.
 *
 * @returns Where the entry is now.
 */
export function hashRemove(
  db: Records,
  entry: Entry,
  field: Uint8Array,
  start: number,
  end: number,
): Entry {
  const large = hashTableOf(db, entry);
  if (large !== undefined) {
    hashRemoveResult.wasThere = large.fields.remove(field, start, end);
    return entry;
  }
  const stride = strideOf(db, entry);
  region.open(db, entry, db.encodingOf(entry));
  const first = lpFirst(region.bytes, region.start);
  const pos = lpFind(region.bytes, first, field, start, end, stride - 1);
  hashRemoveResult.wasThere = pos >= 0;
  if (pos < 0) return entry;
  lpSplice(region, pos, afterField(region.bytes, pos, stride), stride, undefined, 0);
  return region.entry;
}

/** Whether any field has an expiry, so that a reader has to look at the clock. O(1). */
export function hashHasExpiries(db: Records, entry: Entry): boolean {
  const large = hashTableOf(db, entry);
  if (large !== undefined) return large.expiring > 0;
  return db.encodingOf(entry) !== Encoding.LISTPACK && firstExpiry(db, entry) !== NO_EXPIRY;
}

/** Whether a field has an expiry before `ms`. O(1), but O(n) of a HashTable once a field may have. */
export function hashExpiresBefore(db: Records, entry: Entry, ms: number): boolean {
  const large = hashTableOf(db, entry);
  if (large !== undefined) return large.mayExpireBefore(ms);
  if (db.encodingOf(entry) === Encoding.LISTPACK) return false;
  const first = firstExpiry(db, entry);
  return first !== NO_EXPIRY && first < ms;
}

/** The earliest expiry of any field, NO_EXPIRY when none has one. O(1), but O(n) of a HashTable. */
export function hashEarliestExpiry(db: Records, entry: Entry): number {
  const large = hashTableOf(db, entry);
  if (large !== undefined) return large.earliestExpiry();
  return db.encodingOf(entry) === Encoding.LISTPACK ? NO_EXPIRY : firstExpiry(db, entry);
}

/** The earliest expiry of triples: the first one's. */
function firstExpiry(db: Records, entry: Entry): number {
  db.valueRef(entry, blob);
  const pos = lpFirst(blob.bytes, blob.start);
  if (lpIsEnd(blob.bytes, pos)) return NO_EXPIRY;
  return expiryAt(blob.bytes, pos);
}

/** Makes pairs triples, which can hold expiries; leaves any other form as it is. */
export function hashKeepExpiries(db: Records, entry: Entry): Entry {
  return db.encodingOf(entry) === Encoding.LISTPACK
    ? widen(db, entry, Encoding.LISTPACK_EX)
    : entry;
}

/** Rewrites pairs as triples that never expire, as `encoding` says. */
function widen(db: Records, entry: Entry, encoding: Encoding): Entry {
  const wide = new ByteBuffer();
  lpBegin(wide);
  let count = 0;
  hashEach(db, entry, (f, fs, fe, v, vs, ve) => {
    appendTriple(wide, f, fs, fe, v, vs, ve, NO_EXPIRY);
    count += 3;
  });
  lpFinish(wide, 0, count);
  return db.replaceBlob(entry, encoding, wide.bytes, 0, wide.length);
}

/** Converts a hash in its record that was changed, if it has outgrown its form. */
function settle(db: Records, entry: Entry): Entry {
  db.valueRef(entry, blob);
  const encoding = db.encodingOf(entry);
  const stride = strideOf(db, entry);
  const count = lpLength(blob.bytes, blob.start, blob.end) / stride;
  assert(Number.isInteger(count), "a hash has whole pairs or triples");
  if (encoding === Encoding.HASHTABLE) {
    return isSmallTable(count, blob.end - blob.start) ? entry : enlarge(db, entry);
  }
  return count > db.settings.limits.hashMaxListpackEntries ? convert(db, entry) : entry;
}

/** Makes a hash what Redis calls a table: triples in the record while they are few, else a HashTable. */
function convert(db: Records, entry: Entry): Entry {
  const encoding = db.encodingOf(entry);
  if (encoding === Encoding.HASHTABLE) return entry;
  db.valueRef(entry, blob);
  const length = blob.end - blob.start;
  const count = lpLength(blob.bytes, blob.start, blob.end) / strideOf(db, entry);
  // The ttl of a field that never expires takes two bytes.
  if (!isSmallTable(count, length + 2 * count)) return enlarge(db, entry);
  if (encoding === Encoding.LISTPACK) return widen(db, entry, Encoding.HASHTABLE);
  return db.resizeBlob(entry, Encoding.HASHTABLE, length);
}

/** Makes a hash a HashTable if triples cannot hold the expiry of one of its fields. */
function hold(db: Records, entry: Entry, expireAtMs: number | undefined): Entry {
  return expireAtMs === undefined || fitsTriple(expireAtMs) ? entry : enlarge(db, entry);
}

/** Makes a hash in any form a HashTable. */
function enlarge(db: Records, entry: Entry): Entry {
  if (hashTableOf(db, entry) !== undefined) return entry;
  const large = new HashTable(db.settings);
  hashEach(db, entry, (f, fs, fe, v, vs, ve, at) => large.set(f, fs, fe, v, vs, ve, at));
  return db.replaceObject(entry, Encoding.HASHTABLE, large);
}

/** How many elements of the listpack make one field: 2 or 3. */
function strideOf(db: Records, entry: Entry): number {
  return db.encodingOf(entry) === Encoding.LISTPACK ? 2 : 3;
}

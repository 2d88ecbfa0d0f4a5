/**
 * Hashes: field and value in turn in a listpack; field, value and expiry in turn, soonest first, in a
 * listpack of its own kind once a field has had an expiry (Redis 7.4's "listpackex"); a table beyond
 * Redis's limits. When one becomes the other is as in `t_hash.c`.
 *
 * What Redis calls a table, and we after it, is two things: a few fields with long values, which are
 * common and may come by the million, stay such triples in their record; more are a
 * {@linkcode HashTable}.
 *
 * ```
 *  LISTPACK     field value | field value | ...           as they came
 *  LISTPACK_EX  field value ttl | field value ttl | ...   soonest first, of equal ones the last set
 *  HASHTABLE    field value ttl | field value ttl | ...   the same; or an object beside the record
 *
 *  ttl          absolute milliseconds, 0 for none: those come last, as they came
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import type { Records } from "../memory/records.ts";
import { type FieldVisitor, HashTable, hashTableOf, isSmallTable } from "./hash_table.ts";
import {
  LISTPACK_EMPTY,
  lpAppendIntegerTo,
  lpAppendTo,
  lpBegin,
  lpEntryBytes,
  lpExtend,
  lpFind,
  lpFinish,
  lpFirst,
  lpInteger,
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

/** The last moment of which Redis's snapshots can say that a field expires then. */
export const MAX_FIELD_EXPIRY = 0xfffffffffffe;

/** The expiry of a field that has none, in a listpack of triples. */
const NO_TTL = 0;
/** The most room that is left in a new record: what is to fill it may make it a table instead. */
const MOST_ROOM_BYTES = 8192;
/** Memory that is kept between two uses of a buffer. */
const KEPT_BYTES = 1 << 17;

const blob = new BytesRef();
const fieldRef = new BytesRef();
const valueRef = new BytesRef();
const region = new RecordRegion();
const encoded = new ByteBuffer();

/** How many fields a hash has, expired ones included. */
export function hashLength(db: Records, entry: Entry): number {
  const large = hashTableOf(db, entry);
  if (large !== undefined) return large.size;
  db.valueRef(entry, blob);
  return Math.floor(lpLength(blob.bytes, blob.start, blob.end) / strideOf(db, entry));
}

/** Visits every field: in order when the hash is small. */
export function hashEach(db: Records, entry: Entry, visit: FieldVisitor): void {
  const large = hashTableOf(db, entry);
  if (large !== undefined) return large.each(visit);
  db.valueRef(entry, blob);
  const { bytes, start } = blob;
  const stride = strideOf(db, entry);
  for (let pos = lpFirst(bytes, start); !lpIsEnd(bytes, pos);) {
    const valuePos = lpNext(bytes, pos);
    const next = lpNext(bytes, valuePos);
    const at = stride === 3 ? expiryAt(bytes, next) : NO_EXPIRY;
    lpRead(bytes, pos, fieldRef);
    lpRead(bytes, valuePos, valueRef);
    const { bytes: f, start: fs, end: fe } = fieldRef;
    visit(f, fs, fe, valueRef.bytes, valueRef.start, valueRef.end, at);
    pos = stride === 3 ? lpNext(bytes, next) : next;
  }
}

/** What {@linkcode hashFind} found. */
export class FieldCursor {
  /** Its value. */
  readonly value: BytesRef = new BytesRef();
  /** When it expires, NO_EXPIRY for never. */
  expireAtMs: number = NO_EXPIRY;
}

/** Looks a field up; true when it is there, and then `out` tells of it until the next write. */
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
  const valuePos = lpNext(blob.bytes, pos);
  lpRead(blob.bytes, valuePos, out.value);
  out.expireAtMs = stride === 3 ? expiryAt(blob.bytes, lpNext(blob.bytes, valuePos)) : NO_EXPIRY;
  return true;
}

/** Visits the field at `index` of a small hash; any one, drawn, of a large one. */
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
  const valuePos = lpNext(bytes, pos);
  const at = stride === 3 ? expiryAt(bytes, lpNext(bytes, valuePos)) : NO_EXPIRY;
  lpRead(bytes, pos, fieldRef);
  lpRead(bytes, valuePos, valueRef);
  const { bytes: f, start: fs, end: fe } = fieldRef;
  visit(f, fs, fe, valueRef.bytes, valueRef.start, valueRef.end, at);
}

/** Makes an empty hash, which is to be filled before anybody looks: room is left for `bytes` bytes. */
export function hashCreate(
  db: Records,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  bytes: number = 0,
): Entry {
  const spare = Math.min(bytes, MOST_ROOM_BYTES);
  const { HASH } = ValueType;
  const empty = LISTPACK_EMPTY;
  return db.createBlob(
    keyBytes,
    keyStart,
    keyEnd,
    HASH,
    Encoding.LISTPACK,
    empty,
    empty.length,
    spare,
  );
}

/** Prepares for `count` fields to come, of which the longest name or value has `longest` bytes. */
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
 * Sets a field.
 *
 * @param expireAtMs NO_EXPIRY for never; undefined keeps the one a field has.
 * @returns Where the entry is now; `hashSetResult.isNew` tells whether the field is new.
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

/** {@linkcode hashSet} in a listpack. */
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
    lpWrite(region.bytes, after, bytes, start, end);
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
  // Only triples come here: each stands where its expiry puts it.
  const at = expireAtMs ?? NO_EXPIRY;
  lpAppendTo(encoded, field, fieldStart, fieldEnd);
  lpAppendTo(encoded, bytes, start, end);
  lpAppendIntegerTo(encoded, ttlOf(at));
  if (pos >= 0) lpSplice(region, pos, afterTriple(region.bytes, pos), 3, undefined, 0);
  const place = placeFor(region.bytes, region.start, at);
  lpSplice(region, place, place, 0, encoded, 3);
  encoded.shrink(KEPT_BYTES);
  return settle(db, region.entry);
}

/** Whether the triple at `pos` is written over: what loses or gets an expiry moves, as in `t_hash.c`. */
function staysInPlace(bytes: Uint8Array, pos: number, expireAtMs: number | undefined): boolean {
  if (expireAtMs === undefined) return true;
  return expireAtMs === NO_EXPIRY &&
    expiryAt(bytes, lpNext(bytes, lpNext(bytes, pos))) === NO_EXPIRY;
}

/**
 * Gives a field that is there an expiry, or takes it away with NO_EXPIRY.
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
  const large = hashTableOf(db, entry);
  if (large !== undefined) {
    large.setExpiry(large.fields.find(field, start, end), expireAtMs);
    return entry;
  }
  const kept = hashKeepExpiries(db, entry);
  region.open(db, kept, db.encodingOf(kept));
  const pos = lpFind(region.bytes, lpFirst(region.bytes, region.start), field, start, end, 2);
  assert(pos >= 0, "the field is there");
  const ttlPos = lpNext(region.bytes, lpNext(region.bytes, pos));
  encoded.clear();
  encoded.writeBytes(region.bytes, pos, ttlPos);
  lpAppendIntegerTo(encoded, ttlOf(expireAtMs));
  lpSplice(region, pos, lpNext(region.bytes, ttlPos), 3, undefined, 0);
  const place = placeFor(region.bytes, region.start, expireAtMs);
  lpSplice(region, place, place, 0, encoded, 3);
  encoded.shrink(KEPT_BYTES);
  return settle(db, region.entry);
}

/** Deletes a field; returns where the entry is now, `hashRemoveResult.wasThere` tells whether it was there. */
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
  let after = lpNext(region.bytes, lpNext(region.bytes, pos));
  if (stride === 3) after = lpNext(region.bytes, after);
  lpSplice(region, pos, after, stride, undefined, 0);
  return region.entry;
}

/** Whether any field has an expiry: what has none needs no look at the clock. */
export function hashHasExpiries(db: Records, entry: Entry): boolean {
  const large = hashTableOf(db, entry);
  if (large !== undefined) return large.expiring > 0;
  return db.encodingOf(entry) !== Encoding.LISTPACK && firstExpiry(db, entry) !== NO_EXPIRY;
}

/** Whether a field has an expiry before a moment. O(n) of a large hash, but only once one had. */
export function hashExpiresBefore(db: Records, entry: Entry, ms: number): boolean {
  const large = hashTableOf(db, entry);
  if (large !== undefined) return large.mayExpireBefore(ms);
  if (db.encodingOf(entry) === Encoding.LISTPACK) return false;
  const first = firstExpiry(db, entry);
  return first !== NO_EXPIRY && first < ms;
}

/** The earliest expiry of a field, NO_EXPIRY when none has one. O(n) of a large hash. */
export function hashEarliestExpiry(db: Records, entry: Entry): number {
  const large = hashTableOf(db, entry);
  if (large !== undefined) return large.earliestExpiry();
  return db.encodingOf(entry) === Encoding.LISTPACK ? NO_EXPIRY : firstExpiry(db, entry);
}

/** Of triples, in which the soonest comes first. */
function firstExpiry(db: Records, entry: Entry): number {
  db.valueRef(entry, blob);
  const pos = lpFirst(blob.bytes, blob.start);
  if (lpIsEnd(blob.bytes, pos)) return NO_EXPIRY;
  return expiryAt(blob.bytes, lpNext(blob.bytes, lpNext(blob.bytes, pos)));
}

/** Makes a small hash one that can hold expiries. */
export function hashKeepExpiries(db: Records, entry: Entry): Entry {
  return db.encodingOf(entry) === Encoding.LISTPACK
    ? widen(db, entry, Encoding.LISTPACK_EX)
    : entry;
}

/** From pairs to triples. */
function widen(db: Records, entry: Entry, encoding: Encoding): Entry {
  const wide = new ByteBuffer();
  lpBegin(wide);
  let count = 0;
  hashEach(db, entry, (f, fs, fe, v, vs, ve) => {
    lpAppendTo(wide, f, fs, fe);
    lpAppendTo(wide, v, vs, ve);
    lpAppendIntegerTo(wide, NO_TTL);
    count += 3;
  });
  lpFinish(wide, 0, count);
  return db.replaceBlob(entry, encoding, wide.bytes, 0, wide.length);
}

/** Makes a hash that has outgrown its form what it should be. */
function settle(db: Records, entry: Entry): Entry {
  db.valueRef(entry, blob);
  const encoding = db.encodingOf(entry);
  const count = lpLength(blob.bytes, blob.start, blob.end) /
    (encoding === Encoding.LISTPACK ? 2 : 3);
  if (encoding === Encoding.HASHTABLE) {
    return isSmallTable(count, blob.end - blob.start) ? entry : enlarge(db, entry);
  }
  return count > db.settings.limits.hashMaxListpackEntries ? convert(db, entry) : entry;
}

/** Makes a listpack what Redis calls a table. */
function convert(db: Records, entry: Entry): Entry {
  const encoding = db.encodingOf(entry);
  if (encoding === Encoding.HASHTABLE) return entry;
  db.valueRef(entry, blob);
  const length = blob.end - blob.start;
  const count = lpLength(blob.bytes, blob.start, blob.end) / strideOf(db, entry);
  // An expiry of none takes two bytes.
  if (!isSmallTable(count, length + 2 * count)) return enlarge(db, entry);
  if (encoding === Encoding.LISTPACK) return widen(db, entry, Encoding.HASHTABLE);
  return db.resizeBlob(entry, Encoding.HASHTABLE, length);
}

/** Makes any hash a large one. */
function enlarge(db: Records, entry: Entry): Entry {
  if (hashTableOf(db, entry) !== undefined) return entry;
  const large = new HashTable(db.settings);
  hashEach(db, entry, (f, fs, fe, v, vs, ve, at) => large.set(f, fs, fe, v, vs, ve, at));
  return db.replaceObject(entry, Encoding.HASHTABLE, large);
}

/** Entries of the listpack that make one field. */
function strideOf(db: Records, entry: Entry): number {
  return db.encodingOf(entry) === Encoding.LISTPACK ? 2 : 3;
}

/** The expiry held by the entry at `pos`. */
function expiryAt(bytes: Uint8Array, pos: number): number {
  const ttl = lpInteger(bytes, pos);
  return ttl === NO_TTL ? NO_EXPIRY : ttl;
}

function ttlOf(expireAtMs: number): number {
  return expireAtMs === NO_EXPIRY ? NO_TTL : expireAtMs;
}

function afterTriple(bytes: Uint8Array, pos: number): number {
  return lpNext(bytes, lpNext(bytes, lpNext(bytes, pos)));
}

/** Where a field with this expiry belongs: before those that expire no sooner; one that never does, last. */
function placeFor(bytes: Uint8Array, start: number, expireAtMs: number): number {
  let pos = lpFirst(bytes, start);
  while (!lpIsEnd(bytes, pos)) {
    const ttlPos = lpNext(bytes, lpNext(bytes, pos));
    const ttl = lpInteger(bytes, ttlPos);
    if (expireAtMs !== NO_EXPIRY && (ttl === NO_TTL || ttl >= expireAtMs)) break;
    pos = lpNext(bytes, ttlPos);
  }
  return pos;
}

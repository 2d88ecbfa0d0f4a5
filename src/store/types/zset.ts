/**
 * Sorted sets in both forms: a listpack of members and scores in order, or a {@linkcode ZsetTable}. When
 * the one becomes the other is Redis's rule.
 *
 * A score stands in a listpack as Redis writes it: an integer where it is whole and no larger than 2^62,
 * else the shortest text that reads back the same.
 *
 * @module
 */

import { compareBytes, formatDouble, parseDouble } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import type { Records } from "../memory/records.ts";
import {
  LISTPACK_EMPTY,
  lpAppendIntegerTo,
  lpAppendTo,
  lpBegin,
  lpFind,
  lpFinish,
  lpFirst,
  lpInteger,
  lpIsEnd,
  lpIsInteger,
  lpLength,
  lpNext,
  lpPrev,
  lpRead,
  lpSeek,
  lpSplice,
} from "../packed/listpack.ts";
import { Encoding, type Entry, ValueType } from "../memory/record.ts";
import { RecordRegion } from "../packed/record_region.ts";
import type { EncodingLimits } from "../memory/settings.ts";
import { type MemberVisitor, ZsetTable, zsetTableOf } from "./zset_table.ts";

/** Up to here a whole score is written as an integer (`double2ll`: LLONG_MAX / 2). */
const MAX_INTEGER_SCORE: number = 2 ** 62;
/** Redis's LISTPACK_MAX_SAFETY_LIMIT: a listpack does not grow beyond. */
const MAX_LISTPACK_BYTES = 1 << 30;

/** Options of {@linkcode zsetAdd}. */
export const Add = { NONE: 0, NX: 1, XX: 2, GT: 4, LT: 8, INCR: 16 } as const;

/** What the last {@linkcode zsetAdd} did, besides the entry it returned. */
export const zsetAddResult = {
  /** The member is new. */
  isNew: false,
  /** It was there and has another score now. */
  isUpdated: false,
  /** An option forbade it. */
  isRefused: false,
  /** The sum of two scores is no number; nothing was changed. */
  isNaN: false,
  /** The member's score now. */
  score: 0,
};

const value = new BytesRef();
const member = new BytesRef();
const text = new BytesRef();
const region = new RecordRegion();
const scratch = new ByteBuffer();
const numberText = new Uint8Array(40);

/** How many members there are. */
export function zsetLength(db: Records, entry: Entry): number {
  const set = zsetTableOf(db, entry);
  if (set !== undefined) return set.size;
  db.valueRef(entry, value);
  return lpLength(value.bytes, value.start, value.end) >>> 1;
}

/** A member's score, NaN when it is not there. */
export function zsetScore(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const set = zsetTableOf(db, entry);
  if (set !== undefined) {
    const found = set.find(bytes, start, end);
    return found === 0 ? NaN : set.scoreOf(found);
  }
  db.valueRef(entry, value);
  const pos = lpFind(value.bytes, lpFirst(value.bytes, value.start), bytes, start, end, 1);
  return pos < 0 ? NaN : lpScore(value.bytes, lpNext(value.bytes, pos));
}

/** How many members come before one, -1 when it is not there. */
export function zsetRank(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const set = zsetTableOf(db, entry);
  if (set !== undefined) {
    const found = set.find(bytes, start, end);
    return found === 0 ? -1 : set.rankOf(found);
  }
  db.valueRef(entry, value);
  const own = value.bytes;
  const pos = lpFind(own, lpFirst(own, value.start), bytes, start, end, 1);
  if (pos < 0) return -1;
  let rank = 0;
  for (let at = lpFirst(own, value.start); at !== pos; at = lpNext(own, lpNext(own, at))) rank++;
  return rank;
}

/** Visits every member, ascending. `visit` must not write to the database. */
export function zsetEach(db: Records, entry: Entry, visit: MemberVisitor): void {
  zsetEachRange(db, entry, 0, zsetLength(db, entry), false, visit);
}

/**
 * Visits `count` members from `rank` on, upwards or with `reverse` downwards: all must be there.
 * `visit` must not write to the database.
 */
export function zsetEachRange(
  db: Records,
  entry: Entry,
  rank: number,
  count: number,
  reverse: boolean,
  visit: MemberVisitor,
): void {
  if (count <= 0) return;
  const set = zsetTableOf(db, entry);
  if (set !== undefined) return set.each(rank, count, reverse, visit);
  db.valueRef(entry, value);
  const { bytes, start, end } = value;
  let pos = lpSeek(bytes, start, end, 2 * rank);
  for (; count > 0; count--) {
    assert(pos >= 0 && !lpIsEnd(bytes, pos), "a range lies within its sorted set");
    const scorePos = lpNext(bytes, pos);
    const score = lpScore(bytes, scorePos);
    lpRead(bytes, pos, member);
    visit(member.bytes, member.start, member.end, score);
    if (!reverse) pos = lpNext(bytes, scorePos);
    else if (count > 1) pos = lpPrev(bytes, start, lpPrev(bytes, start, pos));
  }
}

/** How many members have a score below `score`, or with `inclusive` no higher one. */
export function zsetCountBelow(
  db: Records,
  entry: Entry,
  score: number,
  inclusive: boolean,
): number {
  const set = zsetTableOf(db, entry);
  if (set !== undefined) return set.countBelow(score, inclusive);
  db.valueRef(entry, value);
  const { bytes, start } = value;
  let count = 0;
  let pos = lpFirst(bytes, start);
  while (!lpIsEnd(bytes, pos)) {
    const scorePos = lpNext(bytes, pos);
    const own = lpScore(bytes, scorePos);
    if (inclusive ? own > score : own >= score) break;
    count++;
    pos = lpNext(bytes, scorePos);
  }
  return count;
}

/**
 * How many members, from the first on, are below one, or with `inclusive` up to it. Redis promises
 * something only where all scores are equal; a listpack is walked as Redis walks it, whatever they are.
 *
 * @param from Where the walk begins: a rank.
 * @returns The rank it ends at.
 */
export function zsetSeekMember(
  db: Records,
  entry: Entry,
  from: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  inclusive: boolean,
): number {
  const set = zsetTableOf(db, entry);
  if (set !== undefined) {
    return Math.max(from, set.countBelowMember(bytes, start, end, inclusive));
  }
  db.valueRef(entry, value);
  const own = value.bytes;
  let rank = from;
  let pos = lpSeek(own, value.start, value.end, 2 * from);
  while (pos >= 0 && !lpIsEnd(own, pos)) {
    lpRead(own, pos, member);
    const order = compareBytes(member.bytes, member.start, member.end, bytes, start, end);
    if (inclusive ? order > 0 : order >= 0) break;
    rank++;
    pos = lpNext(own, lpNext(own, pos));
  }
  return rank;
}

/** Makes a key an empty sorted set, in the form Redis chooses for what is expected to come. */
export function zsetCreate(
  db: Records,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  expected: number,
  longest: number,
): Entry {
  const { limits } = db.settings;
  if (expected <= limits.zsetMaxListpackEntries && longest <= limits.zsetMaxListpackValue) {
    const empty = LISTPACK_EMPTY;
    return db.createBlob(
      keyBytes,
      keyStart,
      keyEnd,
      ValueType.ZSET,
      Encoding.LISTPACK,
      empty,
      empty.length,
    );
  }
  const set = new ZsetTable(db.settings);
  return db.createObject(keyBytes, keyStart, keyEnd, ValueType.ZSET, Encoding.SKIPLIST, set);
}

/** Turns a listpack into the large form when more than its limit of members is expected. */
export function zsetExpect(db: Records, entry: Entry, expected: number): Entry {
  if (expected <= db.settings.limits.zsetMaxListpackEntries) return entry;
  return db.objectOf(entry) !== undefined ? entry : convert(db, entry);
}

/**
 * `zsetAdd` of Redis: adds a member, or changes its score, as `options` allow. What it did is in
 * {@linkcode zsetAddResult}.
 *
 * @returns Where the entry is now.
 */
export function zsetAdd(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
  score: number,
  options: number,
): Entry {
  const set = zsetTableOf(db, entry);
  if (set === undefined) return addSmall(db, entry, bytes, start, end, score, options);
  const found = set.find(bytes, start, end);
  if (found === 0) {
    if (admitNew(score, options)) set.insert(bytes, start, end, score);
  } else if (admitChange(set.scoreOf(found), score, options)) {
    set.setScore(found, zsetAddResult.score);
  }
  return entry;
}

/**
 * Removes a member. An empty sorted set is the caller's to delete.
 *
 * @returns Where the entry is now; 0 when there was no such member and nothing has changed.
 */
export function zsetRemove(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
): Entry {
  const set = zsetTableOf(db, entry);
  if (set !== undefined) {
    const found = set.find(bytes, start, end);
    if (found === 0) return 0;
    set.removeEntry(found);
    return entry;
  }
  db.valueRef(entry, value);
  const own = value.bytes;
  const pos = lpFind(own, lpFirst(own, value.start), bytes, start, end, 1);
  if (pos < 0) return 0;
  region.open(db, entry, Encoding.LISTPACK);
  lpSplice(region, pos, lpNext(own, lpNext(own, pos)), 2, undefined, 0);
  return region.entry;
}

/** Removes `count` members from `rank` on: all must be there. Returns where the entry is now. */
export function zsetRemoveRange(db: Records, entry: Entry, rank: number, count: number): Entry {
  if (count <= 0) return entry;
  const set = zsetTableOf(db, entry);
  if (set !== undefined) {
    set.removeRange(rank, count);
    return entry;
  }
  db.valueRef(entry, value);
  const { bytes, start, end } = value;
  const from = lpSeek(bytes, start, end, 2 * rank);
  let to = from;
  for (let i = 0; i < 2 * count; i++) to = lpNext(bytes, to);
  region.open(db, entry, Encoding.LISTPACK);
  lpSplice(region, from, to, 2 * count, undefined, 0);
  return region.entry;
}

/** A member as likely as any other, with its score. */
export function zsetRandom(
  db: Records,
  entry: Entry,
  random: () => number,
  visit: MemberVisitor,
): void {
  const length = zsetLength(db, entry);
  const rank = Math.min(Math.floor(random() * length), length - 1);
  zsetEachRange(db, entry, rank, 1, false, visit);
}

/**
 * Stores a sorted set that was made apart under a key, in place of all it had: as a listpack where the
 * limits allow. The set is the database's from now on.
 */
export function zsetStore(
  db: Records,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  set: ZsetTable,
): Entry {
  const blob = zsetListpack(set, db.settings.limits);
  const { LISTPACK, SKIPLIST } = Encoding;
  if (blob === undefined) {
    return db.createObject(keyBytes, keyStart, keyEnd, ValueType.ZSET, SKIPLIST, set);
  }
  return db.createBlob(
    keyBytes,
    keyStart,
    keyEnd,
    ValueType.ZSET,
    LISTPACK,
    blob.bytes,
    blob.length,
  );
}

/** A sorted set as a listpack, valid until the next call; undefined when the limits forbid one. */
export function zsetListpack(set: ZsetTable, limits: EncodingLimits): ByteBuffer | undefined {
  if (set.size > limits.zsetMaxListpackEntries) return undefined;
  const longest = limits.zsetMaxListpackValue;
  let fits = true;
  let total = 0;
  set.each(0, set.size, false, (_bytes, start, end) => {
    if (end - start > longest) fits = false;
    total += end - start;
  });
  if (!fits || total > MAX_LISTPACK_BYTES) return undefined;
  scratch.clear();
  lpBegin(scratch);
  set.each(0, set.size, false, (bytes, start, end, score) => {
    lpAppendTo(scratch, bytes, start, end);
    appendScore(scratch, score);
  });
  lpFinish(scratch, 0, 2 * set.size);
  return scratch;
}

/** Appends a listpack entry of a score. */
export function appendScore(out: ByteBuffer, score: number): void {
  if (Math.floor(score) === score && Math.abs(score) <= MAX_INTEGER_SCORE) {
    lpAppendIntegerTo(out, Number.isSafeInteger(score) ? score : BigInt(score));
    return;
  }
  const digits = formatDouble(score);
  for (let i = 0; i < digits.length; i++) numberText[i] = digits.charCodeAt(i);
  lpAppendTo(out, numberText, 0, digits.length);
}

/** The score that the listpack entry at `pos` holds; NaN when it holds none. */
export function lpScore(bytes: Uint8Array, pos: number): number {
  if (lpIsInteger(bytes, pos)) return lpInteger(bytes, pos);
  lpRead(bytes, pos, text);
  return parseDouble(text.bytes, text.start, text.end);
}

/** Adds every pair of a listpack to a large sorted set; false when a member came twice. */
export function addListpack(set: ZsetTable, bytes: Uint8Array, start: number): boolean {
  let pos = lpFirst(bytes, start);
  while (!lpIsEnd(bytes, pos)) {
    const scorePos = lpNext(bytes, pos);
    const score = lpScore(bytes, scorePos);
    lpRead(bytes, pos, member);
    if (!set.set(member.bytes, member.start, member.end, score)) return false;
    pos = lpNext(bytes, scorePos);
  }
  return true;
}

/** The large form in place of a listpack. */
function convert(db: Records, entry: Entry): Entry {
  const set = new ZsetTable(db.settings);
  db.valueRef(entry, value);
  const isSound = addListpack(set, value.bytes, value.start);
  assert(isSound, "a stored listpack has each member once");
  return db.replaceObject(entry, Encoding.SKIPLIST, set);
}

/** Whether a member that is not there may be added. */
function admitNew(score: number, options: number): boolean {
  zsetAddResult.isNew = (options & Add.XX) === 0;
  zsetAddResult.isUpdated = false;
  zsetAddResult.isRefused = !zsetAddResult.isNew;
  zsetAddResult.isNaN = false;
  zsetAddResult.score = score;
  return zsetAddResult.isNew;
}

/** Whether a member that is there gets another score, which is then `zsetAddResult.score`. */
function admitChange(current: number, score: number, options: number): boolean {
  zsetAddResult.isNew = false;
  zsetAddResult.isUpdated = false;
  zsetAddResult.isRefused = (options & Add.NX) !== 0;
  zsetAddResult.isNaN = false;
  zsetAddResult.score = current;
  if (zsetAddResult.isRefused) return false;
  if ((options & Add.INCR) !== 0) {
    score += current;
    if (score !== score) {
      zsetAddResult.isNaN = true;
      return false;
    }
  }
  const isLess = (options & Add.GT) !== 0 && score <= current;
  const isMore = (options & Add.LT) !== 0 && score >= current;
  zsetAddResult.isRefused = isLess || isMore;
  if (zsetAddResult.isRefused) return false;
  zsetAddResult.score = score;
  zsetAddResult.isUpdated = score !== current;
  return zsetAddResult.isUpdated;
}

function addSmall(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
  score: number,
  options: number,
): Entry {
  db.valueRef(entry, value);
  const own = value.bytes;
  const pos = lpFind(own, lpFirst(own, value.start), bytes, start, end, 1);
  if (pos >= 0) {
    const scorePos = lpNext(own, pos);
    if (!admitChange(lpScore(own, scorePos), score, options)) return entry;
    return moveSmall(db, entry, bytes, start, end, pos, lpNext(own, scorePos));
  }
  if (!admitNew(score, options)) return entry;
  const { zsetMaxListpackEntries, zsetMaxListpackValue } = db.settings.limits;
  const length = lpLength(own, value.start, value.end) >>> 1;
  const fits = length < zsetMaxListpackEntries && end - start <= zsetMaxListpackValue &&
    value.end - value.start + end - start < MAX_LISTPACK_BYTES;
  if (fits) return insertSmall(db, entry, bytes, start, end);
  const large = convert(db, entry);
  zsetTableOf(db, large)!.set(bytes, start, end, score);
  return large;
}

/** Puts a member with `zsetAddResult.score` at its place in a listpack. */
function insertSmall(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
): Entry {
  scratch.clear();
  lpAppendTo(scratch, bytes, start, end);
  appendScore(scratch, zsetAddResult.score);
  db.valueRef(entry, value);
  const at = placeOf(value.bytes, lpFirst(value.bytes, value.start), bytes, start, end);
  region.open(db, entry, Encoding.LISTPACK);
  lpSplice(region, at, at, 0, scratch, 2);
  return region.entry;
}

/** Gives the pair at `[pos, next)` of a listpack `zsetAddResult.score`: in place where its rank stays. */
function moveSmall(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
  pos: number,
  next: number,
): Entry {
  scratch.clear();
  lpAppendTo(scratch, bytes, start, end);
  appendScore(scratch, zsetAddResult.score);
  region.open(db, entry, Encoding.LISTPACK);
  lpSplice(region, pos, next, 2, undefined, 0);
  const first = lpFirst(region.bytes, region.start);
  // The member's text is in the scratch, wherever it came from: read back, as it is encoded there.
  lpRead(scratch.bytes, 0, member);
  if (lpIsInteger(scratch.bytes, 0)) keepDigits(member);
  const at = placeOf(region.bytes, first, member.bytes, member.start, member.end);
  lpSplice(region, at, at, 0, scratch, 2);
  return region.entry;
}

/** Moves the lent text of an integer to where further reads do not overwrite it. */
function keepDigits(ref: BytesRef): void {
  const length = ref.end - ref.start;
  for (let i = 0; i < length; i++) numberText[i] = ref.bytes[ref.start + i];
  ref.set(numberText, 0, length);
}

/**
 * Position of the first pair after a member with `zsetAddResult.score`. The member's bytes are none that a
 * listpack has lent.
 */
function placeOf(
  own: Uint8Array,
  pos: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const score = zsetAddResult.score;
  while (!lpIsEnd(own, pos)) {
    const scorePos = lpNext(own, pos);
    const other = lpScore(own, scorePos);
    if (other > score) break;
    if (other === score) {
      lpRead(own, pos, text);
      if (compareBytes(text.bytes, text.start, text.end, bytes, start, end) > 0) break;
    }
    pos = lpNext(own, scorePos);
  }
  return pos;
}

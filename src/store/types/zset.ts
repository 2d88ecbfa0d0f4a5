/**
 * Sorted sets in either form, as functions over an entry of {@linkcode Records}.
 *
 * ```
 *  LISTPACK   up to `zset-max-listpack-entries` members, none longer than `zset-max-listpack-value`
 *  SKIPLIST   a ZsetTable, an object beside the record (`zset_table.ts`)
 * ```
 *
 * A listpack becomes a table where `t_zset.c` makes it a skiplist (`zsetAdd`), as OBJECT ENCODING and
 * snapshots show it; a table becomes a listpack only where a command stores a new sorted set
 * ({@linkcode zsetStore}).
 *
 * Ranks count from 0, the lowest score first. A score is never NaN. Functions that change a sorted set
 * return where its entry is afterwards.
 *
 * @module
 */

import { compareBytes } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import type { Records } from "../memory/records.ts";
import {
  LISTPACK_EMPTY,
  lpAppendTo,
  lpBegin,
  lpFinish,
  lpFirst,
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
import { MAX_INTEGER_TEXT } from "../packed/integer.ts";
import { RecordRegion } from "../packed/record_region.ts";
import type { StoreSettings } from "../memory/settings.ts";
import {
  afterPair,
  appendScore,
  countPairsBelow,
  findMember,
  placeFor,
  scoreAt,
} from "./zset_listpack.ts";
import { type MemberVisitor, ZsetTable, zsetTableOf } from "./zset_table.ts";

/** `LISTPACK_MAX_SAFETY_LIMIT`: bytes beyond which a listpack does not grow. */
const MAX_LISTPACK_BYTES = 1 << 30;

/** Options of {@linkcode zsetAdd}, to be combined: those of ZADD, of which GT, LT and NX exclude each other. */
export const Add = { NONE: 0, NX: 1, XX: 2, GT: 4, LT: 8, INCR: 16 } as const;

/** What the last {@linkcode zsetAdd} did, besides the entry it returned. */
export const zsetAddResult = {
  /** Whether the member is new. */
  isNew: false,
  /** Whether the member was there and has another score now. */
  isUpdated: false,
  /** Whether an option forbade it: nothing was changed. */
  isRefused: false,
  /** Whether the sum of two scores, infinities of either sign, is no number: nothing was changed. */
  isNaN: false,
  /** The score that the member has now, or would have got. */
  score: 0,
};

const value = new BytesRef();
const member = new BytesRef();
const region = new RecordRegion();
/** A pair that is to be spliced into the region, or a whole listpack. */
const scratch = new ByteBuffer();
/** A copy of a text that was lent. */
const digits = new Uint8Array(MAX_INTEGER_TEXT);

/** How many members a sorted set has (`zsetLength`). O(1). */
export function zsetLength(db: Records, entry: Entry): number {
  const set = zsetTableOf(db, entry);
  if (set !== undefined) return set.size;
  db.valueRef(entry, value);
  return lpLength(value.bytes, value.start, value.end) >>> 1;
}

/** A member's score (`zsetScore`), NaN when it is not there. O(1), but O(n) of a listpack. */
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
  const pos = findMember(value.bytes, value.start, bytes, start, end);
  return pos < 0 ? NaN : scoreAt(value.bytes, lpNext(value.bytes, pos));
}

/** A member's rank (`zsetRank`), -1 when it is not there. O(log n), but O(n) of a listpack. */
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
  const pos = findMember(own, value.start, bytes, start, end);
  if (pos < 0) return -1;
  let rank = 0;
  for (let at = lpFirst(own, value.start); at !== pos; at = afterPair(own, at)) rank++;
  return rank;
}

/** Visits every member, from the lowest score on. `visit` must not write to the records. */
export function zsetEach(db: Records, entry: Entry, visit: MemberVisitor): void {
  zsetEachRange(db, entry, 0, zsetLength(db, entry), false, visit);
}

/**
 * Visits `count` members from `rank` on, upwards or with `reverse` downwards: all must be there.
 * `visit` must not write to the records.
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
    const score = scoreAt(bytes, scorePos);
    lpRead(bytes, pos, member);
    visit(member.bytes, member.start, member.end, score);
    if (!reverse) pos = lpNext(bytes, scorePos);
    else if (count > 1) pos = lpPrev(bytes, start, lpPrev(bytes, start, pos));
  }
}

/** How many members have a score below `score`, or with `inclusive` up to it: the rank of a bound. */
export function zsetCountBelow(
  db: Records,
  entry: Entry,
  score: number,
  inclusive: boolean,
): number {
  const set = zsetTableOf(db, entry);
  if (set !== undefined) return set.countBelow(score, inclusive);
  db.valueRef(entry, value);
  return countPairsBelow(value.bytes, value.start, score, inclusive);
}

/**
 * The rank from `from` on of the first member that is not below these bytes, or with `inclusive` that is
 * above them: a bound of ZRANGEBYLEX. It is defined where all scores are equal; elsewhere a listpack is
 * walked as Redis walks it, and answers what Redis does.
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
    pos = afterPair(own, pos);
  }
  return rank;
}

/**
 * Makes a key an empty sorted set (`zsetTypeCreate`), which the caller fills before anybody looks.
 *
 * @param expected How many members may come.
 * @param longest Bytes of the longest of them.
 */
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
    const [{ ZSET }, { LISTPACK }, empty] = [ValueType, Encoding, LISTPACK_EMPTY];
    return db.createBlob(keyBytes, keyStart, keyEnd, ZSET, LISTPACK, empty, empty.length);
  }
  const set = new ZsetTable(db.settings);
  return db.createObject(keyBytes, keyStart, keyEnd, ValueType.ZSET, Encoding.SKIPLIST, set);
}

/** Makes a listpack a table if more members than its limit are expected (`zsetTypeMaybeConvert`). */
export function zsetExpect(db: Records, entry: Entry, expected: number): Entry {
  if (expected <= db.settings.limits.zsetMaxListpackEntries) return entry;
  return db.objectOf(entry) !== undefined ? entry : convert(db, entry);
}

/**
 * Adds a member or changes its score, as `options` allow (`zsetAdd`); {@linkcode zsetAddResult} tells what
 * was done.
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
  assert(score === score, "a score is a number");
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
 * Removes a member (`zsetDel`). The key of a sorted set that has become empty is the caller's to delete.
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
  const pos = findMember(own, value.start, bytes, start, end);
  if (pos < 0) return 0;
  region.open(db, entry, Encoding.LISTPACK);
  lpSplice(region, pos, afterPair(own, pos), 2, undefined, 0);
  return region.entry;
}

/** Removes `count` members from `rank` on, all of which must be there. Returns where the entry is now. */
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
  assert(from >= 0 && rank + count <= zsetLength(db, entry), "what is removed is there");
  let to = from;
  for (let i = 0; i < count; i++) to = afterPair(bytes, to);
  region.open(db, entry, Encoding.LISTPACK);
  lpSplice(region, from, to, 2 * count, undefined, 0);
  return region.entry;
}

/** Visits a member that `random` draws, each as likely as any other. */
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
 * Makes a key a sorted set that was built apart (ZUNIONSTORE and the like), whatever it held before: a
 * listpack where the limits allow it. The table is the records' own from then on.
 */
export function zsetStore(
  db: Records,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  set: ZsetTable,
): Entry {
  const blob = zsetListpack(set, db.settings);
  const { ZSET } = ValueType;
  const { LISTPACK, SKIPLIST } = Encoding;
  if (blob === undefined) return db.createObject(keyBytes, keyStart, keyEnd, ZSET, SKIPLIST, set);
  return db.createBlob(keyBytes, keyStart, keyEnd, ZSET, LISTPACK, blob.bytes, blob.length);
}

/** A table as a listpack, in a buffer that the next call overwrites; undefined when it is over the limits. */
export function zsetListpack(
  set: ZsetTable,
  { limits, keepsMinusZero }: StoreSettings,
): ByteBuffer | undefined {
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
    appendScore(scratch, score, keepsMinusZero);
  });
  lpFinish(scratch, 0, 2 * set.size);
  return scratch;
}

/** Adds the pairs of a listpack that begins at `start` to a table; false when a member comes twice. */
export function addListpack(set: ZsetTable, bytes: Uint8Array, start: number): boolean {
  let pos = lpFirst(bytes, start);
  while (!lpIsEnd(bytes, pos)) {
    const scorePos = lpNext(bytes, pos);
    const score = scoreAt(bytes, scorePos);
    lpRead(bytes, pos, member);
    if (!set.set(member.bytes, member.start, member.end, score)) return false;
    pos = lpNext(bytes, scorePos);
  }
  return true;
}

/** Makes a listpack a table. */
function convert(db: Records, entry: Entry): Entry {
  const set = new ZsetTable(db.settings);
  db.valueRef(entry, value);
  const isSound = addListpack(set, value.bytes, value.start);
  assert(isSound, "a stored listpack has each member once");
  return db.replaceObject(entry, Encoding.SKIPLIST, set);
}

/** Whether a member that is not there is added; fills `zsetAddResult`. */
function admitNew(score: number, options: number): boolean {
  zsetAddResult.isNew = (options & Add.XX) === 0;
  zsetAddResult.isUpdated = false;
  zsetAddResult.isRefused = !zsetAddResult.isNew;
  zsetAddResult.isNaN = false;
  zsetAddResult.score = score;
  return zsetAddResult.isNew;
}

/** Whether a member that is there gets another score, which is then `zsetAddResult.score`; fills the rest. */
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

/** {@linkcode zsetAdd} to a listpack, which becomes a table if it is over its limits by that. */
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
  const pos = findMember(own, value.start, bytes, start, end);
  if (pos >= 0) {
    const scorePos = lpNext(own, pos);
    if (!admitChange(scoreAt(own, scorePos), score, options)) return entry;
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

/** Puts a new member with `zsetAddResult.score` into a listpack where it belongs. */
function insertSmall(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
): Entry {
  scratch.clear();
  lpAppendTo(scratch, bytes, start, end);
  appendScore(scratch, zsetAddResult.score, db.settings.keepsMinusZero);
  region.open(db, entry, Encoding.LISTPACK);
  const { score } = zsetAddResult;
  const at = placeFor(region.bytes, region.start, score, bytes, start, end);
  lpSplice(region, at, at, 0, scratch, 2);
  return region.entry;
}

/** Gives the pair at `[pos, next)` of a listpack `zsetAddResult.score`, and puts it where it then belongs. */
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
  appendScore(scratch, zsetAddResult.score, db.settings.keepsMinusZero);
  region.open(db, entry, Encoding.LISTPACK);
  lpSplice(region, pos, next, 2, undefined, 0);
  // The member may have lain in the pair that was just taken out. It is in the scratch now: read there.
  lpRead(scratch.bytes, 0, member);
  if (lpIsInteger(scratch.bytes, 0)) keepDigits(member);
  const { score } = zsetAddResult;
  const at = placeFor(region.bytes, region.start, score, member.bytes, member.start, member.end);
  lpSplice(region, at, at, 0, scratch, 2);
  return region.entry;
}

/** Copies the text of an integer, which was lent, to where further reads do not overwrite it. */
function keepDigits(ref: BytesRef): void {
  const length = ref.end - ref.start;
  for (let i = 0; i < length; i++) digits[i] = ref.bytes[ref.start + i];
  ref.set(digits, 0, length);
}

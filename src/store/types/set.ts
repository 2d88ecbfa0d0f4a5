/**
 * Sets in every form, as functions over an entry of {@linkcode Records}. When one form becomes another is
 * as in `t_set.c` of Redis 7.2 to 8.0 (`setTypeAddAux`), as OBJECT ENCODING and snapshots show it.
 *
 * ```
 *  INTSET      integers alone, up to `set-max-intset-entries`
 *  LISTPACK    up to `set-max-listpack-entries`, none longer than `set-max-listpack-value`
 *  HASHTABLE   a SetTable, an object beside the record (`set_table.ts`)
 *
 *  INTSET ──a member that is no integer──▶ LISTPACK ──too many, too long──▶ HASHTABLE
 *     └──────────────────── too many, too long ───────────────────────────────▲
 * ```
 *
 * A set does not go back when it shrinks, except where Redis makes it anew: SINTERSTORE and the like
 * ({@linkcode setUnpack}) and an SPOP of most members ({@linkcode setRenew}).
 *
 * Functions that change a set return where its entry is afterwards.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import type { Records } from "../memory/records.ts";
import {
  intsetAdd,
  intsetFind,
  intsetLength,
  intsetLongest,
  intsetRead,
  intsetRemove,
  isIntsetMember,
} from "../packed/intset.ts";
import { SetTable, setTableOf, type SetVisitor } from "./set_table.ts";
import {
  lpAppendTo,
  lpBegin,
  lpFind,
  lpFinish,
  lpFirst,
  lpLength,
  lpNext,
  lpRead,
  lpSeek,
  lpSplice,
} from "../packed/listpack.ts";
import { Encoding, type Entry, ValueType } from "../memory/record.ts";
import { RecordRegion } from "../packed/record_region.ts";
import { eachMember, emptySet } from "./set_members.ts";

const blob = new BytesRef();
const member = new BytesRef();
const region = new RecordRegion();
/** An entry that is to be spliced into the region. */
const encoded = new ByteBuffer();

/** How many members a set has (`setTypeSize`). O(1). */
export function setLength(db: Records, entry: Entry): number {
  const large = setTableOf(db, entry);
  if (large !== undefined) return large.size;
  db.valueRef(entry, blob);
  return db.encodingOf(entry) === Encoding.INTSET
    ? intsetLength(blob.bytes, blob.start)
    : lpLength(blob.bytes, blob.start, blob.end);
}

/** Visits every member: in order in an intset or listpack, else in none. `visit` must not write. */
export function setEach(db: Records, entry: Entry, visit: SetVisitor): void {
  const large = setTableOf(db, entry);
  if (large !== undefined) return large.each(visit);
  db.valueRef(entry, blob);
  eachMember(blob.bytes, blob.start, db.encodingOf(entry), visit);
}

/**
 * Visits about `count` members of a table from a cursor on, 0 to begin with; a smaller form whole. Returns the
 * next cursor, 0 at the end.
 */
export function setSome(
  db: Records,
  entry: Entry,
  cursor: number,
  count: number,
  visit: SetVisitor,
): number {
  const large = setTableOf(db, entry);
  if (large !== undefined) return large.some(cursor, count, visit);
  setEach(db, entry, visit);
  return 0;
}

/** Whether a set has a member (`setTypeIsMember`). O(1) in a table, O(log n) in an intset, else O(n). */
export function setHas(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const large = setTableOf(db, entry);
  if (large !== undefined) return large.has(bytes, start, end);
  db.valueRef(entry, blob);
  if (db.encodingOf(entry) === Encoding.INTSET) {
    return intsetFind(blob.bytes, blob.start, bytes, start, end) >= 0;
  }
  return lpFind(blob.bytes, lpFirst(blob.bytes, blob.start), bytes, start, end, 0) >= 0;
}

/** Visits the member at `index` of an intset or listpack; one that `random` draws, of a SetTable. */
export function setVisitAt(
  db: Records,
  entry: Entry,
  index: number,
  random: () => number,
  visit: SetVisitor,
): void {
  const large = setTableOf(db, entry);
  if (large !== undefined) return large.visit(large.members.randomEntry(random), visit);
  db.valueRef(entry, blob);
  const { bytes, start, end } = blob;
  if (db.encodingOf(entry) === Encoding.INTSET) {
    assert(index < intsetLength(bytes, start), "the index is that of a member");
    intsetRead(bytes, start, index, member);
  } else {
    const pos = lpSeek(bytes, start, end, index);
    assert(pos >= 0, "the index is that of a member");
    lpRead(bytes, pos, member);
  }
  visit(member.bytes, member.start, member.end);
}

/**
 * The encoding in which a set is made (`setTypeCreate`).
 *
 * @param bytes The first member that comes, `bytes[start, end)`: an integer lets hope for more.
 * @param expected How many members may come.
 */
export function setEncodingFor(
  db: Records,
  bytes: Uint8Array,
  start: number,
  end: number,
  expected: number,
): Encoding {
  const { setMaxIntsetEntries, setMaxListpackEntries } = db.settings.limits;
  if (isIntsetMember(bytes, start, end) && expected <= setMaxIntsetEntries) return Encoding.INTSET;
  return expected <= setMaxListpackEntries ? Encoding.LISTPACK : Encoding.HASHTABLE;
}

/** Makes a key an empty set, which the caller fills before anybody looks: no key holds nothing. */
export function setCreate(
  db: Records,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  encoding: Encoding,
): Entry {
  if (encoding === Encoding.HASHTABLE) {
    const large = new SetTable(db.settings);
    return db.createObject(keyBytes, keyStart, keyEnd, ValueType.SET, encoding, large);
  }
  const empty = emptySet(encoding);
  const { SET } = ValueType;
  return db.createBlob(keyBytes, keyStart, keyEnd, SET, encoding, empty, empty.length);
}

/** Converts a set for which `count` members are to come if they are over its limit (`setTypeMaybeConvert`). */
export function setExpect(db: Records, entry: Entry, count: number): Entry {
  const { setMaxIntsetEntries, setMaxListpackEntries } = db.settings.limits;
  const encoding = db.encodingOf(entry);
  const isBeyond = (encoding === Encoding.LISTPACK && count > setMaxListpackEntries) ||
    (encoding === Encoding.INTSET && count > setMaxIntsetEntries);
  return isBeyond ? setConvert(db, entry) : entry;
}

/** Whether the last {@linkcode setAdd} added its member: false when the set had it already. */
export const setAddResult: { isNew: boolean } = { isNew: false };
/** Whether the last {@linkcode setRemove} found its member. */
export const setRemoveResult: { wasThere: boolean } = { wasThere: false };

/**
 * Adds a member (`setTypeAdd`); {@linkcode setAddResult} tells whether it is new.
 *
 * @param bytes May be a text that another set has lent: it is read before anything is converted.
 * @returns Where the entry is now.
 */
export function setAdd(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
): Entry {
  const large = setTableOf(db, entry);
  if (large !== undefined) {
    setAddResult.isNew = large.add(bytes, start, end);
    return entry;
  }
  if (db.encodingOf(entry) === Encoding.INTSET) {
    return addToIntset(db, entry, bytes, start, end);
  }
  return addToListpack(db, entry, bytes, start, end);
}

/** Adds to an intset, which becomes a listpack or a table if the member does not go into it. */
function addToIntset(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
): Entry {
  const { setMaxIntsetEntries, setMaxListpackEntries, setMaxListpackValue } = db.settings.limits;
  region.open(db, entry, Encoding.INTSET);
  const count = intsetLength(region.bytes, region.start);
  if (isIntsetMember(bytes, start, end)) {
    setAddResult.isNew = intsetAdd(region, bytes, start, end);
    const tooMany = setAddResult.isNew && count + 1 > setMaxIntsetEntries;
    return tooMany ? setConvert(db, region.entry) : region.entry;
  }
  const longest = Math.max(intsetLongest(region.bytes, region.start, member), end - start);
  const fits = count < setMaxListpackEntries && longest <= setMaxListpackValue;
  // A member that another intset has lent lies in the ring of texts that converting this one uses.
  const own = bytes.slice(start, end);
  const converted = fits ? setPack(db, entry) : setConvert(db, entry);
  return setAdd(db, converted, own, 0, own.length);
}

/** Adds to a listpack, which becomes a table if it is over its limits by that. */
function addToListpack(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
): Entry {
  const { setMaxListpackEntries, setMaxListpackValue } = db.settings.limits;
  region.open(db, entry, Encoding.LISTPACK);
  const first = lpFirst(region.bytes, region.start);
  setAddResult.isNew = lpFind(region.bytes, first, bytes, start, end, 0) < 0;
  if (!setAddResult.isNew) return entry;
  const count = lpLength(region.bytes, region.start, region.end);
  if (count >= setMaxListpackEntries || end - start > setMaxListpackValue) {
    const own = bytes.slice(start, end);
    return setAdd(db, setConvert(db, entry), own, 0, own.length);
  }
  encoded.clear();
  lpAppendTo(encoded, bytes, start, end);
  lpSplice(region, region.end - 1, region.end - 1, 0, encoded, 1);
  return region.entry;
}

/**
 * Deletes a member (`setTypeRemove`); {@linkcode setRemoveResult} tells whether it was there. The key of a
 * set that has become empty is the caller's to delete.
 *
 * @returns Where the entry is now.
 */
export function setRemove(
  db: Records,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
): Entry {
  const large = setTableOf(db, entry);
  if (large !== undefined) {
    setRemoveResult.wasThere = large.remove(bytes, start, end);
    return entry;
  }
  const encoding = db.encodingOf(entry);
  region.open(db, entry, encoding);
  if (encoding === Encoding.INTSET) {
    setRemoveResult.wasThere = intsetRemove(region, bytes, start, end);
    return region.entry;
  }
  const first = lpFirst(region.bytes, region.start);
  const pos = lpFind(region.bytes, first, bytes, start, end, 0);
  setRemoveResult.wasThere = pos >= 0;
  if (pos >= 0) lpSplice(region, pos, lpNext(region.bytes, pos), 1, undefined, 0);
  return region.entry;
}

/** Makes a set in any form a SetTable. */
function setConvert(db: Records, entry: Entry): Entry {
  if (setTableOf(db, entry) !== undefined) return entry;
  const large = new SetTable(db.settings);
  setEach(db, entry, (bytes, start, end) => large.add(bytes, start, end));
  return db.replaceObject(entry, Encoding.HASHTABLE, large);
}

/** Makes an intset a listpack, its members in order. */
function setPack(db: Records, entry: Entry): Entry {
  const packed = new ByteBuffer();
  lpBegin(packed);
  let count = 0;
  setEach(db, entry, (bytes, start, end) => {
    lpAppendTo(packed, bytes, start, end);
    count++;
  });
  lpFinish(packed, 0, count);
  return db.replaceBlob(entry, Encoding.LISTPACK, packed.bytes, 0, packed.length);
}

/**
 * Makes a set of integers alone an intset if its limit allows that (`maybeConvertToIntset`, after
 * SINTERSTORE and the like); leaves any other set as it is.
 */
export function setUnpack(db: Records, entry: Entry): Entry {
  if (db.encodingOf(entry) === Encoding.INTSET) return entry;
  if (setLength(db, entry) > db.settings.limits.setMaxIntsetEntries) return entry;
  const members: Uint8Array[] = [];
  let others = 0;
  setEach(db, entry, (bytes, start, end) => {
    if (others > 0 || !isIntsetMember(bytes, start, end)) others++;
    else members.push(bytes.slice(start, end));
  });
  return others > 0 ? entry : refill(db, entry, Encoding.INTSET, members);
}

/**
 * Makes a set anew that has lost most of its members, as SPOP does with a count (`spopWithCountCommand`):
 * an intset stays one, any other becomes a listpack if what is left fits.
 */
export function setRenew(db: Records, entry: Entry): Entry {
  const isIntset = db.encodingOf(entry) === Encoding.INTSET;
  if (!isIntset && setLength(db, entry) > db.settings.limits.setMaxListpackEntries) return entry;
  const members: Uint8Array[] = [];
  setEach(db, entry, (bytes, start, end) => members.push(bytes.slice(start, end)));
  return refill(db, entry, isIntset ? Encoding.INTSET : Encoding.LISTPACK, members);
}

/** Gives a set these members and no others. */
function refill(
  db: Records,
  entry: Entry,
  encoding: Encoding,
  members: readonly Uint8Array[],
): Entry {
  const empty = emptySet(encoding);
  let now = db.replaceBlob(entry, encoding, empty, 0, empty.length);
  for (const one of members) now = setAdd(db, now, one, 0, one.length);
  assert(setLength(db, now) === members.length, "no member comes twice");
  return now;
}

/**
 * Lists in either form, as functions over an entry of {@linkcode Records}.
 *
 * ```
 *  LISTPACK    one listpack in the record, while it is within the limit of a quicklist's node
 *  QUICKLIST   a chain of nodes, an object beside the record (`packed/quicklist.ts`)
 * ```
 *
 * When one becomes the other is as in Redis 7.2 to 8.0 (`t_list.c listTypeTryConversion`), as OBJECT
 * ENCODING and snapshots show it. A list becomes a quicklist before it grows, by the bytes that are coming,
 * even if they do not come; it becomes a listpack again after it shrank, once one node is left that is at
 * most half full: so a list whose length goes up and down does not change its form each time.
 *
 * Functions that change a list return where its entry is afterwards, 0 if it has become empty: then its
 * key is gone.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import type { Records } from "../memory/records.ts";
import {
  LISTPACK_EMPTY,
  LISTPACK_HEADER,
  lpAppendTo,
  lpEquals,
  lpLength,
  lpNext,
  lpPrev,
  lpSeek,
  lpSplice,
} from "../packed/listpack.ts";
import { Quicklist } from "../packed/quicklist.ts";
import { exceedsFill, fillBytes, fillCount } from "../packed/quicklist_node.ts";
import { Encoding, type Entry, ValueType } from "../memory/record.ts";
import { RecordRegion } from "../packed/record_region.ts";
import { elementEquals, ListCursor, quicklistOf } from "./list_cursor.ts";

/** Bytes of memory that a buffer keeps between two uses. */
const KEPT_BYTES = 1 << 17;

const key = new BytesRef();
const value = new BytesRef();
const record = new RecordRegion();
/** Entries that are to be spliced into the record. */
const encoded = new ByteBuffer();
/** The element that {@linkcode listMove} has moved last. */
const moved = new ByteBuffer();
/** A cursor that nobody uses. */
let idleCursor: ListCursor | undefined;

/** How many elements a list has (`listTypeLength`). O(1). */
export function listLength(db: Records, entry: Entry): number {
  const quicklist = quicklistOf(db, entry);
  if (quicklist !== undefined) return quicklist.count;
  db.valueRef(entry, value);
  return lpLength(value.bytes, value.start, value.end);
}

/** Visits `count` elements, which must be there, from the one at `index` on. `visit` must not write to the records. */
export function listEachRange(
  db: Records,
  entry: Entry,
  index: number,
  count: number,
  visit: (bytes: Uint8Array, start: number, end: number) => void,
): void {
  // Taken while it is in use, so that a visit that walks another list gets one of its own.
  const cursor = idleCursor ?? new ListCursor();
  idleCursor = undefined;
  const ref = new BytesRef();
  cursor.open(db, entry);
  cursor.seek(index);
  for (let left = count; left > 0; left--) {
    cursor.read(ref);
    visit(ref.bytes, ref.start, ref.end);
    cursor.next();
  }
  idleCursor = cursor;
}

/** Visits every element from the head on; the bytes are borrowed. `visit` must not write to the records. */
export function listEach(
  db: Records,
  entry: Entry,
  visit: (bytes: Uint8Array, start: number, end: number) => void,
): void {
  listEachRange(db, entry, 0, listLength(db, entry), visit);
}

/**
 * Whether a listpack of so many bytes and elements that a snapshot brings stays a list's only one.
 *
 * @param fill `list-max-listpack-size`.
 */
export function listIsSmall(fill: number, bytes: number, count: number): boolean {
  return bytes <= fillBytes(fill) && count <= fillCount(fill);
}

/**
 * Adds elements one after another, each before the first or after the last (`pushGenericCommand`).
 *
 * @param entry The list's; with 0 a list is made under the key.
 * @param starts Where each begins in `bytes`, from element `first` to before element `last`.
 */
export function listPush(
  db: Records,
  entry: Entry,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  atHead: boolean,
  bytes: Uint8Array,
  starts: ArrayLike<number>,
  ends: ArrayLike<number>,
  first: number,
  last: number,
): Entry {
  let added = 0;
  for (let i = first; i < last; i++) added += ends[i] - starts[i];
  if (entry === 0) entry = createList(db, keyBytes, keyStart, keyEnd);
  assert(first < last, "a push brings elements");
  entry = listGrowFor(db, entry, added, last - first);
  const quicklist = quicklistOf(db, entry);
  if (quicklist !== undefined) {
    for (let i = first; i < last; i++) quicklist.push(atHead, bytes, starts[i], ends[i]);
    return entry;
  }
  encoded.shrink(KEPT_BYTES);
  for (let i = first; i < last; i++) {
    const at = atHead ? last - 1 - (i - first) : i;
    lpAppendTo(encoded, bytes, starts[at], ends[at]);
  }
  record.open(db, entry, Encoding.LISTPACK);
  const pos = atHead ? record.start + LISTPACK_HEADER : record.end - 1;
  lpSplice(record, pos, pos, 0, encoded, last - first);
  return record.entry;
}

/**
 * Adds an element before or after the one at `index`, which is there (`listTypeInsert`).
 * {@linkcode listGrowFor} has prepared the list.
 */
export function listInsert(
  db: Records,
  entry: Entry,
  index: number,
  after: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): Entry {
  const quicklist = quicklistOf(db, entry);
  if (quicklist !== undefined) {
    quicklist.insert(index, after, bytes, start, end);
    return entry;
  }
  encodeOne(bytes, start, end);
  record.open(db, entry, Encoding.LISTPACK);
  const found = lpSeek(record.bytes, record.start, record.end, index);
  assert(found >= 0, "there is an element to insert at");
  const pos = after ? lpNext(record.bytes, found) : found;
  lpSplice(record, pos, pos, 0, encoded, 1);
  return record.entry;
}

/**
 * Puts another element at `index`, which is there (`listTypeReplaceAtIndex`). {@linkcode listGrowFor} has
 * prepared the list.
 */
export function listSet(
  db: Records,
  entry: Entry,
  index: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Entry {
  const quicklist = quicklistOf(db, entry);
  if (quicklist !== undefined) {
    quicklist.replace(index, bytes, start, end);
    return listShrunk(db, entry);
  }
  encodeOne(bytes, start, end);
  record.open(db, entry, Encoding.LISTPACK);
  const pos = lpSeek(record.bytes, record.start, record.end, index);
  assert(pos >= 0, "there is an element to replace");
  lpSplice(record, pos, lpNext(record.bytes, pos), 1, encoded, 1);
  return record.entry;
}

/**
 * Removes `count` elements from `index` on, all of which are there (`listTypeDelRange`).
 *
 * @returns Where the list is now, 0 if it has become empty: then its key is gone.
 */
export function listRemoveRange(db: Records, entry: Entry, index: number, count: number): Entry {
  return listShrunk(db, removeRange(db, entry, index, count));
}

/**
 * Removes up to `limit` elements of this text, from the head on or from the tail on (LREM).
 *
 * @returns How many there were. The list's key is gone if it has become empty.
 */
export function listRemoveMatching(
  db: Records,
  entry: Entry,
  fromHead: boolean,
  limit: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const quicklist = quicklistOf(db, entry);
  let removed = 0;
  if (quicklist !== undefined) {
    removed = quicklist.removeMatching(fromHead, limit, ({ region, plain }, pos) => {
      return elementEquals(region.bytes, pos, plain, region.end, bytes, start, end);
    });
  } else {
    record.open(db, entry, Encoding.LISTPACK);
    removed = removeMatchingIn(record, fromHead, limit, bytes, start, end);
    entry = record.entry;
  }
  if (removed > 0) listShrunk(db, entry);
  return removed;
}

/**
 * Makes a list a quicklist if elements of so many bytes in all would be too much for its listpack, before
 * it is known whether they come (`listTypeTryConversionAppend`): that is when Redis does it.
 *
 * @returns Where the list is now.
 */
export function listGrowFor(db: Records, entry: Entry, bytes: number, count: number): Entry {
  if (db.encodingOf(entry) !== Encoding.LISTPACK) return entry;
  db.valueRef(entry, value);
  const fill = db.settings.limits.listMaxListpackSize;
  const size = value.end - value.start + bytes;
  const length = fill < 0 ? 0 : lpLength(value.bytes, value.start, value.end);
  return exceedsFill(fill, size, length + count) ? toQuicklist(db, entry) : entry;
}

/**
 * Moves an element from one list to another, or within one, as LMOVE does.
 *
 * @param source Entry of the list it is taken from, which is not empty.
 * @param target Entry of the list it goes to: 0 if that is still to be made, `source` within one list.
 * @param keyBytes Key of the list it goes to.
 * @param out Is pointed at the element's text, which is valid until the next move.
 */
export function listMove(
  db: Records,
  source: Entry,
  target: Entry,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  fromHead: boolean,
  toHead: boolean,
  out: BytesRef,
): void {
  const cursor = idleCursor ??= new ListCursor();
  cursor.open(db, source);
  cursor.seek(fromHead ? 0 : -1);
  cursor.read(value);
  moved.shrink(KEPT_BYTES);
  moved.writeBytes(value.bytes, value.start, value.end);
  // An element that is held as an integer comes to `listTypeTryConversionAppend` as one, of no length.
  const counted = cursor.isInteger ? 0 : moved.length;
  db.keyRef(source, key);
  const sourceKey = key.bytes.slice(key.start, key.end);
  removeRange(db, source, fromHead ? 0 : cursor.length - 1, 1);
  if (target === 0) target = createList(db, keyBytes, keyStart, keyEnd);
  else target = db.find(keyBytes, keyStart, keyEnd);
  target = listGrowFor(db, target, counted, 1);
  pushOne(db, target, toHead, moved.bytes, 0, moved.length);
  listShrunk(db, db.find(sourceKey, 0, sourceKey.length));
  out.set(moved.bytes, 0, moved.length);
}

/**
 * After a removal (`listTypeTryConversion` while shrinking, `listElementsRemoved`): deletes the key of an
 * empty list, and makes a quicklist of one node that is at most half full a listpack.
 *
 * @returns Where the list is now, 0 if it was empty.
 */
function listShrunk(db: Records, entry: Entry): Entry {
  const quicklist = quicklistOf(db, entry);
  if (quicklist === undefined) {
    db.valueRef(entry, value);
    if (value.end - value.start > LISTPACK_EMPTY.length) return entry;
    db.removeEntry(entry);
    return 0;
  }
  if (quicklist.count === 0) {
    db.removeEntry(entry);
    return 0;
  }
  const only = quicklist.onlyListpack;
  const fill = db.settings.limits.listMaxListpackSize;
  const isSmall = only !== undefined && only.end <= fillBytes(fill) / 2 &&
    quicklist.count <= Math.floor(fillCount(fill) / 2);
  if (!isSmall) return entry;
  return db.replaceBlob(entry, Encoding.LISTPACK, only.bytes, 0, only.end);
}

/** Makes a key an empty list, which is filled before anybody looks. */
function createList(db: Records, keyBytes: Uint8Array, start: number, end: number): Entry {
  const { LIST } = ValueType;
  const empty = LISTPACK_EMPTY;
  return db.createBlob(keyBytes, start, end, LIST, Encoding.LISTPACK, empty, empty.length);
}

/** Makes a listpack a quicklist of one node. */
function toQuicklist(db: Records, entry: Entry): Entry {
  const quicklist = new Quicklist(db.settings.limits.listMaxListpackSize);
  db.valueRef(entry, value);
  const count = lpLength(value.bytes, value.start, value.end);
  if (count > 0) quicklist.appendNode(value.bytes, value.start, value.end, false, count);
  return db.replaceObject(entry, Encoding.QUICKLIST, quicklist);
}

/** Adds one element to a list in the form it has; {@linkcode listGrowFor} has prepared it. */
function pushOne(
  db: Records,
  entry: Entry,
  atHead: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const quicklist = quicklistOf(db, entry);
  if (quicklist !== undefined) return quicklist.push(atHead, bytes, start, end);
  encodeOne(bytes, start, end);
  record.open(db, entry, Encoding.LISTPACK);
  const pos = atHead ? record.start + LISTPACK_HEADER : record.end - 1;
  lpSplice(record, pos, pos, 0, encoded, 1);
}

/** Removes elements, and leaves the list in the form it has, even if it is empty. */
function removeRange(db: Records, entry: Entry, index: number, count: number): Entry {
  const quicklist = quicklistOf(db, entry);
  if (quicklist !== undefined) {
    quicklist.removeRange(index, count);
    return entry;
  }
  record.open(db, entry, Encoding.LISTPACK);
  const { bytes, start, end } = record;
  const from = lpSeek(bytes, start, end, index);
  assert(from >= 0, "there are elements to take out");
  const isTail = index + count === lpLength(bytes, start, end);
  let to = isTail ? end - 1 : from;
  if (!isTail) { for (let i = 0; i < count; i++) to = lpNext(bytes, to); }
  lpSplice(record, from, to, count, undefined, 0);
  return record.entry;
}

/** Removes up to `limit` entries of this text from a listpack; returns how many there were. */
function removeMatchingIn(
  region: RecordRegion,
  fromHead: boolean,
  limit: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let removed = 0;
  // An offset from the region's start: a removal may move the region.
  let at = fromHead
    ? LISTPACK_HEADER
    : lpPrev(region.bytes, region.start, region.end - 1) - region.start;
  while (removed < limit && at > 0 && at < region.end - region.start - 1) {
    const pos = region.start + at;
    if (lpEquals(region.bytes, pos, bytes, start, end)) {
      lpSplice(region, pos, lpNext(region.bytes, pos), 1, undefined, 0);
      removed++;
    } else if (fromHead) {
      at = lpNext(region.bytes, pos) - region.start;
    }
    if (!fromHead) {
      const before = lpPrev(region.bytes, region.start, region.start + at);
      at = before < 0 ? -1 : before - region.start;
    }
  }
  return removed;
}

/** Makes `encoded` the entry of one element. */
function encodeOne(bytes: Uint8Array, start: number, end: number): void {
  encoded.shrink(KEPT_BYTES);
  lpAppendTo(encoded, bytes, start, end);
}

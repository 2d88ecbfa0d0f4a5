/**
 * Lists: one listpack in the record while that fits a quicklist's node, a {@linkcode Quicklist} beyond.
 * When the one becomes the other, and back, is as in Redis 7.2 to 8.0 (`t_list.c`,
 * `listTypeTryConversion`): before a list grows, by the bytes that are coming; after it shrank, once it
 * is one listpack of at most half the limit.
 *
 * @module
 */

import { equalBytes } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import type { Records } from "../memory/records.ts";
import {
  LISTPACK_EMPTY,
  LISTPACK_HEADER,
  lpAppendTo,
  lpBegin,
  lpEquals,
  lpFinish,
  lpIsEnd,
  lpIsInteger,
  lpLength,
  lpNext,
  lpPrev,
  lpRead,
  lpSeek,
  lpSplice,
} from "../packed/listpack.ts";
import { NodePlace } from "../packed/node_chain.ts";
import { Quicklist } from "../packed/quicklist.ts";
import {
  ENTRY_OVERHEAD,
  exceedsFill,
  fillBytes,
  fillCount,
  isLargeElement,
} from "../packed/quicklist_node.ts";
import { Encoding, type Entry, ValueType } from "../memory/record.ts";
import { RecordRegion } from "../packed/record_region.ts";

/** Memory that is kept between two uses of a buffer. */
const KEPT_BYTES = 1 << 17;

const key = new BytesRef();
const value = new BytesRef();
const record = new RecordRegion();
const encoded = new ByteBuffer();
const moved = new ByteBuffer();
let idleCursor: ListCursor | undefined;

/** An element of a list, and the way to its neighbours. Valid until the next write to the database. */
export class ListCursor {
  #quicklist: Quicklist | undefined = undefined;
  readonly #place: NodePlace = new NodePlace();
  readonly #value: BytesRef = new BytesRef();
  #bytes: Uint8Array = LISTPACK_EMPTY;
  #start: number = 0;
  #end: number = LISTPACK_EMPTY.length;
  #pos: number = -1;
  #plain: boolean = false;
  #length: number = 0;

  /** Opens a list, at no element yet. */
  open(db: Records, entry: Entry): void {
    this.#pos = -1;
    this.#quicklist = quicklistOf(db, entry);
    if (this.#quicklist !== undefined) {
      this.#length = this.#quicklist.count;
      return;
    }
    const ref = this.#value;
    db.valueRef(entry, ref);
    this.#bytes = ref.bytes;
    this.#start = ref.start;
    this.#end = ref.end;
    this.#plain = false;
    this.#length = lpLength(ref.bytes, ref.start, ref.end);
  }

  /** Elements of the list. */
  get length(): number {
    return this.#length;
  }

  /** Goes to the element at `index`, from the tail when negative; false when there is none. */
  seek(index: number): boolean {
    if (index < 0) index += this.#length;
    if (!(index >= 0 && index < this.#length)) return false;
    const quicklist = this.#quicklist;
    if (quicklist !== undefined) {
      quicklist.seek(index, this.#place);
      this.#enterNode(quicklist, this.#place.offset);
    } else {
      this.#pos = lpSeek(this.#bytes, this.#start, this.#end, index);
    }
    return true;
  }

  /** Goes to the next element; false at the last. */
  next(): boolean {
    if (!this.#plain) {
      const pos = lpNext(this.#bytes, this.#pos);
      if (!lpIsEnd(this.#bytes, pos)) {
        this.#pos = pos;
        return true;
      }
    }
    const quicklist = this.#quicklist;
    if (quicklist === undefined || !quicklist.nextNode(this.#place)) return false;
    this.#enterNode(quicklist, 0);
    return true;
  }

  /** Goes to the previous element; false at the first. */
  previous(): boolean {
    if (!this.#plain) {
      const pos = lpPrev(this.#bytes, this.#start, this.#pos);
      if (pos >= 0) {
        this.#pos = pos;
        return true;
      }
    }
    const quicklist = this.#quicklist;
    if (quicklist === undefined || !quicklist.previousNode(this.#place)) return false;
    this.#enterNode(quicklist, -1);
    return true;
  }

  /** Points `out` at the element's text; an integer's is valid until the fourth read after it. */
  read(out: BytesRef): void {
    if (this.#plain) out.set(this.#bytes, this.#start, this.#end);
    else lpRead(this.#bytes, this.#pos, out);
  }

  /** Whether the element has this text. */
  equals(bytes: Uint8Array, start: number, end: number): boolean {
    return elementEquals(this.#bytes, this.#pos, this.#plain, this.#end, bytes, start, end);
  }

  /** Whether the element is held as an integer. */
  get isInteger(): boolean {
    return !this.#plain && lpIsInteger(this.#bytes, this.#pos);
  }

  #enterNode(quicklist: Quicklist, offset: number): void {
    const node = quicklist.nodeAt(this.#place);
    const { region } = node;
    this.#bytes = region.bytes;
    this.#start = 0;
    this.#end = region.end;
    this.#plain = node.plain;
    this.#pos = node.plain ? 0 : lpSeek(region.bytes, 0, region.end, offset);
  }
}

/** Collects elements for a new list: what fits one listpack stays one. */
export class ListBuilder {
  /** The listpack, once {@linkcode finish} has answered that there is no quicklist. */
  readonly listpack: ByteBuffer = new ByteBuffer();
  #fill: number;
  #quicklist: Quicklist | undefined = undefined;
  #count: number = 0;

  /** @param fill `list-max-listpack-size`. */
  constructor(fill: number) {
    this.#fill = fill;
    lpBegin(this.listpack);
  }

  /** Adds an element behind the others. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (isLargeElement(this.#fill, length)) {
      this.#flush();
      this.#own().appendNode(bytes, start, end, true, 1);
      return;
    }
    const size = this.listpack.length + 1 + length + ENTRY_OVERHEAD;
    if (this.#count > 0 && exceedsFill(this.#fill, size, this.#count + 1)) this.#flush();
    lpAppendTo(this.listpack, bytes, start, end);
    this.#count++;
  }

  /** The list when it is a large one; undefined: it is {@linkcode listpack}, empty perhaps. */
  finish(): Quicklist | undefined {
    const quicklist = this.#quicklist;
    if (quicklist !== undefined) this.#flush();
    else lpFinish(this.listpack, 0, this.#count);
    return quicklist;
  }

  /** Begins anew. */
  clear(fill: number): void {
    this.#fill = fill;
    this.#quicklist = undefined;
    this.#count = 0;
    this.listpack.shrink(KEPT_BYTES);
    lpBegin(this.listpack);
  }

  #own(): Quicklist {
    return this.#quicklist ??= new Quicklist(this.#fill);
  }

  #flush(): void {
    if (this.#count === 0) return;
    const { listpack } = this;
    lpFinish(listpack, 0, this.#count);
    this.#own().appendNode(listpack.bytes, 0, listpack.length, false, this.#count);
    listpack.clear();
    lpBegin(listpack);
    this.#count = 0;
  }
}

/** Elements of a list. O(1). */
export function listLength(db: Records, entry: Entry): number {
  const quicklist = quicklistOf(db, entry);
  if (quicklist !== undefined) return quicklist.count;
  db.valueRef(entry, value);
  return lpLength(value.bytes, value.start, value.end);
}

/** Visits each element from the head on; the bytes are borrowed. `visit` must not write. */
export function listEach(
  db: Records,
  entry: Entry,
  visit: (bytes: Uint8Array, start: number, end: number) => void,
): void {
  // Taken while it is in use, so that a visit that walks another list gets one of its own.
  const cursor = idleCursor ?? new ListCursor();
  idleCursor = undefined;
  const ref = new BytesRef();
  cursor.open(db, entry);
  for (let more = cursor.seek(0); more; more = cursor.next()) {
    cursor.read(ref);
    visit(ref.bytes, ref.start, ref.end);
  }
  idleCursor = cursor;
}

/**
 * Whether a listpack of so many bytes and entries, come from elsewhere, is a list in its small form.
 *
 * @param fill `list-max-listpack-size`.
 */
export function listIsSmall(fill: number, bytes: number, count: number): boolean {
  return bytes <= fillBytes(fill) && count <= fillCount(fill);
}

/**
 * Adds elements, each of them before the first or after the last.
 *
 * @param entry Of the list; 0: it is made under the key.
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

/** Adds an element before or after the one at `index`, which is there; see {@linkcode listGrowFor}. */
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

/** Puts another element at `index`, which is there; see {@linkcode listGrowFor}. */
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
 * Takes `count` elements out from `index` on; both lie in the list.
 *
 * @returns Where the list is now, 0 when nothing was left: then its key is gone.
 */
export function listRemoveRange(db: Records, entry: Entry, index: number, count: number): Entry {
  return listShrunk(db, removeRange(db, entry, index, count));
}

/**
 * Takes out up to `limit` elements of this text, from the head on or from the tail.
 *
 * @returns How many there were. The list's key is gone when nothing is left.
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
 * Prepares a list for elements of so many bytes in all, which may yet not come: it becomes a quicklist
 * when they would be too much for one listpack.
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
 * @param source The list, which is not empty.
 * @param target The other list, 0 when there is none yet, `source` itself within one.
 * @param keyBytes Key of the other list.
 * @param out Is pointed at the element's text, valid until the next move.
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
  // Redis does not count what it holds as an integer.
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
 * After elements were taken out: an empty list goes with its key, a large one that has become small is a
 * listpack again.
 *
 * @returns Where it is now, 0 for nowhere.
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

/** The quicklist of a list, undefined while the list is one listpack in its record. */
export function quicklistOf(db: Records, entry: Entry): Quicklist | undefined {
  assert(db.typeOf(entry) === ValueType.LIST, "the value is a list");
  return db.objectOf(entry) as Quicklist | undefined;
}

function createList(db: Records, keyBytes: Uint8Array, start: number, end: number): Entry {
  const { LIST } = ValueType;
  const empty = LISTPACK_EMPTY;
  return db.createBlob(keyBytes, start, end, LIST, Encoding.LISTPACK, empty, empty.length);
}

function toQuicklist(db: Records, entry: Entry): Entry {
  const quicklist = new Quicklist(db.settings.limits.listMaxListpackSize);
  db.valueRef(entry, value);
  const count = lpLength(value.bytes, value.start, value.end);
  if (count > 0) quicklist.appendNode(value.bytes, value.start, value.end, false, count);
  return db.replaceObject(entry, Encoding.QUICKLIST, quicklist);
}

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

/** Takes elements out and leaves the list in the form it has, be it empty. */
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

function removeMatchingIn(
  region: RecordRegion,
  fromHead: boolean,
  limit: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let removed = 0;
  // Counted from the region's start: it may move.
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

function elementEquals(
  bytes: Uint8Array,
  pos: number,
  plain: boolean,
  plainEnd: number,
  other: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (plain) return equalBytes(bytes, 0, plainEnd, other, start, end);
  return lpEquals(bytes, pos, other, start, end);
}

function encodeOne(bytes: Uint8Array, start: number, end: number): void {
  encoded.shrink(KEPT_BYTES);
  lpAppendTo(encoded, bytes, start, end);
}

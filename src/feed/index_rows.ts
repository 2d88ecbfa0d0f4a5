/**
 * The rows of a collection: of each key its id and what it is sorted by, and indexes over them. No object and no text
 * for each: a row is a record in a slab, as the records of a database are.
 *
 * ```text
 *  id ──hash──▶ Dict ──entry──▶ record: header | id | ends | sort key of index 0 | sort key of index 1 | ...
 *                                  ▲
 *  ScoreIndex 0   lead, entry ─────┤     in order of (sort key 0, id); 20 bytes an element
 *  ScoreIndex 1   lead, entry ─────┘     in order of (sort key 1, id)
 * ```
 *
 * `ends` are where each sort key but the last one ends, u32 little-endian from the first sort key on. An empty sort
 * key says that the row is not in that index. The lead is a number made of the sort key's first bytes
 * (`index_key.ts`), with another one made of those that follow, so that a search seldom reads a record.
 *
 * Many rows at once are made first and put in order afterwards (`index_sort.ts`), in steps:
 *
 * ```text
 *  beginLoad ── set, remove ──▶ no index has a row ── settleStep ... true ──▶ every index has its rows
 *                                                     nothing may be written
 * ```
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { compareBytes, equalBytes } from "../base/ascii.ts";
import { type ByteBuffer, BytesRef } from "../base/byte_buffer.ts";
import { copyBytes } from "../base/copy.ts";
import { readInt32, writeInt32 } from "../base/int32.ts";
import { Dict } from "../store/memory/dict.ts";
import { evacuateAfterWrite } from "../store/memory/evacuate.ts";
import { type Entry, SEGMENT_SHIFT, ValueType } from "../store/memory/record.ts";
import { Slab } from "../store/memory/slab.ts";
import {
  freeRecord,
  keyRefOf,
  makeKeyedRecord,
  valueRefOf,
  valueStartOf,
} from "../store/memory/slab_record.ts";
import { ScoreIndex } from "../store/types/score_index.ts";
import { hasMissing, LEAD_BYTES, leadOf, nextOf } from "./index_key.ts";
import { RowSorter, type SortedRows } from "./index_sort.ts";

/** Units of the segment being emptied that each write moves at least, and at most (512 KB). */
const EVACUATE_UNITS = 64;
const MAX_EVACUATE_UNITS = 65536;
/** What one step puts in order: buckets of rows that are read, rows that are merged, leaves that find their place. */
const SETTLE_BUCKETS = 16;
const SETTLE_ROWS = 128;
const SETTLE_LEAVES = 64;

/** The secret seeds by which ids are hashed. */
export interface RowSeeds {
  /** The low half, a u32. */
  readonly seed0: number;
  /** The high half, a u32. */
  readonly seed1: number;
}

/** The sort keys of one row, one after the other. */
export interface SortKeys {
  /** The bytes of all of them. */
  readonly bytes: ByteBuffer;
  /** Where the key of each index ends; an index without the row has an empty one. */
  readonly ends: Int32Array;
}

/** Called with the bytes of an id, which are borrowed. */
export type RowVisitor = (bytes: Uint8Array, start: number, end: number) => void;

/** Is told that a row has come into an index, or has left it; the bytes of its sort key are borrowed. */
export type RowMoved = (index: number, bytes: Uint8Array, start: number, end: number) => void;

/** One index over the rows. */
interface RowIndex {
  readonly order: ScoreIndex;
  readonly unique: boolean;
  /** How many values more than one row has; counted for unique indexes. */
  duplicates: number;
}

/** How far the rows that were loaded have been put in order: those of one index after the other. */
interface Settling {
  index: number;
  sorter: RowSorter;
  /** Where the walk over the rows goes on. */
  cursor: number;
  /** All rows were read, and are taken from the highest to the lowest. */
  merging: boolean;
  /** The row that was taken last, 0 for none, and whether one before it has the same sort key. */
  last: Entry;
  repeated: boolean;
}

/** Rows by id, and in the order of each index. */
export class IndexRows implements SortedRows {
  readonly #slab: Slab = new Slab();
  readonly #dict: Dict;
  readonly #indexes: readonly RowIndex[];
  readonly #key: BytesRef = new BytesRef();
  readonly #id: BytesRef = new BytesRef();
  readonly #other: BytesRef = new BytesRef();
  /** Of each index whether a row that is changed has another sort key in it: 1 for yes. */
  readonly #changed: Uint8Array;
  readonly #moved: RowMoved;
  #size: number = 0;
  #loading: boolean = false;
  #settling: Settling | undefined = undefined;

  /**
   * Makes no rows yet.
   *
   * @param seeds Those of the keyspace.
   * @param unique One flag for each index: whether values that several rows have are counted.
   * @param moved Called for each index that a row comes into or leaves.
   */
  constructor(seeds: RowSeeds, unique: readonly boolean[], moved: RowMoved = () => {}) {
    this.#moved = moved;
    this.#changed = new Uint8Array(unique.length);
    this.#dict = new Dict(this.#slab, seeds.seed0, seeds.seed1);
    this.#indexes = unique.map((isUnique, i) => ({
      order: new ScoreIndex(
        this.#slab,
        {
          leadBytes: LEAD_BYTES,
          sortKey: (entry, out) => this.#sortKeyOf(entry, i, out),
          next: nextOf,
        },
      ),
      unique: isUnique,
      duplicates: 0,
    }));
  }

  /** How many rows there are. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the rows and of the table that finds them by id. */
  get rowBytes(): number {
    return this.#slab.reservedBytes + this.#dict.bytes;
  }

  /** Bytes of one index, beside those of the rows. */
  indexBytes(index: number): number {
    return this.#indexes[index].order.bytes;
  }

  /** How many rows are in an index. */
  indexSize(index: number): number {
    return this.#indexes[index].order.size;
  }

  /** How many values of a unique index more than one row has. */
  duplicates(index: number): number {
    return this.#indexes[index].duplicates;
  }

  /** From here on rows are in no index, until they are put in order: there must be none yet. */
  beginLoad(): void {
    assert(this.#size === 0, "a load begins without rows");
    this.#loading = true;
  }

  /** Whether rows are being put in order: until that is done none may be written. */
  get settling(): boolean {
    return this.#settling !== undefined;
  }

  /**
   * Puts some of the rows that were loaded in order, some hundred microseconds.
   *
   * @returns True when every index has its rows.
   */
  settleStep(): boolean {
    if (!this.#loading) return true;
    const settling = this.#settling ??= this.#beginSettling(0);
    if (!settling.merging) {
      this.#collect(settling);
      return false;
    }
    if (this.#merge(settling)) return false;
    const index = this.#indexes[settling.index];
    if (!index.order.settle(SETTLE_LEAVES)) return false;
    const next = settling.index + 1;
    this.#loading = next < this.#indexes.length;
    this.#settling = this.#loading ? this.#beginSettling(next) : undefined;
    return !this.#loading;
  }

  /** Whether there is a row of this id. */
  has(id: Uint8Array, start: number, end: number): boolean {
    return this.#dict.find(this.#dict.hashOf(id, start, end), id, start, end) !== 0;
  }

  /** Adds a row, or gives it other sort keys. Returns false when it was there with the same ones. */
  set(id: Uint8Array, start: number, end: number, keys: SortKeys): boolean {
    assert(this.#settling === undefined, "rows that are put in order stay as they are");
    const hash = this.#dict.hashOf(id, start, end);
    const old = this.#dict.find(hash, id, start, end);
    if (old !== 0) {
      if (this.#holds(old, keys)) return false;
      this.#change(old, id, start, end, keys);
      this.#payForCompaction();
      return true;
    }
    const entry = this.#make(id, start, end, keys);
    this.#dict.insert(hash, entry);
    this.#size++;
    for (let i = 0; i < this.#indexes.length; i++) this.#insert(i, entry);
    this.#payForCompaction();
    return true;
  }

  /** Removes a row; false when there was none. */
  remove(id: Uint8Array, start: number, end: number): boolean {
    assert(this.#settling === undefined, "rows that are put in order stay as they are");
    const hash = this.#dict.hashOf(id, start, end);
    const entry = this.#dict.find(hash, id, start, end);
    if (entry === 0) return false;
    this.#drop(hash, entry);
    this.#payForCompaction();
    return true;
  }

  /** How many rows of an index come before a sort key, or before what begins with it and goes on behind it. */
  countBelow(index: number, bytes: Uint8Array, start: number, end: number): number {
    const { order } = this.#indexes[index];
    return order.countBelowSortKey(leadOf(bytes, start, end), bytes, start, end);
  }

  /** Visits the ids of `count` rows of an index from `rank` on, up or down; `visit` must not write. */
  each(index: number, rank: number, count: number, reverse: boolean, visit: RowVisitor): void {
    const ref = new BytesRef();
    this.#indexes[index].order.each(rank, count, reverse, (_lead, entry) => {
      keyRefOf(this.#slab, entry, ref);
      visit(ref.bytes, ref.start, ref.end);
    });
  }

  /** One step of a walk over all rows, as `SCAN`: cursor 0 begins, and 0 says that it was the last step. */
  scan(cursor: number, visit: RowVisitor): number {
    const ref = new BytesRef();
    return this.#dict.scan(cursor, (entry) => {
      keyRefOf(this.#slab, entry, ref);
      visit(ref.bytes, ref.start, ref.end);
    });
  }

  /** Told by the compaction that a record is in another place. */
  relocate(from: Entry, to: Entry): void {
    this.#dict.relocate(from, to);
    for (let i = 0; i < this.#indexes.length; i++) this.#relocateIn(i, from, to);
  }

  sortKeyOf(entry: Entry, out: BytesRef): void {
    this.#sortKeyOf(entry, this.#settling!.index, out);
  }

  compare(a: Entry, b: Entry): number {
    const left = this.#key;
    const right = this.#other;
    this.sortKeyOf(a, left);
    this.sortKeyOf(b, right);
    const order = compareRefs(left, right);
    if (order !== 0) return order;
    keyRefOf(this.#slab, a, left);
    keyRefOf(this.#slab, b, right);
    return compareRefs(left, right);
  }

  #beginSettling(index: number): Settling {
    const sorter = new RowSorter(this, this.#id);
    return { index, sorter, cursor: 0, merging: false, last: 0, repeated: false };
  }

  /** Reads some rows for the index that is put in order. Nothing is written meanwhile: each is met once. */
  #collect(settling: Settling): void {
    const { index, sorter } = settling;
    for (let i = 0; i < SETTLE_BUCKETS; i++) {
      settling.cursor = this.#dict.scan(settling.cursor, (entry) => {
        if (this.#isIn(entry, index)) sorter.add(entry);
      });
      if (settling.cursor !== 0) continue;
      sorter.begin();
      settling.merging = true;
      return;
    }
  }

  /** Takes some rows and puts each before those that were taken before. False when there was none. */
  #merge(settling: Settling): boolean {
    const { sorter } = settling;
    const index = this.#indexes[settling.index];
    let { lead } = sorter;
    if (lead < 0) return false;
    for (let i = 0; i < SETTLE_ROWS && lead > 0; i++) {
      const entry = sorter.take();
      if (index.unique) this.#countRepeated(settling, entry);
      const added = index.order.prepend(lead, entry);
      assert(added, "rows are taken in order");
      lead = sorter.lead;
    }
    return true;
  }

  /** Counts the sort key of a row that was taken when it is that of the last one, once. */
  #countRepeated(settling: Settling, entry: Entry): void {
    const { last, index } = settling;
    settling.last = entry;
    const repeated = last !== 0 && this.#haveSameKey(last, entry, index);
    if (repeated && !settling.repeated && this.#isWhole(entry, index)) {
      this.#indexes[index].duplicates++;
    }
    settling.repeated = repeated;
  }

  #haveSameKey(a: Entry, b: Entry, index: number): boolean {
    const left = this.#key;
    const right = this.#other;
    this.#sortKeyOf(a, index, left);
    this.#sortKeyOf(b, index, right);
    return equalBytes(left.bytes, left.start, left.end, right.bytes, right.start, right.end);
  }

  /** Follows a row that is in another place, or was made anew, in one index that has it. */
  #relocateIn(i: number, from: Entry, to: Entry): void {
    if (this.#loading) return;
    const lead = this.#leadOf(to, i);
    if (lead > 0) this.#indexes[i].order.relocate(lead, from, to);
  }

  /** Gives a row other sort keys: only indexes whose key is another one lose it and get it back. */
  #change(old: Entry, id: Uint8Array, start: number, end: number, keys: SortKeys): void {
    const count = this.#indexes.length;
    const changed = this.#changed;
    for (let i = 0; i < count; i++) {
      changed[i] = this.#hasKey(old, i, keys) ? 0 : 1;
      if (changed[i] === 1) this.#take(i, old);
    }
    const key = this.#key;
    valueRefOf(this.#slab, old, key);
    let entry = old;
    if (key.end - key.start === this.#headBytes + keys.bytes.length) {
      this.#write(old, keys);
    } else {
      entry = this.#make(id, start, end, keys);
      this.#dict.relocate(old, entry);
      for (let i = 0; i < count; i++) if (changed[i] === 0) this.#relocateIn(i, old, entry);
      freeRecord(this.#slab, old);
    }
    for (let i = 0; i < count; i++) if (changed[i] === 1) this.#insert(i, entry);
  }

  /** Whether a row has the sort key of one index already. */
  #hasKey(entry: Entry, i: number, { bytes, ends }: SortKeys): boolean {
    const key = this.#key;
    this.#sortKeyOf(entry, i, key);
    return equalBytes(
      key.bytes,
      key.start,
      key.end,
      bytes.bytes,
      i === 0 ? 0 : ends[i - 1],
      ends[i],
    );
  }

  /** Takes a row out of one index, if it is in it. */
  #take(i: number, entry: Entry): void {
    if (this.#loading) return;
    const lead = this.#leadOf(entry, i);
    if (lead === 0) return;
    const index = this.#indexes[i];
    if (index.unique && this.#isWhole(entry, i)) {
      if (index.order.sharers(lead, entry, false) === 1) index.duplicates--;
    }
    index.order.remove(lead, entry);
    this.#tell(entry, i);
  }

  /** Takes a row out of every index and the table, and frees it. */
  #drop(hash: number, entry: Entry): void {
    for (let i = 0; i < this.#indexes.length; i++) this.#take(i, entry);
    this.#dict.remove(hash, entry);
    this.#size--;
    freeRecord(this.#slab, entry);
  }

  #tell(entry: Entry, i: number): void {
    const key = this.#key;
    this.#sortKeyOf(entry, i, key);
    this.#moved(i, key.bytes, key.start, key.end);
  }

  #insert(i: number, entry: Entry): void {
    if (this.#loading) return;
    const lead = this.#leadOf(entry, i);
    if (lead === 0) return;
    const index = this.#indexes[i];
    this.#tell(entry, i);
    index.order.insert(lead, entry);
    if (index.unique && this.#isWhole(entry, i)) {
      if (index.order.sharers(lead, entry, true) === 1) index.duplicates++;
    }
  }

  /** Whether no field of a row's sort key is missing: only then its value is one that may be had once. */
  #isWhole(entry: Entry, i: number): boolean {
    const key = this.#key;
    this.#sortKeyOf(entry, i, key);
    return !hasMissing(key.bytes, key.start, key.end);
  }

  #make(id: Uint8Array, start: number, end: number, keys: SortKeys): Entry {
    const length = this.#headBytes + keys.bytes.length;
    const kind = ValueType.STRING;
    const entry = makeKeyedRecord(this.#slab, kind, id, start, end, length, length, 0);
    this.#write(entry, keys);
    return entry;
  }

  /** Writes a row's sort keys into its record, which has the room. */
  #write(entry: Entry, keys: SortKeys): void {
    const head = this.#headBytes;
    const bytes = this.#slab.bytes[entry >>> SEGMENT_SHIFT];
    const at = valueStartOf(this.#slab, entry);
    for (let i = 0; i < this.#indexes.length - 1; i++) writeInt32(bytes, at + 4 * i, keys.ends[i]);
    copyBytes(bytes, at + head, keys.bytes.bytes, 0, keys.bytes.length);
  }

  /** Whether a row has these sort keys. */
  #holds(entry: Entry, keys: SortKeys): boolean {
    const key = this.#key;
    valueRefOf(this.#slab, entry, key);
    const head = this.#headBytes;
    const { bytes, length } = keys.bytes;
    if (!equalBytes(key.bytes, key.start + head, key.end, bytes, 0, length)) return false;
    for (let i = 0; i < this.#indexes.length - 1; i++) {
      if (readInt32(key.bytes, key.start + 4 * i) !== keys.ends[i]) return false;
    }
    return true;
  }

  /** Bytes of a row before its first sort key. */
  get #headBytes(): number {
    return 4 * (this.#indexes.length - 1);
  }

  #sortKeyOf(entry: Entry, index: number, out: BytesRef): void {
    valueRefOf(this.#slab, entry, out);
    const { bytes, start, end } = out;
    const first = start + this.#headBytes;
    const from = index === 0 ? first : first + readInt32(bytes, start + 4 * (index - 1));
    const to = index === this.#indexes.length - 1
      ? end
      : first + readInt32(bytes, start + 4 * index);
    assert(from <= to && to <= end, "a sort key lies in its row");
    out.set(bytes, from, to);
  }

  /** The lead of a row's sort key, 0 when the row is not in the index. */
  #leadOf(entry: Entry, index: number): number {
    const id = this.#id;
    this.#sortKeyOf(entry, index, id);
    return leadOf(id.bytes, id.start, id.end);
  }

  /** Whether a row is in an index: its sort key there is not empty. */
  #isIn(entry: Entry, index: number): boolean {
    const id = this.#id;
    this.#sortKeyOf(entry, index, id);
    return id.start < id.end;
  }

  #payForCompaction(): void {
    evacuateAfterWrite(this.#slab, this, EVACUATE_UNITS, MAX_EVACUATE_UNITS);
  }
}

function compareRefs(a: BytesRef, b: BytesRef): number {
  return compareBytes(a.bytes, a.start, a.end, b.bytes, b.start, b.end);
}

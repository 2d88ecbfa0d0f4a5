/**
 * Keys to values: records in a slab, found by a table, with the objects of values too large for a
 * record. A database of the keyspace is one (`keyspace/database.ts`); so are the fields of a large hash
 * and the members of a large set. It has no clock: an expiry is a number it keeps and counts, and
 * nothing here hides or deletes a key because of it.
 *
 * ```
 *   key ──hash──▶ Dict ──entry──▶ Slab: header | expiry? | key | value bytes
 *                                                            └ or an id ──▶ objects[id]
 * ```
 *
 * An {@linkcode Entry} is valid until the next write to the same records: a write may move any of them.
 * Bytes handed in may lie in the slab itself: they are read before anything of theirs is freed.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import { copyBytes } from "../../base/copy.ts";
import { keySlot } from "../../base/crc16.ts";
import { Dict } from "./dict.ts";
import { evacuateAfterWrite } from "./evacuate.ts";
import {
  blockUnitsAt,
  Encoding,
  type Entry,
  EXTENDED,
  HAS_EXPIRE,
  keyLengthAt,
  kindOf,
  MAX_SLACK,
  MIN_UNITS,
  NO_EXPIRY,
  OBJECT,
  prefixBytes,
  SEGMENT_SHIFT,
  SLACK_SHIFT,
  TYPE_MASK,
  UNIT_MASK,
  valueLengthAt,
  ValueType,
  writeHeader,
} from "./record.ts";
import type { StoreSettings } from "./settings.ts";
import { Slab } from "./slab.ts";
import { SlotCounts } from "./slot_counts.ts";
import {
  copyContent,
  floatIndex,
  freeRecord,
  keyRefOf,
  makeKeyedRecord,
  makeRecord,
  valueRefOf,
  valueStartOf,
} from "./slab_record.ts";
import { ObjectTable } from "./object_table.ts";
import { fragmentationOf, type StoredObject, type StoreMemory } from "./stored_object.ts";

/** Work on the slab's victim that each write pays for, in units: some 4 microseconds. */
const EVACUATE_UNITS = 256;
/** The most that one write pays, in units (2 MB): a large value must not stall its writer for long. */
const MAX_EVACUATE_UNITS = 262144;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** The key of a record being replaced: used within one call only. */
const key: BytesRef = new BytesRef();
/** The key whose slot is looked for: used within one call only, beside a borrowed `key`. */
const slotKey: BytesRef = new BytesRef();

/** Records by key, with a table, objects and a count of expiries. */
export class Records {
  /** Seeds of the table's hash, and the limits by which the values here are encoded. */
  readonly settings: StoreSettings;
  /**
   * Grows with every change of a record, also of one written in place: texts read before may be kept as
   * long as it is the same. What changes inside an object does not count.
   */
  changes: number = 0;
  #slab: Slab = new Slab();
  #dict: Dict;
  #expires: number = 0;
  #objects: ObjectTable = new ObjectTable();
  #slots: SlotCounts | undefined = undefined;

  /** Makes records without keys; `settings` are those of the keyspace, shared by all its tables. */
  constructor(settings: StoreSettings) {
    this.settings = settings;
    this.#slab.segmentUnits = settings.segmentUnits;
    this.#dict = new Dict(this.#slab, settings.seed0, settings.seed1);
  }

  /** How many keys there are, those included whose expiry has passed. */
  get size(): number {
    return this.#dict.size;
  }

  /** How many keys have an expiry. */
  get expiresCount(): number {
    return this.#expires;
  }

  /** How many keys `INFO keyspace` counts: {@linkcode Records.size} without those of slots that are elsewhere. */
  get presentSize(): number {
    return this.#dict.size - (this.#slots?.absentKeys ?? 0);
  }

  /** How many of them have an expiry. */
  get presentExpires(): number {
    return this.#expires - (this.#slots?.absentExpires ?? 0);
  }

  /** How many keys lie in each cluster slot; undefined unless {@linkcode Records.countSlots} was called. */
  get slots(): SlotCounts | undefined {
    return this.#slots;
  }

  /** How many keys readers may see: {@linkcode Records.size} without those of hidden slots. */
  get visibleSize(): number {
    return this.#slots === undefined ? this.#dict.size : this.#dict.size - this.#slots.hiddenKeys;
  }

  /**
   * Counts keys by cluster slot from now on. O(keys) once; must not be called while keys are loaded.
   *
   * @param states The state of each slot, by which hidden keys are counted.
   */
  countSlots(states: Uint8Array): void {
    if (this.#slots !== undefined) return this.#slots.restate(states);
    const slots = this.#slots = new SlotCounts(states);
    const count = (entry: Entry) => this.#countKey(slots, entry, 1);
    let cursor = 0;
    do cursor = this.#dict.scan(cursor, count); while (cursor !== 0);
  }

  /** Stops counting keys by slot. */
  ignoreSlots(): void {
    this.#slots = undefined;
  }

  /** The table from keys to entries: for loading, prefetching, and snapshots that follow a SCAN. */
  get table(): Dict {
    return this.#dict;
  }

  /** The memory that the records lie in: for what counts or compacts it. */
  get slab(): Slab {
    return this.#slab;
  }

  /** The entry of a key, 0 when there is none. */
  find(bytes: Uint8Array, start: number, end: number): Entry {
    const dict = this.#dict;
    return dict.find(dict.hashOf(bytes, start, end), bytes, start, end);
  }

  /** The type of an entry's value. */
  typeOf(entry: Entry): ValueType {
    const head = this.#slab.words[entry >>> SEGMENT_SHIFT][(entry & UNIT_MASK) << 1];
    return (head & TYPE_MASK) as ValueType;
  }

  /** The encoding of an entry's value, by which its bytes or its object are to be read. */
  encodingOf(entry: Entry): Encoding {
    const head = this.#slab.words[entry >>> SEGMENT_SHIFT][(entry & UNIT_MASK) << 1];
    return ((head >>> 4) & 15) as Encoding;
  }

  /** When the entry expires, absolute milliseconds; NO_EXPIRY for never. */
  expireAtMs(entry: Entry): number {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const head = this.#slab.words[slot][unit << 1];
    if ((head & HAS_EXPIRE) === 0) return NO_EXPIRY;
    return this.#slab.floats[slot][floatIndex(unit, head)];
  }

  /** Bytes of the entry's block, slack included; an object counts only with its id. */
  recordBytes(entry: Entry): number {
    return blockUnitsAt(this.#slab.words[entry >>> SEGMENT_SHIFT], (entry & UNIT_MASK) << 1) * 8;
  }

  /** Points `out` at the entry's key, in the slab. */
  keyRef(entry: Entry, out: BytesRef): void {
    keyRefOf(this.#slab, entry, out);
  }

  /** The cluster slot of the entry's key. */
  slotOf(entry: Entry): number {
    keyRefOf(this.#slab, entry, slotKey);
    return keySlot(slotKey.bytes, slotKey.start, slotKey.end);
  }

  /**
   * Points `out` at the entry's value bytes, in the slab. They may be written in place, within their
   * length, by whoever got the entry from {@linkcode Records.resizeBlob}.
   */
  valueRef(entry: Entry, out: BytesRef): void {
    valueRefOf(this.#slab, entry, out);
  }

  /** The object of an entry's value; undefined when the value is bytes in the record. */
  objectOf(entry: Entry): StoredObject | undefined {
    const words = this.#slab.words[entry >>> SEGMENT_SHIFT];
    const word = (entry & UNIT_MASK) << 1;
    return (words[word] & OBJECT) === 0 ? undefined : this.#objects.get(words[word + 1]);
  }

  /**
   * Sets a key to a value of bytes, whatever it held before. All values of one run of bytes come through
   * here; a record whose block fits well is written over.
   *
   * @param spare Bytes to leave room for if a record is made: for a value that is about to grow.
   * @returns The key's entry.
   */
  setBlob(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    bytes: Uint8Array,
    start: number,
    end: number,
    expireAtMs: number,
    spare: number = 0,
  ): Entry {
    assert(keyStart <= keyEnd && start <= end, "key and value are slices of their buffers");
    this.changes++;
    if (this.#slab.victim >= 0) this.#payForCompaction();
    const kind = kindOf(type, encoding) | expiryFlag(expireAtMs);
    const dict = this.#dict;
    const hash = dict.hashOf(keyBytes, keyStart, keyEnd);
    const old = dict.findOld(hash, keyBytes, keyStart, keyEnd);
    if (old !== 0 && this.#overwrite(old, kind, bytes, start, end, expireAtMs)) return old;
    const slab = this.#slab;
    const length = end - start;
    const room = length + spare;
    const entry = makeKeyedRecord(
      slab,
      kind,
      keyBytes,
      keyStart,
      keyEnd,
      length,
      room,
      expireAtMs,
    );
    copyBytes(slab.bytes[entry >>> SEGMENT_SHIFT], valueStartOf(slab, entry), bytes, start, end);
    this.#place(hash, old, entry);
    return entry;
  }

  /** Sets a key to bytes `[0, length)` of `bytes` without an expiry: for commands that make a key. */
  createBlob(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    bytes: Uint8Array,
    length: number,
    spare: number = 0,
  ): Entry {
    const at = NO_EXPIRY;
    return this.setBlob(keyBytes, keyStart, keyEnd, type, encoding, bytes, 0, length, at, spare);
  }

  /** Sets a key to an object, whatever it held before. */
  setObject(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    object: StoredObject,
    expireAtMs: number,
  ): Entry {
    this.changes++;
    this.#payForCompaction();
    const slab = this.#slab;
    const hash = this.#dict.hashOf(keyBytes, keyStart, keyEnd);
    const old = this.#dict.findOld(hash, keyBytes, keyStart, keyEnd);
    const kind = kindOf(type, encoding) | OBJECT | expiryFlag(expireAtMs);
    const entry = makeKeyedRecord(slab, kind, keyBytes, keyStart, keyEnd, 0, 0, expireAtMs);
    const id = this.#objects.add(object);
    slab.words[entry >>> SEGMENT_SHIFT][((entry & UNIT_MASK) << 1) + 1] = id;
    this.#place(hash, old, entry);
    return entry;
  }

  /** Sets a key to an object without an expiry: for commands that make a key. */
  createObject(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    type: ValueType,
    encoding: Encoding,
    object: StoredObject,
  ): Entry {
    return this.setObject(keyBytes, keyStart, keyEnd, type, encoding, object, NO_EXPIRY);
  }

  /** Gives an entry's key other value bytes; type and expiry stay. Returns where the entry is now. */
  replaceBlob(
    entry: Entry,
    encoding: Encoding,
    bytes: Uint8Array,
    start: number,
    end: number,
    spare: number = 0,
  ): Entry {
    const type = this.typeOf(entry);
    const at = this.expireAtMs(entry);
    this.keyRef(entry, key);
    const { bytes: keyBytes, start: from, end: to } = key;
    return this.setBlob(keyBytes, from, to, type, encoding, bytes, start, end, at, spare);
  }

  /** Gives an entry's key an object as its value; type and expiry stay. Returns where the entry is now. */
  replaceObject(entry: Entry, encoding: Encoding, object: StoredObject): Entry {
    const type = this.typeOf(entry);
    const at = this.expireAtMs(entry);
    this.keyRef(entry, key);
    return this.setObject(key.bytes, key.start, key.end, type, encoding, object, at);
  }

  /** Adds a key with an empty value, for tables that hold names alone; false when it was there. */
  addKey(bytes: Uint8Array, start: number, end: number): boolean {
    const before = this.size;
    this.createBlob(bytes, start, end, ValueType.STRING, Encoding.RAW, NO_BYTES, 0);
    return this.size !== before;
  }

  /**
   * Gives a value of bytes another length: bytes below both lengths stay as they are, new ones are
   * undefined. Growth is amortised; a value that shrank well below its block moves to a shorter one.
   *
   * @param spare Bytes to leave room for if it has to move to a longer block.
   * @returns Where the entry is now; its value may be written through {@linkcode Records.valueRef}.
   */
  resizeBlob(
    entry: Entry,
    encoding: Encoding,
    length: number,
    spare: number = length >>> 2,
  ): Entry {
    this.changes++;
    const words = this.#slab.words[entry >>> SEGMENT_SHIFT];
    const word = (entry & UNIT_MASK) << 1;
    const head = words[word];
    assert((head & OBJECT) === 0, "the value is held in its record");
    const kind = kindOf((head & TYPE_MASK) as ValueType, encoding) | (head & HAS_EXPIRE);
    const before = prefixBytes(head) + keyLengthAt(words, word);
    const units = Math.max((before + length + 7) >>> 3, MIN_UNITS);
    const slack = blockUnitsAt(words, word) - units;
    const fits = slack >= 0 && ((head & EXTENDED) !== 0 || slack <= MAX_SLACK);
    if (!fits || slack > 4 + units) {
      const room = length > valueLengthAt(words, word) ? length + spare : length;
      return this.#move(entry, kind, length, room, this.expireAtMs(entry));
    }
    writeHeader(words, word, kind, length, slack);
    return entry;
  }

  /** Gives an entry an expiry, or with NO_EXPIRY takes it away. Returns where the entry is now. */
  setExpire(entry: Entry, expireAtMs: number): Entry {
    this.changes++;
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[slot];
    const head = words[unit << 1];
    const had = (head & HAS_EXPIRE) !== 0;
    if (had === (expireAtMs !== NO_EXPIRY)) {
      if (had) this.#slab.floats[slot][floatIndex(unit, head)] = expireAtMs;
      return entry;
    }
    if (this.#slots !== undefined) this.#slots.add(this.slotOf(entry), 0, had ? -1 : 1);
    let moved = entry;
    if (!this.#shiftInPlace(entry, head, expireAtMs)) {
      const length = valueLengthAt(words, unit << 1);
      const kind = (head & (0xff | OBJECT)) | expiryFlag(expireAtMs);
      moved = this.#move(entry, kind, length, length, expireAtMs);
    }
    this.#expires += had ? -1 : 1;
    assert(this.#expires >= 0 && this.#expires <= this.size, "no more keys expire than there are");
    return moved;
  }

  /** Deletes a key; false when there was none. */
  remove(bytes: Uint8Array, start: number, end: number): boolean {
    this.changes++;
    this.#payForCompaction();
    const dict = this.#dict;
    const hash = dict.hashOf(bytes, start, end);
    const entry = dict.find(hash, bytes, start, end);
    if (entry === 0) return false;
    dict.remove(hash, entry);
    if (this.#slots !== undefined) this.#countKey(this.#slots, entry, -1);
    this.#discard(entry);
    return true;
  }

  /** Deletes the key of an entry. */
  removeEntry(entry: Entry): void {
    this.changes++;
    this.#dict.remove(this.#dict.hashOfEntry(entry), entry);
    if (this.#slots !== undefined) this.#countKey(this.#slots, entry, -1);
    this.#discard(entry);
    this.#payForCompaction();
  }

  /**
   * One step of a SCAN: calls back with each entry the cursor stands for. Every key present from the
   * first step to the last is visited, some perhaps twice, whatever is written between two steps.
   *
   * @param cursor 0 to begin, then what the last step returned: a u32.
   * @param visit Must not write to these records.
   * @returns The next cursor, 0 at the end.
   */
  scan(cursor: number, visit: (entry: Entry) => void): number {
    return this.#dict.scan(cursor, visit);
  }

  /** Draws an entry, each about as likely as any other; 0 when there is none. */
  randomEntry(random: () => number): Entry {
    return this.#dict.random(random);
  }

  /** Prepares the table for `keys` keys: a hint, bounded, and ignored once there are keys. */
  expand(keys: number): void {
    this.#dict.expand(keys);
  }

  /** Forgets every key at once, in constant time: the runtime collects the memory. */
  clear(): void {
    this.changes++;
    this.#slab = new Slab();
    this.#slab.segmentUnits = this.settings.segmentUnits;
    this.#dict = new Dict(this.#slab, this.settings.seed0, this.settings.seed1);
    this.#expires = 0;
    this.#objects = new ObjectTable();
    this.#slots?.clear();
  }

  /** Exchanges the contents with those of `other`, in constant time; entries go with them. */
  exchange(other: Records): void {
    this.changes++;
    other.changes++;
    [this.#slab, other.#slab] = [other.#slab, this.#slab];
    [this.#dict, other.#dict] = [other.#dict, this.#dict];
    [this.#expires, other.#expires] = [other.#expires, this.#expires];
    [this.#objects, other.#objects] = [other.#objects, this.#objects];
    [this.#slots, other.#slots] = [other.#slots, this.#slots];
  }

  /** Calls back with each object beside the slab, in no order. */
  eachObject(visit: (object: StoredObject) => void): void {
    this.#objects.each(visit);
  }

  /** Counts the bytes held. O(large values that were looked at since they were counted last). */
  memory(): StoreMemory {
    const slab = this.#slab;
    const objects = this.#objects.countBytes();
    const used = slab.usedBytes;
    const wasted = slab.wastedBytes;
    const fragmentation = fragmentationOf(used, wasted);
    const table = this.#dict.bytes;
    return { used, reserved: slab.reservedBytes, wasted, table, objects, fragmentation };
  }

  /** Bytes of slab and table: what records without objects hold, in constant time. */
  get memoryBytes(): number {
    return this.#slab.reservedBytes + this.#dict.bytes;
  }

  /** Bytes held in all, as `memory` counts them, without an object for the answer. */
  get heldBytes(): number {
    return this.memoryBytes + this.#objects.countBytes();
  }

  /** Lets slabs that grow from now on do so by segments of at most `units`. */
  limitSegments(units: number): void {
    this.#slab.segmentUnits = units;
  }

  /** Writes a value into the record that its key has, if it fits and leaves little of the block unused. */
  #overwrite(
    entry: Entry,
    kind: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    expireAtMs: number,
  ): boolean {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[slot];
    const word = unit << 1;
    const head = words[word];
    // A record changes its prefix and what it holds only by being made anew.
    if ((head & (HAS_EXPIRE | OBJECT)) !== (kind & HAS_EXPIRE)) return false;
    const length = end - start;
    const bytesBefore = prefixBytes(head) + keyLengthAt(words, word);
    const units = Math.max((bytesBefore + length + 7) >>> 3, MIN_UNITS);
    const slack = blockUnitsAt(words, word) - units;
    if (slack < 0 || slack > MAX_SLACK || slack > 4 + (units >>> 3)) return false;
    writeHeader(words, word, kind, length, slack);
    if ((head & HAS_EXPIRE) !== 0) this.#slab.floats[slot][floatIndex(unit, head)] = expireAtMs;
    copyBytes(this.#slab.bytes[slot], (unit << 3) + bytesBefore, bytes, start, end);
    return true;
  }

  /** Lets the key that was just looked for lead to `entry`, and frees `old`, the record it led to. */
  #place(hash: number, old: Entry, entry: Entry): void {
    const head = this.#slab.words[entry >>> SEGMENT_SHIFT][(entry & UNIT_MASK) << 1];
    if ((head & HAS_EXPIRE) !== 0) this.#expires++;
    if (this.#slots !== undefined) this.#countPlaced(this.#slots, old, entry);
    if (old === 0) {
      this.#dict.insert(hash, entry);
    } else {
      this.#dict.replace(entry);
      this.#discard(old);
    }
  }

  /** Counts a key that was made, or whose record `old` is replaced by one with or without an expiry. */
  #countPlaced(slots: SlotCounts, old: Entry, entry: Entry): void {
    if (old === 0) return this.#countKey(slots, entry, 1);
    const expires = this.#expiresOf(entry) - this.#expiresOf(old);
    if (expires !== 0) slots.add(this.slotOf(entry), 0, expires);
  }

  /** Counts a key that was made (`sign` 1) or is gone (-1), whose record is still there. */
  #countKey(slots: SlotCounts, entry: Entry, sign: number): void {
    slots.add(this.slotOf(entry), sign, sign * this.#expiresOf(entry));
  }

  /** 1 for an entry with an expiry, else 0. */
  #expiresOf(entry: Entry): number {
    return this.expireAtMs(entry) === NO_EXPIRY ? 0 : 1;
  }

  /** Frees a record that no key leads to any more, and its object. */
  #discard(entry: Entry): void {
    const words = this.#slab.words[entry >>> SEGMENT_SHIFT];
    const word = (entry & UNIT_MASK) << 1;
    const head = words[word];
    if ((head & HAS_EXPIRE) !== 0) this.#expires--;
    assert(this.#expires >= 0, "no more expiries go than were counted");
    if ((head & OBJECT) !== 0) this.#objects.remove(words[word + 1]);
    freeRecord(this.#slab, entry);
  }

  /** Moves a record to a new block, for another value length, or to add or drop the expiry. */
  #move(entry: Entry, kind: number, length: number, room: number, expireAtMs: number): Entry {
    const slab = this.#slab;
    const words = slab.words[entry >>> SEGMENT_SHIFT];
    const word = (entry & UNIT_MASK) << 1;
    const id = words[word + 1];
    const keyLength = keyLengthAt(words, word);
    const kept = Math.min(valueLengthAt(words, word), length);
    const moved = makeRecord(slab, kind, keyLength, length, room, expireAtMs);
    if ((kind & OBJECT) !== 0) {
      slab.words[moved >>> SEGMENT_SHIFT][((moved & UNIT_MASK) << 1) + 1] = id;
    }
    assert(kept <= length && length <= room, "what is kept of the value fits its new block");
    copyContent(slab, entry, moved, keyLength + kept);
    this.#dict.relocate(entry, moved);
    freeRecord(slab, entry);
    return moved;
  }

  /** Adds or takes away the expiry's 8 bytes within the block, if the slack allows it. */
  #shiftInPlace(entry: Entry, head: number, expireAtMs: number): boolean {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[slot];
    const word = unit << 1;
    const added = expireAtMs !== NO_EXPIRY;
    const contentBytes = prefixBytes(head) + keyLengthAt(words, word) + valueLengthAt(words, word);
    const newUnits = Math.max((contentBytes + (added ? 8 : -8) + 7) >>> 3, MIN_UNITS);
    const slack = blockUnitsAt(words, word) - newUnits;
    if (slack < 0 || ((head & EXTENDED) === 0 && slack > MAX_SLACK)) return false;
    const start = (unit << 3) + prefixBytes(head);
    const end = (unit << 3) + contentBytes;
    this.#slab.bytes[slot].copyWithin(added ? start + 8 : start - 8, start, end);
    const flags = (head & ~(HAS_EXPIRE | (MAX_SLACK << SLACK_SHIFT))) | (added ? HAS_EXPIRE : 0);
    words[word] = flags | ((head & EXTENDED) === 0 ? slack << SLACK_SHIFT : 0);
    if (added) this.#slab.floats[slot][floatIndex(unit, head)] = expireAtMs;
    return true;
  }

  #payForCompaction(): void {
    evacuateAfterWrite(this.#slab, this.#dict, EVACUATE_UNITS, MAX_EVACUATE_UNITS);
  }
}

/** The flag of a record that has an expiry. */
function expiryFlag(expireAtMs: number): number {
  return expireAtMs === NO_EXPIRY ? 0 : HAS_EXPIRE;
}

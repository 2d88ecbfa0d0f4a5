/**
 * One database: keys to values with their expiries, in a slab under a table. It has no clock: an
 * expiry is a number it keeps, and nothing here hides or deletes a key because of it.
 *
 * An {@linkcode Entry} is valid until the next write to the same database. Bytes handed in may lie in
 * the database's own memory: they are read before anything of theirs is freed.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { BytesRef } from "../../base/byte_buffer.ts";
import { Dict, type HashFunction } from "../memory/dict.ts";
import { evacuate } from "../memory/evacuate.ts";
import {
  decodeBigInt64,
  decodeInteger64,
  encodeInteger64,
  formatInteger64,
  integer64Length,
  integer64Result,
  MAX_INTEGER_TEXT,
  parseInteger64,
} from "../packed/integer.ts";
import { copyBytes } from "../../base/copy.ts";
import {
  blockUnitsAt,
  Encoding,
  type Entry,
  EXTENDED,
  HAS_EXPIRE,
  KEY_LENGTH_SHIFT,
  keyLengthAt,
  MAX_PLAIN_UNITS,
  MAX_SHORT_KEY,
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
} from "../memory/record.ts";
import { Slab } from "../memory/slab.ts";
import type { StoredObject, StoreMemory } from "../memory/stored_object.ts";
import type { StoreSettings } from "../memory/settings.ts";
import { INT_STRING, kindOf, RAW_STRING, reserveFor, stringKind } from "../types/string.ts";

/** Work on the slab's victim that each write pays for, in units: some 4 microseconds. */
const EVACUATE_UNITS = 256;
/** The most that one write pays, in units (2 MB): a large value must not stall its writer for long. */
const MAX_EVACUATE_UNITS = 262144;
/** `compact` leaves segments alone of which this share is live. */
const COMPACT_SHARE = 0.9;
const NO_TEXT: Uint8Array = new Uint8Array(0);

/** See the module's text. Made by a `Keyspace`. */
export class Database {
  /** Seeds and limits, for the values made in it. */
  readonly settings: StoreSettings;
  /** Grows with every write to the database itself, not with what is done inside a large value. */
  changes: number = 0;
  #slab: Slab = new Slab();
  #dict: Dict;
  readonly #hash: HashFunction | undefined;
  #expires: number = 0;
  #objects: (StoredObject | undefined)[] = [];
  #freeObjects: number[] = [];
  #text: Uint8Array = NO_TEXT;

  /** @param settings Of its keyspace. @param hash For tests: a worse hash. */
  constructor(settings: StoreSettings, hash?: HashFunction) {
    this.settings = settings;
    this.#hash = hash;
    this.#dict = new Dict(this.#slab, settings.seed0, settings.seed1, hash);
  }

  /** How many keys there are, logically expired ones included. */
  get size(): number {
    return this.#dict.size;
  }

  /** How many of them have an expiry. */
  get expiresCount(): number {
    return this.#expires;
  }

  /** The table itself: for a snapshot that must know what SCAN has passed, or is loaded. */
  get table(): Dict {
    return this.#dict;
  }

  /** The entry of a key, 0 when there is none. */
  find(bytes: Uint8Array, start: number, end: number): Entry {
    const dict = this.#dict;
    return dict.find(dict.hashOf(bytes, start, end), bytes, start, end);
  }

  /** What the entry's value is. */
  typeOf(entry: Entry): ValueType {
    const head = this.#slab.words[entry >>> SEGMENT_SHIFT][(entry & UNIT_MASK) << 1];
    return (head & TYPE_MASK) as ValueType;
  }

  /** How the entry's value is held. */
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
    return this.#slab.floats[slot][expiryUnit(unit, head)];
  }

  /** Bytes of the entry's record, its slack included; of an object only its place in the record. */
  recordBytes(entry: Entry): number {
    return blockUnitsAt(this.#slab.words[entry >>> SEGMENT_SHIFT], (entry & UNIT_MASK) << 1) * 8;
  }

  /** Points `out` at the entry's key. */
  keyRef(entry: Entry, out: BytesRef): void {
    const segment = this.#slab.bytes[entry >>> SEGMENT_SHIFT];
    out.set(segment, this.#keyStart(entry), this.#valueStart(entry));
  }

  /** Points `out` at the entry's value as it is held; writable for what `growString` returned. */
  valueRef(entry: Entry, out: BytesRef): void {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[slot];
    const word = unit << 1;
    const start = (unit << 3) + prefixBytes(words[word]) + keyLengthAt(words, word);
    out.set(this.#slab.bytes[slot], start, start + valueLengthAt(words, word));
  }

  /** Points `out` at a string's text; an integer's is valid until the next call. */
  readString(entry: Entry, out: BytesRef): void {
    const words = this.#slab.words[entry >>> SEGMENT_SHIFT];
    const bytes = this.#slab.bytes[entry >>> SEGMENT_SHIFT];
    const word = (entry & UNIT_MASK) << 1;
    const start = this.#valueStart(entry);
    const isText = ((words[word] >>> 4) & 15) !== Encoding.INT;
    if (isText) out.set(bytes, start, start + words[word + 1]);
    else out.set(this.#integerText(), 0, formatInteger64(bytes, start, this.#text, 0));
  }

  /** Length in bytes of a string's text. */
  stringLength(entry: Entry): number {
    const slot = entry >>> SEGMENT_SHIFT;
    const word = (entry & UNIT_MASK) << 1;
    const words = this.#slab.words[slot];
    if (((words[word] >>> 4) & 15) !== Encoding.INT) return valueLengthAt(words, word);
    return integer64Length(this.#slab.bytes[slot], this.#valueStart(entry));
  }

  /** The value of a string held as an integer; NaN when it lies beyond +-2^53. */
  integerNumber(entry: Entry): number {
    assert(this.encodingOf(entry) === Encoding.INT, "the string is held as an integer");
    return decodeInteger64(this.#slab.bytes[entry >>> SEGMENT_SHIFT], this.#valueStart(entry));
  }

  /** The value of a string held as an integer. */
  integerBig(entry: Entry): bigint {
    assert(this.encodingOf(entry) === Encoding.INT, "the string is held as an integer");
    return decodeBigInt64(this.#slab.bytes[entry >>> SEGMENT_SHIFT], this.#valueStart(entry));
  }

  /** The object of an entry made by `setObject`; undefined for a value held in its record. */
  objectOf(entry: Entry): StoredObject | undefined {
    const words = this.#slab.words[entry >>> SEGMENT_SHIFT];
    const word = (entry & UNIT_MASK) << 1;
    return (words[word] & OBJECT) === 0 ? undefined : this.#objects[words[word + 1]];
  }

  /** Sets a key to a string, in the encoding Redis would choose, in place of all it had. */
  setString(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    expireAtMs: number,
  ): Entry {
    const length = end - start;
    if (length <= MAX_INTEGER_TEXT && parseInteger64(bytes, start, end)) {
      return this.#put(keyBytes, keyStart, keyEnd, INT_STRING, integer64Result, 0, 8, expireAtMs);
    }
    const kind = stringKind(length);
    return this.#put(keyBytes, keyStart, keyEnd, kind, bytes, start, end, expireAtMs);
  }

  /** Sets a key to a string held as an integer; `value` is any int64. */
  setInteger(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: number | bigint,
    expireAtMs: number,
  ): Entry {
    encodeInteger64(value);
    return this.#put(keyBytes, keyStart, keyEnd, INT_STRING, integer64Result, 0, 8, expireAtMs);
  }

  /** Changes the value of a string held as an integer; the entry stays. */
  storeInteger(entry: Entry, value: number | bigint): void {
    this.changes++;
    assert(this.encodingOf(entry) === Encoding.INT, "the string is held as an integer");
    encodeInteger64(value);
    const bytes = this.#slab.bytes[entry >>> SEGMENT_SHIFT];
    copyBytes(bytes, this.#valueStart(entry), integer64Result, 0, 8);
  }

  /**
   * Sets a key to a value held as one run of bytes, whatever its type.
   *
   * @param spare Bytes to leave room for where a record is made: for a value that is about to grow.
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
    const kind = kindOf(type, encoding);
    return this.#put(keyBytes, keyStart, keyEnd, kind, bytes, start, end, expireAtMs, spare);
  }

  /** Sets a key to an object. */
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
    const hash = this.#dict.hashOf(keyBytes, keyStart, keyEnd);
    const old = this.#dict.findOld(hash, keyBytes, keyStart, keyEnd);
    const kind = kindOf(type, encoding) | OBJECT;
    const entry = this.#create(kind, keyBytes, keyStart, keyEnd, 0, 0, expireAtMs);
    const id = this.#freeObjects.pop() ?? this.#objects.length;
    this.#objects[id] = object;
    this.#slab.words[entry >>> SEGMENT_SHIFT][((entry & UNIT_MASK) << 1) + 1] = id;
    this.#place(hash, old, entry);
    return entry;
  }

  /**
   * Makes a key's string at least `minLength` bytes long and RAW, so that its value may be written in
   * place: missing bytes are zero, a missing key is made, the expiry is kept. Growth is amortised.
   */
  growString(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    minLength: number,
  ): Entry {
    this.changes++;
    this.#payForCompaction();
    const dict = this.#dict;
    const hash = dict.hashOf(keyBytes, keyStart, keyEnd);
    const old = dict.find(hash, keyBytes, keyStart, keyEnd);
    if (old !== 0) return this.#grow(hash, old, minLength);
    const length = minLength;
    const entry = this.#create(RAW_STRING, keyBytes, keyStart, keyEnd, length, length, NO_EXPIRY);
    const start = this.#valueStart(entry);
    this.#slab.bytes[entry >>> SEGMENT_SHIFT].fill(0, start, start + length);
    dict.insert(hash, entry);
    return entry;
  }

  /**
   * Gives a value held in its record another length: bytes below both lengths stay as they are, new ones
   * are undefined. Growth is amortised; a value that shrank well below its block moves to a shorter one.
   *
   * @param spare Bytes to leave room for when it has to move to a longer block.
   * @returns Where the entry is now: its value may be written in place through `valueRef`.
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
    const kind = kindOf((head & TYPE_MASK) as ValueType, encoding);
    const before = prefixBytes(head) + keyLengthAt(words, word);
    const units = Math.max((before + length + 7) >>> 3, MIN_UNITS);
    const slack = blockUnitsAt(words, word) - units;
    const fits = slack >= 0 && ((head & EXTENDED) !== 0 || slack <= MAX_SLACK);
    if (!fits || slack > 4 + units) return this.#moveBlob(entry, kind, length, spare);
    words[word + 1] = length;
    words[word] = (head & ~(0xff | (MAX_SLACK << SLACK_SHIFT))) | kind;
    if ((head & EXTENDED) === 0) words[word] |= slack << SLACK_SHIFT;
    return entry;
  }

  /** Gives an entry an expiry, or with NO_EXPIRY takes it away. Returns where the entry is now. */
  setExpire(entry: Entry, expireAtMs: number): Entry {
    this.changes++;
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const head = this.#slab.words[slot][unit << 1];
    const had = (head & HAS_EXPIRE) !== 0;
    if (had === (expireAtMs !== NO_EXPIRY)) {
      if (had) this.#slab.floats[slot][expiryUnit(unit, head)] = expireAtMs;
      return entry;
    }
    this.#expires += had ? -1 : 1;
    if (this.#shiftInPlace(entry, head, expireAtMs)) return entry;
    return this.#moveForExpiry(entry, expireAtMs);
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
    this.#discard(entry);
    return true;
  }

  /** Deletes an entry's key. */
  removeEntry(entry: Entry): void {
    this.changes++;
    this.#dict.remove(this.#dict.hashOfEntry(entry), entry);
    this.#discard(entry);
    this.#payForCompaction();
  }

  /** Moves an entry's value and expiry under another key, in place of all that key had. */
  rename(entry: Entry, keyBytes: Uint8Array, keyStart: number, keyEnd: number): Entry {
    this.changes++;
    const slab = this.#slab;
    const dict = this.#dict;
    const hash = dict.hashOf(keyBytes, keyStart, keyEnd);
    const old = dict.find(hash, keyBytes, keyStart, keyEnd);
    if (old === entry) return entry;
    const sourceSlot = entry >>> SEGMENT_SHIFT;
    const sourceWord = (entry & UNIT_MASK) << 1;
    const word1 = slab.words[sourceSlot][sourceWord + 1];
    const kind = slab.words[sourceSlot][sourceWord] & (0xff | OBJECT);
    const length = valueLengthAt(slab.words[sourceSlot], sourceWord);
    const expireAtMs = this.expireAtMs(entry);
    const target = this.#create(kind, keyBytes, keyStart, keyEnd, length, length, expireAtMs);
    const slot = target >>> SEGMENT_SHIFT;
    slab.words[slot][((target & UNIT_MASK) << 1) + 1] = word1;
    const start = this.#valueStart(entry);
    copyBytes(
      slab.bytes[slot],
      this.#valueStart(target),
      slab.bytes[sourceSlot],
      start,
      start + length,
    );
    this.#place(hash, old, target);
    dict.remove(dict.hashOfEntry(entry), entry);
    if (expireAtMs !== NO_EXPIRY) this.#expires--;
    this.#freeBlock(entry);
    return target;
  }

  /** Copies an entry's value under a key of a database, this one or another. */
  copyTo(
    entry: Entry,
    target: Database,
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    expireAtMs: number,
  ): Entry {
    const object = this.objectOf(entry);
    const type = this.typeOf(entry);
    const encoding = this.encodingOf(entry);
    if (object !== undefined) {
      const copy = object.copy();
      return target.setObject(keyBytes, keyStart, keyEnd, type, encoding, copy, expireAtMs);
    }
    const slot = entry >>> SEGMENT_SHIFT;
    const start = this.#valueStart(entry);
    const end = start + valueLengthAt(this.#slab.words[slot], (entry & UNIT_MASK) << 1);
    const bytes = this.#slab.bytes[slot];
    const kind = kindOf(type, encoding);
    return target.#put(keyBytes, keyStart, keyEnd, kind, bytes, start, end, expireAtMs);
  }

  /**
   * One step of a SCAN: calls back with each entry the cursor stands for. Every key present from the
   * first step to the last is visited, some perhaps twice, whatever is written in between.
   *
   * @param cursor 0 to begin, then what the last step returned: a u32.
   * @param visit Must not write to this database.
   * @returns The next cursor, 0 at the end.
   */
  scan(cursor: number, visit: (entry: Entry) => void): number {
    return this.#dict.scan(cursor, visit);
  }

  /** Some entry, each about as likely as any other; 0 when there is none. */
  randomEntry(random: () => number): Entry {
    return this.#dict.random(random);
  }

  /** Forgets everything at once, whatever there is. */
  clear(): void {
    this.changes++;
    this.#slab = new Slab();
    const { seed0, seed1 } = this.settings;
    this.#dict = new Dict(this.#slab, seed0, seed1, this.#hash);
    this.#expires = 0;
    this.#objects = [];
    this.#freeObjects = [];
  }

  /** Prepares for `keys` keys: a hint, bounded, and nothing once there are keys. */
  expand(keys: number): void {
    this.#dict.expand(keys);
  }

  /**
   * Moves records together so that memory can be given back. A write.
   *
   * @param budgetBytes About how much to move before returning.
   * @returns Bytes of work done; 0 when there is nothing worth moving.
   */
  compact(budgetBytes: number): number {
    let spent = 0;
    const budget = Math.max(budgetBytes >>> 3, 1);
    while (spent < budget) {
      if (this.#slab.wastedBytes * 8 < this.#slab.usedBytes && this.#slab.victim < 0) break;
      if (!this.#slab.chooseVictim(COMPACT_SHARE)) break;
      spent += Math.max(evacuate(this.#slab, this.#dict, budget - spent), 1);
    }
    this.#slab.debtUnits = 0;
    return spent * 8;
  }

  /** What it holds. */
  memory(): StoreMemory {
    const slab = this.#slab;
    let objects = 0;
    for (const object of this.#objects) objects += object?.memoryBytes ?? 0;
    const used = slab.usedBytes;
    const wasted = slab.wastedBytes;
    const fragmentation = used === 0 ? 1 : (used + wasted) / used;
    const table = this.#dict.bytes;
    return { used, reserved: slab.reservedBytes, wasted, table, objects, fragmentation };
  }

  /** Exchanges the contents of two databases; each remains the database of its own number. */
  exchange(other: Database): void {
    this.changes++;
    other.changes++;
    [this.#slab, other.#slab] = [other.#slab, this.#slab];
    [this.#dict, other.#dict] = [other.#dict, this.#dict];
    [this.#expires, other.#expires] = [other.#expires, this.#expires];
    [this.#objects, other.#objects] = [other.#objects, this.#objects];
    [this.#freeObjects, other.#freeObjects] = [other.#freeObjects, this.#freeObjects];
  }

  /**
   * Walks everything and checks that what is counted is what is there. Takes time and memory: for tests
   * and for hunting a bug.
   *
   * @throws {AssertionError} When it is not.
   */
  audit(): void {
    const live = new Set<number>();
    let used = 0;
    this.#slab.walk((pointer, units, free) => {
      if (free) return;
      live.add(pointer);
      used += units;
    });
    assert(used * 8 === this.#slab.usedBytes, "used bytes are the live blocks' bytes");
    assert(live.size === this.#dict.size, "there is a key for every live block");
    let expires = 0;
    let objects = 0;
    this.#dict.audit((entry, hash) => {
      assert(live.has(entry), "an entry is a live block");
      assert(this.#dict.hashOfEntry(entry) === hash, "the table holds the key's hash");
      if (this.expireAtMs(entry) !== NO_EXPIRY) expires++;
      if (this.objectOf(entry) !== undefined) objects++;
    });
    assert(expires === this.#expires, "expiries are counted");
    assert(objects === this.#objects.length - this.#freeObjects.length, "no object is lost");
  }

  /** Finds or makes the record and fills it: the one way every value of one run of bytes goes. */
  #put(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    kind: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    expireAtMs: number,
    spare: number = 0,
  ): Entry {
    this.changes++;
    if (this.#slab.victim >= 0) this.#payForCompaction();
    const dict = this.#dict;
    const hash = dict.hashOf(keyBytes, keyStart, keyEnd);
    const old = dict.findOld(hash, keyBytes, keyStart, keyEnd);
    const length = end - start;
    if (old !== 0 && this.#overwrite(old, kind, bytes, start, end, expireAtMs)) return old;
    const room = length + spare;
    const entry = this.#create(kind, keyBytes, keyStart, keyEnd, length, room, expireAtMs);
    const target = this.#slab.bytes[entry >>> SEGMENT_SHIFT];
    copyBytes(target, this.#valueStart(entry), bytes, start, end);
    this.#place(hash, old, entry);
    return entry;
  }

  /** Writes a value into the record its key has, if it fits and does not leave much unused. */
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
    const hasExpire = (head & HAS_EXPIRE) !== 0;
    if (hasExpire !== (expireAtMs !== NO_EXPIRY) || (head & OBJECT) !== 0) return false;
    const length = end - start;
    const bytesBefore = prefixBytes(head) + keyLengthAt(words, word);
    const units = Math.max((bytesBefore + length + 7) >>> 3, MIN_UNITS);
    const slack = blockUnitsAt(words, word) - units;
    if (slack < 0 || slack > MAX_SLACK || slack > 4 + (units >>> 3)) return false;
    const flags = head & (HAS_EXPIRE | EXTENDED | (-1 << KEY_LENGTH_SHIFT));
    words[word] = kind | flags | ((head & EXTENDED) === 0 ? slack << SLACK_SHIFT : 0);
    words[word + 1] = length;
    if (hasExpire) this.#slab.floats[slot][expiryUnit(unit, head)] = expireAtMs;
    copyBytes(this.#slab.bytes[slot], (unit << 3) + bytesBefore, bytes, start, end);
    return true;
  }

  /** A new record with its key, its expiry and room for a value; counts nothing, and no key leads to it. */
  #create(
    kind: number,
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    length: number,
    reserve: number,
    expireAtMs: number,
  ): Entry {
    const entry = this.#reserve(kind, keyEnd - keyStart, length, reserve, expireAtMs);
    const at = this.#keyStart(entry);
    copyBytes(this.#slab.bytes[entry >>> SEGMENT_SHIFT], at, keyBytes, keyStart, keyEnd);
    return entry;
  }

  /** The same with room for the key, too. */
  #reserve(
    kind: number,
    keyLength: number,
    length: number,
    reserve: number,
    expireAtMs: number,
  ): Entry {
    const slab = this.#slab;
    const expires = expireAtMs !== NO_EXPIRY;
    let size = (expires ? 16 : 8) + keyLength + reserve;
    const content = Math.max((size - reserve + length + 7) >>> 3, MIN_UNITS);
    const plain = keyLength <= MAX_SHORT_KEY && size <= MAX_PLAIN_UNITS * 8;
    // A block may come out one unit longer than asked for, which must fit the slack as well.
    const extended = !plain || ((size + 7) >>> 3) - content >= MAX_SLACK;
    if (extended) size += 8;
    const entry = slab.allocate((size + 7) >>> 3);
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = slab.words[slot];
    const word = unit << 1;
    words[word + 1] = length;
    let head = kind;
    let at = (unit << 3) + 8;
    if (extended) {
      head |= EXTENDED;
      words[word + 2] = keyLength;
      words[word + 3] = slab.allocatedUnits;
      at += 8;
    } else {
      head |= (keyLength << KEY_LENGTH_SHIFT) | ((slab.allocatedUnits - content) << SLACK_SHIFT);
    }
    if (expires) {
      head |= HAS_EXPIRE;
      slab.floats[slot][at >>> 3] = expireAtMs;
    }
    words[word] = head;
    return entry;
  }

  /** Lets the key just looked for lead to `entry`, and frees what it led to. */
  #place(hash: number, old: Entry, entry: Entry): void {
    const head = this.#slab.words[entry >>> SEGMENT_SHIFT][(entry & UNIT_MASK) << 1];
    if ((head & HAS_EXPIRE) !== 0) this.#expires++;
    if (old === 0) {
      this.#dict.insert(hash, entry);
    } else {
      this.#dict.replace(entry);
      this.#discard(old);
    }
  }

  /** Frees a record no key leads to any more, and what it owned. */
  #discard(entry: Entry): void {
    const words = this.#slab.words[entry >>> SEGMENT_SHIFT];
    const word = (entry & UNIT_MASK) << 1;
    const head = words[word];
    if ((head & HAS_EXPIRE) !== 0) this.#expires--;
    if ((head & OBJECT) !== 0) {
      this.#objects[words[word + 1]] = undefined;
      this.#freeObjects.push(words[word + 1]);
    }
    this.#freeBlock(entry);
  }

  #freeBlock(entry: Entry): void {
    const words = this.#slab.words[entry >>> SEGMENT_SHIFT];
    this.#slab.free(entry, blockUnitsAt(words, (entry & UNIT_MASK) << 1));
  }

  /** Room for the text of an integer, which many databases never need. */
  #integerText(): Uint8Array {
    if (this.#text.length === 0) this.#text = new Uint8Array(MAX_INTEGER_TEXT);
    return this.#text;
  }

  #keyStart(entry: Entry): number {
    const unit = entry & UNIT_MASK;
    return (unit << 3) + prefixBytes(this.#slab.words[entry >>> SEGMENT_SHIFT][unit << 1]);
  }

  #valueStart(entry: Entry): number {
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[entry >>> SEGMENT_SHIFT];
    return (unit << 3) + prefixBytes(words[unit << 1]) + keyLengthAt(words, unit << 1);
  }

  /** `growString` for a key that exists. */
  #grow(hash: number, entry: Entry, minLength: number): Entry {
    assert(this.typeOf(entry) === ValueType.STRING, "only a string grows");
    const slot = entry >>> SEGMENT_SHIFT;
    const words = this.#slab.words[slot];
    const word = (entry & UNIT_MASK) << 1;
    const head = words[word];
    if (((head >>> 4) & 15) === Encoding.INT) return this.#growInteger(hash, entry, minLength);
    const length = words[word + 1];
    const wanted = Math.max(length, minLength);
    const start = this.#valueStart(entry);
    const block = blockUnitsAt(words, word);
    const units = (start + wanted - ((entry & UNIT_MASK) << 3) + 7) >>> 3;
    if (units > block) return this.#growElsewhere(entry, length, wanted);
    this.#slab.bytes[slot].fill(0, start + length, start + wanted);
    words[word + 1] = wanted;
    words[word] = (head & ~(0xff | (MAX_SLACK << SLACK_SHIFT))) | RAW_STRING;
    if ((head & EXTENDED) === 0) {
      words[word] |= (block - Math.max(units, MIN_UNITS)) << SLACK_SHIFT;
    }
    return entry;
  }

  #growElsewhere(entry: Entry, length: number, wanted: number): Entry {
    const words = this.#slab.words[entry >>> SEGMENT_SHIFT];
    const keyLength = keyLengthAt(words, (entry & UNIT_MASK) << 1);
    const expireAtMs = this.expireAtMs(entry);
    const grown = this.#reserve(RAW_STRING, keyLength, wanted, reserveFor(wanted), expireAtMs);
    this.#copyContent(entry, grown, keyLength + length);
    const start = this.#valueStart(grown);
    this.#slab.bytes[grown >>> SEGMENT_SHIFT].fill(0, start + length, start + wanted);
    this.#dict.replace(grown);
    this.#freeBlock(entry);
    return grown;
  }

  #growInteger(hash: number, entry: Entry, minLength: number): Entry {
    const source = this.#slab.bytes[entry >>> SEGMENT_SHIFT];
    const start = this.#valueStart(entry);
    const length = formatInteger64(source, start, this.#integerText(), 0);
    const wanted = Math.max(length, minLength);
    const keyLength = start - this.#keyStart(entry);
    const grown = this.#reserve(RAW_STRING, keyLength, wanted, wanted, this.expireAtMs(entry));
    this.#copyContent(entry, grown, keyLength);
    const target = this.#slab.bytes[grown >>> SEGMENT_SHIFT];
    const targetStart = this.#valueStart(grown);
    copyBytes(target, targetStart, this.#text, 0, length);
    target.fill(0, targetStart + length, targetStart + wanted);
    this.#place(hash, entry, grown);
    return grown;
  }

  /** The value in a block of another length, with some bytes to spare where it grew. */
  #moveBlob(entry: Entry, kind: number, length: number, spare: number): Entry {
    const slab = this.#slab;
    const words = slab.words[entry >>> SEGMENT_SHIFT];
    const word = (entry & UNIT_MASK) << 1;
    const keyLength = keyLengthAt(words, word);
    const old = valueLengthAt(words, word);
    const reserve = length > old ? length + spare : length;
    const moved = this.#reserve(kind, keyLength, length, reserve, this.expireAtMs(entry));
    this.#copyContent(entry, moved, keyLength + Math.min(old, length));
    this.#dict.relocate(entry, moved);
    this.#freeBlock(entry);
    return moved;
  }

  /** Copies the key and, behind it, the value from one record to another, `bytes` bytes in all. */
  #copyContent(from: Entry, to: Entry, bytes: number): void {
    const { bytes: segments } = this.#slab;
    const start = this.#keyStart(from);
    const target = segments[to >>> SEGMENT_SHIFT];
    copyBytes(target, this.#keyStart(to), segments[from >>> SEGMENT_SHIFT], start, start + bytes);
  }

  /** Adds or takes away the expiry's 8 bytes within the block, if that leaves it well filled. */
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
    if (added) this.#slab.floats[slot][expiryUnit(unit, head)] = expireAtMs;
    return true;
  }

  /** A copy of the record with the expiry added or taken away; the table points there. */
  #moveForExpiry(entry: Entry, expireAtMs: number): Entry {
    const { words } = this.#slab;
    const source = words[entry >>> SEGMENT_SHIFT];
    const word = (entry & UNIT_MASK) << 1;
    const word1 = source[word + 1];
    const keyLength = keyLengthAt(source, word);
    const length = valueLengthAt(source, word);
    const kind = source[word] & (0xff | OBJECT);
    const moved = this.#reserve(kind, keyLength, length, length, expireAtMs);
    words[moved >>> SEGMENT_SHIFT][((moved & UNIT_MASK) << 1) + 1] = word1;
    this.#copyContent(entry, moved, keyLength + length);
    this.#dict.relocate(entry, moved);
    this.#freeBlock(entry);
    return moved;
  }

  /** Each write moves a few records of the slab's victim: more when it allocates more. */
  #payForCompaction(): void {
    const slab = this.#slab;
    if (slab.victim < 0) return;
    const budget = Math.min(EVACUATE_UNITS + 4 * slab.debtUnits, MAX_EVACUATE_UNITS);
    evacuate(slab, this.#dict, budget);
    slab.debtUnits = 0;
  }
}

/** Index, in the slab's float64 view, of the expiry of a record at `unit`. */
function expiryUnit(unit: number, head: number): number {
  return unit + 1 + ((head & EXTENDED) >>> 9);
}

/**
 * The table from keys to records: linear hashing over 64-byte buckets. It owns no key: it holds each
 * key's 32-bit hash and its record's pointer, and compares keys in the slab.
 *
 * ```
 *  words  0-6    hashes            words  7-13   record pointers
 *  word  14      entries in use    word  15      overflow bucket's index + 1, 0 for none
 * ```
 *
 * **Growth.** There are `2^level + split` buckets. A hash belongs to the bucket its low `level` bits
 * name, or, when that one is below `split`, to the one its low `level + 1` bits name. A table that is
 * too full splits bucket `split` into itself and `split + 2^level` and moves on; one that is too empty
 * takes the last split back. So there is never a second table and never a pause, and since the whole
 * hash is kept here, a split touches no record. A bucket that overflows continues in buckets of another
 * array; all buckets of a chain but the last are full.
 *
 * **SCAN.** A cursor walks the low `level` bits in reverse binary order, as `dictScan` of Redis's
 * `dict.c` does over its two tables. One step visits every hash whose low bits are the cursor's, be they
 * in one bucket or already in two. In reverse order the cursor is a fraction: "everything below it has
 * been visited" stays true when bits are added to it, and when bits are taken away it moves back, never
 * ahead. So each key present throughout is visited, some perhaps twice.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { hash32 } from "../../base/hash.ts";
import { BUCKET_MASK, BUCKET_SHIFT, BUCKET_WORDS, BucketArray } from "./buckets.ts";
import {
  type Entry,
  EXTENDED,
  HAS_EXPIRE,
  KEY_LENGTH_SHIFT,
  keyLengthAt,
  prefixBytes,
  SEGMENT_SHIFT,
  UNIT_MASK,
} from "./record.ts";
import type { Slab } from "./slab.ts";

/** Runs of bytes in one buffer. */
export interface Slices {
  /** The buffer. */
  readonly bytes: Uint8Array;
  /** How many runs. */
  readonly count: number;
  /** Where each begins. */
  readonly starts: Int32Array;
  /** Where each ends. */
  readonly ends: Int32Array;
}

const SLOTS = 7;
const POINTERS = 7;
const COUNT = 14;
const LINK = 15;
/** Count of an overflow bucket that is on the free list; LINK is then the next one's index + 1. */
const UNUSED = -1;
/** A free overflow bucket's link back. */
const PREVIOUS = 0;
const MAX_LEVEL = 30;
/** Split above this many entries a bucket. */
const MAX_LOAD = 5;
/** Merge below this many. */
const MIN_LOAD = 3;
/** `expand` believes in no more keys than this. */
const MAX_EXPAND_KEYS = 1 << 23;
/** Buckets `random` tries before it takes the next entry it meets. */
const RANDOM_TRIES = 100;
/** Chains up to this long are drawn from without bias. */
const FAIR_CHAIN = 14;
/** Keys that are added, or warmed, at a time. */
const BATCH = 64;
const NO_WORDS: Int32Array = new Int32Array(0);

/** Hashes, then entries, of keys being warmed: used within one call only. */
const fetching = new Int32Array(BATCH);

/** Entries of the bucket being split or merged, hash and pointer in turn: used within one call only. */
let gathered = new Int32Array(64);
let gatheredCount = 0;

/** See the module's text. */
export class Dict {
  /** During a load: the last record whose key was already in the table, 0 when there was none. */
  duplicate: Entry = 0;
  #slab: Slab;
  #seed0: number;
  #seed1: number;
  #table: BucketArray = new BucketArray();
  #level: number = 0;
  #split: number = 0;
  #size: number = 0;
  #growAt: number = MAX_LOAD;
  #shrinkAt: number = 0;
  #pauses: number = 0; // while there are any, nothing is split or merged

  #overflow: BucketArray = new BucketArray();
  #overflowTop: number = 0;
  #overflowFree: number = 0;
  #overflowFirst: number = 0;

  // What `prefetch` read last: nobody asks, but reads for nothing may be left out by the runtime.
  #seen: number = 0;

  // While loading: hashes and entries in turn.
  #waiting: Int32Array = NO_WORDS;
  #waitingCount: number = 0;

  // Where the last `find` ended: on the entry found, or in the chain's last bucket.
  #foundWords: Int32Array = NO_WORDS;
  #foundBase: number = 0;
  #foundSlot: number = 0;

  /** @param slab Where the records are. @param seed0 @param seed1 Secret, so that keys cannot be made to collide. */
  constructor(slab: Slab, seed0: number, seed1: number) {
    this.#slab = slab;
    this.#seed0 = seed0;
    this.#seed1 = seed1;
    this.#table.ensure(1);
  }

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  /** How many buckets, without those that overflow. */
  get buckets(): number {
    return (1 << this.#level) + this.#split;
  }

  /** Bytes of the table, overflow buckets included. */
  get bytes(): number {
    return this.#table.bytes + this.#overflow.bytes;
  }

  /** The hash of a key, as a signed integer. */
  hashOf(bytes: Uint8Array, start: number, end: number): number {
    return hash32(bytes, start, end, this.#seed0, this.#seed1) | 0;
  }

  /** The hash of a record's key. */
  hashOfEntry(entry: Entry): number {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[slot];
    const start = (unit << 3) + prefixBytes(words[unit << 1]);
    const end = start + keyLengthAt(words, unit << 1);
    return this.hashOf(this.#slab.bytes[slot], start, end);
  }

  /** The record of a key, 0 when there is none. `insert`, `replace` and `remove` act where it ended. */
  find(hash: number, bytes: Uint8Array, start: number, end: number): Entry {
    const bucket = this.#bucketOf(hash);
    let words = this.#table.segments[bucket >>> BUCKET_SHIFT];
    let base = (bucket & BUCKET_MASK) << 4;
    for (;;) {
      const count = words[base + COUNT];
      for (let i = 0; i < count; i++) {
        if (words[base + i] !== hash) continue;
        const entry = words[base + POINTERS + i] >>> 0;
        if (!this.#hasKey(entry, bytes, start, end)) continue;
        this.#foundWords = words;
        this.#foundBase = base;
        this.#foundSlot = i;
        return entry;
      }
      const link = words[base + LINK];
      if (link === 0) break;
      words = this.#overflow.segments[(link - 1) >>> BUCKET_SHIFT];
      base = ((link - 1) & BUCKET_MASK) << 4;
    }
    this.#foundWords = words;
    this.#foundBase = base;
    return 0;
  }

  /**
   * Has what finding these keys will read come from memory, for all of them at once: none of the reads
   * below waits for another key's, as they do when keys are looked for one by one. Changes nothing.
   */
  prefetch(keys: Slices): void {
    if (this.#size === 0) return;
    const { bytes, starts, ends } = keys;
    const count = Math.min(keys.count, BATCH);
    let seen = 0;
    for (let i = 0; i < count; i++) fetching[i] = this.hashOf(bytes, starts[i], ends[i]);
    for (let i = 0; i < count; i++) {
      const bucket = this.#bucketOf(fetching[i]);
      const words = this.#table.segments[bucket >>> BUCKET_SHIFT];
      const base = (bucket & BUCKET_MASK) << 4;
      seen |= words[base] | words[base + COUNT];
    }
    for (let i = 0; i < count; i++) fetching[i] = this.#candidate(fetching[i]);
    for (let i = 0; i < count; i++) {
      const entry = fetching[i];
      if (entry !== 0) seen |= this.#slab.words[entry >>> SEGMENT_SHIFT][(entry & UNIT_MASK) << 1];
    }
    this.#seen = seen;
  }

  /** `find` for a key that is to be set; while loading there is none. */
  findOld(hash: number, bytes: Uint8Array, start: number, end: number): Entry {
    return this.#waiting === NO_WORDS ? this.find(hash, bytes, start, end) : 0;
  }

  /** Adds a key that the `find` just before did not find. */
  insert(hash: number, entry: Entry): void {
    if (this.#waiting === NO_WORDS) return this.#insertFound(hash, entry);
    const at = this.#waitingCount++ << 1;
    this.#waiting[at] = hash;
    this.#waiting[at + 1] = entry;
    if (this.#waitingCount === BATCH) this.#addWaiting();
  }

  /**
   * From here to `endLoad` all keys are new: `findOld` looks for none, and `insert` adds many at a time,
   * so that no key waits alone for its bucket to come from memory. What waits is not found.
   */
  beginLoad(): void {
    this.#waiting = new Int32Array(2 * BATCH);
    this.duplicate = 0;
  }

  /** Ends what `beginLoad` began: from here on all keys are found, and `duplicate` is certain. */
  endLoad(): void {
    this.#addWaiting();
    this.#waiting = NO_WORDS;
  }

  /** Points the key that the `find` just before found at another record. */
  replace(entry: Entry): void {
    this.#foundWords[this.#foundBase + POINTERS + this.#foundSlot] = entry;
  }

  /** Points at a record's new place. */
  relocate(from: Entry, to: Entry): void {
    this.#locate(this.hashOfEntry(to), from);
    this.replace(to);
  }

  /** Takes out the key of a record. The record itself is left alone. */
  remove(hash: number, entry: Entry): void {
    this.#locate(hash, entry);
    this.#removeFound(hash);
    this.#size--;
    if (this.#size < this.#shrinkAt) this.#mergeLast();
    this.#tidyOverflow();
  }

  /**
   * Makes room for `keys` at once, so that filling the table splits nothing. A hint: bounded, and
   * ignored once there are keys.
   */
  expand(keys: number): void {
    if (this.#size !== 0 || !(keys > this.#growAt)) return;
    const buckets = Math.ceil(Math.min(keys, MAX_EXPAND_KEYS) / MAX_LOAD);
    this.#table.ensure(buckets);
    this.#level = 31 - Math.clz32(buckets);
    this.#split = buckets - (1 << this.#level);
    this.#setThresholds();
  }

  /**
   * One step of a SCAN: visits the entries the cursor stands for.
   *
   * @param cursor 0 to begin, then what the last step returned; any other number is as good as random.
   * @param visit Gets each entry; must not write.
   * @returns The next cursor, 0 at the end.
   */
  scan(cursor: number, visit: (entry: Entry) => void): number {
    const mask = (1 << this.#level) - 1;
    const bucket = cursor & mask;
    this.#visitChain(bucket, visit);
    if (bucket < this.#split) this.#visitChain(bucket + mask + 1, visit);
    // Set the bits above the mask, then add one at the reversed end: the carry stays within the mask.
    return reverseBits((reverseBits(cursor | ~mask) + 1) | 0) >>> 0;
  }

  /**
   * Keeps the buckets as they are until `resumeRehash`: chains may grow meanwhile, and what `scan` visits for
   * a cursor stays the same but for keys that come and go.
   */
  pauseRehash(): void {
    this.#pauses++;
    this.#setThresholds();
  }

  /** Ends one `pauseRehash`; growth that was put off is made up for by the inserts that follow. */
  resumeRehash(): void {
    assert(this.#pauses > 0, "a table is released as often as it is held");
    this.#pauses--;
    this.#setThresholds();
  }

  /** Whether a scan of a held table that has come to `cursor`, which is not 0, has visited a hash. */
  isPast(cursor: number, hash: number): boolean {
    assert(this.#pauses > 0, "only a held table has a past");
    const mask = (1 << this.#level) - 1;
    return reverseBits(hash & mask) >>> 0 < reverseBits(cursor & mask) >>> 0;
  }

  /** An entry, each about as likely as any other; 0 when there is none. */
  random(random: () => number): Entry {
    if (this.#size === 0) return 0;
    const buckets = this.buckets;
    for (let tries = 0; tries < RANDOM_TRIES; tries++) {
      const bucket = Math.floor(random() * buckets);
      const length = this.#chainLength(bucket);
      const pick = Math.floor(random() * Math.max(length, FAIR_CHAIN));
      if (pick < length) return this.#entryAt(bucket, pick);
    }
    let bucket = Math.floor(random() * buckets);
    while (this.#chainLength(bucket) === 0) bucket = (bucket + 1) % buckets;
    return this.#entryAt(bucket, 0);
  }

  /** Visits every entry with its hash and checks the table's shape. For audits: takes time. */
  audit(visit: (entry: Entry, hash: number) => void): void {
    let size = 0;
    let overflow = 0;
    for (let bucket = 0; bucket < this.buckets; bucket++) {
      this.#gather(bucket, false);
      size += gatheredCount;
      overflow += Math.max(Math.ceil(gatheredCount / SLOTS) - 1, 0);
      for (let i = 0; i < gatheredCount; i++) {
        const hash = gathered[2 * i];
        assert(this.#bucketOf(hash) === bucket, "an entry is in its hash's bucket");
        visit(gathered[2 * i + 1] >>> 0, hash);
      }
    }
    assert(size === this.#size, "size counts the entries");
    assert(overflow === this.#overflowTop - this.#overflowFree, "no overflow bucket is lost");
  }

  #insertFound(hash: number, entry: Entry): void {
    const words = this.#foundWords;
    const base = this.#foundBase;
    const count = words[base + COUNT];
    if (count < SLOTS) {
      words[base + count] = hash;
      words[base + POINTERS + count] = entry;
      words[base + COUNT] = count + 1;
    } else {
      this.#append(this.#bucketOf(hash), hash, entry);
    }
    if (++this.#size > this.#growAt) this.#splitNext();
  }

  #addWaiting(): void {
    const waiting = this.#waiting;
    const end = this.#waitingCount << 1;
    this.#waitingCount = 0;
    // Both ends of each bucket first, as it may lie in two lines of the cache: none of these reads waits
    // for another.
    let seen = 0;
    for (let i = 0; i < end; i += 2) {
      const bucket = this.#bucketOf(waiting[i]);
      const words = this.#table.segments[bucket >>> BUCKET_SHIFT];
      const base = (bucket & BUCKET_MASK) << 4;
      seen |= words[base] | words[base + COUNT];
    }
    this.#seen = seen;
    for (let i = 0; i < end; i += 2) {
      const entry = waiting[i + 1] >>> 0;
      if (this.#findEntry(waiting[i], entry) === 0) this.#insertFound(waiting[i], entry);
      else this.duplicate = entry;
    }
  }

  /** `find` with the key of a record. */
  #findEntry(hash: number, entry: Entry): Entry {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[slot];
    const start = (unit << 3) + prefixBytes(words[unit << 1]);
    const end = start + keyLengthAt(words, unit << 1);
    return this.find(hash, this.#slab.bytes[slot], start, end);
  }

  /** The first entry of that hash in its bucket; 0, where the slab keeps nothing, when there is none. */
  #candidate(hash: number): number {
    const bucket = this.#bucketOf(hash);
    const words = this.#table.segments[bucket >>> BUCKET_SHIFT];
    const base = (bucket & BUCKET_MASK) << 4;
    const end = base + words[base + COUNT];
    for (let at = base; at < end; at++) {
      if (words[at] === hash) return words[at + POINTERS];
    }
    return 0;
  }

  #bucketOf(hash: number): number {
    const bit = 1 << this.#level;
    const bucket = hash & (bit - 1);
    return bucket < this.#split ? hash & (bit + bit - 1) : bucket;
  }

  #hasKey(entry: Entry, bytes: Uint8Array, start: number, end: number): boolean {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[slot];
    const head = words[unit << 1];
    const length = (head & EXTENDED) === 0 ? head >>> KEY_LENGTH_SHIFT : words[(unit << 1) + 2];
    if (length !== end - start) return false;
    const own = this.#slab.bytes[slot];
    let at = (unit << 3) + 8 + ((head & HAS_EXPIRE) >>> 5) + ((head & EXTENDED) >>> 6);
    for (let i = start; i < end; i++) {
      if (own[at++] !== bytes[i]) return false;
    }
    return true;
  }

  /** Sets the found place to the entry itself, which must be there. */
  #locate(hash: number, entry: Entry): void {
    const pointer = entry | 0;
    const bucket = this.#bucketOf(hash);
    let words = this.#table.segments[bucket >>> BUCKET_SHIFT];
    let base = (bucket & BUCKET_MASK) << 4;
    for (;;) {
      const count = words[base + COUNT];
      for (let i = 0; i < count; i++) {
        if (words[base + POINTERS + i] !== pointer) continue;
        this.#foundWords = words;
        this.#foundBase = base;
        this.#foundSlot = i;
        return;
      }
      const link = words[base + LINK];
      assert(link !== 0, "the entry is in the table");
      words = this.#overflow.segments[(link - 1) >>> BUCKET_SHIFT];
      base = ((link - 1) & BUCKET_MASK) << 4;
    }
  }

  /** Fills the hole at the found place with the chain's last entry. */
  #removeFound(hash: number): void {
    const bucket = this.#bucketOf(hash);
    let words = this.#table.segments[bucket >>> BUCKET_SHIFT];
    let base = (bucket & BUCKET_MASK) << 4;
    let ownerWords = words;
    let ownerBase = base;
    let link = words[base + LINK];
    let last = 0;
    while (link !== 0) {
      last = link;
      ownerWords = words;
      ownerBase = base;
      words = this.#overflow.segments[(link - 1) >>> BUCKET_SHIFT];
      base = ((link - 1) & BUCKET_MASK) << 4;
      link = words[base + LINK];
    }
    const tail = --words[base + COUNT];
    const hole = this.#foundBase + this.#foundSlot;
    this.#foundWords[hole] = words[base + tail];
    this.#foundWords[hole + POINTERS] = words[base + POINTERS + tail];
    if (tail === 0 && last !== 0) {
      ownerWords[ownerBase + LINK] = 0;
      this.#freeOverflow(last - 1);
    }
  }

  // Growth and shrinkage.

  #setThresholds(): void {
    const buckets = this.buckets;
    const isHeld = this.#pauses > 0;
    this.#growAt = isHeld || this.#level >= MAX_LEVEL ? Infinity : buckets * MAX_LOAD;
    this.#shrinkAt = isHeld || buckets === 1 ? 0 : buckets * MIN_LOAD;
  }

  #splitNext(): void {
    const bit = 1 << this.#level;
    const bucket = this.#split;
    this.#table.ensure(bucket + bit + 1);
    this.#gather(bucket, true);
    this.#split = bucket + 1;
    this.#fill(bucket, bit, 0);
    this.#fill(bucket + bit, bit, bit);
    if (this.#split === bit) {
      this.#level++;
      this.#split = 0;
    }
    this.#setThresholds();
    this.#tidyOverflow();
  }

  #mergeLast(): void {
    if (this.#split === 0) this.#split = 1 << --this.#level;
    const bit = 1 << this.#level;
    const bucket = --this.#split;
    this.#gather(bucket + bit, true);
    this.#fill(bucket, 0, 0);
    this.#table.trim(bucket + bit);
    this.#setThresholds();
  }

  /** Reads a chain into `gathered` and, if told, empties it. */
  #gather(bucket: number, empty: boolean): void {
    let words = this.#table.segments[bucket >>> BUCKET_SHIFT];
    let base = (bucket & BUCKET_MASK) << 4;
    let total = 0;
    let link = -1;
    while (link !== 0) {
      const count = words[base + COUNT];
      const index = link - 1;
      link = words[base + LINK];
      if (gathered.length < 2 * (total + count)) growGathered();
      for (let i = 0; i < count; i++, total++) {
        gathered[2 * total] = words[base + i];
        gathered[2 * total + 1] = words[base + POINTERS + i];
      }
      if (empty) {
        words[base + COUNT] = 0;
        words[base + LINK] = 0;
        if (index >= 0) this.#freeOverflow(index);
      }
      if (link !== 0) {
        words = this.#overflow.segments[(link - 1) >>> BUCKET_SHIFT];
        base = ((link - 1) & BUCKET_MASK) << 4;
      }
    }
    gatheredCount = total;
  }

  /** Appends to a chain the gathered entries whose hash, under `mask`, is `wanted`. */
  #fill(bucket: number, mask: number, wanted: number): void {
    const total = gatheredCount;
    const words = this.#table.segments[bucket >>> BUCKET_SHIFT];
    const base = (bucket & BUCKET_MASK) << 4;
    let count = words[base + COUNT];
    for (let i = 0; i < total; i++) {
      const hash = gathered[2 * i];
      if ((hash & mask) !== wanted) continue;
      if (count < SLOTS) {
        words[base + count] = hash;
        words[base + POINTERS + count] = gathered[2 * i + 1];
        words[base + COUNT] = ++count;
      } else {
        this.#append(bucket, hash, gathered[2 * i + 1]);
      }
    }
  }

  /** Adds an entry at the end of a chain, in a new overflow bucket if need be. */
  #append(bucket: number, hash: number, pointer: number): void {
    let words = this.#table.segments[bucket >>> BUCKET_SHIFT];
    let base = (bucket & BUCKET_MASK) << 4;
    let index = -1;
    while (words[base + LINK] !== 0) {
      index = words[base + LINK] - 1;
      words = this.#overflow.segments[index >>> BUCKET_SHIFT];
      base = (index & BUCKET_MASK) << 4;
    }
    if (words[base + COUNT] === SLOTS) {
      const fresh = this.#takeOverflow();
      // The array of overflow buckets may have moved.
      if (index >= 0) words = this.#overflow.segments[index >>> BUCKET_SHIFT];
      words[base + LINK] = fresh + 1;
      words = this.#overflow.segments[fresh >>> BUCKET_SHIFT];
      base = (fresh & BUCKET_MASK) << 4;
    }
    const count = words[base + COUNT];
    words[base + count] = hash;
    words[base + POINTERS + count] = pointer;
    words[base + COUNT] = count + 1;
  }

  // Overflow buckets: a stack of them up to `#overflowTop`, with a doubly linked list of holes.

  #takeOverflow(): number {
    let index = this.#overflowTop;
    if (this.#overflowFirst !== 0) {
      index = this.#overflowFirst - 1;
      this.#unlinkOverflow(index);
    } else {
      this.#overflow.ensure(index + 1);
      this.#overflowTop++;
    }
    const words = this.#overflow.segments[index >>> BUCKET_SHIFT];
    const base = (index & BUCKET_MASK) << 4;
    words[base + COUNT] = 0;
    words[base + LINK] = 0;
    return index;
  }

  #freeOverflow(index: number): void {
    const words = this.#overflow.segments[index >>> BUCKET_SHIFT];
    const base = (index & BUCKET_MASK) << 4;
    const next = this.#overflowFirst;
    words[base + COUNT] = UNUSED;
    words[base + LINK] = next;
    words[base + PREVIOUS] = 0;
    if (next !== 0) this.#setOverflowWord(next - 1, PREVIOUS, index + 1);
    this.#overflowFirst = index + 1;
    this.#overflowFree++;
  }

  #unlinkOverflow(index: number): void {
    const words = this.#overflow.segments[index >>> BUCKET_SHIFT];
    const base = (index & BUCKET_MASK) << 4;
    const next = words[base + LINK];
    const previous = words[base + PREVIOUS];
    if (next !== 0) this.#setOverflowWord(next - 1, PREVIOUS, previous);
    if (previous !== 0) this.#setOverflowWord(previous - 1, LINK, next);
    else this.#overflowFirst = next;
    this.#overflowFree--;
  }

  #setOverflowWord(index: number, word: number, value: number): void {
    this.#overflow.segments[index >>> BUCKET_SHIFT][((index & BUCKET_MASK) << 4) + word] = value;
  }

  #overflowWord(index: number, word: number): number {
    return this.#overflow.segments[index >>> BUCKET_SHIFT][((index & BUCKET_MASK) << 4) + word];
  }

  /** Lowers the stack over its holes; while most of it is holes, moves the topmost bucket into one. */
  #tidyOverflow(): void {
    if (this.#overflowFree === 0) return;
    if (this.#overflowFree * 2 > this.#overflowTop && this.#overflowTop > BUCKET_WORDS) {
      this.#sinkTop();
    }
    const before = this.#overflowTop;
    while (
      this.#overflowTop > 0 && this.#overflowWord(this.#overflowTop - 1, COUNT) === UNUSED
    ) {
      this.#unlinkOverflow(--this.#overflowTop);
    }
    if (this.#overflowTop !== before) this.#overflow.trim(this.#overflowTop);
  }

  #sinkTop(): void {
    const top = this.#overflowTop - 1;
    if (this.#overflowWord(top, COUNT) === UNUSED) return;
    const index = this.#takeOverflow();
    const bucket = this.#bucketOf(this.#overflowWord(top, 0));
    let words = this.#table.segments[bucket >>> BUCKET_SHIFT];
    let base = (bucket & BUCKET_MASK) << 4;
    while (words[base + LINK] !== top + 1) {
      const link = words[base + LINK];
      assert(link !== 0, "an overflow bucket hangs on the chain of its hashes");
      words = this.#overflow.segments[(link - 1) >>> BUCKET_SHIFT];
      base = ((link - 1) & BUCKET_MASK) << 4;
    }
    words[base + LINK] = index + 1;
    for (let i = 0; i < BUCKET_WORDS; i++) {
      this.#setOverflowWord(index, i, this.#overflowWord(top, i));
    }
    this.#freeOverflow(top);
  }

  // Walking chains.

  #visitChain(bucket: number, visit: (entry: Entry) => void): void {
    let words = this.#table.segments[bucket >>> BUCKET_SHIFT];
    let base = (bucket & BUCKET_MASK) << 4;
    for (;;) {
      const count = words[base + COUNT];
      for (let i = 0; i < count; i++) visit(words[base + POINTERS + i] >>> 0);
      const link = words[base + LINK];
      if (link === 0) return;
      words = this.#overflow.segments[(link - 1) >>> BUCKET_SHIFT];
      base = ((link - 1) & BUCKET_MASK) << 4;
    }
  }

  #chainLength(bucket: number): number {
    const word = (bucket & BUCKET_MASK) << 4;
    const words = this.#table.segments[bucket >>> BUCKET_SHIFT];
    let length = words[word + COUNT];
    let link = words[word + LINK];
    while (link !== 0) {
      length += this.#overflowWord(link - 1, COUNT);
      link = this.#overflowWord(link - 1, LINK);
    }
    return length;
  }

  /** Entry `position` of a chain that is longer than that. */
  #entryAt(bucket: number, position: number): Entry {
    let words = this.#table.segments[bucket >>> BUCKET_SHIFT];
    let base = (bucket & BUCKET_MASK) << 4;
    for (; position >= SLOTS; position -= SLOTS) {
      const link = words[base + LINK];
      words = this.#overflow.segments[(link - 1) >>> BUCKET_SHIFT];
      base = ((link - 1) & BUCKET_MASK) << 4;
    }
    return words[base + POINTERS + position] >>> 0;
  }
}

function growGathered(): void {
  const grown = new Int32Array(gathered.length * 2);
  grown.set(gathered);
  gathered = grown;
}

function reverseBits(value: number): number {
  let v = value;
  v = ((v >>> 1) & 0x55555555) | ((v & 0x55555555) << 1);
  v = ((v >>> 2) & 0x33333333) | ((v & 0x33333333) << 2);
  v = ((v >>> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
  v = ((v >>> 8) & 0x00ff00ff) | ((v & 0x00ff00ff) << 8);
  return (v >>> 16) | (v << 16);
}

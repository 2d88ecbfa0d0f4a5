/**
 * The table from keys to records: linear hashing over buckets of 64 bytes, a line of the processor's
 * cache. It owns no key: it holds each key's 32-bit hash and a pointer to its record, and compares keys
 * in the slab. A look-up of a missing key reads one bucket and no record, unless one of its 7 hashes is the
 * same by chance.
 *
 * ```
 *  words  0-6    hashes            words  7-13   record pointers, 0 for none
 *  word  14      entries in use    word  15      overflow bucket's index + 1, 0 for none
 *
 *  chain:   bucket ──word 15──▶ overflow bucket ──▶ overflow bucket      (overflow.ts)
 *           full                full                1 to 7 entries
 * ```
 *
 * **Growth.** There are `2^level + split` buckets. A hash belongs to the bucket that its low `level` bits
 * name or, if that one is below `split`, to the one that its low `level + 1` bits name:
 *
 * ```
 *  level 2, split 1      bucket   0     1    2    3    4
 *                        hash   ..000  ..01 ..10 ..11 ..100      0 and 4 have been split
 * ```
 *
 * A table that is too full splits bucket `split` into itself and `split + 2^level` and moves on; one that
 * is too empty takes the last split back. So there is never a second table, as Redis's `dict.c` has while
 * it rehashes, and never a pause; since the whole hash is kept here, a split touches no record.
 *
 * **SCAN.** A cursor walks the low `level` bits in reverse binary order, as `dictScan` of `dict.c` does
 * over its two tables. One step visits every hash whose low bits are the cursor's, be they in one bucket
 * or already in two. Read in reverse, the cursor is a fraction: "everything below it has been visited"
 * stays true when bits are added to it, and when bits are taken away it moves back, never ahead. So each
 * key present throughout is visited, some perhaps twice.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { hash32 } from "../../base/hash.ts";
import { BUCKET_MASK, BUCKET_SHIFT, BucketArray } from "./buckets.ts";
import { COUNT, LINK, OverflowBuckets } from "./overflow.ts";
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

/** Keys that lie in one buffer, as the arguments of commands do. */
export interface Slices {
  /** The buffer that all of them lie in. */
  readonly bytes: Uint8Array;
  /** How many keys there are. */
  readonly count: number;
  /** Offset of each key's first byte. */
  readonly starts: Int32Array;
  /** Offset after each key's last byte. */
  readonly ends: Int32Array;
}

/** Entries of a bucket. */
const SLOTS = 7;
/** Word of the first pointer: entry `i` has its hash in word `i`, its pointer in word `POINTERS + i`. */
const POINTERS = 7;
/** A table stops growing at 2^30 buckets, so that bucket numbers stay positive int32. */
const MAX_LEVEL = 30;
/** A bucket is split above this average of entries a bucket: at 5 of 7 few buckets overflow. */
const MAX_LOAD = 5;
/** Two buckets are merged below this average; the gap keeps churn around one size from splitting. */
const MIN_LOAD = 3;
/** `expand` makes room for no more keys than this, whatever a snapshot promises: 107 MB of buckets. */
const MAX_EXPAND_KEYS = 1 << 23;
/** Draws that `random` makes before it takes the first entry behind the bucket drawn last. */
const RANDOM_TRIES = 100;
/** `random` draws without bias from chains up to this long: a bucket and one that overflows it. */
const FAIR_CHAIN = 14;
/** Keys that a load adds, or `prefetch` reads, at a time: enough for their cache misses to overlap. */
const BATCH = 64;
const NO_WORDS: Int32Array = new Int32Array(0);

/** Hashes, then entries, of the keys that `prefetch` works on: used within one call only. */
const fetching = new Int32Array(BATCH);

/** The chain being split or merged, hash and pointer in turn: used within one call only. */
let gathered = new Int32Array(64);
let gatheredCount = 0;

/** A hash table from keys to entries, over the records of one slab. */
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
  #pauses: number = 0; // while there is one, nothing is split or merged

  #overflow: OverflowBuckets = new OverflowBuckets();

  // Where prefetched words go: the runtime may leave out a read whose result is not used.
  #sink: number = 0;

  // During a load: hashes and entries in turn that are not in the table yet.
  #batch: Int32Array = NO_WORDS;
  #batchCount: number = 0;

  // Where the last `find` ended: at the slot of the entry found, else in the chain's last bucket. Kept so
  // that `insert` and `replace` after it walk no chain again.
  #foundWords: Int32Array = NO_WORDS;
  #foundBase: number = 0;
  #foundSlot: number = 0;

  /** Makes an empty table. The seeds are secret, so that nobody can make keys that collide. */
  constructor(slab: Slab, seed0: number, seed1: number) {
    this.#slab = slab;
    this.#seed0 = seed0;
    this.#seed1 = seed1;
    this.#table.ensure(1);
  }

  /** How many keys are in the table; during a load without those of the last batch. */
  get size(): number {
    return this.#size;
  }

  /** How many buckets there are, without overflow buckets. */
  get buckets(): number {
    return (1 << this.#level) + this.#split;
  }

  /** Bytes of all buckets, overflow buckets included. */
  get bytes(): number {
    return this.#table.bytes + this.#overflow.bytes;
  }

  /** The hash of a key, a signed 32-bit integer. */
  hashOf(bytes: Uint8Array, start: number, end: number): number {
    return hash32(bytes, start, end, this.#seed0, this.#seed1) | 0;
  }

  /** The hash of the key of a record, which need not be in the table. */
  hashOfEntry(entry: Entry): number {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[slot];
    const start = (unit << 3) + prefixBytes(words[unit << 1]);
    const end = start + keyLengthAt(words, unit << 1);
    return this.hashOf(this.#slab.bytes[slot], start, end);
  }

  /** The record of a key, 0 when there is none. `insert` and `replace` act where the last call ended. */
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
   * Reads what finding these keys will read, so that it is in the processor's cache. Looking keys up one
   * by one waits for memory two or three times a key; here the misses of 64 keys overlap, as no read
   * depends on one for another key. Changes nothing; only the first 64 keys are looked at.
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
    this.#sink = seen;
  }

  /** `find` for a key that is about to be set; during a load it looks for none and says 0. */
  findOld(hash: number, bytes: Uint8Array, start: number, end: number): Entry {
    return this.#batch === NO_WORDS ? this.find(hash, bytes, start, end) : 0;
  }

  /** Adds a key that the `find` or `findOld` just before did not find. */
  insert(hash: number, entry: Entry): void {
    assert(entry !== 0, "0 is no entry");
    if (this.#batch === NO_WORDS) return this.#insertFound(hash, entry);
    const at = this.#batchCount++ << 1;
    this.#batch[at] = hash;
    this.#batch[at + 1] = entry;
    if (this.#batchCount === BATCH) this.#addBatch();
  }

  /**
   * Begins a load: until `endLoad` all keys are taken to be new. `findOld` looks for none, and `insert`
   * adds them by batches of 64, so that their cache misses overlap. A key of the batch at hand is not
   * found; one that was in the table already is left out and shows up in `duplicate`.
   */
  beginLoad(): void {
    assert(this.#batch === NO_WORDS, "one load ends before the next begins");
    this.#batch = new Int32Array(2 * BATCH);
    this.duplicate = 0;
  }

  /** Ends a load: all keys are found from here on, and `duplicate` is final. */
  endLoad(): void {
    assert(this.#batch !== NO_WORDS, "a load that ends has begun");
    this.#addBatch();
    this.#batch = NO_WORDS;
  }

  /** Points the key that the `find` just before found at another record of the same key. */
  replace(entry: Entry): void {
    assert(entry !== 0, "0 is no entry");
    this.#foundWords[this.#foundBase + POINTERS + this.#foundSlot] = entry;
  }

  /** Points the key of a record that moved at its new place; the bytes are there already. */
  relocate(from: Entry, to: Entry): void {
    this.#locate(this.hashOfEntry(to), from);
    this.replace(to);
  }

  /** Takes the key of a record out of the table; the record itself is left to the caller. */
  remove(hash: number, entry: Entry): void {
    assert(this.#size > 0, "what is removed is in the table");
    this.#locate(hash, entry);
    this.#removeFound(hash);
    this.#size--;
    if (this.#size < this.#shrinkAt) this.#mergeLast();
    this.#tidyOverflow();
    assert(this.#size > 0 || this.#overflow.used === 0, "an empty table has no overflow buckets");
  }

  /**
   * Makes buckets for `keys` keys at once, so that filling the table splits nothing. A hint from outside,
   * perhaps a lie: at most 2^23 keys are believed, and nothing happens once there are keys.
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
   * One step of a SCAN: visits the entries of the bucket, or the two, that the cursor stands for.
   *
   * @param cursor 0 to begin, then what the last step returned. Any other u32 is a valid place to start.
   * @param visit Gets each entry; must not write to the table.
   * @returns The next cursor, 0 at the end.
   */
  scan(cursor: number, visit: (entry: Entry) => void): number {
    const mask = (1 << this.#level) - 1;
    const bucket = cursor & mask;
    this.#visitChain(bucket, visit);
    if (bucket < this.#split) this.#visitChain(bucket + mask + 1, visit);
    // The bits above the mask are set, so that adding one at the reversed end carries into the mask; a
    // carry out of its last bit leaves 0, the end.
    return reverseBits((reverseBits(cursor | ~mask) + 1) | 0) >>> 0;
  }

  /**
   * Stops splitting and merging until `resumeRehash`, as `dictPauseRehashing` does: chains may grow
   * meanwhile, but the cursors of a `scan` stand for the same hashes throughout.
   */
  pauseRehash(): void {
    this.#pauses++;
    this.#setThresholds();
  }

  /** Ends one `pauseRehash`. Each insert that follows splits one bucket, until the table is no longer too full. */
  resumeRehash(): void {
    assert(this.#pauses > 0, "rehashing resumes as often as it was paused");
    this.#pauses--;
    this.#setThresholds();
  }

  /** Whether a scan that has come to `cursor`, not 0, has visited a hash; rehashing must be paused. */
  isPast(cursor: number, hash: number): boolean {
    assert(this.#pauses > 0, "a scan is followed while rehashing is paused");
    const mask = (1 << this.#level) - 1;
    return reverseBits(hash & mask) >>> 0 < reverseBits(cursor & mask) >>> 0;
  }

  /** Draws an entry, each about as likely as any other; 0 when there is none. O(1) unless nearly empty. */
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

  /** Writes an entry where the last `find` ended. */
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

  /** Adds the batch of a load to the table. */
  #addBatch(): void {
    const batch = this.#batch;
    const end = this.#batchCount << 1;
    this.#batchCount = 0;
    // Read both ends of each bucket first, as it may lie in two cache lines: these reads do not wait for one
    // another, as those of the look-ups below would.
    let seen = 0;
    for (let i = 0; i < end; i += 2) {
      const bucket = this.#bucketOf(batch[i]);
      const words = this.#table.segments[bucket >>> BUCKET_SHIFT];
      const base = (bucket & BUCKET_MASK) << 4;
      seen |= words[base] | words[base + COUNT];
    }
    this.#sink = seen;
    for (let i = 0; i < end; i += 2) {
      const entry = batch[i + 1] >>> 0;
      if (this.#findEntry(batch[i], entry) === 0) this.#insertFound(batch[i], entry);
      else this.duplicate = entry;
    }
  }

  /** Looks up the key of a record, as `find`. */
  #findEntry(hash: number, entry: Entry): Entry {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    const words = this.#slab.words[slot];
    const start = (unit << 3) + prefixBytes(words[unit << 1]);
    const end = start + keyLengthAt(words, unit << 1);
    return this.find(hash, this.#slab.bytes[slot], start, end);
  }

  /** The first entry with that hash in its bucket, not in its chain; 0 when there is none. */
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

  /** The bucket that a hash belongs to. */
  #bucketOf(hash: number): number {
    const bit = 1 << this.#level;
    const bucket = hash & (bit - 1);
    return bucket < this.#split ? hash & (bit + bit - 1) : bucket;
  }

  /** Compares a key with a record's, length first; inlined from `record.ts`, as every look-up ends here. */
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

  /** Moves the found place to an entry, which must be in the table; compares pointers, not keys. */
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

  /** Takes the found entry out: the chain's last entry fills its slot, so that only the last bucket has room. */
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
    assert(tail >= 0, "a chain that holds an entry has a last one");
    const hole = this.#foundBase + this.#foundSlot;
    this.#foundWords[hole] = words[base + tail];
    this.#foundWords[hole + POINTERS] = words[base + POINTERS + tail];
    if (tail === 0 && last !== 0) {
      ownerWords[ownerBase + LINK] = 0;
      this.#overflow.free(last - 1);
    }
  }

  // Growth and shrinkage: one bucket is split or merged at a time.

  /** Recomputes at which sizes the next split and the next merge happen. */
  #setThresholds(): void {
    const buckets = this.buckets;
    const isPaused = this.#pauses > 0;
    this.#growAt = isPaused || this.#level >= MAX_LEVEL ? Infinity : buckets * MAX_LOAD;
    this.#shrinkAt = isPaused || buckets === 1 ? 0 : buckets * MIN_LOAD;
  }

  /** Splits bucket `split`: its entries with bit `level` set go to a new bucket at the table's end. */
  #splitNext(): void {
    const bit = 1 << this.#level;
    const bucket = this.#split;
    assert(bucket < bit && this.#pauses === 0, "a table splits its lower half, never while paused");
    this.#table.ensure(bucket + bit + 1);
    this.#gather(bucket);
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

  /** Undoes the last split: the entries of the last bucket go back to the one they came from. */
  #mergeLast(): void {
    if (this.#split === 0) this.#split = 1 << --this.#level;
    const bit = 1 << this.#level;
    const bucket = --this.#split;
    assert(bucket >= 0 && this.#pauses === 0, "a table merges what was split, never while paused");
    this.#gather(bucket + bit);
    this.#fill(bucket, 0, 0);
    this.#table.trim(bucket + bit);
    this.#setThresholds();
  }

  /** Moves the entries of a chain to `gathered` and frees its overflow buckets. */
  #gather(bucket: number): void {
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
      words[base + COUNT] = 0;
      words[base + LINK] = 0;
      if (index >= 0) this.#overflow.free(index);
      if (link !== 0) {
        words = this.#overflow.segments[(link - 1) >>> BUCKET_SHIFT];
        base = ((link - 1) & BUCKET_MASK) << 4;
      }
    }
    gatheredCount = total;
  }

  /** Appends to the chain of `bucket` those gathered entries whose hash is `wanted` under `mask`. */
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

  /** Adds an entry at the end of a chain, in a new overflow bucket if the last one is full. */
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
      const fresh = this.#overflow.take();
      // The segment that the old last bucket lies in may have been replaced.
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

  /** Keeps the memory of overflow buckets in proportion to those in use. */
  #tidyOverflow(): void {
    const top = this.#overflow.sinking;
    if (top >= 0) this.#sinkOverflow(top);
    this.#overflow.lower();
  }

  /** Moves an overflow bucket into a hole: finds the link that leads to it, in the chain of its hashes. */
  #sinkOverflow(index: number): void {
    const bucket = this.#bucketOf(this.#overflow.word(index, 0));
    let words = this.#table.segments[bucket >>> BUCKET_SHIFT];
    let base = (bucket & BUCKET_MASK) << 4;
    while (words[base + LINK] !== index + 1) {
      const link = words[base + LINK];
      assert(link !== 0, "an overflow bucket hangs on the chain of its hashes");
      words = this.#overflow.segments[(link - 1) >>> BUCKET_SHIFT];
      base = ((link - 1) & BUCKET_MASK) << 4;
    }
    words[base + LINK] = this.#overflow.sink(index) + 1;
  }

  // Reading chains.

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
      length += this.#overflow.word(link - 1, COUNT);
      link = this.#overflow.word(link - 1, LINK);
    }
    return length;
  }

  /** Entry `position` of a chain that has more entries than that. */
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

/** Reverses the 32 bits of a word: pairs, then groups of 2, 4, 8 and 16 change places. */
function reverseBits(value: number): number {
  let v = value;
  v = ((v >>> 1) & 0x55555555) | ((v & 0x55555555) << 1);
  v = ((v >>> 2) & 0x33333333) | ((v & 0x33333333) << 2);
  v = ((v >>> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
  v = ((v >>> 8) & 0x00ff00ff) | ((v & 0x00ff00ff) << 8);
  return (v >>> 16) | (v << 16);
}

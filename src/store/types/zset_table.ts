/**
 * A large sorted set: members in a slab, found by a table and, in order, by an index. Nothing but these
 * two points at a member's record, so records are moved together as in a database.
 *
 * A member's record is one of `record.ts`, the member its key and the score where an expiry stands:
 *
 * ```
 *  header, 8 bytes   [extension, 8 bytes]   score, float64   member
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import { Dict } from "../memory/dict.ts";
import { evacuateAfterWrite } from "../memory/evacuate.ts";
import type { Records } from "../memory/records.ts";
import type { StoredObject } from "../memory/stored_object.ts";
import { type Entry, HAS_EXPIRE, SEGMENT_SHIFT, UNIT_MASK, ValueType } from "../memory/record.ts";
import { ScoreIndex } from "./score_index.ts";
import { Slab } from "../memory/slab.ts";
import { floatIndex, freeRecord, keyRefOf, makeKeyedRecord } from "../memory/slab_record.ts";

/** Work on the slab's victim that each write pays for, in units. A move costs a search of the index. */
const EVACUATE_UNITS = 64;
const MAX_EVACUATE_UNITS = 65536;

/** Header of a member's record: the score stands where other records have their expiry. */
const MEMBER_KIND: number = ValueType.ZSET | HAS_EXPIRE;

/** Gets a member and its score; the bytes are borrowed. */
export type MemberVisitor = (bytes: Uint8Array, start: number, end: number, score: number) => void;

/** Seeds of the tables of one keyspace. */
export interface Seeds {
  /** Low half. */
  readonly seed0: number;
  /** High half. */
  readonly seed1: number;
}

/** See the module's text. Members' entries are valid until the next write. */
export class ZsetTable implements StoredObject {
  readonly #seeds: Seeds;
  readonly #slab: Slab = new Slab();
  readonly #dict: Dict;
  readonly #index: ScoreIndex;
  readonly #ref: BytesRef = new BytesRef();
  // The hash of the last `find`: `insert` puts the member where that ended.
  #hash: number = 0;

  /** Empty. */
  constructor(seeds: Seeds) {
    this.#seeds = { seed0: seeds.seed0, seed1: seeds.seed1 };
    this.#dict = new Dict(this.#slab, seeds.seed0, seeds.seed1);
    this.#index = new ScoreIndex(this.#slab);
  }

  /** How many members there are. */
  get size(): number {
    return this.#index.size;
  }

  /** Bytes held. */
  get memoryBytes(): number {
    return this.#slab.reservedBytes + this.#dict.bytes + this.#index.bytes;
  }

  /** An independent copy. */
  copy(): ZsetTable {
    const copy = new ZsetTable(this.#seeds);
    copy.expand(this.size);
    this.each(
      0,
      this.size,
      false,
      (bytes, start, end, score) => copy.set(bytes, start, end, score),
    );
    return copy;
  }

  /** Prepares for `count` members: a hint, bounded. */
  expand(count: number): void {
    this.#dict.expand(count);
  }

  /** The entry of a member, 0 when there is none. */
  find(bytes: Uint8Array, start: number, end: number): Entry {
    this.#hash = this.#dict.hashOf(bytes, start, end);
    return this.#dict.find(this.#hash, bytes, start, end);
  }

  /** The score of an entry. */
  scoreOf(entry: Entry): number {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    return this.#slab.floats[slot][floatIndex(unit, this.#slab.words[slot][unit << 1])];
  }

  /** Points `out` at an entry's member. */
  memberRef(entry: Entry, out: BytesRef): void {
    keyRefOf(this.#slab, entry, out);
  }

  /** Adds a member that the `find` just before did not find. */
  insert(bytes: Uint8Array, start: number, end: number, score: number): void {
    assert(score === score, "a score is a number");
    const entry = makeKeyedRecord(this.#slab, MEMBER_KIND, bytes, start, end, 0, 0, score);
    this.#dict.insert(this.#hash, entry);
    this.#index.insert(score, entry);
    this.#payForCompaction();
  }

  /**
   * Adds a member to a set that is being loaded, quickest from the highest to the lowest, as snapshots
   * hold them; {@linkcode loaded} is to be called before anything else.
   *
   * @returns False when the member was there already.
   */
  load(bytes: Uint8Array, start: number, end: number, score: number): boolean {
    if (this.find(bytes, start, end) !== 0) return false;
    const entry = makeKeyedRecord(this.#slab, MEMBER_KIND, bytes, start, end, 0, 0, score);
    this.#dict.insert(this.#hash, entry);
    if (this.#index.size > 0 || !this.#index.prepend(score, entry)) {
      this.#index.settle();
      this.#index.insert(score, entry);
    }
    return true;
  }

  /** Ends what {@linkcode load} began. */
  loaded(): void {
    this.#index.settle();
  }

  /** Gives an entry another score. */
  setScore(entry: Entry, score: number): void {
    assert(score === score, "a score is a number");
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    this.#index.remove(this.scoreOf(entry), entry);
    this.#slab.floats[slot][floatIndex(unit, this.#slab.words[slot][unit << 1])] = score;
    this.#index.insert(score, entry);
    this.#payForCompaction();
  }

  /** Adds a member or gives it another score; true when it is new. */
  set(bytes: Uint8Array, start: number, end: number, score: number): boolean {
    const entry = this.find(bytes, start, end);
    if (entry === 0) this.insert(bytes, start, end, score);
    else this.setScore(entry, score);
    return entry === 0;
  }

  /** Takes an entry's member out. */
  removeEntry(entry: Entry): void {
    this.#index.remove(this.scoreOf(entry), entry);
    this.#discard(entry);
    this.#payForCompaction();
  }

  /** Takes out `count` members from `rank` on. */
  removeRange(rank: number, count: number): void {
    this.#index.removeRange(rank, count, (_score, entry) => this.#discard(entry));
    this.#payForCompaction();
  }

  /** How many members come before an entry's. */
  rankOf(entry: Entry): number {
    return this.#index.rankOf(this.scoreOf(entry), entry);
  }

  /** How many members have a score below `score`, or with `inclusive` no higher one. */
  countBelow(score: number, inclusive: boolean): number {
    return this.#index.countBelow(score, inclusive);
  }

  /** How many members are below one, or with `inclusive` up to it; all scores should be equal. */
  countBelowMember(bytes: Uint8Array, start: number, end: number, inclusive: boolean): number {
    return this.#index.countBelowKey(bytes, start, end, inclusive);
  }

  /** Visits `count` members from `rank` on, upwards or downwards; `visit` must not write. */
  each(rank: number, count: number, reverse: boolean, visit: MemberVisitor): void {
    const ref = this.#ref;
    this.#index.each(rank, count, reverse, (score, entry) => {
      this.memberRef(entry, ref);
      visit(ref.bytes, ref.start, ref.end, score);
    });
  }

  /** One step of a ZSCAN, as `Records.scan`. */
  scan(cursor: number, visit: (entry: Entry) => void): number {
    return this.#dict.scan(cursor, visit);
  }

  /** Some entry, each as likely as any other; there must be one. */
  random(random: () => number): Entry {
    let found: Entry = 0;
    const rank = Math.min(Math.floor(random() * this.size), this.size - 1);
    this.#index.each(rank, 1, false, (_score, entry) => found = entry);
    return found;
  }

  /** Told by the compaction that a record is in another place. */
  relocate(from: Entry, to: Entry): void {
    this.#dict.relocate(from, to);
    this.#index.relocate(this.scoreOf(to), from, to);
  }

  /** Takes a record that is not in the index any more out of table and slab. */
  #discard(entry: Entry): void {
    this.#dict.remove(this.#dict.hashOfEntry(entry), entry);
    freeRecord(this.#slab, entry);
  }

  #payForCompaction(): void {
    evacuateAfterWrite(this.#slab, this, EVACUATE_UNITS, MAX_EVACUATE_UNITS);
  }
}

/** The table of a sorted set, undefined while its members are a listpack in its record. */
export function zsetTableOf(db: Records, entry: Entry): ZsetTable | undefined {
  return db.objectOf(entry) as ZsetTable | undefined;
}

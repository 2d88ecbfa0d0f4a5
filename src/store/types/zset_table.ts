/**
 * A sorted set of many or long members: records in a slab, found by a table and, in order, by an index. As
 * in Redis, where a dict and a skiplist share the elements (`server.h zset`): ZSCORE goes by the one,
 * ranges and ranks by the other.
 *
 * A member is a record's key; its score stands where other records have their expiry:
 *
 * ```
 *  header, 8 bytes   [extension, 8 bytes]   score, float64   member
 * ```
 *
 * Nothing but table and index points at a record, so records are moved together, and both are told, as
 * those of a database are (`memory/evacuate.ts`).
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

/** Units of the segment being emptied that each write moves at least: every record costs a search, too. */
const EVACUATE_UNITS = 64;
/** The most units that one write moves, 512 KB. */
const MAX_EVACUATE_UNITS = 65536;

/** Kind of a member's record: it has a number, which is the score. */
const MEMBER_KIND: number = ValueType.ZSET | HAS_EXPIRE;

/** Called with a member and its score; the bytes are borrowed. */
export type MemberVisitor = (bytes: Uint8Array, start: number, end: number, score: number) => void;

/** The secret seeds by which the tables of one keyspace hash. */
export interface Seeds {
  /** The low half, a u32. */
  readonly seed0: number;
  /** The high half, a u32. */
  readonly seed1: number;
  /** Most units of 8 bytes by which a slab grows at once; 16 MB unless told. */
  readonly segmentUnits?: number;
}

/** Members in records, by name and in order. An entry is valid until the next write. */
export class ZsetTable implements StoredObject {
  readonly #seeds: Seeds;
  readonly #slab: Slab = new Slab();
  readonly #dict: Dict;
  readonly #index: ScoreIndex;
  readonly #ref: BytesRef = new BytesRef();
  // The hash of the last `find`: `insert` puts its member where that search ended.
  #hash: number = 0;

  /** Makes a sorted set without members. */
  constructor(seeds: Seeds) {
    const { seed0, seed1, segmentUnits } = seeds;
    this.#seeds = { seed0, seed1, segmentUnits };
    if (segmentUnits !== undefined) this.#slab.segmentUnits = segmentUnits;
    this.#dict = new Dict(this.#slab, seeds.seed0, seeds.seed1);
    this.#index = new ScoreIndex(this.#slab);
  }

  /** How many members there are. */
  get size(): number {
    return this.#index.size;
  }

  /** Bytes of the slab, the table and the index. */
  get memoryBytes(): number {
    return this.#slab.reservedBytes + this.#dict.bytes + this.#index.bytes;
  }

  /** An independent copy. O(n log n). */
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

  /** Makes the table ready for `count` members: a hint, bounded. */
  expand(count: number): void {
    this.#dict.expand(count);
  }

  /** The entry of a member, 0 when there is none. O(1). */
  find(bytes: Uint8Array, start: number, end: number): Entry {
    this.#hash = this.#dict.hashOf(bytes, start, end);
    return this.#dict.find(this.#hash, bytes, start, end);
  }

  /** The score of the member of an entry. */
  scoreOf(entry: Entry): number {
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    return this.#slab.floats[slot][floatIndex(unit, this.#slab.words[slot][unit << 1])];
  }

  /** Points `out` at the member of an entry, in the slab. */
  memberRef(entry: Entry, out: BytesRef): void {
    keyRefOf(this.#slab, entry, out);
  }

  /** Adds a member for which {@linkcode ZsetTable.find} was called just before, and answered 0. */
  insert(bytes: Uint8Array, start: number, end: number, score: number): void {
    assert(score === score, "a score is a number");
    const entry = makeKeyedRecord(this.#slab, MEMBER_KIND, bytes, start, end, 0, 0, score);
    this.#dict.insert(this.#hash, entry);
    this.#index.insert(score, entry);
    this.#payForCompaction();
  }

  /**
   * Adds a member to a sorted set that is being loaded. It is quickest from the highest score to the
   * lowest, which is the order of a snapshot. {@linkcode ZsetTable.loaded} must be called before
   * anything else.
   *
   * @returns False, and nothing added, when the member was there already.
   */
  load(bytes: Uint8Array, start: number, end: number, score: number): boolean {
    assert(score === score, "a score is a number");
    if (this.find(bytes, start, end) !== 0) return false;
    const entry = makeKeyedRecord(this.#slab, MEMBER_KIND, bytes, start, end, 0, 0, score);
    this.#dict.insert(this.#hash, entry);
    if (this.#index.size > 0 || !this.#index.prepend(score, entry)) {
      // Out of order: what came so far becomes the index, to which the rest is added one by one.
      this.#index.settle();
      this.#index.insert(score, entry);
    }
    return true;
  }

  /** Ends the loading: members are in order from then on. */
  loaded(): void {
    this.#index.settle();
    assert(this.#index.size === this.#dict.size, "every member is in table and index");
  }

  /** Gives the member of an entry another score. The entry stays where it is. */
  setScore(entry: Entry, score: number): void {
    assert(score === score, "a score is a number");
    const slot = entry >>> SEGMENT_SHIFT;
    const unit = entry & UNIT_MASK;
    this.#index.remove(this.scoreOf(entry), entry);
    this.#slab.floats[slot][floatIndex(unit, this.#slab.words[slot][unit << 1])] = score;
    this.#index.insert(score, entry);
    this.#payForCompaction();
  }

  /** Adds a member, or gives it another score; true when it is new. */
  set(bytes: Uint8Array, start: number, end: number, score: number): boolean {
    const entry = this.find(bytes, start, end);
    if (entry === 0) this.insert(bytes, start, end, score);
    else this.setScore(entry, score);
    return entry === 0;
  }

  /** Removes the member of an entry. */
  removeEntry(entry: Entry): void {
    this.#index.remove(this.scoreOf(entry), entry);
    this.#discard(entry);
    this.#payForCompaction();
  }

  /** Removes `count` members from `rank` on, all of which must be there. */
  removeRange(rank: number, count: number): void {
    this.#index.removeRange(rank, count, (_score, entry) => this.#discard(entry));
    this.#payForCompaction();
  }

  /** The rank of the member of an entry, from 0 on. O(log n). */
  rankOf(entry: Entry): number {
    return this.#index.rankOf(this.scoreOf(entry), entry);
  }

  /** How many members have a score below `score`, or with `inclusive` up to it. O(log n). */
  countBelow(score: number, inclusive: boolean): number {
    return this.#index.countBelow(score, inclusive);
  }

  /** How many members are below one, or with `inclusive` up to it: defined where all scores are equal. */
  countBelowMember(bytes: Uint8Array, start: number, end: number, inclusive: boolean): number {
    return this.#index.countBelowKey(bytes, start, end, inclusive);
  }

  /** Visits `count` members from `rank` on, upwards or downwards: all must be there. `visit` must not write. */
  each(rank: number, count: number, reverse: boolean, visit: MemberVisitor): void {
    const ref = this.#ref;
    this.#index.each(rank, count, reverse, (score, entry) => {
      this.memberRef(entry, ref);
      visit(ref.bytes, ref.start, ref.end, score);
    });
  }

  /** One step of a ZSCAN: as {@linkcode Records.scan}. */
  scan(cursor: number, visit: (entry: Entry) => void): number {
    return this.#dict.scan(cursor, visit);
  }

  /** Draws an entry, each as likely as any other; there must be one. */
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

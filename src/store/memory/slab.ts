/**
 * The byte arena of one database: records of any length, allocated, freed and, where too much of a
 * segment is free, moved together. It knows lengths, not keys.
 *
 * Memory comes in segments of at most 16 MB, each under one of 2,048 slots; a pointer is slot and unit
 * (8 bytes). The current segment is filled from its start and, while it is smaller than 16 MB, doubled
 * by copying: pointers are places, not addresses, so they stay valid, and a small database costs
 * little. A record that no segment can hold gets a buffer of its own that occupies as many slots as
 * it is long. Freed blocks go on lists by length: one list a length up to 128 units, eight a doubling
 * above. They are reused whole or split; they are not joined. What that leaves behind is undone by
 * evacuation: the emptiest segment becomes the *victim*, its records are moved by and by (by
 * `evacuate.ts`, which knows the table that points at them), and it is given back whole.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { allocate, allocateWords, StoreFullError } from "./allocate.ts";
import {
  blockUnitsAt,
  FREE,
  LISTED,
  MIN_UNITS,
  SEGMENT_SHIFT,
  SEGMENT_UNITS,
  TYPE_MASK,
  UNIT_MASK,
} from "./record.ts";

const MAX_SLOTS: number = 1 << (32 - SEGMENT_SHIFT);
/** 256 bytes: large collections of few elements have a slab each. */
const FIRST_UNITS = 32;
/** Lengths up to this have a list each. */
const EXACT_UNITS = 128;
const EXACT_LOG = 7;
/** Lists there is room for once a block is freed. */
const FIRST_LISTS = 32;
/** How many blocks of a list of unequal lengths are tried before a longer list is. */
const FIRST_FIT_TRIES = 8;
/** Waste below this (256 KB) is left alone. */
const MIN_WASTE_UNITS = 32768;

const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_WORDS: Int32Array = new Int32Array(0);
const NO_FLOATS: Float64Array = new Float64Array(0);

/** A block found by {@linkcode Slab.walk}. */
export type BlockVisitor = (pointer: number, units: number, free: boolean) => void;

/** See the module's text. Pointers are those of `record.ts`. */
export class Slab {
  /** Each slot's bytes; empty where a slot is unused or covered by the buffer before it. */
  readonly bytes: Uint8Array[] = [NO_BYTES];
  /** The same memory as header words. */
  readonly words: Int32Array[] = [NO_WORDS];
  /** The same memory as expiries: one float64 a unit. */
  readonly floats: Float64Array[] = [NO_FLOATS];
  /** Units of the block that `allocate` returned last: at least what was asked for. */
  allocatedUnits: number = 0;
  /** The slot being emptied, -1 when none is. */
  victim: number = -1;
  /** The next unit of the victim to be looked at. */
  victimUnit: number = 0;
  /** Units allocated and freed since the evacuation was last paid for. */
  debtUnits: number = 0;

  #capacity: number[] = [0];
  #live: number[] = [0];
  #oversize: number[] = [0];
  // As many as the longest block freed so far has needed.
  #heads: Int32Array = NO_WORDS;
  #nonEmpty: Int32Array = NO_WORDS;
  #listedBlocks: number = 0;
  #current: number = -1;
  #bump: number = 0;
  #limit: number = 0;
  #used: number = 0;
  #reserved: number = 0;
  #oversizeReserved: number = 0;
  #oversizeUsed: number = 0;

  /** Bytes in live records, their slack included. */
  get usedBytes(): number {
    return this.#used * 8;
  }

  /** Bytes in segments. */
  get reservedBytes(): number {
    return this.#reserved * 8;
  }

  /** Bytes that are neither in a record nor still to be handed out for the first time. */
  get wastedBytes(): number {
    return (this.#reserved - this.#used - (this.#limit - this.#bump)) * 8;
  }

  /**
   * A block of at least `units`; see `allocatedUnits`. Its old content is undefined.
   *
   * @throws {StoreFullError} When 32 GB are in use.
   * @throws {RangeError} When the runtime has no memory left.
   */
  allocate(units: number): number {
    if (units < MIN_UNITS) units = MIN_UNITS;
    if (units > SEGMENT_UNITS - 1) return this.#allocateOversize(units);
    if (this.#listedBlocks !== 0) {
      const found = this.#takeFitting(units);
      if (found !== 0) return found;
    }
    if (this.#bump + units > this.#limit) {
      const found = this.#listedBlocks === 0 ? 0 : this.#takeSplit(units);
      if (found !== 0) return found;
      this.#extend(units);
    }
    const unit = this.#bump;
    this.#bump = unit + units;
    this.#account(this.#current, units);
    this.allocatedUnits = units;
    return ((this.#current << SEGMENT_SHIFT) | unit) >>> 0;
  }

  /** Gives back a block of `units`, as long as it was when allocated. */
  free(pointer: number, units: number): void {
    const slot = pointer >>> SEGMENT_SHIFT;
    if (this.#oversize[slot] !== 0) {
      this.#freeOversize(slot, units);
      return;
    }
    this.forget(slot, units);
    this.debtUnits += units;
    this.#putFree(slot, pointer & UNIT_MASK, units);
    if (this.victim < 0 && this.#isWasteful()) this.chooseVictim(1);
  }

  /** Units of the record at `pointer` are live no longer; the block itself is left as it is. */
  forget(slot: number, units: number): void {
    this.#live[slot] -= units;
    this.#used -= units;
    assert(this.#live[slot] >= 0, "a segment has no less than nothing live");
  }

  /**
   * Makes the emptiest segment the victim, unless one is being emptied already.
   *
   * @param maxShare Segments of which this share or more is live are left alone.
   * @returns Whether there is a victim now.
   */
  chooseVictim(maxShare: number): boolean {
    if (this.victim >= 0) return true;
    let best = -1;
    let bestShare = maxShare;
    for (let slot = 0; slot < this.#capacity.length; slot++) {
      if (this.#capacity[slot] === 0 || this.#oversize[slot] !== 0) continue;
      const untouched = slot === this.#current ? this.#limit - this.#bump : 0;
      const touched = this.#capacity[slot] - untouched;
      const share = this.#live[slot] / touched;
      if (touched > 1 && share < bestShare) {
        best = slot;
        bestShare = share;
      }
    }
    if (best < 0) return false;
    if (best === this.#current) this.#retire();
    this.victim = best;
    this.victimUnit = best === 0 ? 1 : 0;
    this.debtUnits = 0;
    return true;
  }

  /** Whether a part of the victim has not been looked at. */
  get victimRemains(): boolean {
    return this.victimUnit < this.#capacity[this.victim];
  }

  /** Takes a free block the evacuation has come across off its list. */
  passFree(unit: number): void {
    const words = this.words[this.victim];
    const word = unit << 1;
    if ((words[word] & LISTED) !== 0) this.#unlink(this.victim, unit, words[word + 1]);
  }

  /** Gives the emptied victim back, and names the next one if waste still calls for it. */
  dropVictim(): void {
    const slot = this.victim;
    assert(this.#live[slot] === 0, "nothing lives in an emptied segment");
    this.#reserved -= this.#capacity[slot];
    this.#setSlot(slot, NO_BYTES, 0);
    this.victim = -1;
    if (this.#isWasteful()) this.chooseVictim(1);
  }

  /** Visits every block, live and free, segment by segment. For audits: takes time. */
  walk(visit: BlockVisitor): void {
    for (let slot = 0; slot < this.#capacity.length; slot++) {
      const end = slot === this.#current ? this.#bump : this.#capacity[slot];
      let unit = slot === 0 ? 1 : 0;
      if (slot === this.victim) unit = this.victimUnit;
      while (unit < end) {
        const words = this.words[slot];
        const units = blockUnitsAt(words, unit << 1);
        assert(units > 0 && unit + units <= end, "a block ends inside its segment");
        const free = (words[unit << 1] & TYPE_MASK) === FREE;
        visit(((slot << SEGMENT_SHIFT) | unit) >>> 0, units, free);
        unit += units;
      }
    }
  }

  /** Live units of each slot, for audits. */
  liveUnits(): readonly number[] {
    return this.#live;
  }

  #account(slot: number, units: number): void {
    this.#live[slot] += units;
    this.#used += units;
    this.debtUnits += units;
  }

  /** More than a quarter of what is used lies idle in ordinary segments. */
  #isWasteful(): boolean {
    const used = this.#used - this.#oversizeUsed;
    const idle = this.#reserved - this.#oversizeReserved - used - (this.#limit - this.#bump);
    return idle > (used >>> 2) + MIN_WASTE_UNITS;
  }

  // Lists of free blocks.

  /** A block of the same length or, for long ones, of nearly the same; 0 when none is at hand. */
  #takeFitting(units: number): number {
    const list = classOf(units);
    if (list >= this.#heads.length) return 0;
    let pointer = this.#heads[list] >>> 0;
    for (let tries = 0; pointer !== 0 && tries < FIRST_FIT_TRIES; tries++) {
      const slot = pointer >>> SEGMENT_SHIFT;
      const unit = pointer & UNIT_MASK;
      const words = this.words[slot];
      const length = words[(unit << 1) + 1];
      const next = words[(unit << 1) + 2] >>> 0;
      if (slot === this.victim) {
        this.#unlink(slot, unit, length);
      } else if (length >= units) {
        return this.#takeBlock(slot, unit, length, units);
      }
      pointer = next;
    }
    return 0;
  }

  /** Part of a longer block; 0 when there is none. */
  #takeSplit(units: number): number {
    let list = this.#nextNonEmpty(classOf(units) + 1);
    while (list >= 0) {
      const pointer = this.#heads[list] >>> 0;
      const slot = pointer >>> SEGMENT_SHIFT;
      const unit = pointer & UNIT_MASK;
      const length = this.words[slot][(unit << 1) + 1];
      if (slot !== this.victim) return this.#takeBlock(slot, unit, length, units);
      this.#unlink(slot, unit, length);
      list = this.#nextNonEmpty(list);
    }
    return 0;
  }

  #takeBlock(slot: number, unit: number, length: number, units: number): number {
    this.#unlink(slot, unit, length);
    if (length - units >= MIN_UNITS) {
      this.#putFree(slot, unit + units, length - units);
    } else {
      units = length;
    }
    this.#account(slot, units);
    this.allocatedUnits = units;
    return ((slot << SEGMENT_SHIFT) | unit) >>> 0;
  }

  /** Writes a free block's header and lists it, unless it is too short or about to be evacuated. */
  #putFree(slot: number, unit: number, units: number): void {
    const words = this.words[slot];
    const word = unit << 1;
    words[word + 1] = units;
    if (units < MIN_UNITS || slot === this.victim) {
      words[word] = FREE;
      return;
    }
    const list = classOf(units);
    if (list >= this.#heads.length) this.#addLists(list);
    const head = this.#heads[list] >>> 0;
    const pointer = (slot << SEGMENT_SHIFT) | unit;
    words[word] = FREE | LISTED;
    words[word + 2] = head;
    if (head !== 0) this.words[head >>> SEGMENT_SHIFT][((head & UNIT_MASK) << 1) + 3] = pointer;
    this.#heads[list] = pointer;
    this.#nonEmpty[list >>> 5] |= 1 << (list & 31);
    this.#listedBlocks++;
  }

  /** Takes a block off its list. A head's link back is stale and never read: that spares a cache miss. */
  #unlink(slot: number, unit: number, units: number): void {
    const words = this.words[slot];
    const word = unit << 1;
    const next = words[word + 2] >>> 0;
    const list = classOf(units);
    words[word] = FREE;
    this.#listedBlocks--;
    if (this.#heads[list] === ((slot << SEGMENT_SHIFT) | unit)) {
      this.#heads[list] = next;
      if (next === 0) this.#nonEmpty[list >>> 5] &= ~(1 << (list & 31));
      return;
    }
    const previous = words[word + 3] >>> 0;
    this.words[previous >>> SEGMENT_SHIFT][((previous & UNIT_MASK) << 1) + 2] = next;
    if (next !== 0) {
      this.words[next >>> SEGMENT_SHIFT][((next & UNIT_MASK) << 1) + 3] = previous;
    }
  }

  #addLists(list: number): void {
    let lists = Math.max(this.#heads.length, FIRST_LISTS);
    while (lists <= list) lists *= 2;
    const heads = allocateWords(lists);
    const nonEmpty = allocateWords(lists >>> 5);
    heads.set(this.#heads);
    nonEmpty.set(this.#nonEmpty);
    this.#heads = heads;
    this.#nonEmpty = nonEmpty;
  }

  #nextNonEmpty(list: number): number {
    let group = list >>> 5;
    if (group >= this.#nonEmpty.length) return -1;
    let bits = this.#nonEmpty[group] & (-1 << (list & 31));
    while (bits === 0) {
      if (++group === this.#nonEmpty.length) return -1;
      bits = this.#nonEmpty[group];
    }
    return (group << 5) + 31 - Math.clz32(bits & -bits);
  }

  // Segments.

  /** Makes room for `units` in the current segment: a larger one or the next. */
  #extend(units: number): void {
    if (this.victim < 0 && this.#isWasteful() && this.chooseVictim(1)) {
      if (this.#bump + units <= this.#limit) return;
    }
    const needed = this.#bump + units;
    if (this.#limit > 0 && this.#limit < SEGMENT_UNITS && needed <= SEGMENT_UNITS) {
      this.#growCurrent(needed);
    } else {
      this.#openSegment(units);
    }
  }

  #growCurrent(needed: number): void {
    let capacity = this.#limit * 2;
    while (capacity < needed) capacity *= 2;
    const slot = this.#current;
    const bytes = new Uint8Array(allocate(capacity * 8));
    bytes.set(this.bytes[slot]);
    this.#reserved += capacity - this.#limit;
    this.#setSlot(slot, bytes, capacity);
    this.#limit = capacity;
  }

  /** Opens the next segment: as large as what is in use, within bounds. */
  #openSegment(units: number): void {
    let capacity = FIRST_UNITS;
    const aim = Math.min(Math.max(units + 1, this.#used), SEGMENT_UNITS);
    while (capacity < aim) capacity *= 2;
    const slot = this.#findSlots(0, 1);
    const bytes = new Uint8Array(allocate(capacity * 8));
    this.#retire();
    this.#setSlot(slot, bytes, capacity);
    this.#reserved += capacity;
    this.#current = slot;
    this.#bump = slot === 0 ? 1 : 0;
    this.#limit = capacity;
  }

  /** Closes the current segment: what is left of it becomes a free block. */
  #retire(): void {
    const slot = this.#current;
    const unit = this.#bump;
    const rest = this.#limit - unit;
    this.#current = -1;
    this.#bump = 0;
    this.#limit = 0;
    if (rest > 0) this.#putFree(slot, unit, rest);
  }

  #setSlot(slot: number, bytes: Uint8Array, capacity: number): void {
    const buffer = bytes.buffer;
    this.bytes[slot] = bytes;
    this.words[slot] = capacity === 0 ? NO_WORDS : new Int32Array(buffer);
    this.floats[slot] = capacity === 0 ? NO_FLOATS : new Float64Array(buffer);
    this.#capacity[slot] = capacity;
    this.#oversize[slot] = 0;
  }

  /** The first of `count` unused slots in a row, none below `first`. */
  #findSlots(first: number, count: number): number {
    let run = 0;
    for (let slot = first; slot < MAX_SLOTS; slot++) {
      if (slot >= this.#capacity.length) this.#addSlot();
      const unused = this.#capacity[slot] === 0 && this.#oversize[slot] === 0;
      run = unused ? run + 1 : 0;
      if (run === count) return slot - count + 1;
    }
    throw new StoreFullError("Database has outgrown the 32 GB its pointers can reach");
  }

  #addSlot(): void {
    this.bytes.push(NO_BYTES);
    this.words.push(NO_WORDS);
    this.floats.push(NO_FLOATS);
    this.#capacity.push(0);
    this.#live.push(0);
    this.#oversize.push(0);
  }

  // Records longer than a segment. `#oversize` holds the slot count at the first slot, -1 at the rest.

  #allocateOversize(units: number): number {
    const count = Math.ceil(units / SEGMENT_UNITS);
    const slot = this.#findSlots(1, count);
    this.#setSlot(slot, new Uint8Array(allocate(units * 8)), units);
    this.#oversize[slot] = count;
    for (let i = 1; i < count; i++) this.#oversize[slot + i] = -1;
    this.#reserved += units;
    this.#oversizeReserved += units;
    this.#oversizeUsed += units;
    this.#account(slot, units);
    this.allocatedUnits = units;
    return (slot << SEGMENT_SHIFT) >>> 0;
  }

  #freeOversize(slot: number, units: number): void {
    assert(units === this.#capacity[slot], "an oversize block is its whole buffer");
    const count = this.#oversize[slot];
    this.forget(slot, units);
    this.#reserved -= units;
    this.#oversizeReserved -= units;
    this.#oversizeUsed -= units;
    for (let i = 0; i < count; i++) this.#setSlot(slot + i, NO_BYTES, 0);
  }
}

/** The list that blocks of `units` are on: every block there is at least as long as its class's start. */
function classOf(units: number): number {
  if (units <= EXACT_UNITS) return units;
  const log = 31 - Math.clz32(units);
  return EXACT_UNITS + 1 + ((log - EXACT_LOG) << 3) + ((units >>> (log - 3)) & 7);
}

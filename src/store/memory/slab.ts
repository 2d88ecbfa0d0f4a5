/**
 * The byte arena of one set of records: blocks of any length, allocated, freed and, where too much of a
 * segment is free, moved together. It knows lengths, not keys.
 *
 * ```
 *  pointer   | slot, 11 bits | unit, 21 bits |         unit: 8 bytes; slot 0 unit 0 is never used, 0 is "none"
 *
 *  slot 0    [ record | record | free | record ]       full, 16 MB
 *  slot 1    [ record | free | free | record   ]       the victim: being evacuated from its start
 *  slot 2    [ record | record |  untouched    ]       the current one, filled up to #bump
 *  slot 3    [ record of 40 MB .............. ]        oversize: a buffer of its own, covers slots 3 to 5
 * ```
 *
 * Memory comes in segments of at most 16 MB, each under one of 2,048 slots. The current segment is filled
 * from its start and, while it is smaller than 8 MB, doubled by copying: pointers are places, not
 * addresses, so they stay valid, and a small collection costs little. A larger one is left as it is, as
 * copying it would hold the event loop for milliseconds: the next one is as large as all before. A record
 * that no segment can hold gets a buffer of its own, which occupies as many slots as it is long.
 *
 * Freed blocks go on lists by length: one list a length up to 128 units, eight a doubling above. They are
 * reused whole or split, and never joined: joining would need a look at the neighbours of every block
 * that is freed. The fragmentation which that leaves behind is undone by evacuation: the emptiest segment
 * becomes the *victim*, `evacuate.ts`, which knows the table that points at records, moves its records a
 * few at a time, and it is given back whole.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { allocate, allocateWords, StoreFullError } from "./allocate.ts";
import { FREE, LISTED, MIN_UNITS, SEGMENT_SHIFT, SEGMENT_UNITS, UNIT_MASK } from "./record.ts";

/** 2,048: a 32-bit pointer reaches 32 GB. */
const MAX_SLOTS: number = 1 << (32 - SEGMENT_SHIFT);
/** The first segment has 256 bytes, as every large hash, set and sorted set has a slab of its own. */
const FIRST_UNITS = 32;
/** A segment of as many units (8 MB) or more is not copied to become a larger one. */
const COPIED_UNITS = 1 << 20;
/** Blocks of up to this many units have a list for each length. */
const EXACT_UNITS = 128;
/** `log2(EXACT_UNITS)`: the first doubling that has eight lists. */
const EXACT_LOG = 7;
/** Lists allocated when the first block is freed; doubled for longer blocks. */
const FIRST_LISTS = 32;
/** Blocks of a list tried before a longer list is, where the lengths in one list differ. */
const FIRST_FIT_TRIES = 8;
/** Waste below this many units (256 KB) is left alone: moving it would gain no segment. */
const MIN_WASTE_UNITS = 32768;

const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_WORDS: Int32Array = new Int32Array(0);
const NO_FLOATS: Float64Array = new Float64Array(0);

/** Segments with blocks, live and free. */
export class Slab {
  /** Bytes of each slot; empty where a slot is unused or covered by an oversize buffer below it. */
  readonly bytes: Uint8Array[] = [NO_BYTES];
  /** The same memory as int32: headers of records and of free blocks. */
  readonly words: Int32Array[] = [NO_WORDS];
  /** The same memory as float64, one a unit: expiries and scores. */
  readonly floats: Float64Array[] = [NO_FLOATS];
  /** Units of the block that `allocate` returned last: what was asked for, or one more. */
  allocatedUnits: number = 0;
  /** The slot being evacuated, -1 when none is. Nothing is allocated there. */
  victim: number = -1;
  /** The next unit of the victim to be looked at: all before it are moved or free. */
  victimUnit: number = 0;
  /** Units allocated and freed since evacuation was last paid for: writers pay in proportion. */
  debtUnits: number = 0;
  /** A segment has at most this many units, a power of two, and a block that needs more a buffer of its own: 16 MB. */
  segmentUnits: number = SEGMENT_UNITS;

  // By slot: units of its buffer, units in live blocks, and slots that an oversize buffer covers.
  #capacity: number[] = [0];
  #live: number[] = [0];
  #oversize: number[] = [0];
  // By list: its first block, and a bit that says it has one.
  #heads: Int32Array = NO_WORDS;
  #nonEmpty: Int32Array = NO_WORDS;
  #listedBlocks: number = 0;
  // The current slot, -1 for none; its first untouched unit; its length in units.
  #current: number = -1;
  #bump: number = 0;
  #limit: number = 0;
  #used: number = 0;
  #reserved: number = 0;
  #oversizeReserved: number = 0;
  #oversizeUsed: number = 0;

  /** Bytes in live blocks, the slack of records included. */
  get usedBytes(): number {
    return this.#used * 8;
  }

  /** Bytes of all segments. */
  get reservedBytes(): number {
    return this.#reserved * 8;
  }

  /** Bytes that were handed out and are in no live block now. */
  get wastedBytes(): number {
    return (this.#reserved - this.#used - (this.#limit - this.#bump)) * 8;
  }

  /**
   * Hands out a block of `units`, or one unit more (see `allocatedUnits`). Its content is undefined.
   *
   * @throws {StoreFullError} When 32 GB are in use.
   * @throws {RangeError} When the runtime has no memory left.
   */
  allocate(units: number): number {
    if (units < MIN_UNITS) units = MIN_UNITS;
    if (units >= this.segmentUnits) return this.#allocateOversize(units);
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
    assert(
      this.#current >= 0 && this.#bump <= this.#limit,
      "the block lies in the current segment",
    );
    this.#account(this.#current, units);
    this.allocatedUnits = units;
    return ((this.#current << SEGMENT_SHIFT) | unit) >>> 0;
  }

  /** Takes back a block, of as many units as it had when it was allocated. May choose a victim. */
  free(pointer: number, units: number): void {
    const slot = pointer >>> SEGMENT_SHIFT;
    assert(pointer !== 0 && units <= this.#capacity[slot], "a block lies in a segment");
    if (this.#oversize[slot] !== 0) {
      this.#freeOversize(slot, units);
      return;
    }
    this.forget(slot, units);
    this.debtUnits += units;
    this.#putFree(slot, pointer & UNIT_MASK, units);
    if (this.victim < 0 && this.#isWasteful()) this.chooseVictim(1);
  }

  /** Counts units of a slot as live no longer, as its records move away; the block is left as it is. */
  forget(slot: number, units: number): void {
    this.#live[slot] -= units;
    this.#used -= units;
    assert(this.#live[slot] >= 0, "no more units die than were live");
  }

  /**
   * Makes the segment with the smallest share of live units the victim, unless there is one already.
   *
   * @param maxShare Segments of which this share or more is live are left alone; 1 allows any.
   * @returns Whether there is a victim now.
   */
  chooseVictim(maxShare: number): boolean {
    if (this.victim >= 0) return true;
    let best = -1;
    let bestShare = maxShare;
    for (let slot = 0; slot < this.#capacity.length; slot++) {
      if (this.#capacity[slot] === 0 || this.#oversize[slot] !== 0) continue;
      const filled = this.filledUnits(slot);
      const share = this.#live[slot] / filled;
      if (filled > 1 && share < bestShare) {
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

  /** Units of a slot that have been handed out: blocks, live and free, lie end to end up to there. */
  filledUnits(slot: number): number {
    return slot === this.#current ? this.#bump : this.#capacity[slot];
  }

  /** Whether part of the victim is still to be looked at. */
  get victimRemains(): boolean {
    return this.victimUnit < this.#capacity[this.victim];
  }

  /** Takes a free block at `unit` of the victim off its list. */
  passFree(unit: number): void {
    const words = this.words[this.victim];
    const word = unit << 1;
    if ((words[word] & LISTED) !== 0) this.#unlink(this.victim, unit, words[word + 1]);
  }

  /** Gives the empty victim's memory back, and chooses the next victim if there is still much waste. */
  dropVictim(): void {
    const slot = this.victim;
    assert(slot >= 0 && slot !== this.#current, "there is a victim, which nothing is allocated in");
    assert(this.#live[slot] === 0, "a victim is dropped when all its records are moved");
    this.#reserved -= this.#capacity[slot];
    this.#setSlot(slot, NO_BYTES, 0);
    this.victim = -1;
    if (this.#isWasteful()) this.chooseVictim(1);
  }

  /** Counts units of a new block. */
  #account(slot: number, units: number): void {
    this.#live[slot] += units;
    this.#used += units;
    this.debtUnits += units;
  }

  /** Whether ordinary segments waste more than a quarter of what they use: evacuation is worth its time. */
  #isWasteful(): boolean {
    const used = this.#used - this.#oversizeUsed;
    const idle = this.#reserved - this.#oversizeReserved - used - (this.#limit - this.#bump);
    return idle > (used >>> 2) + MIN_WASTE_UNITS;
  }

  // Lists of free blocks. A list is doubly linked, and its head's link back is never read.

  /** A block from the list of that length; 0 when none fits. Blocks of the victim leave the list. */
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

  /** The first part of a block from a list of longer ones; 0 when there is none. */
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

  /** Unlists a block and makes it live; what is left beyond `units` becomes a free block again. */
  #takeBlock(slot: number, unit: number, length: number, units: number): number {
    assert(length >= units, "a block is as long as what is asked for");
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

  /** Writes a free block's header and lists it, unless it is too short for links or lies in the victim. */
  #putFree(slot: number, unit: number, units: number): void {
    assert(units > 0 && unit + units <= this.#capacity[slot], "a free block lies in its segment");
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

  /** Takes a block off its list. A new head's link back stays stale: writing it would be a cache miss. */
  #unlink(slot: number, unit: number, units: number): void {
    const words = this.words[slot];
    const word = unit << 1;
    const next = words[word + 2] >>> 0;
    const list = classOf(units);
    assert((words[word] & LISTED) !== 0 && this.#listedBlocks > 0, "the block is on a list");
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

  /** Makes room for lists up to `list`. */
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

  /** The first list from `list` on that has a block, by the lowest bit set; -1 for none. */
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

  /** Makes room for `units` in the current segment: grows it or opens the next, if need be. */
  #extend(units: number): void {
    // The current segment may become the victim itself: then there is no current one any more.
    if (this.victim < 0 && this.#isWasteful()) this.chooseVictim(1);
    const needed = this.#bump + units;
    const copied = Math.min(COPIED_UNITS, this.segmentUnits);
    if (this.#limit > 0 && this.#limit < copied && needed <= SEGMENT_UNITS) {
      this.#growCurrent(needed);
    } else {
      this.#openSegment(units);
    }
  }

  /** Doubles the current segment until it has `needed` units, and copies what is there. */
  #growCurrent(needed: number): void {
    let capacity = this.#limit * 2;
    while (capacity < needed) capacity *= 2;
    assert(capacity <= SEGMENT_UNITS, "a segment is doubled up to 16 MB");
    const slot = this.#current;
    const bytes = new Uint8Array(allocate(capacity * 8));
    bytes.set(this.bytes[slot]);
    this.#reserved += capacity - this.#limit;
    this.#setSlot(slot, bytes, capacity);
    this.#limit = capacity;
  }

  /** Opens the next segment, as large as all that is in use, so that slabs double; at most `segmentUnits`. */
  #openSegment(units: number): void {
    let capacity = FIRST_UNITS;
    const aim = Math.max(units + 1, Math.min(this.#used, this.segmentUnits));
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

  /** Closes the current segment: its untouched rest becomes a free block. */
  #retire(): void {
    const slot = this.#current;
    const unit = this.#bump;
    const rest = this.#limit - unit;
    this.#current = -1;
    this.#bump = 0;
    this.#limit = 0;
    if (rest > 0) this.#putFree(slot, unit, rest);
  }

  /** Puts a buffer, or none, under a slot. */
  #setSlot(slot: number, bytes: Uint8Array, capacity: number): void {
    const buffer = bytes.buffer;
    this.bytes[slot] = bytes;
    this.words[slot] = capacity === 0 ? NO_WORDS : new Int32Array(buffer);
    this.floats[slot] = capacity === 0 ? NO_FLOATS : new Float64Array(buffer);
    this.#capacity[slot] = capacity;
    this.#oversize[slot] = 0;
  }

  /** The first of `count` unused slots in a row from `first` on; adds slots at the end. */
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

  // Blocks longer than a segment. `#oversize` holds the number of slots at the first one, -1 at the rest.

  /** Hands out a buffer of its own. Slot 0 is left to ordinary segments, so the pointer is not 0. */
  #allocateOversize(units: number): number {
    const count = Math.ceil(units / SEGMENT_UNITS);
    const slot = this.#findSlots(1, count);
    assert(slot > 0 && count > 0, "slot 0 is left to ordinary segments");
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

  /** Gives a buffer of its own back to the runtime at once. */
  #freeOversize(slot: number, units: number): void {
    assert(units === this.#capacity[slot], "an oversize block is freed whole");
    const count = this.#oversize[slot];
    this.forget(slot, units);
    this.#reserved -= units;
    this.#oversizeReserved -= units;
    this.#oversizeUsed -= units;
    for (let i = 0; i < count; i++) this.#setSlot(slot + i, NO_BYTES, 0);
  }
}

/**
 * The list that blocks of `units` are on: `units` itself up to 128, then eight lists a doubling, by the
 * three bits below the highest. All blocks of one list differ by less than an eighth.
 */
function classOf(units: number): number {
  if (units <= EXACT_UNITS) return units;
  const log = 31 - Math.clz32(units);
  return EXACT_UNITS + 1 + ((log - EXACT_LOG) << 3) + ((units >>> (log - 3)) & 7);
}

/**
 * Memory of one length for each element of a vector set, numbered: its vector, what belongs to the vector, and
 * its place in the list of elements. Slots lie in segments that are never moved or copied once they are full,
 * so that no insertion takes longer the more there are.
 *
 * ```text
 *   slot   vector, filled up to 4 bytes | length f32 | range f32 | next | previous | order low | high
 *
 *   first ──next──▶ slot ──▶ slot ──▶ NO_SLOT     the youngest first, as `hnsw_add_node` links them
 *   free  ──next──▶ slot ──▶ NO_SLOT              order 0
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { allocate } from "../memory/allocate.ts";
import { type Quant, vectorBytes, type VectorMemory, vectorMemory } from "./vector_quant.ts";

/** Stands for no slot at all. */
export const NO_SLOT: number = 0xffffffff;

/** Segments are as long as this allows, at least one slot: zeroing one takes some microseconds. */
const SEGMENT_BYTES = 1 << 18;
/** Slots of the first segment of a small set; it doubles until it is full. */
const FIRST_SLOTS = 2;
const TWO_32 = 2 ** 32;

/** What stands behind the vector, in words of 4 bytes. */
const LENGTH = 0;
const RANGE = 1;
const NEXT = 2;
const PREVIOUS = 3;
const ORDER_LOW = 4;
const ORDER_HIGH = 5;
const TAIL_WORDS = 6;

/** The slots of one vector set. */
export class VectorSlots {
  /** Bytes of one vector. */
  readonly vectorBytes: number;
  /** The slot of the youngest element, {@linkcode NO_SLOT} when there is none. */
  first: number = NO_SLOT;
  /** How many elements there are. */
  size: number = 0;
  readonly #segments: VectorMemory[] = [];
  readonly #stride: number;
  readonly #tail: number; // words from the beginning of a slot to its length
  readonly #shift: number;
  readonly #mask: number;
  #capacity: number = 0;
  #used: number = 0; // slots handed out at least once
  #free: number = NO_SLOT;
  #order: number = 0;
  #bytes: number = 0;

  /** Makes slots for vectors of that form. */
  constructor(quant: Quant, dim: number) {
    this.vectorBytes = vectorBytes(quant, dim);
    this.#tail = Math.ceil(this.vectorBytes / 4);
    this.#stride = (this.#tail + TAIL_WORDS) * 4;
    this.#shift = Math.max(0, Math.floor(Math.log2(SEGMENT_BYTES / this.#stride)));
    this.#mask = (1 << this.#shift) - 1;
  }

  /** Bytes of all segments. */
  get memoryBytes(): number {
    return this.#bytes;
  }

  /** The segment that a slot lies in. */
  memoryOf(slot: number): VectorMemory {
    return this.#segments[slot >>> this.#shift];
  }

  /** Byte offset of a slot's vector in its segment, a multiple of 4. */
  offsetOf(slot: number): number {
    return (slot & this.#mask) * this.#stride;
  }

  /** The length that the vector was divided by. */
  lengthOf(slot: number): number {
    return this.memoryOf(slot).floats[this.#tailOf(slot) + LENGTH];
  }

  /** The range of a vector in Q8. */
  rangeOf(slot: number): number {
    return this.memoryOf(slot).floats[this.#tailOf(slot) + RANGE];
  }

  /** Sets what belongs to a vector. */
  setScale(slot: number, length: number, range: number): void {
    const { floats } = this.memoryOf(slot);
    const tail = this.#tailOf(slot);
    floats[tail + LENGTH] = length;
    floats[tail + RANGE] = range;
  }

  /** Length and range as 8 bytes in a snapshot: two floats, as two words. */
  scaleWords(slot: number): readonly [length: number, range: number] {
    const { words } = this.memoryOf(slot);
    const tail = this.#tailOf(slot);
    return [words[tail + LENGTH], words[tail + RANGE]];
  }

  /** Sets length and range from the words of a snapshot. */
  setScaleWords(slot: number, length: number, range: number): void {
    const { words } = this.memoryOf(slot);
    const tail = this.#tailOf(slot);
    words[tail + LENGTH] = length;
    words[tail + RANGE] = range;
  }

  /** The slot of the next older element, {@linkcode NO_SLOT} behind the oldest. */
  next(slot: number): number {
    return this.memoryOf(slot).words[this.#tailOf(slot) + NEXT];
  }

  /** The slot of the next younger element, {@linkcode NO_SLOT} before the youngest. */
  previous(slot: number): number {
    return this.memoryOf(slot).words[this.#tailOf(slot) + PREVIOUS];
  }

  /** A number that is larger the younger the element is; 0 of a slot that is free. */
  orderOf(slot: number): number {
    const { words } = this.memoryOf(slot);
    const tail = this.#tailOf(slot);
    return words[tail + ORDER_HIGH] * TWO_32 + words[tail + ORDER_LOW];
  }

  /** Takes a slot for the youngest element. Its vector holds anything. */
  add(): number {
    const slot = this.#take();
    const { words } = this.memoryOf(slot);
    const tail = this.#tailOf(slot);
    const order = ++this.#order;
    words[tail + NEXT] = this.first;
    words[tail + PREVIOUS] = NO_SLOT;
    words[tail + ORDER_LOW] = order >>> 0;
    words[tail + ORDER_HIGH] = Math.floor(order / TWO_32);
    if (this.first !== NO_SLOT) this.#setWord(this.first, PREVIOUS, slot);
    this.first = slot;
    this.size++;
    return slot;
  }

  /** Gives a slot back: its element is gone. */
  remove(slot: number): void {
    assert(this.orderOf(slot) !== 0, "a slot is given back once");
    const next = this.next(slot);
    const previous = this.previous(slot);
    if (previous === NO_SLOT) this.first = next;
    else this.#setWord(previous, NEXT, next);
    if (next !== NO_SLOT) this.#setWord(next, PREVIOUS, previous);
    this.#setWord(slot, ORDER_LOW, 0);
    this.#setWord(slot, ORDER_HIGH, 0);
    this.#setWord(slot, NEXT, this.#free);
    this.#free = slot;
    this.size--;
  }

  #tailOf(slot: number): number {
    return (this.offsetOf(slot) >>> 2) + this.#tail;
  }

  #setWord(slot: number, word: number, value: number): void {
    this.memoryOf(slot).words[this.#tailOf(slot) + word] = value;
  }

  #take(): number {
    const slot = this.#free;
    if (slot !== NO_SLOT) {
      this.#free = this.next(slot);
      return slot;
    }
    if (this.#used === this.#capacity) this.#grow();
    return this.#used++;
  }

  /** Doubles the last segment while it is shorter than the others are, or begins another. */
  #grow(): void {
    const most = this.#mask + 1;
    const isFull = (this.#capacity & this.#mask) === 0;
    const last = isFull ? undefined : this.#segments.pop();
    const before = last === undefined ? 0 : this.#capacity & this.#mask;
    const isFirst = this.#segments.length === 0;
    const slots = !isFirst ? most : Math.min(most, Math.max(FIRST_SLOTS, before * 2));
    const memory = vectorMemory(allocate(Math.ceil(slots * this.#stride / 8) * 8));
    if (last !== undefined) memory.bytes.set(last.bytes.subarray(0, before * this.#stride));
    this.#segments.push(memory);
    this.#capacity += slots - before;
    this.#bytes += (slots - before) * this.#stride;
  }
}

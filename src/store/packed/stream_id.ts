/**
 * Ids of stream entries, and tables sorted by them. An id is twice 64 bits, and all of them are used:
 * it is four words here, never a number.
 *
 * @module
 */

import { writeInteger } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";

const TWO_32 = 4294967296;
/** Rows of a block: an insertion moves no more than half of them. */
const BLOCK_ROWS = 128;
const FIRST_ROWS = 4;
/** So many digits are a number that is exact. */
const EXACT_DIGITS = 15;
/** Longest text of an id: two numbers of 20 digits and the dash. */
export const MAX_ID_TEXT = 41;

/** Counters and times beyond it are held as it, so that sums of them stay exact. No server comes there. */
const MOST: number = 2 ** 52;

/** A counter, or milliseconds, within what is exact. */
export function bounded(value: number): number {
  return Math.max(-MOST, Math.min(value, MOST));
}

/** A mutable id; unsigned 32-bit words. */
export class StreamId {
  msHigh: number;
  msLow: number;
  seqHigh: number;
  seqLow: number;

  /** 0-0 unless told. */
  constructor(msHigh: number = 0, msLow: number = 0, seqHigh: number = 0, seqLow: number = 0) {
    this.msHigh = msHigh;
    this.msLow = msLow;
    this.seqHigh = seqHigh;
    this.seqLow = seqLow;
  }

  /** Takes another's value. */
  set(other: StreamId): void {
    this.msHigh = other.msHigh;
    this.msLow = other.msLow;
    this.seqHigh = other.seqHigh;
    this.seqLow = other.seqLow;
  }

  /** Takes four words. */
  setWords(msHigh: number, msLow: number, seqHigh: number, seqLow: number): void {
    this.msHigh = msHigh;
    this.msLow = msLow;
    this.seqHigh = seqHigh;
    this.seqLow = seqLow;
  }

  /** Milliseconds below 2^53 and sequence 0. */
  setMillis(ms: number): void {
    this.setWords(Math.floor(ms / TWO_32), ms >>> 0, 0, 0);
  }

  /** The largest there is. */
  setMax(): void {
    this.setWords(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff);
  }

  /** 16 bytes, big endian. */
  setBytes(bytes: Uint8Array, at: number): void {
    this.setWords(word(bytes, at), word(bytes, at + 4), word(bytes, at + 8), word(bytes, at + 12));
  }

  /** Writes 16 bytes, big endian. */
  writeBytes(bytes: Uint8Array, at: number): void {
    writeWord(bytes, at, this.msHigh);
    writeWord(bytes, at + 4, this.msLow);
    writeWord(bytes, at + 8, this.seqHigh);
    writeWord(bytes, at + 12, this.seqLow);
  }

  /** Below, at or above 0 as this one is before, the same as or after the other. */
  compare(other: StreamId): number {
    return (this.msHigh - other.msHigh) || (this.msLow - other.msLow) ||
      (this.seqHigh - other.seqHigh) || (this.seqLow - other.seqLow);
  }

  /** Whether it is 0-0. */
  get isZero(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0;
  }

  /** Whether there is none after it. */
  get isMax(): boolean {
    return (this.msHigh & this.msLow & this.seqHigh & this.seqLow) === -1;
  }

  /** Whether there is none of its millisecond after it. */
  get isMaxSequence(): boolean {
    return (this.seqHigh & this.seqLow) === -1;
  }

  /** Whether both are of one millisecond. */
  sameMillis(other: StreamId): boolean {
    return this.msHigh === other.msHigh && this.msLow === other.msLow;
  }

  /** The next one; false, and nothing changed, after the last. */
  increment(): boolean {
    if (this.isMax) return false;
    this.seqLow = (this.seqLow + 1) >>> 0;
    if (this.seqLow === 0) this.seqHigh = (this.seqHigh + 1) >>> 0;
    if ((this.seqLow | this.seqHigh) !== 0) return true;
    this.msLow = (this.msLow + 1) >>> 0;
    if (this.msLow === 0) this.msHigh = (this.msHigh + 1) >>> 0;
    return true;
  }

  /** The one before; false, and nothing changed, before 0-0. */
  decrement(): boolean {
    if (this.isZero) return false;
    if ((this.seqLow | this.seqHigh) === 0) {
      if (this.msLow === 0) this.msHigh = (this.msHigh - 1) >>> 0;
      this.msLow = (this.msLow - 1) >>> 0;
    }
    if (this.seqLow === 0) this.seqHigh = (this.seqHigh - 1) >>> 0;
    this.seqLow = (this.seqLow - 1) >>> 0;
    return true;
  }

  /** Writes `ms-seq`, at most {@linkcode MAX_ID_TEXT} bytes; returns the offset after it. */
  writeText(target: Uint8Array, at: number): number {
    const dash = writeUnsigned(target, at, this.msHigh, this.msLow);
    target[dash] = 0x2d;
    return writeUnsigned(target, dash + 1, this.seqHigh, this.seqLow);
  }

  /** `ms-seq`. */
  toString(): string {
    return `${unsignedText(this.msHigh, this.msLow)}-${unsignedText(this.seqHigh, this.seqLow)}`;
  }

  /** One of its own. */
  copy(): StreamId {
    return new StreamId(this.msHigh, this.msLow, this.seqHigh, this.seqLow);
  }
}

/** The integer that the last successful {@linkcode parseUnsigned} read: two unsigned 32-bit words. */
export const parseUnsignedResult = { high: 0, low: 0 };

/**
 * Reads an unsigned 64-bit integer as `strtoull` does, leading zeros, spaces and a plus included.
 *
 * @returns Whether it is one; it is then in {@linkcode parseUnsignedResult}.
 */
export function parseUnsigned(bytes: Uint8Array, start: number, end: number): boolean {
  let pos = start;
  while (pos < end && (bytes[pos] === 0x20 || (bytes[pos] >= 9 && bytes[pos] <= 13))) pos++;
  if (pos < end && bytes[pos] === 0x2b) pos++;
  if (pos === end) return false;
  if (end - pos <= EXACT_DIGITS) return parseShort(bytes, pos, end);
  let high = 0;
  let low = 0;
  for (; pos < end; pos++) {
    const digit = bytes[pos] - 0x30;
    if (digit < 0 || digit > 9) return false;
    const sum = low * 10 + digit;
    low = sum % TWO_32;
    high = high * 10 + Math.floor(sum / TWO_32);
    if (high >= TWO_32) return false;
  }
  parseUnsignedResult.high = high;
  parseUnsignedResult.low = low;
  return true;
}

function parseShort(bytes: Uint8Array, start: number, end: number): boolean {
  let value = 0;
  for (let pos = start; pos < end; pos++) {
    const digit = bytes[pos] - 0x30;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  parseUnsignedResult.high = Math.floor(value / TWO_32);
  parseUnsignedResult.low = value >>> 0;
  return true;
}

/** A row's place in an {@linkcode IdTable}, valid until the next change there. */
export class IdPlace {
  block: number = 0;
  row: number = 0;
}

interface Block<T> {
  /** Four words a row. */
  ids: Uint32Array;
  /** The columns of a row, one row after the other. */
  numbers: Float64Array;
  /** One a row; empty in a table without. */
  readonly values: T[];
  count: number;
}

/**
 * Rows sorted by id, each with a few numbers and perhaps an object: blocks of rows in typed arrays under
 * an array of blocks. Appending, and removing at the head, is O(1); anywhere else a block is moved.
 */
export class IdTable<T = never> {
  readonly #columns: number;
  readonly #blocks: Block<T>[] = [];
  #size: number = 0;

  /** @param columns Numbers of a row. */
  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Rows. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the arrays; what the objects hold is not counted. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const block of this.#blocks) {
      bytes += block.ids.byteLength + block.numbers.byteLength + 8 * block.values.length + 64;
    }
    return bytes;
  }

  /** Points at the row of an id; false when there is none. */
  find(id: StreamId, place: IdPlace): boolean {
    if (!this.seek(id, place)) return false;
    const { ids } = this.#blocks[place.block];
    return compareRow(ids, place.row, id) === 0;
  }

  /** Points at the first row not before `id`; false when there is none. */
  seek(id: StreamId, place: IdPlace): boolean {
    const blocks = this.#blocks;
    let block = this.#blockOf(id);
    if (block < 0) block = 0;
    if (block >= blocks.length) return false;
    const { ids, count } = blocks[block];
    const row = lowerBound(ids, count, id);
    place.block = row === count ? block + 1 : block;
    place.row = row === count ? 0 : row;
    return place.block < blocks.length;
  }

  /** Points at the last row not after `id`; false when there is none. */
  seekBack(id: StreamId, place: IdPlace): boolean {
    const block = this.#blockOf(id);
    if (block < 0 || this.#size === 0) return false;
    const { ids, count } = this.#blocks[block];
    let row = lowerBound(ids, count, id);
    if (row === count || compareRow(ids, row, id) !== 0) row--;
    place.block = block;
    place.row = row;
    return true;
  }

  /** Points at the first row; false when there is none. */
  first(place: IdPlace): boolean {
    place.block = 0;
    place.row = 0;
    return this.#size > 0;
  }

  /** Points at the last row; false when there is none. */
  last(place: IdPlace): boolean {
    if (this.#size === 0) return false;
    place.block = this.#blocks.length - 1;
    place.row = this.#blocks[place.block].count - 1;
    return true;
  }

  /** Points at the next row; false after the last. */
  next(place: IdPlace): boolean {
    if (++place.row < this.#blocks[place.block].count) return true;
    place.row = 0;
    return ++place.block < this.#blocks.length;
  }

  /** Points at the row before; false before the first. */
  previous(place: IdPlace): boolean {
    if (place.row-- > 0) return true;
    if (place.block-- === 0) return false;
    place.row = this.#blocks[place.block].count - 1;
    return true;
  }

  /** Reads a row's id. */
  readId(place: IdPlace, out: StreamId): void {
    const { ids } = this.#blocks[place.block];
    const at = place.row << 2;
    out.setWords(ids[at], ids[at + 1], ids[at + 2], ids[at + 3]);
  }

  /** A row's number. */
  getNumber(place: IdPlace, column: number): number {
    return this.#blocks[place.block].numbers[place.row * this.#columns + column];
  }

  /** Sets a row's number. */
  setNumber(place: IdPlace, column: number, value: number): void {
    this.#blocks[place.block].numbers[place.row * this.#columns + column] = value;
  }

  /** A row's object. */
  valueAt(place: IdPlace): T {
    return this.#blocks[place.block].values[place.row];
  }

  /** Adds a row, its numbers 0, and points at it; false, pointing at the row there is, when there is one. */
  add(id: StreamId, place: IdPlace, value?: T): boolean {
    const blocks = this.#blocks;
    let index = this.#blockOf(id);
    if (index < 0) index = 0;
    if (index === blocks.length) blocks.push(this.#newBlock());
    let block = blocks[index];
    let row = lowerBound(block.ids, block.count, id);
    place.block = index;
    place.row = row;
    if (row < block.count && compareRow(block.ids, row, id) === 0) return false;
    if (block.count === BLOCK_ROWS) {
      const isTail = row === BLOCK_ROWS && index === blocks.length - 1;
      const from = isTail ? BLOCK_ROWS : BLOCK_ROWS >> 1;
      blocks.splice(index + 1, 0, this.#split(block, from));
      if (row > from || isTail) {
        index++;
        row -= from;
        block = blocks[index];
      }
    }
    this.#open(block, row, id, value);
    this.#size++;
    place.block = index;
    place.row = row;
    return true;
  }

  /** Removes a row; the place then is that of the next one, and true when there is one. */
  removeAt(place: IdPlace): boolean {
    const blocks = this.#blocks;
    const block = blocks[place.block];
    const columns = this.#columns;
    const { row } = place;
    assert(row < block.count, "a row that is removed is there");
    block.ids.copyWithin(row << 2, (row + 1) << 2, block.count << 2);
    block.numbers.copyWithin(row * columns, (row + 1) * columns, block.count * columns);
    if (block.values.length > 0) block.values.splice(row, 1);
    block.count--;
    this.#size--;
    if (block.count === 0) blocks.splice(place.block, 1);
    else if (row < block.count) return true;
    else place.block++;
    place.row = 0;
    return place.block < blocks.length;
  }

  /** Removes the row of an id; false when there is none. */
  remove(id: StreamId, place: IdPlace): boolean {
    if (!this.find(id, place)) return false;
    this.removeAt(place);
    return true;
  }

  /** An independent copy; `copyValue` copies the objects. */
  copy(copyValue: (value: T) => T): IdTable<T> {
    const copy = new IdTable<T>(this.#columns);
    for (const { ids, numbers, values, count } of this.#blocks) {
      copy.#blocks.push({
        ids: ids.slice(),
        numbers: numbers.slice(),
        values: values.map(copyValue),
        count,
      });
    }
    copy.#size = this.#size;
    return copy;
  }

  /** Index of the last block that begins at or before an id; -1 before all, 0 in an empty table. */
  #blockOf(id: StreamId): number {
    const blocks = this.#blocks;
    if (blocks.length === 0) return 0;
    const last = blocks.length - 1;
    if (compareRow(blocks[last].ids, 0, id) <= 0) return last;
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareRow(blocks[middle].ids, 0, id) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #newBlock(): Block<T> {
    return {
      ids: new Uint32Array(4 * FIRST_ROWS),
      numbers: new Float64Array(this.#columns * FIRST_ROWS),
      values: [],
      count: 0,
    };
  }

  /** Moves the rows from one on into a block of their own. */
  #split(block: Block<T>, from: number): Block<T> {
    const columns = this.#columns;
    const count = block.count - from;
    if (count === 0) return this.#newBlock();
    const ids = new Uint32Array(4 * BLOCK_ROWS);
    const numbers = new Float64Array(columns * BLOCK_ROWS);
    ids.set(block.ids.subarray(from << 2, block.count << 2));
    numbers.set(block.numbers.subarray(from * columns, block.count * columns));
    const values = block.values.splice(from);
    block.count = from;
    return { ids, numbers, values, count };
  }

  #open(block: Block<T>, row: number, id: StreamId, value: T | undefined): void {
    const columns = this.#columns;
    const { count } = block;
    if (count << 2 === block.ids.length) {
      const ids = new Uint32Array(block.ids.length * 2);
      const numbers = new Float64Array(block.numbers.length * 2);
      ids.set(block.ids);
      numbers.set(block.numbers);
      block.ids = ids;
      block.numbers = numbers;
    }
    const { ids, numbers } = block;
    if (row < count) {
      ids.copyWithin((row + 1) << 2, row << 2, count << 2);
      numbers.copyWithin((row + 1) * columns, row * columns, count * columns);
    }
    const at = row << 2;
    ids[at] = id.msHigh;
    ids[at + 1] = id.msLow;
    ids[at + 2] = id.seqHigh;
    ids[at + 3] = id.seqLow;
    numbers.fill(0, row * columns, (row + 1) * columns);
    if (value !== undefined) {
      if (row === count) block.values.push(value);
      else block.values.splice(row, 0, value);
    }
    block.count++;
  }
}

function compareRow(ids: Uint32Array, row: number, id: StreamId): number {
  const at = row << 2;
  return (ids[at] - id.msHigh) || (ids[at + 1] - id.msLow) || (ids[at + 2] - id.seqHigh) ||
    (ids[at + 3] - id.seqLow);
}

/** The first of `count` rows that is not before `id`. */
function lowerBound(ids: Uint32Array, count: number, id: StreamId): number {
  if (count === 0 || compareRow(ids, count - 1, id) < 0) return count;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareRow(ids, middle, id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function writeUnsigned(target: Uint8Array, at: number, high: number, low: number): number {
  if (high < 0x200000) return writeInteger(target, at, high * TWO_32 + low);
  const text = unsignedText(high, low);
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
  return at + text.length;
}

function unsignedText(high: number, low: number): string {
  if (high < 0x200000) return String(high * TWO_32 + low);
  return String((BigInt(high) << 32n) | BigInt(low));
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

function writeWord(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = value >>> (24 - 8 * i);
}

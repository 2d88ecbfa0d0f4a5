/**
 * Tables sorted by stream id, each row with a few numbers and perhaps an object. A stream's nodes are one,
 * a group's pending entries another, each consumer's a third. Redis has a radix tree of 16-byte keys for
 * each (`rax.c`), whose nodes would be objects here; a row is no object but 16 bytes and its numbers.
 *
 * ```
 *  table   [ block | block | block | ... ]          ids ascend within blocks and from block to block
 *  block   count      rows in use, 1 to 128
 *          ids        msHigh msLow seqHigh seqLow | msHigh ...      Uint32Array
 *          numbers    column 0, column 1 ... | column 0 ...         Float64Array
 *          values     object | object ...                           or empty
 * ```
 *
 * A search is binary over the blocks' first ids, then over one block's rows. A full block is cut in
 * halves, or, at the table's end, followed by an empty one, so that ids that ascend fill their blocks.
 * A block without rows goes; neighbours are not joined.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { StreamId } from "./stream_id.ts";

/** Rows of a full block: an insertion moves no more than these, and a split half of them. */
const BLOCK_ROWS = 128;
/** Rows that a table's first block has room for: most tables are a consumer's and stay small. */
const FIRST_ROWS = 4;
/** Bytes of one block's objects, about. */
const BLOCK_BYTES = 64;

/** A row's place in an {@linkcode IdTable}, valid until rows are added or removed there. */
export class IdPlace {
  /** Index of the block. */
  block: number = 0;
  /** Index of the row in its block. */
  row: number = 0;
}

/** A run of neighbouring rows, 1 to {@linkcode BLOCK_ROWS} of them. */
interface Block<T> {
  /** Four words a row, as in the drawing. */
  ids: Uint32Array;
  /** The columns of a row, one row after the other. */
  numbers: Float64Array;
  /** One a row; empty in a table without objects. */
  readonly values: T[];
  count: number;
}

/** Rows in order of their ids; see the drawing at the top. */
export class IdTable<T = never> {
  readonly #columns: number;
  readonly #blocks: Block<T>[] = [];
  #size: number = 0;

  /**
   * A table without rows.
   *
   * @param columns How many numbers a row has beside its id.
   */
  constructor(columns: number) {
    this.#columns = columns;
  }

  /** How many rows there are. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the arrays and blocks; what a row's object holds is not counted. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const block of this.#blocks) {
      bytes += block.ids.byteLength + block.numbers.byteLength + 8 * block.values.length +
        BLOCK_BYTES;
    }
    return bytes;
  }

  /** Points at the row of an id, in O(log n); false when there is none. */
  find(id: StreamId, place: IdPlace): boolean {
    if (!this.seek(id, place)) return false;
    const { ids } = this.#blocks[place.block];
    return compareRow(ids, place.row, id) === 0;
  }

  /** Points at the first row whose id is not below `id` (`raxSeek` with ">="); false when there is none. */
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

  /** Points at the last row whose id is not above `id` (`raxSeek` with "<="); false when there is none. */
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

  /** Points at the row with the lowest id; false when there is none. */
  first(place: IdPlace): boolean {
    place.block = 0;
    place.row = 0;
    return this.#size > 0;
  }

  /** Points at the row with the highest id; false when there is none. */
  last(place: IdPlace): boolean {
    if (this.#size === 0) return false;
    place.block = this.#blocks.length - 1;
    place.row = this.#blocks[place.block].count - 1;
    return true;
  }

  /** Points at the next row; false after the last, where the place is no row's. */
  next(place: IdPlace): boolean {
    if (++place.row < this.#blocks[place.block].count) return true;
    place.row = 0;
    return ++place.block < this.#blocks.length;
  }

  /** Points at the row before; false before the first, where the place is no row's. */
  previous(place: IdPlace): boolean {
    if (place.row-- > 0) return true;
    if (place.block-- === 0) return false;
    place.row = this.#blocks[place.block].count - 1;
    return true;
  }

  /** Copies a row's id to `out`. */
  readId(place: IdPlace, out: StreamId): void {
    const { ids } = this.#blocks[place.block];
    const at = place.row << 2;
    out.setWords(ids[at], ids[at + 1], ids[at + 2], ids[at + 3]);
  }

  /** The number of a row in a column. */
  getNumber(place: IdPlace, column: number): number {
    return this.#blocks[place.block].numbers[place.row * this.#columns + column];
  }

  /** Changes the number of a row in a column. */
  setNumber(place: IdPlace, column: number, value: number): void {
    this.#blocks[place.block].numbers[place.row * this.#columns + column] = value;
  }

  /** The object of a row, in a table that has objects. */
  valueAt(place: IdPlace): T {
    return this.#blocks[place.block].values[place.row];
  }

  /**
   * Adds a row, its numbers 0, and points at it. O(1) behind the last row, else a block is moved.
   *
   * @param value The row's object: given for every row of a table, or for none.
   * @returns False, and nothing added, when the id has a row already: `place` then points at that.
   */
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
    assert(block.count <= BLOCK_ROWS, "a block is within its limit");
    place.block = index;
    place.row = row;
    return true;
  }

  /**
   * Removes the row at `place`, which then points at the next one. O(1) at the table's head, as a whole
   * block goes once its rows have.
   *
   * @returns Whether there is a next one.
   */
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
    assert(this.#size >= 0, "no more rows go than there were");
    if (block.count === 0) blocks.splice(place.block, 1);
    else if (row < block.count) return true;
    else place.block++;
    place.row = 0;
    return place.block < blocks.length;
  }

  /** Removes the row of an id; false when there is none. `place` is written over. */
  remove(id: StreamId, place: IdPlace): boolean {
    if (!this.find(id, place)) return false;
    this.removeAt(place);
    return true;
  }

  /** An independent copy, in which each row has what `copyValue` makes of its object. */
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

  /** Index of the last block that begins at or below an id; -1 when none does, 0 in an empty table. */
  #blockOf(id: StreamId): number {
    const blocks = this.#blocks;
    if (blocks.length === 0) return 0;
    const last = blocks.length - 1;
    // Ids of entries, and of deliveries mostly, ascend.
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

  /** Moves the rows from `from` on to a block of their own, which may be empty. */
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

  /** Puts a row into a block that has room or grows. */
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

/** Order of a row's id and `id`, as a number below, at or above 0: the highest word that differs tells. */
function compareRow(ids: Uint32Array, row: number, id: StreamId): number {
  const at = row << 2;
  return (ids[at] - id.msHigh) || (ids[at + 1] - id.msLow) || (ids[at + 2] - id.seqHigh) ||
    (ids[at + 3] - id.seqLow);
}

/** Index of the first of `count` rows that is not below `id`; `count` when all are. */
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

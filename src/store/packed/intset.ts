/**
 * Redis's intset, byte for byte as `intset.c` has it: a set of integers as a sorted array, each as wide as
 * the widest needs. A set of nothing but integers is one, in memory as in a snapshot.
 *
 * ```
 *  u32 LE    width of an element in bytes: 2, 4 or 8 (`INTSET_ENC_INT16`, `_INT32`, `_INT64`)
 *  u32 LE    count of elements
 *  elements  width bytes each, LE, two's complement, strictly ascending
 * ```
 *
 * A member is found by binary search, and nothing is spent on an element but its own bytes. The price is
 * paid by changes: one moves all elements behind it, O(n), so `set-max-intset-entries` (512) bounds the
 * count. An element that does not fit makes all of them wider (`intsetUpgradeAndAdd`); they never become
 * narrower again, which a snapshot shows.
 *
 * The functions here take bytes and own none: what may grow is a `Region`. They trust the bytes; those of
 * unknown origin are for {@linkcode intsetCheck}. An integer is two halves of 32 bits, as numbers are
 * inexact beyond 2^53 and a BigInt allocates.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { BytesRef } from "../../base/byte_buffer.ts";
import { readInt32, writeInt32 } from "../../base/int32.ts";
import {
  formatInteger64,
  integer64Result,
  MAX_INTEGER_TEXT,
  parseInteger64,
  TextRing,
} from "./integer.ts";
import type { Region } from "./region.ts";

/** Bytes before the first element: width and count. */
const INTSET_HEADER = 8;
/** An intset without elements, as `intsetNew` makes it: of the least width. */
export const INTSET_EMPTY: Uint8Array = new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0]);

/** Texts of the elements that were read last. */
const texts = new TextRing();
/** An element in the 8 bytes that formatting takes. */
const wide = new Uint8Array(8);

/** The integer that {@linkcode isIntsetMember} or {@linkcode load} met last: signed halves. */
let low = 0;
let high = 0;

/** How many elements there are (`intsetLen`). O(1). */
export function intsetLength(bytes: Uint8Array, start: number): number {
  return readInt32(bytes, start + 4) >>> 0;
}

/**
 * Points `out` at the text of the element at `index` (`intsetGet`). It lies in a {@linkcode TextRing} of
 * this module and is valid until the fourth read after it.
 */
export function intsetRead(bytes: Uint8Array, start: number, index: number, out: BytesRef): void {
  load(bytes, start, index);
  writeInt32(wide, 0, low);
  writeInt32(wide, 4, high);
  const at = texts.next();
  out.set(texts.bytes, at, at + formatInteger64(wide, 0, texts.bytes, at));
}

/**
 * Looks up the integer that a text spells (`intsetFind`). O(log n).
 *
 * @returns Its index; -1 - i when it is not there and belongs at index i; NaN when the text spells none.
 */
export function intsetFind(
  bytes: Uint8Array,
  start: number,
  source: Uint8Array,
  from: number,
  to: number,
): number {
  return isIntsetMember(source, from, to) ? search(bytes, start) : NaN;
}

/** Whether a text can be an element: that of an int64 as Redis prints it (`isSdsRepresentableAsLongLong`). */
export function isIntsetMember(source: Uint8Array, from: number, to: number): boolean {
  if (to - from > MAX_INTEGER_TEXT || !parseInteger64(source, from, to)) return false;
  low = readInt32(integer64Result, 0);
  high = readInt32(integer64Result, 4);
  return true;
}

/**
 * Adds the integer that a text spells (`intsetAdd`). O(n).
 *
 * @param source The text: {@linkcode isIntsetMember} holds of it.
 * @returns False, and nothing has changed, when it was there.
 */
export function intsetAdd(region: Region, source: Uint8Array, from: number, to: number): boolean {
  const place = intsetFind(region.bytes, region.start, source, from, to);
  assert(place === place, "what is added is an integer");
  if (place >= 0) return false;
  const index = -1 - place;
  const ownLow = low;
  const ownHigh = high;
  const count = intsetLength(region.bytes, region.start);
  const old = region.bytes[region.start];
  const width = Math.max(widthOf(ownLow, ownHigh), old);
  assert(index <= count, "an element belongs among the others or behind them");
  if (width !== old) widen(region, width, count);
  const offset = INTSET_HEADER + index * width;
  region.resize(INTSET_HEADER + (count + 1) * width);
  const { bytes, start } = region;
  bytes.copyWithin(start + offset + width, start + offset, start + INTSET_HEADER + count * width);
  store(bytes, start, index, width, ownLow, ownHigh);
  writeInt32(bytes, start + 4, count + 1);
  assertLength(region);
  return true;
}

/** Deletes the integer that a text spells (`intsetRemove`); false when it was not there. O(n). */
export function intsetRemove(
  region: Region,
  source: Uint8Array,
  from: number,
  to: number,
): boolean {
  const index = intsetFind(region.bytes, region.start, source, from, to);
  // NaN too: a text that is no integer is no element.
  if (!(index >= 0)) return false;
  const { bytes, start, end } = region;
  const width = bytes[start];
  const at = start + INTSET_HEADER + index * width;
  assert(at + width <= end, "an element lies within its intset");
  bytes.copyWithin(at, at + width, end);
  const count = intsetLength(bytes, start) - 1;
  writeInt32(bytes, start + 4, count);
  region.resize(INTSET_HEADER + count * width);
  assertLength(region);
  return true;
}

/** Length of the longest element's text: that of the first or the last. `out` is written over. */
export function intsetLongest(bytes: Uint8Array, start: number, out: BytesRef): number {
  const count = intsetLength(bytes, start);
  if (count === 0) return 0;
  intsetRead(bytes, start, 0, out);
  const first = out.end - out.start;
  intsetRead(bytes, start, count - 1, out);
  return Math.max(first, out.end - out.start);
}

/**
 * Checks bytes of unknown origin to the last one, order included (`intsetValidateIntegrity` with deep
 * validation). An empty intset is refused: no server keeps one.
 *
 * @returns What is wrong, undefined when nothing is.
 */
export function intsetCheck(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start < INTSET_HEADER) return "intset is shorter than its header";
  const width = readInt32(bytes, start);
  if (width !== 2 && width !== 4 && width !== 8) return "intset has an unknown encoding";
  const count = intsetLength(bytes, start);
  if (count === 0) return "intset is empty";
  if (count * width !== end - start - INTSET_HEADER) {
    return "intset has another length than it says";
  }
  load(bytes, start, 0);
  for (let i = 1; i < count; i++) {
    const lastLow = low;
    const lastHigh = high;
    load(bytes, start, i);
    if (compare(lastLow, lastHigh, low, high) >= 0) return "intset is out of order";
  }
  return undefined;
}

/**
 * Binary search for the integer in `low` and `high`, which are the same afterwards.
 *
 * @returns Its index, or -1 - i when it is not there and belongs at index i.
 */
function search(bytes: Uint8Array, start: number): number {
  const ownLow = low;
  const ownHigh = high;
  let first = 0;
  let last = intsetLength(bytes, start) - 1;
  while (first <= last) {
    const middle = (first + last) >>> 1;
    load(bytes, start, middle);
    const order = compare(low, high, ownLow, ownHigh);
    if (order === 0) return middle;
    if (order < 0) first = middle + 1;
    else last = middle - 1;
  }
  low = ownLow;
  high = ownHigh;
  return -1 - first;
}

/**
 * Makes each of `count` elements `width` bytes wide. The last one goes first: an element's new place never
 * lies below its old one, so that none is written over before it was read.
 */
function widen(region: Region, width: number, count: number): void {
  const old = region.bytes[region.start];
  assert(width > old, "elements become wider, never narrower");
  region.resize(INTSET_HEADER + count * width);
  const { bytes, start } = region;
  // The header says the old width meanwhile: `load` reads by it.
  for (let i = count - 1; i >= 0; i--) {
    load(bytes, start, i);
    store(bytes, start, i, width, low, high);
  }
  writeInt32(bytes, start, width);
}

/** The bytes that header and elements take are those of the region: no more, no less. */
function assertLength(region: Region): void {
  const { bytes, start, end } = region;
  const length = INTSET_HEADER + intsetLength(bytes, start) * bytes[start];
  assert(length === end - start, "an intset is as long as its header says");
}

/** Bytes that an integer needs (`_intsetValueEncoding`): 2, 4 or 8. */
function widthOf(valueLow: number, valueHigh: number): number {
  if (valueHigh !== valueLow >> 31) return 8;
  return valueLow === valueLow << 16 >> 16 ? 2 : 4;
}

/** Order of two integers, as a number below, at or above 0: high halves signed, low ones unsigned. */
function compare(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  return aHigh === bHigh ? (aLow >>> 0) - (bLow >>> 0) : aHigh - bHigh;
}

/** Reads the element at `index` into `low` and `high`, its sign extended to 64 bits. */
function load(bytes: Uint8Array, start: number, index: number): void {
  // The first byte alone: a width is below 256.
  const width = bytes[start];
  const at = start + INTSET_HEADER + index * width;
  low = width === 2 ? (bytes[at] | (bytes[at + 1] << 8)) << 16 >> 16 : readInt32(bytes, at);
  high = width === 8 ? readInt32(bytes, at + 4) : low >> 31;
}

/** Writes the element at `index`, of which there is room for `width` bytes and which fits them. */
function store(
  bytes: Uint8Array,
  start: number,
  index: number,
  width: number,
  valueLow: number,
  valueHigh: number,
): void {
  const at = start + INTSET_HEADER + index * width;
  if (width === 2) {
    bytes[at] = valueLow;
    bytes[at + 1] = valueLow >>> 8;
    return;
  }
  writeInt32(bytes, at, valueLow);
  if (width === 8) writeInt32(bytes, at + 4, valueHigh);
}

/**
 * Redis's intset, byte for byte as `intset.c` has it: integers in ascending order, each of the width the
 * widest needs. Functions over bytes; who owns the bytes is a `Region`'s business.
 *
 * ```
 *  u32 LE   bytes of an element: 2, 4 or 8
 *  u32 LE   elements
 *  elements, LE, signed
 * ```
 *
 * @module
 */

import type { BytesRef } from "../../base/byte_buffer.ts";
import { formatInteger64, integer64Result, MAX_INTEGER_TEXT, parseInteger64 } from "./integer.ts";
import type { Region } from "./region.ts";

/** Bytes before the first element. */
export const INTSET_HEADER = 8;
/** An intset without elements. */
export const INTSET_EMPTY: Uint8Array = new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0]);

const TEXT_SLOTS = 4;
const TEXT_BYTES = 32;
const texts = new Uint8Array(TEXT_SLOTS * TEXT_BYTES);
let textSlot = 0;
const wide = new Uint8Array(8);

/** The halves of the integer at hand. */
let low = 0;
let high = 0;

/** How many elements there are. */
export function intsetLength(bytes: Uint8Array, start: number): number {
  return word(bytes, start + 4) >>> 0;
}

/** Points `out` at the text of an element: valid until the fourth read after it. */
export function intsetRead(bytes: Uint8Array, start: number, index: number, out: BytesRef): void {
  load(bytes, start, index);
  putWide();
  textSlot = (textSlot + 1) % TEXT_SLOTS;
  const at = textSlot * TEXT_BYTES;
  out.set(texts, at, at + formatInteger64(wide, 0, texts, at));
}

/** Place of the integer a text spells: its index, or -1 - where it belongs; NaN when it spells none. */
export function intsetFind(
  bytes: Uint8Array,
  start: number,
  source: Uint8Array,
  from: number,
  to: number,
): number {
  return parse(source, from, to) ? search(bytes, start) : NaN;
}

/** Whether a text spells an integer, as an intset holds it. */
export function isIntsetMember(source: Uint8Array, from: number, to: number): boolean {
  return parse(source, from, to);
}

/** Adds the integer a text spells; false when it was there. */
export function intsetAdd(region: Region, source: Uint8Array, from: number, to: number): boolean {
  const place = intsetFind(region.bytes, region.start, source, from, to);
  if (place >= 0) return false;
  const index = -1 - place;
  const [ownLow, ownHigh] = [low, high];
  const width = Math.max(widthOf(ownLow, ownHigh), region.bytes[region.start]);
  const count = intsetLength(region.bytes, region.start);
  if (width !== region.bytes[region.start]) widen(region, width, count);
  const from8 = INTSET_HEADER + index * width;
  region.resize(INTSET_HEADER + (count + 1) * width);
  const { bytes, start } = region;
  bytes.copyWithin(start + from8 + width, start + from8, start + INTSET_HEADER + count * width);
  store(bytes, start, index, width, ownLow, ownHigh);
  setWord(bytes, start + 4, count + 1);
  return true;
}

/** Deletes the integer a text spells; false when it was not there. */
export function intsetRemove(
  region: Region,
  source: Uint8Array,
  from: number,
  to: number,
): boolean {
  const index = intsetFind(region.bytes, region.start, source, from, to);
  if (!(index >= 0)) return false;
  const { bytes, start, end } = region;
  const width = bytes[start];
  const at = start + INTSET_HEADER + index * width;
  bytes.copyWithin(at, at + width, end);
  const count = intsetLength(bytes, start) - 1;
  setWord(bytes, start + 4, count);
  region.resize(INTSET_HEADER + count * width);
  return true;
}

/** Text length of the longest element, which is the first or the last. */
export function intsetLongest(bytes: Uint8Array, start: number, out: BytesRef): number {
  const count = intsetLength(bytes, start);
  if (count === 0) return 0;
  intsetRead(bytes, start, 0, out);
  const first = out.end - out.start;
  intsetRead(bytes, start, count - 1, out);
  return Math.max(first, out.end - out.start);
}

/** What is wrong with bytes of unknown origin; undefined when nothing is. */
export function intsetCheck(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start < INTSET_HEADER) return "intset is shorter than its header";
  const width = word(bytes, start);
  if (width !== 2 && width !== 4 && width !== 8) return "intset has an unknown encoding";
  const count = intsetLength(bytes, start);
  if (count === 0) return "intset is empty";
  if (count * width !== end - start - INTSET_HEADER) {
    return "intset has another length than it says";
  }
  load(bytes, start, 0);
  for (let i = 1; i < count; i++) {
    const [lastLow, lastHigh] = [low, high];
    load(bytes, start, i);
    if (compare(lastLow, lastHigh, low, high) >= 0) return "intset is out of order";
  }
  return undefined;
}

function parse(source: Uint8Array, from: number, to: number): boolean {
  if (to - from > MAX_INTEGER_TEXT || !parseInteger64(source, from, to)) return false;
  low = word(integer64Result, 0);
  high = word(integer64Result, 4);
  return true;
}

/** Place of the integer at hand, -1 - where it belongs when it is not there. */
function search(bytes: Uint8Array, start: number): number {
  const [ownLow, ownHigh] = [low, high];
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

/** Makes every element `width` bytes wide, the last one first: the room grows upwards. */
function widen(region: Region, width: number, count: number): void {
  const old = region.bytes[region.start];
  region.resize(INTSET_HEADER + count * width);
  const { bytes, start } = region;
  for (let i = count - 1; i >= 0; i--) {
    setWord(bytes, start, old);
    load(bytes, start, i);
    store(bytes, start, i, width, low, high);
  }
  setWord(bytes, start, width);
}

function widthOf(valueLow: number, valueHigh: number): number {
  if (valueHigh !== valueLow >> 31) return 8;
  return valueLow === valueLow << 16 >> 16 ? 2 : 4;
}

function compare(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  return aHigh === bHigh ? (aLow >>> 0) - (bLow >>> 0) : aHigh - bHigh;
}

function load(bytes: Uint8Array, start: number, index: number): void {
  const width = bytes[start];
  const at = start + INTSET_HEADER + index * width;
  low = width === 2 ? (bytes[at] | (bytes[at + 1] << 8)) << 16 >> 16 : word(bytes, at);
  high = width === 8 ? word(bytes, at + 4) : low >> 31;
}

function store(
  bytes: Uint8Array,
  start: number,
  index: number,
  width: number,
  valueLow: number,
  valueHigh: number,
): void {
  const at = start + INTSET_HEADER + index * width;
  bytes[at] = valueLow;
  bytes[at + 1] = valueLow >>> 8;
  if (width === 2) return;
  setWord(bytes, at, valueLow);
  if (width === 8) setWord(bytes, at + 4, valueHigh);
}

function putWide(): void {
  setWord(wide, 0, low);
  setWord(wide, 4, high);
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

function setWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

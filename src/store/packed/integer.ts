/**
 * 64-bit integers between their text and 8 bytes, without BigInt: the whole of int64 at the speed of small
 * numbers. The text is canonical, as Redis prints it (`util.c string2ll`, `ll2string`): what formatting
 * gives is exactly what parsing takes, and nothing else is an integer. So a value may be kept as eight
 * bytes and its text made anew, byte for byte, when it is asked for.
 *
 * A JavaScript number is exact up to 2^53 only, so an integer is worked on in parts: two halves of 32
 * bits in memory, two decimal parts around the ninth digit while it is text.
 *
 * @module
 */

import { readInt32, writeInt32 } from "../../base/int32.ts";

/** Bytes of the longest text of an int64: a sign and 19 digits. */
export const MAX_INTEGER_TEXT = 20;

const TWO_32 = 4294967296;
const BILLION = 1000000000;
const ZERO = 48;
const NINE = 57;
const MINUS = 45;

/**
 * The integer that {@linkcode parseInteger64} or {@linkcode encodeInteger64} read last: 8 bytes, little
 * endian, two's complement. The next call of either overwrites it.
 */
export const integer64Result: Uint8Array = new Uint8Array(8);

/** Digits of the number that is being formatted, the last one first. */
const digits = new Uint8Array(MAX_INTEGER_TEXT);

/**
 * Reads the text of an int64 into {@linkcode integer64Result}. Refuses what formatting would not give: any
 * sign but "-", a leading zero, "-0", and what lies outside of int64.
 *
 * @returns Whether `bytes[start, end)` is such a text; if not, the result is not changed.
 */
export function parseInteger64(bytes: Uint8Array, start: number, end: number): boolean {
  const negative = start < end && bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  const count = end - first;
  if (count < 1 || count > 19) return false;
  if (bytes[first] === ZERO && (count > 1 || negative)) return false;
  // Of 19 digits at most 10 are above the last 9, so that both parts are exact.
  const seam = Math.max(first, end - 9);
  let upper = 0;
  let lower = 0;
  for (let i = first; i < end; i++) {
    const byte = bytes[i];
    if (byte < ZERO || byte > NINE) return false;
    if (i < seam) upper = upper * 10 + (byte - ZERO);
    else lower = lower * 10 + (byte - ZERO);
  }
  // upper * 10^9 + lower in two halves of 32 bits. upper is below 10^10 < 2^34, which times 10^9 is beyond
  // 2^53: it is multiplied in parts of 17 bits, each product of which is below 2^47.
  const upperHigh = Math.floor(upper / 131072) * BILLION;
  const upperLow = (upper % 131072) * BILLION;
  const low = (upperHigh % 32768) * 131072 + upperLow + lower;
  const high = Math.floor(upperHigh / 32768) + Math.floor(low / TWO_32);
  const lowWord = low >>> 0;
  if (high > 0x7fffffff && !(negative && high === 0x80000000 && lowWord === 0)) return false;
  storeHalves(high, lowWord, negative);
  return true;
}

/** Writes a whole number within int64 to {@linkcode integer64Result}; a number is exact up to 2^53. */
export function encodeInteger64(value: number | bigint): void {
  if (typeof value === "bigint") {
    const magnitude = value < 0n ? -value : value;
    storeHalves(Number(magnitude >> 32n), Number(magnitude & 0xffffffffn), value < 0n);
    return;
  }
  const magnitude = Math.abs(value);
  storeHalves(Math.floor(magnitude / TWO_32), magnitude >>> 0, value < 0);
}

/** The int64 in the 8 bytes at `offset` as a number; NaN beyond 2^53, where it would not be exact. */
export function decodeInteger64(bytes: Uint8Array, offset: number): number {
  const high = readWord(bytes, offset + 4) | 0;
  const value = high * TWO_32 + readWord(bytes, offset);
  return Number.isSafeInteger(value) ? value : NaN;
}

/** The int64 in the 8 bytes at `offset`, exact over the whole range. */
export function decodeBigInt64(bytes: Uint8Array, offset: number): bigint {
  const high = readWord(bytes, offset + 4) | 0;
  return (BigInt(high) << 32n) | BigInt(readWord(bytes, offset));
}

/**
 * Writes the text of the int64 in the 8 bytes at `offset`.
 *
 * @param target Has room for {@linkcode MAX_INTEGER_TEXT} bytes from `at`.
 * @returns Bytes of the text.
 */
export function formatInteger64(
  bytes: Uint8Array,
  offset: number,
  target: Uint8Array,
  at: number,
): number {
  let high = readWord(bytes, offset + 4);
  let low = readWord(bytes, offset);
  const negative = high >= 0x80000000;
  if (negative) {
    high = low === 0 ? (~high + 1) >>> 0 : ~high >>> 0;
    low = (~low + 1) >>> 0;
  }
  const count = splitDigits(high, low);
  let pos = at;
  if (negative) target[pos++] = MINUS;
  for (let i = count - 1; i >= 0; i--) target[pos++] = digits[i];
  return pos - at;
}

/** Bytes of the text of the int64 in the 8 bytes at `offset`: 1 to {@linkcode MAX_INTEGER_TEXT}. */
export function integer64Length(bytes: Uint8Array, offset: number): number {
  return formatInteger64(bytes, offset, lengthScratch, 0);
}

/**
 * A few buffers in turn for texts that are lent: integers have no text in memory to point at, and to
 * allocate one for each read is what a reader of a million elements cannot afford. A text stays readable
 * until {@linkcode TextRing.SLOTS} further ones were asked for: enough for a field, its value and the two
 * they are compared with.
 */
export class TextRing {
  /** How many texts are readable at one time. */
  static readonly SLOTS: number = 4;
  /** The slots, 32 bytes each: room for {@linkcode MAX_INTEGER_TEXT} bytes. */
  readonly bytes: Uint8Array = new Uint8Array(TextRing.SLOTS * 32);
  #slot: number = 0;

  /** Offset of the slot that was lent longest ago, which is the caller's from now on. */
  next(): number {
    this.#slot = (this.#slot + 1) % TextRing.SLOTS;
    return this.#slot << 5;
  }
}

const lengthScratch = new Uint8Array(MAX_INTEGER_TEXT);

/** Puts the digits of `high * 2^32 + low` into `digits`; returns how many there are. */
function splitDigits(high: number, low: number): number {
  if (high === 0) return appendDigits(low, 0, 1);
  // Long division by 10^9, 16 bits at a time. A remainder is below 2^30, so that a step's dividend is
  // below 2^46 and exact. The last remainder is the lower nine digits.
  const high1 = Math.floor(high / BILLION);
  const mid = (high % BILLION) * 65536 + (low >>> 16);
  const mid1 = Math.floor(mid / BILLION);
  const last = (mid % BILLION) * 65536 + (low & 0xffff);
  const last1 = Math.floor(last / BILLION);
  const quotient = high1 * TWO_32 + mid1 * 65536 + last1;
  const count = appendDigits(last % BILLION, 0, 9);
  return appendDigits(quotient, count, count + 1);
}

/** Appends the digits of `value` to the first `count`, padded with zeros to `least` in all; returns how many. */
function appendDigits(value: number, count: number, least: number): number {
  while (value !== 0 || count < least) {
    const rest = Math.floor(value / 10);
    digits[count++] = ZERO + (value - rest * 10);
    value = rest;
  }
  return count;
}

/** The four bytes at `offset` as an unsigned 32-bit integer. */
function readWord(bytes: Uint8Array, offset: number): number {
  return readInt32(bytes, offset) >>> 0;
}

/** Writes `high * 2^32 + low`, or its negative, to the result. The two's complement of 0 carries into the high half. */
function storeHalves(high: number, low: number, negative: boolean): void {
  let upper = high | 0;
  let lower = low | 0;
  if (negative) {
    lower = (~low + 1) | 0;
    upper = lower === 0 ? (~high + 1) | 0 : ~high;
  }
  writeInt32(integer64Result, 0, lower);
  writeInt32(integer64Result, 4, upper);
}

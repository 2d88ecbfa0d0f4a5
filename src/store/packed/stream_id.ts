/**
 * Ids of stream entries: milliseconds and a sequence, each an unsigned 64-bit integer of which all values
 * are used. An id is four words of 32 bits here, never a number, which is exact up to 2^53 only, and never
 * a BigInt, which allocates.
 *
 * ```
 *  text       1526919030474-55          decimal, ms and seq
 *  16 bytes   ms u64 BE, seq u64 BE     compares as the id does: keys of Redis's radix trees (`streamID`)
 * ```
 *
 * @module
 */

import { writeInteger } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";

const TWO_32 = 4294967296;
/** Texts of up to so many digits are numbers below 2^53, which are exact. */
const EXACT_DIGITS = 15;
/** From this high word on a 64-bit integer is no longer exact as a number: 2^53 / 2^32. */
const INEXACT_HIGH = 0x200000;
/** Bytes of the longest text of an id: two numbers of 20 digits and the dash. */
export const MAX_ID_TEXT = 41;

/** Most that a counter or a time of a stream is held as: sums of two stay exact, and no server gets there. */
const MOST: number = 2 ** 52;

/** A stream's counter, or its milliseconds, cut off at 2^52 and -2^52. */
export function bounded(value: number): number {
  return Math.max(-MOST, Math.min(value, MOST));
}

/** An id that is written over, so that a walk over entries allocates none. All words are unsigned. */
export class StreamId {
  /** Upper 32 bits of the milliseconds. */
  msHigh: number;
  /** Lower 32 bits of the milliseconds. */
  msLow: number;
  /** Upper 32 bits of the sequence. */
  seqHigh: number;
  /** Lower 32 bits of the sequence. */
  seqLow: number;

  /** Makes 0-0, or the id of these words. */
  constructor(msHigh: number = 0, msLow: number = 0, seqHigh: number = 0, seqLow: number = 0) {
    this.msHigh = msHigh;
    this.msLow = msLow;
    this.seqHigh = seqHigh;
    this.seqLow = seqLow;
  }

  /** Becomes equal to another id. */
  set(other: StreamId): void {
    this.msHigh = other.msHigh;
    this.msLow = other.msLow;
    this.seqHigh = other.seqHigh;
    this.seqLow = other.seqLow;
  }

  /** Becomes the id of these unsigned 32-bit words. */
  setWords(msHigh: number, msLow: number, seqHigh: number, seqLow: number): void {
    this.msHigh = msHigh;
    this.msLow = msLow;
    this.seqHigh = seqHigh;
    this.seqLow = seqLow;
  }

  /** Becomes `ms-0`; `ms` is a whole number below 2^53. */
  setMillis(ms: number): void {
    this.setWords(Math.floor(ms / TWO_32), ms >>> 0, 0, 0);
  }

  /** Becomes the largest id, 18446744073709551615-18446744073709551615. */
  setMax(): void {
    this.setWords(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff);
  }

  /** Reads the 16 bytes at `at` (`streamDecodeID`). */
  setBytes(bytes: Uint8Array, at: number): void {
    this.setWords(word(bytes, at), word(bytes, at + 4), word(bytes, at + 8), word(bytes, at + 12));
  }

  /** Writes 16 bytes at `at` (`streamEncodeID`). */
  writeBytes(bytes: Uint8Array, at: number): void {
    assert(at + 16 <= bytes.length, "there is room for an id");
    writeWord(bytes, at, this.msHigh);
    writeWord(bytes, at + 4, this.msLow);
    writeWord(bytes, at + 8, this.seqHigh);
    writeWord(bytes, at + 12, this.seqLow);
  }

  /** Order of two ids (`streamCompareID`): below 0 when this one is lower, 0 when they are equal. */
  compare(other: StreamId): number {
    return (this.msHigh - other.msHigh) || (this.msLow - other.msLow) ||
      (this.seqHigh - other.seqHigh) || (this.seqLow - other.seqLow);
  }

  /** Whether the id is 0-0. */
  get isZero(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0;
  }

  /** Whether the id is the largest. */
  get isMax(): boolean {
    return (this.msHigh & this.msLow & this.seqHigh & this.seqLow) === -1;
  }

  /** Whether the sequence is the largest: no id of the same millisecond follows. */
  get isMaxSequence(): boolean {
    return (this.seqHigh & this.seqLow) === -1;
  }

  /** Whether both ids have the same milliseconds. */
  sameMillis(other: StreamId): boolean {
    return this.msHigh === other.msHigh && this.msLow === other.msLow;
  }

  /** Becomes the next id (`streamIncrID`); false, and nothing changed, at the largest. */
  increment(): boolean {
    if (this.isMax) return false;
    // Each word that becomes 0 carries one into the next higher word.
    this.seqLow = (this.seqLow + 1) >>> 0;
    if (this.seqLow === 0) this.seqHigh = (this.seqHigh + 1) >>> 0;
    if ((this.seqLow | this.seqHigh) !== 0) return true;
    this.msLow = (this.msLow + 1) >>> 0;
    if (this.msLow === 0) this.msHigh = (this.msHigh + 1) >>> 0;
    return true;
  }

  /** Becomes the id before (`streamDecrID`); false, and nothing changed, at 0-0. */
  decrement(): boolean {
    if (this.isZero) return false;
    // Each word that is 0 borrows one from the next higher word.
    if ((this.seqLow | this.seqHigh) === 0) {
      if (this.msLow === 0) this.msHigh = (this.msHigh - 1) >>> 0;
      this.msLow = (this.msLow - 1) >>> 0;
    }
    if (this.seqLow === 0) this.seqHigh = (this.seqHigh - 1) >>> 0;
    this.seqLow = (this.seqLow - 1) >>> 0;
    return true;
  }

  /** Writes the text `ms-seq`, at most {@linkcode MAX_ID_TEXT} bytes; returns the offset after it. */
  writeText(target: Uint8Array, at: number): number {
    const dash = writeUnsigned(target, at, this.msHigh, this.msLow);
    target[dash] = 0x2d;
    return writeUnsigned(target, dash + 1, this.seqHigh, this.seqLow);
  }

  /** The text `ms-seq`, for the arguments of a command that is passed on. */
  toString(): string {
    return `${unsignedText(this.msHigh, this.msLow)}-${unsignedText(this.seqHigh, this.seqLow)}`;
  }

  /** A new id that is equal to this one. */
  copy(): StreamId {
    return new StreamId(this.msHigh, this.msLow, this.seqHigh, this.seqLow);
  }
}

/** The smallest id, 0-0. Nobody may change it. */
export const MIN_ID: StreamId = new StreamId();
/** The largest id. Nobody may change it. */
export const MAX_ID: StreamId = new StreamId(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff);

/** The integer that the last successful {@linkcode parseUnsigned} read: two unsigned 32-bit words. */
export const parseUnsignedResult = { high: 0, low: 0 };

/**
 * Reads an unsigned 64-bit integer as `strtoull` does, by which Redis reads ids (`string2ull`): leading
 * zeros, spaces and a plus included. The result is in {@linkcode parseUnsignedResult}.
 *
 * @returns False when `bytes[start, end)` is no such text, or beyond 2^64 - 1.
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
    // At most 2^32 * 10 + 9: exact, and what is beyond 32 bits carries into the high word.
    const sum = low * 10 + digit;
    low = sum % TWO_32;
    high = high * 10 + Math.floor(sum / TWO_32);
    if (high >= TWO_32) return false;
  }
  parseUnsignedResult.high = high;
  parseUnsignedResult.low = low;
  return true;
}

/** {@linkcode parseUnsigned} of digits alone, {@linkcode EXACT_DIGITS} at most. */
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

/** Writes the text of an unsigned 64-bit integer; returns the offset after it. */
function writeUnsigned(target: Uint8Array, at: number, high: number, low: number): number {
  if (high < INEXACT_HIGH) return writeInteger(target, at, high * TWO_32 + low);
  const text = unsignedText(high, low);
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
  return at + text.length;
}

function unsignedText(high: number, low: number): string {
  if (high < INEXACT_HIGH) return String(high * TWO_32 + low);
  return String((BigInt(high) << 32n) | BigInt(low));
}

/** The four bytes at `at` as an unsigned integer, big endian. */
function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

function writeWord(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = value >>> (24 - 8 * i);
}

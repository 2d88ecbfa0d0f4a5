/**
 * Redis's listpack, byte for byte as `listpack.c` has it: many short strings and integers in one run of
 * bytes, walked in either direction. Functions over bytes; who owns the bytes is a `Region`'s business.
 *
 * ```
 *  u32 LE   bytes of the whole listpack
 *  u16 LE   entries; 65535: unknown, count them
 *  entries
 *  0xFF
 * ```
 *
 * An entry is an encoding, its data, and a back length: how many bytes encoding and data take, in
 * groups of seven bits that are read from the last byte towards the first, so that the entry before can
 * be found. The encodings:
 *
 * ```
 *  0xxxxxxx                     integer, 0 to 127
 *  10llllll  bytes              string of up to 63 bytes
 *  110xxxxx xxxxxxxx            integer of 13 bits, signed
 *  1110llll llllllll  bytes     string of up to 4095 bytes
 *  11110000  u32 LE  bytes      string of any length
 *  11110001 to 11110100         integer of 16, 24, 32, 64 bits, LE, signed
 * ```
 *
 * A position is an offset into `bytes`. A string that is a canonical int64 is always held as an
 * integer, in the shortest encoding; to a reader it is its text all the same.
 *
 * @module
 */

import { equalBytes, integerLength, writeInteger } from "../../base/ascii.ts";
import type { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import {
  decodeBigInt64,
  encodeInteger64,
  formatInteger64,
  integer64Length,
  integer64Result,
  MAX_INTEGER_TEXT,
  parseInteger64,
} from "./integer.ts";
import { copyBytes } from "../../base/copy.ts";
import type { Region } from "./region.ts";

/** Bytes before the first entry. */
export const LISTPACK_HEADER = 6;
/** A listpack without entries. */
export const LISTPACK_EMPTY: Uint8Array = new Uint8Array([7, 0, 0, 0, 0, 0, 0xff]);

const END = 0xff;
const UNKNOWN_COUNT = 65535;
/** What {@linkcode lpCheckedNext} finds. */
export const WRONG_ENTRY = "listpack entry is not whole or has a wrong back length";
/** What pairs must not have. */
export const ODD_COUNT = "listpack of pairs has an odd count of entries";
/** What {@linkcode lpStates} finds. */
export const WRONG_COUNT = "listpack has a wrong count of entries";
const STRING_32 = 0xf0;
const INTEGER_16 = 0xf1;
const INTEGER_32 = 0xf3;
const INTEGER_64 = 0xf4;
const TWO_32 = 0x100000000;
/**
 * Longest entry whose back length is one byte, two, three, four: the steps of Redis's `lpEncodeBacklen`.
 * Valkey 9 put the last three right by one; entries of just those sizes are read in either form.
 */
const BACK_1 = 127;
const BACK_2 = 16382;
const BACK_3 = 2097150;
const BACK_4 = 268435454;
/** Texts of integers that stay readable at one time. */
const TEXT_SLOTS = 4;
const TEXT_SLOT_BYTES = 32;

const texts = new Uint8Array(TEXT_SLOTS * TEXT_SLOT_BYTES);
let textSlot = 0;

/** The integer `classify` found: two's complement halves. */
let integerLow = 0;
let integerHigh = 0;

/** How many entries there are: from the header, or counted where it does not know. */
export function lpLength(bytes: Uint8Array, start: number, end: number): number {
  const count = bytes[start + 4] | (bytes[start + 5] << 8);
  if (count !== UNKNOWN_COUNT) return count;
  let counted = 0;
  for (let pos = start + LISTPACK_HEADER; pos < end - 1; pos = lpNext(bytes, pos)) counted++;
  return counted;
}

/** Position of the first entry, or of the end byte. */
export function lpFirst(_bytes: Uint8Array, start: number): number {
  return start + LISTPACK_HEADER;
}

/** Whether `pos` is that of the end byte. */
export function lpIsEnd(bytes: Uint8Array, pos: number): boolean {
  return bytes[pos] === END;
}

/** Position after the entry at `pos`: the next entry's, or the end byte's. */
export function lpNext(bytes: Uint8Array, pos: number): number {
  const byte = bytes[pos];
  if (byte < 0x80) return pos + 2;
  if (byte < 0xc0) return pos + (byte & 0x3f) + 2;
  const size = encodedSize(bytes, pos);
  return pos + size + backLengthSizeAt(bytes, pos + size, size);
}

/** Position of the entry before `pos`, which may be the end byte's; -1 before the first. */
export function lpPrev(bytes: Uint8Array, start: number, pos: number): number {
  if (pos <= start + LISTPACK_HEADER) return -1;
  let at = pos - 1;
  let size = bytes[at] & 127;
  for (let scale = 128; (bytes[at] & 128) !== 0; scale *= 128) size += (bytes[--at] & 127) * scale;
  return at - size;
}

/** Position of the entry at `index`, counted from the tail when negative; -1 when there is none. */
export function lpSeek(bytes: Uint8Array, start: number, end: number, index: number): number {
  const count = bytes[start + 4] | (bytes[start + 5] << 8);
  if (count !== UNKNOWN_COUNT) {
    if (index < 0) index += count;
    if (index < 0 || index >= count) return -1;
    // From the nearer end.
    if (index > count >>> 1) index -= count;
  }
  if (index < 0) {
    let pos = end - 1;
    while (index < 0 && pos !== -1) {
      pos = lpPrev(bytes, start, pos);
      index++;
    }
    return pos;
  }
  let pos = start + LISTPACK_HEADER;
  for (; index > 0; index--) {
    if (bytes[pos] === END) return -1;
    pos = lpNext(bytes, pos);
  }
  return bytes[pos] === END ? -1 : pos;
}

/**
 * Points `out` at the text of the entry at `pos`: a string's within `bytes`, an integer's in a small
 * ring of buffers, where it is valid until the fourth read after it.
 */
export function lpRead(bytes: Uint8Array, pos: number, out: BytesRef): void {
  const byte = bytes[pos];
  if (byte >= 0x80 && byte < 0xc0) {
    out.set(bytes, pos + 1, pos + 1 + (byte & 0x3f));
  } else if (byte >= 0xe0 && byte < INTEGER_16) {
    const data = pos + (byte === STRING_32 ? 5 : 2);
    out.set(bytes, data, data + stringLength(bytes, pos));
  } else {
    textSlot = (textSlot + 1) % TEXT_SLOTS;
    const at = textSlot * TEXT_SLOT_BYTES;
    const end = byte === INTEGER_64
      ? at + formatInteger64(bytes, pos + 1, texts, at)
      : writeInteger(texts, at, shortInteger(bytes, pos));
    out.set(texts, at, end);
  }
}

/** Whether the entry at `pos` is held as an integer. */
export function lpIsInteger(bytes: Uint8Array, pos: number): boolean {
  const byte = bytes[pos];
  return byte < 0x80 || (byte >= 0xc0 && byte < 0xe0) || byte >= INTEGER_16;
}

/** The integer at `pos`, an integer entry's; inexact beyond 2^53. */
export function lpInteger(bytes: Uint8Array, pos: number): number {
  if (bytes[pos] !== INTEGER_64) return shortInteger(bytes, pos);
  return word(bytes, pos + 5) * TWO_32 + (word(bytes, pos + 1) >>> 0);
}

/** The integer at `pos`, an integer entry's, whatever it is. */
export function lpBigInteger(bytes: Uint8Array, pos: number): bigint {
  if (bytes[pos] !== INTEGER_64) return BigInt(shortInteger(bytes, pos));
  return decodeBigInt64(bytes, pos + 1);
}

/** Length of the text of the entry at `pos`. */
export function lpTextLength(bytes: Uint8Array, pos: number): number {
  if (!lpIsInteger(bytes, pos)) return stringLength(bytes, pos);
  if (bytes[pos] === INTEGER_64) return integer64Length(bytes, pos + 1);
  return integerLength(shortInteger(bytes, pos));
}

/** Whether the entry at `pos` has the text `source[start, end)`. */
export function lpEquals(
  bytes: Uint8Array,
  pos: number,
  source: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (!lpIsInteger(bytes, pos)) return equalsString(bytes, pos, source, start, end);
  return classify(source, start, end) && equalsInteger(bytes, pos, integerLow, integerHigh);
}

/**
 * Position of the first entry from `pos` on whose text is `source[start, end)`, -1 when there is none.
 *
 * @param skip Entries passed over between one that is compared and the next: 1 finds keys of pairs.
 */
export function lpFind(
  bytes: Uint8Array,
  pos: number,
  source: Uint8Array,
  start: number,
  end: number,
  skip: number,
): number {
  if (classify(source, start, end)) return findInteger(bytes, pos, skip);
  // Texts that differ mostly do so in their length, which the first byte of a short one tells, or at
  // their end: keys of one kind begin alike.
  const length = end - start;
  const short = length > 0 && length < 64 ? 0x80 | length : -1;
  const last = source[end - 1];
  while (bytes[pos] !== END) {
    const byte = bytes[pos];
    if (byte === short) {
      const after = pos + 1 + length;
      const found = bytes[after - 1] === last &&
        equalBytes(bytes, pos + 1, after, source, start, end);
      if (found) return pos;
      pos = after + 1;
    } else {
      if (!lpIsInteger(bytes, pos) && equalsString(bytes, pos, source, start, end)) return pos;
      pos = lpNext(bytes, pos);
    }
    for (let i = 0; i < skip && bytes[pos] !== END; i++) pos = lpNext(bytes, pos);
  }
  return -1;
}

/** {@linkcode lpFind} of the integer just classified. */
function findInteger(bytes: Uint8Array, pos: number, skip: number): number {
  const low = integerLow;
  const high = integerHigh;
  while (bytes[pos] !== END) {
    if (lpIsInteger(bytes, pos) && equalsInteger(bytes, pos, low, high)) return pos;
    pos = lpNext(bytes, pos);
    for (let i = 0; i < skip && bytes[pos] !== END; i++) pos = lpNext(bytes, pos);
  }
  return -1;
}

/** Bytes an entry of this text takes, back length included. */
export function lpEntryBytes(source: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const size = classify(source, start, end) ? integerSize() : stringSize(length);
  return size + backLengthSize(size);
}

/** Bytes an entry of this integer takes, back length included. */
export function lpIntegerEntryBytes(value: number | bigint): number {
  loadInteger(value);
  return integerSize() + 1;
}

/**
 * Writes an entry of this text.
 *
 * @param target Has room for {@linkcode lpEntryBytes}; may be `source`, elsewhere in it.
 * @returns The position after it.
 */
export function lpWrite(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  if (classify(source, start, end)) return writeEncodedInteger(target, at);
  const length = end - start;
  let pos = at;
  if (length < 64) {
    target[pos++] = 0x80 | length;
  } else if (length < 4096) {
    target[pos++] = 0xe0 | (length >>> 8);
    target[pos++] = length;
  } else {
    target[pos++] = STRING_32;
    writeWord(target, pos, length, 4);
    pos += 4;
  }
  copyBytes(target, pos, source, start, end);
  pos += length;
  return writeBackLength(target, pos, pos - at);
}

/** Writes an entry of an int64; returns the position after it. At most 10 bytes are written. */
export function lpWriteInteger(target: Uint8Array, at: number, value: number | bigint): number {
  loadInteger(value);
  return writeEncodedInteger(target, at);
}

/** Appends an entry of this text. */
export function lpAppendTo(out: ByteBuffer, source: Uint8Array, start: number, end: number): void {
  // Encoding and back length take at most ten bytes between them.
  out.reserve(end - start + 10);
  out.length = lpWrite(out.bytes, out.length, source, start, end);
}

/** Appends an entry of an int64. */
export function lpAppendIntegerTo(out: ByteBuffer, value: number | bigint): void {
  out.reserve(10);
  out.length = lpWriteInteger(out.bytes, out.length, value);
}

/** Begins a listpack in `out`, where entries may be appended; see {@linkcode lpFinish}. */
export function lpBegin(out: ByteBuffer): void {
  out.writeBytes(LISTPACK_EMPTY, 0, LISTPACK_HEADER);
}

/** Ends the listpack that {@linkcode lpBegin} began at offset `start` of `out`. */
export function lpFinish(out: ByteBuffer, start: number, count: number): void {
  out.writeByte(END);
  writeHeader(out.bytes, start, out.length - start, count);
}

/**
 * Checks bytes of unknown origin to the last one: after it every other function here is safe on them.
 *
 * @param pairs Whether entries come in pairs.
 * @returns What is wrong, undefined when nothing is.
 */
export function lpCheck(
  bytes: Uint8Array,
  start: number,
  end: number,
  pairs: boolean,
): string | undefined {
  const frame = lpCheckFrame(bytes, start, end);
  if (frame !== undefined) return frame;
  const last = end - 1;
  let pos = start + LISTPACK_HEADER;
  let count = 0;
  while (pos < last) {
    const next = lpCheckedNext(bytes, pos, last);
    if (next < 0) return WRONG_ENTRY;
    count++;
    pos = next;
  }
  if (!lpStates(bytes, start, count)) return WRONG_COUNT;
  if (pairs && (count & 1) !== 0) return ODD_COUNT;
  return undefined;
}

/** What is wrong with length and end byte of bytes that should be a listpack. */
export function lpCheckFrame(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start < LISTPACK_EMPTY.length) return "listpack is shorter than its header";
  if ((word(bytes, start) >>> 0) !== end - start) return "listpack has another length than it says";
  return bytes[end - 1] === END ? undefined : "listpack has no end";
}

/** Whether a listpack says that it has `count` entries, or does not say how many. */
export function lpStates(bytes: Uint8Array, start: number, count: number): boolean {
  const stated = bytes[start + 4] | (bytes[start + 5] << 8);
  return stated === UNKNOWN_COUNT || stated === count;
}

/** Position after the entry at `pos`, which may be anything; -1 when it is no entry that ends before `last`. */
export function lpCheckedNext(bytes: Uint8Array, pos: number, last: number): number {
  // Most entries are sound and have a back length of a byte or two.
  const short = shortSize(bytes, pos, last);
  const at = pos + short;
  if (short < 128) {
    if (at < last && bytes[at] === short) return at + 1;
  } else if (at + 1 < last && bytes[at] === short >> 7 && bytes[at + 1] === (short & 127 | 128)) {
    return at + 2;
  }
  const size = checkedSize(bytes, pos, last);
  if (size < 0) return -1;
  const next = pos + size + backLengthSizeAt(bytes, pos + size, size);
  return next <= last && backLengthIs(bytes, pos + size, next, size) ? next : -1;
}

/**
 * Replaces the entries at `[from, to)` by encoded ones. The header and the region's length follow.
 *
 * @param from Position of the first one replaced; equal to `to` to insert only.
 * @param to Position after the last one replaced.
 * @param removed How many those are.
 * @param added Encoded entries, whole; none when undefined.
 * @param addedCount How many those are.
 */
export function lpSplice(
  region: Region,
  from: number,
  to: number,
  removed: number,
  added: ByteBuffer | undefined,
  addedCount: number,
): void {
  const length = region.end - region.start;
  const head = from - region.start;
  const tail = to - region.start;
  const addedBytes = added === undefined ? 0 : added.length;
  const newLength = length - (tail - head) + addedBytes;
  const stated = region.bytes[region.start + 4] | (region.bytes[region.start + 5] << 8);
  if (newLength > length) region.resize(newLength);
  const start = region.start;
  if (newLength !== length) {
    // Most entries are added at the end: of those only the end byte moves.
    if (tail === length - 1) region.bytes[start + newLength - 1] = END;
    else region.bytes.copyWithin(start + head + addedBytes, start + tail, start + length);
  }
  if (added !== undefined) copyBytes(region.bytes, start + head, added.bytes, 0, addedBytes);
  if (newLength < length) region.resize(newLength);
  const count = stated === UNKNOWN_COUNT ? UNKNOWN_COUNT : stated - removed + addedCount;
  writeHeader(region.bytes, region.start, newLength, count);
}

/**
 * Makes room for `count` entries of `bytes` bytes behind all others, which the caller writes.
 *
 * @returns Where they begin.
 */
export function lpExtend(region: Region, bytes: number, count: number): number {
  const length = region.end - region.start;
  const stated = region.bytes[region.start + 4] | (region.bytes[region.start + 5] << 8);
  region.resize(length + bytes);
  const { start } = region;
  region.bytes[start + length + bytes - 1] = END;
  const total = stated === UNKNOWN_COUNT ? UNKNOWN_COUNT : stated + count;
  writeHeader(region.bytes, start, length + bytes, total);
  return start + length - 1;
}

function writeHeader(bytes: Uint8Array, start: number, length: number, count: number): void {
  writeWord(bytes, start, length, 4);
  writeWord(bytes, start + 4, Math.min(count, UNKNOWN_COUNT), 2);
}

/** Bytes of encoding and data of the entry at `pos`, which is known to be sound. */
function encodedSize(bytes: Uint8Array, pos: number): number {
  const byte = bytes[pos];
  if (byte < 0x80) return 1;
  if (byte < 0xc0) return 1 + (byte & 0x3f);
  if (byte < 0xe0) return 2;
  if (byte < 0xf0) return 2 + (((byte & 15) << 8) | bytes[pos + 1]);
  if (byte === STRING_32) return 5 + (word(bytes, pos + 1) >>> 0);
  return byte === INTEGER_64 ? 9 : byte - INTEGER_16 + 3;
}

/** The same for an entry that may be anything, where that is not much; else `last`. */
function shortSize(bytes: Uint8Array, pos: number, last: number): number {
  const byte = bytes[pos];
  if (byte < 0x80) return 1;
  if (byte < 0xc0) return byte - 0x7f;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 && pos + 1 < last ? 2 + (((byte & 15) << 8) | bytes[pos + 1]) : last;
}

/** The same, however much it is; -1 when it is no entry that ends before `end`. */
function checkedSize(bytes: Uint8Array, pos: number, end: number): number {
  const byte = bytes[pos];
  if (byte > INTEGER_64) return -1;
  const header = byte >= 0xe0 && byte < STRING_32 ? 2 : byte === STRING_32 ? 5 : 1;
  if (pos + header > end) return -1;
  const size = encodedSize(bytes, pos);
  return size > end - pos ? -1 : size;
}

/** Text length of a string entry. */
function stringLength(bytes: Uint8Array, pos: number): number {
  const byte = bytes[pos];
  if (byte < 0xc0) return byte & 0x3f;
  if (byte === STRING_32) return word(bytes, pos + 1) >>> 0;
  return ((byte & 15) << 8) | bytes[pos + 1];
}

/** The integer at `pos` when it is not of 64 bits. */
function shortInteger(bytes: Uint8Array, pos: number): number {
  const byte = bytes[pos];
  if (byte < 0x80) return byte;
  if (byte < 0xe0) return ((((byte & 31) << 8) | bytes[pos + 1]) << 19) >> 19;
  if (byte === INTEGER_16) return ((bytes[pos + 1] | (bytes[pos + 2] << 8)) << 16) >> 16;
  if (byte === INTEGER_32) return word(bytes, pos + 1);
  return ((bytes[pos + 1] | (bytes[pos + 2] << 8) | (bytes[pos + 3] << 16)) << 8) >> 8;
}

function equalsString(
  bytes: Uint8Array,
  pos: number,
  source: Uint8Array,
  start: number,
  end: number,
): boolean {
  const length = stringLength(bytes, pos);
  if (length !== end - start) return false;
  const data = pos + (length < 64 && bytes[pos] < 0xc0 ? 1 : bytes[pos] === STRING_32 ? 5 : 2);
  return equalBytes(bytes, data, data + length, source, start, end);
}

function equalsInteger(bytes: Uint8Array, pos: number, low: number, high: number): boolean {
  if (bytes[pos] === INTEGER_64) {
    return word(bytes, pos + 1) === low && word(bytes, pos + 5) === high;
  }
  return high === low >> 31 && shortInteger(bytes, pos) === low;
}

/** Whether a text is an int64, which is then in `integerLow` and `integerHigh`. */
function classify(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0 || length > MAX_INTEGER_TEXT) return false;
  if (length > 9) return parseInteger64(bytes, start, end) && loadParsed();
  const negative = bytes[start] === 0x2d;
  const first = negative ? start + 1 : start;
  if (first === end || (bytes[first] === 0x30 && length > 1)) return false;
  let value = 0;
  for (let i = first; i < end; i++) {
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  integerLow = negative ? -value : value;
  integerHigh = integerLow >> 31;
  return true;
}

function loadInteger(value: number | bigint): void {
  if (typeof value === "number" && value === (value | 0)) {
    integerLow = value;
    integerHigh = value >> 31;
    return;
  }
  encodeInteger64(value);
  loadParsed();
}

function loadParsed(): true {
  integerLow = word(integer64Result, 0);
  integerHigh = word(integer64Result, 4);
  return true;
}

/** Bytes of encoding and data of the integer just classified. */
function integerSize(): number {
  const low = integerLow;
  if (integerHigh !== low >> 31) return 9;
  if (low >= 0 && low <= 127) return 1;
  if (low >= -4096 && low <= 4095) return 2;
  if (low >= -32768 && low <= 32767) return 3;
  return low >= -8388608 && low <= 8388607 ? 4 : 5;
}

function writeEncodedInteger(target: Uint8Array, at: number): number {
  const size = integerSize();
  const low = integerLow;
  if (size === 1) {
    target[at] = low;
  } else if (size === 2) {
    target[at] = 0xc0 | ((low >>> 8) & 31);
    target[at + 1] = low;
  } else {
    target[at] = size === 9 ? INTEGER_64 : INTEGER_16 + size - 3;
    writeWord(target, at + 1, low, Math.min(size - 1, 4));
    if (size === 9) writeWord(target, at + 5, integerHigh, 4);
  }
  target[at + size] = size;
  return at + size + 1;
}

/** Bytes of encoding and data of a string. */
function stringSize(length: number): number {
  return length + (length < 64 ? 1 : length < 4096 ? 2 : 5);
}

function backLengthSize(size: number): number {
  if (size <= BACK_1) return 1;
  if (size <= BACK_2) return 2;
  if (size <= BACK_3) return 3;
  return size <= BACK_4 ? 4 : 5;
}

function writeBackLength(target: Uint8Array, at: number, size: number): number {
  const count = backLengthSize(size);
  let rest = size;
  for (let i = count - 1; i >= 0; i--) {
    target[at + i] = (rest & 127) | (i === 0 ? 0 : 128);
    rest = Math.floor(rest / 128);
  }
  return at + count;
}

/** Bytes of the back length at `at`: Valkey's shorter form begins with 0x7f where Redis's has 0. */
function backLengthSizeAt(bytes: Uint8Array, at: number, size: number): number {
  const count = backLengthSize(size);
  if (size !== BACK_2 + 1 && size !== BACK_3 + 1 && size !== BACK_4 + 1) return count;
  return bytes[at] === 127 ? count - 1 : count;
}

function backLengthIs(bytes: Uint8Array, at: number, end: number, size: number): boolean {
  let rest = size;
  for (let pos = end - 1; pos >= at; pos--) {
    if (bytes[pos] !== ((rest & 127) | (pos === at ? 0 : 128))) return false;
    rest >>>= 7;
  }
  return true;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

function writeWord(bytes: Uint8Array, at: number, value: number, count: number): void {
  for (let i = 0; i < count; i++) bytes[at + i] = value >>> (i << 3);
}

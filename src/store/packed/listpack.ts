/**
 * Redis's listpack, byte for byte as `listpack.c` has it: short strings and integers in one run of bytes,
 * walked in either direction. Small hashes, sets and sorted sets, nodes of lists and of streams are
 * listpacks, in memory as in a snapshot: a snapshot's chunk is checked (`listpack_check.ts`) and kept.
 *
 * ```
 *  u32 LE   bytes of the whole listpack, header and end byte included
 *  u16 LE   count of entries; 65535: too many to say, walk and count
 *  entry    encoding and data | back length
 *  ...
 *  0xff     end byte
 * ```
 *
 * The first byte of an entry tells how the rest is read. Integers are two's complement:
 *
 * ```
 *  first byte           after it                  the entry is
 *  0xxxxxxx  00 to 7f                             integer, 0 to 127
 *  10llllll  80 to bf   l bytes                   string of 0 to 63 bytes
 *  110xxxxx  c0 to df   xxxxxxxx                  integer, -4096 to 4095: 13 bits, high ones first
 *  1110llll  e0 to ef   llllllll, l bytes         string of 64 to 4095 bytes: l with high bits first
 *  11110000  f0         u32 LE l, l bytes         string of 4096 bytes or more
 *  11110001  f1         2 bytes LE                integer, -2^15 to 2^15 - 1
 *  11110010  f2         3 bytes LE                integer, -2^23 to 2^23 - 1
 *  11110011  f3         4 bytes LE                integer, -2^31 to 2^31 - 1
 *  11110100  f4         8 bytes LE                integer, -2^63 to 2^63 - 1
 *            f5 to fe                             nothing: no server writes it, a snapshot is refused
 *  11111111  ff                                   no entry: the end byte
 * ```
 *
 * A string that is the text of an int64 as Redis prints it ("12", not "012" or "+12") is held as an
 * integer, in the shortest encoding that holds it (`lpEncodeGetType`). To a reader it is its text all the
 * same, so `12` and `"12"` are one element; only its size and the speed of reading it differ. As every
 * writer does so, an integer is never looked for among the strings.
 *
 * The back length says how many bytes encoding and data take, so that the entry before can be found. It
 * is in groups of seven bits, read from its last byte towards its first; bit 7 is set in every byte but
 * the first one, which is the last one read: 300 is `02 ac`.
 *
 * ```
 *  encoding and data       back length
 *  1 to 127                1 byte
 *  128 to 16382            2 bytes
 *  16383 to 2097150        3 bytes
 *  2097151 to 268435454    4 bytes
 *  more                    5 bytes
 * ```
 *
 * Redis's `lpEncodeBacklen` compares with `<` where `<=` was meant: the sizes 16383, 2097151 and
 * 268435455 would fit a byte less. Valkey 9 writes them in that byte less. We write Redis's form and read
 * both.
 *
 * The functions here take bytes and own none: what may grow is a `Region`. Functions that only read
 * trust the bytes, so bytes from outside are checked before. A position is an offset into `bytes` at
 * which an entry or the end byte begins; it is valid until the listpack changes before it or moves.
 *
 * @module
 */

import { equalBytes, writeInteger } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import type { ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import { copyBytes } from "../../base/copy.ts";
import { readInt32, writeInt32 } from "../../base/int32.ts";
import {
  decodeBigInt64,
  encodeInteger64,
  formatInteger64,
  integer64Result,
  MAX_INTEGER_TEXT,
  parseInteger64,
  TextRing,
} from "./integer.ts";
import type { Region } from "./region.ts";

/** Bytes before the first entry: the total and the count (`LP_HDR_SIZE`). */
export const LISTPACK_HEADER = 6;
// The module's own: V8 loads an exported constant each time, which makes lpFind 10% slower.
const END = 0xff;
/** The byte behind the last entry (`LP_EOF`). */
export const LISTPACK_END: number = END;
/** A listpack without entries, as `lpNew` makes it: header and end byte. */
export const LISTPACK_EMPTY: Uint8Array = new Uint8Array([7, 0, 0, 0, 0, 0, END]);

/** What the header says of more than 65534 entries (`LP_HDR_NUMELE_UNKNOWN`). */
const UNKNOWN_COUNT = 65535;
const STRING_12 = 0xe0;
const STRING_32 = 0xf0;
const INTEGER_16 = 0xf1;
const INTEGER_32 = 0xf3;
/** First byte of an integer of 8 bytes. */
const INTEGER_64 = 0xf4;
const TWO_32 = 0x100000000;
/** Most bytes that encoding and back length of one entry take beside a string's own: 5 and 5. */
const MAX_ENTRY_OVERHEAD = 10;
/** Longest encoding and data whose back length is one byte, two, three, four. */
const BACK_1 = 127;
const BACK_2 = 16382;
const BACK_3 = 2097150;
const BACK_4 = 268435454;

/** Texts of the integers that were read last. */
const texts = new TextRing();

/**
 * The integer that {@linkcode classify} or {@linkcode loadInteger} met last, in two's complement halves
 * of 32 bits: numbers are inexact beyond 2^53, and a BigInt allocates.
 */
let integerLow = 0;
let integerHigh = 0;

/** How many entries there are (`lpLength`). O(1) below 65535 of them, else every entry is walked. */
export function lpLength(bytes: Uint8Array, start: number, end: number): number {
  const count = statedCount(bytes, start);
  if (count !== UNKNOWN_COUNT) return count;
  let counted = 0;
  for (let pos = start + LISTPACK_HEADER; pos < end - 1; pos = lpNext(bytes, pos)) counted++;
  return counted;
}

/** Position of the first entry; of the end byte when there is no entry. */
export function lpFirst(_bytes: Uint8Array, start: number): number {
  return start + LISTPACK_HEADER;
}

/** Whether the end byte is at `pos`, and no entry. */
export function lpIsEnd(bytes: Uint8Array, pos: number): boolean {
  return bytes[pos] === END;
}

/** Position after the entry at `pos` (`lpSkip`): the next entry's, or the end byte's. */
export function lpNext(bytes: Uint8Array, pos: number): number {
  const byte = bytes[pos];
  // The two commonest encodings, whose back length is always one byte.
  if (byte < 0x80) return pos + 2;
  if (byte < 0xc0) return pos + (byte & 0x3f) + 2;
  const size = encodedBytes(bytes, pos);
  return pos + size + backLengthBytesAt(bytes, pos + size, size);
}

/** Position of the entry before `pos` (`lpPrev`), which may be the end byte's; -1 before the first. */
export function lpPrev(bytes: Uint8Array, start: number, pos: number): number {
  if (pos <= start + LISTPACK_HEADER) return -1;
  let at = pos - 1;
  let size = bytes[at] & 127;
  for (let scale = 128; (bytes[at] & 128) !== 0; scale *= 128) size += (bytes[--at] & 127) * scale;
  return at - size;
}

/**
 * Position of the entry at `index`, from the tail when negative (`lpSeek`); -1 when there is none. O(n):
 * entries are walked from the nearer end.
 */
export function lpSeek(bytes: Uint8Array, start: number, end: number, index: number): number {
  const count = statedCount(bytes, start);
  if (count !== UNKNOWN_COUNT) {
    if (index < 0) index += count;
    if (index < 0 || index >= count) return -1;
    if (index > count >>> 1) index -= count;
  }
  return index < 0 ? seekBack(bytes, start, end - 1, -index) : seekOn(bytes, start, index);
}

/** The entry `count` before the end byte at `pos`; the loop has lpPrev's commonest case in it. */
function seekBack(bytes: Uint8Array, start: number, pos: number, count: number): number {
  const first = start + LISTPACK_HEADER;
  for (; count > 0 && pos !== -1; count--) {
    const size = bytes[pos - 1];
    if (size < 128 && pos > first) pos -= size + 1;
    else pos = lpPrev(bytes, start, pos);
  }
  return pos;
}

/** The entry at `index`; the loop has lpNext's commonest cases in it. */
function seekOn(bytes: Uint8Array, start: number, index: number): number {
  let pos = start + LISTPACK_HEADER;
  for (; index > 0; index--) {
    const byte = bytes[pos];
    if (byte < 0x80) pos += 2;
    else if (byte < 0xc0) pos += (byte & 0x3f) + 2;
    else if (byte === END) return -1;
    else pos = lpNext(bytes, pos);
  }
  return bytes[pos] === END ? -1 : pos;
}

/**
 * Points `out` at the text of the entry at `pos` (`lpGet`): a string's within `bytes`, an integer's in a
 * {@linkcode TextRing} of this module, where it is valid until the fourth read of an integer after it.
 */
export function lpRead(bytes: Uint8Array, pos: number, out: BytesRef): void {
  const byte = bytes[pos];
  if (byte >= 0x80 && byte < 0xc0) {
    out.set(bytes, pos + 1, pos + 1 + (byte & 0x3f));
  } else if (byte >= 0xe0 && byte < INTEGER_16) {
    const data = pos + (byte === STRING_32 ? 5 : 2);
    out.set(bytes, data, data + stringLength(bytes, pos));
  } else {
    const text = texts.bytes;
    const at = texts.next();
    const end = byte === INTEGER_64
      ? at + formatInteger64(bytes, pos + 1, text, at)
      : writeInteger(text, at, shortInteger(bytes, pos));
    out.set(text, at, end);
  }
}

/** Whether the entry at `pos` is held as an integer, and not as a string. */
export function lpIsInteger(bytes: Uint8Array, pos: number): boolean {
  const byte = bytes[pos];
  return byte < 0x80 || (byte >= 0xc0 && byte < 0xe0) || byte >= INTEGER_16;
}

/** The value of the integer entry at `pos` as a number: inexact beyond 2^53. */
export function lpInteger(bytes: Uint8Array, pos: number): number {
  if (bytes[pos] !== INTEGER_64) return shortInteger(bytes, pos);
  return readInt32(bytes, pos + 5) * TWO_32 + (readInt32(bytes, pos + 1) >>> 0);
}

/** The value of the integer entry at `pos`, exact over all of int64. */
export function lpBigInteger(bytes: Uint8Array, pos: number): bigint {
  if (bytes[pos] !== INTEGER_64) return BigInt(shortInteger(bytes, pos));
  return decodeBigInt64(bytes, pos + 1);
}

/** Whether the entry at `pos` has the text `source[start, end)` (`lpCompare`). */
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
 * Position of the first entry from `pos` on whose text is `source[start, end)` (`lpFind`), -1 when there
 * is none. O(n), and the loop in which a small hash, set or sorted set spends its time.
 *
 * The text is classified once: an integer is compared by value with integer entries and by its bytes with
 * strings, another text with strings only.
 *
 * @param skip Entries passed over between one that is compared and the next: 0 compares each, 1 the first
 * of every pair, 2 of every triple.
 */
export function lpFind(
  bytes: Uint8Array,
  pos: number,
  source: Uint8Array,
  start: number,
  end: number,
  skip: number,
): number {
  if (classify(source, start, end)) return findInteger(bytes, pos, source, start, end, skip);
  // Two texts that differ mostly do so in their length, which is the first byte of a short string, or in
  // their last byte: keys of one kind begin alike ("user:17", "user:18").
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

/**
 * {@linkcode lpFind} of the integer that was classified last. Who writes a listpack may leave its text a string,
 * which Redis never does and finds all the same.
 */
function findInteger(
  bytes: Uint8Array,
  pos: number,
  source: Uint8Array,
  start: number,
  end: number,
  skip: number,
): number {
  const low = integerLow;
  const high = integerHigh;
  const short = 0x80 | (end - start);
  while (bytes[pos] !== END) {
    const byte = bytes[pos];
    if (lpIsInteger(bytes, pos)) {
      if (equalsInteger(bytes, pos, low, high)) return pos;
    } else if (byte === short || byte >= STRING_12) {
      if (equalsString(bytes, pos, source, start, end)) return pos;
    }
    pos = lpNext(bytes, pos);
    for (let i = 0; i < skip && bytes[pos] !== END; i++) pos = lpNext(bytes, pos);
  }
  return -1;
}

/** Bytes that an entry of this text takes, back length included. */
export function lpEntryBytes(source: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const size = classify(source, start, end) ? integerBytes() : stringBytes(length);
  return size + backLengthBytes(size);
}

/** Bytes that an entry of this int64 takes, back length included: 2 to 10. */
export function lpIntegerEntryBytes(value: number | bigint): number {
  loadInteger(value);
  return integerBytes() + 1;
}

/**
 * Writes an entry of this text: encoding, data and back length. The header is the caller's to change.
 *
 * @param target Has room for {@linkcode lpEntryBytes}; may be `source` if the two ranges do not overlap.
 * @returns The position after the entry.
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
    writeInt32(target, pos, length);
    pos += 4;
  }
  copyBytes(target, pos, source, start, end);
  pos += length;
  return writeBackLength(target, pos, pos - at);
}

/** Writes an entry of an int64, 10 bytes at most; returns the position after it. */
export function lpWriteInteger(target: Uint8Array, at: number, value: number | bigint): number {
  loadInteger(value);
  return writeEncodedInteger(target, at);
}

/** Appends an entry of this text to what `out` holds; it may be amid a listpack, or stand alone. */
export function lpAppendTo(out: ByteBuffer, source: Uint8Array, start: number, end: number): void {
  assert(start <= end, "a text does not end before it begins");
  out.reserve(end - start + MAX_ENTRY_OVERHEAD);
  out.length = lpWrite(out.bytes, out.length, source, start, end);
}

/** Appends an entry of an int64 to what `out` holds. */
export function lpAppendIntegerTo(out: ByteBuffer, value: number | bigint): void {
  out.reserve(MAX_ENTRY_OVERHEAD);
  out.length = lpWriteInteger(out.bytes, out.length, value);
}

/** Begins a listpack at the end of `out`: entries are appended, then {@linkcode lpFinish} is called. */
export function lpBegin(out: ByteBuffer): void {
  out.writeBytes(LISTPACK_EMPTY, 0, LISTPACK_HEADER);
}

/**
 * Puts an end byte where the next entry will be appended, so that the entries appended since
 * {@linkcode lpBegin} can be walked. The header counts none of them yet.
 */
export function lpMarkEnd(out: ByteBuffer): void {
  out.writeByte(END);
  out.length--;
}

/** Ends the listpack of `count` entries that {@linkcode lpBegin} began at offset `start` of `out`. */
export function lpFinish(out: ByteBuffer, start: number, count: number): void {
  const entryBytes = out.length - start - LISTPACK_HEADER;
  // An entry takes two bytes at least: a small integer, or no text, and a back length.
  assert(count >= 0 && entryBytes >= 2 * count, "as many entries as are counted were appended");
  assert((entryBytes === 0) === (count === 0), "what was appended is counted");
  out.writeByte(END);
  writeHeader(out.bytes, start, out.length - start, count);
}

/**
 * Replaces the entries at `[from, to)` by encoded ones: `lpInsert`, `lpReplace` and `lpDeleteRange` in
 * one. The header and the region's length follow, and the region may move: positions are void after it.
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
  const stated = statedCount(region.bytes, region.start);
  assert(head >= LISTPACK_HEADER && head <= tail, "what is replaced begins behind the header");
  assert(tail < length, "what is replaced ends before the end byte");
  assert((removed === 0) === (head === tail), "entries that are removed are counted");
  assert((addedCount === 0) === (addedBytes === 0), "entries that are added are counted");
  // Positions are kept from the region's start, as resizing may move it. It grows before the tail moves
  // up, and shrinks after the tail has moved down.
  if (newLength > length) region.resize(newLength);
  const start = region.start;
  if (newLength !== length) {
    // Most entries are added at the end: then only the end byte moves.
    if (tail === length - 1) region.bytes[start + newLength - 1] = END;
    else region.bytes.copyWithin(start + head + addedBytes, start + tail, start + length);
  }
  if (added !== undefined) copyBytes(region.bytes, start + head, added.bytes, 0, addedBytes);
  if (newLength < length) region.resize(newLength);
  const count = stated === UNKNOWN_COUNT ? UNKNOWN_COUNT : stated - removed + addedCount;
  writeHeader(region.bytes, region.start, newLength, count);
  assert(region.bytes[region.end - 1] === END, "a listpack ends with its end byte");
}

/**
 * Makes room for `count` entries of `bytes` bytes in all behind the others. The caller writes them before
 * anything else: header and end byte count them already.
 *
 * @returns The position at which they begin.
 */
export function lpExtend(region: Region, bytes: number, count: number): number {
  assert(bytes >= 2 * count, "an entry takes two bytes at least");
  const length = region.end - region.start;
  const stated = statedCount(region.bytes, region.start);
  assert(region.bytes[region.end - 1] === END, "a listpack ends with its end byte");
  region.resize(length + bytes);
  const { start } = region;
  region.bytes[start + length + bytes - 1] = END;
  const total = stated === UNKNOWN_COUNT ? UNKNOWN_COUNT : stated + count;
  writeHeader(region.bytes, start, length + bytes, total);
  return start + length - 1;
}

/**
 * Bytes of encoding and data of the entry at `pos`, for `listpack_check.ts`: its first byte is below 0xf5,
 * and it and the length behind it can be read. The functions here call the one that is not exported: V8
 * finds an exported one through a cell each time, which makes {@linkcode lpFind} 5% slower.
 */
export function lpEncodedBytes(bytes: Uint8Array, pos: number): number {
  return encodedBytes(bytes, pos);
}

/** Bytes of the back length at `at` behind `size` bytes of encoding and data, for `listpack_check.ts`. */
export function lpBackLengthBytes(bytes: Uint8Array, at: number, size: number): number {
  return backLengthBytesAt(bytes, at, size);
}

/** Whether a listpack's header counts `count` entries, or says that it does not know. */
export function lpStates(bytes: Uint8Array, start: number, count: number): boolean {
  const stated = statedCount(bytes, start);
  return stated === UNKNOWN_COUNT || stated === count;
}

/** The count in the header, {@linkcode UNKNOWN_COUNT} included. */
function statedCount(bytes: Uint8Array, start: number): number {
  return bytes[start + 4] | (bytes[start + 5] << 8);
}

function writeHeader(bytes: Uint8Array, start: number, length: number, count: number): void {
  writeInt32(bytes, start, length);
  writeLow(bytes, start + 4, Math.min(count, UNKNOWN_COUNT), 2);
}

/**
 * Bytes of encoding and data, without the back length, of the entry at `pos` (`lpCurrentEncodedSizeUnsafe`).
 * Its first byte is below 0xf5, and it and the length behind it can be read.
 */
function encodedBytes(bytes: Uint8Array, pos: number): number {
  const byte = bytes[pos];
  if (byte < 0x80) return 1;
  if (byte < 0xc0) return 1 + (byte & 0x3f);
  if (byte < 0xe0) return 2;
  if (byte < 0xf0) return 2 + (((byte & 15) << 8) | bytes[pos + 1]);
  if (byte === STRING_32) return 5 + (readInt32(bytes, pos + 1) >>> 0);
  return byte === INTEGER_64 ? 9 : byte - INTEGER_16 + 3;
}

/** Bytes of text of the string entry at `pos`. */
function stringLength(bytes: Uint8Array, pos: number): number {
  const byte = bytes[pos];
  if (byte < 0xc0) return byte & 0x3f;
  if (byte === STRING_32) return readInt32(bytes, pos + 1) >>> 0;
  return ((byte & 15) << 8) | bytes[pos + 1];
}

/**
 * The value of the integer entry at `pos` unless it has 64 bits. The sign is extended by shifting the
 * number's top bit to bit 31 and back.
 */
function shortInteger(bytes: Uint8Array, pos: number): number {
  const byte = bytes[pos];
  if (byte < 0x80) return byte;
  if (byte < 0xe0) return ((((byte & 31) << 8) | bytes[pos + 1]) << 19) >> 19;
  if (byte === INTEGER_16) return ((bytes[pos + 1] | (bytes[pos + 2] << 8)) << 16) >> 16;
  if (byte === INTEGER_32) return readInt32(bytes, pos + 1);
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
    return readInt32(bytes, pos + 1) === low && readInt32(bytes, pos + 5) === high;
  }
  return high === low >> 31 && shortInteger(bytes, pos) === low;
}

/**
 * Whether a text is that of an int64 as Redis prints it (`lpStringToInt64`); its value is then in
 * `integerLow` and `integerHigh`. No leading zero, no "-0", no "+": such texts must stay what they are.
 */
function classify(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0 || length > MAX_INTEGER_TEXT) return false;
  // Up to nine characters are below 10^9: one int32 holds the sum.
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

/** Takes an int64 that is at hand as a number or BigInt into `integerLow` and `integerHigh`. */
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
  integerLow = readInt32(integer64Result, 0);
  integerHigh = readInt32(integer64Result, 4);
  return true;
}

/** Bytes of encoding and data of the integer that was classified last: the fewest that hold it. */
function integerBytes(): number {
  const low = integerLow;
  // The high half is nothing but sign bits: it fits 32 bits.
  if (integerHigh !== low >> 31) return 9;
  if (low >= 0 && low <= 127) return 1;
  if (low >= -4096 && low <= 4095) return 2;
  if (low >= -32768 && low <= 32767) return 3;
  return low >= -8388608 && low <= 8388607 ? 4 : 5;
}

/** Writes the integer that was classified last; returns the position after it. */
function writeEncodedInteger(target: Uint8Array, at: number): number {
  const size = integerBytes();
  const low = integerLow;
  if (size === 1) {
    target[at] = low;
  } else if (size === 2) {
    target[at] = 0xc0 | ((low >>> 8) & 31);
    target[at + 1] = low;
  } else {
    // Sizes 3, 4 and 5 are the encodings f1, f2 and f3.
    target[at] = size === 9 ? INTEGER_64 : INTEGER_16 + size - 3;
    writeLow(target, at + 1, low, Math.min(size - 1, 4));
    if (size === 9) writeInt32(target, at + 5, integerHigh);
  }
  // Ten bytes at most: the back length is the size itself, in one byte.
  target[at + size] = size;
  return at + size + 1;
}

/** Bytes of encoding and data of a string of `length` bytes. */
function stringBytes(length: number): number {
  return length + (length < 64 ? 1 : length < 4096 ? 2 : 5);
}

/** How many bytes of back length follow `size` bytes of encoding and data, as Redis writes them. */
function backLengthBytes(size: number): number {
  if (size <= BACK_1) return 1;
  if (size <= BACK_2) return 2;
  if (size <= BACK_3) return 3;
  return size <= BACK_4 ? 4 : 5;
}

function writeBackLength(target: Uint8Array, at: number, size: number): number {
  const count = backLengthBytes(size);
  let rest = size;
  for (let i = count - 1; i >= 0; i--) {
    target[at + i] = (rest & 127) | (i === 0 ? 0 : 128);
    // Not a shift: five groups are 35 bits.
    rest = Math.floor(rest / 128);
  }
  return at + count;
}

/**
 * How many bytes the back length at `at` takes, behind `size` bytes of encoding and data. Where Valkey
 * writes a byte less than Redis, all its groups are full: it begins with 0x7f and Redis's with 0.
 */
function backLengthBytesAt(bytes: Uint8Array, at: number, size: number): number {
  const count = backLengthBytes(size);
  if (size !== BACK_2 + 1 && size !== BACK_3 + 1 && size !== BACK_4 + 1) return count;
  return bytes[at] === 127 ? count - 1 : count;
}

/** Writes the low `count` bytes of an integer, little endian. */
function writeLow(bytes: Uint8Array, at: number, value: number, count: number): void {
  for (let i = 0; i < count; i++) bytes[at + i] = value >>> (i << 3);
}

/**
 * Ziplists (`ziplist.c`), Redis's small form until 6.2: checked to the last byte and turned into a
 * listpack in one walk.
 *
 * ```text
 *   u32 LE    bytes of the whole ziplist
 *   u32 LE    offset of the last entry
 *   u16 LE    entries; 65535: unknown, to be counted
 *   entries   length of the entry before, encoding, data
 *   FF        where the length of the entry before would stand
 * ```
 *
 * The length of the entry before, which lets a ziplist be walked backwards, is one byte, or FE and
 * u32 LE. A listpack holds an entry's own length instead, so that inserting an entry never changes
 * the entries behind it; that is why Redis 7.0 went over to listpacks.
 *
 * Encodings, by their first byte:
 *
 * ```text
 *   00llllll                        string of up to 63 bytes
 *   01llllll llllllll               string of up to 16383 bytes, length big endian
 *   10______ u32 BE                 string of any length
 *   C0, D0, E0                      int16, int32, int64, little endian
 *   F0, FE                          int24 little endian, int8
 *   F1 to FD                        0 to 12, no data
 * ```
 *
 * @module
 */

import type { ByteBuffer } from "../../base/byte_buffer.ts";
import { lpAppendIntegerTo, lpAppendTo, lpBegin, lpFinish } from "../../store/packed/listpack.ts";

const HEADER = 10;
const END = 0xff;
const LONG_PREVIOUS = 0xfe;
const UNKNOWN_COUNT = 65535;
const INTEGER_16 = 0xc0;
const INTEGER_32 = 0xd0;
const INTEGER_64 = 0xe0;
const INTEGER_24 = 0xf0;
const INTEGER_8 = 0xfe;
const SMALLEST_IMMEDIATE = 0xf1;
const LARGEST_IMMEDIATE = 0xfd;

/** Refuses bytes: called with what is wrong with them, throws. */
export type Fail = (message: string) => never;

/** The entry that `readEntry` found last: two numbers and a flag instead of an object for each. */
let dataStart = 0;
let dataEnd = 0;
let isString = false;

/**
 * Appends the ziplist `[start, end)` of `source` to `out` as a whole listpack. What `out` holds when
 * the ziplist is refused is of no use.
 *
 * @param pairs An odd count of entries is refused.
 * @param fail Refuses bytes that are no sound ziplist.
 * @returns How many entries the ziplist has.
 */
export function ziplistToListpack(
  source: Uint8Array,
  start: number,
  end: number,
  out: ByteBuffer,
  pairs: boolean,
  fail: Fail,
): number {
  const length = end - start;
  if (length < HEADER + 1) fail("ziplist is shorter than its header");
  if (word(source, start) !== length) fail("ziplist has another length than it says");
  if (source[end - 1] !== END) fail("ziplist has no end");
  const stated = source[start + 8] | (source[start + 9] << 8);
  const target = out.length;
  lpBegin(out);
  const last = end - 1;
  let pos = start + HEADER;
  let previous = 0;
  let tail = pos;
  let count = 0;
  while (pos < last) {
    tail = pos;
    readEntry(source, pos, last, previous, fail);
    if (isString) lpAppendTo(out, source, dataStart, dataEnd);
    else lpAppendIntegerTo(out, integerAt(source));
    previous = dataEnd - pos;
    pos = dataEnd;
    count++;
  }
  if (stated !== UNKNOWN_COUNT && stated !== count) fail("ziplist has a wrong count of entries");
  if (count > 0 && word(source, start + 4) !== tail - start) {
    fail("ziplist does not say where its last entry is");
  }
  if (pairs && (count & 1) !== 0) fail("ziplist of pairs has an odd count of entries");
  lpFinish(out, target, count);
  return count;
}

/**
 * Finds the data of the entry at `pos`, and checks that it ends at `end` or before and that it states
 * the length of the entry before, which is `previous`: 0 for the first.
 */
function readEntry(
  source: Uint8Array,
  pos: number,
  end: number,
  previous: number,
  fail: Fail,
): void {
  const isLong = source[pos] === LONG_PREVIOUS;
  const at = pos + (isLong ? 5 : 1);
  if (source[pos] === END || at >= end) fail("ziplist entry crosses the end");
  const stated = isLong ? word(source, pos + 1) : source[pos];
  if (stated !== previous) fail("ziplist entry has a wrong length of the one before");
  const byte = source[at];
  isString = byte < INTEGER_16;
  const header = byte < 0x40 || !isString ? 1 : byte < 0x80 ? 2 : 5;
  if (at + header > end) fail("ziplist entry crosses the end");
  dataStart = at + header;
  const length = isString ? stringLength(source, at) : integerBytes(byte);
  if (length < 0) fail("ziplist entry has an unknown encoding");
  if (length > end - dataStart) fail("ziplist entry crosses the end");
  dataEnd = dataStart + length;
}

function stringLength(source: Uint8Array, at: number): number {
  const byte = source[at];
  if (byte < 0x40) return byte;
  if (byte < 0x80) return ((byte & 63) << 8) | source[at + 1];
  return ((source[at + 1] << 24) | (source[at + 2] << 16) | (source[at + 3] << 8) |
    source[at + 4]) >>> 0;
}

/** Bytes of data behind an integer's encoding; -1 for an encoding that means nothing. */
function integerBytes(encoding: number): number {
  switch (encoding) {
    case INTEGER_8:
      return 1;
    case INTEGER_16:
      return 2;
    case INTEGER_24:
      return 3;
    case INTEGER_32:
      return 4;
    case INTEGER_64:
      return 8;
  }
  return encoding >= SMALLEST_IMMEDIATE && encoding <= LARGEST_IMMEDIATE ? 0 : -1;
}

/** The integer that `readEntry` found: a bigint only where it takes 64 bits. */
function integerAt(source: Uint8Array): number | bigint {
  const at = dataStart;
  switch (dataEnd - at) {
    case 0:
      return (source[at - 1] & 15) - 1;
    case 1:
      return (source[at] << 24) >> 24;
    case 2:
      return ((source[at] | (source[at + 1] << 8)) << 16) >> 16;
    case 3:
      return ((source[at] | (source[at + 1] << 8) | (source[at + 2] << 16)) << 8) >> 8;
    case 4:
      return word(source, at) | 0;
  }
  const high = BigInt(word(source, at + 4) | 0);
  return (high << 32n) | BigInt(word(source, at));
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

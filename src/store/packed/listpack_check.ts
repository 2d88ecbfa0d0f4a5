/**
 * Checks listpacks of unknown origin: a snapshot's, which are kept as they came. After a check every
 * function of `listpack.ts` is safe on the bytes, in both directions. It is `lpValidateIntegrity` of Redis
 * with deep validation; the functions below the first serve those who look at entries in the same pass.
 *
 * The checks answer in words what is wrong, or with -1, and throw nothing: the caller knows the offset in
 * the snapshot and refuses the bytes with that.
 *
 * @module
 */

import { readInt32 } from "../../base/int32.ts";
import {
  LISTPACK_EMPTY,
  LISTPACK_END,
  LISTPACK_HEADER,
  lpBackLengthBytes,
  lpEncodedBytes,
  lpStates,
} from "./listpack.ts";

/** Says that {@linkcode lpCheckedNext} found no whole entry. */
export const WRONG_ENTRY = "listpack entry is not whole or has a wrong back length";
/** Says that a listpack of fields and values, or of members and scores, ends amid a pair. */
export const ODD_COUNT = "listpack of pairs has an odd count of entries";
/** Says that the header counts other entries than there are: see {@linkcode lpStates}. */
export const WRONG_COUNT = "listpack has a wrong count of entries";

/** First byte of an integer of 8 bytes: no entry begins with a greater one. */
const INTEGER_64 = 0xf4;
/** First byte of a string whose length takes the four bytes behind it. */
const STRING_32 = 0xf0;

/**
 * Checks a whole listpack, `bytes[start, end)`, entry by entry. O(n).
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

/** Says what is wrong with the total and the end byte of `bytes[start, end)`, undefined for nothing. O(1). */
export function lpCheckFrame(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start < LISTPACK_EMPTY.length) return "listpack is shorter than its header";
  if ((readInt32(bytes, start) >>> 0) !== end - start) {
    return "listpack has another length than it says";
  }
  return bytes[end - 1] === LISTPACK_END ? undefined : "listpack has no end";
}

/**
 * Checks the entry at `pos`, which may be anything, and gives the position after it.
 *
 * @param last Position of the end byte, to which the entry may reach; `pos` is before it.
 * @returns -1 when there is no entry that ends by then and is followed by its back length.
 */
export function lpCheckedNext(bytes: Uint8Array, pos: number, last: number): number {
  // Loading a snapshot checks every entry of it. Nearly all are sound and have a back length of one byte
  // or two: those are settled here, what remains is looked at again from the start.
  const short = shortBytes(bytes, pos, last);
  const at = pos + short;
  if (short < 128) {
    if (at < last && bytes[at] === short) return at + 1;
  } else if (at + 1 < last && bytes[at] === short >> 7 && bytes[at + 1] === (short & 127 | 128)) {
    return at + 2;
  }
  const size = checkedBytes(bytes, pos, last);
  if (size < 0) return -1;
  const next = pos + size + lpBackLengthBytes(bytes, pos + size, size);
  return next <= last && backLengthIs(bytes, pos + size, next, size) ? next : -1;
}

/**
 * Bytes of encoding and data of the entry at `pos` if it is a small integer or a string below 4096 bytes;
 * for anything else, and for a string whose length is cut off, `last`, which no entry reaches.
 */
function shortBytes(bytes: Uint8Array, pos: number, last: number): number {
  const byte = bytes[pos];
  if (byte < 0x80) return 1;
  if (byte < 0xc0) return byte - 0x7f;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 && pos + 1 < last ? 2 + (((byte & 15) << 8) | bytes[pos + 1]) : last;
}

/** Bytes of encoding and data of the entry at `pos`; -1 when it is no entry that ends by `end`. */
function checkedBytes(bytes: Uint8Array, pos: number, end: number): number {
  const byte = bytes[pos];
  if (byte > INTEGER_64) return -1;
  const header = byte >= 0xe0 && byte < STRING_32 ? 2 : byte === STRING_32 ? 5 : 1;
  if (pos + header > end) return -1;
  const size = lpEncodedBytes(bytes, pos);
  return size > end - pos ? -1 : size;
}

/** Whether the back length in `bytes[at, end)` says `size`, with the marks in the right bytes. */
function backLengthIs(bytes: Uint8Array, at: number, end: number, size: number): boolean {
  let rest = size;
  for (let pos = end - 1; pos >= at; pos--) {
    if (bytes[pos] !== ((rest & 127) | (pos === at ? 0 : 128))) return false;
    rest >>>= 7;
  }
  return true;
}

/**
 * Pairs of a small sorted set in a listpack: member and score in turn, in order of the scores, members of
 * equal scores in order of their bytes (`t_zset.c zzlInsert`).
 *
 * ```
 *  member score | member score | ...
 * ```
 *
 * A score stands there as Redis writes it: an integer where it is whole and no larger than 2^62, else the
 * shortest text that reads back the same ("1.5", "inf").
 *
 * @module
 */

import { compareBytes, formatDouble, parseDouble } from "../../base/ascii.ts";
import { type ByteBuffer, BytesRef } from "../../base/byte_buffer.ts";
import {
  lpAppendIntegerTo,
  lpAppendTo,
  lpFind,
  lpFirst,
  lpInteger,
  lpIsEnd,
  lpIsInteger,
  lpNext,
  lpRead,
} from "../packed/listpack.ts";

/** The largest whole score that is written as an integer (`double2ll`: LLONG_MAX / 2). */
const MAX_INTEGER_SCORE: number = 2 ** 62;
/** The text "-0". */
const MINUS_ZERO = Uint8Array.of(0x2d, 0x30);
/** Bytes of room for the text of a score: 17 digits, sign, point and exponent, or 22 digits. */
const SCORE_TEXT_BYTES = 40;

const text = new BytesRef();
const digits = new Uint8Array(SCORE_TEXT_BYTES);

/** Position of a member in the listpack that begins at `start`; -1 when it is not there. O(n). */
export function findMember(
  own: Uint8Array,
  ownStart: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  return lpFind(own, lpFirst(own, ownStart), bytes, start, end, 1);
}

/** Position after the pair at `pos`: the next one's, or the end byte's. */
export function afterPair(own: Uint8Array, pos: number): number {
  return lpNext(own, lpNext(own, pos));
}

/** The score that the element at `pos` holds (`zzlGetScore`); NaN when it is no number. */
export function scoreAt(own: Uint8Array, pos: number): number {
  if (lpIsInteger(own, pos)) return lpInteger(own, pos);
  lpRead(own, pos, text);
  return parseDouble(text.bytes, text.start, text.end);
}

/** Appends the element of a score, of which `keepsMinusZero` leaves -0 what it is. */
export function appendScore(out: ByteBuffer, score: number, keepsMinusZero: boolean): void {
  if (score === 0 && keepsMinusZero && Object.is(score, -0)) {
    return lpAppendTo(out, MINUS_ZERO, 0, MINUS_ZERO.length);
  }
  if (Math.floor(score) === score && Math.abs(score) <= MAX_INTEGER_SCORE) {
    lpAppendIntegerTo(out, Number.isSafeInteger(score) ? score : BigInt(score));
    return;
  }
  const shortest = formatDouble(score);
  for (let i = 0; i < shortest.length; i++) digits[i] = shortest.charCodeAt(i);
  lpAppendTo(out, digits, 0, shortest.length);
}

/**
 * Position at which a pair belongs that is not there yet: before the first that comes after it.
 *
 * @param bytes The member: none that a listpack has lent, as this reads others.
 */
export function placeFor(
  own: Uint8Array,
  ownStart: number,
  score: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let pos = lpFirst(own, ownStart);
  while (!lpIsEnd(own, pos)) {
    const scorePos = lpNext(own, pos);
    const other = scoreAt(own, scorePos);
    if (other > score) break;
    if (other === score) {
      lpRead(own, pos, text);
      if (compareBytes(text.bytes, text.start, text.end, bytes, start, end) > 0) break;
    }
    pos = lpNext(own, scorePos);
  }
  return pos;
}

/** How many pairs have a score below `score`, or with `inclusive` up to it. O(n). */
export function countPairsBelow(
  own: Uint8Array,
  ownStart: number,
  score: number,
  inclusive: boolean,
): number {
  let count = 0;
  let pos = lpFirst(own, ownStart);
  while (!lpIsEnd(own, pos)) {
    const scorePos = lpNext(own, pos);
    const other = scoreAt(own, scorePos);
    if (inclusive ? other > score : other >= score) break;
    count++;
    pos = lpNext(own, scorePos);
  }
  return count;
}

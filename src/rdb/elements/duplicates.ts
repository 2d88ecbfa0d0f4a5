/**
 * Whether a listpack holds one name twice: by hashes where there are many, each with each where few.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { hash32 } from "../../base/hash.ts";
import { lpEquals, lpFirst, lpNext, lpRead } from "../../store/packed/listpack.ts";

/** Up to here names are compared each with each, which beats hashing. */
const FEW = 8;
/** First byte of a listpack's text of 0 bytes; of longer ones it is so much more, up to 63. */
const SHORT = 0x80;
const SHORT_LENGTHS = 64;

const name = new BytesRef();
let hashes: Int32Array = new Int32Array(128);
const places: number[] = [];
const looks: number[] = [];

/**
 * Whether any two of `count` names are the same. The listpack must have been checked.
 *
 * @param stride Entries from one name to the next.
 */
export function hasDuplicates(
  bytes: Uint8Array,
  start: number,
  count: number,
  stride: number,
): boolean {
  if (count > FEW && !hasEqualHashes(bytes, start, count, stride)) return false;
  let pos = lpFirst(bytes, start);
  for (let i = 0; i < count; i++) {
    const look = lookOf(bytes, pos);
    for (let j = 0; j < i; j++) {
      if (looks[j] !== look) continue;
      lpRead(bytes, pos, name);
      if (lpEquals(bytes, places[j], name.bytes, name.start, name.end)) return true;
    }
    looks[i] = look;
    places[i] = pos;
    pos = skip(bytes, pos, stride);
  }
  return false;
}

/** Length, first and last byte: they tell most apart, and are equal where the names are. */
function lookOf(bytes: Uint8Array, pos: number): number {
  const head = bytes[pos];
  const isShort = head > SHORT && head < SHORT + SHORT_LENGTHS;
  if (isShort) return ((head - SHORT) << 16) | (bytes[pos + 1] << 8) | bytes[pos + head - SHORT];
  lpRead(bytes, pos, name);
  const length = name.end - name.start;
  if (length === 0) return 0;
  return (length << 16) | (name.bytes[name.start] << 8) | name.bytes[name.end - 1];
}

function hasEqualHashes(
  bytes: Uint8Array,
  start: number,
  count: number,
  stride: number,
): boolean {
  if (hashes.length < count) hashes = new Int32Array(count);
  const used = hashes.subarray(0, count);
  let pos = lpFirst(bytes, start);
  for (let i = 0; i < count; i++) {
    lpRead(bytes, pos, name);
    used[i] = hash32(name.bytes, name.start, name.end, 0, 0);
    pos = skip(bytes, pos, stride);
  }
  used.sort();
  for (let i = 1; i < count; i++) if (used[i] === used[i - 1]) return true;
  return false;
}

function skip(bytes: Uint8Array, pos: number, stride: number): number {
  for (let i = 0; i < stride; i++) pos = lpNext(bytes, pos);
  return pos;
}

/**
 * Whether a listpack holds one name twice (a field, a member): Redis refuses such a value, and
 * every look-up here relies on names that differ.
 *
 * Few names are compared each with each. Of many, the 32-bit hashes are sorted: where no two are
 * equal, no two names are, which is the usual end of it. Where two are, by chance or because the
 * names are the same, the names themselves are compared, at a cost of their square. That cost is
 * bounded: collections above the listpack limits (128 entries unless configured) are never looked
 * at here, they become tables.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { hash32 } from "../../base/hash.ts";
import { lpEquals, lpFirst, lpNext, lpRead } from "../../store/packed/listpack.ts";

/** Up to here comparing each with each is faster than hashing. */
const FEW = 8;
/**
 * First byte of a listpack's text of no bytes; a text of n bytes up to 63 begins with this plus n.
 */
const SHORT = 0x80;
const SHORT_LENGTHS = 64;

const name = new BytesRef();
let hashes: Int32Array = new Int32Array(128);
/** Where each name looked at so far lies in the listpack, and its look. */
const positions: number[] = [];
const looks: number[] = [];

/**
 * Whether any two of `count` names are the same.
 *
 * @param bytes Holds the listpack, which has been checked, at `start`.
 * @param stride Entries from one name to the next: 1 in a set, 2 or 3 in a hash, 2 in a sorted set.
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
      if (lpEquals(bytes, positions[j], name.bytes, name.start, name.end)) return true;
    }
    looks[i] = look;
    positions[i] = pos;
    pos = skip(bytes, pos, stride);
  }
  return false;
}

/**
 * Length, first and last byte of a name in one number: it differs for most names that differ, is
 * the same for names that are the same, and saves comparing bytes.
 */
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

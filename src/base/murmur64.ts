/**
 * MurmurHash64A of Austin Appleby, with which PFADD hashes its elements (`hyperloglog.c`,
 * `MurmurHash64A`). The bits of this hash are part of a HyperLogLog's format: another hash would
 * count elements twice.
 *
 *     hash = seed ^ (length * m)
 *     for each word k of 8 bytes, little endian:
 *       k *= m; k ^= k >> 47; k *= m; hash = (hash ^ k) * m
 *     the last 1 to 7 bytes:  hash = (hash ^ bytes) * m
 *     hash ^= hash >> 47; hash *= m; hash ^= hash >> 47
 *
 * JavaScript multiplies 32-bit integers only, so a word is two halves here, low and high, and a
 * shift by 47 is a shift of the high half by 15. BigInt would be shorter and many times slower.
 *
 * @module
 */

import { readInt32 } from "./int32.ts";

/** The multiplier m, 0xc6a4a7935bd1e995, in two halves, and the low half again in two. */
const M_HIGH = 0xc6a4a793;
const M_LOW = 0x5bd1e995;
const M_LOW_HIGH = M_LOW >>> 16;
const M_LOW_LOW = M_LOW & 0xffff;

/** The result of {@linkcode murmur64}, two signed 32-bit halves; valid until its next call. */
export const murmur64Result = { low: 0, high: 0 };

/**
 * The last product of {@linkcode multiply}: two variables, because an object a word would be
 * garbage.
 */
let low = 0;
let high = 0;

/**
 * Hashes bytes `[start, end)` into {@linkcode murmur64Result}. `seed` is an unsigned 32-bit number.
 */
export function murmur64(bytes: Uint8Array, start: number, end: number, seed: number): void {
  multiply(end - start, 0);
  let hashLow = low ^ seed;
  let hashHigh = high;
  let pos = start;
  for (const last = end - 7; pos < last; pos += 8) {
    const wordLow = readInt32(bytes, pos);
    multiply(wordLow, readInt32(bytes, pos + 4));
    multiply(low ^ (high >>> 15), high);
    multiply(hashLow ^ low, hashHigh ^ high);
    hashLow = low;
    hashHigh = high;
  }
  if (pos < end) {
    for (let shift = 0; pos < end; pos++, shift += 8) {
      if (shift < 32) hashLow ^= bytes[pos] << shift;
      else hashHigh ^= bytes[pos] << (shift - 32);
    }
    multiply(hashLow, hashHigh);
    hashLow = low;
    hashHigh = high;
  }
  multiply(hashLow ^ (hashHigh >>> 15), hashHigh);
  murmur64Result.low = low ^ (high >>> 15);
  murmur64Result.high = high;
}

/**
 * Sets `low` and `high` to the product of two halves with m, modulo 2^64. The high half is the
 * carry of the low halves' product, computed in four products of 16 bits, and the two mixed
 * products modulo 2^32.
 */
function multiply(aLow: number, aHigh: number): void {
  const upper = aLow >>> 16;
  const lower = aLow & 0xffff;
  // Sums of products of 16 bits each stay far below 2^53.
  const middle = upper * M_LOW_LOW + ((lower * M_LOW_LOW) >>> 16);
  const other = lower * M_LOW_HIGH + (middle & 0xffff);
  const carried = upper * M_LOW_HIGH + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000);
  low = Math.imul(aLow, M_LOW);
  high = (carried + Math.imul(aLow, M_HIGH) + Math.imul(aHigh, M_LOW)) | 0;
}

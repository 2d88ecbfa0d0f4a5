/**
 * MurmurHash64A of Austin Appleby, little endian on every machine, with the multiplications done in
 * 32-bit halves.
 *
 * @module
 */

const M_HIGH = 0xc6a4a793;
const M_LOW = 0x5bd1e995;
const M_LOW_HIGH = M_LOW >>> 16;
const M_LOW_LOW = M_LOW & 0xffff;

/** The hash that the last {@linkcode murmur64} computed: its two halves, as int32. */
export const murmur64Result = { low: 0, high: 0 };

let low = 0;
let high = 0;

/** Hashes bytes `[start, end)`; the hash is in {@linkcode murmur64Result}. `seed` is an uint32. */
export function murmur64(bytes: Uint8Array, start: number, end: number, seed: number): void {
  multiply(end - start, 0);
  let hashLow = low ^ seed;
  let hashHigh = high;
  let pos = start;
  for (const last = end - 7; pos < last; pos += 8) {
    const wordLow = word(bytes, pos);
    multiply(wordLow, word(bytes, pos + 4));
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

/** Sets `low` and `high` to the product with M, modulo 2^64. */
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

function word(bytes: Uint8Array, pos: number): number {
  return bytes[pos] | (bytes[pos + 1] << 8) | (bytes[pos + 2] << 16) | (bytes[pos + 3] << 24);
}

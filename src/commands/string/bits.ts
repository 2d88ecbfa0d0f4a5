/**
 * Bit kernels for the commands on strings of bits: BITCOUNT, BITPOS and BITFIELD. They know bytes only, no
 * key and no argument.
 *
 * Bits are numbered as Redis numbers them: bit 0 is the highest bit of the first byte.
 *
 *     byte    0               1
 *     bit     0 1 2 3 4 5 6 7 8 9 ...
 *     mask   80 40 20 10 8 4 2 1 80 40 ...
 *
 * @module
 */

import { assert } from "../../base/assert.ts";

/**
 * From this many bytes on a run is read in 32-bit words. Below it, creating the `Uint32Array` view costs
 * more than the words save.
 */
const WORDS_FROM = 64;

/** The number of bits set in each byte value: the table of `bitops.c redisPopcount`. */
const ONES: Uint8Array = new Uint8Array(256);
for (let byte = 1; byte < 256; byte++) ONES[byte] = ONES[byte >> 1] + (byte & 1);

/** The number of bits set in bytes `[start, end)` (`bitops.c redisPopcount`). */
export function countBits(bytes: Uint8Array, start: number, end: number): number {
  assert(start <= end && end <= bytes.length, "the bytes lie in the buffer");
  let count = 0;
  let pos = start;
  if (end - start >= WORDS_FROM) {
    const wordsStart = alignUp(bytes, pos);
    for (; pos < wordsStart; pos++) count += ONES[bytes[pos]];
    const words = wordsAt(bytes, pos, end);
    for (let i = 0; i < words.length; i++) count += onesOf(words[i]);
    pos += words.length * 4;
  }
  for (; pos < end; pos++) count += ONES[bytes[pos]];
  return count;
}

/**
 * The first bit equal to `bit` among bits `[from, to)` (`bitops.c redisBitpos`). Bit numbers count from
 * byte `start`.
 *
 * @returns The bit's number; -1 when no bit of the range is equal.
 */
export function findBit(
  bytes: Uint8Array,
  start: number,
  from: number,
  to: number,
  bit: number,
): number {
  assert(start + Math.ceil(to / 8) <= bytes.length, "the bits lie in the buffer");
  // XOR with 0xff turns the search for a 0 into a search for a 1: the highest 1 of a byte comes from clz32.
  const flip = bit === 1 ? 0 : 0xff;
  let at = from;
  while (at < to) {
    const inByte = at % 8;
    const pos = start + (at - inByte) / 8;
    if (inByte === 0) {
      const next = skipBytes(bytes, pos, start + Math.floor(to / 8), flip);
      if (next > pos) {
        at += (next - pos) * 8;
        continue;
      }
    }
    const rest = (bytes[pos] ^ flip) & (0xff >> inByte);
    if (rest !== 0) {
      const found = at - inByte + Math.clz32(rest) - 24;
      // The last byte may reach beyond the range.
      return found < to ? found : -1;
    }
    at += 8 - inByte;
  }
  return -1;
}

/**
 * The unsigned number in the `width` bits from bit `offset` on (`bitops.c getUnsignedBitfield`). Bits are
 * numbered from byte `start`; those at or beyond byte `end` read as zeros, so that a field may lie partly
 * or wholly behind a string.
 */
export function readBits(
  bytes: Uint8Array,
  start: number,
  end: number,
  offset: number,
  width: number,
): bigint {
  assert(width > 0 && width <= 64, "a field has 1 to 64 bits");
  const skipped = offset % 8;
  const first = start + (offset - skipped) / 8;
  // A field of 64 bits that begins inside a byte touches nine bytes: more than a number holds, hence the
  // BigInt.
  const count = Math.ceil((skipped + width) / 8);
  let number = 0n;
  for (let i = 0; i < count; i++) {
    number = (number << 8n) | BigInt(first + i < end ? bytes[first + i] : 0);
  }
  return BigInt.asUintN(width, number >> BigInt(count * 8 - skipped - width));
}

/**
 * Writes the low `width` bits of `number` from bit `offset` on, numbered from byte `start`; all other bits
 * stay (`bitops.c setUnsignedBitfield`). The bytes of the field must exist.
 */
export function writeBits(
  bytes: Uint8Array,
  start: number,
  offset: number,
  width: number,
  number: bigint,
): void {
  assert(width > 0 && width <= 64, "a field has 1 to 64 bits");
  const skipped = offset % 8;
  const first = start + (offset - skipped) / 8;
  const count = Math.ceil((skipped + width) / 8);
  assert(first + count <= bytes.length, "the field lies in the buffer");
  // The field ends `shift` bits before the end of its last byte. Bytes are written from the last to the
  // first.
  const shift = BigInt(count * 8 - skipped - width);
  let mask = ((1n << BigInt(width)) - 1n) << shift;
  let bits = BigInt.asUintN(width, number) << shift;
  for (let pos = first + count - 1; pos >= first; pos--) {
    bytes[pos] = (bytes[pos] & ~Number(mask & 0xffn)) | Number(bits & 0xffn);
    mask >>= 8n;
    bits >>= 8n;
  }
}

/**
 * The first of bytes `[pos, end)` that differs from `byte`, which is 0 or 255; `end` when all are equal.
 */
function skipBytes(bytes: Uint8Array, pos: number, end: number, byte: number): number {
  if (end - pos >= WORDS_FROM) {
    const wordsStart = alignUp(bytes, pos);
    for (; pos < wordsStart; pos++) if (bytes[pos] !== byte) return pos;
    const words = wordsAt(bytes, pos, end);
    const word = byte === 0 ? 0 : 0xffffffff;
    let i = 0;
    while (i < words.length && words[i] === word) i++;
    pos += i * 4;
  }
  while (pos < end && bytes[pos] === byte) pos++;
  return pos;
}

/**
 * The first position at or after `pos` that a `Uint32Array` may begin at: a multiple of 4 in the
 * ArrayBuffer.
 */
function alignUp(bytes: Uint8Array, pos: number): number {
  return pos + ((4 - ((bytes.byteOffset + pos) & 3)) & 3);
}

/** As many whole words as bytes `[pos, end)` hold; `pos` is aligned. */
function wordsAt(bytes: Uint8Array, pos: number, end: number): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset + pos, (end - pos) >>> 2);
}

/**
 * The number of bits set in a word, by sums of 2, 4 and 8 bits side by side: Hacker's Delight, figure 5-2.
 */
function onesOf(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/**
 * Counting and finding bits in runs of bytes, and numbers of any width across byte borders. The first
 * bit is the highest of the first byte.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";

/** From here on whole words pay for the view they need. */
const WORDS_FROM = 64;

const ONES: Uint8Array = new Uint8Array(256);
for (let byte = 1; byte < 256; byte++) ONES[byte] = ONES[byte >> 1] + (byte & 1);

/** How many bits are set in bytes `[start, end)`. */
export function countBits(bytes: Uint8Array, start: number, end: number): number {
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
 * The first bit that is `bit` among bits `[from, to)` counted from byte `start`, as its number from
 * there; -1 when there is none.
 */
export function findBit(
  bytes: Uint8Array,
  start: number,
  from: number,
  to: number,
  bit: number,
): number {
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
      return found < to ? found : -1;
    }
    at += 8 - inByte;
  }
  return -1;
}

/** The unsigned number in `width` bits from bit `offset` of bytes `[start, end)`; beyond them is zero. */
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
  const count = Math.ceil((skipped + width) / 8);
  let number = 0n;
  for (let i = 0; i < count; i++) {
    number = (number << 8n) | BigInt(first + i < end ? bytes[first + i] : 0);
  }
  return BigInt.asUintN(width, number >> BigInt(count * 8 - skipped - width));
}

/** Writes the low `width` bits of a number from bit `offset` of `bytes` counted from `start`. */
export function writeBits(
  bytes: Uint8Array,
  start: number,
  offset: number,
  width: number,
  number: bigint,
): void {
  const skipped = offset % 8;
  const first = start + (offset - skipped) / 8;
  const count = Math.ceil((skipped + width) / 8);
  const shift = BigInt(count * 8 - skipped - width);
  let mask = ((1n << BigInt(width)) - 1n) << shift;
  let bits = BigInt.asUintN(width, number) << shift;
  for (let pos = first + count - 1; pos >= first; pos--) {
    bytes[pos] = (bytes[pos] & ~Number(mask & 0xffn)) | Number(bits & 0xffn);
    mask >>= 8n;
    bits >>= 8n;
  }
}

/** The first of bytes `[pos, end)` that is not `byte` (0 or 255), `end` when there is none. */
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

function alignUp(bytes: Uint8Array, pos: number): number {
  return pos + ((4 - ((bytes.byteOffset + pos) & 3)) & 3);
}

function wordsAt(bytes: Uint8Array, pos: number, end: number): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset + pos, (end - pos) >>> 2);
}

/** Hacker's Delight, figure 5-2. */
function onesOf(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/**
 * SHA-1 (FIPS 180-4), of which `DEBUG DIGEST` is made: it hashes every key and value, many of them
 * short. The runtimes' own SHA-1 is asynchronous or creates an object for each hash. SHA-1 resists
 * no attacker, so nothing here is for secrets.
 *
 * The message is padded to whole blocks of 64 bytes: a bit 1, zeros, and its length in bits as a
 * 64-bit number, big endian. Each block is 16 words, extended to 80, and mixes once into a state of
 * five words.
 *
 *     | message ... | 80 00 ... 00 | length in bits, 8 bytes |
 *     |<-------- a multiple of 64 bytes in all ------------->|
 *
 * @module
 */

import { assert } from "./assert.ts";

/** Length of a digest in bytes. */
export const SHA1_BYTES = 20;

const BLOCK_BYTES = 64;
/** Offset of the length in the last block. */
const LENGTH_AT = 56;

/** The 80 words of the block at hand. */
const schedule: Int32Array = new Int32Array(80);
/** The last one or two blocks, padded. */
const tail: Uint8Array = new Uint8Array(2 * BLOCK_BYTES);
/** The five words of the digest before the first block. */
const BEGINNING: Int32Array = Int32Array.of(
  0x67452301,
  0xefcdab89,
  0x98badcfe,
  0x10325476,
  0xc3d2e1f0,
);
/** The five words of the digest so far. */
const state: Int32Array = new Int32Array(5);

/**
 * Writes the digest of `[start, end)` to `out` at `at`, 20 bytes; `out` may be `bytes` itself,
 * because all of it has been read by then. Allocates nothing.
 */
export function sha1(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): void {
  state.set(BEGINNING);
  const whole = start + Math.floor((end - start) / BLOCK_BYTES) * BLOCK_BYTES;
  for (let pos = start; pos < whole; pos += BLOCK_BYTES) mixBlock(bytes, pos);
  mixTail(bytes, whole, end, end - start);
  writeState(out, at);
}

/** The digest of a message that is so long that it is hashed in pieces. */
export class LongSha1 {
  readonly #state: Int32Array = BEGINNING.slice();
  #length: number = 0;

  /** Adds the next bytes, whole blocks of 64; what is left behind the last of them goes to `end`. */
  add(bytes: Uint8Array, start: number, end: number): void {
    assert((end - start) % BLOCK_BYTES === 0, "whole blocks are added");
    state.set(this.#state);
    for (let pos = start; pos < end; pos += BLOCK_BYTES) mixBlock(bytes, pos);
    this.#state.set(state);
    this.#length += end - start;
  }

  /** Adds the last bytes, fewer than 64, and writes the digest to `out` at `at`. */
  end(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): void {
    state.set(this.#state);
    mixTail(bytes, start, end, this.#length + end - start);
    writeState(out, at);
  }
}

/** Writes the five words, the most significant byte first. */
function writeState(out: Uint8Array, at: number): void {
  assert(at + SHA1_BYTES <= out.length, "the digest fits its place");
  for (let i = 0; i < 5; i++) {
    const word = state[i];
    out[at + 4 * i] = word >>> 24;
    out[at + 4 * i + 1] = word >>> 16;
    out[at + 4 * i + 2] = word >>> 8;
    out[at + 4 * i + 3] = word;
  }
}

/** Bytes as lower-case hexadecimal digits, two a byte. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16);
  return text;
}

/**
 * Mixes in `[start, end)`, the bytes behind the last whole block, with the padding: in a second
 * block when the length has no room in the first.
 *
 * @param length Bytes of the whole message.
 */
function mixTail(bytes: Uint8Array, start: number, end: number, length: number): void {
  const count = end - start;
  assert(count < BLOCK_BYTES, "less than a block is left for the tail");
  for (let i = 0; i < count; i++) tail[i] = bytes[start + i];
  tail[count] = 0x80;
  const blocks = count < LENGTH_AT ? 1 : 2;
  const lengthAt = (blocks - 1) * BLOCK_BYTES + LENGTH_AT;
  tail.fill(0, count + 1, lengthAt);
  // length * 8 in two words: a shift by 3 drops the bits that belong to the upper one.
  const high = Math.floor(length / 0x20000000);
  const low = length << 3;
  for (let i = 0; i < 4; i++) {
    tail[lengthAt + i] = high >>> (24 - 8 * i);
    tail[lengthAt + 4 + i] = low >>> (24 - 8 * i);
  }
  for (let i = 0; i < blocks; i++) mixBlock(tail, i * BLOCK_BYTES);
}

/**
 * Mixes one block of 64 bytes into `state`. The 80 rounds are four kinds of 20, with the functions
 * "choose", "parity", "majority" and "parity" and a constant each (FIPS 180-4, 4.1.1 and 4.2.1).
 */
function mixBlock(bytes: Uint8Array, pos: number): void {
  const w = schedule;
  for (let i = 0; i < 16; i++, pos += 4) {
    w[i] = (bytes[pos] << 24) | (bytes[pos + 1] << 16) | (bytes[pos + 2] << 8) | bytes[pos + 3];
  }
  for (let i = 16; i < 80; i++) {
    const word = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
    w[i] = (word << 1) | (word >>> 31);
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  for (let i = 0; i < 80; i++) {
    let f: number;
    if (i < 20) f = (d ^ (b & (c ^ d))) + 0x5a827999;
    else if (i < 40) f = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) f = ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
    else f = (b ^ c ^ d) + 0xca62c1d6;
    const next = (((a << 5) | (a >>> 27)) + f + e + w[i]) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0] = (state[0] + a) | 0;
  state[1] = (state[1] + b) | 0;
  state[2] = (state[2] + c) | 0;
  state[3] = (state[3] + d) | 0;
  state[4] = (state[4] + e) | 0;
}

/**
 * SHA-1 (FIPS 180-4): what Redis names scripts by and what `DEBUG DIGEST` is made of. Not for secrets.
 *
 * @module
 */

/** Bytes of a digest. */
export const SHA1_BYTES = 20;

const BLOCK_BYTES = 64;
const LENGTH_AT = 56;

const schedule: Int32Array = new Int32Array(80);
const tail: Uint8Array = new Uint8Array(2 * BLOCK_BYTES);
const state: Int32Array = new Int32Array(5);

/**
 * Writes the digest of `[start, end)` to `out` at `at`, 20 bytes; `out` may be the bytes themselves.
 * Allocates nothing.
 */
export function sha1(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): void {
  state[0] = 0x67452301;
  state[1] = 0xefcdab89;
  state[2] = 0x98badcfe;
  state[3] = 0x10325476;
  state[4] = 0xc3d2e1f0;
  let pos = start;
  for (; end - pos >= BLOCK_BYTES; pos += BLOCK_BYTES) mixBlock(bytes, pos);
  mixTail(bytes, pos, end, end - start);
  for (let i = 0; i < 5; i++) {
    const word = state[i];
    out[at + 4 * i] = word >>> 24;
    out[at + 4 * i + 1] = word >>> 16;
    out[at + 4 * i + 2] = word >>> 8;
    out[at + 4 * i + 3] = word;
  }
}

/** Bytes as lower-case hexadecimal digits. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16);
  return text;
}

/** What is left after the whole blocks: a one bit, zeros, and the length in bits in 64 of them. */
function mixTail(bytes: Uint8Array, start: number, end: number, length: number): void {
  const count = end - start;
  for (let i = 0; i < count; i++) tail[i] = bytes[start + i];
  tail[count] = 0x80;
  const blocks = count < LENGTH_AT ? 1 : 2;
  const lengthAt = (blocks - 1) * BLOCK_BYTES + LENGTH_AT;
  tail.fill(0, count + 1, lengthAt);
  const high = Math.floor(length / 0x20000000);
  const low = length << 3;
  for (let i = 0; i < 4; i++) {
    tail[lengthAt + i] = high >>> (24 - 8 * i);
    tail[lengthAt + 4 + i] = low >>> (24 - 8 * i);
  }
  for (let i = 0; i < blocks; i++) mixBlock(tail, i * BLOCK_BYTES);
}

/** One block of 64 bytes into `state`. The four kinds of round are told apart by their number. */
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

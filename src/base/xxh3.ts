/**
 * XXH3 with seed 0 and its own secret, in 64 and 128 bits (`xxhash.h`, version 0.8): the hash whose digits
 * Redis 8.4's DIGEST shows, and by which 8.6 knows a repeated stream entry (`XADD ... IDMPAUTO`).
 *
 * An input of up to 240 bytes is mixed by a formula of its own for each of five ranges of length. A longer
 * one is read in blocks of stripes, each of which is added to eight accumulators of 64 bits:
 *
 * ```text
 *   block    16 stripes of 64 bytes, each mixed with the secret at 8 bytes further on; then a scramble
 *   last     the stripes that fill no block, then the last 64 bytes once more
 *   merge    the accumulators, folded into 64 bits, twice with other parts of the secret for 128
 * ```
 *
 * Accumulators are pairs of 32-bit words, since a BigInt costs twenty times as much and there are eight
 * operations for each 8 bytes; what is done once an input uses BigInt.
 *
 * @module
 */

import { assert } from "./assert.ts";

const SECRET_HEX = "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f" +
  "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c" +
  "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8" +
  "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364" +
  "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e" +
  "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e";
const SECRET_BYTES = 192;
const secret = new DataView(new ArrayBuffer(SECRET_BYTES));
for (let i = 0; i < SECRET_HEX.length; i += 2) {
  secret.setUint8(i / 2, parseInt(SECRET_HEX.slice(i, i + 2), 16));
}

const PRIME32_1 = 0x9e3779b1n;
const PRIME32_2 = 0x85ebca77n;
const PRIME32_3 = 0xc2b2ae3dn;
const PRIME64_1 = 0x9e3779b185ebca87n;
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME64_3 = 0x165667b19e3779f9n;
const PRIME64_4 = 0x85ebca77c2b2ae63n;
const PRIME64_5 = 0x27d4eb2f165667c5n;
const PRIME_MX1 = 0x165667919e3779f9n;
const PRIME_MX2 = 0x9fb21c651e98df25n;
const MASK_64 = 0xffffffffffffffffn;
const MASK_32 = 0xffffffffn;

const STRIPE = 64;
const BLOCK_STRIPES = (SECRET_BYTES - STRIPE) / 8;
const LAST_STRIPE_SECRET = SECRET_BYTES - STRIPE - 7;
const MERGE_SECRET = 11;
const SHORT = 16;
const MIDDLE = 128;
const LONG = 240;

/** A hash of 128 bits. */
export interface Hash128 {
  /** Bits 0 to 63. */
  readonly low: bigint;
  /** Bits 64 to 127. */
  readonly high: bigint;
}

/** The 64-bit hash of `bytes[start, end)`. O(n). */
export function xxh3(bytes: Uint8Array, start: number, end: number): bigint {
  assert(start <= end && end <= bytes.length, "the input lies inside its buffer");
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const length = end - start;
  if (length <= SHORT) return short64(view, length);
  if (length <= LONG) return avalanche(middle(view, length));
  accumulate(view, length);
  return mergeAccumulators(MERGE_SECRET, wrap(BigInt(length) * PRIME64_1));
}

/** The 128-bit hash of `bytes[start, end)`. O(n). */
export function xxh128(bytes: Uint8Array, start: number, end: number): Hash128 {
  assert(start <= end && end <= bytes.length, "the input lies inside its buffer");
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const length = end - start;
  if (length <= SHORT) return short128(view, length);
  if (length <= LONG) return middle128(view, length);
  accumulate(view, length);
  return {
    low: mergeAccumulators(MERGE_SECRET, wrap(BigInt(length) * PRIME64_1)),
    high: mergeAccumulators(
      SECRET_BYTES - STRIPE - MERGE_SECRET,
      wrap(~(BigInt(length) * PRIME64_2)),
    ),
  };
}

function wrap(value: bigint): bigint {
  return value & MASK_64;
}

function word64(view: DataView, at: number): bigint {
  return view.getBigUint64(at, true);
}

function word32(view: DataView, at: number): bigint {
  return BigInt(view.getUint32(at, true));
}

function key64(at: number): bigint {
  return secret.getBigUint64(at, true);
}

function key32(at: number): bigint {
  return BigInt(secret.getUint32(at, true));
}

function rotate(value: bigint, bits: bigint): bigint {
  return wrap((value << bits) | (value >> (64n - bits)));
}

function swapBytes(value: bigint, size: number): bigint {
  let swapped = 0n;
  for (let i = 0; i < size; i++) swapped = (swapped << 8n) | ((value >> BigInt(8 * i)) & 0xffn);
  return swapped;
}

/** Product of 128 bits, its halves folded by exclusive or. */
function foldedProduct(a: bigint, b: bigint): bigint {
  const product = a * b;
  return wrap(product) ^ (product >> 64n);
}

function avalanche(hash: bigint): bigint {
  hash ^= hash >> 37n;
  hash = wrap(hash * PRIME_MX1);
  return hash ^ (hash >> 32n);
}

/** XXH64's own last mixing. */
function avalanche64(hash: bigint): bigint {
  hash = wrap((hash ^ (hash >> 33n)) * PRIME64_2);
  hash = wrap((hash ^ (hash >> 29n)) * PRIME64_3);
  return hash ^ (hash >> 32n);
}

/** The first, middle and last byte of 1 to 3 bytes, with the length, as 32 bits. */
function combined(view: DataView, length: number): bigint {
  const first = view.getUint8(0);
  const middle = view.getUint8(length >> 1);
  const last = view.getUint8(length - 1);
  return BigInt(((first << 16) | (middle << 24) | last | (length << 8)) >>> 0);
}

function short64(view: DataView, length: number): bigint {
  const size = BigInt(length);
  if (length > 8) {
    const low = word64(view, 0) ^ key64(24) ^ key64(32);
    const high = word64(view, length - 8) ^ key64(40) ^ key64(48);
    return avalanche(wrap(size + swapBytes(low, 8) + high + foldedProduct(low, high)));
  }
  if (length >= 4) {
    const both = word32(view, length - 4) + (word32(view, 0) << 32n);
    let hash = both ^ key64(8) ^ key64(16);
    hash ^= rotate(hash, 49n) ^ rotate(hash, 24n);
    hash = wrap(hash * PRIME_MX2);
    hash ^= (hash >> 35n) + size;
    hash = wrap(hash * PRIME_MX2);
    return hash ^ (hash >> 28n);
  }
  if (length > 0) return avalanche64(combined(view, length) ^ key32(0) ^ key32(4));
  return avalanche64(key64(56) ^ key64(64));
}

function mix16(view: DataView, at: number, secretAt: number): bigint {
  return foldedProduct(
    word64(view, at) ^ key64(secretAt),
    word64(view, at + 8) ^ key64(secretAt + 8),
  );
}

/** The sum for 17 to 240 bytes, before its last mixing. */
function middle(view: DataView, length: number): bigint {
  let sum = BigInt(length) * PRIME64_1;
  if (length <= MIDDLE) {
    for (let i = (length - 1) >> 5; i >= 0; i--) {
      sum += mix16(view, 16 * i, 32 * i) + mix16(view, length - 16 * (i + 1), 32 * i + 16);
    }
    return wrap(sum);
  }
  for (let i = 0; i < 8; i++) sum += mix16(view, 16 * i, 16 * i);
  sum = avalanche(wrap(sum));
  for (let i = 8; i < length >> 4; i++) sum += mix16(view, 16 * i, 16 * (i - 8) + 3);
  return wrap(sum + mix16(view, length - 16, 136 - 17));
}

function short128(view: DataView, length: number): Hash128 {
  const size = BigInt(length);
  if (length > 8) return short128Of9(view, length, size);
  if (length >= 4) {
    const both = word32(view, 0) + (word32(view, length - 4) << 32n);
    const keyed = both ^ key64(16) ^ key64(24);
    const product = keyed * wrap(PRIME64_1 + (size << 2n));
    let low = wrap(product);
    const high = wrap((product >> 64n) + (low << 1n));
    low ^= high >> 3n;
    low ^= low >> 35n;
    low = wrap(low * PRIME_MX2);
    low ^= low >> 28n;
    return { low, high: avalanche(high) };
  }
  if (length > 0) {
    const low = combined(view, length);
    const swapped = swapBytes(low, 4);
    const high = ((swapped << 13n) | (swapped >> 19n)) & MASK_32;
    return {
      low: avalanche64(low ^ key32(0) ^ key32(4)),
      high: avalanche64(high ^ key32(8) ^ key32(12)),
    };
  }
  return {
    low: avalanche64(key64(64) ^ key64(72)),
    high: avalanche64(key64(80) ^ key64(88)),
  };
}

function short128Of9(view: DataView, length: number, size: bigint): Hash128 {
  const first = word64(view, 0);
  let last = word64(view, length - 8);
  const product = (first ^ last ^ key64(32) ^ key64(40)) * PRIME64_1;
  let low = wrap(wrap(product) + ((size - 1n) << 54n));
  let high = product >> 64n;
  last ^= key64(48) ^ key64(56);
  high = wrap(high + last + (last & MASK_32) * (PRIME32_2 - 1n));
  low ^= swapBytes(high, 8);
  const mixed = low * PRIME64_2;
  return {
    low: avalanche(wrap(mixed)),
    high: avalanche(wrap((mixed >> 64n) + high * PRIME64_2)),
  };
}

/** Two sums of 64 bits that two runs of 16 bytes are mixed into. */
class Pair {
  #low: bigint;
  #high: bigint = 0n;

  constructor(length: number) {
    this.#low = wrap(BigInt(length) * PRIME64_1);
  }

  mix(view: DataView, a: number, b: number, secretAt: number): void {
    this.#low = wrap(this.#low + mix16(view, a, secretAt)) ^
      wrap(word64(view, b) + word64(view, b + 8));
    this.#high = wrap(this.#high + mix16(view, b, secretAt + 16)) ^
      wrap(word64(view, a) + word64(view, a + 8));
  }

  avalanche(): void {
    this.#low = avalanche(this.#low);
    this.#high = avalanche(this.#high);
  }

  hash(length: number): Hash128 {
    const low = wrap(this.#low + this.#high);
    const high = this.#low * PRIME64_1 + this.#high * PRIME64_4 + BigInt(length) * PRIME64_2;
    return { low: avalanche(low), high: wrap(-avalanche(wrap(high))) };
  }
}

function middle128(view: DataView, length: number): Hash128 {
  const pair = new Pair(length);
  if (length <= MIDDLE) {
    for (let i = (length - 1) >> 5; i >= 0; i--) {
      pair.mix(view, 16 * i, length - 16 * (i + 1), 32 * i);
    }
    return pair.hash(length);
  }
  for (let i = 32; i < 160; i += 32) pair.mix(view, i - 32, i - 16, i - 32);
  pair.avalanche();
  for (let i = 160; i <= length; i += 32) pair.mix(view, i - 32, i - 16, 3 + i - 160);
  // The last 32 bytes, the second half first.
  pair.mix(view, length - 16, length - 32, 136 - 17 - 16);
  return pair.hash(length);
}

/** Low and high word of each of the eight accumulators; one input at a time uses them. */
const accumulators = new Uint32Array(16);

/** Adds an input of more than 240 bytes to the accumulators, which begin anew. */
function accumulate(view: DataView, length: number): void {
  [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1]
    .forEach((prime, i) => {
      accumulators[2 * i] = Number(prime & MASK_32);
      accumulators[2 * i + 1] = Number(prime >> 32n);
    });
  const blockBytes = BLOCK_STRIPES * STRIPE;
  const blocks = Math.floor((length - 1) / blockBytes);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < BLOCK_STRIPES; i++) addStripe(view, block * blockBytes + i * STRIPE, 8 * i);
    scramble();
  }
  const rest = blocks * blockBytes;
  const stripes = Math.floor((length - 1 - rest) / STRIPE);
  for (let i = 0; i < stripes; i++) addStripe(view, rest + i * STRIPE, 8 * i);
  addStripe(view, length - STRIPE, LAST_STRIPE_SECRET);
}

/** Adds 64 bytes: to each accumulator its neighbour's word, and the product of its own keyed halves. */
function addStripe(view: DataView, at: number, secretAt: number): void {
  const sums = accumulators;
  for (let i = 0; i < 16; i += 2) {
    const low = view.getUint32(at + 4 * i, true);
    const high = view.getUint32(at + 4 * i + 4, true);
    add(sums, i ^ 2, low, high);
    const a = (low ^ secret.getUint32(secretAt + 4 * i, true)) >>> 0;
    const b = (high ^ secret.getUint32(secretAt + 4 * i + 4, true)) >>> 0;
    add(sums, i, Math.imul(a, b) >>> 0, productHigh(a, b));
  }
}

function add(sums: Uint32Array, i: number, low: number, high: number): void {
  const sum = sums[i] + low;
  sums[i] = sum;
  sums[i + 1] = sums[i + 1] + high + (sum > 0xffffffff ? 1 : 0);
}

/** Bits 32 to 63 of the product of two words of 32 bits. */
function productHigh(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(other / 65536)) >>> 0;
}

function scramble(): void {
  const prime = Number(PRIME32_1);
  for (let i = 0; i < 16; i += 2) {
    let low = accumulators[i];
    let high = accumulators[i + 1];
    low ^= high >>> 15;
    low = (low ^ secret.getUint32(SECRET_BYTES - STRIPE + 4 * i, true)) >>> 0;
    high = (high ^ secret.getUint32(SECRET_BYTES - STRIPE + 4 * i + 4, true)) >>> 0;
    accumulators[i] = Math.imul(low, prime);
    accumulators[i + 1] = productHigh(low, prime) + Math.imul(high, prime);
  }
}

function accumulator(i: number): bigint {
  return (BigInt(accumulators[2 * i + 1]) << 32n) | BigInt(accumulators[2 * i]);
}

function mergeAccumulators(secretAt: number, start: bigint): bigint {
  let sum = start;
  for (let i = 0; i < 4; i++) {
    const a = accumulator(2 * i) ^ key64(secretAt + 16 * i);
    const b = accumulator(2 * i + 1) ^ key64(secretAt + 16 * i + 8);
    sum += foldedProduct(a, b);
  }
  return avalanche(wrap(sum));
}

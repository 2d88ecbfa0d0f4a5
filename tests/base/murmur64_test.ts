/**
 * MurmurHash64A in 32-bit halves against the same formula in bigints.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { murmur64, murmur64Result } from "../../src/base/murmur64.ts";
import { Prng } from "../../src/base/prng.ts";

const MASK = 0xffffffffffffffffn;
const M = 0xc6a4a7935bd1e995n;

function murmurModel(bytes: Uint8Array, seed: bigint): bigint {
  const times = (a: bigint) => (a * M) & MASK;
  let hash = seed ^ times(BigInt(bytes.length));
  let pos = 0;
  for (; pos + 8 <= bytes.length; pos += 8) {
    let word = times(littleEndian(bytes.subarray(pos, pos + 8)));
    word ^= word >> 47n;
    hash = times(hash ^ times(word));
  }
  if (pos < bytes.length) hash = times(hash ^ littleEndian(bytes.subarray(pos)));
  hash = times(hash ^ (hash >> 47n));
  return hash ^ (hash >> 47n);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function randomBytes(prng: Prng, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => prng.oneIn(4) ? 255 : prng.int(256));
}

test("murmur64() is MurmurHash64A in halves", () => {
  const prng = new Prng(7);
  for (let i = 0; i < 4000; i++) {
    const bytes = randomBytes(prng, prng.int(40));
    const seed = i % 2 === 0 ? 0xadc83b19 : prng.int(2 ** 31);
    murmur64(bytes, 0, bytes.length, seed);
    const hash = (BigInt(murmur64Result.high >>> 0) << 32n) | BigInt(murmur64Result.low >>> 0);
    assert.equal(hash, murmurModel(bytes, BigInt(seed)));
  }
});

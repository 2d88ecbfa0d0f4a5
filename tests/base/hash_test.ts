/**
 * HalfSipHash-1-3 against published vectors, and its spread over buckets.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../src/base/ascii.ts";
import { hash32 } from "../../src/base/hash.ts";
import { Prng } from "../../src/base/prng.ts";

/** Linux, lib/test_siphash.c: HalfSipHash-1-3 of 0, 1, 2 ... under the key 0, 1 ... 7. */
const HALF_SIPHASH_1_3 = [
  0x5814c896,
  0xe7e864ca,
  0xbc4b0e30,
  0x01539939,
  0x7e059ea6,
  0x88e3d89b,
  0xa0080b65,
  0x9d38d9d6,
  0x577999b1,
  0xc839caed,
  0xe4fa32cf,
  0x959246ee,
];

test("hash32() gives the published HalfSipHash-1-3 vectors", () => {
  const bytes = Uint8Array.from({ length: 20 }, (_, i) => i - 4);
  for (const [length, expected] of HALF_SIPHASH_1_3.entries()) {
    assert.equal(hash32(bytes, 4, 4 + length, 0x03020100, 0x07060504) >>> 0, expected);
  }
});

test("hash32() spreads sequential keys evenly under any seed", () => {
  const prng = new Prng(3);
  for (let round = 0; round < 4; round++) {
    const [seed0, seed1] = [prng.uint32(), prng.uint32()];
    const buckets = new Uint32Array(256);
    for (let i = 0; i < 65_536; i++) {
      const key = encodeUtf8(`key:${i}`);
      buckets[hash32(key, 0, key.length, seed0, seed1) & 255]++;
    }
    const chi = buckets.reduce((sum, count) => sum + (count - 256) ** 2 / 256, 0);
    assert.ok(chi < 400, `chi squared of 255 degrees is ${chi} for seeds ${seed0}, ${seed1}`);
  }
});

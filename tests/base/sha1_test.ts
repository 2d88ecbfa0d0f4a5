/**
 * SHA-1 against the vectors FIPS 180 and RFC 3174 publish, and against node:crypto at every length
 * around the edges of its blocks.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { encodeUtf8 } from "../../src/base/ascii.ts";
import { Prng } from "../../src/base/prng.ts";
import { hexOf, sha1, SHA1_BYTES } from "../../src/base/sha1.ts";

function sha1Hex(bytes: Uint8Array): string {
  const digest = new Uint8Array(SHA1_BYTES);
  sha1(bytes, 0, bytes.length, digest, 0);
  return hexOf(digest);
}

const VECTORS: readonly (readonly [name: string, text: string, digest: string])[] = [
  ["nothing", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
  ["one block", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
  [
    "two blocks",
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
  ],
  ["a million letters", "a".repeat(1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"],
  ["many blocks", "01234567".repeat(80), "dea356a2cddd90c7a7ecedc5ebb563934f460452"],
];

for (const [name, text, digest] of VECTORS) {
  test(`sha1() gives the published digest of ${name}`, () => {
    assert.equal(sha1Hex(encodeUtf8(text)), digest);
  });
}

test("sha1() agrees with node:crypto at every length of a tail, from any offset", () => {
  const prng = new Prng(5);
  const out = new Uint8Array(24);
  for (let length = 0; length <= 200; length++) {
    const bytes = prng.bytes(length + 9);
    sha1(bytes, 5, 5 + length, out, 2);
    const expected = createHash("sha1").update(bytes.subarray(5, 5 + length)).digest("hex");
    assert.equal(hexOf(out.subarray(2, 22)), expected, `${length} bytes`);
  }
});

test("sha1() may write over what it reads", () => {
  const bytes = encodeUtf8("abc".padEnd(20));
  sha1(bytes, 0, 3, bytes, 0);
  assert.equal(hexOf(bytes), "a9993e364706816aba3e25717850c26c9cd0d89d");
});

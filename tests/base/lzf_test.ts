/**
 * LZF: a known run, round trips of seeded bytes, damaged input.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { lzfCompress, lzfDecompress } from "../../src/base/lzf.ts";
import { Prng } from "../../src/base/prng.ts";

test("lzfDecompress() unpacks a known run", () => {
  const source = Uint8Array.of(0x01, 0x61, 0x61, 0xe0, 0x11, 0x00, 0x01, 0x61, 0x61);
  const target = new Uint8Array(30);
  assert.ok(lzfDecompress(source, 0, source.length, target, 0, 30));
  assert.deepEqual(target, new Uint8Array(30).fill(0x61));
  for (let end = 0; end < source.length; end++) {
    assert.ok(!lzfDecompress(source, 0, end, target, 0, 30), `cut at ${end}`);
  }
  assert.ok(!lzfDecompress(source, 0, source.length, target, 0, 29));
});

/** Bytes that pack more or less well. */
function samples(prng: Prng, length: number): Uint8Array {
  const symbols = prng.pick([1, 2, 4, 16, 256]);
  const bytes = Uint8Array.from({ length }, () => prng.int(symbols));
  for (let i = 0; i < prng.int(4); i++) {
    const from = prng.int(length + 1);
    bytes.copyWithin(prng.int(length + 1), from, from + prng.int(length + 1));
  }
  return bytes;
}

test("lzfCompress() and lzfDecompress() round trip inside their ranges", () => {
  const prng = new Prng(11);
  let packed = 0;
  for (let round = 0; round < 3000; round++) {
    const plain = samples(prng, prng.oneIn(20) ? prng.int(40_000) : prng.int(600));
    const room = new Uint8Array(plain.length + 10).fill(0xee);
    const size = lzfCompress(plain, 0, plain.length, room, 3, 3 + Math.max(0, plain.length - 4));
    assert.ok(room.subarray(Math.max(3, plain.length - 1)).every((byte) => byte === 0xee));
    if (size === 0) continue;
    packed++;
    const back = new Uint8Array(plain.length + 2);
    assert.ok(lzfDecompress(room, 3, 3 + size, back, 1, 1 + plain.length));
    assert.deepEqual(back.subarray(1, 1 + plain.length), plain);
  }
  assert.ok(packed > 1000, `${packed} samples were worth packing`);
});

test("lzfDecompress() refuses damage without leaving its target", () => {
  const prng = new Prng(13);
  for (let round = 0; round < 5000; round++) {
    const source = prng.bytes(1 + prng.int(40));
    const target = new Uint8Array(120).fill(0xee);
    lzfDecompress(source, 0, source.length, target, 10, 10 + prng.int(100));
    assert.ok(target.subarray(0, 10).every((byte) => byte === 0xee));
    assert.ok(target.subarray(110).every((byte) => byte === 0xee));
  }
});

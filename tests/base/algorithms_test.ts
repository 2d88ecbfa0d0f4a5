/**
 * Hash, checksums, LZF, globs, 64-bit integers: published vectors first, then seeded properties.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../src/base/ascii.ts";
import { crc16, keySlot } from "../../src/base/crc16.ts";
import { Crc64 } from "../../src/base/crc64.ts";
import { globMatch, isLiteral } from "../../src/base/glob.ts";
import { hash32 } from "../../src/base/hash.ts";
import * as int64 from "../../src/base/int64.ts";
import { lzfCompress, lzfDecompress } from "../../src/base/lzf.ts";
import { Prng } from "../../src/base/prng.ts";

const CHECK = encodeUtf8("123456789");

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

test("Crc64 gives the published check value", () => {
  const crc = new Crc64();
  crc.update(CHECK);
  assert.ok(crc.equals(0xe9c6d914, 0xc4b8d9ca));
  assert.deepEqual(crc.digest(), Uint8Array.of(0xca, 0xd9, 0xb8, 0xc4, 0x14, 0xd9, 0xc6, 0xe9));
  crc.reset();
  assert.ok(crc.equals(0, 0));
});

/** A bit at a time, straight from the definition. */
function plainCrc64(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? 0x95ac9329ac4bc9b5n : 0n);
  }
  return crc;
}

test("Crc64 is the same for any cutting and any alignment", () => {
  const prng = new Prng(5);
  for (let round = 0; round < 60; round++) {
    const all = prng.bytes(400);
    const bytes = all.subarray(prng.int(9), all.length - prng.int(300));
    const expected = plainCrc64(bytes);
    const crc = new Crc64();
    for (let pos = 0; pos < bytes.length;) {
      const end = Math.min(bytes.length, pos + prng.int(200));
      crc.update(bytes, pos, end);
      pos = end;
    }
    assert.equal((BigInt(crc.high) << 32n) | BigInt(crc.low), expected);
  }
});

test("crc16() gives the XMODEM check value, keySlot() the cluster's slots", () => {
  assert.equal(crc16(CHECK, 0, CHECK.length), 0x31c3);
  const slots: [string, string][] = [
    ["{user1000}.following", "user1000"],
    ["foo{{bar}}zap", "{bar"],
    ["foo{bar}{zap}", "bar"],
    ["foo{}{bar}", "foo{}{bar}"],
    ["foo{bar", "foo{bar"],
  ];
  for (const [key, hashed] of slots) {
    const bytes = encodeUtf8(key);
    const part = encodeUtf8(hashed);
    assert.equal(keySlot(bytes, 0, bytes.length), crc16(part, 0, part.length) % 16384, key);
  }
  const foo = encodeUtf8("foo");
  assert.equal(keySlot(foo, 0, 3), 12182);
});

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

/** Text, pattern, what `KEYS` of redis-server 7.0, 8.0 and valkey 9 says to them. */
const GLOBS: readonly (readonly [string, string, boolean])[] = [
  ["", "", true],
  ["", "*", true],
  ["", "**", false],
  ["", "?", false],
  ["", "*?", false],
  ["abc", "", false],
  ["abc", "abc", true],
  ["abc", "ab", false],
  ["abc", "abcd", false],
  ["abc", "a*", true],
  ["abc", "a**c", true],
  ["abc", "abc*", true],
  ["abc", "*c", true],
  ["abc", "*b", false],
  ["abc", "**", true],
  ["abc", "?**?", true],
  ["abc", "????", false],
  ["abc", "[^x]bc", true],
  ["abc", "[^a]bc", false],
  ["abc", "[a-]bc", false],
  ["abc", "[c-a]bc", true],
  ["abc", "[abc", false],
  ["abc", "ab[abc", true],
  ["abc", "abc[", false],
  ["abc", "ab[^", true],
  ["abc", "a\\bc", true],
  ["abc", "abc\\", false],
  ["abc", "ab[\\c]", true],
  ["abc", "ab[]c]", false],
  ["a]c", "a[]c", false],
  ["a]c", "a[\\]]c", true],
  ["a-c", "a[a-]c", false],
  ["a-c", "a[-]c", true],
  ["a-c", "a[+--]c", true],
  ["a\\", "a\\\\", true],
  ["a\\", "a\\", true],
  ["a\\", "a[\\", true],
  ["a*c", "a\\*c", true],
  ["abc", "a\\*c", false],
  ["mississippi", "m*iss*ppi", true],
  ["mississippi", "m*iss*pxi", false],
];

for (const [text, pattern, expected] of GLOBS) {
  test(`globMatch() of ${JSON.stringify(text)} and ${JSON.stringify(pattern)}`, () => {
    const bytes = encodeUtf8(`#${text}#`);
    assert.equal(globMatch(encodeUtf8(pattern), bytes, 1, bytes.length - 1), expected);
  });
}

test("globMatch() folds case when asked, ranges included", () => {
  const bytes = encodeUtf8("MaxMemory");
  assert.ok(globMatch(encodeUtf8("maxmem*"), bytes, 0, bytes.length, true));
  assert.ok(globMatch(encodeUtf8("[k-n]ax?EMORY"), bytes, 0, bytes.length, true));
  assert.ok(!globMatch(encodeUtf8("maxmem*"), bytes, 0, bytes.length));
});

test("globMatch() takes time in proportion to both lengths, not to their power", () => {
  // To the power of fifty this would never end.
  const pattern = encodeUtf8("*a".repeat(50) + "b");
  const bytes = encodeUtf8("a".repeat(20_000));
  assert.ok(!globMatch(pattern, bytes, 0, bytes.length));
});

test("globMatch() agrees with plain backtracking on every small pattern", () => {
  const prng = new Prng(17);
  for (let round = 0; round < 20_000; round++) {
    const pattern = Array.from({ length: prng.int(6) }, () => prng.pick([..."ab*?"])).join("");
    const text = Array.from({ length: 1 + prng.int(5) }, () => prng.pick([..."ab"])).join("");
    const expected = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
    const bytes = encodeUtf8(text);
    assert.equal(
      globMatch(encodeUtf8(pattern), bytes, 0, bytes.length),
      expected.test(text),
      `${pattern} ${text}`,
    );
  }
});

test("isLiteral() knows a pattern that fits only itself", () => {
  assert.ok(isLiteral(encodeUtf8("user:1]-^")));
  for (const pattern of ["*", "a?", "[a", "a\\"]) assert.ok(!isLiteral(encodeUtf8(pattern)));
});

test("int64 halves read and write both signs at every border", () => {
  const view = new DataView(new ArrayBuffer(16));
  const borders = [0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 52n, 2n ** 53n, 2n ** 63n - 1n];
  for (const border of borders) {
    for (const value of [border, -border, border - 1n, -border - 1n]) {
      const given = int64.toNumberIfExact(value);
      int64.writeInt64LE(view, 1, given);
      assert.equal(view.getBigInt64(1, true), value);
      assert.equal(int64.readInt64LE(view, 1), given);
      const unsigned = int64.toNumberIfExact(BigInt.asUintN(64, value));
      assert.equal(int64.readUint64LE(view, 1), unsigned);
      int64.writeInt64BE(view, 3, given);
      assert.equal(view.getBigInt64(3), value);
      assert.equal(int64.readInt64BE(view, 3), given);
      assert.equal(int64.readUint64BE(view, 3), unsigned);
    }
  }
});

test("Prng repeats itself for a seed and keeps its ranges", () => {
  const [a, b] = [new Prng(2 ** 40 + 5), new Prng(2 ** 40 + 5)];
  for (let i = 0; i < 1000; i++) assert.equal(a.uint32(), b.uint32());
  assert.notEqual(new Prng(1).uint32(), new Prng(2).uint32());
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++) seen.add(a.between(-3, 3));
  assert.deepEqual([...seen].sort((x, y) => x - y), [-3, -2, -1, 0, 1, 2, 3]);
  assert.deepEqual(a.shuffle([1, 2, 3, 4]).sort(), [1, 2, 3, 4]);
  assert.equal(a.bytes(5).length, 5);
});

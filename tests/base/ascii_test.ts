import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compareBytes,
  encodeUtf8,
  equalBytes,
  equalsIgnoreCase,
  formatDouble,
  formatDouble17,
  integerLength,
  latin1,
  parseBigInt64,
  parseDouble,
  parseInteger,
  utf8,
  writeInteger,
} from "../../src/base/ascii.ts";
import { Prng } from "../../src/base/prng.ts";

const encode = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Text, and the integer that Redis's string2ll reads in it. */
const INTEGERS: readonly (readonly [string, bigint | undefined])[] = [
  ["0", 0n],
  ["1", 1n],
  ["-1", -1n],
  ["10", 10n],
  ["999999999999999", 999999999999999n],
  ["1000000000000000", 1000000000000000n],
  ["-9007199254740991", -9007199254740991n],
  ["9007199254740991", 9007199254740991n],
  ["9007199254740992", 9007199254740992n],
  ["9007199254740993", 9007199254740993n],
  ["-9007199254740993", -9007199254740993n],
  ["999999999999999999", 999999999999999999n],
  ["9223372036854775807", 9223372036854775807n],
  ["-9223372036854775808", -9223372036854775808n],
  ["9223372036854775808", undefined],
  ["-9223372036854775809", undefined],
  ["9999999999999999999", undefined],
  ["10000000000000000000", undefined],
  ["", undefined],
  ["-", undefined],
  ["-0", undefined],
  ["+1", undefined],
  ["00", undefined],
  ["01", undefined],
  ["-01", undefined],
  [" 1", undefined],
  ["1 ", undefined],
  ["1a", undefined],
  ["1.0", undefined],
  ["1e3", undefined],
  ["0x10", undefined],
  ["--1", undefined],
  ["12345678901234567a", undefined],
  ["1\x00", undefined],
];

for (const [text, expected] of INTEGERS) {
  test(`parseInteger() and parseBigInt64() read ${JSON.stringify(text)}`, () => {
    const bytes = encode(`77${text}77`);
    const end = 2 + text.length;
    assert.equal(parseBigInt64(bytes, 2, end), expected);
    const number = parseInteger(bytes, 2, end);
    if (expected === undefined) assert.ok(Number.isNaN(number));
    else if (Number.isSafeInteger(Number(expected))) assert.equal(number, Number(expected));
    else assert.equal(number, expected > 0n ? Infinity : -Infinity);
  });
}

test("writeInteger() and parseInteger() agree on seeded numbers of every length", () => {
  const prng = new Prng(1);
  const target = new Uint8Array(32);
  for (let i = 0; i < 20_000; i++) {
    const size = Math.floor(prng.next() * 10 ** prng.int(16));
    const value = prng.oneIn(2) || size === 0 ? size : -size;
    const end = writeInteger(target, 3, value);
    assert.equal(latin1(target, 3, end), String(value));
    assert.equal(integerLength(value), end - 3);
    assert.equal(parseInteger(target, 3, end), value);
  }
});

test("writeInteger() writes the borders of its number kinds", () => {
  const target = new Uint8Array(20);
  const borders = [2 ** 31, 2 ** 32, 2 ** 53, 10 ** 5, 10 ** 10, 10 ** 15, 1, 10, 100];
  for (const border of borders) {
    for (const value of [border - 1, -border + 1, Math.min(border, Number.MAX_SAFE_INTEGER)]) {
      assert.equal(latin1(target, 0, writeInteger(target, 0, value)), String(value));
    }
  }
});

test("equalsIgnoreCase() folds ASCII letters only", () => {
  const bytes = encode("xgEtx[{@`");
  assert.ok(equalsIgnoreCase(bytes, 1, 4, "GET"));
  assert.ok(!equalsIgnoreCase(bytes, 1, 5, "GET"));
  assert.ok(!equalsIgnoreCase(bytes, 1, 3, "GET"));
  assert.ok(!equalsIgnoreCase(bytes, 6, 7, "["));
  assert.ok(!equalsIgnoreCase(bytes, 8, 9, "@"));
});

test("latin1() keeps every byte value, short and long", () => {
  for (const count of [0, 1, 16, 17, 256, 10_000]) {
    const bytes = Uint8Array.from({ length: count }, (_, i) => i * 7);
    const text = latin1(bytes);
    assert.deepEqual(encode(text), bytes);
  }
});

for (const text of ["", "abc", "exactly16bytes!!", "längst über sechzehn", "é", "日本語", "😀 a"]) {
  test(`utf8() and encodeUtf8() round trip ${JSON.stringify(text)}`, () => {
    const bytes = encodeUtf8(text);
    assert.deepEqual(bytes, new TextEncoder().encode(text));
    assert.equal(utf8(bytes), text);
  });
}

test("utf8() replaces what is no UTF-8 and keeps a byte order mark", () => {
  assert.equal(utf8(Uint8Array.of(0x61, 0xff, 0x62)), "a\ufffdb");
  assert.equal(utf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), "\ufeffa");
});

test("compareBytes() orders as memcmp, then by length", () => {
  const sorted = ["", "\x00", "\x00\x00", "a", "aa", "ab", "b", "\x7f", "\x80", "\xff"].map(encode);
  for (let i = 0; i < sorted.length; i++) {
    for (let j = 0; j < sorted.length; j++) {
      const [a, b] = [sorted[i], sorted[j]];
      const order = compareBytes(a, 0, a.length, b, 0, b.length);
      assert.equal(Math.sign(order), Math.sign(i - j));
      assert.equal(equalBytes(a, 0, a.length, b, 0, b.length), i === j);
    }
  }
});

/** Text, and the double that a real server takes it for (`ZADD`); NaN where it answers an error. */
const DOUBLES: readonly (readonly [string, number])[] = [
  ["1", 1],
  ["1.5", 1.5],
  ["-2.5", -2.5],
  ["+5", 5],
  [".5", 0.5],
  ["5.", 5],
  ["00.5", 0.5],
  ["-0", -0],
  ["1e8", 1e8],
  ["1E-5", 1e-5],
  ["1e+2", 100],
  ["inf", Infinity],
  ["+inf", Infinity],
  ["-inf", -Infinity],
  ["INF", Infinity],
  ["Infinity", Infinity],
  ["0x10", 16],
  ["0x1p3", 8],
  ["0x1.8p1", 3],
  ["0x.8", 0.5],
  ["0X1P-2", 0.25],
  ["5e-324", 5e-324],
  ["1.7976931348623157e308", Number.MAX_VALUE],
  ["0e999", 0],
  ["1e400", NaN],
  ["1e-400", NaN],
  ["nan", NaN],
  ["", NaN],
  ["-", NaN],
  [".", NaN],
  ["1e", NaN],
  ["1e+", NaN],
  ["1e5x", NaN],
  ["--1", NaN],
  [" 1", NaN],
  ["1 ", NaN],
  ["0x", NaN],
  ["1.2.3", NaN],
  ["infinit", NaN],
  ["1_0", NaN],
];

for (const [text, expected] of DOUBLES) {
  test(`parseDouble() reads ${JSON.stringify(text)} as a server does`, () => {
    const bytes = encode(`8${text}8`);
    const value = parseDouble(bytes, 1, 1 + text.length);
    assert.ok(Object.is(value, expected), `${value}`);
  });
}

/** A double, as redis-server 8.0 and 7.0 answer it (`ZSCORE` of a skiplist). */
const PRINTED: readonly (readonly [number, string, string])[] = [
  [0, "0", "0"],
  [-0, "-0", "-0"],
  [1.5, "1.5", "1.5"],
  [0.1, "0.1", "0.10000000000000001"],
  [100, "100", "100"],
  [1e16, "10000000000000000", "10000000000000000"],
  [1e17, "100000000000000000", "1e+17"],
  [100000000000000016, "100000000000000016", "1.0000000000000002e+17"],
  [1152921504606846976, "1152921504606846976", "1.152921504606847e+18"],
  [4611686018427387904, "4611686018427387904", "4.6116860184273879e+18"],
  [4611686018427388928, "4611686018427389000", "4.6116860184273889e+18"],
  [1e20, "1e+20", "1e+20"],
  [1e21, "1e+21", "1e+21"],
  [-123456789012345680000, "-123456789012345680000", "-1.2345678901234568e+20"],
  [1e23, "99999999999999990000000", "9.9999999999999992e+22"],
  [1.5e300, "1.5e+300", "1.5000000000000001e+300"],
  [1e-4, "0.0001", "0.0001"],
  [1e-5, "0.00001", "1.0000000000000001e-05"],
  [2e-6, "0.000002", "1.9999999999999999e-06"],
  [0.00001234, "1.234e-5", "1.234e-05"],
  [1.23456789e-7, "1.23456789e-7", "1.2345678899999999e-07"],
  [-1e-9, "-1e-9", "-1.0000000000000001e-09"],
  [5e-324, "5e-324", "4.9406564584124654e-324"],
  [Number.MAX_VALUE, "1.7976931348623157e+308", "1.7976931348623157e+308"],
  [3.141592653589793, "3.141592653589793", "3.1415926535897931"],
  [123456789.123, "123456789.123", "123456789.123"],
  [2 ** -25, "2.9802322387695313e-8", "2.9802322387695312e-08"],
  [Infinity, "inf", "inf"],
  [-Infinity, "-inf", "-inf"],
  [NaN, "nan", "nan"],
];

for (const [value, shortest, seventeen] of PRINTED) {
  test(`formatDouble() prints ${value} as servers do`, () => {
    assert.equal(formatDouble(value), shortest);
    assert.equal(formatDouble17(value), seventeen);
  });
}

test("formatDouble() and formatDouble17() read back the same on seeded doubles", () => {
  const prng = new Prng(7);
  const view = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < 20_000; i++) {
    view.setUint32(0, prng.uint32());
    view.setUint32(4, prng.uint32());
    const value = view.getFloat64(0);
    if (!Number.isFinite(value)) continue;
    for (const text of [formatDouble(value), formatDouble17(value)]) {
      const bytes = encode(text);
      assert.equal(parseDouble(bytes, 0, bytes.length), value, text);
    }
  }
});

/**
 * 64-bit integers in 8 bytes and as text: both signs at every border of a half, a double and an int64,
 * and what is no text of one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import {
  decodeBigInt64,
  decodeInteger64,
  encodeInteger64,
  formatInteger64,
  integer64Length,
  integer64Result,
  parseInteger64,
  TextRing,
} from "../../../src/store/packed/integer.ts";
import { bytesOf, textOf } from "../../support/bytes.ts";

/** Texts of integers and their 8 bytes, low byte first; undefined where a text is none. */
const TEXTS: { value: string; hex: string | undefined }[] = [
  { value: "0", hex: "0000000000000000" },
  { value: "1", hex: "0100000000000000" },
  { value: "-1", hex: "ffffffffffffffff" },
  { value: "999999999", hex: "ffc99a3b00000000" },
  { value: "1000000000", hex: "00ca9a3b00000000" },
  { value: "-1000000000", hex: "003665c4ffffffff" },
  { value: "2147483647", hex: "ffffff7f00000000" },
  { value: "2147483648", hex: "0000008000000000" },
  { value: "-2147483648", hex: "00000080ffffffff" },
  { value: "-2147483649", hex: "ffffff7fffffffff" },
  { value: "4294967295", hex: "ffffffff00000000" },
  { value: "4294967296", hex: "0000000001000000" },
  { value: "-4294967296", hex: "00000000ffffffff" },
  { value: "9007199254740993", hex: "0100000000002000" },
  { value: "1000000000000000000", hex: "000064a7b3b6e00d" },
  { value: "9223372036854775807", hex: "ffffffffffffff7f" },
  { value: "-9223372036854775808", hex: "0000000000000080" },
  { value: "9223372036854775808", hex: undefined },
  { value: "-9223372036854775809", hex: undefined },
  { value: "9999999999999999999", hex: undefined },
  { value: "10000000000000000000", hex: undefined },
  { value: "123456789012345678901", hex: undefined },
  { value: "", hex: undefined },
  { value: "-", hex: undefined },
  { value: "-0", hex: undefined },
  { value: "+1", hex: undefined },
  { value: "00", hex: undefined },
  { value: "012", hex: undefined },
  { value: "-012", hex: undefined },
  { value: " 1", hex: undefined },
  { value: "1 ", hex: undefined },
  { value: "1.0", hex: undefined },
  { value: "1e3", hex: undefined },
  { value: "0x1", hex: undefined },
  { value: "12345678901a", hex: undefined },
];

for (const { value, hex } of TEXTS) {
  test(`parseInteger64() ${hex === undefined ? "refuses" : "takes"} "${value}"`, () => {
    // Amid other digits, which are none of it.
    const bytes = bytesOf(`9${value}9`);
    assert.equal(parseInteger64(bytes, 1, bytes.length - 1), hex !== undefined);
    if (hex === undefined) return;
    const found = [...integer64Result].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    assert.equal(found, hex);
    const target = new Uint8Array(32);
    const length = formatInteger64(integer64Result, 0, target, 5);
    assert.equal(textOf(target.subarray(5, 5 + length)), value);
    assert.equal(integer64Length(integer64Result, 0), value.length);
  });
}

test("TextRing.next() gives a slot again after the others", () => {
  const ring = new TextRing();
  const slots = Array.from({ length: TextRing.SLOTS }, () => ring.next());
  assert.equal(new Set(slots).size, TextRing.SLOTS);
  for (const slot of slots) {
    assert.ok(slot >= 0 && slot + 32 <= ring.bytes.length);
    assert.equal(ring.next(), slot);
  }
});

test("encodeInteger64() and its decoders agree with DataView at every border", () => {
  const view = new DataView(integer64Result.buffer);
  const borders = [0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 52n, 2n ** 53n, 2n ** 63n - 1n];
  for (const border of borders) {
    for (const value of [border, -border, border - 1n, -border - 1n]) {
      const number = Number(value);
      const isExact = Number.isSafeInteger(number);
      for (const given of isExact ? [value, number] : [value]) {
        encodeInteger64(given);
        assert.equal(view.getBigInt64(0, true), value);
        assert.equal(decodeBigInt64(integer64Result, 0), value);
        assert.equal(decodeInteger64(integer64Result, 0), isExact ? number : NaN);
      }
    }
  }
});

test("parseInteger64() and formatInteger64() agree with BigInt on 200,000 random texts", () => {
  const prng = new Prng(4);
  const target = new Uint8Array(32);
  for (let i = 0; i < 200_000; i++) {
    const digits = 1 + prng.int(20);
    let value = prng.oneIn(2) ? "-" : "";
    for (let j = 0; j < digits; j++) value += prng.int(10);
    const bytes = bytesOf(value);
    const big = BigInt(value);
    const canonical = String(big) === value && BigInt.asIntN(64, big) === big;
    assert.equal(parseInteger64(bytes, 0, bytes.length), canonical, value);
    if (!canonical) continue;
    assert.equal(new DataView(integer64Result.buffer).getBigInt64(0, true), big);
    const length = formatInteger64(integer64Result, 0, target, 3);
    assert.equal(textOf(target.subarray(3, 3 + length)), value);
  }
});

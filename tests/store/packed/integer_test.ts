/**
 * 64-bit integers in 8 bytes: both signs at every border of a half, a double and an int64.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeBigInt64,
  decodeInteger64,
  encodeInteger64,
  integer64Result,
} from "../../../src/store/packed/integer.ts";

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

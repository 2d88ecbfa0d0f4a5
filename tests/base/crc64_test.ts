/**
 * CRC-64/Jones against its published check value and against its definition, a bit at a time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../src/base/ascii.ts";
import { Crc64 } from "../../src/base/crc64.ts";
import { Prng } from "../../src/base/prng.ts";

const CHECK = encodeUtf8("123456789");

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

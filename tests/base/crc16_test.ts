/**
 * CRC16/XMODEM against its published check value, slots against the cluster specification.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../src/base/ascii.ts";
import { crc16, keySlot } from "../../src/base/crc16.ts";

const CHECK = encodeUtf8("123456789");

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

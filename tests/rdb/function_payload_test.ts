/**
 * Payloads of FUNCTION DUMP: what is written is accepted and read back, anything else refused.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeFunctions,
  encodeFunctions,
  isFunctionPayload,
} from "../../src/rdb/function_payload.ts";
import { bytesOf, textOf } from "../support/bytes.ts";
import { join, le, withChecksum } from "./support/parts.ts";

const SOURCES = ["#!lua name=a\n", `#!lua name=b\n${"x".repeat(300)}`];

for (const sources of [[], SOURCES.slice(0, 1), SOURCES]) {
  test(`decodeFunctions() reads ${sources.length} libraries that encodeFunctions() wrote`, () => {
    const payload = encodeFunctions(sources.map(bytesOf));
    assert.equal(isFunctionPayload(payload), true);
    assert.deepEqual(decodeFunctions(payload).map(textOf), sources);
  });
}

const WRONG: readonly (readonly [name: string, payload: Uint8Array])[] = [
  ["shorter than a footer", new Uint8Array(9)],
  ["of a version without functions", withChecksum(le(9, 2))],
  ["of a version beyond Valkey's first", withChecksum(le(81, 2))],
  ["with a wrong checksum", join(le(10, 2), le(1, 8))],
  ["without a checksum", join(le(10, 2), le(0, 8))],
];

for (const [name, payload] of WRONG) {
  test(`isFunctionPayload() refuses a payload ${name}`, () => {
    assert.equal(isFunctionPayload(payload), false);
  });
}

test("decodeFunctions() refuses what is no library, and one that ends early", () => {
  assert.throws(() => decodeFunctions(withChecksum(join(0, le(10, 2)))), { code: "CORRUPT" });
  assert.throws(() => decodeFunctions(withChecksum(join(0xf5, 5, le(10, 2)))), {
    code: "TRUNCATED",
  });
});

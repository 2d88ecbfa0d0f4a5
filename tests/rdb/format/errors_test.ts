/**
 * Errors of snapshots: how messages spell keys and offsets.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { failDuplicateKey, printableBytes, RdbError } from "../../../src/rdb/format/errors.ts";
import { bytesOf } from "../../support/bytes.ts";

const SPELLINGS: readonly (readonly [bytes: string, text: string])[] = [
  ["", '""'],
  ["user:1", '"user:1"'],
  ["\x00\x1f\x7f\xff", '"\\x00\\x1f\\x7f\\xff"'],
  ['a"b\\c', '"a\\"b\\\\c"'],
  ["\n\r\t", '"\\n\\r\\t"'],
  ["x".repeat(128), `"${"x".repeat(128)}"`],
  ["x".repeat(129), `"${"x".repeat(128)}"... (129 bytes)`],
];

for (const [bytes, text] of SPELLINGS) {
  test(`printableBytes() spells ${text.slice(0, 40)}`, () => {
    const padded = bytesOf(`<${bytes}>`);
    assert.equal(printableBytes(padded, 1, padded.length - 1), text);
  });
}

test("RdbError names the offset where there is one", () => {
  const read = new RdbError("CORRUPT", "Broken", 42, { key: '"k"', type: 4 });
  assert.equal(read.message, "Broken at byte 42");
  assert.deepEqual([read.name, read.code, read.offset, read.key, read.type], [
    "RdbError",
    "CORRUPT",
    42,
    '"k"',
    4,
  ]);
  assert.equal(new RdbError("CORRUPT", "Broken", -1).message, "Broken");
});

test("failDuplicateKey() names the key and leaves the offset to the decoder", () => {
  const bytes = bytesOf("a key");
  assert.throws(() => failDuplicateKey(bytes, 2, 5), {
    code: "DUPLICATE_KEY",
    key: '"key"',
    offset: -1,
    message: 'Key "key" comes twice',
  });
});

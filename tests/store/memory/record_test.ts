/**
 * The layout of a record and of a free block, bit by bit.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  blockUnitsAt,
  contentUnitsAt,
  Encoding,
  EXTENDED,
  FREE,
  HAS_EXPIRE,
  KEY_LENGTH_SHIFT,
  keyLengthAt,
  kindOf,
  OBJECT,
  prefixBytes,
  SLACK_SHIFT,
  valueLengthAt,
  ValueType,
  writeHeader,
} from "../../../src/store/memory/record.ts";

const HASH: number = kindOf(ValueType.HASH, Encoding.LISTPACK);

/** Word 0 to 3 of a header, and what is to be read there. */
const HEADERS = [
  {
    name: "a plain record",
    words: [HASH | (5 << KEY_LENGTH_SHIFT) | (2 << SLACK_SHIFT), 11, 0, 0],
    expected: { prefix: 8, key: 5, value: 11, content: 3, block: 5 },
  },
  {
    name: "a record with an expiry",
    words: [HASH | HAS_EXPIRE | (5 << KEY_LENGTH_SHIFT), 11, 0, 0],
    expected: { prefix: 16, key: 5, value: 11, content: 4, block: 4 },
  },
  {
    name: "an extended record: key length and block are in words of their own",
    words: [HASH | EXTENDED, 100, 70_000, 9000],
    expected: { prefix: 16, key: 70_000, value: 100, content: 8765, block: 9000 },
  },
  {
    name: "an object: word 1 is its id and no length",
    words: [HASH | OBJECT | (0xffff << KEY_LENGTH_SHIFT), 123_456, 0, 0],
    expected: { prefix: 8, key: 0xffff, value: 0, content: 8193, block: 8193 },
  },
  {
    name: "the smallest record takes two units",
    words: [HASH, 0, 0, 0],
    expected: { prefix: 8, key: 0, value: 0, content: 2, block: 2 },
  },
];
for (const { name, words, expected } of HEADERS) {
  test(`the header of ${name}`, () => {
    const memory = Int32Array.from([0, 0, ...words]);
    assert.equal(prefixBytes(memory[2]), expected.prefix);
    assert.equal(keyLengthAt(memory, 2), expected.key);
    assert.equal(valueLengthAt(memory, 2), expected.value);
    assert.equal(contentUnitsAt(memory, 2), expected.content);
    assert.equal(blockUnitsAt(memory, 2), expected.block);
  });
}

test("blockUnitsAt() reads the length of a free block from word 1", () => {
  assert.equal(blockUnitsAt(Int32Array.from([FREE, 77]), 0), 77);
});

test("kindOf() puts the type below the encoding", () => {
  assert.equal(kindOf(ValueType.STREAM, Encoding.MODULE), 0xa6);
});

test("writeHeader() keeps key and expiry, and writes slack only where the header holds it", () => {
  const plain = Int32Array.from([
    HASH | HAS_EXPIRE | (5 << KEY_LENGTH_SHIFT) | (9 << SLACK_SHIFT),
    1,
  ]);
  writeHeader(plain, 0, kindOf(ValueType.STRING, Encoding.RAW), 11, 3);
  assert.equal(plain[0], 0 | HAS_EXPIRE | (5 << KEY_LENGTH_SHIFT) | (3 << SLACK_SHIFT));
  assert.equal(plain[1], 11);
  const extended = Int32Array.from([HASH | EXTENDED, 1, 70_000, 9000]);
  writeHeader(extended, 0, HASH, 22, 12);
  assert.deepEqual([...extended], [HASH | EXTENDED, 22, 70_000, 9000]);
});

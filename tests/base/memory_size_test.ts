/** Numbers of bytes as people write them. */

import { test } from "node:test";
import assert from "node:assert/strict";
import { memorySizeText, parseMemorySize } from "../../src/base/memory_size.ts";

const SIZES: readonly (readonly [string, number | undefined])[] = [
  ["0", 0],
  ["1", 1],
  ["7b", 7],
  ["1k", 1000],
  ["1kb", 1024],
  ["3M", 3_000_000],
  ["512mb", 536_870_912],
  ["512MB", 536_870_912],
  ["2g", 2_000_000_000],
  ["2Gb", 2_147_483_648],
  ["", undefined],
  ["mb", undefined],
  ["-1", undefined],
  ["1.5gb", undefined],
  ["1 mb", undefined],
  ["1tb", undefined],
  ["12constructor", undefined],
  ["9999999999gb", undefined],
];

for (const [text, bytes] of SIZES) {
  test(`parseMemorySize() reads "${text}" as ${bytes}`, () => {
    assert.equal(parseMemorySize(text), bytes);
  });
}

test("memorySizeText() writes what parseMemorySize() reads, within a tenth", () => {
  for (const bytes of [0, 1, 1023, 1024, 50_000, 5_000_000, 10_485_760, 123_456_789, 2 ** 40]) {
    const read = parseMemorySize(memorySizeText(bytes));
    assert.ok(read !== undefined && Math.abs(read - bytes) <= bytes / 10, memorySizeText(bytes));
  }
  assert.equal(memorySizeText(512 * 1024 * 1024), "512mb");
});

/**
 * Copies of every length, also within one buffer, against `slice`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { copyBytes } from "../../src/base/copy.ts";
import { Prng } from "../../src/base/prng.ts";

test("copyBytes() copies any length, and overlapping ranges of one buffer as if by way of another", () => {
  const prng = new Prng(8);
  for (let length = 0; length < 200; length++) {
    const source = prng.bytes(length + 7);
    const target = new Uint8Array(length + 20).fill(0xee);
    copyBytes(target, 5, source, 3, 3 + length);
    assert.deepEqual(target.subarray(5, 5 + length), source.subarray(3, 3 + length));
    assert.ok([...target.subarray(0, 5), ...target.subarray(5 + length)].every((b) => b === 0xee));
    for (const offset of [0, 6]) {
      const same = new Uint8Array(length + 16);
      same.set(source);
      copyBytes(same, offset, same, 3, 3 + length);
      assert.deepEqual(same.subarray(offset, offset + length), source.slice(3, 3 + length));
    }
  }
});

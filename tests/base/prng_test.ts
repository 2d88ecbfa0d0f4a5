/**
 * The seeded generator: equal seeds, equal numbers, and every range is kept.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";

test("Prng repeats itself for a seed and keeps its ranges", () => {
  const [a, b] = [new Prng(2 ** 40 + 5), new Prng(2 ** 40 + 5)];
  for (let i = 0; i < 1000; i++) assert.equal(a.uint32(), b.uint32());
  assert.notEqual(new Prng(1).uint32(), new Prng(2).uint32());
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++) seen.add(a.between(-3, 3));
  assert.deepEqual([...seen].sort((x, y) => x - y), [-3, -2, -1, 0, 1, 2, 3]);
  assert.deepEqual(a.shuffle([1, 2, 3, 4]).sort(), [1, 2, 3, 4]);
  assert.equal(a.bytes(5).length, 5);
});

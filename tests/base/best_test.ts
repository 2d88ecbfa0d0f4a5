/**
 * The best few of many, against a sort of all of them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Best } from "../../src/base/best.ts";
import { Prng } from "../../src/base/prng.ts";

test("Best keeps the best items and sorts them, in steps of any length", () => {
  const prng = new Prng(1);
  for (let round = 0; round < 300; round++) {
    const items = Array.from({ length: prng.int(60) }, () => prng.int(40));
    const most = prng.pick([0, 1, 2, 7, 60, Infinity]);
    const best = new Best<number>((a, b) => a - b, most);
    for (const item of items) best.offer(item);
    const step = 1 + prng.int(9);
    while (!best.sort(step));
    assert.deepEqual(best.items, items.sort((a, b) => a - b).slice(0, most));
    assert.equal(best.isFull, items.length >= most);
  }
});

test("Best keeps of equal items those that came first", () => {
  const best = new Best<string>((a, b) => a.charCodeAt(0) - b.charCodeAt(0), 2);
  for (const item of ["a1", "a2", "a3", "b"]) best.offer(item);
  best.sort(9);
  assert.deepEqual([...best.items].sort(), ["a1", "a2"]);
});

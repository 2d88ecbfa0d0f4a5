/**
 * What SORT with BY and LIMIT makes of elements that weigh the same: as every server does, and soundly.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { drain } from "../../../src/commands/engine/long_read.ts";
import { sortPartially } from "../../../src/commands/keys/sort_partial.ts";
import { Engine } from "../engine.ts";

/** Recorded of redis 6.0, 8.0 and valkey 9: elements 0, 1, ... with `i * i * 7 % 5` as their weights. */
const recorded: readonly (readonly [count: number, first: string, middle: string])[] = [
  [6, "1 4 2 3", "4 0 5"],
  [7, "6 1 4 3 2", "4 1 0 5"],
  [8, "4 1 6 2 7 3", "1 6 0 5"],
  [40, "10 15 20 25 30 35 14 39 26", "9 11 14 16 19"],
  [41, "10 15 20 25 30 35 0 9 26", "9 11 14 16 19"],
  [150, "85 80 140 35 0 75 70 15 40", "36 39 41 44 46"],
];

for (const [count, first, middle] of recorded) {
  test(`SORT leaves equal weights of ${count} elements in the servers' order`, () => {
    const engine = new Engine("stream");
    for (let i = 0; i < count; i++) {
      engine.call("RPUSH", "l", String(i));
      engine.call("SET", `w${i}`, String(i * i * 7 % 5));
    }
    const sort = (...limit: string[]) => {
      engine.call("SORT", "l", "BY", "w*", "ALPHA", ...limit, "STORE", "out");
      return engine.call("LRANGE", "out", "0", "-1").split("\r\n").filter((line) =>
        /^\d+$/.test(line)
      ).join(" ");
    };
    assert.equal(sort("LIMIT", "2", "9"), first);
    assert.equal(sort("DESC", "LIMIT", String(count >> 1), "5"), middle);
  });
}

test("sortPartially() puts into a range what full order has there", () => {
  const prng = new Prng(1);
  for (let round = 0; round < 2000; round++) {
    const count = 1 + prng.int(round % 10 === 0 ? 400 : 60);
    const distinct = prng.pick([1, 2, 5, 1000]);
    const shape = prng.int(4);
    const weights = Int32Array.from({ length: count }, (_, i) => {
      if (shape === 0) return i;
      if (shape === 1) return count - i;
      return shape === 2 ? Math.min(i, count - i) : prng.int(distinct);
    });
    const start = prng.int(count + 1);
    const end = start + prng.int(count - start + 1);
    const order = Int32Array.from({ length: count }, (_, i) => i);
    drain(sortPartially(order, start, end, (a, b) => weights[a] - weights[b]));
    const got = Array.from(order, (index) => weights[index]).slice(start, end);
    assert.deepEqual(got, [...weights].sort((a, b) => a - b).slice(start, end), `round ${round}`);
    assert.deepEqual([...order].sort((a, b) => a - b), Array.from(order.keys()));
  }
});

/**
 * Drawing members: how many a count means, and that every member is as likely as any other.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandError } from "../../../src/commands/engine/errors.ts";
import type { Context } from "../../../src/commands/engine/context.ts";
import {
  drawsOf,
  eachRandom,
  readRandomCount,
  readSignedCount,
} from "../../../src/commands/engine/random_members.ts";
import { Argv } from "../../../src/resp/argv.ts";
import { Prng } from "../../../src/base/prng.ts";

const DRAWS = 20_000;

/** How often each of `length` members is among `count` that are drawn. */
function tally(count: number, length: number, canDraw: boolean): number[] {
  const prng = new Prng(11);
  const random = () => prng.next();
  const ctx = { random } as unknown as Context;
  const times = new Array<number>(length).fill(0);
  for (let i = 0; i < DRAWS; i++) {
    const seen = new Set<number>();
    eachRandom(
      ctx,
      count,
      length,
      canDraw ? () => Math.floor(random() * length) : undefined,
      (member) => seen.add(member),
      (takes) => {
        for (let member = 0; member < length; member++) if (takes()) seen.add(member);
      },
    );
    assert.equal(seen.size, count);
    for (const member of seen) times[member]++;
  }
  return times;
}

const draws: [count: number, length: number, canDraw: boolean][] = [
  [0, 5, true],
  [1, 10, true],
  [3, 10, true],
  [3, 10, false],
  [9, 10, true],
  [10, 10, true],
];
for (const [count, length, canDraw] of draws) {
  test(`eachRandom() visits ${count} of ${length} fairly, ${canDraw ? "" : "not "}by number`, () => {
    const expected = DRAWS * count / length;
    for (const times of tally(count, length, canDraw)) {
      // Six standard deviations of a binomial distribution.
      const share = count / length;
      const bound = 6 * Math.sqrt(DRAWS * share * (1 - share));
      assert.ok(Math.abs(times - expected) <= bound, `${times} times, expected ${expected}`);
    }
  });
}

const counts: [text: string, expected: number | string][] = [
  ["3", 3],
  ["-3", -3],
  ["9223372036854775807", Infinity],
  ["-9223372036854775807", -Infinity],
  [
    "-9223372036854775808",
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
  ],
  ["x", "ERR value is not an integer or out of range"],
];
for (const [text, expected] of counts) {
  test(`readSignedCount() reads ${text}`, () => {
    const read = () => readSignedCount(Argv.of("C", "k", text), 2);
    if (typeof expected === "number") assert.equal(read(), expected);
    else assert.throws(read, { message: expected });
  });
}

test("readRandomCount() takes one word after the count, whose reply must not overflow", () => {
  assert.equal(readRandomCount(Argv.of("C", "k", "5", "withscores"), "WITHSCORES"), 5);
  const refused = [
    Argv.of("C", "k", "5", "WITHVALUES"),
    Argv.of("C", "k", "5", "WITHSCORES", "x"),
    Argv.of("C", "k", "4611686018427387904", "WITHSCORES"),
  ];
  for (const argv of refused) {
    assert.throws(() => readRandomCount(argv, "WITHSCORES"), CommandError);
  }
});

test("drawsOf() draws no more than there are, but repeats as often as it is told", () => {
  assert.equal(drawsOf(3, 10), 3);
  assert.equal(drawsOf(30, 10), 10);
  assert.equal(drawsOf(-30, 10), 30);
  assert.throws(() => drawsOf(-(2 ** 27), 10), { message: "ERR value is out of range" });
});

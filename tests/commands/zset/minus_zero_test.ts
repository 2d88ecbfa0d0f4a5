/**
 * A score of -0: a ziplist, before Redis 7.0, and a skiplist hold it, a listpack has 0 in its place. So it hangs on
 * the master's version, and on which form a sorted set had when the member came.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { serverTest, startServer } from "../../support/servers.ts";
import { Engine } from "../engine.ts";

const MANY = Array.from({ length: 200 }, (_, i) => [String(i + 1), `m${i}`]).flat();
const LONG = "x".repeat(100);

/** Key by key how its member `a` gets a score of -0. */
const MADE: Readonly<Record<string, readonly string[][]>> = {
  small: [["ZADD", "small", "-0", "a", "1", "b"]],
  kept: [["ZADD", "kept", "-0.0", "a"], ["ZADD", "kept", "0", "a"]],
  weighed: [["SADD", "set", "a"], ["ZUNIONSTORE", "weighed", "1", "set", "WEIGHTS", "-0"]],
  counted: [["ZADD", "counted", "-0", "a", ...MANY]],
  last: [["ZADD", "last", ...MANY, "-0", "a"]],
  grown: [["ZADD", "grown", "-0", "a"], ["ZADD", "grown", ...MANY]],
  before: [["ZADD", "before", "-0", "a", "1", LONG]],
  behind: [["ZADD", "behind", "1", LONG, "-0", "a"]],
};
/** Whose scores of `a` are -0, as seen on real servers of these versions. */
const HELD: readonly (readonly [product: string, version: string, keys: readonly string[]])[] = [
  ["redis", "6.2.5", Object.keys(MADE)],
  ["redis", "7.0.15", ["last", "behind"]],
  ["redis", "8.0.2", ["counted", "last", "behind"]],
  ["valkey", "8.1.1", ["counted", "last", "before", "behind"]],
  ["valkey", "9.0.0", ["counted", "last", "before", "behind"]],
];

for (const [product, version, keys] of HELD) {
  test(`-0 is held where ${product} ${version} holds it`, () => {
    const engine = new Engine("stream");
    engine.becomeDataOf({ product, version });
    const held: string[] = [];
    for (const [key, commands] of Object.entries(MADE)) {
      for (const words of commands) engine.call(...words);
      const score = engine.call("ZSCORE", key, "a");
      if (score === "$2\r\n-0\r\n") held.push(key);
      else assert.equal(score, "$1\r\n0\r\n", key);
    }
    assert.deepEqual(held, keys);
  });
}

await serverTest("-0 is held where a real server holds it", async (binary) => {
  await using server = await startServer(binary);
  const engine = new Engine("master");
  engine.becomeDataOf(binary);
  const connection = await server.connect();
  for (const [key, commands] of Object.entries(MADE)) {
    for (const words of commands) {
      await connection.call(...words);
      engine.call(...words);
    }
    for (const question of [["ZSCORE", key, "a"], ["DEBUG", "DIGEST-VALUE", key]]) {
      const there = latin1(await connection.raw(...question));
      assert.equal(engine.call(...question), there, question.join(" "));
    }
  }
});

/**
 * WATCH: what breaks a transaction.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setString } from "../../src/store/types/string.ts";
import { Bench } from "./support.ts";
import { START_MS } from "../support/clock.ts";

test("WATCH: EXEC gives null after a change, by the stream, a snapshot or time", () => {
  const bench = new Bench();
  const key = new TextEncoder().encode("a");
  const changes: readonly [string, () => void, string][] = [
    ["nothing", () => {}, "*1|+PONG|"],
    ["another key", () => bench.dispatcher.host.touch(0, new Uint8Array([98]), 0, 1), "*1|+PONG|"],
    ["another database", () => bench.dispatcher.host.touch(1, key, 0, 1), "*1|+PONG|"],
    ["the key", () => bench.dispatcher.host.touch(0, key, 0, 1), "*-1|"],
    ["the whole database", () => bench.dispatcher.host.touchAll(0), "*-1|"],
    ["another whole database", () => bench.dispatcher.host.touchAll(3), "*1|+PONG|"],
    ["everything", () => bench.dispatcher.host.touchAll(-1), "*-1|"],
  ];
  const talker = bench.talker();
  for (const [name, change, expected] of changes) {
    talker.say("WATCH a");
    change();
    talker.say("MULTI");
    talker.say("PING");
    assert.equal(talker.say("EXEC"), expected, name);
  }
  setString(bench.keyspace.db(0), key, 0, 1, key, 0, 1, START_MS + 100);
  talker.say("WATCH a");
  bench.clock.nowMs += 101;
  talker.say("MULTI");
  assert.equal(talker.say("EXEC"), "*-1|");
  talker.say("WATCH a");
  bench.dispatcher.host.touch(0, key, 0, 1);
  assert.equal(talker.say("UNWATCH"), "+OK|");
  talker.say("MULTI");
  assert.equal(talker.say("EXEC"), "*0|");
});

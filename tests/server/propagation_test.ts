/**
 * What a stand-alone master's commands add to its stream.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench, fill } from "./support.ts";
import { START_MS } from "../support/clock.ts";

interface Row {
  readonly name: string;
  readonly says: readonly string[];
  readonly hears: readonly string[];
  readonly sends: readonly string[];
}

const MASTER_ROWS: readonly Row[] = [
  {
    name: "a write goes out as it came",
    says: ["SET a b", "GET a", "APPEND a c", "SELECT 2", "SET x y"],
    hears: ["+OK|", "$1|b|", ":2|", "+OK|", "+OK|"],
    sends: ["0: SET a b", "0: APPEND a c", "2: SET x y"],
  },
  {
    name: "what changed nothing is not sent",
    says: ["DEL nope", "SETNX old z", "PERSIST old"],
    hears: [":0|", ":0|", ":0|"],
    sends: [],
  },
  {
    name: "a transaction goes out as one, without what changed nothing",
    says: ["MULTI", "SET a b", "GET a", "DEL nope", "SELECT 1", "SET c d", "EXEC"],
    hears: [
      "+OK|",
      "+QUEUED|",
      "+QUEUED|",
      "+QUEUED|",
      "+QUEUED|",
      "+QUEUED|",
      "*5|+OK|$1|b|:0|+OK|+OK|",
    ],
    sends: ["-1: MULTI", "0: SET a b", "1: SET c d", "-1: EXEC"],
  },
  {
    name: "a transaction with one write is that write",
    says: ["MULTI", "SET a b", "GET a", "EXEC"],
    hears: ["+OK|", "+QUEUED|", "+QUEUED|", "*2|+OK|$1|b|"],
    sends: ["0: SET a b"],
  },
  {
    name: "a relative expiry goes out absolute",
    says: ["SET a b EX 10"],
    hears: ["+OK|"],
    sends: [`0: SET a b PXAT ${START_MS + 10000}`],
  },
  {
    name: "PUBLISH goes out",
    says: ["PUBLISH ch m"],
    hears: [":0|"],
    sends: ["0: PUBLISH ch m"],
  },
];

for (const { name, says, hears, sends } of MASTER_ROWS) {
  test(`dispatch on a master: ${name}`, () => {
    const bench = new Bench({ role: "master" });
    fill(bench.keyspace, { old: "1" });
    const talker = bench.talker();
    assert.deepEqual(says.map((line) => talker.say(line)), hears);
    assert.deepEqual(bench.stream, sends);
  });
}

test("dispatch on a master deletes an expired key and sends that ahead", () => {
  const bench = new Bench({ role: "master" });
  const talker = bench.talker();
  talker.say("SET a b PX 100");
  talker.say("SET c d PX 100");
  bench.stream.length = 0;
  bench.clock.nowMs += 101;
  assert.equal(talker.say("GET a"), "$-1|");
  assert.equal(talker.say("SET c e NX"), "+OK|");
  assert.deepEqual(bench.stream, [
    "0: DEL a",
    "-1: MULTI",
    "0: DEL c",
    "0: SET c e NX",
    "-1: EXEC",
  ]);
});

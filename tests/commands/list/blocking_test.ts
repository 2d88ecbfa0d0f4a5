/**
 * Clients that wait for lists: what each is told, here and by real servers.
 *
 * @module
 */

import { test } from "node:test";
import { TestMaster } from "../../../src/testing/mod.ts";
import { play, type Scenario } from "../blocking.ts";
import { atLeast, serverTest, startServer } from "../../support/servers.ts";

const scenarios: readonly Scenario[] = [
  {
    name: "BLPOP is served by a push",
    waiting: ["BLPOP none l 5"],
    acting: ["RPUSH l a b", "LRANGE l 0 -1"],
    expected: ["*2|$1|l|$1|a|", ":2|", "*1|$1|b|"],
  },
  {
    name: "clients are served in the order they came",
    waiting: ["BLPOP l 5", "BRPOP l 5"],
    acting: ["RPUSH l a b c", "LRANGE l 0 -1"],
    expected: ["*2|$1|l|$1|a|", "*2|$1|l|$1|c|", ":3|", "*1|$1|b|"],
  },
  {
    name: "what is pushed and popped in one transaction serves nobody",
    waiting: ["BLPOP l 0.3"],
    acting: ["MULTI", "RPUSH l a", "DEL l", "EXEC"],
    expected: ["*-1|", "+OK|", "+QUEUED|", "+QUEUED|", "*2|:1|:1|"],
  },
  {
    name: "BLMOVE moves on, and serves who waits there",
    waiting: ["BLPOP target 5", "BLMOVE source target LEFT RIGHT 5"],
    acting: ["RPUSH source a", "EXISTS source target"],
    expected: ["*2|$6|target|$1|a|", "$1|a|", ":1|", ":0|"],
  },
  {
    name: "BRPOPLPUSH within one list",
    waiting: ["BRPOPLPUSH l l 5"],
    acting: ["RPUSH l a b", "LRANGE l 0 -1"],
    expected: ["$1|b|", ":2|", "*2|$1|b|$1|a|"],
  },
  {
    name: "a key of another type wakes nobody",
    waiting: ["BLPOP l 5"],
    acting: ["SET l 1", "DEL l", "LPUSH l x", "EXISTS l"],
    expected: ["*2|$1|l|$1|x|", "+OK|", ":1|", ":1|", ":0|"],
  },
  {
    name: "a renamed list serves",
    waiting: ["BLPOP l 5"],
    acting: ["RPUSH other a", "RENAME other l", "EXISTS l other"],
    expected: ["*2|$1|l|$1|a|", ":1|", "+OK|", ":0|"],
  },
  {
    name: "who waits in vain is told so",
    waiting: ["BLPOP l 0.05", "BLMOVE l m LEFT LEFT 0.05"],
    acting: ["EXISTS l"],
    expected: ["*-1|", "*-1|", ":0|"],
  },
  {
    name: "nothing waits inside a transaction",
    waiting: [],
    acting: ["MULTI", "BLPOP l 0", "BLMOVE l m LEFT LEFT 0", "EXEC"],
    expected: ["+OK|", "+QUEUED|", "+QUEUED|", "*2|*-1|$-1|"],
  },
];

const newer: readonly Scenario[] = [
  {
    name: "BLMPOP takes several",
    waiting: ["BLMPOP 5 2 none l RIGHT COUNT 2"],
    acting: ["RPUSH l a b c", "LRANGE l 0 -1"],
    expected: ["*2|$1|l|*2|$1|c|$1|b|", ":3|", "*1|$1|a|"],
  },
  {
    name: "a destination of another type is an error when its time has come",
    waiting: ["BLMOVE l str LEFT LEFT 5"],
    acting: ["SET str 1", "RPUSH l a", "LRANGE l 0 -1"],
    expected: [
      "-WRONGTYPE Operation against a key holding the wrong kind of value|",
      "+OK|",
      ":1|",
      "*1|$1|a|",
    ],
  },
];

for (const scenario of [...scenarios, ...newer]) {
  test(`${scenario.name}`, async () => {
    await using master = await TestMaster.start();
    await play(master.port, scenario);
  });
}

await serverTest("clients that wait for lists are told what a real server says", async (binary) => {
  await using server = await startServer(binary);
  const known = atLeast(binary.version, "7.2") || binary.product === "valkey";
  for (const scenario of known ? [...scenarios, ...newer] : scenarios) {
    // 6.0 has no BLMOVE.
    const text = scenario.waiting.concat(scenario.acting).join(" ");
    if (/BLMOVE/.test(text) && !atLeast(binary.version, "6.2")) continue;
    await play(server.port, scenario);
  }
});

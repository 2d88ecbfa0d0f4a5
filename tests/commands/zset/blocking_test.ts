/**
 * Clients that block on sorted sets: the reply each gets, from our master and from real servers.
 *
 * @module
 */

import { test } from "node:test";
import { TestMaster } from "../../../src/testing/mod.ts";
import { atLeast, serverTest, startServer } from "../../support/servers.ts";
import { play, type Scenario } from "../blocking.ts";

const scenarios: readonly Scenario[] = [
  {
    name: "BZPOPMIN is served by ZADD",
    waiting: ["BZPOPMIN none z 5"],
    acting: ["ZADD z 2 b 1 a", "ZRANGE z 0 -1"],
    expected: ["*3|$1|z|$1|a|$1|1|", ":2|", "*1|$1|b|"],
  },
  {
    name: "clients are served in the order they came",
    waiting: ["BZPOPMIN z 5", "BZPOPMAX z 5", "BZPOPMIN z 5"],
    acting: ["ZADD z 1 a 2 b 3 c 4 d", "ZRANGE z 0 -1"],
    expected: [
      "*3|$1|z|$1|a|$1|1|",
      "*3|$1|z|$1|d|$1|4|",
      "*3|$1|z|$1|b|$1|2|",
      ":4|",
      "*1|$1|c|",
    ],
  },
  {
    name: "one member serves one client",
    waiting: ["BZPOPMIN z 5", "BZPOPMIN z 0.2"],
    acting: ["ZADD z 1 a", "EXISTS z"],
    expected: ["*3|$1|z|$1|a|$1|1|", "*-1|", ":1|", ":0|"],
  },
  {
    name: "ZINCRBY, GEOADD and ZUNIONSTORE serve",
    waiting: ["BZPOPMAX z 5", "BZPOPMAX g 5", "BZPOPMAX u 5"],
    acting: ["ZINCRBY z 3 a", "GEOADD g 0 0 place", "ZADD s 1 m", "ZUNIONSTORE u 1 s"],
    expected: [
      "*3|$1|z|$1|a|$1|3|",
      "*3|$1|g|$5|place|$16|3377699720527872|",
      "*3|$1|u|$1|m|$1|1|",
      "$1|3|",
      ":1|",
      ":1|",
      ":1|",
    ],
  },
  {
    name: "what is added and removed in one transaction serves nobody",
    waiting: ["BZPOPMIN z 0.3"],
    acting: ["MULTI", "ZADD z 1 a", "DEL z", "EXEC"],
    expected: ["*-1|", "+OK|", "+QUEUED|", "+QUEUED|", "*2|:1|:1|"],
  },
  {
    name: "a key of another type wakes nobody",
    waiting: ["BZPOPMIN z 5"],
    acting: ["SET z 1", "DEL z", "ZADD z 1 x", "EXISTS z"],
    expected: ["*3|$1|z|$1|x|$1|1|", "+OK|", ":1|", ":1|", ":0|"],
  },
  {
    name: "a renamed sorted set serves",
    waiting: ["BZPOPMIN z 5"],
    acting: ["ZADD other 1 a", "RENAME other z", "EXISTS z other"],
    expected: ["*3|$1|z|$1|a|$1|1|", ":1|", "+OK|", ":0|"],
  },
  {
    name: "a client that waits in vain gets null",
    waiting: ["BZPOPMIN z 0.05", "BZPOPMAX z 0.05"],
    acting: ["EXISTS z"],
    expected: ["*-1|", "*-1|", ":0|"],
  },
  {
    name: "nothing waits inside a transaction",
    waiting: [],
    acting: ["MULTI", "BZPOPMIN z 0", "BZPOPMAX z 0", "EXEC"],
    expected: ["+OK|", "+QUEUED|", "+QUEUED|", "*2|*-1|*-1|"],
  },
];

const newer: readonly Scenario[] = [
  {
    name: "BZMPOP takes several",
    waiting: ["BZMPOP 5 2 none z MAX COUNT 2"],
    acting: ["ZADD z 1 a 2 b 3 c", "ZRANGE z 0 -1"],
    expected: ["*2|$1|z|*2|*2|$1|c|$1|3|*2|$1|b|$1|2|", ":3|", "*1|$1|a|"],
  },
  {
    name: "BZMPOP in vain, and in a transaction",
    waiting: ["BZMPOP 0.05 1 z MIN"],
    acting: ["MULTI", "BZMPOP 0 1 z MIN", "EXEC"],
    expected: ["*-1|", "+OK|", "+QUEUED|", "*1|*-1|"],
  },
];

for (const scenario of [...scenarios, ...newer]) {
  test(scenario.name, async () => {
    await using master = await TestMaster.start();
    await play(master.port, scenario);
  });
}

await serverTest(
  "clients that wait for sorted sets are told what a server says",
  async (binary) => {
    await using server = await startServer(binary);
    const isNew = atLeast(binary.version, "7.0") || binary.product === "valkey";
    // In 6.0 RENAME does not serve blocked clients, and a timeout of 0.2 s is rounded to 0.
    const known = scenarios.filter(({ name }) => isNew || !/renamed|in vain|one client/.test(name));
    for (const scenario of isNew ? [...known, ...newer] : known) await play(server.port, scenario);
  },
);

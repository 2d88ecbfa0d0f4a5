/**
 * Clients that wait for streams: what each is told, here and by real servers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { TestMaster } from "../../../src/testing/mod.ts";
import { open } from "../../support/connection.ts";
import { atLeast, serverTest, startServer } from "../../support/servers.ts";
import { play, type Scenario } from "../blocking.ts";

const ENTRY = "*1|*2|$1|s|*1|*2|$3|1-1|*2|$1|f|$1|v|";
const GROUP = "XGROUP CREATE s g $ MKSTREAM";
const NEW = "XREADGROUP GROUP g bob BLOCK 5000 STREAMS s >";

const scenarios: readonly Scenario[] = [
  {
    name: "XREAD is served by XADD, all who wait alike",
    waiting: ["XREAD BLOCK 5000 STREAMS none s 0 $", "XREAD COUNT 1 BLOCK 0 STREAMS s 0"],
    acting: ["XADD s 1-1 f v", "XLEN s"],
    expected: [ENTRY, ENTRY, "$3|1-1|", ":1|"],
  },
  {
    name: "XREAD does not wait for what is there",
    waiting: ["XREAD BLOCK 5000 STREAMS s 0"],
    before: ["XADD s 1-1 f v"],
    acting: ["XLEN s"],
    expected: [ENTRY, ":1|"],
  },
  {
    name: "XREAD is told what came after the last entry there was, not what was there",
    waiting: ["XREAD BLOCK 5000 STREAMS s $"],
    before: ["XADD s 0-9 f old"],
    acting: ["XDEL s 0-9", "XADD s 1-1 f v", "XADD s 2-1 f v"],
    expected: [ENTRY, ":1|", "$3|1-1|", "$3|2-1|"],
  },
  {
    name: "a key of another type is waited on",
    waiting: ["XREAD BLOCK 5000 STREAMS s $"],
    acting: ["SET s 1", "DEL s", "XADD s 1-1 f v"],
    expected: [ENTRY, "+OK|", ":1|", "$3|1-1|"],
  },
  {
    name: "a transaction serves what it leaves",
    waiting: ["XREAD BLOCK 5000 STREAMS s $", "XREAD BLOCK 200 STREAMS t $"],
    acting: ["MULTI", "XADD s 1-1 f v", "XADD t 1-1 f v", "DEL t", "EXEC"],
    expected: [
      ENTRY,
      "*-1|",
      "+OK|",
      "+QUEUED|",
      "+QUEUED|",
      "+QUEUED|",
      "*3|$3|1-1|$3|1-1|:1|",
    ],
  },
  {
    name: "who reads in vain is told so",
    waiting: ["XREAD BLOCK 30 STREAMS s $", "XREADGROUP GROUP g bob BLOCK 30 STREAMS s >"],
    before: [GROUP],
    acting: ["XLEN s"],
    expected: ["*-1|", "*-1|", ":0|"],
  },
  {
    name: "nothing waits inside a transaction",
    waiting: [],
    before: [GROUP],
    acting: ["MULTI", "XREAD BLOCK 0 STREAMS s $", NEW, "EXEC"],
    expected: ["+OK|", "+QUEUED|", "+QUEUED|", "*2|*-1|*-1|"],
  },
  {
    name: "of a group one is served, in the order they came",
    waiting: [NEW, "XREADGROUP GROUP g alice BLOCK 5000 STREAMS s >"],
    before: [GROUP],
    acting: ["XADD s 1-1 f v", "XPENDING s g", "XADD s 2-1 f w"],
    expected: [
      ENTRY,
      "*1|*2|$1|s|*1|*2|$3|2-1|*2|$1|f|$1|w|",
      "$3|1-1|",
      "*4|:1|$3|1-1|$3|1-1|*1|*2|$3|bob|$1|1|",
      "$3|2-1|",
    ],
  },
  {
    name: "a consumer's history is not waited for",
    waiting: ["XREADGROUP GROUP g bob BLOCK 5000 STREAMS s 0"],
    before: [GROUP],
    acting: ["XLEN s"],
    expected: ["*1|*2|$1|s|*0|", ":0|"],
  },
];

const NO_GROUP = "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option|";
const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value|";

/** Since 7.2 what ends the waiting is what the command says when it runs anew. */
const newer: readonly Scenario[] = [
  {
    name: "a group that is destroyed ends the waiting for it",
    waiting: [NEW],
    before: [GROUP],
    acting: ["XGROUP DESTROY s g"],
    expected: [NO_GROUP, ":1|"],
  },
  {
    name: "a stream that is deleted ends the waiting for its group",
    waiting: [NEW],
    before: [GROUP],
    acting: ["DEL s"],
    expected: [NO_GROUP, ":1|"],
  },
  {
    name: "a stream that becomes a string ends the waiting for its group",
    waiting: [NEW],
    before: [GROUP],
    acting: ["SET s 1"],
    expected: [WRONG_TYPE, "+OK|"],
  },
  {
    name: "a flushed database ends the waiting for groups",
    waiting: [NEW, "XREAD BLOCK 150 STREAMS s $"],
    before: [GROUP],
    acting: ["FLUSHALL"],
    expected: [NO_GROUP, "*-1|", "+OK|"],
  },
  {
    name: "a key of another type beside a stream that serves is an error",
    waiting: ["XREAD BLOCK 5000 STREAMS t s $ $"],
    acting: ["SET t 1", "XADD s 1-1 f v"],
    expected: [WRONG_TYPE, "+OK|", "$3|1-1|"],
  },
];

/** Waits for a stream, and for a group's, and is let go by somebody, one way and the other. */
async function unblock(port: number): Promise<void> {
  const actor = await open(port);
  const waiter = await open(port);
  const text = (bytes: Uint8Array) => latin1(bytes).replaceAll("\r\n", "|");
  await actor.raw(...GROUP.split(" "));
  const id = String(await waiter.call("CLIENT", "ID"));
  for (const command of ["XREAD BLOCK 0 STREAMS s $", NEW]) {
    for (const how of ["TIMEOUT", "ERROR"]) {
      const waited = waiter.raw(...command.split(" "));
      while (text(await actor.raw("CLIENT", "UNBLOCK", id, how)) !== ":1|");
      const told = how === "ERROR" ? "-UNBLOCKED client unblocked via CLIENT UNBLOCK|" : "*-1|";
      assert.equal(text(await waited), told);
    }
  }
  for (const connection of [actor, waiter]) connection.close();
}

for (const scenario of [...scenarios, ...newer]) {
  test(scenario.name, async () => {
    await using master = await TestMaster.start();
    await play(master.port, scenario);
  });
}

test("CLIENT UNBLOCK lets go who waits for a stream", async () => {
  await using master = await TestMaster.start();
  await unblock(master.port);
});

await serverTest("clients that wait for streams are told what a server says", async (binary) => {
  await using server = await startServer(binary);
  const isNew = atLeast(binary.version, "7.2") || binary.product === "valkey";
  for (const scenario of isNew ? [...scenarios, ...newer] : scenarios) {
    await play(server.port, scenario);
  }
  await unblock(server.port);
});

/**
 * What a master sends on when it serves clients that wait: ours and real ones.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { TestMaster } from "../../src/testing/mod.ts";
import { type Connection, open } from "../support/connection.ts";
import { atLeast, serverTest, sinceRedis, startServer } from "../support/servers.ts";
import { listen, type Listener } from "./listener.ts";

const TIME = /TIME \d+/g;

interface Scenario {
  readonly name: string;
  readonly before?: readonly string[];
  readonly waiting: readonly string[];
  readonly acting: readonly string[];
  readonly expected: readonly string[];
}

const CLAIM = "FORCE JUSTID LASTID";

const scenarios: readonly Scenario[] = [
  {
    name: "BZPOPMIN and BZPOPMAX",
    waiting: ["BZPOPMIN none z 5", "BZPOPMAX z 5"],
    acting: ["ZADD z 1 a 2 b 3 c"],
    expected: ["ZADD z 1 a 2 b 3 c", "ZPOPMIN z", "ZPOPMAX z"],
  },
  {
    name: "BZMPOP",
    waiting: ["BZMPOP 5 2 none z MAX COUNT 5"],
    acting: ["ZADD z 1 a 2 b 3 c"],
    expected: ["ZADD z 1 a 2 b 3 c", "ZPOPMAX z 3"],
  },
  {
    name: "BLPOP and BLMOVE",
    waiting: ["BLMOVE l m LEFT RIGHT 5", "BLPOP l 5"],
    acting: ["RPUSH l a b"],
    expected: ["RPUSH l a b", "LMOVE l m LEFT RIGHT", "LPOP l"],
  },
  {
    name: "XREADGROUP",
    before: ["XGROUP CREATE s g $ MKSTREAM"],
    waiting: ["XREADGROUP GROUP g bob BLOCK 5000 STREAMS s >"],
    acting: ["XADD s 1-1 f v"],
    expected: [
      "XADD s 1-1 f v",
      `XCLAIM s g bob 0 1-1 TIME 0 RETRYCOUNT 1 ${CLAIM} 1-1`,
      "XGROUP SETID s g 1-1 ENTRIESREAD 1",
    ],
  },
  {
    name: "XREADGROUP that acknowledges at once",
    before: ["XGROUP CREATE s g $ MKSTREAM"],
    waiting: ["XREADGROUP GROUP g bob NOACK BLOCK 5000 STREAMS s >"],
    acting: ["XADD s 1-1 f v"],
    expected: [
      "XGROUP CREATECONSUMER s g bob",
      "XADD s 1-1 f v",
      "XGROUP SETID s g 1-1 ENTRIESREAD 1",
    ],
  },
  {
    name: "XREAD, of which nobody needs to know",
    waiting: ["XREAD BLOCK 5000 STREAMS s $"],
    acting: ["XADD s 1-1 f v"],
    expected: ["XADD s 1-1 f v"],
  },
];

/** What was heard up to a mark, which is set again until it comes: a replica may not be attached yet. */
async function heard(listener: Listener, actor: Connection, mark: string): Promise<string[]> {
  for (let tries = 0; !listener.commands.includes(`SET mark ${mark}`) && tries < 1000; tries++) {
    listener.acknowledge();
    await actor.raw("SET", "mark", mark);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const all = listener.commands.splice(0).filter((line) => !line.startsWith("SET mark"));
  return all.map((line) => line.replace(TIME, "TIME 0"));
}

/** Plays a scenario and compares; since 8.6 an XCLAIM tells the last id that the group had before it. */
async function play(port: number, scenario: Scenario, tellsBefore: boolean = false): Promise<void> {
  const actor = await open(port);
  const ask = (line: string) => actor.raw(...line.split(" "));
  // Later it would end the transfer, and the listener's connection with it.
  await ask("FLUSHALL");
  const link = await open(port);
  const listener = await listen(link);
  for (const line of scenario.before ?? []) await ask(line);
  await heard(listener, actor, "before");
  const replies: Promise<Uint8Array>[] = [];
  const waiters = [];
  for (const command of scenario.waiting) {
    const waiter = await open(port);
    waiters.push(waiter);
    replies.push(waiter.raw(...command.split(" ")));
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  for (const line of scenario.acting) await ask(line);
  await Promise.all(replies);
  const expected = scenario.expected.map((line) =>
    tellsBefore ? line.replace(`${CLAIM} 1-1`, `${CLAIM} 0-0`) : line
  );
  assert.deepEqual(await heard(listener, actor, "after"), expected);
  for (const connection of [link, actor, ...waiters]) connection.close();
}

for (const scenario of scenarios) {
  test(`our master sends on what ${scenario.name} came to`, async () => {
    await using master = await TestMaster.start();
    await play(master.port, scenario);
  });
}

await serverTest("a master sends on what those who waited came to", async (binary) => {
  await using server = await startServer(binary);
  const tellsBefore = binary.product === "redis" && atLeast(binary.version, "8.6");
  for (const scenario of scenarios) await play(server.port, scenario, tellsBefore);
}, { isFor: sinceRedis("8.0") });

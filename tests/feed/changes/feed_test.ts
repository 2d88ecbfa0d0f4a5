/**
 * The change feed: one batch a commit, snapshots without seam, tokens, policies at the bound, full resyncs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Batch, ChangesOptions, ChangeStream } from "../../../src/feed/changes/types.ts";
import { FeedError } from "../../../src/feed/changes/types.ts";
import { Argv } from "../../../src/resp/argv.ts";
import { settle } from "../../support/clock.ts";
import { describeBatch, FeedRig, FIRST_ID } from "./rig.ts";

/** Takes batches, in the background, until there are no more. */
class Taker {
  readonly batches: Batch<string>[] = [];
  error: unknown;
  done: boolean = false;
  readonly #rig: FeedRig;

  constructor(rig: FeedRig, readonly_: ChangeStream<string>) {
    this.#rig = rig;
    void this.#run(readonly_);
  }

  async #run(stream: ChangeStream<string>): Promise<void> {
    try {
      for await (const batch of stream) this.batches.push(batch);
    } catch (error) {
      this.error = error;
    }
    this.done = true;
  }

  /** What came since the last call, as text. */
  async take(): Promise<string[]> {
    for (let i = 0; i < 20; i++) await this.#rig.clock.turn();
    return this.batches.splice(0).map(describeBatch);
  }
}

function follow(rig: FeedRig, options: ChangesOptions = {}): Taker {
  return new Taker(rig, rig.changes(options));
}

/** Gives the batches that are there now. */
async function drain(rig: FeedRig, stream: ChangeStream<string>): Promise<string[]> {
  const taker = new Taker(rig, stream);
  return await taker.take();
}

const COMMITS: readonly { name: string; given: string[]; told: string }[] = [
  { name: "a string", given: ["SET a 1"], told: `1: set 0:a="1"` },
  { name: "a hash", given: ["HSET h f v g w"], told: `1: set 0:h={"f":"v","g":"w"}` },
  { name: "a list", given: ["RPUSH l a b"], told: `1: set 0:l=["a","b"]` },
  { name: "a set", given: ["SADD s 1"], told: `1: set 0:s=["1"]` },
  {
    name: "a sorted set",
    given: ["ZADD z 2 b 1 a"],
    told: `1: set 0:z=[{"value":"a","score":1},{"value":"b","score":2}]`,
  },
  {
    name: "a stream",
    given: ["XADD x 1-1 f v"],
    told: `1: set 0:x=[{"id":"1-1","message":{"f":"v"}}]`,
  },
  { name: "a deletion", given: ["DEL there"], told: "1: delete 0:there" },
  {
    name: "a rename as delete and set",
    given: ["RENAME there b"],
    told: `1: delete 0:there, set 0:b="1"`,
  },
  {
    name: "a transaction as one batch",
    given: ["SET a 1", "SET b 2", "DEL a"],
    told: `1: delete 0:a, set 0:b="2"`,
  },
  { name: "an expiry", given: ["PEXPIREAT there 99999999999999"], told: `1: expire 0:there="1"` },
  {
    name: "a value and its expiry as a value",
    given: ["SET a 1", "EXPIRE a 9"],
    told: `1: set 0:a="1"`,
  },
  { name: "another database", given: ["SELECT 3", "SET a 1"], told: `1: set 3:a="1"` },
  {
    name: "a flush before what follows",
    given: ["SET a 1", "FLUSHDB", "SET b 1"],
    told: `1: flush 0, set 0:b="1"`,
  },
  { name: "FLUSHALL", given: ["FLUSHALL"], told: "1: flush all" },
  { name: "a swap", given: ["SWAPDB 0 3"], told: "1: swap 0 3" },
];

for (const { name, given, told } of COMMITS) {
  test(`changes() tells ${name}`, async () => {
    const rig = new FeedRig();
    rig.commit("SET there 1");
    const taker = follow(rig, { databases: "all" });
    await settle();
    rig.commit(...given);
    assert.deepEqual(await taker.take(), [told]);
  });
}

test("a hash's fields that expire are told with their times", () => {
  const rig = new FeedRig();
  rig.commit("HSET h f v g w");
  const batches: Batch[] = [];
  rig.feed.onCommit(0, {}, (batch) => batches.push(batch as Batch));
  rig.commit("HPEXPIREAT h 99999999999999 FIELDS 1 f");
  const [change] = batches[0].changes;
  assert.equal(change.kind, "expire");
  assert.deepEqual(change.kind === "expire" && { ...change.fields }, { f: 99999999999999 });
});

test("onCommit() calls its listener in the turn of each commit, with the state of that commit", () => {
  const rig = new FeedRig();
  const told: string[] = [];
  const stop = rig.feed.onCommit(0, {}, (batch) => told.push(describeBatch(batch as Batch)));
  rig.commit("SET a 1");
  assert.deepEqual(told, [`1: set 0:a="1"`]);
  rig.commit("SET a 2");
  rig.commit("SET b 3");
  stop();
  rig.commit("SET c 4");
  assert.deepEqual(told, [`1: set 0:a="1"`, `1: set 0:a="2"`, `1: set 0:b="3"`]);
  assert.equal(rig.feed.status().subscribers, 0);
});

test("a listener that throws is reported and stops nobody", () => {
  const rig = new FeedRig();
  const told: string[] = [];
  rig.feed.onCommit(0, {}, () => {
    throw new Error("mine");
  });
  rig.feed.onCommit(0, {}, (batch) => told.push(describeBatch(batch as Batch)));
  rig.commit("SET a 1");
  rig.commit("SET a 2");
  assert.deepEqual(told, [`1: set 0:a="1"`, `1: set 0:a="2"`]);
  assert.equal(rig.reports.length, 2);
});

test("commits that were not taken merge into one batch with the latest state of each key", async () => {
  const rig = new FeedRig();
  const stream = rig.changes();
  rig.commit("SET a 1");
  rig.commit("SET b 1", "SET a 2");
  rig.commit("DEL b");
  rig.commit("EXPIRE a 100");
  assert.deepEqual(await drain(rig, stream), [`4: set 0:a="2", delete 0:b`]);
  assert.equal(rig.feed.status().coalesced, 3);
});

test("databases, match and types choose", async () => {
  const rig = new FeedRig();
  const rows: [ChangesOptions, string[]][] = [
    [{ match: "user:*" }, [`1: set 0:user:1="x"`]],
    [{ match: ["f?ag", "user:1"] }, [`2: set 0:user:1="x", set 0:flag="y"`]],
    [{ databases: [1] }, [`1: set 1:user:2="z"`]],
    [{ types: ["hash"] }, [`1: set 0:h={"f":"v"}`]],
    [{ match: "nobody" }, []],
  ];
  const streams = rows.map(([options]) => rig.changes(options));
  rig.commit("SET user:1 x");
  rig.commit("SET flag y");
  rig.commit("HSET h f v");
  rig.commit("SELECT 1", "SET user:2 z");
  for (const [i, [, told]] of rows.entries()) assert.deepEqual(await drain(rig, streams[i]), told);
});

test("a key that leaves the types asked for is deleted, one that never had them is not told", async () => {
  const rig = new FeedRig();
  rig.commit("HSET h f v");
  const taker = follow(rig, { types: ["hash"] });
  await settle();
  rig.commit("SET s 1");
  rig.commit("SET h text");
  assert.deepEqual(await taker.take(), ["1: delete 0:h"]);
  rig.commit("DEL h");
  assert.deepEqual(await taker.take(), []);
});

test("values: none, new and both", async () => {
  const rig = new FeedRig();
  rig.commit("SET a 1");
  const none = rig.changes({ values: "none" });
  const both = rig.changes({ values: "both" });
  rig.commit("SET a 2");
  rig.commit("SET a 3", "SET b 1");
  const first: Batch<string> = (await none.next()).value!;
  assert.ok(first.changes.every((change) => !("value" in change)));
  const second: Batch<string> = (await both.next()).value!;
  assert.deepEqual(
    second.changes.map((change) => "key" in change && [change.key, "old" in change && change.old]),
    [["a", "1"], ["b", undefined]],
  );
  await both.return!();
  await none.return!();
  assert.equal(rig.keyspace.snapshotHooks.size, 0);
});

test("bytes: true gives keys and values as bytes", async () => {
  const rig = new FeedRig();
  const stream = rig.feed.changes(0, { bytes: true });
  rig.commit("SET a 1");
  const { value } = await stream.next();
  const [change] = value!.changes;
  assert.deepEqual(change.kind === "set" && [change.key, change.value], [
    Uint8Array.of(97),
    Uint8Array.of(49),
  ]);
});

test("from: snapshot tells every key, then what changed meanwhile", async () => {
  const rig = new FeedRig();
  for (let i = 0; i < 1000; i++) rig.commit(`SET key:${i} ${i}`);
  const stream = rig.changes({ from: "snapshot", match: "key:*" });
  const seen = new Map<string, unknown>();
  const controls: string[] = [];
  let batches = 0;
  for await (const batch of stream) {
    if (batch.control !== undefined) controls.push(describeBatch(batch));
    assert.equal(batch.token !== undefined, batch.control === "snapshot-end");
    for (const change of batch.changes) {
      if (change.kind === "set") seen.set(change.key, change.value);
      if (change.kind === "delete") seen.delete(change.key);
    }
    if (++batches === 2) rig.commit("DEL key:7", "SET key:8 new", "SET key:x new", "SET other 1");
    if (batch.control === "snapshot-end") break;
  }
  assert.deepEqual(controls, ["begin first", "end"]);
  assert.equal(seen.size, 1000);
  assert.equal(seen.get("key:8"), "new");
  assert.equal(seen.has("key:7"), false);
  assert.equal(rig.feed.status().subscribers, 0);
});

test("a snapshot of nothing yet begins with the first data", async () => {
  const rig = new FeedRig(false);
  const taker = follow(rig, { from: "snapshot" });
  const now = follow(rig);
  assert.deepEqual(await taker.take(), []);
  rig.resync((to) => to.execute(0, Argv.of("SET", "a", "1")));
  assert.deepEqual(await taker.take(), ["begin first", `0: set 0:a="1"`, "end"]);
  assert.deepEqual(await now.take(), []);
  rig.commit("SET b 2");
  assert.deepEqual(await now.take(), [`1: set 0:b="2"`]);
});

test("a token gives what came behind its batch", async () => {
  const rig = new FeedRig();
  const stream = rig.changes();
  rig.commit("SET a 1");
  const { value } = await stream.next();
  await stream.return!();
  rig.commit("SET b 1");
  rig.commit("SET c 1", "DEL a");
  rig.failover("b".repeat(40));
  rig.commit("SET b 2");
  const again = rig.changes({ from: value!.token });
  assert.deepEqual(await drain(rig, again), [`1: set 0:b="2", set 0:c="1", delete 0:a`]);
});

const BAD_TOKENS: readonly { name: string; token: string }[] = [
  { name: "of another history", token: `${"c".repeat(40)}:10` },
  { name: "older than the log", token: `${FIRST_ID}:10` },
];
for (const { name, token } of BAD_TOKENS) {
  test(`a token ${name} gives a snapshot`, async () => {
    const rig = new FeedRig();
    rig.commit("SET a 1", "SET b 1");
    follow(rig);
    const taker = follow(rig, { from: token });
    assert.deepEqual(await taker.take(), ["begin token", `0: set 0:a="1", set 0:b="1"`, "end"]);
  });
}

test("a token that the data has not reached yet passes over what was seen", async () => {
  const rig = new FeedRig();
  const taker = follow(rig, { from: `${FIRST_ID}:20` });
  rig.commit("SET a 1");
  rig.commit("SET a 2");
  rig.commit("SET b 3");
  assert.deepEqual(await taker.take(), [`1: set 0:b="3"`]);
});

/** The data stands at 20 of A when B takes over; B itself knows A up to 40. */
async function rigAfterFailover(): Promise<FeedRig> {
  const rig = new FeedRig();
  await follow(rig).take();
  rig.commit("SET a 1", "SET b 1");
  const replid = "b".repeat(40);
  rig.failover(replid);
  rig.chain.learn({ role: "master", replid, replid2: FIRST_ID, secondOffset: 41, offset: 60 });
  return rig;
}

test("a token of an earlier id that its successor has is awaited", async () => {
  const rig = await rigAfterFailover();
  const taker = follow(rig, { from: `${FIRST_ID}:40` });
  rig.commit("SET a 2", "SET b 2");
  rig.commit("SET a 3");
  assert.deepEqual(await taker.take(), [`1: set 0:a="3"`]);
});

test("a token of an earlier id beyond where that ended gives a snapshot", async () => {
  const rig = await rigAfterFailover();
  rig.commit("SET a 2", "SET b 2");
  rig.commit("SET a 3");
  const taker = follow(rig, { from: `${FIRST_ID}:45` });
  assert.deepEqual(await taker.take(), ["begin token", `0: set 0:a="3", set 0:b="2"`, "end"]);
});

test("a token is no place in a snapshot, nor while keys wait for their value", async () => {
  const rig = new FeedRig();
  const stream = rig.changes();
  rig.executor.execute(0, Argv.of("SET", "a", "1"));
  rig.place.applied = 50;
  rig.place.settled = 30;
  rig.commits.end();
  const { value } = await stream.next();
  assert.deepEqual([value!.offset, value!.token], [50, `${FIRST_ID}:30`]);
});

test("a full resync tells the differences", async () => {
  const rig = new FeedRig();
  rig.commit("SET same 1", "SET other 1", "SET gone 1", "HSET h f v", "ZADD z 1 a", "SET i 12");
  const taker = follow(rig);
  await settle();
  rig.resync((to) => {
    for (
      const text of [
        "SET same 1",
        "SET other 2",
        "SET added 1",
        "HSET h f v",
        "ZADD z 2 a",
        "SET i 12",
      ]
    ) {
      to.execute(0, Argv.of(...text.split(" ")));
    }
  }, "b".repeat(40));
  rig.commit("SET behind 1");
  const told = await taker.take();
  assert.deepEqual([told[0], told.at(-1)], ["begin resync differences", "end"]);
  assert.deepEqual(
    new Set(told.slice(1, -1).join().match(/0:\w+/g)),
    new Set(["0:other", "0:gone", "0:added", "0:z", "0:behind"]),
  );
});

test("a full resync that empties first tells a flush, then a snapshot", async () => {
  const rig = new FeedRig();
  rig.commit("SET a 1");
  const taker = follow(rig);
  await settle();
  rig.empty();
  assert.deepEqual(await taker.take(), ["1: flush all"]);
  rig.resync((to) => to.execute(0, Argv.of("SET", "b", "1")));
  assert.deepEqual(await taker.take(), ["begin flush", `0: set 0:b="1"`, "end"]);
});

test("a consumer that never reads costs its bound, and gets a snapshot when it does", async () => {
  const rig = new FeedRig();
  const stream = rig.changes({ maxKeys: 10 });
  for (let i = 0; i < 1000; i++) {
    rig.commit(`SET key:${i % 50} ${i}`);
    assert.ok(rig.feed.status().queued <= 10);
  }
  const told = await drain(rig, stream);
  assert.equal(told[0], "begin lagged");
  assert.equal(told.at(-1), "end");
  assert.equal(new Set(told.join().match(/key:\d+/g)).size, 50);
});

test("policy mark drops at the bound and says how many", async () => {
  const rig = new FeedRig();
  const stream = rig.changes({ maxKeys: 3, policy: "mark" });
  for (let i = 0; i < 6; i++) rig.commit(`SET key:${i} ${i}`);
  assert.deepEqual(await drain(rig, stream), [
    "lagged 4",
    `1: set 0:key:4="4"`,
    `1: set 0:key:5="5"`,
  ]);
});

test("policy close ends the feed at the bound", async () => {
  const rig = new FeedRig();
  const stream = rig.changes({ maxKeys: 3, policy: "close" });
  for (let i = 0; i < 6; i++) rig.commit(`SET key:${i} ${i}`);
  const taker = new Taker(rig, stream);
  assert.deepEqual(await taker.take(), []);
  assert.ok(taker.error instanceof FeedError && taker.error.code === "LAGGED");
  assert.equal(rig.feed.status().subscribers, 0);
});

test("policy mark gives a batch for each commit, with its values", async () => {
  const rig = new FeedRig();
  const stream = rig.changes({ policy: "mark" });
  rig.commit("SET a 1");
  rig.commit("SET a 2");
  assert.deepEqual(await drain(rig, stream), [`1: set 0:a="1"`, `1: set 0:a="2"`]);
});

test("a swap with a database that is not followed gives a snapshot", async () => {
  const rig = new FeedRig();
  rig.commit("SET a 0", "SELECT 1", "SET a 1");
  const taker = follow(rig, { databases: [0] });
  await settle();
  rig.commit("SWAPDB 0 1");
  assert.deepEqual(await taker.take(), ["begin swap", `0: set 0:a="1"`, "end"]);
});

test("a token from before such a swap gives a snapshot", async () => {
  const rig = new FeedRig();
  const stream = rig.changes();
  rig.commit("SET a 1");
  const { value } = await stream.next();
  rig.commit("SWAPDB 0 1");
  const taker = follow(rig, { from: value!.token });
  assert.deepEqual(await taker.take(), ["begin swap", "end"]);
});

test("close() ends every feed behind what waits for it", async () => {
  const rig = new FeedRig();
  const stream = rig.changes();
  rig.commit("SET a 1");
  rig.feed.close();
  const taker = new Taker(rig, stream);
  assert.deepEqual(await taker.take(), [`1: set 0:a="1"`]);
  assert.ok(taker.done);
});

test("a signal ends a feed", async () => {
  const rig = new FeedRig();
  const abort = new AbortController();
  const taker = follow(rig, { signal: abort.signal });
  await settle();
  abort.abort();
  await taker.take();
  assert.ok(taker.done);
  assert.equal(rig.feed.status().subscribers, 0);
});

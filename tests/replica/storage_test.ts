/**
 * The dataset as a plain store: read over all types, written where no master is followed, and told to whoever listens.
 *
 * @module
 */

import assert from "node:assert/strict";
import test from "node:test";
import { type Change, CommandError, Replica } from "../../mod.ts";
import { open } from "../support/connection.ts";
import { until } from "../support/waiting.ts";
import { follow, started } from "./pair.ts";

const FAR_MS = 4_102_444_800_000; // the year 2100

test("without a master, storage is a plain store", async () => {
  await using replica = new Replica({ logger: false });
  await replica.start();
  await replica.ready();
  const { storage } = replica;
  storage.set("a", "1");
  storage.set("b", new Uint8Array([0, 255]));
  storage.set("c", "2", new Date(FAR_MS));
  storage.set("old", "x", 1);
  assert.deepEqual(storage.get("a"), new Uint8Array([49]));
  assert.equal(replica.get("a"), "1");
  assert.deepEqual(storage.get("b"), new Uint8Array([0, 255]));
  assert.equal(replica.pexpiretime("c"), FAR_MS);
  assert.equal(storage.get("old"), undefined);
  assert.equal(storage.exists("a", "b", "old"), 2);
  assert.deepEqual(storage.keys().sort(), ["a", "b", "c"]);
  assert.deepEqual([...storage.scan({ match: "a*" })], ["a"]);
  assert.equal(storage.keyCount(), 4);
  assert.deepEqual(storage.info(), { db0: { keys: 4, expires: 2 } });
  assert.ok(storage.memoryUsage() > 0);
  assert.equal(storage.del("a", "a", "none", "old"), 1);
  assert.equal(storage.currentDb(), 0);
  storage.selectDb(2);
  assert.equal(storage.currentDb(), 2);
  storage.set("two", "2");
  assert.equal(replica.db(2).get("two"), "2");
  assert.throws(() => storage.selectDb(-1), RangeError);
  storage.flushAll();
  assert.equal(replica.db(2).size + replica.size, 0);
  assert.equal(replica.status().state, "idle");
});

test("a moment that is none is refused, and nothing is changed", async () => {
  await using replica = new Replica({ logger: false });
  const { storage } = replica;
  storage.set("a", "1");
  for (const moment of [0, -2, 1.5, NaN, Infinity, new Date(NaN)]) {
    assert.throws(() => storage.set("a", "2", moment), RangeError);
    assert.throws(() => storage.expire("a", moment), RangeError);
  }
  assert.equal(replica.get("a"), "1");
  assert.equal(storage.ttl("a"), -1);
});

test("expire() and ttl() are those of the key", async () => {
  await using replica = new Replica({ logger: false });
  const { storage } = replica;
  storage.set("a", "1");
  assert.equal(storage.ttl("a"), -1);
  assert.equal(storage.expire("a", FAR_MS), true);
  assert.equal(replica.pexpiretime("a"), FAR_MS);
  assert.ok(storage.ttl("a") > 0);
  storage.set("a", "2"); // as SET: the expiry has gone
  assert.equal(storage.ttl("a"), -1);
  assert.equal(storage.expire("a", 1), true); // has passed
  assert.equal(storage.keyCount(), 0);
  assert.equal(storage.ttl("a"), -2);
  assert.equal(storage.expire("a", FAR_MS), false);
});

test("each write is a commit that the change feed tells", async () => {
  await using replica = new Replica({ logger: false });
  const { storage } = replica;
  const told: Change[][] = [];
  replica.onCommit(
    { databases: "all" },
    ({ changes }) => void told.push([...changes]),
  );
  storage.set("a", "1");
  storage.set("b", "2", FAR_MS);
  storage.del("a", "b", "none");
  storage.selectDb(3);
  storage.set("c", "3");
  storage.flushAll();
  const short = told.map((changes) =>
    changes.map((change) => "key" in change ? `${change.kind} ${change.key}` : change.kind)
  );
  assert.deepEqual(short, [["set a"], ["set b"], ["delete a", "delete b"], ["set c"], [
    "flush",
  ]]);
});

test("live values and collections see what storage writes", async () => {
  await using replica = new Replica({ logger: false });
  const { storage } = replica;
  const words = replica.collection("word:*", {
    type: "string",
    decode: "json",
    index: { length: { unique: true } },
  });
  const seen: (string | undefined)[] = [];
  using live = replica.live(() => replica.get("word:a"));
  live.subscribe((value) => void seen.push(value));
  storage.set("word:a", '{"length":1}');
  assert.equal(live.value, '{"length":1}');
  await until("the listener", () => seen.length === 1);
  await words.ready;
  assert.deepEqual(words.findOne({ length: 1 }), { id: "a", value: { length: 1 } });
  storage.set("word:a", '{"length":7}');
  assert.equal(words.findOne({ length: 1 }), undefined);
  assert.equal(words.findOne({ length: 7 })?.id, "a");
  storage.flushAll();
  assert.equal(words.findOne({ length: 7 }), undefined);
  await until("the listener", () => seen.length === 2);
  assert.deepEqual(seen, ['{"length":1}', undefined]);
});

test("WATCH of a client sees what storage writes", async () => {
  await using replica = new Replica({ logger: false, listen: "127.0.0.1:0" });
  await replica.start();
  const { storage } = replica;
  storage.set("a", "1");
  const client = await open(Number(replica.status().listening?.split(":").at(-1)));
  try {
    await client.call("WATCH", "a");
    storage.set("a", "2");
    await client.call("MULTI");
    await client.call("GET", "a");
    assert.equal(await client.call("EXEC"), null);
    assert.deepEqual(await client.call("GET", "a"), new Uint8Array([50]));
  } finally {
    client.close();
  }
});

test("keys that have expired are deleted where no master does it, and told", async () => {
  await using replica = new Replica({ logger: false });
  const { storage } = replica;
  const told: string[] = [];
  replica.onCommit({ databases: "all" }, ({ changes }) => {
    for (const change of changes) told.push(change.kind);
  });
  storage.set("soon", "1", Date.now() + 20);
  storage.set("later", "1", FAR_MS);
  await until("the expiry", () => storage.keyCount() === 1);
  assert.deepEqual(told, ["set", "set", "delete"]);
  assert.deepEqual(storage.keys(), ["later"]);
});

test("storage reads every type of a master's data", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    const writes = [
      ["SET", "string", "1"],
      ["RPUSH", "list", "1"],
      ["HSET", "hash", "field", "1"],
      ["SADD", "set", "1"],
      ["ZADD", "zset", "1", "a"],
      ["XADD", "stream", "1-1", "field", "1"],
    ];
    for (const write of writes) master.call(...write);
    master.call("PEXPIREAT", "hash", FAR_MS);
    await started(pair);
    const { storage } = replica;
    const names = writes.map(([, key]) => key);
    assert.deepEqual(names.map((key) => storage.type(key)), names);
    assert.equal(storage.type("none"), undefined);
    assert.equal(storage.exists(...names, "none"), 6);
    assert.deepEqual(storage.keys().sort(), [...names].sort());
    assert.deepEqual([...storage.scan({ match: "[sl]*" })].sort(), [
      "list",
      "set",
      "stream",
      "string",
    ]);
    assert.ok(storage.ttl("hash") > 0);
    assert.equal(storage.ttl("zset"), -1);
    assert.equal(storage.keyCount(), 6);
    assert.deepEqual(storage.info(), { db0: { keys: 6, expires: 1 } });
    for (const key of names.slice(1)) assert.throws(() => storage.get(key), { code: "WRONGTYPE" });
  }));

test("storage is read only while a master is followed", () =>
  follow(({ replica: { storage } }) => {
    const refused = { name: "CommandError", code: "READONLY" };
    assert.throws(() => storage.set("a", "1"), refused);
    assert.throws(() => storage.del("a"), refused);
    assert.throws(() => storage.expire("a", FAR_MS), refused);
    assert.throws(() => storage.flushAll(), CommandError);
  }, { beforeReady: "empty" }));

/**
 * Live values, watches and collections of a whole replica, over a network in memory.
 *
 * @module
 */

import assert from "node:assert/strict";
import test from "node:test";
import { DecodeError, Replica, type ReplicaOptions } from "../../mod.ts";
import { Prng } from "../../src/base/prng.ts";
import { TestMaster } from "../../src/testing/test_master.ts";
import { ManualClock, settle } from "../support/clock.ts";
import { MemoryNet } from "../support/memory_net.ts";

/** A master and its replica, whose time moves in `pass` only. */
class World {
  readonly clock: ManualClock = new ManualClock();
  readonly prng: Prng = new Prng(9);
  readonly net: MemoryNet = new MemoryNet({ clock: this.clock, prng: new Prng(3) });
  readonly errors: string[] = [];
  #master: TestMaster | undefined;
  #replica: Replica | undefined;

  get master(): TestMaster {
    return this.#master!;
  }

  get replica(): Replica {
    return this.#replica!;
  }

  async open(options: ReplicaOptions = {}): Promise<void> {
    const { net, clock } = this;
    const random = () => this.prng.next();
    this.#master = await TestMaster.start({ net, clock, random, port: 6379, activeExpiry: false });
    this.#replica = new Replica({
      master: "redis://127.0.0.1:6379",
      net,
      clock,
      random,
      logger: { debug() {}, info() {}, warn() {}, error: (text) => void this.errors.push(text) },
      ...options,
    });
  }

  async start(): Promise<void> {
    void this.replica.start();
    await this.pass(100);
    assert.equal(this.replica.connected, true);
  }

  pass(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  async call(...args: (string | number)[]): Promise<void> {
    this.master.call(...args);
    await this.pass(10);
  }

  async close(): Promise<void> {
    const closing = Promise.all([this.replica.close(), this.master.close()]);
    for (let i = 0; i < 20; i++) await this.pass(100);
    await closing;
    assert.equal(this.clock.timers.size, 0, "a timer is left");
  }
}

/** Runs a test in a world, and closes it. */
function inWorld(
  name: string,
  run: (world: World) => Promise<void>,
  options: ReplicaOptions = {},
): void {
  test(name, async () => {
    const world = new World();
    await world.open(options);
    await run(world);
    await world.close();
  });
}

inWorld("live() follows every family of reads, and commands called by name", async (world) => {
  const { replica } = world;
  await world.start();
  const lives = {
    string: replica.live(() => replica.get("s")),
    hash: replica.live(() => replica.hgetall("h")),
    list: replica.live(() => replica.lrange("l", 0, -1)),
    set: replica.live(() => replica.sismember("t", "a")),
    zset: replica.live(() => replica.zscore("z", "a")),
    stream: replica.live(() => replica.xlen("x")),
    call: replica.live(() => replica.call("HGET", "h", "f")),
    keys: replica.live(() => replica.keys("k*")),
    count: replica.live(() => replica.call("DBSIZE")),
    other: replica.live(() => replica.db(2).get("s")),
    bytes: replica.live(() => replica.bytes.get("s")),
  };
  const told: Record<string, number> = {};
  for (const [name, live] of Object.entries(lives)) {
    (live.subscribe as (listener: () => void) => void)(() => told[name] = (told[name] ?? 0) + 1);
  }
  await world.call("SET", "s", "1");
  await world.call("HSET", "h", "f", "1");
  await world.call("RPUSH", "l", "1");
  await world.call("SADD", "t", "a");
  await world.call("ZADD", "z", 1, "a");
  await world.call("XADD", "x", "*", "f", "v");
  await world.call("SET", "k1", "1");
  await world.call("MULTI");
  await world.call("SELECT", 2);
  await world.call("SET", "s", "2");
  await world.call("SELECT", 0);
  await world.call("EXEC");
  assert.deepEqual(told, {
    string: 1,
    bytes: 1,
    hash: 1,
    call: 1,
    list: 1,
    set: 1,
    zset: 1,
    stream: 1,
    keys: 1,
    count: 7,
    other: 1,
  });
  assert.equal(lives.set.value, true);
  assert.deepEqual({ ...lives.hash.value }, { f: "1" });
  assert.equal(lives.other.value, "2");
  for (const live of Object.values(lives)) live[Symbol.dispose]();
});

inWorld("a key that was listed expires by time, and a field of a hash", async (world) => {
  const { replica, clock } = world;
  await world.start();
  await world.call("SET", "k1", "1", "PX", 1000);
  await world.call("HSET", "h", "f", "1", "g", "1");
  await world.call("HPEXPIRE", "h", 500, "FIELDS", 1, "f");
  const keys = replica.live(() => replica.keys("k*"));
  const field = replica.live(() => replica.hget("h", "f"));
  const all = replica.live(() => Object.keys(replica.hgetall("h") ?? {}));
  const told: string[] = [];
  const began = clock.now();
  const at = () => Math.round((clock.now() - began) / 100) * 100;
  keys.subscribe((value) => told.push(`${at()} keys ${value}`));
  field.subscribe((value) => told.push(`${at()} field ${value}`));
  all.subscribe((value) => told.push(`${at()} all ${value}`));
  await world.pass(2000);
  assert.deepEqual(told, ["500 field undefined", "500 all g", "1000 keys "]);
});

inWorld("transactions are seen whole, and a full resync is one change", async (world) => {
  const { replica, master } = world;
  await world.start();
  await world.call("MSET", "a", "0", "b", "0");
  const seen: string[] = [];
  const live = replica.live(() => `${replica.get("a")} ${replica.get("b")}`);
  live.subscribe((value) => seen.push(value!));
  for (let i = 1; i < 4; i++) {
    master.call("MULTI");
    master.call("SET", "a", i);
    master.call("SET", "b", i);
    master.call("EXEC");
    await world.pass(10);
  }
  master.forgetHistory();
  master.call("FLUSHALL");
  master.call("MSET", "a", "new", "b", "new");
  master.dropReplicas();
  await world.pass(5000);
  assert.equal(master.fullSyncs, 2);
  assert.deepEqual(seen, ["1 1", "2 2", "3 3", "new new"]);
});

inWorld(
  "reads that are refused make the value throw, until they are answered again",
  async (world) => {
    const { replica, net } = world;
    const told: unknown[] = [];
    const live = replica.live(() => replica.get("a"));
    live.subscribe((value, error) => told.push(error === undefined ? value : "refused"));
    assert.throws(() => live.value, /MASTERDOWN|LOADING/);
    await world.start();
    await world.call("SET", "a", "1");
    assert.equal(live.value, "1");
    net.faults.stalled = true;
    await world.pass(40_000);
    assert.throws(() => live.value, /^CommandError: MASTERDOWN/);
    net.faults.stalled = false;
    await world.pass(60_000);
    assert.equal(live.value, "1");
    assert.deepEqual(told, [undefined, "1", "refused", "1"]);
  },
  { maxStalenessMs: 30_000, timeouts: { idleMs: 15_000 } },
);

inWorld("watch() gives the value now and each latest one", async (world) => {
  const { replica } = world;
  const values: unknown[] = [];
  const flags: unknown[] = [];
  using flag = replica.watch("flag");
  const reading = (async () => {
    for await (const value of flag) {
      values.push(value);
      if (value === "stop") break;
    }
  })();
  flag.subscribe((value) => flags.push(value));
  await settle();
  await world.start();
  await world.call("SET", "flag", "1");
  await world.call("SET", "flag", "1");
  world.master.call("SET", "flag", "2");
  await world.call("SET", "flag", "3");
  await world.call("DEL", "flag");
  await world.call("HSET", "flag", "f", "v");
  await world.call("SET", "flag", "stop");
  await reading;
  const plain = (all: unknown[]) =>
    all.map((value) => typeof value === "object" ? { ...value } : value);
  const expected = [undefined, "1", "3", undefined, { f: "v" }, "stop"];
  assert.deepEqual(plain(flags), expected);
  assert.deepEqual(plain(values), expected);
});

inWorld(
  "watch() decodes, narrows to a type, ends by signal and with the replica",
  async (world) => {
    const { replica } = world;
    await world.start();
    const control = new AbortController();
    const decoded = replica.watch<{ n: number }>("json", {
      decode: "json",
      signal: control.signal,
    });
    const numbers: (number | undefined)[] = [];
    const failures: unknown[] = [];
    decoded.subscribe((value) => numbers.push(value?.n), (error) => failures.push(error));
    await world.call("SET", "json", '{"n":1}');
    await world.call("SET", "json", '{"n":');
    await world.call("SET", "json", '{"n":2}');
    assert.deepEqual(numbers, [undefined, 1, 2]);
    assert.ok(failures[0] instanceof DecodeError);
    const hash = replica.watch("json", { type: "hash" });
    assert.throws(() => hash.value, /WRONGTYPE/);
    await assert.rejects(async () => {
      for await (const _ of hash);
    }, /WRONGTYPE/);
    const waiting = (async () => {
      let count = 0;
      for await (const _ of decoded) count++;
      return count;
    })();
    await settle();
    control.abort();
    assert.equal(await waiting, 1);
    const until = (async () => {
      for await (const _ of replica.watch("json"));
      return "closed";
    })();
    await settle();
    await world.close();
    assert.equal(await until, "closed");
    await world.open();
  },
);

inWorld(
  "a collection is complete when the replica is ready, and exact after a full resync",
  async (world) => {
    const { replica, master } = world;
    const users = replica.collection("user:*", {
      type: "hash",
      index: { email: { unique: true }, "plan,createdAt": {} },
    });
    for (let i = 0; i < 500; i++) {
      master.call("HSET", `user:${i}`, "email", `${i}@x`, "plan", "pro", "createdAt", i);
    }
    await world.start();
    assert.equal(users.findOne({ email: "7@x" })?.id, "7");
    assert.equal(users.range("createdAt", { where: { plan: "pro" }, gte: 490 }).length, 10);
    const newest = users.live((all) =>
      all.range("createdAt", { where: { plan: "pro" }, desc: true, limit: 1 })[0]?.id
    );
    const told: unknown[] = [];
    newest.subscribe((id) => told.push(id));
    await world.call("HSET", "user:new", "plan", "pro", "createdAt", 1000);
    await world.call("DEL", "user:new");
    const [status] = replica.status().collections;
    assert.equal(status.rows, 500);
    assert.equal(status.indexes.email.rows, 500);
    assert.ok(status.bytes > status.indexes.email.bytes);
    master.forgetHistory();
    master.call("FLUSHALL");
    master.call("HSET", "user:x", "email", "x@x", "plan", "pro", "createdAt", 1);
    master.dropReplicas();
    await world.pass(5000);
    assert.equal(users.size, 1);
    assert.deepEqual(told, ["new", "499", "x"]);
    newest[Symbol.dispose]();
  },
);

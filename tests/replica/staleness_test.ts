import assert from "node:assert/strict";
import { test } from "node:test";
import { Replica } from "../../mod.ts";
import { MemoryNet } from "../support/memory_net.ts";
import { TestMaster } from "../../src/testing/test_master.ts";
import { Prng } from "../../src/base/prng.ts";
import { ManualClock } from "../support/clock.ts";

class World {
  readonly clock: ManualClock = new ManualClock();
  readonly net: MemoryNet = new MemoryNet({ clock: this.clock, prng: new Prng(3) });
  readonly prng: Prng = new Prng(9);

  async master(options: Record<string, unknown> = {}): Promise<TestMaster> {
    return await TestMaster.start({
      net: this.net,
      clock: this.clock,
      random: () => this.prng.next(),
      port: 6379,
      ...options,
    });
  }

  replica(options: Record<string, unknown>): Replica {
    return new Replica({
      master: "redis://127.0.0.1:6379",
      net: this.net,
      clock: this.clock,
      random: () => this.prng.next(),
      logger: false,
      ...options,
    });
  }

  async close(replica: Replica, master: TestMaster): Promise<void> {
    const closing = Promise.all([replica.close(), master.close()]);
    for (let i = 0; i < 20; i++) await this.clock.advance(100);
    await closing;
    assert.equal(this.clock.timers.size, 0, "a timer is left");
  }
}

test("maxStalenessMs: reads throw and clients get MASTERDOWN once the data is too old", async () => {
  const world = new World();
  const master = await world.master();
  master.call("SET", "k", "v");
  const replica = world.replica({ maxStalenessMs: 30_000, timeouts: { idleMs: 15_000 } });
  assert.throws(() => replica.get("k"), /^CommandError: LOADING/);
  void replica.start();
  await world.clock.advance(100);
  assert.equal(replica.get("k"), "v");
  assert.equal(replica.status().staleSinceMs, undefined);
  world.net.faults.stalled = true;
  await world.clock.advance(29_000);
  assert.equal(replica.get("k"), "v");
  const { state, staleSinceMs, error } = replica.status();
  assert.equal(state, "stale");
  assert.match(error?.message ?? "", /timed out/);
  assert.ok(world.clock.now() - staleSinceMs! >= 28_000, "since the last byte heard");
  await world.clock.advance(2000);
  assert.throws(() => replica.get("k"), /MASTERDOWN/);
  assert.throws(() => replica.call("GET", "k"), /MASTERDOWN/);
  assert.throws(() => [...replica.scan()], /MASTERDOWN/);
  assert.match(replica.info("replication"), /master_link_status:down/);
  world.net.unstall();
  await world.clock.advance(60_000);
  assert.equal(replica.get("k"), "v");
  await world.close(replica, master);
});

test("maxStalenessMs: a master that falls silent without closing is too old as well", async () => {
  const world = new World();
  const master = await world.master({ pingIntervalMs: 1000 });
  master.call("SET", "k", "v");
  const replica = world.replica({ maxStalenessMs: 5000 });
  const told: string[] = [];
  replica.on("stale", ({ sinceMs }) => told.push(`stale ${world.clock.now() - sinceMs >= 5000}`));
  replica.on("fresh", () => told.push("fresh"));
  void replica.start();
  await world.clock.advance(3000);
  assert.equal(replica.get("k"), "v");
  world.net.faults.stalled = true;
  await world.clock.advance(4000);
  assert.equal(replica.get("k"), "v");
  assert.deepEqual(told, []);
  await world.clock.advance(2000);
  assert.deepEqual(told, ["stale true"]);
  assert.equal(replica.status().state, "live");
  assert.throws(() => replica.get("k"), /MASTERDOWN .* maxStalenessMs/);
  assert.throws(() => replica.call("GET", "k"), /MASTERDOWN .* maxStalenessMs/);
  const { staleSinceMs } = replica.status();
  assert.ok(staleSinceMs !== undefined && world.clock.now() - staleSinceMs >= 5000);
  world.net.unstall();
  await world.clock.advance(2000);
  assert.equal(replica.get("k"), "v");
  assert.equal(replica.status().staleSinceMs, undefined);
  assert.deepEqual(told, ["stale true", "fresh"]);
  await world.close(replica, master);
});

test("maxStalenessMs: an idle master that pings more seldom is asked in between", async () => {
  const world = new World();
  const master = await world.master({ pingIntervalMs: 10_000 });
  master.call("SET", "k", "v");
  const replica = world.replica({ maxStalenessMs: 1000 });
  void replica.start();
  await world.clock.advance(500);
  for (let i = 0; i < 60; i++) {
    await world.clock.advance(500);
    assert.equal(replica.get("k"), "v", `${i}`);
  }
  assert.equal(master.fullSyncs, 1);
  await world.close(replica, master);
});

test("maxStalenessMs: a master that cannot be asked is too old while it is silent", async () => {
  const world = new World();
  const master = await world.master({ pingIntervalMs: 10_000, password: "pw" });
  const warnings: string[] = [];
  const quiet = () => {};
  let asked = 0;
  const replica = world.replica({
    maxStalenessMs: 1000,
    // The link's own login is the first.
    password: () => asked++ === 0 ? "pw" : "wrong",
    logger: {
      debug: quiet,
      info: quiet,
      warn: (text: string) => warnings.push(text),
      error: quiet,
    },
  });
  void replica.start();
  await world.clock.advance(500);
  assert.equal(replica.get("k"), undefined);
  await world.clock.advance(5000);
  assert.throws(() => replica.get("k"), /maxStalenessMs/);
  assert.equal(warnings.filter((text) => text.startsWith("maxStalenessMs: ")).length, 1);
  await world.close(replica, master);
});

test("start() with a time rejects with the last failure, and can be called again", async () => {
  const world = new World();
  const lines: string[] = [];
  const log = (text: string) => lines.push(text);
  const quiet = () => {};
  const replica = world.replica({ logger: { debug: quiet, info: quiet, warn: log, error: log } });
  const first = replica.start({ timeoutMs: 3000 }).catch((error) => error);
  await world.clock.advance(4000);
  const error = await first;
  assert.equal(error.name, "TimeoutError");
  assert.match(error.message, /within 3000 ms: No connection to/);
  assert.equal(error.cause.code, "CONNECT");
  assert.equal(world.clock.timers.size, 0, "nothing goes on");
  const again = replica.start({ timeoutMs: 60_000 });
  await world.clock.advance(2000);
  const master = await world.master();
  await world.clock.advance(5000);
  await again;
  await replica.ready();
  assert.match(lines.at(-1)!, /Followed again after \d+ ms, by a full resync/);
  assert.throws(() => replica.start({ timeoutMs: -1 }), /start.timeoutMs is -1/);
  await world.close(replica, master);
});

test("start() that was given up can be called again in the same turn", async () => {
  const world = new World();
  const replica = world.replica({});
  const stop = new AbortController();
  const first = replica.start({ signal: stop.signal }).catch((error) => error.code);
  await world.clock.advance(100);
  stop.abort();
  assert.equal(await first, "STOPPED");
  const master = await world.master();
  const again = replica.start();
  await world.clock.advance(2000);
  await again;
  assert.equal(replica.connected, true);
  await world.close(replica, master);
});

test('resync "flush": reads throw LOADING while there is nothing to read from', async () => {
  const world = new World();
  const master = await world.master();
  for (let i = 0; i < 2000; i++) master.call("SET", `k${i}`, "v".repeat(200));
  const replica = world.replica({ resync: "flush" });
  void replica.start();
  await world.clock.advance(1000);
  assert.equal(replica.size, 2000);
  world.net.faults.maxChunkBytes = 5000;
  world.net.faults.maxDelayMs = 20;
  master.forgetHistory();
  let loading = 0;
  for (let i = 0; i < 300 && replica.status().counters.fullSyncs < 2; i++) {
    await world.clock.advance(20);
    if (replica.status().state !== "syncing" || replica.status().keys === 2000) continue;
    assert.throws(() => replica.get("k1"), /LOADING/);
    assert.throws(() => replica.call("GET", "k1"), /LOADING/);
    loading++;
  }
  assert.ok(loading > 3, `${loading} looks while it loaded`);
  assert.equal(replica.get("k1")?.length, 200);
  await world.close(replica, master);
});

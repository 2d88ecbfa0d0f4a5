/**
 * `maxMemory`: what is held is counted, the limit holds however it is reached, and what happens then is what the options
 * say. The long form, which measures what is resident, is `bench/max_memory.ts`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MemoryError,
  type MemoryEvent,
  Replica,
  type ReplicaOptions,
  type ReplicaStatus,
} from "../../mod.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { serverTest, startServer } from "../support/servers.ts";
import { until } from "../support/waiting.ts";
import { follow, type Pair, READY_MS, started } from "./pair.ts";

const MB = 1024 * 1024;
/** The limit of most tests, and what may be counted beyond it. */
const LIMIT: number = 8 * MB;
const SLACK = 1.05;
const VALUE: string = "x".repeat(2000);
/** Pauses so long that no test meets an attempt which it did not ask for. */
const PATIENT: ReplicaOptions = {
  maxMemory: "8mb",
  backoff: { minMs: 20, doomedMs: 600_000, doomedMaxMs: 600_000 },
};

/** Sends strings until the replica's link is given up, or `bytes` were sent. Returns how many keys. */
async function fill({ master, replica }: Pair, bytes: number): Promise<number> {
  const count = Math.floor(bytes / VALUE.length);
  for (let i = 0; i < count; i++) {
    master.call("SET", `k:${i}`, VALUE);
    if (i % 40 === 0) await master.wait(1, 50);
    if (replica.status().error !== undefined) return i;
  }
  return count;
}

async function reached(replica: Replica): Promise<MemoryError> {
  const found = () => replica.status().error;
  await until("the limit", () => found() instanceof MemoryError, READY_MS);
  return found() as MemoryError;
}

function eventsOf(replica: Replica): MemoryEvent[] {
  const events: MemoryEvent[] = [];
  replica.on("memory", (event) => events.push(event));
  return events;
}

/** What all the parts of the memory are together. */
function sumOf({ memory }: ReplicaStatus): number {
  const { data, loading, caches, indexes, leftOut, feed, incoming } = memory;
  return data + loading + caches + indexes + leftOut + feed + incoming;
}

test("maxMemory is bytes or a size with Redis's units, and checked by the constructor", () => {
  for (const maxMemory of [LIMIT, "8mb", "8MB", "1gb", "10000k"]) new Replica({ maxMemory });
  for (const maxMemory of [0, -1, 1.5, NaN, Infinity, 1000, "", "8", "1.5gb", "8tb", "mb"]) {
    assert.throws(() => new Replica({ maxMemory }), /^TypeError: maxMemory /, String(maxMemory));
  }
  assert.throws(
    () => new Replica({ maxMemory: true as unknown as number }),
    /maxMemory is .*a number of bytes of 1048576 or more, or a text such as "512mb"/,
  );
  assert.throws(
    () => new Replica({ onMaxMemory: "evict" as "stop" }),
    /onMaxMemory .*"stop" or "flush"/,
  );
});

test("a first snapshot beyond the limit is given up with numbers, and not asked for again at once", async () => {
  await using master = await TestMaster.start({ password: "s3cret-of-master" });
  for (let i = 0; i < 9000; i++) master.call("SET", `k:${i}`, VALUE);
  await using replica = new Replica({ master: master.url, logger: false, ...PATIENT });
  const events = eventsOf(replica);
  await replica.start();
  const error = await replica.ready().then(() => undefined, (error) => error);
  assert.ok(error instanceof MemoryError);
  assert.equal(error.code, "MEMORY");
  assert.equal(error.maxBytes, LIMIT);
  assert.ok(
    error.usedBytes > LIMIT * 0.9 && error.usedBytes <= LIMIT * SLACK,
    `${error.usedBytes}`,
  );
  assert.equal(error.datasetKeys, 9000);
  assert.ok(error.datasetBytes! > 9000 * VALUE.length);
  assert.ok(error.estimatedBytes! > 16 * MB && error.estimatedBytes! < 26 * MB);
  assert.match(error.message, /maxMemory of 8192kb is reached by a snapshot: \d+ keys/);
  assert.match(error.message, /raise maxMemory to \d+mb, or keep \d+% of it by a filter/);
  assert.doesNotMatch(error.message, /s3cret/);
  const { nextRetryAtMs, memory, keys, counters } = replica.status();
  assert.ok(nextRetryAtMs! - Date.now() > 200_000);
  assert.equal(keys, 0);
  assert.equal(memory.loading, 0);
  assert.ok(memory.total < 100_000);
  assert.equal(counters.failedSyncs, 1);
  assert.deepEqual(events.map(({ level }) => level), ["warning", "reached"]);
  assert.throws(() => replica.get("k:1"), /LOADING/);

  replica.limitMemory("64mb");
  await replica.ready({ timeoutMs: READY_MS });
  assert.equal(replica.status().keys, 9000);
  assert.deepEqual(events.map(({ level }) => level), ["warning", "reached", "recovered"]);
});

test("stop: what is there stays readable, stale, at a commit of the master", async () => {
  await follow(
    async (pair) => {
      const { master, replica } = pair;
      const events = eventsOf(replica);
      await started(pair);
      const sent = await fill(pair, 3 * LIMIT);
      const error = await reached(replica);
      const { state, keys, memory, offset, staleSinceMs } = replica.status();
      assert.equal(state, "stale");
      assert.ok(staleSinceMs !== undefined);
      assert.ok(memory.total <= LIMIT * SLACK && memory.total > LIMIT * 0.9, `${memory.total}`);
      assert.equal(memory.level, "reached");
      assert.ok(keys <= sent);
      assert.ok(offset <= master.offset);
      assert.equal(replica.get("k:0"), VALUE);
      assert.equal(replica.get(`k:${keys - 1}`), VALUE);
      assert.equal(replica.get(`k:${keys}`), undefined);
      assert.match(error.message, /is reached while following: \d+kb are held with \d+ keys/);
      assert.deepEqual(events.map(({ level }) => level), ["warning", "reached"]);
      assert.equal(events[1].error, error);

      replica.limitMemory("64mb");
      await until("it to be live", () => replica.status().state === "live", READY_MS);
      await master.wait(1, READY_MS);
      assert.equal(replica.status().counters.fullSyncs, 1);
      assert.equal(replica.status().counters.partialSyncs, 1);
      assert.equal(replica.size, master.call("DBSIZE"));
      assert.equal(events.at(-1)!.level, "recovered");
    },
    PATIENT,
    { backlogBytes: 64 * MB },
  );
});

test("stop: deletions that follow the limit are met when the stream is tried again", async () => {
  await follow(async (pair) => {
    const { master, replica } = pair;
    await started(pair);
    await fill(pair, 3 * LIMIT);
    await reached(replica);
    master.call("FLUSHALL");
    master.call("SET", "after", "1");
    await until("it to be live", () => replica.status().state === "live", READY_MS);
    await until("the last key", () => replica.get("after") === "1", READY_MS);
    assert.equal(replica.size, 1);
    assert.equal(replica.status().memory.level, "ample");
  }, { ...PATIENT, backoff: { minMs: 20, doomedMs: 50, doomedMaxMs: 50 } });
});

test("flush: the data is emptied and refused, and comes back when there is room", async () => {
  await follow(async (pair) => {
    const { master, replica } = pair;
    const events = eventsOf(replica);
    await started(pair);
    await fill(pair, 3 * LIMIT);
    await reached(replica);
    const { memory, keys, state } = replica.status();
    assert.equal(state, "connecting");
    assert.equal(keys, 0);
    assert.ok(memory.total < 100_000);
    assert.throws(() => replica.get("k:0"), /LOADING/);
    master.call("FLUSHALL");
    master.call("SET", "after", "1");
    replica.limitMemory("8mb", "flush");
    await until("it to be live", () => replica.status().state === "live", READY_MS);
    assert.equal(replica.get("after"), "1");
    assert.deepEqual(events.map(({ level }) => level), ["warning", "reached", "recovered"]);
  }, { ...PATIENT, onMaxMemory: "flush" });
});

/** Commands that take much at once, of which most are short themselves. */
const HUGE: readonly (readonly [string, ...(string | number)[]])[] = [
  ["SET", "huge", "y".repeat(40 * MB)],
  ["SETRANGE", "huge", 60_000_000, "x"],
  ["SETBIT", "huge", 500_000_000, 1],
  ["APPEND", "base", "y".repeat(20 * MB)],
  ["COPY", "base", "copy"],
  ["BITOP", "NOT", "copy", "base"],
  ["RPUSH", "list", ...Array.from({ length: 20_000 }, (_, i) => `${i}:${VALUE.slice(0, 600)}`)],
  ["SADD", "set", ...Array.from({ length: 20_000 }, (_, i) => `${i}:${VALUE.slice(0, 600)}`)],
];

for (const command of HUGE) {
  test(`what ${command[0]} takes at once is refused before it is taken`, async () => {
    await follow(
      async (pair) => {
        const { master, replica } = pair;
        master.call("SET", "base", "b".repeat(5 * MB));
        master.call("SET", "a", "1");
        await started(pair);
        const before = replica.status().memory.total;
        master.call(...command);
        const error = await reached(replica);
        const { state, memory, offset } = replica.status();
        assert.equal(state, "stale");
        assert.ok(memory.total <= LIMIT * SLACK, `${memory.total}`);
        assert.ok(memory.total <= before + LIMIT / 10);
        assert.equal(replica.get("a"), "1");
        assert.equal(replica.strlen("base"), 5 * MB);
        assert.ok(offset < master.offset);
        assert.ok(error.askedBytes > 0);
        assert.equal(error.isTorn, false);
        replica.limitMemory("1gb");
        await until("it to be live", () => replica.status().state === "live", READY_MS);
        await master.wait(1, READY_MS);
        assert.equal(replica.size, master.call("DBSIZE"));
      },
      PATIENT,
      { backlogBytes: 64 * MB },
    );
  });
}

test("a value of a snapshot that is announced too long is refused before its bytes are kept", async () => {
  await using master = await TestMaster.start();
  master.call("SET", "huge", "y".repeat(60 * MB));
  await using replica = new Replica({ master: master.url, logger: false, ...PATIENT });
  await replica.start();
  const error = await replica.ready().then(() => undefined, (error) => error);
  assert.ok(error instanceof MemoryError);
  assert.equal(error.askedBytes, 60 * MB);
  assert.ok(error.usedBytes < MB, `${error.usedBytes}`);
  assert.ok(replica.status().counters.bytesRead < 60 * MB);
  assert.match(error.message, /one value of 60mb comes/);
});

/** What makes a collection of some two megabytes, a part at each call. */
const COLLECTIONS: Readonly<Record<string, (part: number) => (string | number)[]>> = {
  list: (part) => ["RPUSH", ...elements(part)],
  set: (part) => ["SADD", ...elements(part)],
  zset: (part) => ["ZADD", ...elements(part).flatMap((element, i) => [i, element])],
  hash: (part) => ["HSET", ...elements(part).flatMap((element) => [element, "1"])],
  stream: (part) => ["XADD", `${part + 1}-1`, ...elements(part)],
};

function elements(part: number): string[] {
  return Array.from({ length: 1000 }, (_, i) => `${part}:${i}:${VALUE.slice(0, 80)}`);
}

for (const [name, toCommand] of Object.entries(COLLECTIONS)) {
  test(`a ${name} of a snapshot counts while it is put together`, async () => {
    await using master = await TestMaster.start();
    for (let part = 0; part < 25; part++) {
      const [command, ...args] = toCommand(part);
      master.call(command, name, ...args);
    }
    const options = { ...PATIENT, maxMemory: MB };
    await using replica = new Replica({ master: master.url, logger: false, ...options });
    await replica.start();
    const error = await replica.ready().then(() => undefined, (error) => error);
    assert.ok(error instanceof MemoryError, String(error));
    assert.ok(error.usedBytes <= MB * 1.2, `${error.usedBytes}`);
    assert.match(error.message, /: 0 keys of it take/);
  });
}

test("a transaction that has no room is not applied in part", async () => {
  await follow(
    async (pair) => {
      const { master, replica } = pair;
      await started(pair);
      master.call("SET", "a", "0");
      await master.wait(1, READY_MS);
      const commands = [["SET", "a", "1"]];
      for (let i = 0; i < 10_000; i++) commands.push(["SET", `k:${i}`, VALUE]);
      transaction(master, commands);
      await reached(replica);
      assert.equal(replica.get("a"), "0");
      assert.equal(replica.size, 1);
      replica.limitMemory("64mb");
      await until("it to be live", () => replica.status().state === "live", READY_MS);
      await until("the transaction", () => replica.get("a") === "1", READY_MS);
      assert.equal(replica.size, 10_001);
    },
    PATIENT,
    { backlogBytes: 64 * MB },
  );
});

test("stop: data that a transaction has changed in part is emptied, and never read", async () => {
  await follow(async (pair) => {
    const { master, replica } = pair;
    await started(pair);
    transaction(master, [["SET", "a", "1"], ["SETRANGE", "huge", "100000000", "x"]]);
    const error = await reached(replica);
    assert.equal(error.isTorn, true);
    assert.match(error.message, /nothing is kept/);
    assert.throws(() => replica.get("a"), /LOADING/);
  }, PATIENT);
});

/** Sends commands as one transaction of the stream. */
function transaction(master: TestMaster, commands: readonly (readonly string[])[]): void {
  const session = master as unknown as { call(...args: readonly string[]): unknown };
  session.call("MULTI");
  for (const command of commands) session.call(...command);
  session.call("EXEC");
}

for (const onMaxMemory of ["stop", "flush"] as const) {
  test(`${onMaxMemory}: a later snapshot that has no room beside the data`, async () => {
    await follow(
      async (pair) => {
        const { master, replica } = pair;
        for (let i = 0; i < 2500; i++) master.call("SET", `old:${i}`, VALUE);
        await started(pair);
        const events = eventsOf(replica);
        master.forgetHistory();
        master.call("SET", "new", "1");
        master.dropReplicas();
        if (onMaxMemory === "stop") {
          const error = await reached(replica);
          assert.match(error.message, /beside \d+kb of older data, which stays/);
          assert.equal(replica.status().state, "stale");
          assert.equal(replica.get("old:1"), VALUE);
          assert.equal(replica.get("new"), undefined);
          assert.ok(replica.status().memory.total < LIMIT * 0.8);
          // The new data alone has room, and takes the place of the old where that is allowed to go.
          replica.limitMemory("8mb", "flush");
        }
        await until("the new data", () => replica.status().counters.fullSyncs === 2, READY_MS);
        assert.equal(replica.get("new"), "1");
        assert.equal(replica.size, 2501);
        assert.equal(events.some(({ level }) => level === "reached"), onMaxMemory === "stop");
      },
      { ...PATIENT, onMaxMemory },
      { backlogBytes: 16 * 1024 },
    );
  });
}

test("status() counts what is held, part by part, and CONFIG and INFO tell the limit", async () => {
  await follow(async (pair) => {
    const { master, replica } = pair;
    for (let i = 0; i < 500; i++) master.call("SET", `k:${i}`, JSON.stringify({ i, VALUE }));
    master.call("RPUSH", "list", ...Array.from({ length: 5000 }, (_, i) => i));
    master.call("EXPIRE", "k:1", 1000);
    await started(pair);
    const empty = replica.status();
    assert.equal(empty.memory.caches, 0);
    for (let i = 0; i < 500; i++) replica.json(`k:${i}`);
    for (let i = 0; i < 9; i++) replica.get("k:2");
    const feed = replica.changes({ match: "*" });
    using users = replica.collection("k:*", { type: "string", decode: "json", index: { i: {} } });
    await users.ready;
    const status = replica.status();
    const { memory } = status;
    assert.equal(memory.total, sumOf(status));
    assert.equal(memory.limit, LIMIT);
    assert.equal(memory.onMaxMemory, "stop");
    assert.ok(memory.caches > 500 * VALUE.length);
    assert.ok(memory.indexes > 0);
    const db = memory.databases[0];
    assert.deepEqual([db.keys, db.expiring], [501, 1]);
    assert.equal(memory.data, db.reserved + db.table + db.objects);
    assert.ok(db.objects > 5000);
    assert.ok(db.used <= db.reserved);
    assert.equal(status.memoryBytes, memory.data);
    assert.match(replica.info("memory"), /maxmemory:8388608\r\nmaxmemory_human:8.00M\r\n/);
    const parameter = new Map([["maxmemory", String(LIMIT)]]);
    assert.deepEqual(replica.call("CONFIG", "GET", "maxmemory"), parameter);
    await feed.return?.();
  }, PATIENT);
});

test("caches are given up before the master is", async () => {
  await follow(async (pair) => {
    const { master, replica } = pair;
    const count = 1200;
    for (let i = 0; i < count; i++) master.call("SET", `k:${i}`, JSON.stringify({ i, VALUE }));
    await started(pair);
    for (let i = 0; i < count; i++) replica.json(`k:${i}`);
    assert.ok(replica.status().memory.caches > 8 * MB);
    for (let i = 0; i < 300; i++) master.call("SET", `more:${i}`, VALUE);
    await master.wait(1, READY_MS);
    await until("less", () => replica.status().memory.caches < MB, READY_MS);
    assert.equal(replica.status().state, "live");
    assert.deepEqual(replica.json(`k:1`), { i: 1, VALUE });
  }, PATIENT);
});

await serverTest(
  "the limit holds behind a real server, by snapshot and by stream",
  async (binary) => {
    await using server = await startServer(binary, ["--repl-diskless-sync-delay", "0"]);
    const fillServer = async (prefix: string, count: number) => {
      const sets = Array.from({ length: count }, (_, i) => ["SET", `${prefix}:${i}`, VALUE + i]);
      await server.pipeline(sets);
    };
    const master = `redis://127.0.0.1:${server.port}`;
    await using replica = new Replica({ master, logger: false, ...PATIENT });
    await replica.start();
    await replica.ready({ timeoutMs: READY_MS });
    await fillServer("stream", 8000);
    const error = await reached(replica);
    assert.match(error.message, /while following/);
    const { memory, state, keys } = replica.status();
    assert.equal(state, "stale");
    assert.ok(memory.total <= LIMIT * SLACK && memory.total > LIMIT * 0.85, `${memory.total}`);
    assert.equal(replica.get(`stream:${keys - 1}`), VALUE + (keys - 1));

    await using second = new Replica({ master, logger: false, ...PATIENT });
    await second.start();
    const refused = await second.ready().then(() => undefined, (error) => error);
    assert.ok(refused instanceof MemoryError);
    assert.ok(refused.usedBytes <= LIMIT * SLACK);
    assert.ok(refused.datasetBytes! > 8000 * 1000);
    assert.equal(refused.datasetKeys, 8000);
  },
  { timeoutMs: 60_000 },
);

test("stop: a filter that becomes narrower makes room, and the stream goes on", async () => {
  await follow(
    async (pair) => {
      const { master, replica } = pair;
      await started(pair);
      master.call("SET", "kept", "1");
      await fill(pair, 3 * LIMIT);
      await reached(replica);
      assert.ok(await replica.narrow({ keys: ["kept", "after"] }) > 3000);
      await until("it to be live", () => replica.status().state === "live", READY_MS);
      master.call("SET", "after", "1");
      await until("the last key", () => replica.get("after") === "1", READY_MS);
      assert.equal(replica.size, 2);
      assert.equal(replica.status().counters.fullSyncs, 1);
      assert.equal(replica.status().memory.level, "ample");
    },
    PATIENT,
    { backlogBytes: 64 * MB },
  );
});

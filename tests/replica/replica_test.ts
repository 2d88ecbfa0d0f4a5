import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import test from "node:test";
import {
  CommandError,
  ReadOnlyError,
  Replica,
  type ReplicaOptions,
  ReplicationError,
  TimeoutError,
} from "../../mod.ts";
import { TestMaster, type TestMasterOptions } from "../../src/testing/mod.ts";

const READY_MS = 10_000;

interface Pair {
  readonly master: TestMaster;
  readonly replica: Replica;
}

async function follow(
  run: (pair: Pair) => Promise<void> | void,
  options: ReplicaOptions = {},
  masterOptions: TestMasterOptions = {},
): Promise<void> {
  await using master = await TestMaster.start(masterOptions);
  await using replica = new Replica({ master: master.url, logger: false, ...options });
  await run({ master, replica });
}

async function started({ master, replica }: Pair): Promise<void> {
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
  await master.wait(1, READY_MS);
}

test("a replica loads what is there and follows what comes", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    master.call("SET", "before", "1");
    master.call("SET", "n", "41", "EX", "100");
    await started(pair);
    assert.equal(replica.get("before"), "1");
    assert.equal(replica.get("n"), "41");
    master.call("INCR", "n");
    master.call("DEL", "before");
    await master.wait(1, READY_MS);
    assert.equal(replica.get("n"), "42");
    assert.equal(replica.get("before"), undefined);
    assert.ok(replica.ttl("n") > 90 && replica.ttl("n") <= 100);
    assert.equal(replica.connected, true);
  }));

test("reads tell what is there", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    const binary = Uint8Array.from({ length: 256 }, (_, i) => i);
    master.call("SET", "text", "grüße");
    master.call("SET", "long".repeat(50), "x");
    master.call("SET", binary, binary);
    master.call("SET", "gone", "x", "PXAT", "1");
    await started(pair);
    assert.equal(replica.get("text"), "grüße");
    assert.equal(replica.strlen("text"), 7);
    assert.equal(replica.get("long".repeat(50)), "x");
    assert.deepEqual(replica.getBytes(binary), binary);
    assert.equal(replica.get("none"), undefined);
    assert.equal(replica.getBytes("none"), undefined);
    assert.equal(replica.strlen("none"), 0);
    assert.deepEqual(replica.mget("text", "none"), ["grüße", null]);
    assert.equal(replica.exists("text", "text", "none"), 2);
    assert.equal(replica.has("gone"), false);
    assert.equal(replica.type("text"), "string");
    assert.equal(replica.type("none"), undefined);
    assert.equal(replica.ttl("text"), -1);
    assert.equal(replica.pttl("none"), -2);
    assert.equal(replica.expireTime("none"), -2);
    assert.deepEqual(replica.keys("t*t"), ["text"]);
    assert.ok(replica.randomKey() !== undefined);
    assert.deepEqual([...replica.scanBytes()].filter((key) => key.length === 256), [binary]);
    assert.equal(new Set(replica.scan({ type: "string" })).size, 3);
    assert.deepEqual([...replica.scan({ type: "list" })], []);
  }));

test("an expired key is hidden until the master deletes it", () =>
  follow(
    async (pair) => {
      const { master, replica } = pair;
      master.call("SET", "k", "v", "PX", "40");
      await started(pair);
      await new Promise((resolve) => setTimeout(resolve, 60));
      assert.equal(replica.get("k"), undefined);
      assert.equal(replica.call("EXISTS", "k"), 0);
      assert.deepEqual(replica.keys(), []);
      assert.equal(replica.size, 1);
      master.expireNow();
      await master.wait(1, READY_MS);
      assert.equal(replica.size, 0);
    },
    {},
    { activeExpiry: false },
  ));

test("databases are read apart", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    master.call("SELECT", "3");
    master.call("SET", "k", "three");
    await started(pair);
    assert.equal(replica.get("k"), undefined);
    assert.equal(replica.db(3).get("k"), "three");
    assert.equal(replica.db(3).call("GET", "k"), "three");
    assert.equal(replica.db(3), replica.db(3));
    assert.deepEqual(replica.status().databases, [3]);
    assert.throws(() => replica.db(-1), RangeError);
    assert.throws(() => replica.db(1.5), RangeError);
  }));

test("call() answers as a RESP3 client is answered", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    master.call("SET", "k", "abc");
    await started(pair);
    assert.equal(replica.call("GET", "k"), "abc");
    assert.deepEqual(replica.callBytes("GET", "k"), new Uint8Array([97, 98, 99]));
    assert.equal(replica.call("GET", "none"), null);
    assert.deepEqual(replica.call("MGET", "k", "none"), ["abc", null]);
    assert.equal(replica.call("STRLEN", "k"), 3);
    assert.ok(replica.call("CONFIG", "GET", "databases") instanceof Map);
    assert.throws(() => replica.call("SET", "k", "v"), { code: "READONLY" });
    assert.throws(() => replica.call("NONSENSE"), CommandError);
    assert.throws(() => replica.call("GET"), /wrong number of arguments/);
    assert.throws(() => replica.call(), TypeError);
    replica.call("SELECT", "3");
    assert.equal(replica.call("GET", "k"), "abc");
    assert.match(replica.info("replication"), /role:slave\r\n/);
    assert.match(replica.info("replication"), /master_link_status:up\r\n/);
  }));

test("events come in order and a listener can leave", async () => {
  const heard: string[] = [];
  await follow(async (pair) => {
    pair.replica.on("sync", ({ kind }) => void heard.push(`on ${kind}`));
    const off = pair.replica.on("sync", () => void heard.push("off"));
    off();
    pair.replica.on("close", () => void heard.push("close"));
    pair.replica.on("sync", () => {
      throw new Error("a listener's fault");
    });
    await started(pair);
  }, { onSync: ({ kind }) => void heard.push(`onSync ${kind}`) });
  assert.deepEqual(heard, ["onSync full", "on full", "close"]);
});

test("a cut link is resumed where it was, and reads go on meanwhile", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    master.call("SET", "k", "1");
    await started(pair);
    const resumed = new Promise<string>((resolve) => {
      replica.on("sync", ({ kind }) => resolve(kind));
    });
    master.dropReplicas();
    master.call("SET", "k", "2");
    assert.equal(replica.get("k"), "1");
    assert.equal(await resumed, "partial");
    await master.wait(1, READY_MS);
    assert.equal(replica.get("k"), "2");
    assert.equal(replica.stats.partialSyncs, 1);
    assert.equal(replica.stats.fullSyncs, 1);
  }));

test("ready() gives up when told to, and says what is missing", async () => {
  await using replica = new Replica({ master: "redis://127.0.0.1:1", logger: false });
  const start = replica.start().catch((error: unknown) => error);
  await assert.rejects(
    replica.ready({ timeoutMs: 50 }),
    (error) => error instanceof TimeoutError && /127\.0\.0\.1:1/.test(error.message),
  );
  await assert.rejects(replica.ready({ signal: AbortSignal.timeout(50) }), ReplicationError);
  await replica.close();
  assert.equal((await start as ReplicationError).code, "STOPPED");
  assert.equal(replica.status().state, "closed");
});

test("start() rejects with what no further attempt can mend", async () => {
  await using master = await TestMaster.start({ password: "right" });
  const rows = [
    { url: `redis://:wrong@127.0.0.1:${master.port}`, code: "WRONGPASS" },
    { url: `redis://127.0.0.1:${master.port}`, code: "NOAUTH" },
  ];
  for (const { url, code } of rows) {
    await using replica = new Replica({ master: url, logger: false });
    await assert.rejects(replica.start(), { name: "ReplicationError", code });
    assert.equal(replica.status().state, "failed");
  }
  await using replica = new Replica({
    master: `redis://127.0.0.1:${master.port}`,
    password: () => Promise.resolve("right"),
    logger: false,
  });
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
});

test("lifecycle calls out of order are refused or harmless", async () => {
  const replica = new Replica({ master: "redis://127.0.0.1:1", logger: false });
  await assert.rejects(replica.ready(), /call start\(\) first/);
  await replica.close();
  await replica.close();
  await assert.rejects(replica.start(), /closed/);
});

test("without a master, storage is a plain store", async () => {
  await using replica = new Replica({ logger: false });
  await replica.start();
  await replica.ready();
  const { storage } = replica;
  storage.set("a", "1");
  storage.set("b", new Uint8Array([0, 255]));
  storage.set("old", "x", 1);
  assert.deepEqual(storage.get("a"), new Uint8Array([49]));
  assert.equal(replica.get("a"), "1");
  assert.equal(storage.get("old"), undefined);
  assert.equal(storage.exists("a", "b", "old"), 2);
  assert.deepEqual(storage.keys().sort(), ["a", "b"]);
  assert.deepEqual([...storage.scan({ match: "a*" })], ["a"]);
  assert.equal(storage.keyCount(), 3);
  assert.deepEqual(storage.info(), { db0: { keys: 3, expires: 1 } });
  assert.ok(storage.memoryUsage() > 0);
  assert.equal(storage.del("a", "none", "old"), 1);
  storage.selectDb(2);
  storage.set("two", "2");
  assert.equal(replica.db(2).get("two"), "2");
  storage.flushAll();
  assert.equal(replica.db(2).size, 0);
  assert.equal(replica.status().state, "idle");
});

test("storage is read only while a master is followed", () =>
  follow(({ replica }) => {
    assert.throws(() => replica.storage.set("a", "1"), ReadOnlyError);
    assert.throws(() => replica.storage.del("a"), ReadOnlyError);
    assert.throws(() => replica.storage.flushAll(), ReadOnlyError);
  }));

/** Nothing ends the process but having nothing left to do. */
const SCRIPT = `
const { Replica } = await import(${JSON.stringify(new URL("../../mod.ts", import.meta.url).href)});
const { TestMaster } = await import(${
  JSON.stringify(new URL("../../src/testing/mod.ts", import.meta.url).href)
});
const master = await TestMaster.start();
const replica = new Replica({ master: master.url, listen: "127.0.0.1:0", logger: false });
await replica.start();
await replica.ready({ timeoutMs: 60000, signal: new AbortController().signal });
const lost = new Replica({ master: "redis://127.0.0.1:1", logger: false });
lost.start().catch(() => {});
await new Promise((resolve) => setTimeout(resolve, 50));
await lost.close();
await replica.close();
await master.close();
console.log("closed");
`;

test("a process whose replicas are closed comes to its end", async () => {
  const args = "Deno" in globalThis
    ? ["eval", SCRIPT]
    : "Bun" in globalThis
    ? ["-e", SCRIPT]
    : ["--input-type=module", "-e", SCRIPT];
  const text = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, args, { timeout: 30_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${error.message}\n${stderr}`));
    });
  });
  assert.equal(text.trim(), "closed");
});

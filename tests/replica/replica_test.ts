/**
 * The life of a replica: start, follow, events, wait, close.
 *
 * @module
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import test from "node:test";
import { Replica, ReplicationError, TimeoutError } from "../../mod.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { follow, READY_MS, started } from "./pair.ts";

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

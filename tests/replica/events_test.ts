/**
 * What a replica tells of itself: states in the status's words, synchronisations, staleness, and the same on the
 * runtime's diagnostics channels.
 *
 * @module
 */

import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { test } from "node:test";
import type { LogFields } from "../../src/base/logger.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { ReplicaOptions } from "../../src/replica/options.ts";
import type { ReplicaEvents, StateEvent, SyncEvent } from "../../src/replica/events.ts";
import { Encoding, NO_EXPIRY, ValueType } from "../../src/store/memory/record.ts";
import { ModuleValue } from "../../src/store/types/module.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { until } from "../support/waiting.ts";
import { READY_MS } from "./pair.ts";

type Name = keyof ReplicaEvents;

/** A replica that has all of a master's data, and what it told, by listeners and on the channels of their names. */
interface Listened<N extends Name> {
  readonly master: TestMaster;
  readonly replica: Replica;
  readonly told: ReplicaEvents[N][];
}

/**
 * Runs a test with what a replica tells of one event, then compares with what its channel got.
 *
 * @param fill Puts data into the master before it is followed.
 */
async function listened<N extends Name>(
  name: N,
  fill: (master: TestMaster) => void,
  run: (listened: Listened<N>) => Promise<void>,
  options: ReplicaOptions = {},
): Promise<void> {
  const published: unknown[] = [];
  const listen = (message: unknown) => void published.push(message);
  const diagnostics = channel(`rimr.replica.${name}`);
  diagnostics.subscribe(listen);
  try {
    await using master = await TestMaster.start();
    fill(master);
    await using replica = new Replica({
      master: master.url,
      backoff: { minMs: 5 },
      logger: false,
      ...options,
    });
    const told: ReplicaEvents[N][] = [];
    replica.on(name, (event) => void told.push(event));
    await run({ master, replica, told });
    assert.ok(told.length > 0);
    assert.deepEqual(published.slice(0, told.length), told);
  } finally {
    diagnostics.unsubscribe(listen);
  }
}

async function whole({ master, replica }: Listened<Name>): Promise<void> {
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
  await master.wait(1, READY_MS);
}

test("state, sync, stale, fresh and close are told in order, and published", async () => {
  const told: string[] = [];
  const published: unknown[] = [];
  const listen = (message: unknown) => void published.push(message);
  const diagnostics = channel("rimr.replica.state");
  diagnostics.subscribe(listen);
  const master = await TestMaster.start();
  master.call("SET", "a", "1");
  const replica = new Replica({ master: master.url, backoff: { minMs: 20 }, logger: false });
  const states: StateEvent[] = [];
  const syncs: SyncEvent[] = [];
  replica.on("state", (event) => {
    states.push(event);
    told.push(`${event.from} to ${event.to}`);
  });
  replica.on("sync", (event) => {
    syncs.push(event);
    told.push(`sync ${event.kind}`);
  });
  replica.on("stale", ({ sinceMs }) => void told.push(sinceMs > 0 ? "stale" : "never"));
  replica.on("fresh", () => void told.push("fresh"));
  replica.on("close", () => void told.push("close"));
  await replica.start();
  await replica.ready();
  assert.deepEqual([syncs[0].kind, syncs[0].keys], ["full", 1]);
  assert.ok(syncs[0].bytes > 0 && syncs[0].durationMs >= 0);
  await master.close();
  await until("staleness", () => told.includes("stale"));
  await replica.close();
  diagnostics.unsubscribe(listen);
  assert.deepEqual(told, [
    "idle to connecting",
    "connecting to syncing",
    "syncing to live",
    "sync full",
    "live to stale",
    "stale",
    "stale to closed",
    "close",
  ]);
  assert.deepEqual(published, states);
  assert.ok(states[4].reason !== undefined || states[3].reason !== undefined);
});

test("progress tells how much of a snapshot is there, and never less than before", () =>
  listened("progress", (master) => {
    for (let i = 0; i < 2000; i++) master.call("SET", `key:${i}`, "x".repeat(500));
  }, async (listened) => {
    await whole(listened);
    const { told, replica } = listened;
    let [bytes, keys] = [0, 0];
    for (const { startedAtMs, bytesRead, bytesTotal, keys: loaded } of told) {
      assert.ok(Math.abs(Date.now() - startedAtMs) < READY_MS);
      assert.ok(bytesRead >= bytes && loaded >= keys && loaded <= 2000);
      assert.ok(bytesTotal === undefined || bytesRead <= bytesTotal);
      [bytes, keys] = [bytesRead, loaded];
    }
    assert.equal(replica.size, 2000);
  }));

test("stale is told once when the link breaks, fresh once when the stream goes on", () =>
  listened("fresh", () => {}, async (listened) => {
    const order: string[] = [];
    const { replica, master, told } = listened;
    replica.on("stale", ({ sinceMs }) => {
      assert.ok(Math.abs(Date.now() - sinceMs) < READY_MS);
      assert.equal(typeof replica.status().staleSinceMs, "number");
      order.push("stale");
    });
    replica.on("fresh", () => {
      assert.equal(replica.status().staleSinceMs, undefined);
      order.push("fresh");
    });
    await whole(listened);
    assert.deepEqual(order, []);
    for (let cut = 1; cut <= 2; cut++) {
      master.dropReplicas();
      await until("the stream to go on", () => order.length === 2 * cut);
      assert.deepEqual(order.slice(-2), ["stale", "fresh"]);
    }
    assert.deepEqual(told, [{}, {}]);
  }));

test("failover is told with both ids and the offset where they part", () =>
  listened("failover", (master) => void master.call("SET", "a", 1), async (listened) => {
    const { master, replica, told } = listened;
    await whole(listened);
    const from = master.replid;
    const { offset } = master;
    master.dropReplicas();
    await until("a partial resync", () => master.partialSyncs === 1);
    assert.deepEqual(told, [], "the same history goes on");
    master.promote();
    master.call("SET", "b", 2);
    await until("the failover", () => told.length === 1);
    assert.deepEqual(told, [{ from, to: master.replid, offset }]);
    await until("what came after it", () => replica.get("b") === "2");
    master.forgetHistory();
    await until("a full resync", () => master.fullSyncs === 2);
    assert.equal(told.length, 1, "a full resync is another history");
  }));

for (const onDivergence of ["repair", "resync", "continue"] as const) {
  test(`divergence is told with the command, its key and the reason (${onDivergence})`, () =>
    listened("divergence", (master) => void master.call("SET", "k", "text"), async (listened) => {
      const { master, replica, told } = listened;
      await whole(listened);
      // The master's data changes behind the stream's back, so that the next command cannot be applied.
      const key = new TextEncoder().encode("k");
      const db = master.keyspace.db(0);
      db.removeEntry(db.find(key, 0, key.length));
      master.call("RPUSH", "k", "element");
      const end = master.offset;
      await until("the divergence", () => told.length === 1);
      const { command, key: first, db: index, offset, message } = told[0];
      assert.deepEqual([command, first, index, offset], ["RPUSH", key, 0, end]);
      assert.match(message, /^WRONGTYPE/);
      if (onDivergence === "continue") assert.equal(replica.get("k"), "text");
      if (onDivergence === "repair") await until("its value", () => replica.type("k") === "list");
    }, { onDivergence }));
}

test("unsupported is told with the type that is not understood", () =>
  listened("unsupported", (master) => {
    const key = new TextEncoder().encode("document");
    // The id of the type "test___dt" in version 1, and no values: module.c moduleTypeEncodeId.
    const id = [0x81, 0xb5, 0xeb, 0x2d, 0xff, 0xff, 0xdd, 0xb4, 0x01];
    const value = new ModuleValue("test___dt", Uint8Array.of(...id, 0));
    const { MODULE } = ValueType;
    master.keyspace.db(0)
      .setObject(key, 0, key.length, MODULE, Encoding.MODULE, value, NO_EXPIRY);
  }, async ({ replica, told }) => {
    await replica.start();
    await until("the event", () => told.length > 0);
    const { error } = told[0];
    assert.equal((error as Error & { code: string }).code, "UNSUPPORTED");
    assert.match(error.message, /test___dt/);
    assert.match(error.message, /document/);
  }, { onUnsupported: "fail" }));

test("a listener that throws or rejects stops nobody, and is logged without its secrets", async () => {
  const logged: string[] = [];
  const silent = () => {};
  const logger = {
    debug: silent,
    info: silent,
    warn: silent,
    error: (m: string) => logged.push(m),
  };
  await using master = await TestMaster.start();
  await using replica = new Replica({ master: master.url, logger });
  const syncs: SyncEvent[] = [];
  replica.on("sync", () => {
    throw new Error(`broken ${"x".repeat(1000)}`);
  });
  replica.on("sync", async () => await Promise.reject(new Error("rejected")));
  const off = replica.on("sync", (event) => void syncs.push(event));
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
  await until("both messages", () => logged.length === 2);
  assert.equal(syncs.length, 1);
  assert.ok(logged.every((message) => message.startsWith('A listener of "sync" failed: ')));
  assert.ok(logged.every((message) => message.length < 300));
  off();
  master.dropReplicas();
  await until("a partial resync", () => master.partialSyncs === 1 && logged.length === 4);
  assert.equal(syncs.length, 1);
});

test("the log says what happened as data, too", async () => {
  const said: LogFields[] = [];
  const take = (_message: string, fields?: LogFields) => void said.push(fields!);
  await using master = await TestMaster.start();
  await using replica = new Replica({
    master: master.url,
    backoff: { minMs: 10 },
    logger: { debug() {}, info: take, warn: take, error: take },
  });
  await replica.start();
  await replica.ready();
  master.dropReplicas();
  await until("it is back", () => replica.stats.partialSyncs === 1);
  const events = said.map(({ event }) => event);
  assert.deepEqual(events, ["sync_begins", "synced", "connection_failed", "recovered", "resumed"]);
  const { host } = new URL(master.url);
  assert.ok(said.every((fields) => fields.master === host), "each names the master");
  assert.equal(typeof said[1].keys, "number");
  assert.equal(typeof said[2].code, "string");
});

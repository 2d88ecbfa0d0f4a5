/**
 * What a replica tells of itself: states in the status's words, synchronisations, staleness, and the same on the
 * runtime's diagnostics channels.
 *
 * @module
 */

import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { test } from "node:test";
import { Replica } from "../../src/replica/replica.ts";
import type { StateEvent, SyncEvent } from "../../src/replica/events.ts";
import { TestMaster } from "../../src/testing/mod.ts";
import { until } from "../support/waiting.ts";

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

/**
 * After seeded random traffic on a real master, replicas attached before, during and after it hold
 * exactly what the master holds, also when the link was cut meanwhile.
 *
 *     [SEED=n] [COMMANDS=1000000] [FOLLOWER=deno|bun|node] deno test -A tests/replica/equality_test.ts
 *
 * With FOLLOWER the replicas are processes of that runtime: `src/cli/main.ts start`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { assertSameDataset, OLD_EXPIRY_TOLERANCE_MS, readDataset } from "../support/compare.ts";
import { type Connection, open } from "../support/connection.ts";
import { plain } from "../support/resp.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { atLeast, type RunningServer } from "../support/servers.ts";
import { serverTest, startServer } from "../support/servers.ts";
import { SHORT_EXPIRY_MS, Traffic } from "../support/traffic.ts";
import { follow, type Follower } from "./follower.ts";
import { infoField } from "../support/info.ts";
import { until } from "../support/waiting.ts";

const DATABASES = 3;
const BATCH = 1000;
const READY_MS = 60_000;
const TEST_MS = 15 * 60_000;
const total = Number(env.COMMANDS ?? 20_000);
const runtime = env.FOLLOWER as RuntimeName | undefined;
const seed = Number(env.SEED ?? Date.now() % 1_000_000);

async function send(client: Connection, traffic: Traffic, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += BATCH) await client.pipeline(traffic.batch(BATCH));
}

/** Two of the three replicas come back by themselves; only they were there to be cut. */
async function cutLinks(master: RunningServer): Promise<void> {
  const before = Number(await infoField(master, "sync_partial_ok"));
  const full = Number(await infoField(master, "sync_full"));
  assert.equal(await master.call("CLIENT", "KILL", "TYPE", "replica"), 2);
  await until(
    "both replicas resume",
    async () => Number(await infoField(master, "sync_partial_ok")) >= before + 2,
    READY_MS,
  );
  assert.equal(Number(await infoField(master, "sync_full")), full);
}

await serverTest("replicas equal their master after random traffic", async (binary) => {
  const note = `SEED=${seed}`;
  const master = await startServer(binary, ["--repl-backlog-size", "256mb"]);
  const attached: Follower[] = [];
  try {
    const traffic = new Traffic({ seed, version: binary.version, databases: DATABASES });
    const client = await master.connect();
    attached.push(await follow(master.port, runtime));
    await send(client, traffic, total / 3);
    const [during] = await Promise.all([
      follow(master.port, runtime),
      send(client, traffic, total / 3),
    ]);
    attached.push(during);
    await Promise.all([cutLinks(master), send(client, traffic, total / 3)]);
    attached.push(await follow(master.port, runtime));
    assert.equal(await master.call("WAIT", 3, READY_MS), 3, note);
    await new Promise((resolve) => setTimeout(resolve, SHORT_EXPIRY_MS + 50));
    const expected = await readDataset(client, DATABASES);
    assert.ok(expected.size > 1000, note);
    const toleranceMs = atLeast(binary.version, "7.0.0") ? 0 : OLD_EXPIRY_TOLERANCE_MS;
    for (const [index, { port, divergences }] of attached.entries()) {
      const reader = await open(port);
      try {
        assertSameDataset(await readDataset(reader, DATABASES), expected, toleranceMs);
      } catch (error) {
        throw new Error(`Replica ${index} of 3, ${note}`, { cause: error });
      } finally {
        reader.close();
      }
      assert.equal(divergences(), 0, note);
    }
    const replication = String(plain(await master.call("INFO", "replication")));
    for (const { port } of attached) {
      assert.match(replication, new RegExp(`port=${port},state=online,.*lag=[01]\\b`));
    }
  } finally {
    for (const follower of attached) await follower.close();
    await master.stop();
  }
}, { timeoutMs: TEST_MS });

/**
 * Repairs while slots of a real cluster come and go: random writes, of which some fail here on purpose, to a shard
 * whose slots are moved as a whole and key by key. At the end ours has what a real replica of the shard has, after one
 * full sync.
 *
 *     [SEED=n] [MIGRATIONS=20] deno test -A tests/replication/repair/slots_test.ts
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { Prng } from "../../../src/base/prng.ts";
import { ClusterWriter } from "../../support/cluster_writer.ts";
import {
  type Cluster,
  type Migration,
  moveAtOnce,
  moveByKeys,
  movesSlots,
  startCluster,
} from "../../support/clusters.ts";
import { infoField } from "../../support/info.ts";
import { endedAs } from "../../support/repairs.ts";
import { plain } from "../../support/resp.ts";
import { type ServerBinary, serverTest, timeFor } from "../../support/servers.ts";
import { until } from "../../support/waiting.ts";
import { digestOf, failing, follow } from "./failing.ts";

const MIGRATIONS = Number(env.MIGRATIONS ?? 2);
const SEED = Number(env.SEED ?? 20_261_130);
const SLOTS = 16384;
const WIDTH = 900;
/** From here on slots move key by key. */
const FIRST_CLASSIC = 15_000;

/** Moves slots to the shard that is followed and back, of which some come back before they are gone here. */
async function moveAround(cluster: Cluster, binary: ServerBinary, prng: Prng): Promise<void> {
  const [master, other] = cluster.masters;
  for (let i = 0; i < MIGRATIONS; i++) {
    const slot = FIRST_CLASSIC + prng.int(SLOTS - FIRST_CLASSIC);
    await moveByKeys(cluster, other, master, slot, i % 3 === 2);
    if (i % 3 !== 2) await moveByKeys(cluster, master, other, slot, false);
    if (!movesSlots(binary)) continue;
    const first = prng.int(SLOTS / 2 - WIDTH);
    const last = first + prng.int(WIDTH);
    for (const [source, target] of [[master, other], [other, master]]) {
      let migration: Migration | undefined;
      await until("both to know who has the slots", async () => {
        migration = await moveAtOnce(source, target, first, last).catch(() => undefined);
        return migration !== undefined;
      });
      await until("slots to be moved", async () => await migration?.state() === "done");
    }
  }
}

async function moving(binary: ServerBinary): Promise<void> {
  const note = `SEED=${SEED}`;
  await using cluster = await startCluster(binary, 2);
  const [master] = cluster.masters;
  const prng = new Prng(SEED);
  const connections = await Promise.all(cluster.masters.map((node) => node.connect()));
  const writer = new ClusterWriter(connections, prng, cluster.databases);
  await writer.fill();
  const { link, keyspace } = follow(master, {}, (executor) => failing(executor, new Prng(SEED)));
  await link.start();
  await link.synced();
  const writing = writer.run();
  try {
    await moveAround(cluster, binary, prng);
  } finally {
    writer.stop();
    await writing;
  }
  await master.call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  let told: unknown[] = [];
  await until(() => `the data of a real replica, not ${told} (${note})`, async () => {
    const { repairs, counters } = link.status();
    const offset = await infoField(master, "master_repl_offset");
    const theirs = plain(await cluster.replica.call("DEBUG", "DIGEST"));
    told = [digestOf(keyspace), theirs, JSON.stringify({ repairs, counters }).slice(0, 1000)];
    return String(repairs?.settledOffset) === offset && told[0] === theirs;
  });
  const { repairs, counters } = link.status();
  assert.ok(endedAs(repairs, "fetched") > 0, `${note}: values were fetched`);
  assert.equal(counters.fullSyncs, 1, note);
  await link.stop();
}

await serverTest("commands that fail here are repaired while slots come and go", moving, {
  timeoutMs: timeFor(MIGRATIONS * 10_000),
  isFor: movesSlots,
});

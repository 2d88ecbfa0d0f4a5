/**
 * Random writes of every family to a real master that a replica of ours follows: at each of some stops
 * both hold the same, as `DEBUG DIGEST` tells it, and where they do not the keys that differ are named.
 *
 *     [SEED=n] [COUNT=1000000] deno test -A tests/oracle/replication_test.ts
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { latin1 } from "../../src/base/ascii.ts";
import type { Replica } from "../../src/replica/replica.ts";
import type { Connection } from "../support/connection.ts";
import { crashOf, keepLogs } from "../support/crashes.ts";
import { startFollower, untilLinked } from "../support/followers.ts";
import { fieldOf } from "../support/info.ts";
import type { Reply } from "../support/resp.ts";
import {
  IS_SECOND_RUNTIME,
  type RunningServer,
  type ServerBinary,
  serverTest,
  startServer,
  timeFor,
} from "../support/servers.ts";
import { until } from "../support/waiting.ts";
import { compareReadouts } from "./readout.ts";
import { roundTrip } from "./round_trips.ts";
import { BATCH, batchOf, send, SHOWN, startReplica } from "./run.ts";
import { Writes } from "./writes.ts";

const COUNT = Number(env.COUNT ?? (IS_SECOND_RUNTIME ? 2_000 : 6_000));
const SEED = Number(env.SEED ?? 20_241_123);
/** A stop costs a look at every key, as much as a thousand commands. */
const STOPS = COUNT >= 100_000 ? 20 : 5;
const DATABASES = 3;
const READY_MS = 60_000;
/** After one batch in so many something goes away and comes back. */
const ROUND_TRIP_ONE_IN = 5;

/** One master and who follows it. */
interface Run {
  readonly master: RunningServer;
  /** A real replica of it. */
  readonly peer: RunningServer;
  /** A server of its own. */
  readonly beside: RunningServer;
  readonly client: Connection;
  readonly replica: Replica;
  readonly databases: number;
  /** What ours has warned of: nothing, when all is well. */
  readonly warnings: readonly string[];
}

/** Holds still what expires, lets the replicas catch up, compares. */
async function compare(run: Run, note: string): Promise<void> {
  const { master, peer, client, replica } = run;
  await master.call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  // One last write of this connection: what WAIT counts.
  await client.call("SET", "{a}stop", note);
  assert.equal(await client.call("WAIT", "2", String(READY_MS)), 2, `${note}: they catch up`);
  assert.deepEqual(run.warnings, [], note);
  const { counters, repairs } = replica.status();
  assert.equal(counters.divergences, 0, note);
  assert.deepEqual(
    repairs?.begun,
    { unknown: 0, failed: 0, derived: 0, doubted: 0, border: 0, differs: 0 },
    note,
  );
  assert.equal(counters.fullSyncs, 1, note);
  await compareDigests(run, note);
  await compareReadouts({
    server: peer,
    taker: run.beside,
    replica,
    databases: run.databases,
    note,
  });
  await master.call("DEBUG", "SET-ACTIVE-EXPIRE", "1");
}

/**
 * Fails where ours differs from the master. What a real replica differs from it in, too, is the master's own
 * fault: PFADD to a HyperLogLog whose opcodes other commands have damaged raises some registers, fails, and
 * is not propagated. Such keys go.
 */
async function compareDigests(run: Run, note: string): Promise<void> {
  const { master, peer, client, replica } = run;
  const theirs = String(await master.call("DEBUG", "DIGEST"));
  const ours = String(replica.call("DEBUG", "DIGEST"));
  if (ours === theirs) return;
  const real = String(await peer.call("DEBUG", "DIGEST"));
  const keys = await differing(run);
  const shown = keys.slice(0, SHOWN).map(({ line }) => line).join("\n  ");
  const isOwn = keys.length > 0 && keys.every(({ isHyperLogLog }) => isHyperLogLog);
  if (ours !== real || !isOwn) {
    assert.fail(`${note}: ${ours}, not ${theirs}; a real replica has ${real}\n  ${shown}`);
  }
  const current = await master.connect();
  for (const { db, key } of keys) {
    await current.call("SELECT", String(db));
    await current.call("DEL", key);
  }
  current.close();
  await client.call("SET", "{a}stop", note);
  assert.equal(await client.call("WAIT", "2", String(READY_MS)), 2, `${note}: they catch up`);
  assert.equal(
    String(replica.call("DEBUG", "DIGEST")),
    String(await master.call("DEBUG", "DIGEST")),
    `${note}: without damaged HyperLogLogs`,
  );
}

/** A key that is not the same here as in the master. */
interface Difference {
  readonly db: number;
  readonly key: Uint8Array;
  readonly isHyperLogLog: boolean;
  readonly line: string;
}

/** What differs, key by key. */
async function differing({ master, replica, databases }: Run): Promise<Difference[]> {
  const client = await master.connect();
  const found: Difference[] = [];
  for (let db = 0; db < databases; db++) {
    await client.call("SELECT", String(db));
    const mine = replica.db(db);
    const keys = new Map<string, Uint8Array>();
    for (const key of await client.call("KEYS", "*") as Uint8Array[]) keys.set(latin1(key), key);
    for (const key of mine.callBytes("KEYS", "*") as Uint8Array[]) keys.set(latin1(key), key);
    for (const [name, key] of keys) {
      const [theirs] = await client.call("DEBUG", "DIGEST-VALUE", key) as Reply[];
      const [ours] = mine.call("DEBUG", "DIGEST-VALUE", key) as string[];
      if (String(theirs) === ours) continue;
      const type = `${await client.call("TYPE", key)}, here ${mine.call("TYPE", key)}`;
      const ttl = `${await client.call("PTTL", key)}, here ${mine.call("PTTL", key)}`;
      const start = await client.call("GETRANGE", key, "0", "3");
      const isHyperLogLog = start instanceof Uint8Array && latin1(start) === "HYLL";
      const line = `${db}/${JSON.stringify(name)}: type ${type}; expires ${ttl}`;
      found.push({ db, key, isHyperLogLog, line });
    }
  }
  client.close();
  return found;
}

async function follow(binary: ServerBinary, isCluster: boolean): Promise<void> {
  await using master = await startServer(binary, isCluster ? ["--cluster-enabled", "yes"] : []);
  if (isCluster) await takeAllSlots(master);
  await using beside = await startServer(binary);
  const client = await master.connect();
  const writes = new Writes(SEED, binary, isCluster);
  for (let i = 0; i < 20; i++) await send(client, batchOf(writes, 50));
  await using peer = await (isCluster ? clusterFollower : startFollower)(master);
  const warnings: string[] = [];
  await using replica = await startReplica(master, warnings, { readyMs: READY_MS });
  const databases = isCluster ? 1 : DATABASES;
  const run: Run = { master, peer, beside, client, replica, databases, warnings };
  try {
    const taken = await runAll(run, writes);
    assert.ok(taken > COUNT / 2, `${taken} of ${COUNT} were taken`);
  } catch (error) {
    keepLogs({ master, peer, beside });
    const crashes = [master, peer, beside].map(crashOf).join("");
    if (crashes === "") throw error;
    throw new Error(`SEED=${SEED}: a real server crashed in ${crashes}`, { cause: error });
  }
}

/** Writes and compares at each stop. Returns how many commands the master took. */
async function runAll(run: Run, writes: Writes): Promise<number> {
  const { master, beside, client } = run;
  let taken = 0;
  for (let stop = 1; stop <= STOPS; stop++) {
    for (let sent = 0; sent < COUNT / STOPS; sent += BATCH) {
      taken += await send(client, batchOf(writes));
      if (writes.prng.oneIn(ROUND_TRIP_ONE_IN)) await roundTrip(master, client, beside, writes);
    }
    await compare(run, `SEED=${SEED} stop ${stop} of ${STOPS}`);
  }
  return taken;
}

/** A real replica of a node of a cluster. */
async function clusterFollower(master: RunningServer): Promise<RunningServer> {
  const peer = await startServer(master.binary, ["--cluster-enabled", "yes"]);
  await peer.call("CLUSTER", "MEET", "127.0.0.1", master.port);
  const id = await master.call("CLUSTER", "MYID") as Uint8Array;
  await until(
    "a node knows its master",
    async () => await peer.call("CLUSTER", "REPLICATE", id) === "OK",
  );
  await untilLinked(peer);
  return peer;
}

/** Makes the node a cluster of one. */
async function takeAllSlots(node: RunningServer): Promise<void> {
  const slots = Array.from({ length: 16_384 }, (_, slot) => slot);
  assert.equal(await node.call("CLUSTER", "ADDSLOTS", ...slots), "OK");
  await until(
    "the cluster is up",
    async () => fieldOf(await node.call("CLUSTER", "INFO"), "cluster_state") === "ok",
  );
}

await serverTest(
  "a replica equals its master at every stop of a random run",
  (binary) => follow(binary, false),
  { timeoutMs: timeFor(COUNT) },
);

await serverTest(
  "a replica equals the node of a cluster that it follows at every stop",
  (binary) => follow(binary, true),
  { timeoutMs: timeFor(COUNT) },
);

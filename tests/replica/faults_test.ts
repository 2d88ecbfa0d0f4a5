/**
 * Real masters behind a bad network. `FAULTS=n` sets how many there are, `SEED=n` which.
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { Replica, type ReplicaOptions } from "../../mod.ts";
import { Prng } from "../../src/base/prng.ts";
import { FaultyProxy } from "../support/faulty_proxy.ts";
import { startFollower, untilLinked } from "../support/followers.ts";
import { type RunningServer, serverTest, startServer } from "../support/servers.ts";
import type { ServerBinary } from "../support/servers.ts";
import { SHORT_EXPIRY_MS, Traffic } from "../support/traffic.ts";
import { infoField } from "../support/info.ts";
import { pause, until } from "../support/waiting.ts";

const FAULTS = Number(env.FAULTS ?? 40);
const CORRUPTIONS = Number(env.CORRUPTIONS ?? 12);
const SEED = Number(env.SEED ?? 1);
const BATCH = 200;
/** As many as the traffic writes to. */
const DATABASES = 3;

/** A master with room for every cut in its backlog. */
const BACKLOG = ["--repl-backlog-size", "64mb"];

function startMaster(binary: ServerBinary, extra: readonly string[] = []): Promise<RunningServer> {
  return startServer(binary, [...BACKLOG, ...extra]);
}

function follow(port: number, options: ReplicaOptions = {}): Replica {
  return new Replica({
    master: `redis://127.0.0.1:${port}`,
    logger: false,
    backoff: { minMs: 10, maxMs: 100, doomedMs: 20, doomedMaxMs: 50 },
    timeouts: { connectMs: 2000, handshakeMs: 2000, syncMs: 2000, idleMs: 3000 },
    ...options,
  });
}

/** Sets a key that is read throughout; the traffic may have left any database selected. */
async function mark(server: RunningServer): Promise<void> {
  await server.call("SELECT", 0);
  await server.call("SET", "read", "throughout");
}

/** What was to expire soon has expired, and its DEL is sent. */
async function expireAll(server: RunningServer): Promise<void> {
  await pause(SHORT_EXPIRY_MS + 100);
  for (let db = 0; db < DATABASES; db++) {
    await server.call("SELECT", db);
    await server.call("KEYS", "*");
  }
}

/** Both have the same data, down to the digest. */
async function assertEqual(server: RunningServer, replica: Replica): Promise<void> {
  await expireAll(server);
  await until("our offset is the master's", async () => {
    const offset = Number(await infoField(server, "master_repl_offset"));
    return replica.connected && replica.status().offset === offset;
  });
  await until("digests are equal", async () => {
    const theirs = await server.call("DEBUG", "DIGEST");
    return String(theirs) === replica.call("DEBUG", "DIGEST");
  });
}

await serverTest(`${FAULTS} faults cost no more than what was missed`, async (binary) => {
  await using server = await startMaster(binary);
  const prng = new Prng(SEED);
  await using proxy = await FaultyProxy.start(server.port, prng);
  const traffic = new Traffic({ seed: SEED, version: server.version, keys: 500 });
  await server.pipeline(traffic.batch(5000));
  await using replica = follow(proxy.port);
  await replica.start();
  await replica.ready({ timeoutMs: 20_000 });
  let cuts = 0;
  for (let fault = 0; fault < FAULTS; fault++) {
    switch (prng.int(5)) {
      case 0:
        proxy.maxChunkBytes = prng.pick([0, 1, 10, 1000]);
        break;
      case 1:
        proxy.stall();
        break;
      default:
        cuts += proxy.cut();
    }
    await server.pipeline(traffic.batch(BATCH));
    await pause(prng.int(30));
    proxy.unstall();
    if (prng.oneIn(3)) continue;
    // Often a cut comes before this one is mended, and often not.
    await until("it follows again", () => replica.connected).catch((error) => {
      const { state, link, error: last } = replica.status();
      throw new Error(`${error.message}: ${state}, ${JSON.stringify(link)}, ${last}`, {
        cause: error,
      });
    });
  }
  await assertEqual(server, replica);
  if (env.FAULTS !== undefined) {
    const fields = ["sync_full", "sync_partial_ok", "sync_partial_err", "master_repl_offset"];
    const said = await Promise.all(fields.map((field) => infoField(server, field)));
    console.log(binary.name, { cuts, said, ...replica.stats });
  }
  assert.ok(cuts > FAULTS / 4);
  assert.equal(await infoField(server, "sync_full"), "1");
  const { partialSyncs, fullSyncs, divergences } = replica.stats;
  assert.equal(fullSyncs, 1);
  assert.equal(divergences, 0);
  const granted = Number(await infoField(server, "sync_partial_ok"));
  assert.ok(
    granted >= partialSyncs && partialSyncs > 0,
    `${granted} granted, ${partialSyncs} held`,
  );
  assert.equal(await infoField(server, "sync_partial_err"), "0");
}, { timeoutMs: 60_000 + FAULTS * 1000 });

await serverTest(
  "one corrupted byte anywhere in a snapshot is noticed, and mended",
  async (binary) => {
    await using server = await startMaster(binary, ["--rdbcompression", "no"]);
    const prng = new Prng(SEED);
    await using proxy = await FaultyProxy.start(server.port, prng);
    const traffic = new Traffic({ seed: SEED, version: server.version, keys: 200 });
    await server.pipeline(traffic.batch(1000));
    // What was to expire soon is gone from it: each snapshot is as long as the first.
    await expireAll(server);
    // The lines before the snapshot, and where about it ends.
    const head = 250;
    const length = await measure(proxy.port);
    for (let i = 0; i < CORRUPTIONS; i++) {
      const before = proxy.corrupted;
      proxy.corruptAt = head + prng.int(length - head);
      await using replica = follow(proxy.port);
      const errors: string[] = [];
      replica.on("disconnect", ({ error }) => void errors.push(String(error)));
      await replica.start();
      await until("it follows", () => replica.connected);
      assert.equal(proxy.corrupted, before + 1);
      assert.ok(errors.length > 0, "nothing was noticed");
      await assertEqual(server, replica);
    }
  },
  { timeoutMs: 300_000 },
);

/** Bytes from the first of a connection to the end of its snapshot. */
async function measure(port: number): Promise<number> {
  await using replica = follow(port);
  await replica.start();
  await replica.ready({ timeoutMs: 20_000 });
  return replica.stats.bytesRead;
}

await serverTest("a promoted replica is gone on from without a full sync", async (binary) => {
  await using first = await startMaster(binary);
  await using second = await startFollower(first, BACKLOG);
  const traffic = new Traffic({ seed: SEED, version: first.version, keys: 300 });
  await first.pipeline(traffic.batch(2000));
  await using proxy = await FaultyProxy.start(first.port, new Prng(SEED));
  await using replica = follow(proxy.port);
  await replica.start();
  await replica.ready({ timeoutMs: 20_000 });
  await mark(first);
  await until("the mark is there", () => replica.get("read") === "throughout");
  for (let round = 0; round < 2; round++) {
    const [from, to] = round === 0 ? [first, second] : [second, first];
    await from.pipeline(traffic.batch(500));
    const offset = Number(await infoField(from, "master_repl_offset"));
    await until("the other has it all", async () => {
      return Number(await infoField(to, "master_repl_offset")) >= offset;
    });
    proxy.refuses = true;
    proxy.cut();
    await to.call("REPLICAOF", "NO", "ONE");
    await mark(to);
    await to.pipeline(traffic.batch(500));
    assert.equal(replica.get("read"), "throughout");
    await from.call("REPLICAOF", "127.0.0.1", to.port);
    proxy.targetPort = to.port;
    proxy.refuses = false;
    await until("it follows the new master", () => replica.connected);
    await untilLinked(from);
  }
  await assertEqual(first, replica);
  const { fullSyncs, partialSyncs } = replica.stats;
  assert.equal(fullSyncs, 1);
  assert.ok(partialSyncs >= 2);
  assert.equal(replica.status().replid, await infoField(first, "master_replid"));
});

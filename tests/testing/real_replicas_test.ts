/**
 * Real servers as replicas of a TestMaster: they load what it holds, stay online, follow every write, and
 * go on where they were after a cut.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestMaster } from "../../src/testing/mod.ts";
import { assertSameDataset, readDataset } from "../support/compare.ts";
import { open } from "../support/connection.ts";
import {
  atLeast,
  type RunningServer,
  type ServerBinary,
  serverTest,
  startServer,
} from "../support/servers.ts";
import { SHORT_EXPIRY_MS, Traffic } from "../support/traffic.ts";
import { fieldOf } from "../support/info.ts";
import { until } from "../support/waiting.ts";

const DATABASES = 4;
const BATCHES = 20;
const COMMANDS = 500;
/** A server older than 7.0 tells what is left, not the moment: reading takes its time. */
const PTTL_TOLERANCE_MS = 2000;

/** A version whose snapshots the replica reads: no replica tells its own, and none reads a newer one's. */
function versionFor({ version }: ServerBinary): string {
  return atLeast(version, "7.0.0") ? "7.0.15" : version;
}

/** Waits until the replica has applied all, and all that was to expire soon has. */
async function settle(master: TestMaster, replica: RunningServer): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SHORT_EXPIRY_MS + 50));
  master.expireNow();
  assert.equal(await master.wait(1, 10_000), 1);
  await until("the replica's offset is the master's", async () => {
    return Number(fieldOf(await replica.call("INFO"), "slave_repl_offset")) === master.offset;
  });
}

await serverTest("a real replica follows a TestMaster", async (binary) => {
  await using master = await TestMaster.start({ serverVersion: versionFor(binary) });
  const writer = await open(master.port);
  const traffic = new Traffic({ seed: 5, version: binary.version, databases: DATABASES });
  for (let i = 0; i < BATCHES; i++) await writer.pipeline(traffic.batch(COMMANDS));

  const options = ["--replicaof", "127.0.0.1", String(master.port)];
  await using replica = await startServer(binary, options);
  await until("the link is up", async () => {
    return fieldOf(await replica.call("INFO"), "master_link_status") === "up";
  });
  assert.equal(master.fullSyncs, 1);
  for (let i = 0; i < BATCHES; i++) await writer.pipeline(traffic.batch(COMMANDS));
  assert.equal(await writer.call("WAIT", 1, 5000), 1);
  await assertSame(master, replica);

  const info = fieldOf(master.call("INFO", "replication"), "slave0");
  assert.match(info, new RegExp(`^ip=127.0.0.1,port=${replica.port},state=online,offset=\\d+`));
  assert.match(info, /lag=[01]/);

  master.dropReplicas();
  await writer.pipeline(traffic.batch(COMMANDS));
  await until("the replica is back", () => master.partialSyncs === 1);
  await assertSame(master, replica);

  master.promote();
  await writer.pipeline(traffic.batch(COMMANDS));
  await until("the replica is back under the new id", () => master.partialSyncs === 2);
  await assertSame(master, replica);
  assert.equal(fieldOf(await replica.call("INFO"), "master_replid"), master.replid);
  assert.equal(master.fullSyncs, 1);
  writer.close();
});

async function assertSame(master: TestMaster, replica: RunningServer): Promise<void> {
  await settle(master, replica);
  const ours = await open(master.port);
  const theirs = await replica.connect();
  const expected = await readDataset(ours, DATABASES);
  const actual = await readDataset(theirs, DATABASES);
  assert.ok(expected.size > 1000);
  const exact = atLeast(replica.version, "7.0.0");
  assertSameDataset(actual, expected, exact ? 0 : PTTL_TOLERANCE_MS);
  ours.close();
  theirs.close();
}

await serverTest("a real replica takes both framings and a slow snapshot", async (binary) => {
  const serverVersion = versionFor(binary);
  for (const diskless of [false, true]) {
    await using master = await TestMaster.start({
      serverVersion,
      diskless,
      snapshotDelayMs: 350,
      newlineIntervalMs: 50,
      pingIntervalMs: 100,
      password: "se cret",
    });
    master.call("SET", "k", "v".repeat(100_000));
    master.call("SELECT", 3);
    master.call("SET", "k", "w", "EX", 5000);
    const options = ["--replicaof", "127.0.0.1", String(master.port), "--masterauth", "se cret"];
    await using replica = await startServer(binary, options);
    await until("the link is up", async () => {
      return fieldOf(await replica.call("INFO"), "master_link_status") === "up";
    });
    await until("pings count", () => master.offset >= 28);
    assert.equal(await master.wait(1, 5000), 1);
    await replica.call("SELECT", 3);
    assert.deepEqual(await replica.call("GET", "k"), new TextEncoder().encode("w"));
  }
});

/**
 * Repairs from real masters: random writes of every family, of which some fail here on purpose, and at the end
 * every key is the master's, as `DEBUG DIGEST` tells it, without a second full sync.
 *
 *     [SEED=n] [COUNT=200000] deno test -A tests/replication/repair/real_servers_test.ts
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { Prng } from "../../../src/base/prng.ts";
import type { ReplicationLink } from "../../../src/replication/link.ts";
import { Writes } from "../../oracle/writes.ts";
import { infoField } from "../../support/info.ts";
import { endedAs } from "../../support/repairs.ts";
import {
  atLeast,
  type RunningServer,
  type ServerBinary,
  serverTest,
  startServer,
  timeFor,
} from "../../support/servers.ts";
import { until } from "../../support/waiting.ts";
import { digestOf, failing, follow } from "./failing.ts";

const COUNT = Number(env.COUNT ?? 6000);
const SEED = Number(env.SEED ?? 20_261_130);
const BATCH = 100;
/** Waits until everything is applied and no key is awaited. */
async function settled(server: RunningServer, link: ReplicationLink): Promise<void> {
  await until(() => JSON.stringify(link.status().repairs).slice(0, 500), async () => {
    const offset = Number(await infoField(server, "master_repl_offset"));
    return link.status().repairs?.settledOffset === offset;
  });
}

async function manyFailures(binary: ServerBinary): Promise<void> {
  await using master = await startServer(binary);
  const prng = new Prng(SEED);
  const { link, keyspace } = follow(master, {}, (executor) => failing(executor, prng));
  await link.start();
  await link.synced();
  const client = await master.connect();
  const writes = new Writes(SEED, binary);
  for (let sent = 0; sent < COUNT; sent += BATCH) {
    const batch = Array.from({ length: BATCH }, () => writes.next()).flat();
    await client.pipeline(
      batch.map((words) => words.map((word) => Uint8Array.from(word, (c) => c.charCodeAt(0)))),
    );
  }
  await master.call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  await settled(master, link);
  const { repairs, counters } = link.status();
  assert.equal(digestOf(keyspace), String(await master.call("DEBUG", "DIGEST")), `SEED=${SEED}`);
  assert.equal(counters.fullSyncs, 1);
  assert.ok(counters.divergences > 0, "commands failed");
  assert.ok(endedAs(repairs, "fetched") > 0, "values were fetched");
  await link.stop();
}

await serverTest("commands that fail here are repaired, whatever they are", manyFailures, {
  timeoutMs: timeFor(COUNT),
});

const SCRIPTS: readonly string[] = [
  "redis.call('APPEND', KEYS[1], ARGV[1]) return 1",
  "redis.call('DEL', KEYS[1]) redis.call('RPUSH', KEYS[1], ARGV[1], ARGV[2]) return 1",
  "redis.call('SET', KEYS[1], ARGV[1]) redis.call('SET', KEYS[2], ARGV[2], 'EX', 1000) return 1",
  "if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) end return 1",
];

/** A master that sends the scripts themselves, as masters before 7.0 may. */
async function scripts(binary: ServerBinary): Promise<void> {
  await using master = await startServer(binary, ["--lua-replicate-commands", "no"]);
  const { link, keyspace, messages } = follow(master);
  await link.start();
  await link.synced();
  const client = await master.connect();
  const prng = new Prng(SEED);
  const key = () => `k${prng.int(20)}`;
  for (let sent = 0; sent < 2000; sent += BATCH) {
    const batch = Array.from({ length: BATCH }, () => {
      if (prng.oneIn(3)) return ["SET", key(), `v${sent}`];
      if (prng.oneIn(3)) return ["APPEND", key(), "x"];
      if (prng.oneIn(10)) return ["RENAME", key(), key()];
      return ["EVAL", prng.pick(SCRIPTS), "2", key(), key(), `a${sent}`, `b${sent}`];
    });
    await client.pipeline(batch);
  }
  await settled(master, link);
  assert.equal(digestOf(keyspace), String(await master.call("DEBUG", "DIGEST")));
  assert.equal(link.status().counters.fullSyncs, 1);
  assert.equal(messages.filter((text) => text.includes("sends scripts as they are")).length, 1);
  await link.stop();
}

await serverTest("a master that sends scripts is followed by their declared keys", scripts, {
  isFor: ({ product, version }) => product === "redis" && !atLeast(version, "7.0.0"),
});

/** Keys that ours believes in, and of which the master is asked whether they are there. */
async function doubts(binary: ServerBinary): Promise<void> {
  await using master = await startServer(binary);
  const { link, keyspace, messages } = follow(master);
  await link.start();
  await link.synced();
  const client = await master.connect();
  const stream = (...words: string[]) => ["DEBUG", "REPLICATE", ...words];
  const keys = Array.from({ length: 300 }, (_, i) => `k${i}`);
  // The master sends what it has not done itself: the keys are made here only.
  await client.pipeline(keys.map((key) => stream("JSON.SET", key, "$", "1")));
  await client.pipeline(keys.slice(0, 100).map((key) => ["SET", `{${key}}plain`, "v"]));
  await settled(master, link);
  assert.equal(keyspace.keyCount, 400);
  await client.pipeline(keys.slice(0, 200).map((key) => stream("ARDEL", key, "0")));
  await settled(master, link);
  assert.equal(keyspace.keyCount, 200, "those that were doubted are gone");
  const { repairs, counters } = link.status();
  assert.deepEqual([repairs!.begun.doubted, repairs!.fetches], [200, 0]);
  assert.ok(repairs!.looks >= 200, `${repairs!.looks} looks`);
  assert.equal(counters.fullSyncs, 1);
  assert.deepEqual(messages, []);
  await link.stop();
}

await serverTest("a key is gone when the master says that it is not there", doubts, {
  isFor: ({ version }) => atLeast(version, "7.0.0"),
});

/** A user with the rights to replicate and a few more. */
async function missingRights(binary: ServerBinary): Promise<void> {
  await using master = await startServer(binary);
  await master.call(
    "ACL",
    "SETUSER",
    "replica",
    "on",
    ">secret",
    "~*",
    "+psync",
    "+replconf",
    "+ping",
    "+multi",
    "+exec",
    "+select",
    "+info",
    "+pexpiretime",
  );
  const credentials = { username: "replica", password: "secret" };
  const prng = new Prng(1);
  const { link, messages } = follow(master, { credentials }, (executor) => failing(executor, prng));
  await link.start();
  await link.synced();
  await master.call("DEBUG", "REPLICATE", "NEWCMD", "k");
  for (let i = 0; i < 1000; i++) await master.call("SET", `k${i}`, "v");
  await until(
    "the rights that are missing",
    () => (link.status().repairs?.missingRights.length ?? 0) >= 3,
  );
  const missing = [...link.status().repairs!.missingRights].sort();
  assert.deepEqual(missing, ["+command", "+dump", "+memory|usage", "+type"]);
  const named = messages.filter((text) => text.includes("Repairs need"));
  assert.equal(named.length, 1, named.join("\n"));
  await link.stop();
}

await serverTest("rights that are missing at the master are named", missingRights, {
  isFor: ({ version }) => atLeast(version, "7.0.0"),
});

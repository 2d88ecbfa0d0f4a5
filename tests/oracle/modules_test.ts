/**
 * Random commands to a master with the modules of Redis Stack, which a real replica with the modules and a replica
 * of ours follow: at each stop both list the same keys, with the same types and expiries and the same
 * plain values. Of module values ours has the bytes only while they are true: then they are the real replica's.
 * Where they differ, the master is read too, and who is alone with what it has is said.
 *
 *     [SEED=n] [COUNT=200000] [LOGS=dir] RIMR_SERVERS=PATH/redis-stack-7.4 deno test -A tests/oracle/modules_test.ts
 *
 * Needs `with-modules` beside the server's program: a launcher that loads the modules.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import type { Replica } from "../../src/replica/replica.ts";
import { type Dataset, differingKeys, readDataset, tellApart } from "../support/compare.ts";
import { type Connection, open } from "../support/connection.ts";
import { infoField } from "../support/info.ts";
import { ErrorValue, plain } from "../support/resp.ts";
import {
  type RunningServer,
  type ServerBinary,
  serverTest,
  startServer,
  timeFor,
} from "../support/servers.ts";
import { crashOf, keepLogs } from "../support/crashes.ts";
import { until } from "../support/waiting.ts";
import { DATABASES, ModuleWrites } from "./module_writes.ts";
import { BATCH, batchOf, send, SHOWN, startReplica } from "./run.ts";

const COUNT = Number(env.COUNT ?? 20_000);
const SEED = Number(env.SEED ?? 20_261_130);
/** Commands of one round, which has servers of its own; should a module crash, it is left out, and another one run. */
const ROUND = 10_000;
const MAX_CRASHES = 2;
const STOPS = 5;
const READY_MS = 20_000;
/** Lines of a server's log that a failure shows. */
const LOG_LINES = 12;
/** Longer than the expiries that are to pass. */
const PASSING_MS = 200;
/** The types whose values are compared. */
const PLAIN = new Set(["string", "list", "hash", "set", "zset", "stream"]);
/** Types whose DUMP has addresses of the server's memory in it: no two servers have the same. */
const ADDRESSED = new Set(["TopK-TYPE"]);
/** A value of the master back to it under another key, as a migration sends it. */
async function restoreOne(client: Connection, writes: ModuleWrites): Promise<void> {
  const payload = await client.call("DUMP", writes.anyKey());
  if (!(payload instanceof Uint8Array)) return;
  const reply = await client.call("RESTORE", writes.anyKey(), "0", payload, "REPLACE");
  assert.equal(reply, "OK");
}

/** Takes out of both what ours does not claim to know: the values of modules that a command has changed. */
function leaveOutUnknown(theirs: Dataset, ours: Dataset): number {
  let known = 0;
  for (const [key, state] of theirs) {
    const mine = ours.get(key);
    if (mine === undefined || PLAIN.has(String(state.type))) continue;
    const isKnown = !String(mine.value).startsWith("(error) ERR the value is of module type");
    if (isKnown) known++;
    if (isKnown && !ADDRESSED.has(String(state.type))) continue;
    theirs.set(key, { ...state, value: undefined });
    ours.set(key, { ...mine, value: undefined });
  }
  return known;
}

/** Waits until both replicas have everything, compares them. Returns how many module values had their bytes. */
async function compare(run: Run, note: string): Promise<number> {
  const { client, real, replica, told } = run;
  await new Promise((resolve) => setTimeout(resolve, PASSING_MS));
  // What has expired and is not deleted yet would be deleted between two of the questions below.
  await client.call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  await client.call("SET", "stop", note);
  const caughtUp = await client.call("WAIT", "2", String(READY_MS));
  const { counters, repairs, state } = replica.status();
  assert.equal(caughtUp, 2, `both catch up; ours is ${state}`);
  assert.deepEqual(told, []);
  const { divergences, fullSyncs, partialSyncs } = counters;
  assert.deepEqual({ divergences, fullSyncs, partialSyncs }, {
    divergences: 0,
    fullSyncs: 1,
    partialSyncs: 0,
  });
  assert.deepEqual([repairs?.unknownCommands, repairs?.failedCommands], [{}, {}]);
  const mine = await open(Number(replica.status().listening?.split(":").at(-1)));
  const theirs = await real.connect();
  const [expected, actual] = [
    await readDataset(theirs, DATABASES),
    await readDataset(mine, DATABASES),
  ];
  const known = leaveOutUnknown(expected, actual);
  const differing: string[] = [];
  for (const key of differingKeys(actual, expected)) {
    if (!await samePacked(key, theirs, mine)) differing.push(key);
  }
  if (differing.length > 0) {
    const origin = await readDataset(await run.master.connect(), DATABASES);
    const sides = { master: origin, "a real replica": expected, ours: actual };
    const lines = differing.slice(0, SHOWN).map((key) => tellApart(key, sides));
    assert.fail(`${differing.length} keys differ:\n  ${lines.join("\n  ")}`);
  }
  for (let db = 0; db < DATABASES; db++) {
    for (const connection of [mine, theirs]) await connection.call("SELECT", db);
    const [ours, real] = [await mine.call("DBSIZE"), await theirs.call("DBSIZE")];
    if (ours !== real) assert.fail(await hidden(run, mine, theirs, db));
  }
  mine.close();
  theirs.close();
  await client.call("DEBUG", "SET-ACTIVE-EXPIRE", "1");
  return known;
}

/**
 * Whether two values whose dumps differ are the same, packed by LZF in another way. Never of a module's value: no
 * digest covers it.
 */
async function samePacked(name: string, ...sides: Connection[]): Promise<boolean> {
  const [db, key] = [name.slice(0, name.indexOf("/")), name.slice(name.indexOf("/") + 1)];
  const told = await Promise.all(sides.map(async (connection) => {
    await connection.call("SELECT", db);
    const type = String(await connection.call("TYPE", key));
    if (!PLAIN.has(type)) return Symbol(type);
    const digest = String(plain(await connection.call("DEBUG", "DIGEST-VALUE", key)));
    return `${type} ${digest} ${await connection.call("PEXPIRETIME", key)}`;
  }));
  return told[0] === told[1];
}

/** The keys of a database that only some hold, those included that have expired and are not deleted yet. */
async function hidden(
  { master }: Run,
  mine: Connection,
  theirs: Connection,
  db: number,
): Promise<string> {
  const origin = await master.connect();
  await origin.call("SELECT", db);
  const lines = [`DBSIZE of database ${db} differs`];
  for (const key of ["stop", ...ModuleWrites.keys()]) {
    const sides = await Promise.all([origin, theirs, mine].map(async (connection) => {
      const has = !(await connection.call("DEBUG", "OBJECT", key) instanceof ErrorValue);
      return `${has ? "there" : "not"}, ${await connection.call("PTTL", key)}`;
    }));
    if (new Set(sides).size > 1) lines.push(`${key}: master, a real replica, ours: ${sides}`);
  }
  return lines.join("\n  ");
}

/** What takes part in a run. */
interface Run {
  readonly master: RunningServer;
  readonly client: Connection;
  readonly real: RunningServer;
  readonly replica: Replica;
  readonly writes: ModuleWrites;
  readonly commands: number;
  /** Warnings of ours, and why its link ended: nothing, when all is well. */
  readonly told: readonly string[];
}

async function runAll(run: Run): Promise<{ taken: number; known: number }> {
  const { client, writes, commands } = run;
  let taken = 0;
  let known = 0;
  for (let stop = 1; stop <= STOPS; stop++) {
    for (let sent = 0; sent < commands / STOPS; sent += BATCH) {
      taken += await send(client, batchOf(writes));
      await restoreOne(client, writes);
    }
    known += await compare(run, `stop ${stop} of ${STOPS}`);
  }
  return { taken, known };
}

async function follow(binary: ServerBinary): Promise<void> {
  let crashes = 0;
  let seed = SEED;
  let known = 0;
  for (let left = COUNT; left > 0; seed++) {
    const found = await followRound(binary, seed, Math.min(left, ROUND));
    if (found === undefined) {
      assert.ok(++crashes <= MAX_CRASHES, `servers crashed ${crashes} times`);
    } else left -= ROUND;
    known += found ?? 0;
  }
  assert.ok(known > 0, "some values of modules are known byte by byte");
}

/** One round. Returns how many module values had their bytes; undefined when a real server crashed in it. */
async function followRound(
  binary: ServerBinary,
  seed: number,
  commands: number,
): Promise<number | undefined> {
  const withModules = { ...binary, server: binary.withModules ?? binary.server };
  await using master = await startServer(withModules);
  const client = await master.connect();
  const writes = new ModuleWrites(seed);
  for (let i = 0; i < 10; i++) await send(client, batchOf(writes));
  await using real = await startServer(withModules, ["--replicaof", "127.0.0.1", `${master.port}`]);
  const told: string[] = [];
  await using replica = await startReplica(master, told, {
    listen: 0,
    server: { allowDebug: true },
    readyMs: READY_MS,
  });
  // A master that is told to flush kills the process that has made the snapshot, should it still be there.
  await until("no snapshot is being made", async () => {
    return await infoField(client, "rdb_bgsave_in_progress") === "0";
  });
  told.length = 0;
  replica.on("disconnect", ({ error }) => void told.push(`the link ended: ${error}`));
  const run: Run = { master, client, real, replica, writes, commands, told };
  try {
    const { taken, known } = await runAll(run);
    assert.ok(taken > commands / 4, `${taken} of ${commands} were taken`);
    return known;
  } catch (error) {
    keepLogs({ [`${seed}-master`]: master, [`${seed}-real`]: real });
    const crash = crashOf(master) + crashOf(real);
    if (crash === "") {
      const logs = `master:\n${lastLines(master)}\nreal replica:\n${lastLines(real)}`;
      throw new Error(`SEED=${seed}: ${(error as Error).message}\n${told.join("\n")}\n${logs}`);
    }
    console.warn(`SEED=${seed}: the real server crashed in ${crash}`);
    return undefined;
  }
}

function lastLines(server: RunningServer): string {
  return server.log().trimEnd().split("\n").slice(-LOG_LINES).join("\n");
}

await serverTest("keys of modules are those of a real replica that has the modules", follow, {
  timeoutMs: timeFor(COUNT),
  isFor: ({ withModules }) => withModules !== undefined,
});

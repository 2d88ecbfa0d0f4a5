/**
 * Random commands to a master with the modules of Redis Stack, which a real replica with the modules and a replica
 * of ours follow: at each stop both list the same keys, with the same types and expiries and the same
 * plain values. Of module values ours has the bytes only while they are true: then they are the real replica's.
 *
 *     [SEED=n] [COUNT=200000] RIMR_SERVERS=PATH/redis-stack-7.4 deno test -A tests/oracle/modules_test.ts
 *
 * Needs `with-modules` beside the server's program: a launcher that loads the modules.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { Replica } from "../../src/replica/replica.ts";
import { assertSameDataset, type Dataset, readDataset } from "../support/compare.ts";
import { type Connection, open } from "../support/connection.ts";
import { ErrorValue } from "../support/resp.ts";
import {
  type RunningServer,
  type ServerBinary,
  serverTest,
  startServer,
  timeFor,
} from "../support/servers.ts";
import { DATABASES, ModuleWrites, type Words } from "./module_writes.ts";

const COUNT = Number(env.COUNT ?? 20_000);
const SEED = Number(env.SEED ?? 20_261_130);
/** Commands of one round, which has servers of its own: modules crash now and then, and then it is run again. */
const ROUND = 10_000;
const MAX_CRASHES = 5 + COUNT / ROUND;
const STOPS = 5;
const BATCH = 200;
const READY_MS = 20_000;
/** Longer than the expiries that are to pass. */
const PASSING_MS = 200;
/** The types whose values are compared. */
const PLAIN = new Set(["string", "list", "hash", "set", "zset", "stream"]);
/** Errors that mean that this test is wrong. */
const UNSOUND = /^ERR (syntax|unknown|wrong number)/;

/** What the replica warned of: part of a failure's message. */
const warnings: string[] = [];
function tell(message: string): void {
  warnings.push(message);
}

async function send(client: Connection, commands: readonly Words[]): Promise<number> {
  let taken = 0;
  for (const [i, reply] of (await client.pipeline(commands)).entries()) {
    if (!(reply instanceof ErrorValue)) taken++;
    else if (UNSOUND.test(reply.message)) assert.fail(`${commands[i].join(" ")}: ${reply.message}`);
  }
  return taken;
}

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
    if (!String(mine.value).startsWith("(error) ERR the value is of module type")) {
      known++;
      continue;
    }
    theirs.set(key, { ...state, value: undefined });
    ours.set(key, { ...mine, value: undefined });
  }
  return known;
}

/** Waits until both replicas have everything, compares them. Returns how many module values had their bytes. */
async function compare(
  client: Connection,
  real: RunningServer,
  replica: Replica,
  note: string,
): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, PASSING_MS));
  await client.call("SET", "stop", note);
  const caughtUp = await client.call("WAIT", "2", String(READY_MS));
  const { counters, repairs, state } = replica.status();
  assert.equal(caughtUp, 2, `${note}: both catch up; ours is ${state}`);
  assert.deepEqual(warnings, [], note);
  assert.deepEqual([counters.divergences, counters.fullSyncs], [0, 1], note);
  assert.deepEqual([repairs?.unknownCommands, repairs?.failedCommands], [{}, {}], note);
  const mine = await open(Number(replica.status().listening?.split(":").at(-1)));
  const theirs = await real.connect();
  const [expected, actual] = [
    await readDataset(theirs, DATABASES),
    await readDataset(mine, DATABASES),
  ];
  const known = leaveOutUnknown(expected, actual);
  assertSameDataset(actual, expected);
  for (let db = 0; db < DATABASES; db++) {
    for (const connection of [mine, theirs]) await connection.call("SELECT", db);
    assert.deepEqual(await mine.call("DBSIZE"), await theirs.call("DBSIZE"), `${note}: DBSIZE`);
  }
  mine.close();
  theirs.close();
  return known;
}

/** What takes part in a run. */
interface Run {
  readonly client: Connection;
  readonly real: RunningServer;
  readonly replica: Replica;
  readonly writes: ModuleWrites;
  readonly commands: number;
}

async function runAll(
  { client, real, replica, writes, commands }: Run,
): Promise<{ taken: number; known: number }> {
  let taken = 0;
  let known = 0;
  for (let stop = 1; stop <= STOPS; stop++) {
    for (let sent = 0; sent < commands / STOPS; sent += BATCH) {
      taken += await send(client, batchOf(writes));
      await restoreOne(client, writes);
    }
    known += await compare(client, real, replica, `stop ${stop} of ${STOPS}`);
  }
  return { taken, known };
}

/** The command at which a server crashed, from its log; "" for one that did not. It names libraries. */
function crashOf(server: RunningServer): string {
  const log = server.log();
  if (!log.includes("BUG REPORT START")) return "";
  const words = [...log.matchAll(/argv\[\d+\]: '(.*)'/g)].map((match) => match[1]);
  const where = new Set([...log.matchAll(/(\w+\.so)\(/g)].map((match) => match[1]));
  return `${[...where].join(" ")} at ${words.slice(0, 9).join(" ")}`;
}

async function follow(binary: ServerBinary): Promise<void> {
  let crashes = 0;
  let seed = SEED;
  for (let left = COUNT; left > 0; seed++) {
    if (await followRound(binary, seed, Math.min(left, ROUND))) left -= ROUND;
    else assert.ok(++crashes <= MAX_CRASHES, `servers crashed ${crashes} times`);
  }
}

/** One round; false when a server of the other side crashed in it. */
async function followRound(binary: ServerBinary, seed: number, commands: number): Promise<boolean> {
  const withModules = { ...binary, server: binary.withModules ?? binary.server };
  await using master = await startServer(withModules);
  const client = await master.connect();
  const writes = new ModuleWrites(seed);
  for (let i = 0; i < 10; i++) await send(client, batchOf(writes));
  await using real = await startServer(withModules, ["--replicaof", "127.0.0.1", `${master.port}`]);
  await using replica = new Replica({
    master: `redis://127.0.0.1:${master.port}`,
    listen: 0,
    logger: { debug() {}, info() {}, warn: tell, error: tell },
  });
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
  warnings.length = 0;
  try {
    const { taken, known } = await runAll({ client, real, replica, writes, commands });
    assert.ok(taken > commands / 4, `${taken} of ${commands} were taken`);
    assert.ok(known > 0, "some values are known byte by byte");
    return true;
  } catch (error) {
    const crash = crashOf(master) + crashOf(real);
    if (crash === "") throw new Error(`SEED=${seed}: ${(error as Error).message}`);
    console.warn(`SEED=${seed}: the real server crashed in ${crash}`);
    return false;
  }
}

function batchOf(writes: ModuleWrites): Words[] {
  return Array.from({ length: BATCH }, () => writes.next()).flat();
}

await serverTest("keys of modules are those of a real replica that has the modules", follow, {
  timeoutMs: timeFor(COUNT),
  isFor: ({ withModules }) => withModules !== undefined,
});

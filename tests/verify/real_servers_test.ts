/**
 * Comparisons with real masters that go on writing: what was planted at the master behind the stream's back is found,
 * nothing else is, and repairs mend it without a second full sync.
 *
 *     KEYS=1000000 WRITES=20000 deno test -A tests/verify/real_servers_test.ts
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { Replica, type ReplicaOptions, VerifyError, type VerifyReport } from "../../mod.ts";
import { isSince, Writes } from "../oracle/writes.ts";
import type { Connection } from "../support/connection.ts";
import {
  type RunningServer,
  type ServerBinary,
  serverTest,
  startServer,
  timeFor,
} from "../support/servers.ts";
import { pause } from "../support/waiting.ts";

const KEYS = Number(env.KEYS ?? 3000);
/** Writes a second that go on while keys are compared. */
const WRITES = Number(env.WRITES ?? 5000);
const SEED = Number(env.SEED ?? 20_261_130);
const BURST_MS = 50;
const TIMEOUT_MS = timeFor(KEYS);
/** Commands about whole databases: what was planted would be gone. */
const SWEEPING: ReadonlySet<string> = new Set(["FLUSHALL", "FLUSHDB", "SWAPDB"]);
/** What a script does without telling the replicas. */
const UNTOLD = "redis.replicate_commands() redis.set_repl(redis.REPL_NONE) ";

/** Runs commands at the master that its replicas do not see. */
async function plant(master: RunningServer, body: string): Promise<void> {
  assert.equal(await master.call("EVAL", `${UNTOLD}${body} return 1`, "0"), 1);
}

/**
 * Fills the master with strings, and with values of all types.
 *
 * @returns What writes on with other names of vectors: of one that VADD replaces replicas are not told.
 */
async function fill(master: RunningServer, binary: ServerBinary, keys: number): Promise<Writes> {
  const body = "for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do " +
    "redis.call('SET', 'key:' .. i, string.rep('v', 20 + i % 180) .. i) end return 1";
  for (let from = 1; from <= keys; from += 10_000) {
    const to = Math.min(from + 9_999, keys);
    assert.equal(await master.call("EVAL", body, "0", from, to), 1);
  }
  const writes = new Writes(SEED, binary);
  const client = await master.connect();
  for (let i = 0; i < 10; i++) {
    await send(
      client,
      Array.from({ length: 200 }, () => nextOf(writes)).flat(),
    );
  }
  return writes;
}

/** The next commands of all types that leave other keys alone. */
function nextOf(writes: Writes): string[][] {
  for (;;) {
    const commands = writes.next();
    if (!commands.some(([name]) => SWEEPING.has(name))) return commands;
  }
}

async function send(client: Connection, commands: readonly (readonly string[])[]): Promise<void> {
  await client.pipeline(
    commands.map((words) => words.map((word) => Uint8Array.from(word, (c) => c.charCodeAt(0)))),
  );
}

/** Writes so many commands a second until it is stopped: keys of the fill, counters that are hot, and all types. */
async function writeOn(
  master: RunningServer,
  writes: Writes,
  perSecond: number,
): Promise<() => Promise<number>> {
  const client = await master.connect();
  const other = await master.connect();
  let goesOn = true;
  let sent = 0;
  const ended = (async () => {
    const began = performance.now();
    for (let turn = 0; goesOn; turn++) {
      const due = Math.round((performance.now() - began) / 1000 * perSecond - sent);
      // What a busy machine could not send is not made up for at once.
      const count = Math.max(1, Math.min(due, perSecond / 5));
      const commands: string[][] = [];
      const others: string[][] = [];
      for (let i = 0; i < count; i++, sent++) {
        // Keys 1 and 2 are those that are planted.
        const key = `key:${3 + Math.floor(Math.random() * (KEYS - 2))}`;
        if (i % 10 === 0) others.push(...nextOf(writes));
        else if (i % 10 < 3) commands.push(["INCR", `hot:${i % 2}`]);
        else if (i % 10 === 3) {
          commands.push(["RPUSH", "hot:list", `${sent}`], ["LTRIM", "hot:list", "-50", "-1"]);
        } else commands.push(["SET", key, `${sent} written while it was compared`]);
      }
      await send(client, commands);
      await send(other, others);
      await pause(BURST_MS);
    }
    return Math.round(sent / (performance.now() - began) * 1000);
  })();
  // Where the test has failed already, the writer's end is no news.
  ended.catch(() => {});
  return () => {
    goesOn = false;
    return ended;
  };
}

async function follow(master: RunningServer, options: ReplicaOptions = {}): Promise<Replica> {
  const replica = new Replica({ master: `127.0.0.1:${master.port}`, logger: false, ...options });
  await replica.start();
  await replica.ready({ timeoutMs: TIMEOUT_MS });
  return replica;
}

function kinds({ different }: VerifyReport): string[] {
  return different.map(({ key, kind }) => `${kind} ${key}`).sort();
}

function tell(what: string, binary: ServerBinary, report: VerifyReport, rate: number): void {
  if (KEYS < 100_000) return;
  const { compared, tookMs, differences, skipped } = report;
  console.log(
    `${binary.name}: ${what}: ${compared} keys in ${
      Math.round(tookMs)
    } ms, ${differences} differ, ` +
      `skipped ${JSON.stringify(skipped)}, ${rate} writes/s meanwhile`,
  );
}

async function findsAndMends(binary: ServerBinary): Promise<void> {
  await using master = await startServer(binary);
  const writes = await fill(master, binary, KEYS);
  await using replica = await follow(master);
  let stop = await writeOn(master, writes, WRITES);
  const clean = await replica.verify({ full: true, keysPerSecond: 200_000 });
  tell("nothing planted", binary, clean, await stop());
  assert.deepEqual(kinds(clean), []);
  assert.ok(clean.equal, JSON.stringify(clean));
  assert.ok(clean.compared >= KEYS - 1);

  await plant(master, "redis.call('SET', 'key:1', 'wrong')");
  stop = await writeOn(master, writes, WRITES);
  const one = await replica.verify({ full: true, keysPerSecond: 200_000 });
  tell("one value planted", binary, one, await stop());
  assert.deepEqual(kinds(one), ["value key:1"]);
  assert.equal(one.equal, false);

  await plant(
    master,
    "redis.call('DEL', 'key:2') redis.call('SET', 'unseen', '1') " +
      "redis.call('SADD', 'unseen:set', 'a', 'b')",
  );
  stop = await writeOn(master, writes, WRITES);
  const mended = await replica.verify({ full: true, repair: true, keysPerSecond: 200_000 });
  tell("four planted, repaired", binary, mended, await stop());
  assert.deepEqual(kinds(mended), [
    "extra key:2",
    "missing unseen",
    "missing unseen:set",
    "value key:1",
  ]);
  assert.equal(mended.repaired, 4);
  assert.equal(replica.get("key:1"), "wrong");
  assert.equal(replica.has("key:2"), false);
  assert.deepEqual(replica.smembers("unseen:set").sort(), ["a", "b"]);
  const after = await replica.verify({ full: true, keysPerSecond: 200_000 });
  assert.ok(after.equal, JSON.stringify(after));
  assert.equal(replica.status().counters.fullSyncs, 1);
}

/** Our user at the master may neither DUMP nor use transactions about anything but reads. */
async function readsInPlaceOfDump(binary: ServerBinary): Promise<void> {
  await using master = await startServer(binary);
  const writes = await fill(master, binary, 100);
  await master.call("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@all", "-dump");
  await using replica = await follow(master, { username: "reader", password: "secret" });
  const stop = await writeOn(master, writes, 500);
  const clean = await replica.verify({ full: true });
  await stop();
  assert.deepEqual(kinds(clean), []);
  assert.equal(clean.byReads, true);
  await plant(
    master,
    "redis.call('SET', 'key:1', 'wrong') redis.call('HSET', 'unseen:hash', 'a', 'b') " +
      "redis.call('PEXPIRE', 'key:2', 99999999)",
  );
  const found = await replica.verify({ full: true });
  assert.deepEqual(kinds(found), ["expiry key:2", "missing unseen:hash", "value key:1"]);
}

/** Fields that have expired are hidden by reads, while the hash that holds them is there until they are deleted. */
async function hiddenFields(binary: ServerBinary): Promise<void> {
  await using master = await startServer(binary);
  await master.call("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@all", "-dump");
  await master.call("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  await master.call("HSET", "all", "a", "1", "b", "2");
  await master.call("HPEXPIRE", "all", "1", "FIELDS", "2", "a", "b");
  await master.call("HSET", "some", "a", "1", "b", "2");
  await master.call("HPEXPIRE", "some", "1", "FIELDS", "1", "a");
  await pause(20);
  for (const user of [{ username: "reader", password: "secret" }, {}]) {
    await using replica = await follow(master, user);
    const report = await replica.verify({ full: true });
    assert.deepEqual(kinds(report), [], JSON.stringify(user));
    assert.equal(report.compared, 2);
  }
}

/** Masters of 8.0 to 8.6 do not tell their replicas of a vector that VADD replaced: real ones differ as well. */
async function untoldVector(binary: ServerBinary): Promise<void> {
  await using master = await startServer(binary);
  await master.call("VADD", "vectors", "VALUES", "2", "1", "2", "a");
  await master.call("VADD", "others", "VALUES", "2", "1", "2", "a", "SETATTR", "");
  await using replica = await follow(master);
  await master.call("VADD", "vectors", "VALUES", "2", "2", "-1", "a");
  await master.call("VADD", "others", "VALUES", "2", "2", "-1", "b", "SETATTR", "");
  const found = await replica.verify({ full: true, repair: true });
  assert.deepEqual(kinds(found), isSince(binary, "8.8") ? [] : ["value vectors"]);
  assert.equal(found.equal, true, "it was fetched");
  assert.deepEqual(kinds(await replica.verify({ full: true })), []);
}

/** The link is cut and the master has another history: all data is replaced while it is compared. */
async function beginsAgain(binary: ServerBinary): Promise<void> {
  await using master = await startServer(binary);
  await fill(master, binary, 1000);
  await using replica = await follow(master, { backoff: { minMs: 10 } });
  let cuts = 0;
  const report = await replica.verify({
    full: true,
    keysPerSecond: 2000,
    onProgress: () => {
      if (cuts++ > 0) return;
      void master.pipeline([["DEBUG", "CHANGE-REPL-ID"], ["CLIENT", "KILL", "TYPE", "replica"]]);
    },
  });
  assert.equal(replica.status().counters.fullSyncs, 2);
  assert.equal(report.restarts, 1);
  assert.ok(report.equal, JSON.stringify(report));
}

/** What the master refuses is named. */
async function namesRights(binary: ServerBinary): Promise<void> {
  await using master = await startServer(binary);
  await master.call("SET", "a", "1");
  await master.call("ACL", "SETUSER", "narrow", "on", ">secret", "~*", "+@all", "-scan");
  await using replica = await follow(master, { username: "narrow", password: "secret" });
  await assert.rejects(replica.verify({ full: true }), (error: Error) => {
    assert.ok(error instanceof VerifyError);
    assert.equal(error.code, "REFUSED");
    assert.match(error.message, /\+scan/);
    return true;
  });
}

await serverTest("verify() reads values where the master refuses DUMP", readsInPlaceOfDump);
await serverTest("verify() knows fields that have expired and are not yet deleted", hiddenFields, {
  isFor: (binary) => isSince(binary, binary.product === "redis" ? "7.4" : "valkey-9.0"),
});
await serverTest("verify() finds and mends a vector that replicas are not told of", untoldVector, {
  isFor: (binary) => isSince(binary, "8.0"),
});
await serverTest("verify() begins again when all data was replaced", beginsAgain);
await serverTest("verify() names the rights that are missing", namesRights);
await serverTest("verify() finds one planted value, and repairs it", findsAndMends, {
  timeoutMs: 4 * TIMEOUT_MS,
});

/** The link against every real server there is. */

import assert from "node:assert/strict";
import { BytesRef } from "../../src/base/byte_buffer.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Prng } from "../../src/base/prng.ts";
import type { Host } from "../../src/commands/engine/host.ts";
import { loadNet } from "../../src/net/runtime.ts";
import { createStreamExecutor } from "../../src/replication/executor.ts";
import { ReplicationLink } from "../../src/replication/link.ts";
import type { LinkEvent, LinkOptions } from "../../src/replication/types.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { readString } from "../../src/store/types/string.ts";
import type { Argument, Connection } from "../support/connection.ts";
import { atLeast, type RunningServer, serverTest, startServer } from "../support/servers.ts";
import { infoField } from "../support/info.ts";
import { until } from "../support/waiting.ts";
import { textOf } from "../support/bytes.ts";
import { eachKey } from "../support/entries.ts";

const ANNOUNCED_PORT = 16_399;
const DATABASES = [0, 3, 15];
const net = await loadNet();

interface Followed {
  readonly keyspace: Keyspace;
  readonly events: LinkEvent[];
  readonly link: ReplicationLink;
}

function follow(server: RunningServer, options: Partial<LinkOptions> = {}): Followed {
  const random = Math.random;
  const keyspace = new Keyspace({ random });
  const host = { role: "slave", databases: 0x7fffffff } as Host;
  const events: LinkEvent[] = [];
  const link = new ReplicationLink({
    net,
    clock: systemClock,
    random,
    keyspace,
    executor: createStreamExecutor({ keyspace, random, host }),
    address: { transport: "tcp", host: "127.0.0.1", port: server.port },
    announce: { port: ANNOUNCED_PORT },
    backoff: { minMs: 50 },
    onEvent: (event) => void events.push(event),
    ...options,
  });
  return { keyspace, events, link };
}

/** Waits until we have applied all that the master has sent. */
async function caughtUp(server: RunningServer, { link }: Followed): Promise<void> {
  await until("our offset is the master's", async () => {
    return Number(await infoField(server, "master_repl_offset")) === link.status().appliedOffset;
  });
}

/** Random writes on strings, expiries and databases. */
function randomWrites(seed: number, count: number): Argument[][] {
  const prng = new Prng(seed);
  const commands: Argument[][] = [];
  for (let i = 0; i < count; i++) {
    const key = `key:${prng.int(200)}`;
    const other = `key:${prng.int(200)}`;
    const rows: Argument[][] = [
      ["SET", key, prng.bytes(prng.int(300))],
      ["SET", key, String(prng.int(1e9))],
      ["SET", key, "x".repeat(prng.int(5000))],
      ["SET", key, "v", "EX", 1000 + prng.int(1000)],
      ["SETEX", key, 2000, "w"],
      ["INCR", `n:${prng.int(20)}`],
      ["INCRBY", `n:${prng.int(20)}`, -prng.int(1e6)],
      ["APPEND", key, "tail"],
      ["SETRANGE", key, prng.int(50), "mid"],
      ["PEXPIRE", key, 1_000_000 + prng.int(1e6)],
      ["PERSIST", key],
      ["DEL", key, other],
      ["RENAME", key, other],
      ["MSET", key, "1", other, "2"],
      ["GETSET", key, "got"],
      ["SELECT", DATABASES[prng.int(DATABASES.length)]],
      ["MOVE", key, DATABASES[prng.int(DATABASES.length)]],
      ["INCRBYFLOAT", `f:${prng.int(5)}`, "0.5"],
      ["SETBIT", key, prng.int(4000), prng.int(2)],
    ];
    commands.push(rows[prng.int(rows.length)]);
    if (prng.int(50) === 0) {
      commands.push(["MULTI"], ["INCR", "n:1"], ["SET", key, "m"], ["SELECT", 3], ["INCR", "n:1"]);
      commands.push(["EXEC"]);
    }
    if (prng.int(500) === 0) commands.push(["SWAPDB", 0, 3]);
  }
  return commands;
}

/** Every key with its value and expiry, as text: the master's side. */
async function masterDump(server: RunningServer): Promise<Map<string, string>> {
  const connection = await server.connect();
  const dump = new Map<string, string>();
  const expiry = atLeast(server.version, "7.0.0") ? "PEXPIRETIME" : "PTTL";
  for (const db of DATABASES) {
    await connection.call("SELECT", db);
    const keys = await connection.call("KEYS", "*") as Uint8Array[];
    const values = await connection.pipeline(keys.map((key) => ["GET", key]));
    const expiries = await connection.pipeline(keys.map((key) => [expiry, key]));
    const now = Date.now();
    for (const [i, key] of keys.entries()) {
      const at = Number(expiries[i]);
      const atMs = expiry === "PTTL" && at >= 0 ? now + at : at;
      dump.set(`${db} ${textOf(key)}`, `${atMs} ${textOf(values[i] as Uint8Array)}`);
    }
  }
  connection.close();
  return dump;
}

/** Ours. */
function ourDump(keyspace: Keyspace): Map<string, string> {
  const dump = new Map<string, string>();
  const value = new BytesRef();
  eachKey(keyspace, ({ index, db, entry, key }) => {
    readString(db, entry, value);
    dump.set(`${index} ${textOf(key.view())}`, `${db.expireAtMs(entry)} ${textOf(value.view())}`);
  });
  return dump;
}

/** Keys, values and expiries are equal; masters before 7.0 send relative times, taken on arrival. */
async function assertEqual(server: RunningServer, followed: Followed): Promise<void> {
  await caughtUp(server, followed);
  const theirs = await masterDump(server);
  const ours = ourDump(followed.keyspace);
  const exact = atLeast(server.version, "7.0.0");
  assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort());
  for (const [key, line] of theirs) {
    const [expected, actual] = [split(line), split(ours.get(key)!)];
    assert.equal(actual.value, expected.value, key);
    const drift = Math.abs(actual.atMs - expected.atMs);
    assert.ok(drift <= (exact ? 0 : 2000), `${key} expires ${drift} ms apart`);
  }
  assert.equal(followed.link.status().counters.divergences, 0);
}

function split(line: string): { atMs: number; value: string } {
  const space = line.indexOf(" ");
  return { atMs: Number(line.slice(0, space)), value: line.slice(space + 1) };
}

async function write(connection: Connection, seed: number, count: number): Promise<void> {
  await connection.pipeline(randomWrites(seed, count));
}

for (const diskless of ["yes", "no"]) {
  await serverTest(
    `ReplicationLink follows, with repl-diskless-sync ${diskless}`,
    async (binary) => {
      await using server = await startServer(binary, ["--repl-diskless-sync", diskless]);
      const writer = await server.connect();
      await write(writer, 1, 3000);
      const followed = follow(server);
      const { link } = followed;
      try {
        await link.start();
        await write(writer, 2, 1000);
        await link.synced();
        await write(writer, 3, 3000);
        await assertEqual(server, followed);

        await server.call("SET", "waited", "for");
        assert.equal(await server.call("WAIT", 1, 1000), 1);
        await until("the master shows us online", async () => {
          return /port=16399,state=online,offset=\d+,lag=[01]/.test(
            await infoField(server, "slave0"),
          );
        });

        const partials = Number(await infoField(server, "sync_partial_ok"));
        for (let round = 1; round <= 3; round++) {
          await write(writer, 10 + round, 500);
          await server.call("CLIENT", "KILL", "TYPE", "replica");
          await write(writer, 20 + round, 500);
          await until("another partial resync", async () => {
            return Number(await infoField(server, "sync_partial_ok")) === partials + round;
          });
        }
        await assertEqual(server, followed);
        const { counters } = link.status();
        assert.equal(counters.fullSyncs, 1);
        assert.equal(counters.partialSyncs, 3);
      } finally {
        await link.stop();
      }
    },
  );
}

await serverTest(
  "ReplicationLink keeps a key past its time until the master's DEL",
  async (binary) => {
    await using server = await startServer(binary);
    const { keyspace, link } = follow(server);
    await server.call("DEBUG", "SET-ACTIVE-EXPIRE", 0);
    await server.call("SET", "brief", "1", "PX", 150);
    try {
      await link.start();
      await link.synced();
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(keyspace.keyCount, 1);
      assert.equal(await server.call("EXISTS", "brief"), 0);
      await until("the DEL arrives", () => keyspace.keyCount === 0);
    } finally {
      await link.stop();
    }
  },
);

const refusals: { name: string; args: string[]; options: Partial<LinkOptions>; code: string }[] = [
  {
    name: "a wrong password",
    args: ["--requirepass", "right"],
    options: { credentials: { password: "wrong" } },
    code: "WRONGPASS",
  },
  { name: "no password", args: ["--requirepass", "right"], options: {}, code: "NOAUTH" },
  {
    name: "a password where none is set",
    args: [],
    options: { credentials: { password: "needless" } },
    code: "WRONGPASS",
  },
  {
    name: "PSYNC and SYNC renamed away",
    args: ["--rename-command", "PSYNC", "", "--rename-command", "SYNC", ""],
    options: {},
    code: "PSYNC_UNAVAILABLE",
  },
  {
    name: "a user without +psync",
    args: ["--user", "weak", "on", ">pw", "+ping", "+replconf"],
    options: { credentials: { username: "weak", password: "pw" } },
    code: "NOPERM",
  },
];
for (const { name, args, options, code } of refusals) {
  await serverTest(`start() rejects with ${code} for ${name}`, async (binary) => {
    await using server = await startServer(binary, args);
    const { link } = follow(server, options);
    await assert.rejects(link.start(), { name: "ReplicationError", code });
    assert.equal(link.status().state, "none");
    await link.stop();
  });
}

await serverTest("ReplicationLink logs in as an ACL user with the least rights", async (binary) => {
  await using server = await startServer(binary);
  await server.call("ACL", "SETUSER", "replica", "on", ">pw", "+psync", "+replconf", "+ping");
  await server.call("CONFIG", "SET", "requirepass", "other");
  await server.call("AUTH", "other");
  await server.call("SET", "k", "v");
  const followed = follow(server, {
    credentials: { username: "replica", password: () => Promise.resolve("pw") },
  });
  try {
    await followed.link.start();
    await followed.link.synced();
    await assertEqualLite(server, followed);
  } finally {
    await followed.link.stop();
  }
});

async function assertEqualLite(server: RunningServer, followed: Followed): Promise<void> {
  await caughtUp(server, followed);
  assert.deepEqual([...ourDump(followed.keyspace).values()], ["-1 v"]);
}

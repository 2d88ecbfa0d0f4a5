/**
 * A master that holds every type in every encoding, huge elements among them: a replica that was there
 * before, and got it all as commands, and one that came after, and got it as a snapshot, hold the same.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Replica } from "../../mod.ts";
import { latin1 } from "../../src/base/ascii.ts";
import { Prng } from "../../src/base/prng.ts";
import { noise } from "../rdb/support/dataset.ts";
import { type Args, capabilitiesOf, everything } from "../rdb/support/everything.ts";
import type { Connection } from "../support/connection.ts";
import { ErrorValue, type Reply, shown } from "../support/resp.ts";
import {
  atLeast,
  type RunningServer,
  type ServerBinary,
  serverTest,
  startServer,
} from "../support/servers.ts";

const SEED = 11;
const READY_MS = 60_000;
const BATCH = 500;
const DATABASES = [0, 3, 9];
const MEGABYTE = 1 << 20;

/** A few elements, keys and values that no buffer holds at once. */
function huge(prng: Prng): Args[] {
  const block = noise(prng, MEGABYTE);
  const bytes = (megabytes: number) =>
    Uint8Array.from(
      { length: megabytes * MEGABYTE + 7 },
      (_, i) => block[i % MEGABYTE] ^ (i >> 20),
    );
  return [
    ["SELECT", "9"],
    ["SET", "huge:string", bytes(24)],
    ["SETRANGE", "huge:zeros", String(16 * MEGABYTE), "end"],
    ["SET", bytes(1), "a huge key"],
    ["RPUSH", "huge:list", "first", bytes(3), "between", bytes(2), "last"],
    ["SADD", "huge:set", bytes(2), "1", bytes(1)],
    ["ZADD", "huge:zset", "1.5", bytes(2), "-inf", bytes(1)],
    ["HSET", "huge:hash", bytes(1), bytes(2), "small", "1"],
    ["XADD", "huge:stream", "1-1", "field", bytes(2)],
    ["XADD", "huge:stream", "1-2", bytes(1), ""],
    ["SELECT", "0"],
  ];
}

/** Before 7.2 a score of -0 that comes in a command is kept in some encodings; we do as 8.0 does. */
function knownTo({ product, version }: ServerBinary, commands: readonly Args[]): Args[] {
  const keeps = product === "redis" && !atLeast(version, "7.2.0");
  return commands.map((args) => args.map((arg) => keeps && arg === "-0" ? "0" : arg));
}

async function write(client: Connection, commands: readonly Args[]): Promise<void> {
  for (let i = 0; i < commands.length; i += BATCH) {
    for (const reply of await client.pipeline(commands.slice(i, i + BATCH))) {
      assert.ok(!(reply instanceof ErrorValue), String((reply as ErrorValue).message));
    }
  }
}

async function follow(master: RunningServer): Promise<Replica> {
  const replica = new Replica({ master: `redis://127.0.0.1:${master.port}`, logger: false });
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
  return replica;
}

/** What a digest leaves out, asked of both, reply by reply. */
function questions(binary: ServerBinary, type: string, key: Uint8Array): (string | Uint8Array)[][] {
  const asked: (string | Uint8Array)[][] = [["TYPE", key], ["PTTL", key]];
  if (atLeast(binary.version, "7.0.0")) asked.push(["PEXPIRETIME", key]);
  // Older ones, and Valkey's strings, have encodings of their own.
  if (binary.product === "redis" && atLeast(binary.version, "8.0.0")) {
    asked.push(["OBJECT", "ENCODING", key]);
  }
  if (type === "hash" && capabilitiesOf(binary).fieldExpiry) {
    asked.push(["HPEXPIRETIME", key, "FIELDS", "3", "field:0", "field:1", "field:2"]);
  }
  if (type === "stream" && atLeast(binary.version, "7.0.0")) {
    asked.push(["XINFO", "GROUPS", key], ["XPENDING", key, "group", "-", "+", "100"]);
    asked.push(["XRANGE", key, "-", "+"]);
  }
  return asked;
}

async function compare(master: RunningServer, replica: Replica, how: string): Promise<void> {
  assert.equal(replica.call("DEBUG", "DIGEST"), String(await master.call("DEBUG", "DIGEST")), how);
  const client = await master.connect();
  for (const index of DATABASES) {
    await client.call("SELECT", String(index));
    const db = replica.db(index);
    const keys = await client.call("KEYS", "*") as Uint8Array[];
    assert.equal(db.size, keys.length, `${how}: keys of ${index}`);
    for (const key of keys) await compareKey(master.binary, client, db, key, how);
  }
  if (capabilitiesOf(master.binary).functions) {
    const theirs = await client.call("FUNCTION", "LIST", "WITHCODE");
    assert.equal(shown(replica.callBytes("FUNCTION", "LIST", "WITHCODE")), shown(theirs), how);
  }
  client.close();
}

async function compareKey(
  binary: ServerBinary,
  client: Connection,
  db: ReturnType<Replica["db"]>,
  key: Uint8Array,
  how: string,
): Promise<void> {
  const asked = questions(binary, String(await client.call("TYPE", key)), key);
  const replies = await client.pipeline(asked);
  for (const [i, question] of asked.entries()) {
    const [name, ...rest] = question;
    // Idle times and remaining ones pass.
    const [theirs, ours] = [replies[i], answerOf(db, question)].map(withoutTimes);
    const text = [name, ...rest.map((word) => typeof word === "string" ? word : latin1(word))];
    const isSame = name === "PTTL" && Number(theirs) > 0 ? Number(ours) > 0 : ours === theirs;
    assert.ok(isSame, `${how}: ${text.join(" ").slice(0, 200)}: ${ours.slice(0, 500)}`);
  }
}

/** Our reply, errors as replies. */
function answerOf(db: ReturnType<Replica["db"]>, question: (string | Uint8Array)[]): unknown {
  try {
    return db.callBytes(...question);
  } catch (error) {
    return new ErrorValue((error as Error).message);
  }
}

/** XPENDING's rows without how long an entry has been idle. */
function withoutTimes(reply: unknown): string {
  const isRows = Array.isArray(reply) &&
    reply.every((row) => Array.isArray(row) && row.length === 4 && typeof row[2] === "number");
  return shown(
    isRows ? (reply as Reply[][]).map(([id, consumer, , count]) => [id, consumer, count]) : reply,
  );
}

await serverTest(
  "a master's values of every type arrive as commands and as a snapshot",
  async (binary) => {
    await using master = await startServer(binary);
    const client = await master.connect();
    await using before = await follow(master);
    await write(client, knownTo(binary, everything(SEED, capabilitiesOf(binary))));
    await write(client, huge(new Prng(SEED)));
    assert.equal(await client.call("WAIT", "1", String(READY_MS)), 1);
    await compare(master, before, "as commands");
    await using after = await follow(master);
    await compare(master, after, "as a snapshot");
    assert.equal(before.status().counters.divergences, 0);
  },
  { timeoutMs: 300_000 },
);

/**
 * What a server holds and no digest covers: keys by their expiry, encodings, the expiries of fields, groups
 * and consumers of streams, functions; and dumps, which a real server is to take and find the same in.
 *
 * @module
 */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { latin1 } from "../../src/base/ascii.ts";
import type { Replica } from "../../src/replica/replica.ts";
import type { Argument, Connection } from "../support/connection.ts";
import { ErrorValue, type Reply, shown } from "../support/resp.ts";
import type { RunningServer, ServerBinary } from "../support/servers.ts";
import { toBytes } from "./vocabulary.ts";
import { isSince } from "./writes.ts";

/** What is compared, and with whom. */
export interface Readout {
  /** Whose answers are right: a replica of the same master, as a master went through other things. */
  readonly server: RunningServer;
  /** A real server of its own, which takes the dumps of both. */
  readonly taker: RunningServer;
  /** Ours. */
  readonly replica: Replica;
  /** How many databases. */
  readonly databases: number;
  /** What a failure begins with. */
  readonly note: string;
}

type Database = ReturnType<Replica["db"]>;

/** What expires sooner may do so between two questions. */
const SOON_MS = 60_000;
/** Within this time a server has forgotten the producers' ids that are too old. */
const PRODUCERS_SWEPT_MS = 1500;
/** In the text of a reply: when who answers has seen a consumer. */
const SEEN = /(seen-time|active-time) [0-9]+/g;
/** Elements of a vector set that the others are compared with. */
const SEARCHED = 3;
/** In the text of VINFO: what a server draws at random, and counts by itself. */
const DRAWN = /(max-level|vset-uid) [0-9]+/g;
/** Under which key a dump is restored. */
const RESTORED = "restored";
const GROUPS: readonly string[] = ["group0", "group1", "group2"];
const LONGEST_SHOWN = 600;

/** Fails on the first difference. */
export async function compareReadouts(readout: Readout): Promise<void> {
  const { server, replica, databases, note } = readout;
  const client = await server.connect();
  // Of a replica in a cluster; the others refuse it.
  await client.call("READONLY");
  for (let db = 0; db < databases; db++) {
    await client.call("SELECT", db);
    await compareDatabase(readout, client, replica.db(db), `${note}: ${db}`);
  }
  if (isSince(server.binary, "7.0")) {
    const theirs = await client.call("FUNCTION", "LIST", "WITHCODE") as Reply[];
    const ours = replica.callBytes("FUNCTION", "LIST", "WITHCODE") as Reply[];
    const [there, here] = [theirs, ours].map((list) => list.map(shown).sort().join("\n"));
    assert.equal(here, there, `${note}: FUNCTION LIST`);
  }
  client.close();
}

async function compareDatabase(
  readout: Readout,
  client: Connection,
  mine: Database,
  note: string,
): Promise<void> {
  for (const key of await client.call("KEYS", "*") as Uint8Array[]) {
    const left = Number(await client.call("PTTL", key));
    if (left !== -1 && left < SOON_MS) continue;
    const name = `${note}/${JSON.stringify(latin1(key))}`;
    const type = String(await client.call("TYPE", key));
    try {
      await compareKey(readout, client, mine, key, { type, name });
    } catch (error) {
      if (type !== "stream" || !isSince(readout.server.binary, "8.6")) throw error;
      // A server forgets producers' ids of an age up to a second late; ours does not tell of them.
      await sleep(PRODUCERS_SWEPT_MS);
      await compareKey(readout, client, mine, key, { type, name });
    }
  }
}

async function compareKey(
  readout: Readout,
  client: Connection,
  mine: Database,
  key: Uint8Array,
  { type, name }: { readonly type: string; readonly name: string },
): Promise<void> {
  const fields = type === "hash"
    ? await fieldsOf(readout, client, key)
    : type === "vectorset"
    ? await elementsOf(client, key)
    : [];
  if (fields === undefined) return;
  const asked = questions(readout, type, key, fields);
  const replies = await client.pipeline(asked);
  for (const [i, question] of asked.entries()) {
    const [there, here] = [replies[i], answerOf(mine, question)].map((reply) =>
      comparable(plainVectors(question, reply))
    );
    const words = question.filter((word) => word !== key).join(" ").slice(0, 60);
    const from = firstDifference(there, here);
    assert.ok(
      there === here,
      `${name} ${words}: ${here.slice(from, from + LONGEST_SHOWN)}` +
        `\n  not ${there.slice(from, from + LONGEST_SHOWN)}`,
    );
  }
  await compareDumps(readout, client, mine, key, { type, fields, name });
}

/** The fields of a hash; undefined when one of them expires soon. */
async function fieldsOf(
  { server }: Readout,
  client: Connection,
  key: Uint8Array,
): Promise<Uint8Array[] | undefined> {
  const fields = await client.call("HKEYS", key) as Uint8Array[];
  if (!isSince(server.binary, "7.4") && !isSince(server.binary, "valkey-9.0")) return fields;
  if (fields.length === 0) return undefined;
  const left = await client.call("HPTTL", key, "FIELDS", fields.length, ...fields) as number[];
  return left.some((ms) => ms !== -1 && ms < SOON_MS) ? undefined : fields;
}

/** The elements of a vector set. */
async function elementsOf(client: Connection, key: Uint8Array): Promise<Uint8Array[]> {
  return await client.call("VRANDMEMBER", key, 1_000_000) as Uint8Array[];
}

/** What is asked of a key, beside its dump. */
function questions(
  { server }: Readout,
  type: string,
  key: Uint8Array,
  fields: readonly Uint8Array[],
): Argument[][] {
  const { binary } = server;
  const asked: Argument[][] = [["TYPE", key]];
  if (isSince(binary, "7.0")) asked.push(["PEXPIRETIME", key]);
  // Older ones, and Valkey, have encodings of their own; since 8.2 a long key makes a short string raw.
  const hasEncodings = isSince(binary, "8.0") && !(type === "string" && isSince(binary, "8.2"));
  if (hasEncodings) asked.push(["OBJECT", "ENCODING", key]);
  if (type === "hash") asked.push(...fieldQuestions(binary, key, fields));
  if (type === "stream") asked.push(...streamQuestions(binary, key));
  if (type === "vectorset") asked.push(...vectorQuestions(binary, key, fields));
  return asked;
}

function fieldQuestions(
  binary: ServerBinary,
  key: Uint8Array,
  fields: readonly Uint8Array[],
): Argument[][] {
  const has = isSince(binary, "7.4") || isSince(binary, "valkey-9.0");
  return has ? [["HPEXPIRETIME", key, "FIELDS", fields.length, ...fields]] : [];
}

function vectorQuestions(
  binary: ServerBinary,
  key: Uint8Array,
  elements: readonly Uint8Array[],
): Argument[][] {
  const asked: Argument[][] = [["VCARD", key], ["VDIM", key], ["VINFO", key]];
  if (isSince(binary, "8.4")) asked.push(["VRANGE", key, "-", "+"]);
  for (const element of elements) {
    asked.push(["VEMB", key, element], ["VGETATTR", key, element], ["VISMEMBER", key, element]);
  }
  for (const element of elements.slice(0, SEARCHED)) {
    const filter = isSince(binary, "8.2") ? ["FILTER", ".n > 20 or .s in ['x']"] : [];
    asked.push(["VSIM", key, "ELE", element, "TRUTH", "WITHSCORES", "COUNT", 1_000_000]);
    asked.push(["VSIM", key, "ELE", element, "TRUTH", "COUNT", 1_000_000, ...filter]);
  }
  return asked;
}

/**
 * Before 7.2 consumers are told of otherwise; before 7.0 an entry that has been deleted may be claimed, which
 * a replica of a newer kind drops, as ours does.
 */
function streamQuestions(binary: ServerBinary, key: Uint8Array): Argument[][] {
  if (!isSince(binary, "7.0")) return [];
  const asked: Argument[][] = GROUPS.map((group) => ["XPENDING", key, group]);
  asked.push(["XINFO", "GROUPS", key]);
  if (isSince(binary, "7.2")) asked.push(["XINFO", "STREAM", key, "FULL", "COUNT", 0]);
  return asked;
}

/** What a dump is of. */
interface Dumped {
  readonly type: string;
  readonly fields: readonly Uint8Array[];
  readonly name: string;
}

/** Both dumps given to a real server: it finds the same in them, or their bytes are equal. */
async function compareDumps(
  readout: Readout,
  client: Connection,
  mine: Database,
  key: Uint8Array,
  { type, fields, name }: Dumped,
): Promise<void> {
  const there = await client.call("DUMP", key) as Uint8Array;
  const here = answerOf(mine, ["DUMP", key]);
  // The graph of a vector set that changed is not held here, which is said.
  if (type === "vectorset" && here instanceof ErrorValue) {
    return assert.match(here.message, /^ERR the graph /, name);
  }
  assert.ok(here instanceof Uint8Array, `${name} DUMP: ${shown(here)}`);
  if (latin1(there) === latin1(here)) return;
  const expected = await restored(readout, there, type, fields);
  const found = await restored(readout, here, type, fields);
  const from = firstDifference(expected, found);
  assert.ok(
    found === expected,
    `${name} DUMP and RESTORE: ${found.slice(from, from + LONGEST_SHOWN)}` +
      `\n  not ${expected.slice(from, from + LONGEST_SHOWN)}`,
  );
}

/** What a real server finds in a dump. */
async function restored(
  readout: Readout,
  payload: Uint8Array,
  type: string,
  fields: readonly Uint8Array[],
): Promise<string> {
  const key = toBytes(RESTORED);
  const asked = [["DEBUG", "DIGEST-VALUE", key], ...questions(readout, type, key, fields)];
  const restore = ["RESTORE", key, 0, payload, "REPLACE"];
  const replies = await readout.taker.pipeline([restore, ...asked]);
  return replies.slice(1).map((reply, i) => comparable(plainVectors(asked[i], reply))).join("\n");
}

/** Our reply, errors as replies. */
function answerOf(db: Database, question: readonly Argument[]): unknown {
  try {
    return db.callBytes(...question.map((word) => typeof word === "number" ? String(word) : word));
  } catch (error) {
    return new ErrorValue((error as Error).message);
  }
}

/**
 * What is asked of vector sets, in the form of either protocol. Elements that are equally far come in the order of
 * their names: that of their age hangs on when a replica took its snapshot.
 */
function plainVectors([name, ...words]: readonly Argument[], reply: unknown): unknown {
  if (name === "VISMEMBER") return Number(reply);
  if (name === "VINFO") return shown(reply).replaceAll(DRAWN, "$1");
  if (!Array.isArray(reply) && !(reply instanceof Map)) return reply;
  if (name === "VEMB") return [...reply].map((one) => Number(shown(one)));
  if (name !== "VSIM") return reply;
  const flat = [...reply].flat();
  const step = words.includes("WITHSCORES") ? 2 : 1;
  const found = flat.filter((_, i) => i % step === 0)
    .map((one, i) => `${step === 2 ? Number(shown(flat[2 * i + 1])) : ""} ${shown(one)}`);
  return found.sort();
}

/** A reply as text, without what is the answering server's own. */
function comparable(reply: unknown): string {
  return shown(reply).replaceAll(SEEN, "$1");
}

/** A little before where two texts part. */
function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return Math.max(0, at - 100);
}

/**
 * What connection, transaction, channel and server commands answer, side by side with real servers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { allCommands } from "../../../src/commands/table.ts";
import type { Connection } from "../../support/connection.ts";
import { plain, type Reply } from "../../support/resp.ts";
import { atLeast, type ServerBinary, servers, startServer } from "../../support/servers.ts";
import { serve } from "../../server/support.ts";

/** Asked in this order on one connection; the replies must be the same to the byte. */
const SAME: readonly string[] = [
  // A busy machine makes any command slow.
  "CONFIG SET slowlog-log-slower-than -1",
  "PING",
  "PING hello",
  "PING a b",
  "ECHO x",
  "ECHO",
  "SELECT 0",
  "SELECT 15",
  "SELECT a",
  "SELECT 16384",
  "SELECT -1",
  "SELECT 0",
  "AUTH x",
  "AUTH nobody x",
  "AUTH default x",
  "AUTH a b c",
  "HELLO 4",
  "HELLO x",
  "HELLO 2 FOO",
  "HELLO 3 AUTH a",
  "HELLO 3 SETNAME",
  "CLIENT GETNAME",
  "CLIENT SETNAME me",
  "CLIENT GETNAME",
  "CLIENT SETNAME a\nb",
  "CLIENT NO-EVICT x",
  "CLIENT NO-EVICT on",
  "CLIENT REPLY x",
  "CLIENT PAUSE a",
  "CLIENT PAUSE -1",
  "CLIENT PAUSE 0 x",
  "CLIENT PAUSE 0",
  "CLIENT UNPAUSE",
  "CLIENT UNBLOCK a",
  "CLIENT UNBLOCK 999999",
  "CLIENT UNBLOCK 999999 x",
  "CLIENT KILL 1.1.1.1:1",
  "CLIENT KILL ID a",
  "CLIENT KILL ID 0",
  "CLIENT KILL ID 999999",
  "CLIENT KILL TYPE x",
  "CLIENT KILL TYPE pubsub",
  "CLIENT KILL USER nobody",
  "CLIENT KILL ADDR 1.1.1.1:1",
  "CLIENT KILL SKIPME x",
  "CLIENT LIST TYPE x",
  "CLIENT LIST ID a",
  "CLIENT LIST ID",
  "CLIENT LIST ID 999999",
  "CLIENT LIST x",
  "CLIENT TRACKING off",
  "CLIENT TRACKING x",
  "CLIENT TRACKINGINFO",
  "CLIENT GETREDIR",
  "CLIENT CACHING yes",
  "CLIENT",
  "CLIENT FOO",
  "MULTI",
  "MULTI",
  "WATCH a",
  "PING",
  "NOPE",
  "EXEC",
  "MULTI",
  "PING",
  "CLIENT GETNAME",
  "EXEC",
  "MULTI",
  "EXEC",
  "EXEC",
  "DISCARD",
  "MULTI",
  "DISCARD",
  "WATCH",
  "WATCH a b",
  "UNWATCH",
  "MULTI",
  "EXEC x",
  "EXEC",
  "COMMAND GETKEYS",
  "COMMAND GETKEYS GET",
  "COMMAND GETKEYS PING",
  "COMMAND GETKEYS nope",
  "COMMAND GETKEYS SET a b",
  "COMMAND GETKEYS MSET a b c d",
  "COMMAND GETKEYS MGET a b c",
  "COMMAND GETKEYS BITOP AND d a b",
  "COMMAND GETKEYS LCS a b",
  "COMMAND GETKEYS RENAME a b",
  "COMMAND GETKEYS OBJECT ENCODING a",
  "COMMAND GETKEYSANDFLAGS SET a b",
  "COMMAND GETKEYSANDFLAGS SET a b GET",
  "COMMAND GETKEYSANDFLAGS GETEX a",
  "COMMAND GETKEYSANDFLAGS BITFIELD a GET u8 0",
  "COMMAND GETKEYSANDFLAGS BITFIELD a SET u8 0 1",
  "COMMAND GETKEYSANDFLAGS COPY a b",
  "COMMAND GETKEYSANDFLAGS DEL a b",
  "COMMAND LIST FILTERBY MODULE x",
  "COMMAND LIST FILTERBY x y",
  "COMMAND LIST FILTERBY PATTERN mg*",
  "COMMAND INFO nope",
  "COMMAND DOCS nope",
  "COMMAND COUNT x",
  "CONFIG GET nope",
  "CONFIG GET hz?",
  "CONFIG GET databases",
  "CONFIG GET maxmemory-policy",
  "CONFIG GET",
  "CONFIG SET nope x",
  "CONFIG SET timeout",
  "CONFIG SET timeout 0 timeout 0",
  "CONFIG SET timeout 0",
  "CONFIG SET slowlog-max-len x",
  "CONFIG REWRITE",
  "CONFIG RESETSTAT",
  "SLOWLOG LEN",
  "SLOWLOG GET",
  "SLOWLOG GET a",
  "SLOWLOG GET -2",
  "SLOWLOG RESET",
  "LATENCY LATEST",
  "LATENCY HISTORY command",
  "LATENCY RESET",
  "ACL WHOAMI",
  "ACL USERS",
  "ACL LIST",
  "ACL GETUSER default",
  "ACL GETUSER nobody",
  "ACL CAT nope",
  "PUBSUB CHANNELS",
  "PUBSUB CHANNELS x*",
  "PUBSUB NUMSUB",
  "PUBSUB NUMSUB a b",
  "PUBSUB NUMPAT",
  "PUBSUB SHARDCHANNELS",
  "PUBSUB SHARDNUMSUB a",
  "PUBSUB FOO",
  "PUBLISH a b",
  "SPUBLISH a b",
  "CLUSTER INFO",
  "CLUSTER SLOTS",
  "TIME x",
  "ROLE x",
  "INFO nope",
  "SHUTDOWN x y z w v",
  "READONLY x",
  "SUBSCRIBE",
  "NOPE a b c",
  "RESET",
  "CLIENT GETNAME",
];

type Unlike = (binary: ServerBinary) => boolean;
const always: Unlike = () => true;
const old: Unlike = ({ version }) => !atLeast(version, "7.2.0");
const valkey: Unlike = ({ product }) => product === "valkey";

/** Where servers differ among themselves, and ours says what Redis 8.0 does; or where ours says more. */
const UNLIKE: Readonly<Record<string, Unlike>> = {
  "COMMAND GETKEYS GET": old,
  "COMMAND GETKEYS PING": old,
  "COMMAND GETKEYS nope": old,
  "ACL LIST": (binary) => old(binary) || binary.name === "valkey-9",
  "ACL GETUSER default": (binary) => old(binary) || binary.name === "valkey-9",
  "CLIENT KILL ID a": valkey,
  "CLIENT LIST ID a": valkey,
  // Inside MULTI; Valkey discards there as well.
  "MULTI": valkey,
  "WATCH a": valkey,
  "SHUTDOWN x y z w v": always,
};

async function differ(binary: ServerBinary, protocol: 2 | 3): Promise<void> {
  await using real = await startServer(binary);
  const served = await serve({ version: binary.version });
  if (binary.product === "redis") served.keyspace.serverVersion = binary.version;
  const theirs = await real.connect();
  const ours = await served.connect();
  try {
    for (const connection of [theirs, ours]) {
      if (protocol === 3) await connection.call("HELLO", "3");
    }
    for (const line of SAME) {
      const [expected, got] = await ask([theirs, ours], line.split(" "));
      if (!UNLIKE[line]?.(binary)) assert.equal(got, expected, line);
    }
  } finally {
    await served.close();
  }
}

/** The raw bytes of both replies, as text. */
async function ask(connections: readonly Connection[], words: string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const connection of connections) {
    const raw = await connection.raw(...words);
    replies.push(String.fromCharCode(...raw.subarray(0, 4096)));
  }
  return replies;
}

const binaries = await servers().catch((): ServerBinary[] => []);

for (const binary of binaries) {
  if (!atLeast(binary.version, "7.0.0")) continue;
  for (const protocol of [2, 3] as const) {
    test(
      `replies are those of ${binary.name} in RESP${protocol}`,
      { timeout: 60_000 },
      () => differ(binary, protocol),
    );
  }
}

for (const binary of binaries.filter(({ name }) => name === "redis-8.0")) {
  test(`COMMAND INFO says of our rows what ${binary.name} says`, { timeout: 60_000 }, async () => {
    await using real = await startServer(binary);
    const served = await serve();
    const ours = await served.connect();
    const names = allCommands.map(({ name }) => name);
    const ask = async (connection: { call(...words: string[]): Promise<Reply> }) => {
      const replies = await connection.call("COMMAND", "INFO", ...names) as Reply[];
      return new Map(replies.map((reply, i) => [names[i], withoutNotes(plain(reply))]));
    };
    const [expected, got] = [await ask(real), await ask(ours)];
    for (const name of names) {
      if (expected.get(name) === null) continue;
      assert.deepEqual(got.get(name), expected.get(name), name);
    }
    await served.close();
  });
}

/**
 * A row for comparison: key specs without their notes and without the flag that builds of 8.0 differ in,
 * sets in order, subcommands apart.
 */
function withoutNotes(row: unknown): unknown {
  if (!Array.isArray(row)) return row;
  const [name, arityTold, flags, first, last, step, categories, tips, specs] = row;
  const strip = (spec: unknown[]) => {
    const at = spec.indexOf("notes");
    const told = at < 0 ? spec : [...spec.slice(0, at), ...spec.slice(at + 2)];
    return told.map((part) => Array.isArray(part) ? part.filter((x) => x !== "incomplete") : part);
  };
  // Modules of servers before 8.6 check their arguments themselves and tell no arity.
  const arity = (flags as unknown[]).includes("module") ? -1 : arityTold;
  return {
    name,
    arity,
    flags,
    first,
    last,
    step,
    categories: [...categories as string[]].sort(),
    tips,
    specs: (specs as unknown[][]).map(strip),
  };
}

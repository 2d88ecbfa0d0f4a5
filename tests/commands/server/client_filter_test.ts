/**
 * Which clients CLIENT LIST and CLIENT KILL mean (client_filter.ts), side by side with real servers: whom of two
 * clients each row lists or ends, and how errors are worded.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Connection } from "../../support/connection.ts";
import { plain } from "../../support/resp.ts";
import { type ServerBinary, serverTest, startServer } from "../../support/servers.ts";
import { serve } from "../../server/support.ts";
import { FIRST_VALKEY_VERSION } from "../../../src/rdb/format/version.ts";

/** Options and values, as after CLIENT LIST; ME and IT stand for the ids of two clients. */
const FILTERS: readonly string[] = [
  "",
  "ID",
  "ID x",
  "ID 0",
  "ID -1",
  "ID ME",
  "ID ME IT",
  "ID ME x",
  "ID ME 0",
  "ID 1x",
  "ID 99999999999999999999",
  "ID ME NAME me",
  "ID NAME me",
  "NOT-ID NAME it",
  "ID ME ID IT",
  "ID 999999 ID ME",
  "NOT-ID ME",
  "NOT-ID ME NOT-ID IT",
  "NOT-ID ME IT",
  "NOT-ID",
  "NOT-ID x",
  "TYPE",
  "TYPE x",
  "TYPE normal",
  "TYPE PRIMARY",
  "TYPE master",
  "TYPE slave",
  "TYPE replica TYPE normal",
  "NOT-TYPE normal",
  "NOT-TYPE pubsub",
  "NOT-TYPE normal NOT-TYPE pubsub",
  "USER",
  "USER nobody",
  "USER default",
  "NOT-USER default",
  "NOT-USER nobody",
  "ADDR x",
  "LADDR x",
  "NOT-ADDR x",
  "NOT-LADDR x",
  "SKIPME",
  "SKIPME x",
  "SKIPME yes",
  "SKIPME no",
  "SKIPME yes SKIPME no",
  "NOT-SKIPME yes",
  "MAXAGE",
  "MAXAGE x",
  "MAXAGE 0",
  "MAXAGE -1",
  "MAXAGE 1000",
  "MAXAGE 9223372036854775808",
  "NOT-MAXAGE 1",
  "IDLE x",
  "IDLE 0",
  "IDLE 1000",
  "NOT-IDLE 1",
  "FLAGS N",
  "FLAGS NN",
  "FLAGS x",
  "FLAGS xN",
  "FLAGS q",
  "FLAGS Nq",
  "FLAGS AOSMPxbtRBdcuUrEeTIi",
  "NOT-FLAGS N",
  "NOT-FLAGS x",
  "NOT-FLAGS xN",
  "NOT-FLAGS q",
  "NAME me",
  "NAME it",
  "NAME me NAME it",
  "NOT-NAME me",
  "NAME",
  "NAME me FOO",
  "LIB-NAME lib",
  "LIB-NAME no",
  "NOT-LIB-NAME lib",
  "LIB-VER 1.2",
  "NOT-LIB-VER 1.2",
  "DB 0",
  "DB 3",
  "DB x",
  "DB 1x",
  "DB -1",
  "DB 99",
  "NOT-DB 0",
  "NOT-DB x",
  "NOT-DB 99",
  "CAPA r",
  "CAPA rr",
  "CAPA q",
  "CAPA redirect",
  "NOT-CAPA r",
  "NOT-CAPA q",
  "IP 127.0.0.1",
  "IP 127.0.0",
  "NOT-IP 127.0.0.1",
  "FOO x",
  "NAME it DB 3 USER default FLAGS x",
  "NAME it DB 0",
];

interface Pair {
  readonly me: Connection;
  readonly it: Connection;
  readonly ids: { readonly ME: string; readonly IT: string };
}

/** Two clients of one server, which differ in everything that can be asked for. */
async function open(connect: () => Promise<Connection>): Promise<Pair> {
  const me = await connect();
  const it = await connect();
  await me.call("CLIENT", "SETNAME", "me");
  await it.call("CLIENT", "SETNAME", "it");
  await it.call("CLIENT", "SETINFO", "LIB-NAME", "lib");
  await it.call("CLIENT", "SETINFO", "LIB-VER", "1.2");
  await it.call("CLIENT", "CAPA", "redirect");
  await it.call("SELECT", "3");
  await it.call("MULTI");
  const idOf = async (connection: Connection) => {
    const text = String(plain(await me.call("CLIENT", "LIST")));
    const name = connection === me ? "me" : "it";
    return /id=(\d+)/.exec(text.split("\n").find((line) => line.includes(`name=${name} `))!)![1];
  };
  return { me, it, ids: { ME: await idOf(me), IT: await idOf(it) } };
}

/** What a row gives: an error, or the names of those listed. */
async function ask({ me, ids }: Pair, row: string): Promise<string> {
  const words = row.split(" ").filter((word) => word !== "").map((word) =>
    word === "ME" || word === "IT" ? ids[word] : word
  );
  const reply = plain(await me.call("CLIENT", "LIST", ...words));
  if (reply instanceof Error) return reply.message;
  return [...String(reply).matchAll(/ name=(\w+) /g)].map((match) => match[1]).join(" ");
}

/** Whether a row ends the second client, 1 or 0, or an error: all rows are asked of that one alone. */
async function kill(connect: () => Promise<Connection>, row: string): Promise<string> {
  const pair = await open(connect);
  const words = `${row} ID IT`.split(" ").filter((word) => word !== "").map((word) =>
    word === "ME" || word === "IT" ? pair.ids[word] : word
  );
  const reply = plain(await pair.me.call("CLIENT", "KILL", ...words));
  for (const connection of [pair.me, pair.it]) connection.close();
  return String(reply instanceof Error ? reply.message : reply);
}

async function compare(binary: ServerBinary): Promise<void> {
  await using real = await startServer(binary);
  const served = await serve({ version: binary.version });
  if (binary.product === "valkey") served.keyspace.snapshotVersion = FIRST_VALKEY_VERSION;
  try {
    const theirs = await open(() => real.connect());
    const ours = await open(() => served.connect());
    for (const row of FILTERS) {
      assert.equal(await ask(ours, row), await ask(theirs, row), `CLIENT LIST ${row}`);
    }
    for (const pair of [theirs, ours]) for (const one of [pair.me, pair.it]) one.close();
    // Redis has had MAXAGE since 7.4: ours takes it always.
    const rows = FILTERS.filter((row) => !row.includes("MAXAGE"));
    for (const row of rows) {
      const expected = await kill(() => real.connect(), row);
      assert.equal(await kill(() => served.connect(), row), expected, `CLIENT KILL ${row}`);
    }
  } finally {
    await served.close();
  }
}

await serverTest("CLIENT LIST and KILL mean whom the server means", compare);

/**
 * Which arguments of a command are keys, and what becomes of each: COMMAND GETKEYS and GETKEYSANDFLAGS
 * against a real server's.
 *
 * @module
 */

import assert from "node:assert/strict";
import { latin1 } from "../../src/base/ascii.ts";
import { systemClock } from "../../src/base/clock.ts";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { Argv } from "../../src/resp/argv.ts";
import { ReplyWriter } from "../../src/resp/writer.ts";
import { Dispatcher } from "../../src/server/dispatch.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { plain } from "../support/resp.ts";
import { atLeast, serverTest, startServer } from "../support/servers.ts";

const COMMANDS: readonly string[] = [
  "GET k",
  "SET k v",
  "SET k v GET",
  "MSET a 1 b 2",
  "MSET a 1 b",
  "DEL a b c",
  "RENAME a b",
  "BITOP AND d a b",
  "BITFIELD k GET u8 0",
  "BITFIELD k SET u8 0 1",
  "PING",
  "GET",
  "NOSUCH k",
  "OBJECT ENCODING k",
  "MEMORY USAGE k",
  "EVAL s 2 a b c",
  "EVAL s 0 a",
  "EVAL s 3 a",
  "EVAL s x a",
  "FCALL_RO f 1 a",
  "SORT k BY w_* GET p_* STORE d",
  "SORT k STORE a STORE b",
  "SORT_RO k",
  "MIGRATE h 1 k 0 10",
  "MIGRATE h 1 '' 0 10 KEYS a b",
  "ZUNIONSTORE d 2 a b WEIGHTS 1 2",
  "ZUNION 2 a b",
  "ZUNION 9 a b",
  "ZDIFF 1 a",
  "ZINTERCARD 2 a b LIMIT 3",
  "ZMPOP 2 a b MIN",
  "BZMPOP 0 1 a MIN",
  "SINTERCARD 2 a b",
  "LMPOP 2 a b LEFT",
  "BLMPOP 0 2 a b LEFT",
  "BLPOP a b 0",
  "BLMOVE a b LEFT LEFT 0",
  "XREAD STREAMS a b 0 0",
  "XREAD COUNT 1 BLOCK 0 STREAMS a 0",
  "XREADGROUP GROUP g c STREAMS a b > >",
  "XADD k * f v",
  "XGROUP CREATE k g 0",
  "XINFO STREAM k",
  "GEORADIUS k 0 0 1 km STORE d",
  "GEORADIUSBYMEMBER k m 1 km STOREDIST d",
  "GEOSEARCHSTORE d s FROMMEMBER m BYRADIUS 1 m",
  "PFCOUNT a b",
  "PFMERGE d a b",
  "COPY a b",
  "SMOVE a b m",
  "SINTERSTORE d a b",
  "LCS a b",
  "SSUBSCRIBE c",
  "WATCH a b",
];

/** Options that look like what a key follows: 8.0 finds its way through them once it is mended. */
const MISLEADING: readonly string[] = [
  "XREAD STREAMS STREAMS a 0 0",
  "XREAD STREAMS a 0",
  "XREAD COUNT STREAMS STREAMS a 0",
  "XREAD COUNT 1 FOO STREAMS a 0",
  "XREAD BLOCK 1 COUNT 2 STREAMS STREAMS 0",
  "XREAD STREAMS a b STREAMS 0 0 0",
  "XREAD STREAMS a b 0",
  "XREADGROUP GROUP STREAMS STREAMS STREAMS a >",
  "XREADGROUP GROUP g STREAMS STREAMS STREAMS >",
  "XREADGROUP COUNT 1 GROUP g c NOACK STREAMS k >",
  "XREADGROUP NOACK GROUP g c STREAMS k >",
  "XREADGROUP COUNT 1 BLOCK 2 STREAMS k >",
  "GEORADIUS k 0 0 1 km STORE a STORE b",
  "GEORADIUS k 0 0 1 km STORE STORE",
  "GEORADIUS k 0 0 1 km STORE a STOREDIST b",
  "GEORADIUS k 0 0 1 km STOREDIST b STORE a",
  "GEORADIUS k 0 0 1 km STORE",
  "GEORADIUS k 0 0 1 km COUNT STORE STORE a",
  "GEORADIUS k 0 0 1 km",
  "GEORADIUSBYMEMBER k STORE 1 km STOREDIST d STORE STORE",
  "GEORADIUSBYMEMBER k m 1 km ASC STOREDIST d",
  "GEORADIUS k 0 0 1 STORE a",
  "XREAD STREAMS a",
  "XREAD a b c",
  "XREAD BLOCK STREAMS 0 STREAMS a 0",
  "XREAD STREAMS",
  "XREAD COUNT 1 STREAMS",
  "XREADGROUP GROUP STREAMS a 0 b c d",
];

await serverTest("COMMAND GETKEYS finds the keys a real server finds", async (binary) => {
  await using server = await startServer(binary);
  const connection = await server.connect();
  const dispatcher = new Dispatcher({
    keyspace: new Keyspace({ random: Math.random }),
    clock: systemClock,
    random: Math.random,
  });
  const session = dispatcher.host.createSession();
  const problems: string[] = [];
  const xread = JSON.stringify(plain(await connection.call("COMMAND", "INFO", "XREAD")));
  const lines = xread.includes("incomplete") ? [...COMMANDS, ...MISLEADING] : COMMANDS;
  for (const line of lines) {
    for (const sub of ["GETKEYS", "GETKEYSANDFLAGS"]) {
      const args = ["COMMAND", sub, ...line.split(" ").map((word) => word === "''" ? "" : word)];
      const out = new ByteBuffer();
      dispatcher.dispatch(session, Argv.of(...args), new ReplyWriter(out));
      const ours = latin1(out.toBytes());
      const theirs = latin1(await connection.raw(...args));
      if (ours !== theirs) problems.push(`${sub} ${line}: ${JSON.stringify([ours, theirs])}`);
    }
  }
  assert.deepEqual(problems, []);
}, { isFor: ({ product, version }) => product === "redis" && atLeast(version, "8.0") });

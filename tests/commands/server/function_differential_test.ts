/**
 * FUNCTION and SCRIPT as far as nothing is run: every reply is a real server's, dumps are exchanged.
 *
 * @module
 */

import assert from "node:assert/strict";
import { latin1 } from "../../../src/base/ascii.ts";
import type { Connection } from "../../support/connection.ts";
import { readReply, type Reply } from "../../support/resp.ts";
import { atLeast, serverTest, sinceRedis, startServer } from "../../support/servers.ts";
import { Engine } from "../engine.ts";

const LIBRARY = "#!lua name=one\nredis.register_function('f', function() return 1 end)\n" +
  "redis.register_function{function_name='g', callback=function() end, flags={'no-writes'}," +
  " description='reads'}";
const OTHER = "#!LUA name=two\nredis.register_function('h', function() return 2 end)";

const SEQUENCE: readonly (readonly string[])[] = [
  ["FUNCTION"],
  ["FUNCTION", "LIST"],
  ["FUNCTION", "STATS"],
  ["FUNCTION", "LOAD"],
  ["FUNCTION", "LOAD", LIBRARY],
  ["FUNCTION", "LOAD", LIBRARY],
  ["FUNCTION", "LOAD", "REPLACE", LIBRARY],
  ["FUNCTION", "LOAD", "replace", "REPLACE", LIBRARY],
  ["FUNCTION", "LOAD", "nosuch", LIBRARY],
  ["FUNCTION", "LOAD", "x\0y", LIBRARY],
  ["FUNCTION", "LOAD", OTHER],
  ["FUNCTION", "LOAD", "return 1"],
  ["FUNCTION", "LOAD", ""],
  ["FUNCTION", "LOAD", "#!lua"],
  ["FUNCTION", "LOAD", "#!lua\nx"],
  ["FUNCTION", "LOAD", "#!js name=a\nx"],
  ["FUNCTION", "LOAD", "#!lua name=a b=c\nx"],
  ["FUNCTION", "LOAD", "#!lua name=a-b\nx"],
  ["FUNCTION", "LOAD", "#!lua NAME=a name=b\nx"],
  ["FUNCTION", "LOAD", "#!lua name=b\nreturn 1"],
  ["FUNCTION", "LOAD", "#!lua name=one\nreturn 1"],
  ["FUNCTION", "LOAD", "#!lua name=b\nredis.register_function('f', function() end)"],
  ["FUNCTION", "LOAD", "#!lua name=\"q\"\nredis.register_function('q', function() end)"],
  ["FUNCTION", "LOAD", '#!lua name="q\nreturn 1'],
  ["FUNCTION", "LIST"],
  ["FUNCTION", "LIST", "WITHCODE"],
  ["FUNCTION", "LIST", "libraryname", "O*"],
  ["FUNCTION", "LIST", "LIBRARYNAME", "none", "WITHCODE"],
  ["FUNCTION", "LIST", "LIBRARYNAME"],
  ["FUNCTION", "LIST", "LIBRARYNAME", "a", "LIBRARYNAME", "b"],
  ["FUNCTION", "LIST", "WITHCODE", "WITHCODE"],
  ["FUNCTION", "LIST", "x"],
  ["FUNCTION", "STATS"],
  ["FUNCTION", "STATS", "x"],
  ["FUNCTION", "KILL"],
  ["FUNCTION", "HELP"],
  ["FUNCTION", "NOSUCH"],
  ["FUNCTION", "RESTORE", "x"],
  ["FUNCTION", "RESTORE", "x", "y"],
  ["FUNCTION", "RESTORE", "x", "FLUSH", "z"],
  ["FUNCTION", "FLUSH", "x"],
  ["FUNCTION", "FLUSH", "x", "y"],
  ["FCALL", "nosuch", "0"],
  ["FCALL", "f", "x"],
  ["FCALL", "f", "3"],
  ["FCALL_RO", "f", "-1"],
  ["FCALL_RO", "f"],
  ["FUNCTION", "DELETE", "nosuch"],
  ["FUNCTION", "DELETE", "q"],
  ["FUNCTION", "DELETE", "ONE"],
  ["FUNCTION", "LIST"],
  ["FLUSHALL"],
  ["FUNCTION", "STATS"],
  ["SCRIPT"],
  ["SCRIPT", "EXISTS"],
  ["SCRIPT", "EXISTS", "a", "b"],
  ["SCRIPT", "FLUSH", "x"],
  ["SCRIPT", "FLUSH", "SYNC", "x"],
  ["SCRIPT", "FLUSH", "async"],
  ["SCRIPT", "KILL"],
  ["SCRIPT", "LOAD"],
  ["SCRIPT", "NOSUCH"],
];

/** Which engines there are to list, and what order a table has, is each server's own. */
function comparable(reply: Reply): string {
  if (reply instanceof Uint8Array) return latin1(reply);
  if (Array.isArray(reply)) return `[${reply.map(comparable).sort().join(",")}]`;
  if (reply instanceof Map || reply instanceof Set) return comparable([...reply].flat() as Reply);
  return JSON.stringify(reply);
}

function parse(bytes: Uint8Array): Reply {
  return readReply(bytes, 0, bytes.length)!.value;
}

async function compare(
  connection: Connection,
  engine: Engine,
  args: readonly string[],
): Promise<void> {
  const theirs = parse(await connection.raw(...args));
  const ours = parse(engine.raw(args));
  assert.equal(comparable(ours), comparable(theirs), JSON.stringify(args));
}

await serverTest("FUNCTION and SCRIPT answer as a real server does", async (binary) => {
  await using server = await startServer(binary);
  const connection = await server.connect();
  const engine = new Engine();
  for (const args of SEQUENCE) {
    // Another version has other helps.
    if (args[1] === "HELP" && (binary.product === "valkey" || !atLeast(binary.version, "8.0"))) {
      continue;
    }
    await compare(connection, engine, args);
  }
}, { isFor: sinceRedis("7.0") });

await serverTest("FUNCTION DUMP and RESTORE are a real server's", async (binary) => {
  await using server = await startServer(binary);
  const connection = await server.connect();
  const engine = new Engine();
  await compare(connection, engine, ["FUNCTION", "LOAD", LIBRARY]);
  const theirs = await connection.call("FUNCTION", "DUMP") as Uint8Array;
  const ours = parse(engine.raw(["FUNCTION", "DUMP"])) as Uint8Array;
  for (const policy of ["FLUSH", "REPLACE"]) {
    assert.equal(await connection.call("FUNCTION", "RESTORE", ours, policy), "OK");
    assert.equal(engine.call("FUNCTION", "RESTORE", theirs, policy), "+OK\r\n");
    await compare(connection, engine, ["FUNCTION", "LIST", "WITHCODE"]);
  }
  const again = [engine.call("FUNCTION", "RESTORE", theirs)];
  assert.deepEqual(again, [latin1(await connection.raw("FUNCTION", "RESTORE", theirs))]);
  const damaged = theirs.slice();
  damaged[5] ^= 1;
  assert.match(engine.call("FUNCTION", "RESTORE", damaged), /^-ERR DUMP payload version or/);
}, { isFor: sinceRedis("7.0") });

/**
 * How many entries a group of a stream has still to read where entries were deleted, trimmed and counted by others:
 * each version of a server reckons it in its own way, and clients of a replica are told what its master tells.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { latin1 } from "../../../src/base/ascii.ts";
import { atLeast, serverTest, startServer } from "../../support/servers.ts";
import { Engine } from "../engine.ts";

const SEED = Number(env.SEED ?? 20_261_130);
const STREAMS = Number(env.COUNT ?? 200);
const PICKED = 12;

/** Commands that make one stream, and groups that stand anywhere in it. */
function history(prng: Prng, key: string): string[][] {
  const id = () => `${prng.int(PICKED)}-1`;
  const commands: string[][] = [];
  for (let at = prng.int(3); at < PICKED; at += prng.between(1, 4)) {
    commands.push(["XADD", key, `${at}-1`, "f", "v"]);
  }
  const entriesRead = () => prng.oneIn(3) ? [] : ["ENTRIESREAD", String(prng.int(PICKED))];
  for (let i = prng.int(4); i > 0; i--) {
    const change = prng.int(5);
    if (change < 2) commands.push(["XDEL", key, id(), id()]);
    else if (change === 2) commands.push(["XTRIM", key, "MAXLEN", String(prng.int(PICKED / 2))]);
    else if (change === 3) commands.push(["XTRIM", key, "MINID", id()]);
    else {
      const counts = ["ENTRIESADDED", String(prng.int(20)), "MAXDELETEDID", id()];
      commands.push(["XSETID", key, `${PICKED + prng.int(2)}-1`, ...counts]);
    }
  }
  for (const name of ["a", "b", "c"]) {
    const from = prng.oneIn(6) ? "$" : prng.oneIn(6) ? "0" : id();
    commands.push(["XGROUP", "CREATE", key, name, from, ...entriesRead()]);
  }
  if (prng.oneIn(4)) commands.push(["XADD", key, `${PICKED + 9}-1`, "f", "v"]);
  if (prng.oneIn(4)) commands.push(["XDEL", key, id()]);
  return commands;
}

const DELETED = [
  ...["1-1", "2-1", "4-1", "8-1", "9-1"].map((id) => ["XADD", "s", id, "f", "v"]),
  ["XDEL", "s", "2-1"],
  ["XTRIM", "s", "MINID", "4-1"],
];
const TRIMMED = [
  ...["1-1", "2-1", "10-1", "21-1"].map((id) => ["XADD", "s", id, "f", "v"]),
  ["XTRIM", "s", "MINID", "10-1"],
];
/** What redis-8.0, redis-7.0 and valkey-9.0 say of a group's lag. */
const LAGS: readonly (readonly [
  made: readonly string[][],
  group: readonly string[],
  lags: readonly string[],
])[] = [
  [TRIMMED, ["0-1", "ENTRIESREAD", "1"], [":2", ":3", ":3"]],
  [TRIMMED, ["9-1"], [":2", ":2", ":2"]],
  [TRIMMED, ["21-1", "ENTRIESREAD", "1"], [":3", ":3", ":3"]],
  [DELETED, ["1-1", "ENTRIESREAD", "1"], [":3", ":4", "_"]],
  [DELETED, ["3-1", "ENTRIESREAD", "4"], [":3", ":1", ":1"]],
  [DELETED, ["1-1"], [":3", ":3", "_"]],
];
const MASTERS = [
  { product: "redis", version: "8.0.2" },
  { product: "redis", version: "7.0.15" },
  { product: "valkey", version: "9.0.0" },
];

for (const [i, master] of MASTERS.entries()) {
  test(`lag is told as ${master.product} ${master.version} reckons it`, () => {
    for (const [made, group, lags] of LAGS) {
      const engine = new Engine("master");
      engine.becomeDataOf(master);
      engine.writer.protocol = 3;
      for (const words of [...made, ["XGROUP", "CREATE", "s", "g", ...group]]) {
        engine.call(...words);
      }
      const reply = engine.call("XINFO", "GROUPS", "s").trimEnd();
      assert.equal(reply.split("\r\n").at(-1), lags[i], `${made.at(-1)}, ${group}`);
    }
  });
}

await serverTest("lag is told as the master's version reckons it", async (binary) => {
  await using server = await startServer(binary);
  const connection = await server.connect();
  const prng = new Prng(SEED);
  for (let i = 0; i < STREAMS; i++) {
    const key = `s${i}`;
    const commands = history(prng, key);
    await connection.pipeline(commands);
    const engine = new Engine("master");
    engine.becomeDataOf(binary);
    for (const words of commands) engine.call(...words);
    const there = latin1(await connection.raw("XINFO", "GROUPS", key));
    const made = commands.map((words) => words.join(" ")).join("\n  ");
    const here = engine.call("XINFO", "GROUPS", key);
    assert.equal(here, there, `SEED=${SEED}, stream ${i}:\n  ${made}`);
  }
}, { isFor: ({ product, version }) => product === "valkey" || atLeast(version, "7.0") });

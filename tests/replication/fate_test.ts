/** What may be passed over when it fails is no write, by what real servers say of it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { WRITE } from "../../src/commands/engine/command.ts";
import { commandIndex } from "../../src/commands/table.ts";
import {
  CHANGES_NOTHING,
  type Fate,
  fateOf,
  IGNORABLE,
  UNKNOWN_COMMAND,
} from "../../src/replication/fate.ts";
import { NOTHING_HELD, UNSUPPORTED_VALUE } from "../../src/commands/engine/errors.ts";
import { Argv } from "../../src/resp/argv.ts";
import { plain } from "../support/resp.ts";
import { type ServerBinary, serverTest, startServer } from "../support/servers.ts";

const ROWS: readonly (readonly [command: string, problem: string, fate: Fate])[] = [
  ["SCRIPT LOAD x", "ERR refused", "ignored"],
  ["script flush", "ERR refused", "ignored"],
  ["SCRIPT", "ERR wrong number of arguments", "failed"],
  ["SCRIPT NEWSUB x", "ERR unknown subcommand", "failed"],
  ["GET k", CHANGES_NOTHING, "ignored"],
  ["PFCOUNT k", "WRONGTYPE", "failed"],
  ["CLUSTER NEWWRITE 1", `${UNKNOWN_COMMAND} 'cluster|newwrite'`, "unknown"],
  ["FT.DICTADD d w", NOTHING_HELD, "module"],
  ["FAR.AWAY k", `${UNKNOWN_COMMAND} 'FAR.AWAY'`, "unknown"],
  ["NEWCMD k", `${UNKNOWN_COMMAND} 'NEWCMD'`, "unknown"],
  ["RESTORE k 0 x", `${UNSUPPORTED_VALUE} by 'restore'`, "unsupported"],
  ["INCR k", "ERR value is not an integer or out of range", "failed"],
];
for (const [text, problem, fate] of ROWS) {
  test(`${text}, which met "${problem}", is ${fate}`, () => {
    assert.equal(fateOf(Argv.of(...text.split(" ")), problem), fate);
  });
}

/** Flags of each name, as our table or a server has them; subcommands as "script|load". */
function isWriteHere(name: string): boolean {
  const row = commandIndex.lookup(Argv.of(...name.split(" ")));
  assert.ok(row !== undefined, name);
  return (row.flags & WRITE) !== 0;
}

test("nothing that our table calls a write may be passed over", () => {
  assert.deepEqual(IGNORABLE.filter(isWriteHere), []);
});

await serverTest("nothing that a server calls a write may be passed over", async (binary) => {
  assert.deepEqual(await writesAmong(binary), []);
});

/** Those of the names that a server flags as writes. */
async function writesAmong(binary: ServerBinary): Promise<string[]> {
  await using server = await startServer(binary);
  const writes = new Set<string>();
  const collect = (rows: unknown[][]) => {
    for (const row of rows) {
      if ((row[2] as string[]).includes("write")) writes.add(String(row[0]).toLowerCase());
      collect((row[9] ?? []) as unknown[][]);
    }
  };
  collect(plain(await server.call("COMMAND")) as unknown[][]);
  assert.ok(writes.size > 50, "the server tells of its writes");
  return IGNORABLE.filter((name) => writes.has(name.toLowerCase().replace(" ", "|")));
}

/** What commands do to their keys, as far as a value that is not known is concerned. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { commandIndex } from "../../../src/commands/table.ts";
import { readsUnnamedKeys, usesOf } from "../../../src/replication/repair/roles.ts";
import { Argv } from "../../../src/resp/argv.ts";

const ROWS: readonly { command: string; expected: string }[] = [
  { command: "SET k v", expected: "1@0 replaces" },
  { command: "SET k v PXAT 99", expected: "1@0 replaces" },
  { command: "SET k v NX", expected: "1@0 replaces" },
  { command: "SET k v XX", expected: "1@0 changes" },
  { command: "SET k v KEEPTTL", expected: "1@0 changes" },
  { command: "SET k v GET", expected: "1@0 changes" },
  { command: "SETNX k v", expected: "1@0 replaces" },
  { command: "MSET a 1 b 2", expected: "1@0 replaces, 3@0 replaces" },
  { command: "DEL a b", expected: "1@0 replaces, 2@0 replaces" },
  { command: "UNLINK a", expected: "1@0 replaces" },
  { command: "GETDEL a", expected: "1@0 changes" },
  { command: "APPEND a x", expected: "1@0 changes" },
  { command: "PEXPIREAT a 99", expected: "1@0 changes" },
  { command: "RESTORE a 0 payload", expected: "1@0 replaces" },
  { command: "RENAME a b", expected: "1@0 changes, 2@0 replaces" },
  { command: "COPY a b", expected: "1@0 reads, 2@0 replaces" },
  { command: "COPY a b REPLACE DB 7", expected: "1@0 reads, 2@7 replaces" },
  { command: "MOVE a 7", expected: "1@0 changes, 1@7 replaces" },
  { command: "LMOVE a b LEFT LEFT", expected: "1@0 changes, 2@0 changes" },
  { command: "SINTERSTORE d a b", expected: "1@0 replaces, 2@0 reads, 3@0 reads" },
  { command: "ZUNIONSTORE d 2 a b", expected: "1@0 replaces, 3@0 reads, 4@0 reads" },
  { command: "PFMERGE d a", expected: "1@0 changes, 2@0 reads" },
  { command: "XREADGROUP GROUP g c STREAMS s >", expected: "5@0 changes" },
  { command: "EVAL script 1 k v", expected: "3@0 changes" },
  { command: "FLUSHALL", expected: "" },
  { command: "SWAPDB 0 1", expected: "" },
];

for (const { command, expected } of ROWS) {
  test(`usesOf() of ${command}`, () => {
    const argv = Argv.of(...command.split(" "));
    const uses = usesOf(commandIndex.lookup(argv)!, 0, argv);
    const told = uses.map(({ index, db, role }) => `${index}@${db} ${role}`);
    assert.equal(told.join(", "), expected);
  });
}

test("SORT reads keys that only its elements name where it says BY or GET", () => {
  const reads = (command: string) => {
    const argv = Argv.of(...command.split(" "));
    return readsUnnamedKeys(commandIndex.lookup(argv)!, argv);
  };
  assert.equal(reads("SORT l BY w* STORE d"), true);
  assert.equal(reads("SORT l GET v* STORE d"), true);
  assert.equal(reads("SORT l ALPHA STORE d"), false);
  assert.equal(reads("DEL BY GET"), false);
});

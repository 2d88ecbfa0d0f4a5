/** Replies to COMMAND INFO about commands that our table does not know. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { changedKeys, readForeignCommand } from "../../../src/replication/repair/foreign.ts";
import { Argv } from "../../../src/resp/argv.ts";
import type { RespValue } from "../../../src/resp/types.ts";

/** A key spec as RESP2 has it. */
function spec(flags: string[], begin: RespValue[], find: RespValue[]): RespValue {
  return [
    "flags",
    flags,
    "begin_search",
    ["type", begin[0], "spec", begin.slice(1)],
    "find_keys",
    ["type", find[0], "spec", find.slice(1)],
  ];
}

/** A command as 7.0 and later describe it. */
function described(flags: string[], ...specs: RespValue[]): RespValue {
  return ["NewCmd", -2, flags, 0, 0, 0, [], [], specs, []];
}

const INDEX_1: RespValue[] = ["index", "index", 1];
const ONE: RespValue[] = ["range", "lastkey", 0, "keystep", 1, "limit", 0];
const ALL: RespValue[] = ["range", "lastkey", -1, "keystep", 1, "limit", 0];
const COUNTED: RespValue[] = ["keynum", "keynumidx", 0, "firstkey", 1, "keystep", 1];

const ROWS: readonly { name: string; reply: RespValue; args: string; expected: number[] }[] = [
  {
    name: "one key",
    reply: described(["write"], spec(["RW", "update"], INDEX_1, ONE)),
    args: "newcmd a b",
    expected: [1],
  },
  {
    name: "a key that is only read",
    reply: described(
      ["write"],
      spec(["RO", "access"], INDEX_1, ONE),
      spec(["OW", "update"], ["index", "index", 2], ONE),
    ),
    args: "newcmd a b",
    expected: [2],
  },
  {
    name: "every argument",
    reply: described(["write"], spec(["RM", "delete"], INDEX_1, ALL)),
    args: "newcmd a b c",
    expected: [1, 2, 3],
  },
  {
    name: "a number of keys",
    reply: described(["write"], spec(["RW"], INDEX_1, COUNTED)),
    args: "newcmd 2 a b c",
    expected: [2, 3],
  },
  {
    name: "a number of keys that contradicts the arguments",
    reply: described(["write"], spec(["RW"], INDEX_1, COUNTED)),
    args: "newcmd 9 a",
    expected: [],
  },
  {
    name: "a key behind a word",
    reply: described(
      ["write"],
      spec(["OW"], ["keyword", "keyword", "STORE", "startfrom", 1], ONE),
    ),
    args: "newcmd x STORE d",
    expected: [3],
  },
  {
    name: "flags that vary count as what they may be",
    reply: described(["write"], spec(["RW", "access", "variable_flags"], INDEX_1, ONE)),
    args: "newcmd a",
    expected: [1],
  },
  {
    name: "before 7.0: first, last and step",
    reply: ["newcmd", -3, ["write"], 1, -1, 2],
    args: "newcmd a 1 b 2",
    expected: [1, 3],
  },
  {
    name: "before 7.0: an absolute last key",
    reply: ["newcmd", 4, ["write"], 1, 2, 1],
    args: "newcmd a b c",
    expected: [1, 2],
  },
];

for (const { name, reply, args, expected } of ROWS) {
  test(`readForeignCommand() finds ${name}`, () => {
    const foreign = readForeignCommand(reply);
    assert.ok(foreign !== undefined && !foreign.movable && foreign.writes);
    assert.deepEqual(changedKeys(foreign, Argv.of(...args.split(" "))), expected);
  });
}

const MOVABLE: readonly { name: string; reply: RespValue }[] = [
  { name: "before 7.0, movable keys", reply: ["newcmd", -2, ["write", "movablekeys"], 0, 0, 0] },
  { name: "movable keys and no spec", reply: described(["write", "movablekeys"]) },
  {
    name: "an incomplete spec",
    reply: described(["write", "movablekeys"], spec(["RW", "incomplete"], INDEX_1, ONE)),
  },
  { name: "an unknown search", reply: described(["write"], spec(["RW"], ["unknown"], ONE)) },
  { name: "an unknown find", reply: described(["write"], spec(["RW"], INDEX_1, ["unknown"])) },
  {
    name: "a step of nothing",
    reply: described(
      ["write"],
      spec(["RW"], INDEX_1, ["range", "lastkey", -1, "keystep", 0, "limit", 0]),
    ),
  },
  {
    name: "an index that is the name",
    reply: described(["write"], spec(["RW"], ["index", "index", 0], ONE)),
  },
  {
    name: "a keyword that our notation cannot hold",
    reply: described(["write"], spec(["RW"], ["keyword", "keyword", "a:b", "startfrom", 1], ONE)),
  },
  { name: "flags that are none", reply: described(["write"], spec(["R@W"], INDEX_1, ONE)) },
  { name: "a spec that is no map", reply: described(["write"], "nothing") },
];

for (const { name, reply } of MOVABLE) {
  test(`readForeignCommand() leaves it to COMMAND GETKEYS: ${name}`, () => {
    assert.equal(readForeignCommand(reply)?.movable, true);
  });
}

test("readForeignCommand() knows nothing of what is no description", () => {
  for (const reply of [null, undefined, "newcmd", [], ["newcmd", 1]]) {
    assert.equal(readForeignCommand(reply as RespValue), undefined);
  }
});

test("a read-only command is told from a write", () => {
  const reads = readForeignCommand(described(["readonly"], spec(["RO"], INDEX_1, ONE)));
  assert.deepEqual([reads?.readsOnly, reads?.writes], [true, false]);
});

/**
 * What a master of ours sends on for commands on lists, which keys it says were changed, and clients that
 * wait. What they answer
 * is in `tests/golden/commands/list/list.json`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { specification } from "../../support/specification.ts";
import { Engine } from "../engine.ts";

const rows: { name: string; run: string[]; sent: string[]; changed: string[] }[] = [
  { name: "LPUSH", run: ["LPUSH l a b"], sent: ["LPUSH l a b"], changed: ["0:l"] },
  { name: "RPUSHX of nothing", run: ["RPUSHX none a"], sent: [], changed: [] },
  { name: "LPOP", run: ["LPOP abc"], sent: ["LPOP abc"], changed: ["0:abc"] },
  { name: "RPOP with a count", run: ["RPOP abc 9"], sent: ["RPOP abc 9"], changed: ["0:abc"] },
  { name: "LPOP of none", run: ["LPOP abc 0", "LPOP none"], sent: [], changed: [] },
  { name: "BLPOP", run: ["BLPOP none abc 0"], sent: ["LPOP abc"], changed: ["0:abc"] },
  { name: "BRPOP", run: ["BRPOP abc 0"], sent: ["RPOP abc"], changed: ["0:abc"] },
  { name: "BLPOP in vain", run: ["BLPOP none 1"], sent: [], changed: [] },
  {
    name: "LMPOP",
    run: ["LMPOP 2 none abc RIGHT COUNT 5"],
    sent: ["RPOP abc 3"],
    changed: ["0:abc"],
  },
  {
    name: "LMPOP without a count",
    run: ["LMPOP 1 abc LEFT"],
    sent: ["LPOP abc 1"],
    changed: ["0:abc"],
  },
  { name: "BLMPOP", run: ["BLMPOP 0 1 abc LEFT"], sent: ["LPOP abc 1"], changed: ["0:abc"] },
  {
    name: "LMOVE",
    run: ["lmove abc new left Right"],
    sent: ["lmove abc new left Right"],
    changed: ["0:new", "0:abc"],
  },
  {
    name: "BLMOVE",
    run: ["BLMOVE abc new left Right 0"],
    sent: ["LMOVE abc new left Right"],
    changed: ["0:new", "0:abc"],
  },
  {
    name: "BRPOPLPUSH",
    run: ["BRPOPLPUSH abc abc 0"],
    sent: ["RPOPLPUSH abc abc"],
    changed: ["0:abc", "0:abc"],
  },
  { name: "LREM of none", run: ["LREM abc 0 x"], sent: [], changed: [] },
  { name: "LREM", run: ["LREM abc 0 a"], sent: ["LREM abc 0 a"], changed: ["0:abc"] },
  { name: "LTRIM of nothing", run: ["LTRIM abc 0 -1"], sent: [], changed: ["0:abc"] },
  { name: "LTRIM", run: ["LTRIM abc 1 1"], sent: ["LTRIM abc 1 1"], changed: ["0:abc"] },
  { name: "LINSERT of no place", run: ["LINSERT abc AFTER x y"], sent: [], changed: [] },
  { name: "LSET", run: ["LSET abc 0 x"], sent: ["LSET abc 0 x"], changed: ["0:abc"] },
];

for (const { name, run, sent, changed } of rows) {
  test(`${name} sends on ${sent.length === 0 ? "nothing" : sent.join(", ")}`, () => {
    const engine = new Engine();
    engine.call("RPUSH", "abc", "a", "b", "c");
    engine.propagated.length = 0;
    engine.changes.length = 0;
    for (const command of run) engine.call(...command.split(" "));
    assert.deepEqual(engine.propagated, sent);
    assert.deepEqual(engine.changes, changed);
  });
}

test("a list that becomes empty is no key any more", () => {
  const engine = new Engine();
  const takers = [
    "LPOP l",
    "RPOP l 5",
    "LREM l 0 a",
    "LTRIM l 5 9",
    "LMPOP 1 l LEFT",
    "LMOVE l other LEFT LEFT",
    "BLPOP l 0",
  ];
  for (const taker of takers) {
    engine.call("RPUSH", "l", "a");
    engine.call(...taker.split(" "));
    assert.equal(engine.call("EXISTS", "l"), ":0\r\n", taker);
  }
});

test("the stream of a 6.0 master may hold counts that later ones refuse", () => {
  const engine = new Engine("stream");
  engine.call("RPUSH", "l", "a", "b", "a");
  assert.equal(engine.call("LREM", "l", "-9223372036854775808", "a"), ":2\r\n");
});

await specification("list/list");

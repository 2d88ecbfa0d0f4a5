/**
 * What `src/commands/keys/generic.ts` answers: `tests/golden/commands/keys/generic.json`,
 * and how that differs for a replica's client, the master's stream and a stand-alone master.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { specification } from "../../support/specification.ts";
import { bulk, integer, nil, NOW, ok, PAST, testCallers } from "../callers.ts";
import { Engine } from "../engine.ts";

await specification("keys/generic");

testCallers([
  {
    name: "EXISTS does not count the expired",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`, "SET b 1"],
    when: "EXISTS k b",
    reply: integer(1),
  },
  {
    name: "TYPE of the expired is none",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`],
    when: "TYPE k",
    reply: "+none\r\n",
  },
  {
    name: "KEYS leaves the expired out",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`, "SET b 1"],
    when: "KEYS *",
    reply: `*1\r\n${bulk("b")}`,
  },
  {
    name: "SCAN leaves the expired out",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`, "SET b 1"],
    when: "SCAN 0 COUNT 1000",
    reply: `*2\r\n${bulk("0")}*1\r\n${bulk("b")}`,
  },
  {
    name: "DBSIZE counts the expired",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`],
    when: "DBSIZE",
    reply: integer(1),
  },
  {
    name: "RANDOMKEY gives the expired when there is nothing else",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`],
    when: "RANDOMKEY",
    reply: bulk("k"),
  },
  {
    name: "MOVE takes any database",
    role: "stream",
    given: ["SET k v"],
    when: "MOVE k 4000",
    reply: integer(1),
    leaves: nil,
  },
  {
    name: "SWAPDB takes any database",
    role: "stream",
    given: ["SET k v"],
    when: "SWAPDB 0 100",
    reply: ok,
    leaves: nil,
  },
  {
    name: "DEL of the expired counts none",
    given: [`SET k 5 PXAT ${PAST}`],
    when: "DEL k",
    reply: integer(0),
    sent: ["DEL k"],
  },
  {
    name: "DEL is sent whole",
    given: ["SET k v"],
    when: "DEL k nosuch",
    reply: integer(1),
    sent: ["DEL k nosuch"],
  },
  { name: "DEL of nothing is not sent", when: "DEL nosuch", reply: integer(0), sent: [] },
  {
    name: "RENAME onto itself is not sent",
    given: ["SET k v"],
    when: "RENAME k k",
    reply: ok,
    sent: [],
  },
  { name: "FLUSHALL of nothing is sent", when: "FLUSHALL", reply: ok, sent: ["FLUSHALL"] },
  {
    name: "MOVE of a client knows how many databases there are",
    when: "MOVE k 16",
    reply: "-ERR DB index is out of range\r\n",
  },
]);

test("an expired key in another database is reported there", () => {
  const engine = new Engine("stream");
  engine.select(3);
  engine.call("SET", "k", "old", "PXAT", PAST);
  engine.select(0);
  engine.call("SET", "k", "new");
  engine.propagated.length = 0;
  engine.become("master");
  engine.at(NOW);
  assert.equal(engine.call("MOVE", "k", "3"), integer(1));
  assert.deepEqual(engine.propagated, ["[3] DEL k", "MOVE k 3"]);
});

test("changes are reported key by key", () => {
  const engine = new Engine("stream");
  engine.call("MSET", "a", "1", "b", "2");
  engine.call("RENAME", "a", "c");
  engine.call("COPY", "c", "c", "DB", "2");
  engine.call("DEL", "c", "nosuch", "b");
  engine.call("SWAPDB", "0", "2");
  engine.call("FLUSHALL");
  const expected = ["0:a", "0:b", "0:a", "0:c", "2:c", "0:c", "0:b", "0:*", "2:*", "-1:*"];
  assert.deepEqual(engine.changes, expected);
});

test("a read reports no change", () => {
  const engine = new Engine("replica");
  for (const line of ["GET k", "EXISTS k", "TTL k", "KEYS *", "SCAN 0", "BITFIELD_RO k GET u8 0"]) {
    engine.call(...line.split(" "));
  }
  assert.deepEqual(engine.changes, []);
});

test("KEYS over many keys is done in slices that another writer may come between", () => {
  const engine = new Engine("stream");
  const count = 70_000;
  for (let i = 0; i < count; i++) engine.call("SET", `key:${i}`, "v");
  engine.become("replica");
  let later: ((context: Engine) => boolean) | undefined;
  engine.inSlices = (step) => later = step;
  assert.equal(engine.call("KEYS", "key:*"), "", "nothing is replied at once");
  let slices = 1;
  engine.writer.out.clear();
  while (!later!(engine)) slices++;
  assert.ok(slices >= 3, `${slices} slices`);
  const text = new TextDecoder().decode(engine.writer.out.view());
  assert.ok(text.startsWith(`*${count}\r\n`));
  assert.equal(new Set(text.split("\r\n").filter((line) => line.startsWith("key:"))).size, count);
});

test("SCAN with a huge COUNT stops after a bounded number of keys", () => {
  const engine = new Engine("stream");
  for (let i = 0; i < 60_000; i++) engine.call("SET", `key:${i}`, "v");
  const [, first] = /^\*2\r\n\$\d+\r\n(\d+)\r\n\*(\d+)/.exec(
    engine.call("SCAN", "0", "COUNT", "1000000"),
  )!;
  assert.notEqual(first, "0");
});

test("SCAN through to the end finds every key of that type once", () => {
  const engine = new Engine("stream");
  for (let i = 0; i < 5000; i++) engine.call("SET", `key:${i}`, "v");
  engine.become("replica");
  const found: string[] = [];
  let cursor = "0";
  do {
    const lines = engine.call("SCAN", cursor, "MATCH", "key:*", "TYPE", "string").split("\r\n");
    cursor = lines[2];
    found.push(...lines.filter((line) => line.startsWith("key:")));
  } while (cursor !== "0");
  assert.equal(found.length, 5000);
  assert.equal(new Set(found).size, 5000);
});

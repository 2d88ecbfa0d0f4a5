/**
 * What `src/commands/string/string.ts` answers: `tests/golden/commands/string/string.json`,
 * and how that differs for a replica's client, the master's stream and a stand-alone master.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { specification } from "../../support/specification.ts";
import { bulk, FUTURE, integer, nil, NOW, ok, PAST, testCallers } from "../callers.ts";
import { Engine } from "../engine.ts";

await specification("string/string");

testCallers([
  {
    name: "GET hides what has expired",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`],
    when: "GET k",
    reply: nil,
    leaves: bulk("v"),
  },
  {
    name: "GET shows what expires now",
    role: "replica",
    given: [`SET k v PXAT ${NOW}`],
    when: "GET k",
    reply: bulk("v"),
  },
  {
    name: "MGET hides the expired",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`, "SET b 1"],
    when: "MGET k b",
    reply: `*2\r\n${nil}${bulk("1")}`,
  },
  {
    name: "INCR of the expired goes on",
    role: "stream",
    given: [`SET k 5 PXAT ${PAST}`],
    when: "INCR k",
    reply: integer(6),
  },
  {
    name: "GETEX in the past is stored",
    role: "stream",
    given: ["SET k v"],
    when: `GETEX k PXAT ${PAST}`,
    reply: bulk("v"),
    leaves: bulk("v"),
  },
  {
    name: "DELEX IFDNE has been judged",
    role: "stream",
    given: ["SET k v"],
    when: "DELEX k IFDNE 0123",
    reply: integer(1),
    leaves: nil,
  },
  {
    name: "GET deletes the expired",
    given: [`SET k v PXAT ${PAST}`],
    when: "GET k",
    reply: nil,
    sent: ["DEL k"],
    leaves: nil,
  },
  {
    name: "INCR of the expired begins anew",
    given: [`SET k 5 PXAT ${PAST}`],
    when: "INCR k",
    reply: integer(1),
    sent: ["DEL k", "INCR k"],
  },
  {
    name: "SETEX becomes SET PXAT",
    when: "SETEX k 100 v",
    reply: ok,
    sent: [`SET k v PXAT ${FUTURE}`],
  },
  {
    name: "PSETEX becomes SET PXAT",
    when: "PSETEX k 100000 v",
    reply: ok,
    sent: [`SET k v PXAT ${FUTURE}`],
  },
  {
    name: "GETSET becomes SET",
    given: ["SET k u"],
    when: "GETSET k v",
    reply: bulk("u"),
    sent: ["SET k v"],
  },
  {
    name: "GETDEL becomes DEL",
    given: ["SET k u"],
    when: "GETDEL k",
    reply: bulk("u"),
    sent: ["DEL k"],
  },
  {
    name: "GETEX alone is not sent",
    given: ["SET k u"],
    when: "GETEX k",
    reply: bulk("u"),
    sent: [],
  },
  {
    name: "GETEX EX becomes PEXPIREAT",
    given: ["SET k u"],
    when: "GETEX k EX 100",
    reply: bulk("u"),
    sent: [`PEXPIREAT k ${FUTURE}`],
  },
  {
    name: "GETEX PERSIST becomes PERSIST",
    given: [`SET k u PXAT ${FUTURE}`],
    when: "GETEX k PERSIST",
    reply: bulk("u"),
    sent: ["PERSIST k"],
  },
  {
    name: "GETEX in the past becomes DEL",
    given: ["SET k u"],
    when: `GETEX k PXAT ${PAST}`,
    reply: bulk("u"),
    sent: ["DEL k"],
    leaves: nil,
  },
  {
    name: "INCRBYFLOAT becomes SET KEEPTTL",
    given: ["SET k 10.5"],
    when: "INCRBYFLOAT k 0.1",
    reply: bulk("10.6"),
    sent: ["SET k 10.6 KEEPTTL"],
  },
  {
    name: "APPEND of nothing makes the key",
    when: "APPEND k ",
    reply: integer(0),
    sent: ["APPEND k "],
    leaves: bulk(""),
  },
  {
    name: "MSETEX EX becomes PXAT",
    when: "MSETEX 1 k v EX 100 NX",
    reply: integer(1),
    sent: [`MSETEX 1 k v PXAT ${FUTURE} NX`],
  },
  {
    name: "DELIFEQ becomes DEL",
    given: ["SET k v"],
    when: "DELIFEQ k v",
    reply: integer(1),
    sent: ["DEL k"],
  },
  {
    name: "DELEX IFEQ that does not hold",
    given: ["SET k v"],
    when: "DELEX k IFEQ w",
    reply: integer(0),
    leaves: bulk("v"),
  },
]);

test("binary keys and values go through every string command whole", () => {
  const engine = new Engine("master");
  const key = Uint8Array.from({ length: 256 }, (_, i) => i);
  const value = Uint8Array.from({ length: 256 }, (_, i) => 255 - i);
  engine.raw(["SET", key, value]);
  engine.raw(["APPEND", key, key]);
  const got = engine.raw(["GET", key]);
  assert.deepEqual(got.slice(6, 6 + 256), value);
  assert.deepEqual(got.slice(6 + 256, 6 + 512), key);
  assert.equal(engine.call("BITCOUNT", key), integer(2048));
});

test("a client's string may not pass 512 MB, and is left as it was", () => {
  const engine = new Engine("master");
  engine.call("SET", "k", "v");
  const refused = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
  assert.equal(engine.call("SETRANGE", "k", "536870912", "x"), refused);
  assert.equal(engine.call("SETRANGE", "k", "9223372036854775807", "x"), refused);
  assert.equal(engine.call("GET", "k"), bulk("v"));
});

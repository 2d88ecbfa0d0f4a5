/**
 * The order of a server's checks, and what a handler's failure costs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { SILENT } from "../../src/base/logger.ts";
import { FIRST_VALKEY_VERSION } from "../../src/rdb/format/version.ts";
import { NO_REPLICATION } from "../../src/server/view.ts";
import { setString } from "../../src/store/types/string.ts";
import { Bench, fill } from "./support.ts";
import { START_MS } from "../support/clock.ts";

const READONLY = "-READONLY You can't write against a read only replica.|";

interface Row {
  readonly name: string;
  readonly says: readonly string[];
  readonly hears: readonly string[];
}

const REPLICA_ROWS: readonly Row[] = [
  { name: "a read", says: ["GET a", "get a", "GeT nope"], hears: ["$1|1|", "$1|1|", "$-1|"] },
  { name: "a write is refused", says: ["SET a b"], hears: [READONLY] },
  {
    name: "a write is refused before its arguments are looked at, but after they are counted",
    says: ["SETBIT a x y", "GETEX a", "BITFIELD a GET u8 0", "SET a"],
    hears: [READONLY, READONLY, READONLY, "-ERR wrong number of arguments for 'set' command|"],
  },
  {
    name: "an unknown command comes with its arguments",
    says: ["FOO bar baz", "foo", "CONFIG foo"],
    hears: [
      "-ERR unknown command 'FOO', with args beginning with: 'bar' 'baz' |",
      "-ERR unknown command 'foo', with args beginning with: |",
      "-ERR unknown subcommand 'foo'. Try CONFIG HELP.|",
    ],
  },
  {
    name: "a container alone is a wrong number of arguments",
    says: ["CONFIG", "CLIENT", "OBJECT"],
    hears: ["config", "client", "object"].map((name) =>
      `-ERR wrong number of arguments for '${name}' command|`
    ),
  },
  {
    name: "MULTI queues reads and gives them together",
    says: ["MULTI", "GET a", "PING", "EXEC"],
    hears: ["+OK|", "+QUEUED|", "+QUEUED|", "*2|$1|1|+PONG|"],
  },
  {
    name: "a write spoils a transaction",
    says: ["MULTI", "SET a b", "GET a", "EXEC", "GET a"],
    hears: [
      "+OK|",
      READONLY,
      "+QUEUED|",
      "-EXECABORT Transaction discarded because of previous errors.|",
      "$1|1|",
    ],
  },
  {
    name: "an unknown command and a wrong arity spoil a transaction",
    says: ["MULTI", "FOO", "EXEC", "MULTI", "GET", "EXEC"],
    hears: [
      "+OK|",
      "-ERR unknown command 'FOO', with args beginning with: |",
      "-EXECABORT Transaction discarded because of previous errors.|",
      "+OK|",
      "-ERR wrong number of arguments for 'get' command|",
      "-EXECABORT Transaction discarded because of previous errors.|",
    ],
  },
  {
    name: "EXEC with a wrong arity discards",
    says: ["MULTI", "EXEC a", "EXEC"],
    hears: [
      "+OK|",
      "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command|",
      "-ERR EXEC without MULTI|",
    ],
  },
  {
    name: "EXEC that is refused is EXECABORT without a transaction, too",
    says: ["EXEC a", "EXEC"],
    hears: [
      "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command|",
      "-ERR EXEC without MULTI|",
    ],
  },
  {
    name: "an error inside EXEC is one of its replies",
    says: ["MULTI", "SELECT x", "GET a", "EXEC"],
    hears: [
      "+OK|",
      "+QUEUED|",
      "+QUEUED|",
      "*2|-ERR value is not an integer or out of range|$1|1|",
    ],
  },
  {
    name: "MULTI's edges",
    says: ["EXEC", "DISCARD", "MULTI", "MULTI", "WATCH a", "DISCARD", "EXEC"],
    hears: [
      "-ERR EXEC without MULTI|",
      "-ERR DISCARD without MULTI|",
      "+OK|",
      "-ERR MULTI calls can not be nested|",
      "-ERR WATCH inside MULTI is not allowed|",
      "+OK|",
      "-ERR EXEC without MULTI|",
    ],
  },
  {
    name: "SELECT inside EXEC stays selected",
    says: ["MULTI", "SELECT 1", "GET only", "EXEC", "GET only"],
    hears: ["+OK|", "+QUEUED|", "+QUEUED|", "*2|+OK|$3|one|", "$3|one|"],
  },
  {
    name: "RESP2 with subscriptions: only what answers as messages do",
    says: ["SUBSCRIBE ch", "GET a", "PING", "PING x", "UNSUBSCRIBE", "GET a"],
    hears: [
      "*3|$9|subscribe|$2|ch|:1|",
      "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are" +
      " allowed in this context|",
      "*2|$4|pong|$0||",
      "*2|$4|pong|$1|x|",
      "*3|$11|unsubscribe|$2|ch|:0|",
      "$1|1|",
    ],
  },
  {
    name: "CLIENT REPLY",
    says: [
      "CLIENT REPLY OFF",
      "GET a",
      "CLIENT REPLY ON",
      "GET a",
      "CLIENT REPLY SKIP",
      "GET a",
      "GET a",
      "CLIENT REPLY SKIP",
      "CLIENT REPLY SKIP",
      "FOO",
      "PING",
    ],
    hears: ["", "", "+OK|", "$1|1|", "", "", "$1|1|", "", "", "", "+PONG|"],
  },
];

for (const { name, says, hears } of REPLICA_ROWS) {
  test(`dispatch on a replica: ${name}`, () => {
    const bench = new Bench();
    fill(bench.keyspace, { a: "1" });
    fill(bench.keyspace, { only: "one" }, 1);
    const talker = bench.talker();
    assert.deepEqual(says.map((line) => talker.say(line)), hears);
    assert.deepEqual(bench.stream, []);
  });
}

test("a client that can redirect is sent to the master, and reads here after READONLY", () => {
  const view = () => ({ ...NO_REPLICATION, masterHost: "10.0.0.1", masterPort: 6379 });
  const bench = new Bench({ view });
  fill(bench.keyspace, { a: "1" });
  const talker = bench.talker();
  const there = "-REDIRECT 10.0.0.1:6379|";
  const said = [
    "CLIENT CAPA foo redirect",
    "GET a",
    "SET a 1",
    "SET a",
    "PING",
    "READONLY",
    "GET a",
  ];
  const arity = "-ERR wrong number of arguments for 'set' command|";
  const heard = ["+OK|", there, there, arity, "+PONG|", "+OK|", "$1|1|"];
  assert.deepEqual(said.map((line) => talker.say(line)), heard);
  assert.deepEqual(["SET a 1", "READWRITE", "GET a"].map((line) => talker.say(line)), [
    there,
    "+OK|",
    there,
  ]);
  assert.equal(bench.talker().say("SET a 1"), READONLY);
});

test("CLIENT LIST takes the filters of Valkey 9, where the master is one", () => {
  const bench = new Bench();
  const talker = bench.talker();
  assert.match(talker.say("CLIENT LIST NAME me"), /^-ERR syntax error/);
  bench.keyspace.snapshotVersion = FIRST_VALKEY_VERSION;
  talker.say("CLIENT SETNAME me");
  const rows = ["NAME me", "NAME you", "NOT-NAME me", "DB 0", "DB 1", "FLAGS N", "NOT-FLAGS N"];
  const found = [...rows, "NOT-ID 99999", "NAME me DB 0", "ID 1 2 NAME me"].filter((row) =>
    talker.say(`CLIENT LIST ${row}`).includes("name=me ")
  );
  const wanted = ["NAME me", "DB 0", "FLAGS N", "NOT-ID 99999", "NAME me DB 0", "ID 1 2 NAME me"];
  assert.deepEqual(found, wanted);
  assert.match(talker.say("CLIENT LIST NAME"), /^-ERR syntax error/);
  assert.match(talker.say("CLIENT LIST FOO x"), /^-ERR syntax error/);
});

test("dispatch on a replica hides an expired key and leaves it to the master", () => {
  const bench = new Bench();
  const key = new TextEncoder().encode("a");
  setString(bench.keyspace.db(0), key, 0, 1, key, 0, 1, START_MS + 100);
  const talker = bench.talker();
  assert.equal(talker.say("GET a"), "$1|a|");
  bench.clock.nowMs += 101;
  assert.equal(talker.say("GET a"), "$-1|");
  assert.equal(bench.keyspace.db(0).size, 1);
});

test("a handler that fails otherwise than by refusal is answered and ends nothing", () => {
  const errors: string[] = [];
  const bench = new Bench({
    extraCommands: [{
      name: "boom",
      arity: 1,
      flags: 0,
      keys: "",
      run(ctx) {
        ctx.reply.array(3);
        ctx.reply.integer(1);
        throw new Error("a bug");
      },
    }],
    logger: { ...SILENT, error: (message) => void errors.push(message) },
  });
  const talker = bench.talker();
  assert.equal(talker.say("BOOM"), "-ERR internal error in 'boom': Error: a bug|");
  assert.equal(talker.say("PING"), "+PONG|");
  assert.equal(errors.length, 1);
});

test("EXEC that the user may not run is EXECABORT with the reason", () => {
  const bench = new Bench({
    users: { bob: { passwords: ["pw"], commands: "+@all -multi -exec" } },
  });
  const talker = bench.talker();
  talker.say("AUTH bob pw");
  assert.match(talker.say("MULTI"), /^-NOPERM /);
  assert.equal(talker.say("GET a"), "$-1|");
  assert.match(talker.say("EXEC"), /^-EXECABORT Transaction discarded because of: NOPERM /);
});

for (const line of ["POST / HTTP/1.1", "post /", "Host: 127.0.0.1:6379"]) {
  test(`a connection that says "${line}" is ended without a reply, whoever it is`, () => {
    const warnings: string[] = [];
    const logger = {
      ...SILENT,
      warn: (message: string) => void warnings.push(message),
    };
    const bench = new Bench({ password: "secret", logger });
    for (let i = 0; i < 3; i++) {
      const talker = bench.talker();
      if (i === 1) talker.say("AUTH secret");
      assert.equal(talker.say(line), "");
      assert.equal(talker.killed, true);
      assert.equal(talker.session.halted, true);
    }
    assert.equal(warnings.length, 1);
    bench.clock.nowMs += 60_000;
    bench.talker().say(line);
    assert.equal(warnings.length, 2);
  });
}

/** What Sentinel sends each second to a replica whose INFO names another master than the promoted one. */
const RECONFIGURATION = [
  "SLAVEOF 10.0.0.2 6379",
  "CONFIG REWRITE",
  "CLIENT KILL TYPE normal",
  "CLIENT KILL TYPE pubsub",
];

test("a transaction that begins with a refused SLAVEOF cuts no client", () => {
  for (const name of ["SLAVEOF", "REPLICAOF"]) {
    const bench = new Bench({});
    const client = bench.talker();
    const subscriber = bench.talker();
    subscriber.say("SUBSCRIBE c");
    const sentinel = bench.talker();
    assert.equal(sentinel.say("MULTI"), "+OK|");
    assert.match(sentinel.say(`${name} 10.0.0.2 6379`), new RegExp(`^-ERR ${name} is refused`));
    for (const line of RECONFIGURATION.slice(1)) assert.equal(sentinel.say(line), "+QUEUED|");
    assert.match(sentinel.say("EXEC"), /^-EXECABORT Transaction discarded/);
    assert.equal(client.killed || subscriber.killed, false);
    assert.equal(client.say("PING"), "+PONG|");
  }
});

test("a transaction with SLAVEOF is obeyed where clients may say whom to follow", () => {
  const told: string[] = [];
  const bench = new Bench({ replicaOf: (host, port) => void told.push(`${host}:${port}`) });
  const client = bench.talker();
  const sentinel = bench.talker();
  sentinel.say("MULTI");
  for (const line of RECONFIGURATION) assert.equal(sentinel.say(line), "+QUEUED|");
  assert.deepEqual(told, [], "nothing before EXEC");
  assert.match(sentinel.say("EXEC"), /^\*4\|\+OK\|-ERR [^|]*\|:1\|:0\|$/);
  assert.deepEqual(told, ["10.0.0.2:6379"]);
  assert.equal(client.killed, true);
});

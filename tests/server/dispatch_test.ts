/**
 * The order of a server's checks, and what a master's commands propagate.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setString } from "../../src/store/types/string.ts";
import { Bench, fill } from "./support.ts";
import { START_MS } from "../support/clock.ts";

const READONLY = "-READONLY You can't write against a read only replica.|";
const NOAUTH = "-NOAUTH Authentication required.|";
const LOADING = "-LOADING Redis is loading the dataset in memory|";
const MASTERDOWN =
  "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.|";

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

const MASTER_ROWS: readonly (Row & { readonly sends: readonly string[] })[] = [
  {
    name: "a write goes out as it came",
    says: ["SET a b", "GET a", "APPEND a c", "SELECT 2", "SET x y"],
    hears: ["+OK|", "$1|b|", ":2|", "+OK|", "+OK|"],
    sends: ["0: SET a b", "0: APPEND a c", "2: SET x y"],
  },
  {
    name: "what changed nothing is not sent",
    says: ["DEL nope", "SETNX old z", "PERSIST old"],
    hears: [":0|", ":0|", ":0|"],
    sends: [],
  },
  {
    name: "a transaction goes out as one, without what changed nothing",
    says: ["MULTI", "SET a b", "GET a", "DEL nope", "SELECT 1", "SET c d", "EXEC"],
    hears: [
      "+OK|",
      "+QUEUED|",
      "+QUEUED|",
      "+QUEUED|",
      "+QUEUED|",
      "+QUEUED|",
      "*5|+OK|$1|b|:0|+OK|+OK|",
    ],
    sends: ["-1: MULTI", "0: SET a b", "1: SET c d", "-1: EXEC"],
  },
  {
    name: "a transaction with one write is that write",
    says: ["MULTI", "SET a b", "GET a", "EXEC"],
    hears: ["+OK|", "+QUEUED|", "+QUEUED|", "*2|+OK|$1|b|"],
    sends: ["0: SET a b"],
  },
  {
    name: "a relative expiry goes out absolute",
    says: ["SET a b EX 10"],
    hears: ["+OK|"],
    sends: [`0: SET a b PXAT ${START_MS + 10000}`],
  },
  {
    name: "PUBLISH goes out",
    says: ["PUBLISH ch m"],
    hears: [":0|"],
    sends: ["0: PUBLISH ch m"],
  },
];

for (const { name, says, hears, sends } of MASTER_ROWS) {
  test(`dispatch on a master: ${name}`, () => {
    const bench = new Bench({ role: "master" });
    fill(bench.keyspace, { old: "1" });
    const talker = bench.talker();
    assert.deepEqual(says.map((line) => talker.say(line)), hears);
    assert.deepEqual(bench.stream, sends);
  });
}

test("dispatch on a master deletes an expired key and sends that ahead", () => {
  const bench = new Bench({ role: "master" });
  const talker = bench.talker();
  talker.say("SET a b PX 100");
  talker.say("SET c d PX 100");
  bench.stream.length = 0;
  bench.clock.nowMs += 101;
  assert.equal(talker.say("GET a"), "$-1|");
  assert.equal(talker.say("SET c e NX"), "+OK|");
  assert.deepEqual(bench.stream, [
    "0: DEL a",
    "-1: MULTI",
    "0: DEL c",
    "0: SET c e NX",
    "-1: EXEC",
  ]);
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

test("dispatch asks for a password before anything but a wrong name or arity", () => {
  const bench = new Bench({ password: "secret" });
  const talker = bench.talker(false);
  assert.equal(talker.say("GET a"), NOAUTH);
  assert.equal(talker.say("SET a b"), NOAUTH);
  assert.match(talker.say("FOO"), /^-ERR unknown command/);
  assert.match(talker.say("GET"), /^-ERR wrong number/);
  assert.match(talker.say("HELLO 3"), /^-NOAUTH HELLO must be called/);
  assert.match(talker.say("AUTH wrong"), /^-WRONGPASS/);
  assert.equal(talker.say("AUTH secret"), "+OK|");
  assert.equal(talker.say("GET a"), "$-1|");
  assert.equal(talker.say("RESET"), "+RESET|");
  assert.equal(talker.say("GET a"), NOAUTH);
  assert.match(talker.say("HELLO 2 AUTH default secret SETNAME me"), /^\*14\|/);
  assert.equal(talker.say("CLIENT GETNAME"), "$2|me|");
});

test("dispatch refuses what a user may not run", () => {
  const bench = new Bench({
    users: { reader: { passwords: ["p"], commands: "-@all +@read +client|id" }, all: "q" },
  });
  const talker = bench.talker(false);
  assert.equal(talker.say("AUTH reader p"), "+OK|");
  assert.equal(talker.say("GET a"), "$-1|");
  const refused = (command: string) =>
    `-NOPERM User reader has no permissions to run the '${command}' command|`;
  assert.equal(talker.say("PING"), refused("ping"));
  assert.equal(talker.say("SET a b"), refused("set"));
  assert.equal(talker.say("CLIENT LIST"), refused("client|list"));
  assert.match(talker.say("CLIENT ID"), /^:/);
  assert.match(talker.say("AUTH reader q"), /^-WRONGPASS/);
  assert.equal(talker.say("AUTH all q"), "+OK|");
  assert.equal(talker.say("PING"), "+PONG|");
});

test("dispatch answers LOADING and MASTERDOWN by flags", () => {
  const bench = new Bench({ serveStaleData: false });
  const talker = bench.talker();
  bench.dispatcher.host.availability.loading = true;
  assert.deepEqual(["GET a", "PING", "KEYS *"].map((line) => talker.say(line)), [
    LOADING,
    LOADING,
    LOADING,
  ]);
  assert.equal(talker.say("SET a b"), READONLY);
  assert.equal(talker.say("ECHO x"), "$1|x|");
  bench.dispatcher.host.availability.masterDown = true;
  assert.equal(talker.say("GET a"), MASTERDOWN);
  assert.equal(talker.say("MULTI"), "+OK|");
  assert.equal(talker.say("GET a"), MASTERDOWN);
  assert.match(talker.say("EXEC"), /^-EXECABORT/);
  bench.dispatcher.host.availability.loading = false;
  bench.dispatcher.host.availability.masterDown = false;
  assert.equal(talker.say("PING"), "+PONG|");
});

test("dispatch discards at EXEC when the master went away after the commands were queued", () => {
  const bench = new Bench({ serveStaleData: false });
  const talker = bench.talker();
  talker.say("MULTI");
  talker.say("GET a");
  bench.dispatcher.host.availability.masterDown = true;
  assert.equal(
    talker.say("EXEC"),
    `-EXECABORT Transaction discarded because of: ${MASTERDOWN.slice(1)}`,
  );
});

test("dispatch serves stale data unless told otherwise", () => {
  const bench = new Bench();
  bench.dispatcher.host.availability.masterDown = true;
  assert.equal(bench.talker().say("GET a"), "$-1|");
});

test("WATCH: EXEC gives null after a change, by the stream, a snapshot or time", () => {
  const bench = new Bench();
  const key = new TextEncoder().encode("a");
  const changes: readonly [string, () => void, string][] = [
    ["nothing", () => {}, "*1|+PONG|"],
    ["another key", () => bench.dispatcher.host.touch(0, new Uint8Array([98]), 0, 1), "*1|+PONG|"],
    ["another database", () => bench.dispatcher.host.touch(1, key, 0, 1), "*1|+PONG|"],
    ["the key", () => bench.dispatcher.host.touch(0, key, 0, 1), "*-1|"],
    ["the whole database", () => bench.dispatcher.host.touchAll(0), "*-1|"],
    ["another whole database", () => bench.dispatcher.host.touchAll(3), "*1|+PONG|"],
    ["everything", () => bench.dispatcher.host.touchAll(-1), "*-1|"],
  ];
  const talker = bench.talker();
  for (const [name, change, expected] of changes) {
    talker.say("WATCH a");
    change();
    talker.say("MULTI");
    talker.say("PING");
    assert.equal(talker.say("EXEC"), expected, name);
  }
  setString(bench.keyspace.db(0), key, 0, 1, key, 0, 1, START_MS + 100);
  talker.say("WATCH a");
  bench.clock.nowMs += 101;
  talker.say("MULTI");
  assert.equal(talker.say("EXEC"), "*-1|");
  talker.say("WATCH a");
  bench.dispatcher.host.touch(0, key, 0, 1);
  assert.equal(talker.say("UNWATCH"), "+OK|");
  talker.say("MULTI");
  assert.equal(talker.say("EXEC"), "*0|");
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
    logger: { info() {}, warn() {}, error: (message) => void errors.push(message) },
  });
  const talker = bench.talker();
  assert.equal(talker.say("BOOM"), "-ERR internal error in 'boom': Error: a bug|");
  assert.equal(talker.say("PING"), "+PONG|");
  assert.equal(errors.length, 1);
});

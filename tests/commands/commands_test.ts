import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { expireSlice } from "../../src/commands/keys/expire.ts";
import { ReplyWriter } from "../../src/resp/writer.ts";
import { Engine, type Role } from "./engine.ts";

const NOW = 1_700_000_000_000;
const PAST = String(NOW - 1);
const FUTURE = String(NOW + 100_000);
const nil = "$-1\r\n";
const ok = "+OK\r\n";

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function integer(value: number | string): string {
  return `:${value}\r\n`;
}

interface Row {
  readonly name: string;
  readonly role?: Role;
  /** Run by a master's stream before the clock reads NOW. */
  readonly given?: string[];
  readonly when: string;
  readonly reply: string;
  /** What a master sends on; left out, it is not looked at. */
  readonly sent?: string[];
  /** `GET k` as the stream sees it afterwards. */
  readonly leaves?: string;
}

const rows: Row[] = [
  // A replica's view of time.
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
    name: "TTL of the expired is that of the missing",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`],
    when: "TTL k",
    reply: integer(-2),
  },
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
    name: "OBJECT ENCODING hides the expired",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`],
    when: "OBJECT ENCODING k",
    reply: nil,
  },
  {
    name: "RANDOMKEY gives the expired when there is nothing else",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`],
    when: "RANDOMKEY",
    reply: bulk("k"),
  },
  {
    name: "MGET hides the expired",
    role: "replica",
    given: [`SET k v PXAT ${PAST}`, "SET b 1"],
    when: "MGET k b",
    reply: `*2\r\n${nil}${bulk("1")}`,
  },
  {
    name: "PTTL counts from now",
    role: "replica",
    given: [`SET k v PXAT ${FUTURE}`],
    when: "PTTL k",
    reply: integer(100_000),
  },
  {
    name: "TTL rounds",
    role: "replica",
    given: [`SET k v PXAT ${NOW + 1500}`],
    when: "TTL k",
    reply: integer(2),
  },
  {
    name: "EXPIRETIME rounds",
    role: "replica",
    given: ["SET k v PXAT 1700000100500"],
    when: "EXPIRETIME k",
    reply: integer(1_700_000_101),
  },
  {
    name: "PEXPIRETIME is exact",
    role: "replica",
    given: [`SET k v PXAT ${FUTURE}`],
    when: "PEXPIRETIME k",
    reply: integer(FUTURE),
  },
  // The master's stream sees what is there.
  {
    name: "INCR of the expired goes on",
    role: "stream",
    given: [`SET k 5 PXAT ${PAST}`],
    when: "INCR k",
    reply: integer(6),
  },
  {
    name: "PEXPIREAT in the past is stored",
    role: "stream",
    given: ["SET k v"],
    when: `PEXPIREAT k ${PAST}`,
    reply: integer(1),
    leaves: bulk("v"),
  },
  {
    name: "PEXPIREAT before 1970 is stored",
    role: "stream",
    given: ["SET k v"],
    when: "PEXPIREAT k -5",
    reply: integer(1),
    leaves: bulk("v"),
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
    name: "SET PXAT in the past is stored",
    role: "stream",
    when: `SET k v PXAT ${PAST}`,
    reply: ok,
    leaves: bulk("v"),
  },
  {
    name: "SET KEEPTTL keeps what has passed",
    role: "stream",
    given: [`SET k v PXAT ${PAST}`],
    when: "SET k w KEEPTTL",
    reply: ok,
    leaves: bulk("w"),
  },
  {
    name: "SET IFDEQ has been judged",
    role: "stream",
    given: ["SET k v"],
    when: "SET k w IFDEQ 0123",
    reply: ok,
    leaves: bulk("w"),
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
  // A master of its own: deletes, and sends on what Redis 7 and later do.
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
    name: "SET of the expired deletes first",
    given: [`SET k 5 PXAT ${PAST}`],
    when: "SET k 6",
    reply: ok,
    sent: ["DEL k", "SET k 6"],
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
    name: "SET EX becomes PXAT",
    when: "SET k v NX EX 100",
    reply: ok,
    sent: [`SET k v PXAT ${FUTURE}`],
  },
  {
    name: "SET PX GET becomes PXAT",
    given: ["SET k u"],
    when: "SET k v PX 100000 GET",
    reply: bulk("u"),
    sent: [`SET k v PXAT ${FUTURE}`],
  },
  {
    name: "SET GET loses the GET",
    when: "set k v XX get",
    given: ["SET k u"],
    reply: bulk("u"),
    sent: ["set k v XX"],
  },
  {
    name: "SET NX that fails is not sent",
    given: ["SET k u"],
    when: "SET k v NX",
    reply: nil,
    sent: [],
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
    name: "EXPIRE becomes PEXPIREAT and keeps its flag",
    given: ["SET k v"],
    when: "EXPIRE k 100 nx",
    reply: integer(1),
    sent: [`PEXPIREAT k ${FUTURE} nx`],
  },
  {
    name: "EXPIRE in the past becomes DEL",
    given: ["SET k v"],
    when: "EXPIRE k -1",
    reply: integer(1),
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
    name: "SETBIT that changes nothing is not sent",
    given: ["SET k \x80"],
    when: "SETBIT k 0 1",
    reply: integer(1),
    sent: [],
  },
  {
    name: "APPEND of nothing makes the key",
    when: "APPEND k ",
    reply: integer(0),
    sent: ["APPEND k "],
    leaves: bulk(""),
  },
  {
    name: "RENAME onto itself is not sent",
    given: ["SET k v"],
    when: "RENAME k k",
    reply: ok,
    sent: [],
  },
  { name: "FLUSHALL of nothing is sent", when: "FLUSHALL", reply: ok, sent: ["FLUSHALL"] },
  {
    name: "BITOP of nothing deletes its target",
    given: ["SET k v"],
    when: "BITOP AND k nosuch",
    reply: integer(0),
    sent: ["BITOP AND k nosuch"],
    leaves: nil,
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
    name: "SET IFEQ that fails is not sent",
    given: ["SET k v"],
    when: "SET k w IFEQ x",
    reply: nil,
    sent: [],
  },
  {
    name: "SET IFNE that holds is sent",
    given: ["SET k v"],
    when: "SET k w IFNE x",
    reply: ok,
    sent: ["SET k w IFNE x"],
  },
  // What no server here can be asked.
  {
    name: "BITOP DIFF takes the others' bits away",
    given: ["SET a abc", "SET b a"],
    when: "BITOP DIFF k a b",
    reply: integer(3),
    leaves: bulk("\x00bc"),
  },
  {
    name: "BITOP DIFF1 takes the first's bits away",
    given: ["SET a \x01", "SET b \x03A"],
    when: "BITOP DIFF1 k a b",
    reply: integer(2),
    leaves: bulk("\x02A"),
  },
  {
    name: "BITOP ANDOR ands the first with the others",
    given: ["SET a \x07", "SET b \x01", "SET c \x04A"],
    when: "BITOP ANDOR k a b c",
    reply: integer(2),
    leaves: bulk("\x05\x00"),
  },
  {
    name: "BITOP ONE keeps bits of exactly one",
    given: ["SET a \x07", "SET b \x01", "SET c \x05A"],
    when: "BITOP ONE k a b c",
    reply: integer(2),
    leaves: bulk("\x02A"),
  },
  {
    name: "BITOP DIFF needs two sources",
    when: "BITOP diff k a",
    reply: "-ERR BITOP DIFF must be called with at least two source keys.\r\n",
  },
  {
    name: "DELEX IFEQ that does not hold",
    given: ["SET k v"],
    when: "DELEX k IFEQ w",
    reply: integer(0),
    leaves: bulk("v"),
  },
  {
    name: "SET IFDEQ of a client is refused",
    when: "SET k w IFDEQ 0123",
    reply: "-ERR syntax error\r\n",
  },
  {
    name: "MOVE of a client knows how many databases there are",
    when: "MOVE k 16",
    reply: "-ERR DB index is out of range\r\n",
  },
  {
    name: "LCS IDX gives ranges",
    given: ["SET a ohmytext", "SET b mynewtext"],
    when: "LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN",
    reply: `*4\r\n${bulk("matches")}*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n${
      bulk("len")
    }:6\r\n`,
  },
];

for (const { name, role, given, when, reply, sent, leaves } of rows) {
  test(name, () => {
    const engine = new Engine("stream");
    engine.at(NOW - 1_000_000);
    for (const line of given ?? []) engine.call(...line.split(" ").map(binary));
    engine.propagated.length = 0;
    engine.at(NOW);
    engine.become(role ?? "master");
    assert.equal(engine.call(...when.split(" ").map(binary)), reply);
    if (sent !== undefined) assert.deepEqual(engine.propagated, sent);
    engine.become("stream");
    if (leaves !== undefined) assert.equal(engine.call("GET", "k"), leaves);
  });
}

function binary(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

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
  engine.reply = new ReplyWriter(new ByteBuffer());
  while (!later!(engine)) slices++;
  assert.ok(slices >= 3, `${slices} slices`);
  const text = new TextDecoder().decode(engine.reply.out.view());
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

test("expireSlice() deletes what has expired and nothing else", () => {
  const engine = new Engine("stream");
  for (let i = 0; i < 3000; i++) {
    engine.call("SET", `key:${i}`, "v", "PXAT", i % 3 === 0 ? PAST : FUTURE);
  }
  engine.become("master");
  engine.at(NOW);
  let cursor = 0;
  let calls = 0;
  do {
    cursor = expireSlice(engine, cursor);
    calls++;
  } while (cursor !== 0);
  assert.ok(calls > 1);
  assert.equal(engine.db.size, 2000);
});

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

test("a string may not pass 512 MB, and is left as it was", () => {
  const engine = new Engine("stream");
  engine.call("SET", "k", "v");
  const refused = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
  assert.equal(engine.call("SETRANGE", "k", "536870912", "x"), refused);
  assert.equal(engine.call("SETRANGE", "k", "9223372036854775807", "x"), refused);
  assert.equal(engine.call("GET", "k"), bulk("v"));
});

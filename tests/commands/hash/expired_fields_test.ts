/**
 * Hashes with expired fields, as clients of a master, clients of a replica and the master's stream
 * meet them; and the field expiry commands that masters of Valkey send.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hashLength } from "../../../src/store/types/hash.ts";
import { Engine } from "../engine.ts";

const NOW = 1_700_000_000_000;
const AT = 4_000_000_000_000;

function run(engine: Engine, line: string): string {
  return engine.call(...line.split(" "));
}

/** A hash of the fields `a`, which has expired, and `b`; `filler` more fields make it a table. */
function withExpired(filler: number): Engine {
  const engine = new Engine("stream");
  engine.at(NOW);
  run(engine, "HSET h a 1 b 2");
  for (let i = 0; i < filler; i++) run(engine, `HSET h filler:${i} x`);
  run(engine, `HPEXPIREAT h ${NOW - 1} FIELDS 1 a`);
  engine.propagated.length = 0;
  return engine;
}

for (const [form, filler] of [["listpackex", 0], ["hashtable", 700]] as const) {
  test(`expired fields are deleted by a master that meets them [${form}]`, () => {
    const rows = [
      ["HGET h a", "$-1\r\n", "HDEL h a"],
      ["HEXISTS h a", ":0\r\n", "HDEL h a"],
      ["HLEN h", `:${filler + 1}\r\n`, "HDEL h a"],
      ["HSETNX h a 9", ":1\r\n", "HDEL h a,HSETNX h a 9"],
      ["HINCRBY h a 4", ":4\r\n", "HDEL h a,HINCRBY h a 4"],
      ["HINCRBYFLOAT h a 4", "$1\r\n4\r\n", "HDEL h a,HSET h a 4"],
      ["HSETEX h FXX FIELDS 1 a 1", ":0\r\n", "HDEL h a"],
      ["HTTL h FIELDS 1 a", "*1\r\n:-2\r\n", "HDEL h a"],
    ];
    for (const [command, reply, sent] of rows) {
      const engine = withExpired(filler);
      assert.equal(run(engine, "OBJECT ENCODING h"), `$${form.length}\r\n${form}\r\n`);
      engine.become("master");
      assert.equal(run(engine, command), reply, command);
      assert.equal(engine.propagated.join(), sent, command);
      assert.equal(run(engine, "HGET h b"), "$1\r\n2\r\n");
    }
  });

  test(`expired fields are hidden by a replica and not deleted [${form}]`, () => {
    const engine = withExpired(filler);
    engine.become("replica");
    assert.equal(run(engine, "HGET h a"), "$-1\r\n");
    assert.equal(run(engine, "HMGET h a b"), "*2\r\n$-1\r\n$1\r\n2\r\n");
    assert.equal(run(engine, "HEXISTS h a"), ":0\r\n");
    assert.equal(run(engine, "HSTRLEN h a"), ":0\r\n");
    assert.equal(run(engine, "HTTL h FIELDS 1 a"), "*1\r\n:-2\r\n");
    assert.match(run(engine, "HKEYS h"), new RegExp(`^\\*${filler + 1}\r\n`));
    assert.match(run(engine, "HGETALL h"), new RegExp(`^\\*${2 * filler + 2}\r\n`));
    assert.doesNotMatch(run(engine, "HSCAN h 0 COUNT 10000"), /\r\na\r\n/);
    for (let i = 0; i < 20; i++) assert.notEqual(run(engine, "HRANDFIELD h"), "$1\r\na\r\n");
    assert.deepEqual(engine.propagated, []);
    // The master's stream still sees the field and counts on from it.
    engine.become("stream");
    assert.equal(run(engine, "HINCRBY h a 4"), ":5\r\n");
    assert.equal(run(engine, `HPEXPIREAT h ${AT} XX FIELDS 1 a`), "*1\r\n:1\r\n");
    engine.become("replica");
    assert.equal(run(engine, "HGET h a"), "$1\r\n5\r\n");
  });
}

test("the last field of a hash takes the key with it when it expires", () => {
  const engine = withExpired(0);
  run(engine, "HDEL h b");
  engine.propagated.length = 0;
  engine.become("master");
  assert.equal(run(engine, "HGET h a"), "$-1\r\n");
  assert.deepEqual(engine.propagated, ["HDEL h a"]);
  assert.equal(run(engine, "EXISTS h"), ":0\r\n");
});

test("what Valkey's masters send of fields that expire is done", () => {
  const rows = [
    [`HPEXPIREAT h ${AT - 5} XX LT FIELDS 1 t`, "*1\r\n:1\r\n", AT - 5],
    [`HPEXPIREAT h ${AT + 5} XX LT FIELDS 1 t`, "*1\r\n:0\r\n", AT],
    [`HPEXPIREAT h ${AT + 5} XX GT FIELDS 1 t`, "*1\r\n:1\r\n", AT + 5],
    [`HPEXPIREAT h ${AT} GT XX FIELDS 2 t q`, "*2\r\n:0\r\n:-2\r\n", AT],
    ["HPEXPIREAT h 9000000000000000000 FIELDS 1 t", "*1\r\n:1\r\n", "9000000000000000000"],
    [`HSETEX h PXAT ${AT + 1} FIELDS 1 t 8`, ":1\r\n", AT + 1],
    ["HSETEX h KEEPTTL FIELDS 1 t 1", ":1\r\n", AT],
    ["HSETEX h FIELDS 1 t 1", ":1\r\n", -1],
    ["HPERSIST h FIELDS 1 t", "*1\r\n:1\r\n", -1],
    ["HGETDEL h FIELDS 2 t q", "*2\r\n$1\r\n3\r\n$-1\r\n", -2],
  ] as const;
  for (const [command, reply, time] of rows) {
    const engine = new Engine("stream");
    run(engine, "HSET h a 1 t 3");
    run(engine, `HPEXPIREAT h ${AT} FIELDS 1 t`);
    assert.equal(run(engine, command), reply, command);
    assert.equal(run(engine, "HPEXPIRETIME h FIELDS 1 t"), `*1\r\n:${time}\r\n`, command);
  }
});

test("options of the stream may stand behind the fields, as Redis 8.6 sends them on", () => {
  const rows = [
    [`HPEXPIREAT h ${AT + 5} FIELDS 1 t NX`, "*1\r\n:0\r\n", AT],
    [`HPEXPIREAT h ${AT + 5} FIELDS 2 a t XX`, "*2\r\n:0\r\n:1\r\n", AT + 5],
    [`HPEXPIREAT h ${AT + 5} fields 1 t GT GT`, "*1\r\n:1\r\n", AT + 5],
    [`HSETEX h FIELDS 1 t 8 PXAT ${AT + 1}`, ":1\r\n", AT + 1],
    [`HSETEX h FNX FIELDS 1 t 8 PXAT ${AT + 1}`, ":0\r\n", AT],
    ["HSETEX h FIELDS 2 a 1 t 1 KEEPTTL FXX", ":1\r\n", AT],
  ] as const;
  for (const [command, reply, time] of rows) {
    const engine = new Engine("stream");
    run(engine, "HSET h a 1 t 3");
    run(engine, `HPEXPIREAT h ${AT} FIELDS 1 t`);
    assert.equal(run(engine, command), reply, command);
    assert.equal(run(engine, "HPEXPIRETIME h FIELDS 1 t"), `*1\r\n:${time}\r\n`, command);
    assert.equal(run(engine, "HLEN h"), ":2\r\n", command);
  }
});

test("one condition is all that our own clients may ask for", () => {
  const engine = new Engine("master");
  run(engine, "HSET h a 1");
  assert.match(
    run(engine, `HPEXPIREAT h ${AT} XX LT FIELDS 1 a`),
    /^-ERR Mandatory argument FIELDS/,
  );
  assert.match(run(engine, "HPEXPIREAT h 9000000000000000000 FIELDS 1 a"), /^-ERR invalid expire/);
});

test("a read of a stand-alone master that deletes expired fields tells a snapshot of the key first", () => {
  const engine = new Engine("master");
  engine.at(NOW - 1000);
  run(engine, "HSET h a 1 b 2");
  run(engine, `HPEXPIREAT h ${NOW - 1} FIELDS 1 a`);
  engine.at(NOW);
  const told: string[] = [];
  const { keyspace } = engine;
  const lengthThen = () =>
    String(hashLength(keyspace.db(0), keyspace.db(0).find(new Uint8Array([0x68]), 0, 1)));
  keyspace.snapshotHooks.add({
    beforeKeyWrite: (_db, bytes, start, end) => {
      told.push(`${new TextDecoder().decode(bytes.subarray(start, end))} ${lengthThen()}`);
    },
    afterClear() {},
    beforeSwap() {},
  });
  assert.equal(run(engine, "HGET h a"), "$-1\r\n");
  assert.deepEqual(told, ["h 2"]);
  assert.equal(run(engine, "HLEN h"), ":1\r\n");
  assert.deepEqual(told, ["h 2"]);
});

/**
 * Decoded values: what comes of a value, that it is never a stale one, and what keeping it costs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError, type Reader, Replica, type Schema } from "../../mod.ts";
import { Prng } from "../../src/base/prng.ts";
import { bytesCodec, textCodec } from "../../src/read/codec.ts";
import { ReadCore } from "../../src/read/core.ts";
import { DecodeCache } from "../../src/read/decode_cache.ts";
import { Reader as AnyReader } from "../../src/read/reader.ts";
import { Engine } from "../commands/engine.ts";

interface Rig {
  readonly engine: Engine;
  readonly cache: DecodeCache;
  readonly reader: Reader;
  readonly bytes: Reader<Uint8Array>;
}

function rig(maxBytes: number = 1 << 20, freeze: boolean = true): Rig {
  const engine = new Engine("master");
  const cache = new DecodeCache(maxBytes, freeze);
  const source = {
    keyspace: engine.keyspace,
    clock: {
      now: () => engine.nowMs,
      monotonic: () => engine.nowMs,
      setTimer() {},
      clearTimer() {},
      soon() {},
    },
    random: () => 0.5,
    decoded: cache,
    call: () => null,
    callText: () => null,
  };
  const reader = new AnyReader(new ReadCore(source, 0, textCodec()));
  return {
    engine,
    cache,
    reader,
    bytes: new AnyReader(new ReadCore(source, 0, bytesCodec())),
  };
}

const sizeOf = (bytes: Uint8Array) => ({ size: bytes.length });

/** Accepts objects with a name, and makes the name upper case. */
const named: Schema<{ name: string }> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate(value) {
      const { name } = (value ?? {}) as { name?: unknown };
      if (typeof name !== "string") return { issues: [{ message: "name is missing" }] };
      return { value: { name: name.toUpperCase() } };
    },
  },
};

test("json() parses once until the record changes", () => {
  const { engine, cache, reader } = rig();
  engine.call("SET", "user", '{"name":"Ada","tags":["a"]}');
  const first = reader.json<{ name: string; tags: string[] }>("user");
  assert.deepEqual(first, { name: "Ada", tags: ["a"] });
  assert.equal(reader.json("user"), first);
  engine.call("SET", "other", "1");
  engine.call("HSET", "h", "f", "v");
  assert.equal(reader.json("user"), first, "another record has changed, not this one");
  assert.deepEqual(
    { hits: cache.status().hits, misses: cache.status().misses },
    { hits: 2, misses: 1 },
  );
  engine.call("SET", "user", '{"name":"Bob"}');
  assert.deepEqual(reader.json("user"), { name: "Bob" });
  engine.call("DEL", "user");
  assert.equal(reader.json("user"), undefined);
  assert.equal(cache.status().values, 0);
});

test("a decoded value is frozen, however deep, unless told otherwise", () => {
  const { engine, reader } = rig();
  engine.call("SET", "a", '{"b":{"c":[{"d":1}]}}');
  const value = reader.json<{ b: { c: { d: number }[] } }>("a")!;
  assert.throws(() => value.b.c[0].d = 2, TypeError);
  assert.throws(() => value.b.c.push({ d: 2 }), TypeError);
  const loose = rig(1 << 20, false);
  loose.engine.call("SET", "a", '{"b":1}');
  loose.reader.json<{ b: number }>("a")!.b = 2;
  const options = new Replica({ decodeCache: { freeze: false, maxBytes: 0 } });
  assert.equal(options.status().decodeCache.bytes, 0);
});

test("an expired record is hidden although its value is kept", () => {
  const { engine, reader } = rig();
  engine.call("SET", "a", "[1]", "PX", "50");
  assert.deepEqual(reader.json("a"), [1]);
  assert.deepEqual(reader.json("a"), [1]);
  engine.nowMs += 51;
  assert.equal(reader.json("a"), undefined);
});

const ROWS: [name: string, read: (r: Reader) => unknown, wanted: unknown][] = [
  ["get", (r) => r.get("s", { decode: "json" }), { name: "x" }],
  ["get of a function", (r) => r.get("s", { decode: sizeOf }), { size: 12 }],
  ["get of a schema", (r) => r.get("s", { decode: named }), { name: "X" }],
  ["mget", (r) => r.mget(["s", "none", "h"], { decode: named }), [
    { name: "X" },
    undefined,
    undefined,
  ]],
  ["hget", (r) => r.hget("h", "j", { decode: "json" }), [1]],
  ["hget of a missing field", (r) => r.hget("h", "none", { decode: "json" }), undefined],
  ["hmget", (r) => r.hmget("h", ["j", "none"], { decode: "json" }), [[1], undefined]],
  ["hgetall", (r) => r.hgetall("j", { decode: "json" }), { a: 1, b: { c: 2 } }],
  ["hgetall of a schema", (r) => r.hgetall("h", { decode: named }), { name: "ADA" }],
  ["hgetall of none", (r) => r.hgetall("none", { decode: named }), undefined],
  ["lindex", (r) => r.lindex("l", -1, { decode: "json" }), { i: 2 }],
  ["smembers", (r) => r.smembers("m", { decode: "json" }), [{ m: 1 }]],
  ["smembers of a function", (r) => r.smembers("m", { decode: sizeOf }), [{ size: 7 }]],
  ["smembers of none", (r) => r.smembers("none", { decode: "json" }), []],
  ["zrange", (r) => r.zrange("z", 0, -1, { decode: "json" }), [{ z: 1 }, { z: 2 }]],
  [
    "zrange with scores, by score, the highest first",
    (r) => r.zrange("z", 9, 0, { by: "score", rev: true, withScores: true, decode: "json" }),
    [{ value: { z: 2 }, score: 2 }, { value: { z: 1 }, score: 1 }],
  ],
  ["zrange by lex", (r) => r.zrange("z", "-", "[{", { by: "lex", decode: "json" }), []],
  ["xrange", (r) => r.xrange("x", "-", "+", { decode: "json", count: 1 }), [
    { id: "1-1", message: { a: 1, b: { c: 2 } } },
  ]],
  ["xrange, the newest first", (r) => r.xrange("x", "-", "+", { decode: sizeOf, rev: true }), [
    { id: "2-1", message: { name: { size: 3 } } },
    { id: "1-1", message: { a: { size: 1 }, b: { size: 7 } } },
  ]],
  ["lrange", (r) => r.lrange("l", 0, -1, { decode: "json" }), [{ i: 1 }, { i: 2 }]],
];

test("xrange of a schema gives it the object of all fields", () => {
  const { engine, reader } = rig();
  engine.call("XADD", "x", "1-1", "name", "Ada", "age", "36");
  assert.deepEqual(reader.xrange("x", "-", "+", { decode: named }), [
    { id: "1-1", message: { name: "ADA" } },
  ]);
  engine.call("XADD", "x", "2-1", "age", "36");
  assert.throws(() => reader.xrange("x", "-", "+", { decode: named }), DecodeError);
});

for (const [name, read, wanted] of ROWS) {
  test(`decode: ${name}, from text and from bytes, the same value the second time`, () => {
    const { engine, cache, reader, bytes } = rig();
    engine.call("SET", "s", '{"name":"x"}');
    engine.call("HSET", "h", "name", "Ada", "j", "[1]");
    engine.call("HSET", "j", "a", "1", "b", '{"c":2}');
    engine.call("RPUSH", "l", '{"i":1}', '{"i":2}');
    engine.call("SADD", "m", '{"m":1}');
    engine.call("ZADD", "z", "1", '{"z":1}', "2", '{"z":2}');
    engine.call("XADD", "x", "1-1", "a", "1", "b", '{"c":2}');
    engine.call("XADD", "x", "2-1", "name", "Ada");
    assert.deepEqual(read(reader), wanted);
    const { misses } = cache.status();
    assert.deepEqual(read(reader), wanted);
    assert.deepEqual(read(bytes as unknown as Reader), wanted);
    assert.equal(cache.status().misses, misses);
  });
}

test("an error of decoding tells the key and never the value", () => {
  const { engine, reader } = rig();
  const key = `card:${"9".repeat(100)}`;
  engine.call("SET", key, "{secret-4711");
  const fails = (read: () => unknown, cause: boolean, issues: number) =>
    assert.throws(read, (error) => {
      assert.ok(error instanceof DecodeError);
      assert.equal(error.code, "DECODE_FAILED");
      assert.match(error.message, /card:999/);
      assert.ok(!`${error.stack}${JSON.stringify(error)}`.includes("4711"));
      assert.ok(error.key.length < 80);
      assert.equal(error.cause !== undefined, cause);
      assert.equal(error.issues.length, issues);
      return true;
    });
  fails(() => reader.json(key), false, 0);
  fails(() => reader.get(key, { decode: named }), false, 0);
  const throwing = () => {
    throw new Error("mine");
  };
  fails(() => reader.get(key, { decode: throwing }), true, 0);
  engine.call("SET", key, '{"x":"4711"}');
  fails(() => reader.get(key, { decode: named }), false, 1);
  const waits = {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) => Promise.resolve({ value }),
    },
  };
  fails(() => reader.get(key, { decode: waits }), false, 0);
  assert.throws(() => reader.hget(key, "f", { decode: "json" }), /WRONGTYPE/);
});

test("a decoder may read", () => {
  const { engine, reader } = rig();
  engine.call("RPUSH", "l", "1", "2", "3");
  engine.call("HSET", "h", "a", "1", "b", "2");
  const reads = (bytes: Uint8Array) => {
    reader.lrange("l", 0, -1);
    reader.hgetall("h");
    return Number(new TextDecoder().decode(bytes));
  };
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(reader.lrange("l", 0, -1, { decode: reads }), [1, 2, 3]);
    assert.deepEqual(reader.hgetall("h", { decode: reads }), { a: 1, b: 2 });
  }
});

test("the cache keeps to its bound, and keeps what is used", () => {
  const { engine, cache, reader } = rig(100_000);
  for (let i = 0; i < 1000; i++) engine.call("SET", `k${i}`, `{"i":${i}}`);
  const hot = reader.json("k0");
  for (let i = 1; i < 1000; i++) {
    reader.json(`k${i}`);
    assert.equal(reader.json("k0"), hot);
    assert.ok(cache.status().bytes <= 100_000);
  }
  assert.ok(cache.status().values > 100);
  engine.call("SET", "large", JSON.stringify("x".repeat(50_000)));
  reader.json("large");
  assert.ok(cache.status().bytes <= 100_000);
  const none = rig(0);
  none.engine.call("SET", "a", "[1]");
  assert.notEqual(none.reader.json("a"), none.reader.json("a"));
});

/** Writes that change values in every way there is: in place, by renaming, by swapping whole databases. */
function write(engine: Engine, prng: Prng): void {
  const key = () => `k${prng.int(6)}`;
  const json = () => JSON.stringify({ n: prng.int(3), s: "x".repeat(prng.int(60)) });
  const writes: (() => unknown)[] = [
    () => engine.call("SET", key(), json()),
    () => engine.call("SET", key(), String(prng.int(5))),
    () => engine.call("INCR", key()),
    () => engine.call("APPEND", key(), " "),
    () => engine.call("SETRANGE", key(), "0", "[1]"),
    () => engine.call("DEL", key()),
    () => engine.call("RENAME", key(), key()),
    () => engine.call("COPY", key(), key(), "REPLACE"),
    () => engine.call("HSET", `h${prng.int(3)}`, "f", json(), `g${prng.int(3)}`, "7"),
    () => engine.call("HINCRBY", `h${prng.int(3)}`, "g1", "1"),
    () => engine.call("HDEL", `h${prng.int(3)}`, "f"),
    () => engine.call("LPUSH", "l", json()),
    () => engine.call("RPOP", "l"),
    () => engine.call("LSET", "l", "0", json()),
    () => engine.call("PEXPIRE", key(), String(1 + prng.int(100))),
    () => engine.call("SWAPDB", "0", "1"),
    () => engine.nowMs += prng.int(20),
  ];
  prng.pick(writes)();
}

/** What a read gives, with what it should be decoded from; the name of the error where it throws. */
function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return (error as Error).name;
  }
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return "DecodeError";
  }
}

test("a decoded value is that of the record at this moment, over random reads and writes", () => {
  const { engine, cache, reader, bytes } = rig(4000);
  const prng = new Prng(4711);
  for (let i = 0; i < 2000; i++) {
    if (prng.int(3) === 0) write(engine, prng);
    const key = `k${prng.int(6)}`;
    const hash = `h${prng.int(3)}`;
    const texts = attempt(() => reader.get(key));
    const wanted = texts === "CommandError" ? texts : parsed(texts as string | undefined);
    assert.deepEqual(attempt(() => reader.json(key)), wanted, `step ${i}`);
    const name = new TextEncoder().encode(key);
    assert.deepEqual(attempt(() => bytes.json(name)), wanted, `step ${i}`);
    const field = reader.hget(hash, "f");
    assert.deepEqual(reader.hget(hash, "f", { decode: "json" }), parsed(field), `step ${i}`);
    const size = field === undefined ? undefined : { size: field.length };
    assert.deepEqual(reader.hget(hash, "f", { decode: sizeOf }), size, `step ${i}`);
    const all = reader.hgetall(hash);
    assert.deepEqual(reader.hgetall(hash, { decode: asIs }), all, `step ${i}`);
    const list = reader.lrange("l", 0, -1);
    assert.deepEqual(reader.lrange("l", 0, -1, { decode: "json" }), list.map(parsed));
  }
  const { hits, misses } = cache.status();
  assert.ok(hits > 500 && misses > 500, `${hits} hits, ${misses} misses`);
});

const asIs: Schema<unknown> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => ({ value: { ...value as object } }),
  },
};

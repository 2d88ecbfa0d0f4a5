/**
 * Generators copy nothing ahead and survive writes in between, and what is read in one turn is one state.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reader } from "../../mod.ts";
import { Prng } from "../../src/base/prng.ts";
import { textReader } from "../../src/read/reader.ts";
import type { TestMaster } from "../../src/testing/mod.ts";
import { Engine } from "../commands/engine.ts";
import { follow, READY_MS, started } from "../replica/pair.ts";

const LARGE = 1500;

function rig(): { engine: Engine; reader: Reader; visited: () => number } {
  const engine = new Engine("master", () => 0.5);
  let visited = 0;
  const source = {
    keyspace: engine.keyspace,
    clock: {
      now: () => engine.nowMs,
      monotonic: () => 0,
      setTimer() {},
      clearTimer() {},
      soon() {},
    },
    random: () => 0.5,
    call: () => null,
    callText: () => null,
  };
  const reader = textReader(source, 0);
  // Every value that a read makes goes through the codec.
  const codec = (reader as unknown as { core: { codec: { value: (...a: unknown[]) => unknown } } })
    .core.codec;
  const { value } = codec;
  codec.value = (...args) => {
    visited++;
    return value(...args);
  };
  return { engine, reader, visited: () => visited };
}

interface Walk {
  readonly name: string;
  /** The commands that make a value of so many elements. */
  readonly fill: (engine: Engine, from: number, count: number) => void;
  /** Takes element `i` out. */
  readonly drop: (engine: Engine, i: number) => void;
  /** Walks the elements, each as the number it was made of. */
  readonly walk: (reader: Reader) => Generator<unknown, void, undefined>;
  /** The number of what the walk gave. */
  readonly number: (given: unknown) => number;
  /** Values made for each element. */
  readonly values: number;
}

const digits = (text: unknown) => Number(String(text).slice(1));

const WALKS: readonly Walk[] = [
  {
    name: "hscan",
    fill: (e, from, count) => {
      for (let i = from; i < from + count; i++) e.call("HSET", "k", `f${i}`, "v");
    },
    drop: (e, i) => void e.call("HDEL", "k", `f${i}`),
    walk: (r) => r.hscan("k"),
    number: (given) => digits((given as [string, string])[0]),
    values: 2,
  },
  {
    name: "sscan",
    fill: (e, from, count) => {
      for (let i = from; i < from + count; i++) e.call("SADD", "k", `m${i}`);
    },
    drop: (e, i) => void e.call("SREM", "k", `m${i}`),
    walk: (r) => r.sscan("k"),
    number: digits,
    values: 1,
  },
  {
    name: "zscan",
    fill: (e, from, count) => {
      for (let i = from; i < from + count; i++) e.call("ZADD", "k", String(i), `m${i}`);
    },
    drop: (e, i) => void e.call("ZREM", "k", `m${i}`),
    walk: (r) => r.zscan("k"),
    number: (given) => digits((given as { value: string }).value),
    values: 1,
  },
  {
    name: "scan",
    fill: (e, from, count) => {
      for (let i = from; i < from + count; i++) e.call("SET", `k${i}`, "v");
    },
    drop: (e, i) => void e.call("DEL", `k${i}`),
    walk: (r) => r.scan({ match: "k*" }),
    number: digits,
    values: 1,
  },
  {
    name: "xentries",
    fill: (e, from, count) => {
      for (let i = from; i < from + count; i++) e.call("XADD", "k", `${i + 1}-0`, "f", "v");
    },
    drop: (e, i) => void e.call("XDEL", "k", `${i + 1}-0`),
    walk: (r) => r.xentries("k"),
    number: (given) => parseInt((given as { id: string }).id) - 1,
    values: 1,
  },
];

for (const { name, fill, drop, walk, number, values } of WALKS) {
  test(`${name}: ten elements of many cost ten`, () => {
    const { engine, reader, visited } = rig();
    fill(engine, 0, LARGE);
    const before = visited();
    const steps = walk(reader);
    for (let i = 0; i < 10; i++) assert.equal(steps.next().done, false);
    assert.ok(visited() - before < 40 * values, `${visited() - before} values were made`);
  });

  test(`${name}: what is there throughout is given, whatever is written meanwhile`, () => {
    const prng = new Prng(7);
    const { engine, reader } = rig();
    fill(engine, 0, 700);
    const given = new Set<number>();
    let added = 700;
    let steps = 0;
    for (const one of walk(reader)) {
      given.add(number(one));
      if (++steps > 20_000) break;
      if (steps > 600) continue;
      fill(engine, added++, 1);
      // Elements from 400 on go, one by one.
      if (prng.int(2) === 0) drop(engine, 400 + prng.int(300));
    }
    for (let i = 0; i < 400; i++) assert.ok(given.has(i), `element ${i} was there throughout`);
  });
}

test("lvalues: ten elements of many cost ten, and the walk goes on by index", () => {
  const { engine, reader, visited } = rig();
  for (let i = 0; i < LARGE; i++) engine.call("RPUSH", "l", `e${i}`);
  const before = visited();
  const some = reader.lvalues("l");
  for (let i = 0; i < 10; i++) assert.equal(some.next().value, `e${i}`);
  assert.ok(visited() - before < 40);
  assert.deepEqual([...reader.lvalues("l")], reader.lrange("l", 0, -1));
  engine.call("RPUSH", "l", "last");
  assert.equal([...some].pop(), "last");
  assert.deepEqual([...reader.lvalues("none")], []);
});

test("a walk ends when its key goes, and throws when the key becomes something else", () => {
  const { engine, reader } = rig();
  for (let i = 0; i < LARGE; i++) engine.call("HSET", "h", `f${i}`, "v");
  const walk = reader.hscan("h");
  walk.next();
  engine.call("DEL", "h");
  assert.ok([...walk].length < 40, "what the last step had found, and no more");
  for (let i = 0; i < LARGE; i++) engine.call("HSET", "h", `f${i}`, "v");
  const other = reader.hscan("h");
  other.next();
  engine.call("SET", "h", "x");
  assert.throws(() => [...other], /WRONGTYPE/);
  assert.throws(() => reader.hscan("h").next(), /WRONGTYPE/);
});

test("scans match, and field expiries hide", () => {
  const { engine, reader } = rig();
  engine.call("HSET", "h", "aa", "1", "ab", "2", "b", "3");
  engine.call("HPEXPIRE", "h", "10", "FIELDS", "1", "aa");
  engine.call("SADD", "s", "aa", "ab", "b");
  engine.call("ZADD", "z", "1", "aa", "2", "b");
  engine.nowMs += 11;
  assert.deepEqual([...reader.hscan("h", { match: "a*" })], [["ab", "2"]]);
  assert.deepEqual(reader.hgetall("h"), { ab: "2", b: "3" });
  assert.deepEqual([reader.hlen("h"), reader.hexists("h", "aa")], [2, false]);
  assert.deepEqual([reader.hkeys("h"), reader.hvals("h")], [["ab", "b"], ["2", "3"]]);
  engine.call("HPEXPIRE", "h", "10", "FIELDS", "2", "ab", "b");
  engine.nowMs += 11;
  assert.deepEqual([reader.hgetall("h"), reader.hlen("h"), reader.hkeys("h")], [undefined, 0, []]);
  assert.equal(reader.hgetall("h", { decode: "json" }), undefined);
  assert.deepEqual([...reader.sscan("s", { match: "a?" })].sort(), ["aa", "ab"]);
  assert.deepEqual([...reader.zscan("z", { match: "b" })], [{ value: "b", score: 2 }]);
});

test("what is read in one turn is one state of the master's data", () =>
  follow(async (pair) => {
    const { master, replica } = pair;
    master.call("MSET", "a", "0", "b", "0");
    await started(pair);
    let transfers = 0;
    let done = false;
    const writes = (async () => {
      for (let i = 1; i <= 100; i++) {
        transfer(master, i);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      await master.wait(1, READY_MS);
      done = true;
    })();
    while (!done) {
      const [a, b] = [Number(replica.get("a")), Number(replica.get("b"))];
      const log = replica.lrange("log", -1, -1)[0] ?? "0";
      assert.equal(a + b, 0);
      assert.equal(Number(log), a);
      assert.deepEqual(replica.mget(["a", "b"]), [String(a), String(b)]);
      if (a > transfers) transfers = a;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await writes;
    assert.equal(replica.get("a"), "100");
    assert.ok(transfers > 0);
  }));

/** Moves one from b to a in a transaction. */
function transfer(master: TestMaster, to: number): void {
  master.call("MULTI");
  master.call("INCR", "a");
  master.call("DECR", "b");
  master.call("RPUSH", "log", to);
  master.call("EXEC");
}

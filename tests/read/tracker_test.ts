/**
 * What reads tell whoever records them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ReplicaEngine } from "../../src/replica/engine.ts";
import { type Reader, textReader } from "../../src/read/reader.ts";
import type { ReadTracker } from "../../src/read/tracker.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { NO_EXPIRY } from "../../src/store/memory/record.ts";
import { hashCreate, hashSet } from "../../src/store/types/hash.ts";
import { setString } from "../../src/store/types/string.ts";
import { SILENT } from "../../src/base/logger.ts";
import { HandClock } from "../support/clock.ts";

const text = new TextDecoder();

/** Writes down what is told, a line each. */
class Notes implements ReadTracker {
  lines: string[] = [];

  key(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    this.lines.push(`key ${dbIndex} ${text.decode(bytes.subarray(start, end))}`);
  }

  expires(atMs: number): void {
    this.lines.push(`expires ${atMs}`);
  }

  scan(dbIndex: number, pattern: Uint8Array | undefined): void {
    this.lines.push(`scan ${dbIndex} ${pattern === undefined ? "all" : text.decode(pattern)}`);
  }

  size(dbIndex: number): void {
    this.lines.push(`size ${dbIndex}`);
  }
}

/** 1970, so that expiries are small numbers. */
const clock = new HandClock();
clock.nowMs = 1000;

function setUp(): { engine: ReplicaEngine; reader: Reader; notes: Notes } {
  const keyspace = new Keyspace({ random: () => 0.5 });
  const key = new TextEncoder().encode("k1");
  setString(keyspace.db(2), key, 0, 2, key, 0, 2, 5000);
  const [hash, number, f] = ["h1", "n1", "f"].map((text) => new TextEncoder().encode(text));
  setString(keyspace.db(2), number, 0, 2, new TextEncoder().encode("7"), 0, 1, NO_EXPIRY);
  const made = hashCreate(keyspace.db(2), hash, 0, 2);
  hashSet(keyspace.db(2), made, f, 0, 1, f, 0, 1, 9000);
  const engine = new ReplicaEngine({
    keyspace,
    clock,
    random: () => 0.5,
    logger: SILENT,
    server: {},
    target: undefined,
    follow() {},
    linkStatus: () => undefined,
  });
  return { engine, reader: textReader(engine, 2), notes: new Notes() };
}

const ROWS: [name: string, read: (reader: Reader) => unknown, told: string[]][] = [
  ["get", (r) => r.get("k1"), ["key 2 k1", "expires 5000"]],
  ["get of bytes", (r) => r.get(new TextEncoder().encode("k1")), ["key 2 k1", "expires 5000"]],
  ["get of a missing key", (r) => r.get("none"), ["key 2 none"]],
  ["exists", (r) => r.exists("a", "b"), ["key 2 a", "key 2 b"]],
  ["size", (r) => r.size, ["size 2"]],
  ["randomKey", (r) => r.randomKey(), ["size 2"]],
  ["keys", (r) => r.keys("a*"), ["scan 2 a*"]],
  ["scan", (r) => [...r.scan()], ["scan 2 all", "expires 5000"]],
  ["json", (r) => r.json("n1"), ["key 2 n1"]],
  ["get with decode", (r) => r.get("n1", { decode: "json" }), ["key 2 n1"]],
  ["mget", (r) => r.mget(["k1", "a"]), ["key 2 k1", "expires 5000", "key 2 a"]],
  ["hget", (r) => r.hget("h1", "f"), ["key 2 h1", "expires 9000"]],
  ["hget of a missing field", (r) => r.hget("h1", "none"), ["key 2 h1"]],
  ["hgetall", (r) => r.hgetall("h1"), ["key 2 h1", "expires 9000"]],
  ["hgetall of none", (r) => r.hgetall("none"), ["key 2 none"]],
  ["hscan", (r) => [...r.hscan("h1")], ["key 2 h1", "expires 9000"]],
  ["smembers", (r) => r.smembers("s"), ["key 2 s"]],
  ["sunion", (r) => r.sunion(["s", "t"]), ["key 2 s", "key 2 t"]],
  ["zrange", (r) => r.zrange("z", 0, -1), ["key 2 z"]],
  ["zunion", (r) => r.zunion(["z", "y"]), ["key 2 z", "key 2 y"]],
  ["lvalues", (r) => [...r.lvalues("l")], ["key 2 l"]],
  ["xread", (r) => r.xread([{ key: "x", id: "0" }]), ["key 2 x"]],
  ["geosearch", (r) => r.geosearch("g", { longitude: 1, latitude: 1 }, { radius: 1, unit: "m" }), [
    "key 2 g",
  ]],
  ["sort by keys", (r) => r.sort("s", { by: "w_*" }), ["key 2 s", "scan 2 all"]],
  ["bytes.get", (r) => r.bytes.get("k1"), ["key 2 k1", "expires 5000"]],
  ["call GET", (r) => r.call("GET", "k1"), ["key 2 k1", "expires 5000"]],
  ["call MGET", (r) => r.call("MGET", "k1", "x"), ["key 2 k1", "expires 5000", "key 2 x"]],
  ["call KEYS", (r) => r.call("KEYS", "a*"), ["scan 2 a*"]],
  ["call SCAN", (r) => r.call("SCAN", 0), ["scan 2 all"]],
  ["call DBSIZE", (r) => r.call("DBSIZE"), ["size 2"]],
  ["call SORT_RO", (r) => r.call("SORT_RO", "s"), ["key 2 s"]],
  ["call SORT_RO BY", (r) => r.call("SORT_RO", "s", "BY", "w_*"), ["key 2 s", "scan 2 all"]],
  ["call PING", (r) => r.call("PING"), []],
];

for (const [name, read, told] of ROWS) {
  test(`a recorded read tells what it looked at: ${name}`, () => {
    const { engine, reader, notes } = setUp();
    read(reader); // not recorded, and a hot text
    read(reader);
    engine.tracker = notes;
    read(reader);
    engine.tracker = undefined;
    read(reader);
    assert.deepEqual(notes.lines, told);
  });
}

test("a read of a database that never held a key is told too", () => {
  const { engine, notes } = setUp();
  engine.tracker = notes;
  const reader = textReader(engine, 9);
  reader.get("a");
  reader.has("b");
  assert.deepEqual(notes.lines, ["key 9 a", "key 9 b"]);
});

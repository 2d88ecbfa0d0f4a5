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

function setUp(): { engine: ReplicaEngine; reader: Reader; notes: Notes } {
  const keyspace = new Keyspace({ random: () => 0.5 });
  const key = new TextEncoder().encode("k1");
  setString(keyspace.db(2), key, 0, 2, key, 0, 2, 5000);
  const engine = new ReplicaEngine({
    keyspace,
    clock: new HandClock(),
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
  ["scan", (r) => [...r.scan()], ["scan 2 all"]],
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

/** Awaited keys and the commands that are kept for them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AwaitedKey, AwaitedKeys } from "../../../src/replication/repair/awaited.ts";
import { Argv } from "../../../src/resp/argv.ts";
import { bytesOf } from "../../support/bytes.ts";

function awaitedKey(name: string, db = 0, least = 10): AwaitedKey {
  return new AwaitedKey(db, bytesOf(name), "unknown", 0, least - 1, least);
}

function find(keys: AwaitedKeys, name: string, db = 0): AwaitedKey | undefined {
  const bytes = bytesOf(name);
  return keys.find(db, bytes, 0, bytes.length);
}

test("a key is found by its database and all of its bytes", () => {
  const keys = new AwaitedKeys();
  const names = ["", "k", "k\x00", "\xff\xfe", "1:k"];
  for (const name of names) keys.add(awaitedKey(name));
  const other = awaitedKey("k", 1);
  keys.add(other);
  assert.equal(keys.size, names.length + 1);
  for (const name of names) assert.deepEqual(find(keys, name)?.key, bytesOf(name));
  assert.equal(find(keys, "k", 1), other);
  assert.equal(find(keys, "absent"), undefined);
});

test("has() tells an object from the one that came in its place", () => {
  const keys = new AwaitedKeys();
  const [first, second] = [awaitedKey("k"), awaitedKey("k")];
  keys.add(first);
  keys.delete(first);
  keys.add(second);
  assert.deepEqual([keys.has(first), keys.has(second)], [false, true]);
});

test("kept commands own their bytes, and those a value has seen are dropped", () => {
  const keys = new AwaitedKeys();
  const awaited = awaitedKey("k");
  keys.add(awaited);
  const argv = Argv.of("APPEND", "k", "x");
  for (const offset of [20, 30, 30, 40]) keys.keep(awaited, argv, offset);
  argv.bytes.fill(0);
  assert.deepEqual(awaited.kept.map(({ argv }) => argv.at(2)), Array(4).fill(bytesOf("x")));
  const { keptBytes } = keys;
  keys.dropKept(awaited, 19);
  assert.equal(awaited.kept.length, 4);
  keys.dropKept(awaited, 30);
  assert.deepEqual(awaited.kept.map(({ offset }) => offset), [40]);
  assert.equal(keys.keptBytes, keptBytes / 4);
  keys.delete(awaited);
  assert.equal(keys.keptBytes, 0);
});

test("a key that is found late counts from where it went wrong, until no late one is left", () => {
  const keys = new AwaitedKeys();
  assert.equal(keys.before, Infinity);
  const [first, late, later] = [
    awaitedKey("a", 0, 51),
    awaitedKey("b", 0, 21),
    awaitedKey("c", 0, 31),
  ];
  keys.add(first);
  keys.add(late, true);
  keys.add(later, true);
  assert.equal(keys.before, 20);
  keys.swap(0, 1, 60);
  keys.delete(late);
  assert.equal(keys.before, 20, "as of the first one");
  keys.delete(later);
  assert.equal(keys.before, 50);
});

test("swap() moves keys between two databases, and makes answers under way useless", () => {
  const keys = new AwaitedKeys();
  const [a, b, c] = [awaitedKey("k", 0), awaitedKey("k", 1), awaitedKey("k", 2)];
  for (const awaited of [a, b, c]) keys.add(awaited);
  a.asked = true;
  b.arrival = { offset: 99, payload: null, type: undefined, expireAtMs: "0" };
  keys.keep(a, Argv.of("APPEND", "k", "x"), 15);
  assert.deepEqual(keys.swap(0, 1, 50), [a, b]);
  assert.deepEqual([a.db, b.db, c.db], [1, 0, 2]);
  assert.deepEqual([find(keys, "k", 1), find(keys, "k", 0), find(keys, "k", 2)], [a, b, c]);
  assert.deepEqual([a.asked, a.generation, a.least, a.kept.length], [false, 1, 50, 0]);
  assert.deepEqual([b.arrival, c.generation], [undefined, 0]);
});

/**
 * The dataset as a plain store.
 *
 * @module
 */

import assert from "node:assert/strict";
import test from "node:test";
import { ReadOnlyError, Replica } from "../../mod.ts";
import { follow } from "./pair.ts";

test("without a master, storage is a plain store", async () => {
  await using replica = new Replica({ logger: false });
  await replica.start();
  await replica.ready();
  const { storage } = replica;
  storage.set("a", "1");
  storage.set("b", new Uint8Array([0, 255]));
  storage.set("old", "x", 1);
  assert.deepEqual(storage.get("a"), new Uint8Array([49]));
  assert.equal(replica.get("a"), "1");
  assert.equal(storage.get("old"), undefined);
  assert.equal(storage.exists("a", "b", "old"), 2);
  assert.deepEqual(storage.keys().sort(), ["a", "b"]);
  assert.deepEqual([...storage.scan({ match: "a*" })], ["a"]);
  assert.equal(storage.keyCount(), 3);
  assert.deepEqual(storage.info(), { db0: { keys: 3, expires: 1 } });
  assert.ok(storage.memoryUsage() > 0);
  assert.equal(storage.del("a", "none", "old"), 1);
  storage.selectDb(2);
  storage.set("two", "2");
  assert.equal(replica.db(2).get("two"), "2");
  storage.flushAll();
  assert.equal(replica.db(2).size, 0);
  assert.equal(replica.status().state, "idle");
});

test("storage is read only while a master is followed", () =>
  follow(({ replica }) => {
    assert.throws(() => replica.storage.set("a", "1"), ReadOnlyError);
    assert.throws(() => replica.storage.del("a"), ReadOnlyError);
    assert.throws(() => replica.storage.flushAll(), ReadOnlyError);
  }));

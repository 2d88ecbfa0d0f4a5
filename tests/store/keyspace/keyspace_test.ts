/**
 * The keyspace: databases under any number, exchanged, replaced and emptied whole.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { Prng } from "../../../src/base/prng.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { NO_EXPIRY } from "../../../src/store/memory/record.ts";
import { readString, setString } from "../../../src/store/types/string.ts";
import { auditRecords } from "../audit.ts";
import { bytesOf, textOf } from "../../support/bytes.ts";

function newKeyspace(seed: number = 1): Keyspace {
  const prng = new Prng(seed);
  return new Keyspace({ random: () => prng.next() });
}

function set(db: Database, key: string, value: string, expireAtMs: number = NO_EXPIRY): void {
  const keyBytes = bytesOf(key);
  const bytes = bytesOf(value);
  setString(db, keyBytes, 0, keyBytes.length, bytes, 0, bytes.length, expireAtMs);
}

function get(db: Database, key: string): string | undefined {
  const keyBytes = bytesOf(key);
  const entry = db.find(keyBytes, 0, keyBytes.length);
  if (entry === 0) return undefined;
  const ref = new BytesRef();
  readString(db, entry, ref);
  return textOf(ref.view());
}

test("Keyspace makes databases on demand under any number", () => {
  const keyspace = newKeyspace();
  assert.equal(keyspace.peek(0), undefined);
  set(keyspace.db(100_000), "a", "1");
  set(keyspace.db(3), "b", "2");
  keyspace.db(7);
  assert.deepEqual(keyspace.indexes(), [3, 100_000]);
  assert.equal(keyspace.keyCount, 2);
  assert.equal(keyspace.db(3), keyspace.peek(3));
});

test("Keyspace.swap() exchanges contents and keeps each Database object in its place", () => {
  const keyspace = newKeyspace();
  const zero = keyspace.db(0);
  set(zero, "a", "zero", 77);
  set(keyspace.db(5), "a", "five");
  set(keyspace.db(5), "b", "more");
  keyspace.swap(0, 5);
  assert.equal(keyspace.db(0), zero);
  assert.equal(get(zero, "a"), "five");
  assert.equal(zero.size, 2);
  assert.equal(zero.expiresCount, 0);
  assert.equal(get(keyspace.db(5), "a"), "zero");
  assert.equal(keyspace.db(5).expiresCount, 1);
  keyspace.swap(5, 9);
  assert.equal(keyspace.db(5).size, 0);
  assert.equal(get(keyspace.db(9), "a"), "zero");
  keyspace.swap(9, 9);
  assert.equal(get(keyspace.db(9), "a"), "zero");
});

test("Keyspace.replaceWith() takes everything over and leaves the other empty", () => {
  const keyspace = newKeyspace(1);
  const fresh = newKeyspace(2);
  const zero = keyspace.db(0);
  set(zero, "old", "x");
  set(keyspace.db(1), "gone", "x");
  set(fresh.db(0), "new", "y");
  set(fresh.db(2), "also", "z");
  keyspace.replaceWith(fresh);
  assert.equal(keyspace.db(0), zero);
  assert.equal(get(zero, "new"), "y");
  assert.equal(get(zero, "old"), undefined);
  assert.equal(get(keyspace.db(2), "also"), "z");
  assert.deepEqual(keyspace.indexes(), [0, 2]);
  assert.equal(fresh.keyCount, 0);
  // Both live on.
  set(zero, "later", "1");
  set(fresh.db(0), "later", "2");
  auditRecords(zero);
  auditRecords(fresh.db(0));
});

test("Keyspace.sibling() hashes alike, so that a SCAN outlives replaceWith", () => {
  const keyspace = newKeyspace(5);
  const sibling = keyspace.sibling();
  for (let i = 0; i < 1000; i++) {
    set(keyspace.db(0), `key:${i}`, "x");
    set(sibling.db(0), `key:${i}`, "y");
  }
  const db = keyspace.db(0);
  const ref = new BytesRef();
  const seen = new Set<string>();
  let cursor = 0;
  let steps = 0;
  do {
    cursor = db.scan(cursor, (entry) => {
      db.keyRef(entry, ref);
      seen.add(textOf(ref.view()));
    });
    if (++steps === 60) keyspace.replaceWith(sibling);
  } while (cursor !== 0);
  assert.equal(seen.size, 1000);
});

test("clear() forgets everything and gives the memory back", () => {
  const keyspace = newKeyspace();
  for (let i = 0; i < 50_000; i++) set(keyspace.db(i & 3), `key:${i}`, "some value", i);
  const full = keyspace.memory();
  keyspace.clear();
  const empty = keyspace.memory();
  assert.equal(keyspace.keyCount, 0);
  assert.equal(empty.used, 0);
  assert.equal(empty.reserved, 0);
  assert.ok(empty.table * 100 < full.table);
  assert.equal(keyspace.db(0).expiresCount, 0);
  set(keyspace.db(0), "a", "b");
  assert.equal(get(keyspace.db(0), "a"), "b");
});

test("a database of 20 keys costs kilobytes", () => {
  const keyspace = newKeyspace();
  for (let i = 0; i < 20; i++) set(keyspace.db(0), `key:${i}`, "a value of some length");
  const { reserved, table } = keyspace.memory();
  assert.ok(reserved + table <= 8192, `${reserved} and ${table} bytes`);
});

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { Prng } from "../../../src/base/prng.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { NO_EXPIRY } from "../../../src/store/memory/record.ts";
import { readString, setString } from "../../../src/store/types/string.ts";
import { auditRecords } from "../audit.ts";
import { ModelRun } from "../model.ts";
import { bytesOf, textOf } from "../../support/bytes.ts";

const SEED = Number(process.env["SEED"] ?? 0);
const seeds = SEED > 0 ? [SEED] : [1, 2, 3, 4, 5, 6, 7, 8];

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

for (const seed of seeds) {
  test(`a database does what a Map does: few keys, seed ${seed}`, () => {
    const run = new ModelRun(seed, 300, 2000);
    for (let round = 0; round < 4; round++) {
      run.run(20_000);
      run.check();
    }
  });

  test(`a database does what a Map does: many keys, seed ${seed}`, () => {
    const run = new ModelRun(seed + 100, 20_000, 200);
    for (let round = 0; round < 2; round++) {
      run.run(90_000);
      run.check();
    }
  });
}

test("a database does what a Map does: values around the limits of blocks", () => {
  for (const maxValue of [16, 1100, 9000, 70_000]) {
    const run = new ModelRun(maxValue, 120, maxValue);
    run.run(15_000);
    run.check();
  }
});

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

test("memory() counts to the byte", () => {
  const keyspace = newKeyspace();
  const db = keyspace.db(0);
  // 8 bytes of header, 8 of expiry, 3 of key, 11 of value: 30, rounded up to 32.
  set(db, "key", "hello world", 1);
  assert.equal(keyspace.memory().used, 32);
  // An integer takes 8 bytes.
  set(db, "int", "123456789012345678");
  assert.equal(keyspace.memory().used, 32 + 24);
  db.remove(bytesOf("key"), 0, 3);
  assert.equal(keyspace.memory().used, 24);
  assert.equal(keyspace.memory().wasted, 8 + 32);
});

test("bytes handed in may be the database's own", () => {
  const db = newKeyspace().db(0);
  const ref = new BytesRef();
  const key = bytesOf("source");
  for (let round = 0; round < 2000; round++) {
    const value = `${round}:${"v".repeat(round % 300)}`;
    set(db, "source", value);
    const entry = db.find(key, 0, key.length);
    readString(db, entry, ref);
    const target = bytesOf(`copy:${round % 7}`);
    setString(db, target, 0, target.length, ref.bytes, ref.start, ref.end, NO_EXPIRY);
    assert.equal(get(db, `copy:${round % 7}`), value);
    // A part of its own value, onto itself.
    const again = db.find(key, 0, key.length);
    readString(db, again, ref);
    setString(db, key, 0, key.length, ref.bytes, ref.start + 2, ref.end, round % 3 - 1);
    assert.equal(get(db, "source"), value.slice(2));
    // A key that is another's key bytes and a value that is another's key.
    db.keyRef(db.find(key, 0, key.length), ref);
    setString(db, ref.bytes, ref.start, ref.end, ref.bytes, ref.start, ref.end, NO_EXPIRY);
    assert.equal(get(db, "source"), "source");
  }
  auditRecords(db);
});

test("setExpire() holds every time there is", () => {
  const db = newKeyspace().db(0);
  set(db, "k", "v");
  const times = [0, 1, -2, -9007199254740991, 9007199254740991, 1700000000000, 2 ** 62, -(2 ** 63)];
  for (const time of times) {
    const entry = db.setExpire(db.find(bytesOf("k"), 0, 1), time);
    assert.equal(db.expireAtMs(entry), time);
    assert.equal(get(db, "k"), "v");
    assert.equal(db.expiresCount, 1);
  }
  db.setExpire(db.find(bytesOf("k"), 0, 1), NO_EXPIRY);
  assert.equal(db.expiresCount, 0);
  set(db, "k", "w", 5);
  set(db, "k", "w");
  assert.equal(db.expiresCount, 0);
  auditRecords(db);
});

/**
 * What numbered databases do: values under other keys and in other databases, memory given back.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compact,
  copyValue,
  type Database,
  moveValue,
  renameKey,
} from "../../../src/store/keyspace/database.ts";
import { Encoding, NO_EXPIRY, ValueType } from "../../../src/store/memory/record.ts";
import { Records } from "../../../src/store/memory/records.ts";
import { auditRecords } from "../audit.ts";
import { NamedObject, settingsOf } from "../model.ts";
import { bytesOf } from "../../support/bytes.ts";
import { check, MB, noise, remove, set } from "../numbered.ts";

test("compact() works in steps of its budget and comes to an end", () => {
  const db = new Records(settingsOf(1, 2));
  for (let i = 0; i < 50_000; i++) set(db, i, (i * 7) % 400);
  for (let i = 0; i < 50_000; i++) if (i % 3 !== 0) remove(db, i);
  let steps = 0;
  let done = 0;
  while ((done = compact(db, 100_000)) > 0) {
    assert.ok(done < 400_000);
    assert.ok(++steps < 1000);
    if (steps % 5 === 0) auditRecords(db);
  }
  const { used, wasted } = db.memory();
  assert.ok(wasted * 8 < used + 8 * MB / 64);
  for (let i = 0; i < 50_000; i += 3) check(db, i, (i * 7) % 400);
  assert.equal(compact(db, 100_000), 0);
  auditRecords(db);
});

const SOURCE = bytesOf("source");
const TARGET = bytesOf("target");

/** The object of a key, which must have one. */
function objectAt(db: Database, name: Uint8Array): unknown {
  return db.objectOf(db.find(name, 0, name.length));
}

/** A database whose key "source" holds an object that expires at 77. */
function withObject(object: NamedObject): Database {
  const db = new Records(settingsOf(1, 2));
  db.setObject(SOURCE, 0, 6, ValueType.LIST, Encoding.QUICKLIST, object, 77);
  return db;
}

test("renameKey() moves value and expiry, and an object without copying it", () => {
  const object = new NamedObject("list");
  const db = withObject(object);
  set(db, 1, 100);
  db.createBlob(TARGET, 0, 6, ValueType.STRING, Encoding.RAW, noise, 3000);
  renameKey(db, db.find(SOURCE, 0, 6), TARGET, 0, 6);
  assert.equal(db.find(SOURCE, 0, 6), 0);
  assert.equal(objectAt(db, TARGET), object);
  assert.equal(db.expireAtMs(db.find(TARGET, 0, 6)), 77);
  assert.deepEqual([db.size, db.expiresCount], [2, 1]);
  auditRecords(db);
});

test("renameKey() under its own name changes nothing", () => {
  const db = withObject(new NamedObject("list"));
  const entry = db.find(SOURCE, 0, 6);
  renameKey(db, entry, SOURCE, 0, 6);
  assert.equal(db.find(SOURCE, 0, 6), entry);
});

test("copyValue() copies an object, with an expiry of its own", () => {
  const object = new NamedObject("list");
  const db = withObject(object);
  const other = new Records(settingsOf(3, 4));
  copyValue(db, db.find(SOURCE, 0, 6), other, TARGET, 0, 6, NO_EXPIRY);
  assert.notEqual(objectAt(other, TARGET), object);
  assert.equal((objectAt(other, TARGET) as NamedObject).name, "list");
  assert.equal(objectAt(db, SOURCE), object);
  assert.deepEqual([db.expiresCount, other.expiresCount], [1, 0]);
});

test("moveValue() takes an object itself and its expiry to another database", () => {
  const object = new NamedObject("list");
  const db = withObject(object);
  const other = new Records(settingsOf(3, 4));
  moveValue(db, db.find(SOURCE, 0, 6), other, TARGET, 0, 6);
  assert.ok(db.remove(SOURCE, 0, 6));
  assert.equal(objectAt(other, TARGET), object);
  assert.deepEqual([db.expiresCount, other.expiresCount], [0, 1]);
  auditRecords(db);
  auditRecords(other);
});

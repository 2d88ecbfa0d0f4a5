/**
 * Records: what a Map does, at any length of key and value, with expiries and objects.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { Records } from "../../../src/store/memory/records.ts";
import { NO_EXPIRY } from "../../../src/store/memory/record.ts";
import { readString, setString } from "../../../src/store/types/string.ts";
import { auditRecords } from "../audit.ts";
import { ModelRun, settingsOf } from "../model.ts";
import { bytesOf, textOf } from "../../support/bytes.ts";

const SEED = Number(process.env["SEED"] ?? 0);
const seeds = SEED > 0 ? [SEED] : [1, 2, 3, 4, 5, 6, 7, 8];

function newRecords(): Records {
  return new Records(settingsOf(1, 2));
}

function set(db: Records, key: string, value: string, expireAtMs: number = NO_EXPIRY): void {
  const keyBytes = bytesOf(key);
  const bytes = bytesOf(value);
  setString(db, keyBytes, 0, keyBytes.length, bytes, 0, bytes.length, expireAtMs);
}

function get(db: Records, key: string): string | undefined {
  const keyBytes = bytesOf(key);
  const entry = db.find(keyBytes, 0, keyBytes.length);
  if (entry === 0) return undefined;
  const ref = new BytesRef();
  readString(db, entry, ref);
  return textOf(ref.view());
}

for (const seed of seeds) {
  test(`records do what a Map does: few keys, seed ${seed}`, () => {
    const run = new ModelRun(seed, 300, 2000);
    for (let round = 0; round < 4; round++) {
      run.run(20_000);
      run.check();
    }
  });

  test(`records do what a Map does: many keys, seed ${seed}`, () => {
    const run = new ModelRun(seed + 100, 20_000, 200);
    for (let round = 0; round < 2; round++) {
      run.run(90_000);
      run.check();
    }
  });
}

test("records do what a Map does: values around the limits of blocks", () => {
  for (const maxValue of [16, 1100, 9000, 70_000]) {
    const run = new ModelRun(maxValue, 120, maxValue);
    run.run(15_000);
    run.check();
  }
});

test("memory() counts to the byte", () => {
  const db = newRecords();
  // 8 bytes of header, 8 of expiry, 3 of key, 11 of value: 30, rounded up to 32.
  set(db, "key", "hello world", 1);
  assert.equal(db.memory().used, 32);
  // An integer takes 8 bytes.
  set(db, "int", "123456789012345678");
  assert.equal(db.memory().used, 32 + 24);
  db.remove(bytesOf("key"), 0, 3);
  assert.equal(db.memory().used, 24);
  assert.equal(db.memory().wasted, 8 + 32);
});

test("bytes handed in may be those of the records themselves", () => {
  const db = newRecords();
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
  const db = newRecords();
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

/**
 * Evacuation: what is freed between records is given back, whatever writes do to their lengths.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { compact, type Database } from "../../../src/store/keyspace/database.ts";
import { Records } from "../../../src/store/memory/records.ts";
import { auditRecords } from "../audit.ts";
import { settingsOf } from "../model.ts";
import { check, MB, remove, set } from "../numbered.ts";

function assertBounded(db: Database): void {
  const { used, reserved, wasted } = db.memory();
  assert.ok(wasted <= used * 0.5 + 2 * MB, `${wasted} wasted of ${reserved}, ${used} used`);
  assert.ok(reserved <= used * 2 + 34 * MB, `${reserved} reserved, ${used} used`);
}

test("freed memory is used again: churn of one length takes no more", () => {
  const db = new Records(settingsOf(1, 2));
  for (let i = 0; i < 20_000; i++) set(db, i, 200);
  const before = db.memory().reserved;
  for (let i = 20_000; i < 200_000; i++) {
    remove(db, i - 20_000);
    set(db, i, 200);
  }
  assert.equal(db.memory().reserved, before);
  auditRecords(db);
});

test("overwriting with other lengths stays within bounds", () => {
  const prng = new Prng(3);
  const db = new Records(settingsOf(1, 2));
  const lengths: number[] = [];
  for (let i = 0; i < 400_000; i++) {
    const number = prng.int(10_000);
    lengths[number] = prng.int(600);
    set(db, number, lengths[number]);
    if (i % 50_000 === 49_999) assertBounded(db);
  }
  lengths.forEach((length, number) => check(db, number, length));
  auditRecords(db);
});

test("values that change from short to long and back give their memory back", () => {
  const db = new Records(settingsOf(1, 2));
  const count = 30_000;
  for (const length of [50, 500, 120, 1500, 20, 900]) {
    for (let i = 0; i < count; i++) set(db, i, length);
    assertBounded(db);
    // A few more writes pay for the rest of the moving.
    for (let i = 0; i < count; i++) set(db, i, length);
    assertBounded(db);
  }
  for (let i = 0; i < count; i++) check(db, i, 900);
  auditRecords(db);
});

test("deleting most keys gives most memory back", () => {
  const db = new Records(settingsOf(1, 2));
  const count = 300_000;
  for (let i = 0; i < count; i++) set(db, i, 200);
  const full = db.memory().reserved;
  for (let i = 0; i < count; i++) if (i % 20 !== 0) remove(db, i);
  while (compact(db, MB) > 0);
  const { used, reserved } = db.memory();
  assert.ok(reserved < full / 4, `${reserved} of ${full} for ${used} used`);
  for (let i = 0; i < count; i += 20) check(db, i, 200);
  auditRecords(db);
});

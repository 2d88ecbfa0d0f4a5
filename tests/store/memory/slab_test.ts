import assert from "node:assert/strict";
import { test } from "node:test";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { Prng } from "../../../src/base/prng.ts";
import { compact, type Database, renameKey } from "../../../src/store/keyspace/database.ts";
import { NO_EXPIRY } from "../../../src/store/memory/record.ts";
import { Records } from "../../../src/store/memory/records.ts";
import { Slab } from "../../../src/store/memory/slab.ts";
import { setString } from "../../../src/store/types/string.ts";
import { auditRecords } from "../audit.ts";
import { settingsOf } from "../model.ts";

const MB = 1024 * 1024;
const value = new Prng(1).bytes(4 * MB);
const key = new Uint8Array(8);
const keyView = new DataView(key.buffer);
const ref = new BytesRef();

function set(db: Database, number: number, length: number): void {
  keyView.setFloat64(0, number);
  // A value tells its length and begins where its key says, so that a mix-up shows.
  const start = (number * 31) % (4 * MB - length);
  setString(db, key, 0, 8, value, start, start + length, NO_EXPIRY);
}

function check(db: Database, number: number, length: number): void {
  keyView.setFloat64(0, number);
  const entry = db.find(key, 0, 8);
  assert.notEqual(entry, 0);
  db.valueRef(entry, ref);
  assert.equal(ref.end - ref.start, length);
  const start = (number * 31) % (4 * MB - length);
  for (let i = 0; i < length; i += 61) assert.equal(ref.bytes[ref.start + i], value[start + i]);
}

function remove(db: Database, number: number): void {
  keyView.setFloat64(0, number);
  assert.ok(db.remove(key, 0, 8));
}

test("Slab hands out blocks that do not overlap and takes each back", () => {
  const prng = new Prng(5);
  const slab = new Slab();
  const blocks = new Map<number, number>();
  let used = 0;
  for (let i = 0; i < 60_000; i++) {
    if (blocks.size > 0 && prng.oneIn(2)) {
      const [pointer, units] = blocks.entries().next().value as [number, number];
      blocks.delete(pointer);
      slab.free(pointer, units);
      used -= units;
    } else {
      const wanted = prng.oneIn(20) ? prng.int(3000) : prng.int(40);
      const pointer = slab.allocate(wanted);
      const units = slab.allocatedUnits;
      assert.notEqual(pointer, 0);
      assert.ok(units >= wanted && units <= Math.max(wanted + 1, 2), `${units} for ${wanted}`);
      assert.ok(!blocks.has(pointer));
      blocks.set(pointer, units);
      used += units;
    }
    assert.equal(slab.usedBytes, used * 8);
  }
  const sorted = [...blocks].sort((a, b) => a[0] - b[0]);
  for (let i = 1; i < sorted.length; i++) {
    assert.ok(sorted[i - 1][0] + sorted[i - 1][1] <= sorted[i][0], "blocks do not overlap");
  }
});

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

function assertBounded(db: Database): void {
  const { used, reserved, wasted } = db.memory();
  assert.ok(wasted <= used * 0.5 + 2 * MB, `${wasted} wasted of ${reserved}, ${used} used`);
  assert.ok(reserved <= used * 2 + 34 * MB, `${reserved} reserved, ${used} used`);
}

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

test("an entry survives its segment being doubled and the next one opened", () => {
  const db = new Records(settingsOf(1, 2));
  set(db, 1e6, 100);
  for (let i = 0; i < 30; i++) {
    set(db, i, MB - 100);
    check(db, 1e6, 100);
  }
  for (let i = 0; i < 30; i++) check(db, i, MB - 100);
  auditRecords(db);
});

test("records longer than a segment get a buffer of their own and give it back", () => {
  const db = new Records(settingsOf(1, 2));
  const long = new Prng(2).bytes(40 * MB);
  const small = db.memory().reserved;
  for (let round = 0; round < 3; round++) {
    for (const length of [16 * MB - 40, 16 * MB - 16, 16 * MB, 17 * MB, 33 * MB, 40 * MB]) {
      keyView.setFloat64(0, length);
      const expireAtMs = round === 1 ? 5 : NO_EXPIRY;
      const entry = setString(db, key, 0, 8, long, 0, length, expireAtMs);
      db.valueRef(entry, ref);
      assert.equal(ref.end - ref.start, length);
      assert.equal(ref.bytes[ref.end - 1], long[length - 1]);
      set(db, round, 1000);
      auditRecords(db);
    }
    const renamed = new Uint8Array([round]);
    keyView.setFloat64(0, 40 * MB);
    renameKey(db, db.find(key, 0, 8), renamed, 0, 1);
    db.valueRef(db.setExpire(db.find(renamed, 0, 1), 99), ref);
    assert.equal(ref.bytes[ref.start + 39 * MB], long[39 * MB]);
    assert.ok(db.remove(renamed, 0, 1));
  }
  for (const length of [16 * MB - 40, 16 * MB - 16, 16 * MB, 17 * MB, 33 * MB]) remove(db, length);
  for (let i = 0; i < 3; i++) check(db, i, 1000);
  auditRecords(db);
  assert.ok(db.memory().reserved <= small + 34 * MB);
});

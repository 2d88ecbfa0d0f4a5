/**
 * The arena: blocks that do not overlap, segments that double, buffers for what no segment holds.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { Prng } from "../../../src/base/prng.ts";
import { renameKey } from "../../../src/store/keyspace/database.ts";
import { NO_EXPIRY } from "../../../src/store/memory/record.ts";
import { Records } from "../../../src/store/memory/records.ts";
import { Slab } from "../../../src/store/memory/slab.ts";
import { setString } from "../../../src/store/types/string.ts";
import { auditRecords } from "../audit.ts";
import { settingsOf } from "../model.ts";
import { check, MB, numberedKey, remove, set, toKey } from "../numbered.ts";

const ref = new BytesRef();

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
      toKey(length);
      const expireAtMs = round === 1 ? 5 : NO_EXPIRY;
      const entry = setString(db, numberedKey, 0, 8, long, 0, length, expireAtMs);
      db.valueRef(entry, ref);
      assert.equal(ref.end - ref.start, length);
      assert.equal(ref.bytes[ref.end - 1], long[length - 1]);
      set(db, round, 1000);
      auditRecords(db);
    }
    const renamed = new Uint8Array([round]);
    toKey(40 * MB);
    renameKey(db, db.find(numberedKey, 0, 8), renamed, 0, 1);
    db.valueRef(db.setExpire(db.find(renamed, 0, 1), 99), ref);
    assert.equal(ref.bytes[ref.start + 39 * MB], long[39 * MB]);
    assert.ok(db.remove(renamed, 0, 1));
  }
  for (const length of [16 * MB - 40, 16 * MB - 16, 16 * MB, 17 * MB, 33 * MB]) remove(db, length);
  for (let i = 0; i < 3; i++) check(db, i, 1000);
  auditRecords(db);
  assert.ok(db.memory().reserved <= small + 34 * MB);
});

test("no segment of 8 MB or more is copied to become a larger one", () => {
  const slab = new Slab();
  const large = new Set<ArrayBufferLike>();
  for (let i = 0; i < 40_000; i++) {
    slab.allocate(128);
    for (const { buffer } of slab.bytes) if (buffer.byteLength >= 8 << 20) large.add(buffer);
  }
  const held = new Set(slab.bytes.map(({ buffer }) => buffer));
  assert.ok(large.size > 1);
  for (const buffer of large) assert.ok(held.has(buffer));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { hash32 } from "../../../src/base/hash.ts";
import { Prng } from "../../../src/base/prng.ts";
import { Argv } from "../../../src/resp/argv.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import { NO_EXPIRY } from "../../../src/store/memory/record.ts";
import { Records } from "../../../src/store/memory/records.ts";
import { setString } from "../../../src/store/types/string.ts";
import { auditRecords } from "../audit.ts";
import { ModelRun, settingsOf } from "../model.ts";

const VALUE = new Uint8Array([118]);
const scratch = new Uint8Array(8);
const view = new DataView(scratch.buffer);
const ref = new BytesRef();

/** Records whose table goes by another hash than the usual one. */
function hashedBy(hash: (bytes: Uint8Array, start: number, end: number) => number): Records {
  const db = new Records(settingsOf(1, 2));
  db.table.hashOf = (bytes, start, end) => hash(bytes, start, end) | 0;
  return db;
}

function setNumber(db: Database, number: number): void {
  view.setFloat64(0, number);
  setString(db, scratch, 0, 8, VALUE, 0, 1, NO_EXPIRY);
}

function removeNumber(db: Database, number: number): boolean {
  view.setFloat64(0, number);
  return db.remove(scratch, 0, 8);
}

function hasNumber(db: Database, number: number): boolean {
  view.setFloat64(0, number);
  return db.find(scratch, 0, 8) !== 0;
}

function numberOf(db: Database, entry: number): number {
  db.keyRef(entry, ref);
  scratch.set(ref.view());
  return view.getFloat64(0);
}

/** SCANs to the end, calling `between` after every step; the answer is how often each key came. */
function scanAll(db: Database, between: (step: number) => void): Map<number, number> {
  const seen = new Map<number, number>();
  let cursor = 0;
  let steps = 0;
  do {
    cursor = db.scan(cursor, (entry) => {
      const number = numberOf(db, entry);
      seen.set(number, (seen.get(number) ?? 0) + 1);
    });
    between(++steps);
  } while (cursor !== 0 && steps < 1_000_000);
  assert.equal(cursor, 0);
  return seen;
}

for (const size of [0, 1, 2, 5, 6, 7, 8, 20, 100, 1000, 5555]) {
  test(`scan() of ${size} keys at rest visits each exactly once`, () => {
    const db = new Records(settingsOf(1, 2));
    for (let i = 0; i < size; i++) setNumber(db, i);
    const seen = scanAll(db, () => {});
    assert.equal(seen.size, size);
    for (const times of seen.values()) assert.equal(times, 1);
  });
}

interface Churn {
  name: string;
  stable: number;
  others: number;
  between: (db: Database, prng: Prng, step: number) => void;
}

const churns: Churn[] = [
  {
    name: "growth from 100 to tens of thousands",
    stable: 100,
    others: 0,
    between: (db, _prng, step) => {
      for (let i = 0; i < 40 && step < 800; i++) setNumber(db, 1e6 + step * 40 + i);
    },
  },
  {
    name: "shrinkage to almost nothing",
    stable: 50,
    others: 40_000,
    between: (db, _prng, step) => {
      for (let i = 0; i < 60; i++) removeNumber(db, 1e6 + step * 60 + i);
    },
  },
  {
    name: "growth and shrinkage in waves",
    stable: 300,
    others: 3000,
    between: (db, _prng, step) => {
      const grow = (step >> 5) % 2 === 0;
      for (let i = 0; i < 50; i++) {
        const number = 1e6 + ((step & 31) * 50 + i);
        if (grow) setNumber(db, number);
        else removeNumber(db, number);
      }
    },
  },
  {
    name: "random writes",
    stable: 500,
    others: 2000,
    between: (db, prng) => {
      for (let i = 0; i < 30; i++) {
        const number = 1e6 + prng.int(20_000);
        if (prng.oneIn(2)) setNumber(db, number);
        else removeNumber(db, number);
      }
    },
  },
  {
    name: "single splits and merges around one size",
    stable: 500,
    others: 0,
    between: (db, prng, step) => {
      for (let i = 0; i < 5; i++) {
        if ((step >> 3) % 2 === 0) setNumber(db, 1e6 + prng.int(40));
        else removeNumber(db, 1e6 + prng.int(40));
      }
    },
  },
];

for (const churn of churns) {
  for (const seed of [1, 2, 3]) {
    test(`scan() misses no key that stays, under ${churn.name}, seed ${seed}`, () => {
      const prng = new Prng(seed);
      const db = new Records(settingsOf(prng.uint32(), prng.uint32()));
      for (let i = 0; i < churn.others; i++) setNumber(db, 1e6 + i);
      for (let i = 0; i < churn.stable; i++) setNumber(db, i);
      const seen = scanAll(db, (step) => churn.between(db, prng, step));
      for (let i = 0; i < churn.stable; i++) assert.ok(seen.has(i), `key ${i} was missed`);
      auditRecords(db);
    });
  }
}

test("scan() takes any u32 as a cursor and ends from there", () => {
  const db = new Records(settingsOf(1, 2));
  for (let i = 0; i < 1000; i++) setNumber(db, i);
  for (const start of [1, 77, 0x7fffffff, 0x80000000, 0xdeadbeef, 0xffffffff]) {
    let cursor = start;
    let steps = 0;
    do {
      cursor = db.scan(cursor, () => {});
      assert.ok(cursor >= 0 && cursor <= 0xffffffff);
    } while (cursor !== 0 && ++steps < 2000);
    assert.equal(cursor, 0);
  }
});

test("the table grows and shrinks with its keys, a bucket at a time", () => {
  const db = new Records(settingsOf(3, 4));
  const small = db.memory().table;
  for (let cycle = 0; cycle < 3; cycle++) {
    for (let i = 0; i < 60_000; i++) setNumber(db, i);
    const full = db.memory().table;
    assert.ok(full / 60_000 < 40, `${full} bytes for 60,000 keys`);
    for (let i = 0; i < 60_000; i++) assert.ok(removeNumber(db, i));
    assert.equal(db.size, 0);
    assert.ok(db.memory().table <= small * 8, `${db.memory().table} bytes for no key`);
    auditRecords(db);
  }
});

test("thousands of keys with one hash are slow but right", () => {
  const db = hashedBy(() => 0x5bd1e995);
  const count = 3000;
  for (let i = 0; i < count; i++) setNumber(db, i);
  auditRecords(db);
  for (let i = 0; i < count; i += 7) assert.ok(hasNumber(db, i));
  assert.equal(scanAll(db, () => {}).size, count);
  for (let i = 0; i < count; i += 2) assert.ok(removeNumber(db, i));
  auditRecords(db);
  for (let i = 0; i < count; i++) assert.equal(hasNumber(db, i), i % 2 === 1);
  for (let i = 1; i < count; i += 2) assert.ok(removeNumber(db, i));
  assert.equal(db.size, 0);
  auditRecords(db);
});

const weakHashes: { name: string; bits: (hash: number) => number }[] = [
  { name: "sixteen hashes in all", bits: (hash) => hash & 0xf },
  { name: "hashes that differ only in high bits", bits: (hash) => hash & 0xffff0000 },
  { name: "negative hashes", bits: (hash) => hash | 0x80000000 },
  { name: "half of all keys in one bucket", bits: (hash) => (hash & 1) === 0 ? 0 : hash },
];
for (const weak of weakHashes) {
  test(`a database does what a Map does under a bad hash: ${weak.name}`, () => {
    const db = hashedBy((b, s, e) => weak.bits(hash32(b, s, e, 1, 2)));
    const run = new ModelRun(9, 1500, 100, db);
    run.run(20_000);
    run.check();
  });
}

test("randomEntry() is fair enough", () => {
  for (const size of [1, 2, 3, 10, 37]) {
    const prng = new Prng(size);
    const db = new Records(settingsOf(prng.uint32(), prng.uint32()));
    for (let i = 0; i < size; i++) setNumber(db, i);
    const drawn = new Array(size).fill(0);
    for (let i = 0; i < size * 500; i++) {
      drawn[numberOf(db, db.randomEntry(() => prng.next()))]++;
    }
    for (const times of drawn) assert.ok(times > 350 && times < 650, `${times} of about 500`);
  }
});

test("randomEntry() finds the last of many keys", () => {
  const prng = new Prng(1);
  const db = new Records(settingsOf(1, 2));
  assert.equal(db.randomEntry(() => prng.next()), 0);
  for (let i = 0; i < 20_000; i++) setNumber(db, i);
  for (let i = 1; i < 20_000; i++) removeNumber(db, i);
  assert.equal(numberOf(db, db.randomEntry(() => prng.next())), 0);
  // Worst luck: every draw says the same.
  assert.equal(numberOf(db, db.randomEntry(() => 0.999)), 0);
});

test("expand() is a hint: bounded, ignored when late, and taken back by deletes", () => {
  const db = new Records(settingsOf(1, 2));
  for (const hint of [NaN, -1, 0, 3, Infinity]) db.expand(hint);
  assert.ok(db.memory().table < 256 * 1024 * 1024);
  db.clear();
  db.expand(100_000);
  const table = db.memory().table;
  assert.ok(table >= 100_000 / 5 * 64);
  for (let i = 0; i < 100_000; i++) setNumber(db, i);
  assert.ok(db.memory().table < table * 1.5);
  db.expand(1e6);
  assert.equal(scanAll(db, () => {}).size, 100_000);
  auditRecords(db);
  for (let i = 0; i < 100_000; i++) removeNumber(db, i);
  assert.ok(db.memory().table < 65536);
  auditRecords(db);
});

test("beginLoad() to endLoad() adds what adding one by one adds, and tells of a key that was there", () => {
  for (const count of [0, 1, 63, 64, 65, 5000]) {
    const db = new Records(settingsOf(1, 2));
    db.table.beginLoad();
    for (let i = 0; i < count; i++) setNumber(db, i);
    db.table.endLoad();
    assert.equal(db.table.duplicate, 0);
    assert.equal(db.size, count);
    auditRecords(db);
    for (let i = 0; i < count; i++) assert.ok(hasNumber(db, i));
    setNumber(db, count);
    db.table.beginLoad();
    setNumber(db, count);
    db.table.endLoad();
    assert.equal(numberOf(db, db.table.duplicate), count);
    assert.equal(db.size, count + 1);
  }
});

test("prefetch() changes nothing, whatever keys it is told of", () => {
  const prng = new Prng(12);
  const run = new Records(settingsOf(5, 6));
  const fetched = new Records(settingsOf(5, 6));
  for (let step = 0; step < 3000; step++) {
    const keys = Argv.of(...Array.from({ length: prng.int(100) }, () => {
      view.setFloat64(0, prng.int(500));
      return prng.oneIn(9) ? prng.bytes(prng.int(20)) : scratch.slice();
    }));
    fetched.table.prefetch(keys);
    const number = prng.int(500);
    for (const db of [run, fetched]) {
      if (step % 1000 < 600) setNumber(db, number);
      else removeNumber(db, number);
      if (step % 1000 === 999) { for (let i = 0; i < 500; i++) removeNumber(db, i); }
    }
    assert.equal(fetched.size, run.size);
  }
  auditRecords(fetched);
  assert.deepEqual(scanAll(fetched, () => {}), scanAll(run, () => {}));
});

test("10,000 empty draws: expand() then a few keys still answers at once", () => {
  const db = new Records(settingsOf(1, 2));
  db.expand(1e6);
  setNumber(db, 7);
  assert.equal(numberOf(db, db.randomEntry(() => 0.5)), 7);
  removeNumber(db, 7);
  auditRecords(db);
});

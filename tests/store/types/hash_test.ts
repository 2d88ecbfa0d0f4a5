/**
 * Hashes against a plain `Map`: the same seeded operations on both, in every form and from each to the
 * next: pairs in a listpack, triples in one, triples that Redis calls a table, tables.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { Prng } from "../../../src/base/prng.ts";
import { Records } from "../../../src/store/memory/records.ts";
import {
  FieldCursor,
  hashCreate,
  hashEach,
  hashEarliestExpiry,
  hashExpect,
  hashExpiresBefore,
  hashFind,
  hashHasExpiries,
  hashKeepExpiries,
  hashLength,
  hashRemove,
  hashRemoveResult,
  hashSet,
  hashSetExpiry,
  hashSetResult,
  hashVisitAt,
} from "../../../src/store/types/hash.ts";
import { hashTableOf } from "../../../src/store/types/hash_table.ts";
import { HashBuilder } from "../../../src/store/types/hash_builder.ts";
import { copyValue, type Database } from "../../../src/store/keyspace/database.ts";
import { Encoding, type Entry, NO_EXPIRY, ValueType } from "../../../src/store/memory/record.ts";
import { lpCheck } from "../../../src/store/packed/listpack_check.ts";
import { auditRecords } from "../audit.ts";
import { settingsOf } from "../model.ts";
import { bytesOf } from "../../support/bytes.ts";

const KEY = bytesOf("hash");
const OTHER = bytesOf("another");
const FIRST_MS = 1_700_000_000_000;
const blob = new BytesRef();
const found = new FieldCursor();

/** What the model holds of a field. */
interface ModelField {
  value: string;
  expireAtMs: number;
}

type Model = Map<string, ModelField>;

function tell(db: Database, entry: Entry): Model {
  const told: Model = new Map();
  hashEach(db, entry, (f, fs, fe, v, vs, ve, expireAtMs) => {
    const field = latin1(f, fs, fe);
    assert.ok(!told.has(field), "a field is met once");
    told.set(field, { value: latin1(v, vs, ve), expireAtMs });
  });
  return told;
}

/** Both, and the dice. */
class Run {
  readonly prng: Prng;
  readonly db: Database;
  readonly other: Database;
  readonly met: Set<string> = new Set();
  readonly #fields: number;
  readonly #longest: number;
  readonly #expires: boolean;
  readonly #seed: number;
  /** As Redis calls it. */
  #encoding: Encoding = Encoding.LISTPACK;
  entry: Entry = 0;
  model: Model = new Map();

  constructor(seed: number) {
    const prng = new Prng(seed);
    this.#seed = seed;
    this.prng = prng;
    this.db = new Records(settingsOf(prng.uint32(), prng.uint32()));
    this.other = new Records(settingsOf(prng.uint32(), prng.uint32()));
    this.db.settings.limits.hashMaxListpackEntries = [5, 60, 512][seed % 3];
    this.#fields = [8, 90, 400, 1200][seed % 4];
    // Some never outgrow their limits.
    this.#longest = seed % 5 === 0 ? 60 : [70, 300, 3000][seed % 3];
    this.#expires = seed % 7 !== 0;
  }

  step(): void {
    if (this.entry === 0) this.#create();
    switch (this.prng.int(12)) {
      case 0:
      case 1:
        return this.#remove(this.#some());
      case 2:
        return this.#setExpiry(this.#some());
      case 3:
        return this.#find(this.#some());
      case 4:
        return this.#draw();
      case 5:
        return this.prng.oneIn(30) ? this.#clear() : this.#replace();
      default:
        return this.#set();
    }
  }

  #create(): void {
    this.entry = hashCreate(this.db, KEY, 0, KEY.length);
    this.model = new Map();
    this.#encoding = Encoding.LISTPACK;
  }

  #clear(): void {
    for (const field of [...this.model.keys()]) this.#remove(field);
    assert.equal(hashLength(this.db, this.entry), 0);
    this.db.removeEntry(this.entry);
    this.entry = 0;
  }

  #text(length: number): string {
    const { prng } = this;
    switch (prng.int(4)) {
      case 0:
        return latin1(prng.bytes(prng.int(length)));
      case 1:
        return "x".repeat(prng.int(length));
      case 2:
        return String(prng.pick([-1, 127, 128, 4096, -32769, 8388608, 2147483648, 2 ** 52]));
      default:
        return prng.pick([
          "",
          "0",
          "-0",
          "01",
          "9223372036854775807",
          "9223372036854775808",
          "1.5",
        ]);
    }
  }

  #field(): string {
    const number = this.prng.int(this.#fields);
    return number % 3 === 0
      ? String(number - 40)
      : number % 3 === 1
      ? `\xff\0${number}`
      : `f${number}`;
  }

  /** A field that is there mostly. */
  #some(): string {
    const { model, prng } = this;
    if (model.size === 0 || prng.oneIn(4)) return this.#field();
    return [...model.keys()][prng.int(model.size)];
  }

  #time(): number {
    return this.#expires ? FIRST_MS + this.prng.int(50) : NO_EXPIRY;
  }

  #set(): void {
    const { prng } = this;
    const field = prng.oneIn(3) ? this.#some() : this.#field();
    const value = this.#text(prng.oneIn(9) ? this.#longest : 20);
    const choice = prng.int(4);
    const at = choice === 0 ? undefined : choice === 1 ? this.#time() : NO_EXPIRY;
    this.#put(field, value, at);
  }

  /** A value of a field that is there becomes another, its expiry kept. */
  #replace(): void {
    const field = this.#some();
    if (this.model.has(field)) this.#put(field, this.#text(20), undefined);
  }

  #put(field: string, value: string, at: number | undefined): void {
    const { db, model } = this;
    const [f, v] = [bytesOf(`-${field}`), bytesOf(`${value}-`)];
    const old = model.get(field);
    const longest = Math.max(field.length, value.length);
    const expireAtMs = at ?? old?.expireAtMs ?? NO_EXPIRY;
    const open = hashExpect(db, this.entry, 1, longest);
    this.entry = hashSet(db, open, f, 1, f.length, v, 0, value.length, at);
    assert.equal(hashSetResult.isNew, old === undefined);
    model.set(field, { value, expireAtMs });
    const { hashMaxListpackEntries, hashMaxListpackValue } = db.settings.limits;
    const isTable = model.size > hashMaxListpackEntries || longest > hashMaxListpackValue;
    if (isTable) this.#encoding = Encoding.HASHTABLE;
    else if (at !== undefined && at !== NO_EXPIRY) this.#widens();
  }

  #widens(): void {
    if (this.#encoding === Encoding.LISTPACK) this.#encoding = Encoding.LISTPACK_EX;
  }

  #remove(field: string): void {
    const bytes = bytesOf(field);
    this.entry = hashRemove(this.db, this.entry, bytes, 0, bytes.length);
    assert.equal(hashRemoveResult.wasThere, this.model.delete(field));
  }

  #setExpiry(field: string): void {
    const { db, model } = this;
    const old = model.get(field);
    if (old === undefined || !this.#expires) return;
    const at = this.prng.oneIn(3) ? NO_EXPIRY : this.#time();
    const bytes = bytesOf(field);
    this.entry = hashKeepExpiries(db, this.entry);
    this.entry = hashSetExpiry(db, this.entry, bytes, 0, bytes.length, at);
    old.expireAtMs = at;
    this.#widens();
  }

  #find(field: string): void {
    const expected = this.model.get(field);
    const bytes = bytesOf(field);
    const there = hashFind(this.db, this.entry, bytes, 0, bytes.length, found);
    assert.equal(there, expected !== undefined);
    if (expected === undefined) return;
    const { bytes: v, start, end } = found.value;
    assert.deepEqual({ value: latin1(v, start, end), expireAtMs: found.expireAtMs }, expected);
  }

  #draw(): void {
    const { db, entry, model, prng } = this;
    if (model.size === 0) return;
    const random = () => prng.uint32() / 2 ** 32;
    hashVisitAt(db, entry, prng.int(model.size), random, (f, fs, fe, v, vs, ve, expireAtMs) => {
      const told = { value: latin1(v, vs, ve), expireAtMs };
      assert.deepEqual(told, model.get(latin1(f, fs, fe)));
    });
  }

  compare(): void {
    const { db, entry, model } = this;
    if (entry === 0) return;
    assert.equal(db.encodingOf(entry), this.#encoding, `seed ${this.#seed}`);
    assert.equal(hashLength(db, entry), model.size);
    assert.deepEqual(sorted(tell(db, entry)), sorted(model));
    const times = [...model.values()].map(({ expireAtMs }) => expireAtMs)
      .filter((at) => at !== NO_EXPIRY);
    assert.equal(hashHasExpiries(db, entry), times.length > 0);
    const earliest = times.length === 0 ? NO_EXPIRY : Math.min(...times);
    assert.equal(hashEarliestExpiry(db, entry), earliest);
    for (const ms of [FIRST_MS, FIRST_MS + 25, FIRST_MS + 60]) {
      assert.equal(hashExpiresBefore(db, entry, ms), times.some((at) => at < ms));
    }
    this.#compareForm();
    auditRecords(db);
  }

  #compareForm(): void {
    const { db, entry } = this;
    const large = hashTableOf(db, entry);
    this.met.add(`${db.encodingOf(entry)}${large === undefined ? "" : " large"}`);
    if (large !== undefined) return auditRecords(large.fields);
    db.valueRef(entry, blob);
    assert.equal(lpCheck(blob.bytes, blob.start, blob.end, false), undefined);
    if (db.encodingOf(entry) === Encoding.LISTPACK) return;
    const times = [...tell(db, entry).values()].map(({ expireAtMs }) =>
      expireAtMs === NO_EXPIRY ? Infinity : expireAtMs
    );
    assert.deepEqual(times, times.toSorted((a, b) => a === b ? 0 : a - b));
  }

  /** A copy is the same and stays so whatever becomes of the first. */
  copy(): void {
    if (this.entry === 0) return;
    const { db, other } = this;
    const copied = copyValue(db, this.entry, other, OTHER, 0, OTHER.length, NO_EXPIRY);
    const before = sorted(this.model);
    for (let i = 0; i < 20; i++) this.step();
    const entry = other.find(OTHER, 0, OTHER.length);
    assert.ok(copied !== 0 && entry !== 0);
    assert.deepEqual(sorted(tell(other, entry)), before);
    other.removeEntry(entry);
    auditRecords(other);
  }

  /** What a snapshot brings field by field is in the form that was held. */
  rebuild(): void {
    if (this.entry === 0 || this.model.size === 0) return;
    const builder = new HashBuilder();
    const { settings } = this.db;
    builder.begin(settings);
    if (this.#encoding === Encoding.HASHTABLE) builder.makeTable();
    for (const [field, { value, expireAtMs }] of this.model) {
      const [f, v] = [bytesOf(field), bytesOf(value)];
      assert.ok(builder.add(f, 0, f.length, v, 0, v.length, expireAtMs));
      if (this.prng.oneIn(9)) {
        assert.ok(!builder.add(f, 0, f.length, v, 0, v.length, expireAtMs), "it is there");
        // A table has taken the second one, which is the same.
      }
    }
    assert.equal(builder.size, this.model.size);
    const large = builder.finish();
    const { listpack, encoding } = builder;
    const { other } = this;
    const [start, end] = [0, OTHER.length];
    const entry = large === undefined
      ? other.setBlob(
        ...[OTHER, start, end, ValueType.HASH, encoding] as const,
        ...[listpack.bytes, 0, listpack.length, NO_EXPIRY] as const,
      )
      : other.setObject(OTHER, start, end, ValueType.HASH, encoding, large, NO_EXPIRY);
    assert.deepEqual(sorted(tell(other, entry)), sorted(this.model));
    other.removeEntry(entry);
  }
}

function sorted(model: Model): [string, ModelField][] {
  return [...model].map(([field, one]) => [field, { ...one }] as [string, ModelField])
    .sort(([a], [b]) => a < b ? -1 : 1);
}

test("hashes are what a plain map is", () => {
  const met = new Set<string>();
  for (let seed = 1; seed <= 42; seed++) {
    const run = new Run(seed);
    for (let i = 0; i < 800; i++) {
      run.step();
      if (i % 40 === 0) run.compare();
      if (i % 200 === 199) run.copy();
      if (i % 200 === 100) run.rebuild();
    }
    run.compare();
    for (const form of run.met) met.add(form);
  }
  const { HASHTABLE, LISTPACK, LISTPACK_EX } = Encoding;
  const forms = [LISTPACK, LISTPACK_EX, HASHTABLE, `${HASHTABLE} large`].map(String);
  assert.deepEqual([...met].sort(), forms.sort());
});

/** Sets fields named by numbers to a value. */
function fill(db: Database, entry: Entry, count: number, value: Uint8Array): Entry {
  for (let i = 0; i < count; i++) {
    const field = bytesOf(`field:${i}`);
    entry = hashExpect(db, entry, 1, value.length);
    entry = hashSet(db, entry, field, 0, field.length, value, 0, value.length, NO_EXPIRY);
  }
  return entry;
}

test("a hash that loses its fields gives memory back", () => {
  const db = new Records(settingsOf(1, 2));
  let entry = fill(db, hashCreate(db, KEY, 0, KEY.length), 20_000, bytesOf("value"));
  const large = hashTableOf(db, entry)!;
  const full = large.memoryBytes;
  assert.ok(full < 20_000 * 64, `${full} bytes`);
  for (let i = 0; i < 20_000; i++) {
    const field = bytesOf(`field:${i}`);
    entry = hashRemove(db, entry, field, 0, field.length);
    assert.ok(hashRemoveResult.wasThere);
  }
  assert.equal(large.size, 0);
  assert.ok(large.memoryBytes < full / 3, `${large.memoryBytes} of ${full} bytes`);
  db.removeEntry(entry);
  assert.equal(db.memory().objects, 0);
  auditRecords(db);
});

test("a table of a few fields costs little more than its bytes", () => {
  const db = new Records(settingsOf(1, 2));
  const value = new Uint8Array(100);
  for (let key = 0; key < 1000; key++) {
    const name = bytesOf(`key:${key}`);
    const entry = fill(db, hashCreate(db, name, 0, name.length), 5, value);
    assert.equal(db.encodingOf(entry), Encoding.HASHTABLE);
    assert.equal(hashTableOf(db, entry), undefined);
  }
  const { used } = db.memory();
  assert.ok(used < 1000 * 5 * 140, `${used} bytes`);
});

test("fields that expire at once lie the last to be told first, those that never do at the end", () => {
  const db = new Records(settingsOf(1, 2));
  let entry = fill(db, hashCreate(db, KEY, 0, KEY.length), 3, bytesOf("v"));
  entry = hashKeepExpiries(db, entry);
  const order = () => [...tell(db, entry).keys()].join(" ").replaceAll("field:", "");
  for (const [i, at] of [[0, 7], [1, 7], [2, 5], [2, 7]]) {
    const field = bytesOf(`field:${i}`);
    entry = hashSetExpiry(db, entry, field, 0, field.length, FIRST_MS + at);
  }
  assert.equal(order(), "2 1 0");
  const set = (i: number, at: number | undefined) => {
    const [field, value] = [bytesOf(`field:${i}`), bytesOf("w")];
    entry = hashSet(db, entry, field, 0, field.length, value, 0, 1, at);
  };
  set(1, NO_EXPIRY);
  assert.equal(order(), "2 0 1");
  set(2, NO_EXPIRY);
  assert.equal(order(), "0 1 2");
  set(1, NO_EXPIRY);
  assert.equal(order(), "0 1 2");
  set(0, undefined);
  set(2, FIRST_MS + 6);
  assert.equal(order(), "2 0 1");
});

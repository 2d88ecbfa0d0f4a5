/**
 * Sets against the runtime's own, in every form and through every conversion.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { Prng } from "../../../src/base/prng.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { Encoding, type Entry, NO_EXPIRY, ValueType } from "../../../src/store/memory/record.ts";
import {
  setAdd,
  setAddResult,
  setCreate,
  setEach,
  setEncodingFor,
  setHas,
  setLength,
  setRemove,
  setRemoveResult,
  setUnpack,
  setVisitAt,
} from "../../../src/store/types/set.ts";
import { setTableOf } from "../../../src/store/types/set_table.ts";
import { SetBuilder } from "../../../src/store/types/set_builder.ts";
import { auditRecords } from "../audit.ts";
import { bytesOf } from "../../support/bytes.ts";

const KEY = bytesOf("key");
const { INTSET, LISTPACK, HASHTABLE } = Encoding;

/** Texts that are integers of every width, that nearly are, and that are none. */
const ODD: readonly string[] = [
  "0",
  "-1",
  "32767",
  "32768",
  "-32769",
  "2147483648",
  "-2147483649",
  "9007199254740993",
  "9223372036854775807",
  "-9223372036854775808",
  "9223372036854775808",
  "007",
  "-0",
  "+1",
  "",
  "a\0b",
  "\xff\x00\r\n",
  "m".repeat(64),
  "m".repeat(65),
];

function membersOf(db: Database, entry: Entry): string[] {
  const told: string[] = [];
  setEach(db, entry, (bytes, start, end) => told.push(latin1(bytes, start, end)));
  return told;
}

function fits(db: Database, entry: Entry, model: ReadonlySet<string>): void {
  assert.equal(setLength(db, entry), model.size);
  const told = membersOf(db, entry);
  assert.deepEqual(told.toSorted(), [...model].sort());
  for (let i = 0; i < Math.min(model.size, 5); i++) {
    setVisitAt(db, entry, i, () => i / 7, (bytes, start, end) => {
      assert.ok(model.has(latin1(bytes, start, end)));
    });
  }
  auditRecords(db);
}

function memberOf(prng: Prng, kind: string): string {
  if (kind === "integers" || prng.oneIn(3)) return String(prng.int(300) - 150);
  return prng.oneIn(4) ? prng.pick(ODD) : `member:${prng.int(300)}`;
}

for (const kind of ["integers", "mixed"]) {
  test(`sets of ${kind} are what a plain set is`, () => {
    for (let seed = 0; seed < 12; seed++) {
      const prng = new Prng(seed);
      const keyspace = new Keyspace({ random: () => 0.5 });
      const { limits } = keyspace.settings;
      limits.setMaxIntsetEntries = prng.pick([16, 512]);
      limits.setMaxListpackEntries = prng.pick([8, 128]);
      const db = keyspace.db(0);
      const model = new Set<string>();
      let entry = setCreate(db, KEY, 0, KEY.length, INTSET);
      const seen = new Set<Encoding>();
      for (let step = 0; step < 1500; step++) {
        const name = memberOf(prng, kind);
        const bytes = bytesOf(name);
        const grows = Math.floor(step / 500) % 2 === 0 ? !prng.oneIn(3) : prng.oneIn(3);
        assert.equal(setHas(db, entry, bytes, 0, bytes.length), model.has(name));
        if (grows) {
          entry = setAdd(db, entry, bytes, 0, bytes.length);
          assert.equal(setAddResult.isNew, !model.has(name));
          model.add(name);
        } else {
          entry = setRemove(db, entry, bytes, 0, bytes.length);
          assert.equal(setRemoveResult.wasThere, model.delete(name));
        }
        seen.add(db.encodingOf(entry));
        if (step % 100 === 0) fits(db, entry, model);
      }
      fits(db, entry, model);
      if (kind === "mixed") assert.ok(seen.has(HASHTABLE), `seed ${seed}`);
      entry = setUnpack(db, entry);
      fits(db, entry, model);
    }
  });
}

test("a member lent by one set survives the conversion of another", () => {
  const db = new Keyspace({ random: () => 0.5 }).db(0);
  let source = setCreate(db, bytesOf("source"), 0, 6, INTSET);
  const names = ["400000", "500000", "600000", "700000", "800000"].map(bytesOf);
  for (const name of names) source = setAdd(db, source, name, 0, name.length);
  for (const limits of [{ intset: 3, listpack: 128 }, { intset: 3, listpack: 3 }]) {
    db.settings.limits.setMaxIntsetEntries = limits.intset;
    db.settings.limits.setMaxListpackEntries = limits.listpack;
    const other = new Keyspace({ random: () => 0.5 });
    other.settings.limits.setMaxIntsetEntries = limits.intset;
    other.settings.limits.setMaxListpackEntries = limits.listpack;
    let target = setCreate(other.db(0), KEY, 0, KEY.length, LISTPACK);
    setEach(db, source, (bytes, start, end) => {
      target = setAdd(other.db(0), target, bytes, start, end);
    });
    assert.deepEqual(membersOf(other.db(0), target).sort(), names.map((n) => latin1(n)).sort());
  }
});

test("a builder makes what adding one by one makes", () => {
  for (let seed = 0; seed < 60; seed++) {
    const prng = new Prng(seed);
    const keyspace = new Keyspace({ random: () => 0.5 });
    keyspace.settings.limits.setMaxIntsetEntries = prng.pick([8, 512]);
    keyspace.settings.limits.setMaxListpackEntries = prng.pick([8, 128]);
    const db = keyspace.db(0);
    const kind = prng.pick(["integers", "mixed"]);
    const names = [
      ...new Set(Array.from({ length: 1 + prng.int(200) }, () => memberOf(prng, kind))),
    ];
    const first = bytesOf(names[0]);
    const encoding = setEncodingFor(db, first, 0, first.length, names.length);
    let entry = setCreate(db, KEY, 0, KEY.length, encoding);
    const builder = new SetBuilder();
    builder.begin(keyspace.settings, names.length);
    for (const name of names) {
      const bytes = bytesOf(name);
      entry = setAdd(db, entry, bytes, 0, bytes.length);
      assert.ok(builder.add(bytes, 0, bytes.length));
      if (prng.oneIn(20)) assert.ok(!builder.add(bytes, 0, bytes.length));
    }
    const large = builder.finish();
    const made: string[] = [];
    if (large !== undefined) {
      large.each((bytes, start, end) => made.push(latin1(bytes, start, end)));
    } else {
      const { blob, encoding } = builder;
      const { bytes, length } = blob;
      const name = bytesOf("made");
      const other = db.setBlob(name, 0, 4, ValueType.SET, encoding, bytes, 0, length, NO_EXPIRY);
      made.push(...membersOf(db, other));
    }
    assert.deepEqual(made.sort(), [...names].sort());
  }
});

test("a set that loses its members gives memory back", () => {
  const db = new Keyspace({ random: () => 0.5 }).db(0);
  let entry = setCreate(db, KEY, 0, KEY.length, INTSET);
  for (let i = 0; i < 50_000; i++) {
    const name = bytesOf(`member:${i}`);
    entry = setAdd(db, entry, name, 0, name.length);
  }
  const large = setTableOf(db, entry);
  assert.ok(large !== undefined);
  const full = large.memoryBytes;
  const copied = large.copy();
  for (let i = 0; i < 49_990; i++) {
    const name = bytesOf(`member:${i}`);
    entry = setRemove(db, entry, name, 0, name.length);
  }
  assert.ok(large.memoryBytes < full / 10, `${large.memoryBytes} of ${full} bytes`);
  assert.equal(copied.size, 50_000);
});

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
import { Encoding, type Entry } from "../../../src/store/memory/record.ts";
import {
  setAdd,
  setAddResult,
  setCreate,
  setEach,
  setHas,
  setLength,
  setRemove,
  setRemoveResult,
  setUnpack,
  setVisitAt,
} from "../../../src/store/types/set.ts";
import { setTableOf } from "../../../src/store/types/set_table.ts";
import { auditRecords } from "../audit.ts";
import { bytesOf } from "../../support/bytes.ts";
import { memberOf, membersOf } from "./set_makers.ts";

const KEY = bytesOf("key");
const { INTSET, LISTPACK, HASHTABLE } = Encoding;

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

/**
 * Tables of ids against a plain map, and the shapes of blocks that ids in order leave.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { IdPlace, IdTable } from "../../../src/store/packed/id_table.ts";
import { StreamId } from "../../../src/store/packed/stream_id.ts";
import { ascending, idOf, valueOf } from "../stream_ids.ts";

const id = new StreamId();

test("tables of ids find, seek and keep their order in blocks that split and vanish", () => {
  const prng = new Prng(5);
  const table = new IdTable(1);
  const model = new Map<bigint, number>();
  const place = new IdPlace();
  const some = () => BigInt(prng.int(3000)) << BigInt(16 * prng.int(7));
  for (let i = 0; i < 20_000; i++) {
    const value = some();
    const fills = Math.floor(i / 4000) % 2 === 0;
    if (prng.int(10) < (fills ? 8 : 1)) {
      assert.equal(table.add(idOf(value), place), !model.has(value));
      table.setNumber(place, 0, i);
      model.set(value, i);
    } else assert.equal(table.remove(idOf(value), place), model.delete(value));
    assert.equal(table.size, model.size);
    if (i % 500 !== 0) continue;
    const sorted = ascending(model.keys());
    const probe = some();
    const after = sorted.find((one) => one >= probe);
    assert.equal(table.seek(idOf(probe), place), after !== undefined);
    if (after !== undefined) {
      table.readId(place, id);
      assert.equal(valueOf(id), after);
      assert.equal(table.getNumber(place, 0), model.get(after));
    }
    const before = sorted.findLast((one) => one <= probe);
    assert.equal(table.seekBack(idOf(probe), place), before !== undefined);
    if (before !== undefined) {
      table.readId(place, id);
      assert.equal(valueOf(id), before);
    }
    let more = table.last(place);
    for (const value of sorted.reverse()) {
      assert.ok(more);
      table.readId(place, id);
      assert.equal(valueOf(id), value);
      more = table.previous(place);
    }
    assert.equal(more, false);
  }
});

test("ids that ascend fill their blocks, and those at the head leave whole ones", () => {
  const table = new IdTable(0);
  const place = new IdPlace();
  for (let i = 0; i < 1000; i++) {
    assert.ok(table.add(idOf(BigInt(i)), place));
    assert.deepEqual([place.block, place.row], [i >> 7, i & 127]);
  }
  assert.ok(table.memoryBytes < 1000 * 24, `${table.memoryBytes} bytes`);
  for (let i = 0; i < 999; i++) {
    assert.ok(table.first(place));
    assert.ok(table.removeAt(place), "the next row is pointed at");
    table.readId(place, id);
    assert.equal(valueOf(id), BigInt(i + 1));
  }
  assert.ok(table.first(place));
  assert.equal(table.removeAt(place), false);
  assert.equal(table.memoryBytes, 0);
});

test("a row keeps its numbers and its object where others come and go", () => {
  const table = new IdTable<string>(2);
  const place = new IdPlace();
  for (let i = 999; i >= 0; i--) {
    assert.ok(table.add(idOf(BigInt(i)), place, `object ${i}`));
    assert.deepEqual([table.getNumber(place, 0), table.getNumber(place, 1)], [0, 0]);
    table.setNumber(place, 0, i);
    table.setNumber(place, 1, -i);
  }
  for (let i = 0; i < 1000; i += 2) assert.ok(table.remove(idOf(BigInt(i)), place));
  const copy = table.copy((value) => `copy of ${value}`);
  assert.equal(table.remove(idOf(0n), place), false);
  for (let i = 1; i < 1000; i += 2) {
    assert.ok(copy.find(idOf(BigInt(i)), place));
    assert.equal(copy.valueAt(place), `copy of object ${i}`);
    assert.deepEqual([copy.getNumber(place, 0), copy.getNumber(place, 1)], [i, -i]);
    assert.ok(table.find(idOf(BigInt(i)), place));
    assert.equal(table.valueAt(place), `object ${i}`);
  }
});

test("an empty table has no row", () => {
  const table = new IdTable(0);
  const place = new IdPlace();
  assert.equal(table.find(id, place), false);
  assert.equal(table.seek(id, place), false);
  assert.equal(table.seekBack(id, place), false);
  assert.equal(table.first(place), false);
  assert.equal(table.last(place), false);
  assert.equal(table.remove(id, place), false);
});

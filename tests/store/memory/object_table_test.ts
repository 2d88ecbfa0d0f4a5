/** Bytes of objects are exact at each count, whatever was changed in between. */

import { test } from "node:test";
import assert from "node:assert/strict";
import { Prng } from "../../../src/base/prng.ts";
import { ObjectTable } from "../../../src/store/memory/object_table.ts";
import type { StoredObject } from "../../../src/store/memory/stored_object.ts";

class Grown implements StoredObject {
  memoryBytes: number = 0;
  copy(): StoredObject {
    return this;
  }
}

test("the count of a table equals the sum over its objects", () => {
  const prng = new Prng(5);
  const table = new ObjectTable();
  const held = new Map<number, Grown>();
  for (let i = 0; i < 20_000; i++) {
    const ids = [...held.keys()];
    const id = ids[prng.int(Math.max(1, ids.length))];
    if (id === undefined || (ids.length < 40 && prng.oneIn(5))) {
      const object = new Grown();
      object.memoryBytes = prng.int(1000);
      held.set(table.add(object), object);
    } else if (prng.oneIn(8)) {
      table.remove(id);
      held.delete(id);
    } else {
      (table.get(id) as Grown).memoryBytes = prng.int(5000);
    }
    if (!prng.oneIn(3)) continue;
    let sum = 0;
    for (const { memoryBytes } of held.values()) sum += memoryBytes;
    assert.equal(table.countBytes(), sum);
  }
});

test("an object that takes the id of one that is gone is counted for itself", () => {
  const table = new ObjectTable();
  const first = new Grown();
  first.memoryBytes = 10;
  const id = table.add(first);
  assert.equal(table.countBytes(), 10);
  table.remove(id);
  const second = new Grown();
  second.memoryBytes = 7;
  assert.equal(table.add(second), id);
  assert.equal(table.countBytes(), 7);
  second.memoryBytes = 8;
  assert.equal(table.get(id), second);
  assert.equal(table.countBytes(), 8);
});

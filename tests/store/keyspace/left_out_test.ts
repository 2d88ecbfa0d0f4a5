/**
 * Keys that are left out, against a Map.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { keySlot } from "../../../src/base/crc16.ts";
import { Prng } from "../../../src/base/prng.ts";
import { LeftOutKeys, LeftOutReason } from "../../../src/store/keyspace/left_out.ts";

const encoder = new TextEncoder();
const REASONS = [LeftOutReason.SIZE, LeftOutReason.REFUSED, LeftOutReason.PREDICATE] as const;

function has(keys: LeftOutKeys, db: number, name: string): boolean {
  const bytes = encoder.encode(`--${name}--`);
  return keys.has(db, bytes, 2, bytes.length - 2);
}

function add(keys: LeftOutKeys, db: number, name: string, reason: LeftOutReason): void {
  const bytes = encoder.encode(name);
  keys.add(db, bytes, 0, bytes.length, reason);
}

function remove(keys: LeftOutKeys, db: number, name: string): boolean {
  const bytes = encoder.encode(name);
  return keys.delete(db, bytes, 0, bytes.length);
}

test("LeftOutKeys remembers what a Map does, whatever comes, goes and is exchanged", () => {
  const prng = new Prng(7);
  const keys = new LeftOutKeys();
  let model: Map<string, LeftOutReason>[] = [new Map(), new Map(), new Map()];
  for (let step = 0; step < 20_000; step++) {
    const db = prng.int(3);
    const name = `key:${prng.int(700)}`;
    const what = prng.int(1000);
    if (what < 500) {
      const reason = prng.pick(REASONS);
      add(keys, db, name, reason);
      model[db].set(name, reason);
    } else if (what < 990) {
      assert.equal(remove(keys, db, name), model[db].delete(name));
    } else if (what < 995) {
      keys.swap(db, 2);
      [model[db], model[2]] = [model[2], model[db]];
    } else if (what < 997) {
      keys.clearDb(db);
      model[db].clear();
    } else if (what < 999) {
      keys.clearSlots([[0, 99], [8000, 8999]]);
      model = model.map((of) => new Map([...of].filter(([name]) => !isCleared(name))));
    } else {
      const copy = new LeftOutKeys();
      assert.equal(copy.addBytes(keys.toBytes()), true);
      keys.replaceWith(copy);
    }
    assert.equal(has(keys, db, name), model[db].has(name));
  }
  const all = model.flatMap((of) => [...of.values()]);
  assert.equal(keys.size, all.length);
  for (const reason of REASONS) {
    assert.equal(keys.count(reason), all.filter((found) => found === reason).length);
  }
  for (let i = 0; i < 700; i++) {
    for (let db = 0; db < 3; db++) {
      assert.equal(has(keys, db, `key:${i}`), model[db].has(`key:${i}`));
    }
  }
});

function isCleared(name: string): boolean {
  const bytes = encoder.encode(name);
  const slot = keySlot(bytes, 0, bytes.length);
  return slot <= 99 || (slot >= 8000 && slot <= 8999);
}

for (
  const { name, bytes } of [
    { name: "a length that is no multiple of eight", bytes: [1, 2, 3] },
    {
      name: "fewer entries than announced",
      bytes: [0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0],
    },
    { name: "an entry without a reason", bytes: [0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0] },
  ]
) {
  test(`LeftOutKeys refuses ${name}`, () => {
    assert.equal(new LeftOutKeys().addBytes(Uint8Array.from(bytes)), false);
  });
}

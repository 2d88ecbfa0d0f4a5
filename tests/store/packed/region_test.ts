/**
 * Regions: a blob keeps its bytes while it grows, shrinks and moves, wherever it lies.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { Encoding, ValueType } from "../../../src/store/memory/record.ts";
import { Records } from "../../../src/store/memory/records.ts";
import { RecordRegion } from "../../../src/store/packed/record_region.ts";
import { BufferRegion, NodeRegion, type Region } from "../../../src/store/packed/region.ts";
import { auditRecords } from "../audit.ts";
import { settingsOf } from "../model.ts";

const KEY = new Uint8Array([107]);
const NOTHING = new Uint8Array(0);

/** Every kind of region with an empty blob, and what is to be true of it after each change. */
const KINDS: { name: string; make: () => { region: Region; check: () => void } }[] = [
  {
    name: "a record's value",
    make: () => {
      const db = new Records(settingsOf(1, 2));
      const region = new RecordRegion();
      const entry = db.createBlob(KEY, 0, 1, ValueType.HASH, Encoding.LISTPACK, NOTHING, 0);
      region.open(db, entry, Encoding.LISTPACK);
      return {
        region,
        check: () => {
          assert.equal(region.entry, db.find(KEY, 0, 1));
          auditRecords(db);
        },
      };
    },
  },
  {
    name: "the tail of a buffer",
    make: () => {
      const region = new BufferRegion();
      region.buffer.writeByte(7);
      region.start = 1;
      return { region, check: () => assert.equal(region.bytes[0], 7) };
    },
  },
  {
    name: "a node",
    make: () => {
      const region = new NodeRegion(NOTHING, 0, 0);
      return {
        region,
        check: () => {
          const spare = region.memoryBytes - region.end;
          assert.ok(spare <= (region.end >>> 2) + 32, `${spare} bytes spare of ${region.end}`);
        },
      };
    },
  },
];
for (const { name, make } of KINDS) {
  test(`resize() of ${name} keeps the bytes below both lengths`, () => {
    const prng = new Prng(name.length);
    const { region, check } = make();
    let model = new Uint8Array(0);
    for (let step = 0; step < 1500; step++) {
      const length = prng.oneIn(20)
        ? prng.int(5000)
        : Math.max(0, model.length + prng.int(40) - 20);
      region.resize(length);
      assert.equal(region.end - region.start, length);
      const next = new Uint8Array(length);
      next.set(model.subarray(0, length));
      for (let i = Math.min(model.length, length); i < length; i++) {
        next[i] = prng.int(256);
        region.bytes[region.start + i] = next[i];
      }
      model = next;
      assert.deepEqual(region.bytes.slice(region.start, region.end), model);
      check();
    }
  });
}

test("NodeRegion.reserve() makes room once, and trim() gives back what was left of it", () => {
  const region = new NodeRegion(new Uint8Array([1, 2, 3]), 0, 3);
  region.reserve(1000);
  const { bytes } = region;
  assert.ok(region.memoryBytes >= 1500);
  region.resize(1000);
  assert.equal(region.bytes, bytes, "the blob did not move");
  region.trim();
  assert.equal(region.memoryBytes, 1000);
  assert.deepEqual([...region.bytes.subarray(0, 3)], [1, 2, 3]);
});

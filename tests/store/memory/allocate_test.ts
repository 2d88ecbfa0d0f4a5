/** Memory that was not granted is refused before it is taken. */

import { test } from "node:test";
import assert from "node:assert/strict";
import {
  allocate,
  allocatedBytes,
  grantBytes,
  OverGrantError,
} from "../../../src/store/memory/allocate.ts";
import { Slab } from "../../../src/store/memory/slab.ts";

test("allocate() refuses what passes the grant, and counts what it gave", () => {
  const before = allocatedBytes();
  grantBytes(1000);
  allocate(600);
  assert.throws(() => allocate(408), OverGrantError);
  allocate(400);
  assert.equal(allocatedBytes() - before, 1000);
  assert.throws(() => allocate(8), OverGrantError);
  grantBytes(Infinity);
  allocate(4096);
});

test("a slab grows by segments of the length it is told, but for a block that needs more", () => {
  const slab = new Slab();
  slab.segmentUnits = 32768;
  let largest = 0;
  for (let i = 0, before = 0; i < 40; i++) {
    slab.allocate(5000);
    largest = Math.max(largest, slab.reservedBytes - before);
    before = slab.reservedBytes;
  }
  assert.equal(largest, 32768 * 8);
  assert.ok(slab.reservedBytes - slab.usedBytes <= 32768 * 8 + 7 * 5000 * 8);
  const before = slab.reservedBytes;
  slab.allocate(100_000);
  assert.equal(slab.reservedBytes - before, 800_000);
});

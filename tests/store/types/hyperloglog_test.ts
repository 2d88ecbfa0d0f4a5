/**
 * HyperLogLogs against plain arrays of registers, sparse and dense.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import {
  HLL_DENSE_BYTES,
  HLL_EMPTY,
  HLL_REGISTERS,
  hllAdd,
  hllCached,
  hllCount,
  hllCountRegisters,
  hllIsDense,
  hllMerge,
  hllPlace,
  hllPlaceResult,
  hllStoreCached,
  hllToDense,
  isHll,
} from "../../../src/store/types/hyperloglog.ts";
import { NodeRegion } from "../../../src/store/packed/region.ts";

function randomBytes(prng: Prng, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => prng.oneIn(4) ? 255 : prng.int(256));
}

function newRegion(): NodeRegion {
  return new NodeRegion(HLL_EMPTY, 0, HLL_EMPTY.length);
}

function registersOf(region: NodeRegion): Uint8Array {
  const registers = new Uint8Array(HLL_REGISTERS);
  assert.ok(hllMerge(registers, region.bytes, region.start, region.end));
  return registers;
}

for (const sparseMax of [0, 40, 3000, 1e9]) {
  test(`hllAdd() raises registers as a plain array does, sparse up to ${sparseMax} bytes`, () => {
    const prng = new Prng(sparseMax + 1);
    const region = newRegion();
    const model = new Uint8Array(HLL_REGISTERS);
    for (let i = 0; i < 3000; i++) {
      const element = randomBytes(prng, prng.int(6));
      hllPlace(element, 0, element.length);
      const { index, rank } = hllPlaceResult;
      const raised = rank > model[index];
      model[index] = Math.max(model[index], rank);
      const change = hllAdd(region, sparseMax, element, 0, element.length);
      assert.equal(change, raised ? 1 : 0);
      if (i % 100 !== 0) continue;
      assert.deepEqual(registersOf(region), model);
      assert.ok(isHll(region.bytes, region.start, region.end));
      assert.ok(hllIsDense(region.bytes, region.start) || region.end <= Math.max(sparseMax, 18));
      const count = hllCount(region.bytes, region.start, region.end);
      assert.equal(count, hllCountRegisters(model));
    }
    assert.ok(hllToDense(region));
    assert.equal(region.end - region.start, HLL_DENSE_BYTES);
    assert.deepEqual(registersOf(region), model);
  });
}

for (const cardinality of [0, 1, 10, 100, 1000, 10_000, 100_000]) {
  test(`hllCount() of ${cardinality} elements is near it`, () => {
    const region = newRegion();
    const element = new Uint8Array(4);
    const view = new DataView(element.buffer);
    for (let i = 0; i < cardinality; i++) {
      view.setUint32(0, i);
      hllAdd(region, 3000, element, 0, 4);
    }
    const count = Number(hllCount(region.bytes, region.start, region.end));
    // Four standard errors.
    assert.ok(Math.abs(count - cardinality) <= cardinality * 4 * 0.0081, `${count}`);
  });
}

for (const card of [0, 1, 2 ** 32, 2 ** 53 - 1, 2n ** 62n]) {
  test(`hllCached() reads what hllStoreCached() wrote: ${card}`, () => {
    const region = newRegion();
    region.bytes[15] = 0x80;
    assert.equal(hllCached(region.bytes, 0), -1);
    hllStoreCached(region.bytes, 0, card);
    assert.equal(hllCached(region.bytes, 0), card);
  });
}

const DAMAGED = [
  { name: "too few registers", opcodes: [0x7f, 0xfe] },
  { name: "too many", opcodes: [0x7f, 0xff, 0x00] },
  { name: "a run beyond the last", opcodes: [0x7f, 0xff, 0x80] },
  { name: "half an opcode", opcodes: [0x7f] },
  { name: "none", opcodes: [] },
];

for (const { name, opcodes } of DAMAGED) {
  test(`a HyperLogLog with ${name} is refused`, () => {
    const bytes = Uint8Array.of(...HLL_EMPTY.subarray(0, 16), ...opcodes);
    assert.equal(hllCount(bytes, 0, bytes.length), -1);
    assert.equal(hllMerge(new Uint8Array(HLL_REGISTERS), bytes, 0, bytes.length), false);
    const region = new NodeRegion(bytes, 0, bytes.length);
    assert.equal(hllToDense(region), false);
    assert.deepEqual(region.bytes.slice(region.start, region.end), bytes);
  });
}

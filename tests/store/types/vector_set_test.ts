/**
 * Vector sets against a plain list, and searches of many steps between which elements come and go.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { Prng } from "../../../src/base/prng.ts";
import { Quant } from "../../../src/store/types/vector_quant.ts";
import { VectorScan } from "../../../src/store/types/vector_scan.ts";
import { VectorSet } from "../../../src/store/types/vector_set.ts";
import { NO_SLOT } from "../../../src/store/types/vector_slots.ts";
import { newKeyspace } from "../../rdb/support/keyspaces.ts";

const ref = new BytesRef();

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function newSet(quant: Quant, dim: number): VectorSet {
  return new VectorSet(newKeyspace().settings, { dim, quant, links: 16, projection: undefined });
}

function add(set: VectorSet, name: string, numbers: readonly number[]): number {
  const bytes = bytesOf(name);
  return set.insert(bytes, 0, bytes.length, Float32Array.from(numbers));
}

function find(set: VectorSet, name: string): number {
  const bytes = bytesOf(name);
  return set.find(bytes, 0, bytes.length);
}

function nameOf(set: VectorSet, slot: number): string {
  set.nameRef(slot, ref);
  return latin1(ref.bytes, ref.start, ref.end);
}

/** Names from the youngest to the oldest. */
function names(set: VectorSet): string[] {
  const found: string[] = [];
  const { slots } = set;
  for (let slot = slots.first; slot !== NO_SLOT; slot = slots.next(slot)) {
    found.push(nameOf(set, slot));
  }
  return found;
}

function found(scan: VectorScan, set: VectorSet, step: number): string[] {
  while (!scan.step(step));
  const list: string[] = [];
  scan.each((slot) => list.push(nameOf(set, slot)) > 0);
  return list;
}

for (const quant of Object.values(Quant)) {
  test(`a set of form ${quant} is what a list of its elements is, through additions and removals`, () => {
    const prng = new Prng(quant + 1);
    const set = newSet(quant, 5);
    let model: { name: string; attribute: string | undefined }[] = [];
    for (let i = 0; i < 4000; i++) {
      const name = `e${prng.int(300)}`;
      const at = model.findIndex((one) => one.name === name);
      const slot = find(set, name);
      assert.equal(slot !== NO_SLOT, at >= 0);
      const attribute = prng.oneIn(2) ? "a".repeat(prng.int(40)) : undefined;
      if (prng.int(3) > 0) {
        const added = add(set, name, Array.from({ length: 5 }, () => prng.int(100) - 50));
        const before = at >= 0 ? model.splice(at, 1)[0].attribute : undefined;
        model = [{ name, attribute: attribute ?? before }, ...model];
        if (attribute !== undefined) {
          const bytes = bytesOf(attribute);
          set.setAttribute(added, bytes, 0, bytes.length);
        }
      } else if (at >= 0) {
        if (prng.oneIn(2)) {
          set.removeAttribute(slot);
          model[at].attribute = undefined;
        } else {
          set.remove(slot);
          model.splice(at, 1);
        }
      }
      if (i % 500 !== 499) continue;
      for (const one of [set, set.copy()]) {
        assert.deepEqual(names(one), model.map((element) => element.name));
        assert.equal(
          one.attributes,
          model.filter((element) => element.attribute !== undefined).length,
        );
        for (const element of model) {
          const has = one.attributeRef(find(one, element.name), ref);
          const text = has ? latin1(ref.bytes, ref.start, ref.end) : undefined;
          assert.equal(text, element.attribute);
        }
      }
    }
    assert.ok(set.memoryBytes > 300 * 40);
  });
}

test("a search finds the nearest in order, of equal ones as a queue of that length has them", () => {
  const set = newSet(Quant.Q8, 2);
  for (const name of ["a", "b", "c", "d", "e"]) add(set, name, [1, 0]);
  add(set, "far", [-1, 0]);
  const query = () => Float32Array.of(1, 0);
  const all = new VectorScan(set, query(), 100, undefined, false);
  assert.deepEqual(found(all, set, 2), ["a", "b", "c", "d", "e", "far"]);
  // The queue is full after "far" and "e": "d" takes the place of "far", behind "e", and no later one does.
  const two = new VectorScan(set, query(), 2, undefined, false);
  assert.deepEqual(found(two, set, 1), ["e", "d"]);
  const isOdd = (slot: number) => "bd".includes(nameOf(set, slot));
  assert.deepEqual(found(new VectorScan(set, query(), 9, isOdd, false), set, 3), ["b", "d"]);
  assert.deepEqual(
    found(
      new VectorScan(newSet(Quant.BIN, 3), Float32Array.of(1, 2, 3), 9, undefined, false),
      set,
      1,
    ),
    [],
  );
});

test("a search of many steps sees every element that is there throughout, and none twice", () => {
  const prng = new Prng(5);
  for (let round = 0; round < 200; round++) {
    const set = newSet(Quant.Q8, 3);
    const count = prng.int(40);
    for (let i = 0; i < count; i++) add(set, `e${i}`, [prng.int(9) - 4, 1, prng.int(9)]);
    const scan = new VectorScan(set, Float32Array.of(1, 2, 3), 100, undefined, false);
    const gone = new Set<string>();
    while (!scan.step(1 + prng.int(3))) {
      if (prng.oneIn(2)) {
        const name = `e${prng.int(count)}`;
        const slot = find(set, name);
        if (slot !== NO_SLOT) set.remove(slot);
        gone.add(name);
      } else add(set, `new${prng.int(9)}`, [1, 2, 3]);
    }
    const list: string[] = [];
    scan.each((slot) => list.push(nameOf(set, slot)) > 0);
    const stayed = Array.from({ length: count }, (_, i) => `e${i}`).filter((name) =>
      !gone.has(name)
    );
    assert.deepEqual(list.sort(), stayed.sort());
  }
});

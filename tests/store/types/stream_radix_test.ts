/**
 * The nodes of a radix tree of ids, counted from the ids alone, against a tree that is built.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { IdPlace, IdTable } from "../../../src/store/packed/id_table.ts";
import type { StreamId } from "../../../src/store/packed/stream_id.ts";
import { countRadixNodes } from "../../../src/store/types/stream_radix.ts";
import { idOf } from "../stream_ids.ts";

function countOf(values: Iterable<bigint>): number {
  const table = new IdTable(0);
  const place = new IdPlace();
  for (const value of values) table.add(idOf(value), place);
  return countRadixNodes(table);
}

/** Nodes of the tree of these keys, of which the first `depth` bytes are consumed. */
function modelOf(keys: readonly Uint8Array[], depth: number): number {
  if (keys.length === 1 && depth === 16) return 1;
  if (keys.length === 1) return 2;
  let end = depth;
  while (keys.every((key) => key[end] === keys[0][end])) end++;
  // The bytes in common, where there are any, and the branch below them.
  let count = end > depth ? 2 : 1;
  const byByte = new Map<number, Uint8Array[]>();
  for (const key of keys) byByte.set(key[end], [...(byByte.get(key[end]) ?? []), key]);
  for (const part of byByte.values()) count += modelOf(part, end + 1);
  return count;
}

function keysOf(values: Iterable<bigint>): Uint8Array[] {
  return Array.from(values, (value) => {
    const bytes = new Uint8Array(16);
    const id: StreamId = idOf(value);
    id.writeBytes(bytes, 0);
    return bytes;
  });
}

/** Trees that are small enough to be counted by hand. */
const ROWS: { name: string; ids: bigint[]; count: number }[] = [
  { name: "no id", ids: [], count: 1 },
  { name: "one id", ids: [1n], count: 2 },
  { name: "two that differ in the last byte", ids: [1n, 2n], count: 4 },
  { name: "two that differ in the first byte", ids: [0n, 1n << 127n], count: 5 },
  { name: "two that differ in a byte amid", ids: [1n << 64n, 2n << 64n], count: 6 },
];

for (const { name, ids, count } of ROWS) {
  test(`countRadixNodes() of ${name} is ${count}`, () => {
    assert.equal(countOf(ids), count);
    if (ids.length > 0) assert.equal(modelOf(keysOf(ids), 0), count);
  });
}

for (let seed = 1; seed <= 20; seed++) {
  test(`countRadixNodes() agrees with a tree that is built [seed ${seed}]`, () => {
    const prng = new Prng(seed);
    const ids = new Set<bigint>();
    for (let i = prng.int(300); i >= 0; i--) {
      const wide = BigInt(prng.int(4)) << BigInt(8 * prng.int(16));
      ids.add(wide + (BigInt(prng.int(3)) << BigInt(8 * prng.int(16))) + BigInt(prng.int(5)));
    }
    assert.equal(countOf(ids), modelOf(keysOf(ids), 0));
  });
}

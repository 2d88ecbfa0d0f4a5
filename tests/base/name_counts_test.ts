/** Counts of names, bounded. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { NameCounts } from "../../src/base/name_counts.ts";

test("NameCounts counts a hundred names one by one and the others together", () => {
  const counts = new NameCounts();
  for (let i = 0; i < 120; i++) counts.add(`n${i}`);
  counts.add("n5");
  const record = counts.toRecord();
  assert.equal(Object.keys(record).length, 101);
  assert.deepEqual([record.n5, record.n99, record.n100, record["*"]], [2, 1, undefined, 20]);
});

test("NameCounts cuts long names", () => {
  const counts = new NameCounts();
  for (const end of ["a", "b"]) counts.add("x".repeat(100) + end);
  assert.deepEqual(counts.toRecord(), { ["x".repeat(100)]: 2 });
});

test("NameCounts counts as many names one by one as it is told", () => {
  const counts = new NameCounts(2);
  for (const code of ["A", "B", "C", "A", "D"]) counts.add(code);
  assert.deepEqual(counts.toRecord(), { A: 2, B: 1, "*": 2 });
});

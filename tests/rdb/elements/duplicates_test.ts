/**
 * Names that a listpack holds twice: few and many, near and far, of every stride, with values and expiries that
 * may repeat.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasDuplicates } from "../../../src/rdb/elements/duplicates.ts";
import { listpack } from "../support/parts.ts";

/** `count` different names, then the value "v" behind each, as `stride` has it. */
function entries(names: readonly (string | number)[], stride: number): (string | number)[] {
  return names.flatMap((name) => [name, ...Array.from({ length: stride - 1 }, () => "v")]);
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `name:${i}`);
}

const ROWS: readonly { name: string; names: readonly (string | number)[]; expected: boolean }[] = [
  { name: "nothing", names: [], expected: false },
  { name: "one name", names: ["a"], expected: false },
  { name: "two names", names: ["a", "b"], expected: false },
  { name: "a name twice", names: ["a", "a"], expected: true },
  { name: "the empty name twice", names: ["", "a", ""], expected: true },
  { name: "an integer twice", names: [7, "a", 7], expected: true },
  { name: "an integer and its text", names: [7, "7"], expected: true },
  { name: "names of one look", names: ["axb", "ayb"], expected: false },
  {
    name: "long names of one look",
    names: [`a${"x".repeat(99)}`, `a${"y".repeat(98)}x`],
    expected: false,
  },
  { name: "a long name twice", names: ["x".repeat(5000), "b", "x".repeat(5000)], expected: true },
  { name: "eight names", names: numbered(8), expected: false },
  { name: "128 names", names: numbered(128), expected: false },
  {
    name: "128 names, the last of them the first",
    names: [...numbered(128), "name:0"],
    expected: true,
  },
  { name: "1000 names", names: numbered(1000), expected: false },
  { name: "1000 names, two in the middle", names: [...numbered(1000), "name:500"], expected: true },
];

for (const { name, names, expected } of ROWS) {
  for (const stride of [1, 2, 3]) {
    test(`hasDuplicates() of ${name} with a stride of ${stride} is ${expected}`, () => {
      const bytes = listpack(...entries(names, stride));
      assert.equal(hasDuplicates(bytes, 0, names.length, stride), expected);
    });
  }
}

/**
 * How much goes into one node of a quicklist, by `list-max-listpack-size`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  exceedsFill,
  fillBytes,
  fillCount,
  isLargeElement,
} from "../../../src/store/packed/quicklist_node.ts";

/** `list-max-listpack-size`, the most bytes and elements of a node, the longest element of a listpack. */
const FILLS: { fill: number; bytes: number; count: number; longest: number }[] = [
  { fill: -1, bytes: 4096, count: Infinity, longest: 4096 },
  { fill: -2, bytes: 8192, count: Infinity, longest: 8192 },
  { fill: -3, bytes: 16384, count: Infinity, longest: 16384 },
  { fill: -4, bytes: 32768, count: Infinity, longest: 32768 },
  { fill: -5, bytes: 65536, count: Infinity, longest: 65536 },
  { fill: -6, bytes: 65536, count: Infinity, longest: 65536 },
  { fill: 0, bytes: 8192, count: 1, longest: 8192 },
  { fill: 1, bytes: 8192, count: 1, longest: 8192 },
  { fill: 128, bytes: 8192, count: 128, longest: 8192 },
];

for (const { fill, bytes, count, longest } of FILLS) {
  test(`a node takes ${bytes} bytes and ${count} elements, list-max-listpack-size ${fill}`, () => {
    assert.ok(!exceedsFill(fill, bytes, 1));
    assert.ok(exceedsFill(fill, bytes + 1, 1));
    assert.ok(!exceedsFill(fill, 10, Math.min(count, 1e9)));
    if (count < Infinity) assert.ok(exceedsFill(fill, 10, count + 1));
    assert.ok(!isLargeElement(fill, longest));
    assert.ok(isLargeElement(fill, longest + 1));
    assert.equal(fillBytes(fill), fill < 0 ? bytes : Infinity);
    assert.equal(fillCount(fill), count);
  });
}

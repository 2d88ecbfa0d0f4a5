import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDouble } from "../../src/base/ascii.ts";
import { grisu2, shortestDigits } from "../../src/base/grisu2.ts";
import { Prng } from "../../src/base/prng.ts";

const ROWS: [number, string, number][] = [
  [0.1, "1", -1],
  [123.456, "123456", -3],
  [0.30000000000000004, "30000000000000004", -17],
  [5e-324, "5", -324],
  [1.7976931348623157e308, "17976931348623157", 292],
  // Neither the shortest digits nor the engine's.
  [1e23, "9999999999999999", 7],
];
for (const [value, digits, power] of ROWS) {
  test(`grisu2() of ${value}`, () => {
    assert.deepEqual(grisu2(value), { digits, power });
    assert.deepEqual(shortestDigits(value), { digits, power });
  });
}

test("formatDouble() prints what Redis 7.2 and later do", () => {
  assert.equal(formatDouble(1e23), "99999999999999990000000");
});

test("shortestDigits() reads back the same, and is grisu2() whichever way it goes", () => {
  const prng = new Prng(7);
  for (let i = 0; i < 20_000; i++) {
    const scale = 10 ** (prng.int(40) - 20);
    const value = (i % 2 === 0 ? prng.next() : prng.int(1_000_000) + 1) * scale;
    if (value === 0) continue;
    const found = shortestDigits(value);
    assert.equal(Number(`${found.digits}e${found.power}`), value);
    assert.deepEqual(found, grisu2(value));
  }
});

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { DOUBLE_BYTES, formatDouble, writeDouble } from "../../src/base/ascii.ts";
import { shortestDigits } from "../../src/base/grisu2.ts";
import { Prng } from "../../src/base/prng.ts";
import { grisu2 } from "./grisu2_reference.ts";

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

/** Doubles of every kind: any bits, powers of two, sums of decimals, few digits, and the smallest. */
function doubles(count: number): number[] {
  const prng = new Prng(11);
  const view = new DataView(new ArrayBuffer(8));
  const any = () => {
    view.setUint32(0, prng.uint32() & 0x7fffffff);
    view.setUint32(4, prng.uint32());
    return view.getFloat64(0);
  };
  const kinds = [
    any,
    () => 2 ** (prng.int(2098) - 1074),
    () => prng.int(1_000_000) * 1.37,
    () => prng.int(1e9) / 10 ** prng.int(9),
    () => 5e-324 * prng.int(1000),
    () => (prng.uint32() * 2 ** 21 + prng.int(2 ** 21)) / 2 ** prng.int(60),
  ];
  const values = Array.from({ length: count }, (_, i) => kinds[i % kinds.length]());
  return values.filter((value) => value > 0 && value < Infinity);
}

test("shortestDigits() is Grisu2 to the digit for every kind of double", () => {
  for (const value of doubles(Number(env.COUNT ?? 30_000))) {
    assert.deepEqual(shortestDigits(value), grisu2(value), String(value));
  }
});

test("writeDouble() writes what formatDouble() gives", () => {
  const target = new Uint8Array(DOUBLE_BYTES + 1);
  const special = [
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    1e15,
    1e21,
    2 ** 62,
    2 ** 70,
    0.001,
    1e-7,
    123456789012345.6,
  ];
  for (const value of [...special, ...doubles(30_000)]) {
    for (const signed of [value, -value]) {
      const end = writeDouble(target, 1, signed);
      assert.equal(String.fromCharCode(...target.subarray(1, end)), formatDouble(signed));
    }
  }
});

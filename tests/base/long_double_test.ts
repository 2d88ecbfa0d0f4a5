import assert from "node:assert/strict";
import { test } from "node:test";
import { addLongDouble, formatLongDouble, parseLongDouble } from "../../src/base/long_double.ts";

function parse(text: string) {
  const bytes = new TextEncoder().encode(text);
  return parseLongDouble(bytes, 0, bytes.length);
}

// What a C program prints on x86 for strtold(a) + strtold(b) with "%.17Lf", the zeros at the end
// cut off.
const sums: [string, string, string][] = [
  ["0.1", "0.2", "0.3"],
  ["3.0e3", "200", "3200"],
  ["1", "-0.9999999999999999999", "0"],
  ["18446744073709551615", "1", "18446744073709551616"],
  ["18446744073709551616", "1", "18446744073709551616"],
  ["18446744073709551617", "1", "18446744073709551616"],
  ["36893488147419103233", "1", "36893488147419103232"],
  ["0.5", "1e-18", "0.5"],
  ["1e17", "0.3", "100000000000000000.296875"],
  ["123456789.123456789", "-0.000000001", "123456789.12345678800193127"],
  ["5e-18", "0", "0"],
  ["4.999e-18", "0", "0"],
  ["-4e-18", "0", "0"],
  ["1.5e-17", "1e-17", "0.00000000000000003"],
  ["2.5e-17", "0", "0.00000000000000002"],
  ["0x1p-57", "0", "0.00000000000000001"],
  ["0x1.8p3", "1", "13"],
  ["-0x.8", "0.25", "-0.25"],
  ["1e-4940", "1e-4940", "0"],
  ["9223372036854775807", "1", "9223372036854775808"],
  ["0.30000000000000004", "0", "0.30000000000000004"],
  ["3.14159265358979323846264338327950288", "0", "3.14159265358979324"],
  ["99999999999999999999.5", "0.5", "100000000000000000000"],
  ["-1e300", "1e300", "0"],
  ["1e25", "-1", "10000000000000000000000000"],
  ["12345678901234567.25", "0.125", "12345678901234567.375"],
];
for (const [a, b, expected] of sums) {
  test(`addLongDouble() gives ${a} + ${b} as x86 does`, () => {
    const sum = addLongDouble(parse(a)!, parse(b)!);
    assert.equal(formatLongDouble(sum!), expected);
  });
}

const refused = [
  "",
  " 1",
  "1 ",
  "1e",
  "0x",
  "nan",
  "1.2.3",
  "--1",
  "1e5000",
  "1e-5000",
  ".",
  "1,5",
];
for (const text of [...refused, "1e99999999999", "1\0", "9".repeat(5200)]) {
  test(`parseLongDouble() refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.equal(parse(text), undefined);
  });
}

test("parseLongDouble() reads numbers far beyond a double", () => {
  const text = formatLongDouble(parse("1e4000")!);
  // The nearest there is to it begins so, says C.
  assert.equal(text.length, 4000);
  assert.equal(text.slice(0, 30), "999999999999999999996546387309");
  assert.equal(formatLongDouble(parse("-1e4000")!).slice(0, 21), "-" + text.slice(0, 20));
});

test("addLongDouble() refuses infinities and what overflows", () => {
  assert.equal(addLongDouble(parse("inf")!, parse("1")!), undefined);
  assert.equal(addLongDouble(parse("-Infinity")!, parse("inf")!), undefined);
  assert.equal(addLongDouble(parse("1e4932")!, parse("1e4932")!), undefined);
});

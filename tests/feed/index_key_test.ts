/**
 * Sort keys: their bytes are in the order of what they stand for.
 *
 * @module
 */

import assert from "node:assert/strict";
import test from "node:test";
import { compareBytes, encodeUtf8 } from "../../src/base/ascii.ts";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { Prng } from "../../src/base/prng.ts";
import {
  type FieldType,
  hasMissing,
  leadOf,
  numberOf,
  writeBoolean,
  writeField,
  writeMissing,
  writeNumber,
} from "../../src/feed/index_key.ts";

type Write = (out: ByteBuffer) => void;

function keyOf(...fields: Write[]): Uint8Array {
  const out = new ByteBuffer();
  for (const write of fields) write(out);
  return out.toBytes();
}

function field(text: string, type: FieldType = "auto"): Write {
  const bytes = encodeUtf8(text);
  return (out) => writeField(out, type, bytes, 0, bytes.length);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  return Math.sign(compareBytes(a, 0, a.length, b, 0, b.length));
}

/** What is missing, booleans, numbers, then texts. */
const ORDER: readonly Write[] = [
  writeMissing,
  (out) => writeBoolean(out, false),
  (out) => writeBoolean(out, true),
  (out) => writeNumber(out, -Infinity),
  field("-1000000"),
  field("-1.5"),
  (out) => writeNumber(out, -Number.MIN_VALUE),
  field("0"),
  field("-0"), // as a number the same, and spelled in another way
  (out) => writeNumber(out, Number.MIN_VALUE),
  field("1.5"),
  field("1.50"),
  field("2"),
  field("10"),
  field("175928847299117063"), // beyond what a number tells apart
  field("175928847299117064"),
  field("175928847299117999"),
  (out) => writeNumber(out, Infinity),
  field(""),
  field("\0"),
  field("\0a"),
  field("01"),
  field("1e5"),
  field("a"),
  field("a\0"),
  field("a\0b"),
  field("a\u0001"),
  field("aa"),
  field("z".repeat(100)),
  field("ä"),
  field("😀"),
];

test("keys are in the order of their fields, and leads in that of the keys", () => {
  const keys = ORDER.map((write) => keyOf(write));
  keys.forEach((a, i) =>
    keys.forEach((b, j) => {
      assert.equal(compare(a, b), Math.sign(i - j), `${i} and ${j}`);
      const leads = Math.sign(leadOf(a, 0, a.length) - leadOf(b, 0, b.length));
      assert.ok(leads === 0 || leads === Math.sign(i - j), `leads of ${i} and ${j}`);
    })
  );
});

test("fields that follow decide only where those before are the same", () => {
  const keys = ORDER.flatMap((first) => ORDER.map((second) => keyOf(first, second)));
  const sorted = keys.toSorted(compare);
  // "1.5" is a beginning of "1.50": what follows the one may stand behind the other's begin, never inside.
  const blocks = new Map<string, number>();
  for (const [i, first] of ORDER.entries()) {
    const begin = keyOf(first).join();
    const places = sorted.flatMap((key, place) =>
      keys.indexOf(key) >= i * ORDER.length && keys.indexOf(key) < (i + 1) * ORDER.length
        ? [place]
        : []
    );
    assert.equal(places.length, ORDER.length);
    assert.equal(places[places.length - 1] - places[0], ORDER.length - 1, begin);
    blocks.set(begin, places[0]);
  }
  assert.deepEqual([...blocks.values()], [...blocks.values()].toSorted((a, b) => a - b));
});

test("random numbers are in order", () => {
  const prng = new Prng(7);
  const numbers = Array.from({ length: 500 }, () => (prng.next() - 0.5) * 10 ** prng.int(40));
  const byKey = numbers.toSorted((a, b) =>
    compare(keyOf((out) => writeNumber(out, a)), keyOf((out) => writeNumber(out, b)))
  );
  assert.deepEqual(byKey, numbers.toSorted((a, b) => a - b));
});

for (
  const [text, value] of [
    ["12", 12],
    ["+1.5e3", 1500],
    [".5", 0.5],
    ["007", 7],
    ["-inf", -Infinity],
    ["Infinity", Infinity],
    ["", NaN],
    ["0x10", NaN],
    [" 1", NaN],
    ["nan", NaN],
  ] as const
) {
  test(`numberOf("${text}") is ${value}`, () => assert.equal(numberOf(text), value));
}

test("a declared type decides", () => {
  const key = (text: string, type: FieldType) => keyOf(field(text, type)).join();
  assert.equal(key("007", "number"), key("7", "auto"));
  assert.notEqual(key("007", "auto"), key("7", "auto"));
  assert.equal(key("x", "number"), keyOf(writeMissing).join());
  assert.ok(compare(keyOf(field("10", "string")), keyOf(field("9", "string"))) < 0);
});

test("hasMissing() looks at every field", () => {
  for (const before of ORDER.slice(1)) {
    for (const missing of [true, false]) {
      const key = keyOf(before, missing ? writeMissing : field("\0x"), field("end"));
      assert.equal(hasMissing(key, 0, key.length), missing);
    }
  }
});

/**
 * Zipmaps: what is read, and what is refused, cut and changed at every byte.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { readZipmap } from "../../../src/rdb/elements/zipmap.ts";
import { bytesOf, textOf } from "../../support/bytes.ts";
import { join, le } from "../support/parts.ts";

class Refused extends Error {}

function pairsOf(bytes: Uint8Array): string[] {
  const pairs: string[] = [];
  const padded = join(0xaa, bytes, 0xbb);
  const fail = (message: string): never => {
    throw new Refused(message);
  };
  readZipmap(padded, 1, padded.length - 1, fail, (field, fs, fe, value, vs, ve) => {
    pairs.push(`${textOf(field.subarray(fs, fe))}=${textOf(value.subarray(vs, ve))}`);
  });
  return pairs;
}

const LONG = "x".repeat(300);
const SOUND = join(2, 3, "foo", 3, 0, "bar", 5, "hello", 5, 0, "world", 0xff);

const readings: readonly (readonly [name: string, bytes: Uint8Array, pairs: readonly string[]])[] =
  [
    ["two fields", SOUND, ["foo=bar", "hello=world"]],
    ["a count that is not stated", join(254, SOUND.subarray(1)), ["foo=bar", "hello=world"]],
    ["free bytes behind a value", join(1, 1, "a", 1, 3, "b???", 0xff), ["a=b"]],
    ["an empty field and an empty value", join(1, 0, 0, 0, 0xff), ["="]],
    ["long lengths", join(1, 254, le(300, 4), LONG, 254, le(300, 4), 0, LONG, 0xff), [
      `${LONG}=${LONG}`,
    ]],
  ];

for (const [name, bytes, pairs] of readings) {
  test(`readZipmap() reads ${name}`, () => assert.deepEqual(pairsOf(bytes), pairs));
}

const refusals: readonly (readonly [name: string, bytes: Uint8Array, says: RegExp])[] = [
  ["nothing", new Uint8Array(0), /shorter than its header/],
  ["no field", join(0, 0xff), /empty/],
  ["a wrong count", join(3, SOUND.subarray(1)), /wrong count/],
  ["an end before the last byte", join(1, 1, "a", 1, 0, "b", 0xff, 0xff), /ends before/],
  ["a field without a value", join(1, 5, "ab", 0xff), /field crosses the end/],
  ["a value that is too long", join(1, 1, "a", 9, 0, "b", 0xff), /value crosses the end/],
  ["more free bytes than there are", join(1, 1, "a", 1, 9, "b", 0xff), /value crosses the end/],
  ["a length that is cut off", join(1, 254, 1, 0xff), /length crosses the end/],
];

for (const [name, bytes, says] of refusals) {
  test(`readZipmap() refuses ${name}`, () => {
    assert.throws(() => pairsOf(bytes), (error: unknown) => {
      assert.ok(error instanceof Refused);
      assert.match(error.message, says);
      return true;
    });
  });
}

test("readZipmap() refuses every cut, and reads or refuses every changed byte", () => {
  for (let cut = 0; cut < SOUND.length; cut++) {
    assert.throws(() => pairsOf(SOUND.slice(0, cut)), Refused);
  }
  for (let i = 0; i < SOUND.length; i++) {
    for (let byte = 0; byte < 256; byte++) {
      const damaged = SOUND.slice();
      damaged[i] = byte;
      try {
        pairsOf(damaged);
      } catch (error) {
        assert.ok(error instanceof Refused, bytesOf(String(error)).join(" "));
      }
    }
  }
});

/**
 * Intsets: the bytes of every width and of the change from one to the next, as `intset.c` writes them,
 * what a check of foreign bytes refuses, and random changes against a sorted array.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import { Prng } from "../../../src/base/prng.ts";
import {
  INTSET_EMPTY,
  intsetAdd,
  intsetCheck,
  intsetFind,
  intsetLength,
  intsetLongest,
  intsetRead,
  intsetRemove,
  isIntsetMember,
} from "../../../src/store/packed/intset.ts";
import { NodeRegion } from "../../../src/store/packed/region.ts";
import { bytesOf } from "../../support/bytes.ts";

const ref = new BytesRef();

function empty(): NodeRegion {
  return new NodeRegion(INTSET_EMPTY, 0, INTSET_EMPTY.length);
}

function add(region: NodeRegion, text: string): boolean {
  return intsetAdd(region, bytesOf(text), 0, text.length);
}

function remove(region: NodeRegion, text: string): boolean {
  return intsetRemove(region, bytesOf(text), 0, text.length);
}

function find(region: NodeRegion, text: string): number {
  return intsetFind(region.bytes, region.start, bytesOf(text), 0, text.length);
}

function textsOf(region: NodeRegion): string[] {
  return Array.from({ length: intsetLength(region.bytes, region.start) }, (_, index) => {
    intsetRead(region.bytes, region.start, index, ref);
    return latin1(ref.bytes, ref.start, ref.end);
  });
}

function hexOf(region: NodeRegion): string {
  const bytes = [...region.bytes.subarray(region.start, region.end)];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOfHex(hex: string): Uint8Array {
  const pairs = hex.replaceAll(" ", "").match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

/** Members in the order in which they are added, and the bytes that are then there. */
const LAYOUTS: { members: string[]; hex: string }[] = [
  { members: [], hex: "02000000 00000000" },
  { members: ["0"], hex: "02000000 01000000 0000" },
  { members: ["1", "-1"], hex: "02000000 02000000 ffff 0100" },
  { members: ["32767"], hex: "02000000 01000000 ff7f" },
  { members: ["-32768"], hex: "02000000 01000000 0080" },
  { members: ["32768"], hex: "04000000 01000000 00800000" },
  { members: ["-32769"], hex: "04000000 01000000 ff7fffff" },
  { members: ["2147483647"], hex: "04000000 01000000 ffffff7f" },
  { members: ["-2147483648"], hex: "04000000 01000000 00000080" },
  { members: ["2147483648"], hex: "08000000 01000000 0000008000000000" },
  { members: ["-2147483649"], hex: "08000000 01000000 ffffff7fffffffff" },
  { members: ["9223372036854775807"], hex: "08000000 01000000 ffffffffffffff7f" },
  { members: ["-9223372036854775808"], hex: "08000000 01000000 0000000000000080" },
  // A wider one comes last, comes first, and twice in a row: the others are widened with their signs.
  { members: ["5", "-5", "32768"], hex: "04000000 03000000 fbffffff 05000000 00800000" },
  { members: ["5", "-5", "-32769"], hex: "04000000 03000000 ff7fffff fbffffff 05000000" },
  {
    members: ["-2", "70000", "5000000000"],
    hex: "08000000 03000000 feffffffffffffff 7011010000000000 00f2052a01000000",
  },
];

for (const { members, hex } of LAYOUTS) {
  test(`intsetAdd() lays out [${members}] as Redis does`, () => {
    const region = empty();
    for (const member of members) assert.ok(add(region, member));
    assert.equal(hexOf(region), hex.replaceAll(" ", ""));
    const sorted = [...members].sort((a, b) => BigInt(a) < BigInt(b) ? -1 : 1);
    assert.deepEqual(textsOf(region), sorted);
    for (const member of members) assert.ok(!add(region, member));
    assert.equal(hexOf(region), hex.replaceAll(" ", ""));
    const wrong = intsetCheck(region.bytes, region.start, region.end);
    assert.equal(wrong, members.length === 0 ? "intset is empty" : undefined);
  });
}

test("intsetRemove() leaves the width as it is, as Redis does", () => {
  const region = empty();
  for (const member of ["1", "2", "100000"]) add(region, member);
  assert.ok(remove(region, "100000"));
  assert.ok(!remove(region, "100000"));
  assert.ok(!remove(region, "x"));
  assert.equal(hexOf(region), "04000000020000000100000002000000");
  assert.ok(remove(region, "1"));
  assert.ok(remove(region, "2"));
  assert.equal(hexOf(region), "0400000000000000");
});

test("intsetFind() gives the index, where an integer belongs, or NaN for a text", () => {
  const region = empty();
  for (const member of ["10", "20", "30"]) add(region, member);
  const rows: [string, number][] = [
    ["10", 0],
    ["20", 1],
    ["30", 2],
    ["9", -1],
    ["-9223372036854775808", -1],
    ["11", -2],
    ["29", -3],
    ["31", -4],
    ["9223372036854775807", -4],
    ["x", NaN],
    ["", NaN],
    ["9223372036854775808", NaN],
  ];
  for (const [text, expected] of rows) assert.equal(find(region, text), expected, text);
});

const MEMBERS: { text: string; is: boolean }[] = [
  { text: "0", is: true },
  { text: "-1", is: true },
  { text: "9223372036854775807", is: true },
  { text: "-9223372036854775808", is: true },
  { text: "9223372036854775808", is: false },
  { text: "-9223372036854775809", is: false },
  { text: "", is: false },
  { text: "-", is: false },
  { text: "-0", is: false },
  { text: "+1", is: false },
  { text: "01", is: false },
  { text: " 1", is: false },
  { text: "1.0", is: false },
  { text: "100000000000000000000", is: false },
];

for (const { text, is } of MEMBERS) {
  test(`isIntsetMember() says ${is} of "${text}"`, () => {
    assert.equal(isIntsetMember(bytesOf(text), 0, text.length), is);
  });
}

test("intsetLongest() is the length of the longest text", () => {
  const region = empty();
  assert.equal(intsetLongest(region.bytes, region.start, ref), 0);
  for (const [member, expected] of [["5", 1], ["-5", 2], ["100", 3], ["-1000", 5]] as const) {
    add(region, member);
    assert.equal(intsetLongest(region.bytes, region.start, ref), expected);
  }
});

const REFUSED: { name: string; hex: string; wrong: string }[] = [
  { name: "no bytes", hex: "", wrong: "intset is shorter than its header" },
  { name: "half a header", hex: "02000000 010000", wrong: "intset is shorter than its header" },
  { name: "a width of 0", hex: "00000000 01000000", wrong: "intset has an unknown encoding" },
  {
    name: "a width of 3",
    hex: "03000000 01000000 000000",
    wrong: "intset has an unknown encoding",
  },
  {
    name: "a width whose high bytes are not 0",
    hex: "02010000 01000000 0000",
    wrong: "intset has an unknown encoding",
  },
  { name: "no element", hex: "02000000 00000000", wrong: "intset is empty" },
  {
    name: "an element less than it says",
    hex: "02000000 02000000 0100",
    wrong: "intset has another length than it says",
  },
  {
    name: "a byte more than it says",
    hex: "02000000 01000000 010000",
    wrong: "intset has another length than it says",
  },
  {
    name: "a count that overflows 32 bits in bytes",
    hex: "04000000 00000040",
    wrong: "intset has another length than it says",
  },
  {
    name: "an element twice",
    hex: "02000000 02000000 0100 0100",
    wrong: "intset is out of order",
  },
  {
    name: "elements that fall",
    hex: "02000000 02000000 0100 ffff",
    wrong: "intset is out of order",
  },
  {
    name: "elements that fall in their low halves",
    hex: "08000000 02000000 ffffffff01000000 0000000001000000",
    wrong: "intset is out of order",
  },
];

for (const { name, hex, wrong } of REFUSED) {
  test(`intsetCheck() refuses ${name}`, () => {
    const bytes = bytesOfHex(hex);
    assert.equal(intsetCheck(bytes, 0, bytes.length), wrong);
  });
}

for (let seed = 1; seed <= 6; seed++) {
  test(`intsetAdd() and intsetRemove() agree with a sorted array [seed ${seed}]`, () => {
    const prng = new Prng(seed);
    const region = empty();
    const model = new Set<bigint>();
    for (let step = 0; step < 2000; step++) {
      const bits = prng.pick([4, 8, 15, 16, 31, 32, 63].slice(0, 2 + prng.int(6)));
      const random = (BigInt(prng.uint32()) << 32n) | BigInt(prng.uint32());
      const value = BigInt.asIntN(bits + 1, random);
      if (prng.oneIn(2)) {
        assert.equal(add(region, String(value)), !model.has(value));
        model.add(value);
      } else {
        assert.equal(remove(region, String(value)), model.delete(value));
      }
      if (step % 50 !== 0) continue;
      const sorted = [...model].sort((a, b) => a < b ? -1 : 1);
      assert.deepEqual(textsOf(region), sorted.map(String));
      const wrong = intsetCheck(region.bytes, region.start, region.end);
      assert.equal(wrong, model.size === 0 ? "intset is empty" : undefined);
    }
  });
}

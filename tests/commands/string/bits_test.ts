/**
 * `src/commands/string/bits.ts` against the same done bit by bit.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { countBits, findBit, readBits, writeBits } from "../../../src/commands/string/bits.ts";

const ROUNDS = 3000;

/** Up to 200 bytes, of long runs of one byte half of the time, at an odd place in their buffer. */
function someBytes(prng: Prng): Uint8Array {
  const buffer = new Uint8Array(208);
  const start = prng.int(8);
  const length = prng.int(200);
  const filling = prng.pick([0, 0xff]);
  for (let i = 0; i < length; i++) {
    buffer[start + i] = prng.int(2) === 0 || i > length - 4 ? filling : prng.int(256);
  }
  if (prng.int(2) === 0) buffer.fill(filling, start, start + length);
  return buffer.subarray(start, start + length);
}

function bitsOf(bytes: Uint8Array, start: number): number[] {
  return [...bytes.subarray(start)].flatMap((byte) =>
    Array.from({ length: 8 }, (_, i) => (byte >> (7 - i)) & 1)
  );
}

test("countBits() counts what is set one by one", () => {
  const prng = new Prng(1);
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = someBytes(prng);
    const start = prng.int(bytes.length + 1);
    const end = start + prng.int(bytes.length - start + 1);
    const expected = bitsOf(bytes.subarray(0, end), start).filter((bit) => bit === 1).length;
    assert.equal(countBits(bytes, start, end), expected, `round ${round}`);
  }
});

test("findBit() finds what is found one by one", () => {
  const prng = new Prng(2);
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = someBytes(prng);
    const start = prng.int(bytes.length + 1);
    const bits = bitsOf(bytes, start);
    const from = prng.int(bits.length + 1);
    const to = from + prng.int(bits.length - from + 1);
    const bit = prng.int(2);
    const expected = bits.slice(0, to).indexOf(bit, from);
    assert.equal(findBit(bytes, start, from, to, bit), expected, `round ${round}`);
  }
});

test("writeBits() changes its bits alone, and readBits() reads them back", () => {
  const prng = new Prng(3);
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = someBytes(prng);
    const start = prng.int(bytes.length + 1);
    const before = bitsOf(bytes, start);
    const width = 1 + prng.int(Math.min(64, before.length || 1));
    if (width > before.length) continue;
    const offset = prng.int(before.length - width + 1);
    const drawn = Array.from({ length: width }, () => prng.int(2));
    const number = BigInt(`0b${drawn.join("")}`);
    // Bits above the width are ignored.
    writeBits(bytes, start, offset, width, number | 1n << 64n);
    const expected = [...before.slice(0, offset), ...drawn, ...before.slice(offset + width)];
    assert.deepEqual(bitsOf(bytes, start), expected, `round ${round}`);
    assert.equal(readBits(bytes, start, bytes.length, offset, width), number, `round ${round}`);
  }
});

test("readBits() reads zeros beyond the end", () => {
  const bytes = Uint8Array.of(0xff, 0xff, 0xff);
  assert.equal(readBits(bytes, 0, 1, 4, 8), 0xf0n);
  assert.equal(readBits(bytes, 0, 1, 100, 64), 0n);
  assert.equal(readBits(bytes, 1, 2, 0, 64), 0xffn << 56n);
});

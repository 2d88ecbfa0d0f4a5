/**
 * Members and scores in a listpack: the bytes of a score, and where a pair belongs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { ByteBuffer, BytesRef } from "../../../src/base/byte_buffer.ts";
import * as lp from "../../../src/store/packed/listpack.ts";
import {
  afterPair,
  appendScore,
  countPairsBelow,
  findMember,
  placeFor,
  scoreAt,
} from "../../../src/store/types/zset_listpack.ts";
import { bytesOf } from "../../support/bytes.ts";

const ref = new BytesRef();

/** Scores, and the listpack element of each: an integer where it is whole and no larger than 2^62. */
const SCORES: { score: number; text: string; isInteger: boolean }[] = [
  { score: 0, text: "0", isInteger: true },
  { score: -0, text: "0", isInteger: true },
  { score: 1, text: "1", isInteger: true },
  { score: -1, text: "-1", isInteger: true },
  { score: 2 ** 53, text: "9007199254740992", isInteger: true },
  { score: 2 ** 62, text: "4611686018427387904", isInteger: true },
  { score: -(2 ** 62), text: "-4611686018427387904", isInteger: true },
  { score: 1.5, text: "1.5", isInteger: false },
  { score: -0.25, text: "-0.25", isInteger: false },
  { score: 0.1, text: "0.1", isInteger: false },
  { score: Infinity, text: "inf", isInteger: false },
  { score: -Infinity, text: "-inf", isInteger: false },
];

for (const { score, text, isInteger } of SCORES) {
  test(`appendScore() writes ${Object.is(score, -0) ? "-0" : score} as "${text}"`, () => {
    const out = new ByteBuffer();
    appendScore(out, score, false);
    assert.equal(lp.lpIsInteger(out.bytes, 0), isInteger);
    lp.lpRead(out.bytes, 0, ref);
    assert.equal(latin1(ref.bytes, ref.start, ref.end), text);
    assert.equal(scoreAt(out.bytes, 0), score === 0 ? 0 : score);
  });
}

test("scoreAt() reads back what appendScore() wrote of scores of every size", () => {
  for (const score of [2 ** 63, -(2 ** 70), 1e300, 5e-324, Math.PI, -1e-9, 2 ** 53 + 2, 1 / 3]) {
    const out = new ByteBuffer();
    appendScore(out, score, false);
    assert.equal(scoreAt(out.bytes, 0), score);
  }
});

test("scoreAt() of a text that is no number is NaN", () => {
  const out = new ByteBuffer();
  lp.lpAppendTo(out, bytesOf("abc"), 0, 3);
  assert.equal(scoreAt(out.bytes, 0), NaN);
});

/** The pairs of one listpack. */
const PAIRS: [string, number][] = [["b", 1], ["d", 1], ["7", 2], ["a", 2], ["x", 3.5]];

function listpackOf(pairs: readonly [string, number][]): Uint8Array {
  const out = new ByteBuffer();
  lp.lpBegin(out);
  for (const [member, score] of pairs) {
    lp.lpAppendTo(out, bytesOf(member), 0, member.length);
    appendScore(out, score, false);
  }
  lp.lpFinish(out, 0, 2 * pairs.length);
  return out.bytes;
}

/** How many pairs are before a position. */
function rankOf(bytes: Uint8Array, pos: number): number {
  let rank = 0;
  for (let at = lp.lpFirst(bytes, 0); at !== pos; at = afterPair(bytes, at)) rank++;
  return rank;
}

const PLACES: { member: string; score: number; rank: number }[] = [
  { member: "z", score: 0, rank: 0 },
  { member: "a", score: 1, rank: 0 },
  { member: "c", score: 1, rank: 1 },
  { member: "e", score: 1, rank: 2 },
  { member: "6", score: 2, rank: 2 },
  { member: "70", score: 2, rank: 3 },
  { member: "b", score: 2, rank: 4 },
  { member: "a", score: 3, rank: 4 },
  { member: "y", score: 3.5, rank: 5 },
  { member: "a", score: Infinity, rank: 5 },
];

for (const { member, score, rank } of PLACES) {
  test(`placeFor() puts ${member} with score ${score} at rank ${rank}`, () => {
    const bytes = listpackOf(PAIRS);
    const text = bytesOf(member);
    assert.equal(rankOf(bytes, placeFor(bytes, 0, score, text, 0, text.length)), rank);
  });
}

test("findMember() finds members, and no score that reads the same", () => {
  const bytes = listpackOf(PAIRS);
  PAIRS.forEach(([member], rank) => {
    const pos = findMember(bytes, 0, bytesOf(member), 0, member.length);
    assert.equal(rankOf(bytes, pos), rank);
  });
  for (const missing of ["1", "2", "3.5", "c", ""]) {
    assert.equal(findMember(bytes, 0, bytesOf(missing), 0, missing.length), -1, missing);
  }
});

test("countPairsBelow() counts up to a score, or with it", () => {
  const bytes = listpackOf(PAIRS);
  const rows: [number, number, number][] = [
    [-Infinity, 0, 0],
    [1, 0, 2],
    [1.5, 2, 2],
    [2, 2, 4],
    [3.5, 4, 5],
    [Infinity, 5, 5],
  ];
  for (const [score, below, upTo] of rows) {
    assert.equal(countPairsBelow(bytes, 0, score, false), below);
    assert.equal(countPairsBelow(bytes, 0, score, true), upTo);
  }
});

/**
 * Large sorted sets: members of any length through compaction, leaves that are filled in order, loading.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { ZsetTable } from "../../../src/store/types/zset_table.ts";
import { auditZset } from "../audit.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Pair {
  member: string;
  score: number;
}

function order(a: Pair, b: Pair): number {
  return a.score - b.score || (a.member < b.member ? -1 : a.member > b.member ? 1 : 0);
}

test("members of any length live in a large sorted set, and move when it is compacted", () => {
  const prng = new Prng(5);
  const set = new ZsetTable({ seed0: 1, seed1: 2 });
  const held = new Map<string, number>();
  for (let i = 0; i < 30_000; i++) {
    const number = prng.int(3000);
    const length = number % 500 === 0 ? 70_000 : number % 50 === 0 ? 1500 : 20 + number % 60;
    const member = String(number).padEnd(length, "x");
    const bytes = encoder.encode(member);
    // Grows, then nearly empties, then grows again: segments are given up.
    const wanted = i < 10_000 || i > 22_000 ? !prng.oneIn(5) : prng.oneIn(10);
    const entry = set.find(bytes, 0, bytes.length);
    if (wanted) {
      const score = prng.int(100);
      set.set(bytes, 0, bytes.length, score);
      held.set(member, score);
    } else if (entry !== 0) {
      set.removeEntry(entry);
      held.delete(member);
    }
    if (i % 3000 === 0) auditZset(set);
  }
  auditZset(set);
  assert.equal(set.size, held.size);
  for (const [member, score] of held) {
    const bytes = encoder.encode(member);
    assert.equal(set.scoreOf(set.find(bytes, 0, bytes.length)), score);
  }
});

test("members that come in order, from either end, fill their leaves", () => {
  for (const sign of [1, -1]) {
    const set = new ZsetTable({ seed0: 1, seed1: 2 });
    for (let i = 0; i < 200_000; i++) {
      const bytes = encoder.encode("m" + i);
      set.find(bytes, 0, bytes.length);
      set.insert(bytes, 0, bytes.length, sign * i);
    }
    auditZset(set);
    const perMember = set.memoryBytes / set.size;
    // redis-server 8.0 takes 109 for the same: used_memory before and after a million of these.
    assert.ok(perMember < 109, `${perMember} bytes a member`);
  }
});

test("a sorted set is loaded from members in any order", () => {
  const prng = new Prng(77);
  for (const count of [0, 1, 255, 256, 257, 3000, 384 * 256 + 1]) {
    for (const kind of ["falling", "rising", "shuffled", "nearly falling"]) {
      const pairs = Array.from({ length: count }, (_, i) => ({
        member: `m${String(i).padStart(7, "0")}`,
        score: Math.floor(i / 3),
      }));
      if (kind !== "rising") pairs.reverse();
      if (kind === "shuffled") pairs.sort(() => prng.int(3) - 1);
      if (kind === "nearly falling" && count > 2) pairs.push(...pairs.splice(count >> 1, 1));
      const set = new ZsetTable({ seed0: 1, seed1: 2 });
      for (const { member, score } of pairs) {
        const bytes = encoder.encode(member);
        assert.ok(set.load(bytes, 0, bytes.length, score));
        if (prng.oneIn(100)) assert.ok(!set.load(bytes, 0, bytes.length, score + 1));
      }
      set.loaded();
      auditZset(set);
      assert.equal(set.size, count, kind);
      const got: string[] = [];
      set.each(0, count, false, (bytes, start, end) => {
        got.push(decoder.decode(bytes.subarray(start, end)));
      });
      assert.deepEqual(got, pairs.sort(order).map(({ member }) => member), `${count} ${kind}`);
      const last = encoder.encode("zz");
      set.set(last, 0, last.length, -1);
      auditZset(set);
    }
  }
});

test("any score is held, also one that means no expiry elsewhere", () => {
  const set = new ZsetTable({ seed0: 1, seed1: 2 });
  const scores = [-1, 0, -0, 1, Infinity, -Infinity, 5e-324, -Number.MAX_VALUE, 2 ** 63];
  for (let i = 0; i < 900; i++) {
    const member = encoder.encode(`${i}`.padEnd(1 + i % 40, "x"));
    set.set(member, 0, member.length, scores[i % scores.length]);
  }
  auditZset(set);
  for (let i = 0; i < 900; i++) {
    const member = encoder.encode(`${i}`.padEnd(1 + i % 40, "x"));
    const entry = set.find(member, 0, member.length);
    assert.notEqual(entry, 0);
    assert.ok(Object.is(set.scoreOf(entry), scores[i % scores.length]));
  }
});

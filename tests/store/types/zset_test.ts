/**
 * Sorted sets against a sorted array, in both forms and through the conversion between them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { Encoding, type Entry } from "../../../src/store/memory/record.ts";
import {
  Add,
  zsetAdd,
  zsetAddResult,
  zsetCountBelow,
  zsetCreate,
  zsetEachRange,
  zsetLength,
  zsetRank,
  zsetRemove,
  zsetRemoveRange,
  zsetScore,
  zsetSeekMember,
} from "../../../src/store/types/zset.ts";
import { zsetTableOf } from "../../../src/store/types/zset_table.ts";
import { auditRecords, auditZset } from "../audit.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const KEY = encoder.encode("key");

interface Pair {
  member: string;
  score: number;
}

function order(a: Pair, b: Pair): number {
  return a.score - b.score || (a.member < b.member ? -1 : a.member > b.member ? 1 : 0);
}

/** What a sorted set should hold, in order. */
class Model {
  readonly pairs: Pair[] = [];

  set(member: string, score: number): void {
    this.remove(member);
    const pair = { member, score };
    let low = 0;
    let high = this.pairs.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (order(this.pairs[mid], pair) < 0) low = mid + 1;
      else high = mid;
    }
    this.pairs.splice(low, 0, pair);
  }

  rank(member: string): number {
    return this.pairs.findIndex((pair) => pair.member === member);
  }

  remove(member: string): boolean {
    const rank = this.rank(member);
    if (rank >= 0) this.pairs.splice(rank, 1);
    return rank >= 0;
  }
}

function read(
  db: ReturnType<Keyspace["db"]>,
  entry: Entry,
  rank: number,
  count: number,
  rev: boolean,
) {
  const found: Pair[] = [];
  zsetEachRange(db, entry, rank, count, rev, (bytes, start, end, score) => {
    found.push({ member: decoder.decode(bytes.subarray(start, end)), score });
  });
  return found;
}

/** Few members for listpacks, many for leaves that split and join. */
const RUNS = [
  { name: "a listpack", members: 60, operations: 6000, growth: 50 },
  { name: "a listpack of numbers", members: 60, operations: 6000, growth: 70, scores: 3 },
  { name: "a listpack that becomes large", members: 300, operations: 6000, growth: 60 },
  { name: "a large one", members: 4000, operations: 12000, growth: 75 },
  { name: "a large one that shrinks", members: 4000, operations: 12000, growth: 45 },
];

for (const { name, members, operations, growth, scores } of RUNS) {
  test(`${name} is a sorted array`, () => {
    const prng = new Prng(members + growth);
    const db = new Keyspace({ random: () => prng.next() }).db(0);
    const model = new Model();
    let entry = zsetCreate(db, KEY, 0, KEY.length, 1, 1);
    const memberOf = () => {
      const number = prng.int(members);
      return scores !== undefined || number % 3 === 0 ? String(number) : "member:" + number;
    };
    const scoreOf = () => {
      if (scores !== undefined) return prng.int(scores);
      return prng.oneIn(4) ? prng.int(20) : (prng.int(2000) - 1000) / 8;
    };
    for (let i = 0; i < operations; i++) {
      const member = memberOf();
      const bytes = encoder.encode(member);
      if (prng.int(100) < growth) {
        const score = scoreOf();
        entry = zsetAdd(db, entry, bytes, 0, bytes.length, score, Add.NONE);
        assert.equal(zsetAddResult.isNew, model.rank(member) < 0);
        model.set(member, score);
      } else if (prng.oneIn(30) && model.pairs.length > 0) {
        const rank = prng.int(model.pairs.length);
        const count = 1 + prng.int(Math.min(model.pairs.length - rank, 400));
        entry = zsetRemoveRange(db, entry, rank, count);
        model.pairs.splice(rank, count);
      } else {
        const now = zsetRemove(db, entry, bytes, 0, bytes.length);
        assert.equal(now !== 0, model.remove(member));
        if (now !== 0) entry = now;
      }
      const rank = model.rank(member);
      assert.equal(zsetRank(db, entry, bytes, 0, bytes.length), rank);
      const score = rank < 0 ? NaN : model.pairs[rank].score;
      assert.equal(zsetScore(db, entry, bytes, 0, bytes.length), score);
      if (i % 50 !== 0) continue;
      assert.equal(zsetLength(db, entry), model.pairs.length);
      const bound = scoreOf();
      const below = model.pairs.filter((pair) => pair.score < bound).length;
      const upTo = model.pairs.filter((pair) => pair.score <= bound).length;
      assert.equal(zsetCountBelow(db, entry, bound, false), below);
      assert.equal(zsetCountBelow(db, entry, bound, true), upTo);
      const from = prng.int(model.pairs.length + 1);
      const count = prng.int(model.pairs.length - from + 1);
      const part = model.pairs.slice(from, from + count);
      assert.deepEqual(read(db, entry, from, count, false), part);
      assert.deepEqual(read(db, entry, from + count - 1, count, true), part.reverse());
      const table = zsetTableOf(db, entry);
      if (i % 1000 === 0 && table !== undefined) auditZset(table);
    }
    const encoding = members <= 128 ? Encoding.LISTPACK : Encoding.SKIPLIST;
    assert.equal(db.encodingOf(entry), encoding);
    const table = zsetTableOf(db, entry);
    if (table !== undefined) {
      auditZset(table);
      auditZset(table.copy());
    }
    auditRecords(db);
  });
}

test("equal scores are in the order of their bytes, which ranges of members go by", () => {
  const prng = new Prng(3);
  for (const members of [50, 2000]) {
    const db = new Keyspace({ random: () => prng.next() }).db(0);
    let entry = zsetCreate(db, KEY, 0, KEY.length, 1, 1);
    const names = Array.from({ length: members }, (_, i) => "n" + i * 7);
    for (const name of names) {
      entry = zsetAdd(db, entry, encoder.encode(name), 0, name.length, 0, Add.NONE);
    }
    names.sort();
    for (let i = 0; i < 200; i++) {
      const bound = "n" + prng.int(members * 7);
      const bytes = encoder.encode(bound);
      const below = names.filter((name) => name < bound).length;
      const upTo = names.filter((name) => name <= bound).length;
      assert.equal(zsetSeekMember(db, entry, 0, bytes, 0, bytes.length, false), below);
      assert.equal(zsetSeekMember(db, entry, 0, bytes, 0, bytes.length, true), upTo);
    }
  }
});

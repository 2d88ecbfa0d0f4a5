/**
 * The index of a large sorted set against a sorted array: leaves and blocks that split, join and vanish,
 * ranks, ranges, bounds, and records that move.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import {
  Encoding,
  type Entry,
  kindOf,
  NO_EXPIRY,
  ValueType,
} from "../../../src/store/memory/record.ts";
import { Slab } from "../../../src/store/memory/slab.ts";
import { makeKeyedRecord } from "../../../src/store/memory/slab_record.ts";
import { ScoreIndex } from "../../../src/store/types/score_index.ts";
import { auditIndex } from "../audit.ts";
import { bytesOf } from "../../support/bytes.ts";

interface Element {
  readonly score: number;
  readonly key: string;
  readonly entry: Entry;
}

const slab = new Slab();

function elementOf(score: number, key: string): Element {
  const bytes = bytesOf(key);
  const kind = kindOf(ValueType.STRING, Encoding.RAW);
  const entry = makeKeyedRecord(slab, kind, bytes, 0, bytes.length, 0, 0, NO_EXPIRY);
  return { score, key, entry };
}

function order(a: Element, b: Element): number {
  return a.score - b.score || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

function range(index: ScoreIndex, rank: number, count: number, reverse: boolean): Entry[] {
  const entries: Entry[] = [];
  index.each(rank, count, reverse, (_score, entry) => entries.push(entry));
  return entries;
}

/** Compares everything the index answers with a sorted array. */
function compare(index: ScoreIndex, model: readonly Element[], prng: Prng): void {
  auditIndex(index);
  assert.equal(index.size, model.length);
  const entries = model.map(({ entry }) => entry);
  assert.deepEqual(range(index, 0, model.length, false), entries);
  if (model.length === 0) return;
  assert.deepEqual(range(index, model.length - 1, model.length, true), entries.toReversed());
  for (let i = 0; i < 20; i++) {
    const rank = prng.int(model.length);
    const { score, entry } = model[rank];
    assert.equal(index.rankOf(score, entry), rank);
    for (const bound of [score, score + 0.5, -Infinity, Infinity]) {
      const below = model.filter((element) => element.score < bound).length;
      const upTo = model.filter((element) => element.score <= bound).length;
      assert.equal(index.countBelow(bound, false), below);
      assert.equal(index.countBelow(bound, true), upTo);
    }
    const count = prng.int(model.length - rank);
    assert.deepEqual(range(index, rank, count, false), entries.slice(rank, rank + count));
  }
}

const SCORES = [
  { name: "scores that differ", scoreOf: (prng: Prng) => prng.int(1 << 30) / 64 },
  { name: "few scores", scoreOf: (prng: Prng) => prng.int(3) - 1 },
  { name: "zeros of either sign", scoreOf: (prng: Prng) => prng.oneIn(2) ? 0 : -0 },
  { name: "infinite scores", scoreOf: (prng: Prng) => prng.pick([Infinity, -Infinity, 7]) },
];

for (const { name, scoreOf } of SCORES) {
  test(`insert(), remove() and removeRange() agree with a sorted array: ${name}`, () => {
    const prng = new Prng(name.length);
    const index = new ScoreIndex(slab);
    let model: Element[] = [];
    for (let step = 0; step < 60; step++) {
      const grows = Math.floor(step / 15) % 2 === 0;
      for (let i = grows ? 400 : 10; i > 0; i--) {
        const element = elementOf(scoreOf(prng), `key ${prng.int(1 << 30)}`);
        index.insert(element.score, element.entry);
        model.push(element);
      }
      model.sort(order);
      for (let i = grows ? 30 : 300; i > 0 && model.length > 0; i--) {
        const [{ score, entry }] = model.splice(prng.int(model.length), 1);
        index.remove(score, entry);
      }
      if (!grows && model.length > 0) {
        const rank = prng.int(model.length);
        const count = prng.int(Math.min(model.length - rank, 300) + 1);
        const removed: Entry[] = [];
        index.removeRange(rank, count, (_score, entry) => removed.push(entry));
        assert.deepEqual(removed, model.splice(rank, count).map(({ entry }) => entry));
      }
      if (step % 5 === 0) compare(index, model, prng);
    }
    index.removeRange(0, model.length, () => {});
    model = [];
    compare(index, model, prng);
  });
}

test("countBelowKey() goes by keys where all scores are equal", () => {
  const index = new ScoreIndex(slab);
  const keys = Array.from({ length: 2000 }, (_, i) => `k${i}`);
  for (const key of keys) index.insert(1, elementOf(1, key).entry);
  keys.sort();
  const prng = new Prng(1);
  for (let i = 0; i < 300; i++) {
    const bound = prng.pick(["", "k", "l", `k${prng.int(3000)}`]);
    const bytes = bytesOf(bound);
    const below = keys.filter((key) => key < bound).length;
    const upTo = keys.filter((key) => key <= bound).length;
    assert.equal(index.countBelowKey(bytes, 0, bytes.length, false), below);
    assert.equal(index.countBelowKey(bytes, 0, bytes.length, true), upTo);
  }
});

for (const count of [1, 255, 256, 257, 512, 384 * 256, 384 * 256 + 1]) {
  test(`prepend() and settle() make an index of ${count} elements`, () => {
    const prng = new Prng(count);
    const index = new ScoreIndex(slab);
    const entry = elementOf(0, "one").entry;
    for (let i = count; i > 0; i--) assert.ok(index.prepend(i, entry));
    assert.equal(index.prepend(1, entry), false, "an equal element does not come before");
    assert.equal(index.prepend(2, entry), false, "nor does a higher one");
    index.settle();
    index.settle();
    auditIndex(index);
    assert.equal(index.size, count);
    for (let i = 0; i < 50; i++) {
      const rank = prng.int(count);
      assert.equal(index.countBelow(rank + 1, false), rank);
    }
    index.insert(count + 1, entry);
    index.insert(0, entry);
    index.remove(1, entry);
    auditIndex(index);
    assert.equal(index.size, count + 1);
  });
}

test("relocate() follows a record to its copy", () => {
  const index = new ScoreIndex(slab);
  const elements = Array.from({ length: 1000 }, (_, i) => elementOf(i % 7, `k${i}`));
  for (const { score, entry } of elements) index.insert(score, entry);
  const moved = elements.map(({ score, key, entry }) => {
    const copy = elementOf(score, key);
    index.relocate(score, entry, copy.entry);
    return copy;
  });
  compare(index, moved.sort(order), new Prng(2));
});

test("an index that shrinks gives memory back", () => {
  const index = new ScoreIndex(slab);
  const idle = index.bytes;
  const elements = Array.from({ length: 20_000 }, (_, i) => elementOf(i, "k"));
  for (const { score, entry } of elements) index.insert(score, entry);
  const full = index.bytes;
  assert.ok(full < 20_000 * 14, `${full} bytes`);
  for (const { score, entry } of elements.slice(0, -100)) index.remove(score, entry);
  assert.ok(index.bytes < full / 50, `${index.bytes} of ${full} bytes`);
  for (const { score, entry } of elements.slice(-100)) index.remove(score, entry);
  assert.ok(index.bytes < idle + 5000, `${index.bytes} bytes`);
  auditIndex(index);
});

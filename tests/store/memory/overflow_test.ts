/**
 * Overflow buckets against a model: which are in use, what they hold, and that memory follows them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { COUNT, LINK, OverflowBuckets } from "../../../src/store/memory/overflow.ts";

/** Word that holds nothing of a free bucket. */
const MARK = 5;

/** Does what the table does after it freed a bucket: the topmost may move into a hole. */
function tidy(buckets: OverflowBuckets, held: Map<number, number>): void {
  const top = buckets.sinking;
  if (top >= 0) {
    const index = buckets.sink(top);
    assert.ok(index < top && !held.has(index));
    held.set(index, held.get(top)!);
    held.delete(top);
  }
  buckets.lower();
}

for (const seed of [1, 2, 3]) {
  test(`OverflowBuckets hand out each bucket once and sink into holes [seed ${seed}]`, () => {
    const prng = new Prng(seed);
    const buckets = new OverflowBuckets();
    const held = new Map<number, number>();
    for (let step = 0; step < 20_000; step++) {
      // Grows, then shrinks to almost nothing, then grows again.
      const grows = step < 8000 || step > 15_000 ? !prng.oneIn(3) : prng.oneIn(4);
      if (grows || held.size === 0) {
        const index = buckets.take();
        assert.ok(!held.has(index), "a bucket in use is not handed out");
        assert.deepEqual([buckets.word(index, COUNT), buckets.word(index, LINK)], [0, 0]);
        buckets.setWord(index, MARK, step);
        held.set(index, step);
      } else {
        const index = prng.pick([...held.keys()].slice(0, 50));
        held.delete(index);
        buckets.free(index);
        tidy(buckets, held);
      }
      assert.equal(buckets.used, held.size);
    }
    for (const [index, mark] of held) assert.equal(buckets.word(index, MARK), mark);
    for (const index of [...held.keys()]) {
      if (!held.has(index)) continue;
      held.delete(index);
      buckets.free(index);
      tidy(buckets, held);
    }
    while (held.size > 0) {
      const [index] = held.keys();
      held.delete(index);
      buckets.free(index);
      tidy(buckets, held);
    }
    assert.equal(buckets.used, 0);
    assert.ok(buckets.bytes <= 64 * 32, `${buckets.bytes} bytes for none`);
  });
}

test("free() refuses a bucket that is free already", () => {
  const buckets = new OverflowBuckets();
  buckets.take();
  const index = buckets.take();
  buckets.free(index);
  assert.throws(() => buckets.free(index), /freed once/);
});

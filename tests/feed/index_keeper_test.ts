/**
 * Rows that are built while commits change the data, against rows that are built of the data as it is at the end.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import test from "node:test";
import { latin1 } from "../../src/base/ascii.ts";
import { Prng } from "../../src/base/prng.ts";
import { indexShapes, KeyPattern } from "../../src/feed/collection_shape.ts";
import { IndexKeeper } from "../../src/feed/index_keeper.ts";
import { HashSource } from "../../src/feed/index_source.ts";
import { Rig } from "./rig.ts";

const BUILDS = Number(env.COUNT ?? 6);
const SEED = Number(env.SEED ?? 1);
const KEYS = 1_200;

const SHAPES = indexShapes({ email: { unique: true }, "plan,age": {} });

function keeperOf(rig: Rig): IndexKeeper {
  return new IndexKeeper({
    keyspace: rig.keyspace,
    db: 0,
    pattern: new KeyPattern("user:*"),
    indexes: SHAPES,
    source: new HashSource(SHAPES),
  });
}

function rowsOf({ rows }: IndexKeeper): unknown {
  return SHAPES.map((_, i) => {
    const found: string[] = [];
    rows.each(i, 0, rows.indexSize(i), false, (b, s, e) => void found.push(latin1(b, s, e)));
    return { found, size: rows.size, duplicates: rows.duplicates(i) };
  });
}

function change(rig: Rig, prng: Prng): void {
  const key = `user:${prng.int(KEYS)}`;
  if (prng.oneIn(5)) return rig.del(key);
  if (prng.oneIn(9)) return rig.set(key, "no hash");
  rig.hset(key, {
    email: `somebody.${prng.int(2 * KEYS)}@example.org`,
    plan: prng.pick(["free", "enterprise", undefined]),
    age: prng.oneIn(4) ? undefined : `${prng.int(90)}`,
  });
}

test("rows are right whatever is committed between the steps of a build", () => {
  const prng = new Prng(SEED);
  for (let build = 0; build < BUILDS; build++) {
    const rig = new Rig();
    for (let i = 0; i < 2 * KEYS; i++) change(rig, prng);
    const keeper = keeperOf(rig);
    rig.commits.subscribe({
      committed: (commit) => void keeper.committed(commit),
      replaced: () => void keeper.replaced(),
    }, true);
    const often = 1 + prng.int(6);
    let steps = 0;
    while (!keeper.step()) {
      steps++;
      for (let i = prng.oneIn(often) ? prng.int(20) : 0; i > 0; i--) change(rig, prng);
      if (prng.oneIn(3_000)) rig.flush(prng.pick([-1, 0]));
      if (prng.oneIn(3_000)) rig.swap(0, 1);
    }
    assert.ok(steps > 0, "there is a build to write into");
    const expected = keeperOf(rig);
    while (!expected.step());
    assert.deepEqual(rowsOf(keeper), rowsOf(expected));
    for (let i = 0; i < 200; i++) change(rig, prng);
    const after = keeperOf(rig);
    while (!after.step());
    assert.deepEqual(rowsOf(keeper), rowsOf(after));
    assert.deepEqual(rig.errors, []);
  }
});

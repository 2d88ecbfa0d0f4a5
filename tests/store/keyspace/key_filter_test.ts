/**
 * Which keys a filter keeps, and what a predicate that fails comes to.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type FilterOptions, KeyFilter, Refusal } from "../../../src/store/keyspace/key_filter.ts";

const encoder = new TextEncoder();

function refusalOf(filter: KeyFilter, key: string, db: number = 0): Refusal {
  const bytes = encoder.encode(`>${key}<`);
  return filter.refusalOf(db, bytes, 1, bytes.length - 1);
}

const KEYS: readonly {
  readonly keys: readonly string[];
  readonly kept: readonly string[];
  readonly out: readonly string[];
}[] = [
  { keys: ["user:*"], kept: ["user:", "user:1"], out: ["user", "", "xuser:1"] },
  { keys: ["user"], kept: ["user"], out: ["user1", "use", ""] },
  { keys: ["user:*", "flag:*"], kept: ["user:1", "flag:1"], out: ["other"] },
  { keys: ["!tmp:*"], kept: ["user:1", "tmp", ""], out: ["tmp:", "tmp:1"] },
  { keys: ["a*", "!*z", "!a1"], kept: ["a", "ab"], out: ["az", "a1", "b"] },
  { keys: ["!*z", "a*"], kept: ["a"], out: ["az", "b", "bz"] },
  { keys: ["u?er:[0-9]*x"], kept: ["user:1x", "uzer:12x"], out: ["user:x", "user:1", "uer:1x"] },
  { keys: ["\\!x*"], kept: ["!xy"], out: ["xy"] },
  { keys: ["*"], kept: ["a", ""], out: [] },
  { keys: ["a*b*"], kept: ["ab", "axbx"], out: ["a", "ba"] },
];

for (const { keys, kept, out } of KEYS) {
  test(`KeyFilter keeps by ${JSON.stringify(keys)}`, () => {
    const filter = new KeyFilter({ keys });
    for (const key of kept) assert.equal(refusalOf(filter, key), Refusal.NONE, key);
    for (const key of out) assert.equal(refusalOf(filter, key), Refusal.KEY, key);
  });
}

test("KeyFilter without rules keeps everything and is not active", () => {
  const filter = new KeyFilter();
  assert.equal(filter.active, false);
  assert.equal(refusalOf(filter, "k", 9), Refusal.NONE);
  assert.equal(filter.keepsType("hash"), true);
  assert.equal(filter.keepsCommand("set"), true);
});

test("KeyFilter.narrow() adds rules that must hold as well", () => {
  const filter = new KeyFilter({ databases: [0, 1], keys: ["a*"], maxValueBytes: 100 });
  filter.narrow({ databases: [1, 2], keys: ["*b"], types: ["set"], maxValueBytes: 200 });
  assert.equal(refusalOf(filter, "ab", 1), Refusal.NONE);
  assert.equal(refusalOf(filter, "ab", 0), Refusal.DATABASE);
  assert.equal(refusalOf(filter, "ab", 2), Refusal.DATABASE);
  assert.equal(refusalOf(filter, "a", 1), Refusal.KEY);
  assert.equal(filter.maxValueBytes, 100);
  assert.deepEqual([filter.keepsType("set"), filter.keepsType("hash")], [true, false]);
});

test("KeyFilter knows commands by name, and subcommands by their container", () => {
  const filter = new KeyFilter({ commands: ["SET", "xgroup", "function|load"] });
  const kept = ["set", "xgroup|create", "function|load"];
  for (const name of kept) assert.equal(filter.keepsCommand(name), true, name);
  for (const name of ["del", "function|flush"]) {
    assert.equal(filter.keepsCommand(name), false, name);
  }
});

const FAILING: readonly { readonly name: string; readonly predicate: unknown }[] = [
  {
    name: "throws",
    predicate: () => {
      throw new Error("on purpose");
    },
  },
  { name: "answers a promise", predicate: () => Promise.resolve(true) },
  { name: "answers nothing", predicate: () => undefined },
  { name: "answers a number", predicate: () => 1 },
];

for (const { name, predicate } of FAILING) {
  test(`KeyFilter reports a predicate that ${name} once, and counts it each time`, () => {
    const filter = new KeyFilter({ predicate } as FilterOptions);
    const told: unknown[] = [];
    filter.onPredicateError = (error) => told.push(error);
    assert.equal(refusalOf(filter, "a"), Refusal.FAILED);
    assert.equal(refusalOf(filter, "b"), Refusal.FAILED);
    assert.equal(told.length, 1);
    assert.equal(filter.predicateErrors, 2);
  });
}

test("KeyFilter gives its predicate a copy of the key", () => {
  const seen: Uint8Array[] = [];
  const filter = new KeyFilter({
    predicate: (key, db) => {
      seen.push(key);
      key.fill(0);
      return db === 3;
    },
  });
  const bytes = encoder.encode("<key>");
  assert.equal(filter.refusalOf(3, bytes, 1, 4), Refusal.NONE);
  assert.equal(filter.refusalOf(2, bytes, 1, 4), Refusal.PREDICATE);
  assert.equal(new TextDecoder().decode(bytes), "<key>");
  assert.deepEqual(seen.map(({ length }) => length), [3, 3]);
});

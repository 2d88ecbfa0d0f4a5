/**
 * Values of a feed that are decoded: by JSON, a function and a schema, the new and the old, and those that cannot be.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Batch, ChangesOptions } from "../../../src/feed/changes/types.ts";
import { DecodeError, type Schema } from "../../../src/read/decode.ts";
import { checkChanges } from "../../../src/feed/changes/rules.ts";
import { FeedRig } from "./rig.ts";

const sizeOf = (bytes: Uint8Array) => bytes.length;

/** Accepts objects with a name, and makes the name upper case. */
const named: Schema<{ name: string }> = {
  "~standard": {
    validate(value) {
      const { name } = value as { name?: unknown };
      if (typeof name !== "string") return { issues: [{ message: "name is missing" }] };
      return { value: { name: name.toUpperCase() } };
    },
  },
};

/** What a listener is told of each change: the value, and the old one where it is asked for. */
function listen(rig: FeedRig, options: ChangesOptions): unknown[] {
  const told: unknown[] = [];
  rig.feed.onCommit(0, options, ({ changes }) => {
    for (const change of changes as Batch["changes"]) {
      if (change.kind !== "set" && change.kind !== "expire") told.push(change.kind);
      else if (change.error !== undefined) told.push(change.error);
      else told.push("old" in change ? [change.old, change.value] : change.value);
    }
  });
  return told;
}

const ROWS: readonly [
  name: string,
  decode: ChangesOptions["decode"],
  words: string[],
  told: unknown,
][] = [
  ["a string as JSON", "json", ["SET", "k", '{"a":1}'], { a: 1 }],
  ["a string by a function", sizeOf, ["SET", "k", "abc"], 3],
  ["a string by a schema", named, ["SET", "k", '{"name":"ada"}'], { name: "ADA" }],
  ["each field of a hash", "json", ["HSET", "k", "a", "[1]"], { a: [1] }],
  ["a hash by a schema", named, ["HSET", "k", "name", "ada"], { name: "ADA" }],
  ["each element of a list", "json", ["RPUSH", "k", "1", '"b"'], [1, "b"]],
  ["each member of a set", "json", ["SADD", "k", "[7]"], [[7]]],
  ["each member of a sorted set", "json", ["ZADD", "k", "2", "true"], [{ value: true, score: 2 }]],
  ["each field of an entry", "json", ["XADD", "k", "1-1", "f", "null"], [
    { id: "1-1", message: { f: null } },
  ]],
  ["an entry by a schema", named, ["XADD", "k", "1-1", "name", "ada"], [
    { id: "1-1", message: { name: "ADA" } },
  ]],
];

for (const [name, decode, words, wanted] of ROWS) {
  test(`decode: ${name}, the new value and the old one`, async () => {
    const rig = new FeedRig();
    const options = { decode, values: "both" } as const;
    const told = listen(rig, options);
    const stream = rig.changes(options);
    rig.commit(words);
    rig.commit("PEXPIREAT k 99999999999999");
    assert.deepEqual(told, [[undefined, wanted], [wanted, wanted]]);
    const { value } = await stream.next();
    const [change] = value!.changes;
    assert.deepEqual(change.kind !== "flush" && change.kind !== "swap" && change.old, undefined);
    assert.deepEqual(change.kind === "set" && change.value, wanted);
  });
}

test("a value that cannot be decoded is an error of its change, and the feed goes on", async () => {
  const rig = new FeedRig();
  rig.commit("SET bad no-json");
  const told = listen(rig, { decode: "json", values: "both", from: "snapshot" });
  await rig.clock.turn();
  assert.ok(told[0] instanceof DecodeError);
  assert.equal((told[0] as DecodeError).key, "bad");
  rig.commit("SET bad 1", "SET worse no-json", "SET good 2");
  assert.deepEqual(told.map((one) => one instanceof DecodeError ? one.key : one), [
    "bad",
    [undefined, 1],
    "worse",
    [undefined, 2],
  ]);
  assert.deepEqual(rig.reports, []);
});

test("what a decoder throws that is no error of its own is told with the key", () => {
  const rig = new FeedRig();
  const told = listen(rig, {
    decode: () => {
      throw new Error("mine");
    },
  });
  rig.commit("SET a 1");
  const [error] = told as [DecodeError];
  assert.deepEqual([error.key, (error.cause as Error).message], ["a", "mine"]);
});

test("a decoder that reads, and writes over what is read, harms no batch", async () => {
  const rig = new FeedRig();
  const seen: unknown[] = [];
  const decode = (bytes: Uint8Array) => {
    seen.push(rig.feed.status().queued);
    const text = String.fromCharCode(...bytes);
    bytes.fill(0);
    return text;
  };
  const others = [rig.changes({ match: "x" }), rig.changes()];
  const stream = rig.changes({ decode, match: ["b", "c"] });
  const told = listen(rig, { decode });
  rig.commit("SET a 1", "HSET h f 2 g 3", "SET b 4");
  rig.commit("SET c 5");
  assert.deepEqual(told, ["1", { f: "2", g: "3" }, "4", "5"]);
  assert.equal(seen.length, 5);
  rig.commit("SET x 6");
  const batch: Batch = (await stream.next()).value!;
  assert.deepEqual(
    batch.changes.map((change) => change.kind === "set" && [change.key, change.value]),
    [["b", "4"], ["c", "5"]],
  );
  assert.equal((await others[1].next()).value!.changes.length, 5);
});

test("values: none decodes nothing, and a decoder that is none is refused", () => {
  const rig = new FeedRig();
  const told = listen(rig, { values: "none", decode: () => assert.fail("is not called") });
  rig.commit("SET a 1");
  assert.deepEqual(told, [undefined]);
  for (const decode of ["xml", 7, {}, null]) {
    assert.throws(() => checkChanges({ decode } as never, "changes"), TypeError);
  }
});

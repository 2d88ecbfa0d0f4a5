/**
 * Values of every type in both encodings, compared with themselves and with each of their neighbours.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { TestMaster } from "../../src/testing/mod.ts";
import { encodeUtf8 } from "../../src/base/ascii.ts";
import { decodeDump } from "../../src/rdb/dump.ts";
import { typeNameOf } from "../../src/store/keyspace/key_filter.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { Encoding, NO_EXPIRY, ValueType } from "../../src/store/memory/record.ts";
import { Quant } from "../../src/store/types/vector_quant.ts";
import { VectorSet } from "../../src/store/types/vector_set.ts";
import type { Spot } from "../../src/verify/past.ts";
import { sameValue } from "../../src/verify/same_value.ts";

/** Commands that make a value of key k, one list a value: no two are equal. */
const VALUES: readonly (readonly string[][])[] = [
  [["SET", "k", "12"]],
  [["SET", "k", "012"]],
  [["RPUSH", "k", "a", "b"]],
  [["RPUSH", "k", "b", "a"]],
  [["RPUSH", "k", ...numbers(3000)]],
  [["RPUSH", "k", ...numbers(3000).toReversed()]],
  [["SADD", "k", "1", "2"]],
  [["SADD", "k", "1", "3"]],
  [["SADD", "k", ...numbers(1000)]],
  [["SADD", "k", ...numbers(999), "x"]],
  [["ZADD", "k", "1", "a", "2", "b"]],
  [["ZADD", "k", "1", "a", "2.5", "b"]],
  [["ZADD", "k", ...numbers(500).flatMap((n) => [n, `m${n}`])]],
  [["ZADD", "k", ...numbers(500).flatMap((n) => [n, `n${n}`])]],
  [["HSET", "k", "a", "1", "b", "2"]],
  [["HSET", "k", "a", "2", "b", "1"]],
  [["HSET", "k", "a", "1", "b", "2"], ["HPEXPIREAT", "k", "9999999999999", "FIELDS", "1", "a"]],
  [["HSET", "k", "a", "1", "b", "2"], ["HPEXPIREAT", "k", "9999999999998", "FIELDS", "1", "a"]],
  [["HSET", "k", ...numbers(2000)]],
  [["HSET", "k", ...numbers(1998), "a", "b"]],
  [["XADD", "k", "1-1", "a", "1"]],
  [["XADD", "k", "1-1", "a", "2"]],
  [["XADD", "k", "1-1", "a", "1"], ["XADD", "k", "1-2", "a", "1"], ["XDEL", "k", "1-2"]],
  [["XADD", "k", "1-1", "a", "1"], ["XGROUP", "CREATE", "k", "g", "0"]],
  [["XADD", "k", "1-1", "a", "1"], ["XGROUP", "CREATE", "k", "g", "1-1"]],
  [
    ["XADD", "k", "1-1", "a", "1"],
    ["XGROUP", "CREATE", "k", "g", "1-1"],
    ["XCLAIM", "k", "g", "consumer", "0", "1-1", "FORCE", "JUSTID"],
  ],
  [
    ["XADD", "k", "1-1", "a", "1"],
    ["XGROUP", "CREATE", "k", "g", "1-1"],
    ["XCLAIM", "k", "g", "another", "0", "1-1", "FORCE", "JUSTID"],
  ],
];

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}

/** The value that commands make, in a keyspace of its own, as its DUMP was read. */
function valueOf(master: TestMaster, commands: readonly string[][], reversed: boolean): Spot {
  master.call("DEL", "k");
  for (const words of commands) {
    const isUnordered = words[0] === "SADD";
    const [name, key, ...rest] = words;
    master.call(...(reversed && isUnordered ? [name, key, ...rest.toReversed()] : words));
  }
  const payload = master.callBytes("DUMP", "k") as Uint8Array;
  const version = payload[payload.length - 10] | (payload[payload.length - 9] << 8);
  const db = new Keyspace({ random: Math.random }).db(0);
  const key = encodeUtf8("k");
  decodeDump(payload, 0, payload.length, db.settings, version).store(db, key, 0, 1, NO_EXPIRY);
  return { db, entry: db.find(key, 0, 1) };
}

function isSame(one: Spot, other: Spot): boolean | undefined {
  const steps = sameValue({ one, other, counters: true, fieldsFromMs: 0 });
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

test("sameValue() tells values apart by what they mean", async () => {
  await using master = await TestMaster.start();
  const ones = VALUES.map((commands) => valueOf(master, commands, false));
  const others = VALUES.map((commands) => valueOf(master, commands, true));
  for (const [i, one] of ones.entries()) {
    for (const [j, other] of others.entries()) {
      if (typeNameOf(one.db, one.entry) !== typeNameOf(other.db, other.entry)) continue;
      const what = `${JSON.stringify(VALUES[i]).slice(0, 80)} and ${
        JSON.stringify(VALUES[j]).slice(0, 80)
      }`;
      assert.equal(isSame(one, other), i === j, what);
    }
  }
});

/** An element of a vector set: its name, its vector of two dimensions, its attribute. */
type Element = readonly [name: string, x: number, y: number, attribute?: string];

function vectors(quant: Quant, elements: readonly Element[]): Spot {
  const db = new Keyspace({ random: Math.random }).db(0);
  const set = new VectorSet(db.settings, { dim: 2, quant, links: 16, projection: undefined });
  for (const [name, x, y, attribute] of elements) {
    const slot = set.insert(encodeUtf8(name), 0, name.length, Float32Array.of(x, y));
    if (attribute === undefined) continue;
    set.setAttribute(slot, encodeUtf8(attribute), 0, attribute.length);
  }
  const key = encodeUtf8("k");
  db.setObject(key, 0, 1, ValueType.MODULE, Encoding.MODULE, set, NO_EXPIRY);
  return { db, entry: db.find(key, 0, 1) };
}

test("sameValue() compares names, vectors and attributes of vector sets", () => {
  const { NONE, Q8, BIN } = Quant;
  for (const quant of [NONE, Q8, BIN]) {
    const one = vectors(quant, [["a", 1, 2], ["b", -2, 1, "x"]]);
    const equal: Element[][] = [
      [["b", -2, 1, "x"], ["a", 1, 2]],
      // What DUMP answers has no empty attributes.
      [["a", 1, 2, ""], ["b", -2, 1, "x"]],
    ];
    const different: Element[][] = [
      [["a", 1, 2]],
      [["a", 1, 2], ["c", -2, 1, "x"]],
      [["a", 2, -1], ["b", -2, 1, "x"]],
      [["a", 2, 4], ["b", -2, 1, "x"]],
      [["a", 1, 2], ["b", -2, 1]],
      [["a", 1, 2], ["b", -2, 1, "y"]],
    ];
    for (const elements of equal) assert.equal(isSame(one, vectors(quant, elements)), true);
    for (const elements of different) {
      assert.equal(isSame(one, vectors(quant, elements)), false, JSON.stringify(elements));
    }
  }
  assert.equal(isSame(vectors(Q8, [["a", 1, 2]]), vectors(NONE, [["a", 1, 2]])), false);
});

/**
 * Sorted sets in snapshots: every type read whole, byte by byte and cut everywhere; written in every
 * version and read back; damaged.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDouble, latin1 } from "../../../src/base/ascii.ts";
import { Prng } from "../../../src/base/prng.ts";
import { KeyspaceLoader } from "../../../src/rdb/load.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import type { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { Encoding, ValueType } from "../../../src/store/memory/record.ts";
import { zsetEach, zsetLength } from "../../../src/store/types/zset.ts";
import { zsetTableOf } from "../../../src/store/types/zset_table.ts";
import { Engine } from "../../commands/engine.ts";
import { auditRecords, auditZset } from "../../store/audit.ts";
import { encoded, newKeyspace } from "../support/keyspaces.ts";
import { blob, join, le, listpack, str } from "../support/parts.ts";
import { decodeCut } from "../support/decoding.ts";
import {
  damageOften,
  type Reading,
  type Refusal,
  testReadings,
  testRefusals,
} from "../support/values.ts";
import { bytesOf } from "../../support/bytes.ts";

type Pair = readonly [member: string, score: number];

const { LISTPACK, SKIPLIST } = Encoding;
const ZSET_TEXT = 3;
const ZSET_BINARY = 5;
const ZSET_ZIPLIST = 12;
const ZSET_LISTPACK = 17;
const LONG = "m".repeat(65);

function count(length: number): Uint8Array {
  return Uint8Array.of(0x40 | (length >>> 8), length & 255);
}

function binary(...pairs: readonly Pair[]): Uint8Array {
  const parts = pairs.map(([member, score]) => {
    return join(blob(member), new Uint8Array(Float64Array.of(score).buffer));
  });
  return join(count(pairs.length), ...parts);
}

/** Scores as texts, or as what stands for one. */
function text(...pairs: readonly (readonly [string, string | number])[]): Uint8Array {
  const parts = pairs.map(([member, score]) => {
    return join(str(member), typeof score === "number" ? score : str(score));
  });
  return join(count(pairs.length), ...parts);
}

function packed(...elements: readonly (number | string)[]): Uint8Array {
  return blob(listpack(...elements));
}

function ofPairs(pairs: readonly Pair[]): Uint8Array {
  return packed(...pairs.flatMap(([member, score]) => [
    /^[0-9]+$/.test(member) ? Number(member) : member,
    Number.isInteger(score) ? score : String(score),
  ]));
}

function numbered(length: number): Pair[] {
  return Array.from({ length }, (_, i) => [`w${String(i).padStart(4, "0")}`, i >> 2]);
}

function tell(db: Database, key: Uint8Array): Pair[] | undefined {
  const entry = db.find(key, 0, key.length);
  if (entry === 0 || db.typeOf(entry) !== ValueType.ZSET) return undefined;
  const told: Pair[] = [];
  zsetEach(db, entry, (bytes, start, end, score) => {
    told.push([latin1(bytes, start, end), score]);
  });
  assert.equal(told.length, zsetLength(db, entry));
  const table = zsetTableOf(db, entry);
  if (table !== undefined) auditZset(table);
  return told;
}

const rows: readonly Reading<readonly Pair[] | undefined>[] = [
  {
    name: "members in any order",
    type: ZSET_BINARY,
    value: binary(["b", 1.5], ["", -Infinity], ["a", 1.5], ["7", 1e300]),
    expected: [["", -Infinity], ["a", 1.5], ["b", 1.5], ["7", 1e300]],
    encoding: LISTPACK,
  },
  {
    name: "as many members as a listpack holds",
    type: ZSET_BINARY,
    value: binary(...numbered(128)),
    expected: numbered(128),
    encoding: LISTPACK,
  },
  {
    name: "one more",
    type: ZSET_BINARY,
    value: binary(...numbered(129).reverse()),
    expected: numbered(129),
    encoding: SKIPLIST,
  },
  {
    name: "a long member",
    type: ZSET_BINARY,
    value: binary(["a", 2], [LONG, 1]),
    expected: [[LONG, 1], ["a", 2]],
    encoding: SKIPLIST,
  },
  {
    name: "no member",
    type: ZSET_BINARY,
    value: binary(),
    expected: undefined,
    encoding: LISTPACK,
  },
  {
    name: "scores that are texts",
    type: ZSET_TEXT,
    value: text(["a", "3.25"], ["b", 254], ["c", 255], ["d", "-1e3"], ["e", "17"]),
    expected: [["c", -Infinity], ["d", -1000], ["a", 3.25], ["e", 17], ["b", Infinity]],
    encoding: LISTPACK,
  },
  {
    name: "a ziplist",
    type: ZSET_ZIPLIST,
    // Lengths, place of the last entry, four entries: "a", 1, "bb", "2.5".
    value: blob(
      join(le(25, 4), le(19, 4), 4, 0, "\0\x01a", "\x03\xf2", "\x02\x02bb", "\x04\x032.5", 255),
    ),
    expected: [["a", 1], ["bb", 2.5]],
    encoding: LISTPACK,
  },
  {
    name: "a listpack",
    type: ZSET_LISTPACK,
    value: packed("z", "-inf", "b", "-0.5", 7, 3, "a", 4, "b2", 4, "c", "0x10", "d", "inf"),
    expected: [
      ["z", -Infinity],
      ["b", -0.5],
      ["7", 3],
      ["a", 4],
      ["b2", 4],
      ["c", 16],
      ["d", Infinity],
    ],
    encoding: LISTPACK,
  },
  {
    name: "a listpack of a long member",
    type: ZSET_LISTPACK,
    value: packed(LONG, 1),
    expected: [[LONG, 1]],
    encoding: LISTPACK,
  },
  {
    name: "a listpack beyond the limit",
    type: ZSET_LISTPACK,
    value: ofPairs(numbered(129)),
    expected: numbered(129),
    encoding: SKIPLIST,
  },
  {
    name: "an empty listpack",
    type: ZSET_LISTPACK,
    value: packed(),
    expected: undefined,
    encoding: LISTPACK,
  },
];

testReadings("a sorted set of ", rows, tell);

const refusals: readonly Refusal[] = [
  {
    name: "a member twice",
    type: ZSET_BINARY,
    value: binary(["a", 1], ["b", 2], ["a", 3]),
    says: /twice/,
  },
  {
    name: "a member of many twice",
    type: ZSET_BINARY,
    value: binary(...numbered(200), ["w0007", -1]),
    says: /twice/,
  },
  {
    name: "a score that is no number",
    type: ZSET_BINARY,
    value: binary(["a", NaN]),
    says: /number/,
  },
  { name: "no score", type: ZSET_TEXT, value: text(["a", "x"]), says: /number/ },
  { name: "a score said to be none", type: ZSET_TEXT, value: text(["a", 253]), says: /number/ },
  { name: "a text far too long", type: ZSET_TEXT, value: text(["a", 200]), says: /200 bytes/ },
  {
    name: "a listpack's duplicates",
    type: ZSET_LISTPACK,
    value: packed("a", 1, "a", 2),
    says: /twice/,
  },
  {
    name: "a listpack's duplicates of no length",
    type: ZSET_LISTPACK,
    value: packed("", 1, "b", "1.5", "", 2),
    says: /twice/,
  },
  {
    name: "a listpack's duplicates far apart",
    type: ZSET_LISTPACK,
    value: ofPairs([["w0003", -1], ...numbered(20)]),
    says: /twice/,
  },
  {
    name: "duplicates in a large listpack",
    type: ZSET_LISTPACK,
    value: ofPairs([["w0003", -1], ...numbered(200)]),
    says: /twice/,
  },
  {
    name: "a listpack out of order",
    type: ZSET_LISTPACK,
    value: packed("a", 2, "b", 1),
    says: /order/,
  },
  {
    name: "a listpack with members out of order",
    type: ZSET_LISTPACK,
    value: packed("b", 1, "a", 1),
    says: /order/,
  },
  {
    name: "a listpack's word for a score",
    type: ZSET_LISTPACK,
    value: packed("a", "one"),
    says: /number/,
  },
  { name: "a member alone", type: ZSET_LISTPACK, value: packed("a"), says: /odd/ },
];

testRefusals("a sorted set of ", refusals);

const SIZES = [1, 5, 127, 128, 129, 3000];

/** Sorted sets of all forms and sizes. */
function filled(seed: number): Keyspace {
  const prng = new Prng(seed);
  const engine = new Engine("master", () => 0.5);
  for (const size of SIZES) {
    for (let i = 0; i < size; i++) {
      const score = prng.oneIn(3) ? prng.int(20) : (prng.uint32() - 2 ** 31) / 1024;
      const text = prng.oneIn(50) ? prng.oneIn(2) ? "inf" : "-inf" : formatDouble(score);
      engine.call("ZADD", `z${size}`, text, prng.oneIn(3) ? String(i) : `member:${i}`);
    }
  }
  engine.call("ZADD", "long", "0.1", "l".repeat(400), "2", "1");
  return engine.keyspace;
}

for (const version of [9, 10, 11, 12, 80] as const) {
  test(`sorted sets written in version ${version} are read back`, () => {
    const keyspace = filled(version);
    for (const compress of [false, true]) {
      const copy = newKeyspace();
      decodeCut(encoded(keyspace, version, compress), [], new KeyspaceLoader(copy));
      assert.equal(copy.keyCount, keyspace.keyCount);
      for (const name of ["long", ...SIZES.map((size) => `z${size}`)].map(bytesOf)) {
        const [before, after] = [keyspace, copy].map((one) => one.db(0));
        assert.ok(tell(before, name) !== undefined, latin1(name));
        assert.deepEqual(tell(after, name), tell(before, name));
        const forms = [before, after].map((db) => db.encodingOf(db.find(name, 0, name.length)));
        assert.equal(forms[1], forms[0], latin1(name));
      }
      auditRecords(copy.db(0));
    }
  });
}

test("damaged sorted sets end in an RdbError or in sound ones", () => {
  const mine = rows.filter(({ value }) => value.length < 1000);
  const loaded = damageOften(600, "REDIS0012", mine, (keyspace, names) => {
    const engine = new Engine("master", () => 0.5, keyspace);
    for (const name of names) {
      const told = tell(keyspace.db(0), bytesOf(name)) ?? [];
      for (let j = 1; j < told.length; j++) assert.ok(told[j - 1][1] <= told[j][1]);
      engine.call("ZADD", name, "3", "a", "inf", "new");
      engine.call("ZREM", name, "a", "7");
      engine.call("ZUNIONSTORE", "all", "2", "all", name);
      engine.call("DEBUG", "DIGEST-VALUE", name);
    }
  });
  assert.ok(loaded > 20, `${loaded} were loaded`);
});

/**
 * Sets in snapshots: every type read whole, byte by byte and cut everywhere; written in every version and
 * read back; damaged.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { Prng } from "../../../src/base/prng.ts";
import { KeyspaceLoader } from "../../../src/rdb/load.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import type { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { Encoding, ValueType } from "../../../src/store/memory/record.ts";
import { setEach, setLength } from "../../../src/store/types/set.ts";
import { Engine } from "../../commands/engine.ts";
import { auditRecords } from "../../store/audit.ts";
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

const { INTSET, LISTPACK, HASHTABLE } = Encoding;
const SET = 2;
const SET_INTSET = 11;
const SET_LISTPACK = 20;

function packed(...elements: readonly (number | string)[]): Uint8Array {
  return blob(listpack(...elements));
}

function intset(width: number, ...values: readonly number[]): Uint8Array {
  const body = values.map((value) => le(value, width));
  return blob(join(le(width, 4), le(values.length, 4), ...body));
}

function plain(...members: readonly string[]): Uint8Array {
  const { length } = members;
  return join(0x40 | (length >>> 8), length & 255, ...members.map(str));
}

function tell(db: Database, key: Uint8Array): string[] | undefined {
  const entry = db.find(key, 0, key.length);
  if (entry === 0 || db.typeOf(entry) !== ValueType.SET) return undefined;
  const told: string[] = [];
  setEach(db, entry, (bytes, start, end) => told.push(latin1(bytes, start, end)));
  assert.equal(told.length, setLength(db, entry));
  return db.encodingOf(entry) === HASHTABLE ? told.sort() : told;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const texts = (from: number, to: number) => numbers(from, to).map(String);
const words = (count: number) => numbers(0, count).map((i) => `w${i}`);

const rows: readonly Reading<readonly string[] | undefined>[] = [
  {
    name: "integers one by one",
    type: SET,
    value: plain("3", "-70000", "1"),
    expected: ["-70000", "1", "3"],
    encoding: INTSET,
  },
  {
    name: "integers, then a word",
    type: SET,
    value: plain("3", "1", "word", "2"),
    expected: ["1", "3", "word", "2"],
    encoding: LISTPACK,
  },
  {
    name: "a long member",
    type: SET,
    value: join(2, str("3"), 0x40, 65, "m".repeat(65)),
    expected: ["3", "m".repeat(65)],
    encoding: HASHTABLE,
  },
  {
    name: "more words than a listpack holds",
    type: SET,
    value: plain(...words(129)),
    expected: words(129).sort(),
    encoding: HASHTABLE,
  },
  {
    name: "as many integers as an intset holds",
    type: SET,
    value: plain(...texts(0, 512)),
    expected: texts(0, 512),
    encoding: INTSET,
  },
  { name: "no member", type: SET, value: plain(), expected: undefined, encoding: INTSET },
  {
    name: "an intset of two bytes each",
    type: SET_INTSET,
    value: intset(2, -5, 0, 700),
    expected: ["-5", "0", "700"],
    encoding: INTSET,
  },
  {
    name: "an intset of eight bytes each",
    type: SET_INTSET,
    value: intset(8, -(2 ** 40), 2 ** 52),
    expected: [String(-(2 ** 40)), String(2 ** 52)],
    encoding: INTSET,
  },
  {
    name: "an intset beyond the limit",
    type: SET_INTSET,
    value: intset(2, ...numbers(0, 513)),
    expected: texts(0, 513).sort(),
    encoding: HASHTABLE,
  },
  {
    name: "a listpack",
    type: SET_LISTPACK,
    value: packed("b", 7, "a"),
    expected: ["b", "7", "a"],
    encoding: LISTPACK,
  },
  {
    name: "a listpack beyond the limit",
    type: SET_LISTPACK,
    value: packed(...numbers(0, 129)),
    expected: texts(0, 129).sort(),
    encoding: HASHTABLE,
  },
];

testReadings("a set of ", rows, tell);

const refusals: readonly Refusal[] = [
  { name: "an integer twice", type: SET, value: plain("1", "2", "1"), says: /twice/ },
  { name: "a word twice", type: SET, value: plain("a", "2", "a"), says: /twice/ },
  { name: "a word of many twice", type: SET, value: plain(...words(200), "w7"), says: /twice/ },
  { name: "an intset out of order", type: SET_INTSET, value: intset(2, 2, 1), says: /order/ },
  { name: "an intset's duplicates", type: SET_INTSET, value: intset(4, 1, 1), says: /order/ },
  { name: "an intset of no width", type: SET_INTSET, value: intset(3, 1), says: /encoding/ },
  {
    name: "an intset of another length",
    type: SET_INTSET,
    value: blob(join(le(2, 4), le(9, 4), le(1, 2))),
    says: /length/,
  },
  { name: "an empty intset", type: SET_INTSET, value: intset(2), says: /empty/ },
  {
    name: "a listpack's duplicates",
    type: SET_LISTPACK,
    value: packed("a", 1, "a"),
    says: /twice/,
  },
  {
    name: "duplicates in a large listpack",
    type: SET_LISTPACK,
    value: packed(...numbers(0, 200), 7),
    says: /twice/,
  },
  { name: "no listpack", type: SET_LISTPACK, value: blob(le(7, 4)), says: /listpack/ },
];

testRefusals("a set of ", refusals);

/** Sets of all forms and sizes. */
function filled(seed: number): Keyspace {
  const prng = new Prng(seed);
  const engine = new Engine("master", () => 0.5);
  for (const [key, count] of [1, 5, 100, 127, 128, 129, 512, 513, 9000].entries()) {
    for (let i = 0; i < count; i++) {
      engine.call("SADD", `integers:${key}`, String((i - 50) * (key % 2 === 0 ? 1 : 100_003)));
      engine.call("SADD", `mixed:${key}`, prng.oneIn(3) ? String(i) : `member:${i}`);
    }
  }
  engine.call("SADD", "long", "l".repeat(400), "1");
  return engine.keyspace;
}

for (const version of [9, 10, 11, 12, 80] as const) {
  test(`sets written in version ${version} are read back`, () => {
    const keyspace = filled(version);
    for (const compress of [false, true]) {
      const copy = newKeyspace();
      decodeCut(encoded(keyspace, version, compress), [], new KeyspaceLoader(copy));
      assert.equal(copy.keyCount, keyspace.keyCount);
      const names: Uint8Array[] = [bytesOf("long")];
      for (let key = 0; key < 9; key++) {
        names.push(bytesOf(`integers:${key}`), bytesOf(`mixed:${key}`));
      }
      for (const name of names) {
        const [before, after] = [keyspace, copy].map((one) => one.db(0));
        assert.deepEqual(tell(after, name)?.sort(), tell(before, name)?.sort());
        const forms = [before, after].map((db) => db.encodingOf(db.find(name, 0, name.length)));
        assert.equal(forms[1], forms[0], latin1(name));
      }
      auditRecords(copy.db(0));
    }
  });
}

test("damaged sets end in an RdbError or in sound sets", () => {
  const mine = rows.filter(({ value }) => value.length < 1000);
  const loaded = damageOften(600, "REDIS0012", mine, (keyspace, names) => {
    const engine = new Engine("master", () => 0.5, keyspace);
    for (const name of names) {
      tell(keyspace.db(0), bytesOf(name));
      engine.call("SADD", name, "a", "5", "new");
      engine.call("SREM", name, "a", "1");
      engine.call("SUNIONSTORE", "all", "all", name);
      engine.call("DEBUG", "DIGEST-VALUE", name);
    }
  });
  assert.ok(loaded > 20, `${loaded} were loaded`);
});

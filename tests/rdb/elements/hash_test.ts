/**
 * Hashes in snapshots: every type read whole, byte by byte and cut everywhere; written in every version
 * and read back; damaged.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { Prng } from "../../../src/base/prng.ts";
import { KeyspaceLoader } from "../../../src/rdb/load.ts";
import { hashEach, hashLength } from "../../../src/store/types/hash.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import type { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { expiryText } from "../../../src/store/memory/expiry.ts";
import { Encoding, NO_EXPIRY, ValueType } from "../../../src/store/memory/record.ts";
import { Engine } from "../../commands/engine.ts";
import { auditRecords } from "../../store/audit.ts";
import { encoded, newKeyspace } from "../support/keyspaces.ts";
import { be, blob, join, le, listpack, str } from "../support/parts.ts";
import { decodeCut } from "../support/decoding.ts";
import {
  damageOften,
  type Reading,
  type Refusal,
  testReadings,
  testRefusals,
} from "../support/values.ts";
import { bytesOf } from "../../support/bytes.ts";

const { LISTPACK, LISTPACK_EX, HASHTABLE } = Encoding;
const AT = 4_000_000_000_000;
const VALKEY = "VALKEY080";

/** A ziplist of short texts. */
function ziplist(...texts: readonly string[]): Uint8Array {
  let previous = 0;
  const entries = texts.map((text) => {
    const entry = join(previous, str(text));
    previous = entry.length;
    return entry;
  });
  const body = join(...entries);
  const length = 11 + body.length;
  return join(le(length, 4), le(length - 1 - previous, 4), le(texts.length, 2), body, 0xff);
}

/** Its fields as `field=value` and `@` when they expire; sorted where the form has no order. */
function tell(db: Database, key: Uint8Array): string[] | undefined {
  const entry = db.find(key, 0, key.length);
  if (entry === 0 || db.typeOf(entry) !== ValueType.HASH) return undefined;
  const told: string[] = [];
  hashEach(db, entry, (f, fs, fe, v, vs, ve, at) => {
    const time = at === NO_EXPIRY ? "" : `@${expiryText(at)}`;
    told.push(`${latin1(f, fs, fe)}=${latin1(v, vs, ve)}${time}`);
  });
  assert.equal(told.length, hashLength(db, entry));
  return db.encodingOf(entry) === HASHTABLE ? told.sort() : told;
}

const LONG = "l".repeat(300);
const PAIRS = [str("a"), str("1"), str("b"), join(0xc0, 5), str(""), str("\xff\0")];
const TOLD = ["a=1", "b=5", "=\xff\0"];
const LONG_PAIR = [str("long"), blob(bytesOf(LONG))];
const TEMPLATE = join(0xf2, 7, 3, str(""), str("a"), str("b"));
const TEMPLATE_TOLD = ["=v", "a=1", "b=-5"];
const METADATA = [
  ...[join(3, str("a"), str("1")), join(0, str("b"), str("2"))],
  ...[join(1, str("c"), str("3")), join(3, str("d"), str("4"))],
];
// As t_hash.c puts one by one: of those that expire at once the last comes first.
const EXPIRING = [`c=3@${AT}`, `d=4@${AT + 2}`, `a=1@${AT + 2}`, "b=2"];
const TRIPLES = listpack("c", "3", AT, "d", "4", AT + 2, "a", 1, AT + 2, "b", "2", 0);
const ABSOLUTE = (at: number) => join(0x81, be(at, 8));

const rows: readonly Reading<readonly string[] | undefined>[] = [
  {
    name: "a plain hash",
    type: 4,
    value: join(3, ...PAIRS),
    expected: TOLD,
    encoding: LISTPACK,
  },
  {
    name: "a plain hash with a long value",
    type: 4,
    value: join(4, ...PAIRS, ...LONG_PAIR),
    expected: [...TOLD, `long=${LONG}`].sort(),
    encoding: HASHTABLE,
  },
  {
    name: "a plain hash of more fields than a listpack takes",
    type: 4,
    value: join(
      0x40 | 2,
      188,
      ...Array.from({ length: 700 }, (_, i) => join(str(`${i}`), 0xc0, 1)),
    ),
    expected: Array.from({ length: 700 }, (_, i) => `${i}=1`).sort(),
    encoding: HASHTABLE,
  },
  { name: "a plain hash of nothing", type: 4, value: join(0), expected: undefined, encoding: 0 },
  {
    name: "a zipmap",
    type: 9,
    value: str(latin1(join(2, str("a"), 1, 0, "1", str("bb"), 2, 3, "22", "???", 0xff))),
    expected: ["a=1", "bb=22"],
    encoding: LISTPACK,
  },
  {
    name: "a zipmap of a long value and no count",
    type: 9,
    value: blob(join(254, str("a"), 254, le(300, 4), 0, LONG, 0xff)),
    expected: [`a=${LONG}`],
    encoding: HASHTABLE,
  },
  {
    name: "a ziplist",
    type: 13,
    value: blob(ziplist("a", "1", "bb", "text", "", "x")),
    expected: ["a=1", "bb=text", "=x"],
    encoding: LISTPACK,
  },
  {
    name: "a ziplist beyond the limit",
    type: 13,
    value: blob(ziplist("a", "1", "bb", "text", "", "x")),
    limits: { hashMaxListpackEntries: 2 },
    expected: ["=x", "a=1", "bb=text"],
    encoding: HASHTABLE,
  },
  {
    name: "a listpack",
    type: 16,
    value: blob(listpack("a", 1, 70000, "x", "", "\xff")),
    expected: ["a=1", "70000=x", "=\xff"],
    encoding: LISTPACK,
  },
  {
    name: "a listpack beyond the limit",
    type: 16,
    value: blob(listpack("a", 1, 70000, "x", "", "\xff")),
    limits: { hashMaxListpackEntries: 2 },
    expected: ["70000=x", "=\xff", "a=1"],
    encoding: HASHTABLE,
  },
  {
    name: "a listpack of nothing",
    type: 16,
    value: blob(listpack()),
    expected: undefined,
    encoding: 0,
  },
  {
    name: "fields with absolute times",
    type: 22,
    value: join(2, ABSOLUTE(AT), str("a"), str("1"), 0, str("b"), str("2")),
    expected: [`a=1@${AT}`, "b=2"],
    encoding: LISTPACK_EX,
  },
  {
    name: "triples without a least time",
    type: 23,
    value: blob(TRIPLES),
    expected: EXPIRING,
    encoding: LISTPACK_EX,
  },
  {
    name: "fields with times from the least",
    type: 24,
    value: join(le(AT, 8), 4, ...METADATA),
    expected: EXPIRING,
    encoding: LISTPACK_EX,
  },
  {
    name: "fields with times, one of them long",
    type: 24,
    value: join(le(AT, 8), 5, ...METADATA, 5, ...LONG_PAIR),
    expected: [...EXPIRING, `long=${LONG}@${AT + 4}`].sort(),
    encoding: HASHTABLE,
  },
  {
    name: "triples",
    type: 25,
    value: join(le(AT, 8), blob(TRIPLES)),
    expected: EXPIRING,
    encoding: LISTPACK_EX,
  },
  {
    name: "triples beyond the limit",
    type: 25,
    value: join(le(AT, 8), blob(TRIPLES)),
    limits: { hashMaxListpackEntries: 3 },
    expected: EXPIRING.toSorted(),
    encoding: HASHTABLE,
  },
  {
    name: "fields of Valkey with times",
    type: 22,
    magic: VALKEY,
    value: join(
      3,
      ...[str("a"), str("1"), le(AT, 8), str("b"), str("2"), le(-1, 8)],
      ...[str("c"), str("3"), le(9_000_000_000_000_000_000n, 8)],
    ),
    expected: [`a=1@${AT}`, "b=2", "c=3@9000000000000000000"],
    encoding: HASHTABLE,
  },
  {
    name: "a listpack with its template",
    type: 29,
    value: join(1, 3, str(""), str("a"), str("b"), blob(listpack(1, "v", 1, -5))),
    expected: TEMPLATE_TOLD,
    encoding: LISTPACK,
  },
  {
    name: "a listpack with its template in a listpack",
    type: 29,
    value: join(0, blob(listpack("", "a", "b")), blob(listpack(1, "v", 1, -5))),
    expected: TEMPLATE_TOLD,
    encoding: LISTPACK,
  },
  {
    name: "a listpack of a template",
    type: 30,
    before: TEMPLATE,
    value: blob(listpack(7, "v", 1, -5)),
    expected: TEMPLATE_TOLD,
    encoding: LISTPACK,
  },
  {
    name: "values with their template",
    type: 31,
    value: join(1, 3, str(""), str("a"), str("b"), str("v"), str("1"), str("-5")),
    expected: TEMPLATE_TOLD,
    encoding: LISTPACK,
  },
  {
    name: "values of a template",
    type: 32,
    before: TEMPLATE,
    value: join(7, str("v"), str("1"), str("-5")),
    expected: TEMPLATE_TOLD,
    encoding: LISTPACK,
  },
];

testReadings("", rows, tell);

const TWICE = /twice/;
const PAIR = join(str("a"), str("1"));
const MANY_TWICE = [...Array.from({ length: 600 }, (_, i) => i), 599].flatMap((i) => [`f${i}`, i]);

const refusals: readonly Refusal[] = [
  { name: "a field twice", type: 4, value: join(2, PAIR, PAIR), says: TWICE },
  {
    name: "a field twice of many",
    type: 4,
    value: join(
      0x40,
      70,
      ...Array.from({ length: 70 }, (_, i) => join(str(`f${i % 69}`), str(""))),
    ),
    says: TWICE,
  },
  {
    name: "a field twice of a table",
    type: 4,
    value: join(3, ...LONG_PAIR, PAIR, PAIR),
    says: TWICE,
  },
  { name: "an empty zipmap", type: 9, value: str("\0\xff"), says: /zipmap is empty/ },
  { name: "a zipmap that is cut", type: 9, value: str("\x01\x05abc\xff"), says: /zipmap/ },
  {
    name: "a zipmap twice",
    type: 9,
    value: str("\x02\x01a\x00\x00\x01a\x00\x00\xff"),
    says: TWICE,
  },
  {
    name: "a zipmap of another count",
    type: 9,
    value: str("\x03\x01a\x00\x00\x01b\x00\x00\xff"),
    says: /count/,
  },
  {
    name: "a zipmap with more behind it",
    type: 9,
    value: str("\x01\x01a\x00\x00\xff?"),
    says: /zipmap/,
  },
  {
    name: "a ziplist of three",
    type: 13,
    value: blob(ziplist("a", "1", "b")),
    says: /ziplist|odd|pair|entries/i,
  },
  { name: "a ziplist twice", type: 13, value: blob(ziplist("a", "1", "a", "2")), says: TWICE },
  {
    name: "a listpack of three",
    type: 16,
    value: blob(listpack("a", "1", "b")),
    says: /listpack|odd|pair/i,
  },
  { name: "no listpack", type: 16, value: str("nothing"), says: /listpack/ },
  { name: "a listpack twice", type: 16, value: blob(listpack("a", 1, "a", 2)), says: TWICE },
  { name: "a number twice", type: 16, value: blob(listpack(5, 1, 5, 2)), says: TWICE },
  {
    name: "a listpack twice beyond the limits",
    type: 16,
    value: blob(listpack(...MANY_TWICE)),
    says: TWICE,
  },
  {
    name: "triples left over",
    type: 25,
    value: join(le(0, 8), blob(listpack("a", 1, 0, "b"))),
    says: /triples/,
  },
  {
    name: "a time that is a text",
    type: 25,
    value: join(le(0, 8), blob(listpack("a", 1, "x"))),
    says: /no integer/,
  },
  {
    name: "a time before all",
    type: 25,
    value: join(le(0, 8), blob(listpack("a", 1, -1))),
    says: /out of range/,
  },
  {
    name: "times that descend",
    type: 25,
    value: join(le(0, 8), blob(listpack("a", 1, AT + 1, "b", 1, AT))),
    says: /order/,
  },
  {
    name: "a time behind none",
    type: 25,
    value: join(le(0, 8), blob(listpack("a", 1, 0, "b", 1, AT))),
    says: /order/,
  },
  {
    name: "a least time below zero",
    type: 24,
    value: join(le(-5, 8), 1, 1, PAIR),
    says: /earliest expiry/,
  },
  {
    name: "a time of more than 48 bits",
    type: 24,
    value: join(le(AT, 8), 1, ABSOLUTE(2 ** 48), PAIR),
    says: /out of range/,
  },
  {
    name: "a time of Valkey below none",
    type: 22,
    magic: VALKEY,
    value: join(1, PAIR, le(-2, 8)),
    says: /out of range/,
  },
  {
    name: "a template that is not there",
    type: 30,
    value: blob(listpack(7, "v", 1, -5)),
    says: /not there/,
  },
  {
    name: "another number of values",
    type: 30,
    before: TEMPLATE,
    value: blob(listpack(7, "v", 1)),
    says: /another number/,
  },
  {
    name: "no template number",
    type: 30,
    before: TEMPLATE,
    value: blob(listpack("x", "v", 1, 2)),
    says: /its number/,
  },
  { name: "an empty template", type: 31, value: join(1, 0), says: /empty/ },
  { name: "a template of no known form", type: 31, value: join(2, 0), says: /unknown form/ },
  {
    name: "a template with a field twice",
    type: 31,
    value: join(1, 2, str("a"), str("a"), str("1"), str("2")),
    says: TWICE,
  },
];

testRefusals("a hash with ", refusals);

const KEYS = 14;

/** Hashes of all forms and sizes, with and without times. */
function filled(seed: number): Keyspace {
  const prng = new Prng(seed);
  const engine = new Engine("master", () => 0.5);
  const counts = [1, 5, 40, 200, 600, 3000, 9000];
  for (let key = 0; key < KEYS; key++) {
    const name = `hash:${key}`;
    const expires = key >= KEYS / 2;
    for (let i = 0; i < counts[key % counts.length]; i++) {
      const field = prng.oneIn(3) ? String(i - 20) : `field:${i}`;
      const value = prng.oneIn(5) ? String(prng.int(100)) : "v".repeat(prng.int(30));
      engine.call("HSET", name, field, value);
      if (!expires || !prng.oneIn(3)) continue;
      engine.call("HPEXPIREAT", name, String(AT + prng.int(1000)), "FIELDS", "1", field);
    }
    if (prng.oneIn(4)) engine.call("HSET", name, "long", "l".repeat(400));
    if (expires && key % 3 === 0) {
      engine.call("HPEXPIREAT", name, String(AT), "FIELDS", "1", "gone");
      engine.call("HPERSIST", name, "FIELDS", "1", "field:0");
    }
  }
  return engine.keyspace;
}

for (const version of [9, 10, 11, 12, 80] as const) {
  test(`hashes written in version ${version} are read back`, () => {
    const keyspace = filled(version);
    for (const compress of [false, true]) {
      const copy = newKeyspace();
      decodeCut(encoded(keyspace, version, compress), [], new KeyspaceLoader(copy));
      assert.equal(copy.keyCount, keyspace.keyCount);
      for (let key = 0; key < KEYS; key++) {
        const name = bytesOf(`hash:${key}`);
        const before = tell(keyspace.db(0), name)!;
        const after = tell(copy.db(0), name)!;
        // Versions below have no place for the times, and Valkey holds what has them in tables.
        const known = version < 12 ? before.map((one) => one.replace(/@\d+$/, "")) : before;
        if (version === 12) assert.deepEqual(after, known);
        else assert.deepEqual(after.toSorted(), known.toSorted());
        const encodings = [keyspace, copy].map((one) => {
          const db = one.db(0);
          return db.encodingOf(db.find(name, 0, name.length));
        });
        if (version === 12) assert.equal(encodings[1], encodings[0], `hash:${key}`);
      }
      auditRecords(copy.db(0));
    }
  });
}

test("damaged hashes end in an RdbError or in sound hashes", () => {
  let loaded = 0;
  for (const magic of ["REDIS0015", VALKEY]) {
    const mine = rows.filter((row) =>
      row.value.length < 1000 && (row.type < 22 || (row.magic === VALKEY) === (magic === VALKEY))
    );
    const head = join(magic, magic === VALKEY ? "" : TEMPLATE);
    loaded += damageOften(400, head, mine, (keyspace, names) => {
      const engine = new Engine("master", () => 0.5, keyspace);
      for (const name of names) {
        tell(keyspace.db(0), bytesOf(name));
        engine.call("HSET", name, "a", "new", "other", "1");
        engine.call("HPEXPIREAT", name, String(AT), "FIELDS", "2", "a", "b");
        engine.call("HDEL", name, "a", "c");
        engine.call("HRANDFIELD", name, "-5", "WITHVALUES");
        engine.call("DEBUG", "DIGEST-VALUE", name);
      }
    });
  }
  assert.ok(loaded > 50, `${loaded} were loaded`);
});

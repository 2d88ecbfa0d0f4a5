import assert from "node:assert/strict";
import { test } from "node:test";
import { BytesRef } from "../../../src/base/byte_buffer.ts";
import type { Database } from "../../../src/store/keyspace/database.ts";
import { Encoding, NO_EXPIRY } from "../../../src/store/memory/record.ts";
import { Records } from "../../../src/store/memory/records.ts";
import {
  growString,
  integerBig,
  integerNumber,
  MAX_EMBSTR,
  readString,
  setInteger,
  setString,
  storeInteger,
  stringLength,
} from "../../../src/store/types/string.ts";
import { auditRecords } from "../audit.ts";
import { settingsOf } from "../model.ts";
import { bytesOf, textOf } from "../../support/bytes.ts";

const KEY = bytesOf("key");
const ref = new BytesRef();

function newDatabase(): Database {
  return new Records(settingsOf(11, 22));
}

function set(db: Database, value: string): number {
  const bytes = bytesOf(value);
  return setString(db, KEY, 0, 3, bytes, 0, bytes.length, NO_EXPIRY);
}

function read(db: Database, entry: number): string {
  readString(db, entry, ref);
  return textOf(ref.view());
}

const integers = [
  "0",
  "1",
  "-1",
  "9",
  "10",
  "-10",
  "999999999",
  "1000000000",
  "1000000001",
  "2147483647",
  "-2147483648",
  "4294967295",
  "4294967296",
  "-4294967296",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "-9007199254740991",
  "-9007199254740993",
  "999999999999999999",
  "1000000000000000000",
  "1152921504606846976",
  "9223372036854775806",
  "9223372036854775807",
  "-9223372036854775807",
  "-9223372036854775808",
];
for (const value of integers) {
  test(`"${value}" is held as an integer`, () => {
    const db = newDatabase();
    const entry = set(db, value);
    assert.equal(db.encodingOf(entry), Encoding.INT);
    assert.equal(read(db, entry), value);
    assert.equal(stringLength(db, entry), value.length);
    assert.equal(integerBig(db, entry), BigInt(value));
    const safe = Number.isSafeInteger(Number(value)) && String(Number(value)) === value;
    assert.equal(integerNumber(db, entry), safe ? Number(value) : NaN);
    assert.equal(read(db, setInteger(db, KEY, 0, 3, BigInt(value), 5)), value);
    if (safe) assert.equal(read(db, setInteger(db, KEY, 0, 3, Number(value), NO_EXPIRY)), value);
    storeInteger(db, db.find(KEY, 0, 3), -BigInt(value) - 1n);
    assert.equal(read(db, db.find(KEY, 0, 3)), String(-BigInt(value) - 1n));
    auditRecords(db);
  });
}

const texts = [
  "",
  "-",
  "-0",
  "00",
  "007",
  "-07",
  "+5",
  " 5",
  "5 ",
  "1.0",
  "1e3",
  "0x1",
  "12a",
  "a12",
  "9223372036854775808",
  "-9223372036854775809",
  "9999999999999999999",
  "18446744073709551615",
  "18446744073709551616",
  "10000000000000000000",
  "99999999999999999999",
  "123456789012345678901",
];
for (const value of texts) {
  test(`"${value}" is held as it is`, () => {
    const db = newDatabase();
    const entry = set(db, value);
    assert.equal(db.encodingOf(entry), Encoding.EMBSTR);
    assert.equal(read(db, entry), value);
    assert.equal(stringLength(db, entry), value.length);
  });
}

test("a string that some version would embed is held as embstr, a longer one as raw", () => {
  const db = newDatabase();
  assert.equal(db.encodingOf(set(db, "x".repeat(MAX_EMBSTR))), Encoding.EMBSTR);
  assert.equal(db.encodingOf(set(db, "x".repeat(MAX_EMBSTR + 1))), Encoding.RAW);
});

test("growString() keeps bytes and expiry, zeroes what is new, and makes the string raw", () => {
  const db = newDatabase();
  for (
    const [value, minLength] of [
      ["abc", 2],
      ["abc", 3],
      ["abc", 10],
      ["12345", 3],
      [
        "12345",
        9,
      ],
      ["y".repeat(44), 45],
      ["z".repeat(900), 2000],
      ["z".repeat(5000), 100_000],
    ] as const
  ) {
    db.remove(KEY, 0, 3);
    db.setExpire(set(db, value), 77);
    const entry = growString(db, KEY, 0, 3, minLength);
    const expected = value.padEnd(minLength, "\0");
    assert.equal(db.encodingOf(entry), Encoding.RAW);
    assert.equal(read(db, entry), expected);
    assert.equal(db.expireAtMs(entry), 77);
    assert.equal(db.expiresCount, 1);
    auditRecords(db);
  }
});

test("growString() zeroes memory that held something else", () => {
  const db = newDatabase();
  set(db, "secret ".repeat(50));
  db.remove(KEY, 0, 3);
  assert.equal(read(db, growString(db, KEY, 0, 3, 300)), "\0".repeat(300));
  // Shortened in place, then grown again.
  set(db, "q".repeat(340));
  set(db, "q".repeat(330));
  assert.equal(read(db, growString(db, KEY, 0, 3, 340)), "q".repeat(330) + "\0".repeat(10));
});

test("growString() of a missing key makes it, empty if told so", () => {
  const db = newDatabase();
  const entry = growString(db, KEY, 0, 3, 0);
  assert.equal(read(db, entry), "");
  assert.equal(db.size, 1);
  auditRecords(db);
});

test("appending byte by byte is linear: a string is moved a few times only", () => {
  const db = newDatabase();
  let moves = 0;
  let last = 0;
  const length = 3_000_000;
  for (let i = 1; i <= length; i++) {
    const entry = growString(db, KEY, 0, 3, i);
    if (entry !== last) moves++;
    last = entry;
    db.valueRef(entry, ref);
    ref.bytes[ref.end - 1] = i & 0xff;
  }
  assert.ok(moves < 40, `${moves} moves`);
  db.valueRef(last, ref);
  for (let i = 0; i < length; i++) {
    if (ref.bytes[ref.start + i] !== ((i + 1) & 0xff)) assert.fail(`byte ${i} is wrong`);
  }
  assert.ok(db.memory().used < length * 2.2);
  auditRecords(db);
});

test("a shorter value after a long one does not keep the long one's memory", () => {
  const db = newDatabase();
  set(db, "x".repeat(100_000));
  set(db, "short");
  assert.ok(db.memory().used <= 64);
  set(db, "x".repeat(200));
  set(db, "x".repeat(10));
  assert.ok(db.memory().used <= 64);
});

test("a value of 512 MB is held, grown to and given back", () => {
  const db = newDatabase();
  const length = 512 * 1024 * 1024;
  set(db, "start");
  const entry = growString(db, KEY, 0, 3, length);
  assert.equal(stringLength(db, entry), length);
  db.valueRef(entry, ref);
  assert.equal(textOf(ref.bytes.subarray(ref.start, ref.start + 8)), "start\0\0\0");
  ref.bytes[ref.end - 1] = 0x7a;
  set(db, "x");
  const again = growString(db, bytesOf("other"), 0, 5, length);
  db.valueRef(again, ref);
  assert.equal(ref.end - ref.start, length);
  assert.equal(ref.bytes[ref.end - 1], 0);
  assert.ok(db.memory().reserved < length + (1 << 25));
  auditRecords(db);
});

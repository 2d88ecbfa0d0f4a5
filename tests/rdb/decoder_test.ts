/**
 * Hand-made snapshots: every opcode, every length form, every string encoding, every kind of header,
 * each whole, byte by byte and cut in two everywhere; and what must be refused, with where.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { RdbDecoder } from "../../src/rdb/decoder.ts";
import { elementTable } from "../../src/rdb/elements/table.ts";
import { failDuplicateKey, RdbError, type RdbErrorCode } from "../../src/rdb/format/errors.ts";
import { Dialect } from "../../src/rdb/format/opcodes.ts";
import { be, join, le, snapshot, str, withChecksum } from "./support/parts.ts";
import {
  CollectingSink,
  decodeByteByByte,
  decodeCut,
  decodeWhole,
  errorOf,
} from "./support/decoding.ts";
import { expiryText } from "../../src/store/memory/expiry.ts";
import { NO_EXPIRY } from "../../src/store/memory/record.ts";
import { textOf } from "../support/bytes.ts";

type Part = number | string | Uint8Array;

/** Keys as `db/key=value`, with `@expiry` where they have one. */
function keysOf(sink: CollectingSink): string[] {
  return sink.items.map((item) =>
    `${item.db}/${textOf(item.key)}=${textOf(item.value)}` +
    (item.expireAtMs === NO_EXPIRY ? "" : `@${expiryText(item.expireAtMs)}`)
  );
}

/** Decodes whole, byte by byte and cut everywhere; all must agree. */
function decodeAllWays(bytes: Uint8Array): CollectingSink {
  const whole = decodeWhole(bytes);
  assert.equal(decodeByteByByte(bytes).summary(), whole.summary());
  const step = Math.max(1, Math.floor(bytes.length / 500));
  for (let cut = 0; cut <= bytes.length; cut += step) {
    const sink = new CollectingSink();
    decodeCut(bytes, [cut], sink);
    assert.equal(sink.summary(), whole.summary(), `cut at ${cut}`);
  }
  return whole;
}

const LZF_RUN = "\x01aa\xe0\x11\x00\x01aa"; // 30 times "a"
const SMALL: Part[] = [0, str("k"), str("v")];

const stringRows: { name: string; encoded: Uint8Array; value: string }[] = [
  { name: "empty", encoded: join(0x00), value: "" },
  { name: "6-bit length", encoded: str("x".repeat(63)), value: "x".repeat(63) },
  { name: "14-bit length", encoded: join(0x40, 64, "x".repeat(64)), value: "x".repeat(64) },
  {
    name: "14-bit length, full",
    encoded: join(0x7f, 0xff, "x".repeat(16383)),
    value: "x".repeat(16383),
  },
  { name: "14-bit length, longer than needed", encoded: join(0x40, 1, "x"), value: "x" },
  {
    name: "32-bit length",
    encoded: join(0x80, be(16384, 4), "x".repeat(16384)),
    value: "x".repeat(16384),
  },
  { name: "32-bit length, longer than needed", encoded: join(0x80, be(2, 4), "xy"), value: "xy" },
  { name: "64-bit length", encoded: join(0x81, be(3, 8), "xyz"), value: "xyz" },
  { name: "int8", encoded: join(0xc0, 0x7b), value: "123" },
  { name: "int8 negative", encoded: join(0xc0, 0x80), value: "-128" },
  { name: "int16", encoded: join(0xc1, le(12345, 2)), value: "12345" },
  { name: "int16 negative", encoded: join(0xc1, le(-32768, 2)), value: "-32768" },
  { name: "int32", encoded: join(0xc2, le(2147483647, 4)), value: "2147483647" },
  { name: "int32 negative", encoded: join(0xc2, le(-2147483648, 4)), value: "-2147483648" },
  { name: "LZF", encoded: join(0xc3, 9, 30, LZF_RUN), value: "a".repeat(30) },
  {
    name: "LZF, 14-bit and 32-bit lengths",
    encoded: join(0xc3, 0x40, 9, 0x80, be(30, 4), LZF_RUN),
    value: "a".repeat(30),
  },
  {
    name: "LZF, 64-bit lengths",
    encoded: join(0xc3, 0x81, be(9, 8), 0x81, be(30, 8), LZF_RUN),
    value: "a".repeat(30),
  },
];

for (const { name, encoded, value } of stringRows) {
  test(`RdbDecoder reads a value and a key: ${name}`, () => {
    const sink = decodeAllWays(snapshot("REDIS0011", 0, str("k"), encoded, 0, encoded, str("v")));
    assert.deepEqual(keysOf(sink), [`0/k=${value}`, `0/${value}=v`]);
  });
}

const headerRows: { magic: string; checksum: boolean }[] = [
  ...Array.from({ length: 16 }, (_, i) => ({
    magic: `REDIS${String(i + 1).padStart(4, "0")}`,
    checksum: i + 1 >= 5,
  })),
  { magic: "REDIS0079", checksum: true },
  { magic: "VALKEY080", checksum: true },
  { magic: "VALKEY081", checksum: true },
  { magic: "VALKEY999", checksum: true },
];

for (const { magic, checksum } of headerRows) {
  test(`RdbDecoder reads ${magic}, ${checksum ? "a checksum" : "no checksum"} at its end`, () => {
    const body = join(magic, 0xfe, 2, ...SMALL, 0xff);
    const bytes = checksum ? withChecksum(body) : body;
    assert.deepEqual(keysOf(decodeAllWays(bytes)), ["2/k=v"]);
    const decoder = new RdbDecoder(new CollectingSink());
    assert.equal(decoder.push(join(bytes, "what follows")), bytes.length);
    assert.equal(decoder.done, true);
    assert.equal(decoder.offset, bytes.length);
    assert.equal(decoder.keys, 1);
  });
}

const MODULE_ID = join(0x81, be(0xb5eb2dffffddb401n, 8)); // test___dt, version 1

const sectionRows: {
  name: string;
  magic?: string;
  parts: Part[];
  keys?: string[];
  seen?: Partial<Pick<CollectingSink, "aux_" | "sizes" | "functions" | "modules">>;
}[] = [
  { name: "nothing", parts: [], keys: [] },
  { name: "keys before SELECTDB belong to database 0", parts: SMALL, keys: ["0/k=v"] },
  {
    name: "SELECTDB",
    parts: [0xfe, 3, ...SMALL, 0xfe, 0x40, 200, ...SMALL],
    keys: ["3/k=v", "200/k=v"],
  },
  {
    name: "SELECTDB beyond 16 bits",
    parts: [0xfe, 0x80, be(0x7fffffff, 4), ...SMALL],
    keys: ["2147483647/k=v"],
  },
  {
    name: "EXPIRETIME",
    parts: [0xfd, le(1671963072, 4), ...SMALL, ...SMALL],
    keys: ["0/k=v@1671963072000", "0/k=v"],
  },
  { name: "EXPIRETIME before 1970", parts: [0xfd, le(-5, 4), ...SMALL], keys: ["0/k=v@0"] },
  {
    name: "EXPIRETIME_MS",
    parts: [0xfc, le(4102444800123n, 8), ...SMALL, ...SMALL],
    keys: ["0/k=v@4102444800123", "0/k=v"],
  },
  { name: "EXPIRETIME_MS of -1 is none", parts: [0xfc, le(-1, 8), ...SMALL], keys: ["0/k=v"] },
  {
    name: "EXPIRETIME_MS before 1970 is past",
    parts: [0xfc, le(-2, 8), ...SMALL],
    keys: ["0/k=v@0"],
  },
  { name: "EXPIRETIME_MS of 0", parts: [0xfc, le(0, 8), ...SMALL], keys: ["0/k=v@0"] },
  {
    name: "EXPIRETIME_MS beyond 2^53",
    parts: [0xfc, le(2n ** 63n - 1n, 8), ...SMALL],
    keys: ["0/k=v@9223372036854775807"],
  },
  {
    name: "the last expiry counts",
    parts: [0xfc, le(7, 8), 0xfd, le(9, 4), ...SMALL],
    keys: ["0/k=v@9000"],
  },
  {
    name: "an expiry outlives other opcodes",
    parts: [0xfc, le(7, 8), 0xfe, 1, 0xfa, str("a"), str("b"), ...SMALL],
    keys: ["1/k=v@7"],
    seen: { aux_: [["a", "b"]] },
  },
  { name: "an expiry without a key", parts: [...SMALL, 0xfc, le(7, 8)], keys: ["0/k=v"] },
  { name: "IDLE", parts: [0xf8, 0x40, 100, ...SMALL, ...SMALL], keys: ["0/k=v", "0/k=v"] },
  { name: "FREQ", parts: [0xf9, 255, ...SMALL, ...SMALL], keys: ["0/k=v", "0/k=v"] },
  {
    name: "expiry, IDLE and FREQ",
    parts: [0xfc, le(1, 8), 0xf8, 2, 0xf9, 3, ...SMALL],
    keys: ["0/k=v@1"],
  },
  {
    name: "RESIZEDB",
    parts: [0xfb, 1, 0x80, be(7, 4), ...SMALL],
    keys: ["0/k=v"],
    seen: { sizes: [[1, 7]] },
  },
  {
    name: "RESIZEDB beyond reason",
    parts: [0xfb, 0x81, be(-1, 8), 0, ...SMALL],
    keys: ["0/k=v"],
    seen: { sizes: [[2 ** 64, 0]] },
  },
  {
    name: "AUX",
    parts: [0xfa, str("redis-ver"), str("7.0.15"), 0xfa, str("n"), 0xc0, 0x40],
    seen: { aux_: [["redis-ver", "7.0.15"], ["n", "64"]] },
  },
  {
    name: "AUX among keys",
    parts: [...SMALL, 0xfa, str("slot-info"), str("0,1,0"), ...SMALL],
    keys: ["0/k=v", "0/k=v"],
    seen: { aux_: [["slot-info", "0,1,0"]] },
  },
  {
    name: "AUX, compressed",
    parts: [0xfa, 0xc3, 9, 30, LZF_RUN, 0xc3, 9, 30, LZF_RUN],
    seen: { aux_: [["a".repeat(30), "a".repeat(30)]] },
  },
  {
    name: "FUNCTION2",
    parts: [0xf5, str("#!lua name=a\n"), 0xf5, str("#!lua name=b\n")],
    seen: { functions: ["#!lua name=a\n", "#!lua name=b\n"] },
  },
  { name: "SLOT_INFO", parts: [0xf4, 0x7f, 0xff, 1, 0, ...SMALL], keys: ["0/k=v"] },
  {
    name: "MODULE_AUX",
    parts: [0xf7, MODULE_ID, 2, 1, 2, 1, 5, str("bef"), 0, ...SMALL],
    keys: ["0/k=v"],
    seen: { modules: [["test___dt", 1]] },
  },
  {
    name: "MODULE_AUX with every kind of value",
    parts: [
      0xf7,
      MODULE_ID,
      2,
      2,
      1,
      0x81,
      be(-1, 8),
      3,
      le(0, 4),
      4,
      le(0, 8),
      5,
      0,
      5,
      0xc0,
      1,
      5,
      0xc2,
      le(1, 4),
      5,
      0xc3,
      9,
      30,
      LZF_RUN,
      0,
      ...SMALL,
    ],
    keys: ["0/k=v"],
    seen: { modules: [["test___dt", 1]] },
  },
  {
    name: "KEY_META (Redis)",
    parts: [0xf3, 2, le(0, 4), 2, 1, 0, le(0, 4), 5, str("x"), 0, 0xfc, le(5, 8), ...SMALL],
    keys: ["0/k=v@5"],
  },
  { name: "KEY_META of no class", parts: [0xf3, 0, ...SMALL], keys: ["0/k=v"] },
  {
    name: "HASH_TEMPLATE (Redis)",
    parts: [0xf2, 1, 3, str("b"), str("c"), str("aa"), 0xf2, 0x81, be(2 ** 40, 8), 1, 0, ...SMALL],
    keys: ["0/k=v"],
  },
  {
    name: "SLOT_IMPORT (Valkey)",
    magic: "VALKEY080",
    parts: [0xf3, str("j".repeat(40)), 2, 0, 5, 0x40, 100, 0x7f, 0xff, ...SMALL],
    keys: ["0/k=v"],
  },
];

for (const { name, magic = "REDIS0012", parts, keys = [], seen = {} } of sectionRows) {
  test(`RdbDecoder reads ${name}`, () => {
    const sink = decodeAllWays(snapshot(magic, ...parts));
    assert.deepEqual(keysOf(sink), keys);
    const none = { aux_: [], sizes: [], functions: [], modules: [] };
    const { aux_, sizes, functions, modules } = sink;
    assert.deepEqual({ aux_, sizes, functions, modules }, { ...none, ...seen });
    assert.equal(sink.ended, 1);
  });
}

const HEADER = 9;
const refusals: {
  name: string;
  bytes: Uint8Array;
  code: RdbErrorCode;
  offset: number;
  says?: RegExp;
}[] = [
  {
    name: "no snapshot",
    bytes: join("<!DOCTYPE html>"),
    code: "BAD_MAGIC",
    offset: 0,
    says: /DOCTYPE/,
  },
  {
    name: "a compressed envelope",
    bytes: join("VCS\x01\x01\x00\x01REDIS0012"),
    code: "BAD_MAGIC",
    offset: 0,
  },
  { name: "version 0", bytes: snapshot("REDIS0000"), code: "BAD_VERSION", offset: 0 },
  { name: "version -1", bytes: snapshot("REDIS00-1"), code: "BAD_VERSION", offset: 0 },
  { name: "version of spaces", bytes: snapshot("REDIS   9"), code: "BAD_VERSION", offset: 0 },
  { name: "a Redis of version 80", bytes: snapshot("REDIS0080"), code: "BAD_VERSION", offset: 0 },
  { name: "a Valkey of version 79", bytes: snapshot("VALKEY079"), code: "BAD_VERSION", offset: 0 },
  { name: "a Valkey of version 11", bytes: snapshot("VALKEY011"), code: "BAD_VERSION", offset: 0 },
  {
    name: "a wrong checksum",
    bytes: join("REDIS0011", 0xff, le(1, 8)),
    code: "CHECKSUM",
    offset: 10,
  },
  {
    name: "a value type never assigned",
    bytes: snapshot("REDIS0011", 8, str("k")),
    code: "UNKNOWN_TYPE",
    offset: HEADER,
    says: /type 8/,
  },
  {
    name: "a private opcode of Redis Enterprise",
    bytes: snapshot("REDIS0011", 121),
    code: "UNKNOWN_TYPE",
    offset: HEADER,
  },
  {
    name: "a Redis type in a Valkey snapshot",
    bytes: snapshot("VALKEY080", 24, str("k")),
    code: "UNKNOWN_TYPE",
    offset: HEADER,
  },
  {
    name: "an unknown opcode",
    bytes: snapshot("REDIS0011", ...SMALL, 200),
    code: "UNKNOWN_OPCODE",
    offset: HEADER + 5,
    says: /opcode 200/,
  },
  {
    name: "a Valkey opcode nobody published",
    bytes: snapshot("VALKEY081", 242),
    code: "UNSUPPORTED_OPCODE",
    offset: HEADER,
    says: /UPDATE/,
  },
  {
    name: "functions before their release",
    bytes: snapshot("REDIS0010", 246),
    code: "UNSUPPORTED_OPCODE",
    offset: HEADER,
    says: /FUNCTION_PRE_GA/,
  },
  {
    name: "a module value before its release",
    bytes: snapshot("REDIS0008", 6, str("k")),
    code: "UNSUPPORTED_TYPE",
    offset: HEADER,
  },
  {
    name: "a hash of Valkey in development",
    bytes: snapshot("VALKEY080", ...SMALL, 23, str("h\n"), 1),
    code: "UNSUPPORTED_TYPE",
    offset: HEADER + 5,
    says: /23 \(PATH_HASH\) of key "h\\n"/,
  },
  {
    name: "a length that means nothing",
    bytes: snapshot("REDIS0011", 0xfe, 0x82),
    code: "CORRUPT",
    offset: HEADER + 2,
  },
  {
    name: "a string where a length is due",
    bytes: snapshot("REDIS0011", 0xfe, 0xc0, 1),
    code: "CORRUPT",
    offset: HEADER + 2,
  },
  {
    name: "an unknown string encoding",
    bytes: snapshot("REDIS0011", 0, 0xc4),
    code: "CORRUPT",
    offset: HEADER + 2,
  },
  {
    name: "a database beyond a C int",
    bytes: snapshot("REDIS0011", 0xfe, 0x80, be(0x80000000, 4)),
    code: "CORRUPT",
    offset: HEADER + 6,
  },
  {
    name: "a key of 2^63 bytes",
    bytes: snapshot("REDIS0011", 0, 0x81, be(2n ** 63n, 8)),
    code: "TOO_LARGE",
    offset: HEADER + 10,
  },
  {
    name: "LZF that grows too much",
    bytes: snapshot("REDIS0011", 0, 0xc3, 1, 0x40, 122),
    code: "CORRUPT",
    offset: HEADER + 5,
  },
  {
    name: "LZF that ends early",
    bytes: snapshot("REDIS0011", 0, 0xc3, 9, 31, LZF_RUN),
    code: "CORRUPT",
    offset: HEADER + 13,
  },
  {
    name: "LZF that refers before its start",
    bytes: snapshot("REDIS0011", 0, 0xc3, 2, 3, 0x20, 0x05),
    code: "CORRUPT",
    offset: HEADER + 6,
  },
  {
    name: "an unknown module opcode",
    bytes: snapshot("REDIS0011", 0xf7, MODULE_ID, 6),
    code: "CORRUPT",
    offset: HEADER + 11,
  },
  {
    name: "a slot import without a name",
    bytes: snapshot("VALKEY080", 0xf3, str("short")),
    code: "CORRUPT",
    offset: HEADER + 7,
  },
  {
    name: "a slot out of range",
    bytes: snapshot("VALKEY080", 0xf3, str("j".repeat(40)), 1, 0, 0x80, be(16384, 4)),
    code: "CORRUPT",
    offset: HEADER + 49,
  },
  {
    name: "too many slot ranges",
    bytes: snapshot("VALKEY080", 0xf3, str("j".repeat(40)), 0x80, be(16385, 4)),
    code: "CORRUPT",
    offset: HEADER + 47,
  },
  {
    name: "a hash template without fields",
    bytes: snapshot("REDIS0015", 0xf2, 1, 0),
    code: "CORRUPT",
    offset: HEADER + 3,
  },
  {
    name: "a hash template that comes twice",
    bytes: snapshot("REDIS0015", 0xf2, 1, 1, str("a"), 0xf2, 1),
    code: "CORRUPT",
    offset: HEADER + 7,
  },
  {
    name: "a hash template out of order",
    bytes: snapshot("REDIS0015", 0xf2, 1, 2, str("b"), str("a")),
    code: "CORRUPT",
    offset: HEADER + 7,
  },
  {
    name: "a hash template with a field twice",
    bytes: snapshot("REDIS0015", 0xf2, 1, 2, str("a"), str("a")),
    code: "CORRUPT",
    offset: HEADER + 7,
  },
];

for (const { name, bytes, code, offset, says } of refusals) {
  test(`RdbDecoder refuses ${name}`, () => {
    const whole = errorOf(() => decodeWhole(bytes));
    assert.equal(whole?.code, code);
    assert.equal(whole?.offset, offset);
    if (says !== undefined) assert.match(whole.message, says);
    const byByte = errorOf(() => decodeByteByByte(bytes));
    assert.equal(byByte?.message, whole.message);
    assert.equal(byByte?.code, code);
  });
}

const unreadTypes: { magic: string; types: number[] }[] = [
  { magic: "REDIS0015", types: unread(Dialect.REDIS, 33) },
  { magic: "VALKEY081", types: unread(Dialect.VALKEY, 23) },
];

/** Value types up to `last` that we know by name and cannot read. */
function unread(dialect: Dialect, last: number): number[] {
  const rows = elementTable(dialect).slice(0, last + 1);
  return rows.flatMap((row) => row === undefined || row.create !== undefined ? [] : [row.number]);
}

for (const { magic, types } of unreadTypes) {
  for (const type of types) {
    test(`RdbDecoder names value type ${type} of ${magic} and its key when it refuses it`, () => {
      const bytes = snapshot(magic, 0xfe, 0, type, str('a"\x00'), 1);
      const error = errorOf(() => decodeByteByByte(bytes));
      assert.equal(error?.code, "UNSUPPORTED_TYPE");
      assert.equal(error.offset, HEADER + 2);
      assert.equal(error.type, type);
      assert.equal(error.key, '"a\\"\\x00"');
      assert.match(error.message, new RegExp(`type ${type} \\([A-Z0-9_]+\\) of key "a`));
    });
  }
}

test("RdbDecoder leaves a zero checksum unchecked", () => {
  const bytes = join("REDIS0011", ...SMALL, 0xff, le(0, 8));
  assert.deepEqual(keysOf(decodeAllWays(bytes)), ["0/k=v"]);
});

test("RdbDecoder leaves any checksum unchecked when told so", () => {
  const bytes = join("REDIS0011", ...SMALL, 0xff, le(1, 8));
  assert.deepEqual(keysOf(decodeWhole(bytes, { verifyChecksum: false })), ["0/k=v"]);
  assert.equal(errorOf(() => decodeWhole(bytes))?.code, "CHECKSUM");
});

test("RdbDecoder tells the sink nothing of an end whose checksum is wrong", () => {
  const sink = new CollectingSink();
  errorOf(() => decodeCut(join("REDIS0011", ...SMALL, 0xff, le(1, 8)), [], sink));
  assert.equal(sink.items.length, 1);
  assert.equal(sink.ended, 0);
});

test("RdbDecoder refuses strings beyond its limit before they come", () => {
  const options = { maxStringBytes: 100 };
  const fits = snapshot("REDIS0011", 0, str("k"), 0x40, 100, "x".repeat(100));
  assert.equal(decodeWhole(fits, options).items.length, 1);
  for (const length of [join(0x40, 101), join(0x80, be(101, 4)), join(0xc3, 30, 0x40, 101)]) {
    const error = errorOf(() => decodeByteByByte(join("REDIS0011", 0, str("k"), length), options));
    assert.equal(error?.code, "TOO_LARGE");
  }
});

test("RdbDecoder passes over module strings of any length", () => {
  const head = join("REDIS0011", 0xf7, MODULE_ID, 5, 0x80, be(1000, 4));
  const bytes = withChecksum(join(head, "x".repeat(1000), 0, ...SMALL, 0xff));
  assert.equal(decodeByteByByte(bytes, { maxStringBytes: 100 }).items.length, 1);
});

test("RdbDecoder says TRUNCATED at finish() for every cut", () => {
  const bytes = snapshot("REDIS0011", 0xfa, str("a"), str("b"), 0xfc, le(5, 8), ...SMALL);
  for (let cut = 0; cut < bytes.length; cut++) {
    const error = errorOf(() => decodeWhole(bytes.subarray(0, cut)));
    assert.equal(error?.code, "TRUNCATED");
    assert.equal(error.offset, cut);
  }
});

test("RdbDecoder throws the same error again after it failed", () => {
  const decoder = new RdbDecoder(new CollectingSink());
  const first = errorOf(() => decoder.push(join("REDIS0011", 200)));
  assert.equal(first?.code, "UNKNOWN_OPCODE");
  assert.equal(errorOf(() => decoder.push(join(0xff))), first);
  assert.equal(errorOf(() => decoder.finish()), first);
});

test("RdbDecoder reads nothing more once it is done", () => {
  const bytes = snapshot("REDIS0011", ...SMALL);
  const decoder = new RdbDecoder(new CollectingSink());
  const chunk = join("before", bytes, "after");
  assert.equal(decoder.push(chunk, 6, chunk.length), bytes.length);
  assert.equal(decoder.push(join("more")), 0);
  assert.equal(decoder.offset, bytes.length);
  decoder.finish();
});

test("RdbDecoder refuses a key that its sink has already", () => {
  for (const parts of [[...SMALL, ...SMALL], [...SMALL, 0xfc, le(1, 8), 0, str("k"), 0xc0, 1]]) {
    for (const cutEvery of [1, 1000]) {
      const sink = new CollectingSink();
      const seen = new Set<string>();
      const take = sink.string.bind(sink);
      sink.string = (...args) => {
        take(...args);
        const { key } = sink.items.at(-1)!;
        if (seen.size === seen.add(textOf(key)).size) failDuplicateKey(key, 0, key.length);
      };
      const bytes = snapshot("REDIS0011", 0xfe, 1, ...parts);
      const cuts = Array.from({ length: Math.floor(bytes.length / cutEvery) }, (_, i) => i);
      const error = errorOf(() => decodeCut(bytes, cutEvery === 1 ? cuts : [], sink));
      assert.equal(error?.code, "DUPLICATE_KEY");
      assert.equal(error.key, '"k"');
      assert.ok(error.offset >= HEADER + 2 + 5 && error.offset <= HEADER + 2 + 5 + 9);
    }
  }
});

test("RdbDecoder lets what a sink throws through, and fails for good", () => {
  const sink = new CollectingSink();
  const thrown = new Error("the sink's own");
  sink.string = () => {
    throw thrown;
  };
  const decoder = new RdbDecoder(sink);
  assert.throws(() => decoder.push(snapshot("REDIS0011", ...SMALL)), thrown);
  assert.throws(() => decoder.push(join(0xff)), thrown);
});

test("RdbError cuts a long key in its message", () => {
  const bytes = join("REDIS0011", 6, 0x41, 0x00, "x".repeat(256));
  const error = errorOf(() => decodeWhole(bytes));
  assert.ok(error instanceof RdbError);
  assert.ok(error.message.length < 300);
  assert.match(error.message, /\(256 bytes\)/);
});

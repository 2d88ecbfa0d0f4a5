/**
 * Requests: every form, every refusal in Redis's own words, at every cutting.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { Prng } from "../../src/base/prng.ts";
import { type CommandLimits, CommandParser } from "../../src/resp/command_parser.ts";
import { RespError } from "../../src/resp/types.ts";
import { writeCommand } from "../../src/resp/writer.ts";
import { cuttings, parseCommands } from "./support/chunks.ts";
import { bytesOf } from "../support/bytes.ts";

interface Row {
  readonly input: string;
  readonly limits?: Partial<CommandLimits>;
  readonly values: readonly (readonly string[])[];
  readonly error?: string;
}

const INLINE: Partial<CommandLimits> = { inline: true };
const STRANGER: Partial<CommandLimits> = { authenticated: false };
const PING = "*1\r\n$4\r\nPING\r\n";
const BALANCE = "Protocol error: unbalanced quotes in request";
const COUNT = "Protocol error: invalid multibulk length";
const BULK = "Protocol error: invalid bulk length";
const LINE_END = "Protocol error: invalid CRLF in request";

/** As redis-server 7.0, 8.0 and valkey 9 answer; where they differ, the stricter one. */
const ROWS: readonly Row[] = [
  { input: "", values: [] },
  { input: PING, values: [["PING"]] },
  { input: PING + PING, values: [["PING"], ["PING"]] },
  { input: "*2\r\n$3\r\nGET\r\n$0\r\n\r\n", values: [["GET", ""]] },
  { input: "*1\r\n$0\r\n\r\n", values: [[""]] },
  {
    input: "*3\r\n$3\r\nSET\r\n$4\r\n\r\n$1\r\n$3\r\n\0\xff\n\r\n",
    values: [["SET", "\r\n$1", "\0\xff\n"]],
  },
  { input: "*0\r\n" + PING, values: [["PING"]] },
  { input: "*-1\r\n" + PING, values: [["PING"]] },
  { input: "\r\n\n\r\n" + PING + "\n" + PING, values: [["PING"], ["PING"]] },
  { input: "*12\r\n" + "$1\r\nx\r\n".repeat(12) + PING, values: [Array(12).fill("x"), ["PING"]] },
  { input: "*1\r\n$12\r\nabcdefghijkl\r\n", values: [["abcdefghijkl"]] },
  { input: "*3\r\n$3\r\nSET\r\n", values: [] },
  { input: PING + "*x\r\n", values: [["PING"]], error: COUNT },
  { input: "*\r\n", values: [], error: COUNT },
  { input: "*01\r\n", values: [], error: COUNT },
  { input: "*+1\r\n", values: [], error: COUNT },
  { input: "* 1\r\n", values: [], error: COUNT },
  { input: "*1048577\r\n", values: [], error: COUNT },
  { input: "*9223372036854775808\r\n", values: [], error: COUNT },
  { input: "*1048576\r\n", values: [] },
  { input: "*1\r\nx\r\n", values: [], error: "Protocol error: expected '$', got 'x'" },
  { input: "*2\r\n$1\r\na\r\n*1\r\n", values: [], error: "Protocol error: expected '$', got '*'" },
  { input: "*1\r\n$x\r\n", values: [], error: BULK },
  { input: "*1\r\n$-1\r\n", values: [], error: BULK },
  { input: "*1\r\n$04\r\n", values: [], error: BULK },
  { input: "*1\r\n$\r\n", values: [], error: BULK },
  { input: "*1\r\n$536870913\r\n", values: [], error: BULK },
  { input: "*1\r\n$536870912\r\n", values: [] },
  { input: "*1\r\n$99999999999999999999\r\n", values: [], error: BULK },
  { input: "*1\r\n$4\r\nPINGxx", values: [], error: LINE_END },
  { input: "*1\r\n$4\r\nPING\rx", values: [], error: LINE_END },
  { input: "*1\rX", values: [], error: LINE_END },
  { input: "*1\r\n$4\rY", values: [], error: LINE_END },
  { input: "x\r\n", values: [], error: "Protocol error: expected '*', got 'x'" },
  { input: "+OK\r\n", values: [], error: "Protocol error: expected '*', got '+'" },
  { input: "\rx", values: [], error: "Protocol error: expected '*', got '\r'" },

  { input: "*10\r\n" + "$1\r\nx\r\n".repeat(10), limits: STRANGER, values: [Array(10).fill("x")] },
  {
    input: "*11\r\n",
    limits: STRANGER,
    values: [],
    error: "Protocol error: unauthenticated multibulk length",
  },
  { input: "*1\r\n$16384\r\n", limits: STRANGER, values: [] },
  {
    input: "*1\r\n$16385\r\n",
    limits: STRANGER,
    values: [],
    error: "Protocol error: unauthenticated bulk length",
  },
  { input: "*1\r\n$x\r\n", limits: STRANGER, values: [], error: BULK },
  { input: "*1\r\n$5\r\n", limits: { bulkBytes: 4 }, values: [], error: BULK },
  { input: "*5\r\n", limits: { argumentCount: 4 }, values: [], error: COUNT },
  {
    input: "*2\r\n$5\r\nabcde\r\n$2\r\nab\r\n",
    limits: { commandBytes: 20 },
    values: [],
    error: "Protocol error: command longer than 20 bytes",
  },

  { input: "PING\r\nPING\n", limits: INLINE, values: [["PING"], ["PING"]] },
  {
    input: "\r\n   \r\n" + PING + "GET  \t k\r\n",
    limits: INLINE,
    values: [["PING"], ["GET", "k"]],
  },
  { input: 'SET k "a\\x41\\n\\"\\q\\x4"\r\n', limits: INLINE, values: [["SET", "k", 'aA\n"qx4']] },
  { input: '"\\r\\t\\b\\a\\\\\\xfF"\n', limits: INLINE, values: [["\r\t\b\x07\\\xff"]] },
  { input: "SET 'a\\'b\\n' ''\r\n", limits: INLINE, values: [["SET", "a'b\\n", ""]] },
  { input: 'SET ab"c d"\r\n', limits: INLINE, values: [["SET", "abc d"]] },
  { input: 'SET "ab\r\n', limits: INLINE, values: [], error: BALANCE },
  { input: "SET 'ab\r\n", limits: INLINE, values: [], error: BALANCE },
  { input: 'SET "ab"c\r\n', limits: INLINE, values: [], error: BALANCE },
  { input: 'SET "ab\\', limits: INLINE, values: [] },
  { input: "ECHO a\rb \x0b\x0cc\r\n", limits: INLINE, values: [["ECHO", "a", "b", "c"]] },
  { input: "GET \0\xff\r\n", limits: INLINE, values: [["GET", "\0\xff"]] },
];

/** Whether the parser is stopped after each command, and how many it is to look ahead. */
const WAYS: readonly [boolean, number][] = [[false, 0], [true, 0], [false, 2], [true, 9]];

for (const row of ROWS) {
  const shown = JSON.stringify(row.input.length > 60 ? row.input.slice(0, 60) : row.input);
  test(`CommandParser reads ${shown} ${JSON.stringify(row.limits ?? {})}`, () => {
    const bytes = bytesOf(row.input);
    for (const cuts of cuttings(bytes.length)) {
      for (const [stops, most] of WAYS) {
        const outcome = parseCommands(bytes, cuts, row.limits ?? {}, stops, most);
        assert.deepEqual(outcome.values, row.values, `cut at ${cuts}`);
        assert.equal(outcome.error, row.error, `cut at ${cuts}`);
      }
    }
  });
}

const LONG = "1".repeat(70_000);

for (
  const [input, error] of [
    [LONG, "Protocol error: too big inline request"],
    [`${LONG}\r\n`, "Protocol error: too big inline request"],
    [`*${LONG}`, "Protocol error: too big mbulk count string"],
    [`*${LONG}\r\n`, "Protocol error: too big mbulk count string"],
    [`*1\r\n$${LONG}`, "Protocol error: too big bulk count string"],
  ]
) {
  test(`CommandParser refuses a line of 70000 bytes: ${error}`, () => {
    const bytes = bytesOf(input);
    for (const cuts of [[], [1], [65_000], [65_536, 65_537], [100, 200, 66_000]]) {
      assert.equal(parseCommands(bytes, cuts, INLINE).error, error);
    }
  });
}

test("CommandParser takes a whole command where it lies and says how far it got", () => {
  const chunk = bytesOf("\r\n" + PING + "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n");
  const parser = new CommandParser();
  parser.push(chunk);
  const argv = parser.next()!;
  assert.equal(argv.bytes, chunk);
  assert.equal(parser.consumed, 2 + PING.length);
  assert.equal(parser.next()!.bytes, chunk);
  assert.equal(parser.consumed, chunk.length - 4);
  assert.equal(parser.next(), undefined);
  assert.equal(parser.consumed, chunk.length - 4);
  assert.equal(parser.keptBytes, 4);
});

test("CommandParser throws again once it threw, and says where", () => {
  const parser = new CommandParser();
  parser.push(bytesOf(PING + "*1\r\n!"));
  parser.next();
  for (let i = 0; i < 2; i++) {
    assert.throws(() => parser.next(), (error: unknown) => {
      assert.ok(error instanceof RespError);
      assert.equal(error.code, "PROTOCOL");
      assert.equal(error.offset, PING.length + 4);
      return true;
    });
  }
  parser.push(bytesOf(PING));
  assert.throws(() => parser.next(), RespError);
});

test("CommandParser loosens its limits between two commands of one chunk", () => {
  const parser = new CommandParser({ authenticated: false });
  parser.push(bytesOf(PING + "*11\r\n" + "$1\r\nx\r\n".repeat(11)));
  assert.equal(parser.next()?.count, 1);
  parser.setLimits({ authenticated: true });
  assert.equal(parser.next()?.count, 11);
});

test("CommandParser reserves memory for bytes that came, not for bytes announced", () => {
  const parser = new CommandParser();
  parser.push(bytesOf("*1048576\r\n$536870912\r\nabc"));
  assert.equal(parser.next(), undefined);
  assert.equal(parser.keptBytes, 25);
  const piece = new Uint8Array(1000);
  for (let i = 0; i < 100; i++) {
    parser.push(piece);
    assert.equal(parser.next(), undefined);
  }
  assert.equal(parser.keptBytes, 100_025);
  assert.ok(parser.reservedBytes <= 2 * 100_025);
});

test("CommandParser puts a large argument together from many pieces", () => {
  const value = new Prng(2).bytes(3_000_000);
  const out = new ByteBuffer();
  writeCommand(out, "SET", "k", value);
  writeCommand(out, "PING");
  const bytes = out.toBytes();
  const parser = new CommandParser();
  let seen = 0;
  for (let start = 0; start < bytes.length; start += 60_001) {
    parser.push(bytes.slice(start, start + 60_001));
    for (let argv = parser.next(); argv !== undefined; argv = parser.next()) {
      if (seen++ === 0) assert.deepEqual(argv.at(2), value);
      else assert.equal(argv.count, 1);
    }
  }
  assert.equal(seen, 2);
  assert.equal(parser.consumed, bytes.length);
});

test("CommandParser takes as many arguments as the limit allows, in small pieces", () => {
  const count = 200_000;
  const bytes = bytesOf(`*${count}\r\n` + "$1\r\nx\r\n".repeat(count) + PING);
  const parser = new CommandParser();
  const counts: number[] = [];
  for (let start = 0; start < bytes.length; start += 997) {
    parser.push(bytes.subarray(start, start + 997));
    for (let argv = parser.next(); argv !== undefined; argv = parser.next()) {
      counts.push(argv.count);
    }
  }
  assert.deepEqual(counts, [count, 1]);
});

test("CommandParser reads back what writeCommand() wrote, at seeded cuts", () => {
  const prng = new Prng(23);
  for (let round = 0; round < 200; round++) {
    const out = new ByteBuffer();
    const expected: string[][] = [];
    for (let i = prng.int(20); i >= 0; i--) {
      const args = Array.from(
        { length: 1 + prng.int(5) },
        () => prng.bytes(prng.oneIn(8) ? prng.int(3000) : prng.int(20)),
      );
      writeCommand(out, ...args);
      expected.push(args.map((arg) => String.fromCharCode(...arg)));
    }
    const bytes = out.toBytes();
    const cuts = Array.from({ length: prng.int(30) }, () => prng.int(bytes.length))
      .sort((a, b) => a - b);
    const outcome = parseCommands(bytes, cuts, {}, prng.oneIn(2), prng.int(10));
    assert.deepEqual(outcome.values, expected);
    assert.equal(outcome.consumed.at(-1), bytes.length);
  }
});

test("CommandParser answers random bytes with commands or a RespError, never anything else", () => {
  const prng = new Prng(29);
  const alphabet = [..."*$\r\n\r\n0123456789\"' \\xab"];
  for (let round = 0; round < 5000; round++) {
    const text = Array.from({ length: prng.int(60) }, () => prng.pick(alphabet)).join("");
    const bytes = bytesOf(text);
    const whole = parseCommands(bytes, [], INLINE);
    const cut = 1 + prng.int(Math.max(1, bytes.length));
    if (cut < bytes.length) assert.deepEqual(parseCommands(bytes, [cut], INLINE), whole);
    assert.deepEqual(parseCommands(bytes, [], INLINE, false, 3), whole);
  }
});

/** SET of a large value between two others, as bytes. */
function largeStream(length: number): Uint8Array {
  const out = new ByteBuffer();
  writeCommand(out, "GET", "a");
  writeCommand(out, "SET", "out", "\r".repeat(length), "NX");
  writeCommand(out, "SET", "in", "\n".repeat(length));
  writeCommand(out, "GET", "b");
  return out.toBytes();
}

test("CommandParser passes over a large argument that nobody wants, at seeded cuts", () => {
  const prng = new Prng(11);
  const length = 100_000;
  const bytes = largeStream(length);
  for (let round = 0; round < 20; round++) {
    const parser = new CommandParser();
    const most = round === 0 ? 3 : 30_000;
    const asked: string[] = [];
    parser.passesOver = (before, announced) => {
      assert.equal(announced, length);
      asked.push(before.at(1).length === 3 ? "out" : "in");
      return before.at(1).length === 3;
    };
    const seen: { words: number[]; passed: boolean; offset: number }[] = [];
    for (let pos = 0; pos < bytes.length;) {
      const end = Math.min(bytes.length, pos + 1 + prng.int(most));
      parser.push(bytes.subarray(pos, end));
      for (let argv = parser.next(); argv !== undefined; argv = parser.next()) {
        const words = Array.from({ length: argv.count }, (_, i) => argv.lengthOf(i));
        seen.push({ words, passed: argv.passed, offset: parser.consumed });
      }
      pos = end;
    }
    const offsets = [20, length + 61, 2 * length + 93, 2 * length + 113];
    assert.deepEqual(seen, [
      { words: [3, 1], passed: false, offset: offsets[0] },
      { words: [3, 3, 0, 2], passed: true, offset: offsets[1] },
      { words: [3, 2, length], passed: false, offset: offsets[2] },
      { words: [3, 1], passed: false, offset: offsets[3] },
    ]);
    assert.equal(parser.consumed, bytes.length);
    assert.deepEqual(asked, ["out", "in"], "it is asked once for each");
  }
});

test("CommandParser keeps nothing of an argument of 1 GB that is passed over", () => {
  const parser = new CommandParser({ bulkBytes: 1 << 30 });
  parser.passesOver = () => true;
  const piece = new Uint8Array(1 << 20);
  parser.push(bytesOf(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${1 << 30}\r\n`));
  for (let i = 0; i < 1024; i++) {
    assert.equal(parser.next(), undefined);
    parser.push(piece);
  }
  assert.equal(parser.next(), undefined);
  assert.ok(parser.reservedBytes < 4 << 20, "a chunk at most");
  parser.push(bytesOf(`\r\n${PING}`));
  assert.equal(parser.next()?.passed, true);
  assert.equal(parser.next()?.count, 1);
  assert.equal(parser.next(), undefined);
});

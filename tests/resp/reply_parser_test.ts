/**
 * Replies: every type of RESP2 and RESP3, every refusal, at every cutting; and what real servers sent.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Prng } from "../../src/base/prng.ts";
import { type ReplyLimits, ReplyParser } from "../../src/resp/reply_parser.ts";
import { ErrorReply, RespError } from "../../src/resp/types.ts";
import { cuttings, parseReplies, plain } from "./support/chunks.ts";
import { bytesOf } from "../support/bytes.ts";

interface Row {
  readonly input: string;
  readonly limits?: Partial<ReplyLimits>;
  readonly values: readonly unknown[];
  readonly error?: string;
}

const ROWS: readonly Row[] = [
  { input: "+OK\r\n+\r\n", values: ["OK", ""] },
  { input: "-ERR no\r\n", values: [["error", "ERR no"]] },
  { input: ":0\r\n:-5\r\n:+7\r\n", values: [0, -5, 7] },
  { input: ":9007199254740993\r\n", values: [9007199254740993n] },
  { input: ":-9223372036854775808\r\n", values: [-9223372036854775808n] },
  { input: "$0\r\n\r\n$3\r\n\r\n\0\r\n", values: ["$", "$\r\n\0"] },
  { input: "$-1\r\n*-1\r\n_\r\n", values: [null, null, null] },
  { input: "*0\r\n*2\r\n:1\r\n*1\r\n$-1\r\n", values: [[], [1, [null]]] },
  { input: "#t\r\n#f\r\n", values: [true, false] },
  { input: ",3.5\r\n,-1e-3\r\n,inf\r\n,-inf\r\n", values: [3.5, -0.001, Infinity, -Infinity] },
  { input: ",nan\r\n", values: [NaN] },
  { input: "(123456789012345678901\r\n(-5\r\n", values: [123456789012345678901n, -5n] },
  { input: "!5\r\nERR x\r\n", values: [["error", "ERR x"]] },
  { input: "=8\r\ntxt:a\r\nb\r\n", values: [["verbatim", "txt", "a\r\nb"]] },
  { input: "=4\r\nmkd:\r\n", values: [["verbatim", "mkd", ""]] },
  { input: "%2\r\n+a\r\n:1\r\n+b\r\n%0\r\n", values: [["map", ["a", 1], ["b", ["map"]]]] },
  { input: "~2\r\n:1\r\n:2\r\n~0\r\n", values: [["set", 1, 2], ["set"]] },
  { input: ">2\r\n+message\r\n:1\r\n+OK\r\n", values: [["push", "message", 1], "OK"] },
  {
    input: "|1\r\n+ttl\r\n:5\r\n+OK\r\n+NO\r\n",
    values: [["with", ["map", ["ttl", 5]], "OK"], "NO"],
  },
  { input: "*2\r\n|1\r\n+ttl\r\n:5\r\n:1\r\n:2\r\n", values: [[1, 2]] },
  { input: "|0\r\n:1\r\n", values: [["with", ["map"], 1]] },
  { input: "$?\r\n;4\r\nHell\r\n;1\r\no\r\n;0\r\n:1\r\n", values: ["$Hello", 1] },
  { input: "$?\r\n;0\r\n", values: ["$"] },
  { input: "*?\r\n:1\r\n*?\r\n.\r\n.\r\n:2\r\n", values: [[1, []], 2] },
  { input: "~?\r\n:1\r\n.\r\n", values: [["set", 1]] },
  { input: "%?\r\n+a\r\n:1\r\n.\r\n", values: [["map", ["a", 1]]] },
  { input: "*1\r\n$?\r\n;1\r\nx\r\n;0\r\n", values: [["$x"]] },
  { input: "*2\r\n:1\r\n", values: [] },

  {
    input: "+OK\r\nx\r\n",
    values: ["OK"],
    error: 'Reply begins with "x", which is no type (after 5 bytes)',
  },
  { input: "\r\n", values: [], error: "Line does not end in CR LF (after 0 bytes)" },
  { input: "+OK\n", values: [], error: "Line does not end in CR LF (after 0 bytes)" },
  { input: ":1x\r\n", values: [], error: "Integer is not a number (after 0 bytes)" },
  { input: ":\r\n", values: [], error: "Integer is not a number (after 0 bytes)" },
  { input: "#x\r\n", values: [], error: "Boolean is neither t nor f (after 0 bytes)" },
  { input: "_x\r\n", values: [], error: "Null carries bytes (after 0 bytes)" },
  { input: ",x\r\n", values: [], error: "Double is not a number (after 0 bytes)" },
  { input: "(1.5\r\n", values: [], error: "Big number is not a number (after 0 bytes)" },
  { input: "$-2\r\n", values: [], error: "String has no valid length (after 0 bytes)" },
  { input: "$x\r\n", values: [], error: "String has no valid length (after 0 bytes)" },
  { input: "!-1\r\n", values: [], error: "String has no valid length (after 0 bytes)" },
  { input: "=3\r\n", values: [], error: "String has no valid length (after 0 bytes)" },
  { input: "=5\r\ntxtab\r\n", values: [], error: "Verbatim string has no format (after 0 bytes)" },
  { input: "$1\r\nabc", values: [], error: "String does not end in CR LF (after 0 bytes)" },
  { input: "*-2\r\n", values: [], error: "Aggregate has no valid count (after 0 bytes)" },
  { input: "%-1\r\n", values: [], error: "Aggregate has no valid count (after 0 bytes)" },
  { input: "|?\r\n", values: [], error: "Aggregate has no valid count (after 0 bytes)" },
  { input: ">0\r\n", values: [], error: "Push has no kind (after 0 bytes)" },
  { input: ">?\r\n.\r\n", values: [], error: "Push has no kind (after 4 bytes)" },
  { input: "*1\r\n>1\r\n", values: [], error: "Push inside another reply (after 4 bytes)" },
  { input: ".\r\n", values: [], error: "End of an aggregate that was not begun (after 0 bytes)" },
  {
    input: "*1\r\n.\r\n",
    values: [],
    error: "End of an aggregate that was not begun (after 4 bytes)",
  },
  {
    input: "*?\r\n.x\r\n",
    values: [],
    error: "End of an aggregate that was not begun (after 4 bytes)",
  },
  {
    input: "%?\r\n+a\r\n.\r\n",
    values: [],
    error: "Streamed map ends after a key (after 8 bytes)",
  },
  { input: ";1\r\n", values: [], error: "Piece of a string that was not begun (after 0 bytes)" },
  {
    input: "$?\r\n+a\r\n",
    values: [],
    error: "Streamed string is broken by another element (after 4 bytes)",
  },
  {
    input: "$5\r\n",
    limits: { bulkBytes: 4 },
    values: [],
    error: "String of 5 bytes is longer than 4 (after 0 bytes)",
  },
  {
    input: "$?\r\n;3\r\nabc\r\n;2\r\n",
    limits: { bulkBytes: 4 },
    values: [],
    error: "Streamed string is longer than 4 bytes (after 13 bytes)",
  },
  {
    input: "*3\r\n",
    limits: { elementCount: 2 },
    values: [],
    error: "3 elements are more than 2 (after 0 bytes)",
  },
  {
    input: "*?\r\n:1\r\n:2\r\n:3\r\n",
    limits: { elementCount: 2 },
    values: [],
    error: "Streamed aggregate has more than 2 elements (after 12 bytes)",
  },
  {
    input: "+abcde\r\n",
    limits: { lineBytes: 5 },
    values: [],
    error: "Line is longer than 5 bytes (after 0 bytes)",
  },
  { input: "+abcd\r\n", limits: { lineBytes: 5 }, values: ["abcd"] },
  {
    input: "*1\r\n*1\r\n*1\r\n",
    limits: { depth: 2 },
    values: [],
    error: "Reply is nested deeper than 2 (after 8 bytes)",
  },
];

for (const row of ROWS) {
  test(`ReplyParser reads ${JSON.stringify(row.input)}`, () => {
    const bytes = bytesOf(row.input);
    for (const cuts of cuttings(bytes.length)) {
      const outcome = parseReplies(bytes, cuts, row.limits);
      assert.deepEqual(outcome.values, row.values, `cut at ${cuts}`);
      assert.equal(outcome.error, row.error, `cut at ${cuts}`);
    }
  });
}

test("ReplyParser keeps its stack flat however deep the bytes go", () => {
  const bytes = bytesOf("*1\r\n".repeat(100_000));
  assert.match(parseReplies(bytes, []).error!, /nested deeper than 64/);
  const deep = parseReplies(bytes, [], { depth: 200_000 });
  assert.equal(deep.error, undefined);
});

test("ReplyParser reserves nothing for counts and lengths that are only announced", () => {
  const outcome = parseReplies(bytesOf("*100000000\r\n*100000000\r\n$536870912\r\nabc"), []);
  assert.deepEqual(outcome, { values: [], consumed: [] });
});

test("ReplyParser counts what it consumed and throws again once it threw", () => {
  const parser = new ReplyParser();
  parser.push(bytesOf("+OK\r\n:1\r\n?\r\n"));
  parser.next();
  assert.equal(parser.consumed, 5);
  parser.next();
  assert.equal(parser.consumed, 9);
  for (let i = 0; i < 2; i++) {
    assert.throws(() => parser.next(), (error: unknown) => {
      return error instanceof RespError && error.offset === 9 && error.code === "PROTOCOL";
    });
  }
});

test("ReplyParser takes further chunks after an error, and reads none of them", () => {
  const parser = new ReplyParser();
  parser.push(bytesOf("+fine\r\n!!!\r\n+rest\r\n"));
  assert.equal(plain(parser.next()), "fine");
  const error = () => {
    try {
      parser.next();
    } catch (thrown) {
      return thrown;
    }
  };
  const first = error();
  assert.ok(first instanceof RespError);
  parser.push(bytesOf("+more\r\n"));
  assert.equal(error(), first);
  parser.push(bytesOf("+more\r\n"));
  assert.equal(error(), first);
});

test("ReplyParser answers random bytes with replies or a RespError, the same at any cut", () => {
  const prng = new Prng(31);
  const alphabet = [..."*$+-:_#,(!=%~>|;.?0123\r\n\r\n\r\ntf"];
  for (let round = 0; round < 5000; round++) {
    const bytes = bytesOf(Array.from({ length: prng.int(50) }, () => prng.pick(alphabet)).join(""));
    const whole = parseReplies(bytes, []);
    const cut = 1 + prng.int(Math.max(1, bytes.length));
    if (cut < bytes.length) assert.deepEqual(parseReplies(bytes, [cut]), whole);
  }
});

test("ErrorReply knows its code", () => {
  assert.equal(new ErrorReply("WRONGTYPE Operation").code, "WRONGTYPE");
  assert.equal(new ErrorReply("OOM").code, "OOM");
});

interface Recording {
  readonly replies: Record<string, readonly (readonly [string[], string])[]>;
}

const recording: Recording = JSON.parse(
  readFileSync(new URL("../golden/resp_replies.json", import.meta.url), "utf8"),
);

for (const [server, rows] of Object.entries(recording.replies)) {
  test(`ReplyParser reads what ${server} sent`, () => {
    const bytes = bytesOf(rows.map(([, reply]) => reply).join(""));
    const whole = parseReplies(bytes, []);
    assert.equal(whole.error, undefined);
    assert.equal(whole.consumed.at(-1), bytes.length);
    // DEBUG PROTOCOL push answers a reply and a push in RESP3; every other row is one reply.
    assert.ok(whole.values.length - rows.length <= 1);
    for (const cuts of cuttings(200)) {
      assert.deepEqual(parseReplies(bytes, cuts.map((cut) => cut * 17)), whole);
    }
  });
}

test("ReplyParser gives DEBUG PROTOCOL's values in RESP3", () => {
  const rows = recording.replies["redis-8.0 resp3"];
  const values = new Map<string, unknown>();
  for (const [command, reply] of rows) {
    if (command[0] !== "DEBUG") continue;
    const parser = new ReplyParser();
    parser.push(bytesOf(reply));
    values.set(command[2], plain(parser.next()));
  }
  assert.deepEqual(Object.fromEntries(values), {
    string: "$Hello World",
    integer: 12345,
    double: 3.141,
    null: null,
    array: [0, 1, 2],
    set: ["set", 0, 1, 2],
    map: ["map", [0, false], [1, true], [2, false]],
    attrib: "$Some real reply following the attribute",
    push: "$Some real reply following the push reply",
    verbatim: ["verbatim", "txt", "This is a verbatim\nstring"],
    true: true,
    false: false,
    bignum: 1234567999999999999999999999999999999n,
  });
});

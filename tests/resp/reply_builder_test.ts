/**
 * Values made of replies: each kind against what a client reads of the same reply's bytes, in both protocols.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../src/base/ascii.ts";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { bulksAsText, ReplyBuilder } from "../../src/resp/reply_builder.ts";
import type { ReplyTarget } from "../../src/resp/reply_target.ts";
import { ReplyWriter, writeBulkText } from "../../src/resp/writer.ts";
import { BothReplies } from "../support/both_replies.ts";

const written = new ByteBuffer();
for (const text of ["a", "", "four".repeat(300)]) writeBulkText(written, text);

/** A reply, and its value in RESP3 with bulk strings as text. */
const ROWS: readonly (readonly [string, (reply: ReplyTarget) => void, unknown])[] = [
  ["ok()", (r) => r.ok(), "OK"],
  ["queued()", (r) => r.queued(), "QUEUED"],
  ["pong()", (r) => r.pong(), "PONG"],
  ["simple() of bytes that are UTF-8", (r) => r.simple("a\xc3\xa9"), "aé"],
  ["simple() of wide text", (r) => r.simple("a€\r\nb"), "a€  b"],
  ["integer()", (r) => r.integer(-42), -42],
  ["integer() of a small bigint", (r) => r.integer(2n ** 53n - 1n), 2 ** 53 - 1],
  ["integer() of a large bigint", (r) => r.integer(-(2n ** 63n)), -(2n ** 63n)],
  ["integer() of 2^53", (r) => r.integer(2n ** 53n), 2n ** 53n],
  ["bulk() of a part", (r) => r.bulk(Uint8Array.of(65, 66, 67, 68), 1, 3), "BC"],
  ["bulk() of what is no UTF-8", (r) => r.bulk(Uint8Array.of(65, 255)), "A\ufffd"],
  ["bulkText()", (r) => r.bulkText("é"), "é"],
  ["bulkText() of half a pair", (r) => r.bulkText("a\ud800"), "a\ufffd"],
  ["null()", (r) => r.null(), null],
  ["nullArray()", (r) => r.nullArray(), null],
  ["array() of none", (r) => r.array(0), []],
  ["map() of none", (r) => r.map(0), new Map()],
  ["set() of none", (r) => r.set(0), new Set()],
  ["double()", (r) => r.double(3.5), 3.5],
  ["double() of -0", (r) => r.double(-0), -0],
  ["double() of infinity", (r) => r.double(-Infinity), -Infinity],
  ["double() of no number", (r) => r.double(NaN), NaN],
  ["double() of 2^60", (r) => r.double(2 ** 60), 2 ** 60],
  ["boolean()", (r) => r.boolean(true), true],
  ["bigNumber()", (r) => r.bigNumber("-99999999999999999999"), -99999999999999999999n],
  ["verbatim()", (r) => r.verbatim("txt", "hé"), "hé"],
  ["push()", (r) => (r.push(2), r.bulkText("kind"), r.integer(1)), ["kind", 1]],
  ["map()", (r) => {
    r.map(2);
    r.bulkText("a");
    r.array(2);
    r.null();
    r.error("ERR inside");
    r.integer(2);
    r.set(2);
    r.bulkText("x");
    r.bulkText("y");
  }, new Map<unknown, unknown>([["a", [null, "ERR inside"]], [2, new Set(["x", "y"])]])],
  ["map() with a key twice", (r) => {
    r.map(2);
    for (const text of ["a", "b", "a", "c"]) r.bulkText(text);
  }, new Map([["a", "c"]])],
  ["bulks()", (r) => {
    r.array(4);
    r.integer(1);
    r.bulks(written.bytes, 0, written.length);
  }, [1, "a", "", "four".repeat(300)]],
  ["a deferred map in an array", (r) => {
    r.array(2);
    const mark = r.beginDeferred();
    r.bulkText("k");
    const inner = r.beginDeferred();
    r.endDeferred(inner, "set", 0);
    r.endDeferred(mark, "map", 1);
    r.integer(7);
  }, [new Map([["k", new Set()]]), 7]],
  ["arrays 60 deep", (r) => {
    for (let i = 0; i < 60; i++) r.array(1);
    r.integer(1);
  }, JSON.parse("[".repeat(60) + "1" + "]".repeat(60))],
];

for (const [name, say, expected] of ROWS) {
  test(`ReplyBuilder takes ${name} as a client would, in RESP2, RESP3 and silent`, () => {
    const out = new ByteBuffer();
    const both = new BothReplies(new ReplyWriter(out));
    for (const protocol of [2, 3] as const) {
      out.clear();
      both.protocol = protocol;
      say(both);
      if (protocol === 2) both.check(out.view(), name);
    }
    assert.deepEqual(both.texts.take(), expected);
    assert.equal(both.texts.take(), null, "a reply is taken once");
    both.silent = true;
    say(both);
    assert.equal(both.texts.take(), null);
  });
}

test("ReplyBuilder.failure is the error that is the whole reply, as its line is read", () => {
  const builder = new ReplyBuilder(bulksAsText(utf8));
  for (
    const [text, message] of [
      ["ERR no", "ERR no"],
      ["ERR a\r\nb\r\n", "ERR a  b"],
      ["ERR \xc3\xa9", "ERR é"],
    ]
  ) {
    builder.error(text);
    assert.equal(builder.failure, message);
    builder.clear();
    assert.equal(builder.failure, undefined);
  }
});

test("ReplyBuilder.take() gives null for a reply that is not whole, and begins anew", () => {
  const builder = new ReplyBuilder(bulksAsText(utf8));
  builder.map(2);
  builder.bulkText("a");
  assert.equal(builder.take(), null);
  builder.integer(1);
  builder.integer(2);
  assert.equal(builder.take(), 1, "only the first of two replies is given");
});

test("ReplyBuilder.rewind() takes back what a failed handler has replied, in an array and alone", () => {
  const builder = new ReplyBuilder(bulksAsText(utf8));
  const start = builder.position;
  builder.map(2);
  builder.bulkText("half");
  builder.rewind(start);
  builder.array(3);
  builder.integer(1);
  const inside = builder.position;
  builder.integer(2);
  builder.map(1);
  builder.bulkText("half");
  builder.rewind(inside);
  builder.error("ERR failed");
  builder.integer(3);
  assert.deepEqual(builder.take(), [1, "ERR failed", 3]);
});

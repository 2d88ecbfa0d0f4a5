/**
 * Replies and requests as bytes: what real servers write, and what the parser reads back.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { latin1 } from "../../src/base/ascii.ts";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { Argv } from "../../src/resp/argv.ts";
import { ReplyWriter, writeCommand } from "../../src/resp/writer.ts";

/** A call, and its bytes in RESP2 and RESP3. */
const ROWS: readonly (readonly [string, (w: ReplyWriter) => void, string, string?])[] = [
  ["ok()", (w) => w.ok(), "+OK\r\n"],
  ["queued()", (w) => w.queued(), "+QUEUED\r\n"],
  ["pong()", (w) => w.pong(), "+PONG\r\n"],
  ["simple()", (w) => w.simple("a\xff"), "+a\xff\r\n"],
  ["error()", (w) => w.error("ERR a\r\nb"), "-ERR a  b\r\n"],
  ["error() of wide text", (w) => w.error("ERR €\n-"), "-ERR \xe2\x82\xac -\r\n"],
  ["error() that ends in line ends", (w) => w.error("ERR a \r\n\r"), "-ERR a \r\n"],
  ["integer()", (w) => w.integer(-42), ":-42\r\n"],
  ["integer() of 7", (w) => w.integer(7), ":7\r\n"],
  ["integer() of 2^53-1", (w) => w.integer(2 ** 53 - 1), ":9007199254740991\r\n"],
  ["integer() of a bigint", (w) => w.integer(-(2n ** 63n)), ":-9223372036854775808\r\n"],
  ["bulk()", (w) => w.bulk(Uint8Array.of(0, 13, 10, 255), 1), "$3\r\n\r\n\xff\r\n"],
  ["bulk() of nothing", (w) => w.bulk(new Uint8Array(0)), "$0\r\n\r\n"],
  ["bulkText()", (w) => w.bulkText("é"), "$2\r\n\xc3\xa9\r\n"],
  ["null()", (w) => w.null(), "$-1\r\n", "_\r\n"],
  ["nullArray()", (w) => w.nullArray(), "*-1\r\n", "_\r\n"],
  ["array()", (w) => w.array(12), "*12\r\n"],
  ["map()", (w) => w.map(2), "*4\r\n", "%2\r\n"],
  ["set()", (w) => w.set(2), "*2\r\n", "~2\r\n"],
  ["push()", (w) => w.push(3), "*3\r\n", ">3\r\n"],
  ["attribute()", (w) => void w.attribute(1), "", "|1\r\n"],
  ["double()", (w) => w.double(3.5), "$3\r\n3.5\r\n", ",3.5\r\n"],
  ["double() of infinity", (w) => w.double(-Infinity), "$4\r\n-inf\r\n", ",-inf\r\n"],
  ["boolean() of true", (w) => w.boolean(true), ":1\r\n", "#t\r\n"],
  ["boolean() of false", (w) => w.boolean(false), ":0\r\n", "#f\r\n"],
  ["bigNumber()", (w) => w.bigNumber("-99"), "$3\r\n-99\r\n", "(-99\r\n"],
  ["verbatim()", (w) => w.verbatim("txt", "hé"), "$3\r\nh\xc3\xa9\r\n", "=7\r\ntxt:h\xc3\xa9\r\n"],
];

for (const [name, call, two, three = two] of ROWS) {
  test(`ReplyWriter.${name} in RESP2, RESP3 and silent`, () => {
    const out = new ByteBuffer();
    const writer = new ReplyWriter(out);
    call(writer);
    assert.equal(latin1(out.toBytes()), two);
    out.clear();
    writer.protocol = 3;
    call(writer);
    assert.equal(latin1(out.toBytes()), three);
    writer.silent = true;
    call(writer);
    assert.equal(latin1(out.toBytes()), three);
  });
}

test("ReplyWriter.endDeferred() puts the header before elements of any number, nested too", () => {
  const out = new ByteBuffer();
  const writer = new ReplyWriter(out);
  writer.protocol = 3;
  writer.ok();
  const outer = writer.beginDeferred();
  for (let i = 0; i < 12; i++) {
    const inner = writer.beginDeferred();
    writer.integer(i);
    writer.integer(i);
    writer.endDeferred(inner, "map", 1);
  }
  writer.endDeferred(outer, "set", 12);
  writer.endDeferred(writer.beginDeferred(), "array", 0);
  const body = Array.from({ length: 12 }, (_, i) => `%1\r\n:${i}\r\n:${i}\r\n`).join("");
  assert.equal(latin1(out.toBytes()), `+OK\r\n~12\r\n${body}*0\r\n`);
});

test("writeCommand() writes strings as UTF-8 and bytes as they are", () => {
  const out = new ByteBuffer();
  writeCommand(out, "SET", "ключ", Uint8Array.of(0, 255));
  assert.deepEqual(
    latin1(out.toBytes()),
    "*3\r\n$3\r\nSET\r\n$8\r\n\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87\r\n$2\r\n\0\xff\r\n",
  );
});

test("Argv.copy() owns its bytes and Argv.of() lays arguments end to end", () => {
  const argv = Argv.of("SET", "k", Uint8Array.of(1, 2));
  const copy = argv.copy();
  argv.bytes.fill(0);
  assert.equal(copy.count, 3);
  assert.equal(latin1(copy.at(0)), "SET");
  assert.deepEqual([...copy.at(2)], [1, 2]);
  const many = Argv.of(...Array.from({ length: 100 }, (_, i) => String(i)));
  assert.equal(latin1(many.at(99)), "99");
  assert.equal(new Argv().copy().count, 0);
});

/** What makes each answer of `DEBUG PROTOCOL` again. */
const DEBUG_PROTOCOL: Record<string, (w: ReplyWriter) => void> = {
  string: (w) => w.bulkText("Hello World"),
  integer: (w) => w.integer(12345),
  double: (w) => w.double(3.141),
  null: (w) => w.null(),
  array(w) {
    w.array(3);
    for (let i = 0; i < 3; i++) w.integer(i);
  },
  set(w) {
    w.set(3);
    for (let i = 0; i < 3; i++) w.integer(i);
  },
  map(w) {
    w.map(3);
    for (let i = 0; i < 3; i++) {
      w.integer(i);
      w.boolean(i === 1);
    }
  },
  attrib(w) {
    if (w.attribute(1)) {
      w.bulkText("key-popularity");
      w.array(2);
      w.bulkText("key:123");
      w.integer(90);
    }
    w.bulkText("Some real reply following the attribute");
  },
  verbatim: (w) => w.verbatim("txt", "This is a verbatim\nstring"),
  true: (w) => w.boolean(true),
  false: (w) => w.boolean(false),
  bignum: (w) => w.bigNumber("1234567999999999999999999999999999999"),
};

const recording: { replies: Record<string, [string[], string][]> } = JSON.parse(
  readFileSync(new URL("../golden/resp_replies.json", import.meta.url), "utf8"),
);

for (const [server, rows] of Object.entries(recording.replies)) {
  // Before 7.2 doubles are printed with seventeen digits.
  if (server.startsWith("redis-7.0")) continue;
  test(`ReplyWriter writes DEBUG PROTOCOL byte for byte as ${server}`, () => {
    for (const [command, reply] of rows) {
      const write = command[0] === "DEBUG" ? DEBUG_PROTOCOL[command[2]] : undefined;
      if (write === undefined) continue;
      const out = new ByteBuffer();
      const writer = new ReplyWriter(out);
      writer.protocol = server.endsWith("3") ? 3 : 2;
      write(writer);
      assert.equal(latin1(out.toBytes()), reply, command.join(" "));
    }
  });
}

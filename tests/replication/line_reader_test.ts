/**
 * Lines of the handshake, whole, byte by byte and too long.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { LineReader } from "../../src/replication/line_reader.ts";
import { bytesOf } from "../support/bytes.ts";

const rows: { name: string; bytes: string; lines: string[] }[] = [
  { name: "a line that ends with CR LF", bytes: "+PONG\r\n", lines: ["+PONG"] },
  { name: "a line that ends with LF alone", bytes: "+PONG\n", lines: ["+PONG"] },
  { name: "empty lines", bytes: "\n\r\n\n+OK\r\n", lines: ["", "", "", "+OK"] },
  { name: "a CR within a line", bytes: "-ERR a\rb\r\n", lines: ["-ERR a\rb"] },
  { name: "bytes above 127", bytes: "-ERR \xe9\r\n", lines: ["-ERR \xe9"] },
  { name: "a line that goes on", bytes: "+OK\r\n+FULL", lines: ["+OK"] },
];

/** Every line of `bytes`, read in chunks of `size`. */
function read(bytes: Uint8Array, size: number): string[] {
  const reader = new LineReader(100);
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += size) {
    const end = Math.min(bytes.length, start + size);
    for (let pos = start; pos < end;) {
      pos = reader.read(bytes, pos, end);
      if (reader.line !== undefined) lines.push(reader.line);
    }
  }
  return lines;
}

for (const { name, bytes, lines } of rows) {
  test(`LineReader.read() gives ${name}, in chunks of any size`, () => {
    for (let size = 1; size <= bytes.length; size++) {
      assert.deepEqual(read(bytesOf(bytes), size), lines, `chunks of ${size}`);
    }
  });
}

test("LineReader.read() stops behind the line feed", () => {
  const reader = new LineReader(100);
  assert.equal(reader.read(bytesOf("xx+OK\r\nREDIS"), 2, 12), 7);
  assert.equal(reader.line, "+OK");
});

test("LineReader.read() refuses a line that is too long, however it is cut", () => {
  const reader = new LineReader(5);
  reader.read(bytesOf("+FULL"), 0, 5);
  assert.throws(() => reader.read(bytesOf("R"), 0, 1), { code: "PROTOCOL" });
});

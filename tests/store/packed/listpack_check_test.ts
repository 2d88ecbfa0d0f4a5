/**
 * What a check of a listpack from outside refuses, and that what it lets pass can be read to its end in
 * both directions, whatever byte was changed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteBuffer, BytesRef } from "../../../src/base/byte_buffer.ts";
import * as lp from "../../../src/store/packed/listpack.ts";
import {
  lpCheck,
  ODD_COUNT,
  WRONG_COUNT,
  WRONG_ENTRY,
} from "../../../src/store/packed/listpack_check.ts";
import { bytesOf } from "../../support/bytes.ts";

const ref = new BytesRef();

function bytesOfHex(hex: string): Uint8Array {
  const pairs = hex.replaceAll(" ", "").match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

/** A listpack of `entries`, its total right. */
function framed(count: string, entries: string): Uint8Array {
  const bytes = bytesOfHex(`00000000 ${count} ${entries} ff`);
  bytes[0] = bytes.length;
  return bytes;
}

const ROWS: { name: string; bytes: Uint8Array; pairs?: boolean; wrong: string | undefined }[] = [
  { name: "an empty listpack", bytes: lp.LISTPACK_EMPTY, wrong: undefined },
  { name: "an empty listpack of pairs", bytes: lp.LISTPACK_EMPTY, pairs: true, wrong: undefined },
  {
    name: "every encoding of an integer",
    bytes: framed("0600", "0001 c08002 f1001003 f200800004 f30000800005 f4000000800000000009"),
    wrong: undefined,
  },
  { name: "strings in either form", bytes: framed("0200", "816102 e0016103"), wrong: undefined },
  {
    name: "a string of 32 bits that is short",
    bytes: framed("0100", "f0010000006106"),
    wrong: undefined,
  },
  { name: "a count that is not known", bytes: framed("ffff", "0001"), wrong: undefined },
  { name: "no bytes", bytes: new Uint8Array(0), wrong: "listpack is shorter than its header" },
  {
    name: "no end byte",
    bytes: bytesOfHex("0600000000 00"),
    wrong: "listpack is shorter than its header",
  },
  { name: "another end byte", bytes: bytesOfHex("0700000000 00 fe"), wrong: "listpack has no end" },
  {
    name: "a total that is too large",
    bytes: bytesOfHex("0800000000 00 ff"),
    wrong: "listpack has another length than it says",
  },
  {
    name: "a total that is too small",
    bytes: bytesOfHex("0600000000 00 ff"),
    wrong: "listpack has another length than it says",
  },
  { name: "a count that is too large", bytes: framed("0200", "0001"), wrong: WRONG_COUNT },
  { name: "a count that is too small", bytes: framed("0000", "0001"), wrong: WRONG_COUNT },
  { name: "an odd count of pairs", bytes: framed("0100", "0001"), pairs: true, wrong: ODD_COUNT },
  { name: "an entry that begins with f5", bytes: framed("0100", "f501"), wrong: WRONG_ENTRY },
  {
    name: "an end byte amid the entries",
    bytes: framed("0200", "0001 ff 0001"),
    wrong: WRONG_ENTRY,
  },
  { name: "an integer without its back length", bytes: framed("0100", "00"), wrong: WRONG_ENTRY },
  {
    name: "an integer with another back length",
    bytes: framed("0100", "0002"),
    wrong: WRONG_ENTRY,
  },
  { name: "an integer that is cut off", bytes: framed("0100", "f4000000"), wrong: WRONG_ENTRY },
  { name: "a string that is cut off", bytes: framed("0100", "8361"), wrong: WRONG_ENTRY },
  { name: "a string whose length is cut off", bytes: framed("0100", "e0"), wrong: WRONG_ENTRY },
  {
    name: "a string of 32 bits whose length is cut off",
    bytes: framed("0100", "f00100"),
    wrong: WRONG_ENTRY,
  },
  { name: "a string of 4 GB", bytes: framed("0100", "f0ffffffff 61 06"), wrong: WRONG_ENTRY },
  {
    name: "a back length with a mark in its first byte",
    bytes: framed("0100", "8181 82"),
    wrong: WRONG_ENTRY,
  },
];

for (const { name, bytes, pairs, wrong } of ROWS) {
  test(`lpCheck() ${wrong === undefined ? "lets pass" : "refuses"} ${name}`, () => {
    assert.equal(lpCheck(bytes, 0, bytes.length, pairs ?? false), wrong);
    // Amid other bytes, which are none of it.
    const amid = new Uint8Array(bytes.length + 6).fill(0xff);
    amid.set(bytes, 3);
    assert.equal(lpCheck(amid, 3, 3 + bytes.length, pairs ?? false), wrong);
  });
}

/** How many entries there are from the first on, or from the last: each is read. */
function walk(bytes: Uint8Array, forwards: boolean): number {
  let count = 0;
  let pos = forwards ? lp.lpFirst(bytes, 0) : lp.lpPrev(bytes, 0, bytes.length - 1);
  while (forwards ? !lp.lpIsEnd(bytes, pos) : pos !== -1) {
    lp.lpRead(bytes, pos, ref);
    assert.ok(ref.start <= ref.end && ref.end <= ref.bytes.length);
    pos = forwards ? lp.lpNext(bytes, pos) : lp.lpPrev(bytes, 0, pos);
    count++;
  }
  if (forwards) assert.equal(pos, bytes.length - 1);
  return count;
}

test("lpCheck() refuses or survives every changed byte", () => {
  const out = new ByteBuffer();
  lp.lpBegin(out);
  const long = "z".repeat(200);
  for (const text of ["1", "-300", "abc", "5000000000", long, "70000"]) {
    lp.lpAppendTo(out, bytesOf(text), 0, text.length);
  }
  lp.lpFinish(out, 0, 6);
  for (let at = 0; at < out.length; at++) {
    for (let value = 0; value < 256; value++) {
      const bytes = out.toBytes();
      bytes[at] = value;
      if (lpCheck(bytes, 0, bytes.length, true) !== undefined) continue;
      assert.equal(walk(bytes, true), 6);
      assert.equal(walk(bytes, false), 6);
    }
  }
  for (let end = 0; end < out.length; end++) {
    assert.notEqual(lpCheck(out.bytes, 0, end, false), undefined);
  }
});

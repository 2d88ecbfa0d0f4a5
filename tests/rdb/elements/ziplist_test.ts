import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { ByteBuffer, BytesRef } from "../../../src/base/byte_buffer.ts";
import { ziplistToListpack } from "../../../src/rdb/elements/ziplist.ts";
import { lpFirst, lpIsEnd, lpNext, lpRead } from "../../../src/store/packed/listpack.ts";
import { lpCheck } from "../../../src/store/packed/listpack_check.ts";

class Refused extends Error {}

function fail(message: string): never {
  throw new Refused(message);
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

/** Entries given as encoding and data, in hexadecimal, made a ziplist. */
function ziplist(entries: readonly string[], longPrevious = false): Uint8Array {
  const out = new ByteBuffer();
  out.writeBytes(new Uint8Array(10));
  let previous = 0;
  let tail = 10;
  for (const entry of entries) {
    const data = bytesOf(entry);
    tail = out.length;
    if (previous < 254 && !longPrevious) out.writeByte(previous);
    else {
      out.writeByte(0xfe);
      for (let i = 0; i < 4; i++) out.writeByte((previous >>> (8 * i)) & 255);
    }
    out.writeBytes(data);
    previous = out.length - tail;
  }
  out.writeByte(0xff);
  const bytes = out.toBytes();
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint32(4, tail, true);
  view.setUint16(8, Math.min(entries.length, 65535), true);
  return bytes;
}

function textsOf(bytes: Uint8Array, pairs = false): string[] {
  const out = new ByteBuffer();
  const count = ziplistToListpack(bytes, 0, bytes.length, out, pairs, fail);
  assert.equal(lpCheck(out.bytes, 0, out.length, pairs), undefined);
  const ref = new BytesRef();
  const found: string[] = [];
  for (let pos = lpFirst(out.bytes, 0); !lpIsEnd(out.bytes, pos); pos = lpNext(out.bytes, pos)) {
    lpRead(out.bytes, pos, ref);
    found.push(latin1(ref.bytes, ref.start, ref.end));
  }
  assert.equal(found.length, count);
  return found;
}

const long = "y".repeat(300);
const huge = "z".repeat(20000);
const hexOf = (text: string) => [...text].map((c) => c.charCodeAt(0).toString(16)).join("");

const ENTRIES: { name: string; entries: string[]; expected: string[] }[] = [
  { name: "nothing", entries: [], expected: [] },
  { name: "short strings", entries: ["0161", "00", "023132"], expected: ["a", "", "12"] },
  {
    name: "long strings",
    entries: ["412c" + hexOf(long), "80" + "00004e20" + hexOf(huge), "0162"],
    expected: [long, huge, "b"],
  },
  { name: "int8", entries: ["fe80", "fe7f", "feff"], expected: ["-128", "127", "-1"] },
  { name: "int16", entries: ["c00080", "c0ff7f"], expected: ["-32768", "32767"] },
  { name: "int24", entries: ["f0000080", "f0ffff7f"], expected: ["-8388608", "8388607"] },
  {
    name: "int32",
    entries: ["d000000080", "d0ffffff7f"],
    expected: ["-2147483648", "2147483647"],
  },
  {
    name: "int64",
    entries: ["e00000000000000080", "e0ffffffffffffff7f", "e0ffffffffffffffff"],
    expected: ["-9223372036854775808", "9223372036854775807", "-1"],
  },
  { name: "immediate", entries: ["f1", "fd", "f5"], expected: ["0", "12", "4"] },
];

for (const { name, entries, expected } of ENTRIES) {
  test(`ziplistToListpack() reads ${name}`, () => {
    assert.deepEqual(textsOf(ziplist(entries)), expected);
    assert.deepEqual(textsOf(ziplist(entries, true)), expected);
  });
}

test("ziplistToListpack() reads what a Redis 6.2 wrote", () => {
  const bytes = bytesOf("15000000110000000300000161" + "03c00004" + "04feff" + "ff");
  assert.deepEqual(textsOf(bytes), ["a", "1024", "-1"]);
});

test("ziplistToListpack() counts where the header does not know", () => {
  const entries = Array.from({ length: 70000 }, () => "f3");
  assert.equal(textsOf(ziplist(entries), true).length, 70000);
});

test("ziplistToListpack() refuses pairs that are none", () => {
  assert.throws(() => textsOf(ziplist(["f1"]), true), Refused);
});

test("ziplistToListpack() refuses or survives every changed or missing byte", () => {
  const whole = ziplist(["0161", "412c" + hexOf(long), "fe80", "f0ffff7f", "e00000000000000080"]);
  for (let at = 0; at < whole.length; at++) {
    for (let value = 0; value < 256; value += at < 40 ? 1 : 5) {
      const bytes = whole.slice();
      bytes[at] = value;
      try {
        assert.equal(textsOf(bytes).length, 5);
      } catch (error) {
        assert.ok(error instanceof Refused, String(error));
      }
    }
    assert.throws(() => textsOf(whole.slice(0, at)), Refused);
  }
});

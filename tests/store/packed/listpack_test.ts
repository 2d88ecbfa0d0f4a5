import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../../../src/base/ascii.ts";
import { ByteBuffer, BytesRef } from "../../../src/base/byte_buffer.ts";
import { Prng } from "../../../src/base/prng.ts";
import { Records } from "../../../src/store/memory/records.ts";
import * as lp from "../../../src/store/packed/listpack.ts";
import { lpCheck } from "../../../src/store/packed/listpack_check.ts";
import { Encoding, NO_EXPIRY, ValueType } from "../../../src/store/memory/record.ts";
import { RecordRegion } from "../../../src/store/packed/record_region.ts";
import { NodeRegion, type Region } from "../../../src/store/packed/region.ts";
import { auditRecords } from "../audit.ts";
import { settingsOf } from "../model.ts";
import { bytesOf } from "../../support/bytes.ts";

const ref = new BytesRef();

function texts(region: Region): string[] {
  const found: string[] = [];
  let pos = lp.lpFirst(region.bytes, region.start);
  for (; !lp.lpIsEnd(region.bytes, pos); pos = lp.lpNext(region.bytes, pos)) {
    lp.lpRead(region.bytes, pos, ref);
    found.push(latin1(ref.bytes, ref.start, ref.end));
  }
  assert.equal(pos, region.end - 1);
  return found;
}

function textsBackwards(region: Region): string[] {
  const found: string[] = [];
  let pos = lp.lpPrev(region.bytes, region.start, region.end - 1);
  for (; pos !== -1; pos = lp.lpPrev(region.bytes, region.start, pos)) {
    lp.lpRead(region.bytes, pos, ref);
    found.push(latin1(ref.bytes, ref.start, ref.end));
  }
  return found;
}

const ENCODINGS: { text: string; hex: string }[] = [
  { text: "0", hex: "00 01" },
  { text: "127", hex: "7f 01" },
  { text: "128", hex: "c0 80 02" },
  { text: "-1", hex: "df ff 02" },
  { text: "4095", hex: "cf ff 02" },
  { text: "-4096", hex: "d0 00 02" },
  { text: "4096", hex: "f1 00 10 03" },
  { text: "-4097", hex: "f1 ff ef 03" },
  { text: "32767", hex: "f1 ff 7f 03" },
  { text: "32768", hex: "f2 00 80 00 04" },
  { text: "-32769", hex: "f2 ff 7f ff 04" },
  { text: "8388607", hex: "f2 ff ff 7f 04" },
  { text: "8388608", hex: "f3 00 00 80 00 05" },
  { text: "-8388609", hex: "f3 ff ff 7f ff 05" },
  { text: "2147483647", hex: "f3 ff ff ff 7f 05" },
  { text: "2147483648", hex: "f4 00 00 00 80 00 00 00 00 09" },
  { text: "-2147483648", hex: "f3 00 00 00 80 05" },
  { text: "-2147483649", hex: "f4 ff ff ff 7f ff ff ff ff 09" },
  { text: "9223372036854775807", hex: "f4 ff ff ff ff ff ff ff 7f 09" },
  { text: "-9223372036854775808", hex: "f4 00 00 00 00 00 00 00 80 09" },
  {
    text: "9223372036854775808",
    hex: "93 39 32 32 33 33 37 32 30 33 36 38 35 34 37 37 35 38 30 38 14",
  },
  { text: "", hex: "80 01" },
  { text: "-0", hex: "82 2d 30 03" },
  { text: "00", hex: "82 30 30 03" },
  { text: "+1", hex: "82 2b 31 03" },
  { text: "-", hex: "81 2d 02" },
  { text: "a", hex: "81 61 02" },
];

for (const { text, hex } of ENCODINGS) {
  test(`lpWrite() encodes "${text}" as Redis does`, () => {
    const bytes = bytesOf(text);
    const out = new ByteBuffer();
    lp.lpAppendTo(out, bytes, 0, bytes.length);
    const expected = hex.split(" ").map((byte) => parseInt(byte, 16));
    assert.deepEqual([...out.view()], expected);
    assert.equal(lp.lpEntryBytes(bytes, 0, bytes.length), expected.length);
    assert.ok(lp.lpEquals(out.bytes, 0, bytes, 0, bytes.length));
    assert.ok(!lp.lpEquals(out.bytes, 0, bytesOf(text + "x"), 0, bytes.length + 1));
    lp.lpRead(out.bytes, 0, ref);
    assert.equal(latin1(ref.bytes, ref.start, ref.end), text);
    if (!lp.lpIsInteger(out.bytes, 0)) return;
    const value = BigInt(text);
    assert.equal(lp.lpBigInteger(out.bytes, 0), value);
    assert.equal(lp.lpInteger(out.bytes, 0), Number(value));
    assert.equal(lp.lpIntegerEntryBytes(value), expected.length);
    const again = new ByteBuffer();
    lp.lpAppendIntegerTo(again, value);
    assert.deepEqual(again.toBytes(), out.toBytes());
    if (!Number.isSafeInteger(Number(value))) return;
    again.clear();
    lp.lpAppendIntegerTo(again, Number(value));
    assert.deepEqual(again.toBytes(), out.toBytes());
  });
}

/** Strings of `length` times "x": their first bytes up to the text, and their back length. */
const STRINGS: { length: number; head: string; back: string }[] = [
  { length: 1, head: "81", back: "02" },
  { length: 63, head: "bf", back: "40" },
  { length: 64, head: "e0 40", back: "42" },
  { length: 125, head: "e0 7d", back: "7f" },
  { length: 126, head: "e0 7e", back: "01 80" },
  { length: 255, head: "e0 ff", back: "02 81" },
  { length: 256, head: "e1 00", back: "02 82" },
  { length: 4095, head: "ef ff", back: "20 81" },
  { length: 4096, head: "f0 00 10 00 00", back: "20 85" },
  { length: 16377, head: "f0 f9 3f 00 00", back: "7f fe" },
  { length: 16378, head: "f0 fa 3f 00 00", back: "00 ff ff" },
  { length: 16379, head: "f0 fb 3f 00 00", back: "01 80 80" },
  { length: 2097145, head: "f0 f9 ff 1f 00", back: "7f ff fe" },
  { length: 2097146, head: "f0 fa ff 1f 00", back: "00 ff ff ff" },
];

for (const { length, head, back } of STRINGS) {
  test(`lpWrite() encodes a string of ${length} bytes as Redis does`, () => {
    const bytes = new Uint8Array(length).fill(0x78);
    const out = new ByteBuffer();
    lp.lpAppendTo(out, bytes, 0, length);
    const [first, last] = [head, back].map((hex) => hex.split(" ").map((b) => parseInt(b, 16)));
    assert.deepEqual([...out.bytes.subarray(0, first.length)], first);
    assert.deepEqual([...out.view().subarray(-last.length)], last);
    assert.equal(out.length, first.length + length + last.length);
    assert.equal(lp.lpEntryBytes(bytes, 0, length), out.length);
    assert.equal(lp.lpNext(out.bytes, 0), out.length);
    lp.lpRead(out.bytes, 0, ref);
    assert.deepEqual([ref.start, ref.end], [first.length, first.length + length]);
  });
}

test("lpEntryBytes() goes by the length of a text alone where that is long", () => {
  // The longest with a back length of four bytes, and the shortest with one of five.
  assert.equal(lp.lpEntryBytes(new Uint8Array(0), 0, 268435449), 268435449 + 5 + 4);
  assert.equal(lp.lpEntryBytes(new Uint8Array(0), 0, 268435450), 268435450 + 5 + 5);
});

const LENGTHS = [
  62,
  63,
  64,
  125,
  126,
  127,
  4095,
  4096,
  16377,
  16378,
  16379,
  70000,
  2097150,
  2097160,
];

for (const length of LENGTHS) {
  test(`a listpack holds a string of ${length} bytes between two others`, () => {
    const out = new ByteBuffer();
    const long = bytesOf("x".repeat(length));
    lp.lpBegin(out);
    for (const text of [bytesOf("a"), long, bytesOf("7")]) lp.lpAppendTo(out, text, 0, text.length);
    lp.lpFinish(out, 0, 3);
    assert.equal(lpCheck(out.bytes, 0, out.length, false), undefined);
    const region = new NodeRegion(out.bytes, 0, out.length);
    const expected = ["a", "x".repeat(length), "7"];
    assert.deepEqual(texts(region), expected);
    assert.deepEqual(textsBackwards(region), expected.reverse());
    assert.equal(out.length, 7 + 3 + 2 + lp.lpEntryBytes(long, 0, length));
  });
}

test("a back length may be Redis's or Valkey's where the two differ", () => {
  const out = new ByteBuffer();
  const long = bytesOf("x".repeat(16378));
  lp.lpBegin(out);
  lp.lpAppendTo(out, long, 0, long.length);
  assert.deepEqual([...out.view().subarray(-3)], [0, 255, 255]);
  out.length -= 3;
  out.writeByte(127);
  out.writeByte(255);
  lp.lpAppendIntegerTo(out, 5);
  lp.lpFinish(out, 0, 2);
  assert.equal(lpCheck(out.bytes, 0, out.length, true), undefined);
  const region = new NodeRegion(out.bytes, 0, out.length);
  assert.deepEqual(texts(region), ["x".repeat(16378), "5"]);
  assert.deepEqual(textsBackwards(region), ["5", "x".repeat(16378)]);
});

test("lpRead() leaves the last four integers readable", () => {
  const out = new ByteBuffer();
  lp.lpBegin(out);
  for (let i = 0; i < 4; i++) lp.lpAppendIntegerTo(out, 1000 + i);
  lp.lpFinish(out, 0, 4);
  const refs = [0, 1, 2, 3].map(() => new BytesRef());
  refs.forEach((each, i) => lp.lpRead(out.bytes, lp.lpSeek(out.bytes, 0, out.length, i), each));
  assert.deepEqual(refs.map((r) => latin1(r.bytes, r.start, r.end)), [
    "1000",
    "1001",
    "1002",
    "1003",
  ]);
});

test("lpFind() finds an integer's text that was written as a string", () => {
  // "a", 17 as a string of two bytes, 300 as a string with a length of twelve bits, 17 as an integer.
  const entries = [0x81, 0x61, 2, 0x82, 0x31, 0x37, 3, 0xe0, 3, 0x33, 0x30, 0x30, 5, 17, 1];
  const bytes = Uint8Array.of(7 + entries.length, 0, 0, 0, 4, 0, ...entries, 0xff);
  const find = (text: string, from: number, skip: number) =>
    lp.lpFind(bytes, from, bytesOf(text), 0, text.length, skip);
  assert.equal(find("17", 6, 0), 9);
  assert.equal(find("17", 6, 2), 19);
  assert.equal(find("300", 6, 1), 13);
  assert.equal(find("17", 13, 0), 19);
  assert.equal(find("300", 6, 0), 13);
  assert.equal(find("18", 6, 0), -1);
  assert.equal(find("30", 6, 0), -1);
});

test("lpLength() counts where the header does not know", () => {
  const out = new ByteBuffer();
  lp.lpBegin(out);
  for (let i = 0; i < 70000; i++) lp.lpAppendIntegerTo(out, i & 63);
  lp.lpFinish(out, 0, 70000);
  assert.deepEqual([out.bytes[4], out.bytes[5]], [255, 255]);
  assert.equal(lp.lpLength(out.bytes, 0, out.length), 70000);
  assert.equal(lpCheck(out.bytes, 0, out.length, true), undefined);
  assert.equal(lp.lpSeek(out.bytes, 0, out.length, 69999), out.length - 3);
  assert.equal(lp.lpSeek(out.bytes, 0, out.length, -70000), 6);
  assert.equal(lp.lpSeek(out.bytes, 0, out.length, 70000), -1);
  assert.equal(lp.lpSeek(out.bytes, 0, out.length, -70001), -1);
});

/** One listpack and a plain array. */
class Pair {
  readonly prng: Prng;
  readonly region: Region;
  readonly model: string[] = [];
  #added: ByteBuffer = new ByteBuffer();

  constructor(prng: Prng, region: Region) {
    this.prng = prng;
    this.region = region;
  }

  #text(): string {
    const { prng } = this;
    if (prng.oneIn(3)) return String(prng.int(300));
    if (prng.oneIn(4)) return String(prng.uint32() * (prng.oneIn(2) ? -40000 : 1));
    if (prng.oneIn(30)) return "y".repeat(prng.int(5000));
    return "v" + prng.int(50);
  }

  step(): void {
    const { prng, region, model } = this;
    const at = prng.int(model.length + 1);
    const removed = Math.min(prng.int(model.length > 60 ? 20 : 3), model.length - at);
    const added = Array.from({ length: prng.int(4) }, () => this.#text());
    this.#added.clear();
    for (const text of added) lp.lpAppendTo(this.#added, bytesOf(text), 0, text.length);
    let from = lp.lpSeek(region.bytes, region.start, region.end, at);
    if (from === -1) from = region.end - 1;
    let to = from;
    for (let i = 0; i < removed; i++) to = lp.lpNext(region.bytes, to);
    lp.lpSplice(region, from, to, removed, this.#added, added.length);
    model.splice(at, removed, ...added);
  }

  check(): void {
    const { prng, region, model } = this;
    assert.equal(lpCheck(region.bytes, region.start, region.end, false), undefined);
    assert.deepEqual(texts(region), model);
    assert.deepEqual(textsBackwards(region), [...model].reverse());
    assert.equal(lp.lpLength(region.bytes, region.start, region.end), model.length);
    const wanted = this.#text();
    const skip = prng.int(3);
    const first = lp.lpFirst(region.bytes, region.start);
    const pos = lp.lpFind(region.bytes, first, bytesOf(wanted), 0, wanted.length, skip);
    const index = model.findIndex((text, i) => i % (skip + 1) === 0 && text === wanted);
    const expected = index < 0 ? -1 : lp.lpSeek(region.bytes, region.start, region.end, index);
    assert.equal(pos, expected);
    assert.equal(lp.lpSeek(region.bytes, region.start, region.end, model.length), -1);
    assert.equal(lp.lpSeek(region.bytes, region.start, region.end, -model.length - 1), -1);
  }
}

for (let seed = 1; seed <= 8; seed++) {
  test(`lpSplice() agrees with an array in a node and in a record, seed ${seed}`, () => {
    const empty = lp.LISTPACK_EMPTY;
    const db = new Records(settingsOf(1, 2));
    const key = bytesOf("key");
    const record = new RecordRegion();
    const entry = db.setBlob(
      key,
      0,
      3,
      ValueType.LIST,
      Encoding.LISTPACK,
      empty,
      0,
      empty.length,
      NO_EXPIRY,
    );
    record.open(db, entry, Encoding.LISTPACK);
    const pairs = [
      new Pair(new Prng(seed), new NodeRegion(empty, 0, empty.length)),
      new Pair(new Prng(seed), record),
    ];
    for (let i = 0; i < 300; i++) {
      for (const pair of pairs) {
        pair.step();
        pair.check();
      }
      assert.equal(db.find(key, 0, 3), record.entry);
    }
    auditRecords(db);
  });
}

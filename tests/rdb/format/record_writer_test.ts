/**
 * Lengths, strings and numbers as they are written, and as the chunk reader reads them back however they are
 * cut.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteBuffer } from "../../../src/base/byte_buffer.ts";
import { ChunkReader } from "../../../src/rdb/format/chunk_reader.ts";
import { RecordWriter } from "../../../src/rdb/format/record_writer.ts";
import { StringSlot } from "../../../src/rdb/format/string_slot.ts";
import { bytesOf, textOf } from "../../support/bytes.ts";

const LENGTHS: readonly (readonly [length: number, hex: string])[] = [
  [0, "00"],
  [63, "3f"],
  [64, "4040"],
  [16383, "7fff"],
  [16384, "8000004000"],
  [4294967295, "80ffffffff"],
  [4294967296, "810000000100000000"],
  [Number.MAX_SAFE_INTEGER, "81001fffffffffffff"],
];

const STRINGS: readonly (readonly [text: string, hex: string, compressedHex?: string])[] = [
  ["", "00"],
  ["-1", "c0ff"],
  ["127", "c07f"],
  ["128", "c18000"],
  ["-32768", "c10080"],
  ["32768", "c200800000"],
  ["2147483647", "c2ffffff7f"],
  ["2147483648", "0a32313437343833363438"],
  ["007", "03303037"],
  ["-0", "022d30"],
  ["a".repeat(20), `14${"61".repeat(20)}`],
  ["a".repeat(30), `1e${"61".repeat(30)}`, "c3051e0061e01400"],
];

function written(write: (writer: RecordWriter) => void, compress: boolean = false): Uint8Array {
  const out = new ByteBuffer();
  write(new RecordWriter(out, compress));
  return out.toBytes();
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Calls `read` until it answers true, with `bytes` pushed `size` at a time. */
function readInChunks(
  reader: ChunkReader,
  bytes: Uint8Array,
  size: number,
  read: () => boolean,
): void {
  for (let start = 0; start < bytes.length; start += size) {
    reader.setChunk(bytes, start, Math.min(bytes.length, start + size));
    if (read()) break;
  }
  assert.equal(reader.offset, bytes.length, "all of it was read");
}

for (const [length, hex] of LENGTHS) {
  test(`RecordWriter.length() of ${length} is ${hex}, and is read back`, () => {
    const bytes = written((writer) => writer.length(length));
    assert.equal(hexOf(bytes), hex);
    for (const size of [1, 2, 9]) {
      const reader = new ChunkReader(100);
      readInChunks(reader, bytes, size, () => reader.readLength());
      assert.equal(reader.length, length);
    }
  });
}

test("RecordWriter.lengthWords() uses all 64 bits", () => {
  const bytes = written((writer) => {
    writer.lengthWords(0xffffffff, 0xffffffff);
    writer.lengthWords(0, 5);
  });
  assert.equal(hexOf(bytes), "81ffffffffffffffff05");
  const reader = new ChunkReader(100);
  reader.setChunk(bytes, 0, bytes.length);
  assert.equal(reader.readLength(), true);
  assert.deepEqual([reader.lengthHigh, reader.lengthLow], [0xffffffff, 0xffffffff]);
});

for (const [text, hex, compressedHex = hex] of STRINGS) {
  test(`RecordWriter.string() of ${JSON.stringify(text)} is ${hex.slice(0, 20)}, and is read back`, () => {
    const source = bytesOf(`<${text}>`);
    for (const compress of [false, true]) {
      const bytes = written((writer) => writer.string(source, 1, source.length - 1), compress);
      assert.equal(hexOf(bytes), compress ? compressedHex : hex);
      for (const size of [1, 3, 1000]) {
        const reader = new ChunkReader(100);
        const slot = new StringSlot();
        readInChunks(reader, bytes, size, () => reader.readString(slot));
        assert.equal(textOf(slot.view()), text);
      }
    }
  });
}

test("RecordWriter writes times and scores little endian", () => {
  const bytes = written((writer) => {
    writer.int64(-1);
    writer.int64(4102444800123);
    writer.double(1.5);
    writer.expiry(1);
  });
  assert.equal(
    hexOf(bytes),
    "ffffffffffffffff" + "7bd8c32cbb030000" + "000000000000f83f" + "fc0100000000000000",
  );
  const reader = new ChunkReader(100);
  reader.setChunk(bytes, 0, bytes.length);
  assert.equal(reader.readFixed(8) && reader.fixedInt64(), -1);
  assert.equal(reader.readFixed(8) && reader.fixedInt64(), 4102444800123);
});

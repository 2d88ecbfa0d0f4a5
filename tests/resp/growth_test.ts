import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { release, reserveTowards } from "../../src/resp/growth.ts";

const PIECE = 1000;

/** The memory that a buffer had, one after the other, while an element of `full` bytes came in pieces. */
function growth(full: number): { buffer: ByteBuffer; reserved: number[] } {
  const buffer = new ByteBuffer();
  const reserved: number[] = [];
  const piece = new Uint8Array(PIECE);
  while (buffer.length < full) {
    const count = Math.min(PIECE, full - buffer.length);
    reserveTowards(buffer, count, full);
    if (buffer.bytes.length !== reserved.at(-1)) reserved.push(buffer.bytes.length);
    const came = buffer.length + count;
    assert.ok(buffer.bytes.length <= Math.max(16 * came, PIECE), `${came} bytes have come`);
    buffer.writeBytes(piece, 0, count);
  }
  return { buffer, reserved };
}

test("an element of a known length leaves buffers behind that are a quarter of it at most", () => {
  for (const full of [999, 1000, 70_000, 1 << 20, 5_000_001, (1 << 20) + 1]) {
    const { reserved } = growth(full);
    assert.equal(reserved.at(-1), full, "the last growth fits it exactly");
    const left = reserved.slice(0, -1).reduce((sum, bytes) => sum + bytes, 0);
    assert.ok(left <= full / 4, `${left} bytes were left behind by ${full}`);
  }
});

test("an element of an unknown length doubles its buffer, which is given back when it is long", () => {
  const buffer = new ByteBuffer();
  reserveTowards(buffer, 100, 0);
  assert.equal(buffer.bytes.length, 128);
  buffer.length = 100;
  reserveTowards(buffer, 100_000, 0);
  assert.equal(buffer.bytes.length, 100_100);
  release(buffer);
  assert.deepEqual([buffer.length, buffer.bytes.length], [0, 64]);
});

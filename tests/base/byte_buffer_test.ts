/**
 * A growing buffer and slices without views, against plain arrays.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AssertionError } from "../../src/base/assert.ts";
import { ByteBuffer, BytesRef } from "../../src/base/byte_buffer.ts";
import { Prng } from "../../src/base/prng.ts";

test("ByteBuffer holds what an array of the same writes holds", () => {
  const prng = new Prng(4);
  for (let round = 0; round < 50; round++) {
    const buffer = new ByteBuffer(prng.int(200));
    let model: number[] = [];
    for (let i = 0; i < 100; i++) {
      const bytes = prng.bytes(prng.int(prng.oneIn(10) ? 1000 : 20));
      switch (prng.int(6)) {
        case 0:
          buffer.writeByte(0x1ff);
          model.push(0xff);
          break;
        case 1:
          buffer.writeLatin1(String.fromCharCode(...bytes));
          model.push(...bytes);
          break;
        case 2: {
          const count = prng.int(model.length + 1);
          buffer.discard(count);
          model = model.slice(count);
          break;
        }
        case 3: {
          const from = prng.int(model.length + 1);
          buffer.writeBytes(buffer.bytes, from, model.length);
          model.push(...model.slice(from));
          model = model.slice(0, 4000);
          buffer.length = model.length;
          break;
        }
        default:
          buffer.writeBytes(bytes);
          model.push(...bytes);
      }
      assert.deepEqual([...buffer.view()], model);
    }
    assert.deepEqual([...buffer.toBytes()], model);
  }
});

test("ByteBuffer.clear() keeps its memory, shrink() gives it back", () => {
  const buffer = new ByteBuffer();
  buffer.writeBytes(new Uint8Array(10_000));
  const { bytes } = buffer;
  buffer.clear();
  assert.equal(buffer.length, 0);
  assert.equal(buffer.bytes, bytes);
  buffer.shrink(20_000);
  assert.equal(buffer.bytes, bytes);
  buffer.shrink(100);
  assert.equal(buffer.bytes.length, 100);
});

test("ByteBuffer refuses slices outside of their source and discarding more than there is", () => {
  const buffer = new ByteBuffer();
  assert.throws(() => buffer.writeBytes(new Uint8Array(4), 2, 5), AssertionError);
  assert.throws(() => buffer.writeBytes(new Uint8Array(4), 3, 2), AssertionError);
  assert.throws(() => buffer.discard(1), AssertionError);
});

test("BytesRef.view() is the slice it was set to", () => {
  const ref = new BytesRef();
  assert.equal(ref.view().length, 0);
  ref.set(Uint8Array.of(1, 2, 3, 4), 1, 3);
  assert.deepEqual(ref.view(), Uint8Array.of(2, 3));
});

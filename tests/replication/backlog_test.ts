/**
 * The backlog against the whole stream it is a window of.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteBuffer } from "../../src/base/byte_buffer.ts";
import { Prng } from "../../src/base/prng.ts";
import { Backlog } from "../../src/replication/backlog.ts";

function readFrom(backlog: Backlog, offset: number): Uint8Array {
  const out = new ByteBuffer();
  backlog.copyFrom(offset, out);
  return out.toBytes();
}

test("Backlog counts as INFO does: from 1, nothing held at first", () => {
  const backlog = new Backlog(8);
  assert.equal(backlog.firstByteOffset, 1);
  assert.equal(backlog.histlen, 0);
  assert.ok(backlog.covers(1));
  assert.ok(!backlog.covers(0));
  assert.ok(!backlog.covers(2));
  backlog.append(Uint8Array.of(1, 2, 3, 4, 5, 6));
  assert.equal(backlog.firstByteOffset, 1);
  backlog.append(Uint8Array.of(7, 8, 9, 10));
  assert.equal(backlog.firstByteOffset, 3);
  assert.equal(backlog.histlen, 8);
  assert.deepEqual([...readFrom(backlog, 3)], [3, 4, 5, 6, 7, 8, 9, 10]);
  assert.equal(readFrom(backlog, 11).length, 0);
  assert.ok(!backlog.covers(2));
  assert.ok(!backlog.covers(12));
});

test("Backlog.reset() begins anew behind an offset", () => {
  const backlog = new Backlog(8, 100);
  assert.equal(backlog.firstByteOffset, 101);
  backlog.append(Uint8Array.of(1));
  backlog.reset(500);
  assert.equal(backlog.nextOffset, 501);
  assert.ok(!backlog.covers(101));
  backlog.append(Uint8Array.of(9));
  assert.deepEqual([...readFrom(backlog, 501)], [9]);
});

test("Backlog is a window of the stream for seeded writes of every size", () => {
  const prng = new Prng(37);
  for (let round = 0; round < 60; round++) {
    const base = prng.int(1000);
    const backlog = new Backlog(1 + prng.int(64), base);
    const stream: number[] = [];
    for (let i = 0; i < 60; i++) {
      const bytes = prng.bytes(prng.int(90));
      const start = prng.int(bytes.length + 1);
      backlog.append(bytes, start);
      stream.push(...bytes.subarray(start));
      assert.equal(backlog.nextOffset, base + stream.length + 1);
      assert.equal(backlog.histlen, Math.min(stream.length, backlog.capacity));
      const offset = backlog.firstByteOffset + prng.int(backlog.histlen + 1);
      assert.deepEqual([...readFrom(backlog, offset)], stream.slice(offset - base - 1));
    }
  }
});

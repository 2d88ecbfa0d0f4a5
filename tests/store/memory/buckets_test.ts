/**
 * Arrays of buckets that grow and shrink at their end.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BUCKET_MASK,
  BUCKET_SHIFT,
  BUCKET_WORDS,
  BucketArray,
} from "../../../src/store/memory/buckets.ts";

const SEGMENT = 1 << BUCKET_SHIFT;

/** Writes or reads the last word of a bucket. */
function lastWord(buckets: BucketArray, index: number, value?: number): number {
  const segment = buckets.segments[index >>> BUCKET_SHIFT];
  const word = (index & BUCKET_MASK) * BUCKET_WORDS + BUCKET_WORDS - 1;
  if (value !== undefined) segment[word] = value;
  return segment[word];
}

const GROWTH = [
  { count: 1, capacity: 1, segments: 1 },
  { count: 5, capacity: 8, segments: 1 },
  { count: SEGMENT, capacity: SEGMENT, segments: 1 },
  { count: SEGMENT + 1, capacity: 2 * SEGMENT, segments: 2 },
  { count: 3 * SEGMENT, capacity: 3 * SEGMENT, segments: 3 },
];
for (const { count, capacity, segments } of GROWTH) {
  test(`ensure(${count}) makes ${capacity} buckets in ${segments} segments`, () => {
    const buckets = new BucketArray();
    buckets.ensure(count);
    assert.equal(buckets.bytes, capacity * 64);
    assert.equal(buckets.segments.length, segments);
    assert.equal(lastWord(buckets, count - 1), 0);
  });
}

test("ensure() keeps what is there, also as the first segment is replaced", () => {
  const buckets = new BucketArray();
  for (let count = 1; count <= 2 * SEGMENT; count++) {
    buckets.ensure(count);
    lastWord(buckets, count - 1, count);
  }
  for (let i = 0; i < 2 * SEGMENT; i++) assert.equal(lastWord(buckets, i), i + 1);
});

test("trim() gives back what lies well beyond, and keeps the rest", () => {
  const buckets = new BucketArray();
  buckets.ensure(4 * SEGMENT);
  for (let i = 0; i < 4 * SEGMENT; i++) lastWord(buckets, i, i);
  buckets.trim(3 * SEGMENT);
  assert.equal(buckets.segments.length, 4, "half a segment is no reason yet");
  buckets.trim(2 * SEGMENT);
  assert.equal(buckets.segments.length, 3);
  for (let count = 2 * SEGMENT; count > 0; count--) buckets.trim(count);
  assert.ok(buckets.bytes <= 4 * 64, `${buckets.bytes} bytes for one bucket`);
  assert.equal(lastWord(buckets, 0), 0);
  buckets.trim(0);
  assert.equal(buckets.bytes, 64, "one bucket is always there");
});

/**
 * An array of 64-byte buckets that grows and shrinks at its end. A table of a million keys takes 14 MB:
 * doubling that by copying would stall the host, so it grows by segments of 1 MB, and no step copies more.
 * What the words of a bucket mean is up to its owner.
 *
 * ```
 *  bucket index   | segment | place, 14 bits |        segments[index >>> 14][(index & 0x3fff) * 16]
 *
 *  few buckets    [ 64 B to 1 MB, doubled ]
 *  many           [ 1 MB ] [ 1 MB ] [ 1 MB ]
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { allocateAnyway, allocateWords } from "./allocate.ts";

/** A bucket has 16 words of 32 bits: a line of the processor's cache. */
export const BUCKET_WORDS = 16;
/** The segment of bucket `index` is `index >>> BUCKET_SHIFT`. */
export const BUCKET_SHIFT = 14;
/** The place of bucket `index` in its segment is `index & BUCKET_MASK`. */
export const BUCKET_MASK: number = (1 << BUCKET_SHIFT) - 1;

const BUCKET_BYTES = 64;
const SEGMENT_BUCKETS: number = 1 << BUCKET_SHIFT;
/** Up to this many buckets are words without a buffer object, for the tables of small collections. */
const FEW_BUCKETS = 4;

/** Buckets in segments: the first doubles from 64 bytes up to 1 MB, every other has 1 MB. */
export class BucketArray {
  /** The segments; element 0 is replaced when the first segment grows or shrinks. */
  readonly segments: Int32Array[] = [];
  #capacity: number = 0;

  /** Bytes of all segments. */
  get bytes(): number {
    return this.#capacity * BUCKET_BYTES;
  }

  /** Makes buckets `[0, count)` exist. New ones are zero, but those that `trim` kept are as they were. */
  ensure(count: number): void {
    while (this.#capacity < count) {
      if (this.#capacity < SEGMENT_BUCKETS) {
        this.#resizeFirst(Math.max(this.#capacity * 2, 1));
      } else {
        this.segments.push(newSegment(SEGMENT_BUCKETS));
        this.#capacity += SEGMENT_BUCKETS;
      }
    }
    assert(count <= this.#capacity, "the buckets asked for exist");
  }

  /**
   * Gives memory back that lies well beyond `count` buckets: a segment once one and a half are unused, half
   * of the first segment once three quarters are. The gap keeps a size that goes up and down from
   * allocating each time.
   */
  trim(count: number): void {
    while (this.#capacity - (SEGMENT_BUCKETS + SEGMENT_BUCKETS / 2) >= count) {
      if (this.#capacity <= SEGMENT_BUCKETS) break;
      assert(this.segments.length > 1, "the first segment stays");
      this.segments.pop();
      this.#capacity -= SEGMENT_BUCKETS;
    }
    if (this.#capacity > SEGMENT_BUCKETS) return;
    if (this.#capacity > 1 && count * 4 <= this.#capacity) {
      this.#resizeFirst(this.#capacity / 2);
    }
  }

  /** Replaces the first segment by one of another length, with what fits of its content. */
  #resizeFirst(capacity: number): void {
    assert(
      this.segments.length <= 1,
      "the first segment changes its length only while it is alone",
    );
    const grown = newSegment(capacity);
    if (this.segments.length === 0) {
      this.segments.push(grown);
    } else {
      const old = this.segments[0];
      grown.set(old.length <= grown.length ? old : old.subarray(0, grown.length));
      this.segments[0] = grown;
    }
    this.#capacity = capacity;
  }
}

function newSegment(buckets: number): Int32Array {
  if (buckets <= FEW_BUCKETS) return allocateWords(buckets * BUCKET_WORDS);
  return new Int32Array(allocateAnyway(buckets * BUCKET_BYTES));
}

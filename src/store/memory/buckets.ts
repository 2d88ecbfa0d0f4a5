/**
 * An array of 64-byte buckets that grows and shrinks at its end in steps of at most 1 MB, so that no
 * step takes long. What a bucket means is its owner's affair.
 *
 * @module
 */

import { allocate, allocateWords } from "./allocate.ts";

/** 32-bit words of a bucket. */
export const BUCKET_WORDS = 16;
/** `index >>> BUCKET_SHIFT` is the bucket's segment. */
export const BUCKET_SHIFT = 14;
/** `index & BUCKET_MASK` is its place there. */
export const BUCKET_MASK: number = (1 << BUCKET_SHIFT) - 1;

const BUCKET_BYTES = 64;
const SEGMENT_BUCKETS: number = 1 << BUCKET_SHIFT;
/** Up to so many buckets are held as bare words. */
const FEW_BUCKETS = 4;

/** See the module's text. The first segment doubles from 64 bytes up to 1 MB; every other has 1 MB. */
export class BucketArray {
  /** The memory; element 0 is replaced when the first segment grows or shrinks. */
  readonly segments: Int32Array[] = [];
  #capacity: number = 0;

  /** Bytes held. */
  get bytes(): number {
    return this.#capacity * BUCKET_BYTES;
  }

  /** Makes buckets `[0, count)` exist. New ones are zero, unless `trim` kept them. */
  ensure(count: number): void {
    while (this.#capacity < count) {
      if (this.#capacity < SEGMENT_BUCKETS) {
        this.#resizeFirst(Math.max(this.#capacity * 2, 1));
      } else {
        this.segments.push(newSegment(SEGMENT_BUCKETS));
        this.#capacity += SEGMENT_BUCKETS;
      }
    }
  }

  /** Gives back what lies well beyond `count` buckets. */
  trim(count: number): void {
    while (this.#capacity - (SEGMENT_BUCKETS + SEGMENT_BUCKETS / 2) >= count) {
      if (this.#capacity <= SEGMENT_BUCKETS) break;
      this.segments.pop();
      this.#capacity -= SEGMENT_BUCKETS;
    }
    if (this.#capacity > SEGMENT_BUCKETS) return;
    if (this.#capacity > 1 && count * 4 <= this.#capacity) {
      this.#resizeFirst(this.#capacity / 2);
    }
  }

  #resizeFirst(capacity: number): void {
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
  return new Int32Array(allocate(buckets * BUCKET_BYTES));
}

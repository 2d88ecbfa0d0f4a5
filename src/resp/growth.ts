/**
 * Memory for bytes that wait inside a parser: how a buffer grows for bytes that are only announced,
 * and how it is given back.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { ByteBuffer } from "../base/byte_buffer.ts";

/** Growing by less than this factor would copy an element again for each of many small pieces. */
const MIN_GROWTH = 1.25;
/** An element that would fill up to so many times the memory at hand gets all of it in one step. */
const MAX_STEP = 16;
/** More memory than this, needed by one large element, is given back after it. */
const KEPT_CAPACITY = 64 * 1024;

/**
 * Makes room for `more` bytes: doubles, or goes straight to `full`, where the element at hand will end
 * (0 when that is not known), once a 16th of it fits. So an announced length reserves little before its
 * bytes come, the last growth for a large element fits it exactly, and the buffers before that one, which
 * the runtime may not have collected yet, are together a quarter of it at most.
 */
export function reserveTowards(buffer: ByteBuffer, more: number, full: number): void {
  const needed = buffer.length + more;
  const capacity = buffer.bytes.length;
  if (needed <= capacity) return;
  let next = capacity * 2;
  if (full < capacity * MAX_STEP && full > capacity * MIN_GROWTH) next = full;
  const grown = new Uint8Array(Math.max(needed, next));
  grown.set(buffer.bytes.subarray(0, buffer.length));
  buffer.bytes = grown;
  assert(buffer.length + more <= buffer.bytes.length, "there is room for what comes");
}

/** Forgets what a buffer holds, and gives back its memory when that is more than 64 KB. */
export function release(buffer: ByteBuffer): void {
  if (buffer.bytes.length > KEPT_CAPACITY) buffer.shrink();
  else buffer.clear();
}

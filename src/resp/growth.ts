/**
 * How a buffer grows that waits for bytes somebody has only announced.
 *
 * @module
 */

import type { ByteBuffer } from "../base/byte_buffer.ts";

/** Growth below this factor would make many small pieces cost their square. */
const MIN_GROWTH = 1.25;

/**
 * Makes room for `more` bytes: doubles, but not past `full`, where the value at hand will end (0
 * when that is not known). So an announced length reserves nothing before its bytes come, and the
 * last growth for a large value fits it exactly.
 */
export function reserveTowards(buffer: ByteBuffer, more: number, full: number): void {
  const needed = buffer.length + more;
  const capacity = buffer.bytes.length;
  if (needed <= capacity) return;
  let next = capacity * 2;
  if (full < next && full > capacity * MIN_GROWTH) next = full;
  const grown = new Uint8Array(Math.max(needed, next));
  grown.set(buffer.bytes.subarray(0, buffer.length));
  buffer.bytes = grown;
}

/**
 * Zipmaps: small hashes of Redis up to 2.4.
 *
 * ```
 *  u8 count             254 and more: count them
 *  length field         each length a byte, or 254 and four bytes LE
 *  length u8 free value, and `free` bytes that mean nothing
 *  0xFF
 * ```
 *
 * @module
 */

const END = 255;
const WIDE = 254;

/** Called with a field and its value, both in the zipmap. */
export type PairVisitor = (
  field: Uint8Array,
  fieldStart: number,
  fieldEnd: number,
  value: Uint8Array,
  valueStart: number,
  valueEnd: number,
) => void;

/**
 * Visits every pair of a zipmap, checking it on the way.
 *
 * @param fail Called with what is wrong; throws.
 */
export function readZipmap(
  bytes: Uint8Array,
  start: number,
  end: number,
  fail: (message: string) => never,
  visit: PairVisitor,
): void {
  if (end - start < 2) fail("zipmap is shorter than its header");
  let pos = start + 1;
  let count = 0;
  while (pos < end && bytes[pos] !== END) {
    const fieldStart = pos + widthAt(bytes, pos);
    const fieldEnd = fieldStart + lengthAt(bytes, pos, end, fail);
    if (fieldEnd >= end) fail("zipmap field crosses the end");
    const valueAt = fieldEnd + widthAt(bytes, fieldEnd);
    const length = lengthAt(bytes, fieldEnd, end, fail);
    // The byte between length and value counts what is unused behind it.
    const valueStart = valueAt + 1;
    if (valueAt >= end || valueStart + length > end) fail("zipmap value crosses the end");
    pos = valueStart + length + bytes[valueAt];
    if (pos >= end) fail("zipmap value crosses the end");
    visit(bytes, fieldStart, fieldEnd, bytes, valueStart, valueStart + length);
    count++;
  }
  if (pos !== end - 1) fail("zipmap does not end where it should");
  if (count === 0) fail("zipmap is empty");
  if (bytes[start] < WIDE && bytes[start] !== count) fail("zipmap has a wrong count of fields");
}

/** Bytes of the length at `pos`. */
function widthAt(bytes: Uint8Array, pos: number): number {
  return bytes[pos] === WIDE ? 5 : 1;
}

function lengthAt(
  bytes: Uint8Array,
  pos: number,
  end: number,
  fail: (message: string) => never,
): number {
  const first = bytes[pos];
  if (first < WIDE) return first;
  if (first === END || pos + 5 > end) fail("zipmap length crosses the end");
  return (bytes[pos + 1] | (bytes[pos + 2] << 8) | (bytes[pos + 3] << 16) |
    (bytes[pos + 4] << 24)) >>> 0;
}

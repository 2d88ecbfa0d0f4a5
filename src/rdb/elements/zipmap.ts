/**
 * Zipmaps (`zipmap.c`): small hashes of Redis up to 2.4, checked while they are read.
 *
 * ```text
 *   u8        count of fields; 254 and more: unknown, to be counted
 *   fields    length, field, length, u8 free, value, `free` bytes that mean nothing
 *   FF        where the length of a field would stand
 *
 *   length    one byte, or FE and u32 LE
 * ```
 *
 * The free bytes are room that a value gave up when it became shorter.
 *
 * @module
 */

const END = 255;
const WIDE = 254;

/** Called with a field and its value, both inside the zipmap. */
export type PairVisitor = (
  field: Uint8Array,
  fieldStart: number,
  fieldEnd: number,
  value: Uint8Array,
  valueStart: number,
  valueEnd: number,
) => void;

/**
 * Visits every field of the zipmap `[start, end)` of `bytes`. Each is checked before its visit, the
 * whole only after the last.
 *
 * @param fail Refuses bytes that are no sound zipmap; throws.
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
    // The byte between length and value counts the free bytes behind the value.
    const valueStart = valueAt + 1;
    if (valueAt >= end || valueStart + length > end) fail("zipmap value crosses the end");
    pos = valueStart + length + bytes[valueAt];
    if (pos >= end) fail("zipmap value crosses the end");
    visit(bytes, fieldStart, fieldEnd, bytes, valueStart, valueStart + length);
    count++;
  }
  if (pos !== end - 1) fail("zipmap ends before its last byte");
  if (count === 0) fail("zipmap is empty");
  if (bytes[start] < WIDE && bytes[start] !== count) fail("zipmap has a wrong count of fields");
}

/** How many bytes the length at `pos` takes. */
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

/**
 * LZF, Marc Lehmann's small compressor, byte for byte the format that RDB strings use.
 *
 * A control byte below 32 is followed by that many and one literal bytes. Any other names a run that
 * was seen before: `LLLooooo oooooooo`, length L + 2 (L = 7: an extra byte is added to it, and stands
 * before the low offset byte), distance o + 1.
 *
 * @module
 */

import { Kernel, kernel } from "./kernel.ts";

const HASH_BITS = 14;
const HASH_SIZE = 1 << HASH_BITS;
const MAX_LITERALS = 32;
const MAX_DISTANCE = 1 << 13;
const MAX_LENGTH = 264;

/** From here on a run is copied in pieces, unless those would be many because it repeats a few bytes. */
const LONG_RUN = 48;
const LEAST_PERIOD = 16;

/** Less than this is unpacked before the kernel has been called. */
const KERNEL_MIN = 512;

const MAX_STAMP = 0x7fffffff;

/**
 * Where three bytes were last seen, as the offset plus what makes a call's offsets larger than all of
 * the calls before: so what they left there is told apart without clearing 64 KB for every string.
 */
let hashTable: Int32Array | undefined;
let nextStamp = 1;

/**
 * Unpacks `source[start, end)` into exactly `target[targetStart, targetEnd)`.
 *
 * @returns False when the bytes are no LZF or do not fill the target exactly. What the target then
 * holds has no meaning.
 */
export function lzfDecompress(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
): boolean {
  const size = targetEnd - targetStart;
  if (size >= KERNEL_MIN && size <= Kernel.MAX_OUTPUT && end - start <= Kernel.MAX_INPUT) {
    const quick = kernel();
    if (quick !== undefined) {
      return quick.unpack(source, start, end, target, targetStart, targetEnd);
    }
  }
  return lzfDecompressPlainly(source, start, end, target, targetStart, targetEnd);
}

/** The same without the kernel. */
export function lzfDecompressPlainly(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
): boolean {
  let pos = start;
  let out = targetStart;
  while (pos < end) {
    const control = source[pos++];
    if (control < MAX_LITERALS) {
      const count = control + 1;
      if (pos + count > end || out + count > targetEnd) return false;
      for (let i = 0; i < count; i++) target[out + i] = source[pos + i];
      pos += count;
      out += count;
      continue;
    }
    let length = control >> 5;
    if (length === 7) {
      if (pos === end) return false;
      length += source[pos++];
    }
    length += 2;
    if (pos === end) return false;
    let from = out - ((control & 31) << 8) - source[pos++] - 1;
    if (from < targetStart || out + length > targetEnd) return false;
    const runEnd = out + length;
    if (length >= LONG_RUN && out - from >= LEAST_PERIOD) {
      // A run longer than its distance repeats what it has just written: each piece doubles that.
      for (; out < runEnd; out += Math.min(out - from, runEnd - out)) {
        target.copyWithin(out, from, Math.min(out, from + runEnd - out));
      }
    } else while (out < runEnd) target[out++] = target[from++];
  }
  return out === targetEnd;
}

/**
 * Packs `source[start, end)` into `target[targetStart, targetEnd)`.
 *
 * @returns Bytes written; 0 when they did not fit, so that storing the source as it is pays more.
 */
export function lzfCompress(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
): number {
  const table = hashTable ??= new Int32Array(HASH_SIZE);
  const shift = takeStamps(table, end - start) - start;
  let pos = start;
  let literalStart = start;
  let out = targetStart;
  while (pos + 2 < end) {
    const slot = slotOf(source, pos);
    const seen = table[slot] - shift;
    table[slot] = pos + shift;
    if (seen < start || pos - seen > MAX_DISTANCE || !sameThree(source, seen, pos)) {
      pos++;
      continue;
    }
    const length = runLength(source, seen, pos, Math.min(end - pos, MAX_LENGTH));
    out = writeLiterals(source, literalStart, pos, target, out, targetEnd);
    if (out < 0 || out + 3 > targetEnd) return 0;
    out = writeRun(target, out, pos - seen - 1, length - 2);
    // The run's last places are worth remembering; each of them costs time and gains little.
    const runEnd = pos + length;
    for (pos = Math.max(pos + 1, runEnd - 2); pos < runEnd && pos + 2 < end; pos++) {
      table[slotOf(source, pos)] = pos + shift;
    }
    pos = literalStart = runEnd;
  }
  out = writeLiterals(source, literalStart, end, target, out, targetEnd);
  return out < 0 ? 0 : out - targetStart;
}

/** The first of `count` stamps, all larger than any in the table. */
function takeStamps(table: Int32Array, count: number): number {
  if (nextStamp + count > MAX_STAMP) {
    table.fill(0);
    nextStamp = 1;
  }
  const first = nextStamp;
  nextStamp += count;
  return first;
}

function slotOf(source: Uint8Array, pos: number): number {
  const three = (source[pos] << 16) | (source[pos + 1] << 8) | source[pos + 2];
  return Math.imul(three, 0x9e3779b1) >>> (32 - HASH_BITS);
}

function sameThree(source: Uint8Array, a: number, b: number): boolean {
  return source[a] === source[b] && source[a + 1] === source[b + 1] &&
    source[a + 2] === source[b + 2];
}

function runLength(source: Uint8Array, a: number, b: number, limit: number): number {
  let length = 3;
  while (length < limit && source[a + length] === source[b + length]) length++;
  return length;
}

/** The offset after them, or -1 when they do not fit. */
function writeLiterals(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
  targetEnd: number,
): number {
  let out = offset;
  for (let pos = start; pos < end;) {
    const count = Math.min(end - pos, MAX_LITERALS);
    if (out + count + 1 > targetEnd) return -1;
    target[out++] = count - 1;
    for (let i = 0; i < count; i++) target[out + i] = source[pos + i];
    out += count;
    pos += count;
  }
  return out;
}

function writeRun(target: Uint8Array, offset: number, distance: number, length: number): number {
  let out = offset;
  if (length < 7) {
    target[out++] = (length << 5) | (distance >> 8);
  } else {
    target[out++] = (7 << 5) | (distance >> 8);
    target[out++] = length - 7;
  }
  target[out++] = distance & 0xff;
  return out;
}

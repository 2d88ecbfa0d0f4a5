/**
 * LZF, Marc Lehmann's small compressor (`lzf_c.c`, `lzf_d.c`), in the format of compressed RDB
 * strings. Packed bytes are a sequence of literals and references, told apart by the top three bits
 * of the first byte. A reference copies bytes that have been unpacked already:
 *
 *     000nnnnn                        n + 1 literal bytes follow (1 to 32)
 *     LLLooooo oooooooo               L + 2 bytes from o + 1 bytes back (L = 1 to 6: 3 to 8 bytes)
 *     111ooooo LLLLLLLL oooooooo      L + 9 bytes from o + 1 bytes back (9 to 264 bytes)
 *
 * A reference may overlap what it writes: distance 1 and length 100 repeats one byte a hundred
 * times. The lengths of the packed and of the unpacked bytes stand outside, in the RDB.
 *
 * What is packed here is read by every LZF decoder, but is not always the same bytes as liblzf
 * packs.
 *
 * @module
 */

import { assert } from "./assert.ts";
import { Kernel, kernel } from "./kernel.ts";

/**
 * Redis compiles liblzf with 16 bits; 14 make a table of 64 KB, which stays in the processor's
 * cache.
 */
const HASH_BITS = 14;
const HASH_SIZE = 1 << HASH_BITS;
/** Most literals behind one control byte: a control byte below this number announces literals. */
const MAX_LITERALS = 32;
/** Farthest distance of a reference: 13 bits hold the distance minus one. */
const MAX_DISTANCE = 1 << 13;
/** Longest copy of one reference: 7 + 255 + 2. */
const MAX_LENGTH = 264;

/**
 * A copy of at least so many bytes uses `copyWithin`, which costs more to call than a short loop.
 */
const LONG_RUN = 48;
/**
 * Below this distance `copyWithin` would be called too often: the first call copies as many bytes as the
 * distance, each later one twice as many.
 */
const LEAST_PERIOD = 16;

/** Bytes to unpack below which a call of the kernel costs more than it saves. */
const KERNEL_MIN = 512;

const MAX_STAMP = 0x7fffffff;

/**
 * The compressor's memory, kept between calls: for each hash of three bytes where they were last
 * seen. An entry is a stamp: the offset plus a base that makes every stamp of a call larger than
 * all stamps of earlier calls. A stamp below the base is stale, so the 64 KB need not be cleared
 * for every string.
 */
let hashTable: Int32Array | undefined;
let nextStamp = 1;

/**
 * Unpacks `source[start, end)` into exactly `target[targetStart, targetEnd)`; by the kernel where
 * the bytes are many enough and fit its memory.
 *
 * @returns False when the bytes are no LZF or do not fill the target exactly. What the target then
 * holds has no meaning, but no byte outside of its range is written.
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

/**
 * {@linkcode lzfDecompress} without WebAssembly: for short strings, and for hosts that forbid it.
 */
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
      // A copy longer than its distance repeats what it has just written: each call copies twice as much.
      for (; out < runEnd; out += Math.min(out - from, runEnd - out)) {
        target.copyWithin(out, from, Math.min(out, from + runEnd - out));
      }
    } else while (out < runEnd) target[out++] = target[from++];
  }
  return out === targetEnd;
}

/**
 * Packs `source[start, end)` into `target[targetStart, targetEnd)`, which must not overlap.
 *
 * Greedy, as liblzf: at each byte the hash table names one earlier place with probably the same
 * three bytes; if it is one, the longest copy from there is written as a reference.
 *
 * @returns Bytes written; 0 when they did not fit: storing the source as it is takes less room then.
 */
export function lzfCompress(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
): number {
  assert(start <= end && end <= source.length, "the range lies inside its source");
  assert(targetEnd <= target.length, "the range lies inside its target");
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
    // Of the bytes that were copied only the last two are entered: as in liblzf, more cost time and
    // pack little better.
    const runEnd = pos + length;
    for (pos = Math.max(pos + 1, runEnd - 2); pos < runEnd && pos + 2 < end; pos++) {
      table[slotOf(source, pos)] = pos + shift;
    }
    pos = literalStart = runEnd;
  }
  out = writeLiterals(source, literalStart, end, target, out, targetEnd);
  assert(out <= targetEnd, "no byte is written behind the target's end");
  return out < 0 ? 0 : out - targetStart;
}

/** Reserves `count` stamps larger than any in the table and returns the first of them. */
function takeStamps(table: Int32Array, count: number): number {
  if (nextStamp + count > MAX_STAMP) {
    table.fill(0);
    nextStamp = 1;
  }
  const first = nextStamp;
  nextStamp += count;
  return first;
}

/** Slot of the hash table for the three bytes at `pos`. */
function slotOf(source: Uint8Array, pos: number): number {
  const three = (source[pos] << 16) | (source[pos + 1] << 8) | source[pos + 2];
  return Math.imul(three, 0x9e3779b1) >>> (32 - HASH_BITS);
}

function sameThree(source: Uint8Array, a: number, b: number): boolean {
  return source[a] === source[b] && source[a + 1] === source[b + 1] &&
    source[a + 2] === source[b + 2];
}

/** How many bytes at `a` and `b` are equal, up to `limit`; the first three are known to be. */
function runLength(source: Uint8Array, a: number, b: number, limit: number): number {
  let length = 3;
  while (length < limit && source[a + length] === source[b + length]) length++;
  return length;
}

/**
 * Writes `source[start, end)` as literals; returns the offset after them, or -1 when they do not
 * fit.
 */
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

/**
 * Writes a reference, 2 or 3 bytes, and returns the offset after it.
 *
 * @param distance Bytes back, minus one. @param length Bytes to copy, minus two.
 */
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

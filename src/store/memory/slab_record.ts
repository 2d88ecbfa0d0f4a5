/**
 * One record in a slab: made, read, copied and freed. Which key leads to a record is not known here;
 * `records.ts` keeps a table of keys over these functions, `zset_table.ts` a table and an index.
 *
 * Every function finds its record by slot and unit (see `record.ts`) anew: whatever allocates may
 * replace the arrays of a segment that grows.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { BytesRef } from "../../base/byte_buffer.ts";
import { copyBytes } from "../../base/copy.ts";
import {
  blockUnitsAt,
  type Entry,
  EXTENDED,
  HAS_EXPIRE,
  KEY_LENGTH_SHIFT,
  keyLengthAt,
  MAX_PLAIN_UNITS,
  MAX_SHORT_KEY,
  MAX_SLACK,
  MIN_UNITS,
  prefixBytes,
  SEGMENT_SHIFT,
  SLACK_SHIFT,
  UNIT_MASK,
  valueLengthAt,
} from "./record.ts";
import type { Slab } from "./slab.ts";

/**
 * Makes a record without its key and value: header and number are written, the bytes behind them are
 * undefined. No key leads to it yet.
 *
 * @param kind Type, encoding and the flags OBJECT and HAS_EXPIRE: the low bits of word 0.
 * @param length Value length in bytes, written to word 1.
 * @param room Bytes to reserve for the value, at least `length`.
 * @param number With HAS_EXPIRE: the expiry, or the score of a sorted set's member.
 * @throws {StoreFullError} When the slab is full.
 */
export function makeRecord(
  slab: Slab,
  kind: number,
  keyLength: number,
  length: number,
  room: number,
  number: number,
): Entry {
  assert(length <= room, "the value fits the room reserved for it");
  const hasNumber = (kind & HAS_EXPIRE) !== 0;
  let size = (hasNumber ? 16 : 8) + keyLength + room;
  const content = Math.max((size - room + length + 7) >>> 3, MIN_UNITS);
  const plain = keyLength <= MAX_SHORT_KEY && size <= MAX_PLAIN_UNITS * 8;
  // A block may come out one unit longer than asked for, which must fit the slack as well.
  const extended = !plain || ((size + 7) >>> 3) - content >= MAX_SLACK;
  if (extended) size += 8;
  const entry = slab.allocate((size + 7) >>> 3);
  const slot = entry >>> SEGMENT_SHIFT;
  const unit = entry & UNIT_MASK;
  const words = slab.words[slot];
  const word = unit << 1;
  words[word + 1] = length;
  let head = kind;
  if (extended) {
    head |= EXTENDED;
    words[word + 2] = keyLength;
    words[word + 3] = slab.allocatedUnits;
  } else {
    head |= (keyLength << KEY_LENGTH_SHIFT) | ((slab.allocatedUnits - content) << SLACK_SHIFT);
  }
  if (hasNumber) slab.floats[slot][floatIndex(unit, head)] = number;
  words[word] = head;
  assert(slab.allocatedUnits >= content, "the block holds header, number, key and value");
  return entry;
}

/** Makes a record with its key, as {@linkcode makeRecord}; the value bytes are undefined. */
export function makeKeyedRecord(
  slab: Slab,
  kind: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  length: number,
  room: number,
  number: number,
): Entry {
  const entry = makeRecord(slab, kind, keyEnd - keyStart, length, room, number);
  const at = keyStartOf(slab, entry);
  copyBytes(slab.bytes[entry >>> SEGMENT_SHIFT], at, keyBytes, keyStart, keyEnd);
  return entry;
}

/** Offset of the key in the record's segment. */
function keyStartOf(slab: Slab, entry: Entry): number {
  const unit = entry & UNIT_MASK;
  return (unit << 3) + prefixBytes(slab.words[entry >>> SEGMENT_SHIFT][unit << 1]);
}

/** Offset of the value in the record's segment: right behind the key. */
export function valueStartOf(slab: Slab, entry: Entry): number {
  const unit = entry & UNIT_MASK;
  const words = slab.words[entry >>> SEGMENT_SHIFT];
  return (unit << 3) + prefixBytes(words[unit << 1]) + keyLengthAt(words, unit << 1);
}

/** Points `out` at the key bytes in the slab. */
export function keyRefOf(slab: Slab, entry: Entry, out: BytesRef): void {
  const segment = slab.bytes[entry >>> SEGMENT_SHIFT];
  out.set(segment, keyStartOf(slab, entry), valueStartOf(slab, entry));
}

/** Points `out` at the value bytes in the slab; an object has none. */
export function valueRefOf(slab: Slab, entry: Entry, out: BytesRef): void {
  const slot = entry >>> SEGMENT_SHIFT;
  const unit = entry & UNIT_MASK;
  const words = slab.words[slot];
  const word = unit << 1;
  const start = (unit << 3) + prefixBytes(words[word]) + keyLengthAt(words, word);
  out.set(slab.bytes[slot], start, start + valueLengthAt(words, word));
}

/** Index, in the segment's float64 view, of the number of a record at `unit` with header word `head`. */
export function floatIndex(unit: number, head: number): number {
  return unit + 1 + ((head & EXTENDED) >>> 9);
}

/** Copies the key and the value bytes behind it, `bytes` in all, from one record to another. */
export function copyContent(slab: Slab, from: Entry, to: Entry, bytes: number): void {
  const start = keyStartOf(slab, from);
  const source = slab.bytes[from >>> SEGMENT_SHIFT];
  copyBytes(slab.bytes[to >>> SEGMENT_SHIFT], keyStartOf(slab, to), source, start, start + bytes);
}

/** Frees the block of a record that no key leads to any more. */
export function freeRecord(slab: Slab, entry: Entry): void {
  slab.free(entry, blockUnitsAt(slab.words[entry >>> SEGMENT_SHIFT], (entry & UNIT_MASK) << 1));
}

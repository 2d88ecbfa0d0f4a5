/**
 * How a record lies in memory. A record is one run of bytes in a slab, aligned to 8:
 *
 * ```
 *  word 0   bits  0-3   type (ValueType), 15 for a free block
 *           bits  4-7   encoding (Encoding)
 *           bit   8     HAS_EXPIRE: an expiry follows
 *           bit   9     EXTENDED: an extension follows
 *           bit  10     OBJECT: word 1 is an object id and there are no value bytes
 *           bits 11-15  slack: unused 8-byte units at the end of the block (0 when EXTENDED)
 *           bits 16-31  key length (0 when EXTENDED)
 *  word 1   value length in bytes, or an object id
 *  [8 bytes, EXTENDED:   word 2 key length, word 3 units of the whole block]
 *  [8 bytes, HAS_EXPIRE: absolute milliseconds as a float64, which holds every time a number can]
 *  key bytes, value bytes, slack
 * ```
 *
 * A string with encoding INT holds its value as 8 bytes, little endian, two's complement. A free block
 * keeps its length in the same place a reader looks for one, so that a segment can be walked:
 *
 * ```
 *  word 0   15, and LISTED when it is on a free list
 *  word 1   units of the block
 *  word 2, word 3   next and previous free block (only when LISTED: of 2 units or more)
 * ```
 *
 * A unit is 8 bytes. A pointer is a u32 of units: the segment's slot above, the unit within it below.
 *
 * @module
 */

/** What a value is, by Redis's own numbers (`server.h`, `OBJ_STRING` and so on). */
export const ValueType = {
  STRING: 0,
  LIST: 1,
  SET: 2,
  ZSET: 3,
  HASH: 4,
  MODULE: 5,
  STREAM: 6,
} as const;
/** One of {@linkcode ValueType}'s numbers. */
export type ValueType = typeof ValueType[keyof typeof ValueType];

/** How a value is held; ours alone, seen outside only by the names `OBJECT ENCODING` answers. */
export const Encoding = {
  RAW: 0,
  INT: 1,
  EMBSTR: 2,
  LISTPACK: 3,
  INTSET: 4,
  QUICKLIST: 5,
  HASHTABLE: 6,
  SKIPLIST: 7,
  STREAM: 8,
  LISTPACK_EX: 9,
  MODULE: 10,
} as const;
/** One of {@linkcode Encoding}'s numbers. */
export type Encoding = typeof Encoding[keyof typeof Encoding];

/** A record's place in its database: never 0, valid until the next write there. 0 is "none". */
export type Entry = number;

/** The expiry of a key that has none; Redis, too, takes -1 for that. */
export const NO_EXPIRY = -1;

/** Units (8 bytes) of a segment: 16 MB. */
export const SEGMENT_UNITS: number = 1 << 21;
/** `entry >>> SEGMENT_SHIFT` is the slot. */
export const SEGMENT_SHIFT = 21;
/** `entry & UNIT_MASK` is the unit in its segment. */
export const UNIT_MASK: number = SEGMENT_UNITS - 1;

/** Flag in word 0. */
export const HAS_EXPIRE: number = 1 << 8;
/** Flag in word 0. */
export const EXTENDED: number = 1 << 9;
/** Flag in word 0. */
export const OBJECT: number = 1 << 10;
/** Where the slack begins in word 0. */
export const SLACK_SHIFT = 11;
/** Most units of slack that fit there. */
export const MAX_SLACK = 31;
/** Where the key length begins in word 0. */
export const KEY_LENGTH_SHIFT = 16;
/** Longest key that fits there. */
export const MAX_SHORT_KEY = 0xffff;
/** Records with more units are EXTENDED, so that their block may be any length. */
export const MAX_PLAIN_UNITS = 128;
/** The smallest block, so that any free one can hold its list links. */
export const MIN_UNITS = 2;

/** Low four bits of word 0: the type. */
export const TYPE_MASK = 15;
/** "Type" of a free block. */
export const FREE = 15;
/** Flag in word 0 of a free block. */
export const LISTED: number = 1 << 8;

/** Bytes between the record's start and its key. */
export function prefixBytes(head: number): number {
  return 8 + ((head & HAS_EXPIRE) >>> 5) + ((head & EXTENDED) >>> 6);
}

/** Length in bytes of the key of the record whose header is at `word`. */
export function keyLengthAt(words: Int32Array, word: number): number {
  const head = words[word];
  return (head & EXTENDED) === 0 ? head >>> KEY_LENGTH_SHIFT : words[word + 2];
}

/** Length in bytes of the value; 0 for an object. */
export function valueLengthAt(words: Int32Array, word: number): number {
  return (words[word] & OBJECT) === 0 ? words[word + 1] : 0;
}

/** Units in use by the record at `word`: its block without the slack. */
export function contentUnitsAt(words: Int32Array, word: number): number {
  const bytes = prefixBytes(words[word]) + keyLengthAt(words, word) + valueLengthAt(words, word);
  return Math.max((bytes + 7) >>> 3, MIN_UNITS);
}

/** Units of the block at `word`, be it a record or free. */
export function blockUnitsAt(words: Int32Array, word: number): number {
  const head = words[word];
  if ((head & TYPE_MASK) === FREE) return words[word + 1];
  if ((head & EXTENDED) !== 0) return words[word + 3];
  return contentUnitsAt(words, word) + ((head >>> SLACK_SHIFT) & MAX_SLACK);
}

/** Low byte of word 0: type and encoding. */
export function kindOf(type: ValueType, encoding: Encoding): number {
  return type | (encoding << 4);
}

/** Rewrites the header of a record whose value has changed within its block; key and expiry stay. */
export function writeHeader(
  words: Int32Array,
  word: number,
  kind: number,
  length: number,
  slack: number,
): void {
  const head = words[word];
  const kept = head & (HAS_EXPIRE | EXTENDED | (-1 << KEY_LENGTH_SHIFT));
  words[word] = kind | kept | ((head & EXTENDED) === 0 ? slack << SLACK_SHIFT : 0);
  words[word + 1] = length;
}

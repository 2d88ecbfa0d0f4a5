/**
 * The layout of a record: key, value and expiry in one run of bytes in a slab, aligned to 8. One run,
 * where Redis has an entry, a key string, an object and a value string, each allocated by itself: a
 * look-up misses the cache once or twice, and a key costs 8 bytes beside its text.
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
 *  [8 bytes, HAS_EXPIRE: absolute milliseconds as a float64 (expiry.ts); in a sorted set, the score]
 *  key bytes, value bytes, slack
 * ```
 *
 * EXTENDED records are those with a key above 65,535 bytes, above 128 units in all, or with much room to
 * grow: their block may have any length. A free block tells its length in word 1, so that a segment can be
 * walked from block to block:
 *
 * ```
 *  word 0   15, and LISTED when it is on a free list
 *  word 1   units of the block
 *  word 2, word 3   next and previous block of the list (only when LISTED: of 2 units or more)
 * ```
 *
 * A unit is 8 bytes. A pointer to a record, its entry, is a u32: the segment's slot in the upper 11 bits,
 * the unit within the segment in the lower 21.
 *
 * @module
 */

/** Types of values by Redis's own numbers (`server.h`, `OBJ_STRING` to `OBJ_STREAM`). */
export const ValueType = {
  STRING: 0,
  LIST: 1,
  SET: 2,
  ZSET: 3,
  HASH: 4,
  MODULE: 5,
  STREAM: 6,
} as const;
/** One number of {@linkcode ValueType}, which fits 4 bits. */
export type ValueType = typeof ValueType[keyof typeof ValueType];

/** Name of a type as TYPE replies with it; "module" stands in for the name that a module gives its type. */
export type ValueTypeName = "string" | "list" | "set" | "zset" | "hash" | "module" | "stream";
/** The name of each type, indexed by {@linkcode ValueType}. */
export const TYPE_NAMES: readonly ValueTypeName[] = [
  "string",
  "list",
  "set",
  "zset",
  "hash",
  "module",
  "stream",
];

/** Encodings of values. The numbers are ours: clients see the names that OBJECT ENCODING answers. */
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
/** One number of {@linkcode Encoding}, which fits 4 bits. */
export type Encoding = typeof Encoding[keyof typeof Encoding];

/** Pointer to a record, a u32, valid until the next write to the same records. 0 stands for none. */
export type Entry = number;

/** Stands for the expiry of a key that never expires, as -1 does in Redis. */
export const NO_EXPIRY: number = -1;

/**
 * The longest value in bytes, 2 GB but for the room of key and header: word 1 holds 31 bits. It bounds what a
 * master may send; clients of a server are held to `proto-max-bulk-len`, 512 MB.
 */
export const MAX_VALUE_BYTES: number = 0x7fffffff - (1 << 20);

/** Units of a full segment: 2^21 of 8 bytes, 16 MB. */
export const SEGMENT_UNITS: number = 1 << 21;
/** The slot of an entry is `entry >>> SEGMENT_SHIFT`. */
export const SEGMENT_SHIFT = 21;
/** The unit of an entry in its segment is `entry & UNIT_MASK`. */
export const UNIT_MASK: number = SEGMENT_UNITS - 1;

/** Flag in word 0: 8 bytes before the key hold an expiry, or a score. */
export const HAS_EXPIRE: number = 1 << 8;
/** Flag in word 0: words 2 and 3 hold the key length and the units of the block. */
export const EXTENDED: number = 1 << 9;
/** Flag in word 0: the value is an object, and word 1 is its id. */
export const OBJECT: number = 1 << 10;
/** The slack of a record begins at bit 11 of word 0. */
export const SLACK_SHIFT = 11;
/** The most units of slack that the 5 bits hold. */
export const MAX_SLACK = 31;
/** The key length begins at bit 16 of word 0. */
export const KEY_LENGTH_SHIFT = 16;
/** The longest key, in bytes, whose length the 16 bits hold. */
export const MAX_SHORT_KEY = 0xffff;
/** Records with more than this many units (1 KB) are EXTENDED, so that their block may have any length. */
export const MAX_PLAIN_UNITS = 128;
/** Units of the smallest block, 16 bytes: any free one can hold its list links. */
export const MIN_UNITS = 2;

/** The low 4 bits of word 0 are the type. */
export const TYPE_MASK = 15;
/** The type of a block that is free: no `ValueType` has this number. */
export const FREE = 15;
/** Flag in word 0 of a free block: it is on a free list. */
export const LISTED: number = 1 << 8;

/** Bytes before the key of a record with header word `head`: 8, 16 or 24. */
export function prefixBytes(head: number): number {
  return 8 + ((head & HAS_EXPIRE) >>> 5) + ((head & EXTENDED) >>> 6);
}

/** Bytes of the key of the record whose header is at index `word`. */
export function keyLengthAt(words: Int32Array, word: number): number {
  const head = words[word];
  return (head & EXTENDED) === 0 ? head >>> KEY_LENGTH_SHIFT : words[word + 2];
}

/** Bytes of the value of the record at `word`; 0 for an object. */
export function valueLengthAt(words: Int32Array, word: number): number {
  return (words[word] & OBJECT) === 0 ? words[word + 1] : 0;
}

/** Units of the record at `word` without its slack. */
export function contentUnitsAt(words: Int32Array, word: number): number {
  const bytes = prefixBytes(words[word]) + keyLengthAt(words, word) + valueLengthAt(words, word);
  return Math.max((bytes + 7) >>> 3, MIN_UNITS);
}

/** Units of the block at `word`, a record with its slack or a free block. */
export function blockUnitsAt(words: Int32Array, word: number): number {
  const head = words[word];
  if ((head & TYPE_MASK) === FREE) return words[word + 1];
  if ((head & EXTENDED) !== 0) return words[word + 3];
  return contentUnitsAt(words, word) + ((head >>> SLACK_SHIFT) & MAX_SLACK);
}

/** The low byte of word 0, made of type and encoding. */
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

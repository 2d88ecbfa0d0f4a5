/**
 * String values: `OBJ_STRING` of Redis. As there, text that is an int64 is held as a number, short text is
 * "embstr", longer text and text changed in place is "raw".
 *
 * ```
 *  INT            8 bytes, little endian, two's complement; formatted anew whenever it is read
 *  EMBSTR, RAW    the text
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import { Encoding, type Entry, ValueType } from "../memory/record.ts";
import type { Records } from "../memory/records.ts";
import {
  decodeBigInt64,
  decodeInteger64,
  encodeInteger64,
  formatInteger64,
  integer64Length,
  integer64Result,
  MAX_INTEGER_TEXT,
  parseInteger64,
} from "../packed/integer.ts";

/**
 * The longest text that some server embeds, in bytes: Valkey 9 beside a short key. Whether the master's does, OBJECT
 * ENCODING asks its version.
 */
export const MAX_EMBSTR = 112;
/** Redis's `SDS_MAX_PREALLOC`: up to this many bytes a growing string doubles. */
const DOUBLE_UNTIL = 1024 * 1024;
/** Redis's `proto-max-bulk-len`, which few strings pass: no room is kept beyond. */
const MAX_STRING = 512 * 1024 * 1024;

/** A new string up to this length is made of these zeros in one step. */
const ZEROS: Uint8Array = new Uint8Array(1024);
/** Bytes up to which a loop is quicker than a call of the runtime. */
const MAX_LOOP = 32;
/** The text of the integer that was read last. */
const integerText: Uint8Array = new Uint8Array(MAX_INTEGER_TEXT);
const text: BytesRef = new BytesRef();
const value: BytesRef = new BytesRef();

/** Points `out` at a string's text; that of an integer is valid until the next call, for any database. */
export function readString(db: Records, entry: Entry, out: BytesRef): void {
  db.valueRef(entry, out);
  if (db.encodingOf(entry) !== Encoding.INT) return;
  out.set(integerText, 0, formatInteger64(out.bytes, out.start, integerText, 0));
}

/** Length in bytes of a string's text. */
export function stringLength(db: Records, entry: Entry): number {
  db.valueRef(entry, value);
  if (db.encodingOf(entry) !== Encoding.INT) return value.end - value.start;
  return integer64Length(value.bytes, value.start);
}

/** The number that a string of encoding INT holds; NaN when it lies beyond +-2^53. */
export function integerNumber(db: Records, entry: Entry): number {
  integerRef(db, entry);
  return decodeInteger64(value.bytes, value.start);
}

/** The number that a string of encoding INT holds. */
export function integerBig(db: Records, entry: Entry): bigint {
  integerRef(db, entry);
  return decodeBigInt64(value.bytes, value.start);
}

/** Sets a key to a string in the encoding Redis would choose (`tryObjectEncoding`), whatever it held. */
export function setString(
  db: Records,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expireAtMs: number,
): Entry {
  const { STRING } = ValueType;
  const length = end - start;
  if (length <= MAX_INTEGER_TEXT && parseInteger64(bytes, start, end)) {
    const { INT } = Encoding;
    return db.setBlob(keyBytes, keyStart, keyEnd, STRING, INT, integer64Result, 0, 8, expireAtMs);
  }
  const encoding = length <= MAX_EMBSTR ? Encoding.EMBSTR : Encoding.RAW;
  return db.setBlob(keyBytes, keyStart, keyEnd, STRING, encoding, bytes, start, end, expireAtMs);
}

/** Sets a key to a string held as an integer, whatever it held; `number` is any int64. */
export function setInteger(
  db: Records,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  number: number | bigint,
  expireAtMs: number,
): Entry {
  encodeInteger64(number);
  const { INT } = Encoding;
  const type = ValueType.STRING;
  return db.setBlob(keyBytes, keyStart, keyEnd, type, INT, integer64Result, 0, 8, expireAtMs);
}

/** Changes the number of a string held as an integer in place: the entry stays valid. */
export function storeInteger(db: Records, entry: Entry, number: number | bigint): void {
  integerRef(db, entry);
  encodeInteger64(number);
  for (let i = 0; i < 8; i++) value.bytes[value.start + i] = integer64Result[i];
  db.changes++;
}

/**
 * Makes a key's string at least `minLength` bytes long and RAW, so that its text may be written in place
 * through `valueRef`: for APPEND, SETRANGE, SETBIT. Missing bytes are zero, a missing key is made, the
 * expiry stays. Growing byte by byte costs amortised constant time.
 *
 * @returns The key's entry.
 */
export function growString(
  db: Records,
  keyBytes: Uint8Array,
  keyStart: number,
  keyEnd: number,
  minLength: number,
): Entry {
  const { STRING } = ValueType;
  const { RAW } = Encoding;
  let entry = db.find(keyBytes, keyStart, keyEnd);
  if (entry === 0) {
    const known = Math.min(minLength, ZEROS.length);
    const spare = minLength - known;
    entry = db.createBlob(keyBytes, keyStart, keyEnd, STRING, RAW, ZEROS, known, spare);
  } else if (db.encodingOf(entry) === Encoding.INT) {
    readString(db, entry, text);
    const spare = Math.max(minLength - text.end, 0);
    entry = db.replaceBlob(entry, RAW, text.bytes, text.start, text.end, spare);
  }
  assert(db.typeOf(entry) === STRING, "only a string grows");
  db.valueRef(entry, value);
  const length = value.end - value.start;
  const wanted = Math.max(length, minLength);
  const grown = db.resizeBlob(entry, RAW, wanted, reserveFor(wanted) - wanted);
  if (grown !== entry) db.valueRef(grown, value);
  zero(value.bytes, value.start + length, value.start + wanted);
  return grown;
}

/** Zeros a few bytes in a loop: a call of `fill` takes longer than that up to some 32 (Deno, 25 ns). */
function zero(bytes: Uint8Array, start: number, end: number): void {
  if (end - start > MAX_LOOP) bytes.fill(0, start, end);
  else for (let i = start; i < end; i++) bytes[i] = 0;
}

/** Points `value` at the 8 bytes of a string held as an integer. */
function integerRef(db: Records, entry: Entry): void {
  assert(db.encodingOf(entry) === Encoding.INT, "the string is held as an integer");
  db.valueRef(entry, value);
}

/**
 * Bytes to reserve for a string that outgrew its block and now needs `length`: twice as much while it
 * is short, a quarter more (at least 1 MB) when long, as `sdsMakeRoomFor` does up to its limit.
 */
function reserveFor(length: number): number {
  const more = length < DOUBLE_UNTIL ? length : Math.max(DOUBLE_UNTIL, Math.floor(length / 4));
  return Math.max(length, Math.min(length + more, MAX_STRING));
}

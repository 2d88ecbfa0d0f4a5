/**
 * From replies and requests to bytes, in the protocol that the client speaks. Only RESP3 tells
 * maps, sets, pushes, booleans and doubles apart; in RESP2 each has the shape that Redis gives it:
 *
 * ```text
 *             RESP2                         RESP3
 *   map       array of keys and values      %
 *   set       array                         ~
 *   push      array                         >
 *   double    bulk string of its text       ,
 *   boolean   :1 or :0                      #t or #f
 *   verbatim  bulk string without format    =
 *   null      $-1, of many *-1              _
 *   attribute nothing                       |
 * ```
 *
 * @module
 */

import { DOUBLE_BYTES, encodeUtf8, writeDouble, writeInteger } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import type { ByteBuffer } from "../base/byte_buffer.ts";
import type { AggregateKind, ReplyTarget } from "./reply_target.ts";
import { TypeByte } from "./types.ts";

// Literals here as in command_parser.ts, for speed.
const CR = 13;
const LF = 10;
const SPACE = 32;
/** Longest header in bytes: type byte, sign, twenty digits, CR LF. */
const MAX_HEADER = 24;
const MAX_SAFE = Number.MAX_SAFE_INTEGER;

/** The text of the double that is being written. */
const number: Uint8Array = new Uint8Array(DOUBLE_BYTES);

const NULL_BULK = latin1Bytes("$-1\r\n");
const NULL_ARRAY = latin1Bytes("*-1\r\n");
const NULL_3 = latin1Bytes("_\r\n");
const OK = latin1Bytes("+OK\r\n");
const QUEUED = latin1Bytes("+QUEUED\r\n");
const PONG = latin1Bytes("+PONG\r\n");

/**
 * Appends replies to a buffer. An aggregate is a header and then its elements, each by a call of its
 * own: whoever writes a header owes as many elements.
 */
export class ReplyWriter implements ReplyTarget {
  /** The buffer that replies are appended to; may be set to another between two replies. */
  out: ByteBuffer;
  /** The version of RESP that the client speaks; `HELLO` changes it. */
  protocol: 2 | 3 = 2;
  /** Whether replies are dropped: a master's stream gets none, `CLIENT REPLY OFF` wants none. */
  silent: boolean = false;

  /** Makes a writer of RESP2 replies that appends to `out`. */
  constructor(out: ByteBuffer) {
    this.out = out;
  }

  /** Writes `+OK`. */
  ok(): void {
    if (!this.silent) this.out.writeBytes(OK);
  }

  /** Writes `+QUEUED`. */
  queued(): void {
    if (!this.silent) this.out.writeBytes(QUEUED);
  }

  /** Writes `+PONG`. */
  pong(): void {
    if (!this.silent) this.out.writeBytes(PONG);
  }

  /**
   * Writes a status line. Text of code points below 256 is written as a byte each, any other as
   * UTF-8; line ends become spaces, since they would end the line.
   */
  simple(text: string): void {
    if (!this.silent) this.#line(TypeByte.SIMPLE, text);
  }

  /**
   * Writes an error line, its code first ("ERR no such key"). Text is written as by
   * {@linkcode ReplyWriter.simple}, but line ends at its end are dropped.
   */
  error(text: string): void {
    if (!this.silent) this.#line(TypeByte.ERROR, withoutLastLineEnds(text));
  }

  /** Writes a whole number: a bigint of any size, or a double within +-2^53. */
  integer(value: number | bigint): void {
    if (this.silent) return;
    if (typeof value === "bigint") return this.#line(TypeByte.INTEGER, String(value));
    assert(value <= MAX_SAFE && value >= -MAX_SAFE, "an integer reply is exact");
    writeHeader(this.out, TypeByte.INTEGER, value);
  }

  /** Writes bytes `[start, end)` as a bulk string. */
  bulk(bytes: Uint8Array, start: number = 0, end: number = bytes.length): void {
    if (!this.silent) writeBulk(this.out, bytes, start, end);
  }

  /** Begins a bulk string of `length` bytes, which follow in parts. */
  beginBulk(length: number): void {
    if (!this.silent) writeHeader(this.out, TypeByte.BULK, length);
  }

  /** Writes a part of the bulk string that was begun; with `isLast` it ends there. */
  bulkPart(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    if (this.silent) return;
    this.out.writeBytes(bytes, start, end);
    if (isLast) writeLineEnd(this.out);
  }

  /** Writes text as a bulk string, in UTF-8. */
  bulkText(text: string): void {
    if (!this.silent) writeBulkText(this.out, text);
  }

  bulks(bytes: Uint8Array, start: number, end: number): void {
    if (!this.silent) this.out.writeBytes(bytes, start, end);
  }

  /** Writes a reply that is RESP already, in the protocol of this client. */
  raw(bytes: Uint8Array): void {
    if (!this.silent) this.out.writeBytes(bytes);
  }

  /** Writes null where one value was asked for. */
  null(): void {
    if (!this.silent) this.out.writeBytes(this.protocol === 3 ? NULL_3 : NULL_BULK);
  }

  /** Writes null where many values were asked for: in RESP2 an array of length -1. */
  nullArray(): void {
    if (!this.silent) this.out.writeBytes(this.protocol === 3 ? NULL_3 : NULL_ARRAY);
  }

  /** Writes the header of an array of `count` elements. */
  array(count: number): void {
    if (!this.silent) writeHeader(this.out, TypeByte.ARRAY, count);
  }

  /** Writes the header of a map of `count` pairs, which follow as key, value, key, value. */
  map(count: number): void {
    if (!this.silent) this.#aggregate("map", count);
  }

  /** Writes the header of a set of `count` elements, which all differ. */
  set(count: number): void {
    if (!this.silent) this.#aggregate("set", count);
  }

  /** Writes the header of a push of `count` elements, the kind of message first. */
  push(count: number): void {
    if (!this.silent) this.#aggregate("push", count);
  }

  /**
   * Writes the header of `count` pairs that describe the reply behind them.
   *
   * @returns False in RESP2, which has no attributes: then write no pairs.
   */
  attribute(count: number): boolean {
    if (this.protocol === 2) return false;
    if (!this.silent) writeHeader(this.out, TypeByte.ATTRIBUTE, count);
    return true;
  }

  /** Writes a floating point number in the shortest text that reads back as the same. */
  double(value: number, text?: string): void {
    if (this.silent) return;
    if (text !== undefined && this.protocol === 3) return this.#line(TypeByte.DOUBLE, text);
    if (text !== undefined) return this.bulkText(text);
    const length = writeDouble(number, 0, value);
    if (this.protocol === 2) return writeBulk(this.out, number, 0, length);
    this.out.writeByte(TypeByte.DOUBLE);
    this.out.writeBytes(number, 0, length);
    writeLineEnd(this.out);
  }

  /** Writes a boolean, in RESP2 as 1 or 0. */
  boolean(value: boolean): void {
    if (this.silent) return;
    if (this.protocol === 3) this.#line(TypeByte.BOOLEAN, value ? "t" : "f");
    else writeHeader(this.out, TypeByte.INTEGER, value ? 1 : 0);
  }

  /** Writes a whole number of any size, given as its decimal text. */
  bigNumber(text: string): void {
    if (this.silent) return;
    if (this.protocol === 3) this.#line(TypeByte.BIG_NUMBER, text);
    else writeBulkText(this.out, text);
  }

  /** Writes text together with its format, three letters: "txt", "mkd". */
  verbatim(format: string, text: string): void {
    if (this.silent) return;
    assert(format.length === 3, "a verbatim format has three letters");
    if (this.protocol === 2) return writeBulkText(this.out, text);
    const bytes = encodeUtf8(text);
    writeHeader(this.out, TypeByte.VERBATIM, bytes.length + 4);
    this.out.writeLatin1(format + ":");
    this.out.writeBytes(bytes);
    writeLineEnd(this.out);
  }

  /**
   * Begins an aggregate whose count is not known yet.
   *
   * @returns A mark for {@linkcode ReplyWriter.endDeferred}; until then `out` must stay the same
   *   buffer and keep what it holds.
   */
  beginDeferred(): number {
    return this.out.length;
  }

  /**
   * Writes the header of a deferred aggregate before its elements, which moves their bytes once.
   *
   * @param mark What `beginDeferred` answered.
   * @param count Elements that were written since, pairs of a map.
   */
  endDeferred(mark: number, kind: AggregateKind, count: number): void {
    if (this.silent) return;
    const out = this.out;
    const bodyEnd = out.length;
    assert(mark <= bodyEnd, "the mark lies in what was written");
    this.#aggregate(kind, count);
    const headerLength = out.length - bodyEnd;
    const header = out.bytes.slice(bodyEnd, out.length);
    out.bytes.copyWithin(mark + headerLength, mark, bodyEnd);
    out.bytes.set(header, mark);
  }

  get position(): number {
    return this.out.length;
  }

  rewind(position: number): void {
    assert(position <= this.out.length, "a handler only appends to its reply");
    this.out.length = position;
  }

  #aggregate(kind: AggregateKind, count: number): void {
    if (this.protocol === 3) return writeHeader(this.out, AGGREGATE_BYTE[kind], count);
    writeHeader(this.out, TypeByte.ARRAY, kind === "map" ? count * 2 : count);
  }

  #line(type: number, text: string): void {
    const out = this.out;
    for (let i = 0; i < text.length; i++) {
      if (text.charCodeAt(i) > 0xff) return this.#wideLine(type, text);
    }
    out.reserve(text.length + 3);
    const bytes = out.bytes;
    let pos = out.length;
    bytes[pos++] = type;
    for (let i = 0; i < text.length; i++) bytes[pos++] = inLine(text.charCodeAt(i));
    bytes[pos++] = CR;
    bytes[pos++] = LF;
    out.length = pos;
  }

  #wideLine(type: number, text: string): void {
    const out = this.out;
    out.writeByte(type);
    for (const byte of encodeUtf8(text)) out.writeByte(inLine(byte));
    writeLineEnd(out);
  }
}

const AGGREGATE_BYTE: Record<AggregateKind, number> = {
  array: TypeByte.ARRAY,
  map: TypeByte.MAP,
  push: TypeByte.PUSH,
  set: TypeByte.SET,
};

/** Appends a request: an array of bulk strings. Strings are written as UTF-8. */
export function writeCommand(
  out: ByteBuffer,
  ...args: readonly (string | Uint8Array)[]
): void {
  writeHeader(out, TypeByte.ARRAY, args.length);
  for (const arg of args) {
    if (typeof arg === "string") writeBulkText(out, arg);
    else writeBulk(out, arg, 0, arg.length);
  }
}

/** Appends a type byte, a whole number and a line end. */
export function writeHeader(out: ByteBuffer, type: number, value: number): void {
  out.reserve(MAX_HEADER);
  const bytes = out.bytes;
  let pos = out.length;
  bytes[pos++] = type;
  if (value >= 0 && value <= 9) bytes[pos++] = 48 + value;
  else pos = writeInteger(bytes, pos, value);
  bytes[pos++] = CR;
  bytes[pos++] = LF;
  out.length = pos;
}

/** Appends bytes `[start, end)` as a bulk string. */
export function writeBulk(out: ByteBuffer, bytes: Uint8Array, start: number, end: number): void {
  out.reserve(end - start + MAX_HEADER + 2);
  writeHeader(out, TypeByte.BULK, end - start);
  out.writeBytes(bytes, start, end);
  writeLineEnd(out);
}

/** Appends a string as a UTF-8 bulk string. */
export function writeBulkText(out: ByteBuffer, text: string): void {
  if (!isAscii(text)) {
    const bytes = encodeUtf8(text);
    return writeBulk(out, bytes, 0, bytes.length);
  }
  writeHeader(out, TypeByte.BULK, text.length);
  out.writeLatin1(text);
  writeLineEnd(out);
}

function writeLineEnd(out: ByteBuffer): void {
  out.reserve(2);
  out.bytes[out.length] = CR;
  out.bytes[out.length + 1] = LF;
  out.length += 2;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

/** The byte to write for one inside a line: a space for a line end, which would end it. */
function inLine(byte: number): number {
  return byte === CR || byte === LF ? SPACE : byte;
}

/** Drops line ends at the end: an error may end in a client's argument, which may end in some. */
export function withoutLastLineEnds(text: string): string {
  let end = text.length;
  while (end > 0 && inLine(text.charCodeAt(end - 1)) !== text.charCodeAt(end - 1)) end--;
  return text.slice(0, end);
}

function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

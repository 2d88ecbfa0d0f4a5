/**
 * Replies and requests into bytes, in the protocol the client speaks.
 *
 * @module
 */

import { encodeUtf8, formatDouble, writeInteger } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import type { ByteBuffer } from "../base/byte_buffer.ts";
import { TypeByte } from "./types.ts";

const CR = 13;
const LF = 10;
const SPACE = 32;
/** Type byte, sign, twenty digits, CR LF. */
const MAX_HEADER = 24;
const MAX_SAFE = Number.MAX_SAFE_INTEGER;

const NULL_BULK = latin1Bytes("$-1\r\n");
const NULL_ARRAY = latin1Bytes("*-1\r\n");
const NULL_3 = latin1Bytes("_\r\n");
const OK = latin1Bytes("+OK\r\n");
const QUEUED = latin1Bytes("+QUEUED\r\n");
const PONG = latin1Bytes("+PONG\r\n");

/** What a deferred header may count. */
export type AggregateKind = "array" | "set" | "map" | "push";

/**
 * Writes replies at the end of a buffer. What only RESP3 knows takes the shape that Redis gives it
 * in RESP2. An aggregate's elements are written after its header, by the same calls.
 */
export class ReplyWriter {
  /** Where replies go; set it anew when the buffer changes hands. */
  out: ByteBuffer;
  /** What the client speaks. */
  protocol: 2 | 3 = 2;
  /** Drops everything: the master's stream has no replies, `CLIENT REPLY OFF` wants none. */
  silent: boolean = false;

  /** @param out Where replies go. */
  constructor(out: ByteBuffer) {
    this.out = out;
  }

  /** `+OK`. */
  ok(): void {
    if (!this.silent) this.out.writeBytes(OK);
  }

  /** `+QUEUED`. */
  queued(): void {
    if (!this.silent) this.out.writeBytes(QUEUED);
  }

  /** `+PONG`. */
  pong(): void {
    if (!this.silent) this.out.writeBytes(PONG);
  }

  /** A status line. Code points below 256 are a byte each; line ends become spaces. */
  simple(text: string): void {
    if (!this.silent) this.#line(TypeByte.SIMPLE, text);
  }

  /**
   * An error line, code first: "ERR no such key". Bytes as in {@linkcode ReplyWriter.simple}, but
   * that line ends at the end of it are dropped.
   */
  error(text: string): void {
    if (!this.silent) this.#line(TypeByte.ERROR, withoutLastLineEnds(text));
  }

  /** A whole number; a double must be one within +-2^53. */
  integer(value: number | bigint): void {
    if (this.silent) return;
    if (typeof value === "bigint") return this.#line(TypeByte.INTEGER, String(value));
    assert(value <= MAX_SAFE && value >= -MAX_SAFE, "an integer reply is exact");
    writeHeader(this.out, TypeByte.INTEGER, value);
  }

  /** Bytes `[start, end)`. */
  bulk(bytes: Uint8Array, start: number = 0, end: number = bytes.length): void {
    if (!this.silent) writeBulk(this.out, bytes, start, end);
  }

  /** A string as UTF-8. */
  bulkText(text: string): void {
    if (!this.silent) writeBulkText(this.out, text);
  }

  /** Nothing, where a single value was asked for. */
  null(): void {
    if (!this.silent) this.out.writeBytes(this.protocol === 3 ? NULL_3 : NULL_BULK);
  }

  /** Nothing, where many were asked for. */
  nullArray(): void {
    if (!this.silent) this.out.writeBytes(this.protocol === 3 ? NULL_3 : NULL_ARRAY);
  }

  /** Header of `count` elements in order. */
  array(count: number): void {
    if (!this.silent) writeHeader(this.out, TypeByte.ARRAY, count);
  }

  /** Header of `count` pairs, written key, value, key, value. */
  map(count: number): void {
    if (!this.silent) this.#aggregate("map", count);
  }

  /** Header of `count` distinct elements. */
  set(count: number): void {
    if (!this.silent) this.#aggregate("set", count);
  }

  /** Header of a message of `count` elements that answers nothing. */
  push(count: number): void {
    if (!this.silent) this.#aggregate("push", count);
  }

  /**
   * Header of `count` pairs about the reply that follows.
   *
   * @returns False in RESP2, which has no such thing: then write no pairs.
   */
  attribute(count: number): boolean {
    if (this.protocol === 2) return false;
    if (!this.silent) writeHeader(this.out, TypeByte.ATTRIBUTE, count);
    return true;
  }

  /** A floating point number. */
  double(value: number): void {
    if (this.silent) return;
    const text = formatDouble(value);
    if (this.protocol === 3) this.#line(TypeByte.DOUBLE, text);
    else writeBulkText(this.out, text);
  }

  /** True or false; 1 or 0 in RESP2. */
  boolean(value: boolean): void {
    if (this.silent) return;
    if (this.protocol === 3) this.#line(TypeByte.BOOLEAN, value ? "t" : "f");
    else writeHeader(this.out, TypeByte.INTEGER, value ? 1 : 0);
  }

  /** A whole number of any size, in decimal. */
  bigNumber(text: string): void {
    if (this.silent) return;
    if (this.protocol === 3) this.#line(TypeByte.BIG_NUMBER, text);
    else writeBulkText(this.out, text);
  }

  /** Text with its format ("txt", "mkd"). */
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
   * Begins an aggregate whose count is not known yet. `out` must stay the same buffer, and keep
   * what it holds, until {@linkcode ReplyWriter.endDeferred}.
   */
  beginDeferred(): number {
    return this.out.length;
  }

  /** Puts the header before what was written since `mark`. Costs one move of those bytes. */
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

/** Appends a request: an array of bulk strings. Strings are taken as UTF-8. */
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

/** Appends a type byte, a whole number and the end of the line. */
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

/** A line end inside a line would end it: Redis writes a space there. */
function inLine(byte: number): number {
  return byte === CR || byte === LF ? SPACE : byte;
}

/** An error may end in an argument, which may end in line ends. */
function withoutLastLineEnds(text: string): string {
  let end = text.length;
  while (end > 0 && inLine(text.charCodeAt(end - 1)) !== text.charCodeAt(end - 1)) end--;
  return text.slice(0, end);
}

function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

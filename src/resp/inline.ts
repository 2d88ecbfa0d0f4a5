/**
 * Inline commands: a line of words, as a person at telnet or a health check sends it, by the
 * quoting rules of Redis's `sds.c sdssplitargs`.
 *
 * ```text
 * SET key "a\x00b\n"      double quotes: \n \r \t \b \a \xHH, any other \c is c
 * SET key 'it\'s'         single quotes: only \' is special
 * ```
 *
 * Quotes may begin inside a word (`ab"cd"`), but a closing quote ends the word: a space or the end
 * of the line must follow it.
 *
 * @module
 */

import type { ByteBuffer } from "../base/byte_buffer.ts";
import type { Argv } from "./argv.ts";

const SPACE = 0x20;
const TAB = 0x09;
const CR = 0x0d;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;
const LOWER_X = 0x78;

/**
 * Splits `[start, end)` of `bytes` into words. They are written one after another to `out`, since
 * quotes and escapes make them shorter than the line, and pushed to `argv` as offsets into it.
 *
 * @returns False when quotes are unbalanced.
 */
export function splitInline(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: ByteBuffer,
  argv: Argv,
): boolean {
  let pos = start;
  for (;;) {
    while (pos < end && isSpace(bytes[pos])) pos++;
    if (pos === end) return true;
    const wordStart = out.length;
    while (pos < end && !isSpace(bytes[pos])) {
      if (bytes[pos] === DOUBLE_QUOTE) pos = readDoubleQuoted(bytes, pos + 1, end, out);
      else if (bytes[pos] === SINGLE_QUOTE) pos = readSingleQuoted(bytes, pos + 1, end, out);
      else out.writeByte(bytes[pos++]);
      if (pos < 0) return false;
    }
    argv.push(wordStart, out.length);
  }
}

/**
 * Reads up to the closing quote: the offset after it, -1 when there is none or the word goes on.
 */
function readDoubleQuoted(bytes: Uint8Array, start: number, end: number, out: ByteBuffer): number {
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos];
    if (byte === DOUBLE_QUOTE) return afterQuote(bytes, pos + 1, end);
    if (byte !== BACKSLASH || pos + 1 === end) {
      out.writeByte(byte);
      continue;
    }
    const escaped = bytes[++pos];
    const high = escaped === LOWER_X && pos + 2 < end ? hexDigit(bytes[pos + 1]) : -1;
    const low = high >= 0 ? hexDigit(bytes[pos + 2]) : -1;
    if (low >= 0) {
      out.writeByte(high * 16 + low);
      pos += 2;
    } else {
      out.writeByte(unescape(escaped));
    }
  }
  return -1;
}

/** As {@linkcode readDoubleQuoted}, for single quotes, in which only `\'` is an escape. */
function readSingleQuoted(bytes: Uint8Array, start: number, end: number, out: ByteBuffer): number {
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos];
    if (byte === SINGLE_QUOTE) return afterQuote(bytes, pos + 1, end);
    const escapes = byte === BACKSLASH && pos + 1 < end && bytes[pos + 1] === SINGLE_QUOTE;
    out.writeByte(escapes ? bytes[++pos] : byte);
  }
  return -1;
}

function afterQuote(bytes: Uint8Array, pos: number, end: number): number {
  return pos === end || isSpace(bytes[pos]) ? pos : -1;
}

/** C's `isspace` in the C locale: space, and 9 to 13. */
function isSpace(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= CR);
}

/** The byte that an escape's letter stands for; any other byte stands for itself. */
function unescape(byte: number): number {
  switch (byte) {
    case 0x6e:
      return 10;
    case 0x72:
      return 13;
    case 0x74:
      return 9;
    case 0x62:
      return 8;
    case 0x61:
      return 7;
    default:
      return byte;
  }
}

/** The value of a hexadecimal digit, -1 for any other byte. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

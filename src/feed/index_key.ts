/**
 * The bytes by which an index is sorted: fields of any type, one after the other, so that `memcmp` of two keys is the
 * order of what they stand for.
 *
 * ```text
 *  key        field | field | ...
 *  missing    01
 *  boolean    02 00, 02 01
 *  number     03, float64 big-endian with its sign turned so that bytes are in order
 *  ... text   03, float64, 05, text, 00      a hash's "1.50": in its place among numbers, and not the same as "1.5"
 *  text       04, text, 00                   a zero byte in the text is 00 FF
 * ```
 *
 * Nothing begins with FF: a key and FF is behind all that begin with the key. Numbers come before texts, what is
 * missing before both.
 *
 * @module
 */

import { encodeUtf8, latin1 } from "../base/ascii.ts";
import type { ByteBuffer, BytesRef } from "../base/byte_buffer.ts";

/** Kind of a field in a key: the byte that it begins with. */
export const Tag = { MISSING: 1, BOOLEAN: 2, NUMBER: 3, TEXT: 4, SPELLED: 5 } as const;

/** Behind every key that begins with another one. */
export const BEHIND = 0xff;

/**
 * How a field is ordered. `number`: what is no number counts as missing. `string`: as bytes. `auto`: as a number what is
 * spelled as one, everything else as bytes.
 */
export type FieldType = "auto" | "number" | "string";

/** Plain decimals: no sign but minus, no exponent, no leading zeros, which are part of a code. */
const DECIMAL = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;
/** What `number` takes besides: an exponent, a plus, leading zeros, infinity. */
const NUMBER = /^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[iI]nf(?:inity)?)$/;
/** Longer texts are no numbers to `auto`. */
const MAX_DECIMAL = 40;
/** Digits that make an integer exactly, in every case. */
const EXACT_DIGITS = 15;
const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const TWO_32 = 2 ** 32;

/** Bytes of a key that make its lead: as many as a float64 holds exactly. */
export const LEAD_BYTES = 7;

const numberBytes = new Uint8Array(8);
const numberView = new DataView(numberBytes.buffer);

/** Appends a field that is missing. */
export function writeMissing(out: ByteBuffer): void {
  out.writeByte(Tag.MISSING);
}

/** Appends a number; a NaN is missing. */
export function writeNumber(out: ByteBuffer, value: number): void {
  if (Number.isNaN(value)) return writeMissing(out);
  out.writeByte(Tag.NUMBER);
  // -0 is 0.
  numberView.setFloat64(0, value + 0);
  if (numberBytes[0] < 0x80) numberBytes[0] |= 0x80;
  else for (let i = 0; i < 8; i++) numberBytes[i] ^= 0xff;
  out.writeBytes(numberBytes);
}

/** Appends a boolean: false comes before true. */
export function writeBoolean(out: ByteBuffer, value: boolean): void {
  out.writeByte(Tag.BOOLEAN);
  out.writeByte(value ? 1 : 0);
}

/** Appends an integer, exactly: one that no number holds is spelled beside the nearest number. */
export function writeBigInt(out: ByteBuffer, value: bigint): void {
  writeNumber(out, Number(value));
  if (BigInt.asIntN(54, value) === value) return;
  const digits = encodeUtf8(String(value));
  out.writeByte(Tag.SPELLED);
  writeEscaped(out, digits, 0, digits.length);
}

/** Appends a text, by its bytes. */
export function writeText(out: ByteBuffer, bytes: Uint8Array, start: number, end: number): void {
  out.writeByte(Tag.TEXT);
  writeEscaped(out, bytes, start, end);
}

/** Appends bytes as a field of this type: the text of a hash's field, or of what it is compared with. */
export function writeField(
  out: ByteBuffer,
  type: FieldType,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (type === "string") return writeText(out, bytes, start, end);
  const exact = exactInteger(bytes, start, end);
  if (!Number.isNaN(exact)) return writeNumber(out, exact);
  if (type === "number") return writeNumber(out, numberOf(latin1(bytes, start, end)));
  if (end - start > MAX_DECIMAL || !startsNumber(bytes, start, end)) {
    return writeText(out, bytes, start, end);
  }
  const text = latin1(bytes, start, end);
  if (!DECIMAL.test(text)) return writeText(out, bytes, start, end);
  const value = Number(text);
  writeNumber(out, value);
  if (String(value) === text) return;
  out.writeByte(Tag.SPELLED);
  writeEscaped(out, bytes, start, end);
}

/** The number that a text of the type `number` stands for; NaN for none. */
export function numberOf(text: string): number {
  if (!NUMBER.test(text)) return NaN;
  const word = text.toLowerCase().replace(/inf(?:inity)?$/, "Infinity");
  return Number(word);
}

/**
 * A number whose order is that of the first seven bytes of keys: most comparisons end with it. Equal for keys that
 * agree in as many bytes; a shorter one counts as if zeros followed.
 */
export function leadOf(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= LEAD_BYTES) {
    const high = bytes[start] << 16 | bytes[start + 1] << 8 | bytes[start + 2];
    const low = bytes[start + 3] << 24 | bytes[start + 4] << 16 | bytes[start + 5] << 8;
    return high * TWO_32 + ((low | bytes[start + 6]) >>> 0);
  }
  let lead = 0;
  for (let i = 0; i < LEAD_BYTES; i++) lead = lead * 256 + (start + i < end ? bytes[start + i] : 0);
  return lead;
}

/** The same of the bytes that follow those of the lead; 0 where there are none. */
export function nextOf({ bytes, start, end }: BytesRef): number {
  return start + LEAD_BYTES < end ? leadOf(bytes, start + LEAD_BYTES, end) : 0;
}

/** The position behind the field that begins at `pos`; the spelling of a number counts as one that follows it. */
export function afterField(bytes: Uint8Array, pos: number): number {
  switch (bytes[pos]) {
    case Tag.MISSING:
      return pos + 1;
    case Tag.BOOLEAN:
      return pos + 2;
    case Tag.NUMBER:
      return pos + 9;
    default:
      return afterText(bytes, pos + 1);
  }
}

/** Whether a field of the key is missing. */
export function hasMissing(bytes: Uint8Array, start: number, end: number): boolean {
  for (let pos = start; pos < end; pos = afterField(bytes, pos)) {
    if (bytes[pos] === Tag.MISSING) return true;
  }
  return false;
}

/** The position behind a text, whose first byte is at `pos`. */
function afterText(bytes: Uint8Array, pos: number): number {
  while (bytes[pos] !== 0 || bytes[pos + 1] === BEHIND) pos++;
  return pos + 1;
}

function writeEscaped(out: ByteBuffer, bytes: Uint8Array, start: number, end: number): void {
  let from = start;
  for (let i = start; i < end; i++) {
    if (bytes[i] !== 0) continue;
    out.writeBytes(bytes, from, i + 1);
    out.writeByte(BEHIND);
    from = i + 1;
  }
  out.writeBytes(bytes, from, end);
  out.writeByte(0);
}

/** The value of a plain integer of few digits, NaN for any other text. */
function exactInteger(bytes: Uint8Array, start: number, end: number): number {
  const negative = start < end && bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  const digits = end - first;
  if (digits < 1 || digits > EXACT_DIGITS) return NaN;
  if (bytes[first] === ZERO && (digits > 1 || negative)) return NaN;
  let value = 0;
  for (let i = first; i < end; i++) {
    const digit = bytes[i] - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

function startsNumber(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return false;
  const first = bytes[start];
  return first === MINUS || (first >= ZERO && first <= NINE);
}

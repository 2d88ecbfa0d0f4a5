/**
 * Integers, doubles, words and text, read straight from bytes and written to them, by the rules of
 * C functions that Redis uses: `string2ll`, `strtod`, `fpconv_dtoa`, `%.17g`. Only what returns a
 * string, a bigint or an array allocates.
 *
 * @module
 */

import { assert } from "./assert.ts";
import { shortestDigitBytes, shortestDigits } from "./grisu2.ts";

const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_E = 0x65;
const MAX_INT64_DIGITS = 19;
/** Digits of the largest and of the smallest int64, without a sign. */
const INT64_MAX_TEXT = "9223372036854775807";
const INT64_MIN_TEXT = "9223372036854775808";
const UINT32_LIMIT = 0x100000000;
/** Up to so many bytes a loop over `fromCharCode` beats TextDecoder on all three runtimes. */
const SHORT_TEXT = 16;
/** Up to so many characters a loop over `charCodeAt` beats TextEncoder on all three runtimes. */
const MAX_ENCODE_LOOP = 32;
/** Arguments of one call of `fromCharCode`: far fewer than the stack of any runtime holds. */
const TEXT_STEP = 4096;

/**
 * Whole numbers of so many digits are exact in a double, and so are powers of ten up to this one.
 */
const EXACT_DIGITS = 15;
const POWERS_OF_TEN: readonly number[] = Array.from(
  { length: EXACT_DIGITS + 1 },
  (_, i) => 10 ** i,
);

/** A byte order mark stays in the text: a value is the bytes that a client wrote. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The decimal int64 that fills `[start, end)`, read as `string2ll` of util.c does: no sign but "-",
 * no leading zero, no "-0", no space, nothing after it.
 *
 * @returns The number within +-2^53; Infinity or -Infinity for an int64 beyond, which compares as
 * the number itself would ({@linkcode parseBigInt64} has its digits); NaN when the bytes are no
 * int64.
 */
export function parseInteger(bytes: Uint8Array, start: number, end: number): number {
  const first = start < end && bytes[start] === MINUS ? start + 1 : start;
  const digits = end - first;
  if (digits <= 0 || digits > MAX_INT64_DIGITS) return NaN;
  if (bytes[first] === ZERO) return digits === 1 && first === start ? 0 : NaN;
  // Numbers of 15 digits are exact in a double, so the common case never looks at the limits.
  const exactEnd = digits <= 15 ? end : first + 15;
  let value = 0;
  for (let pos = first; pos < exactEnd; pos++) {
    const digit = bytes[pos] - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  if (exactEnd < end) {
    for (let pos = exactEnd; pos < end; pos++) {
      const digit = bytes[pos] - ZERO;
      if (digit < 0 || digit > 9) return NaN;
      value = value * 10 + digit;
    }
    if (value > Number.MAX_SAFE_INTEGER) {
      if (digits === MAX_INT64_DIGITS && !fitsInt64(bytes, first, first > start)) return NaN;
      value = Infinity;
    }
  }
  return first === start ? value : -value;
}

/**
 * The decimal int64 that fills `[start, end)`, in full, by the rules of {@linkcode parseInteger};
 * undefined when the bytes are no int64.
 */
export function parseBigInt64(bytes: Uint8Array, start: number, end: number): bigint | undefined {
  const value = parseInteger(bytes, start, end);
  if (value !== value) return undefined;
  if (value === Infinity || value === -Infinity) return BigInt(latin1(bytes, start, end));
  return BigInt(value);
}

/** Whether `[start, end)` is `upper` with letters in any case. `upper` is ASCII in upper case. */
export function equalsIgnoreCase(
  bytes: Uint8Array,
  start: number,
  end: number,
  upper: string,
): boolean {
  const length = end - start;
  if (length !== upper.length) return false;
  for (let i = 0; i < length; i++) {
    let byte = bytes[start + i];
    if (byte >= 0x61 && byte <= 0x7a) byte -= 0x20;
    if (byte !== upper.charCodeAt(i)) return false;
  }
  return true;
}

/**
 * Bytes that {@linkcode writeInteger} writes for a whole number within +-2^53: its digits and a
 * sign.
 */
export function integerLength(value: number): number {
  let rest = value < 0 ? -value : value;
  let length = value < 0 ? 2 : 1;
  while (rest >= 100000) {
    rest = Math.floor(rest / 100000);
    length += 5;
  }
  if (rest >= 10000) return length + 4;
  if (rest >= 1000) return length + 3;
  if (rest >= 100) return length + 2;
  return rest >= 10 ? length + 1 : length;
}

/**
 * Writes a whole number within +-2^53 in decimal, from its last digit to its first.
 *
 * @param target Must have room for {@linkcode integerLength} bytes at `offset`.
 * @returns The offset after the last digit.
 */
export function writeInteger(target: Uint8Array, offset: number, value: number): number {
  const end = offset + integerLength(value);
  assert(end <= target.length, "the target has room for the number");
  let rest = value < 0 ? -value : value;
  let pos = end;
  // From 2^32 on a division is one of doubles; below, `>>> 0` lets the engine divide integers.
  while (rest >= UINT32_LIMIT) {
    const next = Math.floor(rest / 10);
    target[--pos] = ZERO + (rest - next * 10);
    rest = next;
  }
  do {
    const next = (rest / 10) >>> 0;
    target[--pos] = ZERO + (rest - next * 10);
    rest = next;
  } while (rest > 0);
  if (value < 0) target[--pos] = MINUS;
  assert(pos === offset, "the number filled its place");
  return end;
}

/** `[start, end)` as a string with one code point a byte, U+0000 to U+00FF: it loses nothing. */
export function latin1(bytes: Uint8Array, start: number = 0, end: number = bytes.length): string {
  let text = "";
  if (end - start <= SHORT_TEXT) {
    for (let pos = start; pos < end; pos++) text += String.fromCharCode(bytes[pos]);
    return text;
  }
  for (let pos = start; pos < end; pos += TEXT_STEP) {
    const part = bytes.subarray(pos, Math.min(pos + TEXT_STEP, end));
    text += String.fromCharCode.apply(null, part as unknown as number[]);
  }
  return text;
}

/** `[start, end)` read as UTF-8; bytes that are no UTF-8 become U+FFFD. */
export function utf8(bytes: Uint8Array, start: number = 0, end: number = bytes.length): string {
  if (end - start > SHORT_TEXT) return decoder.decode(decodable(bytes, start, end));
  let text = "";
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos];
    if (byte >= 0x80) return decoder.decode(decodable(bytes, start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

/** `text` as UTF-8, in a new array. */
export function encodeUtf8(text: string): Uint8Array {
  const length = text.length;
  if (length > SHORT_TEXT) return encoder.encode(text);
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return encoder.encode(text);
    bytes[i] = code;
  }
  return bytes;
}

/**
 * Writes text as UTF-8. Up to 32 characters a loop is faster than a call of the runtime's codec; it ends at the
 * first character that is not ASCII.
 *
 * @param target Must have room for three bytes a character at `offset`.
 * @returns The offset after the last byte.
 */
export function writeUtf8(target: Uint8Array, offset: number, text: string): number {
  const length = text.length;
  if (length <= MAX_ENCODE_LOOP) {
    let i = 0;
    for (; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) break;
      target[offset + i] = code;
    }
    if (i === length) return offset + length;
  }
  const room = offset === 0 ? target : target.subarray(offset);
  return offset + encoder.encodeInto(text, room).written;
}

/** Whether `a[aStart, aEnd)` and `b[bStart, bEnd)` are the same bytes. */
export function equalBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): boolean {
  const length = aEnd - aStart;
  if (length !== bEnd - bStart) return false;
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/**
 * Order of `a[aStart, aEnd)` and `b[bStart, bEnd)` as `memcmp` compares them, a prefix before what
 * it begins (`sdscmp`): a negative number, 0 or a positive one.
 */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const aLength = aEnd - aStart;
  const bLength = bEnd - bStart;
  const common = aLength < bLength ? aLength : bLength;
  for (let i = 0; i < common; i++) {
    const difference = a[aStart + i] - b[bStart + i];
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

/**
 * The number that fills `[start, end)`, as `getDoubleFromObject` reads one with `strtod`: decimal
 * or hexadecimal, "inf" and "infinity" in any case, no space around it. NaN when the bytes are no
 * number, for "nan", and when the number overflows or is rounded to zero: Redis refuses all of
 * these.
 */
export function parseDouble(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return NaN;
  const negative = bytes[start] === MINUS;
  const first = negative || bytes[start] === PLUS ? start + 1 : start;
  const size = parseMagnitude(bytes, first, end);
  return negative ? -size : size;
}

/**
 * A double as `addReplyDouble` of Redis 7.2 and later prints it: whole numbers up to 2^62 in full,
 * others as {@linkcode formatShortest} prints them.
 */
export function formatDouble(value: number): string {
  // double2ll of util.c: whole numbers within +-LLONG_MAX / 2 are printed as integers.
  if (value !== 0 && Math.abs(value) <= 2 ** 62 && Math.floor(value) === value) {
    return Number.isSafeInteger(value) ? String(value) : String(BigInt(value));
  }
  return formatShortest(value);
}

/**
 * A double as `fpconv_dtoa` prints it: the digits of {@linkcode shortestDigits}, whole numbers
 * included; "inf", "-inf" and "nan".
 */
export function formatShortest(value: number): string {
  if (value !== value) return "nan";
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const sign = value < 0 ? "-" : "";
  const { digits, power: scale } = shortestDigits(Math.abs(value));
  const exponent = scale + digits.length - 1;
  // emit_digits of fpconv.c: how far the last digit lies from the point decides between a plain
  // number with zeros behind, a plain number with a point, and an exponent.
  if (scale >= 0 && exponent < digits.length + 7) return sign + digits + "0".repeat(scale);
  if (scale < 0 && (scale > -7 || Math.abs(exponent) < 4)) {
    return sign + fixedLayout(digits, exponent);
  }
  const shown = digits.slice(0, 18 - sign.length);
  const rest = shown.length > 1 ? "." + shown.slice(1) : "";
  return `${sign}${shown[0]}${rest}e${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
}

/** Bytes that {@linkcode writeDouble} may write. */
export const DOUBLE_BYTES = 32;

/**
 * Writes what {@linkcode formatDouble} gives at an offset, where {@linkcode DOUBLE_BYTES} must be free; returns the
 * offset behind it. Whole numbers and plain fractions are written without a string.
 */
export function writeDouble(target: Uint8Array, offset: number, value: number): number {
  assert(offset + DOUBLE_BYTES <= target.length, "the target has room for the number");
  if (Number.isSafeInteger(value) && value !== 0) return writeInteger(target, offset, value);
  const size = Math.abs(value);
  if (!(size >= 1e-3 && size < 1e15)) return writeText(target, offset, formatDouble(value));
  const { digits, count, power } = shortestDigitBytes(size);
  if (power >= 0) return writeText(target, offset, formatDouble(value));
  let pos = offset;
  if (value < 0) target[pos++] = MINUS;
  // The digits before the point, of a number from 0.001 on; all but one of them where it is long: 4.25...e+5.
  const whole = power + count;
  const isLong = power <= -7 && whole > 4;
  const point = isLong ? 1 : whole;
  if (point <= 0) {
    target[pos++] = ZERO;
    target[pos++] = DOT;
    for (let i = point; i < 0; i++) target[pos++] = ZERO;
  }
  const shown = isLong && value < 0 ? Math.min(count, 17) : count;
  for (let i = 0; i < shown; i++) {
    if (i === point && i > 0) target[pos++] = DOT;
    target[pos++] = digits[i];
  }
  if (!isLong) return pos;
  target[pos++] = LOWER_E;
  target[pos++] = PLUS;
  return writeInteger(target, pos, whole - 1);
}

function writeText(target: Uint8Array, offset: number, text: string): number {
  for (let i = 0; i < text.length; i++) target[offset + i] = text.charCodeAt(i);
  return offset + text.length;
}

/**
 * A double as C's `%.17g` prints it: the scores that ZSCAN replies of a table, and those that
 * `DEBUG DIGEST` of servers before Redis 7.2 hashes.
 */
export function formatDouble17(value: number): string {
  if (value !== value) return "nan";
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const sign = value < 0 ? "-" : "";
  const [mantissa, power] = seventeenDigits(Math.abs(value)).split("e");
  const digits = mantissa.replace(".", "").replace(/0+$/, "");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 17) return sign + fixedLayout(digits, exponent);
  const rest = digits.length > 1 ? "." + digits.slice(1) : "";
  const size = String(Math.abs(exponent)).padStart(2, "0");
  return `${sign}${digits[0]}${rest}e${exponent < 0 ? "-" : "+"}${size}`;
}

/**
 * The number in 17 digits with an exponent, as C rounds it. Where the exact value lies half way
 * between two such numbers, `toExponential` takes the larger one and C the one with an even last
 * digit.
 */
function seventeenDigits(value: number): string {
  const rounded = value.toExponential(16);
  const last = rounded.charCodeAt(17) - ZERO;
  if ((last & 1) === 0) return rounded;
  const [mantissa, power] = value.toExponential(100).split("e");
  // An odd last digit after a tie was rounded up from an even one, which the longer text still has.
  const isTie = /^50*$/.test(mantissa.slice(18));
  return isTie ? `${mantissa.slice(0, 18)}e${power}` : rounded;
}

/**
 * `digits` as a plain number whose first digit counts `10 ** exponent`, with zeros where digits are
 * missing.
 */
function fixedLayout(digits: string, exponent: number): string {
  if (exponent < 0) return "0." + "0".repeat(-exponent - 1) + digits;
  const whole = exponent + 1;
  if (digits.length <= whole) return digits.padEnd(whole, "0");
  return digits.slice(0, whole) + "." + digits.slice(whole);
}

/** Whether the 19 digits at `first` are within int64: they compare as texts, being equally long. */
function fitsInt64(bytes: Uint8Array, first: number, negative: boolean): boolean {
  const limit = negative ? INT64_MIN_TEXT : INT64_MAX_TEXT;
  for (let i = 0; i < MAX_INT64_DIGITS; i++) {
    const difference = bytes[first + i] - limit.charCodeAt(i);
    if (difference !== 0) return difference < 0;
  }
  return true;
}

/**
 * A view of the bytes for TextDecoder, or a copy where they lie in shared memory, which it refuses.
 */
function decodable(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const isPlain = bytes.buffer instanceof ArrayBuffer;
  return isPlain ? bytes.subarray(start, end) : bytes.slice(start, end);
}

/** A number without its sign, or NaN: {@linkcode parseDouble} says which texts are numbers. */
function parseMagnitude(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return NaN;
  const byte = bytes[start];
  if (byte === DOT || (byte >= ZERO && byte <= NINE)) {
    const hex = byte === ZERO && end - start > 2 && (bytes[start + 1] | 0x20) === 0x78;
    return hex ? parseHex(bytes, start + 2, end) : parseDecimal(bytes, start, end);
  }
  if (equalsIgnoreCase(bytes, start, end, "INF")) return Infinity;
  if (equalsIgnoreCase(bytes, start, end, "INFINITY")) return Infinity;
  return NaN;
}

/**
 * A decimal number of digits, at most one point and perhaps an exponent. Up to 15 digits without an
 * exponent are one division of two exact numbers, which IEEE 754 rounds correctly; for the rest the
 * form is checked here and `Number()` computes the value.
 */
function parseDecimal(bytes: Uint8Array, start: number, end: number): number {
  let pos = start;
  let digits = 0;
  let decimals = 0;
  let whole = 0;
  let point = false;
  for (; pos < end; pos++) {
    const byte = bytes[pos];
    if (byte === DOT && !point) {
      point = true;
    } else if (byte >= ZERO && byte <= NINE) {
      digits++;
      if (point) decimals++;
      whole = whole * 10 + (byte - ZERO);
    } else break;
  }
  if (digits === 0) return NaN;
  if (pos === end && digits <= EXACT_DIGITS) return whole / POWERS_OF_TEN[decimals];
  const nonZero = whole !== 0;
  if (pos < end && !isExponent(bytes, pos, end)) return NaN;
  const value = Number(latin1(bytes, start, end));
  const lost = value === Infinity || (value === 0 && nonZero);
  return lost ? NaN : value;
}

/** Whether `[start, end)` is the letter of an exponent, perhaps a sign, and digits. */
function isExponent(bytes: Uint8Array, start: number, end: number): boolean {
  if ((bytes[start] | 0x20) !== LOWER_E) return false;
  let pos = start + 1;
  if (pos < end && (bytes[pos] === PLUS || bytes[pos] === MINUS)) pos++;
  if (pos === end) return false;
  for (; pos < end; pos++) if (bytes[pos] < ZERO || bytes[pos] > NINE) return false;
  return true;
}

/**
 * A hexadecimal number of C99 behind its "0x": digits, at most one point, a power of two: `1.8p3`
 * is 12.
 */
function parseHex(bytes: Uint8Array, start: number, end: number): number {
  const match = /^([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?[0-9]+))?$/i.exec(
    latin1(bytes, start, end),
  );
  if (match === null) return NaN;
  const whole = match[1] ?? "";
  const fraction = match[2] ?? "";
  if (whole.length + fraction.length === 0) return NaN;
  const mantissa = BigInt("0x" + whole + fraction);
  if (mantissa === 0n) return 0;
  // The power in two factors: each stays within a double's range when the product does.
  const power = Number(match[3] ?? "0") - 4 * fraction.length;
  const half = Math.trunc(power / 2);
  const value = Number(mantissa) * 2 ** half * 2 ** (power - half);
  return value === Infinity || value === 0 ? NaN : value;
}

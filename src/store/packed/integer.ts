/**
 * 64-bit integers between their text and 8 bytes, without BigInt: whole ranges at the speed of small
 * ones. The text is canonical: what formatting gives is exactly what parsing takes.
 *
 * @module
 */

/** Longest text of an int64: a sign and 19 digits. */
export const MAX_INTEGER_TEXT = 20;

const TWO_32 = 4294967296;
const BILLION = 1000000000;
const ZERO = 48;
const NINE = 57;
const MINUS = 45;

/**
 * The integer that {@linkcode parseInteger64} or {@linkcode encodeInteger64} read last: 8 bytes, little
 * endian, two's complement.
 */
export const integer64Result: Uint8Array = new Uint8Array(8);

const digits = new Uint8Array(MAX_INTEGER_TEXT);

/**
 * Reads a canonical int64 (no sign but "-", no leading zero, no "-0") into {@linkcode integer64Result}.
 *
 * @returns Whether there was one.
 */
export function parseInteger64(bytes: Uint8Array, start: number, end: number): boolean {
  const negative = start < end && bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  const count = end - first;
  if (count < 1 || count > 19) return false;
  if (bytes[first] === ZERO && (count > 1 || negative)) return false;
  // At most 10 digits above the last 9, so both parts are exact.
  const seam = Math.max(first, end - 9);
  let upper = 0;
  let lower = 0;
  for (let i = first; i < end; i++) {
    const byte = bytes[i];
    if (byte < ZERO || byte > NINE) return false;
    if (i < seam) upper = upper * 10 + (byte - ZERO);
    else lower = lower * 10 + (byte - ZERO);
  }
  // upper * 10^9 + lower in two halves; upper < 2^34 goes in parts of 17 bits to stay below 2^53.
  const upperHigh = Math.floor(upper / 131072) * BILLION;
  const upperLow = (upper % 131072) * BILLION;
  const low = (upperHigh % 32768) * 131072 + upperLow + lower;
  const high = Math.floor(upperHigh / 32768) + Math.floor(low / TWO_32);
  const lowWord = low >>> 0;
  if (high > 0x7fffffff && !(negative && high === 0x80000000 && lowWord === 0)) return false;
  storeHalves(high, lowWord, negative);
  return true;
}

/** Writes a whole number to {@linkcode integer64Result}. */
export function encodeInteger64(value: number | bigint): void {
  if (typeof value === "bigint") {
    const magnitude = value < 0n ? -value : value;
    storeHalves(Number(magnitude >> 32n), Number(magnitude & 0xffffffffn), value < 0n);
    return;
  }
  const magnitude = Math.abs(value);
  storeHalves(Math.floor(magnitude / TWO_32), magnitude >>> 0, value < 0);
}

/** The int64 in 8 bytes as a number; NaN beyond 2^53. */
export function decodeInteger64(bytes: Uint8Array, offset: number): number {
  const high = readWord(bytes, offset + 4) | 0;
  const value = high * TWO_32 + readWord(bytes, offset);
  return Number.isSafeInteger(value) ? value : NaN;
}

/** The int64 in 8 bytes, whatever it is. */
export function decodeBigInt64(bytes: Uint8Array, offset: number): bigint {
  const high = readWord(bytes, offset + 4) | 0;
  return (BigInt(high) << 32n) | BigInt(readWord(bytes, offset));
}

/**
 * Writes the text of the int64 in 8 bytes.
 *
 * @returns Its length; `target` has room for {@linkcode MAX_INTEGER_TEXT} bytes from `at`.
 */
export function formatInteger64(
  bytes: Uint8Array,
  offset: number,
  target: Uint8Array,
  at: number,
): number {
  let high = readWord(bytes, offset + 4);
  let low = readWord(bytes, offset);
  const negative = high >= 0x80000000;
  if (negative) {
    high = low === 0 ? (~high + 1) >>> 0 : ~high >>> 0;
    low = (~low + 1) >>> 0;
  }
  const count = splitDigits(high, low);
  let pos = at;
  if (negative) target[pos++] = MINUS;
  for (let i = count - 1; i >= 0; i--) target[pos++] = digits[i];
  return pos - at;
}

/** Length of that text. */
export function integer64Length(bytes: Uint8Array, offset: number): number {
  return formatInteger64(bytes, offset, lengthScratch, 0);
}

const lengthScratch = new Uint8Array(MAX_INTEGER_TEXT);

/** Digits of `high * 2^32 + low`, the last first. */
function splitDigits(high: number, low: number): number {
  if (high === 0) return appendDigits(low, 0, 1);
  // Long division by 10^9, 16 bits at a time: no remainder outgrows 2^46.
  const high1 = Math.floor(high / BILLION);
  const mid = (high % BILLION) * 65536 + (low >>> 16);
  const mid1 = Math.floor(mid / BILLION);
  const last = (mid % BILLION) * 65536 + (low & 0xffff);
  const last1 = Math.floor(last / BILLION);
  const quotient = high1 * TWO_32 + mid1 * 65536 + last1;
  const count = appendDigits(last % BILLION, 0, 9);
  return appendDigits(quotient, count, count + 1);
}

/** Appends the digits of `value` at `count`, with zeros up to `least` digits in all. */
function appendDigits(value: number, count: number, least: number): number {
  while (value !== 0 || count < least) {
    const rest = Math.floor(value / 10);
    digits[count++] = ZERO + (value - rest * 10);
    value = rest;
  }
  return count;
}

function readWord(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16) |
    (bytes[offset + 3] << 24)) >>> 0;
}

function storeHalves(high: number, low: number, negative: boolean): void {
  let upper = high | 0;
  let lower = low | 0;
  if (negative) {
    lower = (~low + 1) | 0;
    upper = lower === 0 ? (~high + 1) | 0 : ~high;
  }
  for (let i = 0; i < 4; i++) {
    integer64Result[i] = lower >>> (i << 3);
    integer64Result[i + 4] = upper >>> (i << 3);
  }
}

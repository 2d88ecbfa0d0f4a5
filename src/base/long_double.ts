/**
 * The 80-bit floating point numbers of x86 (`long double`: a sign, 64 bits of mantissa, 15 of exponent),
 * with which Redis adds and prints in INCRBYFLOAT. A double has 11 bits less, so its sums end in other
 * digits. Exact arithmetic on big integers, rounded once as the hardware does: not for hot paths.
 *
 * @module
 */

import { latin1 } from "./ascii.ts";

/** Bits of the mantissa. */
const PRECISION = 64;
/** Exponent of the lowest bit there is: subnormals end here. */
const MIN_EXPONENT = -16445;
/** Values from 2^16384 on are infinite. */
const MAX_BITS = 16384;
/** `strtold` is given no more than this (`MAX_LONG_DOUBLE_CHARS`, the end included). */
const MAX_TEXT = 5 * 1024 - 1;
/** Beyond this any exponent in the text has left the range, however many digits stand before it. */
const MAX_TEXT_EXPONENT = 20000;
/** Digits after the point that are printed (`%.17Lf`). */
const DIGITS = 17;

/** `mantissa * 2 ** exponent`, the sign in the mantissa; infinite when `infinite` is not 0. */
export interface LongDouble {
  /** Less than 2^64 in size. */
  readonly mantissa: bigint;
  /** Of the mantissa's lowest bit. */
  readonly exponent: number;
  /** 1 or -1 for an infinity of that sign, else 0. */
  readonly infinite: number;
}

/**
 * The number that fills `[start, end)`, as `strtold` reads it: decimal, hexadecimal, "inf". Undefined
 * when it is none, when it is "nan", and when it overflows or vanishes to zero.
 */
export function parseLongDouble(
  bytes: Uint8Array,
  start: number,
  end: number,
): LongDouble | undefined {
  if (end - start > MAX_TEXT) return undefined;
  const text = latin1(bytes, start, end);
  const match =
    /^([+-]?)(?:(inf(?:inity)?)|0x([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?\d+))?|(\d*)\.?(\d*)(?:e([+-]?\d+))?)$/i
      .exec(text);
  if (match === null) return undefined;
  const sign = match[1] === "-" ? -1 : 1;
  if (match[2] !== undefined) return { mantissa: 0n, exponent: 0, infinite: sign };
  const isHex = match[3] !== undefined;
  const whole = (isHex ? match[3] : match[6]) ?? "";
  const fraction = (isHex ? match[4] : match[7]) ?? "";
  if (whole.length + fraction.length === 0) return undefined;
  const digits = BigInt((isHex ? "0x" : "") + whole + fraction);
  if (digits === 0n) return { mantissa: 0n, exponent: 0, infinite: 0 };
  const power = Number((isHex ? match[5] : match[8]) ?? "0");
  if (Math.abs(power) > MAX_TEXT_EXPONENT * 4) return undefined;
  const value = isHex
    ? round(digits, power - 4 * fraction.length, false)
    : roundDecimal(digits, power - fraction.length);
  if (value === undefined || value.mantissa === 0n) return undefined;
  return { ...value, mantissa: BigInt(sign) * value.mantissa };
}

/** A whole number of up to 64 bits. */
export function longDoubleOf(value: bigint): LongDouble {
  return { mantissa: value, exponent: 0, infinite: 0 };
}

/** The rounded sum; undefined when it is infinite or no number. */
export function addLongDouble(a: LongDouble, b: LongDouble): LongDouble | undefined {
  if (a.infinite !== 0 || b.infinite !== 0) return undefined;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) +
    (b.mantissa << BigInt(b.exponent - exponent));
  if (sum >= 0n) return round(sum, exponent, false);
  const size = round(-sum, exponent, false);
  return size === undefined ? undefined : { ...size, mantissa: -size.mantissa };
}

/** A finite number as Redis prints it: `%.17Lf` without the zeros at the end, never "-0". */
export function formatLongDouble(value: LongDouble): string {
  const negative = value.mantissa < 0n;
  const size = negative ? -value.mantissa : value.mantissa;
  let text: string;
  if (value.exponent >= 0) {
    text = String(size << BigInt(value.exponent));
  } else {
    const scaled = divideRounding(size * 10n ** BigInt(DIGITS), BigInt(-value.exponent), false);
    const digits = String(scaled).padStart(DIGITS + 1, "0");
    const fraction = digits.slice(-DIGITS).replace(/0+$/, "");
    text = digits.slice(0, -DIGITS) + (fraction === "" ? "" : "." + fraction);
  }
  return negative && text !== "0" ? "-" + text : text;
}

/** `digits * 10 ** power`, rounded to the nearest there is. */
function roundDecimal(digits: bigint, power: number): LongDouble | undefined {
  if (power >= 0) return round(digits * 10n ** BigInt(power), 0, false);
  const divisor = 10n ** BigInt(-power);
  // Enough bits that what the division leaves can only break a tie.
  const shift = Math.max(0, PRECISION + 2 + bitLength(divisor) - bitLength(digits));
  const scaled = digits << BigInt(shift);
  const quotient = scaled / divisor;
  return round(quotient, -shift, quotient * divisor !== scaled);
}

/** `value * 2 ** exponent` in 64 bits; `more` says that a little was cut off below `value`. */
function round(value: bigint, exponent: number, more: boolean): LongDouble | undefined {
  const excess = Math.max(bitLength(value) - PRECISION, MIN_EXPONENT - exponent);
  if (excess > 0) {
    value = divideRounding(value, BigInt(excess), more);
    exponent += excess;
  }
  if (bitLength(value) + exponent > MAX_BITS) return undefined;
  return { mantissa: value, exponent, infinite: 0 };
}

/** `value / 2 ** bits` to the nearest whole number, ties to the even one. */
function divideRounding(value: bigint, bits: bigint, more: boolean): bigint {
  const quotient = value >> bits;
  const rest = value - (quotient << bits);
  const half = 1n << (bits - 1n);
  const up = rest > half || (rest === half && (more || (quotient & 1n) === 1n));
  return up ? quotient + 1n : quotient;
}

function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const hex = value.toString(16);
  return (hex.length - 1) * 4 + (32 - Math.clz32(parseInt(hex[0], 16)));
}

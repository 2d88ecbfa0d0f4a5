/**
 * The 80-bit floating point numbers of x86, C's `long double`, in which Redis computes INCRBYFLOAT
 * and HINCRBYFLOAT: a sign, 15 bits of exponent, 64 bits of mantissa. A double's mantissa has 53
 * bits, so its sums print other digits: 0.1 + 0.2 is "0.3" in Redis and 0.30000000000000004 as a
 * double.
 *
 * Here a number is two integers, `mantissa * 2 ** exponent`. Sums and products of ten are computed
 * exactly in big integers and rounded once, to the nearest with ties to even, as the hardware does.
 * That costs microseconds, which two commands can bear.
 *
 * @module
 */

import { latin1 } from "./ascii.ts";
import { assert } from "./assert.ts";

/** Bits of the mantissa, the leading one included. */
const PRECISION = 64;
/** Exponent of the lowest bit of the smallest subnormal number: 1 - 16383 - 63. */
const MIN_EXPONENT = -16445;
/** Numbers of 2^16384 and more are infinite. */
const MAX_BITS = 16384;
/**
 * Longest text in bytes: Redis copies it into `char[MAX_LONG_DOUBLE_CHARS]`, 5 KB with the end
 * (util.h).
 */
const MAX_TEXT = 5 * 1024 - 1;
/**
 * Exponents in a text are bounded by four times this: beyond, no 5 KB of digits bring it back into
 * range.
 */
const MAX_TEXT_EXPONENT = 20000;
/**
 * Digits behind the point that Redis prints, before it cuts off zeros (`%.17Lf` in `ld2string`).
 */
const DIGITS = 17;

/** A number `mantissa * 2 ** exponent`, or an infinity. Not a number (NaN) has no form here. */
export interface LongDouble {
  /** A whole number of at most 64 bits, with the sign of the number. */
  readonly mantissa: bigint;
  /** Power of two that the lowest bit of the mantissa counts. */
  readonly exponent: number;
  /** 1 or -1 for an infinity of that sign, 0 for a finite number. */
  readonly infinite: number;
}

/**
 * The number that fills `[start, end)`, as `string2ld` of util.c accepts it: decimal, hexadecimal
 * or "inf", nothing around it. Undefined when there is no such number, for "nan", and when it
 * overflows or is rounded to zero.
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

/** The same whole number as a long double; `value` has at most 64 bits. */
export function longDoubleOf(value: bigint): LongDouble {
  return { mantissa: value, exponent: 0, infinite: 0 };
}

/**
 * The rounded sum of two numbers; undefined when either or the sum is infinite, which Redis
 * refuses.
 */
export function addLongDouble(a: LongDouble, b: LongDouble): LongDouble | undefined {
  if (a.infinite !== 0 || b.infinite !== 0) return undefined;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) +
    (b.mantissa << BigInt(b.exponent - exponent));
  if (sum >= 0n) return round(sum, exponent, false);
  const size = round(-sum, exponent, false);
  return size === undefined ? undefined : { ...size, mantissa: -size.mantissa };
}

/**
 * A finite number as `ld2string` of Redis prints it for people (`LD_STR_HUMAN`): 17 digits behind
 * the point, without the zeros at the end, never an exponent, never "-0".
 */
export function formatLongDouble(value: LongDouble): string {
  assert(value.infinite === 0, "the number is finite");
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

/** `digits * 10 ** power`, rounded to the nearest long double; undefined when it overflows. */
function roundDecimal(digits: bigint, power: number): LongDouble | undefined {
  if (power >= 0) return round(digits * 10n ** BigInt(power), 0, false);
  const divisor = 10n ** BigInt(-power);
  // The quotient gets 66 bits or more, so that the remainder of the division can only break a tie.
  const shift = Math.max(0, PRECISION + 2 + bitLength(divisor) - bitLength(digits));
  const scaled = digits << BigInt(shift);
  const quotient = scaled / divisor;
  return round(quotient, -shift, quotient * divisor !== scaled);
}

/**
 * `value * 2 ** exponent` rounded to 64 bits, or to fewer where it is subnormal; undefined when it
 * overflows.
 *
 * @param more Whether the exact value is larger than `value` by less than one.
 */
function round(value: bigint, exponent: number, more: boolean): LongDouble | undefined {
  const excess = Math.max(bitLength(value) - PRECISION, MIN_EXPONENT - exponent);
  if (excess > 0) {
    value = divideRounding(value, BigInt(excess), more);
    exponent += excess;
  }
  if (bitLength(value) + exponent > MAX_BITS) return undefined;
  return { mantissa: value, exponent, infinite: 0 };
}

/**
 * `value / 2 ** bits` to the nearest whole number, ties to the even one; `more` as in
 * {@linkcode round}.
 */
function divideRounding(value: bigint, bits: bigint, more: boolean): bigint {
  const quotient = value >> bits;
  const rest = value - (quotient << bits);
  const half = 1n << (bits - 1n);
  const up = rest > half || (rest === half && (more || (quotient & 1n) === 1n));
  return up ? quotient + 1n : quotient;
}

/** Bits of a number that is not negative, 0 for 0. */
function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const hex = value.toString(16);
  return (hex.length - 1) * 4 + (32 - Math.clz32(parseInt(hex[0], 16)));
}

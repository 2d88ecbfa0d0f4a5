/**
 * Grisu2 as `fpconv.c` has it, step by step in bigints: what `src/base/grisu2.ts` must equal, which does the same in
 * words of 32 bits.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Decimal } from "../../src/base/grisu2.ts";

/**
 * The bit above the 52 that a normal double stores: it is always 1 and therefore left out of them.
 */
const HIDDEN_BIT = 1n << 52n;
const FRACTION_BITS = 52;
/** Stored exponent of a double minus the exponent of its lowest bit: 1023 + 52. */
const BIAS = 1075;
const MASK_64 = (1n << 64n) - 1n;
/**
 * Bounds of the exponent of a product with a cached power of ten (`expmin`, `expmax` of fpconv.c).
 */
const MIN_EXPONENT = -60;
const MAX_EXPONENT = -32;
/** The cached powers of ten: 10^-348, 10^-340, ... 10^340 (`powers_ten` of fpconv's powers.h). */
const FIRST_POWER = -348;
const STEP_POWERS = 8;
const POWERS = 87;
/** As many digits of log10(2) as fpconv.c writes: `inv_log2_10`. */
const LOG10_OF_2 = 0.30102999566398114;

const bits = new DataView(new ArrayBuffer(8));
/** The cached powers, `fractions[i] * 2 ** exponents[i]`; both are empty until the first call. */
const fractions: bigint[] = [];
const exponents: number[] = [];

/** The digits of a positive, finite double, step by step as `grisu2` of fpconv.c computes them. */
export function grisu2(value: number): Decimal {
  assert(value > 0 && value < Infinity, "the number is positive and finite");
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0);
  const biased = Number(raw >> 52n);
  const low = raw & (HIDDEN_BIT - 1n);
  const fraction = biased === 0 ? low : low | HIDDEN_BIT;
  const exponent = (biased === 0 ? 1 : biased) - BIAS;
  // The value and the two midpoints get the exponent of the upper midpoint, whose top bit is bit
  // 63. Below a power of two the doubles lie twice as dense, so that midpoint is half as far away.
  const common = exponent - (63 - FRACTION_BITS) - leadingZeros(fraction);
  const scale = (by: bigint, from: number) => by << BigInt(from - common);
  const upper = scale((fraction << 1n) + 1n, exponent - 1);
  const isPower = fraction === HIDDEN_BIT;
  const lower = isPower
    ? scale((fraction << 2n) - 1n, exponent - 2)
    : scale((fraction << 1n) - 1n, exponent - 1);
  const middle = scale(fraction, exponent);
  const at = powerFor(common);
  const power = fractions[at];
  const high = multiply(upper, power) - 1n;
  const distance = high - multiply(middle, power);
  const delta = high - (multiply(lower, power) + 1n);
  const product = common + exponents[at] + 64;
  return generate(high, distance, delta, -product, -(FIRST_POWER + at * STEP_POWERS));
}

/** How many bits a fraction is shorter than 53: more than 0 for a subnormal double only. */
function leadingZeros(fraction: bigint): number {
  if (fraction >= HIDDEN_BIT) return 0;
  return 53 - fraction.toString(2).length;
}

/**
 * The upper 64 bits of a product of two 64-bit fractions, rounded half up (`multiply` of fpconv.c).
 */
function multiply(a: bigint, b: bigint): bigint {
  return (a * b + (1n << 63n)) >> 64n;
}

/**
 * Writes digits of `high` until the rest is below `delta` (`generate_digits` of fpconv.c).
 *
 * @param high The upper end of the interval, in units of `2 ** -shift`.
 * @param distance From the value up to `high`, in the same unit.
 * @param delta Length of the interval, in the same unit.
 * @param shift Bits behind the binary point: 32 to 60.
 * @param power Of ten that the digit before the decimal point counts.
 */
function generate(
  high: bigint,
  distance: bigint,
  delta: bigint,
  shift: number,
  power: number,
): Decimal {
  const one = 1n << BigInt(shift);
  const mask = one - 1n;
  let whole = Number(high >> BigInt(shift));
  let rest = high & mask;
  const digits: number[] = [];
  // The part before the point is below 2^32, at most ten digits; leading zeros are not written.
  let unit = 1_000_000_000;
  for (let kappa = 9; kappa >= 0; kappa--, unit /= 10) {
    const digit = Math.floor(whole / unit);
    if (digit !== 0 || digits.length > 0) digits.push(digit);
    whole -= digit * unit;
    const left = (BigInt(whole) << BigInt(shift)) + rest;
    if (left > delta) continue;
    round(digits, delta, left, BigInt(unit) << BigInt(shift), distance);
    return { digits: digits.join(""), power: power + kappa };
  }
  // Digits behind the point: instead of dividing the unit by ten, everything else is multiplied by
  // it.
  let scale = 1n;
  for (let kappa = -1;; kappa--) {
    rest *= 10n;
    delta *= 10n;
    scale *= 10n;
    const digit = Number(rest >> BigInt(shift));
    if (digit !== 0 || digits.length > 0) digits.push(digit);
    rest &= mask;
    if (rest >= delta) continue;
    round(digits, delta, rest, one, (distance * scale) & MASK_64);
    return { digits: digits.join(""), power: power + kappa };
  }
}

/**
 * Lowers the last digit while that brings the digits nearer to the value (`round_digit` of
 * fpconv.c).
 *
 * @param rest From the digits written so far up to the upper end of the interval.
 * @param unit Worth of the last digit.
 */
function round(
  digits: number[],
  delta: bigint,
  rest: bigint,
  unit: bigint,
  distance: bigint,
): void {
  while (
    rest < distance && delta - rest >= unit &&
    (rest + unit < distance || distance - rest > rest + unit - distance)
  ) {
    digits[digits.length - 1]--;
    rest += unit;
  }
}

/**
 * Index of the cached power that brings a number of that exponent into range (`find_cachedpow10`).
 */
function powerFor(exponent: number): number {
  if (fractions.length === 0) fillPowers();
  const near = Math.trunc(-(exponent + POWERS) * LOG10_OF_2);
  let index = Math.trunc((near - FIRST_POWER) / STEP_POWERS);
  for (;;) {
    const product = exponent + exponents[index] + 64;
    if (product < MIN_EXPONENT) index++;
    else if (product > MAX_EXPONENT) index--;
    else return index;
  }
}

/**
 * Computes the cached powers, each rounded to the nearest fraction of 64 bits with its top bit set.
 */
function fillPowers(): void {
  assert(fractions.length === 0, "the powers are computed once");
  for (let i = 0; i < POWERS; i++) {
    const power = FIRST_POWER + i * STEP_POWERS;
    const size = 10n ** BigInt(Math.abs(power));
    const length = size.toString(2).length;
    // A quotient or shift of 66 bits or so, then rounded to the 64 that are kept.
    const exponent = power >= 0 ? length - 66 : -(length + 65);
    const exact = power >= 0 ? shifted(size, -exponent) : (1n << BigInt(-exponent)) / size;
    const extra = exact.toString(2).length - 64;
    const rounded = (exact + (1n << BigInt(extra - 1))) >> BigInt(extra);
    fractions.push(rounded);
    exponents.push(exponent + extra);
  }
}

/** `value * 2 ** by`, rounded down. */
function shifted(value: bigint, by: number): bigint {
  return by >= 0 ? value << BigInt(by) : value >> BigInt(-by);
}

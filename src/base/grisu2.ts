/**
 * The decimal digits of a double by Grisu2 (Florian Loitsch, "Printing Floating-Point Numbers
 * Quickly and Accurately with Integers", 2010), digit for digit those of `fpconv_dtoa`
 * (deps/fpconv), with which Redis 7.2 and later print scores. The digits always read back as the
 * same double. They are the shortest such digits except for one double in some hundreds, where
 * those of `String(value)` differ from Redis's.
 *
 * The method: every double between the midpoints to its two neighbours reads back the same.
 *
 *     lower midpoint          value          upper midpoint
 *           |-------------------|-------------------|
 *                 delta: the digits may end anywhere here
 *
 * All three are multiplied by one cached power of ten that brings their exponent to between -60 and
 * -32, so that the part before the point fits 32 bits. Then digits of the upper midpoint are
 * written until what is left is smaller than delta. A number is `fraction * 2 ** exponent` with a
 * fraction of 64 bits throughout; each product is rounded to 64 bits, which is why one unit is
 * taken off at either end.
 *
 * 64 bits are two words of 32 here, the higher one first: a bigint for each step would take some ten times as long,
 * and a sorted set is replied with a score a member.
 *
 * @module
 */

import { assert } from "./assert.ts";

/** A decimal number: the digits as a whole number, times `10 ** power`. */
export interface Decimal {
  /** 1 to 18 digits, the first of them not zero. */
  readonly digits: string;
  /** Power of ten that the last digit counts. */
  readonly power: number;
}

/** Powers of ten that a double holds exactly: 10^0 to 10^22. */
const EXACT_POWERS: readonly number[] = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Most digits behind the point of a number that is tried as a fraction of few digits. */
const FEW_DECIMALS = 6;
/** Whole numbers below this have at most 15 digits. */
const FIFTEEN_DIGITS = 1e15;
/**
 * Factor that splits a double into two halves of 26 bits (T. J. Dekker and G. W. Veltkamp, 1971).
 */
const SPLITTER: number = 2 ** 27 + 1;
/**
 * Digits nearer than this share of the gap between doubles lie well inside the interval of Grisu2.
 */
const SURELY_NEAR = 0.45;

/** Stored exponent of a double minus the exponent of its lowest bit: 1023 + 52. */
const BIAS = 1075;
/** Bits that a fraction with its hidden bit is shifted by to fill 64. */
const TO_TOP = 11;
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
const WORD = 2 ** 32;
const ZERO = 0x30;

const float: Float64Array = new Float64Array(1);
const words: Uint32Array = new Uint32Array(float.buffer);
/** Which of the two words of a double is the higher one here. */
const HIGH: number = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** The cached powers, `fraction * 2 ** exponent`, in words; filled at the first call. */
const powersHigh: Uint32Array = new Uint32Array(POWERS);
const powersLow: Uint32Array = new Uint32Array(POWERS);
const exponents: Int32Array = new Int32Array(POWERS);
let isFilled = false;

/** The result of {@linkcode findDigits}: digits as ASCII, how many, and the power of the last. */
const found: { readonly digits: Uint8Array; count: number; power: number } = {
  digits: new Uint8Array(20),
  count: 0,
  power: 0,
};

/** Digits as ASCII, reused by the next call. */
export interface FoundDigits {
  /** Holds them from its beginning on. */
  readonly digits: Uint8Array;
  /** How many there are, 1 to 18. */
  readonly count: number;
  /** Power of ten that the last digit counts. */
  readonly power: number;
}

/** The digits of a positive, finite double as bytes, without a string. */
export function shortestDigitBytes(value: number): FoundDigits {
  findDigits(value);
  return found;
}

/** The digits of a positive, finite double. */
export function shortestDigits(value: number): Decimal {
  findDigits(value);
  let digits = "";
  for (let i = 0; i < found.count; i++) digits += String.fromCharCode(found.digits[i]);
  return { digits, power: found.power };
}

/**
 * Finds the digits of a positive, finite double: where it is a fraction of few digits and these are so near that
 * Grisu2 must find them too, in a few steps.
 */
function findDigits(value: number): void {
  if (value < FIFTEEN_DIGITS / 1e6 && value >= 1e-3) {
    for (let decimals = 0; decimals <= FEW_DECIMALS; decimals++) {
      const scale = EXACT_POWERS[decimals];
      const whole = Math.round(value * scale);
      if (whole / scale !== value) continue;
      if (!isNear(value, whole, scale)) break;
      return setDigits(whole, decimals);
    }
  }
  grisu2(value);
}

/** Sets the digits of a whole number, without the zeros at its end. */
function setDigits(whole: number, decimals: number): void {
  let power = 0 - decimals;
  while (whole % 10 === 0) {
    whole /= 10;
    power++;
  }
  let count = 1;
  for (let bound = 10; whole >= bound; bound *= 10) count++;
  found.count = count;
  found.power = power;
  for (let i = count - 1; i >= 0; i--) {
    const rest = Math.floor(whole / 10);
    found.digits[i] = ZERO + (whole - rest * 10);
    whole = rest;
  }
}

/**
 * Whether `whole / scale` lies well within half the gap from `value` to its neighbours. Compares
 * `whole` with `value * scale` instead, computed exactly as a rounded product and what rounding cut
 * off (Dekker).
 */
function isNear(value: number, whole: number, scale: number): boolean {
  if (whole >= FIFTEEN_DIGITS) return false;
  const product = value * scale;
  const a = SPLITTER * value;
  const valueHigh = a - (a - value);
  const valueLow = value - valueHigh;
  const b = SPLITTER * scale;
  const scaleHigh = b - (b - scale);
  const scaleLow = scale - scaleHigh;
  const cut = ((valueHigh * scaleHigh - product) + valueHigh * scaleLow + valueLow * scaleHigh) +
    valueLow * scaleLow;
  const distance = Math.abs((whole - product) - cut);
  // 2^-53 of the number is at most half the gap to the next double and at least a quarter of it.
  return distance < SURELY_NEAR * (2 ** -53) * product;
}

/** The words of a number of 64 bits, and of the products and sums below: functions leave their result here. */
let resultHigh = 0;
let resultLow = 0;

/** The digits of a positive, finite double, step by step as `grisu2` of fpconv.c computes them. */
function grisu2(value: number): void {
  assert(value > 0 && value < Infinity, "the number is positive and finite");
  float[0] = value;
  const top = words[HIGH];
  const biased = top >>> 20;
  let high = top & 0xfffff;
  let low = words[1 - HIGH];
  let exponent = 1 - BIAS;
  const isPower = high === 0 && low === 0;
  if (biased !== 0) {
    high |= 0x100000;
    exponent = biased - BIAS;
  }
  // The value and the two midpoints get the exponent of the upper midpoint, whose top bit is bit 63.
  let shift = TO_TOP;
  for (; (high & 0x100000) === 0; shift++, exponent--) {
    high = (high << 1) | (low >>> 31);
    low = (low << 1) >>> 0;
  }
  const common = exponent - TO_TOP;
  const middleHigh = ((high << TO_TOP) | (low >>> (32 - TO_TOP))) >>> 0;
  const middleLow = (low << TO_TOP) >>> 0;
  // Half the gap between two doubles, in units of the lowest bit; below a power of two they lie twice as dense.
  const half = 2 ** (shift - 1);
  const at = powerFor(common);
  const product = common + exponents[at] + 64;
  add(middleHigh, middleLow, half);
  multiply(resultHigh, resultLow, at);
  add(resultHigh, resultLow, -1);
  const upperHigh = resultHigh;
  const upperLow = resultLow;
  multiply(middleHigh, middleLow, at);
  subtract(upperHigh, upperLow, resultHigh, resultLow);
  const distanceHigh = resultHigh;
  const distanceLow = resultLow;
  add(middleHigh, middleLow, isPower && biased !== 0 ? -half / 2 : -half);
  multiply(resultHigh, resultLow, at);
  add(resultHigh, resultLow, 1);
  subtract(upperHigh, upperLow, resultHigh, resultLow);
  found.power = -(FIRST_POWER + at * STEP_POWERS);
  generate(upperHigh, upperLow, distanceHigh, distanceLow, resultHigh, resultLow, -product - 32);
}

/** A sum of 64 bits and a whole number of fewer than 53, which may be negative. */
function add(high: number, low: number, other: number): void {
  const sum = low + other;
  const carry = Math.floor(sum / WORD);
  resultLow = (sum - carry * WORD) >>> 0;
  resultHigh = (high + carry) >>> 0;
}

/** A difference of 64 bits, which wraps. */
function subtract(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  resultLow = (aLow - bLow) >>> 0;
  resultHigh = (aHigh - bHigh - (aLow < bLow ? 1 : 0)) >>> 0;
}

/**
 * The upper 64 bits of a product with a cached power of ten, rounded half up (`multiply` of fpconv.c).
 */
function multiply(aHigh: number, aLow: number, at: number): void {
  const bHigh = powersHigh[at];
  const bLow = powersLow[at];
  // (aHigh + aLow) * (bHigh + bLow), each product in two words.
  const lowLow = upperOf(aLow, bLow);
  const highLow = upperOf(aHigh, bLow);
  const highLowLow = Math.imul(aHigh, bLow) >>> 0;
  const lowHigh = upperOf(aLow, bHigh);
  const lowHighLow = Math.imul(aLow, bHigh) >>> 0;
  const highHigh = upperOf(aHigh, bHigh);
  const highHighLow = Math.imul(aHigh, bHigh) >>> 0;
  const second = lowLow + highLowLow + lowHighLow + 2 ** 31;
  const third = highLow + lowHigh + highHighLow + Math.floor(second / WORD);
  const carry = Math.floor(third / WORD);
  resultLow = (third - carry * WORD) >>> 0;
  resultHigh = (highHigh + carry) >>> 0;
}

/** The upper word of a product of two words: of halves, each of which is exact. */
function upperOf(a: number, b: number): number {
  const below = (a & 0xffff) * b;
  const above = (a >>> 16) * b;
  return Math.floor((above + Math.floor(below / 65536)) / 65536);
}

/** Whether one number of 64 bits is below another. */
function isBelow(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  return aHigh < bHigh || (aHigh === bHigh && aLow < bLow);
}

/**
 * Writes digits of the upper end of the interval until the rest is below delta (`generate_digits` of fpconv.c).
 *
 * @param shift Bits of the higher word behind the binary point: 0 to 28, and all of the lower word.
 */
function generate(
  upperHigh: number,
  upperLow: number,
  distanceHigh: number,
  distanceLow: number,
  deltaHigh: number,
  deltaLow: number,
  shift: number,
): void {
  const one = 2 ** shift;
  let whole = Math.floor(upperHigh / one);
  let restHigh = upperHigh - whole * one;
  let restLow = upperLow;
  let count = 0;
  // The part before the point is below 2^32, at most ten digits; leading zeros are not written.
  for (let kappa = 9, unit = 1_000_000_000; kappa >= 0; kappa--, unit /= 10) {
    const digit = Math.floor(whole / unit);
    if (digit !== 0 || count > 0) found.digits[count++] = ZERO + digit;
    whole -= digit * unit;
    const leftHigh = whole * one + restHigh;
    if (isBelow(deltaHigh, deltaLow, leftHigh, restLow)) continue;
    found.count = count;
    found.power += kappa;
    return round(distanceHigh, distanceLow, deltaHigh, deltaLow, leftHigh, restLow, unit * one);
  }
  // Digits behind the point: instead of dividing the unit by ten, everything else is multiplied by it.
  for (let kappa = -1;; kappa--) {
    const tens = restLow * 10;
    const carry = Math.floor(tens / WORD);
    const high = restHigh * 10 + carry;
    const digit = Math.floor(high / one);
    restLow = tens - carry * WORD;
    restHigh = high - digit * one;
    const deltaTens = deltaLow * 10;
    deltaHigh = deltaHigh * 10 + Math.floor(deltaTens / WORD);
    deltaLow = deltaTens % WORD;
    const distanceTens = distanceLow * 10;
    distanceHigh = (distanceHigh * 10 + Math.floor(distanceTens / WORD)) % WORD;
    distanceLow = distanceTens % WORD;
    if (digit !== 0 || count > 0) found.digits[count++] = ZERO + digit;
    if (!isBelow(restHigh, restLow, deltaHigh, deltaLow)) continue;
    found.count = count;
    found.power += kappa;
    return round(distanceHigh, distanceLow, deltaHigh, deltaLow, restHigh, restLow, one);
  }
}

/**
 * Lowers the last digit while that brings the digits nearer to the value (`round_digit` of
 * fpconv.c). The rest is from the digits written so far up to the upper end of the interval.
 *
 * @param unit Worth of the last digit, the higher word; the lower one is 0.
 */
function round(
  distanceHigh: number,
  distanceLow: number,
  deltaHigh: number,
  deltaLow: number,
  restHigh: number,
  restLow: number,
  unit: number,
): void {
  while (isBelow(restHigh, restLow, distanceHigh, distanceLow)) {
    subtract(deltaHigh, deltaLow, restHigh, restLow);
    if (resultHigh < unit) return;
    const nextHigh = restHigh + unit;
    if (!isBelow(nextHigh, restLow, distanceHigh, distanceLow)) {
      subtract(distanceHigh, distanceLow, restHigh, restLow);
      const nowHigh = resultHigh;
      const nowLow = resultLow;
      subtract(nextHigh, restLow, distanceHigh, distanceLow);
      if (!isBelow(resultHigh, resultLow, nowHigh, nowLow)) return;
    }
    found.digits[found.count - 1]--;
    restHigh = nextHigh;
  }
}

/**
 * Index of the cached power that brings a number of that exponent into range (`find_cachedpow10`).
 */
function powerFor(exponent: number): number {
  if (!isFilled) fillPowers();
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
  assert(!isFilled, "the powers are computed once");
  isFilled = true;
  for (let i = 0; i < POWERS; i++) {
    const power = FIRST_POWER + i * STEP_POWERS;
    const size = 10n ** BigInt(Math.abs(power));
    const length = size.toString(2).length;
    // A quotient or shift of 66 bits or so, then rounded to the 64 that are kept.
    const exponent = power >= 0 ? length - 66 : -(length + 65);
    const exact = power >= 0 ? shifted(size, -exponent) : (1n << BigInt(-exponent)) / size;
    const extra = exact.toString(2).length - 64;
    const rounded = (exact + (1n << BigInt(extra - 1))) >> BigInt(extra);
    powersHigh[i] = Number(rounded >> 32n);
    powersLow[i] = Number(rounded & 0xffffffffn);
    exponents[i] = exponent + extra;
  }
}

/** `value * 2 ** by`, rounded down. */
function shifted(value: bigint, by: number): bigint {
  return by >= 0 ? value << BigInt(by) : value >> BigInt(-by);
}

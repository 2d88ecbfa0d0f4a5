/**
 * An expiry is an int64 of milliseconds since 1970 in Redis, here a number that fits a float64 and loses nothing:
 *
 * ```text
 *  -1                  NO_EXPIRY, never
 *  0 to 2^53           the time itself; what lies before 1970 has passed, and is held as 0
 *  below 0, but -1     a far time, beyond 2^53 (the year 287396): sign bit 1, the other 63 bits are the time - 2^53,
 *                      and one more from the pattern of -1 on
 * ```
 *
 * Neither an infinity nor a NaN comes out of it: their patterns begin at 2^63 - 2^52. Far times and NO_EXPIRY never
 * pass, so that one comparison with 0 beside the one with the clock tells whether a time has passed.
 *
 * @module
 */

import { NO_EXPIRY } from "./record.ts";

const TWO_32 = 2 ** 32;
/** 2^53: the first time that is not told from the next one by a float64. */
const NEAR_END: number = 2 ** 53;
/** The upper 32 bits of 2^53. */
const NEAR_END_HIGH = 0x200000;
const SIGN = 0x80000000;
/** The upper 32 bits of the float64 -1 without its sign: the lower ones are 0. */
const MINUS_ONE_HIGH = 0x3ff00000;

const view = new DataView(new ArrayBuffer(8));

/** Whether a key or field with this expiry is past at `nowMs`: no reader is shown it. */
export function isExpired(expireAtMs: number, nowMs: number): boolean {
  return expireAtMs >= 0 && expireAtMs < nowMs;
}

/** Whether a time to be set has come by `nowMs`: a master deletes the key at once (`expire.c checkAlreadyExpired`). */
export function hasCome(expireAtMs: number, nowMs: number): boolean {
  return expireAtMs >= 0 && expireAtMs <= nowMs;
}

/** Whether expiry `a` is later than `b`; neither is NO_EXPIRY. */
export function isLater(a: number, b: number): boolean {
  if (a < 0) return b >= 0 || a < b;
  return b >= 0 && a > b;
}

/** Whether the expiry lies beyond 2^53, so that its number is not the time. */
export function isFar(expireAtMs: number): boolean {
  return expireAtMs < 0 && expireAtMs !== NO_EXPIRY;
}

/** The expiry whose int64 has these halves, of which only the bits count: -1 is NO_EXPIRY, what is negative is 0. */
export function expiryFromHalves(high: number, low: number): number {
  high |= 0;
  low >>>= 0;
  if (high < 0) return high === -1 && low === 0xffffffff ? NO_EXPIRY : 0;
  if (high < NEAR_END_HIGH || (high === NEAR_END_HIGH && low === 0)) return high * TWO_32 + low;
  high -= NEAR_END_HIGH;
  if (high >= MINUS_ONE_HIGH && ++low === TWO_32) {
    low = 0;
    high++;
  }
  view.setUint32(0, (high | SIGN) >>> 0);
  view.setUint32(4, low);
  return view.getFloat64(0);
}

/** The expiry at a time of 64 bits, more of which are cut off as in C; a negative time is 0, -1 as well. */
export function expiryFromBigInt(ms: bigint): number {
  const exact = BigInt.asIntN(64, ms);
  return exact < 0n ? 0 : expiryFromHalves(Number(exact >> 32n), Number(exact & 0xffffffffn));
}

/** The time of an expiry, exact; -1n for NO_EXPIRY. */
export function exactExpiry(expireAtMs: number): bigint {
  if (!isFar(expireAtMs)) return BigInt(expireAtMs);
  view.setFloat64(0, expireAtMs);
  const far = view.getBigUint64(0) & 0x7fffffffffffffffn;
  const skipped = far > BigInt(MINUS_ONE_HIGH) << 32n ? 1n : 0n;
  return far - skipped + BigInt(NEAR_END);
}

/** The time as a plain number: beyond 2^53 the nearest one; -1 for NO_EXPIRY. */
export function approximateExpiry(expireAtMs: number): number {
  return isFar(expireAtMs) ? Number(exactExpiry(expireAtMs)) : expireAtMs;
}

/** The time as decimal digits, exact; `-1` for NO_EXPIRY. */
export function expiryText(expireAtMs: number): string {
  return String(isFar(expireAtMs) ? exactExpiry(expireAtMs) : expireAtMs);
}

/**
 * The ends of C's integer types, as Redis checks numbers against them: `INT_MIN`, `LONG_MAX` and
 * their kin. An int64 is a bigint here, since a double is exact up to 2^53 only.
 *
 * @module
 */

/** The smallest signed 32-bit integer. */
export const INT32_MIN: number = -0x80000000;
/** The largest signed 32-bit integer. */
export const INT32_MAX = 0x7fffffff;
/** The smallest signed 64-bit integer. */
export const INT64_MIN: bigint = -0x8000000000000000n;
/** The largest signed 64-bit integer. */
export const INT64_MAX = 0x7fffffffffffffffn;

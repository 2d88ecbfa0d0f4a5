/**
 * 64-bit integers through two 32-bit halves: a double as long as it is exact, a bigint beyond.
 *
 * @module
 */

import { assert } from "./assert.ts";

const UINT32_RANGE = 0x100000000;
/** High halves in [-2^21, 2^21) keep the whole within +-2^53. */
const SAFE_HIGH = 0x200000;

/** The unsigned number of two halves; a bigint from 2^53 on. */
export function fromHalves(low: number, high: number): number | bigint {
  const unsignedHigh = high >>> 0;
  if (unsignedHigh < SAFE_HIGH) return unsignedHigh * UINT32_RANGE + (low >>> 0);
  return (BigInt(unsignedHigh) << 32n) | BigInt(low >>> 0);
}

/** The signed number of two halves; a bigint outside +-2^53. */
export function fromSignedHalves(low: number, high: number): number | bigint {
  const signedHigh = high | 0;
  if (signedHigh < SAFE_HIGH && signedHigh > -SAFE_HIGH) {
    return signedHigh * UINT32_RANGE + (low >>> 0);
  }
  return (BigInt(signedHigh) << 32n) | BigInt(low >>> 0);
}

/** Unsigned, little endian. */
export function readUint64LE(view: DataView, offset: number): number | bigint {
  return fromHalves(view.getUint32(offset, true), view.getUint32(offset + 4, true));
}

/** Unsigned, big endian. */
export function readUint64BE(view: DataView, offset: number): number | bigint {
  return fromHalves(view.getUint32(offset + 4), view.getUint32(offset));
}

/** Signed, little endian. */
export function readInt64LE(view: DataView, offset: number): number | bigint {
  return fromSignedHalves(view.getUint32(offset, true), view.getUint32(offset + 4, true));
}

/** Signed, big endian. */
export function readInt64BE(view: DataView, offset: number): number | bigint {
  return fromSignedHalves(view.getUint32(offset + 4), view.getUint32(offset));
}

/** The low 32 bits of a whole number, two's complement. */
export function lowHalf(value: number | bigint): number {
  if (typeof value === "bigint") return Number(value & 0xffffffffn);
  assert(Number.isSafeInteger(value), "a 64-bit number given as a double is exact");
  const rest = value % UINT32_RANGE;
  return rest >>> 0;
}

/** The high 32 bits of a whole number, two's complement. */
export function highHalf(value: number | bigint): number {
  if (typeof value === "bigint") return Number((value >> 32n) & 0xffffffffn);
  assert(Number.isSafeInteger(value), "a 64-bit number given as a double is exact");
  return Math.floor(value / UINT32_RANGE) >>> 0;
}

/** Writes a number of either sign, little endian. */
export function writeInt64LE(view: DataView, offset: number, value: number | bigint): void {
  view.setUint32(offset, lowHalf(value), true);
  view.setUint32(offset + 4, highHalf(value), true);
}

/** Writes a number of either sign, big endian. */
export function writeInt64BE(view: DataView, offset: number, value: number | bigint): void {
  view.setUint32(offset, highHalf(value));
  view.setUint32(offset + 4, lowHalf(value));
}

/** A double when it is exact in one, else the bigint itself. */
export function toNumberIfExact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

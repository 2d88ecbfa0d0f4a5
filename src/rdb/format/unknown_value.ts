/**
 * A key whose value's bytes are not known, as a snapshot of ours holds it: a command of its module has made or
 * changed the value, so that only name, type and expiry are left of it. Servers have no record for that; it is
 * an auxiliary field, which any server passes over.
 *
 * ```text
 *   AUX  "rimr-unknown-value"  type name, space, expiry in milliseconds or -1, space, 0 or 1, space, key
 *                                                                                   1: it may be gone
 * ```
 *
 * It belongs to the database selected before it, as a key does.
 *
 * @module
 */

import { latin1 } from "../../base/ascii.ts";
import { expiryFromBigInt, expiryText } from "../../store/memory/expiry.ts";
import { NO_EXPIRY } from "../../store/memory/record.ts";
import { RdbError } from "./errors.ts";

/** Name of the auxiliary field. */
export const UNKNOWN_VALUE_AUX = "rimr-unknown-value";

/** Longest name of a type: a module's has nine characters. */
const MAX_NAME_BYTES = 64;
const MAX_NUMBER_BYTES = 20;
const SPACE = 0x20;
const ZERO = 0x30;
const ONE = 0x31;
/** Milliseconds, beyond 2^53 as well: RESTORE sets any expiry of 63 bits. */
const EXPIRY = /^(?:-1|[0-9]+)$/;

/** What such a field says of its key, beside the name. */
export interface UnknownValue {
  /** The name of the type, as TYPE answers it. */
  readonly module: string;
  /** An expiry of the store, NO_EXPIRY for never. */
  readonly expireAtMs: number;
  /** Whether the master may have deleted the key. */
  readonly doubted: boolean;
  /** Where the key begins: it goes on to the end of the field. */
  readonly keyStart: number;
}

/** The field's value for a key `[start, end)`. */
export function writeUnknownValue(
  { module, doubted }: { readonly module: string; readonly doubted: boolean },
  expireAtMs: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array {
  const text = `${module} ${expiryText(expireAtMs)} ${doubted ? 1 : 0} `;
  const head = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const value = new Uint8Array(head.length + end - start);
  value.set(head);
  value.set(bytes.subarray(start, end), head.length);
  return value;
}

/** Reads the field's value. @throws {RdbError} CORRUPT when it is none, without its offset. */
export function readUnknownValue(bytes: Uint8Array, start: number, end: number): UnknownValue {
  const nameEnd = findSpace(bytes, start, Math.min(end, start + MAX_NAME_BYTES));
  const from = nameEnd + 1;
  const numberEnd = findSpace(bytes, from, Math.min(end, from + MAX_NUMBER_BYTES));
  const number = latin1(bytes, from, numberEnd);
  if (!EXPIRY.test(number)) fail();
  const expireAtMs = number === "-1" ? NO_EXPIRY : expiryFromBigInt(BigInt(number));
  const module = latin1(bytes, start, nameEnd);
  const at = numberEnd + 1;
  const isFlag = bytes[at] === ZERO || bytes[at] === ONE;
  if (at + 2 > end || !isFlag || bytes[at + 1] !== SPACE) fail();
  return { module, expireAtMs, doubted: bytes[at] === ONE, keyStart: at + 2 };
}

function findSpace(bytes: Uint8Array, start: number, end: number): number {
  const at = bytes.subarray(start, end).indexOf(SPACE);
  if (at < 1) fail();
  return start + at;
}

function fail(): never {
  throw new RdbError("CORRUPT", "A key of an unknown value has no type or expiry", -1);
}

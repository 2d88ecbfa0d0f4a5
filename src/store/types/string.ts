/**
 * How string values are held: which encoding, and how much room a growing one gets.
 *
 * @module
 */

import { Encoding, ValueType } from "../memory/record.ts";

/** Redis's `OBJ_ENCODING_EMBSTR_SIZE_LIMIT`: up to here a string is "embstr". */
const MAX_EMBSTR = 44;
/** Redis's `SDS_MAX_PREALLOC`: up to here a growing string doubles. */
const DOUBLE_UNTIL = 1024 * 1024;
/** Redis's `proto-max-bulk-len`: no room is kept beyond. */
const MAX_STRING = 512 * 1024 * 1024;

/** Low byte of a record's header: type and encoding. */
export function kindOf(type: ValueType, encoding: Encoding): number {
  return type | (encoding << 4);
}

/** A string held as an integer. */
export const INT_STRING: number = kindOf(ValueType.STRING, Encoding.INT);
/** A short string. */
export const EMBSTR_STRING: number = kindOf(ValueType.STRING, Encoding.EMBSTR);
/** A long string, or one that was changed in place. */
export const RAW_STRING: number = kindOf(ValueType.STRING, Encoding.RAW);

/** The kind of a string of `length` bytes that is no integer. */
export function stringKind(length: number): number {
  return length <= MAX_EMBSTR ? EMBSTR_STRING : RAW_STRING;
}

/**
 * Bytes to reserve for a string that outgrew its block and now needs `length`: twice as much while it
 * is short, a quarter more (at least 1 MB) when long, so that growing byte by byte stays linear.
 */
export function reserveFor(length: number): number {
  const more = length < DOUBLE_UNTIL ? length : Math.max(DOUBLE_UNTIL, Math.floor(length / 4));
  return Math.max(length, Math.min(length + more, MAX_STRING));
}

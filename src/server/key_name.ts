/**
 * A key of one database as a string: what tables of WATCH and of blocked clients are keyed by. Only made
 * while somebody watches or waits, so its cost is not paid for every write.
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";

/** Bytes `[start, end)` under their database's number, as in "0:user:1"; one code point a byte. */
export function keyName(dbIndex: number, bytes: Uint8Array, start: number, end: number): string {
  return `${dbIndex}:${latin1(bytes, start, end)}`;
}

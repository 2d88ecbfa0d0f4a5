/**
 * Stream ids as BigInts, which models count with.
 *
 * @module
 */

import { StreamId } from "../../src/store/packed/stream_id.ts";

const WORD = 0xffffffffn;

/** The id of a BigInt of 128 bits. */
export function idOf(value: bigint): StreamId {
  const word = (shift: bigint) => Number((value >> shift) & WORD);
  return new StreamId(word(96n), word(64n), word(32n), word(0n));
}

/** An id as a BigInt of 128 bits. */
export function valueOf({ msHigh, msLow, seqHigh, seqLow }: StreamId): bigint {
  return [msHigh, msLow, seqHigh, seqLow].reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
}

/** The values in ascending order. */
export function ascending(values: Iterable<bigint>): bigint[] {
  return [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

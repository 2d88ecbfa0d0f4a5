/**
 * The counts of SRANDMEMBER, ZRANDMEMBER and HRANDFIELD: how many members to draw, negative when one may
 * be drawn again.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { isWord, readBigInteger, readInteger } from "./args.ts";
import { CommandError, outOfRange, SYNTAX, VALUE_OUT_OF_RANGE } from "./errors.ts";

const LONG_MAX = 0x7fffffffffffffffn;
/** Members, repeated ones included, that may be drawn at once: a reply of no more than gigabytes. */
const MOST = 1 << 26;

/**
 * Argument `index` as such a count. `-LONG_MAX - 1` is none: it has no counterpart.
 *
 * @throws {CommandError} When it is no such number.
 */
export function readSignedCount(argv: Argv, index: number): number {
  const count = readInteger(argv, index);
  if (count === -Infinity && readBigInteger(argv, index) < -LONG_MAX) {
    throw new CommandError(outOfRange(-LONG_MAX, LONG_MAX));
  }
  return count;
}

/**
 * The count of `command key count [word]`, which is argument 2.
 *
 * @param word What may follow it: it doubles the reply, which must not overflow either.
 * @throws {CommandError} When it is no such number or something else follows.
 */
export function readRandomCount(argv: Argv, word: string): number {
  const count = readSignedCount(argv, 2);
  const isDoubled = argv.count === 4 && isWord(argv, 3, word);
  if (!isDoubled && argv.count > 3) throw new CommandError(SYNTAX);
  if (isDoubled && Math.abs(count) === Infinity) {
    const exact = readBigInteger(argv, 2);
    if (exact > LONG_MAX / 2n || exact < -LONG_MAX / 2n) throw new CommandError(VALUE_OUT_OF_RANGE);
  }
  return count;
}

/**
 * How many members to draw of `length`.
 *
 * @throws {CommandError} When the same ones were to be drawn more often than any client could read.
 */
export function drawsOf(count: number, length: number): number {
  if (count >= 0) return Math.min(count, length);
  if (count < -MOST) throw new CommandError(VALUE_OUT_OF_RANGE);
  return -count;
}

/**
 * What commands share that pop from the first of several keys: LMPOP, BLPOP and BLMPOP of lists,
 * ZMPOP, BZPOPMIN and BZMPOP of sorted sets.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import type { ValueType } from "../../store/memory/record.ts";
import { isWord, readPositive } from "./args.ts";
import { waitForKeys } from "./blocking.ts";
import type { Context } from "./context.ts";
import { CommandError, COUNT_POSITIVE, NUMKEYS_POSITIVE, SYNTAX } from "./errors.ts";
import { holdsType, lookup } from "./lookup.ts";

/** What `numkeys key [key ...] WORD [COUNT count]` says. */
export interface MultiPop {
  /** Index of the argument after the last key; the first key follows the number of keys. */
  readonly end: number;
  /** Whether the word is the first of the two there are. */
  readonly isFirst: boolean;
  /** How many elements at most, 1 without COUNT. */
  readonly count: number;
}

/**
 * Reads `numkeys key [key ...] first|second [COUNT count]`.
 *
 * @param index Of the number of keys.
 * @throws {CommandError} NUMKEYS_POSITIVE, COUNT_POSITIVE, SYNTAX.
 */
export function readMultiPop(argv: Argv, index: number, first: string, second: string): MultiPop {
  const end = index + 1 + readPositive(argv, index, NUMKEYS_POSITIVE);
  if (end >= argv.count) throw new CommandError(SYNTAX);
  const isFirst = isWord(argv, end, first);
  if (!isFirst && !isWord(argv, end, second)) throw new CommandError(SYNTAX);
  let count = 0;
  for (let i = end + 1; i < argv.count; i += 2) {
    const isCount = count === 0 && i + 1 < argv.count && isWord(argv, i, "COUNT");
    if (!isCount) throw new CommandError(SYNTAX);
    count = readPositive(argv, i + 1, COUNT_POSITIVE);
  }
  return { end, isFirst, count: Math.max(count, 1) };
}

/**
 * Index of the first of arguments `[first, end)` that names a key, 0 when none does.
 *
 * @throws {CommandError} WRONGTYPE when a key before it, or it itself, holds another type.
 */
export function findFirst(
  ctx: Context,
  argv: Argv,
  first: number,
  end: number,
  type: ValueType,
): number {
  for (let index = first; index < end; index++) {
    if (lookup(ctx, argv, index, type) !== 0) return index;
  }
  return 0;
}

/**
 * Blocks the client until one of the keys at arguments `[first, end)` holds this type, then pops.
 *
 * @param pop Pops and replies; false when there is nothing after all.
 */
export function waitToPop(
  ctx: Context,
  argv: Argv,
  first: number,
  end: number,
  untilMs: number,
  type: ValueType,
  pop: (ctx: Context, argv: Argv) => boolean,
): void {
  const keys = Array.from({ length: end - first }, (_, i) => first + i);
  waitForKeys(ctx, argv, {
    keys,
    untilMs,
    failsOnType: true,
    // As in Redis, only a key of this type lets the command run again; it then may meet keys of
    // other types before that one, and fails by them.
    attempt: (later, own) =>
      keys.some((key) => holdsType(later, own, key, type)) && pop(later, own),
    timedOut: (later) => later.reply.nullArray(),
  });
}

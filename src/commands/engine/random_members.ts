/**
 * Drawing members for SRANDMEMBER, SPOP, ZRANDMEMBER and HRANDFIELD: how many, negative when one
 * may be drawn again, and which.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { INT64_MAX } from "../../base/limits.ts";
import type { Argv } from "../../resp/argv.ts";
import type { Context } from "./context.ts";
import { isWord, readBigInteger, readInteger } from "./args.ts";
import { AT_ONCE, inPortions, Portion, STEP_ELEMENTS, type Steps } from "./long_read.ts";
import { CommandError, outOfRange, SYNTAX, VALUE_OUT_OF_RANGE } from "./errors.ts";

/** Members are drawn until they differ when fewer than one in so many is wanted. */
const SPARSE_SHARE = 3;
/**
 * How many members, repeated ones included, are drawn at once: keeps a reply below some gigabytes.
 */
const MOST = 1 << 26;

/**
 * Argument `index` as a count whose sign matters. The smallest int64 is refused: it has no
 * negative.
 *
 * @throws {CommandError} When it is no int64 from -INT64_MAX on.
 */
export function readSignedCount(argv: Argv, index: number): number {
  const count = readInteger(argv, index);
  if (count === -Infinity && readBigInteger(argv, index) < -INT64_MAX) {
    throw new CommandError(outOfRange(-INT64_MAX, INT64_MAX));
  }
  return count;
}

/**
 * The count of `command key count [word]`, which is argument 2.
 *
 * @param word What may follow, as WITHSCORES: it doubles the length of the reply, which Redis
 * checks against INT64_MAX, too.
 * @throws {CommandError} When it is no such number, or something else follows.
 */
export function readRandomCount(argv: Argv, word: string): number {
  const count = readSignedCount(argv, 2);
  const isDoubled = argv.count === 4 && isWord(argv, 3, word);
  if (!isDoubled && argv.count > 3) throw new CommandError(SYNTAX);
  if (isDoubled && Math.abs(count) === Infinity) {
    const exact = readBigInteger(argv, 2);
    if (exact > INT64_MAX / 2n || exact < -INT64_MAX / 2n) {
      throw new CommandError(VALUE_OUT_OF_RANGE);
    }
  }
  return count;
}

/**
 * How many members a count draws of `length`: no more than there are, or with a negative count that
 * many of which some may be the same.
 *
 * @throws {CommandError} VALUE_OUT_OF_RANGE below -2^26, where Redis would run out of memory.
 */
export function drawsOf(count: number, length: number): number {
  if (count >= 0) return Math.min(count, length);
  if (count < -MOST) throw new CommandError(VALUE_OUT_OF_RANGE);
  return -count;
}

/**
 * Visits `count` different members of `length`, each set of them about as likely as any other, in
 * no particular order. When few are wanted they are drawn until they differ, which takes O(count);
 * else all are walked once, and each is taken with the chance that all still wanted are among those
 * left.
 *
 * @param draw A random member's number; undefined where members have none or some must not be
 * drawn.
 * @param visit Visits the member of that number.
 * @param walk Walks all `length` members and visits each for which `takes` answers true.
 */
export function eachRandom(
  ctx: Context,
  count: number,
  length: number,
  draw: (() => number) | undefined,
  visit: (drawn: number) => void,
  walk: (takes: () => boolean) => void,
): void {
  assert(count >= 0 && count <= length, "no more members are drawn than there are");
  if (draw !== undefined && count * SPARSE_SHARE < length) {
    const drawn = new Set<number>();
    while (drawn.size < count) drawn.add(draw());
    for (const one of drawn) visit(one);
    return;
  }
  const { takes, isDone } = takesOf(ctx, count, length);
  walk(takes);
  assert(isDone(), "all members wanted were drawn");
}

/** How many members a reply draws before the work is cut into slices. */
export const MANY_DRAWS: number = AT_ONCE;

/**
 * As {@linkcode eachRandom}, in steps.
 *
 * @param draw As there; what it gives must stay a member's number while the key does not change.
 * @param walk Walks some members from a cursor on, 0 at first, and returns the next one, 0 behind the last.
 */
export function* eachRandomInSteps(
  ctx: Context,
  count: number,
  length: number,
  draw: (() => number) | undefined,
  visit: (drawn: number) => void,
  walk: (cursor: number, most: number, takes: () => boolean) => number,
): Steps {
  if (draw !== undefined && count * SPARSE_SHARE < length) {
    const drawn = new Set<number>();
    for (let left = STEP_ELEMENTS; drawn.size < count;) {
      drawn.add(draw());
      if (--left > 0) continue;
      yield;
      left = STEP_ELEMENTS;
    }
    const members = drawn.values();
    return yield* inPortions(ctx, drawn.size, () => visit(members.next().value!));
  }
  const { takes, isDone } = takesOf(ctx, count, length);
  const portion = new Portion(ctx);
  let cursor = 0;
  do {
    cursor = walk(cursor, portion.begin(), takes);
    portion.end();
    if (cursor !== 0) yield;
  } while (cursor !== 0);
  assert(isDone(), "all members wanted were drawn");
}

/** Chooses `count` of `length` members that are asked about one after the other. */
function takesOf(
  ctx: Context,
  count: number,
  length: number,
): { takes: () => boolean; isDone: () => boolean } {
  let left = length;
  let wanted = count;
  const takes = () => {
    if (ctx.random() * left-- >= wanted) return false;
    wanted--;
    return true;
  };
  return { takes, isDone: () => wanted === 0 };
}

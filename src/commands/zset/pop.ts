/**
 * The commands that remove the members with the lowest or highest scores and reply with them
 * (`genericZpopCommand` of `t_zset.c`): from one key, from the first of several that is there, or
 * after waiting for one.
 *
 * ```text
 *                    RESP2                     RESP3                     propagated as
 *   ZPOPMIN          [m, s]                    the same                  itself
 *   ZPOPMIN count    [m, s, m, s]              [[m, s], [m, s]]          itself
 *   BZPOPMIN         [key, m, s]               the same                  ZPOPMIN key
 *   ZMPOP, BZMPOP    [key, [[m, s], [m, s]]]   the same                  ZPOPMIN key count
 * ```
 *
 * Replicas must neither wait nor choose between keys, so those commands are propagated as what they
 * came to.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Argv } from "../../resp/argv.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import { zsetEachRange, zsetLength, zsetRemoveRange } from "../../store/types/zset.ts";
import { readInteger } from "../engine/args.ts";
import { BLOCKING, type Command, command, FAST, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, MUST_BE_POSITIVE, SYNTAX } from "../engine/errors.ts";
import { readTimeoutSeconds } from "../engine/timeout.ts";
import { zsetChanged } from "./args.ts";
import { lookup } from "../engine/lookup.ts";
import { findFirst, readMultiPop, waitToPop } from "../engine/multi_pop.ts";

/** What a command pops, how it replies and how it is propagated. */
interface Pop {
  /** Pops the members with the highest scores, else those with the lowest. */
  readonly max: boolean;
  /** The most members to pop. */
  readonly count: number;
  /** Whether the reply begins with the key. */
  readonly emitKey: boolean;
  /** Whether each member and its score are an array of their own. */
  readonly nested: boolean;
  /** Whether the command is propagated as it came. */
  readonly verbatim: boolean;
  /** Whether the ZPOPMIN or ZPOPMAX propagated in its place carries the count. */
  readonly sendCount: boolean;
}

/**
 * Pops from the sorted set of the key at argument `index`, which exists, replies and propagates.
 */
function popFrom(ctx: Context, argv: Argv, index: number, pop: Pop): void {
  const { db, reply } = ctx;
  const entry: Entry = lookup(ctx, argv, index, ValueType.ZSET);
  const length = zsetLength(db, entry);
  const count = Math.min(pop.count, length);
  assert(entry !== 0 && count > 0, "there is a member to pop");
  if (pop.emitKey) {
    reply.array(pop.nested ? 2 : 3);
    reply.bulk(argv.bytes, argv.starts[index], argv.ends[index]);
  }
  if (pop.nested) reply.array(count);
  else if (!pop.emitKey) reply.array(2 * count);
  zsetEachRange(db, entry, pop.max ? length - 1 : 0, count, pop.max, (bytes, start, end, score) => {
    if (pop.nested) reply.array(2);
    reply.bulk(bytes, start, end);
    reply.double(score);
  });
  const now = zsetRemoveRange(db, entry, pop.max ? length - count : 0, count);
  zsetChanged(ctx, argv, index, now, count);
  if (pop.verbatim) return;
  const name = pop.max ? "ZPOPMAX" : "ZPOPMIN";
  const key = argv.at(index);
  if (pop.sendCount) ctx.propagateAs(name, key, String(count));
  else ctx.propagateAs(name, key);
}

/** ZPOPMIN and ZPOPMAX (`zpopMinMaxCommand`); without a count RESP3 has no pairs either. */
function popGeneric(ctx: Context, argv: Argv, max: boolean): void {
  if (argv.count > 3) throw new CommandError(SYNTAX);
  const hasCount = argv.count === 3;
  const count = hasCount ? readInteger(argv, 2, MUST_BE_POSITIVE) : 1;
  if (count < 0) throw new CommandError(MUST_BE_POSITIVE);
  if (lookup(ctx, argv, 1, ValueType.ZSET) === 0 || count === 0) return ctx.reply.array(0);
  const nested = hasCount && ctx.reply.protocol === 3;
  popFrom(ctx, argv, 1, { max, count, emitKey: false, nested, verbatim: true, sendCount: false });
}

/**
 * `ZPOPMIN key [count]`: the members with the lowest scores, and these, lowest first. O(m log n).
 */
const zpopmin = command("zpopmin", -2, WRITE | FAST, "RW.access.delete@1", (ctx, argv) => {
  popGeneric(ctx, argv, false);
});

/**
 * `ZPOPMAX key [count]`: the members with the highest scores, and these, highest first. O(m log n).
 */
const zpopmax = command("zpopmax", -2, WRITE | FAST, "RW.access.delete@1", (ctx, argv) => {
  popGeneric(ctx, argv, true);
});

/**
 * Blocks the client until one of the keys at arguments `[first, end)` is a sorted set, then pops
 * from the first.
 */
function waitForZset(
  ctx: Context,
  argv: Argv,
  first: number,
  end: number,
  untilMs: number,
  pop: Pop,
): void {
  waitToPop(ctx, argv, first, end, untilMs, ValueType.ZSET, (later, own) => {
    popFrom(later, own, findFirst(later, own, first, end, ValueType.ZSET), pop);
    return true;
  });
}

/**
 * BZPOPMIN and BZPOPMAX (`blockingGenericZpopCommand`): the last argument is the timeout in
 * seconds.
 */
function blockingPopGeneric(ctx: Context, argv: Argv, max: boolean): void {
  const last = argv.count - 1;
  const untilMs = readTimeoutSeconds(argv, last, ctx.nowMs);
  const index = findFirst(ctx, argv, 1, last, ValueType.ZSET);
  const pop = { max, count: 1, emitKey: true, nested: false, verbatim: false, sendCount: false };
  if (index === 0) waitForZset(ctx, argv, 1, last, untilMs, pop);
  else popFrom(ctx, argv, index, pop);
}

/**
 * `BZPOPMIN key [key ...] timeout`: the key, its lowest member and the score; null after the
 * timeout. O(log n).
 */
const bzpopmin = command(
  "bzpopmin",
  -3,
  WRITE | BLOCKING | FAST,
  "RW.access.delete@1:-2",
  (ctx, argv) => blockingPopGeneric(ctx, argv, false),
);

/**
 * `BZPOPMAX key [key ...] timeout`: the key, its highest member and the score; null after the
 * timeout. O(log n).
 */
const bzpopmax = command(
  "bzpopmax",
  -3,
  WRITE | BLOCKING | FAST,
  "RW.access.delete@1:-2",
  (ctx, argv) => blockingPopGeneric(ctx, argv, true),
);

/**
 * ZMPOP and BZMPOP (`zmpopGenericCommand`); `first` is the index of numkeys: 1, or 2 behind a
 * timeout.
 */
function multiPopGeneric(ctx: Context, argv: Argv, first: number): void {
  const { end, isFirst: max, count } = readMultiPop(argv, first, "MAX", "MIN");
  const untilMs = first === 2 ? readTimeoutSeconds(argv, 1, ctx.nowMs) : -1;
  const index = findFirst(ctx, argv, first + 1, end, ValueType.ZSET);
  const pop = { max, count, emitKey: true, nested: true, verbatim: false, sendCount: true };
  if (index !== 0) popFrom(ctx, argv, index, pop);
  else if (first === 2) waitForZset(ctx, argv, first + 1, end, untilMs, pop);
  else ctx.reply.nullArray();
}

/**
 * `ZMPOP numkeys key [key ...] MIN|MAX [COUNT count]`: the key and pairs of member and score, or
 * null. O(k + m log n).
 */
const zmpop = command("zmpop", -4, WRITE, "RW.access.delete@1:n", (ctx, argv) => {
  multiPopGeneric(ctx, argv, 1);
});

/**
 * `BZMPOP timeout numkeys key [key ...] MIN|MAX [COUNT count]`: ZMPOP that waits; null after the
 * timeout. O(k + m log n).
 */
const bzmpop = command(
  "bzmpop",
  -5,
  WRITE | BLOCKING,
  "RW.access.delete@2:n",
  (ctx, argv) => multiPopGeneric(ctx, argv, 2),
);

/** The rows that pop from sorted sets. */
export const zsetPopCommands: readonly Command[] = [
  zpopmin,
  zpopmax,
  bzpopmin,
  bzpopmax,
  zmpop,
  bzmpop,
];

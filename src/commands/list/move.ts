/**
 * Lists, several keys at a time: what moves an element from one to another, pops from the first that has
 * any, or waits for one that has.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import { listMove } from "../../store/types/list.ts";
import { isWord, readInteger } from "../engine/args.ts";
import { waitForKeys } from "../engine/blocking.ts";
import { BLOCKING, type Command, command, DENYOOM, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, COUNT_POSITIVE, NUMKEYS_POSITIVE, SYNTAX } from "../engine/errors.ts";
import { popOne, popRange } from "./list.ts";
import { readTimeoutSeconds } from "../engine/timeout.ts";
import { lookup } from "../engine/lookup.ts";

const moved = new BytesRef();

/** Whether argument `index` says LEFT; it must say LEFT or RIGHT. */
function readIsLeft(argv: Argv, index: number): boolean {
  if (isWord(argv, index, "LEFT")) return true;
  if (isWord(argv, index, "RIGHT")) return false;
  throw new CommandError(SYNTAX);
}

/** Moves an element of the list at key 1, which is there, to the list at key 2, and replies with it. */
function move(ctx: Context, argv: Argv, fromHead: boolean, toHead: boolean): void {
  const { bytes, starts, ends } = argv;
  const { db } = ctx;
  const target = lookup(ctx, argv, 2, ValueType.LIST);
  // Looked up again: meeting a key past its time is a write.
  const source = db.find(bytes, starts[1], ends[1]);
  listMove(db, source, target, bytes, starts[2], ends[2], fromHead, toHead, moved);
  ctx.reply.bulk(moved.bytes, moved.start, moved.end);
  ctx.changed(argv, 2, 0);
  ctx.changed(argv, 1);
}

/** `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`: moves an element, replies with it. O(1). */
const lmove = command(
  "lmove",
  5,
  WRITE | DENYOOM,
  "RW.access.delete@1+RW.insert@2",
  (ctx, argv) => {
    const fromHead = readIsLeft(argv, 3);
    const toHead = readIsLeft(argv, 4);
    if (lookup(ctx, argv, 1, ValueType.LIST) === 0) return ctx.reply.null();
    move(ctx, argv, fromHead, toHead);
  },
);

/** `RPOPLPUSH source destination`: moves the last element of one to be the first of another. O(1). */
const rpoplpush = command(
  "rpoplpush",
  3,
  WRITE | DENYOOM,
  "RW.access.delete@1+RW.insert@2",
  (ctx, argv) => {
    if (lookup(ctx, argv, 1, ValueType.LIST) === 0) return ctx.reply.null();
    move(ctx, argv, false, true);
  },
);

/**
 * Waits for a list at key 1, then moves. A destination of another type is an error even then, a source
 * of another type is none.
 */
function waitToMove(
  ctx: Context,
  argv: Argv,
  untilMs: number,
  moveNow: (ctx: Context, argv: Argv) => void,
): void {
  // Redis answers null where nothing can wait, a null array to who waited in vain.
  let waited = false;
  waitForKeys(ctx, argv, {
    keys: [1],
    untilMs,
    failsOnType: true,
    attempt(later, own) {
      if (!isList(later, own, 1)) return false;
      moveNow(later, own);
      return true;
    },
    timedOut: (later) => waited ? later.reply.nullArray() : later.reply.null(),
  });
  waited = true;
}

function isList(ctx: Context, argv: Argv, index: number): boolean {
  const entry = lookup(ctx, argv, index);
  return entry !== 0 && ctx.db.typeOf(entry) === ValueType.LIST;
}

/** BLMOVE of a list that is there. */
function blmoveNow(ctx: Context, argv: Argv): void {
  move(ctx, argv, readIsLeft(argv, 3), readIsLeft(argv, 4));
  ctx.propagateAs("LMOVE", argv.at(1), argv.at(2), argv.at(3), argv.at(4));
}

/**
 * `BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout`: LMOVE that waits for an element. O(1).
 */
const blmove = command(
  "blmove",
  6,
  WRITE | DENYOOM | BLOCKING,
  "RW.access.delete@1+RW.insert@2",
  (ctx, argv) => {
    readIsLeft(argv, 3);
    readIsLeft(argv, 4);
    const untilMs = readTimeoutSeconds(argv, 5, ctx.nowMs);
    if (lookup(ctx, argv, 1, ValueType.LIST) !== 0) return blmoveNow(ctx, argv);
    waitToMove(ctx, argv, untilMs, blmoveNow);
  },
);

/** BRPOPLPUSH of a list that is there. */
function brpoplpushNow(ctx: Context, argv: Argv): void {
  move(ctx, argv, false, true);
  ctx.propagateAs("RPOPLPUSH", argv.at(1), argv.at(2));
}

/** `BRPOPLPUSH source destination timeout`: RPOPLPUSH that waits for an element. O(1). */
const brpoplpush = command(
  "brpoplpush",
  4,
  WRITE | DENYOOM | BLOCKING,
  "RW.access.delete@1+RW.insert@2",
  (ctx, argv) => {
    const untilMs = readTimeoutSeconds(argv, 3, ctx.nowMs);
    if (lookup(ctx, argv, 1, ValueType.LIST) !== 0) return brpoplpushNow(ctx, argv);
    waitToMove(ctx, argv, untilMs, brpoplpushNow);
  },
);

/** Waits for a list at any of keys `first` to `last`, then pops. */
function waitToPop(
  ctx: Context,
  argv: Argv,
  first: number,
  last: number,
  untilMs: number,
  pop: (ctx: Context, argv: Argv) => boolean,
): void {
  const keys = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  waitForKeys(ctx, argv, {
    keys,
    untilMs,
    failsOnType: true,
    // Run anew only for a list, the command meets keys of other types, too, and fails by them.
    attempt: (later, own) => keys.some((key) => isList(later, own, key)) && pop(later, own),
    timedOut: (later) => later.reply.nullArray(),
  });
}

/** The first of keys `first` to `last` that holds a list, 0 when none does. */
function firstList(ctx: Context, argv: Argv, first: number, last: number): number {
  for (let index = first; index <= last; index++) {
    if (lookup(ctx, argv, index, ValueType.LIST) !== 0) return index;
  }
  return 0;
}

function entryAt(ctx: Context, argv: Argv, index: number): Entry {
  return ctx.db.find(argv.bytes, argv.starts[index], argv.ends[index]);
}

function replyKey(ctx: Context, argv: Argv, index: number): void {
  ctx.reply.array(2);
  ctx.reply.bulk(argv.bytes, argv.starts[index], argv.ends[index]);
}

/** BLPOP and BRPOP of a list that is there; false when none is. */
function popFirst(ctx: Context, argv: Argv, atHead: boolean): boolean {
  const key = firstList(ctx, argv, 1, argv.count - 2);
  if (key === 0) return false;
  replyKey(ctx, argv, key);
  popOne(ctx, argv, key, entryAt(ctx, argv, key), atHead);
  ctx.propagateAs(atHead ? "LPOP" : "RPOP", argv.at(key));
  return true;
}

function blockingPop(ctx: Context, argv: Argv, atHead: boolean): void {
  const last = argv.count - 1;
  const untilMs = readTimeoutSeconds(argv, last, ctx.nowMs);
  if (popFirst(ctx, argv, atHead)) return;
  waitToPop(ctx, argv, 1, last - 1, untilMs, (later, own) => popFirst(later, own, atHead));
}

/** `BLPOP key [key ...] timeout`: LPOP of the first list there is, or comes. O(n) of the keys. */
const blpop = command("blpop", -3, WRITE | BLOCKING, "RW.access.delete@1:-2", (ctx, argv) => {
  blockingPop(ctx, argv, true);
});

/** `BRPOP key [key ...] timeout`: RPOP of the first list there is, or comes. O(n) of the keys. */
const brpop = command("brpop", -3, WRITE | BLOCKING, "RW.access.delete@1:-2", (ctx, argv) => {
  blockingPop(ctx, argv, false);
});

/** What LMPOP and BLMPOP are told. */
interface PopOptions {
  /** Index of the last key. */
  readonly last: number;
  readonly atHead: boolean;
  readonly count: number;
}

/** `numkeys key [key ...] LEFT|RIGHT [COUNT count]` from argument `index` on. */
function parsePop(argv: Argv, index: number): PopOptions {
  const keys = readInteger(argv, index, NUMKEYS_POSITIVE);
  if (keys < 1) throw new CommandError(NUMKEYS_POSITIVE);
  const where = index + keys + 1;
  if (where >= argv.count) throw new CommandError(SYNTAX);
  const atHead = readIsLeft(argv, where);
  let count = -1;
  for (let i = where + 1; i < argv.count; i += 2) {
    const isCount = count < 0 && isWord(argv, i, "COUNT") && i + 1 < argv.count;
    if (!isCount) throw new CommandError(SYNTAX);
    count = readInteger(argv, i + 1, COUNT_POSITIVE);
    if (count < 1) throw new CommandError(COUNT_POSITIVE);
  }
  return { last: where - 1, atHead, count: count < 0 ? 1 : count };
}

/** LMPOP and BLMPOP of a list that is there; false when none is. */
function popSeveral(ctx: Context, argv: Argv, first: number, options: PopOptions): boolean {
  const { last, atHead, count } = options;
  const key = firstList(ctx, argv, first, last);
  if (key === 0) return false;
  replyKey(ctx, argv, key);
  const taken = popRange(ctx, argv, key, entryAt(ctx, argv, key), atHead, count);
  ctx.propagateAs(atHead ? "LPOP" : "RPOP", argv.at(key), String(taken));
  return true;
}

/**
 * `LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]`: pops from the first list there is. O(n) of keys
 * and of elements taken.
 */
const lmpop = command("lmpop", -4, WRITE, "RW.access.delete@1:n", (ctx, argv) => {
  if (!popSeveral(ctx, argv, 2, parsePop(argv, 1))) ctx.reply.nullArray();
});

/**
 * `BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]`: LMPOP that waits for a list. O(n) of
 * keys and of elements taken.
 */
const blmpop = command(
  "blmpop",
  -5,
  WRITE | BLOCKING,
  "RW.access.delete@2:n",
  (ctx, argv) => {
    const options = parsePop(argv, 2);
    const untilMs = readTimeoutSeconds(argv, 1, ctx.nowMs);
    if (popSeveral(ctx, argv, 3, options)) return;
    const pop = (later: Context, own: Argv) => popSeveral(later, own, 3, options);
    waitToPop(ctx, argv, 3, options.last, untilMs, pop);
  },
);

/** The rows about several keys. */
export const listMoveCommands: readonly Command[] = [
  blmove,
  blmpop,
  blpop,
  brpop,
  brpoplpush,
  lmove,
  lmpop,
  rpoplpush,
];

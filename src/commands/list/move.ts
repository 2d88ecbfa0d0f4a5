/**
 * The list commands that move one element from a list to another, or within one
 * (`t_list.c lmoveGenericCommand`). The element leaves and arrives in one step: no client sees it in
 * neither list.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { ValueType } from "../../store/memory/record.ts";
import { listMove } from "../../store/types/list.ts";
import { waitForKeys } from "../engine/blocking.ts";
import { BLOCKING, type Command, command, DENYOOM, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { readTimeoutSeconds } from "../engine/timeout.ts";
import { holdsType, lookup } from "../engine/lookup.ts";
import { readIsLeft } from "./list.ts";

const moved = new BytesRef();

/**
 * Moves an element from the list at key 1, which exists, to the list at key 2, which is made when missing.
 * Replies with the element.
 *
 * @throws {CommandError} WRONGTYPE when key 2 holds another type; nothing has changed then.
 */
function move(ctx: Context, argv: Argv, fromHead: boolean, toHead: boolean): void {
  const { bytes, starts, ends } = argv;
  const { db } = ctx;
  const target = lookup(ctx, argv, 2, ValueType.LIST);
  // Found again: looking key 2 up may have deleted it, which moves entries.
  const source = db.find(bytes, starts[1], ends[1]);
  listMove(db, source, target, bytes, starts[2], ends[2], fromHead, toHead, moved);
  ctx.reply.bulk(moved.bytes, moved.start, moved.end);
  ctx.changed(argv, 2, 0);
  ctx.changed(argv, 1);
}

/**
 * `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`: moves an element from one end of a list to one end of
 * another. Replies with the element, null when the source is missing. O(1).
 */
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

/** `RPOPLPUSH source destination`: LMOVE from the tail of one list to the head of another. O(1). */
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
 * Blocks the client until key 1 holds a list, then calls `moveNow`. A source of another type is waited
 * past; a destination of another type fails the command, though only when there is something to move.
 */
function waitToMove(
  ctx: Context,
  argv: Argv,
  untilMs: number,
  moveNow: (ctx: Context, argv: Argv) => void,
): void {
  // `t_list.c blmoveGenericCommand` replies null inside MULTI, `blocked.c` a null array when a wait has
  // timed out.
  let waited = false;
  waitForKeys(ctx, argv, {
    keys: [1],
    untilMs,
    failsOnType: true,
    attempt(later, own) {
      if (!holdsType(later, own, 1, ValueType.LIST)) return false;
      moveNow(later, own);
      return true;
    },
    timedOut: (later) => waited ? later.reply.nullArray() : later.reply.null(),
  });
  waited = true;
}

/** BLMOVE when the source exists: moves and propagates an LMOVE. */
function blmoveNow(ctx: Context, argv: Argv): void {
  move(ctx, argv, readIsLeft(argv, 3), readIsLeft(argv, 4));
  ctx.propagateAs("LMOVE", argv.at(1), argv.at(2), argv.at(3), argv.at(4));
}

/**
 * `BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout`: LMOVE that waits up to `timeout` seconds for
 * the source. O(1).
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

/** BRPOPLPUSH when the source exists: moves and propagates an RPOPLPUSH. */
function brpoplpushNow(ctx: Context, argv: Argv): void {
  move(ctx, argv, false, true);
  ctx.propagateAs("RPOPLPUSH", argv.at(1), argv.at(2));
}

/**
 * `BRPOPLPUSH source destination timeout`: RPOPLPUSH that waits up to `timeout` seconds for the source.
 * O(1).
 */
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

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const moveCommands: readonly Command[] = [lmove, rpoplpush, blmove, brpoplpush];

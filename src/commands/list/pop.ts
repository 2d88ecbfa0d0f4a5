/**
 * The list commands that take elements out at either end (`t_list.c`): of one key, of the first of several
 * keys that holds a list, and, for BLPOP, BRPOP and BLMPOP, of the first that will.
 *
 * A blocking command first tries to pop. When it waits, `waitForKeys` runs it again each time a key it
 * named has changed.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import { listLength, listRemoveRange } from "../../store/types/list.ts";
import { ListCursor } from "../../store/types/list_cursor.ts";
import { readInteger } from "../engine/args.ts";
import { BLOCKING, type Command, command, FAST, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, MUST_BE_POSITIVE, wrongArity } from "../engine/errors.ts";
import { lookup } from "../engine/lookup.ts";
import { findFirst, type MultiPop, readMultiPop, waitToPop } from "../engine/multi_pop.ts";
import { readTimeoutSeconds } from "../engine/timeout.ts";
import { replyRange } from "./list.ts";

const cursor = new ListCursor();
const value = new BytesRef();

/** Replies with the element at the head or the tail and removes it. */
function popOne(ctx: Context, argv: Argv, key: number, entry: Entry, atHead: boolean): void {
  cursor.open(ctx.db, entry);
  cursor.seek(atHead ? 0 : -1);
  cursor.read(value);
  ctx.reply.bulk(value.bytes, value.start, value.end);
  listRemoveRange(ctx.db, entry, atHead ? 0 : cursor.length - 1, 1);
  ctx.changed(argv, key);
}

/**
 * Replies with an array of up to `count` elements from the head or the tail and removes them.
 *
 * @returns How many elements were removed.
 */
function popRange(
  ctx: Context,
  argv: Argv,
  key: number,
  entry: Entry,
  atHead: boolean,
  count: number,
): number {
  const length = listLength(ctx.db, entry);
  const taken = Math.min(count, length);
  assert(taken > 0, "a list that exists has elements, and some are asked for");
  replyRange(ctx, entry, atHead ? 0 : length - 1, taken, atHead);
  listRemoveRange(ctx.db, entry, atHead ? 0 : length - taken, taken);
  ctx.changed(argv, key, taken);
  return taken;
}

/**
 * LPOP and RPOP (`t_list.c popGenericCommand`). Without a count the reply is one element; with one it is an
 * array, empty for a count of 0. A missing key replies null, which is a null array when a count was given.
 */
function popGeneric(ctx: Context, argv: Argv, atHead: boolean): void {
  if (argv.count > 3) throw new CommandError(wrongArity(atHead ? "lpop" : "rpop"));
  const hasCount = argv.count === 3;
  const count = hasCount ? readInteger(argv, 2, MUST_BE_POSITIVE) : 1;
  if (count < 0) throw new CommandError(MUST_BE_POSITIVE);
  const entry = lookup(ctx, argv, 1, ValueType.LIST);
  if (entry === 0) return hasCount ? ctx.reply.nullArray() : ctx.reply.null();
  if (!hasCount) return popOne(ctx, argv, 1, entry, atHead);
  if (count === 0) return ctx.reply.array(0);
  popRange(ctx, argv, 1, entry, atHead, count);
}

/**
 * `LPOP key [count]`: removes the element at the head, or up to `count` of them, and replies with what it
 * removed. O(n) of those removed.
 */
const lpop = command("lpop", -2, WRITE | FAST, "RW.access.delete@1", (ctx, argv) => {
  popGeneric(ctx, argv, true);
});

/**
 * `RPOP key [count]`: removes the element at the tail, or up to `count` of them, and replies with what it
 * removed. O(n) of those removed.
 */
const rpop = command("rpop", -2, WRITE | FAST, "RW.access.delete@1", (ctx, argv) => {
  popGeneric(ctx, argv, false);
});

/** The entry of a key that was just found: no lookup may have deleted it in between. */
function entryAt(ctx: Context, argv: Argv, index: number): Entry {
  return ctx.db.find(argv.bytes, argv.starts[index], argv.ends[index]);
}

/** Begins the reply of two elements that names the key popped from; the element or elements follow. */
function replyKey(ctx: Context, argv: Argv, index: number): void {
  ctx.reply.array(2);
  ctx.reply.bulk(argv.bytes, argv.starts[index], argv.ends[index]);
}

/**
 * Pops one element for BLPOP and BRPOP, and propagates the LPOP or RPOP that does the same.
 *
 * @returns False, having replied nothing, when no key holds a list.
 */
function popFirst(ctx: Context, argv: Argv, atHead: boolean): boolean {
  const key = findFirst(ctx, argv, 1, argv.count - 1, ValueType.LIST);
  if (key === 0) return false;
  replyKey(ctx, argv, key);
  popOne(ctx, argv, key, entryAt(ctx, argv, key), atHead);
  ctx.propagateAs(atHead ? "LPOP" : "RPOP", argv.at(key));
  return true;
}

/** BLPOP and BRPOP (`t_list.c blockingPopGenericCommand`). */
function blockingPopGeneric(ctx: Context, argv: Argv, atHead: boolean): void {
  const last = argv.count - 1;
  const untilMs = readTimeoutSeconds(argv, last, ctx.nowMs);
  if (popFirst(ctx, argv, atHead)) return;
  const pop = (later: Context, own: Argv) => popFirst(later, own, atHead);
  waitToPop(ctx, argv, 1, last, untilMs, ValueType.LIST, pop);
}

/**
 * `BLPOP key [key ...] timeout`: pops the head of the first list, waiting up to `timeout` seconds for one.
 * Replies with the key and the element, a null array when the time is over. O(n) of the keys.
 */
const blpop = command("blpop", -3, WRITE | BLOCKING, "RW.access.delete@1:-2", (ctx, argv) => {
  blockingPopGeneric(ctx, argv, true);
});

/** `BRPOP key [key ...] timeout`: BLPOP at the tail. O(n) of the keys. */
const brpop = command("brpop", -3, WRITE | BLOCKING, "RW.access.delete@1:-2", (ctx, argv) => {
  blockingPopGeneric(ctx, argv, false);
});

/**
 * Pops for LMPOP and BLMPOP, and propagates the LPOP or RPOP with the number of elements that were removed.
 *
 * @returns False, having replied nothing, when no key holds a list.
 */
function popSeveral(ctx: Context, argv: Argv, first: number, options: MultiPop): boolean {
  const { end, isFirst: atHead, count } = options;
  const key = findFirst(ctx, argv, first, end, ValueType.LIST);
  if (key === 0) return false;
  replyKey(ctx, argv, key);
  const taken = popRange(ctx, argv, key, entryAt(ctx, argv, key), atHead, count);
  ctx.propagateAs(atHead ? "LPOP" : "RPOP", argv.at(key), String(taken));
  return true;
}

/**
 * `LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]`: pops up to `count` elements of the first list.
 * Replies with the key and an array of elements, a null array when no key holds a list. O(n + m) of keys
 * and elements removed.
 */
const lmpop = command("lmpop", -4, WRITE, "RW.access.delete@1:n", (ctx, argv) => {
  if (!popSeveral(ctx, argv, 2, readMultiPop(argv, 1, "LEFT", "RIGHT"))) ctx.reply.nullArray();
});

/**
 * `BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]`: LMPOP that waits up to `timeout` seconds
 * for a list. O(n + m) of keys and elements removed.
 */
const blmpop = command(
  "blmpop",
  -5,
  WRITE | BLOCKING,
  "RW.access.delete@2:n",
  (ctx, argv) => {
    const options = readMultiPop(argv, 2, "LEFT", "RIGHT");
    const untilMs = readTimeoutSeconds(argv, 1, ctx.nowMs);
    if (popSeveral(ctx, argv, 3, options)) return;
    const pop = (later: Context, own: Argv) => popSeveral(later, own, 3, options);
    waitToPop(ctx, argv, 3, options.end, untilMs, ValueType.LIST, pop);
  },
);

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const popCommands: readonly Command[] = [lpop, rpop, lmpop, blpop, brpop, blmpop];

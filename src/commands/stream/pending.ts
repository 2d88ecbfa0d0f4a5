/**
 * XPENDING, which lists entries that were delivered and not acknowledged (`t_stream.c xpendingCommand`).
 *
 * Ids of pending entries lie in two tables: one of the group, which also holds each entry's time, count and
 * owner, and one of each consumer, which holds ids alone.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { IdPlace } from "../../store/packed/id_table.ts";
import { StreamId } from "../../store/packed/stream_id.ts";
import { type Consumer, DELIVERIES, type Group, TIME } from "../../store/types/stream_groups.ts";
import { isWord, readInteger } from "../engine/args.ts";
import { type Command, command, READONLY } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, SYNTAX } from "../engine/errors.ts";
import { groupAt, lookupStream, noGroup, readRangeEnd, readRangeStart, replyId } from "./args.ts";

// Reused by every command: none runs inside another.
const id = new StreamId();
/** The first id of the range. */
const start = new StreamId();
/** The last id of the range. */
const end = new StreamId();
/** A place in the table that is walked. */
const at = new IdPlace();
/** The same entry's place in the group's table. */
const own = new IdPlace();

/**
 * Replies with the number of pending entries, the first and last id, and the count of each consumer that
 * has any.
 */
function replySummary(ctx: Context, group: Group): void {
  const { reply } = ctx;
  const { pending } = group;
  reply.array(4);
  reply.integer(pending.size);
  if (!pending.first(at)) {
    reply.null();
    reply.null();
    reply.nullArray();
    return;
  }
  pending.readId(at, id);
  replyId(ctx, id);
  pending.last(at);
  pending.readId(at, id);
  replyId(ctx, id);
  const mark = reply.beginDeferred();
  let count = 0;
  for (const consumer of group.consumers()) {
    if (consumer.pending.size === 0) continue;
    reply.array(2);
    reply.bulk(consumer.name);
    reply.bulkText(String(consumer.pending.size));
    count++;
  }
  reply.endDeferred(mark, "array", count);
}

/**
 * Replies with up to `most` pending entries from {@linkcode start} to {@linkcode end}: id, owner, idle
 * milliseconds, count.
 *
 * @param consumer Whose entries are listed; the whole group's when undefined.
 */
function replyPending(
  ctx: Context,
  group: Group,
  consumer: Consumer | undefined,
  minIdleMs: number,
  most: number,
): void {
  const { reply } = ctx;
  const table = consumer === undefined ? group.pending : consumer.pending;
  const mark = reply.beginDeferred();
  let count = 0;
  let more = table.seek(start, at);
  for (; more && count < most; more = table.next(at)) {
    table.readId(at, id);
    if (id.compare(end) > 0) break;
    if (consumer === undefined) {
      own.block = at.block;
      own.row = at.row;
    } else group.pending.find(id, own);
    const idleMs = ctx.nowMs - group.pending.getNumber(own, TIME);
    if (minIdleMs > 0 && idleMs < minIdleMs) continue;
    reply.array(4);
    replyId(ctx, id);
    const owner = consumer ?? group.ownerAt(own);
    if (owner === undefined) reply.bulkText("");
    else reply.bulk(owner.name);
    reply.integer(Math.max(idleMs, 0));
    reply.integer(group.pending.getNumber(own, DELIVERIES));
    count++;
  }
  reply.endDeferred(mark, "array", count);
}

/** The arguments of XPENDING's long form, without the range. */
interface PendingOptions {
  /** How many entries are listed at most. */
  count: number;
  /** IDLE: entries delivered less than this long ago are left out. */
  minIdleMs: number;
  /** Index of the consumer's name, 0 without one. */
  consumerAt: number;
}

/**
 * Reads `[IDLE min-idle] start end count [consumer]` from argument 3 on. As in Redis, arguments after it
 * are ignored.
 */
function readPending(argv: Argv): PendingOptions {
  const options = { count: 0, minIdleMs: 0, consumerAt: 0 };
  let first = 3;
  if (isWord(argv, 3, "IDLE")) {
    options.minIdleMs = readInteger(argv, 4);
    if (argv.count < 8) throw new CommandError(SYNTAX);
    first = 5;
  }
  options.count = Math.max(readInteger(argv, first + 2), 0);
  readRangeStart(argv, first, start);
  readRangeEnd(argv, first + 1, end);
  if (argv.count > first + 3) options.consumerAt = first + 3;
  return options;
}

/**
 * `XPENDING key group [[IDLE min-idle] start end count [consumer]]`: a summary of a group's pending
 * entries, or a range of them. O(n) of those visited.
 */
const xpending = command("xpending", -3, READONLY, "RO.access@1", (ctx, argv) => {
  if (argv.count !== 3 && (argv.count < 6 || argv.count > 9)) throw new CommandError(SYNTAX);
  const options = argv.count === 3 ? undefined : readPending(argv);
  const group = groupAt(lookupStream(ctx, argv, 1), argv, 2);
  if (group === undefined) throw new CommandError(noGroup(argv, 1, 2));
  if (options === undefined) return replySummary(ctx, group);
  const { count, minIdleMs, consumerAt } = options;
  const consumer = consumerAt === 0
    ? undefined
    : group.consumer(argv.bytes, argv.starts[consumerAt], argv.ends[consumerAt]);
  if (consumerAt !== 0 && consumer === undefined) return ctx.reply.array(0);
  replyPending(ctx, group, consumer, minIdleMs, count);
});

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const streamPendingCommands: readonly Command[] = [xpending];

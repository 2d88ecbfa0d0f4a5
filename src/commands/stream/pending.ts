/**
 * XPENDING: what was delivered and not acknowledged.
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

const id = new StreamId();
const start = new StreamId();
const end = new StreamId();
const at = new IdPlace();
const own = new IdPlace();

/** `XPENDING key group`: how many, from where to where, and of each consumer. */
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

interface PendingOptions {
  count: number;
  minIdleMs: number;
  consumerAt: number;
}

/** `[IDLE min-idle] start end count [consumer]`; what comes after it is not looked at, as in `t_stream.c`. */
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

/** `XPENDING key group [[IDLE min-idle] start end count [consumer]]`. O(n) of those looked at. */
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

/** The row. */
export const streamPendingCommands: readonly Command[] = [xpending];

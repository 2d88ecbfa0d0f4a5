/**
 * XINFO: a stream, its groups and their consumers described.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { IdPlace } from "../../store/packed/id_table.ts";
import { MAX_ID, MIN_ID, StreamId } from "../../store/packed/stream_id.ts";
import type { Stream } from "../../store/types/stream.ts";
import { StreamCursor } from "../../store/types/stream_cursor.ts";
import { countRadixNodes } from "../../store/types/stream_radix.ts";
import { type Consumer, DELIVERIES, type Group, TIME } from "../../store/types/stream_groups.ts";
import { isWord, readInteger, textOf } from "../engine/args.ts";
import { type Command, command, READONLY } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, cString, NO_SUCH_KEY, wrongSubcommandArity } from "../engine/errors.ts";
import { container } from "../engine/container.ts";
import { groupAt, lookupStream, replyEntry, replyId } from "./args.ts";

/** Entries, and pending entries of each group and consumer, that FULL shows unless told otherwise. */
const FULL_COUNT = 10;

const cursor = new StreamCursor();
const id = new StreamId();
const at = new IdPlace();
const own = new IdPlace();

function requireStream(ctx: Context, argv: Argv): Stream {
  const stream = lookupStream(ctx, argv, 2);
  if (stream === undefined) throw new CommandError(NO_SUCH_KEY);
  return stream;
}

function replyKnown(ctx: Context, count: number): void {
  if (Number.isNaN(count)) ctx.reply.null();
  else ctx.reply.integer(count);
}

/** What both forms of XINFO STREAM begin with; as many bytes as Redis's radix tree has nodes and keys. */
function replyHead(ctx: Context, stream: Stream): void {
  const { reply } = ctx;
  reply.bulkText("length");
  reply.integer(stream.length);
  reply.bulkText("radix-tree-keys");
  reply.integer(stream.nodes.size);
  reply.bulkText("radix-tree-nodes");
  reply.integer(countRadixNodes(stream.nodes));
  reply.bulkText("last-generated-id");
  replyId(ctx, stream.lastId);
  reply.bulkText("max-deleted-entry-id");
  replyId(ctx, stream.maxDeletedId);
  reply.bulkText("entries-added");
  reply.integer(stream.entriesAdded);
  reply.bulkText("recorded-first-entry-id");
  replyId(ctx, stream.firstId);
}

function replyEdge(ctx: Context, stream: Stream, last: boolean): void {
  cursor.open(stream, MIN_ID, MAX_ID, last);
  if (cursor.next()) replyEntry(ctx, cursor);
  else ctx.reply.null();
}

/** `XINFO STREAM key [FULL [COUNT count]]`. O(1), FULL O(n) of those shown. */
const xinfoStream = command("xinfo|stream", -3, READONLY, "RO.access@2", (ctx, argv) => {
  const { reply } = ctx;
  const stream = requireStream(ctx, argv);
  if (argv.count > 3) return replyFull(ctx, stream, readCount(argv));
  reply.map(10);
  replyHead(ctx, stream);
  reply.bulkText("groups");
  reply.integer(stream.groupCount);
  reply.bulkText("first-entry");
  replyEdge(ctx, stream, false);
  reply.bulkText("last-entry");
  replyEdge(ctx, stream, true);
});

function readCount(argv: Argv): number {
  const wrong = wrongSubcommandArity("XINFO", textOf(argv, 1));
  const isFull = argv.count === 4 || argv.count === 6;
  if (!isFull || !isWord(argv, 3, "FULL")) throw new CommandError(wrong);
  if (argv.count === 4) return FULL_COUNT;
  if (!isWord(argv, 4, "COUNT")) throw new CommandError(wrong);
  const count = readInteger(argv, 5);
  if (count < 0) return FULL_COUNT;
  return count === 0 ? Infinity : count;
}

function replyFull(ctx: Context, stream: Stream, most: number): void {
  const { reply } = ctx;
  reply.map(9);
  replyHead(ctx, stream);
  reply.bulkText("entries");
  const mark = reply.beginDeferred();
  let count = 0;
  cursor.open(stream, MIN_ID, MAX_ID, false);
  while (count < most && cursor.next()) {
    replyEntry(ctx, cursor);
    count++;
  }
  reply.endDeferred(mark, "array", count);
  reply.bulkText("groups");
  reply.array(stream.groupCount);
  for (const group of stream.groups()) replyFullGroup(ctx, stream, group, most);
}

function replyFullGroup(ctx: Context, stream: Stream, group: Group, most: number): void {
  const { reply } = ctx;
  const { pending } = group;
  reply.map(7);
  reply.bulkText("name");
  reply.bulk(group.name);
  reply.bulkText("last-delivered-id");
  replyId(ctx, group.lastId);
  reply.bulkText("entries-read");
  replyKnown(ctx, group.entriesRead === -1 ? NaN : group.entriesRead);
  reply.bulkText("lag");
  replyKnown(ctx, stream.lagOf(group));
  reply.bulkText("pel-count");
  reply.integer(pending.size);
  reply.bulkText("pending");
  reply.array(Math.min(pending.size, most));
  let more = pending.first(at);
  for (let left = most; more && left > 0; left--, more = pending.next(at)) {
    reply.array(4);
    pending.readId(at, id);
    replyId(ctx, id);
    reply.bulk(group.ownerAt(at)?.name ?? new Uint8Array(0));
    reply.integer(pending.getNumber(at, TIME));
    reply.integer(pending.getNumber(at, DELIVERIES));
  }
  reply.bulkText("consumers");
  reply.array(group.consumerCount);
  for (const consumer of group.consumers()) replyFullConsumer(ctx, group, consumer, most);
}

function replyFullConsumer(ctx: Context, group: Group, consumer: Consumer, most: number): void {
  const { reply } = ctx;
  const { pending } = consumer;
  reply.map(5);
  reply.bulkText("name");
  reply.bulk(consumer.name);
  reply.bulkText("seen-time");
  reply.integer(consumer.seenMs);
  reply.bulkText("active-time");
  reply.integer(consumer.activeMs);
  reply.bulkText("pel-count");
  reply.integer(pending.size);
  reply.bulkText("pending");
  reply.array(Math.min(pending.size, most));
  let more = pending.first(at);
  for (let left = most; more && left > 0; left--, more = pending.next(at)) {
    pending.readId(at, id);
    group.pending.find(id, own);
    reply.array(3);
    replyId(ctx, id);
    reply.integer(group.pending.getNumber(own, TIME));
    reply.integer(group.pending.getNumber(own, DELIVERIES));
  }
}

/** `XINFO GROUPS key`. O(n) of the groups. */
const xinfoGroups = command("xinfo|groups", 3, READONLY, "RO.access@2", (ctx, argv) => {
  const { reply } = ctx;
  const stream = requireStream(ctx, argv);
  reply.array(stream.groupCount);
  for (const group of stream.groups()) {
    reply.map(6);
    reply.bulkText("name");
    reply.bulk(group.name);
    reply.bulkText("consumers");
    reply.integer(group.consumerCount);
    reply.bulkText("pending");
    reply.integer(group.pending.size);
    reply.bulkText("last-delivered-id");
    replyId(ctx, group.lastId);
    reply.bulkText("entries-read");
    replyKnown(ctx, group.entriesRead === -1 ? NaN : group.entriesRead);
    reply.bulkText("lag");
    replyKnown(ctx, stream.lagOf(group));
  }
});

/** `XINFO CONSUMERS key group`. O(n) of the consumers. */
const xinfoConsumers = command("xinfo|consumers", 4, READONLY, "RO.access@2", (ctx, argv) => {
  const { reply, nowMs } = ctx;
  const group = groupAt(requireStream(ctx, argv), argv, 3);
  if (group === undefined) {
    throw new CommandError(
      `NOGROUP No such consumer group '${cString(textOf(argv, 3))}' for key name '${
        cString(textOf(argv, 2))
      }'`,
    );
  }
  reply.array(group.consumerCount);
  for (const consumer of group.consumers()) {
    const { activeMs } = consumer;
    reply.map(4);
    reply.bulkText("name");
    reply.bulk(consumer.name);
    reply.bulkText("pending");
    reply.integer(consumer.pending.size);
    reply.bulkText("idle");
    reply.integer(Math.max(nowMs - consumer.seenMs, 0));
    reply.bulkText("inactive");
    reply.integer(activeMs === -1 ? -1 : Math.max(nowMs - activeMs, 0));
  }
});

const HELP: readonly string[] = [
  "CONSUMERS <key> <groupname>",
  "    Show consumers of <groupname>.",
  "GROUPS <key>",
  "    Show the stream consumer groups.",
  "STREAM <key> [FULL [COUNT <count>]",
  "    Show information about the stream.",
];

/** XINFO and its subcommands. */
export const streamInfoCommands: readonly Command[] = container("xinfo", [
  xinfoConsumers,
  xinfoGroups,
  xinfoStream,
], HELP);

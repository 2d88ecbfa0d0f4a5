/**
 * XINFO, which describes a stream, its groups and their consumers (`t_stream.c xinfoCommand`). Replies are
 * maps; under RESP2 the writer makes them arrays of names and values.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { isRedisBefore, isValkey, isValkeySince } from "../engine/master_version.ts";
import { FIRST_PRODUCERS_VERSION, FIRST_VALKEY_VERSION } from "../../rdb/format/version.ts";
import type { ReplyTarget } from "../../resp/reply_target.ts";
import { IdPlace } from "../../store/packed/id_table.ts";
import { MAX_ID, MIN_ID, StreamId } from "../../store/packed/stream_id.ts";
import { LagRule, type Stream } from "../../store/types/stream.ts";
import { StreamCursor } from "../../store/types/stream_cursor.ts";
import { StreamProducers } from "../../store/types/stream_producers.ts";
import { countRadixNodes } from "../../store/types/stream_radix.ts";
import { type Consumer, DELIVERIES, type Group, TIME } from "../../store/types/stream_groups.ts";
import { isWord, readInteger, textOf } from "../engine/args.ts";
import { type Command, command, READONLY } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, NO_SUCH_KEY, wrongSubcommandArity } from "../engine/errors.ts";
import { container } from "../engine/container.ts";
import { lookupStream, replyEntry, replyId, requireGroup } from "./args.ts";

/**
 * How many entries, and pending entries of each group and consumer, XINFO STREAM FULL shows without COUNT.
 */
const FULL_COUNT = 10;

/** What a stream without producers says of them. */
const NO_PRODUCERS = new StreamProducers();

// Reused by every command: none runs inside another.
const cursor = new StreamCursor();
const id = new StreamId();
/** A place in the table that is walked. */
const at = new IdPlace();
/** The place of a consumer's entry in its group's table, which holds its time and count. */
const own = new IdPlace();

/**
 * The stream at key argument 2.
 *
 * @throws {CommandError} NO_SUCH_KEY when it is missing.
 */
function requireStream(ctx: Context, argv: Argv): Stream {
  const stream = lookupStream(ctx, argv, 2);
  if (stream === undefined) throw new CommandError(NO_SUCH_KEY);
  return stream;
}

/** Replies with a field's name and an integer. */
function integerField(reply: ReplyTarget, name: string, value: number): void {
  reply.bulkText(name);
  reply.integer(value);
}

/** Replies with a field's name and a count, null for NaN: one that is not known. */
function knownField(reply: ReplyTarget, name: string, count: number): void {
  reply.bulkText(name);
  if (Number.isNaN(count)) reply.null();
  else reply.integer(count);
}

/** Replies with a field's name and an id. */
function idField(ctx: Context, name: string, id: StreamId): void {
  ctx.reply.bulkText(name);
  replyId(ctx, id);
}

/**
 * Replies with the fields that both forms of XINFO STREAM begin with, seven or thirteen. The numbers of the radix tree
 * are those that Redis's tree over the same nodes has.
 */
function replyHead(ctx: Context, stream: Stream): void {
  const { reply } = ctx;
  integerField(reply, "length", stream.length);
  integerField(reply, "radix-tree-keys", stream.nodes.size);
  integerField(reply, "radix-tree-nodes", countRadixNodes(stream.nodes));
  idField(ctx, "last-generated-id", stream.lastId);
  idField(ctx, "max-deleted-entry-id", stream.maxDeletedId);
  integerField(reply, "entries-added", stream.entriesAdded);
  idField(ctx, "recorded-first-entry-id", stream.firstId);
  if (tellsProducers(ctx, stream)) replyProducers(ctx, stream.producers ?? NO_PRODUCERS);
}

/**
 * Whether XINFO STREAM has the fields of idempotent producers: as the master, since Redis 8.6, has them.
 */
function tellsProducers({ keyspace }: Context, { producers }: Stream): boolean {
  const version = keyspace.snapshotVersion;
  return producers !== undefined ||
    (version >= FIRST_PRODUCERS_VERSION && version < FIRST_VALKEY_VERSION);
}

/** Replies with the six fields of idempotent producers. */
function replyProducers({ reply, nowMs }: Context, known: StreamProducers): void {
  const tracked = known.tracked(nowMs);
  integerField(reply, "idmp-duration", known.durationSeconds);
  integerField(reply, "idmp-maxsize", known.maxEntries);
  integerField(reply, "pids-tracked", tracked.producers);
  integerField(reply, "iids-tracked", tracked.ids);
  integerField(reply, "iids-added", known.added);
  integerField(reply, "iids-duplicates", known.duplicates);
}

/** Replies with the first or last entry, null when the stream is empty. */
function replyEdge(ctx: Context, stream: Stream, last: boolean): void {
  cursor.open(stream, MIN_ID, MAX_ID, last);
  if (cursor.next()) replyEntry(ctx, cursor);
  else ctx.reply.null();
}

/**
 * `XINFO STREAM key [FULL [COUNT count]]`: a stream's counters and edges; FULL shows its entries and
 * groups. O(1), FULL O(n).
 */
const xinfoStream = command("xinfo|stream", -3, READONLY, "RO.access@2", (ctx, argv) => {
  const { reply } = ctx;
  const stream = requireStream(ctx, argv);
  if (argv.count > 3) return replyFull(ctx, stream, readCount(argv));
  reply.map(tellsProducers(ctx, stream) ? 16 : 10);
  replyHead(ctx, stream);
  integerField(reply, "groups", stream.groupCount);
  reply.bulkText("first-entry");
  replyEdge(ctx, stream, false);
  reply.bulkText("last-entry");
  replyEdge(ctx, stream, true);
});

/** Reads `FULL [COUNT count]` from argument 3 on: how many are shown, Infinity for 0. */
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

/** XINFO STREAM FULL: up to `most` entries, and each group. */
function replyFull(ctx: Context, stream: Stream, most: number): void {
  const { reply } = ctx;
  reply.map(tellsProducers(ctx, stream) ? 15 : 9);
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

/** How many entries a group has still to read, as the master's version reckons it. */
function lagOf({ keyspace }: Context, stream: Stream, group: Group): number {
  if (isValkeySince(keyspace, [8])) return stream.lagOf(group, LagRule.VALKEY_8);
  const isEarlier = isValkey(keyspace) || isRedisBefore(keyspace, [7, 4]);
  return stream.lagOf(group, isEarlier ? LagRule.REDIS_7_0 : LagRule.REDIS_7_4);
}

/** Describes one group with up to `most` of its pending entries and each consumer. */
function replyFullGroup(ctx: Context, stream: Stream, group: Group, most: number): void {
  const { reply } = ctx;
  const { pending } = group;
  reply.map(7);
  reply.bulkText("name");
  reply.bulk(group.name);
  idField(ctx, "last-delivered-id", group.lastId);
  knownField(reply, "entries-read", group.entriesRead === -1 ? NaN : group.entriesRead);
  knownField(reply, "lag", lagOf(ctx, stream, group));
  integerField(reply, "pel-count", pending.size);
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

/** Describes one consumer with up to `most` of its pending entries. */
function replyFullConsumer(ctx: Context, group: Group, consumer: Consumer, most: number): void {
  const { reply } = ctx;
  const { pending } = consumer;
  reply.map(5);
  reply.bulkText("name");
  reply.bulk(consumer.name);
  integerField(reply, "seen-time", consumer.seenMs);
  integerField(reply, "active-time", consumer.activeMs);
  integerField(reply, "pel-count", pending.size);
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

/**
 * `XINFO GROUPS key`: each group's counters; `lag` is how many entries it has not read, null when not
 * known. O(n) of the groups.
 */
const xinfoGroups = command("xinfo|groups", 3, READONLY, "RO.access@2", (ctx, argv) => {
  const { reply } = ctx;
  const stream = requireStream(ctx, argv);
  reply.array(stream.groupCount);
  for (const group of stream.groups()) {
    reply.map(6);
    reply.bulkText("name");
    reply.bulk(group.name);
    integerField(reply, "consumers", group.consumerCount);
    integerField(reply, "pending", group.pending.size);
    idField(ctx, "last-delivered-id", group.lastId);
    knownField(reply, "entries-read", group.entriesRead === -1 ? NaN : group.entriesRead);
    knownField(reply, "lag", lagOf(ctx, stream, group));
  }
});

/**
 * `XINFO CONSUMERS key group`: each consumer's pending count, `idle` since it last asked and `inactive`
 * since it last got an entry, in milliseconds. O(n) of the consumers.
 */
const xinfoConsumers = command("xinfo|consumers", 4, READONLY, "RO.access@2", (ctx, argv) => {
  const { reply, nowMs } = ctx;
  const group = requireGroup(requireStream(ctx, argv), argv);
  reply.array(group.consumerCount);
  for (const consumer of group.consumers()) {
    const { activeMs } = consumer;
    reply.map(4);
    reply.bulkText("name");
    reply.bulk(consumer.name);
    integerField(reply, "pending", consumer.pending.size);
    integerField(reply, "idle", Math.max(nowMs - consumer.seenMs, 0));
    integerField(reply, "inactive", activeMs === -1 ? -1 : Math.max(nowMs - activeMs, 0));
  }
});

/** The lines of XINFO HELP behind the first, as Redis 8.0 words them. */
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

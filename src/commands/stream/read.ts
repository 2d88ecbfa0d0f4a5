/**
 * XREAD and XREADGROUP: what came after an id, of several streams at once, waiting for it if asked to.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { IdPlace } from "../../store/packed/id_table.ts";
import { MAX_ID, StreamId } from "../../store/packed/stream_id.ts";
import type { Stream } from "../../store/types/stream.ts";
import { StreamCursor } from "../../store/types/stream_cursor.ts";
import { type Consumer, DELIVERIES, type Group, TIME } from "../../store/types/stream_groups.ts";
import { streamOf } from "../../store/types/small_stream.ts";
import { ValueType } from "../../store/memory/record.ts";
import { isWord, readInteger, textOf } from "../engine/args.ts";
import { waitForKeys } from "../engine/blocking.ts";
import { BLOCKING, type Command, command, READONLY, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import {
  CommandError,
  cString,
  SYNTAX,
  TIMEOUT_NEGATIVE,
  TIMEOUT_NOT_INTEGER,
  TIMEOUT_OUT_OF_RANGE,
  wrongArity,
} from "../engine/errors.ts";
import { groupAt, lookupStream, readId, replyEntry, replyId, streamChanged } from "./args.ts";
import { lookup } from "../engine/lookup.ts";

/** `ids[i]` of a group's `>`: what nobody was given yet. */
const NEW = undefined;

/** What XREAD and XREADGROUP are told. */
interface ReadOptions {
  count: number;
  /** Absolute milliseconds; 0 for ever, -1 for not at all. */
  untilMs: number;
  /** Index of the group's name, 0 for XREAD; the consumer's comes after it. */
  groupAt: number;
  noAck: boolean;
  /** Index of the first key. */
  firstKey: number;
  keys: number;
  /** Ids to read after; undefined for `>`. */
  readonly ids: (StreamId | undefined)[];
  /** Streams whose last entry itself is wanted: `+`. */
  readonly last: boolean[];
}

const cursor = new StreamCursor();
const from = new StreamId();
const place = new IdPlace();

function readOptions(ctx: Context, argv: Argv, isGroup: boolean): ReadOptions {
  const options: ReadOptions = {
    count: 0,
    untilMs: -1,
    groupAt: 0,
    noAck: false,
    firstKey: 0,
    keys: 0,
    ids: [],
    last: [],
  };
  const name = isGroup ? "xreadgroup" : "xread";
  for (let i = 1; i < argv.count; i++) {
    const more = argv.count - i - 1;
    if (isWord(argv, i, "BLOCK") && more > 0) {
      options.untilMs = readBlock(ctx, argv, ++i);
    } else if (isWord(argv, i, "COUNT") && more > 0) {
      options.count = Math.max(readInteger(argv, ++i), 0);
    } else if (isWord(argv, i, "STREAMS") && more > 0) {
      options.firstKey = i + 1;
      options.keys = more / 2;
      if (more % 2 !== 0) throw new CommandError(unbalanced(name, isGroup));
      break;
    } else if (isWord(argv, i, "GROUP") && more >= 2) {
      if (!isGroup) {
        throw new CommandError(
          "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
        );
      }
      options.groupAt = i + 1;
      i += 2;
    } else if (isWord(argv, i, "NOACK")) {
      if (!isGroup) {
        throw new CommandError(
          "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
        );
      }
      options.noAck = true;
    } else throw new CommandError(SYNTAX);
  }
  if (options.firstKey === 0) throw new CommandError(SYNTAX);
  if (isGroup && options.groupAt === 0) {
    throw new CommandError("ERR Missing GROUP option for XREADGROUP");
  }
  return options;
}

function unbalanced(name: string, isGroup: boolean): string {
  const symbol = isGroup ? "ID or '>'" : "ID, '+', or '$'";
  return `ERR Unbalanced '${name}' list of streams: for each stream key an ${symbol} must be specified.`;
}

function readBlock(ctx: Context, argv: Argv, index: number): number {
  const ms = readInteger(argv, index, TIMEOUT_NOT_INTEGER);
  if (ms < 0) throw new CommandError(TIMEOUT_NEGATIVE);
  if (ms === 0) return 0;
  const untilMs = ctx.nowMs + ms;
  if (untilMs > 2 ** 63) throw new CommandError(TIMEOUT_OUT_OF_RANGE);
  return untilMs;
}

/** Looks streams and groups up and resolves `$` and `+`: they mean what is there now. */
function readIds(ctx: Context, argv: Argv, options: ReadOptions): void {
  const { firstKey, keys, groupAt: group } = options;
  for (let i = 0; i < keys; i++) {
    const at = firstKey + keys + i;
    const stream = lookupStream(ctx, argv, firstKey + i);
    if (group !== 0) checkGroup(stream, argv, firstKey + i, group);
    let id: StreamId | undefined = new StreamId();
    let isLast = false;
    if (isWord(argv, at, "$")) {
      if (group !== 0) {
        throw new CommandError(
          "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of" +
            " this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID" +
            " would just return an empty result set.",
        );
      }
      if (stream !== undefined) id.set(stream.lastId);
    } else if (isWord(argv, at, "+")) {
      if (group !== 0) {
        throw new CommandError(
          "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of" +
            " this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID" +
            " would just return an empty result set.",
        );
      }
      isLast = stream !== undefined && stream.length > 0;
      if (stream !== undefined && !isLast) id.set(stream.lastId);
    } else if (isWord(argv, at, ">")) {
      if (group === 0) {
        throw new CommandError(
          "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group>" +
            " <consumer> option.",
        );
      }
      id = NEW;
    } else {
      readId(argv, at, id);
      // t_stream.c: for a group the largest id is how `>` is noted.
      if (group !== 0 && id.isMax) id = NEW;
    }
    options.ids.push(id);
    options.last.push(isLast);
  }
}

function checkGroup(stream: Stream | undefined, argv: Argv, key: number, group: number): void {
  if (groupAt(stream, argv, group) !== undefined) return;
  throw new CommandError(
    `NOGROUP No such key '${cString(textOf(argv, key))}' or consumer group '${
      cString(textOf(argv, group))
    }' in XREADGROUP with GROUP option`,
  );
}

/** Replies with what there is; false when there is nothing in any stream. */
function serve(ctx: Context, argv: Argv, options: ReadOptions): boolean {
  const { firstKey, keys } = options;
  const { reply } = ctx;
  let replied = 0;
  let mark = 0;
  for (let i = 0; i < keys && options.groupAt !== 0; i++) {
    checkGroup(lookupStream(ctx, argv, firstKey + i), argv, firstKey + i, options.groupAt);
  }
  for (let i = 0; i < keys; i++) {
    const stream = lookupStream(ctx, argv, firstKey + i);
    if (stream === undefined) continue;
    if (options.groupAt !== 0) touchConsumer(ctx, argv, options, stream, firstKey + i);
    if (!hasMore(stream, argv, options, i)) continue;
    if (replied++ === 0) mark = reply.beginDeferred();
    if (reply.protocol === 2) reply.array(2);
    reply.bulk(argv.bytes, argv.starts[firstKey + i], argv.ends[firstKey + i]);
    if (options.groupAt !== 0) serveGroup(ctx, argv, options, stream, i);
    else serveStream(ctx, options, stream, i);
  }
  if (replied > 0) reply.endDeferred(mark, reply.protocol === 2 ? "array" : "map", replied);
  return replied > 0;
}

/** Whether a stream has something to reply with; a consumer's history always is something. */
function hasMore(stream: Stream, argv: Argv, options: ReadOptions, index: number): boolean {
  if (options.last[index]) return stream.length > 0;
  const id = options.ids[index];
  if (options.groupAt !== 0 && id !== NEW) return true;
  const after = id ?? groupAt(stream, argv, options.groupAt)!.lastId;
  return stream.length > 0 && stream.lastId.compare(after) > 0 && hasEntryAfter(stream, after);
}

/** The last id may be that of an entry that is deleted. */
function hasEntryAfter(stream: Stream, after: StreamId): boolean {
  cursor.open(stream, after, MAX_ID, true);
  return cursor.next() && cursor.id.compare(after) > 0;
}

function serveStream(ctx: Context, options: ReadOptions, stream: Stream, index: number): void {
  const isLast = options.last[index];
  from.set(options.ids[index]!);
  if (!isLast) from.increment();
  const mark = ctx.reply.beginDeferred();
  const most = isLast ? 1 : options.count === 0 ? Infinity : options.count;
  let count = 0;
  cursor.open(stream, from, MAX_ID, isLast);
  while (count < most && cursor.next()) {
    replyEntry(ctx, cursor);
    count++;
  }
  ctx.reply.endDeferred(mark, "array", count);
}

function consumerOf(ctx: Context, argv: Argv, options: ReadOptions, group: Group): Consumer {
  const at = options.groupAt + 1;
  const { bytes } = argv;
  const start = argv.starts[at];
  const end = argv.ends[at];
  const consumer = group.consumer(bytes, start, end) ??
    group.addConsumer(bytes, start, end, ctx.nowMs)!;
  consumer.seenMs = ctx.nowMs;
  return consumer;
}

/** A consumer is made, and is seen, even when there is nothing for it. */
function touchConsumer(
  ctx: Context,
  argv: Argv,
  options: ReadOptions,
  stream: Stream,
  key: number,
): void {
  const group = groupAt(stream, argv, options.groupAt)!;
  const before = group.consumerCount;
  const { name } = consumerOf(ctx, argv, options, group);
  // Else the claims make it, or it has nothing that others would have to know of.
  if (group.consumerCount === before || !options.noAck) return;
  ctx.dirty++;
  ctx.propagateAs("XGROUP", "CREATECONSUMER", argv.at(key), argv.at(options.groupAt), name);
}

function serveGroup(
  ctx: Context,
  argv: Argv,
  options: ReadOptions,
  stream: Stream,
  index: number,
): void {
  const group = groupAt(stream, argv, options.groupAt)!;
  const consumer = consumerOf(ctx, argv, options, group);
  const id = options.ids[index];
  if (id === NEW) deliver(ctx, argv, options, stream, index, group, consumer);
  else replyHistory(ctx, options, stream, consumer, group, id);
}

/** New entries become the consumer's; a master sends what that does, not the command. */
function deliver(
  ctx: Context,
  argv: Argv,
  options: ReadOptions,
  stream: Stream,
  index: number,
  group: Group,
  consumer: Consumer,
): void {
  const key = options.firstKey + index;
  from.set(group.lastId);
  from.increment();
  const mark = ctx.reply.beginDeferred();
  const most = options.count === 0 ? Infinity : options.count;
  let count = 0;
  cursor.open(stream, from, MAX_ID, false);
  while (count < most && cursor.next()) {
    replyEntry(ctx, cursor);
    count++;
    advance(stream, group, cursor.id);
    if (options.noAck) continue;
    group.assign(cursor.id, consumer, place);
    group.pending.setNumber(place, TIME, ctx.nowMs);
    group.pending.setNumber(place, DELIVERIES, 1);
    propagateClaim(ctx, argv, key, options.groupAt, group, consumer.name, cursor.id, place);
  }
  ctx.reply.endDeferred(mark, "array", count);
  // t_stream.c: only what becomes pending is activity.
  if (!options.noAck) consumer.activeMs = ctx.nowMs;
  ctx.propagateAs(
    "XGROUP",
    "SETID",
    argv.at(key),
    argv.at(options.groupAt),
    group.lastId.toString(),
    "ENTRIESREAD",
    String(group.entriesRead),
  );
  streamChanged(ctx, argv, key, count);
}

/** A group has read one entry more. */
function advance(stream: Stream, group: Group, id: StreamId): void {
  if (id.compare(group.lastId) <= 0) return;
  // Entries trimmed ahead of the group count as read.
  const isWithin = group.lastId.compare(stream.firstId) >= 0;
  const isExact = group.entriesRead !== -1 && isWithin &&
    !stream.hasTombstonesFrom(group.lastId);
  if (isExact) group.entriesRead++;
  else if (stream.entriesAdded > 0) group.entriesRead = stream.entriesUpTo(id);
  group.lastId.set(id);
}

/** Adds the XCLAIM of one pending entry to what a master sends. */
export function propagateClaim(
  ctx: Context,
  argv: Argv,
  key: number,
  groupIndex: number,
  group: Group,
  consumer: Uint8Array,
  id: StreamId,
  at: IdPlace,
): void {
  ctx.propagateAs(
    "XCLAIM",
    argv.at(key),
    argv.at(groupIndex),
    consumer,
    "0",
    id.toString(),
    "TIME",
    String(group.pending.getNumber(at, TIME)),
    "RETRYCOUNT",
    String(group.pending.getNumber(at, DELIVERIES)),
    "FORCE",
    "JUSTID",
    "LASTID",
    group.lastId.toString(),
  );
}

/** What a consumer was given before and has not acknowledged; counts as delivered once more. */
function replyHistory(
  ctx: Context,
  options: ReadOptions,
  stream: Stream,
  consumer: Consumer,
  group: Group,
  after: StreamId,
): void {
  const { reply } = ctx;
  const at = new IdPlace();
  const id = new StreamId();
  from.set(after);
  const mark = reply.beginDeferred();
  const most = options.count === 0 ? Infinity : options.count;
  let count = 0;
  let more = from.increment() && consumer.pending.seek(from, at);
  for (; more && count < most; more = consumer.pending.next(at)) {
    consumer.pending.readId(at, id);
    cursor.open(stream, id, id, false);
    if (cursor.next()) {
      replyEntry(ctx, cursor);
      group.pending.find(id, place);
      group.pending.setNumber(place, TIME, ctx.nowMs);
      group.pending.setNumber(place, DELIVERIES, group.pending.getNumber(place, DELIVERIES) + 1);
    } else {
      // It was deleted while it was pending.
      reply.array(2);
      replyId(ctx, id);
      reply.nullArray();
    }
    count++;
  }
  reply.endDeferred(mark, "array", count);
}

function read(ctx: Context, argv: Argv, isGroup: boolean): void {
  const options = readOptions(ctx, argv, isGroup);
  readIds(ctx, argv, options);
  if (serve(ctx, argv, options)) return;
  if (options.untilMs < 0) return ctx.reply.nullArray();
  const keys = Array.from({ length: options.keys }, (_, i) => options.firstKey + i);
  waitForKeys(ctx, argv, {
    keys,
    untilMs: options.untilMs,
    attempt: (later, own) => (isGroup || hasAny(later, own, options)) && serve(later, own, options),
    timedOut: (later) => later.reply.nullArray(),
    failsOnType: true,
  });
}

/** Whether one of XREAD's streams has more: only then keys of other types end the waiting. */
function hasAny(ctx: Context, argv: Argv, options: ReadOptions): boolean {
  for (let i = 0; i < options.keys; i++) {
    const entry = lookup(ctx, argv, options.firstKey + i);
    if (entry === 0 || ctx.db.typeOf(entry) !== ValueType.STREAM) continue;
    if (hasMore(streamOf(ctx.db, entry), argv, options, i)) return true;
  }
  return false;
}

/** `XREAD [COUNT count] [BLOCK ms] STREAMS key [key ...] id [id ...]`. O(n) of those replied. */
const xread = command(
  "xread",
  -4,
  READONLY | BLOCKING,
  "RO.access.incomplete@STREAMS~1:-1,1,2",
  (ctx, argv) => read(ctx, argv, false),
);

/**
 * `XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS key [key ...] id [id ...]`.
 * O(n log n) of those replied.
 */
const xreadgroup = command(
  "xreadgroup",
  -7,
  WRITE | BLOCKING,
  "RO.access.incomplete@STREAMS~4:-1,1,2",
  (ctx, argv) => {
    if (argv.count < 7) throw new CommandError(wrongArity("xreadgroup"));
    read(ctx, argv, true);
  },
);

/** The rows that read. */
export const streamReadCommands: readonly Command[] = [xread, xreadgroup];

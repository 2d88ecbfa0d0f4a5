/**
 * XREAD and XREADGROUP: the entries behind an id, of several streams at once, waiting for them with BLOCK
 * (`t_stream.c xreadCommand`).
 *
 * XREADGROUP with `>` delivers entries that no consumer of the group has got and makes them pending. It is
 * propagated not as itself but as its effects: an XCLAIM for each entry and an XGROUP SETID. With any other
 * id it replies with the consumer's own pending entries again.
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
import {
  consumerAt,
  groupAt,
  lookupStream,
  propagateClaim,
  readId,
  replyEntry,
  replyId,
  streamChanged,
} from "./args.ts";
import {
  AT_ONCE,
  inPortions,
  readInSlices,
  STEP_ELEMENTS,
  type Steps,
} from "../engine/long_read.ts";
import { lookup } from "../engine/lookup.ts";
import { isRedisSince } from "../engine/master_version.ts";

/** `ids[i]` for the id `>`: entries that no consumer of the group has got yet. */
const NEW = undefined;

/** The options of XREAD and XREADGROUP. */
interface ReadOptions {
  /** COUNT: how many entries of each stream are replied at most; 0 for all. */
  count: number;
  /** BLOCK: when waiting ends, in absolute milliseconds; 0 for never, -1 without BLOCK. */
  untilMs: number;
  /** Index of the group's name, 0 for XREAD; the consumer's name follows it. */
  groupAt: number;
  /** NOACK: delivered entries do not become pending. */
  noAck: boolean;
  /** Index of the first key. */
  firstKey: number;
  /** The number of keys, and of ids after them. */
  keys: number;
  /** For each stream the id to read behind; undefined for `>`. */
  readonly ids: (StreamId | undefined)[];
  /** For each stream whether the id was `+`: its last entry is wanted. */
  readonly last: boolean[];
}

// Reused by every command: none runs inside another.
const cursor = new StreamCursor();
/** The first id that is read. */
const from = new StreamId();
const before = new StreamId();
/** A place in a group's table of pending entries. */
const place = new IdPlace();

/** Reads the options up to STREAMS and counts the keys; ids are read by {@linkcode readIds}. */
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
      if (!isGroup) throw new CommandError(onlyForGroups("GROUP"));
      options.groupAt = i + 1;
      i += 2;
    } else if (isWord(argv, i, "NOACK")) {
      if (!isGroup) throw new CommandError(onlyForGroups("NOACK"));
      options.noAck = true;
    } else throw new CommandError(SYNTAX);
  }
  if (options.firstKey === 0) throw new CommandError(SYNTAX);
  if (isGroup && options.groupAt === 0) {
    throw new CommandError("ERR Missing GROUP option for XREADGROUP");
  }
  return options;
}

/** XREAD with an option that XREADGROUP alone takes. */
function onlyForGroups(option: string): string {
  return `ERR The ${option} option is only supported by XREADGROUP. You called XREAD instead.`;
}

/** XREADGROUP with an id that XREAD alone takes. */
function meaningless(id: string): string {
  return `ERR The ${id} ID is meaningless in the context of XREADGROUP: you want to read the history of` +
    ` this consumer by specifying a proper ID, or use the > ID to get new messages. The ${id} ID` +
    " would just return an empty result set.";
}

/** The error for an odd number of arguments after STREAMS. */
function unbalanced(name: string, isGroup: boolean): string {
  const symbol = isGroup ? "ID or '>'" : "ID, '+', or '$'";
  return `ERR Unbalanced '${name}' list of streams: for each stream key an ${symbol} must be specified.`;
}

/**
 * The argument of BLOCK, milliseconds, as the absolute time at which waiting ends; 0 for never.
 *
 * @throws {CommandError} When it is no integer, negative, or ends beyond int64.
 */
function readBlock(ctx: Context, argv: Argv, index: number): number {
  const ms = readInteger(argv, index, TIMEOUT_NOT_INTEGER);
  if (ms < 0) throw new CommandError(TIMEOUT_NEGATIVE);
  if (ms === 0) return 0;
  const untilMs = ctx.nowMs + ms;
  if (untilMs > 2 ** 63) throw new CommandError(TIMEOUT_OUT_OF_RANGE);
  return untilMs;
}

/**
 * Reads the ids into the options. `$` becomes the last id of the stream as it is now, so that a wait is for
 * entries added after the command came; `+` is noted when the stream has a last entry, else it waits like
 * `$`.
 *
 * @throws {CommandError} When an id is none or not for this command, or a group is missing.
 */
function readIds(ctx: Context, argv: Argv, options: ReadOptions): void {
  const { firstKey, keys, groupAt: group } = options;
  for (let i = 0; i < keys; i++) {
    const at = firstKey + keys + i;
    const stream = lookupStream(ctx, argv, firstKey + i);
    if (group !== 0) checkGroup(stream, argv, firstKey + i, group);
    let id: StreamId | undefined = new StreamId();
    let isLast = false;
    if (isWord(argv, at, "$")) {
      if (group !== 0) throw new CommandError(meaningless("$"));
      if (stream !== undefined) id.set(stream.lastId);
    } else if (isWord(argv, at, "+")) {
      if (group !== 0) throw new CommandError(meaningless("+"));
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
      // Redis notes `>` as the largest id (`streamID gt`), and so reads that id as `>`.
      if (group !== 0 && id.isMax) id = NEW;
    }
    options.ids.push(id);
    options.last.push(isLast);
  }
}

/** @throws {CommandError} NOGROUP when the stream or the group is missing. */
function checkGroup(stream: Stream | undefined, argv: Argv, key: number, group: number): void {
  if (groupAt(stream, argv, group) !== undefined) return;
  throw new CommandError(
    `NOGROUP No such key '${cString(textOf(argv, key))}' or consumer group '${
      cString(textOf(argv, group))
    }' in XREADGROUP with GROUP option`,
  );
}

/**
 * Replies with the entries of each stream that has any behind its id: an array of key and entries under
 * RESP2, a map under RESP3.
 *
 * @returns False, having replied nothing, when no stream has any.
 */
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

/**
 * Whether there is something to reply for stream `index`. A consumer's own pending entries are replied even
 * when there are none: as an empty array, which ends a wait.
 */
function hasMore(stream: Stream, argv: Argv, options: ReadOptions, index: number): boolean {
  if (options.last[index]) return stream.length > 0;
  const id = options.ids[index];
  if (options.groupAt !== 0 && id !== NEW) return true;
  const after = id ?? groupAt(stream, argv, options.groupAt)!.lastId;
  return stream.length > 0 && stream.lastId.compare(after) > 0 && hasEntryAfter(stream, after);
}

/** Whether an entry behind an id exists: the stream's last id may be that of a deleted entry. */
function hasEntryAfter(stream: Stream, after: StreamId): boolean {
  cursor.open(stream, after, MAX_ID, true);
  return cursor.next() && cursor.id.compare(after) > 0;
}

/** Replies with XREAD's entries of one stream. */
function serveStream(ctx: Context, options: ReadOptions, stream: Stream, index: number): void {
  const mark = ctx.reply.beginDeferred();
  const most = openRead(cursor, from, stream, options, index);
  let count = 0;
  while (count < most && cursor.next()) {
    replyEntry(ctx, cursor);
    count++;
  }
  ctx.reply.endDeferred(mark, "array", count);
}

/** Whether XREAD may reply with many entries, and has one to reply with: then it does not wait. */
function isLong(ctx: Context, argv: Argv, options: ReadOptions): boolean {
  const most = options.count === 0 ? Infinity : options.count;
  if (most * options.keys <= AT_ONCE) return false;
  let entries = 0;
  for (let i = 0; i < options.keys; i++) {
    const stream = lookupStream(ctx, argv, options.firstKey + i);
    if (stream === undefined || options.last[i] || !hasMore(stream, argv, options, i)) continue;
    entries += Math.min(stream.length, most);
  }
  return entries > AT_ONCE;
}

/** XREAD of many entries, in steps. */
function* serveInSteps(ctx: Context, argv: Argv, options: ReadOptions): Steps {
  const { firstKey, keys } = options;
  const { reply } = ctx;
  const own = new StreamCursor();
  const first = new StreamId();
  // Entries are counted before the first byte is written: a reply whose head is not known could not be sent.
  const counts: number[] = [];
  for (let i = 0; i < keys; i++) {
    const stream = lookupStream(ctx, argv, firstKey + i);
    const has = stream !== undefined && hasMore(stream, argv, options, i);
    counts.push(has ? yield* countEntries(own, first, stream, options, i) : 0);
  }
  const replied = counts.filter((count) => count > 0).length;
  if (reply.protocol === 2) reply.array(replied);
  else reply.map(replied);
  for (let i = 0; i < keys; i++) {
    if (counts[i] === 0) continue;
    if (reply.protocol === 2) reply.array(2);
    reply.bulk(argv.bytes, argv.starts[firstKey + i], argv.ends[firstKey + i]);
    reply.array(counts[i]);
    const stream = lookupStream(ctx, argv, firstKey + i)!;
    openRead(own, first, stream, options, i);
    yield* inPortions(ctx, counts[i], () => {
      own.next();
      replyEntry(ctx, own);
    });
    yield;
  }
}

/** How many entries of stream `index` are replied, counted in steps. */
function* countEntries(
  own: StreamCursor,
  first: StreamId,
  stream: Stream,
  options: ReadOptions,
  index: number,
): Generator<void, number, void> {
  const most = openRead(own, first, stream, options, index);
  let count = 0;
  while (count < most && own.next()) if (++count % STEP_ELEMENTS === 0) yield;
  return count;
}

/** Opens a cursor on the entries of stream `index` that are replied. Returns how many they are at most. */
function openRead(
  own: StreamCursor,
  first: StreamId,
  stream: Stream,
  options: ReadOptions,
  index: number,
): number {
  const isLast = options.last[index];
  first.set(options.ids[index]!);
  if (!isLast) first.increment();
  own.open(stream, first, MAX_ID, isLast);
  return isLast ? 1 : options.count === 0 ? Infinity : options.count;
}

/**
 * Makes the consumer and marks it as seen, even when there is nothing to deliver. Only with NOACK is making
 * it propagated here: else the XCLAIMs make it on the replica, and a consumer without pending entries need
 * not exist there.
 */
function touchConsumer(
  ctx: Context,
  argv: Argv,
  options: ReadOptions,
  stream: Stream,
  key: number,
): void {
  const group = groupAt(stream, argv, options.groupAt)!;
  const before = group.consumerCount;
  const { name } = consumerAt(ctx, argv, options.groupAt + 1, group);

  if (group.consumerCount === before || !options.noAck) return;
  ctx.dirty++;
  ctx.propagateAs("XGROUP", "CREATECONSUMER", argv.at(key), argv.at(options.groupAt), name);
}

/** Replies with one stream's entries to a consumer: new ones for `>`, else its pending ones. */
function serveGroup(
  ctx: Context,
  argv: Argv,
  options: ReadOptions,
  stream: Stream,
  index: number,
): void {
  const group = groupAt(stream, argv, options.groupAt)!;
  const consumer = consumerAt(ctx, argv, options.groupAt + 1, group);
  const id = options.ids[index];
  if (id === NEW) deliver(ctx, argv, options, stream, index, group, consumer);
  else replyHistory(ctx, options, stream, consumer, group, id);
}

/**
 * Delivers entries behind the group's last id to a consumer: replies with them, advances the group, and
 * makes them pending unless NOACK.
 */
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
  // Since 8.6 entries are told before the group moves.
  before.set(group.lastId);
  const tellsBefore = isRedisSince(ctx.keyspace, [8, 6]);
  while (count < most && cursor.next()) {
    replyEntry(ctx, cursor);
    count++;
    advance(stream, group, cursor.id);
    if (options.noAck) continue;
    group.assign(cursor.id, consumer, place);
    group.pending.setNumber(place, TIME, ctx.nowMs);
    group.pending.setNumber(place, DELIVERIES, 1);
    propagateClaim(
      ctx,
      argv,
      key,
      options.groupAt,
      group,
      consumer.name,
      cursor.id,
      place,
      tellsBefore ? before : group.lastId,
    );
  }
  ctx.reply.endDeferred(mark, "array", count);
  // As in Redis, only entries that become pending count as activity of the consumer.
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

/**
 * Moves a group's last id to an entry it has read, and counts the entry
 * (`t_stream.c streamReplyWithRange`). The count is increased while it is exact, that is while no entry was
 * deleted from the group's last id on; else it is estimated anew from the stream's counters.
 */
function advance(stream: Stream, group: Group, id: StreamId): void {
  if (id.compare(group.lastId) <= 0) return;
  // A group behind the first entry has missed trimmed entries: increasing its count would not be exact.
  const isWithin = group.lastId.compare(stream.firstId) >= 0;
  const isExact = group.entriesRead !== -1 && isWithin &&
    !stream.hasTombstonesFrom(group.lastId);
  if (isExact) group.entriesRead++;
  else if (stream.entriesAdded > 0) group.entriesRead = stream.entriesUpTo(id);
  group.lastId.set(id);
}

/**
 * Replies with a consumer's pending entries behind an id, and counts a delivery for each
 * (`t_stream.c streamReplyWithRangeFromConsumerPEL`). An entry that was deleted is replied as its id and a
 * null array.
 */
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
      reply.array(2);
      replyId(ctx, id);
      reply.nullArray();
    }
    count++;
  }
  reply.endDeferred(mark, "array", count);
}

/**
 * XREAD and XREADGROUP: replies, or waits with BLOCK and tries again each time one of the streams has
 * changed.
 */
function read(ctx: Context, argv: Argv, isGroup: boolean): void {
  const options = readOptions(ctx, argv, isGroup);
  readIds(ctx, argv, options);
  if (!isGroup && isLong(ctx, argv, options)) {
    const { firstKey: first, keys } = options;
    const steps = (own: Argv) => serveInSteps(ctx, own, options);
    return readInSlices(ctx, argv, first, first + keys, steps);
  }
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

/**
 * Whether one of XREAD's streams has entries to reply. A key that becomes another type does not end the
 * wait of XREAD, as it does that of XREADGROUP; the type is checked once there is something to reply.
 */
function hasAny(ctx: Context, argv: Argv, options: ReadOptions): boolean {
  for (let i = 0; i < options.keys; i++) {
    const entry = lookup(ctx, argv, options.firstKey + i);
    if (entry === 0 || ctx.db.typeOf(entry) !== ValueType.STREAM) continue;
    if (hasMore(streamOf(ctx.db, entry), argv, options, i)) return true;
  }
  return false;
}

/**
 * `XREAD [COUNT count] [BLOCK ms] STREAMS key [key ...] id [id ...]`: the entries behind an id of each
 * stream; a null array when there are none. O(n) of those replied.
 */
const xread = command(
  "xread",
  -4,
  READONLY | BLOCKING,
  "RO.access.incomplete@STREAMS~1:-1,1,2",
  (ctx, argv) => read(ctx, argv, false),
);

/**
 * `XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS key [key ...] id [id ...]`:
 * XREAD for one consumer of a group. O(n log n) of those replied.
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

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const streamReadCommands: readonly Command[] = [xread, xreadgroup];

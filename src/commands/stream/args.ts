/**
 * What the stream commands share: arguments that are ids and ranges of ids, lookups of streams, groups and
 * consumers, and replies of ids and entries.
 *
 * An id is two 64-bit numbers, `milliseconds-sequence`. Neither fits a double, so a `StreamId` holds it as
 * four 32-bit words.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { ValueType } from "../../store/memory/record.ts";
import type { IdPlace } from "../../store/packed/id_table.ts";
import {
  MAX_ID,
  MAX_ID_TEXT,
  MIN_ID,
  parseUnsigned,
  parseUnsignedResult,
  type StreamId,
} from "../../store/packed/stream_id.ts";
import type { Stream } from "../../store/types/stream.ts";
import type { StreamCursor } from "../../store/types/stream_cursor.ts";
import { type Consumer, DELIVERIES, type Group, TIME } from "../../store/types/stream_groups.ts";
import { keepStream, streamOf } from "../../store/types/small_stream.ts";
import { cStringEnd, textOf } from "../engine/args.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, cString, INVALID_STREAM_ID } from "../engine/errors.ts";
import { lookup } from "../engine/lookup.ts";

/**
 * The longest argument in bytes that may be an id: Redis copies it into a buffer of 128
 * (`streamGenericParseIDOrReply`).
 */
const MAX_ARGUMENT = 127;

/** The text of the id that is replied. */
const idText = new Uint8Array(MAX_ID_TEXT);
const field = new BytesRef();
const value = new BytesRef();

/**
 * The stream of the key at argument `index`, undefined when the key is missing. A small stream is read from
 * its record into an object that is valid until the next command: changes to it are kept by
 * {@linkcode streamChanged}.
 *
 * @throws {CommandError} WRONGTYPE when the key holds another type.
 */
export function lookupStream(ctx: Context, argv: Argv, index: number): Stream | undefined {
  const entry = lookup(ctx, argv, index, ValueType.STREAM);
  return entry === 0 ? undefined : streamOf(ctx.db, entry);
}

/** The group named at argument `index`; undefined when the stream or the group is missing. */
export function groupAt(stream: Stream | undefined, argv: Argv, index: number): Group | undefined {
  return stream?.group(argv.bytes, argv.starts[index], argv.ends[index]);
}

/**
 * Reports `by` changes of the stream at key argument `index`.
 *
 * @param stream The changed stream, which is stored in its small or large form. It may be left out for a
 * stream with groups: that is always held as an object, the one that was changed.
 */
export function streamChanged(
  ctx: Context,
  argv: Argv,
  index: number,
  by: number,
  stream?: Stream,
): void {
  const { bytes, starts, ends } = argv;
  if (stream !== undefined) keepStream(ctx.db, bytes, starts[index], ends[index], stream);
  ctx.changed(argv, index, by);
}

/**
 * Replies with an id as a bulk string. A silent writer, that of a master's stream, saves making the text.
 */
export function replyId(ctx: Context, id: StreamId): void {
  if (!ctx.reply.silent) ctx.reply.bulk(idText, 0, id.writeText(idText, 0));
}

/** Replies with the entry at a cursor: an array of the id and an array of fields and values in turn. */
export function replyEntry(ctx: Context, cursor: StreamCursor): void {
  ctx.reply.array(2);
  replyId(ctx, cursor.id);
  const { fieldCount } = cursor;
  ctx.reply.array(2 * fieldCount);
  for (let i = 0; i < fieldCount; i++) {
    cursor.readField(field, value);
    ctx.reply.bulk(field.bytes, field.start, field.end);
    ctx.reply.bulk(value.bytes, value.start, value.end);
  }
}

/** The forms of an id that an argument may have. */
export const IdForm = {
  /** `-` and `+` stand for the smallest and the largest id. */
  LOOSE: 0,
  /** Numbers alone: `ms` or `ms-seq`. */
  STRICT: 1,
  /** As STRICT, and `ms-*`, whose sequence the stream chooses. */
  PARTIAL: 2,
} as const;
/** One of {@linkcode IdForm}'s numbers. */
export type IdForm = typeof IdForm[keyof typeof IdForm];

/**
 * Reads argument `index` from its byte `skip` on as an id (`t_stream.c streamGenericParseIDOrReply`).
 *
 * @param missing Whether a sequence that is left out is the largest, for the end of a range; else it is 0.
 * @returns False when the form is PARTIAL and the sequence is `*`; the id's sequence is 0 then.
 * @throws {CommandError} INVALID_STREAM_ID when it is no id of that form.
 */
export function readId(
  argv: Argv,
  index: number,
  out: StreamId,
  form: IdForm = IdForm.STRICT,
  missing: boolean = false,
  skip: number = 0,
): boolean {
  const { bytes } = argv;
  const start = argv.starts[index] + skip;
  const whole = argv.ends[index];
  if (whole - start > MAX_ARGUMENT) throw new CommandError(INVALID_STREAM_ID);
  const end = cStringEnd(argv, index);
  if (end - start === 1 && form === IdForm.LOOSE) {
    if (bytes[start] === 0x2d) return out.set(MIN_ID), true;
    if (bytes[start] === 0x2b) return out.set(MAX_ID), true;
  }
  let dash = start;
  while (dash < end && bytes[dash] !== 0x2d) dash++;
  if (!parseUnsigned(bytes, start, dash)) throw new CommandError(INVALID_STREAM_ID);
  const { high, low } = parseUnsignedResult;
  if (dash === end) {
    const rest = missing ? 0xffffffff : 0;
    out.setWords(high, low, rest, rest);
    return true;
  }
  if (form === IdForm.PARTIAL && end - dash === 2 && bytes[dash + 1] === 0x2a) {
    out.setWords(high, low, 0, 0);
    return false;
  }
  if (!parseUnsigned(bytes, dash + 1, end)) throw new CommandError(INVALID_STREAM_ID);
  out.setWords(high, low, parseUnsignedResult.high, parseUnsignedResult.low);
  return true;
}

/**
 * Reads argument `index` as the first id of a range; after `(` the range begins behind the id.
 *
 * @throws {CommandError} When it is no id, or no id comes after it.
 */
export function readRangeStart(argv: Argv, index: number, out: StreamId): void {
  if (!isExclusive(argv, index)) {
    readId(argv, index, out, IdForm.LOOSE, false);
    return;
  }
  readId(argv, index, out, IdForm.STRICT, false, 1);
  if (!out.increment()) throw new CommandError("ERR invalid start ID for the interval");
}

/**
 * Reads argument `index` as the last id of a range; after `(` the range ends before the id. Without a
 * sequence all ids of that millisecond are in the range.
 *
 * @throws {CommandError} When it is no id, or no id comes before it.
 */
export function readRangeEnd(argv: Argv, index: number, out: StreamId): void {
  if (!isExclusive(argv, index)) {
    readId(argv, index, out, IdForm.LOOSE, true);
    return;
  }
  readId(argv, index, out, IdForm.STRICT, true, 1);
  if (!out.decrement()) throw new CommandError("ERR invalid end ID for the interval");
}

/** Whether argument `index` begins with `(`. */
function isExclusive(argv: Argv, index: number): boolean {
  return argv.lengthOf(index) > 1 && argv.bytes[argv.starts[index]] === 0x28;
}

/**
 * The error of XPENDING, XCLAIM, XAUTOCLAIM and XNACK for a missing key or group, at those argument
 * indexes.
 */
export function noGroup(argv: Argv, key: number, group: number): string {
  return `NOGROUP No such key '${cString(textOf(argv, key))}' or consumer group '${
    cString(textOf(argv, group))
  }'`;
}

/**
 * The group's consumer named at argument `index`, which is made when missing; it counts as seen now
 * (`t_stream.c streamLookupConsumer`, `streamCreateConsumer`).
 */
export function consumerAt(ctx: Context, argv: Argv, index: number, group: Group): Consumer {
  const { bytes } = argv;
  const [start, end] = [argv.starts[index], argv.ends[index]];
  const consumer = group.consumer(bytes, start, end) ??
    group.addConsumer(bytes, start, end, ctx.nowMs)!;
  consumer.seenMs = ctx.nowMs;
  return consumer;
}

/**
 * Propagates one pending entry as the XCLAIM that makes it so (`t_stream.c streamPropagateXCLAIM`): with
 * FORCE it works whatever the replica's group holds, and TIME and RETRYCOUNT are those of the master.
 *
 * @param key Index of the argument that is the key.
 * @param at Where the entry lies in the group's table.
 * @param lastId The last id of the group that is told.
 */
export function propagateClaim(
  ctx: Context,
  argv: Argv,
  key: number,
  groupIndex: number,
  group: Group,
  consumer: Uint8Array,
  id: StreamId,
  at: IdPlace,
  lastId: StreamId = group.lastId,
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
    lastId.toString(),
  );
}

/**
 * The group that XGROUP's and XINFO's subcommands name: argument 3 of the stream at key argument 2.
 *
 * @throws {CommandError} NOGROUP when it is missing.
 */
export function requireGroup(stream: Stream, argv: Argv): Group {
  const group = groupAt(stream, argv, 3);
  if (group !== undefined) return group;
  throw new CommandError(
    `NOGROUP No such consumer group '${cString(textOf(argv, 3))}' for key name '${
      cString(textOf(argv, 2))
    }'`,
  );
}

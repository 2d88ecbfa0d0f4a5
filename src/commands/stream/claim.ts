/**
 * XCLAIM and XAUTOCLAIM: pending entries go to another consumer (`t_stream.c xclaimCommand`,
 * `xautoclaimCommand`).
 *
 * XCLAIM is also what a master sends for nearly every change of a group: XREADGROUP and XAUTOCLAIM are
 * propagated as XCLAIMs of one id each, with FORCE, JUSTID and LASTID.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Argv } from "../../resp/argv.ts";
import { IdPlace } from "../../store/packed/id_table.ts";
import { bounded, StreamId } from "../../store/packed/stream_id.ts";
import type { Stream } from "../../store/types/stream.ts";
import { StreamCursor } from "../../store/types/stream_cursor.ts";
import { type Consumer, DELIVERIES, type Group, TIME } from "../../store/types/stream_groups.ts";
import { isWord, readBigInteger, readInteger, textOf } from "../engine/args.ts";
import { type Command, command, FAST, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  CommandError,
  COUNT_ABOVE_ZERO,
  cString,
  INVALID_STREAM_ID,
  SYNTAX,
} from "../engine/errors.ts";
import {
  consumerAt,
  groupAt,
  lookupStream,
  noGroup,
  propagateClaim,
  readId,
  readRangeStart,
  replyEntry,
  replyId,
  streamChanged,
} from "./args.ts";

/** XAUTOCLAIM's error when memory for COUNT ids cannot be had. */
const TOO_MUCH = "ERR Insufficient memory, failed allocating transient memory, COUNT too high.";
/** The largest COUNT of XAUTOCLAIM: ids of 16 bytes that fill 2^63 bytes. */
const MOST_IDS = 2n ** 59n - 1n;
/**
 * Redis allocates memory for COUNT ids at once and fails above what the machine has; no machine has this
 * many.
 */
const MOST_ALLOCATED_IDS: number = 2 ** 43;
/** How many pending entries XAUTOCLAIM visits at most for each that COUNT allows (`attempts_factor`). */
const ATTEMPTS = 10;

// Reused by every command: none runs inside another.
const cursor = new StreamCursor();
/** The id that is being claimed. */
const id = new StreamId();
/** Where {@linkcode id} lies in the group's table of pending entries. */
const at = new IdPlace();

/** The options of XCLAIM. */
interface ClaimOptions {
  /** Exclusive end of the arguments that are ids; they begin at 5. */
  idEnd: number;
  /** The delivery time to set, in milliseconds since 1970. */
  deliveredMs: number;
  /** RETRYCOUNT: the number of deliveries to set; -1 to add one. */
  deliveries: number;
  /** FORCE: an entry that is not pending becomes so. */
  force: boolean;
  /** JUSTID: replies ids alone and does not count a delivery. */
  onlyIds: boolean;
  /** LASTID: the group's last id becomes at least this. */
  readonly lastId: StreamId;
}

/** Whether argument `index` is an id: the first that is none begins the options. */
function isId(argv: Argv, index: number): boolean {
  try {
    readId(argv, index, id);
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.message === INVALID_STREAM_ID) return false;
    throw error;
  }
}

/** Reads XCLAIM's options, which follow the ids. A time in the future, or before 1970, becomes now. */
function readClaim(ctx: Context, argv: Argv): ClaimOptions {
  let i = 5;
  while (i < argv.count && isId(argv, i)) i++;
  const options: ClaimOptions = {
    idEnd: i,
    deliveredMs: -1,
    deliveries: -1,
    force: false,
    onlyIds: false,
    lastId: new StreamId(),
  };
  for (; i < argv.count; i++) {
    const more = argv.count - 1 - i > 0;
    if (isWord(argv, i, "FORCE")) options.force = true;
    else if (isWord(argv, i, "JUSTID")) options.onlyIds = true;
    else if (more && isWord(argv, i, "IDLE")) {
      options.deliveredMs = ctx.nowMs - readInteger(argv, ++i, wrongOption("IDLE"));
    } else if (more && isWord(argv, i, "TIME")) {
      options.deliveredMs = readInteger(argv, ++i, wrongOption("TIME"));
    } else if (more && isWord(argv, i, "RETRYCOUNT")) {
      options.deliveries = bounded(readInteger(argv, ++i, wrongOption("RETRYCOUNT")));
    } else if (more && isWord(argv, i, "LASTID")) {
      readId(argv, ++i, options.lastId);
    } else {
      throw new CommandError(`ERR Unrecognized XCLAIM option '${cString(textOf(argv, i))}'`);
    }
  }
  const { deliveredMs } = options;
  // Only a stand-alone master corrects a time in the future: a replica's clock may be behind its master's.
  const isBogus = deliveredMs < 0 ||
    (deliveredMs > ctx.nowMs && ctx.caller === Caller.MASTER_CLIENT);
  options.deliveredMs = isBogus ? ctx.nowMs : bounded(deliveredMs);
  return options;
}

function wrongOption(name: string): string {
  return `ERR Invalid ${name} option argument for XCLAIM`;
}

/**
 * Drops the pending entry {@linkcode id}, whose entry was deleted from the stream. It is propagated as an
 * XCLAIM for its owner, at which the replica finds the entry deleted and drops it as well.
 */
function dropDeleted(ctx: Context, argv: Argv, group: Group): void {
  const owner = group.ownerAt(at);
  const name = owner?.name ?? argv.at(3);
  propagateClaim(ctx, argv, 1, 2, group, name, id, at);
  owner?.pending.remove(id, new IdPlace());
  group.pending.removeAt(at);
}

/** Replies with the entry {@linkcode id}, or with the id alone. */
function replyClaimed(ctx: Context, stream: Stream, onlyId: boolean): void {
  if (onlyId) return replyId(ctx, id);
  cursor.open(stream, id, id, false);
  cursor.next();
  replyEntry(ctx, cursor);
}

/**
 * Claims the entry {@linkcode id} for XCLAIM and replies with it.
 *
 * @returns False, having replied nothing, when it is not pending, was deleted, or has not been idle for
 * `minIdleMs`.
 */
function claimOne(
  ctx: Context,
  argv: Argv,
  stream: Stream,
  group: Group,
  consumer: Consumer,
  minIdleMs: number,
  options: ClaimOptions,
): boolean {
  const { pending } = group;
  let isPending = pending.find(id, at);
  if (!stream.has(id)) {
    if (!isPending) return false;
    dropDeleted(ctx, argv, group);
    ctx.dirty++;
    return false;
  }
  if (!isPending) {
    if (!options.force) return false;
    group.assign(id, consumer, at);
    pending.setNumber(at, DELIVERIES, 1);
    isPending = true;
  } else if (minIdleMs > 0 && ctx.nowMs - pending.getNumber(at, TIME) < minIdleMs) {
    return false;
  }
  group.assign(id, consumer, at);
  pending.setNumber(at, TIME, options.deliveredMs);
  if (options.deliveries >= 0) pending.setNumber(at, DELIVERIES, options.deliveries);
  else if (!options.onlyIds) {
    pending.setNumber(at, DELIVERIES, pending.getNumber(at, DELIVERIES) + 1);
  }
  consumer.activeMs = ctx.nowMs;
  replyClaimed(ctx, stream, options.onlyIds);
  propagateClaim(ctx, argv, 1, 2, group, consumer.name, id, at);
  ctx.dirty++;
  return true;
}

/** Argument 4 as XCLAIM's and XAUTOCLAIM's smallest idle time in milliseconds; negative ones are 0. */
function readMinIdle(argv: Argv, name: string): number {
  return Math.max(readInteger(argv, 4, `ERR Invalid min-idle-time argument for ${name}`), 0);
}

/**
 * `XCLAIM key group consumer min-idle-ms id [id ...] [IDLE ms] [TIME ms] [RETRYCOUNT n] [FORCE]
 * [JUSTID] [LASTID id]`:
 * gives entries that have been pending long enough to a consumer. Replies with the entries that were
 * claimed, or with their ids. O(n log n) of those named.
 *
 * A claim that only moves the group's last id is propagated as XGROUP SETID.
 */
const xclaim = command("xclaim", -6, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  const stream = lookupStream(ctx, argv, 1);
  const group = groupAt(stream, argv, 2);
  if (stream === undefined || group === undefined) throw new CommandError(noGroup(argv, 1, 2));
  const minIdleMs = readMinIdle(argv, "XCLAIM");
  const options = readClaim(ctx, argv);
  let moved = false;
  if (options.lastId.compare(group.lastId) > 0) {
    group.lastId.set(options.lastId);
    moved = true;
  }
  const consumer = consumerAt(ctx, argv, 3, group);
  const mark = ctx.reply.beginDeferred();
  let claimed = 0;
  for (let i = 5; i < options.idEnd; i++) {
    readId(argv, i, id);
    if (claimOne(ctx, argv, stream, group, consumer, minIdleMs, options)) claimed++;
  }
  ctx.reply.endDeferred(mark, "array", claimed);
  assert(claimed <= ctx.dirty, "every claim is counted as a change");
  if (moved && ctx.dirty === 0) {
    ctx.dirty++;
    const name = [argv.at(1), argv.at(2), group.lastId.toString()] as const;
    ctx.propagateAs("XGROUP", "SETID", ...name, "ENTRIESREAD", String(group.entriesRead));
  }
  if (ctx.dirty > 0) streamChanged(ctx, argv, 1, 0);
  else ctx.preventPropagation();
});

/**
 * `XAUTOCLAIM key group consumer min-idle-ms start [COUNT count] [JUSTID]`: claims up to COUNT entries from
 * id `start` on. Replies with the id to go on from, the entries, and the ids of pending entries that had
 * been deleted. O(count).
 */
const xautoclaim = command("xautoclaim", -6, WRITE | FAST, "RW.delete@1", (ctx, argv) => {
  const minIdleMs = readMinIdle(argv, "XAUTOCLAIM");
  const start = new StreamId();
  readRangeStart(argv, 5, start);
  let count = 100;
  let onlyIds = false;
  for (let i = 6; i < argv.count; i++) {
    if (isWord(argv, i, "COUNT") && i + 1 < argv.count) {
      count = readInteger(argv, ++i, COUNT_ABOVE_ZERO);
      const isTooLarge = count === Infinity && readBigInteger(argv, i) > MOST_IDS;
      if (count < 1 || isTooLarge) throw new CommandError(COUNT_ABOVE_ZERO);
    } else if (isWord(argv, i, "JUSTID")) onlyIds = true;
    else throw new CommandError(SYNTAX);
  }
  const stream = lookupStream(ctx, argv, 1);
  const group = groupAt(stream, argv, 2);
  if (stream === undefined || group === undefined) throw new CommandError(noGroup(argv, 1, 2));
  if (count > MOST_ALLOCATED_IDS) throw new CommandError(TOO_MUCH);
  autoclaim(ctx, argv, stream, group, { minIdleMs, start, count, onlyIds });
});

/** The arguments of XAUTOCLAIM. */
interface AutoclaimOptions {
  /** How long an entry must have been pending, in milliseconds. */
  readonly minIdleMs: number;
  /** The first id that is looked at. */
  readonly start: StreamId;
  /** How many entries are claimed or dropped at most. */
  readonly count: number;
  /** JUSTID, as for XCLAIM. */
  readonly onlyIds: boolean;
}

/**
 * The walk and the reply of XAUTOCLAIM. Ids are collected and replied after the walk: the id to go on from
 * comes first in the reply and is known last.
 */
function autoclaim(
  ctx: Context,
  argv: Argv,
  stream: Stream,
  group: Group,
  { minIdleMs, start, count, onlyIds }: AutoclaimOptions,
): void {
  const { reply } = ctx;
  const { pending } = group;
  const consumer = consumerAt(ctx, argv, 3, group);
  const whole = reply.beginDeferred();
  const deleted: StreamId[] = [];
  const found: StreamId[] = [];
  let attempts = count * ATTEMPTS;
  let more = pending.seek(start, at);
  for (; more && attempts > 0 && found.length + deleted.length < count; attempts--) {
    pending.readId(at, id);
    if (!stream.has(id)) {
      deleted.push(id.copy());
      dropDeleted(ctx, argv, group);
      more = pending.seek(id, at);
      continue;
    }
    if (minIdleMs === 0 || ctx.nowMs - pending.getNumber(at, TIME) >= minIdleMs) {
      group.assign(id, consumer, at);
      pending.setNumber(at, TIME, ctx.nowMs);
      if (!onlyIds) pending.setNumber(at, DELIVERIES, pending.getNumber(at, DELIVERIES) + 1);
      propagateClaim(ctx, argv, 1, 2, group, consumer.name, id, at);
      found.push(id.copy());
      consumer.activeMs = ctx.nowMs;
    }
    more = pending.next(at);
  }
  assert(
    found.length + deleted.length <= count,
    "no more is claimed and dropped than COUNT allows",
  );
  const next = new StreamId();
  if (more) pending.readId(at, next);
  replyId(ctx, next);
  reply.array(found.length);
  for (const one of found) {
    id.set(one);
    replyClaimed(ctx, stream, onlyIds);
  }
  reply.array(deleted.length);
  for (const one of deleted) replyId(ctx, one);
  reply.endDeferred(whole, "array", 3);
  const changed = found.length + deleted.length;
  if (changed > 0) streamChanged(ctx, argv, 1, changed);
}

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const streamClaimCommands: readonly Command[] = [xautoclaim, xclaim];

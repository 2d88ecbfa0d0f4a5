/**
 * The stream commands that add, read, delete and trim entries (`t_stream.c`), and the list of all stream
 * commands. XREAD is in `read.ts`; what concerns groups is in `group.ts`, `pending.ts`, `claim.ts` and
 * `nack.ts`.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Argv } from "../../resp/argv.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import { bounded, MAX_ID, MIN_ID, StreamId } from "../../store/packed/stream_id.ts";
import { Stream } from "../../store/types/stream.ts";
import { StreamCursor } from "../../store/types/stream_cursor.ts";
import {
  appendPacked,
  createPacked,
  readLastId,
  streamOf,
} from "../../store/types/small_stream.ts";
import { isWord, readInteger } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import { CommandError, NO_SUCH_KEY, SYNTAX, wrongArity } from "../engine/errors.ts";
import { type AddOptions, exactly, readAddOptions, References } from "./add_options.ts";
import {
  IdForm,
  lookupStream,
  readId,
  readRangeEnd,
  readRangeStart,
  replyEntry,
  replyId,
  streamChanged,
} from "./args.ts";
import { streamDeleteCommands, trimReferenced } from "./delete.ts";
import { streamGroupCommands } from "./group.ts";
import { streamInfoCommands } from "./info.ts";
import { streamClaimCommands } from "./claim.ts";
import { streamNackCommands } from "./nack.ts";
import { streamPendingCommands } from "./pending.ts";
import { findRepeated, noteAdded, passOver, streamProducerCommands } from "./producers.ts";
import { streamReadCommands } from "./read.ts";
import { AT_ONCE, Portion, readInSlices, STEP_ELEMENTS, type Steps } from "../engine/long_read.ts";
import { lookup } from "../engine/lookup.ts";

const EXHAUSTED = "ERR The stream has exhausted the last possible ID, unable to add more items";
const ID_TOO_SMALL =
  "ERR The ID specified in XADD is equal or smaller than the target stream top item";
const TOO_LARGE = "ERR Elements are too large to be stored";

// Reused by every command: none runs inside another.
const cursor = new StreamCursor();
/** The id that is added, deleted or set. */
const id = new StreamId();
/** The last id of the stream that is added to. */
const last = new StreamId();
const start = new StreamId();
const end = new StreamId();

/**
 * Sets {@linkcode id} to the id of the entry to be added (`t_stream.c streamNextID`): the given one, or one
 * made of the clock, or the last one increased where the clock is behind it.
 *
 * @throws {CommandError} ID_TOO_SMALL when no sequence is left in the given millisecond.
 */
function nextId(ctx: Context, lastId: StreamId, options: AddOptions): void {
  if (!options.hasId) {
    id.setMillis(ctx.nowMs);
    if (id.compare(lastId) > 0) return;
    id.set(lastId);
    id.increment();
    return;
  }
  id.set(options.id);
  if (options.hasSequence) return;
  if (!id.sameMillis(lastId)) return;
  if (lastId.isMaxSequence) throw new CommandError(ID_TOO_SMALL);
  id.set(lastId);
  id.increment();
}

/** Trims as the options say. Returns how many entries were removed. */
function trim(stream: Stream, options: AddOptions): number {
  if (options.references !== References.KEEP) return trimReferenced(stream, options);
  return stream.trim(options.trim);
}

/**
 * Adds the entry {@linkcode id} to a stream that is held in its record, or makes such a stream when `entry`
 * is 0: the way of most XADDs.
 *
 * @param first Index of the first field.
 * @returns False, having changed nothing, when the stream is held as an object or would become one.
 */
function addPacked(ctx: Context, argv: Argv, entry: Entry, first: number): boolean {
  const { db } = ctx;
  const { bytes, starts, ends, count } = argv;
  if (entry !== 0) return appendPacked(db, entry, id, argv, first, count);
  return createPacked(db, bytes, starts[1], ends[1], id, argv, first, count);
}

/**
 * `XADD key [NOMKSTREAM] [KEEPREF|DELREF|ACKED] [IDMPAUTO producer|IDMP producer id]
 * [MAXLEN|MINID [=|~] threshold [LIMIT count]] *|id field value [field value ...]`: adds an entry, trims the stream and replies with the entry's id. O(1), and O(n) of those trimmed.
 *
 * It is propagated with the id that was chosen and with exact trimming.
 */
const xadd = command("xadd", -5, WRITE | DENYOOM | FAST, "RW.update@1", (ctx, argv) => {
  const options = readAddOptions(ctx, argv, true);
  const first = options.idAt + 1;
  const rest = argv.count - first;
  if (rest < 2 || rest % 2 === 1) throw new CommandError(wrongArity("xadd"));
  if (options.hasId && options.hasSequence && options.id.isZero) {
    throw new CommandError("ERR The ID specified in XADD must be greater than 0-0");
  }
  const { db } = ctx;
  const entry = lookup(ctx, argv, 1, ValueType.STREAM);
  const hasProducer = options.producerAt !== 0;
  if (hasProducer && !options.hasId) {
    if (ctx.caller === Caller.MASTER_STREAM) return passOver(ctx, argv, entry);
    if (findRepeated(ctx, argv, entry, options, id)) return replyId(ctx, id);
  }
  if (entry === 0 && options.onlyExisting) return ctx.reply.null();
  if (entry === 0) last.setWords(0, 0, 0, 0);
  else readLastId(db, entry, last);
  if (last.isMax) throw new CommandError(EXHAUSTED);
  nextId(ctx, last, options);
  if (id.compare(last) <= 0) throw new CommandError(ID_TOO_SMALL);
  let stream: Stream | undefined;
  const isSimple = options.trimAt === 0 && !hasProducer;
  if (!isSimple || !addPacked(ctx, argv, entry, first)) {
    stream = entry === 0 ? new Stream() : streamOf(db, entry);
    const added = stream.append(id, argv, first, argv.count, db.settings.limits);
    if (!added) throw new CommandError(TOO_LARGE);
    assert(stream.lastId.compare(id) === 0, "the stream's last id is that of its newest entry");
    if (hasProducer) noteAdded(ctx, argv, stream, options, id);
    if (options.trimAt !== 0) trim(stream, options);
  }
  replyId(ctx, id);
  streamChanged(ctx, argv, 1, 1, stream);
  if (options.hasId && options.hasSequence && !options.approximate) return;
  const args = exactly(argv, options, stream);
  if (!options.hasId || !options.hasSequence) args[options.idAt] = id.toString();
  ctx.propagateAs(...args);
});

/**
 * `XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT count] [KEEPREF|DELREF|ACKED]`: removes the oldest entries
 * and replies with how many. The stream stays, even empty. O(n) of those removed.
 */
const xtrim = command("xtrim", -4, WRITE, "RW.delete@1", (ctx, argv) => {
  const options = readAddOptions(ctx, argv, false);
  const stream = lookupStream(ctx, argv, 1);
  if (stream === undefined) return ctx.reply.integer(0);
  const removed = trim(stream, options);
  ctx.reply.integer(removed);
  if (removed === 0) return;
  streamChanged(ctx, argv, 1, removed, stream);
  if (options.approximate) ctx.propagateAs(...exactly(argv, options, stream));
});

/** `XLEN key`: the number of entries, 0 when the key is missing. O(1). */
const xlen = command("xlen", 2, READONLY | FAST, "RO@1", (ctx, argv) => {
  ctx.reply.integer(lookupStream(ctx, argv, 1)?.length ?? 0);
});

/**
 * XRANGE and XREVRANGE (`t_stream.c xrangeGenericCommand`). A COUNT of 0 replies a null array when the
 * stream exists.
 */
function range(ctx: Context, argv: Argv, reverse: boolean): void {
  readRangeStart(argv, reverse ? 3 : 2, start);
  readRangeEnd(argv, reverse ? 2 : 3, end);
  let count = -1;
  for (let i = 4; i < argv.count; i += 2) {
    if (!isWord(argv, i, "COUNT") || i + 1 === argv.count) throw new CommandError(SYNTAX);
    count = Math.max(readInteger(argv, i + 1), 0);
  }
  const stream = lookupStream(ctx, argv, 1);
  if (stream === undefined) return ctx.reply.array(0);
  if (count === 0) return ctx.reply.nullArray();
  const most = count < 0 ? stream.length : Math.min(count, stream.length);
  if (most > AT_ONCE && stream instanceof Stream) {
    const [from, to] = [start.copy(), end.copy()];
    return readInSlices(
      ctx,
      argv,
      1,
      2,
      () => replyRangeLater(ctx, stream, from, to, reverse, most),
    );
  }
  const { reply } = ctx;
  const mark = reply.beginDeferred();
  let replied = 0;
  cursor.open(stream, start, end, reverse);
  while (replied !== count && cursor.next()) {
    replyEntry(ctx, cursor);
    replied++;
  }
  reply.endDeferred(mark, "array", replied);
}

/**
 * Replies with at most `most` entries from one id to another, in steps. Their number comes first: they are counted
 * unless the range is the whole stream.
 */
function* replyRangeLater(
  ctx: Context,
  stream: Stream,
  from: StreamId,
  to: StreamId,
  reverse: boolean,
  most: number,
): Steps {
  const walk = new StreamCursor();
  let count = stream.length;
  const isWhole = most === count && from.compare(stream.firstId) <= 0 &&
    to.compare(stream.lastId) >= 0;
  if (!isWhole) {
    walk.open(stream, from, to, reverse);
    count = 0;
    while (count < most && walk.next()) if (++count % STEP_ELEMENTS === 0) yield;
  }
  ctx.reply.array(count);
  walk.open(stream, from, to, reverse);
  const portion = new Portion(ctx);
  for (let done = 0; done < count;) {
    const next = Math.min(done + portion.begin(), count);
    while (done < next && walk.next()) {
      replyEntry(ctx, walk);
      done++;
    }
    portion.end();
    yield;
  }
}

/**
 * `XRANGE key start end [COUNT count]`: the entries from one id to another, both included. O(n) of those
 * replied.
 */
const xrange = command("xrange", -4, READONLY, "RO.access@1", (ctx, argv) => {
  range(ctx, argv, false);
});

/**
 * `XREVRANGE key end start [COUNT count]`: XRANGE backwards, with its ends swapped. O(n) of those replied.
 */
const xrevrange = command("xrevrange", -4, READONLY, "RO.access@1", (ctx, argv) => {
  range(ctx, argv, true);
});

/**
 * Deletes the entries with the ids from argument `first` on, which have been checked.
 *
 * @returns How many were deleted.
 */
function deleteIds(stream: Stream, argv: Argv, first: number): number {
  let deleted = 0;
  let firstGone = false;
  for (let i = first; i < argv.count; i++) {
    readId(argv, i, id);
    if (!stream.delete(id)) continue;
    if (id.compare(stream.firstId) === 0) firstGone = true;
    if (id.compare(stream.maxDeletedId) > 0) stream.maxDeletedId.set(id);
    deleted++;
  }
  if (firstGone) stream.refreshFirstId();
  return deleted;
}

/**
 * `XDEL key id [id ...]`: deletes entries and replies with how many. All ids are checked before the first
 * is deleted. The stream stays, even empty, with its last id. O(n) of those named.
 */
const xdel = command("xdel", -3, WRITE | FAST, "RW.delete@1", (ctx, argv) => {
  const stream = lookupStream(ctx, argv, 1);
  if (stream === undefined) return ctx.reply.integer(0);
  for (let i = 2; i < argv.count; i++) readId(argv, i, id);
  const deleted = deleteIds(stream, argv, 2);
  ctx.reply.integer(deleted);
  if (deleted > 0) streamChanged(ctx, argv, 1, deleted, stream);
});

/**
 * `XSETID key last-id [ENTRIESADDED n MAXDELETEDID id]`: sets the ids and counters that entries do not
 * tell, for AOF rewrites and migration tools. O(1).
 */
const xsetid = command("xsetid", -3, WRITE | DENYOOM | FAST, "RW.update@1", (ctx, argv) => {
  const maxDeleted = new StreamId();
  let added = -1;
  readId(argv, 2, id, IdForm.STRICT);
  for (let i = 3; i < argv.count; i += 2) {
    if (i + 1 === argv.count) throw new CommandError(SYNTAX);
    if (isWord(argv, i, "ENTRIESADDED")) {
      added = readInteger(argv, i + 1);
      if (added < 0) throw new CommandError("ERR entries_added must be positive");
    } else if (isWord(argv, i, "MAXDELETEDID")) {
      readId(argv, i + 1, maxDeleted);
      if (id.compare(maxDeleted) < 0) {
        throw new CommandError(
          "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
        );
      }
    } else throw new CommandError(SYNTAX);
  }
  const stream = lookupStream(ctx, argv, 1);
  if (stream === undefined) throw new CommandError(NO_SUCH_KEY);
  // A master before Redis 7.2 checks less; what it has accepted is done here.
  if (ctx.caller !== Caller.MASTER_STREAM) checkSetId(stream, added);
  stream.lastId.set(id);
  if (added >= 0) stream.entriesAdded = bounded(added);
  if (!maxDeleted.isZero) stream.maxDeletedId.set(maxDeleted);
  ctx.reply.ok();
  streamChanged(ctx, argv, 1, 1, stream);
});

/** @throws {CommandError} When the new last id or count contradicts what the stream holds. */
function checkSetId(stream: Stream, added: number): void {
  if (id.compare(stream.maxDeletedId) < 0) {
    throw new CommandError(
      "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
    );
  }
  if (stream.length === 0) return;
  cursor.open(stream, MIN_ID, MAX_ID, true);
  if (cursor.next() && id.compare(cursor.id) < 0) {
    throw new CommandError(
      "ERR The ID specified in XSETID is smaller than the target stream top item",
    );
  }
  if (added >= 0 && stream.length > added) {
    throw new CommandError(
      "ERR The entries_added specified in XSETID is smaller than the target stream length",
    );
  }
}

/** All stream commands, those of the other files included. */
export const streamCommands: readonly Command[] = [
  xadd,
  xdel,
  xlen,
  xrange,
  xrevrange,
  xsetid,
  xtrim,
  ...streamDeleteCommands,
  ...streamGroupCommands,
  ...streamClaimCommands,
  ...streamInfoCommands,
  ...streamNackCommands,
  ...streamPendingCommands,
  ...streamProducerCommands,
  ...streamReadCommands,
];

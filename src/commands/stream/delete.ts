/**
 * XDELEX and XACKDEL, since Redis 8.2, and the trimming that has their options: they delete entries and say
 * what becomes of groups' references to them. See {@linkcode References}.
 *
 * An entry is referenced while it is pending in a group or a group has not come to it yet.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Argv } from "../../resp/argv.ts";
import { IdPlace } from "../../store/packed/id_table.ts";
import { MAX_ID, MIN_ID, StreamId } from "../../store/packed/stream_id.ts";
import type { Stream } from "../../store/types/stream.ts";
import { StreamCursor } from "../../store/types/stream_cursor.ts";
import type { Group } from "../../store/types/stream_groups.ts";
import { isWord, readPositive } from "../engine/args.ts";
import { type Command, command, FAST, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, NUMIDS_MISMATCH, NUMIDS_POSITIVE, SYNTAX } from "../engine/errors.ts";
import { type AddOptions, References, referencesAt } from "./add_options.ts";
import { groupAt, lookupStream, readId, streamChanged } from "./args.ts";

/**
 * The reply for each id: there is no such entry, it was deleted, or it was kept because it is referenced.
 */
const Outcome = { ABSENT: -1, DELETED: 1, REFERENCED: 2 } as const;
type Outcome = typeof Outcome[keyof typeof Outcome];

/** A place in the table of pending entries that is searched; reused by every command. */
const place = new IdPlace();

/**
 * Trims for XADD and XTRIM with DELREF or ACKED (`t_stream.c streamTrim`). With DELREF the trimmed entries
 * are dropped from all groups; with ACKED only entries that are not referenced are removed, wherever they
 * lie among the candidates.
 *
 * @returns How many entries were removed.
 */
export function trimReferenced(stream: Stream, options: AddOptions): number {
  const candidates = headIds(stream, options);
  if (options.references === References.DELETE) {
    const removed = stream.trim(options.trim);
    for (let i = 0; i < removed; i++) forgetEverywhere(stream, candidates[i]);
    return removed;
  }
  let removed = 0;
  for (const id of candidates) {
    if (!isReferenced(stream, id) && stream.delete(id)) removed++;
  }
  if (removed > 0) stream.refreshFirstId();
  return removed;
}

/**
 * The ids of the entries before the threshold: all that a trimming may remove, or more when it stops
 * earlier.
 */
function headIds(stream: Stream, { maxLength, minId }: AddOptions): StreamId[] {
  const ids: StreamId[] = [];
  const cursor = new StreamCursor();
  cursor.open(stream, MIN_ID, MAX_ID, false);
  const most = minId === undefined ? stream.length - maxLength : Infinity;
  while (ids.length < most && cursor.next()) {
    if (minId !== undefined && cursor.id.compare(minId) >= 0) break;
    ids.push(cursor.id.copy());
  }
  return ids;
}

/** Whether any group has the entry pending or has not read up to it. */
function isReferenced(stream: Stream, id: StreamId): boolean {
  for (const group of stream.groups()) {
    if (group.lastId.compare(id) < 0 || group.pending.find(id, place)) return true;
  }
  return false;
}

/** Drops an entry from the pending entries of every group. */
function forgetEverywhere(stream: Stream, id: StreamId): void {
  for (const group of stream.groups()) group.forget(id, place);
}

/** The options of XDELEX and XACKDEL. */
interface DeleteOptions {
  /** What becomes of references; they are kept unless told. */
  readonly references: References;
  /** Index of the first id. */
  readonly first: number;
  /** Index after the last id. */
  readonly end: number;
}

/**
 * Reads `[KEEPREF|DELREF|ACKED] IDS numids id [id ...]` from an index on, in any order. A second IDS takes
 * the place of the first, as in Redis 8.6; a second of the other options is no option.
 *
 * @throws {CommandError} When an option is unknown, or there are fewer ids than said.
 */
function readDelete(argv: Argv, index: number): DeleteOptions {
  let references: References | undefined;
  let first = 0;
  let end = 0;
  for (let i = index; i < argv.count; i++) {
    const option = references === undefined ? referencesAt(argv, i) : undefined;
    if (option !== undefined) {
      references = option;
    } else if (isWord(argv, i, "IDS") && i + 1 < argv.count) {
      const count = readPositive(argv, i + 1, NUMIDS_POSITIVE);
      first = i + 2;
      end = first + count;
      if (end > argv.count) throw new CommandError(NUMIDS_MISMATCH);
      i = end - 1;
    } else throw new CommandError(SYNTAX);
  }
  if (first === 0) throw new CommandError(SYNTAX);
  return { references: references ?? References.KEEP, first, end };
}

/** Deletes one entry; with ACKED only when no group refers to it. */
function deleteOne(stream: Stream, id: StreamId, references: References): Outcome {
  if (!stream.has(id)) {
    // Groups may refer to an entry that has been deleted before.
    if (references === References.DELETE) forgetEverywhere(stream, id);
    return Outcome.ABSENT;
  }
  if (references === References.ACKED && isReferenced(stream, id)) return Outcome.REFERENCED;
  if (references === References.DELETE) forgetEverywhere(stream, id);
  const deleted = stream.delete(id);
  assert(deleted, "an entry that exists is deleted");
  if (id.compare(stream.maxDeletedId) > 0) stream.maxDeletedId.set(id);
  if (id.compare(stream.firstId) === 0) stream.refreshFirstId();
  return Outcome.DELETED;
}

/**
 * Deletes the entries of the given ids and replies with an {@linkcode Outcome} for each.
 *
 * @param group For XACKDEL the group whose pending entries are acknowledged first; undefined when it is
 * missing.
 * @param isAck True for XACKDEL, which deletes only entries that were pending in the group.
 */
function deleteEach(
  ctx: Context,
  argv: Argv,
  options: DeleteOptions,
  stream: Stream | undefined,
  group: Group | undefined,
  isAck: boolean,
): void {
  const { first, end, references } = options;
  const id = new StreamId();
  let changed = 0;
  // Without a stream or a group nothing is looked for, and what is no id is not noticed.
  if (stream !== undefined && (group !== undefined || !isAck)) {
    for (let i = first; i < end; i++) readId(argv, i, id);
  } else return replyAbsent(ctx, end - first);
  ctx.reply.array(end - first);
  for (let i = first; i < end; i++) {
    readId(argv, i, id);
    let outcome: Outcome = Outcome.ABSENT;
    const acked = isAck && group !== undefined && group.forget(id, place);
    if (acked || !isAck) {
      outcome = deleteOne(stream, id, references);
      // An entry that was acknowledged now counts as deleted, although it had been deleted before.
      if (acked && outcome === Outcome.ABSENT) outcome = Outcome.DELETED;
    }
    if (acked || outcome === Outcome.DELETED) changed++;
    ctx.reply.integer(outcome);
  }
  if (changed > 0) streamChanged(ctx, argv, 1, changed, stream);
}

/** Replies that none of so many ids was found. */
function replyAbsent({ reply }: Context, count: number): void {
  reply.array(count);
  for (let i = 0; i < count; i++) reply.integer(Outcome.ABSENT);
}

/**
 * `XDELEX key [KEEPREF|DELREF|ACKED] IDS numids id [id ...]`: deletes entries; replies an array of
 * outcomes. O(n) of those named.
 */
const xdelex = command("xdelex", -5, WRITE | FAST, "RW.delete@1", (ctx, argv) => {
  const options = readDelete(argv, 2);
  deleteEach(ctx, argv, options, lookupStream(ctx, argv, 1), undefined, false);
});

/**
 * `XACKDEL key group [KEEPREF|DELREF|ACKED] IDS numids id [id ...]`: acknowledges entries in a group and
 * deletes them; replies an array of outcomes. O(n) of those named.
 */
const xackdel = command("xackdel", -6, WRITE | FAST, "RW.update.delete@1", (ctx, argv) => {
  const options = readDelete(argv, 3);
  const stream = lookupStream(ctx, argv, 1);
  deleteEach(ctx, argv, options, stream, groupAt(stream, argv, 2), true);
});

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const streamDeleteCommands: readonly Command[] = [xackdel, xdelex];

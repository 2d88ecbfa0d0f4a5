/**
 * Deleting entries with a say in what becomes of the references groups have to them: Redis 8.2.
 *
 * @module
 */

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
import {
  type AddOptions,
  groupAt,
  lookupStream,
  readId,
  References,
  referencesAt,
  streamChanged,
} from "./args.ts";

/** What a reply says of each id. */
const Outcome = { ABSENT: -1, DELETED: 1, REFERENCED: 2 } as const;
type Outcome = typeof Outcome[keyof typeof Outcome];

const place = new IdPlace();

/** Trims as XADD and XTRIM do, under DELREF or ACKED; returns how many entries went. */
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

/** Ids of the entries that a trimming removes, and more where it is bounded. */
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

/** Whether a group has an entry pending, or has not come to it. */
function isReferenced(stream: Stream, id: StreamId): boolean {
  for (const group of stream.groups()) {
    if (group.lastId.compare(id) < 0 || group.pending.find(id, place)) return true;
  }
  return false;
}

function forgetEverywhere(stream: Stream, id: StreamId): void {
  for (const group of stream.groups()) group.forget(id, place);
}

interface DeleteOptions {
  readonly references: References;
  readonly first: number;
}

/** `[KEEPREF|DELREF|ACKED] IDS numids id [id ...]`, in either order. */
function readDelete(argv: Argv, index: number): DeleteOptions {
  let references: References = References.KEEP;
  let first = 0;
  for (let i = index; i < argv.count; i++) {
    const option = referencesAt(argv, i);
    if (option !== undefined) {
      references = option;
    } else if (first === 0 && isWord(argv, i, "IDS") && i + 1 < argv.count) {
      const count = readPositive(argv, i + 1, NUMIDS_POSITIVE);
      first = i + 2;
      if (first + count !== argv.count) throw new CommandError(NUMIDS_MISMATCH);
      break;
    } else throw new CommandError(SYNTAX);
  }
  if (first === 0) throw new CommandError(SYNTAX);
  const id = new StreamId();
  for (let i = first; i < argv.count; i++) readId(argv, i, id);
  return { references, first };
}

/** Deletes one entry, unless it is referenced and that matters. */
function deleteOne(stream: Stream, id: StreamId, references: References): Outcome {
  if (!stream.has(id)) return Outcome.ABSENT;
  if (references === References.ACKED && isReferenced(stream, id)) return Outcome.REFERENCED;
  if (references === References.DELETE) forgetEverywhere(stream, id);
  stream.delete(id);
  if (id.compare(stream.maxDeletedId) > 0) stream.maxDeletedId.set(id);
  if (id.compare(stream.firstId) === 0) stream.refreshFirstId();
  return Outcome.DELETED;
}

function deleteEach(
  ctx: Context,
  argv: Argv,
  options: DeleteOptions,
  stream: Stream | undefined,
  group: Group | undefined,
  isAck: boolean,
): void {
  const { first, references } = options;
  const id = new StreamId();
  let changed = 0;
  ctx.reply.array(argv.count - first);
  for (let i = first; i < argv.count; i++) {
    readId(argv, i, id);
    let outcome: Outcome = Outcome.ABSENT;
    const acked = isAck && group !== undefined && group.forget(id, place);
    if (stream !== undefined && (acked || !isAck)) {
      outcome = deleteOne(stream, id, references);
      // Acknowledged, it counts as gone although somebody else had deleted it.
      if (acked && outcome === Outcome.ABSENT) outcome = Outcome.DELETED;
    }
    if (acked || outcome === Outcome.DELETED) changed++;
    ctx.reply.integer(outcome);
  }
  if (changed > 0) streamChanged(ctx, argv, 1, changed, stream);
}

/** `XDELEX key [KEEPREF|DELREF|ACKED] IDS numids id [id ...]`. O(n) of those named. */
const xdelex = command("xdelex", -5, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  const options = readDelete(argv, 2);
  deleteEach(ctx, argv, options, lookupStream(ctx, argv, 1), undefined, false);
});

/** `XACKDEL key group [KEEPREF|DELREF|ACKED] IDS numids id [id ...]`. O(n) of those named. */
const xackdel = command("xackdel", -6, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  const options = readDelete(argv, 3);
  const stream = lookupStream(ctx, argv, 1);
  deleteEach(ctx, argv, options, stream, groupAt(stream, argv, 2), true);
});

/** The rows. */
export const streamDeleteCommands: readonly Command[] = [xackdel, xdelex];

/**
 * XNACK: pending entries are given back to the group, for anybody to claim: Redis 8.8.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { IdPlace } from "../../store/packed/id_table.ts";
import { bounded, StreamId } from "../../store/packed/stream_id.ts";
import type { Stream } from "../../store/types/stream.ts";
import { DELIVERIES, type Group, TIME } from "../../store/types/stream_groups.ts";
import { isWord, readInteger, readPositive } from "../engine/args.ts";
import { type Command, command, FAST, WRITE } from "../engine/command.ts";
import { CommandError, NUMIDS_MISMATCH, NUMIDS_POSITIVE, SYNTAX } from "../engine/errors.ts";
import { groupAt, lookupStream, noGroup, readId, streamChanged } from "./args.ts";

const id = new StreamId();
const at = new IdPlace();

/** What becomes of the number of deliveries. */
const Mode = { SILENT: 0, FAIL: 1, FATAL: 2 } as const;
type Mode = typeof Mode[keyof typeof Mode];

interface NackOptions {
  readonly mode: Mode;
  /** Argument after the last id; the first is 6. */
  readonly end: number;
  /** -1: by the mode. */
  readonly deliveries: number;
  readonly force: boolean;
}

const FIRST_ID = 6;

function readMode(argv: Argv): Mode {
  if (isWord(argv, 3, "SILENT")) return Mode.SILENT;
  if (isWord(argv, 3, "FAIL")) return Mode.FAIL;
  if (isWord(argv, 3, "FATAL")) return Mode.FATAL;
  throw new CommandError(SYNTAX);
}

/** `SILENT|FAIL|FATAL IDS numids id [id ...] [RETRYCOUNT count] [FORCE]`. */
function readNack(argv: Argv): NackOptions {
  const mode = readMode(argv);
  if (!isWord(argv, 4, "IDS")) throw new CommandError(SYNTAX);
  const end = FIRST_ID + readPositive(argv, 5, NUMIDS_POSITIVE);
  if (end > argv.count) throw new CommandError(NUMIDS_MISMATCH);
  let deliveries = -1;
  let force = false;
  for (let i = end; i < argv.count; i++) {
    if (isWord(argv, i, "FORCE")) force = true;
    else if (isWord(argv, i, "RETRYCOUNT") && i + 1 < argv.count) {
      deliveries = bounded(readInteger(argv, ++i));
      if (deliveries < 0) {
        throw new CommandError("ERR Invalid RETRYCOUNT option argument for XNACK");
      }
    } else throw new CommandError(SYNTAX);
  }
  for (let i = FIRST_ID; i < end; i++) readId(argv, i, id);
  return { mode, end, deliveries, force };
}

/** Gives the entry `id` back; false when it is not pending and does not become so. */
function nackOne(stream: Stream, group: Group, { mode, deliveries, force }: NackOptions): boolean {
  const { pending } = group;
  if (!group.release(id, at)) {
    if (!force || !stream.has(id)) return false;
    group.addReleased(id, at);
  }
  const before = pending.getNumber(at, DELIVERIES);
  const counted = mode === Mode.SILENT
    ? Math.max(before - 1, 0)
    : mode === Mode.FATAL
    ? bounded(Infinity)
    : before;
  pending.setNumber(at, DELIVERIES, deliveries >= 0 ? deliveries : counted);
  // Idle for as long as there is: whoever claims it gets it.
  pending.setNumber(at, TIME, 0);
  return true;
}

/**
 * `XNACK key group SILENT|FAIL|FATAL IDS numids id [id ...] [RETRYCOUNT count] [FORCE]`. O(n log n) of
 * those named.
 */
const xnack = command("xnack", -7, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  const options = readNack(argv);
  const stream = lookupStream(ctx, argv, 1);
  const group = groupAt(stream, argv, 2);
  if (stream === undefined || group === undefined) throw new CommandError(noGroup(argv, 1, 2));
  let nacked = 0;
  for (let i = FIRST_ID; i < options.end; i++) {
    readId(argv, i, id);
    if (nackOne(stream, group, options)) nacked++;
  }
  ctx.reply.integer(nacked);
  if (nacked > 0) streamChanged(ctx, argv, 1, nacked);
});

/** The row. */
export const streamNackCommands: readonly Command[] = [xnack];

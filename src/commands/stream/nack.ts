/**
 * XNACK, since Redis 8.8: a consumer gives pending entries back to its group. They stay pending without an
 * owner, and the next XREADGROUP, XCLAIM or XAUTOCLAIM of any consumer gets them.
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

// Reused by every command: none runs inside another.
/** The id that is given back. */
const id = new StreamId();
/** Where {@linkcode id} lies in the group's table of pending entries. */
const at = new IdPlace();

/** What becomes of an entry's count of deliveries: one less, the same, or the largest there is. */
const Mode = { SILENT: 0, FAIL: 1, FATAL: 2 } as const;
type Mode = typeof Mode[keyof typeof Mode];

/** The options of XNACK. */
interface NackOptions {
  /** SILENT, FAIL or FATAL. */
  readonly mode: Mode;
  /** Exclusive end of the arguments that are ids; they begin at FIRST_ID. */
  readonly end: number;
  /** RETRYCOUNT: the count of deliveries to set; -1 for the mode's. */
  readonly deliveries: number;
  /** FORCE: an entry that is not pending becomes so. */
  readonly force: boolean;
}

/** Index of the first id. */
const FIRST_ID = 6;

/** @throws {CommandError} SYNTAX when argument 3 is no mode. */
function readMode(argv: Argv): Mode {
  if (isWord(argv, 3, "SILENT")) return Mode.SILENT;
  if (isWord(argv, 3, "FAIL")) return Mode.FAIL;
  if (isWord(argv, 3, "FATAL")) return Mode.FATAL;
  throw new CommandError(SYNTAX);
}

/**
 * Reads `SILENT|FAIL|FATAL IDS numids id [id ...] [RETRYCOUNT count] [FORCE]` from argument 3 on and checks
 * all ids.
 */
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

/**
 * Takes the owner from the pending entry {@linkcode id}; false when it is not pending and FORCE does not
 * make it so.
 */
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
  // Delivered in 1970: its idle time passes every minimum that a claim may ask for.
  pending.setNumber(at, TIME, 0);
  return true;
}

/**
 * `XNACK key group SILENT|FAIL|FATAL IDS numids id [id ...] [RETRYCOUNT count] [FORCE]`: gives entries back
 * and replies with how many. O(n log n) of those named.
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

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const streamNackCommands: readonly Command[] = [xnack];

/**
 * XGROUP, which makes, moves and removes consumer groups, and XACK (`t_stream.c xgroupCommand`,
 * `xackCommand`).
 *
 * A group has a last delivered id and a table of pending entries; each consumer has a table of those it
 * got. A stream with a group is always held as an object.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { IdPlace } from "../../store/packed/id_table.ts";
import { bounded, StreamId } from "../../store/packed/stream_id.ts";
import { Stream } from "../../store/types/stream.ts";
import type { Consumer } from "../../store/types/stream_groups.ts";
import { isWord, readInteger, textOf } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, wrongSubcommandArity } from "../engine/errors.ts";
import { isRedisSince } from "../engine/master_version.ts";
import { container } from "../engine/container.ts";
import { groupAt, IdForm, lookupStream, readId, requireGroup, streamChanged } from "./args.ts";

/** The error of all XGROUP subcommands for a missing key. */
const NO_KEY: string =
  "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the" +
  " MKSTREAM option to create an empty stream automatically.";

// Reused by every command: none runs inside another.
const id = new StreamId();
const place = new IdPlace();

/**
 * `XACK key group id [id ...]`: ends the pending state of entries and replies with how many were pending.
 * All ids are checked before the first is acknowledged. O(n) of those named.
 */
const xack = command("xack", -4, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  const group = groupAt(lookupStream(ctx, argv, 1), argv, 2);
  if (group === undefined) return ctx.reply.integer(0);
  for (let i = 3; i < argv.count; i++) readId(argv, i, id);
  let acknowledged = 0;
  for (let i = 3; i < argv.count; i++) {
    readId(argv, i, id);
    if (group.forget(id, place)) acknowledged++;
  }
  ctx.reply.integer(acknowledged);
  if (acknowledged > 0) streamChanged(ctx, argv, 1, acknowledged);
});

/**
 * The stream at key argument 2.
 *
 * @throws {CommandError} NO_KEY when it is missing.
 */
function requireStream(ctx: Context, argv: Argv): Stream {
  const stream = lookupStream(ctx, argv, 2);
  if (stream === undefined) throw new CommandError(NO_KEY);
  return stream;
}

/** The options of XGROUP CREATE and SETID. */
interface GroupOptions {
  /** MKSTREAM: a missing stream is made. */
  makesStream: boolean;
  /** ENTRIESREAD: how many entries the group has read; -1 for not known. */
  entriesRead: number;
}

/** Reads the options from argument 5 on; MKSTREAM only for CREATE. */
function readGroupOptions(argv: Argv, isCreate: boolean): GroupOptions {
  const options = { makesStream: false, entriesRead: -1 };
  for (let i = 5; i < argv.count; i++) {
    if (isCreate && isWord(argv, i, "MKSTREAM")) {
      options.makesStream = true;
    } else if (isWord(argv, i, "ENTRIESREAD") && i + 1 < argv.count) {
      options.entriesRead = bounded(readInteger(argv, ++i));
      if (options.entriesRead < -1) {
        throw new CommandError("ERR value for ENTRIESREAD must be positive or -1");
      }
    } else throw new CommandError(wrongSubcommandArity("XGROUP", textOf(argv, 1)));
  }
  return options;
}

/** ENTRIESREAD as it is kept: no more than were ever added, since Redis 8.2. */
function believable({ keyspace }: Context, stream: Stream, entriesRead: number): number {
  return isRedisSince(keyspace, [8, 2]) ? Math.min(entriesRead, stream.entriesAdded) : entriesRead;
}

/**
 * Reads argument 4 into {@linkcode id}: an id, or `$` for the stream's last one, 0-0 when the stream is
 * missing.
 */
function readGroupId(argv: Argv, stream: Stream | undefined, form: IdForm): void {
  if (!isWord(argv, 4, "$")) readId(argv, 4, id, form);
  else if (stream === undefined) id.setWords(0, 0, 0, 0);
  else id.set(stream.lastId);
}

/**
 * `XGROUP CREATE key group id|$ [MKSTREAM] [ENTRIESREAD n]`: makes a group that reads behind an id; replies
 * OK. O(1).
 */
const xgroupCreate = command("xgroup|create", -5, WRITE | DENYOOM, "RW.insert@2", (ctx, argv) => {
  const options = readGroupOptions(argv, true);
  const found = lookupStream(ctx, argv, 2);
  if (found === undefined && !options.makesStream) throw new CommandError(NO_KEY);
  readGroupId(argv, found, IdForm.STRICT);
  const stream = found ?? new Stream();
  const group = stream.addGroup(argv.bytes, argv.starts[3], argv.ends[3]);
  if (group === undefined) throw new CommandError("BUSYGROUP Consumer Group name already exists");
  group.lastId.set(id);
  group.entriesRead = believable(ctx, stream, options.entriesRead);
  ctx.reply.ok();
  streamChanged(ctx, argv, 2, 1, stream);
});

/**
 * `XGROUP SETID key group id|$ [ENTRIESREAD n]`: moves a group's last delivered id and replies OK. O(1).
 */
const xgroupSetid = command("xgroup|setid", -5, WRITE, "RW.update@2", (ctx, argv) => {
  const options = readGroupOptions(argv, false);
  const stream = requireStream(ctx, argv);
  const group = requireGroup(stream, argv);
  readGroupId(argv, stream, IdForm.LOOSE);
  group.lastId.set(id);
  group.entriesRead = believable(ctx, stream, options.entriesRead);
  ctx.reply.ok();
  streamChanged(ctx, argv, 2, 1);
});

/**
 * `XGROUP DESTROY key group`: removes a group with all its pending entries; replies 1, 0 when it is
 * missing. O(1).
 */
const xgroupDestroy = command("xgroup|destroy", 4, WRITE, "RW.delete@2", (ctx, argv) => {
  const stream = requireStream(ctx, argv);
  const removed = stream.removeGroup(argv.bytes, argv.starts[3], argv.ends[3]);
  ctx.reply.integer(removed ? 1 : 0);
  if (removed) streamChanged(ctx, argv, 2, 1);
});

/** `XGROUP CREATECONSUMER key group consumer`: makes a consumer; replies 1, 0 when it exists. O(1). */
const xgroupCreateconsumer = command(
  "xgroup|createconsumer",
  5,
  WRITE | DENYOOM,
  "RW.insert@2",
  (ctx, argv) => {
    const group = requireGroup(requireStream(ctx, argv), argv);
    const made = group.addConsumer(argv.bytes, argv.starts[4], argv.ends[4], ctx.nowMs);
    ctx.reply.integer(made === undefined ? 0 : 1);
    if (made !== undefined) streamChanged(ctx, argv, 2, 1);
  },
);

/**
 * `XGROUP DELCONSUMER key group consumer`: removes a consumer and drops its pending entries; replies with
 * how many those were. O(n) of them.
 */
const xgroupDelconsumer = command("xgroup|delconsumer", 5, WRITE, "RW.delete@2", (ctx, argv) => {
  const group = requireGroup(requireStream(ctx, argv), argv);
  const consumer: Consumer | undefined = group.consumer(
    argv.bytes,
    argv.starts[4],
    argv.ends[4],
  );
  if (consumer === undefined) return ctx.reply.integer(0);
  ctx.reply.integer(group.removeConsumer(consumer));
  streamChanged(ctx, argv, 2, 1);
});

/** The lines of XGROUP HELP behind the first, as Redis 8.0 words them. */
const HELP: readonly string[] = [
  "CREATE <key> <groupname> <id|$> [option]",
  "    Create a new consumer group. Options are:",
  "    * MKSTREAM",
  "      Create the empty stream if it does not exist.",
  "    * ENTRIESREAD entries_read",
  "      Set the group's entries_read counter (internal use).",
  "CREATECONSUMER <key> <groupname> <consumer>",
  "    Create a new consumer in the specified group.",
  "DELCONSUMER <key> <groupname> <consumer>",
  "    Remove the specified consumer.",
  "DESTROY <key> <groupname>",
  "    Remove the specified group.",
  "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
  "    Set the current group ID and entries_read counter.",
];

/** XACK, and XGROUP with its subcommands. */
export const streamGroupCommands: readonly Command[] = [
  xack,
  ...container("xgroup", [
    xgroupCreate,
    xgroupCreateconsumer,
    xgroupDelconsumer,
    xgroupDestroy,
    xgroupSetid,
  ], HELP),
];

/**
 * Running one row of the table: the check of its arity, the copy on write for snapshots before it
 * and the catch around it. Whether a client may run it at all (authentication, READONLY, LOADING)
 * dispatch has decided before.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { beforeWrite } from "./copy_on_write.ts";
import { type Command, shownName, WRITE } from "./command.ts";
import type { Context, HeldRead } from "./context.ts";
import { CommandError, NEEDS_CONNECTION, wrongArity } from "./errors.ts";
import type { CommandRow, Session } from "./host.ts";

/** Whether the number of arguments fits the arity; when not, the reply is {@linkcode arityError}. */
export function checkArity(command: CommandRow, argv: Argv): boolean {
  const { arity } = command;
  return arity >= 0 ? argv.count === arity : argv.count >= -arity;
}

/** The reply to a command whose number of arguments does not fit its arity. */
export function arityError(command: CommandRow): string {
  return wrongArity(shownName(command));
}

/**
 * Runs a command whose arity fits; while a snapshot is being written, the snapshot first writes
 * down the keys the command may change.
 *
 * @throws {CommandError} The command's refusal.
 */
export function runCommand(ctx: Context, command: Command, argv: Argv): void {
  if ((command.flags & WRITE) !== 0 && ctx.keyspace.snapshotHooks.size > 0) {
    beforeWrite(ctx.keyspace, ctx.dbIndex, command, argv);
  }
  command.run(ctx, argv);
}

/**
 * Runs a command whose arity fits and writes its refusal as the reply.
 *
 * @returns The refusal; undefined when the command did its work.
 * @throws Only what is no refusal: a bug of ours, or a RangeError where memory cannot be had.
 */
export function executeCommand(
  ctx: Context,
  command: Command,
  argv: Argv,
): CommandError | undefined {
  try {
    runCommand(ctx, command, argv);
    return undefined;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    ctx.reply.error(error.message);
    return error;
  }
}

/**
 * Runs work that is longer than one turn of the event loop should be: in slices of some milliseconds
 * where the context can wait, else at once. How long a slice is, `base/slices.ts` counts.
 *
 * @param step Does a small part of the work, some ten microseconds of it and never a millisecond;
 * true once the reply is whole. What it leaves for the next step may lie turns apart: entries and
 * borrowed bytes are no longer valid then.
 * @param read Holds the keys that the work reads, so that it sees one state: `long_read.ts`.
 */
export function runInSlices(
  ctx: Context,
  step: (ctx: Context) => boolean,
  read?: HeldRead,
): void {
  if (ctx.inSlices !== undefined) ctx.inSlices(step, read);
  else runAtOnce(ctx, step);
}

/** Repeats a step until the work is done, where nothing can wait. */
export function runAtOnce(ctx: Context, step: (ctx: Context) => boolean): void {
  while (!step(ctx));
}

/**
 * The connection a command came over. What asks for it is a client's command, never the stream's.
 *
 * @throws {CommandError} NEEDS_CONNECTION when there is none.
 */
export function sessionOf(ctx: Context): Session {
  if (ctx.session === undefined) throw new CommandError(NEEDS_CONNECTION);
  return ctx.session;
}

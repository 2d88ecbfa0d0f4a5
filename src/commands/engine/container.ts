/**
 * Containers: commands such as CONFIG that only their subcommands do anything for, and the HELP
 * that every one of them answers.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { type Command, command, CONTAINER, LOADING, STALE } from "./command.ts";
import type { Context } from "./context.ts";
import { CommandError, wrongArity } from "./errors.ts";

/**
 * The rows of a container: its own, which refuses a call without a subcommand, its subcommands',
 * and that of `name HELP`.
 *
 * @param name Lower case.
 * @param rows The subcommands, each named `name|sub`.
 * @param help Lines of `name HELP`: a line of syntax, then indented ones that describe it.
 */
export function container(
  name: string,
  rows: readonly Command[],
  help: readonly string[],
): readonly Command[] {
  for (const row of rows) assert(row.name.startsWith(`${name}|`), "a row stands in its container");
  const self = command(name, -2, CONTAINER, "", () => {
    throw new CommandError(wrongArity(name));
  });
  return [self, ...rows, helpRow(name, help)];
}

/** The row of `name HELP`. */
export function helpRow(name: string, lines: readonly string[]): Command {
  return command(
    `${name}|help`,
    2,
    LOADING | STALE,
    "",
    (ctx) => replyHelp(ctx, name.toUpperCase(), lines),
  );
}

/** Replies with a help text and what Redis's `addReplyHelp` puts before and after it. */
export function replyHelp(ctx: Context, name: string, lines: readonly string[]): void {
  const { reply } = ctx;
  reply.array(lines.length + 3);
  reply.simple(`${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const line of lines) reply.simple(line);
  reply.simple("HELP");
  reply.simple("    Print this help.");
}

/**
 * `X HELP`: what a container's subcommands do, in the layout of Redis's `addReplyHelp`.
 *
 * @module
 */

import type { Command, Context } from "./command.ts";
import { LOADING, NO_KEYS, STALE } from "./command.ts";

/** A `container|help` row that answers these lines. */
export function helpRow(container: string, lines: readonly string[]): Command {
  return {
    name: `${container}|help`,
    arity: 2,
    flags: LOADING | STALE,
    keys: NO_KEYS,
    run: (ctx) => replyHelp(ctx, container.toUpperCase(), lines),
  };
}

/** Writes a help text: what `addReplyHelp` puts around it included. */
export function replyHelp(ctx: Context, container: string, lines: readonly string[]): void {
  const { reply } = ctx;
  reply.array(lines.length + 3);
  reply.simple(`${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const line of lines) reply.simple(line);
  reply.simple("HELP");
  reply.simple("    Print this help.");
}

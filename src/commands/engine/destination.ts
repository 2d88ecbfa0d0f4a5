/**
 * The destination of commands that store their result: SINTERSTORE, ZRANGESTORE, GEOSEARCHSTORE,
 * BITOP and SORT with STORE.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import type { Context } from "./context.ts";

/**
 * Stores an empty result: deletes the key at argument `index`, whatever its type, and replies 0.
 */
export function storeNothing(ctx: Context, argv: Argv, index: number): void {
  if (ctx.db.remove(argv.bytes, argv.starts[index], argv.ends[index])) ctx.changed(argv, index);
  ctx.reply.integer(0);
}

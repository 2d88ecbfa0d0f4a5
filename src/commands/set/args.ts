/**
 * What the commands on sets share: looking one up, telling of changes.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import type { Entry } from "../../store/memory/record.ts";
import { setLength } from "../../store/types/set.ts";
import type { Context } from "../engine/context.ts";

/** The key at argument `index` was changed by `count`: told and counted, and deleted when it is empty. */
export function setChanged(
  ctx: Context,
  argv: Argv,
  index: number,
  entry: Entry,
  count: number,
): void {
  if (setLength(ctx.db, entry) === 0) ctx.db.removeEntry(entry);
  ctx.changed(argv, index, count);
}

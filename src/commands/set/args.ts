/**
 * What the commands on sets share: reporting a change.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import type { Entry } from "../../store/memory/record.ts";
import { setLength } from "../../store/types/set.ts";
import type { Context } from "../engine/context.ts";

/**
 * Reports `count` changed members of the key at argument `index`; a set that has become empty is
 * deleted.
 */
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

/**
 * What the commands on sets share: looking one up, telling of changes.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import { setLength } from "../../store/types/set.ts";
import type { Context } from "../engine/command.ts";
import { CommandError, WRONG_TYPE } from "../engine/errors.ts";
import { lookupRead } from "../engine/lookup.ts";

/** The set argument `index` names, 0 when there is none. */
export function lookupSet(ctx: Context, argv: Argv, index: number): Entry {
  const entry = lookupRead(ctx, argv, index);
  if (entry !== 0 && ctx.db.typeOf(entry) !== ValueType.SET) throw new CommandError(WRONG_TYPE);
  return entry;
}

/** The key at argument `index` was changed by `count`: told and counted, and deleted when it is empty. */
export function setChanged(
  ctx: Context,
  argv: Argv,
  index: number,
  entry: Entry,
  count: number,
): void {
  if (setLength(ctx.db, entry) === 0) ctx.db.removeEntry(entry);
  keyChanged(ctx, argv, index, count);
}

/** The key at argument `index` was changed by `count`: told and counted. */
export function keyChanged(ctx: Context, argv: Argv, index: number, count: number): void {
  ctx.dirty += count;
  ctx.modified(ctx.dbIndex, argv.bytes, argv.starts[index], argv.ends[index]);
}

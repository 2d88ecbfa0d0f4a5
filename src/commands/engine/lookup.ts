/**
 * From an argument to the entry it names, as the caller is to see it: what has expired is as if absent,
 * and where the keyspace is our own it is deleted on the way.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import type { Database } from "../../store/keyspace/database.ts";
import { type Entry, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import { announceKey } from "./copy_on_write.ts";
import type { Context } from "./command.ts";
import { CommandError, WRONG_TYPE } from "./errors.ts";

const key: BytesRef = new BytesRef();

/**
 * Whether commands come from a master, whose limits may be wider than ours and whose conditions have
 * been judged: `mustObeyClient` in Redis.
 */
export function mustObey(ctx: Context): boolean {
  return ctx.hiddenAtMs === -Infinity;
}

/** The entry argument `index` names for a read, 0 when there is none. */
export function lookupRead(ctx: Context, argv: Argv, index: number): Entry {
  const entry = ctx.db.find(argv.bytes, argv.starts[index], argv.ends[index]);
  return entry === 0 ? 0 : visible(ctx, ctx.db, ctx.dbIndex, entry);
}

/**
 * The entry argument `index` names for a write, 0 when there is none. Reads and writes differ in what
 * Redis counts and touches, not in what they see; a caller says which it means all the same.
 */
export function lookupWrite(ctx: Context, argv: Argv, index: number): Entry {
  return lookupRead(ctx, argv, index);
}

/** {@linkcode lookupWrite} in a database that is not the selected one. */
export function lookupWriteIn(
  ctx: Context,
  db: Database,
  dbIndex: number,
  argv: Argv,
  index: number,
): Entry {
  const entry = db.find(argv.bytes, argv.starts[index], argv.ends[index]);
  return entry === 0 ? 0 : visible(ctx, db, dbIndex, entry);
}

/** The string argument `index` names, 0 when there is none. */
export function lookupString(ctx: Context, argv: Argv, index: number): Entry {
  const entry = lookupRead(ctx, argv, index);
  if (entry !== 0) checkString(ctx.db, entry);
  return entry;
}

/** @throws {CommandError} WRONGTYPE when the entry is no string. */
export function checkString(db: Database, entry: Entry): void {
  if (db.typeOf(entry) !== ValueType.STRING) throw new CommandError(WRONG_TYPE);
}

/** Whether the caller is not to see an entry any more. */
export function isHidden(ctx: Context, db: Database, entry: Entry): boolean {
  const at = db.expireAtMs(entry);
  return at !== NO_EXPIRY && at < ctx.hiddenAtMs;
}

/** Deletes an entry that has expired and tells whoever follows; only where `ctx.ownsExpiry`. */
export function deleteExpired(ctx: Context, db: Database, dbIndex: number, entry: Entry): void {
  // Copied: removing may reuse the bytes at once.
  db.keyRef(entry, key);
  const bytes = key.bytes.slice(key.start, key.end);
  announceKey(ctx.keyspace, dbIndex, bytes, 0, bytes.length);
  ctx.expired(dbIndex, bytes, 0, bytes.length);
  db.removeEntry(entry);
  ctx.modified(dbIndex, bytes, 0, bytes.length);
}

/** The entry, or 0 when it has expired for this caller. */
function visible(ctx: Context, db: Database, dbIndex: number, entry: Entry): Entry {
  if (!isHidden(ctx, db, entry)) return entry;
  if (ctx.ownsExpiry) deleteExpired(ctx, db, dbIndex, entry);
  return 0;
}

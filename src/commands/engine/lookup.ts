/**
 * From an argument to the entry it names, as the caller is to see it: a key that has expired is
 * absent for a client, and on a stand-alone master it is deleted on the way. `db.c lookupKey` and
 * `expireIfNeeded`.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import type { Database } from "../../store/keyspace/database.ts";
import { isExpired } from "../../store/memory/expiry.ts";
import type { Entry, ValueType } from "../../store/memory/record.ts";
import { Caller, type Context } from "./context.ts";
import { beforeKeyWrite } from "./copy_on_write.ts";
import { CommandError, WRONG_TYPE } from "./errors.ts";

const key: BytesRef = new BytesRef();

/**
 * The entry that argument `index` names in the selected database, 0 when there is none. Valid until
 * the next write, and on a stand-alone master until the next lookup, which may delete.
 *
 * @param type What it must hold; anything when left out.
 * @throws {CommandError} WRONGTYPE when it holds something else.
 */
export function lookup(ctx: Context, argv: Argv, index: number, type?: ValueType): Entry {
  const { db } = ctx;
  let entry = db.find(argv.bytes, argv.starts[index], argv.ends[index]);
  if (entry === 0) return 0;
  entry = visible(ctx, db, ctx.dbIndex, entry);
  if (type !== undefined && entry !== 0) checkType(db, entry, type);
  return entry;
}

/** {@linkcode lookup} in a database that is not the selected one, for COPY and MOVE. */
export function lookupIn(
  ctx: Context,
  db: Database,
  dbIndex: number,
  argv: Argv,
  index: number,
): Entry {
  const entry = db.find(argv.bytes, argv.starts[index], argv.ends[index]);
  return entry === 0 ? 0 : visible(ctx, db, dbIndex, entry);
}

/**
 * Checks the type of an entry that was looked up without one.
 *
 * @throws {CommandError} WRONGTYPE when the entry, which is not 0, holds another type.
 */
export function checkType(db: Database, entry: Entry, type: ValueType): void {
  if (db.typeOf(entry) !== type) throw new CommandError(WRONG_TYPE);
}

/** Whether the key at argument `index` is there and holds this type. */
export function holdsType(ctx: Context, argv: Argv, index: number, type: ValueType): boolean {
  const entry = lookup(ctx, argv, index);
  return entry !== 0 && ctx.db.typeOf(entry) === type;
}

/** What of a {@linkcode Context} says which keys are seen. */
export type Viewer = Pick<Context, "nowMs" | "caller" | "keyspace">;

/** Whether this caller is not to see an entry: it has expired, or lies in a slot that is hidden. */
export function isHidden(ctx: Viewer, db: Database, entry: Entry): boolean {
  const isPast = isExpired(db.expireAtMs(entry), ctx.nowMs);
  if (isPast && ctx.caller !== Caller.MASTER_STREAM) return true;
  const { slots } = ctx.keyspace;
  return slots.hiding && ctx.caller === Caller.REPLICA_CLIENT && slots.hidesEntry(db, entry);
}

/**
 * Deletes an entry that has expired and tells replicas and watchers; only on a stand-alone master.
 */
export function deleteExpired(ctx: Context, db: Database, dbIndex: number, entry: Entry): void {
  // Copied: removing may reuse the bytes at once.
  db.keyRef(entry, key);
  const bytes = key.bytes.slice(key.start, key.end);
  beforeKeyWrite(ctx.keyspace, dbIndex, bytes, 0, bytes.length);
  ctx.expired(dbIndex, bytes, 0, bytes.length);
  db.removeEntry(entry);
  ctx.modified(dbIndex, bytes, 0, bytes.length);
}

/** The entry, or 0 when it has expired for this caller. */
function visible(ctx: Context, db: Database, dbIndex: number, entry: Entry): Entry {
  if (!isHidden(ctx, db, entry)) return entry;
  if (ctx.caller === Caller.MASTER_CLIENT) deleteExpired(ctx, db, dbIndex, entry);
  return 0;
}

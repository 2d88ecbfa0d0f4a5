/**
 * What the commands on hashes share: looking one up, fields past their time, telling of changes.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { type Entry, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import {
  FieldCursor,
  hashCreate,
  hashEach,
  hashExpect,
  hashExpiresBefore,
  hashFind,
  hashHasExpiries,
  hashLength,
  hashRemove,
} from "../../store/types/hash.ts";
import type { FieldVisitor } from "../../store/types/hash_table.ts";
import { Caller, type Context } from "../engine/context.ts";
import { CommandError, WRONG_TYPE } from "../engine/errors.ts";
import { lookup } from "../engine/lookup.ts";

/** Bytes that a short text takes in a listpack beside its own. */
const ELEMENT_OVERHEAD = 2;

const key = new BytesRef();

/** The field {@linkcode findField} found; valid until the next write. */
export const findFieldResult: FieldCursor = new FieldCursor();

/** The hash argument `index` names, 0 when there is none. On our own keyspace its past fields go first. */
export function lookupHash(ctx: Context, argv: Argv, index: number): Entry {
  const entry = lookup(ctx, argv, index);
  if (entry === 0) return 0;
  if (ctx.db.typeOf(entry) !== ValueType.HASH) throw new CommandError(WRONG_TYPE);
  if (ctx.caller !== Caller.MASTER_CLIENT || !hashExpiresBefore(ctx.db, entry, ctx.nowMs)) {
    return entry;
  }
  return deleteExpired(ctx, entry);
}

/** The hash to write to, made if need be, ready for the fields from argument `first` on. */
export function openForSet(ctx: Context, argv: Argv, entry: Entry, first: number): Entry {
  const { db } = ctx;
  let longest = 0;
  let bytes = 0;
  for (let i = first; i < argv.count; i++) {
    const length = argv.lengthOf(i);
    longest = Math.max(longest, length);
    bytes += length + ELEMENT_OVERHEAD;
  }
  if (entry === 0) entry = hashCreate(db, argv.bytes, argv.starts[1], argv.ends[1], bytes);
  return hashExpect(db, entry, (argv.count - first) >>> 1, longest);
}

/** Whether a field with this expiry is there for this caller. */
export function isVisible(ctx: Context, expireAtMs: number): boolean {
  return expireAtMs === NO_EXPIRY || expireAtMs >= ctx.nowMs || ctx.caller === Caller.MASTER_STREAM;
}

/** Looks for the field argument `index` names; true when this caller sees it, and then it is {@linkcode findFieldResult}. */
export function findField(ctx: Context, entry: Entry, argv: Argv, index: number): boolean {
  if (entry === 0) return false;
  const there = hashFind(
    ctx.db,
    entry,
    argv.bytes,
    argv.starts[index],
    argv.ends[index],
    findFieldResult,
  );
  return there && isVisible(ctx, findFieldResult.expireAtMs);
}

/** Replies with the value of the field argument `index` names, or null; 0 stands for no hash. */
export function replyField(ctx: Context, entry: Entry, argv: Argv, index: number): void {
  if (!findField(ctx, entry, argv, index)) return ctx.reply.null();
  ctx.reply.bulk(
    findFieldResult.value.bytes,
    findFieldResult.value.start,
    findFieldResult.value.end,
  );
}

/** Visits every field this caller sees. */
export function eachVisible(ctx: Context, entry: Entry, visit: FieldVisitor): void {
  if (!hashHasExpiries(ctx.db, entry)) return hashEach(ctx.db, entry, visit);
  hashEach(ctx.db, entry, (f, fs, fe, v, vs, ve, at) => {
    if (isVisible(ctx, at)) visit(f, fs, fe, v, vs, ve, at);
  });
}

/** How many fields this caller sees. */
export function visibleLength(ctx: Context, entry: Entry): number {
  if (!hashHasExpiries(ctx.db, entry)) return hashLength(ctx.db, entry);
  let count = 0;
  eachVisible(ctx, entry, () => void count++);
  return count;
}

/** The key at argument 1 was changed by `count`: told and counted, and deleted when it is empty. */
export function hashChanged(ctx: Context, argv: Argv, entry: Entry, count: number): void {
  if (hashLength(ctx.db, entry) === 0) ctx.db.removeEntry(entry);
  ctx.changed(argv, 1, count);
}

/** Deletes what has expired and tells whoever follows; 0 when nothing is left. */
function deleteExpired(ctx: Context, entry: Entry): Entry {
  const { db, dbIndex } = ctx;
  const past: Uint8Array[] = [];
  hashEach(db, entry, (f, fs, fe, _v, _vs, _ve, at) => {
    if (!isVisible(ctx, at)) past.push(f.slice(fs, fe));
  });
  if (past.length === 0) return entry;
  db.keyRef(entry, key);
  const name = key.bytes.slice(key.start, key.end);
  for (const field of past) {
    entry = hashRemove(db, entry, field, 0, field.length);
    ctx.expired(dbIndex, name, 0, name.length, field);
  }
  const isEmpty = hashLength(db, entry) === 0;
  if (isEmpty) db.removeEntry(entry);
  ctx.modified(dbIndex, name, 0, name.length);
  return isEmpty ? 0 : entry;
}

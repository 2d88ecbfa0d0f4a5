/**
 * What the commands on hashes share: finding a hash and its fields as the caller is to see them,
 * and reporting changes (`t_hash.c`).
 *
 * A field may have an expiry of its own (Redis 7.4, `HEXPIRE`). Who sees a field whose time has
 * passed depends on the caller, in the same way as with keys:
 *
 * ```text
 *                    a field past its time
 *   REPLICA_CLIENT   is hidden and stays until the master sends its HDEL
 *   MASTER_STREAM    is there: the master has judged it already
 *   MASTER_CLIENT    is deleted, and an HDEL propagated, before the command runs
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { isExpired } from "../../store/memory/expiry.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
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
  hashSet,
} from "../../store/types/hash.ts";
import type { FieldVisitor } from "../../store/types/hash_table.ts";
import { Caller, type Context } from "../engine/context.ts";
import { beforeKeyWrite } from "../engine/copy_on_write.ts";
import { lookup } from "../engine/lookup.ts";

/**
 * Bytes of a listpack entry of up to 63 bytes beside its text: encoding and length before it,
 * length behind.
 */
const ELEMENT_OVERHEAD = 2;

/**
 * Points at the name of the hash that loses expired fields; reused, since no command runs inside
 * another.
 */
const key = new BytesRef();

/** The field that the last {@linkcode findField} found; valid until the next write. */
export const findFieldResult: FieldCursor = new FieldCursor();

/**
 * The hash that argument `index` names, 0 when the key is missing. For a client of a stand-alone
 * master the fields whose time has passed are deleted first, and the key with its last field.
 *
 * @throws {CommandError} WRONGTYPE when the key holds another type.
 */
export function lookupHash(ctx: Context, argv: Argv, index: number): Entry {
  const entry = lookup(ctx, argv, index, ValueType.HASH);
  if (entry === 0) return 0;
  if (ctx.caller !== Caller.MASTER_CLIENT || !hashExpiresBefore(ctx.db, entry, ctx.nowMs)) {
    return entry;
  }
  return deleteExpired(ctx, entry);
}

/**
 * Prepares a hash for the pairs of field and value from argument `first` to the one before `last`
 * (`hashTypeTryConversion`). A missing hash is created with room for them; one that will outgrow
 * its listpack is converted once, before the first field is set, as in Redis: a listpack stays one
 * only if all of them fit.
 *
 * @param entry The hash of the key at argument 1, 0 when it is missing.
 * @returns Where the hash is now.
 */
export function openForSet(
  ctx: Context,
  argv: Argv,
  entry: Entry,
  first: number,
  last: number = argv.count,
): Entry {
  assert(first < last, "there is a field to set");
  const { db } = ctx;
  let longest = 0;
  let bytes = 0;
  for (let i = first; i < last; i++) {
    const length = argv.lengthOf(i);
    longest = Math.max(longest, length);
    bytes += length + ELEMENT_OVERHEAD;
  }
  if (entry === 0) entry = hashCreate(db, argv.bytes, argv.starts[1], argv.ends[1], bytes);
  return hashExpect(db, entry, (last - first) >>> 1, longest);
}

/**
 * Sets the field that argument `index` names to the argument behind it; returns where the hash is
 * now. The store's `hashSetResult` tells whether the field is new.
 *
 * @param expireAtMs NO_EXPIRY for a field that stays, undefined to keep the expiry that the field
 * has.
 */
export function setField(
  ctx: Context,
  entry: Entry,
  argv: Argv,
  index: number,
  expireAtMs: number | undefined,
): Entry {
  const { bytes, starts, ends } = argv;
  const { db } = ctx;
  const at = index + 1;
  return hashSet(
    db,
    entry,
    bytes,
    starts[index],
    ends[index],
    bytes,
    starts[at],
    ends[at],
    expireAtMs,
  );
}

/**
 * Removes the field that argument `index` names; returns where the hash is now. The store's
 * `hashRemoveResult` tells whether the field was there. The hash may be empty then:
 * {@linkcode hashChanged} deletes it.
 */
export function removeField(ctx: Context, entry: Entry, argv: Argv, index: number): Entry {
  return hashRemove(ctx.db, entry, argv.bytes, argv.starts[index], argv.ends[index]);
}

/**
 * Whether the caller sees a field with this expiry, which is absolute milliseconds or NO_EXPIRY.
 */
export function isVisible(ctx: Context, expireAtMs: number): boolean {
  return !isExpired(expireAtMs, ctx.nowMs) || ctx.caller === Caller.MASTER_STREAM;
}

/**
 * Whether a hash has the field that argument `index` names and the caller sees it: then its value
 * and expiry are in {@linkcode findFieldResult}. `entry` may be 0, a missing hash.
 */
export function findField(ctx: Context, entry: Entry, argv: Argv, index: number): boolean {
  if (entry === 0) return false;
  const { bytes, starts, ends } = argv;
  const isThere = hashFind(ctx.db, entry, bytes, starts[index], ends[index], findFieldResult);
  return isThere && isVisible(ctx, findFieldResult.expireAtMs);
}

/**
 * Replies with the value of the field that argument `index` names, null without one. `entry` 0 is a
 * missing hash.
 */
export function replyField(ctx: Context, entry: Entry, argv: Argv, index: number): void {
  if (!findField(ctx, entry, argv, index)) return ctx.reply.null();
  const { bytes, start, end } = findFieldResult.value;
  ctx.reply.bulk(bytes, start, end);
}

/** Visits every field that the caller sees, in the order of the listpack or of the table. */
export function eachVisible(ctx: Context, entry: Entry, visit: FieldVisitor): void {
  if (!hashHasExpiries(ctx.db, entry)) return hashEach(ctx.db, entry, visit);
  hashEach(ctx.db, entry, (f, fs, fe, v, vs, ve, at) => {
    if (isVisible(ctx, at)) visit(f, fs, fe, v, vs, ve, at);
  });
}

/**
 * How many fields the caller sees. O(1) unless a field has an expiry; then all of them are looked
 * at.
 */
export function visibleLength(ctx: Context, entry: Entry): number {
  if (!hashHasExpiries(ctx.db, entry)) return hashLength(ctx.db, entry);
  let count = 0;
  eachVisible(ctx, entry, () => void count++);
  return count;
}

/**
 * Reports `count` changed fields of the key at argument 1; a hash that has become empty is deleted.
 */
export function hashChanged(ctx: Context, argv: Argv, entry: Entry, count: number): void {
  if (hashLength(ctx.db, entry) === 0) ctx.db.removeEntry(entry);
  ctx.changed(argv, 1, count);
}

/**
 * Deletes the fields of a hash whose time has passed and propagates an HDEL for each
 * (`hashTypeDelete` and `propagateHashFieldDeletion`). Returns where the hash is now, 0 when no
 * field is left and the key is deleted.
 */
function deleteExpired(ctx: Context, entry: Entry): Entry {
  assert(ctx.caller === Caller.MASTER_CLIENT, "only a stand-alone master deletes expired fields");
  const { db, dbIndex } = ctx;
  const past: Uint8Array[] = [];
  hashEach(db, entry, (f, fs, fe, _v, _vs, _ve, at) => {
    if (!isVisible(ctx, at)) past.push(f.slice(fs, fe));
  });
  if (past.length === 0) return entry;
  // Copied, like the fields above: removing one may move the record with its key.
  db.keyRef(entry, key);
  const name = key.bytes.slice(key.start, key.end);
  // The command may be a read, for which no snapshot was told of its keys.
  beforeKeyWrite(ctx.keyspace, dbIndex, name, 0, name.length);
  for (const field of past) {
    entry = hashRemove(db, entry, field, 0, field.length);
    ctx.expired(dbIndex, name, 0, name.length, field);
  }
  const isEmpty = hashLength(db, entry) === 0;
  if (isEmpty) db.removeEntry(entry);
  ctx.modified(dbIndex, name, 0, name.length);
  return isEmpty ? 0 : entry;
}

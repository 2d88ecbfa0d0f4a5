/**
 * The commands on the expiry of hash fields: HEXPIRE, HTTL and their kin (Redis 7.4, `t_hash.c`),
 * HGETEX, HSETEX and HGETDEL (Redis 8.0). Checks come in the order of Redis 8.0 and answer in its
 * words.
 *
 * A stand-alone master propagates absolute times and only what it did: HEXPIRE and HGETEX become
 * HPEXPIREAT, a field whose new time has passed becomes an HDEL. The stream of a Valkey 9 master
 * has the same commands with two differences, taken from the stream only: several conditions at
 * once, and times beyond those of Redis.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { exactExpiry, expiryText, hasCome, isFar, isLater } from "../../store/memory/expiry.ts";
import { type Entry, NO_EXPIRY } from "../../store/memory/record.ts";
import { hashKeepExpiries, hashLength, hashSetExpiry } from "../../store/types/hash.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import { FIELDS_POSITIVE } from "../engine/errors.ts";
import { isRedisSince, isValkey9 } from "../engine/master_version.ts";
import {
  findField,
  findFieldResult,
  hashChanged,
  lookupHash,
  openForSet,
  removeField,
  replyField,
  setField,
} from "./args.ts";
import {
  AT_MILLIS,
  AT_SECONDS,
  checkFields,
  Condition,
  type FieldQuery,
  MILLIS,
  readExpireQuery,
  readFieldTime,
  readGetExQuery,
  readSetExQuery,
  SECONDS,
  type TimeForm,
} from "./expire_args.ts";

/** The replies for one field (`HFE_...` and `HSETEX_...` in server.h and t_hash.c). */
const Result = { NO_FIELD: -2, NO_EXPIRY: -1, REFUSED: 0, DONE: 1, DELETED: 2 } as const;

/**
 * Whether the conditions let a field go from expiry `old` to `at`. No expiry counts as later than
 * any.
 */
function holds(conditions: number, old: number, at: number): boolean {
  const has = old !== NO_EXPIRY;
  if ((conditions & Condition.NX) !== 0 && has) return false;
  if ((conditions & Condition.XX) !== 0 && !has) return false;
  if ((conditions & Condition.GT) !== 0 && !(has && isLater(at, old))) return false;
  return (conditions & Condition.LT) === 0 || !has || isLater(old, at);
}

/** The fields of one hash that a command changed, with names copied: what a master propagates. */
class FieldChanges {
  /** Fields whose expiry was set or taken away. */
  readonly expiring: Uint8Array[] = [];
  /** Fields that were deleted, because their new time has passed. */
  readonly removed: Uint8Array[] = [];

  /** The number of changed fields, by which `dirty` grows. */
  get count(): number {
    return this.expiring.length + this.removed.length;
  }

  /** Propagates an HDEL for each deleted field, as `propagateHashFieldDeletion` does. */
  propagateRemoved(ctx: Context, argv: Argv): void {
    for (const field of this.removed) ctx.propagateAs("HDEL", argv.at(1), field);
  }
}

/**
 * Gives the field that argument `index` names, which is there, the expiry `at`, or takes it away
 * with NO_EXPIRY. A time that has passed deletes the field, except for the master's stream: the
 * master sends the HDEL itself.
 *
 * @returns Where the hash is now.
 */
function expireField(
  ctx: Context,
  entry: Entry,
  argv: Argv,
  index: number,
  at: number,
  changes: FieldChanges,
): Entry {
  const { bytes, starts, ends } = argv;
  const field = argv.at(index).slice();
  if (hasCome(at, ctx.nowMs) && ctx.caller !== Caller.MASTER_STREAM) {
    changes.removed.push(field);
    return removeField(ctx, entry, argv, index);
  }
  changes.expiring.push(field);
  return hashSetExpiry(ctx.db, entry, bytes, starts[index], ends[index], at);
}

/**
 * HEXPIRE, HPEXPIRE, HEXPIREAT and HPEXPIREAT (`hexpireGenericCommand`). Replies one
 * {@linkcode Result} a field.
 *
 * A hash gets the form that can hold expiries even when no field is there in the end, as in Redis:
 * `OBJECT ENCODING` and snapshots show it.
 */
function expireGeneric(ctx: Context, argv: Argv, form: TimeForm, name: string): void {
  const { reply } = ctx;
  let entry = lookupHash(ctx, argv, 1);
  const at = readFieldTime(ctx, argv, 2, form, name);
  const query = readExpireQuery(ctx, argv);
  const { conditions, first, end } = query;
  reply.array(end - first);
  if (entry !== 0) entry = hashKeepExpiries(ctx.db, entry);
  const changes = new FieldChanges();
  for (let i = first; i < end; i++) {
    if (!findField(ctx, entry, argv, i)) {
      reply.integer(Result.NO_FIELD);
    } else if (!holds(conditions, findFieldResult.expireAtMs, at)) {
      reply.integer(Result.REFUSED);
    } else {
      const removedBefore = changes.removed.length;
      entry = expireField(ctx, entry, argv, i, at, changes);
      const removed = changes.removed.length > removedBefore;
      reply.integer(removed ? Result.DELETED : Result.DONE);
    }
  }
  if (changes.count === 0) return;
  hashChanged(ctx, argv, entry, changes.count);
  changes.propagateRemoved(ctx, argv);
  if (changes.expiring.length > 0) propagateExpiring(ctx, argv, form, at, query, changes);
}

/**
 * Propagates HPEXPIREAT of the fields that got an expiry, with the conditions as they came. A
 * command that was HPEXPIREAT keeps the spelling of its name.
 */
function propagateExpiring(
  ctx: Context,
  argv: Argv,
  form: TimeForm,
  at: number,
  { fields, end }: FieldQuery,
  { expiring }: FieldChanges,
): void {
  const words: Uint8Array[] = [];
  for (let i = 3; i <= fields; i++) words.push(argv.at(i));
  const name = form === AT_MILLIS ? argv.at(0) : "HPEXPIREAT";
  const behind: Uint8Array[] = [];
  for (let i = end; i < argv.count; i++) behind.push(argv.at(i));
  const count = String(expiring.length);
  ctx.propagateAs(name, argv.at(1), expiryText(at), ...words, count, ...expiring, ...behind);
}

/**
 * `HEXPIRE key seconds [NX|XX|GT|LT] FIELDS n field ...`: a {@linkcode Result} for each field.
 * O(n).
 */
const hexpire = command("hexpire", -6, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, SECONDS, "hexpire");
});

/**
 * `HPEXPIRE key milliseconds [NX|XX|GT|LT] FIELDS n field ...`: a {@linkcode Result} for each
 * field. O(n).
 */
const hpexpire = command("hpexpire", -6, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, MILLIS, "hpexpire");
});

/**
 * `HEXPIREAT key unix-seconds [NX|XX|GT|LT] FIELDS n field ...`: a {@linkcode Result} for each
 * field. O(n).
 */
const hexpireat = command("hexpireat", -6, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, AT_SECONDS, "hexpireat");
});

/**
 * `HPEXPIREAT key unix-milliseconds [NX|XX|GT|LT] FIELDS n field ...`: a {@linkcode Result} for
 * each field. O(n).
 */
const hpexpireat = command("hpexpireat", -6, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, AT_MILLIS, "hpexpireat");
});

/**
 * `HPERSIST key FIELDS n field ...`: for each field 1 when its expiry is taken away, -1 without
 * one, -2 without it. O(n).
 */
const hpersist = command("hpersist", -5, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  const { reply } = ctx;
  let entry = lookupHash(ctx, argv, 1);
  checkFields(argv, 2, FIELDS_POSITIVE);
  reply.array(argv.count - 4);
  const changes = new FieldChanges();
  for (let i = 4; i < argv.count; i++) {
    if (!findField(ctx, entry, argv, i)) {
      reply.integer(Result.NO_FIELD);
    } else if (findFieldResult.expireAtMs === NO_EXPIRY) {
      reply.integer(Result.NO_EXPIRY);
    } else {
      entry = expireField(ctx, entry, argv, i, NO_EXPIRY, changes);
      reply.integer(Result.DONE);
    }
  }
  if (changes.count > 0) hashChanged(ctx, argv, entry, changes.count);
});

/**
 * HTTL, HPTTL, HEXPIRETIME and HPEXPIRETIME (`httlGenericCommand`): a time, -1 or -2 for each
 * field.
 */
function timeGeneric(ctx: Context, argv: Argv, form: TimeForm): void {
  const { reply } = ctx;
  const entry = lookupHash(ctx, argv, 1);
  checkFields(argv, 2, FIELDS_POSITIVE);
  reply.array(argv.count - 4);
  for (let i = 4; i < argv.count; i++) {
    if (!findField(ctx, entry, argv, i)) reply.integer(Result.NO_FIELD);
    else if (findFieldResult.expireAtMs === NO_EXPIRY) reply.integer(Result.NO_EXPIRY);
    else reply.integer(timeOf(ctx, findFieldResult.expireAtMs, form));
  }
}

/**
 * An expiry in the form asked for, never negative. Redis rounds seconds up, Valkey to the nearest, as both do those
 * of TTL.
 */
function timeOf(ctx: Context, at: number, { scale, absolute }: TimeForm): number | bigint {
  const up = isValkey9(ctx.keyspace) ? scale >>> 1 : scale - 1;
  if (isFar(at)) {
    const ms = exactExpiry(at) - (absolute ? 0n : BigInt(ctx.nowMs));
    return (ms + BigInt(up)) / BigInt(scale);
  }
  const ms = absolute ? at : Math.max(at - ctx.nowMs, 0);
  return Math.floor((ms + up) / scale);
}

/** `HTTL key FIELDS n field ...`: the seconds that each field has left. O(n). */
const httl = command("httl", -5, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  timeGeneric(ctx, argv, SECONDS);
});

/** `HPTTL key FIELDS n field ...`: the milliseconds that each field has left. O(n). */
const hpttl = command("hpttl", -5, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  timeGeneric(ctx, argv, MILLIS);
});

/** `HEXPIRETIME key FIELDS n field ...`: when each field expires, in seconds since 1970. O(n). */
const hexpiretime = command("hexpiretime", -5, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  timeGeneric(ctx, argv, AT_SECONDS);
});

/**
 * `HPEXPIRETIME key FIELDS n field ...`: when each field expires, in milliseconds since 1970. O(n).
 */
const hpexpiretime = command("hpexpiretime", -5, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  timeGeneric(ctx, argv, AT_MILLIS);
});

/**
 * Replies with an array of the value, or null, of each field of HGETEX. `entry` 0 is a missing hash.
 */
function replyFields(ctx: Context, entry: Entry, argv: Argv, { first, end }: FieldQuery): void {
  ctx.reply.array(end - first);
  for (let i = first; i < end; i++) replyField(ctx, entry, argv, i);
}

/**
 * `HGETDEL key FIELDS n field ...`: the value, or null, of each field, which is deleted; propagated
 * as one HDEL. O(n).
 */
const hgetdel = command("hgetdel", -5, WRITE | FAST, "RW.access.delete@1", (ctx, argv) => {
  const { reply } = ctx;
  let entry = lookupHash(ctx, argv, 1);
  checkFields(argv, 2, FIELDS_POSITIVE);
  reply.array(argv.count - 4);
  let removed = 0;
  const named: Uint8Array[] = [];
  for (let i = 4; i < argv.count; i++) {
    named.push(argv.at(i));
    if (!findField(ctx, entry, argv, i)) {
      reply.null();
      continue;
    }
    const { value } = findFieldResult;
    reply.bulk(value.bytes, value.start, value.end);
    entry = removeField(ctx, entry, argv, i);
    removed++;
  }
  if (removed === 0) return;
  hashChanged(ctx, argv, entry, removed);
  ctx.propagateAs("HDEL", argv.at(1), ...named);
});

/**
 * `HGETEX key [EX s|PX ms|EXAT s|PXAT ms|PERSIST] FIELDS n field ...`: the value, or null, of each
 * field, whose expiry is then set or taken away. O(n). Without an option it only reads.
 */
const hgetex = command("hgetex", -5, WRITE | FAST, "RW.access.update@1", (ctx, argv) => {
  let entry = lookupHash(ctx, argv, 1);
  const query = readGetExQuery(ctx, argv);
  const { first, end } = query;
  const at = query.persist ? NO_EXPIRY : query.time;
  if (at === undefined || entry === 0) return replyFields(ctx, entry, argv, query);
  entry = hashKeepExpiries(ctx.db, entry);
  ctx.reply.array(end - first);
  const changes = new FieldChanges();
  // One field at a time is read and changed: one that is named twice may be deleted by the first.
  for (let i = first; i < end; i++) {
    replyField(ctx, entry, argv, i);
    if (!findField(ctx, entry, argv, i)) continue;
    if (at === NO_EXPIRY && findFieldResult.expireAtMs === NO_EXPIRY) continue;
    entry = expireField(ctx, entry, argv, i, at, changes);
  }
  if (changes.count === 0) return;
  hashChanged(ctx, argv, entry, changes.count);
  changes.propagateRemoved(ctx, argv);
  if (changes.expiring.length === 0) return;
  // As in Redis, all fields that were named are propagated, whichever of them changed.
  const isRewritten = isRedisSince(ctx.keyspace, [8, 4]);
  const rest: (string | Uint8Array)[] = [isRewritten ? "FIELDS" : argv.at(query.fields)];
  for (let i = query.fields + 1; i < end; i++) rest.push(argv.at(i));
  if (at === NO_EXPIRY) ctx.propagateAs("HPERSIST", argv.at(1), ...rest);
  else ctx.propagateAs("HPEXPIREAT", argv.at(1), expiryText(at), ...rest);
});

/** Whether the condition of HSETEX holds: for all fields, or nothing is set. */
function presenceHolds(ctx: Context, entry: Entry, argv: Argv, query: FieldQuery): boolean {
  if (query.mustBe === "any") return true;
  for (let i = query.first; i < query.end; i += 2) {
    if (findField(ctx, entry, argv, i) !== (query.mustBe === "present")) return false;
  }
  return true;
}

/**
 * `HSETEX key [FNX|FXX] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL] FIELDS n field value ...`: 1 when the
 * fields are set, 0 when the condition does not hold. O(n).
 */
const hsetex = command("hsetex", -6, WRITE | DENYOOM | FAST, "RW.update@1", (ctx, argv) => {
  const query = readSetExQuery(ctx, argv);
  let entry = lookupHash(ctx, argv, 1);
  if (!presenceHolds(ctx, entry, argv, query)) return ctx.reply.integer(0);
  const { first, end } = query;
  const at = query.keepTtl ? undefined : query.time ?? NO_EXPIRY;
  const isPast = at !== undefined && hasCome(at, ctx.nowMs) && ctx.caller !== Caller.MASTER_STREAM;
  ctx.reply.integer(1);
  if (isPast) return deleteAll(ctx, argv, entry, query);
  entry = openForSet(ctx, argv, entry, first, end);
  for (let i = first; i < end; i += 2) {
    entry = setField(ctx, entry, argv, i, at);
  }
  hashChanged(ctx, argv, entry, (end - first) >>> 1);
  if (ctx.caller === Caller.MASTER_CLIENT && query.timeAt >= 0) propagateSet(ctx, argv, query, at!);
});

/**
 * HSETEX with a time that has passed: each field is set and deleted, which leaves the hash in the
 * form that setting gave it, as in Redis. Propagated as an HDEL for each field, whether it was
 * there or not.
 */
function deleteAll(ctx: Context, argv: Argv, entry: Entry, { first, end }: FieldQuery): void {
  const { db } = ctx;
  if (entry !== 0) entry = hashKeepExpiries(db, openForSet(ctx, argv, entry, first, end));
  const named: Uint8Array[] = [];
  for (let i = first; i < end; i += 2) {
    named.push(argv.at(i));
    if (entry === 0) continue;
    entry = removeField(ctx, setField(ctx, entry, argv, i, undefined), argv, i);
  }
  if (entry !== 0 && hashLength(db, entry) === 0) db.removeEntry(entry);
  ctx.changed(argv, 1, named.length);
  for (const field of named) ctx.propagateAs("HDEL", argv.at(1), field);
}

/** Propagates HSETEX as it came, with its time replaced by PXAT and absolute milliseconds. */
function propagateSet(ctx: Context, argv: Argv, query: FieldQuery, at: number): void {
  const rest: (string | Uint8Array)[] = [];
  for (let i = 2; i < argv.count; i++) {
    if (i === query.timeAt) rest.push("PXAT", expiryText(at));
    else if (i !== query.timeAt + 1) rest.push(argv.at(i));
  }
  ctx.propagateAs("HSETEX", argv.at(1), ...rest);
}

/** The rows on the expiry of hash fields. */
export const hashExpireCommands: readonly Command[] = [
  hexpire,
  hpexpire,
  hexpireat,
  hpexpireat,
  hpersist,
  httl,
  hpttl,
  hexpiretime,
  hpexpiretime,
  hgetdel,
  hgetex,
  hsetex,
];

/**
 * The hash commands that read and write fields (`t_hash.c`). Those that concern the expiry of
 * fields are in `expire.ts`.
 *
 * Every handler finds its hash by `lookupHash`, which deals with fields past their time, and
 * reports changes by `hashChanged`, which deletes a hash that has become empty: Redis has no empty
 * hashes.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { parseBigInt64 } from "../../base/ascii.ts";
import { INT64_MAX, INT64_MIN } from "../../base/limits.ts";
import {
  addLongDouble,
  formatLongDouble,
  longDoubleOf,
  parseLongDouble,
} from "../../base/long_double.ts";
import type { Argv } from "../../resp/argv.ts";
import { writeBulk } from "../../resp/writer.ts";
import { type Entry, NO_EXPIRY } from "../../store/memory/record.ts";
import {
  hashCreate,
  hashExpect,
  hashHasExpiries,
  hashLength,
  hashRemoveResult,
  hashSet,
  hashSetResult,
  hashSome,
  hashVisitAt,
} from "../../store/types/hash.ts";
import { type FieldVisitor, hashTableOf } from "../../store/types/hash_table.ts";
import { readBigInteger } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  CommandError,
  HASH_INFINITE,
  HASH_NOT_A_FLOAT,
  HASH_NOT_AN_INTEGER,
  NAN_OR_INFINITY,
  NOT_A_FLOAT,
  OVERFLOW,
  wrongArity,
} from "../engine/errors.ts";
import {
  eachVisible,
  findField,
  findFieldResult,
  hashChanged,
  isVisible,
  lookupHash,
  openForSet,
  removeField,
  replyField,
  setField,
  visibleLength,
} from "./args.ts";
import { hashExpireCommands } from "./expire.ts";
import {
  AT_ONCE,
  findAgain,
  inPortions,
  Portion,
  readInSlices,
  STEP_ELEMENTS,
  type Steps,
} from "../engine/long_read.ts";
import {
  drawsOf,
  eachRandom,
  eachRandomInSteps,
  MANY_DRAWS,
  readRandomCount,
} from "../engine/random_members.ts";
import { ElementScan, readCursor, replyNoScan } from "../engine/scan_args.ts";

/**
 * Draws that may hit an expired field before all fields are looked at instead: HRANDFIELD must end.
 */
const DRAWS = 100;

/** Holds the text of a sum; the longest, a long double's `%.17Lf`, has some 4,950 digits. */
const scratch = new Uint8Array(8192);

/**
 * HSET and HMSET (`hsetCommand`), which differ in their replies. A field that is set loses its
 * expiry.
 *
 * @returns How many fields are new.
 * @throws {CommandError} When the last field has no value: the arity alone cannot tell.
 */
function setGeneric(ctx: Context, argv: Argv, name: string): number {
  if ((argv.count & 1) !== 0) throw new CommandError(wrongArity(name));
  let entry = openForSet(ctx, argv, lookupHash(ctx, argv, 1), 2);
  let created = 0;
  for (let i = 2; i < argv.count; i += 2) {
    entry = setField(ctx, entry, argv, i, NO_EXPIRY);
    if (hashSetResult.isNew) created++;
  }
  hashChanged(ctx, argv, entry, (argv.count - 2) >>> 1);
  return created;
}

/**
 * `HSET key field value [field value ...]`: the number of fields that are new, not of those
 * replaced. O(n).
 */
const hset = command("hset", -4, WRITE | DENYOOM | FAST, "RW.update@1", (ctx, argv) => {
  ctx.reply.integer(setGeneric(ctx, argv, "hset"));
});

/** `HMSET key field value [field value ...]`: HSET that replies OK, deprecated since 4.0. O(n). */
const hmset = command("hmset", -4, WRITE | DENYOOM | FAST, "RW.update@1", (ctx, argv) => {
  setGeneric(ctx, argv, "hmset");
  ctx.reply.ok();
});

/** `HSETNX key field value`: 1 when the field is missing and is set, else 0. O(1). */
const hsetnx = command("hsetnx", 4, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  const entry = lookupHash(ctx, argv, 1);
  if (findField(ctx, entry, argv, 2)) return ctx.reply.integer(0);
  const open = openForSet(ctx, argv, entry, 2);
  hashChanged(ctx, argv, setField(ctx, open, argv, 2, NO_EXPIRY), 1);
  ctx.reply.integer(1);
});

/** `HGET key field`: the field's value, null when the field or the key is missing. O(1). */
const hget = command("hget", 3, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  replyField(ctx, lookupHash(ctx, argv, 1), argv, 2);
});

/**
 * `HMGET key field [field ...]`: an array of each field's value or null, in the order asked. O(n).
 */
const hmget = command("hmget", -3, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  const entry = lookupHash(ctx, argv, 1);
  ctx.reply.array(argv.count - 2);
  for (let i = 2; i < argv.count; i++) replyField(ctx, entry, argv, i);
});

/**
 * `HSTRLEN key field`: the length of the field's value in bytes, 0 when the field is missing. O(1).
 */
const hstrlen = command("hstrlen", 3, READONLY | FAST, "RO@1", (ctx, argv) => {
  const there = findField(ctx, lookupHash(ctx, argv, 1), argv, 2);
  ctx.reply.integer(there ? findFieldResult.value.end - findFieldResult.value.start : 0);
});

/** `HEXISTS key field`: 1 when the hash has the field, else 0. O(1). */
const hexists = command("hexists", 3, READONLY | FAST, "RO@1", (ctx, argv) => {
  ctx.reply.integer(findField(ctx, lookupHash(ctx, argv, 1), argv, 2) ? 1 : 0);
});

/**
 * `HLEN key`: the number of fields, expired ones that are not deleted yet included, as in Redis.
 * O(1).
 */
const hlen = command("hlen", 2, READONLY | FAST, "RO@1", (ctx, argv) => {
  const entry = lookupHash(ctx, argv, 1);
  ctx.reply.integer(entry === 0 ? 0 : hashLength(ctx.db, entry));
});

/** `HDEL key field [field ...]`: the number of fields that were there and are deleted. O(n). */
const hdel = command("hdel", -3, WRITE | FAST, "RW.delete@1", (ctx, argv) => {
  let entry = lookupHash(ctx, argv, 1);
  if (entry === 0) return ctx.reply.integer(0);
  let removed = 0;
  for (let i = 2; i < argv.count; i++) {
    entry = removeField(ctx, entry, argv, i);
    if (hashRemoveResult.wasThere) removed++;
  }
  if (removed > 0) hashChanged(ctx, argv, entry, removed);
  ctx.reply.integer(removed);
});

/** Which parts of a field HGETALL, HKEYS and HVALS reply. */
interface Parts {
  readonly fields: boolean;
  readonly values: boolean;
}

/**
 * HGETALL, HKEYS and HVALS (`genericHgetallCommand`): names, values or both. Only both make a map
 * in RESP3. The count comes before the elements, so a hash with expiries is walked twice.
 */
function allGeneric(ctx: Context, argv: Argv, parts: Parts): void {
  const entry = lookupHash(ctx, argv, 1);
  const count = entry === 0 ? 0 : hashLength(ctx.db, entry);
  if (count > AT_ONCE) {
    return readInSlices(ctx, argv, 1, 2, (own) => replyAllLater(ctx, own, parts));
  }
  beginAll(ctx, parts, count === 0 ? 0 : visibleLength(ctx, entry));
  if (count > 0) eachVisible(ctx, entry, fieldReply(ctx, parts));
}

/** The work of {@linkcode allGeneric} for a hash of many fields, in steps. */
function* replyAllLater(ctx: Context, argv: Argv, parts: Parts): Steps {
  const entry = () => findAgain(ctx, argv, 1, 1);
  beginAll(ctx, parts, yield* countVisible(ctx, argv));
  const visit = fieldReply(ctx, parts);
  const portion = new Portion(ctx);
  let cursor = 0;
  do {
    cursor = hashSome(ctx.db, entry(), cursor, portion.begin(), visit);
    portion.end();
    yield;
  } while (cursor !== 0);
}

/** Counts the fields that the caller sees of the hash at argument 1, in steps where some may have expired. */
function* countVisible(ctx: Context, argv: Argv): Generator<void, number, void> {
  const entry = () => findAgain(ctx, argv, 1, 1);
  if (!hashHasExpiries(ctx.db, entry())) return hashLength(ctx.db, entry());
  let count = 0;
  let cursor = 0;
  do {
    cursor = hashSome(ctx.db, entry(), cursor, STEP_ELEMENTS, (_f, _fs, _fe, _v, _vs, _ve, at) => {
      if (isVisible(ctx, at)) count++;
    });
    yield;
  } while (cursor !== 0);
  return count;
}

function beginAll(ctx: Context, { fields, values }: Parts, count: number): void {
  if (fields && values) ctx.reply.map(count);
  else ctx.reply.array(count);
}

/** Replies with the parts of each field that the caller sees. */
function fieldReply(ctx: Context, { fields, values }: Parts): FieldVisitor {
  const { reply } = ctx;
  return (f, fs, fe, v, vs, ve, at) => {
    if (!isVisible(ctx, at)) return;
    if (fields) reply.bulk(f, fs, fe);
    if (values) reply.bulk(v, vs, ve);
  };
}

/** `HGETALL key`: every field and its value, a map in RESP3. O(n). */
const hgetall = command("hgetall", 2, READONLY, "RO.access@1", (ctx, argv) => {
  allGeneric(ctx, argv, { fields: true, values: true });
});

/** `HKEYS key`: the name of every field. O(n). */
const hkeys = command("hkeys", 2, READONLY, "RO.access@1", (ctx, argv) => {
  allGeneric(ctx, argv, { fields: true, values: false });
});

/** `HVALS key`: the value of every field, in the order of HKEYS. O(n). */
const hvals = command("hvals", 2, READONLY, "RO.access@1", (ctx, argv) => {
  allGeneric(ctx, argv, { fields: false, values: true });
});

/**
 * Sets the field of argument 2 of the key at argument 1 to a text of ASCII; the field keeps its
 * expiry.
 */
function setText(ctx: Context, argv: Argv, entry: Entry, text: string): void {
  const { bytes, starts, ends } = argv;
  const { db } = ctx;
  assert(text.length <= scratch.length, "the text of a sum fits its buffer");
  for (let i = 0; i < text.length; i++) scratch[i] = text.charCodeAt(i);
  const fieldLength = ends[2] - starts[2];
  const length = text.length;
  let open = entry;
  if (open === 0) open = hashCreate(db, bytes, starts[1], ends[1], fieldLength + length);
  open = hashExpect(db, open, 1, Math.max(fieldLength, length));
  const now = hashSet(db, open, bytes, starts[2], ends[2], scratch, 0, length, undefined);
  hashChanged(ctx, argv, now, 1);
}

/**
 * `HINCRBY key field increment`: the new value; a missing field counts as 0. O(1). Sums are
 * bigints: they may leave the range of exact doubles, and int64 is checked after adding.
 */
const hincrby = command("hincrby", 4, WRITE | DENYOOM | FAST, "RW.access.update@1", (ctx, argv) => {
  const increment = readBigInteger(argv, 3);
  const entry = lookupHash(ctx, argv, 1);
  let old = 0n;
  if (findField(ctx, entry, argv, 2)) {
    const { bytes, start, end } = findFieldResult.value;
    const value = parseBigInt64(bytes, start, end);
    if (value === undefined) throw new CommandError(HASH_NOT_AN_INTEGER);
    old = value;
  }
  const sum = old + increment;
  if (sum > INT64_MAX || sum < INT64_MIN) throw new CommandError(OVERFLOW);
  setText(ctx, argv, entry, String(sum));
  ctx.reply.integer(sum);
});

/**
 * `HINCRBYFLOAT key field increment`: the new value as text, the digits of a sum of 80-bit long
 * doubles. O(1). A master propagates the result instead of the addition, so that a replica that
 * adds differently agrees: HSET, or HSETEX where the field keeps an expiry.
 */
const hincrbyfloat = command(
  "hincrbyfloat",
  4,
  WRITE | DENYOOM | FAST,
  "RW.access.update@1",
  (ctx, argv) => {
    const increment = parseLongDouble(argv.bytes, argv.starts[3], argv.ends[3]);
    if (increment === undefined) throw new CommandError(NOT_A_FLOAT);
    if (increment.infinite !== 0) throw new CommandError(HASH_INFINITE);
    const entry = lookupHash(ctx, argv, 1);
    let old = longDoubleOf(0n);
    let expireAtMs = NO_EXPIRY;
    if (findField(ctx, entry, argv, 2)) {
      const { bytes, start, end } = findFieldResult.value;
      const value = parseLongDouble(bytes, start, end);
      if (value === undefined) throw new CommandError(HASH_NOT_A_FLOAT);
      old = value;
      expireAtMs = findFieldResult.expireAtMs;
    }
    const sum = addLongDouble(old, increment);
    if (sum === undefined) throw new CommandError(NAN_OR_INFINITY);
    const text = formatLongDouble(sum);
    setText(ctx, argv, entry, text);
    ctx.reply.bulkText(text);
    if (ctx.caller !== Caller.MASTER_CLIENT) return;
    const [key, field] = [argv.at(1), argv.at(2)];
    if (expireAtMs === NO_EXPIRY) ctx.propagateAs("HSET", key, field, text);
    else ctx.propagateAs("HSETEX", key, "KEEPTTL", "FIELDS", "1", field, text);
  },
);

/**
 * Visits one random field that the caller sees; false, and none visited, when {@linkcode DRAWS}
 * draws hit expired fields only.
 */
function drawVisible(ctx: Context, entry: Entry, length: number, visit: FieldVisitor): boolean {
  let seen = false;
  for (let i = 0; i < DRAWS && !seen; i++) {
    const index = Math.floor(ctx.random() * length);
    hashVisitAt(ctx.db, entry, index, ctx.random, (f, fs, fe, v, vs, ve, at) => {
      seen = isVisible(ctx, at);
      if (seen) visit(f, fs, fe, v, vs, ve, at);
    });
  }
  return seen;
}

/**
 * Visits `count` different random fields that the caller sees; {@linkcode eachRandom} says by which
 * method.
 */
function eachRandomField(ctx: Context, entry: Entry, count: number, visit: FieldVisitor): void {
  const table = hashTableOf(ctx.db, entry);
  // Where fields have expiries, a draw could hit one that must not be seen: then all are walked.
  const draws = table !== undefined && table.expiring === 0;
  eachRandom(
    ctx,
    count,
    visibleLength(ctx, entry),
    draws ? () => table.fields.randomEntry(ctx.random) : undefined,
    (field) => table!.visit(field, visit),
    (takes) =>
      eachVisible(ctx, entry, (f, fs, fe, v, vs, ve, at) => {
        if (takes()) visit(f, fs, fe, v, vs, ve, at);
      }),
  );
}

/**
 * `HRANDFIELD key [count [WITHVALUES]]`: a random field; with a count that many different ones,
 * with a negative count -count of them, repeated ones included. O(n), O(count) when few of many are
 * asked for. In RESP3 each field and its value are an array of their own.
 */
const hrandfield = command("hrandfield", -2, READONLY, "RO.access@1", (ctx, argv) => {
  const { reply } = ctx;
  if (argv.count === 2) {
    const entry = lookupHash(ctx, argv, 1);
    const visit: FieldVisitor = (f, fs, fe) => reply.bulk(f, fs, fe);
    const length = entry === 0 ? 0 : hashLength(ctx.db, entry);
    if (length === 0 || !drawVisible(ctx, entry, length, visit)) reply.null();
    return;
  }
  const count = readRandomCount(argv, "WITHVALUES");
  const entry = lookupHash(ctx, argv, 1);
  if (entry === 0 || count === 0) return reply.array(0);
  const all = hashLength(ctx.db, entry);
  const isLong = all > AT_ONCE && hashHasExpiries(ctx.db, entry);
  if (isLong || drawsOf(count, all) > MANY_DRAWS) {
    return readInSlices(ctx, argv, 1, 2, (own) => replyManyRandom(ctx, own, count));
  }
  const length = visibleLength(ctx, entry);
  if (length === 0) return reply.array(0);
  const wanted = drawsOf(count, length);
  const visit = randomReply(ctx, wanted, argv.count === 4);
  if (count >= 0) return eachRandomField(ctx, entry, wanted, visit);
  for (let i = 0; i < wanted; i++) drawField(ctx, entry, visit);
});

/** Begins the reply of `wanted` fields; what is returned replies with one. */
function randomReply({ reply }: Context, wanted: number, withValues: boolean): FieldVisitor {
  const isNested = withValues && reply.protocol === 3;
  reply.array(withValues && !isNested ? 2 * wanted : wanted);
  return (f, fs, fe, v, vs, ve) => {
    if (isNested) reply.array(2);
    reply.bulk(f, fs, fe);
    if (withValues) reply.bulk(v, vs, ve);
  };
}

/** Visits one random field that the caller sees, of a hash that has any. */
function drawField(ctx: Context, entry: Entry, visit: FieldVisitor): void {
  const all = hashLength(ctx.db, entry);
  if (!drawVisible(ctx, entry, all, visit)) eachRandomField(ctx, entry, 1, visit);
}

/** Replies with many random fields, or some of a large hash whose fields expire, in steps. */
function* replyManyRandom(ctx: Context, argv: Argv, count: number): Steps {
  const entry = () => findAgain(ctx, argv, 1, 1);
  const length = yield* countVisible(ctx, argv);
  const wanted = length === 0 ? 0 : drawsOf(count, length);
  const visit = randomReply(ctx, wanted, argv.count === 4);
  if (wanted === 0) return;
  if (count < 0) return yield* inPortions(ctx, wanted, () => drawField(ctx, entry(), visit));
  const table = hashTableOf(ctx.db, entry());
  const draws = table !== undefined && table.expiring === 0;
  yield* eachRandomInSteps(
    ctx,
    wanted,
    length,
    draws ? () => table.fields.randomEntry(ctx.random) : undefined,
    (field) => table!.visit(field, visit),
    (cursor, most, takes) =>
      hashSome(ctx.db, entry(), cursor, most, (f, fs, fe, v, vs, ve, at) => {
        if (isVisible(ctx, at) && takes()) visit(f, fs, fe, v, vs, ve, at);
      }),
  );
}

/**
 * Replies with one step of a scan: a small hash whole with cursor 0, a table some buckets a call.
 */
function scanFields(ctx: Context, entry: Entry, cursor: number, scan: ElementScan): void {
  const table = hashTableOf(ctx.db, entry);
  const take: FieldVisitor = (f, fs, fe, v, vs, ve, at) => {
    if (!isVisible(ctx, at) || !scan.takes(f, fs, fe)) return;
    writeBulk(scan.found, f, fs, fe);
    if (scan.withValues) writeBulk(scan.found, v, vs, ve);
  };
  let next = 0;
  if (table === undefined) eachVisible(ctx, entry, take);
  else next = scan.walk(cursor, (at) => table.fields.scan(at, (field) => table.visit(field, take)));
  scan.reply(ctx, next, scan.withValues ? 2 : 1);
}

/**
 * `HSCAN key cursor [MATCH pattern] [COUNT n] [NOVALUES]`: the next cursor, and fields with values.
 * O(count).
 */
const hscan = command("hscan", -3, READONLY, "RO.access@1", (ctx, argv) => {
  const cursor = readCursor(argv, 2);
  const entry = lookupHash(ctx, argv, 1);
  if (entry === 0) return replyNoScan(ctx.reply);
  scanFields(ctx, entry, cursor, new ElementScan(argv, true));
});

/** The rows of the hash family, with those of `expire.ts`. */
export const hashCommands: readonly Command[] = [
  hset,
  hmset,
  hsetnx,
  hget,
  hmget,
  hstrlen,
  hexists,
  hlen,
  hdel,
  hgetall,
  hkeys,
  hvals,
  hincrby,
  hincrbyfloat,
  hrandfield,
  hscan,
  ...hashExpireCommands,
];

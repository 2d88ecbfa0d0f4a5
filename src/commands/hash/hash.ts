/**
 * Hashes. What concerns the expiry of fields is in `hash_expire.ts`.
 *
 * @module
 */

import { parseBigInt64 } from "../../base/ascii.ts";
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
  hashLength,
  hashRemove,
  hashRemoveResult,
  hashSet,
  hashSetResult,
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
  replyField,
  visibleLength,
} from "./args.ts";
import { hashExpireCommands } from "./expire.ts";
import { drawsOf, eachRandom, readRandomCount } from "../engine/random_members.ts";
import { ElementScan, readCursor, replyNoScan } from "../engine/scan_args.ts";

const INT64_MAX = 0x7fffffffffffffffn;
const INT64_MIN = -0x8000000000000000n;
/** Draws that find a field past its time before all fields are looked at instead. */
const DRAWS = 100;

const scratch = new Uint8Array(8192);

/** HSET and HMSET: how many fields are new. */
function setGeneric(ctx: Context, argv: Argv, name: string): number {
  if ((argv.count & 1) !== 0) throw new CommandError(wrongArity(name));
  const { bytes, starts, ends } = argv;
  let entry = openForSet(ctx, argv, lookupHash(ctx, argv, 1), 2);
  let created = 0;
  for (let i = 2; i < argv.count; i += 2) {
    const [start, end] = [starts[i + 1], ends[i + 1]];
    entry = hashSet(ctx.db, entry, bytes, starts[i], ends[i], bytes, start, end, NO_EXPIRY);
    if (hashSetResult.isNew) created++;
  }
  hashChanged(ctx, argv, entry, (argv.count - 2) >>> 1);
  return created;
}

/** `HSET key field value [field value ...]`: how many fields are new. O(n). */
const hset = command("hset", -4, WRITE | DENYOOM | FAST, "RW.update@1", (ctx, argv) => {
  ctx.reply.integer(setGeneric(ctx, argv, "hset"));
});

/** `HMSET key field value [field value ...]`: as HSET. O(n). */
const hmset = command("hmset", -4, WRITE | DENYOOM | FAST, "RW.update@1", (ctx, argv) => {
  setGeneric(ctx, argv, "hmset");
  ctx.reply.ok();
});

/** `HSETNX key field value`: 1 when the field was not there and is set now. O(1). */
const hsetnx = command("hsetnx", 4, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  const { bytes, starts, ends } = argv;
  const entry = lookupHash(ctx, argv, 1);
  if (findField(ctx, entry, argv, 2)) return ctx.reply.integer(0);
  const open = openForSet(ctx, argv, entry, 2);
  const [start, end] = [starts[3], ends[3]];
  const now = hashSet(ctx.db, open, bytes, starts[2], ends[2], bytes, start, end, NO_EXPIRY);
  hashChanged(ctx, argv, now, 1);
  ctx.reply.integer(1);
});

/** `HGET key field`: its value, or null. O(1). */
const hget = command("hget", 3, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  replyField(ctx, lookupHash(ctx, argv, 1), argv, 2);
});

/** `HMGET key field [field ...]`: the value of each, or null. O(n). */
const hmget = command("hmget", -3, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  const entry = lookupHash(ctx, argv, 1);
  ctx.reply.array(argv.count - 2);
  for (let i = 2; i < argv.count; i++) replyField(ctx, entry, argv, i);
});

/** `HSTRLEN key field`: length of its value, 0 when it is not there. O(1). */
const hstrlen = command("hstrlen", 3, READONLY | FAST, "RO@1", (ctx, argv) => {
  const there = findField(ctx, lookupHash(ctx, argv, 1), argv, 2);
  ctx.reply.integer(there ? findFieldResult.value.end - findFieldResult.value.start : 0);
});

/** `HEXISTS key field`: 1 when it is there. O(1). */
const hexists = command("hexists", 3, READONLY | FAST, "RO@1", (ctx, argv) => {
  ctx.reply.integer(findField(ctx, lookupHash(ctx, argv, 1), argv, 2) ? 1 : 0);
});

/** `HLEN key`: how many fields there are, those past their time included. O(1). */
const hlen = command("hlen", 2, READONLY | FAST, "RO@1", (ctx, argv) => {
  const entry = lookupHash(ctx, argv, 1);
  ctx.reply.integer(entry === 0 ? 0 : hashLength(ctx.db, entry));
});

/** `HDEL key field [field ...]`: how many were there. O(n). */
const hdel = command("hdel", -3, WRITE | FAST, "RW.delete@1", (ctx, argv) => {
  let entry = lookupHash(ctx, argv, 1);
  if (entry === 0) return ctx.reply.integer(0);
  let removed = 0;
  for (let i = 2; i < argv.count; i++) {
    entry = hashRemove(ctx.db, entry, argv.bytes, argv.starts[i], argv.ends[i]);
    if (hashRemoveResult.wasThere) removed++;
  }
  if (removed > 0) hashChanged(ctx, argv, entry, removed);
  ctx.reply.integer(removed);
});

/** HGETALL, HKEYS and HVALS. */
function allGeneric(ctx: Context, argv: Argv, fields: boolean, values: boolean): void {
  const { reply } = ctx;
  const entry = lookupHash(ctx, argv, 1);
  const count = entry === 0 ? 0 : visibleLength(ctx, entry);
  if (fields && values) reply.map(count);
  else reply.array(count);
  if (count === 0) return;
  eachVisible(ctx, entry, (f, fs, fe, v, vs, ve) => {
    if (fields) reply.bulk(f, fs, fe);
    if (values) reply.bulk(v, vs, ve);
  });
}

/** `HGETALL key`: every field and its value. O(n). */
const hgetall = command("hgetall", 2, READONLY, "RO.access@1", (ctx, argv) => {
  allGeneric(ctx, argv, true, true);
});

/** `HKEYS key`: every field. O(n). */
const hkeys = command("hkeys", 2, READONLY, "RO.access@1", (ctx, argv) => {
  allGeneric(ctx, argv, true, false);
});

/** `HVALS key`: every value. O(n). */
const hvals = command("hvals", 2, READONLY, "RO.access@1", (ctx, argv) => {
  allGeneric(ctx, argv, false, true);
});

/** Sets the field of argument 2 to a text, its expiry kept. */
function setText(ctx: Context, argv: Argv, entry: Entry, text: string): void {
  const { bytes, starts, ends } = argv;
  const { db } = ctx;
  for (let i = 0; i < text.length; i++) scratch[i] = text.charCodeAt(i);
  const fieldLength = ends[2] - starts[2];
  const length = text.length;
  let open = entry;
  if (open === 0) open = hashCreate(db, bytes, starts[1], ends[1], fieldLength + length);
  open = hashExpect(db, open, 1, Math.max(fieldLength, length));
  const now = hashSet(db, open, bytes, starts[2], ends[2], scratch, 0, length, undefined);
  hashChanged(ctx, argv, now, 1);
}

/** `HINCRBY key field increment`: the new value. O(1). */
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

/** `HINCRBYFLOAT key field increment`: the new value, in the digits of an 80-bit sum. O(1). */
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
    // As a master does: replicas need not agree on how to add.
    const [key, field] = [argv.at(1), argv.at(2)];
    if (expireAtMs === NO_EXPIRY) ctx.propagateAs("HSET", key, field, text);
    else ctx.propagateAs("HSETEX", key, "KEEPTTL", "FIELDS", "1", field, text);
  },
);

/** Draws a field this caller sees; false when there is hardly one. */
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

/** Visits `count` different fields, each set of them about as likely as any other. */
function eachRandomField(ctx: Context, entry: Entry, count: number, visit: FieldVisitor): void {
  const table = hashTableOf(ctx.db, entry);
  // Where fields may have expired, drawing could meet one that must not be seen.
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

/** `HRANDFIELD key [count [WITHVALUES]]`: one field, or some. O(n), O(m) for few of many. */
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
  const length = entry === 0 ? 0 : visibleLength(ctx, entry);
  if (length === 0 || count === 0) return reply.array(0);
  const wanted = drawsOf(count, length);
  const withValues = argv.count === 4;
  const isNested = withValues && reply.protocol === 3;
  reply.array(withValues && !isNested ? 2 * wanted : wanted);
  const visit: FieldVisitor = (f, fs, fe, v, vs, ve) => {
    if (isNested) reply.array(2);
    reply.bulk(f, fs, fe);
    if (withValues) reply.bulk(v, vs, ve);
  };
  if (count >= 0) return eachRandomField(ctx, entry, wanted, visit);
  const all = hashLength(ctx.db, entry);
  for (let i = 0; i < wanted; i++) {
    if (!drawVisible(ctx, entry, all, visit)) eachRandomField(ctx, entry, 1, visit);
  }
});

/** Looks at some fields and replies. */
function scanFields(ctx: Context, entry: Entry, cursor: number, scan: ElementScan): void {
  const large = hashTableOf(ctx.db, entry);
  const take: FieldVisitor = (f, fs, fe, v, vs, ve, at) => {
    if (!isVisible(ctx, at) || !scan.takes(f, fs, fe)) return;
    writeBulk(scan.found, f, fs, fe);
    if (scan.withValues) writeBulk(scan.found, v, vs, ve);
  };
  let next = 0;
  if (large === undefined) eachVisible(ctx, entry, take);
  else next = scan.walk(cursor, (at) => large.fields.scan(at, (field) => large.visit(field, take)));
  scan.reply(ctx.reply, next, scan.withValues ? 2 : 1);
}

/** `HSCAN key cursor [MATCH pattern] [COUNT n] [NOVALUES]`: the next cursor, fields and values. O(count). */
const hscan = command("hscan", -3, READONLY, "RO.access@1", (ctx, argv) => {
  const cursor = readCursor(argv, 2);
  const entry = lookupHash(ctx, argv, 1);
  if (entry === 0) return replyNoScan(ctx.reply);
  scanFields(ctx, entry, cursor, new ElementScan(argv, true));
});

/** The family, in the order of its rows. */
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

/**
 * The commands that set, read and drop a key's expiry (`expire.c`). An expiry is kept as absolute
 * milliseconds since 1970; seconds and relative times are converted when the command is read.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { exactExpiry, expiryText, hasCome, isFar, isLater } from "../../store/memory/expiry.ts";
import { NO_EXPIRY } from "../../store/memory/record.ts";
import { isWord, readTime, textOf } from "../engine/args.ts";
import { type Command, command, FAST, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import { CommandError, EXPIRE_GT_LT, EXPIRE_NX, unsupportedOption } from "../engine/errors.ts";
import { lookup } from "../engine/lookup.ts";

// The conditions of EXPIRE, or-ed.
/** Only a key without an expiry. */
const NX = 1;
/** Only a key that has one. */
const XX = 2;
/** Only to a later moment; no expiry is later than any. */
const GT = 4;
/** Only to an earlier moment. */
const LT = 8;

/**
 * Reads the conditions from argument 3 on (`expire.c parseExtendedExpireArgumentsOrReply`).
 *
 * @throws {CommandError} When one is unknown, NX stands beside another, or GT beside LT.
 */
function parseFlags(argv: Argv): number {
  let flags = 0;
  for (let i = 3; i < argv.count; i++) {
    if (isWord(argv, i, "NX")) flags |= NX;
    else if (isWord(argv, i, "XX")) flags |= XX;
    else if (isWord(argv, i, "GT")) flags |= GT;
    else if (isWord(argv, i, "LT")) flags |= LT;
    else throw new CommandError(unsupportedOption(textOf(argv, i)));
  }
  if ((flags & NX) !== 0 && flags !== NX) throw new CommandError(EXPIRE_NX);
  if ((flags & GT) !== 0 && (flags & LT) !== 0) throw new CommandError(EXPIRE_GT_LT);
  return flags;
}

/** Whether the conditions let expiry `atMs` replace `oldMs`, which is NO_EXPIRY for none. */
function allowed(flags: number, oldMs: number, atMs: number): boolean {
  const isSet = oldMs !== NO_EXPIRY;
  if ((flags & NX) !== 0 && isSet) return false;
  if ((flags & XX) !== 0 && !isSet) return false;
  if ((flags & GT) !== 0 && (!isSet || !isLater(atMs, oldMs))) return false;
  return (flags & LT) === 0 || !isSet || isLater(oldMs, atMs);
}

/** Propagates an expiry as PEXPIREAT, with the conditions as they came: applied again they hold again. */
function propagateExpiry(ctx: Context, argv: Argv, atMs: number): void {
  const flags: Uint8Array[] = [];
  for (let i = 3; i < argv.count; i++) flags.push(argv.at(i));
  ctx.propagateAs("PEXPIREAT", argv.at(1), expiryText(atMs), ...flags);
}

/**
 * EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT (`expire.c expireGenericCommand`). Replies 1 when the expiry was
 * set, else 0.
 *
 * @param scale Milliseconds of one unit of argument 2.
 * @param baseMs What the time counts from: now, or 0.
 * @param name The command, for the error.
 */
function expireGeneric(
  ctx: Context,
  argv: Argv,
  scale: number,
  baseMs: number,
  name: string,
): void {
  const flags = argv.count > 3 ? parseFlags(argv) : 0;
  const atMs = readTime(ctx, argv, 2, scale, baseMs, name);
  const entry = lookup(ctx, argv, 1);
  if (entry === 0) return ctx.reply.integer(0);
  if (flags !== 0 && !allowed(flags, ctx.db.expireAtMs(entry), atMs)) return ctx.reply.integer(0);
  if (ctx.caller === Caller.MASTER_CLIENT && hasCome(atMs, ctx.nowMs)) {
    ctx.db.removeEntry(entry);
    ctx.changed(argv, 1);
    ctx.propagateAs("DEL", argv.at(1));
  } else {
    // A replica stores a time that has passed and keeps the key until the master's DEL arrives.
    ctx.db.setExpire(entry, atMs);
    ctx.changed(argv, 1);
    if (ctx.caller === Caller.MASTER_CLIENT) propagateExpiry(ctx, argv, atMs);
  }
  ctx.reply.integer(1);
}

/** `EXPIRE key seconds [NX|XX|GT|LT]`: lets the key expire after that many seconds. O(1). */
const expire = command("expire", -3, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, 1000, ctx.nowMs, "expire");
});

/** `PEXPIRE key milliseconds [NX|XX|GT|LT]`: lets the key expire after that many milliseconds. O(1). */
const pexpire = command("pexpire", -3, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, 1, ctx.nowMs, "pexpire");
});

/** `EXPIREAT key unix-seconds [NX|XX|GT|LT]`: lets the key expire at that second since 1970. O(1). */
const expireat = command("expireat", -3, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, 1000, 0, "expireat");
});

/**
 * `PEXPIREAT key unix-milliseconds [NX|XX|GT|LT]`: lets the key expire at that millisecond since 1970.
 * O(1).
 */
const pexpireat = command("pexpireat", -3, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, 1, 0, "pexpireat");
});

/**
 * TTL, PTTL, EXPIRETIME and PEXPIRETIME (`expire.c ttlGenericCommand`). Replies -1 for a key without an
 * expiry, -2 for a missing key.
 *
 * @param fromMs What the reply counts from: now, or 0 for the absolute ones.
 * @param isSeconds Whether to reply in seconds, rounded to the nearest.
 */
function ttlGeneric(ctx: Context, argv: Argv, fromMs: number, isSeconds: boolean): void {
  const entry = lookup(ctx, argv, 1);
  if (entry === 0) return ctx.reply.integer(-2);
  const atMs = ctx.db.expireAtMs(entry);
  if (atMs === NO_EXPIRY) return ctx.reply.integer(-1);
  if (isFar(atMs)) {
    const left = exactExpiry(atMs) - BigInt(fromMs);
    return ctx.reply.integer(isSeconds ? (left + 500n) / 1000n : left);
  }
  const left = Math.max(0, atMs - fromMs);
  ctx.reply.integer(isSeconds ? Math.floor((left + 500) / 1000) : left);
}

/** `TTL key`: how many seconds are left, rounded to the nearest. O(1). */
const ttl = command("ttl", 2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  ttlGeneric(ctx, argv, ctx.nowMs, true);
});

/** `PTTL key`: how many milliseconds are left. O(1). */
const pttl = command("pttl", 2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  ttlGeneric(ctx, argv, ctx.nowMs, false);
});

/** `EXPIRETIME key`: the expiry in seconds since 1970, rounded to the nearest. O(1). */
const expiretime = command("expiretime", 2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  ttlGeneric(ctx, argv, 0, true);
});

/** `PEXPIRETIME key`: the expiry in milliseconds since 1970. O(1). */
const pexpiretime = command("pexpiretime", 2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  ttlGeneric(ctx, argv, 0, false);
});

/** `PERSIST key`: drops the expiry. Replies 1 when there was one, else 0. O(1). */
const persist = command("persist", 2, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1);
  if (entry === 0 || ctx.db.expireAtMs(entry) === NO_EXPIRY) return ctx.reply.integer(0);
  ctx.db.setExpire(entry, NO_EXPIRY);
  ctx.changed(argv, 1);
  ctx.reply.integer(1);
});

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const expireCommands: readonly Command[] = [
  expire,
  pexpire,
  expireat,
  pexpireat,
  ttl,
  pttl,
  expiretime,
  pexpiretime,
  persist,
];

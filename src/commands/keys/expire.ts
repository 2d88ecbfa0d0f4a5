/**
 * When keys go: EXPIRE and its kin, TTL and its kin.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { NO_EXPIRY } from "../../store/memory/record.ts";
import { exactMillis, isWord, millisText, readTime, textOf } from "../engine/args.ts";
import { type Command, command, FAST, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import { CommandError, EXPIRE_GT_LT, EXPIRE_NX, unsupportedOption } from "../engine/errors.ts";
import { lookup } from "../engine/lookup.ts";

const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;

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

/** Whether the flags let `atMs` follow `oldMs`; no expiry counts as one in infinity. */
function allowed(flags: number, oldMs: number, atMs: number): boolean {
  const isSet = oldMs !== NO_EXPIRY;
  if ((flags & NX) !== 0 && isSet) return false;
  if ((flags & XX) !== 0 && !isSet) return false;
  if ((flags & GT) !== 0 && (!isSet || atMs <= oldMs)) return false;
  return (flags & LT) === 0 || !isSet || atMs < oldMs;
}

/** What a master sends for an expiry it has set: absolute, the flags as they came. */
function propagateExpiry(ctx: Context, argv: Argv, atMs: number): void {
  const flags: Uint8Array[] = [];
  for (let i = 3; i < argv.count; i++) flags.push(argv.at(i));
  ctx.propagateAs("PEXPIREAT", argv.at(1), millisText(atMs), ...flags);
}

/** All four; `baseMs` is what the time counts from. */
function expireGeneric(
  ctx: Context,
  argv: Argv,
  scale: number,
  baseMs: number,
  name: string,
): void {
  const flags = argv.count > 3 ? parseFlags(argv) : 0;
  const atMs = readTime(argv, 2, scale, baseMs, name);
  const entry = lookup(ctx, argv, 1);
  if (entry === 0) return ctx.reply.integer(0);
  if (flags !== 0 && !allowed(flags, ctx.db.expireAtMs(entry), atMs)) return ctx.reply.integer(0);
  if (ctx.caller === Caller.MASTER_CLIENT && atMs <= ctx.nowMs) {
    ctx.db.removeEntry(entry);
    ctx.changed(argv, 1);
    ctx.propagateAs("DEL", argv.at(1));
  } else {
    // A replica keeps what has passed until the master's DEL; before 1970 is as past as 1970.
    ctx.db.setExpire(entry, Math.max(0, atMs));
    ctx.changed(argv, 1);
    if (ctx.caller === Caller.MASTER_CLIENT) propagateExpiry(ctx, argv, atMs);
  }
  ctx.reply.integer(1);
}

/** `EXPIRE key seconds [NX|XX|GT|LT]`: 1 when the expiry was set. O(1). */
const expire = command("expire", -3, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, 1000, ctx.nowMs, "expire");
});

/** `PEXPIRE key milliseconds [NX|XX|GT|LT]`: 1 when the expiry was set. O(1). */
const pexpire = command("pexpire", -3, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, 1, ctx.nowMs, "pexpire");
});

/** `EXPIREAT key unix-seconds [NX|XX|GT|LT]`: 1 when the expiry was set. O(1). */
const expireat = command("expireat", -3, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, 1000, 0, "expireat");
});

/** `PEXPIREAT key unix-milliseconds [NX|XX|GT|LT]`: 1 when the expiry was set. O(1). */
const pexpireat = command("pexpireat", -3, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  expireGeneric(ctx, argv, 1, 0, "pexpireat");
});

/** TTL and its kin: what is there is given as `show` says, -1 for never, -2 for no such key. */
function ttlGeneric(ctx: Context, argv: Argv, fromMs: number, isSeconds: boolean): void {
  const entry = lookup(ctx, argv, 1);
  if (entry === 0) return ctx.reply.integer(-2);
  const atMs = ctx.db.expireAtMs(entry);
  if (atMs === NO_EXPIRY) return ctx.reply.integer(-1);
  const left = Math.max(0, atMs - fromMs);
  ctx.reply.integer(exactMillis(isSeconds ? Math.floor((left + 500) / 1000) : left));
}

/** `TTL key`: seconds left, rounded; -1 never, -2 no key. O(1). */
const ttl = command("ttl", 2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  ttlGeneric(ctx, argv, ctx.nowMs, true);
});

/** `PTTL key`: milliseconds left; -1 never, -2 no key. O(1). */
const pttl = command("pttl", 2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  ttlGeneric(ctx, argv, ctx.nowMs, false);
});

/** `EXPIRETIME key`: unix seconds, rounded; -1 never, -2 no key. O(1). */
const expiretime = command("expiretime", 2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  ttlGeneric(ctx, argv, 0, true);
});

/** `PEXPIRETIME key`: unix milliseconds; -1 never, -2 no key. O(1). */
const pexpiretime = command("pexpiretime", 2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  ttlGeneric(ctx, argv, 0, false);
});

/** `PERSIST key`: 1 when an expiry was taken away. O(1). */
const persist = command("persist", 2, WRITE | FAST, "RW.update@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1);
  if (entry === 0 || ctx.db.expireAtMs(entry) === NO_EXPIRY) return ctx.reply.integer(0);
  ctx.db.setExpire(entry, NO_EXPIRY);
  ctx.changed(argv, 1);
  ctx.reply.integer(1);
});

/** The family, in the order of its rows. */
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

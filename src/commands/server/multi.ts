/**
 * Transactions (`multi.c`). Between MULTI and EXEC dispatch queues what a client sends and answers
 * QUEUED; EXEC runs the queue without another client's command in between, unless a key under WATCH
 * was changed. A command that could not even be queued makes EXEC fail; one that fails when it runs
 * does not stop the others, as its error is its own reply.
 *
 * @module
 */

import {
  ALLOW_BUSY,
  type Command,
  command,
  FAST,
  LOADING,
  NOSCRIPT,
  SKIP_SLOWLOG,
  STALE,
} from "../engine/command.ts";
import { CommandError } from "../engine/errors.ts";
import { sessionOf } from "../engine/execute.ts";

/** Flags all of them share: they are answered in any state of the server. */
const ANYTIME = NOSCRIPT | LOADING | STALE;

/** `MULTI`: queues what the client sends until EXEC. O(1). */
const multi = command("multi", 1, ANYTIME | FAST | ALLOW_BUSY, "", (ctx) => {
  const session = sessionOf(ctx);
  if (session.transaction !== undefined) {
    throw new CommandError("ERR MULTI calls can not be nested");
  }
  ctx.host.transactions.begin(session);
  ctx.reply.ok();
});

/**
 * `EXEC`: the replies of the queue in one array, or a null array when a watched key was changed.
 * The watches end either way, and before the commands run, which may change the keys themselves.
 * O(n) and what each command takes.
 */
const exec = command("exec", 1, ANYTIME | SKIP_SLOWLOG, "", (ctx) => {
  const session = sessionOf(ctx);
  const { transactions } = ctx.host;
  const { transaction } = session;
  if (transaction === undefined) throw new CommandError("ERR EXEC without MULTI");
  const broken = transactions.isBroken(session, ctx.nowMs);
  transactions.unwatch(session);
  session.transaction = undefined;
  if (transaction.failed) {
    throw new CommandError("EXECABORT Transaction discarded because of previous errors.");
  }
  if (broken) return ctx.reply.nullArray();
  ctx.reply.array(transaction.length);
  for (let i = 0; i < transaction.length; i++) transactions.run(transaction, i);
});

/** `DISCARD`: ends the transaction without running it, and forgets what is watched. O(n). */
const discard = command("discard", 1, ANYTIME | FAST | ALLOW_BUSY, "", (ctx) => {
  const session = sessionOf(ctx);
  if (session.transaction === undefined) throw new CommandError("ERR DISCARD without MULTI");
  session.transaction = undefined;
  ctx.host.transactions.unwatch(session);
  ctx.reply.ok();
});

/** `WATCH key ...`: the next EXEC does nothing when one of these keys changes before it. O(n). */
const watch = command("watch", -2, ANYTIME | FAST | ALLOW_BUSY, "RO@1:-1", (ctx, argv) => {
  const session = sessionOf(ctx);
  if (session.transaction !== undefined) {
    throw new CommandError("ERR WATCH inside MULTI is not allowed");
  }
  const { transactions } = ctx.host;
  for (let i = 1; i < argv.count; i++) {
    transactions.watch(session, ctx.nowMs, argv.bytes, argv.starts[i], argv.ends[i]);
  }
  ctx.reply.ok();
});

/** `UNWATCH`: forgets what this connection watches. O(n). */
const unwatch = command("unwatch", 1, ANYTIME | FAST | ALLOW_BUSY, "", (ctx) => {
  ctx.host.transactions.unwatch(sessionOf(ctx));
  ctx.reply.ok();
});

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const multiCommands: readonly Command[] = [discard, exec, multi, unwatch, watch];

/**
 * Waiting for keys: what BLPOP, BZPOPMIN, XREAD BLOCK and their kin have in common. The command is tried
 * again whenever one of its keys was changed, until it has something to reply, its time is over, or
 * somebody unblocks its client.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { beforeWrite } from "./copy_on_write.ts";
import type { Context } from "./context.ts";
import { CommandError, UNBLOCKED, WRONG_TYPE } from "./errors.ts";
import type { Unblocked } from "./host.ts";

/** Tries to reply; false, having replied and changed nothing, when there is nothing yet. */
export type Attempt = (ctx: Context, argv: Argv) => boolean;

/** What a waiting command is. */
export interface Waiting {
  /** Indices of the arguments that are the keys waited for. */
  readonly keys: readonly number[];
  /** Absolute milliseconds, 0 for no end: as `readTimeout` answers. */
  readonly untilMs: number;
  /** Called for each change of a key; what it propagates, it says by `propagateAs`. */
  readonly attempt: Attempt;
  /** Replies when the time is over. */
  readonly timedOut: (ctx: Context) => void;
  /** A key that was made one of another type ends the waiting by an error, as for consumer groups. */
  readonly failsOnType?: boolean;
}

/**
 * Blocks the client: call it after an attempt was in vain. Where nothing can wait, as in a call in
 * process, inside EXEC and for the master's stream, it replies as if the time were over.
 */
export function waitForKeys(ctx: Context, argv: Argv, waiting: Waiting): void {
  const { session } = ctx;
  const own = argv.copy();
  let wakeClient = undefined as (() => void) | undefined;
  let ended = undefined as Unblocked | undefined;
  // Woken before the connection has come to wait.
  let early = false;
  const wake = () => {
    const call = wakeClient;
    wakeClient = undefined;
    early = call === undefined;
    call?.();
  };
  const wait = (call: () => void) => {
    wakeClient = call;
    if (early) wake();
  };
  const finish = (later: Context): boolean => {
    const done = ended === undefined ? tryAgain(later, own, waiting) : reply(later, ended, waiting);
    if (done) later.host.blocking.remove(session!);
    return done;
  };
  const suspended = session !== undefined && ctx.suspend !== undefined &&
    ctx.suspend(wait, finish);
  if (!suspended) return waiting.timedOut(ctx);
  const keys = waiting.keys.map((index) => own.at(index));
  ctx.host.blocking.add(session, ctx.dbIndex, keys, waiting.untilMs, {
    wake,
    end(how) {
      ended = how;
      wake();
    },
  });
}

function tryAgain(ctx: Context, argv: Argv, waiting: Waiting): boolean {
  const { keyspace, session } = ctx;
  if (keyspace.snapshotHooks.size > 0) {
    beforeWrite(keyspace, ctx.dbIndex, ctx.host.lookup(argv)!, argv);
  }
  try {
    return waiting.attempt(ctx, argv);
  } catch (error) {
    // Blocked on a list, a client is not concerned by what else the key becomes.
    const isType = error instanceof CommandError && error.message === WRONG_TYPE;
    if (isType && waiting.failsOnType !== true) return false;
    ctx.host.blocking.remove(session!);
    throw error;
  }
}

function reply(ctx: Context, how: Unblocked, waiting: Waiting): true {
  if (how === "error") throw new CommandError(UNBLOCKED);
  waiting.timedOut(ctx);
  return true;
}

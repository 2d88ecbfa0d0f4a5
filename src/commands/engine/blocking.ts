/**
 * Waiting for keys: what BLPOP, BZPOPMIN, XREAD with BLOCK and others have in common (`blocked.c`).
 *
 * A handler first tries, and calls {@linkcode waitForKeys} when it found nothing. The client is
 * then suspended: its connection reads no further command. Each change of one of the keys wakes it,
 * after the command that made the change, and the handler's attempt runs again with a context
 * refilled for this client; oldest waiter first, as the server keeps them in that order. The wait
 * ends when an attempt replied, when the time is over, by CLIENT UNBLOCK, or with the connection.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Argv } from "../../resp/argv.ts";
import { beforeWrite } from "./copy_on_write.ts";
import type { Context } from "./context.ts";
import { CommandError, UNBLOCKED, UNBLOCKED_BY_MOVE, WRONG_TYPE } from "./errors.ts";
import { sessionOf } from "./execute.ts";
import type { Unblocked } from "./host.ts";

/**
 * Tries to serve the command; false, having replied nothing and changed nothing, when it has to
 * wait.
 */
export type Attempt = (ctx: Context, argv: Argv) => boolean;

/** What a command waits for, and what it does then. */
export interface Waiting {
  /** Indices of the arguments that name the keys waited for. */
  readonly keys: readonly number[];
  /** When it ends in absolute milliseconds, 0 for never: as `readTimeoutSeconds` answers. */
  readonly untilMs: number;
  /** Called when a key was changed. What it changes it must propagate by `propagateAs`. */
  readonly attempt: Attempt;
  /** Replies when the time is over; called at once where nothing can wait. */
  readonly timedOut: (ctx: Context) => void;
  /**
   * Whether WRONGTYPE of an attempt is the reply. When false, as for XREAD, a key that became
   * another type is one more key without anything to read, and the client waits on.
   */
  readonly failsOnType?: boolean;
}

/**
 * Blocks the client; called after a first attempt was in vain. Where nothing can wait, as in a call
 * in process, inside EXEC and for the master's stream, it replies as if the time were over.
 *
 * The arguments are copied, as the client's buffer is reused while it waits. A key may change
 * between the suspension and the moment the connection asks for its wake-up call: `early` remembers
 * that.
 */
export function waitForKeys(ctx: Context, argv: Argv, waiting: Waiting): void {
  assert(waiting.keys.length > 0, "a client waits for keys");
  const { session } = ctx;
  const own = argv.copy();
  let wakeClient = undefined as (() => void) | undefined;
  let ended = undefined as Unblocked | undefined;
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

/**
 * Runs an attempt once more. It may write, so snapshots are told of its keys first, as by
 * `runCommand`.
 *
 * @returns False when the client waits on.
 * @throws {CommandError} The reply, after which the client waits no more.
 */
function tryAgain(ctx: Context, argv: Argv, waiting: Waiting): boolean {
  const { keyspace, session } = ctx;
  if (keyspace.snapshotHooks.size > 0) {
    beforeWrite(keyspace, ctx.dbIndex, ctx.host.lookup(argv)!, argv);
  }
  try {
    return waiting.attempt(ctx, argv);
  } catch (error) {
    const isType = error instanceof CommandError && error.message === WRONG_TYPE;
    if (isType && waiting.failsOnType !== true) return false;
    ctx.host.blocking.remove(session!);
    throw error;
  }
}

/**
 * Ends the waiting without a key.
 *
 * @throws {CommandError} UNBLOCKED after CLIENT UNBLOCK with ERROR, and after REPLICAOF, which ends the connection too.
 */
function reply(ctx: Context, how: Unblocked, waiting: Waiting): true {
  if (how === "error") throw new CommandError(UNBLOCKED);
  if (how === "moved") {
    sessionOf(ctx).closing = true;
    throw new CommandError(UNBLOCKED_BY_MOVE);
  }
  waiting.timedOut(ctx);
  return true;
}

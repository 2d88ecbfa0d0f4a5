/**
 * What a command is, and what its handler gets. A handler never asks who called: what differs between
 * a client, the master's stream and a stand-alone master lies in the {@linkcode Context}.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import type { ReplyWriter } from "../../resp/writer.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import type { Host, Session } from "./host.ts";

/** One row of the command table. */
export interface Command {
  /** Lower case; a subcommand is `container|sub`. */
  readonly name: string;
  /** Redis's sign rule: 2 is exactly two arguments with the name, -3 at least three. */
  readonly arity: number;
  /** An or of the flags below. */
  readonly flags: number;
  /** Its key specs as text, "" for none: the notation is documented in `key_specs.ts`. */
  readonly keys: string;
  /** Checks, looks up, changes, replies. Throws `CommandError` before it has changed anything. */
  readonly run: (ctx: Context, argv: Argv) => void;
}

/**
 * One row of the command table, the only way one is made: all rows have the same shape.
 *
 * @param name Lower case, `container|sub` for a subcommand.
 * @param arity Redis's sign rule: 2 is exactly two arguments with the name, -3 at least three.
 * @param flags An or of the flags below.
 * @param keys Its key specs in the notation of `key_specs.ts`, such as `"RO.access@1"`; "" for none.
 * @param run Its handler.
 */
export function command(
  name: string,
  arity: number,
  flags: number,
  keys: string,
  run: Command["run"],
): Command {
  return { name, arity, flags, keys, run };
}

/** Command flags, named as `COMMAND INFO` answers them. */
export const WRITE: number = 1 << 0;
/** Reads keys. */
export const READONLY: number = 1 << 1;
/** May use more memory: refused when out of it. */
export const DENYOOM: number = 1 << 2;
/** Administration. */
export const ADMIN: number = 1 << 3;
/** Publish and subscribe. */
export const PUBSUB: number = 1 << 4;
/** Not from scripts. */
export const NOSCRIPT: number = 1 << 5;
/** May block its client. */
export const BLOCKING: number = 1 << 6;
/** Answers while loading. */
export const LOADING: number = 1 << 7;
/** Answers while the link to the master is down and stale data is not served. */
export const STALE: number = 1 << 8;
/** Not fed to MONITOR. */
export const SKIP_MONITOR: number = 1 << 9;
/** Not in the slow log. */
export const SKIP_SLOWLOG: number = 1 << 10;
/** Slots are asked for implicitly. */
export const ASKING: number = 1 << 11;
/** Constant or logarithmic time. */
export const FAST: number = 1 << 12;
/** Allowed before authentication. */
export const NO_AUTH: number = 1 << 13;
/** Not a write, but may be propagated. */
export const MAY_REPLICATE: number = 1 << 14;
/** Answers during an asynchronous load. */
export const NO_ASYNC_LOADING: number = 1 << 15;
/** Not inside MULTI. */
export const NO_MULTI: number = 1 << 16;
/** Allowed while another client blocks the server. */
export const ALLOW_BUSY: number = 1 << 17;
/** A container: its subcommands are rows of their own. */
export const CONTAINER: number = 1 << 18;

/** What a handler works with. One per connection or stream, refilled before each command. */
export interface Context {
  /** Every database. */
  readonly keyspace: Keyspace;
  /** The selected one. */
  db: Database;
  /** Its number. */
  dbIndex: number;
  /** Where the reply goes; for the master's stream a writer that drops everything. */
  reply: ReplyWriter;
  /** Milliseconds since 1970, read once per command: relative times count from here. */
  nowMs: number;
  /**
   * Keys whose expiry lies before this are as if absent: `nowMs` for a reader, -Infinity for the
   * master's stream, which sees what is physically there.
   */
  hiddenAtMs: number;
  /**
   * True on a stand-alone master (TestMaster): an expired key met by a command is deleted and the
   * deletion propagated, a past expiry deletes at once.
   */
  readonly ownsExpiry: boolean;
  /** How much this command changed; 0 is not propagated. Handlers add to it. */
  dirty: number;
  /**
   * What a master sends in place of the command as it came: each call adds one command. Left alone, the
   * command is sent verbatim when `dirty` grew. On a replica it does nothing.
   */
  propagateAs(...args: readonly (string | Uint8Array)[]): void;
  /** Nothing of this command is to be propagated, whatever `dirty` says. */
  preventPropagation(): void;
  /**
   * A key was met past its time and is about to be deleted; only where `ownsExpiry`. A master sends
   * `DEL key` ahead of what the command itself propagates, whatever `dirty` and
   * {@linkcode Context.preventPropagation} say, all of it inside MULTI and EXEC when it is more than one
   * command. With `field` it is that field of a hash, and `HDEL key field`. The bytes are borrowed. {@linkcode Context.modified} follows.
   */
  expired(
    dbIndex: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    field?: Uint8Array,
  ): void;
  /** A key was changed: WATCH, change feeds. Called after the change. */
  modified(dbIndex: number, bytes: Uint8Array, start: number, end: number): void;
  /** Every key of a database may have changed (FLUSHDB, SWAPDB): -1 says every database. */
  modifiedAll(dbIndex: number): void;
  /**
   * For what takes longer than one turn of the event loop may: calls `step` again and again, with a
   * context refilled for this client, until it answers true; then the reply is whole and the client's
   * next command runs. Where nothing can wait, as inside EXEC, it calls `step` until done at once; left
   * out, so does the handler.
   */
  readonly inSlices?: (step: (ctx: Context) => boolean) => void;
  /**
   * For a command that blocks its client: `wait` is handed what to call, once, to let the client go on;
   * then `finish` writes the reply, with a context refilled for it, or answers false to wait once more:
   * `wait` is then called again. What it changed it propagates by `propagateAs`. False where nothing can wait, as in a
   * call in process and inside EXEC: then the handler replies with what there is. Left out, it does so, too.
   */
  readonly suspend?: (
    wait: (wake: () => void) => void,
    finish: (ctx: Context) => boolean | void,
  ) => boolean;
  /** Uniform in [0, 1): injected, so that runs repeat. */
  random(): number;
  /** The connection that asked; undefined for the master's stream. */
  readonly session: Session | undefined;
  /** The server around it, for what concerns no single key. */
  readonly host: Host;
}

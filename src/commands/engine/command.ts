/**
 * What a command is: a row of name, arity, flags, key specs and handler. What a handler works with is in
 * `context.ts`, what it may ask of the server around it in `host.ts`.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import type { Context } from "./context.ts";
import type { CommandRow } from "./host.ts";

/** One row of the command table. */
export interface Command extends CommandRow {
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

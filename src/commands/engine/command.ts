/**
 * What a command is: a row of name, arity, flags, key specs and handler. What a handler works with
 * is in `context.ts`, what it may ask of the server around it in `host.ts`.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
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
 * @param keys Its key specs in the notation of `key_specs.ts`, such as `"RO.access@1"`; "" for
 * none.
 * @param run Its handler.
 */
export function command(
  name: string,
  arity: number,
  flags: number,
  keys: string,
  run: Command["run"],
): Command {
  assert(arity !== 0, "an arity counts the name");
  assert(name === name.toLowerCase(), "names are lower case");
  return { name, arity, flags, keys, run };
}

/** The name of a row as replies spell it: modules register theirs in capitals, and servers tell them so. */
export function shownName({ name, flags }: CommandRow): string {
  return (flags & MODULE) === 0 ? name : name.toUpperCase();
}

/**
 * It may change the dataset. Flags are `CMD_*` of `server.h`, named here as COMMAND INFO answers
 * them.
 */
export const WRITE: number = 1 << 0;
/** It only reads keys. */
export const READONLY: number = 1 << 1;
/** It may use more memory: refused above maxmemory. */
export const DENYOOM: number = 1 << 2;
/** It administers the server: its ACL categories are @admin and @dangerous. */
export const ADMIN: number = 1 << 3;
/** It publishes or subscribes: its ACL category is @pubsub. */
export const PUBSUB: number = 1 << 4;
/** Scripts must not call it. */
export const NOSCRIPT: number = 1 << 5;
/** It may block its client. */
export const BLOCKING: number = 1 << 6;
/** It is answered while a snapshot is loaded; what lacks it gets LOADING then. */
export const LOADING: number = 1 << 7;
/** It is answered while the link to the master is down and stale data is not served. */
export const STALE: number = 1 << 8;
/** MONITOR does not show it. */
export const SKIP_MONITOR: number = 1 << 9;
/** The slow log does not keep it. */
export const SKIP_SLOWLOG: number = 1 << 10;
/** It may be sent to a slot that is being imported, as if ASKING stood before it. */
export const ASKING: number = 1 << 11;
/** It takes constant or logarithmic time: its ACL category is @fast. */
export const FAST: number = 1 << 12;
/** It may be sent before authentication. */
export const NO_AUTH: number = 1 << 13;
/** It is no write, but may be propagated: PFCOUNT and PUBLISH. */
export const MAY_REPLICATE: number = 1 << 14;
/** It is refused during a diskless load that keeps serving the old dataset. */
export const NO_ASYNC_LOADING: number = 1 << 15;
/** It must not stand inside MULTI. */
export const NO_MULTI: number = 1 << 16;
/** It is answered while a script keeps the server busy. */
export const ALLOW_BUSY: number = 1 << 17;
/**
 * It is a container: its subcommands are rows of their own. COMMAND INFO does not answer this flag.
 */
export const CONTAINER: number = 1 << 18;
/** It is no write, but the master's stream runs it. COMMAND INFO does not answer this flag. */
export const STREAMED: number = 1 << 19;
/**
 * It is of a module that comes with Redis 8: its name is told in capitals, and it is in no ACL category.
 */
export const MODULE: number = 1 << 20;

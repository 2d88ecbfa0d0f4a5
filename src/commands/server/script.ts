/**
 * EVAL, FCALL and SCRIPT: this server runs no scripts, and says so. Masters since Redis 7.0 send
 * what a script did and not the script; one that still sends EVAL is told by the same refusal that
 * its stream cannot be followed.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { isWord, readInteger, textOf } from "../engine/args.ts";
import {
  ALLOW_BUSY,
  type Command,
  command,
  MAY_REPLICATE,
  NOSCRIPT,
  READONLY,
  SKIP_MONITOR,
  STALE,
} from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import {
  CommandError,
  FUNCTION_NOT_FOUND,
  noScripts,
  NOT_BUSY,
  TOO_MANY_KEYS,
} from "../engine/errors.ts";
import { container } from "../engine/container.ts";

/** Flags of what runs a script. */
const RUNS: number = NOSCRIPT | STALE | SKIP_MONITOR;

const HELP: readonly string[] = [
  "DEBUG (YES|SYNC|NO)",
  "    Set the debug mode for subsequent scripts executed.",
  "EXISTS <sha1> [<sha1> ...]",
  "    Return information about the existence of the scripts in the script cache.",
  "FLUSH [ASYNC|SYNC]",
  "    Flush the Lua scripts cache. Very dangerous on replicas.",
  "    When called without the optional mode argument, the behavior is determined by the",
  "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
  "    * ASYNC: Asynchronously flush the scripts cache.",
  "    * SYNC: Synchronously flush the scripts cache.",
  "KILL",
  "    Kill the currently executing Lua script.",
  "LOAD <script>",
  "    Load a script into the scripts cache without executing it.",
];

/** `EVAL script numkeys [key ...] [arg ...]`: refused. O(1). */
const evalRow = command("eval", -3, RUNS | MAY_REPLICATE, "RW.access.update@2:n", refuse);

/** `EVAL_RO script numkeys [key ...] [arg ...]`: refused. O(1). */
const evalRo = command("eval_ro", -3, RUNS | READONLY, "RO.access@2:n", refuse);

/** `EVALSHA sha1 numkeys [key ...] [arg ...]`: refused. O(1). */
const evalsha = command("evalsha", -3, RUNS | MAY_REPLICATE, "RW.access.update@2:n", refuse);

/** `EVALSHA_RO sha1 numkeys [key ...] [arg ...]`: refused. O(1). */
const evalshaRo = command("evalsha_ro", -3, RUNS | READONLY, "RO.access@2:n", refuse);

/** `FCALL function numkeys [key ...] [arg ...]`: checked as Redis checks it, then refused. O(1). */
const fcall = command("fcall", -3, RUNS | MAY_REPLICATE, "RW.access.update@2:n", (ctx, argv) => {
  checkCall(ctx, argv);
  throw new CommandError(noScripts("FCALL"));
});

/** `FCALL_RO function numkeys [key ...] [arg ...]`: as FCALL. O(1). */
const fcallRo = command("fcall_ro", -3, RUNS | READONLY, "RO.access@2:n", (ctx, argv) => {
  checkCall(ctx, argv);
  throw new CommandError(noScripts("FCALL_RO"));
});

/** The refusal of EVAL and its variants, by the name the client gave. */
function refuse(_ctx: Context, argv: Argv): void {
  throw new CommandError(noScripts(textOf(argv, 0).toUpperCase()));
}

/** What FCALL checks before it would run: that the function exists, and the number of keys. */
function checkCall(ctx: Context, argv: Argv): void {
  if (!ctx.keyspace.functions.hasFunction(textOf(argv, 1))) {
    throw new CommandError(FUNCTION_NOT_FOUND);
  }
  const count = readInteger(argv, 2, "ERR Bad number of keys provided");
  if (count > argv.count - 3) throw new CommandError(TOO_MANY_KEYS);
  if (count < 0) throw new CommandError("ERR Number of keys can't be negative");
}

/** `SCRIPT EXISTS sha1 ...`: 0 for each, as no script is kept. O(n). */
const scriptExists = command("script|exists", -3, NOSCRIPT, "", (ctx, argv) => {
  ctx.reply.array(argv.count - 2);
  for (let i = 2; i < argv.count; i++) ctx.reply.integer(0);
});

/** `SCRIPT FLUSH [ASYNC|SYNC]`: OK, as no script is kept. O(1). */
const scriptFlush = command("script|flush", -2, NOSCRIPT, "", (ctx, argv) => {
  const fits = argv.count === 2 ||
    (argv.count === 3 && (isWord(argv, 2, "SYNC") || isWord(argv, 2, "ASYNC")));
  if (!fits) throw new CommandError("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  ctx.reply.ok();
});

/** `SCRIPT KILL`: NOTBUSY, as no script ever runs. O(1). */
const scriptKill = command("script|kill", 2, NOSCRIPT | ALLOW_BUSY, "", () => {
  throw new CommandError(NOT_BUSY);
});

/** `SCRIPT DEBUG YES|SYNC|NO`: refused. O(1). */
const scriptDebug = command("script|debug", 3, NOSCRIPT, "", () => {
  throw new CommandError(noScripts("SCRIPT DEBUG"));
});

/** `SCRIPT LOAD script`: refused. O(1). */
const scriptLoad = command("script|load", 3, NOSCRIPT | STALE, "", () => {
  throw new CommandError(noScripts("SCRIPT LOAD"));
});

/** `SCRIPT SHOW sha1`: refused (Valkey). O(1). */
const scriptShow = command("script|show", 3, NOSCRIPT | STALE, "", () => {
  throw new CommandError(noScripts("SCRIPT SHOW"));
});

/** SCRIPT, EVAL and FCALL. */
export const scriptCommands: readonly Command[] = [
  evalRow,
  evalRo,
  evalsha,
  evalshaRo,
  fcall,
  fcallRo,
  ...container("script", [
    scriptDebug,
    scriptExists,
    scriptFlush,
    scriptKill,
    scriptLoad,
    scriptShow,
  ], HELP),
];

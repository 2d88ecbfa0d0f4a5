/**
 * EVAL, FCALL and SCRIPT: this server runs no scripts, and says so. Masters since Redis 7.0 send what a
 * script did and not the script; one that still sends EVAL is told by the same refusal that its stream
 * cannot be followed.
 *
 * @module
 */

import { parseInteger } from "../../base/ascii.ts";
import type { Argv } from "../../resp/argv.ts";
import { isWord, readInteger, textOf } from "../engine/args.ts";
import {
  ALLOW_BUSY,
  type Command,
  CONTAINER,
  type Context,
  type KeySpec,
  MAY_REPLICATE,
  MOVABLEKEYS,
  NO_KEYS,
  NOSCRIPT,
  READONLY,
  SKIP_MONITOR,
  STALE,
} from "../engine/command.ts";
import {
  CommandError,
  FUNCTION_NOT_FOUND,
  noScripts,
  NOT_BUSY,
  wrongArity,
} from "../engine/errors.ts";
import { helpRow } from "../engine/help.ts";

const RUNS: number = NOSCRIPT | STALE | SKIP_MONITOR | MOVABLEKEYS;

/** `name numkeys key ... arg ...`. */
const SCRIPT_KEYS: KeySpec = {
  first: 0,
  last: 0,
  step: 0,
  find(argv, key) {
    const count = parseInteger(argv.bytes, argv.starts[2], argv.ends[2]);
    for (let i = 0; i < count && 3 + i < argv.count; i++) key(3 + i);
  },
};

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

/** EVAL, EVALSHA and their read-only forms: refused. */
function evalRow(name: string, flags: number): Command {
  return {
    name,
    arity: -3,
    flags: RUNS | flags,
    keys: SCRIPT_KEYS,
    run() {
      throw new CommandError(noScripts(name.toUpperCase()));
    },
  };
}

/** FCALL and FCALL_RO: checked as Redis checks them, then refused. */
function fcallRow(name: string, flags: number): Command {
  return {
    name,
    arity: -3,
    flags: RUNS | flags,
    keys: SCRIPT_KEYS,
    run(ctx, argv) {
      checkCall(ctx, argv);
      throw new CommandError(noScripts(name.toUpperCase()));
    },
  };
}

function checkCall(ctx: Context, argv: Argv): void {
  if (!ctx.keyspace.functions.hasFunction(textOf(argv, 1))) {
    throw new CommandError(FUNCTION_NOT_FOUND);
  }
  const count = readInteger(argv, 2, "ERR Bad number of keys provided");
  if (count > argv.count - 3) {
    throw new CommandError("ERR Number of keys can't be greater than number of args");
  }
  if (count < 0) throw new CommandError("ERR Number of keys can't be negative");
}

/** `SCRIPT`: a container. O(1). */
const script: Command = {
  name: "script",
  arity: -2,
  flags: CONTAINER,
  keys: NO_KEYS,
  run() {
    throw new CommandError(wrongArity("script"));
  },
};

/** `SCRIPT EXISTS sha1 ...`: 0 for each, as none is kept. O(n). */
const scriptExists: Command = {
  name: "script|exists",
  arity: -3,
  flags: NOSCRIPT,
  keys: NO_KEYS,
  run(ctx, argv) {
    ctx.reply.array(argv.count - 2);
    for (let i = 2; i < argv.count; i++) ctx.reply.integer(0);
  },
};

/** `SCRIPT FLUSH [ASYNC|SYNC]`: OK, as none is kept. O(1). */
const scriptFlush: Command = {
  name: "script|flush",
  arity: -2,
  flags: NOSCRIPT,
  keys: NO_KEYS,
  run(ctx, argv) {
    const fits = argv.count === 2 ||
      (argv.count === 3 && (isWord(argv, 2, "SYNC") || isWord(argv, 2, "ASYNC")));
    if (!fits) throw new CommandError("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
    ctx.reply.ok();
  },
};

/** `SCRIPT KILL`: there is never one to end. O(1). */
const scriptKill: Command = {
  name: "script|kill",
  arity: 2,
  flags: NOSCRIPT | ALLOW_BUSY,
  keys: NO_KEYS,
  run() {
    throw new CommandError(NOT_BUSY);
  },
};

function refusedRow(name: string, arity: number, flags: number): Command {
  return {
    name,
    arity,
    flags,
    keys: NO_KEYS,
    run() {
      throw new CommandError(noScripts(name.replace("|", " ").toUpperCase()));
    },
  };
}

/** SCRIPT, EVAL and FCALL. */
export const scriptCommands: readonly Command[] = [
  evalRow("eval", MAY_REPLICATE),
  evalRow("eval_ro", READONLY),
  evalRow("evalsha", MAY_REPLICATE),
  evalRow("evalsha_ro", READONLY),
  fcallRow("fcall", MAY_REPLICATE),
  fcallRow("fcall_ro", READONLY),
  script,
  refusedRow("script|debug", 3, NOSCRIPT),
  scriptExists,
  scriptFlush,
  scriptKill,
  refusedRow("script|load", 3, NOSCRIPT | STALE),
  refusedRow("script|show", 3, NOSCRIPT | STALE),
  helpRow("script", HELP),
];

/**
 * FUNCTION (`functions.c`): libraries are kept, listed, dumped and restored, so that nothing of a
 * master's dataset is lost; the functions they register are never run. To know their names a
 * library's code is read for its calls of `redis.register_function`, not executed.
 *
 * A library that a client loads is checked as Redis checks it. One that comes down the stream the
 * master has run: it is kept even when we cannot read what it registers.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { decodeFunctions, encodeFunctions, isFunctionPayload } from "../../rdb/function_payload.ts";
import { RdbError } from "../../rdb/format/errors.ts";
import { type FunctionLibrary, LibraryError, readLibrary } from "../../store/keyspace/functions.ts";
import { isWord, textOf } from "../engine/args.ts";
import { ALLOW_BUSY, type Command, command, DENYOOM, NOSCRIPT, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  BAD_RESTORE_POLICY,
  CommandError,
  cString,
  DUMP_PAYLOAD,
  LIBRARY_NOT_FOUND,
  NO_FUNCTIONS,
  NOT_BUSY,
  wrongSubcommandArity,
} from "../engine/errors.ts";
import { container } from "../engine/container.ts";
import { scriptCommands } from "./script.ts";
import { replyField } from "../engine/reply.ts";

/** The only engine clients may load for; a library of the master's may name others. */
const ENGINE = "LUA";

const HELP: readonly string[] = [
  "LOAD [REPLACE] <FUNCTION CODE>",
  "    Create a new library with the given library name and code.",
  "DELETE <LIBRARY NAME>",
  "    Delete the given library.",
  "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
  "    Return general information on all the libraries:",
  "    * Library name",
  "    * The engine used to run the Library",
  "    * Functions list",
  "    * Library code (if WITHCODE is given)",
  "    It also possible to get only function that matches a pattern using LIBRARYNAME argument.",
  "STATS",
  "    Return information about the current function running:",
  "    * Function name",
  "    * Command used to run the function",
  "    * Duration in MS that the function is running",
  "    If no function is running, return nil",
  "    In addition, returns a list of available engines.",
  "KILL",
  "    Kill the current running function.",
  "FLUSH [ASYNC|SYNC]",
  "    Delete all the libraries.",
  "    When called without the optional mode argument, the behavior is determined by the",
  "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
  "    * ASYNC: Asynchronously flush the libraries.",
  "    * SYNC: Synchronously flush the libraries.",
  "DUMP",
  "    Return a serialized payload representing the current libraries, can be restored using" +
  " FUNCTION RESTORE command",
  "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
  "    Restore the libraries represented by the given payload, it is possible to give a restore" +
  " policy to",
  "    control how to handle existing libraries (default APPEND):",
  "    * FLUSH: delete all existing libraries.",
  "    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.",
  "    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace" +
  " the old",
  "      libraries with the new libraries (notice that even on this option there is a chance of" +
  " failure",
  "      in case of functions name collision with another library).",
];

/**
 * Calls what may refuse a library or a payload and throws the refusal as an error reply.
 *
 * @param rewrite Makes the reply of the refusal's message, "ERR " included.
 */
function refusing<T>(act: () => T, rewrite: (message: string) => string): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof LibraryError) && !(error instanceof RdbError)) throw error;
    throw new CommandError(rewrite(`ERR ${error.message}`));
  }
}

/** LOAD replies with the refusal as it is. */
const asItIs = (message: string): string => message;
/** RESTORE replies with the same refusal without its quotes. */
const unquoted = (message: string): string => message.replaceAll("'", "");

/**
 * Reads a library's code.
 *
 * @throws {LibraryError} When it cannot be read, or names an engine there is not.
 */
function checkedLibrary(ctx: Context, source: Uint8Array): FunctionLibrary {
  const library = readLibrary(source);
  // The master has run it: an engine we do not know is no reason to lose it.
  if (ctx.caller === Caller.MASTER_STREAM) return library;
  if (library.engine !== ENGINE) {
    throw new LibraryError(`Engine '${library.engine.toLowerCase()}' not found`);
  }
  return library;
}

/** `FUNCTION LOAD [REPLACE] code`: keeps a library and replies its name. O(length of the code). */
const functionLoad = command("function|load", -3, WRITE | DENYOOM | NOSCRIPT, "", (ctx, argv) => {
  let replace = false;
  for (let i = 2; i < argv.count - 1; i++) {
    if (!isWord(argv, i, "REPLACE")) {
      throw new CommandError(`ERR Unknown option given: ${cString(textOf(argv, i))}`);
    }
    replace = true;
  }
  const source = argv.at(argv.count - 1).slice();
  const { functions } = ctx.keyspace;
  const library = refusing(() => checkedLibrary(ctx, source), asItIs);
  const taken = !replace && functions.has(library.name);
  if (!taken && library.functions.length === 0 && ctx.caller !== Caller.MASTER_STREAM) {
    throw new CommandError(NO_FUNCTIONS);
  }
  refusing(() => functions.add(library, replace), asItIs);
  ctx.dirty++;
  ctx.reply.bulkText(library.name);
});

/** `FUNCTION DELETE name`: forgets a library. O(functions of it). */
const functionDelete = command("function|delete", 3, WRITE | NOSCRIPT, "", (ctx, argv) => {
  if (!ctx.keyspace.functions.delete(textOf(argv, 2))) {
    throw new CommandError(LIBRARY_NOT_FOUND);
  }
  ctx.dirty++;
  ctx.reply.ok();
});

/** `FUNCTION FLUSH [ASYNC|SYNC]`: forgets every library; both words mean the same here. O(n). */
const functionFlush = command("function|flush", -2, WRITE | NOSCRIPT, "", (ctx, argv) => {
  if (argv.count > 3) throw new CommandError(wrongSubcommandArity("FUNCTION", textOf(argv, 1)));
  if (argv.count === 3 && !isWord(argv, 2, "SYNC") && !isWord(argv, 2, "ASYNC")) {
    throw new CommandError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  ctx.keyspace.functions.clear();
  ctx.dirty++;
  ctx.reply.ok();
});

/** `FUNCTION DUMP`: every library in one payload, for FUNCTION RESTORE. O(n). */
const functionDump = command("function|dump", 2, NOSCRIPT, "", (ctx) => {
  ctx.reply.bulk(encodeFunctions(ctx.keyspace.functions.sources()));
});

/**
 * `FUNCTION RESTORE payload [FLUSH|APPEND|REPLACE]`: adds all libraries of a payload, or none: they
 * are added to a copy, which takes the place of the libraries once all went well. O(n).
 */
const functionRestore = command(
  "function|restore",
  -3,
  WRITE | DENYOOM | NOSCRIPT,
  "",
  (ctx, argv) => {
    if (argv.count > 4) throw new CommandError(wrongSubcommandArity("FUNCTION", textOf(argv, 1)));
    const policy = argv.count === 4 ? textOf(argv, 3).toUpperCase() : "APPEND";
    if (!["FLUSH", "APPEND", "REPLACE"].includes(policy)) {
      throw new CommandError(BAD_RESTORE_POLICY);
    }
    const payload = argv.at(2);
    if (!isFunctionPayload(payload)) throw new CommandError(DUMP_PAYLOAD);
    const failed = (message: string) => `ERR failed loading functions: ${message.slice(4)}`;
    const sources = refusing(() => decodeFunctions(payload), () => "ERR failed loading functions");
    const { functions } = ctx.keyspace;
    const libraries = refusing(() => sources.map((one) => checkedLibrary(ctx, one)), failed);
    const target = functions.copy();
    if (policy === "FLUSH") target.clear();
    refusing(() => {
      for (const library of libraries) target.add(library, policy === "REPLACE");
    }, unquoted);
    functions.replaceWith(target);
    ctx.dirty++;
    ctx.reply.ok();
  },
);

/**
 * `FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]`: libraries that fit a glob pattern and the
 * functions they register, sorted as the libraries are kept. O(n).
 */
const functionList = command("function|list", -2, NOSCRIPT, "", (ctx, argv) => {
  const { withCode, pattern } = readListOptions(argv);
  const { functions } = ctx.keyspace;
  const libraries = pattern === undefined ? functions.all() : functions.matching(pattern);
  ctx.reply.array(libraries.length);
  for (const library of libraries) replyLibrary(ctx, library, withCode);
});

/** The options of FUNCTION LIST, each at most once and in any order. */
function readListOptions(argv: Argv): { withCode: boolean; pattern: Uint8Array | undefined } {
  let withCode = false;
  let pattern: Uint8Array | undefined;
  for (let i = 2; i < argv.count; i++) {
    if (!withCode && isWord(argv, i, "WITHCODE")) {
      withCode = true;
    } else if (pattern === undefined && isWord(argv, i, "LIBRARYNAME")) {
      if (i === argv.count - 1) throw new CommandError("ERR library name argument was not given");
      pattern = argv.at(++i);
    } else throw new CommandError(`ERR Unknown argument ${cString(textOf(argv, i))}`);
  }
  return { withCode, pattern };
}

/** One library as FUNCTION LIST answers it: name, engine, functions, and the code with WITHCODE. */
function replyLibrary(ctx: Context, library: FunctionLibrary, withCode: boolean): void {
  const { reply } = ctx;
  reply.map(withCode ? 4 : 3);
  replyField(reply, "library_name", library.name);
  replyField(reply, "engine", library.engine);
  reply.bulkText("functions");
  reply.array(library.functions.length);
  for (const { name, description, flags } of library.functions) {
    reply.map(3);
    replyField(reply, "name", name);
    reply.bulkText("description");
    if (description === undefined) reply.null();
    else reply.bulkText(description);
    reply.bulkText("flags");
    reply.set(flags.length);
    for (const flag of flags) reply.simple(flag);
  }
  if (!withCode) return;
  reply.bulkText("library_code");
  reply.bulk(library.source);
}

/**
 * `FUNCTION STATS`: null for what runs, as nothing ever does; how many libraries and functions.
 * O(1).
 */
const functionStats = command("function|stats", 2, NOSCRIPT | ALLOW_BUSY, "", (ctx) => {
  const { reply, keyspace } = ctx;
  reply.map(2);
  reply.bulkText("running_script");
  reply.null();
  reply.bulkText("engines");
  reply.map(1);
  reply.bulkText(ENGINE);
  reply.map(2);
  replyField(reply, "libraries_count", keyspace.functions.size);
  replyField(reply, "functions_count", keyspace.functions.functionCount);
});

/** `FUNCTION KILL`: NOTBUSY, as no function ever runs. O(1). */
const functionKill = command("function|kill", 2, NOSCRIPT | ALLOW_BUSY, "", () => {
  throw new CommandError(NOT_BUSY);
});

/** FUNCTION and its subcommands, and what runs scripts. */
export const functionCommands: readonly Command[] = [
  ...container("function", [
    functionDelete,
    functionDump,
    functionFlush,
    functionKill,
    functionList,
    functionLoad,
    functionRestore,
    functionStats,
  ], HELP),
  ...scriptCommands,
];

/**
 * DEBUG (`debug.c`), as far as it only looks: the digests that tests compare two servers by, and
 * how one value is held. What would stop, change or end the server is refused, because the server
 * is part of an application. As in Redis, its subcommands have no rows.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { isWord, textOf } from "../engine/args.ts";
import { ADMIN, type Command, command, LOADING, NOSCRIPT, STALE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { addValue, DatasetDigest, Digest } from "./digest.ts";
import {
  CommandError,
  DEBUG_NOT_ALLOWED,
  debugRefused,
  NO_SUCH_KEY,
  wrongSubcommandArity,
} from "../engine/errors.ts";
import { runInSlices } from "../engine/execute.ts";
import { findAgain, readInSlices, type Steps } from "../engine/long_read.ts";
import { replyHelp } from "../engine/container.ts";
import { encodingName } from "../keys/object.ts";

/** How many keys DIGEST looks at between two looks at the clock. */
const KEYS_A_STEP = 16;

const HELP: readonly string[] = [
  "DIGEST",
  "    Output a hex signature representing the current DB content.",
  "DIGEST-VALUE <key> [<key> ...]",
  "    Output a hex signature of the values of all the specified keys.",
  "ERROR <string>",
  "    Return a Redis protocol error with <string> as message. Useful for clients",
  "    unit tests to simulate Redis errors.",
  "OBJECT <key>",
  "    Show low level info about `key` and associated value.",
];

/** Subcommands Redis has and we refuse by name; any other is answered as unknown. */
const REFUSED: readonly string[] = [
  "AOF-FLUSH-SLEEP",
  "ASSERT",
  "CHANGE-REPL-ID",
  "CLIENT-EVICTION",
  "CLUSTERLINK",
  "CONFIG-REWRITE-FORCE-ALL",
  "CRASH-AND-RECOVER",
  "DICT-RESIZING",
  "HTSTATS",
  "HTSTATS-KEY",
  "LEAK",
  "LISTPACK",
  "LOADAOF",
  "LOG",
  "MALLCTL",
  "MALLCTL-STR",
  "OOM",
  "PANIC",
  "PAUSE-CRON",
  "POPULATE",
  "QUICKLIST",
  "QUICKLIST-PACKED-THRESHOLD",
  "RELOAD",
  "REPLICATE",
  "REPLYBUFFER",
  "RESTART",
  "SDSLEN",
  "SEGFAULT",
  "SET-ACTIVE-EXPIRE",
  "SET-SKIP-CHECKSUM-VALIDATION",
  "SLEEP",
  "STRINGMATCH-TEST",
  "STRUCTSIZE",
];

/**
 * `DEBUG DIGEST`: 40 hexadecimal digits of the whole dataset, in slices. O(n) of keys and elements.
 */
function replyDigest(ctx: Context): void {
  const digest = new DatasetDigest(ctx.keyspace);
  const step = (later: Context) => {
    if (!digest.step(KEYS_A_STEP)) return false;
    later.reply.simple(digest.toString());
    return true;
  };
  runInSlices(ctx, step, digest);
}

/**
 * `DEBUG DIGEST-VALUE key ...`: a digest of each value, expired or not; zeros for a missing key.
 * O(size).
 */
function replyDigestValue(ctx: Context, argv: Argv): void {
  readInSlices(ctx, argv, 2, argv.count, (own) => digestValues(ctx, own));
}

/** The work of DIGEST-VALUE, in steps. */
function* digestValues(ctx: Context, argv: Argv): Steps {
  const { slots } = ctx.keyspace;
  const digest = new Digest();
  ctx.reply.array(argv.count - 2);
  for (let i = 2; i < argv.count; i++) {
    digest.clear();
    const place = { db: ctx.db, entry: findAgain(ctx, argv, i, 1) };
    if (place.entry !== 0 && !slots.hidesEntry(place.db, place.entry)) {
      const steps = addValue(digest, ctx.keyspace, place);
      while (steps.next().done !== true) {
        yield;
        place.db = ctx.db;
        place.entry = findAgain(ctx, argv, i, 1);
      }
    }
    ctx.reply.simple(digest.toString());
  }
}

/**
 * `DEBUG OBJECT key`: the encoding; we have no addresses and no times of access, and answer zeros.
 */
function replyObject(ctx: Context, argv: Argv): void {
  const entry = ctx.db.find(argv.bytes, argv.starts[2], argv.ends[2]);
  if (entry === 0 || ctx.keyspace.slots.hidesEntry(ctx.db, entry)) {
    throw new CommandError(NO_SUCH_KEY);
  }
  const encoding = encodingName(ctx.keyspace, ctx.db, entry);
  ctx.reply.simple(`Value at:0x0 refcount:1 encoding:${encoding} lru:0 lru_seconds_idle:0`);
}

/**
 * `DEBUG subcommand ...`: one command, whose subcommands are arguments. O(n) where it looks at
 * every key.
 */
const debug = command("debug", -2, ADMIN | NOSCRIPT | LOADING | STALE, "", (ctx, argv) => {
  const { count } = argv;
  if (ctx.session?.connected === true && ctx.host.allowDebug === false) {
    throw new CommandError(DEBUG_NOT_ALLOWED);
  }
  if (isWord(argv, 1, "HELP") && count === 2) replyHelp(ctx, "DEBUG", HELP);
  else if (isWord(argv, 1, "DIGEST") && count === 2) replyDigest(ctx);
  else if (isWord(argv, 1, "DIGEST-VALUE") && count >= 2) replyDigestValue(ctx, argv);
  else if (isWord(argv, 1, "OBJECT") && (count === 3 || count === 4)) replyObject(ctx, argv);
  else if (isWord(argv, 1, "ERROR") && count === 3) {
    throw new CommandError(textOf(argv, 2).replace(/[\r\n]/g, " "));
  } else {
    const name = textOf(argv, 1);
    const refused = REFUSED.includes(name.toUpperCase());
    throw new CommandError(
      refused ? debugRefused(name.toUpperCase()) : wrongSubcommandArity("DEBUG", name),
    );
  }
});

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const debugCommands: readonly Command[] = [debug];

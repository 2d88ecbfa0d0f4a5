/**
 * CLIENT (`networking.c clientCommand`): lists, names, pauses, unblocks and ends connections. What
 * it says of a connection the server keeps; here are the options and their errors. Client side
 * caching is refused: a client that relied on invalidations of ours would read stale values, as the
 * master's stream does not say which keys expired.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { isWord, readInteger, textOf } from "../engine/args.ts";
import { ADMIN, type Command, command, LOADING, NOSCRIPT, STALE } from "../engine/command.ts";
import {
  CommandError,
  SYNTAX,
  TIMEOUT_NEGATIVE,
  TIMEOUT_NOT_INTEGER,
  wrongArity,
} from "../engine/errors.ts";
import { container } from "../engine/container.ts";
import { ReplyMode } from "../engine/host.ts";
import { readKillFilter, readListFilter } from "./client_filter.ts";
import { sessionOf } from "../engine/execute.ts";
import { replyField } from "../engine/reply.ts";

/** Flags of subcommands about the client that asks. */
const PLAIN = NOSCRIPT | LOADING | STALE;
/** Flags of subcommands about other clients. */
const PRIVILEGED = PLAIN | ADMIN;
/** How the error of a name that is not printable goes on, for the client and for its library. */
const NAME_CHARACTERS = "cannot contain spaces, newlines or special characters.";
/** What CLIENT CACHING answers a client that is not in tracking mode, as none ever is here. */
const NOT_TRACKED =
  "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT" +
  " mode enabled";
/** What CLIENT TRACKING ON answers: a text of our own, as Redis would not refuse it. */
const NO_TRACKING = "ERR Client side caching is not supported here";

/** `CLIENT ID`: the number of the connection, ascending and never used twice. O(1). */
const clientId = command("client|id", 2, PLAIN, "", (ctx) => ctx.reply.integer(sessionOf(ctx).id));

/** `CLIENT INFO`: the line of `CLIENT LIST` about the client that asks. O(1). */
const clientInfo = command("client|info", 2, PLAIN, "", (ctx) => {
  ctx.reply.verbatim("txt", ctx.host.clients.describe(sessionOf(ctx)) + "\n");
});

/** `CLIENT GETNAME`: what SETNAME set, or null. O(1). */
const clientGetname = command("client|getname", 2, PLAIN, "", (ctx) => {
  const { name } = sessionOf(ctx);
  if (name === "") ctx.reply.null();
  else ctx.reply.bulkText(name);
});

/** `CLIENT SETNAME name`: names the connection; an empty name removes the name. O(1). */
const clientSetname = command("client|setname", 3, PLAIN, "", (ctx, argv) => {
  checkClientName(argv, 2);
  sessionOf(ctx).name = textOf(argv, 2);
  ctx.reply.ok();
});

/** `CLIENT SETINFO LIB-NAME|LIB-VER value`: the client library, for `CLIENT LIST`. O(1). */
const clientSetinfo = command("client|setinfo", 4, PLAIN, "", (ctx, argv) => {
  const option = isWord(argv, 2, "LIB-NAME") ? "lib-name" : "lib-ver";
  if (option === "lib-ver" && !isWord(argv, 2, "LIB-VER")) {
    throw new CommandError(`ERR Unrecognized option '${textOf(argv, 2)}'`);
  }
  if (!isPrintable(argv, 3)) throw new CommandError(`ERR ${option} ${NAME_CHARACTERS}`);
  if (option === "lib-name") sessionOf(ctx).libraryName = textOf(argv, 3);
  else sessionOf(ctx).libraryVersion = textOf(argv, 3);
  ctx.reply.ok();
});

/**
 * `CLIENT LIST [TYPE type | ID id ...]`, of a Valkey master with the filters of `client_filter.ts`: a line about
 * each client. O(clients).
 */
const clientList = command("client|list", -2, PRIVILEGED, "", (ctx, argv) => {
  const { clients } = ctx.host;
  const found = clients.list(readListFilter(ctx, argv));
  ctx.reply.verbatim("txt", found.map((session) => clients.describe(session) + "\n").join(""));
});

/**
 * `CLIENT KILL address | option value ...`: ends the connections that fit, in the old form exactly
 * one, whose absence is an error. The connection that asks gets its reply first. O(clients).
 */
const clientKill = command("client|kill", -3, PRIVILEGED, "", (ctx, argv) => {
  const { clients } = ctx.host;
  if (argv.count === 3) {
    const address = textOf(argv, 2);
    const killed = clients.kill(({ session }) => session.address === address, sessionOf(ctx));
    if (killed === 0) throw new CommandError("ERR No such client");
    return ctx.reply.ok();
  }
  ctx.reply.integer(clients.kill(readKillFilter(ctx, argv), sessionOf(ctx)));
});

/** `CLIENT NO-EVICT ON|OFF`: kept for `CLIENT LIST` alone, as no client is ever evicted. O(1). */
const clientNoEvict = command("client|no-evict", 3, PRIVILEGED, "", (ctx, argv) => {
  sessionOf(ctx).noEvict = readOnOff(argv, 2);
  ctx.reply.ok();
});

/**
 * `CLIENT CAPA capability ...`: what a Valkey client can do. One that can `redirect` is sent to the master for
 * writes, and for reads unless it has said READONLY. O(n) of the words.
 */
const clientCapa = command("client|capa", -3, PLAIN, "", (ctx, argv) => {
  for (let i = 2; i < argv.count; i++) {
    if (isWord(argv, i, "REDIRECT")) sessionOf(ctx).redirects = true;
  }
  ctx.reply.ok();
});

/** `CLIENT IMPORT-SOURCE ON|OFF`: refused, as no server here imports keys (Valkey). O(1). */
const clientImportSource = command("client|import-source", 3, PLAIN, "", () => {
  throw new CommandError("ERR Server is not in import mode");
});

/** `CLIENT NO-TOUCH ON|OFF`: kept for `CLIENT LIST` alone, as reads touch no access times. O(1). */
const clientNoTouch = command("client|no-touch", 3, PLAIN, "", (ctx, argv) => {
  sessionOf(ctx).noTouch = readOnOff(argv, 2);
  ctx.reply.ok();
});

/**
 * `CLIENT REPLY ON|OFF|SKIP`: whether later commands are answered. Only ON is itself answered, so
 * the writer is made to speak again before its reply. SKIP after OFF stays OFF. O(1).
 */
const clientReply = command("client|reply", 3, PLAIN, "", (ctx, argv) => {
  const session = sessionOf(ctx);
  if (isWord(argv, 2, "ON")) {
    session.replies = ReplyMode.ON;
    ctx.reply.silent = false;
    ctx.reply.ok();
  } else if (isWord(argv, 2, "OFF")) {
    session.replies = ReplyMode.OFF;
  } else if (isWord(argv, 2, "SKIP")) {
    if (session.replies !== ReplyMode.OFF) session.replies = ReplyMode.SKIP;
  } else {
    throw new CommandError(SYNTAX);
  }
});

/**
 * `CLIENT PAUSE milliseconds [WRITE|ALL]`: holds back all commands of clients, or those that write.
 * The master's stream is applied all the same. O(1).
 */
const clientPause = command("client|pause", -3, PRIVILEGED, "", (ctx, argv) => {
  if (argv.count > 4) throw new CommandError(wrongArity("client|pause"));
  let mode: "all" | "write" = "all";
  if (argv.count === 4 && !isWord(argv, 3, "ALL")) {
    if (!isWord(argv, 3, "WRITE")) {
      throw new CommandError("ERR CLIENT PAUSE mode must be WRITE or ALL");
    }
    mode = "write";
  }
  const timeoutMs = readInteger(argv, 2, TIMEOUT_NOT_INTEGER);
  if (timeoutMs < 0) throw new CommandError(TIMEOUT_NEGATIVE);
  ctx.host.clients.pause(ctx.nowMs + timeoutMs, mode);
  ctx.reply.ok();
});

/** `CLIENT UNPAUSE`: ends a pause. O(1). */
const clientUnpause = command("client|unpause", 2, PRIVILEGED, "", (ctx) => {
  ctx.host.clients.unpause();
  ctx.reply.ok();
});

/**
 * `CLIENT UNBLOCK id [TIMEOUT|ERROR]`: ends a client's waiting as if its time were over, or by an
 * error; 1 when it waited. O(1).
 */
const clientUnblock = command("client|unblock", -3, PRIVILEGED, "", (ctx, argv) => {
  if (argv.count > 4) throw new CommandError(SYNTAX);
  if (argv.count === 4 && !isWord(argv, 3, "TIMEOUT") && !isWord(argv, 3, "ERROR")) {
    throw new CommandError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  const how = argv.count === 4 && isWord(argv, 3, "ERROR") ? "error" : "timeout";
  ctx.reply.integer(ctx.host.blocking.unblock(readInteger(argv, 2), how) ? 1 : 0);
});

/** `CLIENT TRACKING ON|OFF ...`: ON is refused: no client may rely on invalidations. O(1). */
const clientTracking = command("client|tracking", -3, PLAIN, "", (ctx, argv) => {
  if (isWord(argv, 2, "ON")) throw new CommandError(NO_TRACKING);
  if (!isWord(argv, 2, "OFF")) throw new CommandError(SYNTAX);
  ctx.reply.ok();
});

/** `CLIENT CACHING YES|NO`: refused, as no client is in tracking mode. O(1). */
const clientCaching = command("client|caching", 3, PLAIN, "", () => {
  throw new CommandError(NOT_TRACKED);
});

/** `CLIENT GETREDIR`: -1, which says that tracking is off. O(1). */
const clientGetredir = command("client|getredir", 2, PLAIN, "", (ctx) => ctx.reply.integer(-1));

/** `CLIENT TRACKINGINFO`: says that tracking is off. O(1). */
const clientTrackinginfo = command("client|trackinginfo", 2, PLAIN, "", (ctx) => {
  const { reply } = ctx;
  reply.map(3);
  reply.bulkText("flags");
  reply.set(1);
  reply.bulkText("off");
  replyField(reply, "redirect", -1);
  reply.bulkText("prefixes");
  reply.array(0);
});

/** The container and its subcommands. */
export const clientCommands: readonly Command[] = container("client", [
  clientCaching,
  clientCapa,
  clientGetname,
  clientGetredir,
  clientId,
  clientImportSource,
  clientInfo,
  clientKill,
  clientList,
  clientNoEvict,
  clientNoTouch,
  clientPause,
  clientReply,
  clientSetinfo,
  clientSetname,
  clientTracking,
  clientTrackinginfo,
  clientUnblock,
  clientUnpause,
], [
  "GETNAME",
  "    Return the name of the current connection.",
  "ID",
  "    Return the id of the current connection.",
  "INFO",
  "    Return a line about the current connection.",
  "KILL <ip:port>",
  "    Kill the connection made from <ip:port>.",
  "KILL <option> <value> [<option> <value> [...]]",
  "    Kill connections. Options are ADDR, LADDR, TYPE, USER, SKIPME, ID, MAXAGE.",
  "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID <id> ...]",
  "    Return a line about each connection.",
  "NO-EVICT (ON|OFF)",
  "    Protect the current connection from eviction.",
  "NO-TOUCH (ON|OFF)",
  "    Leave access times alone.",
  "PAUSE <timeout> [WRITE|ALL]",
  "    Hold back all commands, or only writes, for <timeout> milliseconds.",
  "REPLY (ON|OFF|SKIP)",
  "    Control the replies sent to the current connection.",
  "SETINFO (LIB-NAME|LIB-VER) <value>",
  "    Name the client library.",
  "SETNAME <name>",
  "    Name the current connection.",
  "UNPAUSE",
  "    End a pause.",
]);

/**
 * Checks a name for CLIENT SETNAME and HELLO with SETNAME.
 *
 * @throws {CommandError} When argument `index` holds a byte that is not printable ASCII, or a
 * space.
 */
export function checkClientName(argv: Argv, index: number): void {
  if (!isPrintable(argv, index)) throw new CommandError(`ERR Client names ${NAME_CHARACTERS}`);
}

/** Whether argument `index` is of "!" to "~" alone: CLIENT LIST puts it between spaces. */
function isPrintable(argv: Argv, index: number): boolean {
  for (let pos = argv.starts[index]; pos < argv.ends[index]; pos++) {
    const byte = argv.bytes[pos];
    if (byte < 0x21 || byte > 0x7e) return false;
  }
  return true;
}

/** Argument `index` as ON or OFF. */
function readOnOff(argv: Argv, index: number): boolean {
  if (isWord(argv, index, "ON")) return true;
  if (isWord(argv, index, "OFF")) return false;
  throw new CommandError(SYNTAX);
}

/**
 * `CLIENT`: connections seen, named, held back and ended.
 *
 * @module
 */

import { utf8 } from "../../base/ascii.ts";
import type { Argv } from "../../resp/argv.ts";
import { isWord, readInteger, textOf } from "../engine/args.ts";
import {
  ADMIN,
  type Command,
  CONTAINER,
  type Context,
  LOADING,
  NO_KEYS,
  NOSCRIPT,
  STALE,
} from "../engine/command.ts";
import { CommandError, SYNTAX, wrongArity } from "../engine/errors.ts";
import { helpRow } from "../engine/help.ts";
import { type ClientFilter, ReplyMode, type Session } from "../engine/host.ts";

const PLAIN = NOSCRIPT | LOADING | STALE;
const PRIVILEGED = PLAIN | ADMIN;
const NAME_CHARACTERS = "cannot contain spaces, newlines or special characters.";
const NOT_TRACKED =
  "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT" +
  " mode enabled";
const NO_TRACKING = "ERR Client side caching is not supported here";
const TYPES: readonly string[] = ["normal", "master", "replica", "pubsub"];

/** `CLIENT`. O(1). */
const client: Command = {
  name: "client",
  arity: -2,
  flags: CONTAINER,
  keys: NO_KEYS,
  run() {
    throw new CommandError(wrongArity("client"));
  },
};

/** `CLIENT ID`. */
const clientId = plain("client|id", 2, (ctx) => ctx.reply.integer(self(ctx).id));

/** `CLIENT INFO`: the line of `CLIENT LIST` about the one that asks. */
const clientInfo = plain("client|info", 2, (ctx) => {
  ctx.reply.verbatim("txt", ctx.host.clients.describe(self(ctx)) + "\n");
});

/** `CLIENT GETNAME`. */
const clientGetname = plain("client|getname", 2, (ctx) => {
  const { name } = self(ctx);
  if (name === "") ctx.reply.null();
  else ctx.reply.bulkText(name);
});

/** `CLIENT SETNAME name`: an empty one takes it away. */
const clientSetname = plain("client|setname", 3, (ctx, argv) => {
  checkClientName(argv, 2);
  self(ctx).name = textOf(argv, 2);
  ctx.reply.ok();
});

/** `CLIENT SETINFO LIB-NAME | LIB-VER value`. */
const clientSetinfo = plain("client|setinfo", 4, (ctx, argv) => {
  const option = isWord(argv, 2, "LIB-NAME") ? "lib-name" : "lib-ver";
  if (option === "lib-ver" && !isWord(argv, 2, "LIB-VER")) {
    throw new CommandError(`ERR Unrecognized option '${textOf(argv, 2)}'`);
  }
  if (!isPrintable(argv, 3)) throw new CommandError(`ERR ${option} ${NAME_CHARACTERS}`);
  if (option === "lib-name") self(ctx).libraryName = textOf(argv, 3);
  else self(ctx).libraryVersion = textOf(argv, 3);
  ctx.reply.ok();
});

/** `CLIENT LIST [TYPE type] [ID id ...]`. */
const clientList = privileged("client|list", -2, (ctx, argv) => {
  const filter = readListFilter(argv);
  const lines = ctx.host.clients.list(filter).map((session) =>
    ctx.host.clients.describe(session) + "\n"
  );
  ctx.reply.verbatim("txt", lines.join(""));
});

/** `CLIENT KILL address` or with filters. */
const clientKill = privileged("client|kill", -3, (ctx, argv) => {
  if (argv.count === 3) {
    const killed = ctx.host.clients.kill({ address: textOf(argv, 2) }, self(ctx));
    if (killed === 0) throw new CommandError("ERR No such client");
    return ctx.reply.ok();
  }
  ctx.reply.integer(ctx.host.clients.kill(readKillFilter(ctx, argv), self(ctx)));
});

/** `CLIENT NO-EVICT ON | OFF`. Clients are never evicted here; it is kept for `CLIENT LIST`. */
const clientNoEvict = privileged("client|no-evict", 3, (ctx, argv) => {
  self(ctx).noEvict = readOnOff(argv, 2);
  ctx.reply.ok();
});

/** `CLIENT CAPA capability ...`: what a Valkey client can do; nothing here depends on it. */
const clientCapa = plain("client|capa", -3, (ctx) => ctx.reply.ok());

/** `CLIENT NO-TOUCH ON | OFF`. Reads never touch access times here; it is kept for `CLIENT LIST`. */
const clientNoTouch = plain("client|no-touch", 3, (ctx, argv) => {
  self(ctx).noTouch = readOnOff(argv, 2);
  ctx.reply.ok();
});

/** `CLIENT REPLY ON | OFF | SKIP`: only ON is answered. */
const clientReply = plain("client|reply", 3, (ctx, argv) => {
  const session = self(ctx);
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

/** `CLIENT PAUSE milliseconds [WRITE | ALL]`. */
const clientPause = privileged("client|pause", -3, (ctx, argv) => {
  if (argv.count > 4) throw new CommandError(wrongArity("client|pause"));
  let mode: "all" | "write" = "all";
  if (argv.count === 4 && !isWord(argv, 3, "ALL")) {
    if (!isWord(argv, 3, "WRITE")) {
      throw new CommandError("ERR CLIENT PAUSE mode must be WRITE or ALL");
    }
    mode = "write";
  }
  const timeoutMs = readInteger(argv, 2, "ERR timeout is not an integer or out of range");
  if (timeoutMs < 0) throw new CommandError("ERR timeout is negative");
  ctx.host.clients.pause(ctx.nowMs + timeoutMs, mode);
  ctx.reply.ok();
});

/** `CLIENT UNPAUSE`. */
const clientUnpause = privileged("client|unpause", 2, (ctx) => {
  ctx.host.clients.unpause();
  ctx.reply.ok();
});

/** `CLIENT UNBLOCK id [TIMEOUT | ERROR]`. */
const clientUnblock = privileged("client|unblock", -3, (ctx, argv) => {
  if (argv.count > 4) throw new CommandError(SYNTAX);
  if (argv.count === 4 && !isWord(argv, 3, "TIMEOUT") && !isWord(argv, 3, "ERROR")) {
    throw new CommandError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  const how = argv.count === 4 && isWord(argv, 3, "ERROR") ? "error" : "timeout";
  ctx.reply.integer(ctx.host.blocking.unblock(readInteger(argv, 2), how) ? 1 : 0);
});

/** `CLIENT TRACKING ON | OFF ...`: off it is; on is refused, so that no client waits for invalidations. */
const clientTracking = plain("client|tracking", -3, (ctx, argv) => {
  if (isWord(argv, 2, "ON")) throw new CommandError(NO_TRACKING);
  if (!isWord(argv, 2, "OFF")) throw new CommandError(SYNTAX);
  ctx.reply.ok();
});

/** `CLIENT CACHING YES | NO`: only with tracking. */
const clientCaching = plain("client|caching", 3, () => {
  throw new CommandError(NOT_TRACKED);
});

/** `CLIENT GETREDIR`: -1 says that nothing is tracked. */
const clientGetredir = plain("client|getredir", 2, (ctx) => ctx.reply.integer(-1));

/** `CLIENT TRACKINGINFO`. */
const clientTrackinginfo = plain("client|trackinginfo", 2, (ctx) => {
  const { reply } = ctx;
  reply.map(3);
  reply.bulkText("flags");
  reply.set(1);
  reply.bulkText("off");
  reply.bulkText("redirect");
  reply.integer(-1);
  reply.bulkText("prefixes");
  reply.array(0);
});

/** Every row of this family. */
export const clientCommands: readonly Command[] = [
  client,
  clientCaching,
  clientCapa,
  clientGetname,
  clientGetredir,
  clientId,
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
  helpRow("client", [
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
  ]),
];

/** @throws {CommandError} When argument `index` cannot be a client's name. */
export function checkClientName(argv: Argv, index: number): void {
  if (!isPrintable(argv, index)) throw new CommandError(`ERR Client names ${NAME_CHARACTERS}`);
}

type Run = (ctx: Context, argv: Argv) => void;

function plain(name: string, arity: number, run: Run): Command {
  return { name, arity, flags: PLAIN, keys: NO_KEYS, run };
}

function privileged(name: string, arity: number, run: Run): Command {
  return { name, arity, flags: PRIVILEGED, keys: NO_KEYS, run };
}

function self(ctx: Context): Session {
  if (ctx.session === undefined) throw new CommandError("ERR This command needs a connection");
  return ctx.session;
}

/** "!" to "~": names stand between spaces in `CLIENT LIST`. */
function isPrintable(argv: Argv, index: number): boolean {
  for (let pos = argv.starts[index]; pos < argv.ends[index]; pos++) {
    const byte = argv.bytes[pos];
    if (byte < 0x21 || byte > 0x7e) return false;
  }
  return true;
}

function readOnOff(argv: Argv, index: number): boolean {
  if (isWord(argv, index, "ON")) return true;
  if (isWord(argv, index, "OFF")) return false;
  throw new CommandError(SYNTAX);
}

function readListFilter(argv: Argv): ClientFilter {
  if (argv.count === 2) return {};
  if (isWord(argv, 2, "TYPE") && argv.count === 4) return { type: readType(argv, 3) };
  if (isWord(argv, 2, "ID") && argv.count > 3) {
    const ids: number[] = [];
    for (let i = 3; i < argv.count; i++) ids.push(readInteger(argv, i, "ERR Invalid client ID"));
    return { ids };
  }
  throw new CommandError(SYNTAX);
}

function readKillFilter(ctx: Context, argv: Argv): ClientFilter {
  const filter: { -readonly [Name in keyof ClientFilter]: ClientFilter[Name] } = {};
  let skipsMe = true;
  for (let i = 2; i < argv.count; i += 2) {
    const value = i + 1;
    if (value === argv.count) throw new CommandError(SYNTAX);
    if (isWord(argv, i, "ID")) filter.ids = [readClientId(argv, value)];
    else if (isWord(argv, i, "TYPE")) filter.type = readType(argv, value);
    else if (isWord(argv, i, "ADDR")) filter.address = textOf(argv, value);
    else if (isWord(argv, i, "LADDR")) filter.localAddress = textOf(argv, value);
    else if (isWord(argv, i, "USER")) filter.user = readUser(ctx, argv, value);
    else if (isWord(argv, i, "MAXAGE")) filter.maxAgeSeconds = readMaxAge(argv, value);
    else if (isWord(argv, i, "SKIPME")) skipsMe = readYesNo(argv, value);
    else throw new CommandError(SYNTAX);
  }
  if (skipsMe) filter.except = self(ctx).id;
  return filter;
}

function readClientId(argv: Argv, index: number): number {
  const text = "ERR client-id should be greater than 0";
  const id = readInteger(argv, index, text);
  if (id <= 0) throw new CommandError(text);
  return id;
}

function readMaxAge(argv: Argv, index: number): number {
  const seconds = readInteger(argv, index, "ERR maxage is not an integer or out of range");
  if (seconds <= 0) throw new CommandError("ERR maxage should be greater than 0");
  return seconds;
}

function readUser(ctx: Context, argv: Argv, index: number): string {
  const name = utf8(argv.bytes, argv.starts[index], argv.ends[index]);
  if (ctx.host.users().some((user) => user.name === name)) return name;
  throw new CommandError(`ERR No such user '${textOf(argv, index)}'`);
}

function readYesNo(argv: Argv, index: number): boolean {
  if (isWord(argv, index, "YES")) return true;
  if (isWord(argv, index, "NO")) return false;
  throw new CommandError(SYNTAX);
}

function readType(argv: Argv, index: number): string {
  const given = textOf(argv, index);
  const type = given.toLowerCase() === "slave" ? "replica" : given.toLowerCase();
  if (TYPES.includes(type)) return type;
  throw new CommandError(`ERR Unknown client type '${given}'`);
}

/**
 * What a client says of its connection: who it is (AUTH), which protocol it speaks (HELLO), which
 * database it means (SELECT), and that it is there or leaves (PING, QUIT, RESET). All of it needs a
 * session; the master's stream has none.
 *
 * @module
 */

import { utf8 } from "../../base/ascii.ts";
import type { Argv } from "../../resp/argv.ts";
import { isWord, readDbIndex, readInteger, textOf } from "../engine/args.ts";
import {
  ALLOW_BUSY,
  type Command,
  command,
  FAST,
  LOADING,
  NO_AUTH,
  NOSCRIPT,
  STALE,
} from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CLUSTER_DISABLED, CommandError, SYNTAX, wrongArity } from "../engine/errors.ts";
import { checkClientName } from "./client.ts";
import type { Session } from "../engine/host.ts";
import { sessionOf } from "../engine/execute.ts";
import { replyField } from "../engine/reply.ts";

/** A login that failed, for whatever reason. */
const WRONG_PASS = "WRONGPASS invalid username-password pair or user is disabled.";
/** AUTH with a password alone where the default user needs none. */
const NO_PASSWORD_SET =
  "ERR AUTH <password> called without any password configured for the default user. Are you sure" +
  " your configuration is correct?";
/** HELLO of a client that is not logged in and does not log in by it. */
const HELLO_NEEDS_AUTH =
  "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto>" +
  " AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol" +
  " version at the same time";
/** Who logs in by `AUTH password`, and who a client is before it logs in. */
const DEFAULT_USER = "default";

/** Flags of what is answered in any state of the server. */
const ANYTIME = NOSCRIPT | LOADING | STALE | FAST;

/**
 * `AUTH [username] password`: logs the connection in, as "default" without a name. A password where
 * none is asked for is an error, as the client is then mistaken about the server. O(1).
 */
const auth = command("auth", -2, ANYTIME | NO_AUTH | ALLOW_BUSY, "", (ctx, argv) => {
  if (argv.count > 3) throw new CommandError(SYNTAX);
  if (argv.count === 2 && ctx.host.open) throw new CommandError(NO_PASSWORD_SET);
  const user = argv.count === 3 ? argv.at(1) : undefined;
  login(ctx, user === undefined ? DEFAULT_USER : utf8(user), argv.at(argv.count - 1));
  ctx.reply.ok();
});

/**
 * `HELLO [version [AUTH username password] [SETNAME name]]`: protocol, login and name in one, and a
 * map of what the server is. All options are read before any takes effect; the reply is in the new
 * protocol already. O(1).
 */
const hello = command("hello", -1, ANYTIME | NO_AUTH | ALLOW_BUSY, "", (ctx, argv) => {
  const session = sessionOf(ctx);
  const version = argv.count > 1 ? readVersion(argv) : undefined;
  const { userIndex, nameIndex } = readHelloOptions(argv);
  if (userIndex !== 0) login(ctx, utf8(argv.at(userIndex)), argv.at(userIndex + 1));
  if (!session.authenticated) throw new CommandError(HELLO_NEEDS_AUTH);
  if (nameIndex !== 0) session.name = textOf(argv, nameIndex);
  if (version !== undefined) session.protocol = ctx.reply.protocol = version;
  replyHello(ctx, session);
});

/**
 * `PING [message]`: PONG or the message. To a client in RESP2 that is subscribed to something it is
 * an array, as everything such a client gets is a message to it. O(1).
 */
const ping = command("ping", -1, FAST, "", (ctx, argv) => {
  if (argv.count > 2) throw new CommandError(wrongArity("ping"));
  const { reply, session } = ctx;
  if (reply.protocol === 2 && session !== undefined && session.subscriptionCount > 0) {
    reply.array(2);
    reply.bulkText("pong");
    if (argv.count === 1) return reply.bulkText("");
  } else if (argv.count === 1) {
    return reply.pong();
  }
  reply.bulk(argv.bytes, argv.starts[1], argv.ends[1]);
});

/** `ECHO message`: the message. O(1). */
const echo = command("echo", 2, LOADING | STALE | FAST, "", (ctx, argv) => {
  ctx.reply.bulk(argv.bytes, argv.starts[1], argv.ends[1]);
});

/** `SELECT index`: the database that later commands of this connection mean. O(1). */
const select = command("select", 2, LOADING | STALE | FAST, "", (ctx, argv) => {
  const index = readDbIndex(ctx, argv, 1);
  sessionOf(ctx).dbIndex = index;
  ctx.dbIndex = index;
  ctx.db = ctx.keyspace.db(index);
  ctx.reply.ok();
});

/** `QUIT`: OK, then the connection ends; commands sent after it are not run. O(1). */
const quit = command("quit", -1, ANYTIME | NO_AUTH | ALLOW_BUSY, "", (ctx) => {
  sessionOf(ctx).closing = true;
  ctx.reply.ok();
});

/**
 * `RESET`: makes the connection as it was when it began: transaction, watches, subscriptions,
 * MONITOR, name and login are gone, the protocol is RESP2. O(n) of what it was subscribed to and
 * watched.
 */
const reset = command("reset", 1, ANYTIME | NO_AUTH | ALLOW_BUSY, "", (ctx) => {
  const session = sessionOf(ctx);
  ctx.host.reset(session);
  ctx.reply.protocol = session.protocol;
  ctx.reply.simple("RESET");
});

/** `READONLY`: OK, as a replica answers reads anyway, but to who asked for REDIRECT before. O(1). */
const readonly = command("readonly", 1, LOADING | STALE | FAST, "", (ctx) => {
  if (ctx.session !== undefined) ctx.session.readsHere = true;
  ctx.reply.ok();
});

/** `READWRITE`: takes READONLY back. O(1). */
const readwrite = command("readwrite", 1, LOADING | STALE | FAST, "", (ctx) => {
  if (ctx.session !== undefined) ctx.session.readsHere = false;
  ctx.reply.ok();
});

/** `ASKING`: refused, as this server is part of no cluster. O(1). */
const asking = command("asking", 1, FAST, "", () => {
  throw new CommandError(CLUSTER_DISABLED);
});

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const connectionCommands: readonly Command[] = [
  asking,
  auth,
  echo,
  hello,
  ping,
  quit,
  readonly,
  readwrite,
  reset,
  select,
];

/**
 * Logs the connection in.
 *
 * @throws {CommandError} WRONGPASS, which says nothing of whether the user exists.
 */
function login(ctx: Context, user: string, password: Uint8Array): void {
  if (!ctx.host.login(sessionOf(ctx), user, password)) throw new CommandError(WRONG_PASS);
}

/** HELLO's protocol version. @throws {CommandError} NOPROTO for any but 2 and 3. */
function readVersion(argv: Argv): 2 | 3 {
  const version = readInteger(
    argv,
    1,
    "ERR Protocol version is not an integer or out of range",
  );
  if (version !== 2 && version !== 3) {
    throw new CommandError("NOPROTO unsupported protocol version");
  }
  return version;
}

/**
 * Indices of HELLO's arguments that name the user and the client; 0 where the option is missing.
 */
function readHelloOptions(argv: Argv): { userIndex: number; nameIndex: number } {
  let userIndex = 0;
  let nameIndex = 0;
  for (let i = 2; i < argv.count; i++) {
    if (isWord(argv, i, "AUTH") && i + 2 < argv.count) {
      userIndex = i + 1;
      i += 2;
    } else if (isWord(argv, i, "SETNAME") && i + 1 < argv.count) {
      nameIndex = ++i;
      checkClientName(argv, nameIndex);
    } else {
      throw new CommandError(`ERR Syntax error in HELLO option '${textOf(argv, i)}'`);
    }
  }
  return { userIndex, nameIndex };
}

/** What HELLO answers: server, version, protocol, id and role, as a map. */
function replyHello(ctx: Context, session: Session): void {
  const { host, reply } = ctx;
  reply.map(7);
  replyField(reply, "server", "redis");
  replyField(reply, "version", host.version);
  replyField(reply, "proto", session.protocol);
  replyField(reply, "id", session.id);
  replyField(reply, "mode", "standalone");
  replyField(reply, "role", host.role === "master" ? "master" : "replica");
  reply.bulkText("modules");
  reply.array(0);
}

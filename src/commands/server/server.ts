/**
 * What concerns the server and no key: INFO, ROLE, TIME, MONITOR, CONFIG, SLOWLOG, LATENCY and
 * MODULE. The texts and numbers come from `AboutHost`; here are the options, the replies and the
 * errors. What only the application decides, as whom the replica follows, is refused with that
 * reason.
 *
 * @module
 */

import { globMatch, isLiteral } from "../../base/glob.ts";
import { encodeUtf8 } from "../../base/ascii.ts";
import type { Argv } from "../../resp/argv.ts";
import { isWord, readInteger, textOf } from "../engine/args.ts";
import {
  ADMIN,
  type Command,
  command,
  FAST,
  LOADING,
  NO_ASYNC_LOADING,
  NOSCRIPT,
  READONLY,
  STALE,
} from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import {
  CommandError,
  cString,
  embedded,
  LOG_COUNT,
  replicaOfRefused,
  wrongArity,
} from "../engine/errors.ts";
import { container } from "../engine/container.ts";
import { sessionOf } from "../engine/execute.ts";
import { replyField } from "../engine/reply.ts";

/** Flags of what administrators ask in any state of the server. */
const ADMINISTRATION = ADMIN | NOSCRIPT | LOADING | STALE;
/** How many entries SLOWLOG GET answers without a count. */
const SLOWLOG_DEFAULT = 10;
/** Flags of REPLICAOF and SLAVEOF. */
const FOLLOWING = ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING;
/** A host name or an IP address as far as its letters go; no name of the DNS is longer. */
const HOST_NAME = /^[\x21-\x7e]{1,255}$/;
/** Flags of what loads and unloads modules. */
const MODULES = ADMIN | NOSCRIPT | NO_ASYNC_LOADING;

/**
 * `INFO [section ...]`: sections of `name:value` lines, the default ones when none is named. "all"
 * and "everything" are sections, too; a section that there is not is left out. O(databases).
 */
const info = command("info", -1, LOADING | STALE, "", (ctx, argv) => {
  const sections: string[] = [];
  for (let i = 1; i < argv.count; i++) sections.push(textOf(argv, i).toLowerCase());
  ctx.reply.verbatim("txt", ctx.host.about.info(sections));
});

/**
 * `ROLE`: "master", its offset and its replicas, or "slave", its master, the state of the link and
 * the offset applied. Sentinels ask it before anything else. O(replicas).
 */
const role = command("role", 1, NOSCRIPT | LOADING | STALE | FAST, "", (ctx) => {
  const { reply, host } = ctx;
  const view = host.about.role();
  if (host.role === "master") {
    reply.array(3);
    reply.bulkText("master");
    reply.integer(view.offset);
    reply.array(view.replicas.length);
    for (const replica of view.replicas) {
      reply.array(3);
      reply.bulkText(replica.host);
      reply.bulkText(String(replica.port));
      reply.bulkText(String(replica.offset));
    }
    return;
  }
  reply.array(5);
  reply.bulkText("slave");
  reply.bulkText(view.masterHost);
  reply.integer(view.masterPort);
  reply.bulkText(view.linkState);
  reply.integer(view.offset);
});

/**
 * `TIME`: seconds since 1970 and the microseconds of the current one, which are whole milliseconds
 * here. O(1).
 */
const time = command("time", 1, LOADING | STALE | FAST, "", (ctx) => {
  ctx.reply.array(2);
  ctx.reply.bulkText(String(Math.floor(ctx.nowMs / 1000)));
  ctx.reply.bulkText(String((ctx.nowMs % 1000) * 1000));
});

/**
 * `LASTSAVE`: seconds since 1970 when the last snapshot was loaded, as none is ever saved. O(1).
 */
const lastsave = command("lastsave", 1, LOADING | STALE | FAST, "", (ctx) => {
  ctx.reply.integer(ctx.host.about.lastSaveSeconds);
});

/** `LOLWUT`: the version, without Redis's picture. O(1). */
const lolwut = command("lolwut", -1, READONLY | FAST, "", (ctx) => {
  ctx.reply.verbatim("txt", `Redis ver. ${ctx.host.version}\n`);
});

/** `MONITOR`: from now on the connection gets a line for every command, until it ends. O(1). */
const monitor = command("monitor", 1, ADMINISTRATION, "", (ctx) => {
  const session = sessionOf(ctx);
  if (!session.connected) throw new CommandError("ERR MONITOR needs a connection");
  session.monitors = true;
  ctx.reply.ok();
});

/**
 * `CONFIG GET pattern ...`: parameters that fit one of these glob patterns, each once, and their
 * values. O(parameters).
 */
const configGet = command("config|get", -3, ADMINISTRATION, "", (ctx, argv) => {
  const parameters = ctx.host.about.config();
  const found = new Map<string, string>();
  for (let i = 2; i < argv.count; i++) selectParameters(parameters, argv.at(i), found);
  ctx.reply.map(found.size);
  for (const [name, value] of found) {
    replyField(ctx.reply, name, value);
  }
});

/**
 * `CONFIG SET name value ...`: changes all of these parameters, or none: when one is refused, those
 * set before it get their old values again, as `config.c configSetCommand` restores them. O(n).
 */
const configSet = command("config|set", -4, ADMINISTRATION, "", (ctx, argv) => {
  if (argv.count % 2 !== 0) throw new CommandError(wrongArity("config|set"));
  const changes = readChanges(ctx, argv);
  const before = new Map(ctx.host.about.config());
  const done: string[] = [];
  for (const [name, value] of changes) {
    const problem = ctx.host.about.setConfig(name, value);
    if (problem !== undefined) {
      for (const changed of done) ctx.host.about.setConfig(changed, before.get(changed)!);
      throw new CommandError(
        `ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}`,
      );
    }
    done.push(name);
  }
  ctx.reply.ok();
});

/** `CONFIG RESETSTAT`: sets the counters of INFO to zero. O(commands). */
const configResetstat = command("config|resetstat", 2, ADMINISTRATION, "", (ctx) => {
  ctx.host.about.resetStatistics();
  ctx.reply.ok();
});

/** `CONFIG REWRITE`: refused, as there is no file. O(1). */
const configRewrite = command("config|rewrite", 2, ADMINISTRATION, "", () => {
  throw new CommandError("ERR The server is running without a config file");
});

/**
 * `SLOWLOG GET [count]`: the newest entries, 10 without a count and all with -1. Arguments are
 * shortened when the entry is made, so no reply is as long as the commands were. O(n).
 */
const slowlogGet = command("slowlog|get", -2, ADMIN | LOADING | STALE, "", (ctx, argv) => {
  if (argv.count > 3) throw new CommandError(wrongArity("slowlog|get"));
  const count = argv.count === 3 ? readInteger(argv, 2, LOG_COUNT) : SLOWLOG_DEFAULT;
  if (count < -1) throw new CommandError(LOG_COUNT);
  replySlowEntries(ctx, count);
});

/** Replies with the newest `count` entries of the slow log, all of them for -1. */
function replySlowEntries(ctx: Context, count: number): void {
  const entries = ctx.host.about.slowEntries();
  const shown = count === -1 ? entries.length : Math.min(count, entries.length);
  ctx.reply.array(shown);
  for (let i = 0; i < shown; i++) replySlowEntry(ctx, entries[i]);
}

/** `SLOWLOG LEN`: how many entries are kept. O(1). */
const slowlogLen = command("slowlog|len", 2, ADMIN | LOADING | STALE, "", (ctx) => {
  ctx.reply.integer(ctx.host.about.slowEntries().length);
});

/** `SLOWLOG RESET`: empties the log. O(n). */
const slowlogReset = command("slowlog|reset", 2, ADMIN | LOADING | STALE, "", (ctx) => {
  ctx.host.about.resetSlowLog();
  ctx.reply.ok();
});

/** `COMMANDLOG GET count type`: the newest entries of a log, all with -1. O(n). */
const commandlogGet = command("commandlog|get", 4, ADMIN | LOADING | STALE, "", (ctx, argv) => {
  const count = readInteger(argv, 2, LOG_COUNT);
  if (count < -1) throw new CommandError(LOG_COUNT);
  replySlowEntries(ctx, isSlowType(argv, 3) ? count : 0);
});

/** `COMMANDLOG LEN type`: how many entries are kept. O(1). */
const commandlogLen = command(
  "commandlog|len",
  3,
  ADMIN | LOADING | STALE,
  "",
  (ctx, argv) => ctx.reply.integer(isSlowType(argv, 2) ? ctx.host.about.slowEntries().length : 0),
);

/** `COMMANDLOG RESET type`: empties a log. O(n). */
const commandlogReset = command("commandlog|reset", 3, ADMIN | LOADING | STALE, "", (ctx, argv) => {
  if (isSlowType(argv, 2)) ctx.host.about.resetSlowLog();
  ctx.reply.ok();
});

/**
 * Whether COMMANDLOG's type at argument `index` is the slow log; the two others are always empty.
 */
function isSlowType(argv: Argv, index: number): boolean {
  if (isWord(argv, index, "SLOW")) return true;
  if (isWord(argv, index, "LARGE-REQUEST") || isWord(argv, index, "LARGE-REPLY")) return false;
  throw new CommandError(
    "ERR type should be one of the following: slow, large-request, large-reply",
  );
}

/** `LATENCY LATEST`: empty, as no event is ever sampled. O(1). */
const latencyLatest = command("latency|latest", 2, ADMINISTRATION, "", (ctx) => ctx.reply.array(0));

/** `LATENCY HISTORY event`: empty, as no event is ever sampled. O(1). */
const latencyHistory = command("latency|history", 3, ADMINISTRATION, "", (ctx) => {
  ctx.reply.array(0);
});

/** `LATENCY RESET [event ...]`: how many events were reset, which is always 0. O(1). */
const latencyReset = command("latency|reset", -2, ADMINISTRATION, "", (ctx) => {
  ctx.reply.integer(0);
});

/** `LATENCY DOCTOR`: a sentence that says that no event was sampled. O(1). */
const latencyDoctor = command("latency|doctor", 2, ADMINISTRATION, "", (ctx) => {
  ctx.reply.verbatim("txt", "Latency is not monitored: no event was ever sampled.\n");
});

/** `LATENCY GRAPH event`: the error Redis gives for an event without samples. O(1). */
const latencyGraph = command("latency|graph", 3, ADMINISTRATION, "", (_ctx, argv) => {
  const event = cString(textOf(argv, 2));
  throw new CommandError(`ERR No samples available for event '${event}'`);
});

/** `LATENCY HISTOGRAM [command ...]`: empty, as calls are counted and timed in sums alone. O(1). */
const latencyHistogram = command("latency|histogram", -2, ADMINISTRATION, "", (ctx) => {
  ctx.reply.map(0);
});

/** `MODULE LIST`: empty, as modules cannot be loaded. O(1). */
const moduleList = command("module|list", 2, ADMIN | NOSCRIPT, "", (ctx) => ctx.reply.array(0));

/** `MODULE LOAD path [arg ...]`: refused, as native code cannot be loaded. O(1). */
const moduleLoad = command("module|load", -3, MODULES, "", refuseModules);

/** `MODULE LOADEX path [CONFIG name value ...] [ARGS arg ...]`: refused as MODULE LOAD is. O(1). */
const moduleLoadex = command("module|loadex", -3, MODULES, "", refuseModules);

/** `MODULE UNLOAD name`: refused, as no module is loaded. O(1). */
const moduleUnload = command("module|unload", 3, MODULES, "", refuseModules);

/**
 * `REPLICAOF host port | NO ONE`: follows another master where the application allows it; NO ONE is refused,
 * as no replica becomes a master here. O(1).
 */
const replicaof = command("replicaof", 3, FOLLOWING, "", (ctx, argv) => {
  replicaofGeneric(ctx, argv, "REPLICAOF");
});

/** `SLAVEOF host port | NO ONE`: REPLICAOF's old name. O(1). */
const slaveof = command("slaveof", 3, FOLLOWING, "", (ctx, argv) => {
  replicaofGeneric(ctx, argv, "SLAVEOF");
});

const configContainer = container("config", [
  configGet,
  configResetstat,
  configRewrite,
  configSet,
], [
  "GET <pattern> [<pattern> ...]",
  "    Return the parameters that match a glob-like <pattern>, with their values.",
  "SET <directive> <value> [<directive> <value> ...]",
  "    Change parameters.",
  "RESETSTAT",
  "    Reset the statistics INFO reports.",
  "REWRITE",
  "    Refused: there is no configuration file.",
]);

const slowlogContainer = container("slowlog", [slowlogGet, slowlogLen, slowlogReset], [
  "GET [<count>]",
  "    Return the newest <count> entries (default: 10, -1 means all): id, time, microseconds,",
  "    arguments, address, name.",
  "LEN",
  "    Return how many entries there are.",
  "RESET",
  "    Empty the log.",
]);

/** Valkey's name for the slow log and two logs of large commands, which are not kept. */
const commandlogContainer = container("commandlog", [
  commandlogGet,
  commandlogLen,
  commandlogReset,
], [
  "GET <count> <type>",
  "    Return the newest <count> entries (-1 means all) of a log: slow, large-request or",
  "    large-reply. Only the slow one is kept.",
  "LEN <type>",
  "    Return how many entries there are.",
  "RESET <type>",
  "    Empty the log.",
]);

/** No event is ever sampled, which is what the answers say. */
const latencyContainer = container("latency", [
  latencyDoctor,
  latencyGraph,
  latencyHistogram,
  latencyHistory,
  latencyLatest,
  latencyReset,
], [
  "LATEST",
  "    Return the latest samples: no event is ever sampled.",
  "HISTORY <event>",
  "    Return the samples of <event>.",
  "RESET [<event> ...]",
  "    Reset the samples.",
]);

const moduleContainer = container("module", [
  moduleList,
  moduleLoad,
  moduleLoadex,
  moduleUnload,
], ["LIST", "    Return the loaded modules: there are none."]);

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const serverCommands: readonly Command[] = [
  ...commandlogContainer,
  ...configContainer,
  info,
  lastsave,
  ...latencyContainer,
  lolwut,
  ...moduleContainer,
  monitor,
  replicaof,
  role,
  slaveof,
  ...slowlogContainer,
  time,
];

/** The refusal of all that would change which modules are loaded. */
function refuseModules(): void {
  throw new CommandError(embedded("what it is made of"));
}

/**
 * REPLICAOF and SLAVEOF (replication.c, `replicaofCommand`). Asked to follow the master it follows already, a
 * replica answers OK as Redis does; whether it follows another one the application has decided.
 */
function replicaofGeneric(ctx: Context, argv: Argv, name: string): void {
  const { replicaOf, role, about } = ctx.host;
  if (isWord(argv, 1, "NO") && isWord(argv, 2, "ONE")) {
    throw new CommandError(
      replicaOf === undefined
        ? replicaOfRefused(name)
        : embedded("when it follows nobody", `${name} NO ONE is refused. `),
    );
  }
  const port = readInteger(argv, 2, "ERR Invalid master port");
  if (port < 0 || port > 65535) throw new CommandError("ERR Invalid master port");
  const host = textOf(argv, 1);
  const { masterHost, masterPort } = about.role();
  if (role === "slave" && host === masterHost && port === masterPort) {
    return ctx.reply.simple("OK Already connected to specified master");
  }
  if (replicaOf === undefined) throw new CommandError(replicaOfRefused(name));
  if (port === 0) throw new CommandError("ERR Invalid master port");
  if (!HOST_NAME.test(host)) throw new CommandError("ERR Invalid master host");
  // Those who wait are answered at once, in this very context.
  const { reply } = ctx;
  ctx.host.blocking.endAll();
  replicaOf(host, port);
  reply.ok();
}

/**
 * Adds the parameters a pattern of CONFIG GET means: a pattern without special bytes is looked up
 * by name.
 */
function selectParameters(
  parameters: ReadonlyMap<string, string>,
  pattern: Uint8Array,
  found: Map<string, string>,
): void {
  if (isLiteral(pattern)) {
    const name = String.fromCharCode(...pattern.subarray(0, 128)).toLowerCase();
    const value = parameters.get(name);
    if (value !== undefined) found.set(name, value);
    return;
  }
  for (const [name, value] of parameters) {
    const bytes = encodeUtf8(name);
    if (globMatch(pattern, bytes, 0, bytes.length, true)) found.set(name, value);
  }
}

/** The names and values of CONFIG SET, each name known and given once. */
function readChanges(ctx: Context, argv: Argv): Map<string, string> {
  const known = ctx.host.about.config();
  const changes = new Map<string, string>();
  for (let i = 2; i < argv.count; i += 2) {
    const name = textOf(argv, i).toLowerCase();
    if (!known.has(name)) {
      throw new CommandError(
        `ERR Unknown option or number of arguments for CONFIG SET - '${textOf(argv, i)}'`,
      );
    }
    if (changes.has(name)) {
      throw new CommandError(
        `ERR CONFIG SET failed (possibly related to argument '${name}') - duplicate parameter`,
      );
    }
    changes.set(name, textOf(argv, i + 1));
  }
  return changes;
}

/**
 * One entry of the slow log, in the order of `slowlog.c`: id, time, microseconds, arguments,
 * client.
 */
function replySlowEntry(
  ctx: Context,
  entry: ReturnType<Context["host"]["about"]["slowEntries"]>[number],
): void {
  const { reply } = ctx;
  reply.array(6);
  reply.integer(entry.id);
  reply.integer(entry.atSeconds);
  reply.integer(entry.micros);
  reply.array(entry.args.length);
  for (const arg of entry.args) reply.bulk(arg);
  reply.bulkText(entry.address);
  reply.bulkText(entry.clientName);
}

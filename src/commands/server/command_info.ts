/**
 * COMMAND (`server.c commandCommand`): tells clients and proxies of every command. Arity, flags and
 * keys come from the rows, group, release, categories and tips from {@linkcode factsOf}.
 *
 * @module
 */

import { globMatch } from "../../base/glob.ts";
import { Argv } from "../../resp/argv.ts";
import type { ReplyTarget } from "../../resp/reply_target.ts";
import { VECTOR_SET_TYPE } from "../../store/types/module.ts";
import { isWord, textOf } from "../engine/args.ts";
import * as flag from "../engine/command.ts";
import { type Command, command, shownName } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, SYNTAX } from "../engine/errors.ts";
import type { CommandRow } from "../engine/host.ts";
import { checkArity } from "../engine/execute.ts";
import { CATEGORIES, type CommandFacts, factsOf } from "../engine/facts.ts";
import { helpRow } from "../engine/container.ts";
import { keysOf, type KeySpec, keySpecsOf } from "../engine/key_specs.ts";
import { replyField } from "../engine/reply.ts";

/**
 * Flags and their names in the order Redis answers them; two names that are no flags come in
 * between.
 */
const FLAG_NAMES: readonly [number, string][] = [
  [flag.WRITE, "write"],
  [flag.READONLY, "readonly"],
  [flag.DENYOOM, "denyoom"],
  [flag.MODULE, "module"],
  [flag.ADMIN, "admin"],
  [flag.PUBSUB, "pubsub"],
  [flag.NOSCRIPT, "noscript"],
  [flag.BLOCKING, "blocking"],
  [flag.LOADING, "loading"],
  [flag.STALE, "stale"],
  [flag.SKIP_MONITOR, "skip_monitor"],
  [flag.SKIP_SLOWLOG, "skip_slowlog"],
  [flag.ASKING, "asking"],
  [flag.FAST, "fast"],
  [flag.NO_AUTH, "no_auth"],
];
/** Flags that stand after "no_mandatory_keys", which is no flag of a row. */
const LATER_FLAG_NAMES: readonly [number, string][] = [
  [flag.NO_ASYNC_LOADING, "no_async_loading"],
  [flag.NO_MULTI, "no_multi"],
  [flag.ALLOW_BUSY, "allow_busy"],
];

/** Commands that carry `may_replicate` in Redis, too, but are answered without it. */
const UNTOLD: readonly string[] = ["eval", "evalsha", "fcall", "pfcount", "publish", "spublish"];

/** Flags of COMMAND and its subcommands. */
const ANYTIME = flag.LOADING | flag.STALE;

/**
 * `COMMAND`: every row as COMMAND INFO answers it. Clients send it when they connect, to learn
 * where keys stand. O(commands).
 */
const commandRow = command("command", -1, ANYTIME | flag.CONTAINER, "", replyEveryRow);

/** `COMMAND COUNT`: how many commands there are, subcommands aside. O(commands). */
const commandCount = command("command|count", 2, ANYTIME, "", (ctx) => {
  ctx.reply.integer(topLevel(ctx).length);
});

/** `COMMAND INFO [name ...]`: a row each, null for what is unknown. O(commands). */
const commandInfo = command("command|info", -2, ANYTIME, "", (ctx, argv) => {
  if (argv.count === 2) return replyEveryRow(ctx);
  ctx.reply.array(argv.count - 2);
  for (let i = 2; i < argv.count; i++) {
    const found = findRow(ctx, textOf(argv, i));
    if (found === undefined) ctx.reply.null();
    else replyInfo(ctx, found);
  }
});

/** `COMMAND DOCS [name ...]`: group and first release of each. O(commands). */
const commandDocs = command("command|docs", -2, ANYTIME, "", (ctx, argv) => {
  const rows = argv.count === 2 ? topLevel(ctx) : namedRows(ctx, argv);
  ctx.reply.map(rows.length);
  for (const found of rows) replyDocs(ctx, found);
});

/**
 * `COMMAND LIST [FILTERBY MODULE|ACLCAT|PATTERN value]`: names of commands and of their
 * subcommands, which COMMAND COUNT leaves out. O(commands).
 */
const commandList = command("command|list", -2, ANYTIME, "", (ctx, argv) => {
  const filter = argv.count === 2 ? () => true : readFilter(argv);
  const names = ctx.host.commands.filter(filter).map(shownName);
  if (argv.count === 2) ctx.reply.set(names.length);
  else ctx.reply.array(names.length);
  for (const name of names) ctx.reply.bulkText(name);
});

/**
 * `COMMAND GETKEYS command [arg ...]`: which of a command's arguments are keys. Proxies ask it of
 * commands whose keys are movable. O(n).
 */
const commandGetkeys = command("command|getkeys", -3, ANYTIME, "", (ctx, argv) => {
  const { request, keys } = resolveKeys(ctx, argv);
  ctx.reply.array(keys.length);
  for (const { index } of keys) {
    ctx.reply.bulk(request.bytes, request.starts[index], request.ends[index]);
  }
});

/** `COMMAND GETKEYSANDFLAGS command [arg ...]`: also what becomes of each key. O(n). */
const commandGetkeysandflags = command("command|getkeysandflags", -3, ANYTIME, "", (ctx, argv) => {
  const { request, keys } = resolveKeys(ctx, argv);
  ctx.reply.array(keys.length);
  for (const { index, flags } of keys) {
    ctx.reply.array(2);
    ctx.reply.bulk(request.bytes, request.starts[index], request.ends[index]);
    replyStatuses(ctx.reply, flags);
  }
});

/** COMMAND and its subcommands. COMMAND alone has a reply, so it is no plain container. */
export const commandCommands: readonly Command[] = [
  commandRow,
  commandCount,
  commandDocs,
  commandGetkeys,
  commandGetkeysandflags,
  commandInfo,
  commandList,
  helpRow("command", [
    "(no subcommand)",
    "    Return details about every command.",
    "COUNT",
    "    Return how many commands there are.",
    "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
    "    Return the names of commands.",
    "INFO [<command-name> ...]",
    "    Return details about these commands, or about all.",
    "DOCS [<command-name> ...]",
    "    Return group and history of these commands, or of all.",
    "GETKEYS <full-command>",
    "    Return the keys of a command with its arguments.",
    "GETKEYSANDFLAGS <full-command>",
    "    Return the keys of a command with its arguments, and what becomes of them.",
  ]),
];

/** Replies every row with its subcommands, as COMMAND and COMMAND INFO without names do. */
function replyEveryRow(ctx: Context): void {
  const rows = topLevel(ctx);
  ctx.reply.array(rows.length);
  for (const row of rows) replyInfo(ctx, row);
}

/** Every row but subcommands. */
function topLevel(ctx: Context): CommandRow[] {
  return ctx.host.commands.filter(({ name }) => !name.includes("|"));
}

/** The row of a name in any case; a subcommand's is `container|sub`. */
function findRow(ctx: Context, name: string): CommandRow | undefined {
  const lower = name.toLowerCase();
  return ctx.host.commands.find((candidate) => candidate.name === lower);
}

/**
 * The rows that arguments name from index 2 on; unknown names are left out, as COMMAND DOCS does.
 */
function namedRows(ctx: Context, argv: Argv): CommandRow[] {
  const rows: CommandRow[] = [];
  for (let i = 2; i < argv.count; i++) {
    const found = findRow(ctx, textOf(argv, i));
    if (found !== undefined) rows.push(found);
  }
  return rows;
}

/** The subcommands of a container, in the order of the table. */
function subcommandsOf(ctx: Context, container: CommandRow): CommandRow[] {
  if ((container.flags & flag.CONTAINER) === 0) return [];
  return ctx.host.commands.filter(({ name }) => name.startsWith(`${container.name}|`));
}

/** The flags of a row as COMMAND INFO names and orders them. */
function flagNames(found: CommandRow, facts: CommandFacts): string[] {
  const names = FLAG_NAMES.filter(([bit]) => (found.flags & bit) !== 0).map(([, name]) => name);
  if ((found.flags & flag.MAY_REPLICATE) !== 0 && !UNTOLD.includes(found.name)) {
    names.push("may_replicate");
  }
  if (facts.noMandatoryKeys) names.push("no_mandatory_keys");
  for (const [bit, name] of LATER_FLAG_NAMES) if ((found.flags & bit) !== 0) names.push(name);
  if (keySpecsOf(found).isMovable) names.push("movablekeys");
  return names;
}

/** One row as the array of ten elements that COMMAND INFO answers, subcommands nested. */
function replyInfo(ctx: Context, found: CommandRow): void {
  const { reply } = ctx;
  const facts = factsOf(found);
  const { specs, first, last, step } = keySpecsOf(found);
  reply.array(10);
  reply.bulkText(shownName(found));
  reply.integer(found.arity);
  replyStatuses(reply, flagNames(found, facts));
  reply.integer(first);
  reply.integer(last);
  reply.integer(step);
  replyStatuses(reply, facts.categories);
  reply.set(facts.tips.length);
  for (const tip of facts.tips) reply.bulkText(tip);
  reply.set(specs.length);
  for (const spec of specs) replyKeySpec(reply, spec);
  const subcommands = subcommandsOf(ctx, found);
  reply.set(subcommands.length);
  for (const subcommand of subcommands) replyInfo(ctx, subcommand);
}

/** A set of simple strings. */
function replyStatuses(reply: ReplyTarget, texts: readonly string[]): void {
  reply.set(texts.length);
  for (const text of texts) reply.simple(text);
}

/** One key spec as a map of its flags, its begin_search and its find_keys. */
function replyKeySpec(reply: ReplyTarget, spec: KeySpec): void {
  reply.map(3);
  reply.bulkText("flags");
  replyStatuses(reply, spec.flags);
  reply.bulkText("begin_search");
  const { begin, find } = spec;
  if (begin.type === "index") replySpec(reply, "index", [["index", begin.index]]);
  else if (begin.type === "keyword") {
    replySpec(reply, "keyword", [["keyword", begin.keyword], ["startfrom", begin.startFrom]]);
  } else replySpec(reply, "unknown", []);
  reply.bulkText("find_keys");
  if (find.type === "range") {
    replySpec(reply, "range", [
      ["lastkey", find.lastKey],
      ["keystep", find.keyStep],
      ["limit", find.limit],
    ]);
  } else if (find.type === "keynum") {
    replySpec(reply, "keynum", [
      ["keynumidx", find.keyNumIndex],
      ["firstkey", find.firstKey],
      ["keystep", find.keyStep],
    ]);
  } else replySpec(reply, "unknown", []);
}

/** One half of a key spec: its type, and the fields of that type. */
function replySpec(
  reply: ReplyTarget,
  type: string,
  fields: readonly [string, string | number][],
): void {
  reply.map(2);
  replyField(reply, "type", type);
  reply.bulkText("spec");
  reply.map(fields.length);
  for (const [name, value] of fields) replyField(reply, name, value);
}

/** One command as COMMAND DOCS answers it. Its summary is a link, as we carry no texts of Redis. */
function replyDocs(ctx: Context, found: CommandRow): void {
  const { reply } = ctx;
  const facts = factsOf(found);
  const subcommands = subcommandsOf(ctx, found);
  reply.bulkText(shownName(found));
  reply.map(subcommands.length > 0 ? 4 : 3);
  replyField(reply, "summary", `See https://redis.io/commands/${found.name.replace("|", "-")}`);
  replyField(reply, "since", facts.since);
  replyField(reply, "group", facts.group);
  if (subcommands.length === 0) return;
  reply.bulkText("subcommands");
  reply.map(subcommands.length);
  for (const subcommand of subcommands) replyDocs(ctx, subcommand);
}

/** What COMMAND LIST's FILTERBY lets pass. The one module whose commands there are is that of vector sets. */
function readFilter(argv: Argv): (candidate: CommandRow) => boolean {
  if (argv.count !== 5 || !isWord(argv, 2, "FILTERBY")) throw new CommandError(SYNTAX);
  if (isWord(argv, 3, "MODULE")) {
    const isOurs = textOf(argv, 4) === VECTOR_SET_TYPE;
    return ({ flags }) => isOurs && (flags & flag.MODULE) !== 0;
  }
  if (isWord(argv, 3, "ACLCAT")) {
    const category = textOf(argv, 4).toLowerCase();
    if (!CATEGORIES.includes(category)) return () => false;
    return (candidate) => factsOf(candidate).categories.includes(`@${category}`);
  }
  if (!isWord(argv, 3, "PATTERN")) throw new CommandError(SYNTAX);
  const pattern = argv.at(4);
  return ({ name }) => {
    const bytes = Uint8Array.from(name, (letter) => letter.charCodeAt(0));
    return globMatch(pattern, bytes, 0, bytes.length, true);
  };
}

/**
 * The command that stands from argument 2 on, and its keys, for COMMAND GETKEYS.
 *
 * @throws {CommandError} When it is unknown, has no keys, or its arguments do not fit.
 */
function resolveKeys(
  ctx: Context,
  argv: Argv,
): { request: Argv; keys: { index: number; flags: readonly string[] }[] } {
  const request = new Argv();
  request.bytes = argv.bytes;
  for (let i = 2; i < argv.count; i++) request.push(argv.starts[i], argv.ends[i]);
  const found = ctx.host.lookup(request);
  if (found === undefined) throw new CommandError("ERR Invalid command specified");
  if (keySpecsOf(found).specs.every(({ flags }) => flags.includes("not_key"))) {
    throw new CommandError("ERR The command has no key arguments");
  }
  if (!checkArity(found, request)) {
    throw new CommandError("ERR Invalid number of arguments specified for command");
  }
  const keys = keysOf(found, request);
  if (keys.length === 0 && !factsOf(found).noMandatoryKeys) {
    throw new CommandError("ERR Invalid arguments specified for command");
  }
  return { request, keys };
}

/**
 * `ACL`, as far as it can be asked: users are given by the application and not changed over the wire.
 *
 * @module
 */

import { utf8 } from "../../base/ascii.ts";
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
import { sessionOf } from "./connection.ts";
import { CommandError, wrongArity } from "../engine/errors.ts";
import { CATEGORIES, factsOf } from "../engine/facts.ts";
import { helpRow } from "../engine/help.ts";
import type { UserView } from "../engine/host.ts";

const PLAIN = NOSCRIPT | LOADING | STALE;
/** Stands for a password, whose hash Redis would show. */
const HIDDEN_PASSWORD = "(hidden)";

/** `ACL`. O(1). */
const acl: Command = {
  name: "acl",
  arity: -2,
  flags: CONTAINER,
  keys: NO_KEYS,
  run() {
    throw new CommandError(wrongArity("acl"));
  },
};

/** `ACL WHOAMI`. O(1). */
const aclWhoami: Command = {
  name: "acl|whoami",
  arity: 2,
  flags: PLAIN,
  keys: NO_KEYS,
  run: (ctx) => ctx.reply.bulkText(sessionOf(ctx).user),
};

/** `ACL CAT [category]`. O(commands). */
const aclCat: Command = {
  name: "acl|cat",
  arity: -2,
  flags: PLAIN,
  keys: NO_KEYS,
  run(ctx, argv) {
    if (argv.count > 3) throw new CommandError(wrongArity("acl|cat"));
    if (argv.count === 2) return replyNames(ctx, CATEGORIES);
    const category = textOf(argv, 2).toLowerCase();
    if (!CATEGORIES.includes(category)) {
      throw new CommandError(`ERR Unknown category '${textOf(argv, 2)}'`);
    }
    const rows = ctx.host.commands.filter((row) =>
      (row.flags & CONTAINER) === 0 && factsOf(row).categories.includes(`@${category}`)
    );
    replyNames(ctx, rows.map(({ name }) => name));
  },
};

/** `ACL USERS`. O(users). */
const aclUsers: Command = {
  name: "acl|users",
  arity: 2,
  flags: PLAIN | ADMIN,
  keys: NO_KEYS,
  run: (ctx) => replyNames(ctx, ctx.host.users().map(({ name }) => name)),
};

/** `ACL LIST`: a line of rules each. O(users). */
const aclList: Command = {
  name: "acl|list",
  arity: 2,
  flags: PLAIN | ADMIN,
  keys: NO_KEYS,
  run: (ctx) => replyNames(ctx, ctx.host.users().map(describeUser)),
};

/** `ACL GETUSER name`. O(1). */
const aclGetuser: Command = {
  name: "acl|getuser",
  arity: 3,
  flags: PLAIN | ADMIN,
  keys: NO_KEYS,
  run(ctx, argv) {
    const name = utf8(argv.bytes, argv.starts[2], argv.ends[2]);
    const user = ctx.host.users().find((candidate) => candidate.name === name);
    if (user === undefined) return ctx.reply.null();
    replyUser(ctx, user);
  },
};

/** `ACL LOG [count|RESET]`: refusals are counted, and not written down. O(1). */
const aclLog: Command = {
  name: "acl|log",
  arity: -2,
  flags: PLAIN | ADMIN,
  keys: NO_KEYS,
  run(ctx, argv) {
    if (argv.count > 3) throw new CommandError(wrongArity("acl|log"));
    if (argv.count === 3 && isWord(argv, 2, "RESET")) return ctx.reply.ok();
    if (argv.count === 3) readInteger(argv, 2);
    ctx.reply.array(0);
  },
};

/** Every row of this family. */
export const aclCommands: readonly Command[] = [
  acl,
  aclCat,
  aclGetuser,
  aclList,
  aclLog,
  aclUsers,
  aclWhoami,
  helpRow("acl", [
    "CAT [<category>]",
    "    List the commands of <category>, or all categories.",
    "GETUSER <username>",
    "    Get the user's details.",
    "LOG [<count> | RESET]",
    "    Show the log of refusals: there is none.",
    "LIST",
    "    Show users with their rules.",
    "USERS",
    "    List the usernames.",
    "WHOAMI",
    "    Return the username of the current connection.",
  ]),
];

function replyNames(ctx: Context, names: readonly string[]): void {
  ctx.reply.array(names.length);
  for (const name of names) ctx.reply.bulkText(name);
}

function describeUser(user: UserView): string {
  const password = user.withoutPassword ? "nopass " : "";
  return `user ${user.name} on ${password}sanitize-payload ~* &* ${user.commands}`;
}

function replyUser(ctx: Context, user: UserView): void {
  const { reply } = ctx;
  const flags = user.withoutPassword ? ["on", "nopass"] : ["on"];
  reply.map(6);
  reply.bulkText("flags");
  reply.set(flags.length + 1);
  for (const flag of flags) reply.bulkText(flag);
  reply.bulkText("sanitize-payload");
  reply.bulkText("passwords");
  reply.array(user.withoutPassword ? 0 : 1);
  if (!user.withoutPassword) reply.bulkText(HIDDEN_PASSWORD);
  reply.bulkText("commands");
  reply.bulkText(user.commands);
  reply.bulkText("keys");
  reply.bulkText("~*");
  reply.bulkText("channels");
  reply.bulkText("&*");
  reply.bulkText("selectors");
  reply.array(0);
}

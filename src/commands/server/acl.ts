/**
 * ACL (`acl.c`), as far as it only asks. The application gives users, their passwords and what they
 * may run when it starts the server; what would change them over the wire is refused with that
 * reason. A user here may be limited by command alone: every key and every channel is open to every
 * user, which is what `~*` and `&*` in the replies say.
 *
 * @module
 */

import { utf8 } from "../../base/ascii.ts";
import { isWord, readInteger, textOf } from "../engine/args.ts";
import {
  ADMIN,
  type Command,
  command,
  CONTAINER,
  LOADING,
  NOSCRIPT,
  STALE,
} from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, embedded, wrongArity } from "../engine/errors.ts";
import { CATEGORIES, factsOf } from "../engine/facts.ts";
import { container } from "../engine/container.ts";
import type { UserView } from "../engine/host.ts";
import { sessionOf } from "../engine/execute.ts";
import { replyField, replyTexts } from "../engine/reply.ts";

/** Flags of what any user may ask; what only administrators may ask has ADMIN, too. */
const PLAIN = NOSCRIPT | LOADING | STALE;
/**
 * Stands for a password. Redis shows its SHA-256, which we would not hand out even to an
 * administrator.
 */
const HIDDEN_PASSWORD = "(hidden)";

/** `ACL WHOAMI`: the name this connection logged in by. O(1). */
const aclWhoami = command("acl|whoami", 2, PLAIN, "", (ctx) => {
  ctx.reply.bulkText(sessionOf(ctx).user);
});

/**
 * `ACL CAT [category]`: every category, or the commands of one. Containers have none of their own:
 * their subcommands are listed. O(commands).
 */
const aclCat = command("acl|cat", -2, PLAIN, "", (ctx, argv) => {
  if (argv.count > 3) throw new CommandError(wrongArity("acl|cat"));
  if (argv.count === 2) return replyTexts(ctx.reply, CATEGORIES);
  const category = textOf(argv, 2).toLowerCase();
  if (!CATEGORIES.includes(category)) {
    throw new CommandError(`ERR Unknown category '${textOf(argv, 2)}'`);
  }
  const rows = ctx.host.commands.filter((row) =>
    (row.flags & CONTAINER) === 0 && factsOf(row).categories.includes(`@${category}`)
  );
  replyTexts(ctx.reply, rows.map(({ name }) => name));
});

/** `ACL USERS`: their names. O(users). */
const aclUsers = command("acl|users", 2, PLAIN | ADMIN, "", (ctx) => {
  replyTexts(ctx.reply, ctx.host.users().map(({ name }) => name));
});

/**
 * `ACL LIST`: every user as a line of rules, such as "user default on nopass ~* &* +@all".
 * O(users).
 */
const aclList = command("acl|list", 2, PLAIN | ADMIN, "", (ctx) => {
  replyTexts(ctx.reply, ctx.host.users().map(describeUser));
});

/** `ACL GETUSER name`: what that user may do, or null. O(users). */
const aclGetuser = command("acl|getuser", 3, PLAIN | ADMIN, "", (ctx, argv) => {
  const name = utf8(argv.bytes, argv.starts[2], argv.ends[2]);
  const user = ctx.host.users().find((candidate) => candidate.name === name);
  if (user === undefined) return ctx.reply.null();
  replyUser(ctx, user);
});

/** `ACL LOG [count|RESET]`: always empty, as INFO counts refusals and nothing lists them. O(1). */
const aclLog = command("acl|log", -2, PLAIN | ADMIN, "", (ctx, argv) => {
  if (argv.count > 3) throw new CommandError(wrongArity("acl|log"));
  if (argv.count === 3 && isWord(argv, 2, "RESET")) return ctx.reply.ok();
  if (argv.count === 3) readInteger(argv, 2);
  ctx.reply.array(0);
});

/** `ACL DELUSER name ...`: refused, as users are the application's. O(1). */
const aclDeluser = command("acl|deluser", -3, PLAIN | ADMIN, "", refuseUsers);

/** `ACL DRYRUN name command ...`: refused, as users are the application's. O(1). */
const aclDryrun = command("acl|dryrun", -4, PLAIN | ADMIN, "", refuseUsers);

/** `ACL GENPASS [bits]`: refused, as passwords are the application's. O(1). */
const aclGenpass = command("acl|genpass", -2, PLAIN, "", refuseUsers);

/** `ACL LOAD`: refused, as there is no ACL file. O(1). */
const aclLoad = command("acl|load", 2, PLAIN | ADMIN, "", refuseUsers);

/** `ACL SAVE`: refused, as there is no ACL file. O(1). */
const aclSave = command("acl|save", 2, PLAIN | ADMIN, "", refuseUsers);

/** `ACL SETUSER name [rule ...]`: refused, as users are the application's. O(1). */
const aclSetuser = command("acl|setuser", -3, PLAIN | ADMIN, "", refuseUsers);

/** The container and its subcommands. */
export const aclCommands: readonly Command[] = container("acl", [
  aclCat,
  aclDeluser,
  aclDryrun,
  aclGenpass,
  aclGetuser,
  aclList,
  aclLoad,
  aclLog,
  aclSave,
  aclSetuser,
  aclUsers,
  aclWhoami,
], [
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
]);

/** The refusal of all that would change or test users. */
function refuseUsers(): void {
  throw new CommandError(embedded("who its users are"));
}

/** A user as one line of rules, in the order and spelling of `ACL LIST`. */
function describeUser(user: UserView): string {
  const password = user.withoutPassword ? "nopass " : "";
  return `user ${user.name} on ${password}sanitize-payload ~* &* ${user.commands}`;
}

/** A user as the map ACL GETUSER answers, its fields in the order of `acl.c aclGetUser`. */
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
  replyField(reply, "commands", user.commands);
  replyField(reply, "keys", "~*");
  replyField(reply, "channels", "&*");
  reply.bulkText("selectors");
  reply.array(0);
}

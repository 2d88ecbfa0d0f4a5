/**
 * Commands that no server has and our table does not know: what the stream of a newer master looks like. A
 * `TestMaster` runs them.
 *
 * @module
 */

import { type Command, command, READONLY, WRITE } from "../../src/commands/engine/command.ts";
import type { Context } from "../../src/commands/engine/context.ts";
import { commandIndex } from "../../src/commands/table.ts";
import { Argv } from "../../src/resp/argv.ts";

/** Runs a command of our own table in the place of a new one, and sends the new one to replicas. */
function as(ctx: Context, ...args: readonly (string | Uint8Array)[]): void {
  const argv = Argv.of(...args);
  commandIndex.lookup(argv)!.run(ctx, argv);
}

/** `XAPPEND key value`: APPEND under another name. */
const xappend = command("xappend", 3, WRITE, "RW.update@1", (ctx, argv) => {
  as(ctx, "APPEND", argv.at(1), argv.at(2));
});

/** `XCOPY source target`: a string is appended to another one. */
const xcopy = command("xcopy", 3, WRITE, "RO.access@1+RW.update@2", (ctx, argv) => {
  const entry = ctx.db.find(argv.bytes, argv.starts[1], argv.ends[1]);
  as(ctx, "APPEND", argv.at(2), entry === 0 ? "none" : "some");
});

/** `XMANY numkeys key ... value`: APPEND to each key. */
const xmany = command("xmany", -4, WRITE, "RW.update@1:n", (ctx, argv) => {
  const count = Number(new TextDecoder().decode(argv.at(1)));
  for (let i = 2; i < 2 + count; i++) as(ctx, "APPEND", argv.at(i), argv.at(argv.count - 1));
});

/** `XMOVABLE key ...`: APPEND to each; its key specs say that only the server can tell. */
const xmovable = command("xmovable", -2, WRITE, "RW.update.incomplete@?", (ctx, argv) => {
  for (let i = 1; i < argv.count; i++) as(ctx, "APPEND", argv.at(i), "m");
});

/** `COMMAND GETKEYS`: knows XMOVABLE, whose arguments are all keys. */
const getKeys = command("command|getkeys", -3, 0, "", (ctx, argv) => {
  ctx.reply.array(argv.count - 3);
  for (let i = 3; i < argv.count; i++) ctx.reply.bulk(argv.bytes, argv.starts[i], argv.ends[i]);
});

/** `FAR.APPEND key value`: a module's command of which no row is known. */
const farAppend = command("far.append", 3, WRITE, "RW.update@1", (ctx, argv) => {
  as(ctx, "APPEND", argv.at(1), argv.at(2));
});

/** `FAR.INDEX`: a module's write about no key. */
const farIndex = command("far.index", 1, WRITE, "", (ctx, argv) => {
  ctx.propagateAs("FAR.INDEX", argv.at(0));
  ctx.reply.ok();
});

/** `XALL`: changes a key that it does not name. */
const xall = command("xall", 1, WRITE, "", (ctx) => as(ctx, "APPEND", "all", "x"));

/** `XLOOK key`: a read that is sent to replicas all the same. */
const xlook = command("xlook", 2, READONLY, "RO.access@1", (ctx) => {
  ctx.dirty++;
  ctx.reply.ok();
});

/** `XGHOST key`: sends replicas a command that the master itself does not know. */
const xghost = command("xghost", 2, WRITE, "RW.update@1", (ctx, argv) => {
  ctx.propagateAs("GHOST", argv.at(1), "x");
  ctx.reply.ok();
});

/** `EVAL script numkeys key value`: as a master that sends scripts as they are would run one. */
const evalRow = command("eval", -3, WRITE, "RW.access.update@2:n", (ctx, argv) => {
  if (argv.count < 5) return as(ctx, "APPEND", "undeclared", "x");
  as(ctx, "APPEND", argv.at(3), argv.at(4));
});

/** `INCR key`: appends, which our own INCR does not: it fails on text. */
const incr = command("incr", 2, WRITE, "RW.access.update@1", (ctx, argv) => {
  as(ctx, "APPEND", argv.at(1), "one more");
});

/** Every new command, and two of ours that do something else. */
export const NEW_COMMANDS: readonly Command[] = [
  xappend,
  xcopy,
  xmany,
  xmovable,
  farAppend,
  farIndex,
  getKeys,
  xall,
  xlook,
  xghost,
  evalRow,
  incr,
];

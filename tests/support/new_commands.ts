/**
 * Commands that no server has and our table does not know: what the stream of a newer master looks like. A
 * `TestMaster` runs them.
 *
 * @module
 */

import { type Command, command, READONLY, WRITE } from "../../src/commands/engine/command.ts";
import type { Context } from "../../src/commands/engine/context.ts";
import { checkType, lookup } from "../../src/commands/engine/lookup.ts";
import { commandIndex } from "../../src/commands/table.ts";
import { Argv } from "../../src/resp/argv.ts";
import { NO_EXPIRY, ValueType } from "../../src/store/memory/record.ts";
import { ARRAY_TYPE, setUnknown } from "../../src/store/types/module.ts";

/** Type of the values that a module makes of which nothing is known here. */
export const FAR_TYPE = "far-thing";

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

/** Makes a value that nobody here reads, or changes it; it keeps its expiry. */
function put(ctx: Context, argv: Argv, index: number, type: string): void {
  const entry = lookup(ctx, argv, index);
  if (entry !== 0) checkType(ctx.db, entry, ValueType.MODULE);
  const expiry = entry === 0 ? NO_EXPIRY : ctx.db.expireAtMs(entry);
  setUnknown(ctx.db, argv.bytes, argv.starts[index], argv.ends[index], type, expiry);
  ctx.changed(argv, index);
}

/** Takes an element out of such a value: with "last" behind the key the last one, and the key goes. */
function take(ctx: Context, argv: Argv): void {
  const entry = lookup(ctx, argv, 1);
  if (entry === 0) return ctx.reply.integer(0);
  checkType(ctx.db, entry, ValueType.MODULE);
  if (new TextDecoder().decode(argv.at(2)) === "last") ctx.db.removeEntry(entry);
  ctx.changed(argv, 1);
  ctx.reply.integer(1);
}

/** `FAR.PUT key`: makes or changes a value of a module that is not known here. */
const farPut = command("far.put", 2, WRITE, "RW.update@1", (ctx, argv) => {
  put(ctx, argv, 1, FAR_TYPE);
  ctx.reply.ok();
});

/** `FAR.PUTS key ...`: FAR.PUT of each; its key specs say that only the server can tell. */
const farPuts = command("far.puts", -2, WRITE, "RW.update.incomplete@?", (ctx, argv) => {
  for (let i = 1; i < argv.count; i++) put(ctx, argv, i, FAR_TYPE);
  ctx.reply.ok();
});

/** `FAR.TAKE key last|one`: takes something out of such a value. */
const farTake = command("far.take", 3, WRITE, "RW.delete@1", take);

/** `ARSET key index value`: makes an array, whose values are held without being read here. */
const arset = command("arset", -4, WRITE, "RW.update@1", (ctx, argv) => {
  put(ctx, argv, 1, ARRAY_TYPE);
  ctx.reply.ok();
});

/** `ARDEL key last|one`: takes something out of an array. */
const ardel = command("ardel", 3, WRITE, "RW.delete@1", take);

/** `XTRIMSLOTS first last`: as a node of a cluster does that has given slots away, whose keys go at once. */
const xtrimslots = command("xtrimslots", 3, WRITE, "", (ctx, argv) => {
  const [first, last] = [1, 2].map((i) => Number(new TextDecoder().decode(argv.at(i))));
  ctx.propagateAs("TRIMSLOTS", "RANGES", "1", argv.at(1), argv.at(2));
  const { slots } = ctx.keyspace;
  slots.empty([[first, last]]);
  while (!slots.sweep(1 << 16, () => {}));
  slots.forget();
  ctx.reply.ok();
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

/** Every new command, and some of ours that do something else. */
export const NEW_COMMANDS: readonly Command[] = [
  xappend,
  xcopy,
  xmany,
  xmovable,
  farAppend,
  farIndex,
  farPut,
  farPuts,
  farTake,
  arset,
  ardel,
  xtrimslots,
  getKeys,
  xall,
  xlook,
  xghost,
  evalRow,
  incr,
];

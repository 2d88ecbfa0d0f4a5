/**
 * The writes of modules as a master's stream carries them: which key each names, the type it makes, and
 * whether the key is there afterwards. Values of modules are not read here, so that a write does three things
 * at most: it makes the key, forgets the bytes of its value, or deletes it. Arrays of Redis 8 are written the
 * same way.
 *
 * Masters send these commands verbatim and only when they did something. Seen with the raw stream of Redis
 * Stack 7.4 (RedisJSON 2.8, RedisBloom 2.8, RedisTimeSeries 1.12, RediSearch 2.10):
 *
 * ```text
 *   makes    the key if it is missing; one that is there keeps its expiry     JSON.SET, BF.ADD, TS.ADD
 *   changes  a key that is there, which stays                                 JSON.ARRPOP, CMS.INCRBY
 *   touches  a key of a module: sent also when it failed at a missing or other key   FT.SUGDEL
 *   remakes  the key, without the expiry it had                               TDIGEST.MERGE
 *   deletes  the key, if the path is the root; else changes it                JSON.DEL, JSON.FORGET
 *   doubted  changes a key, and deletes it with its last element              ARDEL
 *   nothing  about an index beside the keys; a document's DEL is sent apart   FT._CREATEIFNX, FT._DROPINDEXIFX
 * ```
 *
 * A series that is compacted into another writes to that one as well: bytes of time series are never known
 * (`store/types/module.ts`).
 *
 * The rows serve a stream. COMMAND does not list them, and a client is told READONLY before one runs.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import { ARRAY_TYPE, doubt, forgetBytes, setUnknown } from "../../store/types/module.ts";
import { isWord } from "../engine/args.ts";
import { type Command, command, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, NO_SUCH_KEY, NOTHING_HELD } from "../engine/errors.ts";
import { checkType, holdsType, lookup } from "../engine/lookup.ts";

const JSON_TYPE = "ReJSON-RL";
const BLOOM_TYPE = "MBbloom--";
/** The Bloom filters of Valkey's module, which shares the names of the commands. */
const VALKEY_BLOOM_TYPE = "bloomfltr";
const CUCKOO_TYPE = "MBbloomCF";
const SKETCH_TYPE = "CMSk-TYPE";
const TOP_K_TYPE = "TopK-TYPE";
const DIGEST_TYPE = "TDIS-TYPE";
const SERIES_TYPE = "TSDB-TYPE";
const TRIE_TYPE = "trietype0";

const FIRST_KEY = "RW.update@1";
/** Keys are followed by two arguments each: JSON.MSET, TS.MADD. */
const EVERY_THIRD = "RW.update@1:-1,3";
const FIRST_TWO = "RW.update@1+RW.update@2";

/** The value of key argument `index` has changed; a missing key is made with a value of type `made`. */
function make(ctx: Context, argv: Argv, index: number, made: string): void {
  const { db } = ctx;
  const { bytes, starts, ends } = argv;
  const entry = lookup(ctx, argv, index);
  if (entry === 0) {
    setUnknown(db, bytes, starts[index], ends[index], made, NO_EXPIRY);
  } else {
    checkType(db, entry, ValueType.MODULE);
    forgetBytes(db, entry);
  }
  ctx.changed(argv, index);
}

/** The value of key argument `index` has changed. @throws {CommandError} NO_SUCH_KEY, WRONGTYPE. */
function change(ctx: Context, argv: Argv, index: number): void {
  const entry = lookup(ctx, argv, index);
  if (entry === 0) throw new CommandError(NO_SUCH_KEY);
  checkType(ctx.db, entry, ValueType.MODULE);
  forgetBytes(ctx.db, entry);
  ctx.changed(argv, index);
}

/** Rows of commands that make their first key with a value of type `made`, or change it. */
function makes(made: string, ...names: readonly string[]): Command[] {
  return names.map((name) =>
    command(name, -2, WRITE, FIRST_KEY, (ctx, argv) => make(ctx, argv, 1, made))
  );
}

/** Rows of commands that change their first key, which is there. */
function changes(...names: readonly string[]): Command[] {
  return names.map((name) =>
    command(name, -2, WRITE, FIRST_KEY, (ctx, argv) => change(ctx, argv, 1))
  );
}

/** Rows of commands that change their first key if it is of a module; masters send those that fail, too. */
function touches(...names: readonly string[]): Command[] {
  return names.map((name) =>
    command(name, -2, WRITE, FIRST_KEY, (ctx, argv) => {
      if (holdsType(ctx, argv, 1, ValueType.MODULE)) change(ctx, argv, 1);
    })
  );
}

/** Rows of commands that change their first key, and delete it when nothing is left in it. */
function doubted(...names: readonly string[]): Command[] {
  return names.map((name) =>
    command(name, -2, WRITE, FIRST_KEY, (ctx, argv) => {
      change(ctx, argv, 1);
      doubt(ctx.db, lookup(ctx, argv, 1));
      ctx.doubted?.(argv, 1);
    })
  );
}

/** A row whose keys stand at every third argument; a missing one is made with a value of type `made`. */
function makesEach(name: string, made: string): Command {
  return command(name, -4, WRITE, EVERY_THIRD, (ctx, argv) => {
    for (let i = 1; i < argv.count; i += 3) {
      const entry = lookup(ctx, argv, i);
      if (entry !== 0) checkType(ctx.db, entry, ValueType.MODULE);
    }
    for (let i = 1; i < argv.count; i += 3) make(ctx, argv, i, made);
  });
}

/** A row that changes the value of each key that stands at a third argument. */
function changesEach(name: string): Command {
  return command(name, -4, WRITE, EVERY_THIRD, (ctx, argv) => {
    for (let i = 1; i < argv.count; i += 3) {
      const entry = lookup(ctx, argv, i);
      if (entry === 0) throw new CommandError(NO_SUCH_KEY);
      checkType(ctx.db, entry, ValueType.MODULE);
    }
    for (let i = 1; i < argv.count; i += 3) change(ctx, argv, i);
  });
}

/** A row that changes the values of its first two keys. */
function changesTwo(name: string): Command {
  return command(name, -3, WRITE, FIRST_TWO, (ctx, argv) => {
    if (lookup(ctx, argv, 2) === 0) throw new CommandError(NO_SUCH_KEY);
    change(ctx, argv, 1);
    change(ctx, argv, 2);
  });
}

/** Rows of commands that change no key: definitions of indexes, which nothing here holds. NOTHING_HELD. */
function nothing(...names: readonly string[]): Command[] {
  return names.map((name) =>
    command(name, -1, WRITE, "", () => {
      throw new CommandError(NOTHING_HELD);
    })
  );
}

/** JSON.DEL and JSON.FORGET: the root is deleted with its key. No other path leads to it. */
function deleteGeneric(ctx: Context, argv: Argv): void {
  const isRoot = argv.count === 2 || isWord(argv, 2, "$") || isWord(argv, 2, ".");
  if (!isRoot) return change(ctx, argv, 1);
  const entry = lookup(ctx, argv, 1);
  if (entry === 0) throw new CommandError(NO_SUCH_KEY);
  checkType(ctx.db, entry, ValueType.MODULE);
  ctx.db.removeEntry(entry);
  ctx.changed(argv, 1);
}

/** `JSON.DEL key [path]`: deletes what is under a path. O(1). */
const jsonDel = command("json.del", -2, WRITE, FIRST_KEY, deleteGeneric);

/** `JSON.FORGET key [path]`: JSON.DEL under another name. O(1). */
const jsonForget = command("json.forget", -2, WRITE, FIRST_KEY, deleteGeneric);

/**
 * `BF.INSERT key [option ...] ITEMS item ...`: makes or changes a Bloom filter. Valkey's module sends each
 * filter it makes in this form, with a SEED, which the module of Redis does not know. O(arguments).
 */
const bfInsert = command("bf.insert", -2, WRITE, FIRST_KEY, (ctx, argv) => {
  let isValkeys = false;
  for (let i = 2; i < argv.count && !isWord(argv, i, "ITEMS"); i++) {
    isValkeys ||= isWord(argv, i, "SEED");
  }
  make(ctx, argv, 1, isValkeys ? VALKEY_BLOOM_TYPE : BLOOM_TYPE);
});

/** `TDIGEST.MERGE key n source ...`: the key holds a new digest and no longer expires. O(1). */
const tdigestMerge = command("tdigest.merge", -4, WRITE, FIRST_KEY, (ctx, argv) => {
  const entry = lookup(ctx, argv, 1);
  if (entry !== 0) checkType(ctx.db, entry, ValueType.MODULE);
  setUnknown(ctx.db, argv.bytes, argv.starts[1], argv.ends[1], DIGEST_TYPE, NO_EXPIRY);
  ctx.changed(argv, 1);
});

/** Every write that the modules of Redis Stack and Valkey, and Redis 8 for its own new types, send. */
export const moduleCommands: readonly Command[] = [
  ...makes(JSON_TYPE, "json.set", "json.merge"),
  makesEach("json.mset", JSON_TYPE),
  ...changes("json.arrappend", "json.arrinsert", "json.arrpop", "json.arrtrim", "json.clear"),
  ...changes("json.numincrby", "json.nummultby", "json.numpowby", "json.strappend", "json.toggle"),
  jsonDel,
  jsonForget,
  ...makes(BLOOM_TYPE, "bf.add", "bf.madd", "bf.reserve", "bf.loadchunk"),
  bfInsert,
  ...makes(VALKEY_BLOOM_TYPE, "bf.load"),
  ...makes(CUCKOO_TYPE, "cf.add", "cf.addnx", "cf.insert", "cf.insertnx", "cf.loadchunk"),
  ...makes(CUCKOO_TYPE, "cf.reserve"),
  ...changes("cf.del", "cf.compact"),
  ...makes(SKETCH_TYPE, "cms.initbydim", "cms.initbyprob"),
  ...changes("cms.incrby", "cms.merge"),
  ...makes(TOP_K_TYPE, "topk.reserve"),
  ...changes("topk.add", "topk.incrby"),
  ...makes(DIGEST_TYPE, "tdigest.create"),
  ...changes("tdigest.add", "tdigest.reset"),
  tdigestMerge,
  ...makes(SERIES_TYPE, "ts.create", "ts.add", "ts.incrby", "ts.decrby"),
  changesEach("ts.madd"),
  ...changes("ts.alter", "ts.del"),
  changesTwo("ts.createrule"),
  changesTwo("ts.deleterule"),
  ...makes(TRIE_TYPE, "ft.sugadd"),
  ...touches("ft.sugdel"),
  ...nothing(
    "ft.create",
    "ft._createifnx",
    "ft.alter",
    "ft._alterifnx",
    "ft.synadd",
    "ft.synupdate",
  ),
  ...nothing(
    "ft.drop",
    "ft._dropifx",
    "ft.dropindex",
    "ft._dropindexifx",
    "ft.dictadd",
    "ft.dictdel",
  ),
  ...nothing("ft.aliasadd", "ft._aliasaddifnx", "ft.aliasupdate", "ft.aliasdel", "ft._aliasdelifx"),
  ...makes(ARRAY_TYPE, "arset", "armset", "arinsert", "arring"),
  ...changes("arseek"),
  ...doubted("ardel", "ardelrange"),
];

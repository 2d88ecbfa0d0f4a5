/**
 * The commands on keys of any type and on whole databases (`db.c`): delete, rename, copy, move, list,
 * flush. Expiries are in `expire.ts`, OBJECT in `object.ts`.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { globMatch } from "../../base/glob.ts";
import type { Argv } from "../../resp/argv.ts";
import { writeBulk } from "../../resp/writer.ts";
import { FrozenKeyspace } from "../../rdb/frozen.ts";
import { copyValue, type Database, moveValue, renameKey } from "../../store/keyspace/database.ts";
import type { SnapshotHook } from "../../store/keyspace/keyspace.ts";
import { type Entry, TYPE_NAMES, ValueType } from "../../store/memory/record.ts";
import { moduleTypeOf } from "../../store/types/module_types.ts";
import { vectorSetOf } from "../../store/types/vector_set.ts";
import {
  isDbIndex,
  isWord,
  readDbIndex,
  readInt32,
  readInteger,
  sameArgument,
} from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context, type HeldRead } from "../engine/context.ts";
import {
  CommandError,
  DB_OUT_OF_RANGE,
  INVALID_FIRST_DB,
  INVALID_SECOND_DB,
  NO_SUCH_KEY,
  SAME_OBJECT,
  SYNTAX,
} from "../engine/errors.ts";
import { runInSlices } from "../engine/execute.ts";
import type { Steps } from "../engine/long_read.ts";
import { deleteExpired, isHidden, lookup, lookupIn, type Viewer } from "../engine/lookup.ts";
import { Found } from "../engine/found.ts";
import { readCursor, replyScan, SCAN_COUNT, SCAN_MOST, SCAN_STEPS } from "../engine/scan_args.ts";

/** How many keys KEYS visits between two looks at the clock: some ten microseconds. */
const KEYS_A_STEP = 64;
/** After how many expired keys RANDOMKEY on a replica replies with one of them (`db.c dbRandomKey`). */
const RANDOM_TRIES = 100;
const STAR = 0x2a;

/** Points at the bytes of the key that was read last. */
const key: BytesRef = new BytesRef();

/** Reports a change of key argument `index` in the database of that number. */
function changedIn(ctx: Context, dbIndex: number, argv: Argv, index: number): void {
  ctx.modified(dbIndex, argv.bytes, argv.starts[index], argv.ends[index]);
}

/**
 * DEL and UNLINK. Redis's UNLINK frees large values in another thread; here both only give the memory back
 * to its pool, which is O(1) for every value but a large one.
 */
function delGeneric(ctx: Context, argv: Argv): void {
  const { bytes, starts, ends } = argv;
  let deleted = 0;
  for (let i = 1; i < argv.count; i++) {
    // On a stand-alone master the lookup deletes an expired key, which then is not counted. The master's
    // stream counts every key that is in the table.
    if (ctx.caller === Caller.MASTER_CLIENT && lookup(ctx, argv, i) === 0) continue;
    if (!ctx.db.remove(bytes, starts[i], ends[i])) continue;
    deleted++;
    changedIn(ctx, ctx.dbIndex, argv, i);
  }
  ctx.dirty += deleted;
  ctx.reply.integer(deleted);
}

/** `DEL key [key ...]`: removes keys and replies with how many were removed. O(n). */
const del = command("del", -2, WRITE, "RM.delete@1:-1", delGeneric);

/** `UNLINK key [key ...]`: DEL under the name that promises not to block. O(n). */
const unlink = command("unlink", -2, WRITE | FAST, "RM.delete@1:-1", delGeneric);

/** EXISTS and TOUCH. In Redis TOUCH also updates the access time for eviction, which is not kept here. */
function countGeneric(ctx: Context, argv: Argv): void {
  let count = 0;
  for (let i = 1; i < argv.count; i++) if (lookup(ctx, argv, i) !== 0) count++;
  ctx.reply.integer(count);
}

/** `EXISTS key [key ...]`: how many of the keys exist; one that is named twice counts twice. O(n). */
const exists = command("exists", -2, READONLY | FAST, "RO@1:-1", countGeneric);

/** `TOUCH key [key ...]`: how many of the keys exist. O(n). */
const touch = command("touch", -2, READONLY | FAST, "RO@1:-1", countGeneric);

/** `TYPE key`: the name of the value's type, "none" when the key is missing. O(1). */
const type = command("type", 2, READONLY | FAST, "RO@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1);
  ctx.reply.simple(entry === 0 ? "none" : typeName(ctx.db, entry));
});

/** The name TYPE replies with for an entry: for a module's value the name of the module's type. */
function typeName(db: Database, entry: Entry): string {
  return moduleTypeOf(db, entry) ?? TYPE_NAMES[db.typeOf(entry)];
}

/** Whether a pattern is `*`, which every key matches: such keys are not compared with it. */
function fitsAll(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 1 && bytes[start] === STAR;
}

/**
 * KEYS over several turns of the event loop. It answers one state of the data: keys that are about to change are
 * looked at first, and keys made since it began are none of its.
 */
class KeysWalk implements HeldRead, SnapshotHook {
  readonly db: Database;
  readonly dbIndex: number;
  readonly nowMs: number;
  readonly #viewer: Viewer;
  readonly #found: Found;
  readonly #frozen: FrozenKeyspace;
  readonly #look: (entry: Entry) => boolean;
  #seen: number = 0;

  constructor(ctx: Context, pattern: Uint8Array) {
    const { db, dbIndex, nowMs, caller, keyspace } = ctx;
    this.db = db;
    this.dbIndex = dbIndex;
    this.nowMs = nowMs;
    this.#viewer = { nowMs, caller, keyspace };
    this.#found = new Found(fitsAll(pattern, 0, pattern.length) ? undefined : pattern);
    this.#frozen = new FrozenKeyspace(keyspace, [dbIndex]);
    this.#look = (entry) => {
      this.#seen++;
      this.#take(this.#frozen.databases[0].db, entry);
      return true;
    };
  }

  /** Visits all keys, decides about those put off, and replies. */
  *work(ctx: Context): Steps {
    const [frozen] = this.#frozen.databases;
    while (!frozen.done) {
      this.#seen = 0;
      this.#found.refill();
      while (!frozen.done && this.#seen < KEYS_A_STEP) frozen.step(this.#look);
      yield;
    }
    this.release();
    while (!this.#found.decide()) yield;
    yield* this.#found.reply(ctx.reply, 1);
  }

  hold(): void {
    // Between two slices the walk may be over and the reply be on its way.
    if (!this.#frozen.databases[0].done) this.#viewer.keyspace.snapshotHooks.add(this);
  }

  release(): void {
    this.#viewer.keyspace.snapshotHooks.delete(this);
    this.#frozen.finish();
  }

  beforeKeyWrite(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    const frozen = this.#frozen.at(dbIndex);
    const entry = frozen === undefined ? 0 : frozen.take(bytes, start, end);
    if (frozen !== undefined && entry !== 0) this.#take(frozen.db, entry);
  }

  afterClear(dbIndex: number, kept: Database): void {
    this.#frozen.afterClear(dbIndex, kept);
  }

  beforeSwap(a: number, b: number): void {
    this.#frozen.beforeSwap(a, b);
  }

  #take(db: Database, entry: Entry): void {
    if (isHidden(this.#viewer, db, entry)) return;
    db.keyRef(entry, key);
    if (!this.#found.takes(key.bytes, key.start, key.end)) return;
    writeBulk(this.#found.out, key.bytes, key.start, key.end);
  }
}

/** `KEYS pattern`: all keys that match. O(n). */
const keys = command("keys", 2, READONLY, "", (ctx, argv) => {
  const walk = new KeysWalk(ctx, argv.at(1).slice());
  const steps = walk.work(ctx);
  runInSlices(ctx, () => steps.next().done === true, walk);
});

/** The options of SCAN (`db.c scanGenericCommand`). */
class ScanQuery {
  /** Index of MATCH's argument; 0 when every key matches. */
  patternIndex: number = 0;
  /** A {@linkcode ValueType}; -1 for any type, -2 for a name that at most a module's type has. */
  type: number = -1;
  /** Index of TYPE's argument; 0 without one. */
  typeIndex: number = 0;
  /** COUNT: about how many keys are visited. */
  count: number = SCAN_COUNT;

  /** @throws {CommandError} When an option is unknown, incomplete or not positive. */
  constructor(argv: Argv) {
    for (let i = 2; i < argv.count; i += 2) {
      const hasNext = i + 1 < argv.count;
      if (hasNext && isWord(argv, i, "COUNT")) {
        this.count = readInteger(argv, i + 1);
        if (this.count < 1) throw new CommandError(SYNTAX);
      } else if (hasNext && isWord(argv, i, "MATCH")) {
        this.patternIndex = i + 1;
      } else if (hasNext && isWord(argv, i, "TYPE")) {
        this.type = typeNumber(argv, i + 1);
        this.typeIndex = i + 1;
      } else throw new CommandError(SYNTAX);
    }
    const { bytes, starts, ends } = argv;
    const index = this.patternIndex;
    if (index !== 0 && fitsAll(bytes, starts[index], ends[index])) this.patternIndex = 0;
  }
}

/** The type that argument `index` names, -2 for none of Redis's own. */
function typeNumber(argv: Argv, index: number): number {
  for (let i = 0; i < TYPE_NAMES.length; i++) {
    // "module" is no name of a type on the wire: modules have their own.
    if (i === ValueType.MODULE) continue;
    if (isWord(argv, index, TYPE_NAMES[i].toUpperCase())) return i;
  }
  return -2;
}

/** Whether an entry's type is the one SCAN's TYPE names. */
function isOfType(db: Database, entry: Entry, argv: Argv, { type, typeIndex }: ScanQuery): boolean {
  if (type !== -2) return db.typeOf(entry) === type;
  if (db.typeOf(entry) !== ValueType.MODULE) return false;
  return isWord(argv, typeIndex, typeName(db, entry).toUpperCase());
}

/**
 * Walks buckets from `cursor` on and fills `found`. The walk ends after COUNT matches, COUNT
 * times SCAN_STEPS buckets or SCAN_MOST keys, whichever comes first: a client cannot hold the event loop by
 * a large COUNT.
 *
 * @param expired Filled with keys that a stand-alone master deletes after the reply.
 * @returns The next cursor, 0 at the end.
 */
function gather(
  ctx: Context,
  argv: Argv,
  query: ScanQuery,
  cursor: number,
  pattern: Uint8Array | undefined,
  found: Found,
  expired: Uint8Array[],
): number {
  const { db } = ctx;
  let seen = 0;
  const look = (entry: Entry) => {
    seen++;
    if (query.type !== -1 && !isOfType(db, entry, argv, query)) return;
    db.keyRef(entry, key);
    if (isHidden(ctx, db, entry)) {
      if (ctx.caller !== Caller.MASTER_CLIENT) return;
      if (pattern !== undefined && !globMatch(pattern, key.bytes, key.start, key.end)) return;
      expired.push(key.bytes.slice(key.start, key.end));
    } else if (found.takes(key.bytes, key.start, key.end)) {
      writeBulk(found.out, key.bytes, key.start, key.end);
    }
  };
  let steps = Math.min(query.count, SCAN_MOST) * SCAN_STEPS;
  do cursor = db.scan(cursor, look); while (
    cursor !== 0 && --steps > 0 && found.count < query.count && seen < SCAN_MOST
  );
  return cursor;
}

/** `SCAN cursor [MATCH pattern] [COUNT n] [TYPE name]`: the next cursor and an array of keys. O(COUNT). */
const scan = command("scan", -2, READONLY, "", (ctx, argv) => {
  const from = readCursor(argv, 1);
  const query = new ScanQuery(argv);
  const { db } = ctx;
  const pattern = query.patternIndex === 0 ? undefined : argv.at(query.patternIndex).slice();
  const found = new Found(pattern);
  const expired: Uint8Array[] = [];
  const cursor = gather(ctx, argv, query, from, pattern, found, expired);
  for (const bytes of expired) {
    const entry = db.find(bytes, 0, bytes.length);
    if (entry !== 0) deleteExpired(ctx, db, ctx.dbIndex, entry);
  }
  replyScan(ctx, cursor, found, 1);
});

/**
 * An entry drawn at random, 0 when the database is empty. A replica may not delete expired keys: after
 * RANDOM_TRIES of them it gives one back, as Redis does, so that a database of expired keys ends the
 * search.
 */
function randomEntry(ctx: Context): Entry {
  const { db } = ctx;
  for (let tries = 1;; tries++) {
    const { slots } = ctx.keyspace;
    const entry = slots.hiding ? slots.randomVisible(db, ctx.random) : db.randomEntry(ctx.random);
    if (entry === 0 || !isHidden(ctx, db, entry)) return entry;
    if (ctx.caller === Caller.MASTER_CLIENT) deleteExpired(ctx, db, ctx.dbIndex, entry);
    else if (tries >= RANDOM_TRIES) return entry;
  }
}

/** `RANDOMKEY`: a key drawn at random, null when the database is empty. O(1). */
const randomkey = command("randomkey", 1, READONLY, "", (ctx) => {
  const entry = randomEntry(ctx);
  if (entry === 0) return ctx.reply.null();
  ctx.db.keyRef(entry, key);
  ctx.reply.bulk(key.bytes, key.start, key.end);
});

/**
 * RENAME and RENAMENX (`db.c renameGenericCommand`). The value moves with its expiry and replaces what the
 * new name held.
 *
 * @returns False when `nx` and the new name exists. A rename to the same name changes nothing: true, false
 * with `nx`.
 * @throws {CommandError} NO_SUCH_KEY when the old name is missing.
 */
function renameGeneric(ctx: Context, argv: Argv, nx: boolean): boolean {
  if (lookup(ctx, argv, 1) === 0) throw new CommandError(NO_SUCH_KEY);
  if (sameArgument(argv, 1, 2)) return !nx;
  if (lookup(ctx, argv, 2) !== 0 && nx) return false;
  // Looked up again: the lookup of the new name may have deleted it, which moves entries.
  const source = lookup(ctx, argv, 1);
  renameKey(ctx.db, source, argv.bytes, argv.starts[2], argv.ends[2]);
  ctx.dirty++;
  changedIn(ctx, ctx.dbIndex, argv, 1);
  changedIn(ctx, ctx.dbIndex, argv, 2);
  return true;
}

/** `RENAME key newkey`: renames a key, over whatever the new name holds, and replies OK. O(1). */
const rename = command("rename", 3, WRITE, "RW.access.delete@1+OW.update@2", (ctx, argv) => {
  renameGeneric(ctx, argv, false);
  ctx.reply.ok();
});

/** `RENAMENX key newkey`: renames to a name that is missing and replies 1, else 0. O(1). */
const renamenx = command(
  "renamenx",
  3,
  WRITE | FAST,
  "RW.access.delete@1+OW.insert@2",
  (ctx, argv) => ctx.reply.integer(renameGeneric(ctx, argv, true) ? 1 : 0),
);

/** Copies the value and expiry of key argument 1 to key argument `to` of the database of that number. */
function copyEntry(ctx: Context, argv: Argv, dbIndex: number, to: number): void {
  const source = lookup(ctx, argv, 1);
  const { bytes, starts, ends } = argv;
  const target = ctx.keyspace.db(dbIndex);
  copyValue(ctx.db, source, target, bytes, starts[to], ends[to], ctx.db.expireAtMs(source));
  ctx.dirty++;
  changedIn(ctx, dbIndex, argv, to);
}

/**
 * `COPY source destination [DB index] [REPLACE]`: copies value and expiry. Replies 1 when it did, else 0.
 * O(n) in the value.
 */
const copy = command("copy", -3, WRITE | DENYOOM, "RO.access@1+OW.update@2", (ctx, argv) => {
  let replace = false;
  let dbIndex = ctx.dbIndex;
  for (let i = 3; i < argv.count; i++) {
    if (isWord(argv, i, "REPLACE")) replace = true;
    else if (isWord(argv, i, "DB") && i + 1 < argv.count) dbIndex = readDbIndex(ctx, argv, ++i);
    else throw new CommandError(SYNTAX);
  }
  if (dbIndex === ctx.dbIndex && sameArgument(argv, 1, 2)) throw new CommandError(SAME_OBJECT);
  if (lookup(ctx, argv, 1) === 0) return ctx.reply.integer(0);
  const taken = lookupIn(ctx, ctx.keyspace.db(dbIndex), dbIndex, argv, 2) !== 0;
  if (taken && !replace) return ctx.reply.integer(0);
  // A master that sent it has copied; one of Redis 8 refuses.
  const isRefused = ctx.caller !== Caller.MASTER_STREAM &&
    vectorSetOf(ctx.db, lookup(ctx, argv, 1)) !== undefined;
  if (isRefused) throw new CommandError("ERR not supported for this module key");
  copyEntry(ctx, argv, dbIndex, 2);
  ctx.reply.integer(1);
});

/**
 * Puts the value of key argument 1 under the same name in another database. A large value changes hands
 * uncopied.
 */
function moveEntry(ctx: Context, argv: Argv, dbIndex: number): void {
  const { db } = ctx;
  const source = lookup(ctx, argv, 1);
  const { bytes, starts, ends } = argv;
  moveValue(db, source, ctx.keyspace.db(dbIndex), bytes, starts[1], ends[1]);
  ctx.dirty++;
  changedIn(ctx, dbIndex, argv, 1);
}

/**
 * `MOVE key db`: moves a key to another database and replies 1; 0 when the key is missing here or exists
 * there. O(1).
 */
const move = command("move", 3, WRITE | FAST, "RW.access.update@1", (ctx, argv) => {
  const dbIndex = readDbIndex(ctx, argv, 2);
  if (dbIndex === ctx.dbIndex) throw new CommandError(SAME_OBJECT);
  if (lookup(ctx, argv, 1) === 0) return ctx.reply.integer(0);
  const target = ctx.keyspace.db(dbIndex);
  if (lookupIn(ctx, target, dbIndex, argv, 1) !== 0) return ctx.reply.integer(0);
  moveEntry(ctx, argv, dbIndex);
  ctx.db.remove(argv.bytes, argv.starts[1], argv.ends[1]);
  changedIn(ctx, ctx.dbIndex, argv, 1);
  ctx.reply.integer(1);
});

/** `SWAPDB a b`: exchanges the contents of two databases for all clients and replies OK. O(1). */
const swapdb = command("swapdb", 3, WRITE | FAST, "", (ctx, argv) => {
  const a = readInt32(argv, 1, INVALID_FIRST_DB);
  const b = readInt32(argv, 2, INVALID_SECOND_DB);
  if (!isDbIndex(ctx, a) || !isDbIndex(ctx, b)) throw new CommandError(DB_OUT_OF_RANGE);
  ctx.keyspace.swap(a, b);
  ctx.dirty++;
  if (a !== b) ctx.modifiedAll({ kind: "swap", a, b });
  ctx.reply.ok();
});

/**
 * Checks FLUSHDB's and FLUSHALL's argument. ASYNC and SYNC do the same here: the databases are dropped at
 * once and the garbage collector frees their memory later.
 */
function checkFlush(argv: Argv): void {
  if (argv.count === 1) return;
  const fits = argv.count === 2 && (isWord(argv, 1, "ASYNC") || isWord(argv, 1, "SYNC"));
  if (!fits) throw new CommandError(SYNTAX);
}

/**
 * `FLUSHDB [ASYNC|SYNC]`: empties the selected database and replies OK. It is propagated even when nothing
 * was there. O(1).
 */
const flushdb = command("flushdb", -1, WRITE, "", (ctx, argv) => {
  checkFlush(argv);
  ctx.keyspace.clearDb(ctx.dbIndex);
  ctx.dirty++;
  ctx.modifiedAll({ kind: "flush", db: ctx.dbIndex });
  ctx.reply.ok();
});

/** `FLUSHALL [ASYNC|SYNC]`: empties every database and replies OK. O(databases). */
const flushall = command("flushall", -1, WRITE, "", (ctx, argv) => {
  checkFlush(argv);
  ctx.keyspace.clear();
  ctx.dirty++;
  ctx.modifiedAll({ kind: "flush", db: -1 });
  ctx.reply.ok();
});

/**
 * `DBSIZE`: the number of keys in the selected database, expired ones that wait for deletion included.
 * O(1).
 */
const dbsize = command(
  "dbsize",
  1,
  READONLY | FAST,
  "",
  (ctx) => ctx.reply.integer(ctx.db.visibleSize),
);

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const genericCommands: readonly Command[] = [
  del,
  unlink,
  exists,
  touch,
  type,
  keys,
  scan,
  randomkey,
  rename,
  renamenx,
  copy,
  move,
  swapdb,
  flushdb,
  flushall,
  dbsize,
];

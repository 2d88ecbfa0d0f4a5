/**
 * Unions, intersections and differences of sets.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { type Database, moveValue } from "../../store/keyspace/database.ts";
import { Encoding, type Entry, ValueType } from "../../store/memory/record.ts";
import { Records } from "../../store/memory/records.ts";
import {
  setAdd,
  setCreate,
  setEach,
  setHas,
  setLength,
  setRemove,
  setUnpack,
} from "../../store/types/set.ts";
import type { SetVisitor } from "../../store/types/set_table.ts";
import { isWord, readInteger, readPositive } from "../engine/args.ts";
import { type Command, command, DENYOOM, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  CommandError,
  LIMIT_NEGATIVE,
  NUMKEYS_POSITIVE,
  SYNTAX,
  TOO_MANY_KEYS,
} from "../engine/errors.ts";
import { lookup } from "../engine/lookup.ts";
import { storeNothing } from "../engine/destination.ts";

const NO_KEY = new Uint8Array(0);

/** A result in the making, under the empty key of a database of its own: no source is touched. */
class Result {
  readonly db: Database;
  entry: Entry;

  constructor(ctx: Context, encoding: Encoding) {
    this.db = new Records(ctx.db.settings);
    this.entry = setCreate(this.db, NO_KEY, 0, 0, encoding);
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.entry = setAdd(this.db, this.entry, bytes, start, end);
  }

  remove(bytes: Uint8Array, start: number, end: number): void {
    this.entry = setRemove(this.db, this.entry, bytes, start, end);
  }

  get length(): number {
    return setLength(this.db, this.entry);
  }

  reply(ctx: Context): void {
    ctx.reply.set(this.length);
    setEach(this.db, this.entry, (bytes, start, end) => ctx.reply.bulk(bytes, start, end));
  }

  /** In place of all that the key of argument 1 had. */
  store(ctx: Context, argv: Argv): void {
    const { bytes, starts, ends } = argv;
    if (this.length === 0) return storeNothing(ctx, argv, 1);
    const [from, to] = [starts[1], ends[1]];
    moveValue(this.db, this.entry, ctx.db, bytes, from, to);
    ctx.dirty++;
    ctx.modified(ctx.dbIndex, bytes, from, to);
    ctx.reply.integer(this.length);
  }
}

/** The sets arguments `[first, end)` name, 0 for none. */
function lookupAll(ctx: Context, argv: Argv, first: number, end: number): Entry[] {
  const entries: Entry[] = [];
  for (let i = first; i < end; i++) entries.push(lookup(ctx, argv, i, ValueType.SET));
  // Looking may delete what has expired, and so move what was found before.
  if (ctx.caller === Caller.MASTER_CLIENT) {
    for (let i = first; i < end; i++) entries[i - first] = lookup(ctx, argv, i, ValueType.SET);
  }
  return entries;
}

/** Visits the members all sets have, in the order of the smallest; false from `visit` ends it. */
function eachShared(
  ctx: Context,
  entries: readonly Entry[],
  visit: (bytes: Uint8Array, start: number, end: number) => boolean,
): void {
  const { db } = ctx;
  const [first, ...others] = sortedBySize(ctx, entries);
  let goesOn = true;
  setEach(db, first, (bytes, start, end) => {
    if (!goesOn) return;
    for (const other of others) if (!setHas(db, other, bytes, start, end)) return;
    goesOn = visit(bytes, start, end);
  });
}

function sortedBySize(ctx: Context, entries: readonly Entry[]): Entry[] {
  return [...entries].sort((a, b) => setLength(ctx.db, a) - setLength(ctx.db, b));
}

/** An intersection: an intset when its smallest source is one, else begun as a listpack. */
function intersectionOf(ctx: Context, entries: readonly Entry[]): Result {
  const smallest = ctx.db.encodingOf(sortedBySize(ctx, entries)[0]);
  const result = new Result(
    ctx,
    smallest === Encoding.INTSET ? Encoding.INTSET : Encoding.LISTPACK,
  );
  eachShared(ctx, entries, (bytes, start, end) => {
    result.add(bytes, start, end);
    return true;
  });
  result.entry = setUnpack(result.db, result.entry);
  return result;
}

/** `SINTER key [key ...]`: members that all have. O(n * m). */
const sinter = command("sinter", -2, READONLY, "RO.access@1:-1", (ctx, argv) => {
  const entries = lookupAll(ctx, argv, 1, argv.count);
  if (entries.includes(0)) return ctx.reply.set(0);
  const mark = ctx.reply.beginDeferred();
  let count = 0;
  eachShared(ctx, entries, (bytes, start, end) => {
    ctx.reply.bulk(bytes, start, end);
    count++;
    return true;
  });
  ctx.reply.endDeferred(mark, "set", count);
});

/** `SINTERSTORE destination key [key ...]`: SINTER, kept. O(n * m). */
const sinterstore = command(
  "sinterstore",
  -3,
  WRITE | DENYOOM,
  "OW.update@1+RO.access@2:-1",
  (ctx, argv) => {
    const entries = lookupAll(ctx, argv, 2, argv.count);
    if (entries.includes(0)) return storeNothing(ctx, argv, 1);
    intersectionOf(ctx, entries).store(ctx, argv);
  },
);

/** `SINTERCARD numkeys key [key ...] [LIMIT limit]`: how many members all have. O(n * m). */
const sintercard = command(
  "sintercard",
  -3,
  READONLY,
  "RO.access@1:n",
  (ctx, argv) => {
    const count = readPositive(argv, 1, NUMKEYS_POSITIVE);
    if (count > argv.count - 2) throw new CommandError(TOO_MANY_KEYS);
    let limit = 0;
    for (let i = 2 + count; i < argv.count; i += 2) {
      if (!isWord(argv, i, "LIMIT") || i + 1 === argv.count) throw new CommandError(SYNTAX);
      limit = readInteger(argv, i + 1, LIMIT_NEGATIVE);
      if (limit < 0) throw new CommandError(LIMIT_NEGATIVE);
    }
    const entries = lookupAll(ctx, argv, 2, 2 + count);
    if (entries.includes(0)) return ctx.reply.integer(0);
    let shared = 0;
    eachShared(ctx, entries, () => ++shared !== limit);
    ctx.reply.integer(shared);
  },
);

/** How SUNION and SDIFF hold what they reply with: sorted only where every source is an intset. */
function scratchEncoding(ctx: Context, entries: readonly Entry[]): Encoding {
  const isInts = (entry: Entry) => entry === 0 || ctx.db.encodingOf(entry) === Encoding.INTSET;
  return entries.every(isInts) ? Encoding.INTSET : Encoding.HASHTABLE;
}

function unionOf(ctx: Context, entries: readonly Entry[], encoding: Encoding): Result {
  const result = new Result(ctx, encoding);
  const add: SetVisitor = (bytes, start, end) => result.add(bytes, start, end);
  for (const entry of entries) if (entry !== 0) setEach(ctx.db, entry, add);
  return result;
}

/** Whether `t_set.c` takes the others' members away, which may leave a larger form than their absence would. */
function isLookingDearer(ctx: Context, first: Entry, others: readonly Entry[]): boolean {
  const length = setLength(ctx.db, first);
  let looking = length;
  let taking = length;
  for (const other of others) {
    if (other === 0) continue;
    looking += length;
    taking += setLength(ctx.db, other);
  }
  return Math.floor(looking / 2) > taking;
}

function differenceOf(ctx: Context, entries: readonly Entry[], encoding: Encoding): Result {
  const result = new Result(ctx, encoding);
  const [first, ...others] = entries;
  if (first === 0 || others.includes(first)) return result;
  const there = others.filter((entry) => entry !== 0);
  if (isLookingDearer(ctx, first, others)) {
    setEach(ctx.db, first, (bytes, start, end) => result.add(bytes, start, end));
    for (const other of there) {
      setEach(ctx.db, other, (bytes, start, end) => result.remove(bytes, start, end));
    }
    return result;
  }
  setEach(ctx.db, first, (bytes, start, end) => {
    for (const other of there) if (setHas(ctx.db, other, bytes, start, end)) return;
    result.add(bytes, start, end);
  });
  return result;
}

/** `SUNION key [key ...]`: members that any has. O(n). */
const sunion = command("sunion", -2, READONLY, "RO.access@1:-1", (ctx, argv) => {
  const entries = lookupAll(ctx, argv, 1, argv.count);
  unionOf(ctx, entries, scratchEncoding(ctx, entries)).reply(ctx);
});

/** `SUNIONSTORE destination key [key ...]`: SUNION, kept. O(n). */
const sunionstore = command(
  "sunionstore",
  -3,
  WRITE | DENYOOM,
  "OW.update@1+RO.access@2:-1",
  (ctx, argv) => {
    const entries = lookupAll(ctx, argv, 2, argv.count);
    unionOf(ctx, entries, Encoding.INTSET).store(ctx, argv);
  },
);

/** `SDIFF key [key ...]`: members of the first that no other has. O(n). */
const sdiff = command("sdiff", -2, READONLY, "RO.access@1:-1", (ctx, argv) => {
  const entries = lookupAll(ctx, argv, 1, argv.count);
  differenceOf(ctx, entries, scratchEncoding(ctx, entries)).reply(ctx);
});

/** `SDIFFSTORE destination key [key ...]`: SDIFF, kept. O(n). */
const sdiffstore = command(
  "sdiffstore",
  -3,
  WRITE | DENYOOM,
  "OW.update@1+RO.access@2:-1",
  (ctx, argv) => {
    const entries = lookupAll(ctx, argv, 2, argv.count);
    differenceOf(ctx, entries, Encoding.INTSET).store(ctx, argv);
  },
);

/** `SMEMBERS key`: every member. O(n). */
const smembers = command("smembers", 2, READONLY, "RO.access@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.SET);
  ctx.reply.set(entry === 0 ? 0 : setLength(ctx.db, entry));
  if (entry === 0) return;
  setEach(ctx.db, entry, (bytes, start, end) => ctx.reply.bulk(bytes, start, end));
});

/** The rows. */
export const setAlgebraCommands: readonly Command[] = [
  smembers,
  sinter,
  sinterstore,
  sintercard,
  sunion,
  sunionstore,
  sdiff,
  sdiffstore,
];

/**
 * Intersections, unions and differences of sets (`sinterGenericCommand` and
 * `sunionDiffGenericCommand` of `t_set.c`), and SMEMBERS, which Redis treats as a SINTER of one
 * set.
 *
 * The form of a stored result, and the order in which members are replied, follow from how Redis
 * computes it: an intersection walks the smallest set, a difference takes one of two ways by their
 * cost. So each is done as there.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
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

/**
 * A result that is being computed. It is the set of the empty key in a database of its own, so
 * sources stay where they are while it grows, one of which may be the destination.
 */
class Result {
  /**
   * A database with the limits of the selected one: they decide when the result changes its form.
   */
  readonly db: Database;
  /** The set, which moves as it grows. */
  entry: Entry;

  /** Begins with an empty set of that form; adding converts it as it does any set. */
  constructor(ctx: Context, encoding: Encoding) {
    this.db = new Records(ctx.db.settings);
    this.entry = setCreate(this.db, NO_KEY, 0, 0, encoding);
  }

  /** Adds a member unless the result has it. */
  add(bytes: Uint8Array, start: number, end: number): void {
    this.entry = setAdd(this.db, this.entry, bytes, start, end);
  }

  /** Removes a member if the result has it. */
  remove(bytes: Uint8Array, start: number, end: number): void {
    this.entry = setRemove(this.db, this.entry, bytes, start, end);
  }

  /** The number of members that the result has by now. */
  get length(): number {
    return setLength(this.db, this.entry);
  }

  /** Replies with all members, a set in RESP3. */
  reply(ctx: Context): void {
    ctx.reply.set(this.length);
    setEach(this.db, this.entry, (bytes, start, end) => ctx.reply.bulk(bytes, start, end));
  }

  /**
   * Stores the result under the key of argument 1, whatever that held, and replies with its length.
   */
  store(ctx: Context, argv: Argv): void {
    const { length } = this;
    if (length === 0) return storeNothing(ctx, argv, 1);
    moveValue(this.db, this.entry, ctx.db, argv.bytes, argv.starts[1], argv.ends[1]);
    ctx.changed(argv, 1);
    ctx.reply.integer(length);
  }
}

/**
 * The sets that arguments `[first, end)` name, 0 for a missing one. All of them are looked up, so
 * that a key of another type is an error behind a missing one, too.
 */
function lookupAll(ctx: Context, argv: Argv, first: number, end: number): Entry[] {
  const entries: Entry[] = [];
  for (let i = first; i < end; i++) entries.push(lookup(ctx, argv, i, ValueType.SET));
  // On a stand-alone master a lookup may delete an expired key and so move the records found before
  // it.
  if (ctx.caller === Caller.MASTER_CLIENT) {
    for (let i = first; i < end; i++) entries[i - first] = lookup(ctx, argv, i, ValueType.SET);
  }
  return entries;
}

/**
 * Visits the members that all sets have, in the order of the smallest; `visit` answers false to
 * stop.
 */
function eachShared(
  ctx: Context,
  entries: readonly Entry[],
  visit: (bytes: Uint8Array, start: number, end: number) => boolean,
): void {
  const { db } = ctx;
  assert(entries.length > 0 && !entries.includes(0), "every set of an intersection exists");
  const [first, ...others] = sortedBySize(ctx, entries);
  let goesOn = true;
  setEach(db, first, (bytes, start, end) => {
    if (!goesOn) return;
    for (const other of others) if (!setHas(db, other, bytes, start, end)) return;
    goesOn = visit(bytes, start, end);
  });
}

/**
 * The sets by length, the smallest first: it bounds the intersection
 * (`qsortCompareSetsByCardinality`).
 */
function sortedBySize(ctx: Context, entries: readonly Entry[]): Entry[] {
  return [...entries].sort((a, b) => setLength(ctx.db, a) - setLength(ctx.db, b));
}

/**
 * The intersection of sets, all of which exist. It begins as an intset when the smallest set is
 * one, else as a listpack; a listpack of integers becomes an intset at the end, as in Redis
 * (`maybeConvertToIntset`).
 */
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

/**
 * `SINTER key [key ...]`: the members that all sets have. O(n * m), n the length of the smallest
 * set.
 */
const sinter = command("sinter", -2, READONLY, "RO.access@1:-1", (ctx, argv) => {
  const entries = lookupAll(ctx, argv, 1, argv.count);
  if (entries.includes(0)) return ctx.reply.set(0);
  // The length is known only at the end: SINTER stores nothing, it replies as it finds.
  const mark = ctx.reply.beginDeferred();
  let count = 0;
  eachShared(ctx, entries, (bytes, start, end) => {
    ctx.reply.bulk(bytes, start, end);
    count++;
    return true;
  });
  ctx.reply.endDeferred(mark, "set", count);
});

/**
 * `SINTERSTORE destination key [key ...]`: stores what SINTER gives; the number of members. O(n *
 * m).
 */
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

/**
 * `SINTERCARD numkeys key [key ...] [LIMIT limit]`: the number of members that all sets have,
 * counted up to the limit, which 0 turns off. O(n * m).
 */
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

/**
 * The form of a result that is only replied: an intset, which is sorted, where every source is one,
 * as in Redis. A table else: nobody sees its form, and it never has to be converted.
 */
function scratchEncoding(ctx: Context, entries: readonly Entry[]): Encoding {
  const isInts = (entry: Entry) => entry === 0 || ctx.db.encodingOf(entry) === Encoding.INTSET;
  return entries.every(isInts) ? Encoding.INTSET : Encoding.HASHTABLE;
}

/** The union of sets, 0 for missing ones; it begins in the form `encoding`. */
function unionOf(ctx: Context, entries: readonly Entry[], encoding: Encoding): Result {
  const result = new Result(ctx, encoding);
  const add: SetVisitor = (bytes, start, end) => result.add(bytes, start, end);
  for (const entry of entries) if (entry !== 0) setEach(ctx.db, entry, add);
  return result;
}

/**
 * Whether a difference is computed by copying the first set and removing the members of the others,
 * Redis's algorithm 2; else each member of the first is looked for in all others, algorithm 1. The
 * cost of 1 is the first's length times the number of sets, halved since most lookups end early;
 * that of 2 is the length of all sets together.
 */
function removesOthers(ctx: Context, first: Entry, others: readonly Entry[]): boolean {
  const length = setLength(ctx.db, first);
  let lookups = length;
  let removals = length;
  for (const other of others) {
    if (other === 0) continue;
    lookups += length;
    removals += setLength(ctx.db, other);
  }
  return Math.floor(lookups / 2) > removals;
}

/**
 * The members of the first set that no other has. The two algorithms give the same members, but
 * algorithm 2 may leave a larger form: it holds all members of the first for a while.
 */
function differenceOf(ctx: Context, entries: readonly Entry[], encoding: Encoding): Result {
  const result = new Result(ctx, encoding);
  const [first, ...others] = entries;
  // A set minus itself is empty: no member has to be looked at.
  if (first === 0 || others.includes(first)) return result;
  const there = others.filter((entry) => entry !== 0);
  if (removesOthers(ctx, first, others)) {
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

/**
 * `SUNION key [key ...]`: the members that any set has. O(n), n the length of all sets together.
 */
const sunion = command("sunion", -2, READONLY, "RO.access@1:-1", (ctx, argv) => {
  const entries = lookupAll(ctx, argv, 1, argv.count);
  unionOf(ctx, entries, scratchEncoding(ctx, entries)).reply(ctx);
});

/**
 * `SUNIONSTORE destination key [key ...]`: stores what SUNION gives; the number of members. O(n).
 */
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

/**
 * `SDIFF key [key ...]`: the members of the first set that no other has. O(n), n the length of all
 * sets together.
 */
const sdiff = command("sdiff", -2, READONLY, "RO.access@1:-1", (ctx, argv) => {
  const entries = lookupAll(ctx, argv, 1, argv.count);
  differenceOf(ctx, entries, scratchEncoding(ctx, entries)).reply(ctx);
});

/** `SDIFFSTORE destination key [key ...]`: stores what SDIFF gives; the number of members. O(n). */
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

/** `SMEMBERS key`: every member, a set in RESP3. O(n). */
const smembers = command("smembers", 2, READONLY, "RO.access@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.SET);
  ctx.reply.set(entry === 0 ? 0 : setLength(ctx.db, entry));
  if (entry === 0) return;
  setEach(ctx.db, entry, (bytes, start, end) => ctx.reply.bulk(bytes, start, end));
});

/** The rows that combine sets, and SMEMBERS. */
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

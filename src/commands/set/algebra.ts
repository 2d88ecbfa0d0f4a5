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
  setSome,
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
import { Gathered } from "../engine/gathered.ts";
import {
  AT_ONCE,
  drain,
  findAgain,
  type LongRead,
  Portion,
  readInSlices,
  STEP_ELEMENTS,
  type Steps,
} from "../engine/long_read.ts";
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

  /** Replies with all members, a set in RESP3, in steps. */
  *reply(ctx: Context): Steps {
    ctx.reply.set(this.length);
    const visit: SetVisitor = (bytes, start, end) => ctx.reply.bulk(bytes, start, end);
    const portion = new Portion(ctx);
    let cursor = 0;
    do {
      cursor = setSome(this.db, this.entry, cursor, portion.begin(), visit);
      portion.end();
      yield;
    } while (cursor !== 0);
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

/** One of the sets that are combined. */
interface Source {
  /** Index of the argument that names it. */
  readonly index: number;
  /** Its entry, 0 when it is missing; valid until the end of the step. */
  entry: Entry;
}

/** The sets that arguments `[first, end)` name. */
class Sources {
  readonly all: Source[] = [];
  readonly #ctx: Context;
  readonly #first: number;
  readonly #end: number;
  #argv: Argv;

  /**
   * Looks all of them up, so that a key of another type is an error behind a missing one, too.
   *
   * @throws {CommandError} WRONGTYPE.
   */
  constructor(ctx: Context, argv: Argv, first: number, end: number) {
    this.#ctx = ctx;
    this.#argv = argv;
    this.#first = first;
    this.#end = end;
    for (let index = first; index < end; index++) {
      this.all.push({ index, entry: lookup(ctx, argv, index, ValueType.SET) });
    }
    // On a stand-alone master a lookup may delete an expired key and so move the records found
    // before it.
    if (ctx.caller !== Caller.MASTER_CLIENT) return;
    for (const source of this.all) source.entry = lookup(ctx, argv, source.index, ValueType.SET);
  }

  /** Whether one of them is missing. */
  get lacksOne(): boolean {
    return this.all.some(({ entry }) => entry === 0);
  }

  /** How many members they have together, those of a set named twice counted twice. */
  get length(): number {
    let sum = 0;
    for (const { entry } of this.all) sum += entry === 0 ? 0 : setLength(this.#ctx.db, entry);
    return sum;
  }

  /** Those that exist, each once, in the order they are named. */
  get distinct(): Source[] {
    const entries = new Set<Entry>();
    return this.all.filter(({ entry }) => {
      const isNew = entry !== 0 && !entries.has(entry);
      entries.add(entry);
      return isNew;
    });
  }

  /** Finds some of them again, at the beginning of a step. */
  renew(sources: readonly Source[]): void {
    for (const source of sources) {
      source.entry = findAgain(this.#ctx, this.#argv, source.index, source.entry);
    }
  }

  /** Does work on them, in slices where they are large. */
  read(work: (read?: LongRead) => Steps): void {
    if (this.length <= AT_ONCE) return drain(work());
    readInSlices(this.#ctx, this.#argv, this.#first, this.#end, (own, read) => {
      this.#argv = own;
      return work(read);
    });
  }
}

/**
 * Visits the members that all sets have, in the order of the smallest, which bounds the intersection
 * (`qsortCompareSetsByCardinality`); `visit` answers false to stop.
 */
function* eachShared(
  ctx: Context,
  sources: Sources,
  visit: (bytes: Uint8Array, start: number, end: number) => boolean,
): Steps {
  assert(!sources.lacksOne, "every set of an intersection exists");
  const { db } = ctx;
  const bySize = sources.distinct.sort((a, b) => setLength(db, a.entry) - setLength(db, b.entry));
  const [first, ...others] = bySize;
  let goesOn = true;
  const look: SetVisitor = (bytes, start, end) => {
    if (!goesOn) return;
    for (const { entry } of others) if (!setHas(ctx.db, entry, bytes, start, end)) return;
    goesOn = visit(bytes, start, end);
  };
  let cursor = 0;
  do {
    cursor = setSome(ctx.db, first.entry, cursor, membersAStep(others), look);
    yield;
    sources.renew(bySize);
  } while (cursor !== 0 && goesOn);
}

/** Members of one set that a step looks for in all of the others. */
function membersAStep(others: readonly Source[]): number {
  return Math.ceil(STEP_ELEMENTS / Math.max(others.length, 1));
}

/**
 * The intersection of sets, all of which exist. It begins as an intset when the smallest set is
 * one, else as a listpack; a listpack of integers becomes an intset at the end, as in Redis
 * (`maybeConvertToIntset`).
 */
function intersectionOf(ctx: Context, sources: Sources): Result {
  const { db } = ctx;
  const smallest = sources.all.reduce((a, b) =>
    setLength(db, b.entry) < setLength(db, a.entry) ? b : a
  );
  const isInts = db.encodingOf(smallest.entry) === Encoding.INTSET;
  const result = new Result(ctx, isInts ? Encoding.INTSET : Encoding.LISTPACK);
  drain(eachShared(ctx, sources, (bytes, start, end) => {
    result.add(bytes, start, end);
    return true;
  }));
  result.entry = setUnpack(result.db, result.entry);
  return result;
}

/**
 * `SINTER key [key ...]`: the members that all sets have. O(n * m), n the length of the smallest
 * set.
 */
const sinter = command("sinter", -2, READONLY, "RO.access@1:-1", (ctx, argv) => {
  const sources = new Sources(ctx, argv, 1, argv.count);
  if (sources.lacksOne) return ctx.reply.set(0);
  sources.read(function* (read) {
    // The length is known only at the end.
    const found = new Gathered(ctx);
    yield* eachShared(ctx, sources, (bytes, start, end) => {
      found.writer.bulk(bytes, start, end);
      found.next();
      return true;
    });
    read?.release();
    ctx.reply.set(found.count);
    yield* found.reply(ctx);
  });
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
    const sources = new Sources(ctx, argv, 2, argv.count);
    if (sources.lacksOne) return storeNothing(ctx, argv, 1);
    intersectionOf(ctx, sources).store(ctx, argv);
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
    const sources = new Sources(ctx, argv, 2, 2 + count);
    if (sources.lacksOne) return ctx.reply.integer(0);
    sources.read(function* () {
      let shared = 0;
      yield* eachShared(ctx, sources, () => ++shared !== limit);
      ctx.reply.integer(shared);
    });
  },
);

/**
 * The form of a result that is only replied: an intset, which is sorted, where every source is one,
 * as in Redis. A table else: nobody sees its form, and it never has to be converted.
 */
function scratchEncoding(ctx: Context, { distinct }: Sources): Encoding {
  const isInts = distinct.every(({ entry }) => ctx.db.encodingOf(entry) === Encoding.INTSET);
  return isInts ? Encoding.INTSET : Encoding.HASHTABLE;
}

/** Fills an empty result with the members of any set. */
function* unite(ctx: Context, sources: Sources, result: Result): Steps {
  const add: SetVisitor = (bytes, start, end) => result.add(bytes, start, end);
  yield* eachOf(ctx, sources, sources.distinct, add);
}

/** Visits the members of some sets, one set after the other. */
function* eachOf(
  ctx: Context,
  sources: Sources,
  some: readonly Source[],
  visit: SetVisitor,
  count: number = STEP_ELEMENTS,
  others: readonly Source[] = [],
): Steps {
  for (const source of some) {
    let cursor = 0;
    do {
      cursor = setSome(ctx.db, source.entry, cursor, count, visit);
      yield;
      sources.renew(some);
      sources.renew(others);
    } while (cursor !== 0);
  }
}

/**
 * Whether a difference is computed by copying the first set and removing the members of the others,
 * Redis's algorithm 2; else each member of the first is looked for in all others, algorithm 1. The
 * cost of 1 is the first's length times the number of sets, halved since most lookups end early;
 * that of 2 is the length of all sets together.
 */
function removesOthers(ctx: Context, [first, ...others]: readonly Source[]): boolean {
  const length = setLength(ctx.db, first.entry);
  let lookups = length;
  let removals = length;
  for (const { entry } of others) {
    if (entry === 0) continue;
    lookups += length;
    removals += setLength(ctx.db, entry);
  }
  return Math.floor(lookups / 2) > removals;
}

/**
 * Fills an empty result with the members of the first set that no other has. The two algorithms give the same
 * members, but algorithm 2 may leave a larger form: it holds all members of the first for a while.
 */
function* subtract(ctx: Context, sources: Sources, result: Result): Steps {
  const [first, ...rest] = sources.all;
  // A set minus itself is empty: no member has to be looked at.
  if (first.entry === 0 || rest.some(({ entry }) => entry === first.entry)) return;
  const others = sources.distinct.slice(1);
  const add: SetVisitor = (bytes, start, end) => result.add(bytes, start, end);
  if (removesOthers(ctx, sources.all)) {
    yield* eachOf(ctx, sources, [first], add, STEP_ELEMENTS, others);
    yield* eachOf(ctx, sources, others, (bytes, start, end) => result.remove(bytes, start, end));
    return;
  }
  const look: SetVisitor = (bytes, start, end) => {
    for (const { entry } of others) if (setHas(ctx.db, entry, bytes, start, end)) return;
    add(bytes, start, end);
  };
  yield* eachOf(ctx, sources, [first], look, membersAStep(others), others);
}

/** SUNION and SDIFF: fill a result and reply with it. */
function replyCombined(ctx: Context, argv: Argv, combine: typeof unite): void {
  const sources = new Sources(ctx, argv, 1, argv.count);
  const result = new Result(ctx, scratchEncoding(ctx, sources));
  sources.read(function* (read) {
    yield* combine(ctx, sources, result);
    read?.release();
    yield* result.reply(ctx);
  });
}

/** SUNIONSTORE and SDIFFSTORE: fill a result and store it. */
function storeCombined(ctx: Context, argv: Argv, combine: typeof unite): void {
  const sources = new Sources(ctx, argv, 2, argv.count);
  const result = new Result(ctx, Encoding.INTSET);
  drain(combine(ctx, sources, result));
  result.store(ctx, argv);
}

/**
 * `SUNION key [key ...]`: the members that any set has. O(n), n the length of all sets together.
 */
const sunion = command("sunion", -2, READONLY, "RO.access@1:-1", (ctx, argv) => {
  replyCombined(ctx, argv, unite);
});

/**
 * `SUNIONSTORE destination key [key ...]`: stores what SUNION gives; the number of members. O(n).
 */
const sunionstore = command(
  "sunionstore",
  -3,
  WRITE | DENYOOM,
  "OW.update@1+RO.access@2:-1",
  (ctx, argv) => storeCombined(ctx, argv, unite),
);

/**
 * `SDIFF key [key ...]`: the members of the first set that no other has. O(n), n the length of all
 * sets together.
 */
const sdiff = command("sdiff", -2, READONLY, "RO.access@1:-1", (ctx, argv) => {
  replyCombined(ctx, argv, subtract);
});

/** `SDIFFSTORE destination key [key ...]`: stores what SDIFF gives; the number of members. O(n). */
const sdiffstore = command(
  "sdiffstore",
  -3,
  WRITE | DENYOOM,
  "OW.update@1+RO.access@2:-1",
  (ctx, argv) => storeCombined(ctx, argv, subtract),
);

/** `SMEMBERS key`: every member, a set in RESP3. O(n). */
const smembers = command("smembers", 2, READONLY, "RO.access@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.SET);
  const length = entry === 0 ? 0 : setLength(ctx.db, entry);
  if (length > AT_ONCE) return readInSlices(ctx, argv, 1, 2, (own) => replyMembers(ctx, own));
  ctx.reply.set(length);
  if (entry === 0) return;
  setEach(ctx.db, entry, (bytes, start, end) => ctx.reply.bulk(bytes, start, end));
});

/** The members of a large set, in steps. */
function* replyMembers(ctx: Context, argv: Argv): Steps {
  const entry = () => findAgain(ctx, argv, 1, 1);
  ctx.reply.set(setLength(ctx.db, entry()));
  const visit: SetVisitor = (bytes, start, end) => ctx.reply.bulk(bytes, start, end);
  const portion = new Portion(ctx);
  let cursor = 0;
  do {
    cursor = setSome(ctx.db, entry(), cursor, portion.begin(), visit);
    portion.end();
    yield;
  } while (cursor !== 0);
}

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

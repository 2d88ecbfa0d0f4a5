/**
 * Unions, intersections and differences of sorted sets (`zunionInterDiffGenericCommand` of
 * `t_zset.c`). Sources may be plain sets, whose members all have the score 1.
 *
 * For unions and intersections the sources are sorted by length first. That is more than speed:
 * scores are doubles, so the order in which a member's scores are added decides the last digits of
 * the sum. The result is a table, which becomes a listpack when it is stored and small enough.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import type { Argv } from "../../resp/argv.ts";
import type { Database } from "../../store/keyspace/database.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import { setHas, setLength, setSome } from "../../store/types/set.ts";
import { zsetEachRange, zsetLength, zsetScore, zsetStore } from "../../store/types/zset.ts";
import { type MemberVisitor, ZsetTable } from "../../store/types/zset_table.ts";
import { isWord, readDouble, readInteger, readPositive } from "../engine/args.ts";
import { type Command, command, DENYOOM, READONLY, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import {
  atLeastOneKey,
  CommandError,
  LIMIT_NEGATIVE,
  NOT_AN_INTEGER,
  SYNTAX,
  WEIGHT_NOT_FLOAT,
  WRONG_TYPE,
} from "../engine/errors.ts";
import { memberReply } from "./args.ts";
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

/** What a command computes; ZINTERCARD only counts. */
const Operation = { UNION: 0, INTER: 1, DIFF: 2, INTERCARD: 3 } as const;
type Operation = typeof Operation[keyof typeof Operation];
/**
 * Names of the commands for error texts, by operation; a command that stores has "store" behind it.
 */
const NAMES: readonly string[] = ["zunion", "zinter", "zdiff", "zintercard"];

/** Makes one score of the scores that a member has in two sources; `zunionInterAggregate`. */
type Aggregate = (a: number, b: number) => number;

/** Adds two scores; opposite infinities give 0 instead of NaN. */
const sum: Aggregate = (a, b) => {
  const total = a + b;
  return total === total ? total : 0;
};
const min: Aggregate = (a, b) => b < a ? b : a;
const max: Aggregate = (a, b) => b > a ? b : a;

/** One of the keys that are combined: a sorted set, a set, or a missing key. */
class Source {
  readonly length: number;
  /** Index of the argument that names it. */
  readonly index: number;
  /** The factor of its scores, from WEIGHTS. */
  weight: number = 1;
  /** Its entry, 0 when it is missing; valid until the end of the step. */
  entry: Entry;
  #db: Database;
  readonly #isSet: boolean;

  /**
   * @throws {CommandError} WRONGTYPE when the entry, 0 for a missing key, is neither a sorted set
   * nor a set.
   */
  constructor(db: Database, entry: Entry, index: number) {
    this.index = index;
    const type = entry === 0 ? ValueType.ZSET : db.typeOf(entry);
    if (type !== ValueType.ZSET && type !== ValueType.SET) throw new CommandError(WRONG_TYPE);
    this.#db = db;
    this.entry = entry;
    this.#isSet = type === ValueType.SET;
    if (entry === 0) this.length = 0;
    else this.length = this.#isSet ? setLength(db, entry) : zsetLength(db, entry);
  }

  /** Finds it again, at the beginning of a step. */
  renew(ctx: Context, argv: Argv): void {
    this.#db = ctx.db;
    this.entry = findAgain(ctx, argv, this.index, this.entry);
  }

  /**
   * Visits about `count` members from a cursor on, 0 to begin with, each with its score, which is not weighed
   * yet: a sorted set from the lowest score up. Returns the next cursor, 0 at the end.
   */
  some(cursor: number, count: number, visit: MemberVisitor): number {
    if (this.length === 0) return 0;
    if (!this.#isSet) {
      const next = Math.min(cursor + count, this.length);
      zsetEachRange(this.#db, this.entry, cursor, next - cursor, false, visit);
      return next === this.length ? 0 : next;
    }
    return setSome(
      this.#db,
      this.entry,
      cursor,
      count,
      (bytes, start, end) => visit(bytes, start, end, 1),
    );
  }

  /** The score of a member, not weighed yet; NaN when this source does not have it. */
  scoreOf(bytes: Uint8Array, start: number, end: number): number {
    if (this.length === 0) return NaN;
    if (!this.#isSet) return zsetScore(this.#db, this.entry, bytes, start, end);
    return setHas(this.#db, this.entry, bytes, start, end) ? 1 : NaN;
  }

  /** A score times this source's weight; infinity times zero gives 0 instead of NaN. */
  weigh(score: number): number {
    const weighed = this.weight * score;
    return weighed === weighed ? weighed : 0;
  }
}

/** The arguments of a command, read and checked, and its sources. */
class AlgebraQuery {
  /**
   * The sources, shortest first unless the order matters: a difference begins with the first key.
   */
  readonly sources: Source[] = [];
  aggregate: Aggregate = sum;
  withScores: boolean = false;
  /** The most that ZINTERCARD answers, 0 for no limit. */
  limit: number = 0;
  readonly #operation: Operation;
  readonly #ctx: Context;
  readonly #first: number;
  #argv: Argv;

  /**
   * Reads numkeys, looks up the keys, then reads the options: the type of a key is checked before
   * the options are, as in Redis.
   *
   * @param first Index of numkeys.
   * @param store Whether the result is stored: then WITHSCORES is no option.
   * @throws {CommandError} WRONGTYPE, SYNTAX and others.
   */
  constructor(ctx: Context, argv: Argv, first: number, operation: Operation, store: boolean) {
    this.#operation = operation;
    this.#ctx = ctx;
    this.#argv = argv;
    this.#first = first + 1;
    // Not a number and not positive are two errors here, unlike in SINTERCARD.
    const count = readPositive(
      argv,
      first,
      atLeastOneKey(NAMES[operation] + (store ? "store" : "")),
      NOT_AN_INTEGER,
    );
    if (count > argv.count - first - 1) throw new CommandError(SYNTAX);
    const entries: Entry[] = [];
    for (let i = 0; i < count; i++) entries.push(lookupSource(ctx, argv, first + 1 + i));
    // On a stand-alone master a lookup may delete an expired key and so move the records found
    // before it.
    for (let i = 0; i < count; i++) {
      const index = first + 1 + i;
      const gone = entries[i] === 0;
      const entry = gone ? 0 : ctx.db.find(argv.bytes, argv.starts[index], argv.ends[index]);
      this.sources.push(new Source(ctx.db, entry, index));
    }
    this.#readOptions(argv, first + 1 + count, store);
    if (operation !== Operation.DIFF) this.sources.sort((a, b) => a.length - b.length);
  }

  /** Finds all sources again, at the beginning of a step. */
  renew(): void {
    for (const source of this.sources) source.renew(this.#ctx, this.#argv);
  }

  /** Does work on the sources, in slices where they are large. */
  read(work: (read?: LongRead) => Steps): void {
    const length = this.sources.reduce((sum, source) => sum + source.length, 0);
    if (length <= AT_ONCE) return drain(work());
    const end = this.#first + this.sources.length;
    readInSlices(this.#ctx, this.#argv, this.#first, end, (own, read) => {
      this.#argv = own;
      return work(read);
    });
  }

  /**
   * Reads the options from argument `first` to the last; which there are depends on the operation.
   */
  #readOptions(argv: Argv, first: number, store: boolean): void {
    const isCard = this.#operation === Operation.INTERCARD;
    const isWeighed = !isCard && this.#operation !== Operation.DIFF;
    const { sources } = this;
    for (let i = first; i < argv.count; i++) {
      const more = argv.count - i - 1;
      if (isWeighed && more >= sources.length && isWord(argv, i, "WEIGHTS")) {
        for (const source of sources) source.weight = readDouble(argv, ++i, WEIGHT_NOT_FLOAT);
      } else if (isWeighed && more >= 1 && isWord(argv, i, "AGGREGATE")) {
        this.aggregate = readAggregate(argv, ++i);
      } else if (!store && !isCard && isWord(argv, i, "WITHSCORES")) {
        this.withScores = true;
      } else if (isCard && more >= 1 && isWord(argv, i, "LIMIT")) {
        this.limit = readInteger(argv, ++i, LIMIT_NEGATIVE);
        if (this.limit < 0) throw new CommandError(LIMIT_NEGATIVE);
      } else throw new CommandError(SYNTAX);
    }
  }
}

/**
 * The entry of the key at argument `index`, 0 when it is missing.
 * @throws {CommandError} WRONGTYPE.
 */
function lookupSource(ctx: Context, argv: Argv, index: number): Entry {
  const entry = lookup(ctx, argv, index);
  if (entry === 0) return 0;
  const type = ctx.db.typeOf(entry);
  if (type !== ValueType.ZSET && type !== ValueType.SET) throw new CommandError(WRONG_TYPE);
  return entry;
}

/** The function that argument `index` names. @throws {CommandError} SYNTAX when it names none. */
function readAggregate(argv: Argv, index: number): Aggregate {
  if (isWord(argv, index, "SUM")) return sum;
  if (isWord(argv, index, "MIN")) return min;
  if (isWord(argv, index, "MAX")) return max;
  throw new CommandError(SYNTAX);
}

/** Visits the members of one source with their scores, in steps of about `count` members. */
function* eachOf(
  query: AlgebraQuery,
  source: Source,
  count: number,
  visit: MemberVisitor,
): Steps {
  let cursor = 0;
  do {
    cursor = source.some(cursor, count, visit);
    yield;
    query.renew();
  } while (cursor !== 0);
}

/**
 * Adds the members of any source to an empty table, scores aggregated in the order of the sources.
 */
function* unite(query: AlgebraQuery, result: ZsetTable): Steps {
  assert(result.size === 0, "a union begins with an empty table");
  const { aggregate } = query;
  for (const source of query.sources) {
    yield* eachOf(query, source, STEP_ELEMENTS, (bytes, start, end, score) => {
      const own = source.weigh(score);
      const entry = result.find(bytes, start, end);
      if (entry === 0) result.insert(bytes, start, end, own);
      else result.setScore(entry, aggregate(result.scoreOf(entry), own));
    });
  }
}

/** Members of one source that a step looks for in all of the others. */
function membersAStep(others: number): number {
  return Math.ceil(STEP_ELEMENTS / Math.max(others, 1));
}

/**
 * Visits the members that all sources have, with their aggregated score; walks the first source,
 * the shortest. Each key is asked once for a member, however often it is named.
 */
function* eachShared(query: AlgebraQuery, visit: MemberVisitor): Steps {
  const { aggregate, sources } = query;
  assert(sources.length > 0, "there is a source, as numkeys is at least 1");
  const [smallest] = sources;
  const firsts = new Map<Entry, number>();
  // Where the source that is the same key was named first.
  const places = sources.map(({ entry }, i) => {
    if (!firsts.has(entry)) firsts.set(entry, i);
    return firsts.get(entry)!;
  });
  const scores = new Float64Array(sources.length);
  const look: MemberVisitor = (bytes, start, end, score) => {
    for (let i = 1; i < sources.length; i++) {
      if (places[i] !== i) continue;
      const other = sources[i].scoreOf(bytes, start, end);
      if (other !== other) return;
      scores[i] = other;
    }
    scores[0] = score;
    let joint = smallest.weigh(score);
    for (let i = 1; i < sources.length; i++) {
      // A source named twice counts twice, so that its score is added twice.
      // Not `weigh`: t_zset.c turns infinity times zero into 0 for the first source only.
      joint = aggregate(joint, sources[i].weight * scores[places[i]]);
    }
    visit(bytes, start, end, joint);
  };
  yield* eachOf(query, smallest, membersAStep(sources.length), look);
}

/** Adds the members of the first source that no other has to an empty table, with their scores. */
function* subtract(query: AlgebraQuery, result: ZsetTable): Steps {
  assert(result.size === 0, "a difference begins with an empty table");
  const [first, ...others] = query.sources;
  yield* eachOf(query, first, membersAStep(others.length), (bytes, start, end, score) => {
    for (const other of others) {
      const found = other.scoreOf(bytes, start, end);
      if (found === found) return;
    }
    result.set(bytes, start, end, score);
  });
}

/** Fills the result of an operation, a table of its own: the destination may be one of the sources. */
function* combine(query: AlgebraQuery, operation: Operation, result: ZsetTable): Steps {
  if (operation === Operation.UNION) yield* unite(query, result);
  else if (operation === Operation.DIFF) yield* subtract(query, result);
  else yield* eachShared(query, (bytes, start, end, score) => result.set(bytes, start, end, score));
}

/** ZUNION, ZINTER and ZDIFF: reply with the result in the order of its scores. */
function algebraGeneric(ctx: Context, argv: Argv, operation: Operation): void {
  const query = new AlgebraQuery(ctx, argv, 1, operation, false);
  const result = new ZsetTable(ctx.db.settings);
  query.read(function* (read) {
    yield* combine(query, operation, result);
    read?.release();
    const visit = memberReply(ctx.reply, result.size, query.withScores);
    const portion = new Portion(ctx);
    for (let done = 0; done < result.size;) {
      const next = Math.min(portion.begin(), result.size - done);
      result.each(done, next, false, visit);
      done += next;
      portion.end();
      yield;
    }
  });
}

/**
 * ZUNIONSTORE, ZINTERSTORE and ZDIFFSTORE: replace the key at argument 1 and reply with the number
 * of members.
 */
function algebraStoreGeneric(ctx: Context, argv: Argv, operation: Operation): void {
  const query = new AlgebraQuery(ctx, argv, 2, operation, true);
  const result = new ZsetTable(ctx.db.settings);
  drain(combine(query, operation, result));
  // As in Redis, an empty result deletes the destination, whatever type it has.
  if (result.size === 0) return storeNothing(ctx, argv, 1);
  zsetStore(ctx.db, argv.bytes, argv.starts[1], argv.ends[1], result);
  ctx.changed(argv, 1);
  ctx.reply.integer(result.size);
}

/**
 * `ZUNION numkeys key [...] [WEIGHTS w ...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]`: the members that
 * any source has. O(n log n), n members of all sources.
 */
const zunion = command("zunion", -3, READONLY, "RO.access@1:n", (ctx, argv) => {
  algebraGeneric(ctx, argv, Operation.UNION);
});

/**
 * `ZINTER numkeys key [...] [WEIGHTS w ...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]`: the members that
 * all sources have. O(n k + m log m), n members of the shortest of k sources, m of the result.
 */
const zinter = command("zinter", -3, READONLY, "RO.access@1:n", (ctx, argv) => {
  algebraGeneric(ctx, argv, Operation.INTER);
});

/**
 * `ZDIFF numkeys key [...] [WITHSCORES]`: the members that only the first source has. O(n k + m log
 * m).
 */
const zdiff = command("zdiff", -3, READONLY, "RO.access@1:n", (ctx, argv) => {
  algebraGeneric(ctx, argv, Operation.DIFF);
});

/**
 * `ZUNIONSTORE destination numkeys key [...] [WEIGHTS ...] [AGGREGATE ...]`: stores what ZUNION
 * gives. O(n log n).
 */
const zunionstore = command(
  "zunionstore",
  -4,
  WRITE | DENYOOM,
  "OW.update@1+RO.access@2:n",
  (ctx, argv) => algebraStoreGeneric(ctx, argv, Operation.UNION),
);

/**
 * `ZINTERSTORE destination numkeys key [...] [WEIGHTS ...] [AGGREGATE ...]`: stores what ZINTER
 * gives. O(n k + m log m).
 */
const zinterstore = command(
  "zinterstore",
  -4,
  WRITE | DENYOOM,
  "OW.update@1+RO.access@2:n",
  (ctx, argv) => algebraStoreGeneric(ctx, argv, Operation.INTER),
);

/** `ZDIFFSTORE destination numkeys key [...]`: stores what ZDIFF gives. O(n k + m log m). */
const zdiffstore = command(
  "zdiffstore",
  -4,
  WRITE | DENYOOM,
  "OW.update@1+RO.access@2:n",
  (ctx, argv) => algebraStoreGeneric(ctx, argv, Operation.DIFF),
);

/**
 * `ZINTERCARD numkeys key [...] [LIMIT n]`: the number of members that all sources have, at most
 * the limit. O(n k).
 */
const zintercard = command(
  "zintercard",
  -3,
  READONLY,
  "RO.access@1:n",
  (ctx, argv) => {
    const query = new AlgebraQuery(ctx, argv, 1, Operation.INTERCARD, false);
    query.read(function* () {
      let shared = 0;
      yield* eachShared(query, () => shared++);
      ctx.reply.integer(query.limit === 0 ? shared : Math.min(shared, query.limit));
    });
  },
);

/** The rows that combine sorted sets. */
export const zsetAlgebraCommands: readonly Command[] = [
  zunion,
  zinter,
  zdiff,
  zunionstore,
  zinterstore,
  zdiffstore,
  zintercard,
];

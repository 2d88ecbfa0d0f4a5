/**
 * The commands on ranges of sorted sets, by rank, by score and by member: they count, reply, store
 * or remove (`zrangeGenericCommand` and its kin of `t_zset.c`). Since Redis 6.2 ZRANGE can do what
 * all the others that reply can; these are ZRANGE with some options fixed by their names.
 *
 * ```text
 *   two arguments --> ZsetRange --> ranks [from, to)
 *   --> REV and LIMIT --> first rank, count, direction
 * ```
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import { zsetEachRange, zsetRemoveRange, zsetStore } from "../../store/types/zset.ts";
import { ZsetTable } from "../../store/types/zset_table.ts";
import { isWord, readInteger } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, SYNTAX, ZRANGE_LIMIT, ZRANGE_WITHSCORES } from "../engine/errors.ts";
import {
  IndexRange,
  MemberRange,
  memberReply,
  ScoreRange,
  selectRange,
  zsetChanged,
  type ZsetRange,
} from "./args.ts";
import { AT_ONCE, findAgain, Portion, readInSlices, type Steps } from "../engine/long_read.ts";
import { lookup } from "../engine/lookup.ts";
import { storeNothing } from "../engine/destination.ts";

/**
 * What the two ends of a range are; AUTO for ZRANGE and ZRANGESTORE, whose options say it
 * (`zrange_type`).
 */
const By = { AUTO: 0, RANK: 1, SCORE: 2, MEMBER: 3 } as const;
type By = typeof By[keyof typeof By];

/** The arguments of a command that replies with a range or stores it, read and checked. */
class RangeQuery {
  withScores: boolean = false;
  reverse: boolean;
  #by: By;
  #offset: number = 0;
  #limit: number = -1;
  readonly #range: ZsetRange;

  /**
   * @param source Index of the key; the two ends of the range follow it.
   * @param by What the ends are, AUTO where options say it.
   * @param reverse The direction, undefined where the option REV says it.
   * @param store Whether the result is stored: then WITHSCORES is no option.
   * @throws {CommandError} SYNTAX and others, when an option is unknown or does not go with the
   * range.
   */
  constructor(
    ctx: Context,
    argv: Argv,
    source: number,
    by: By,
    reverse: boolean | undefined,
    store: boolean,
  ) {
    this.#by = by;
    this.reverse = reverse ?? false;
    this.#readOptions(argv, source + 3, reverse === undefined, store);
    if (this.#by === By.AUTO) this.#by = By.RANK;
    if (this.#limit !== -1 && this.#by === By.RANK) throw new CommandError(ZRANGE_LIMIT);
    if (this.withScores && this.#by === By.MEMBER) throw new CommandError(ZRANGE_WITHSCORES);
    // From the highest down scores and members are given as `max min`, but ranks as `start stop`.
    const isSwapped = this.reverse && this.#by !== By.RANK;
    const min = source + (isSwapped ? 2 : 1);
    const max = source + (isSwapped ? 1 : 2);
    if (this.#by === By.RANK) this.#range = IndexRange.read(argv, min);
    else if (this.#by === By.SCORE) this.#range = ScoreRange.read(ctx, argv, min, max);
    else this.#range = new MemberRange(argv, min, max);
  }

  /** Whether the ends of the range are ranks. */
  get byRank(): boolean {
    return this.#by === By.RANK;
  }

  /** What to visit: `count` members from `rank` on, upwards or, reversed, downwards. */
  select(ctx: Context, entry: Entry): { rank: number; count: number } {
    const { byRank, reverse } = this;
    return selectRange(ctx.keyspace, ctx.db, entry, this.#range, {
      byRank,
      reverse,
      offset: this.#offset,
      limit: this.#limit,
    });
  }

  /**
   * Reads the options from argument `first` on; REV, BYLEX and BYSCORE count where the name does
   * not fix them.
   */
  #readOptions(argv: Argv, first: number, anyDirection: boolean, store: boolean): void {
    const isAuto = this.#by === By.AUTO;
    for (let i = first; i < argv.count; i++) {
      if (!store && isWord(argv, i, "WITHSCORES")) {
        this.withScores = true;
      } else if (i + 2 < argv.count && isWord(argv, i, "LIMIT")) {
        this.#offset = readInteger(argv, i + 1);
        this.#limit = readInteger(argv, i + 2);
        i += 2;
      } else if (anyDirection && !this.reverse && isWord(argv, i, "REV")) {
        this.reverse = true;
      } else if (isAuto && this.#by === By.AUTO && isWord(argv, i, "BYLEX")) {
        this.#by = By.MEMBER;
      } else if (isAuto && this.#by === By.AUTO && isWord(argv, i, "BYSCORE")) {
        this.#by = By.SCORE;
      } else throw new CommandError(SYNTAX);
    }
  }
}

/**
 * The commands that reply with a range; the arguments are checked before the key is looked up, as
 * in Redis.
 */
function rangeGeneric(ctx: Context, argv: Argv, by: By, reverse: boolean | undefined): void {
  const query = new RangeQuery(ctx, argv, 1, by, reverse, false);
  const entry = lookup(ctx, argv, 1, ValueType.ZSET);
  if (entry === 0) return ctx.reply.array(0);
  const { rank, count } = query.select(ctx, entry);
  if (count > AT_ONCE) {
    const { reverse, withScores } = query;
    const range = { rank, count, reverse, withScores };
    return readInSlices(ctx, argv, 1, 2, (own) => replyRangeLater(ctx, own, range));
  }
  const visit = memberReply(ctx.reply, Math.max(count, 0), query.withScores);
  zsetEachRange(ctx.db, entry, rank, count, query.reverse, visit);
}

/** What is replied of a large range: {@linkcode RangeQuery.select} chose it. */
interface Selected {
  readonly rank: number;
  readonly count: number;
  readonly reverse: boolean;
  readonly withScores: boolean;
}

/** The members of a large range, in steps. */
function* replyRangeLater(ctx: Context, argv: Argv, range: Selected): Steps {
  const { rank, count, reverse, withScores } = range;
  const visit = memberReply(ctx.reply, count, withScores);
  const portion = new Portion(ctx);
  for (let done = 0; done < count;) {
    const next = Math.min(portion.begin(), count - done);
    const from = reverse ? rank - done : rank + done;
    zsetEachRange(ctx.db, findAgain(ctx, argv, 1, 1), from, next, reverse, visit);
    done += next;
    portion.end();
    yield;
  }
}

/**
 * `ZRANGE key start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`: the members.
 * O(log n + m).
 */
const zrange = command("zrange", -4, READONLY, "RO.access@1", (ctx, argv) => {
  rangeGeneric(ctx, argv, By.AUTO, undefined);
});

/**
 * `ZRANGESTORE destination source min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]`: stores the
 * range and replies with the number of its members. O(log n + m log m).
 *
 * Redis fills a listpack and converts it once it is too small. A listpack has no -0, so scores of
 * -0 that were added before that are stored as 0; a ziplist, before 7.0, has.
 */
const zrangestore = command(
  "zrangestore",
  -5,
  WRITE | DENYOOM,
  "OW.update@1+RO.access@2",
  (ctx, argv) => {
    const query = new RangeQuery(ctx, argv, 2, By.AUTO, undefined, true);
    const entry = lookup(ctx, argv, 2, ValueType.ZSET);
    const { rank, count } = entry === 0 ? { rank: 0, count: 0 } : query.select(ctx, entry);
    if (count <= 0) return storeNothing(ctx, argv, 1);
    const result = new ZsetTable(ctx.db.settings);
    const { zsetMaxListpackEntries, zsetMaxListpackValue } = ctx.db.settings.limits;
    // By rank Redis knows the number of members beforehand and may begin with a skiplist.
    let isSmall = !query.byRank || count <= zsetMaxListpackEntries;
    if (ctx.db.settings.keepsMinusZero) isSmall = false;
    zsetEachRange(ctx.db, entry, rank, count, query.reverse, (bytes, start, end, score) => {
      if (result.size >= zsetMaxListpackEntries || end - start > zsetMaxListpackValue) {
        isSmall = false;
      }
      result.set(bytes, start, end, isSmall ? score + 0 : score);
    });
    zsetStore(ctx.db, argv.bytes, argv.starts[1], argv.ends[1], result);
    ctx.changed(argv, 1);
    ctx.reply.integer(count);
  },
);

/**
 * `ZREVRANGE key start stop [WITHSCORES]`: members by rank, from the highest down. O(log n + m).
 */
const zrevrange = command("zrevrange", -4, READONLY, "RO.access@1", (ctx, argv) => {
  rangeGeneric(ctx, argv, By.RANK, true);
});

/**
 * `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`: members by score. O(log n + m).
 */
const zrangebyscore = command("zrangebyscore", -4, READONLY, "RO.access@1", (ctx, argv) => {
  rangeGeneric(ctx, argv, By.SCORE, false);
});

/**
 * `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`: from the highest score down.
 * O(log n + m).
 */
const zrevrangebyscore = command("zrevrangebyscore", -4, READONLY, "RO.access@1", (ctx, argv) => {
  rangeGeneric(ctx, argv, By.SCORE, true);
});

/**
 * `ZRANGEBYLEX key min max [LIMIT offset count]`: members in the order of their bytes. O(log n +
 * m).
 */
const zrangebylex = command("zrangebylex", -4, READONLY, "RO.access@1", (ctx, argv) => {
  rangeGeneric(ctx, argv, By.MEMBER, false);
});

/** `ZREVRANGEBYLEX key max min [LIMIT offset count]`: from the last member down. O(log n + m). */
const zrevrangebylex = command("zrevrangebylex", -4, READONLY, "RO.access@1", (ctx, argv) => {
  rangeGeneric(ctx, argv, By.MEMBER, true);
});

/** ZCOUNT and ZLEXCOUNT: the difference of two ranks, no member is visited. */
function countGeneric(ctx: Context, argv: Argv, range: ZsetRange): void {
  const entry = lookup(ctx, argv, 1, ValueType.ZSET);
  if (entry === 0) return ctx.reply.integer(0);
  const { from, to } = range.ranksIn(ctx.db, entry);
  ctx.reply.integer(Math.max(to - from, 0));
}

/** `ZCOUNT key min max`: the number of members whose score lies in the range. O(log n). */
const zcount = command("zcount", 4, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  countGeneric(ctx, argv, ScoreRange.read(ctx, argv, 2, 3));
});

/** `ZLEXCOUNT key min max`: the number of members between two members. O(log n). */
const zlexcount = command("zlexcount", 4, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  countGeneric(ctx, argv, new MemberRange(argv, 2, 3));
});

/**
 * The three ZREMRANGEBY commands (`zremrangeGenericCommand`): remove a range and reply with its
 * length.
 */
function removeGeneric(ctx: Context, argv: Argv, range: ZsetRange): void {
  const entry = lookup(ctx, argv, 1, ValueType.ZSET);
  if (entry === 0) return ctx.reply.integer(0);
  const { from, to } = range.ranksIn(ctx.db, entry);
  const count = to - from;
  // An empty range changes nothing: it is neither propagated nor told to watchers.
  if (count <= 0) return ctx.reply.integer(0);
  zsetChanged(ctx, argv, 1, zsetRemoveRange(ctx.db, entry, from, count), count);
  ctx.reply.integer(count);
}

/** `ZREMRANGEBYRANK key start stop`: the number of members removed. O(log n + m). */
const zremrangebyrank = command("zremrangebyrank", 4, WRITE, "RW.delete@1", (ctx, argv) => {
  removeGeneric(ctx, argv, IndexRange.read(argv, 2));
});

/** `ZREMRANGEBYSCORE key min max`: the number of members removed. O(log n + m). */
const zremrangebyscore = command("zremrangebyscore", 4, WRITE, "RW.delete@1", (ctx, argv) => {
  removeGeneric(ctx, argv, ScoreRange.read(ctx, argv, 2, 3));
});

/** `ZREMRANGEBYLEX key min max`: the number of members removed. O(log n + m). */
const zremrangebylex = command("zremrangebylex", 4, WRITE, "RW.delete@1", (ctx, argv) => {
  removeGeneric(ctx, argv, new MemberRange(argv, 2, 3));
});

/** The rows on ranges of sorted sets. */
export const zsetRangeCommands: readonly Command[] = [
  zcount,
  zlexcount,
  zrange,
  zrangestore,
  zrevrange,
  zrangebyscore,
  zrevrangebyscore,
  zrangebylex,
  zrevrangebylex,
  zremrangebyrank,
  zremrangebyscore,
  zremrangebylex,
];

/**
 * What the commands on sorted sets share: ranges of scores and of members, replies with members,
 * reporting changes (`t_zset.c`).
 *
 * Every range becomes a range of ranks before anything is visited. The index counts members below a
 * score or a member in O(log n), so ZCOUNT is a subtraction, as in Redis (`zcountCommand`), and all
 * range commands share one walk that begins at a rank and visits a known number of members.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import type { ReplyTarget } from "../../resp/reply_target.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import type { Entry } from "../../store/memory/record.ts";
import { zsetCountBelow, zsetLength, zsetSeekMember } from "../../store/types/zset.ts";
import { type MemberVisitor, zsetTableOf } from "../../store/types/zset_table.ts";
import { readInteger } from "../engine/args.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, MEMBER_RANGE, SCORE_RANGE } from "../engine/errors.ts";
import { isRedisBefore, isRedisSince } from "../engine/master_version.ts";
import { parseScore } from "../engine/score.ts";

const PAREN = 0x28;
const BRACKET = 0x5b;
const PLUS = 0x2b;
const MINUS = 0x2d;

/**
 * Reports `count` changed members of the key at argument `index`; a sorted set that has become
 * empty is deleted.
 */
export function zsetChanged(
  ctx: Context,
  argv: Argv,
  index: number,
  entry: Entry,
  count: number,
): void {
  if (zsetLength(ctx.db, entry) === 0) ctx.db.removeEntry(entry);
  ctx.changed(argv, index, count);
}

/** Ranks `[from, to)`, counted from 0 at the lowest score. */
export interface RankRange {
  /** Rank of the first member. */
  from: number;
  /** Rank after the last member; at most `from` when the range is empty. */
  to: number;
}

/** A range that two arguments describe, read and checked before the key is looked up. */
export interface ZsetRange {
  /** The ranks of its members in a sorted set. */
  ranksIn(db: Database, entry: Entry): RankRange;
}

/** A range of scores, `min max`; "(" before an end leaves that score out (`zslParseRange`). */
export class ScoreRange implements ZsetRange {
  readonly #min: number;
  readonly #max: number;
  readonly #minOut: boolean;
  readonly #maxOut: boolean;

  /** Scores from `min` to `max`; `minOut` and `maxOut` leave these ends themselves out. */
  constructor(min: number, max: number, minOut: boolean, maxOut: boolean) {
    this.#min = min;
    this.#max = max;
    this.#minOut = minOut;
    this.#maxOut = maxOut;
  }

  /**
   * Reads both ends from the arguments at `minIndex` and `maxIndex`.
   *
   * @throws {CommandError} SCORE_RANGE when either end is no score.
   */
  static read(
    ctx: Pick<Context, "caller">,
    argv: Argv,
    minIndex: number,
    maxIndex: number,
  ): ScoreRange {
    const minOut = isOut(argv, minIndex);
    const min = readBound(ctx, argv, minIndex, minOut);
    const maxOut = isOut(argv, maxIndex);
    return new ScoreRange(min, readBound(ctx, argv, maxIndex, maxOut), minOut, maxOut);
  }

  /** The ranks of the members whose scores lie in the range. O(log n). */
  ranksIn(db: Database, entry: Entry): RankRange {
    const from = zsetCountBelow(db, entry, this.#min, this.#minOut);
    return { from, to: zsetCountBelow(db, entry, this.#max, !this.#maxOut) };
  }
}

/** Whether argument `index` begins with "(". */
function isOut(argv: Argv, index: number): boolean {
  return argv.ends[index] > argv.starts[index] && argv.bytes[argv.starts[index]] === PAREN;
}

/** The score of one end; `out` says that a "(" stands before it. */
function readBound(
  ctx: Pick<Context, "caller">,
  argv: Argv,
  index: number,
  out: boolean,
): number {
  const start = argv.starts[index] + (out ? 1 : 0);
  const value = parseScore(ctx, argv.bytes, start, argv.ends[index]);
  if (value !== value) throw new CommandError(SCORE_RANGE);
  return value;
}

/**
 * A range of ranks, `start stop`, both included; a negative one counts from the end, -1 being the
 * last.
 */
export class IndexRange implements ZsetRange {
  readonly #start: number;
  readonly #end: number;

  /** Ranks from `start` to `end`, which are integers. */
  constructor(start: number, end: number) {
    this.#start = start;
    this.#end = end;
  }

  /**
   * Reads both ends from the arguments from `startIndex` on.
   *
   * @throws {CommandError} When either of them is no integer.
   */
  static read(argv: Argv, startIndex: number): IndexRange {
    const start = readInteger(argv, startIndex);
    return new IndexRange(start, readInteger(argv, startIndex + 1));
  }

  /**
   * The ranks in the range, cut to those that there are; empty when `start` lies behind `stop`.
   * O(1).
   */
  ranksIn(db: Database, entry: Entry): RankRange {
    const length = zsetLength(db, entry);
    const start = this.#start < 0 ? this.#start + length : this.#start;
    const end = this.#end < 0 ? this.#end + length : this.#end;
    return { from: Math.max(start, 0), to: Math.min(end, length - 1) + 1 };
  }
}

/** Which members of a range are visited: its direction, and what LIMIT leaves of it. */
export interface Selection {
  /** Whether the range is one of ranks, where `start stop` of REV count from the highest member. */
  readonly byRank: boolean;
  /** Whether the highest come first. */
  readonly reverse: boolean;
  /** Members that LIMIT skips. */
  readonly offset: number;
  /** The most members that LIMIT gives, negative for all. */
  readonly limit: number;
}

/** What to visit of a range: `count` members from `rank` on, upwards or, reversed, downwards. */
export function selectRange(
  keyspace: Keyspace,
  db: Database,
  entry: Entry,
  range: ZsetRange,
  { byRank, reverse, offset, limit }: Selection,
): { rank: number; count: number } {
  let { from, to } = range.ranksIn(db, entry);
  // `start stop` of REV count from the highest member: turned into ranks from the lowest.
  if (reverse && byRank) {
    const length = zsetLength(db, entry);
    [from, to] = [length - to, length - from];
  }
  // Redis lets LIMIT with a count of -1 pass for ranks, where it has no effect.
  const skipped = byRank ? 0 : skippedBy(keyspace, db, entry, offset, to - from);
  const rest = Math.max(to - from - skipped, 0);
  const count = limit < 0 ? rest : Math.min(rest, limit);
  return { rank: reverse ? to - 1 - skipped : from + skipped, count };
}

/**
 * Members that LIMIT skips, Infinity for all. A negative offset leaves nothing, but of a skiplist
 * from Redis 7.2 to 8.0 and in Valkey: there it counts from the end of the range (`zslNthInRange`).
 *
 * @param count Members in the range.
 */
function skippedBy(
  keyspace: Keyspace,
  db: Database,
  entry: Entry,
  offset: number,
  count: number,
): number {
  if (offset >= 0) return offset;
  if (zsetTableOf(db, entry) === undefined || -offset > count) return Infinity;
  const isEmpty = isRedisBefore(keyspace, [7, 2]) || isRedisSince(keyspace, [8, 2]);
  return isEmpty ? Infinity : count + offset;
}

/** What one end of a range of members is: "-", a member, or "+". */
const End = { LOWEST: -1, MEMBER: 0, HIGHEST: 1 } as const;
type End = typeof End[keyof typeof End];

/**
 * A range of members, `min max` (`zslParseLexRange`): each end is "-", "+", or a member behind "["
 * (in) or "(" (out). It means something only where all scores are equal; else the order of members
 * is not theirs, in Redis as here.
 */
export class MemberRange implements ZsetRange {
  readonly #argv: Argv;
  readonly #minIndex: number;
  readonly #maxIndex: number;
  readonly #min: End;
  readonly #max: End;

  /**
   * Keeps the arguments: the range is valid as long as they are.
   *
   * @throws {CommandError} MEMBER_RANGE when either end has none of these forms.
   */
  constructor(argv: Argv, minIndex: number, maxIndex: number) {
    this.#argv = argv;
    this.#minIndex = minIndex;
    this.#maxIndex = maxIndex;
    this.#min = endOf(argv, minIndex);
    this.#max = endOf(argv, maxIndex);
  }

  /** The ranks of the members in the range. O(log n). */
  ranksIn(db: Database, entry: Entry): RankRange {
    const length = zsetLength(db, entry);
    const from = this.#seek(db, entry, this.#min, this.#minIndex, 0, true);
    if (from >= length) return { from, to: from };
    return { from, to: this.#seek(db, entry, this.#max, this.#maxIndex, from, false) };
  }

  /**
   * The rank of the first member from `from` on that lies behind one end: of the range's first
   * member for the lower end, of the first one outside for the upper end.
   */
  #seek(
    db: Database,
    entry: Entry,
    end: End,
    index: number,
    from: number,
    isMin: boolean,
  ): number {
    if (end !== End.MEMBER) return end === End.LOWEST ? from : zsetLength(db, entry);
    const { bytes, starts, ends } = this.#argv;
    const isOut = bytes[starts[index]] === PAREN;
    return zsetSeekMember(db, entry, from, bytes, starts[index] + 1, ends[index], isMin === isOut);
  }
}

/** What the end at argument `index` is. */
function endOf(argv: Argv, index: number): End {
  const { bytes } = argv;
  const start = argv.starts[index];
  const length = argv.ends[index] - start;
  const first = length === 0 ? 0 : bytes[start];
  if (first === PAREN || first === BRACKET) return End.MEMBER;
  // Redis looks at the second byte, which is the zero that ends every sds: "+\0x" is "+", too.
  const isAlone = length === 1 || (length > 1 && bytes[start + 1] === 0);
  if (isAlone && first === PLUS) return End.HIGHEST;
  if (isAlone && first === MINUS) return End.LOWEST;
  throw new CommandError(MEMBER_RANGE);
}

/**
 * Begins a reply of `count` members. With scores RESP3 has an array of member and score for each,
 * RESP2 has member and score in turn in one array.
 *
 * @returns A visitor to call with each of the `count` members.
 */
export function memberReply(reply: ReplyTarget, count: number, withScores: boolean): MemberVisitor {
  if (!withScores) {
    reply.array(count);
    return (bytes, start, end) => reply.bulk(bytes, start, end);
  }
  const isNested = reply.protocol === 3;
  reply.array(isNested ? count : 2 * count);
  return (bytes, start, end, score) => {
    if (isNested) reply.array(2);
    reply.bulk(bytes, start, end);
    reply.double(score);
  };
}

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
import type { ReplyWriter } from "../../resp/writer.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Entry } from "../../store/memory/record.ts";
import { zsetCountBelow, zsetLength, zsetSeekMember } from "../../store/types/zset.ts";
import type { MemberVisitor } from "../../store/types/zset_table.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, MEMBER_RANGE, SCORE_RANGE } from "../engine/errors.ts";
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

  /**
   * Reads both ends from the arguments at `minIndex` and `maxIndex`.
   *
   * @throws {CommandError} SCORE_RANGE when either end is no score.
   */
  constructor(ctx: Context, argv: Argv, minIndex: number, maxIndex: number) {
    this.#minOut = isOut(argv, minIndex);
    this.#min = readBound(ctx, argv, minIndex, this.#minOut);
    this.#maxOut = isOut(argv, maxIndex);
    this.#max = readBound(ctx, argv, maxIndex, this.#maxOut);
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
function readBound(ctx: Context, argv: Argv, index: number, out: boolean): number {
  const start = argv.starts[index] + (out ? 1 : 0);
  const value = parseScore(ctx, argv.bytes, start, argv.ends[index]);
  if (value !== value) throw new CommandError(SCORE_RANGE);
  return value;
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
export function memberReply(reply: ReplyWriter, count: number, withScores: boolean): MemberVisitor {
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

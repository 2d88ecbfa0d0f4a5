/**
 * What the commands on sorted sets share: looking one up, reading scores and ranges, replying with
 * members, and deleting what became empty.
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

/** The key at argument `index` was changed by `count`: told and counted, and deleted when it is empty. */
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

/** Ranks `[from, to)` that a range stands for. */
export interface RankRange {
  /** The first. */
  from: number;
  /** After the last; no more than `from` when the range is empty. */
  to: number;
}

/** A range of scores or members, as two arguments give it. */
export interface ZsetRange {
  /** The ranks it has in a sorted set. */
  ranksIn(db: Database, entry: Entry): RankRange;
}

/** From a score to a score, either in or out. */
export class ScoreRange implements ZsetRange {
  readonly #min: number;
  readonly #max: number;
  readonly #minOut: boolean;
  readonly #maxOut: boolean;

  /** @throws {CommandError} SCORE_RANGE. */
  constructor(ctx: Context, argv: Argv, minIndex: number, maxIndex: number) {
    this.#minOut = isOut(argv, minIndex);
    this.#min = readBound(ctx, argv, minIndex, this.#minOut);
    this.#maxOut = isOut(argv, maxIndex);
    this.#max = readBound(ctx, argv, maxIndex, this.#maxOut);
  }

  /** O(log n). */
  ranksIn(db: Database, entry: Entry): RankRange {
    const from = zsetCountBelow(db, entry, this.#min, this.#minOut);
    return { from, to: zsetCountBelow(db, entry, this.#max, !this.#maxOut) };
  }
}

function isOut(argv: Argv, index: number): boolean {
  return argv.ends[index] > argv.starts[index] && argv.bytes[argv.starts[index]] === PAREN;
}

function readBound(ctx: Context, argv: Argv, index: number, out: boolean): number {
  const start = argv.starts[index] + (out ? 1 : 0);
  const value = parseScore(ctx, argv.bytes, start, argv.ends[index]);
  if (value !== value) throw new CommandError(SCORE_RANGE);
  return value;
}

/** One end of a range of members. */
const End = { LOWEST: -1, MEMBER: 0, HIGHEST: 1 } as const;
type End = typeof End[keyof typeof End];

/** From a member to a member, either in or out. */
export class MemberRange implements ZsetRange {
  readonly #argv: Argv;
  readonly #minIndex: number;
  readonly #maxIndex: number;
  readonly #min: End;
  readonly #max: End;

  /** Valid as long as the arguments are. @throws {CommandError} MEMBER_RANGE. */
  constructor(argv: Argv, minIndex: number, maxIndex: number) {
    this.#argv = argv;
    this.#minIndex = minIndex;
    this.#maxIndex = maxIndex;
    this.#min = endOf(argv, minIndex);
    this.#max = endOf(argv, maxIndex);
  }

  /** O(log n). */
  ranksIn(db: Database, entry: Entry): RankRange {
    const length = zsetLength(db, entry);
    const from = this.#seek(db, entry, this.#min, this.#minIndex, 0, true);
    if (from >= length) return { from, to: from };
    return { from, to: this.#seek(db, entry, this.#max, this.#maxIndex, from, false) };
  }

  /** Rank of the first member that is past one end. */
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

function endOf(argv: Argv, index: number): End {
  const { bytes } = argv;
  const start = argv.starts[index];
  const length = argv.ends[index] - start;
  const first = length === 0 ? 0 : bytes[start];
  if (first === PAREN || first === BRACKET) return End.MEMBER;
  // As in C, where the text ends with a zero byte.
  const isAlone = length === 1 || (length > 1 && bytes[start + 1] === 0);
  if (isAlone && first === PLUS) return End.HIGHEST;
  if (isAlone && first === MINUS) return End.LOWEST;
  throw new CommandError(MEMBER_RANGE);
}

/**
 * Begins a reply of `count` members, each with its score if asked for: pairs in RESP3, flat in RESP2.
 *
 * @returns What to call with each.
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

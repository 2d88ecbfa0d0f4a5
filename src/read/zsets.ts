/**
 * The reads of sorted sets.
 *
 * @module
 */

import { globMatch } from "../base/glob.ts";
import { BytesRef } from "../base/byte_buffer.ts";
import { Caller } from "../commands/engine/context.ts";
import {
  IndexRange,
  MemberRange,
  ScoreRange,
  selectRange,
  type ZsetRange,
} from "../commands/zset/args.ts";
import { Argv } from "../resp/argv.ts";
import { type Entry, ValueType } from "../store/memory/record.ts";
import { zsetEach, zsetEachRange, zsetLength, zsetRank, zsetScore } from "../store/types/zset.ts";
import { type MemberVisitor, zsetTableOf } from "../store/types/zset_table.ts";
import { checkInteger } from "./arguments.ts";
import type { Value } from "./codec.ts";
import type { Decode, DecodeOptions } from "./decode.ts";
import type { MatchOptions } from "./hashes.ts";
import type { Limit } from "./keys.ts";
import type { BytesReply, CallArgument } from "./reply.ts";
import { type CardOptions, SetReads } from "./sets.ts";
import { type Key, toBytes } from "./text.ts";
import { walk } from "./walk.ts";

/** A member and its score. */
export interface Scored<T> {
  /** The member's bytes or text, or what a decoder made of it. */
  readonly value: T;
  /** What orders it: any double but NaN. */
  readonly score: number;
}

/** One end of a range of scores: a number, or Redis's text, as `"(5"` for a score that is itself left out. */
export type ScoreBound = number | `(${number}` | "-inf" | "+inf" | "inf" | "(-inf" | "(+inf";

/** Which members `zrange` gives of a range, and in which order. */
export interface RangeOptions {
  /** Whether the highest come first; by score or member `start` is then the upper end. */
  readonly rev?: boolean;
  /** Only this part of the range; by score or member only. */
  readonly limit?: Limit;
}

/** How the scores of several sorted sets become one. */
export interface AggregateOptions {
  /** Factors of the scores of each key, in the order of the keys. */
  readonly weights?: readonly number[];
  /** What becomes of the scores that one member has: their sum unless told. */
  readonly aggregate?: "sum" | "min" | "max";
}

/** Whether scores are given, too. */
export interface WithScores {
  /** Gives `{ value, score }` for each member. */
  readonly withScores: true;
}

/** That members are given alone. */
export interface WithoutScores {
  /** Gives members alone, as when it is left out. */
  readonly withScores?: false;
}

const OF_A_READER = { caller: Caller.REPLICA_CLIENT };
const member = new BytesRef();

/** The reads of sorted sets. */
export class ZsetReads<T extends Value> extends SetReads<T> {
  #members: T[] = [];
  #pairs: Scored<T>[] = [];

  /**
   * The members from rank `start` to `stop`, both included, the lowest score first; negative ones count from the end.
   * O(log n) and the members given.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  zrange(
    key: Key,
    start: number,
    stop: number,
    options?: RangeOptions & WithoutScores & { readonly by?: undefined },
  ): T[];
  /** The same with scores. */
  zrange(
    key: Key,
    start: number,
    stop: number,
    options: RangeOptions & WithScores & { readonly by?: undefined },
  ): Scored<T>[];
  /** The members with scores from `start` to `stop`. */
  zrange(
    key: Key,
    start: ScoreBound,
    stop: ScoreBound,
    options: RangeOptions & WithoutScores & { readonly by: "score" },
  ): T[];
  /** The same with scores. */
  zrange(
    key: Key,
    start: ScoreBound,
    stop: ScoreBound,
    options: RangeOptions & WithScores & { readonly by: "score" },
  ): Scored<T>[];
  /** The members between two, where all scores are equal: `"[a"`, `"(a"`, `"-"` and `"+"` as Redis has them. */
  zrange(
    key: Key,
    start: Key,
    stop: Key,
    options: RangeOptions & WithoutScores & { readonly by: "lex" },
  ): T[];
  /** What a decoder makes of each of them, with scores. */
  zrange<V>(
    key: Key,
    start: number | Key,
    stop: number | Key,
    options: RangeOptions & WithScores & { readonly by?: "score" } & DecodeOptions<V>,
  ): Scored<V>[];
  /** What a decoder makes of each of them. */
  zrange<V>(
    key: Key,
    start: number | Key,
    stop: number | Key,
    options: RangeOptions & WithoutScores & { readonly by?: "score" | "lex" } & DecodeOptions<V>,
  ): V[];
  zrange<V>(
    key: Key,
    start: number | Key,
    stop: number | Key,
    options: RangeOptions & {
      readonly by?: "score" | "lex";
      readonly withScores?: boolean;
      readonly decode?: Decode<V>;
    } = {},
  ): T[] | Scored<T>[] | V[] | Scored<V>[] {
    const { by, rev: reverse = false, limit } = options;
    const isSwapped = reverse && by !== undefined;
    const [min, max] = isSwapped ? [stop, start] : [start, stop];
    const range = rangeOf(by, min, max);
    const entry = this.core.findType(key, ValueType.ZSET);
    if (entry === 0) return [];
    const { rank, count } = selectRange(this.core.source.keyspace, this.core.db, entry, range, {
      byRank: by === undefined,
      reverse,
      offset: limit?.offset ?? 0,
      limit: by === undefined ? -1 : limit?.count ?? -1,
    });
    if (options.decode !== undefined) {
      const pairs = this.#decodePairs(key, entry, [rank, count, reverse], options.decode);
      return options.withScores ? pairs : pairs.map(({ value }) => value);
    }
    if (options.withScores) return this.#pairsOf(entry, rank, count, reverse);
    return this.#membersOf(entry, rank, count, reverse);
  }

  /**
   * A member's score, undefined when there is none. O(1), but O(members) of a small sorted set.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  zscore(key: Key, member: Key): number | undefined {
    return this.#score(this.core.findType(key, ValueType.ZSET), member);
  }

  /**
   * The scores of members in order, undefined for those that are missing.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  zmscore(key: Key, members: readonly Key[]): (number | undefined)[] {
    const entry = this.core.findType(key, ValueType.ZSET);
    return members.map((member) => this.#score(entry, member));
  }

  /**
   * How many members there are, 0 when there is no such key. O(1).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  zcard(key: Key): number {
    const entry = this.core.findType(key, ValueType.ZSET);
    return entry === 0 ? 0 : zsetLength(this.core.db, entry);
  }

  /**
   * How many members have a score from `min` to `max`. O(log n).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  zcount(key: Key, min: ScoreBound, max: ScoreBound): number {
    return this.#count(key, rangeOf("score", min, max));
  }

  /**
   * How many members lie between two, where all scores are equal. O(log n).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  zlexcount(key: Key, min: Key, max: Key): number {
    return this.#count(key, rangeOf("lex", min, max));
  }

  /**
   * How many members stand before one, with `rev` behind it; undefined when there is no such member. O(log n).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  zrank(
    key: Key,
    member: Key,
    options?: { readonly rev?: boolean; readonly withScore?: false },
  ): number | undefined;
  /** The same with its score. */
  zrank(
    key: Key,
    member: Key,
    options: { readonly rev?: boolean; readonly withScore: true },
  ): { rank: number; score: number } | undefined;
  zrank(
    key: Key,
    member: Key,
    options: { readonly rev?: boolean; readonly withScore?: boolean } = {},
  ): number | { rank: number; score: number } | undefined {
    const { core } = this;
    const entry = core.findType(key, ValueType.ZSET);
    if (entry === 0) return undefined;
    core.arg.set(member);
    const { bytes, end } = core.arg;
    const below = zsetRank(core.db, entry, bytes, 0, end);
    if (below < 0) return undefined;
    const rank = options.rev ? zsetLength(core.db, entry) - 1 - below : below;
    return options.withScore ? { rank, score: zsetScore(core.db, entry, bytes, 0, end) } : rank;
  }

  /**
   * A member at random, undefined when there is no such key.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  zrandmember(key: Key): T | undefined;
  /** Up to `count` different members; `-count` members, perhaps repeated, when it is negative. */
  zrandmember(key: Key, count: number, options?: WithoutScores): T[];
  /** The same with scores. */
  zrandmember(key: Key, count: number, options: WithScores): Scored<T>[];
  zrandmember(
    key: Key,
    count?: number,
    options: { readonly withScores?: boolean } = {},
  ): T | undefined | T[] | Scored<T>[] {
    const { core } = this;
    if (count === undefined) return core.valueOf(core.run(["ZRANDMEMBER", key]));
    checkInteger(count, "count");
    return this.#reply(["ZRANDMEMBER", key, count], options.withScores);
  }

  /**
   * Walks the members with their scores and copies nothing ahead, in no order, with the guarantee of `ZSCAN`: a member
   * that is there throughout is given at least once, perhaps twice, whatever is written meanwhile; one that comes or
   * goes may be given or not. The walk ends when the key goes.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else, also once the walk has begun.
   */
  zscan(key: Key, options: MatchOptions = {}): Generator<Scored<T>, void, undefined> {
    const { core } = this;
    const pattern = options.match === undefined ? undefined : toBytes(options.match);
    return walk<Scored<T>>((cursor, out) => {
      const entry = core.findType(key, ValueType.ZSET);
      if (entry === 0) return 0;
      const visit: MemberVisitor = (bytes, start, end, score) => {
        if (pattern !== undefined && !globMatch(pattern, bytes, start, end)) return;
        out.push({ value: core.codec.value(bytes, start, end), score });
      };
      const table = zsetTableOf(core.db, entry);
      if (table === undefined) {
        zsetEach(core.db, entry, visit);
        return 0;
      }
      return table.scan(cursor, (found) => {
        table.memberRef(found, member);
        visit(member.bytes, member.start, member.end, table.scoreOf(found));
      });
    });
  }

  /**
   * The members that all of these sorted sets or sets have, in the order of their scores.
   *
   * @throws {CommandError} `WRONGTYPE` when a key holds something else.
   */
  zinter(keys: readonly Key[], options?: AggregateOptions & WithoutScores): T[];
  /** The same with scores. */
  zinter(keys: readonly Key[], options: AggregateOptions & WithScores): Scored<T>[];
  zinter(
    keys: readonly Key[],
    options: AggregateOptions & { readonly withScores?: boolean } = {},
  ): T[] | Scored<T>[] {
    return this.#reply(algebraArguments("ZINTER", keys, options), options.withScores);
  }

  /**
   * The members that any of these sorted sets or sets has, in the order of their scores.
   *
   * @throws {CommandError} `WRONGTYPE` when a key holds something else.
   */
  zunion(keys: readonly Key[], options?: AggregateOptions & WithoutScores): T[];
  /** The same with scores. */
  zunion(keys: readonly Key[], options: AggregateOptions & WithScores): Scored<T>[];
  zunion(
    keys: readonly Key[],
    options: AggregateOptions & { readonly withScores?: boolean } = {},
  ): T[] | Scored<T>[] {
    return this.#reply(algebraArguments("ZUNION", keys, options), options.withScores);
  }

  /**
   * The members of the first of these sorted sets or sets that no other has, in the order of their scores.
   *
   * @throws {CommandError} `WRONGTYPE` when a key holds something else.
   */
  zdiff(keys: readonly Key[], options?: WithoutScores): T[];
  /** The same with scores. */
  zdiff(keys: readonly Key[], options: WithScores): Scored<T>[];
  zdiff(
    keys: readonly Key[],
    options: { readonly withScores?: boolean } = {},
  ): T[] | Scored<T>[] {
    return this.#reply(algebraArguments("ZDIFF", keys, {}), options.withScores);
  }

  /**
   * How many members all of these sorted sets or sets have, counted up to the limit.
   *
   * @throws {CommandError} `WRONGTYPE` when a key holds something else.
   */
  zintercard(keys: readonly Key[], { limit = 0 }: CardOptions = {}): number {
    return Number(this.core.run(["ZINTERCARD", keys.length, ...keys, "LIMIT", limit]));
  }

  #score(entry: Entry, member: Key): number | undefined {
    if (entry === 0) return undefined;
    const { core } = this;
    core.arg.set(member);
    const score = zsetScore(core.db, entry, core.arg.bytes, 0, core.arg.end);
    return score === score ? score : undefined;
  }

  #count(key: Key, range: ZsetRange): number {
    const entry = this.core.findType(key, ValueType.ZSET);
    if (entry === 0) return 0;
    const { from, to } = range.ranksIn(this.core.db, entry);
    return Math.max(to - from, 0);
  }

  #membersOf(entry: Entry, rank: number, count: number, reverse: boolean): T[] {
    const members: T[] = [];
    this.#members = members;
    zsetEachRange(this.core.db, entry, rank, count, reverse, this.#addMember);
    this.#members = [];
    return members;
  }

  #pairsOf(entry: Entry, rank: number, count: number, reverse: boolean): Scored<T>[] {
    const pairs: Scored<T>[] = [];
    this.#pairs = pairs;
    zsetEachRange(this.core.db, entry, rank, count, reverse, this.#addPair);
    this.#pairs = [];
    return pairs;
  }

  #decodePairs<V>(
    key: Key,
    entry: Entry,
    [rank, count, reverse]: readonly [number, number, boolean],
    decode: Decode<V>,
  ): Scored<V>[] {
    const { core } = this;
    // A decoder is code of the application, which may read: all members are read before it runs.
    const pairs: { readonly bytes: Uint8Array; readonly score: number }[] = [];
    zsetEachRange(core.db, entry, rank, count, reverse, (bytes, start, end, score) => {
      pairs.push({ bytes: bytes.slice(start, end), score });
    });
    return pairs.map(({ bytes, score }) => {
      return { value: core.decodeCopy(key, bytes, bytes, decode), score };
    });
  }

  #reply(args: CallArgument[], withScores: boolean | undefined): T[] | Scored<T>[] {
    const { core } = this;
    if (!withScores) return core.values(core.run(args)) as T[];
    const pairs = core.run([...args, "WITHSCORES"]) as [BytesReply, number][];
    return pairs.map(([value, score]) => ({ value: core.valueOf(value)!, score }));
  }

  // Made once, so that a read allocates nothing beside its result.
  readonly #addMember: MemberVisitor = (bytes, start, end) => {
    this.#members.push(this.core.codec.value(bytes, start, end));
  };

  readonly #addPair: MemberVisitor = (bytes, start, end, score) => {
    this.#pairs.push({ value: this.core.codec.value(bytes, start, end), score });
  };
}

/** A range of ranks, scores or members. */
function rangeOf(
  by: "score" | "lex" | undefined,
  min: number | Key,
  max: number | Key,
): ZsetRange {
  if (by === undefined) {
    checkInteger(Number(min), "start");
    checkInteger(Number(max), "stop");
    return new IndexRange(Number(min), Number(max));
  }
  if (by === "score" && typeof min === "number" && typeof max === "number") {
    if (min === min && max === max) return new ScoreRange(min, max, false, false);
  }
  const argv = Argv.of(asWord(min), asWord(max));
  return by === "lex" ? new MemberRange(argv, 0, 1) : ScoreRange.read(OF_A_READER, argv, 0, 1);
}

function asWord(bound: number | Key): Key {
  return typeof bound === "number" ? String(bound) : bound;
}

function algebraArguments(
  command: string,
  keys: readonly Key[],
  { weights, aggregate }: AggregateOptions,
): CallArgument[] {
  const args: CallArgument[] = [command, keys.length, ...keys];
  if (weights !== undefined) args.push("WEIGHTS", ...weights);
  if (aggregate !== undefined) args.push("AGGREGATE", aggregate);
  return args;
}

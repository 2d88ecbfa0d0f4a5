/**
 * The sorted set commands on single members, ZRANDMEMBER and ZSCAN (`t_zset.c`). Ranges are in
 * `range.ts`, pops in `pop.ts`, those that combine keys in `algebra.ts`; positions on the Earth,
 * whose scores are geohashes, in `geo.ts`.
 *
 * A sorted set is a listpack or a table with an index of scores; Redis calls the latter a skiplist.
 * Scores are doubles; members of one score are in the order of their bytes.
 *
 * @module
 */

import { formatDouble, formatDouble17 } from "../../base/ascii.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { writeBulk, writeBulkText } from "../../resp/writer.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import {
  Add,
  zsetAdd,
  zsetAddResult,
  zsetCreate,
  zsetEach,
  zsetEachRange,
  zsetExpect,
  zsetLength,
  zsetRandom,
  zsetRank,
  zsetRemove,
  zsetScore,
} from "../../store/types/zset.ts";
import { type MemberVisitor, zsetTableOf } from "../../store/types/zset_table.ts";
import { cStringEnd, isWord, readDouble } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import {
  CommandError,
  SCORE_NAN,
  SYNTAX,
  wrongArity,
  ZADD_GT_LT_NX,
  ZADD_INCR,
  ZADD_NX_XX,
} from "../engine/errors.ts";
import { isRedisBefore, isValkeySince } from "../engine/master_version.ts";
import { findAgain, inPortions, readInSlices, type Steps } from "../engine/long_read.ts";
import {
  drawsOf,
  eachRandom,
  eachRandomInSteps,
  MANY_DRAWS,
  readRandomCount,
} from "../engine/random_members.ts";
import { ElementScan, readCursor, replyNoScan } from "../engine/scan_args.ts";
import { memberReply, zsetChanged } from "./args.ts";
import { zsetAlgebraCommands } from "./algebra.ts";
import { zsetPopCommands } from "./pop.ts";
import { zsetRangeCommands } from "./range.ts";
import { lookup } from "../engine/lookup.ts";

/**
 * The option CH of ZADD, a bit beside the store's own in `Add`: the reply counts changed members,
 * too.
 */
const CHANGED = 32;

/** Points at the member that a scan visits; reused. */
const ref = new BytesRef();
/**
 * The scores of the ZADD that runs, one for each pair; longer than needed after one of more pairs.
 */
const scores: number[] = [];
/** Whether one of them is -0: its fate hangs on which form the sorted set has meanwhile. */
let hasMinusZero = false;

/**
 * The bit of ZADD's option at argument `index`, 0 when it is none. Like C's `strcasecmp` it stops
 * at a zero byte.
 */
function addOption(argv: Argv, index: number): number {
  const length = cStringEnd(argv, index) - argv.starts[index];
  if (length === 2) {
    if (isWord(argv, index, "NX")) return Add.NX;
    if (isWord(argv, index, "XX")) return Add.XX;
    if (isWord(argv, index, "CH")) return CHANGED;
    if (isWord(argv, index, "GT")) return Add.GT;
    if (isWord(argv, index, "LT")) return Add.LT;
  }
  return length === 4 && isWord(argv, index, "INCR") ? Add.INCR : 0;
}

/**
 * Checks the pairs of score and member from argument `first` on and the options against each other,
 * and reads all scores into `scores`: nothing is added before every score is known to be a number.
 *
 * @throws {CommandError} SYNTAX and others, in the order of `zaddGenericCommand`.
 */
function readPairs(argv: Argv, first: number, options: number): void {
  const count = argv.count - first;
  if (count === 0 || (count & 1) !== 0) throw new CommandError(SYNTAX);
  // GT and LT ask for the score that a member has, NX for no such member: they exclude each other.
  const has = (flags: number) => (options & flags) === flags;
  if (has(Add.NX | Add.XX)) throw new CommandError(ZADD_NX_XX);
  if (has(Add.GT | Add.NX) || has(Add.LT | Add.NX) || has(Add.GT | Add.LT)) {
    throw new CommandError(ZADD_GT_LT_NX);
  }
  if (has(Add.INCR) && count > 2) throw new CommandError(ZADD_INCR);
  hasMinusZero = false;
  for (let i = 0; i < count; i += 2) {
    const score = readDouble(argv, first + i);
    if (score === 0 && Object.is(score, -0)) hasMinusZero = true;
    scores[i >>> 1] = score;
  }
}

/**
 * The sorted set of the key at argument 1, created unless XX forbids to add members; 0 then. A new
 * one gets its form by the number of pairs and the length of the first member, as in Redis
 * (`zsetTypeCreate`), Valkey 8 looks at all of them; one that exists is converted before it outgrows its listpack.
 * Before 7.2 Redis did not count the pairs. It shows in a score of -0, which a listpack does not hold.
 */
function openForAdd(ctx: Context, argv: Argv, first: number, options: number): Entry {
  const { bytes, starts, ends } = argv;
  const { keyspace } = ctx;
  const isUncounted = hasMinusZero && isRedisBefore(keyspace, [7, 2]);
  const expected = isUncounted ? 1 : (argv.count - first) >>> 1;
  const entry = lookup(ctx, argv, 1, ValueType.ZSET);
  if (entry !== 0) return zsetExpect(ctx.db, entry, expected);
  if ((options & Add.XX) !== 0) return 0;
  let longest = ends[first + 1] - starts[first + 1];
  if (hasMinusZero && isValkeySince(keyspace, [8])) {
    for (let i = first + 3; i < argv.count; i += 2) {
      longest = Math.max(longest, ends[i] - starts[i]);
    }
  }
  return zsetCreate(ctx.db, bytes, starts[1], ends[1], expected, longest);
}

/**
 * ZADD, and ZINCRBY as ZADD INCR (`zaddGenericCommand`); `options` are those the command has by its
 * name.
 */
function addGeneric(ctx: Context, argv: Argv, options: number): void {
  let first = 2;
  for (let option = 0; first < argv.count; first++) {
    option = addOption(argv, first);
    if (option === 0) break;
    options |= option;
  }
  readPairs(argv, first, options);
  const { bytes, starts, ends } = argv;
  const isIncrement = (options & Add.INCR) !== 0;
  let entry = openForAdd(ctx, argv, first, options);
  // XX without a key: nothing is changed and no empty sorted set is left behind.
  if (entry === 0) return isIncrement ? ctx.reply.null() : ctx.reply.integer(0);
  let added = 0;
  let updated = 0;
  for (let i = first; i < argv.count; i += 2) {
    const score = scores[(i - first) >>> 1];
    entry = zsetAdd(ctx.db, entry, bytes, starts[i + 1], ends[i + 1], score, options);
    // Only INCR can add up to no number, and INCR has one pair: nothing has been changed yet.
    if (zsetAddResult.isNaN) throw new CommandError(SCORE_NAN);
    if (zsetAddResult.isNew) added++;
    if (zsetAddResult.isUpdated) updated++;
  }
  const changed = added + updated;
  if (changed > 0) ctx.changed(argv, 1, changed);
  if (!isIncrement) ctx.reply.integer((options & CHANGED) !== 0 ? changed : added);
  else if (zsetAddResult.isRefused) ctx.reply.null();
  else ctx.reply.double(zsetAddResult.score);
}

/**
 * `ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member [...]`: the number of new members, with CH of
 * changed ones, too; with INCR the new score, or null where an option forbids it. O(m log n).
 */
export const zadd: Command = command(
  "zadd",
  -4,
  WRITE | DENYOOM | FAST,
  "RW.update@1",
  (ctx, argv) => addGeneric(ctx, argv, Add.NONE),
);

/**
 * `ZINCRBY key increment member`: the member's new score; a missing member counts as 0. O(log n).
 */
const zincrby = command("zincrby", 4, WRITE | DENYOOM | FAST, "RW.access.update@1", (ctx, argv) => {
  addGeneric(ctx, argv, Add.INCR);
});

/** `ZREM key member [...]`: the number of members that were there and are removed. O(m log n). */
const zrem = command("zrem", -3, WRITE | FAST, "RW.delete@1", (ctx, argv) => {
  let entry = lookup(ctx, argv, 1, ValueType.ZSET);
  if (entry === 0) return ctx.reply.integer(0);
  const { bytes, starts, ends } = argv;
  let removed = 0;
  for (let i = 2; i < argv.count; i++) {
    // 0 says that the member was not there; the sorted set may be empty in the end, but stays until
    // then.
    const now = zsetRemove(ctx.db, entry, bytes, starts[i], ends[i]);
    if (now === 0) continue;
    entry = now;
    removed++;
  }
  if (removed > 0) zsetChanged(ctx, argv, 1, entry, removed);
  ctx.reply.integer(removed);
});

/** `ZCARD key`: the number of members, 0 for a missing key. O(1). */
const zcard = command("zcard", 2, READONLY | FAST, "RO@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.ZSET);
  ctx.reply.integer(entry === 0 ? 0 : zsetLength(ctx.db, entry));
});

/**
 * Replies with the score of the member that argument `index` names, null without one. `entry` 0 is
 * a missing set.
 */
function replyScore(ctx: Context, entry: Entry, argv: Argv, index: number): void {
  const { bytes, starts, ends } = argv;
  const score = entry === 0 ? NaN : zsetScore(ctx.db, entry, bytes, starts[index], ends[index]);
  if (score !== score) ctx.reply.null();
  else ctx.reply.double(score);
}

/** `ZSCORE key member`: the member's score, null when the member or the key is missing. O(1). */
const zscore = command("zscore", 3, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  replyScore(ctx, lookup(ctx, argv, 1, ValueType.ZSET), argv, 2);
});

/**
 * `ZMSCORE key member [...]`: an array of each member's score or null, in the order asked. O(m).
 */
const zmscore = command("zmscore", -3, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.ZSET);
  ctx.reply.array(argv.count - 2);
  for (let i = 2; i < argv.count; i++) replyScore(ctx, entry, argv, i);
});

/**
 * ZRANK and ZREVRANK (`zrankGenericCommand`); null is an array of RESP2 only where the reply would
 * be one.
 */
function rankGeneric(ctx: Context, argv: Argv, reverse: boolean): void {
  const { bytes, starts, ends } = argv;
  const { db, reply } = ctx;
  if (argv.count > 4) throw new CommandError(wrongArity(reverse ? "zrevrank" : "zrank"));
  if (argv.count === 4 && !isWord(argv, 3, "WITHSCORE")) throw new CommandError(SYNTAX);
  const withScore = argv.count === 4;
  const entry = lookup(ctx, argv, 1, ValueType.ZSET);
  // The index gives ranks from the lowest score; from the highest they count the other way.
  const rank = entry === 0 ? -1 : zsetRank(db, entry, bytes, starts[2], ends[2]);
  if (rank < 0) return withScore ? reply.nullArray() : reply.null();
  if (withScore) reply.array(2);
  reply.integer(reverse ? zsetLength(db, entry) - 1 - rank : rank);
  if (withScore) reply.double(zsetScore(db, entry, bytes, starts[2], ends[2]));
}

/**
 * `ZRANK key member [WITHSCORE]`: the number of members below it, from 0, and its score; or null.
 * O(log n).
 */
const zrank = command("zrank", -3, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  rankGeneric(ctx, argv, false);
});

/**
 * `ZREVRANK key member [WITHSCORE]`: the number of members above it, from 0, and its score; or
 * null. O(log n).
 */
const zrevrank = command("zrevrank", -3, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  rankGeneric(ctx, argv, true);
});

/**
 * Visits `count` different random members, drawn by rank; {@linkcode eachRandom} says by which
 * method.
 */
function eachRandomMember(ctx: Context, entry: Entry, count: number, visit: MemberVisitor): void {
  const { db } = ctx;
  const length = zsetLength(db, entry);
  eachRandom(
    ctx,
    count,
    length,
    () => Math.min(Math.floor(ctx.random() * length), length - 1),
    (rank) => zsetEachRange(db, entry, rank, 1, false, visit),
    (takes) =>
      zsetEach(db, entry, (bytes, start, end, score) => {
        if (takes()) visit(bytes, start, end, score);
      }),
  );
}

/**
 * `ZRANDMEMBER key [count [WITHSCORES]]`: a random member; with a count that many different ones,
 * with a negative count -count of them, repeated ones included. O(n), O(count * log n) when few of
 * many are asked for.
 */
const zrandmember = command("zrandmember", -2, READONLY, "RO.access@1", (ctx, argv) => {
  const { reply } = ctx;
  if (argv.count === 2) {
    const entry = lookup(ctx, argv, 1, ValueType.ZSET);
    if (entry === 0) return reply.null();
    const visit: MemberVisitor = (bytes, start, end) => reply.bulk(bytes, start, end);
    return zsetRandom(ctx.db, entry, ctx.random, visit);
  }
  const count = readRandomCount(argv, "WITHSCORES");
  const entry = lookup(ctx, argv, 1, ValueType.ZSET);
  if (entry === 0 || count === 0) return reply.array(0);
  const length = zsetLength(ctx.db, entry);
  const wanted = drawsOf(count, length);
  if (wanted > MANY_DRAWS) {
    return readInSlices(ctx, argv, 1, 2, (own) => replyManyRandom(ctx, own, wanted, count < 0));
  }
  const visit = memberReply(reply, wanted, argv.count === 4);
  if (count >= 0) return eachRandomMember(ctx, entry, wanted, visit);
  for (let i = 0; i < wanted; i++) zsetRandom(ctx.db, entry, ctx.random, visit);
});

/** Replies with many random members, in steps. */
function* replyManyRandom(ctx: Context, argv: Argv, wanted: number, repeats: boolean): Steps {
  const entry = () => findAgain(ctx, argv, 1, 1);
  const visit = memberReply(ctx.reply, wanted, argv.count === 4);
  if (repeats) {
    return yield* inPortions(ctx, wanted, () => zsetRandom(ctx.db, entry(), ctx.random, visit));
  }
  const length = zsetLength(ctx.db, entry());
  yield* eachRandomInSteps(
    ctx,
    wanted,
    length,
    () => Math.min(Math.floor(ctx.random() * length), length - 1),
    (rank) => zsetEachRange(ctx.db, entry(), rank, 1, false, visit),
    (rank, most, takes) => {
      const next = Math.min(rank + most, length);
      zsetEachRange(ctx.db, entry(), rank, next - rank, false, (bytes, start, end, score) => {
        if (takes()) visit(bytes, start, end, score);
      });
      return next < length ? next : 0;
    },
  );
}

/** Replies with one step of a scan: a listpack whole with cursor 0, a table some buckets a call. */
function scanMembers(ctx: Context, entry: Entry, cursor: number, scan: ElementScan): void {
  const table = zsetTableOf(ctx.db, entry);
  const take = (bytes: Uint8Array, start: number, end: number, score: string): void => {
    if (!scan.takes(bytes, start, end)) return;
    writeBulk(scan.found, bytes, start, end);
    writeBulkText(scan.found, score);
  };
  let next = 0;
  if (table === undefined) {
    zsetEach(ctx.db, entry, (bytes, start, end, score) => {
      take(bytes, start, end, formatDouble(score));
    });
  } else {
    const look = (found: Entry) => {
      table.memberRef(found, ref);
      // scanCallback of db.c prints the scores of a table as long doubles, with 17 digits.
      take(ref.bytes, ref.start, ref.end, formatDouble17(table.scoreOf(found)));
    };
    next = scan.walk(cursor, (at) => table.scan(at, look));
  }
  scan.reply(ctx, next, 2);
}

/**
 * `ZSCAN key cursor [MATCH pattern] [COUNT n]`: the next cursor, and members with scores as text.
 * O(count).
 */
const zscan = command("zscan", -3, READONLY, "RO.access@1", (ctx, argv) => {
  const cursor = readCursor(argv, 2);
  const entry = lookup(ctx, argv, 1, ValueType.ZSET);
  if (entry === 0) return replyNoScan(ctx.reply);
  scanMembers(ctx, entry, cursor, new ElementScan(argv));
});

/** The rows of the sorted set family, with those of `range.ts`, `pop.ts` and `algebra.ts`. */
export const zsetCommands: readonly Command[] = [
  zadd,
  zincrby,
  zrem,
  zcard,
  zscore,
  zmscore,
  zrank,
  zrevrank,
  ...zsetRangeCommands,
  ...zsetPopCommands,
  zrandmember,
  zscan,
  ...zsetAlgebraCommands,
];

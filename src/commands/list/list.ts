/**
 * The list commands that push, read and change elements of one key (`t_list.c`). Those that take elements
 * out by position are in `pop.ts`, those that move elements between lists in `move.ts`.
 *
 * Indexes count from 0 at the head; negative ones count from -1 at the tail. Redis removes a list that
 * becomes empty; the functions of `store/types/list.ts` do that here.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { INT64_MAX, INT64_MIN } from "../../base/limits.ts";
import type { Argv } from "../../resp/argv.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import {
  listGrowFor,
  listInsert,
  listLength,
  listPush,
  listRemoveMatching,
  listRemoveRange,
  listSet,
} from "../../store/types/list.ts";
import { ListCursor } from "../../store/types/list_cursor.ts";
import { isWord, readBigInteger, readInteger } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  CommandError,
  COUNT_NEGATIVE,
  INDEX_OUT_OF_RANGE,
  MAXLEN_NEGATIVE,
  NO_SUCH_KEY,
  outOfRange,
  RANK_IS_ZERO,
  SYNTAX,
} from "../engine/errors.ts";
import {
  AT_ONCE,
  drain,
  findAgain,
  Portion,
  readInSlices,
  STEP_ELEMENTS,
  type Steps,
} from "../engine/long_read.ts";
import { lookup } from "../engine/lookup.ts";

const cursor = new ListCursor();
const value = new BytesRef();

/**
 * Replies with an array of the `count` elements from the one at `index` on, towards the tail or towards the
 * head. The elements must exist.
 */
export function replyRange(
  ctx: Context,
  entry: Entry,
  index: number,
  count: number,
  towardsTail: boolean,
): void {
  ctx.reply.array(count);
  if (count > 0) replyElements(ctx, entry, index, count, towardsTail);
}

/** Replies with elements, of which there must be one, without the header that counts them. */
function replyElements(
  ctx: Context,
  entry: Entry,
  index: number,
  count: number,
  towardsTail: boolean,
): void {
  cursor.open(ctx.db, entry);
  cursor.seek(index);
  for (let i = 0; i < count; i++) {
    cursor.read(value);
    ctx.reply.bulk(value.bytes, value.start, value.end);
    if (towardsTail) cursor.next();
    else cursor.previous();
  }
}

/**
 * Whether argument `index` is LEFT; for RIGHT it is false.
 *
 * @throws {CommandError} SYNTAX when it is neither.
 */
export function readIsLeft(argv: Argv, index: number): boolean {
  if (isWord(argv, index, "LEFT")) return true;
  if (isWord(argv, index, "RIGHT")) return false;
  throw new CommandError(SYNTAX);
}

/**
 * LPUSH, RPUSH, LPUSHX and RPUSHX (`t_list.c pushGenericCommand`): adds the elements one by one, so that
 * the last argument of an LPUSH becomes the head. Replies with the new length.
 *
 * @param onlyExisting True for the X forms: a missing key stays missing and the reply is 0.
 */
function push(ctx: Context, argv: Argv, atHead: boolean, onlyExisting: boolean): void {
  const { bytes, starts, ends, count } = argv;
  const found = lookup(ctx, argv, 1, ValueType.LIST);
  if (found === 0 && onlyExisting) return ctx.reply.integer(0);
  const { db } = ctx;
  const entry = listPush(
    db,
    found,
    bytes,
    starts[1],
    ends[1],
    atHead,
    bytes,
    starts,
    ends,
    2,
    count,
  );
  ctx.reply.integer(listLength(db, entry));
  ctx.changed(argv, 1, count - 2);
}

/** An index counted from the head; the result is below 0 when a negative `index` points before the head. */
function fromHead(index: number, length: number): number {
  return index < 0 ? index + length : index;
}

/**
 * `LPUSH key element [element ...]`: adds each element before the head. Replies with the new length. O(n)
 * of those added.
 */
const lpush = command("lpush", -3, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  push(ctx, argv, true, false);
});

/**
 * `RPUSH key element [element ...]`: adds each element after the tail. Replies with the new length. O(n) of
 * those added.
 */
const rpush = command("rpush", -3, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  push(ctx, argv, false, false);
});

/**
 * `LPUSHX key element [element ...]`: LPUSH when the list exists; else it replies 0. O(n) of those added.
 */
const lpushx = command("lpushx", -3, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  push(ctx, argv, true, true);
});

/**
 * `RPUSHX key element [element ...]`: RPUSH when the list exists; else it replies 0. O(n) of those added.
 */
const rpushx = command("rpushx", -3, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  push(ctx, argv, false, true);
});

/** `LLEN key`: the number of elements, 0 when the key is missing. O(1). */
const llen = command("llen", 2, READONLY | FAST, "RO@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.LIST);
  ctx.reply.integer(entry === 0 ? 0 : listLength(ctx.db, entry));
});

/**
 * `LRANGE key start stop`: the elements from index `start` to `stop`, both included; indexes outside the
 * list are clipped. O(s + n): s nodes are skipped, n elements replied.
 */
const lrange = command("lrange", 4, READONLY, "RO.access@1", (ctx, argv) => {
  const first = readInteger(argv, 2);
  const last = readInteger(argv, 3);
  const entry = lookup(ctx, argv, 1, ValueType.LIST);
  if (entry === 0) return ctx.reply.array(0);
  const length = listLength(ctx.db, entry);
  const start = Math.max(fromHead(first, length), 0);
  const end = Math.min(fromHead(last, length), length - 1);
  const count = Math.max(end - start + 1, 0);
  if (count <= AT_ONCE) return replyRange(ctx, entry, start, count, true);
  readInSlices(ctx, argv, 1, 2, (own) => replyRangeLater(ctx, own, start, count));
});

/** Replies with `count` elements from the one at index `start` on, in steps. */
function* replyRangeLater(ctx: Context, argv: Argv, start: number, count: number): Steps {
  ctx.reply.array(count);
  const portion = new Portion(ctx);
  const end = start + count;
  for (let index = start; index < end;) {
    const next = Math.min(index + portion.begin(), end);
    replyElements(ctx, findAgain(ctx, argv, 1, 1), index, next - index, true);
    index = next;
    portion.end();
    yield;
  }
}

/**
 * `LINDEX key index`: the element at an index; null when there is none. O(nodes + entries of a node).
 *
 * Redis looks the key up before it reads the index (`lindexCommand`): a missing key replies null even to a
 * bad index.
 */
const lindex = command("lindex", 3, READONLY, "RO.access@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.LIST);
  if (entry === 0) return ctx.reply.null();
  const index = readInteger(argv, 2);
  cursor.open(ctx.db, entry);
  if (!cursor.seek(index)) return ctx.reply.null();
  cursor.read(value);
  ctx.reply.bulk(value.bytes, value.start, value.end);
});

/**
 * `LSET key index element`: replaces the element at an index. O(nodes + entries of a node).
 *
 * Redis passes the 64-bit index on as a C int (`listTypeReplaceAtIndex`), which keeps its low 32 bits: 2^63
 * - 1 becomes -1, the tail.
 */
const lset = command("lset", 4, WRITE | DENYOOM, "RW.update@1", (ctx, argv) => {
  const { bytes, starts, ends } = argv;
  const { db } = ctx;
  const found = lookup(ctx, argv, 1, ValueType.LIST);
  if (found === 0) throw new CommandError(NO_SUCH_KEY);
  const length = listLength(db, found);
  const index = fromHead(Number(BigInt.asIntN(32, readBigInteger(argv, 2))), length);
  // Redis converts the list before it checks the index (`listTypeTryConversionAppend`): even an LSET that
  // fails may leave a quicklist.
  const entry = listGrowFor(db, found, ends[3] - starts[3], 1);
  if (!(index >= 0 && index < length)) throw new CommandError(INDEX_OUT_OF_RANGE);
  listSet(db, entry, index, bytes, starts[3], ends[3]);
  ctx.reply.ok();
  ctx.changed(argv, 1);
});

/**
 * `LINSERT key BEFORE|AFTER pivot element`: adds an element next to the first one equal to `pivot`. Replies
 * with the new length, -1 when no element is equal, 0 when the key is missing. O(n).
 */
const linsert = command("linsert", 5, WRITE | DENYOOM, "RW.insert@1", (ctx, argv) => {
  const { bytes, starts, ends } = argv;
  const { db } = ctx;
  const after = isWord(argv, 2, "AFTER");
  if (!after && !isWord(argv, 2, "BEFORE")) throw new CommandError(SYNTAX);
  const found = lookup(ctx, argv, 1, ValueType.LIST);
  if (found === 0) return ctx.reply.integer(0);
  // As in LSET, Redis converts the list before it knows whether the pivot exists.
  const entry = listGrowFor(db, found, ends[4] - starts[4], 1);
  const index = indexOf(ctx, entry, bytes, starts[3], ends[3]);
  if (index < 0) return ctx.reply.integer(-1);
  const length = listLength(db, entry);
  listInsert(db, entry, index, after, bytes, starts[4], ends[4]);
  ctx.reply.integer(length + 1);
  ctx.changed(argv, 1);
});

/** The index of the first element equal to the bytes, -1 when no element is. */
function indexOf(
  ctx: Context,
  entry: Entry,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  cursor.open(ctx.db, entry);
  cursor.seek(0);
  for (let index = 0; index < cursor.length; index++) {
    if (cursor.equals(bytes, start, end)) return index;
    cursor.next();
  }
  return -1;
}

/**
 * `LREM key count element`: removes equal elements: up to `count` from the head, up to `-count` from the
 * tail, all of them for 0. Replies with the number removed. O(n).
 */
const lrem = command("lrem", 4, WRITE, "RW.delete@1", (ctx, argv) => {
  const { bytes, starts, ends } = argv;
  const count = readSymmetric(ctx, argv, 2);
  const entry = lookup(ctx, argv, 1, ValueType.LIST);
  if (entry === 0) return ctx.reply.integer(0);
  const limit = count === 0 ? Infinity : Math.abs(count);
  const { db } = ctx;
  const removed = listRemoveMatching(db, entry, count >= 0, limit, bytes, starts[3], ends[3]);
  ctx.reply.integer(removed);
  if (removed > 0) ctx.changed(argv, 1, removed);
});

/**
 * Argument `index` as an int64 that can be negated: -2^63 is refused since Redis 7.0
 * (`getRangeLongFromObjectOrReply`). A master of Redis 6.0 accepted it and sends it on, so the master's
 * stream may carry it.
 */
function readSymmetric(ctx: Context, argv: Argv, index: number): number {
  const read = readInteger(argv, index);
  if (
    read === -Infinity && ctx.caller !== Caller.MASTER_STREAM &&
    readBigInteger(argv, index) === INT64_MIN
  ) {
    throw new CommandError(outOfRange(-INT64_MAX, INT64_MAX));
  }
  return read;
}

/**
 * `LTRIM key start stop`: removes all elements outside the range, both ends of which are kept. A range that
 * holds no element removes the key. O(n) of those removed.
 */
const ltrim = command("ltrim", 4, WRITE, "RW.delete@1", (ctx, argv) => {
  const first = readInteger(argv, 2);
  const last = readInteger(argv, 3);
  const entry = lookup(ctx, argv, 1, ValueType.LIST);
  ctx.reply.ok();
  if (entry === 0) return;
  const { db } = ctx;
  const length = listLength(db, entry);
  const start = Math.max(fromHead(first, length), 0);
  const end = Math.min(fromHead(last, length), length - 1);
  const isEmpty = start > end || start >= length;
  const before = isEmpty ? length : start;
  const behind = isEmpty ? 0 : length - end - 1;
  trim(ctx, entry, before, behind, length);
  ctx.changed(argv, 1, before + behind);
});

/** Removes `before` elements at the head and `behind` at the tail of a list of `length` elements. */
function trim(
  ctx: Context,
  entry: Entry,
  before: number,
  behind: number,
  length: number,
): void {
  const { db } = ctx;
  // The tail first: removing at the head would shift the indexes of the tail.
  let left = entry;
  if (behind > 0) left = listRemoveRange(db, left, length - behind, behind);
  if (before > 0 && left !== 0) listRemoveRange(db, left, 0, before);
}

/** The options of LPOS. */
interface PositionOptions {
  /** Which match to begin with, from 1 on; from -1 on when the search goes from the tail. Never 0. */
  rank: number;
  /**
   * How many indexes to reply with: 0 for all, -1 without COUNT, when the reply is one index instead of an
   * array.
   */
  count: number;
  /** How many elements are compared at most; 0 for all. */
  maxLength: number;
}

/** What LPOS looks for, its options read. */
interface PositionSearch {
  /** As in {@linkcode PositionOptions}. */
  readonly rank: number;
  /** As in {@linkcode PositionOptions}. */
  readonly count: number;
  /** How many elements are compared at most. */
  readonly compared: number;
}

/**
 * Reads LPOS's options from argument 3 on (`t_list.c lposCommand`). The last of a repeated option holds.
 */
function parsePosition(ctx: Context, argv: Argv): PositionOptions {
  const options = { rank: 1, count: -1, maxLength: 0 };
  for (let i = 3; i < argv.count; i += 2) {
    if (i + 1 === argv.count) throw new CommandError(SYNTAX);
    if (isWord(argv, i, "RANK")) {
      options.rank = readSymmetric(ctx, argv, i + 1);
      if (options.rank === 0) throw new CommandError(RANK_IS_ZERO);
    } else if (isWord(argv, i, "COUNT")) {
      options.count = readInteger(argv, i + 1, COUNT_NEGATIVE);
      if (options.count < 0) throw new CommandError(COUNT_NEGATIVE);
    } else if (isWord(argv, i, "MAXLEN")) {
      options.maxLength = readInteger(argv, i + 1, MAXLEN_NEGATIVE);
      if (options.maxLength < 0) throw new CommandError(MAXLEN_NEGATIVE);
    } else throw new CommandError(SYNTAX);
  }
  return options;
}

/**
 * `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`: the index of an equal element, or with
 * COUNT an array of indexes. Without a match it replies null, with COUNT an empty array. O(n) of those
 * compared.
 */
const lpos = command("lpos", -3, READONLY, "RO.access@1", (ctx, argv) => {
  const { reply } = ctx;
  const { rank, count, maxLength } = parsePosition(ctx, argv);
  const entry = lookup(ctx, argv, 1, ValueType.LIST);
  if (entry === 0) return count < 0 ? reply.null() : reply.array(0);
  const length = listLength(ctx.db, entry);
  const compared = maxLength === 0 ? length : Math.min(maxLength, length);
  const search = { rank, count, compared };
  if (compared <= AT_ONCE) return drain(findPositions(ctx, argv, search));
  readInSlices(ctx, argv, 1, 2, (own) => findPositions(ctx, own, search));
});

/** Replies with the indexes that LPOS is asked for, in steps. */
function* findPositions(ctx: Context, argv: Argv, search: PositionSearch): Steps {
  const { rank, count, compared } = search;
  const { bytes, starts, ends } = argv;
  const towardsTail = rank > 0;
  const skipped = Math.abs(rank) - 1;
  const wanted = count <= 0 ? (count < 0 ? 1 : Infinity) : count;
  const found: number[] = [];
  let matches = 0;
  for (let i = 0; i < compared && found.length < wanted;) {
    cursor.open(ctx.db, findAgain(ctx, argv, 1, 1));
    const { length } = cursor;
    cursor.seek(towardsTail ? i : -1 - i);
    const end = Math.min(i + STEP_ELEMENTS, compared);
    for (; i < end && found.length < wanted; i++) {
      if (cursor.equals(bytes, starts[2], ends[2]) && ++matches > skipped) {
        found.push(towardsTail ? i : length - 1 - i);
      }
      if (towardsTail) cursor.next();
      else cursor.previous();
    }
    yield;
  }
  if (count >= 0) ctx.reply.array(found.length);
  else if (found.length === 0) ctx.reply.null();
  for (const [at, index] of found.entries()) {
    ctx.reply.integer(index);
    if (at % STEP_ELEMENTS === STEP_ELEMENTS - 1) yield;
  }
}

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const listCommands: readonly Command[] = [
  lindex,
  linsert,
  llen,
  lpos,
  lpush,
  lpushx,
  lrange,
  lrem,
  lset,
  ltrim,
  rpush,
  rpushx,
];

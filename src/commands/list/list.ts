/**
 * Lists, one key at a time. What moves elements between keys, looks at several or blocks is in
 * `list_move.ts`.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { type Entry, ValueType } from "../../store/memory/record.ts";
import {
  ListCursor,
  listGrowFor,
  listInsert,
  listLength,
  listPush,
  listRemoveMatching,
  listRemoveRange,
  listSet,
} from "../../store/types/list.ts";
import { isWord, readBigInteger, readInteger } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  CommandError,
  COUNT_NEGATIVE,
  INDEX_OUT_OF_RANGE,
  MAXLEN_NEGATIVE,
  MUST_BE_POSITIVE,
  NO_SUCH_KEY,
  outOfRange,
  RANK_IS_ZERO,
  SYNTAX,
  wrongArity,
} from "../engine/errors.ts";
import { lookup } from "../engine/lookup.ts";

const INT64_MIN = -0x8000000000000000n;
const INT64_MAX = 0x7fffffffffffffffn;

const cursor = new ListCursor();
const value = new BytesRef();

/** Replies with `count` elements from the one at `index` on, towards the tail or the head. */
function replyRange(
  ctx: Context,
  entry: Entry,
  index: number,
  count: number,
  towardsTail: boolean,
): void {
  ctx.reply.array(count);
  if (count === 0) return;
  cursor.open(ctx.db, entry);
  cursor.seek(index);
  for (let i = 0; i < count; i++) {
    cursor.read(value);
    ctx.reply.bulk(value.bytes, value.start, value.end);
    if (towardsTail) cursor.next();
    else cursor.previous();
  }
}

/** Replies with one element and takes it out. */
export function popOne(ctx: Context, argv: Argv, key: number, entry: Entry, atHead: boolean): void {
  cursor.open(ctx.db, entry);
  cursor.seek(atHead ? 0 : -1);
  cursor.read(value);
  ctx.reply.bulk(value.bytes, value.start, value.end);
  listRemoveRange(ctx.db, entry, atHead ? 0 : cursor.length - 1, 1);
  ctx.changed(argv, key);
}

/** Replies with up to `count` elements and takes them out; returns how many there were. */
export function popRange(
  ctx: Context,
  argv: Argv,
  key: number,
  entry: Entry,
  atHead: boolean,
  count: number,
): number {
  const length = listLength(ctx.db, entry);
  const taken = Math.min(count, length);
  replyRange(ctx, entry, atHead ? 0 : length - 1, taken, atHead);
  listRemoveRange(ctx.db, entry, atHead ? 0 : length - taken, taken);
  ctx.changed(argv, key, taken);
  return taken;
}

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

function pop(ctx: Context, argv: Argv, atHead: boolean): void {
  if (argv.count > 3) throw new CommandError(wrongArity(atHead ? "lpop" : "rpop"));
  const hasCount = argv.count === 3;
  const count = hasCount ? readInteger(argv, 2, MUST_BE_POSITIVE) : 1;
  if (count < 0) throw new CommandError(MUST_BE_POSITIVE);
  const entry = lookup(ctx, argv, 1, ValueType.LIST);
  if (entry === 0) return hasCount ? ctx.reply.nullArray() : ctx.reply.null();
  if (!hasCount) return popOne(ctx, argv, 1, entry, atHead);
  if (count === 0) return ctx.reply.array(0);
  popRange(ctx, argv, 1, entry, atHead, count);
}

/** An index that may count from the tail, as one from the head: below 0 when it lies before it. */
function fromHead(index: number, length: number): number {
  return index < 0 ? index + length : index;
}

/** `LPUSH key element [element ...]`: adds before the first, one after the other. O(n) of those added. */
const lpush = command("lpush", -3, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  push(ctx, argv, true, false);
});

/** `RPUSH key element [element ...]`: adds after the last. O(n) of those added. */
const rpush = command("rpush", -3, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  push(ctx, argv, false, false);
});

/** `LPUSHX key element [element ...]`: LPUSH to a list that exists. O(n) of those added. */
const lpushx = command("lpushx", -3, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  push(ctx, argv, true, true);
});

/** `RPUSHX key element [element ...]`: RPUSH to a list that exists. O(n) of those added. */
const rpushx = command("rpushx", -3, WRITE | DENYOOM | FAST, "RW.insert@1", (ctx, argv) => {
  push(ctx, argv, false, true);
});

/** `LPOP key [count]`: takes out the first element, or several. O(n) of those taken. */
const lpop = command("lpop", -2, WRITE | FAST, "RW.access.delete@1", (ctx, argv) => {
  pop(ctx, argv, true);
});

/** `RPOP key [count]`: takes out the last element, or several. O(n) of those taken. */
const rpop = command("rpop", -2, WRITE | FAST, "RW.access.delete@1", (ctx, argv) => {
  pop(ctx, argv, false);
});

/** `LLEN key`: number of elements, 0 when the key is missing. O(1). */
const llen = command("llen", 2, READONLY | FAST, "RO@1", (ctx, argv) => {
  const entry = lookup(ctx, argv, 1, ValueType.LIST);
  ctx.reply.integer(entry === 0 ? 0 : listLength(ctx.db, entry));
});

/** `LRANGE key start stop`: elements from one index to another. O(nodes + n) of those replied. */
const lrange = command("lrange", 4, READONLY, "RO.access@1", (ctx, argv) => {
  const first = readInteger(argv, 2);
  const last = readInteger(argv, 3);
  const entry = lookup(ctx, argv, 1, ValueType.LIST);
  if (entry === 0) return ctx.reply.array(0);
  const length = listLength(ctx.db, entry);
  const start = Math.max(fromHead(first, length), 0);
  const end = Math.min(fromHead(last, length), length - 1);
  replyRange(ctx, entry, start, Math.max(end - start + 1, 0), true);
});

/** `LINDEX key index`: one element, or null. O(nodes + entries of a node). */
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
 * `LSET key index element`: puts another element in a place. O(nodes + entries of a node).
 *
 * Redis hands the index on as a C int (`listTypeReplaceAtIndex`): 2^63 - 1 is the last element.
 */
const lset = command("lset", 4, WRITE | DENYOOM, "RW.update@1", (ctx, argv) => {
  const { bytes, starts, ends } = argv;
  const { db } = ctx;
  const found = lookup(ctx, argv, 1, ValueType.LIST);
  if (found === 0) throw new CommandError(NO_SUCH_KEY);
  const length = listLength(db, found);
  const index = fromHead(Number(BigInt.asIntN(32, readBigInteger(argv, 2))), length);
  // Redis prepares the list before it knows whether there is such an index.
  const entry = listGrowFor(db, found, ends[3] - starts[3], 1);
  if (!(index >= 0 && index < length)) throw new CommandError(INDEX_OUT_OF_RANGE);
  listSet(db, entry, index, bytes, starts[3], ends[3]);
  ctx.reply.ok();
  ctx.changed(argv, 1);
});

/** `LINSERT key BEFORE|AFTER pivot element`: adds next to the first element of a text. O(n). */
const linsert = command("linsert", 5, WRITE | DENYOOM, "RW.insert@1", (ctx, argv) => {
  const { bytes, starts, ends } = argv;
  const { db } = ctx;
  const after = isWord(argv, 2, "AFTER");
  if (!after && !isWord(argv, 2, "BEFORE")) throw new CommandError(SYNTAX);
  const found = lookup(ctx, argv, 1, ValueType.LIST);
  if (found === 0) return ctx.reply.integer(0);
  // As in LSET: prepared for what may not come.
  const entry = listGrowFor(db, found, ends[4] - starts[4], 1);
  const index = indexOf(ctx, entry, bytes, starts[3], ends[3]);
  if (index < 0) return ctx.reply.integer(-1);
  const length = listLength(db, entry);
  listInsert(db, entry, index, after, bytes, starts[4], ends[4]);
  ctx.reply.integer(length + 1);
  ctx.changed(argv, 1);
});

/** Index of the first element of a text, -1 when there is none. */
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

/** `LREM key count element`: takes out the first, the last or all elements of a text. O(n). */
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

/** Argument `index` as an int64 whose negative is one, too; a 6.0 master takes any. */
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

/** `LTRIM key start stop`: leaves only a range. O(n) of those removed. */
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

/** Removes so many at the head and at the tail; only then is it looked whether the list became small. */
function trim(
  ctx: Context,
  entry: Entry,
  before: number,
  behind: number,
  length: number,
): void {
  const { db } = ctx;
  // The tail first: then the head's index is still its own.
  let left = entry;
  if (behind > 0) left = listRemoveRange(db, left, length - behind, behind);
  if (before > 0 && left !== 0) listRemoveRange(db, left, 0, before);
}

/** What LPOS is told. */
interface PositionOptions {
  rank: number;
  /** -1: one match, and no array. */
  count: number;
  maxLength: number;
}

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
 * `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`: where an element is. O(n) of those
 * compared.
 */
const lpos = command("lpos", -3, READONLY, "RO.access@1", (ctx, argv) => {
  const { reply } = ctx;
  const { bytes, starts, ends } = argv;
  const { rank, count, maxLength } = parsePosition(ctx, argv);
  const entry = lookup(ctx, argv, 1, ValueType.LIST);
  if (entry === 0) return count < 0 ? reply.null() : reply.array(0);
  const towardsTail = rank > 0;
  const skipped = Math.abs(rank) - 1;
  cursor.open(ctx.db, entry);
  const { length } = cursor;
  const compared = maxLength === 0 ? length : Math.min(maxLength, length);
  const wanted = count <= 0 ? (count < 0 ? 1 : Infinity) : count;
  const mark = reply.beginDeferred();
  let matches = 0;
  let replied = 0;
  cursor.seek(towardsTail ? 0 : -1);
  for (let i = 0; i < compared && replied < wanted; i++) {
    if (cursor.equals(bytes, starts[2], ends[2]) && ++matches > skipped) {
      reply.integer(towardsTail ? i : length - 1 - i);
      replied++;
    }
    if (towardsTail) cursor.next();
    else cursor.previous();
  }
  if (count >= 0) reply.endDeferred(mark, "array", replied);
  else if (replied === 0) reply.null();
});

/** The rows about one key. */
export const listCommands: readonly Command[] = [
  lindex,
  linsert,
  llen,
  lpop,
  lpos,
  lpush,
  lpushx,
  lrange,
  lrem,
  lset,
  ltrim,
  rpop,
  rpush,
  rpushx,
];

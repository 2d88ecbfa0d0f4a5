/**
 * The commands that take a string for an array of bits (`bitops.c`). Bit 0 is the highest bit of the first
 * byte; bits behind the end of a string are 0. Fields of several bits are in `bitfield.ts`, the kernels in
 * `bits.ts`.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { parseInteger } from "../../base/ascii.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { Encoding, type Entry, ValueType } from "../../store/memory/record.ts";
import { growString, readString, stringLength } from "../../store/types/string.ts";
import { isReversed, isWord, readInteger } from "../engine/args.ts";
import { countBits, findBit } from "./bits.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import {
  BIT_OFFSET,
  BIT_VALUE,
  BITOP_NOT,
  bitopTwoKeys,
  BITPOS_BIT,
  CommandError,
  SYNTAX,
} from "../engine/errors.ts";
import { maxStringBytes } from "../engine/limits.ts";
import {
  findAgain,
  LONG_BYTES,
  readInSlices,
  STEP_BYTES,
  type Steps,
} from "../engine/long_read.ts";
import { lookup } from "../engine/lookup.ts";
import { storeNothing } from "../engine/destination.ts";

const HASH = 0x23;
/** More bits than these are counted and searched in slices. */
const LONG_BITS: number = 8 * LONG_BYTES;

/** Points at the bytes of the string that was read last. */
const value: BytesRef = new BytesRef();

/**
 * Argument `index` as the number of a bit (`bitops.c getBitOffsetFromArgument`).
 *
 * @param width When it is not 0, `#n` stands for bit `n * width`, the n-th field of that width.
 * @throws {CommandError} BIT_OFFSET when it is no number or the bit lies behind the longest string.
 */
export function readBitOffset(ctx: Context, argv: Argv, index: number, width: number): number {
  const start = argv.starts[index];
  const isField = width > 0 && argv.lengthOf(index) > 0 && argv.bytes[start] === HASH;
  const number = parseInteger(argv.bytes, isField ? start + 1 : start, argv.ends[index]);
  const offset = isField ? number * width : number;
  if (!(offset >= 0 && offset < 8 * maxStringBytes(ctx))) throw new CommandError(BIT_OFFSET);
  return offset;
}

/**
 * `SETBIT key offset bit`: sets one bit and replies with its old value. A string that is too short grows
 * with zeros. One that changes neither bit nor length is no change and is not propagated. O(1), or O(n)
 * when the string grows.
 */
const setbit = command("setbit", 4, WRITE | DENYOOM, "RW.access.update@1", (ctx, argv) => {
  const offset = readBitOffset(ctx, argv, 2, 0);
  const bit = readInteger(argv, 3, BIT_VALUE);
  if (bit !== 0 && bit !== 1) throw new CommandError(BIT_VALUE);
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  const pos = Math.floor(offset / 8);
  const grows = entry === 0 || stringLength(ctx.db, entry) <= pos;
  const grown = growString(ctx.db, argv.bytes, argv.starts[1], argv.ends[1], pos + 1);
  ctx.db.valueRef(grown, value);
  const at = value.start + pos;
  assert(at < value.end, "the string has grown to hold the bit");
  const mask = 0x80 >> (offset % 8);
  const old = (value.bytes[at] & mask) === 0 ? 0 : 1;
  if (old !== bit) value.bytes[at] ^= mask;
  if (grows || old !== bit) ctx.changed(argv, 1);
  ctx.reply.integer(old);
});

/** `GETBIT key offset`: one bit, 0 behind the end of the string. O(1). */
const getbit = command("getbit", 3, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  const offset = readBitOffset(ctx, argv, 2, 0);
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  if (entry === 0) return ctx.reply.integer(0);
  readString(ctx.db, entry, value);
  const at = value.start + Math.floor(offset / 8);
  const byte = at < value.end ? value.bytes[at] : 0;
  ctx.reply.integer((byte >> (7 - (offset % 8))) & 1);
});

/**
 * A range of bits for BITCOUNT and BITPOS: `end` is exclusive, and no bit is in the range when it is not
 * above `start`.
 */
interface BitRange {
  start: number;
  end: number;
}

/** The range that {@linkcode clipRange} computed last. */
const range: BitRange = { start: 0, end: 0 };

/**
 * Whether argument `index` is BIT; for BYTE it is false.
 *
 * @throws {CommandError} SYNTAX when it is neither.
 */
function readUnit(argv: Argv, index: number): boolean {
  if (isWord(argv, index, "BIT")) return true;
  if (isWord(argv, index, "BYTE")) return false;
  throw new CommandError(SYNTAX);
}

/**
 * Sets {@linkcode range} to the bits from unit `start` to unit `end`, both included, of a string of
 * `length` bytes. Units are bits or bytes; negative ones count from the end, and those outside the string
 * are clipped.
 */
function clipRange(start: number, end: number, isBit: boolean, length: number): void {
  const total = isBit ? length * 8 : length;
  const unit = isBit ? 1 : 8;
  if (start < 0) start = Math.max(0, total + start);
  if (end < 0) end = Math.max(0, total + end);
  end = Math.min(end, total - 1);
  range.start = start * unit;
  range.end = (end + 1) * unit;
}

/** Points {@linkcode value} at an entry's string, or at no bytes for entry 0. */
function refString(ctx: Context, entry: Entry): void {
  if (entry === 0) value.start = value.end = 0;
  else readString(ctx.db, entry, value);
}

/**
 * The number of bits set in {@linkcode range} of {@linkcode value}: counts all bytes the range touches,
 * then takes off the bits of the first and last byte that lie outside (`bitops.c bitcountCommand`).
 */
function countRange(): number {
  const first = value.start + Math.floor(range.start / 8);
  const end = value.start + Math.ceil(range.end / 8);
  let count = countBits(value.bytes, first, end);
  const before = range.start % 8;
  const after = (8 - (range.end % 8)) % 8;
  for (let i = 0; i < before; i++) count -= (value.bytes[first] >> (7 - i)) & 1;
  for (let i = 0; i < after; i++) count -= (value.bytes[end - 1] >> i) & 1;
  return count;
}

/**
 * `BITCOUNT key [start end [BYTE|BIT]]`: the number of bits set in the string or a range of it. O(n).
 *
 * Both ends negative and in the wrong order make an empty range before clipping, as for GETRANGE.
 */
const bitcount = command("bitcount", -2, READONLY, "RO.access@1", (ctx, argv) => {
  if (argv.count === 3 || argv.count > 5) throw new CommandError(SYNTAX);
  const start = argv.count > 3 ? readInteger(argv, 2) : 0;
  const end = argv.count > 3 ? readInteger(argv, 3) : -1;
  const isBit = argv.count > 4 && readUnit(argv, 4);
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  const isEmpty = entry === 0 || (argv.count > 3 && isReversed(argv, 2, start, end));
  if (isEmpty) return ctx.reply.integer(0);
  refString(ctx, entry);
  clipRange(start, end, isBit, value.end - value.start);
  const { start: from, end: to } = range;
  if (to - from > LONG_BITS) {
    return readInSlices(ctx, argv, 1, 2, (own) => countLong(ctx, own, from, to));
  }
  ctx.reply.integer(from < to ? countRange() : 0);
});

/** BITCOUNT of many bits `[from, to)`, in steps. */
function* countLong(ctx: Context, argv: Argv, from: number, to: number): Steps {
  let count = 0;
  for (let at = from; at < to; at = stepEnd(at, to)) {
    refString(ctx, findAgain(ctx, argv, 1, 1));
    range.start = at;
    range.end = stepEnd(at, to);
    count += countRange();
    if (stepEnd(at, to) < to) yield;
  }
  ctx.reply.integer(count);
}

/** Where the step ends that begins at bit `at`: between two bytes, or at the end of all. */
function stepEnd(at: number, to: number): number {
  return Math.min((Math.floor(at / 8) + STEP_BYTES) * 8, to);
}

/**
 * `BITPOS key bit [start [end [BYTE|BIT]]]`: the number of the first bit that is 0 or 1, -1 when there is
 * none. O(n).
 *
 * Without an end, a string of ones is taken to be followed by zeros: the reply to a search for 0 is the bit
 * behind its last. With an end the search stays inside the range.
 */
const bitpos = command("bitpos", -3, READONLY, "RO.access@1", (ctx, argv) => {
  const bit = readInteger(argv, 2);
  if (bit !== 0 && bit !== 1) throw new CommandError(BITPOS_BIT);
  if (argv.count > 6) throw new CommandError(SYNTAX);
  const start = argv.count > 3 ? readInteger(argv, 3) : 0;
  const isBit = argv.count > 5 && readUnit(argv, 5);
  const end = argv.count > 4 ? readInteger(argv, 4) : Infinity;
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  if (entry === 0) return ctx.reply.integer(bit === 1 ? -1 : 0);
  refString(ctx, entry);
  clipRange(start, end, isBit, value.end - value.start);
  if (range.start >= range.end) return ctx.reply.integer(-1);
  const { start: from, end: to } = range;
  // Only a range with its end given is closed.
  const missing = bit === 0 && argv.count < 5 ? to : -1;
  if (to - from > LONG_BITS) {
    return readInSlices(ctx, argv, 1, 2, (own) => findLong(ctx, own, bit, from, to, missing));
  }
  const found = findBit(value.bytes, value.start, from, to, bit);
  ctx.reply.integer(found < 0 ? missing : found);
});

/** BITPOS in many bits `[from, to)`, in steps. */
function* findLong(
  ctx: Context,
  argv: Argv,
  bit: 0 | 1,
  from: number,
  to: number,
  missing: number,
): Steps {
  for (let at = from; at < to; at = stepEnd(at, to)) {
    refString(ctx, findAgain(ctx, argv, 1, 1));
    const found = findBit(value.bytes, value.start, at, stepEnd(at, to), bit);
    if (found >= 0) return ctx.reply.integer(found);
    if (stepEnd(at, to) < to) yield;
  }
  ctx.reply.integer(missing);
}

/** The operations of BITOP; the last four are since Redis 8.2. */
const BITOPS = ["AND", "OR", "XOR", "NOT", "DIFF", "DIFF1", "ANDOR", "ONE"] as const;
type BitOperation = typeof BITOPS[number];

/** @throws {CommandError} SYNTAX when argument 1 is no operation. */
function readOperation(argv: Argv): BitOperation {
  for (const operation of BITOPS) if (isWord(argv, 1, operation)) return operation;
  throw new CommandError(SYNTAX);
}

/** @throws {CommandError} When the operation takes another number of source keys. */
function checkSources(operation: BitOperation, argv: Argv): void {
  if (operation === "NOT" && argv.count !== 4) throw new CommandError(BITOP_NOT);
  const takesTwo = operation === "DIFF" || operation === "DIFF1" || operation === "ANDOR";
  if (takesTwo && argv.count < 5) throw new CommandError(bitopTwoKeys(operation));
}

/**
 * Combines `result` with the string in {@linkcode value}, which counts as padded with zeros to the result's
 * length.
 */
function foldInto(result: Uint8Array, operation: "AND" | "OR" | "XOR"): void {
  const { bytes, start } = value;
  const length = value.end - start;
  assert(length <= result.length, "the result is as long as the longest source");
  if (operation === "AND") {
    for (let i = 0; i < length; i++) result[i] &= bytes[start + i];
    result.fill(0, length);
  } else if (operation === "OR") {
    for (let i = 0; i < length; i++) result[i] |= bytes[start + i];
  } else {
    for (let i = 0; i < length; i++) result[i] ^= bytes[start + i];
  }
}

/** The sources from argument `first` on, combined by one operation into `length` bytes. */
function foldSources(
  ctx: Context,
  argv: Argv,
  first: number,
  length: number,
  operation: "AND" | "OR" | "XOR",
): Uint8Array {
  const result = new Uint8Array(length);
  for (let i = first; i < argv.count; i++) {
    refString(ctx, lookup(ctx, argv, i, ValueType.STRING));
    if (i === first) foldInto(result, "OR");
    else foldInto(result, operation);
  }
  return result;
}

/**
 * BITOP ONE: bits that are set in exactly one source. A bit that is met again goes into `several`, which is
 * taken away from the bits that were met at all.
 */
function bitsOfOne(ctx: Context, argv: Argv, length: number): Uint8Array {
  const some = new Uint8Array(length);
  const several = new Uint8Array(length);
  for (let i = 3; i < argv.count; i++) {
    refString(ctx, lookup(ctx, argv, i, ValueType.STRING));
    const { bytes, start } = value;
    for (let j = 0; j < value.end - start; j++) {
      several[j] |= some[j] & bytes[start + j];
      some[j] |= bytes[start + j];
    }
  }
  for (let j = 0; j < length; j++) some[j] &= ~several[j];
  return some;
}

/**
 * DIFF, DIFF1 and ANDOR, which compare the first source with the OR of the others:
 *
 *     DIFF    first AND NOT others
 *     DIFF1   others AND NOT first
 *     ANDOR   first AND others
 */
function firstAgainstRest(
  ctx: Context,
  argv: Argv,
  length: number,
  operation: BitOperation,
): Uint8Array {
  const rest = foldSources(ctx, argv, 4, length, "OR");
  refString(ctx, lookup(ctx, argv, 3, ValueType.STRING));
  if (operation === "DIFF1") {
    for (let j = 0; j < value.end - value.start; j++) rest[j] &= ~value.bytes[value.start + j];
    return rest;
  }
  if (operation === "DIFF") { for (let j = 0; j < length; j++) rest[j] = ~rest[j]; }
  foldInto(rest, "AND");
  return rest;
}

/**
 * The result of a BITOP over the sources from argument 3 on, `length` bytes: as long as the longest source.
 */
function compute(
  ctx: Context,
  argv: Argv,
  length: number,
  operation: BitOperation,
): Uint8Array {
  switch (operation) {
    case "NOT": {
      const result = foldSources(ctx, argv, 3, length, "OR");
      for (let j = 0; j < length; j++) result[j] = ~result[j];
      return result;
    }
    case "ONE":
      return bitsOfOne(ctx, argv, length);
    case "DIFF":
    case "DIFF1":
    case "ANDOR":
      return firstAgainstRest(ctx, argv, length, operation);
    default:
      return foldSources(ctx, argv, 3, length, operation);
  }
}

/**
 * `BITOP operation target key [key ...]`: stores the result in the target and replies with its length. An
 * empty result removes the target. The result is computed before the target changes, which may itself be a
 * source. O(n).
 */
const bitop = command("bitop", -4, WRITE | DENYOOM, "OW.update@2+RO.access@3:-1", (ctx, argv) => {
  const operation = readOperation(argv);
  checkSources(operation, argv);
  let length = 0;
  for (let i = 3; i < argv.count; i++) {
    const entry = lookup(ctx, argv, i, ValueType.STRING);
    if (entry !== 0) length = Math.max(length, stringLength(ctx.db, entry));
  }
  if (length === 0) return storeNothing(ctx, argv, 2);
  const { bytes, starts, ends } = argv;
  const result = compute(ctx, argv, length, operation);
  const { STRING } = ValueType;
  ctx.db.createBlob(bytes, starts[2], ends[2], STRING, Encoding.RAW, result, length);
  ctx.changed(argv, 2);
  ctx.reply.integer(length);
});

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const bitmapCommands: readonly Command[] = [setbit, getbit, bitcount, bitpos, bitop];

/**
 * BITFIELD: integers of 1 to 64 bits at any bit of a string (`bitops.c bitfieldGeneric`). One call holds a
 * list of operations, each with a reply of its own:
 *
 *     GET type offset              the number
 *     SET type offset n            the old number
 *     INCRBY type offset n         the new number
 *     OVERFLOW WRAP|SAT|FAIL       no reply: how later SETs and INCRBYs treat a number that does not fit
 *
 * Numbers are BigInt throughout: i64 and u63 do not fit a double, and the command is rare.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { parseInteger } from "../../base/ascii.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import { growString, readString, stringLength } from "../../store/types/string.ts";
import { cStringEnd, isWord, readBigInteger } from "../engine/args.ts";
import { readBitOffset } from "./bitmap.ts";
import { readBits, writeBits } from "./bits.ts";
import { type Command, command, DENYOOM, FAST, READONLY, WRITE } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import {
  BITFIELD_OVERFLOW,
  BITFIELD_READONLY,
  BITFIELD_TYPE,
  CommandError,
  SYNTAX,
} from "../engine/errors.ts";
import { lookup } from "../engine/lookup.ts";
import { ValueType } from "../../store/memory/record.ts";

const LOWER_I = 0x69;
const LOWER_U = 0x75;

/**
 * What becomes of a number that does not fit its field: its low bits, the nearest number that fits, or
 * nothing.
 */
const OVERFLOWS = ["WRAP", "SAT", "FAIL"] as const;
type Overflow = typeof OVERFLOWS[number];

/** One GET, SET or INCRBY. */
interface FieldOperation {
  /** Which of the three operations this is. */
  readonly kind: "GET" | "SET" | "INCRBY";
  /** True for types i1 to i64, false for u1 to u63. */
  readonly signed: boolean;
  /** Bits of the field, 1 to 64. */
  readonly width: number;
  /** Number of the field's first bit. */
  readonly offset: number;
  /** The number to set or to add, an int64; 0 for GET. */
  readonly operand: bigint;
  /** The OVERFLOW that stood before the operation, WRAP without one. */
  readonly overflow: Overflow;
}

/** Points at the bytes of the string. */
const value: BytesRef = new BytesRef();

/** The operation at argument `index`; as in Redis it is a syntax error unless its arguments follow. */
function readKind(argv: Argv, index: number): FieldOperation["kind"] {
  const following = argv.count - index - 1;
  if (following >= 2 && isWord(argv, index, "GET")) return "GET";
  if (following >= 3 && isWord(argv, index, "SET")) return "SET";
  if (following >= 3 && isWord(argv, index, "INCRBY")) return "INCRBY";
  throw new CommandError(SYNTAX);
}

/** @throws {CommandError} BITFIELD_OVERFLOW when argument `index` names none. */
function readOverflow(argv: Argv, index: number): Overflow {
  for (const overflow of OVERFLOWS) if (isWord(argv, index, overflow)) return overflow;
  throw new CommandError(BITFIELD_OVERFLOW);
}

/**
 * The width of the type at argument `index`: positive for i1 to i64, negative for u1 to u63. There is no
 * u64: replies are signed 64-bit integers.
 *
 * @throws {CommandError} BITFIELD_TYPE when it is no such type.
 */
function readType(argv: Argv, index: number): number {
  const start = argv.starts[index];
  const letter = argv.lengthOf(index) > 0 ? argv.bytes[start] : 0;
  const width = parseInteger(argv.bytes, start + 1, cStringEnd(argv, index));
  const most = letter === LOWER_I ? 64 : letter === LOWER_U ? 63 : 0;
  if (!(width >= 1 && width <= most)) throw new CommandError(BITFIELD_TYPE);
  return letter === LOWER_I ? width : -width;
}

/** All operations of the command, checked before anything is looked up. */
function readOperations(ctx: Context, argv: Argv): FieldOperation[] {
  const operations: FieldOperation[] = [];
  let overflow: Overflow = "WRAP";
  let i = 2;
  while (i < argv.count) {
    if (i + 1 < argv.count && isWord(argv, i, "OVERFLOW")) {
      overflow = readOverflow(argv, i + 1);
      i += 2;
      continue;
    }
    const kind = readKind(argv, i);
    const type = readType(argv, i + 1);
    const width = Math.abs(type);
    const offset = readBitOffset(ctx, argv, i + 2, width);
    const operand = kind === "GET" ? 0n : readBigInteger(argv, i + 3);
    operations.push({ kind, signed: type > 0, width, offset, operand, overflow });
    i += kind === "GET" ? 3 : 4;
  }
  return operations;
}

/**
 * Whether `old + increment` leaves the range of the operation's type: 1 above it, -1 below it, 0 inside.
 *
 * For signed types this is `bitops.c checkSignedBitfieldOverflow` to the letter, with its wrapping: the
 * distance to the largest number is an int64 itself and may overflow, so that a SET of a number near -2^63
 * counts as above the range. A replica must make the same mistake as its master.
 */
function overflowOf(operation: FieldOperation, old: bigint, increment: bigint): number {
  const { signed, width } = operation;
  const max = (1n << BigInt(signed ? width - 1 : width)) - 1n;
  if (!signed) return old + increment > max ? 1 : old + increment < 0n ? -1 : 0;
  const min = -max - 1n;
  const toMax = BigInt.asIntN(64, max - old);
  const judged = width !== 64;
  const above = old > max || ((judged || (old >= 0n && increment > 0n)) && increment > toMax);
  if (above) return 1;
  const toMin = BigInt.asIntN(64, min - old);
  const below = old < min || ((judged || (old < 0n && increment < 0n)) && increment < toMin);
  return below ? -1 : 0;
}

/**
 * `old + increment` made to fit the operation's type by its overflow rule; undefined when it does not and
 * the rule is FAIL.
 */
function fit(operation: FieldOperation, old: bigint, increment: bigint): bigint | undefined {
  const { signed, width } = operation;
  const end = overflowOf(operation, old, increment);
  if (end !== 0 && operation.overflow === "FAIL") return undefined;
  if (end === 0 || operation.overflow === "WRAP") {
    const sum = old + increment;
    return signed ? BigInt.asIntN(width, sum) : BigInt.asUintN(width, sum);
  }
  const max = (1n << BigInt(signed ? width - 1 : width)) - 1n;
  if (end > 0) return max;
  return signed ? -max - 1n : 0n;
}

/** The number in an operation's field of {@linkcode value}. */
function readField(operation: FieldOperation): bigint {
  const { width, offset } = operation;
  const bits = readBits(value.bytes, value.start, value.end, offset, width);
  return operation.signed ? BigInt.asIntN(width, bits) : bits;
}

/**
 * Runs one SET or INCRBY on {@linkcode value}, which is long enough, and replies; null when FAIL forbids
 * it.
 *
 * @param grows Whether the string had to grow for this command.
 * @returns Whether Redis counts a change. An operation that FAIL forbids is none, even where the string has
 * grown for it, and a command without any is not propagated.
 */
function changeField(ctx: Context, operation: FieldOperation, grows: boolean): boolean {
  const old = readField(operation);
  const isSet = operation.kind === "SET";
  const { operand } = operation;
  // Redis casts SET's operand to uint64 for an unsigned type: a negative one becomes larger than any field
  // holds.
  const given = operation.signed ? operand : BigInt.asUintN(64, operand);
  const fitting = isSet ? fit(operation, given, 0n) : fit(operation, old, operand);
  if (fitting === undefined) {
    ctx.reply.null();
    return false;
  }
  writeBits(value.bytes, value.start, operation.offset, operation.width, fitting);
  ctx.reply.integer(isSet ? old : fitting);
  return grows || fitting !== old;
}

/** Replies to a command of GETs alone, which creates no key and changes none. */
function readFields(ctx: Context, argv: Argv, operations: readonly FieldOperation[]): void {
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  if (entry === 0) value.start = value.end = 0;
  else readString(ctx.db, entry, value);
  ctx.reply.array(operations.length);
  for (const operation of operations) ctx.reply.integer(readField(operation));
}

/** Runs a command with a SET or INCRBY: the string first grows to hold every field that is written. */
function changeFields(ctx: Context, argv: Argv, operations: readonly FieldOperation[]): void {
  let end = 0;
  for (const { kind, offset, width } of operations) {
    if (kind !== "GET") end = Math.max(end, offset + width);
  }
  const length = Math.ceil(end / 8);
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  const grows = entry === 0 || stringLength(ctx.db, entry) < length;
  const grown = growString(ctx.db, argv.bytes, argv.starts[1], argv.ends[1], length);
  ctx.db.valueRef(grown, value);
  assert(value.end - value.start >= length, "the string has grown to hold every field");
  let changes = 0;
  ctx.reply.array(operations.length);
  for (const operation of operations) {
    if (operation.kind === "GET") ctx.reply.integer(readField(operation));
    else if (changeField(ctx, operation, grows)) changes++;
  }
  if (changes === 0) return;
  ctx.changed(argv, 1, changes);
}

/**
 * `BITFIELD key [GET type offset] [OVERFLOW how] [SET|INCRBY type offset n] ...`: an array of numbers. O(1)
 * an operation.
 */
const bitfield = command(
  "bitfield",
  -2,
  WRITE | DENYOOM,
  "RW.access.update.variable_flags@1",
  (ctx, argv) => {
    const operations = readOperations(ctx, argv);
    if (operations.every(({ kind }) => kind === "GET")) readFields(ctx, argv, operations);
    else changeFields(ctx, argv, operations);
  },
);

/**
 * `BITFIELD_RO key [GET type offset] ...`: an array of numbers; any other operation is an error. O(1) an
 * operation.
 */
const bitfieldRo = command("bitfield_ro", -2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  const operations = readOperations(ctx, argv);
  if (operations.some(({ kind }) => kind !== "GET")) throw new CommandError(BITFIELD_READONLY);
  readFields(ctx, argv, operations);
});

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const bitfieldCommands: readonly Command[] = [bitfield, bitfieldRo];

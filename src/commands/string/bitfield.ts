/**
 * Numbers of any width in the bits of a string.
 *
 * @module
 */

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

const OVERFLOWS = ["WRAP", "SAT", "FAIL"] as const;
type Overflow = typeof OVERFLOWS[number];

interface FieldOperation {
  readonly kind: "GET" | "SET" | "INCRBY";
  readonly signed: boolean;
  readonly width: number;
  readonly offset: number;
  readonly operand: bigint;
  readonly overflow: Overflow;
}

const value: BytesRef = new BytesRef();

function readKind(argv: Argv, index: number): FieldOperation["kind"] {
  const following = argv.count - index - 1;
  if (following >= 2 && isWord(argv, index, "GET")) return "GET";
  if (following >= 3 && isWord(argv, index, "SET")) return "SET";
  if (following >= 3 && isWord(argv, index, "INCRBY")) return "INCRBY";
  throw new CommandError(SYNTAX);
}

function readOverflow(argv: Argv, index: number): Overflow {
  for (const overflow of OVERFLOWS) if (isWord(argv, index, overflow)) return overflow;
  throw new CommandError(BITFIELD_OVERFLOW);
}

/** Width of the type at `index`: i1 to i64 positive, u1 to u63 negative. */
function readType(argv: Argv, index: number): number {
  const start = argv.starts[index];
  const letter = argv.lengthOf(index) > 0 ? argv.bytes[start] : 0;
  const width = parseInteger(argv.bytes, start + 1, cStringEnd(argv, index));
  const most = letter === LOWER_I ? 64 : letter === LOWER_U ? 63 : 0;
  if (!(width >= 1 && width <= most)) throw new CommandError(BITFIELD_TYPE);
  return letter === LOWER_I ? width : -width;
}

function readOperations(argv: Argv): FieldOperation[] {
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
    const offset = readBitOffset(argv, i + 2, width);
    const operand = kind === "GET" ? 0n : readBigInteger(argv, i + 3);
    operations.push({ kind, signed: type > 0, width, offset, operand, overflow });
    i += kind === "GET" ? 3 : 4;
  }
  return operations;
}

/**
 * Which end of its type `old + increment` leaves: 1 above, -1 below, 0 neither.
 *
 * Signed it is `checkSignedBitfieldOverflow` of Redis's `bitops.c` to the letter, wrapping included: the
 * distance to the top is an int64 itself, so that a SET of a number near the smallest int64 counts as
 * above the top. A replica has to err as its master does.
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

/** `old + increment` as a field of the operation's type holds it; undefined when FAIL forbids it. */
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

function readField(operation: FieldOperation): bigint {
  const { width, offset } = operation;
  const bits = readBits(value.bytes, value.start, value.end, offset, width);
  return operation.signed ? BigInt.asIntN(width, bits) : bits;
}

/**
 * SET or INCRBY on `value`, which is long enough; replies, and tells whether that counts as a change. One
 * that FAIL forbids does not, even where the string has grown for it: Redis does not propagate that.
 */
function changeField(ctx: Context, operation: FieldOperation, grows: boolean): boolean {
  const old = readField(operation);
  const isSet = operation.kind === "SET";
  const { operand } = operation;
  // Redis takes SET's operand for an unsigned type as a uint64: a negative one is above every field.
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

function readFields(ctx: Context, argv: Argv, operations: readonly FieldOperation[]): void {
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  if (entry === 0) value.start = value.end = 0;
  else readString(ctx.db, entry, value);
  ctx.reply.array(operations.length);
  for (const operation of operations) ctx.reply.integer(readField(operation));
}

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
  let changes = 0;
  ctx.reply.array(operations.length);
  for (const operation of operations) {
    if (operation.kind === "GET") ctx.reply.integer(readField(operation));
    else if (changeField(ctx, operation, grows)) changes++;
  }
  if (changes === 0) return;
  ctx.changed(argv, 1, changes);
}

/** `BITFIELD key [GET type offset] [OVERFLOW how] [SET|INCRBY type offset n] ...`: a number each. O(1) each. */
const bitfield = command(
  "bitfield",
  -2,
  WRITE | DENYOOM,
  "RW.access.update.variable_flags@1",
  (ctx, argv) => {
    const operations = readOperations(argv);
    if (operations.every(({ kind }) => kind === "GET")) readFields(ctx, argv, operations);
    else changeFields(ctx, argv, operations);
  },
);

/** `BITFIELD_RO key [GET type offset] ...`: a number each. O(1) each. */
const bitfieldRo = command("bitfield_ro", -2, READONLY | FAST, "RO.access@1", (ctx, argv) => {
  const operations = readOperations(argv);
  if (operations.some(({ kind }) => kind !== "GET")) throw new CommandError(BITFIELD_READONLY);
  readFields(ctx, argv, operations);
});

/** The rows. */
export const bitfieldCommands: readonly Command[] = [bitfield, bitfieldRo];

/**
 * The string commands that count: in int64, and in the 80-bit floating point numbers of C's `long double`
 * on x86 (`t_string.c incrDecrCommand`, `incrbyfloatCommand`).
 *
 * Integers up to 2^53 are added as doubles, which is exact. Only when an operand or the sum may lie beyond
 * is the sum made again with BigInt: see {@linkcode bigSum}.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { parseInteger } from "../../base/ascii.ts";
import { BytesRef } from "../../base/byte_buffer.ts";
import { INT64_MAX, INT64_MIN } from "../../base/limits.ts";
import {
  addLongDouble,
  formatLongDouble,
  type LongDouble,
  longDoubleOf,
  parseLongDouble,
} from "../../base/long_double.ts";
import type { Argv } from "../../resp/argv.ts";
import type { Database } from "../../store/keyspace/database.ts";
import { Encoding, type Entry, NO_EXPIRY, ValueType } from "../../store/memory/record.ts";
import {
  integerBig,
  integerNumber,
  MAX_EMBSTR,
  readString,
  setInteger,
  storeInteger,
} from "../../store/types/string.ts";
import { readBigInteger, readInteger } from "../engine/args.ts";
import { type Command, command, DENYOOM, FAST, WRITE } from "../engine/command.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  CommandError,
  DECREMENT_OVERFLOW,
  NAN_OR_INFINITY,
  NOT_A_FLOAT,
  NOT_AN_INTEGER,
  OVERFLOW,
} from "../engine/errors.ts";
import { lookup } from "../engine/lookup.ts";

/** Points at the digits of the string that was read last. */
const value: BytesRef = new BytesRef();

/**
 * The integer that an entry's string holds. Beyond +-2^53 it is Infinity or -Infinity, which makes every
 * sum with it unsafe and so sends it to {@linkcode bigSum}.
 *
 * @throws {CommandError} NOT_AN_INTEGER when the string is no canonical int64: "01", "+1" and " 1" are
 * none.
 */
function integerOf(db: Database, entry: Entry): number {
  if (db.encodingOf(entry) === Encoding.INT) {
    const held = integerNumber(db, entry);
    return held === held ? held : Infinity;
  }
  readString(db, entry, value);
  const parsed = parseInteger(value.bytes, value.start, value.end);
  if (parsed !== parsed) throw new CommandError(NOT_AN_INTEGER);
  return parsed;
}

/** The integer of an entry that {@linkcode integerOf} has accepted, exact. */
function bigIntegerOf(db: Database, entry: Entry): bigint {
  readString(db, entry, value);
  let text = "";
  for (let i = value.start; i < value.end; i++) text += String.fromCharCode(value.bytes[i]);
  return BigInt(text);
}

/**
 * The exact sum where a double cannot hold it. A `delta` beyond +-2^53 is read again from argument 2.
 *
 * @throws {CommandError} OVERFLOW when the sum leaves int64.
 */
function bigSum(ctx: Context, argv: Argv, entry: Entry, delta: number, sign: bigint): bigint {
  const old = entry === 0 ? 0n : bigIntegerOf(ctx.db, entry);
  const isExact = delta !== Infinity && delta !== -Infinity;
  const sum = old + (isExact ? BigInt(delta) : sign * readBigInteger(argv, 2));
  if (sum > INT64_MAX || sum < INT64_MIN) throw new CommandError(OVERFLOW);
  return sum;
}

/**
 * INCR, DECR, INCRBY and DECRBY: adds `delta` to a string, 0 when the key is missing, and replies with the
 * sum. The expiry stays. An entry that holds an integer is overwritten in place: its eight bytes fit every
 * int64.
 *
 * @param delta Infinity or -Infinity when argument 2 lies beyond +-2^53.
 * @param sign 1 or -1: what argument 2 is multiplied with to give `delta`.
 */
function incrementGeneric(ctx: Context, argv: Argv, delta: number, sign: bigint): void {
  const { db } = ctx;
  const entry = lookup(ctx, argv, 1, ValueType.STRING);
  const old = entry === 0 ? 0 : integerOf(db, entry);
  let sum: number | bigint = old + delta;
  if (!Number.isSafeInteger(sum)) sum = bigSum(ctx, argv, entry, delta, sign);
  if (entry !== 0 && db.encodingOf(entry) === Encoding.INT) {
    storeInteger(db, entry, sum);
  } else {
    const expireAtMs = entry === 0 ? NO_EXPIRY : db.expireAtMs(entry);
    setInteger(db, argv.bytes, argv.starts[1], argv.ends[1], sum, expireAtMs);
  }
  ctx.changed(argv, 1);
  assert(typeof sum === "bigint" || Number.isSafeInteger(sum), "the sum is exact");
  ctx.reply.integer(sum);
}

/** `INCR key`: adds 1 and replies with the sum. O(1). */
const incr = command("incr", 2, WRITE | DENYOOM | FAST, "RW.access.update@1", (ctx, argv) => {
  incrementGeneric(ctx, argv, 1, 1n);
});

/** `DECR key`: subtracts 1 and replies with the difference. O(1). */
const decr = command("decr", 2, WRITE | DENYOOM | FAST, "RW.access.update@1", (ctx, argv) => {
  incrementGeneric(ctx, argv, -1, 1n);
});

/** `INCRBY key increment`: adds an int64 and replies with the sum. O(1). */
const incrby = command("incrby", 3, WRITE | DENYOOM | FAST, "RW.access.update@1", (ctx, argv) => {
  incrementGeneric(ctx, argv, readInteger(argv, 2), 1n);
});

/**
 * `DECRBY key decrement`: subtracts an int64 and replies with the difference. -2^63 cannot be negated.
 * O(1).
 */
const decrby = command("decrby", 3, WRITE | DENYOOM | FAST, "RW.access.update@1", (ctx, argv) => {
  const decrement = readInteger(argv, 2);
  if (decrement === -Infinity && readBigInteger(argv, 2) === INT64_MIN) {
    // A master before Redis 7.0 accepted -2^63; its negation overflowed to -2^63 again, which was then
    // added.
    if (ctx.caller === Caller.MASTER_STREAM) {
      return incrementGeneric(ctx, argv, -Infinity, 1n);
    }
    throw new CommandError(DECREMENT_OVERFLOW);
  }
  incrementGeneric(ctx, argv, 0 - decrement, -1n);
});

/**
 * The floating point number that an entry's string holds, as `strtold` reads it.
 *
 * @throws {CommandError} NOT_A_FLOAT when it holds none.
 */
function longDoubleAt(db: Database, entry: Entry): LongDouble {
  if (db.encodingOf(entry) === Encoding.INT) return longDoubleOf(integerBig(db, entry));
  readString(db, entry, value);
  const number = parseLongDouble(value.bytes, value.start, value.end);
  if (number === undefined) throw new CommandError(NOT_A_FLOAT);
  return number;
}

/**
 * `INCRBYFLOAT key increment`: adds two 80-bit numbers and replies with the sum in 17 decimals at most,
 * without an exponent and without zeros at the end (`util.c ld2string`, LD_STR_HUMAN). Replicas get the
 * digits as a SET: their floating point may differ. O(1).
 */
const incrbyfloat = command(
  "incrbyfloat",
  3,
  WRITE | DENYOOM | FAST,
  "RW.access.update@1",
  (ctx, argv) => {
    const { db } = ctx;
    const { bytes, starts, ends } = argv;
    const entry = lookup(ctx, argv, 1, ValueType.STRING);
    const old = entry === 0 ? longDoubleOf(0n) : longDoubleAt(db, entry);
    const delta = parseLongDouble(bytes, starts[2], ends[2]);
    if (delta === undefined) throw new CommandError(NOT_A_FLOAT);
    const sum = addLongDouble(old, delta);
    if (sum === undefined) throw new CommandError(NAN_OR_INFINITY);
    const text = formatLongDouble(sum);
    const digits = Uint8Array.from(text, (digit) => digit.charCodeAt(0));
    const expireAtMs = entry === 0 ? NO_EXPIRY : db.expireAtMs(entry);
    // Redis stores the digits as a string (`createObject`), never as an integer, even where the sum is
    // whole.
    const encoding = digits.length <= MAX_EMBSTR ? Encoding.EMBSTR : Encoding.RAW;
    const end = digits.length;
    db.setBlob(bytes, starts[1], ends[1], ValueType.STRING, encoding, digits, 0, end, expireAtMs);
    ctx.changed(argv, 1);
    ctx.reply.bulk(digits);
    if (ctx.caller === Caller.MASTER_CLIENT) ctx.propagateAs("SET", argv.at(1), digits, "KEEPTTL");
  },
);

/** The commands that count. */
export const numberCommands: readonly Command[] = [incr, decr, incrby, decrby, incrbyfloat];

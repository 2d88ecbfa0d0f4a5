/**
 * Readers of arguments: numbers, words and times, straight from the bytes they came in. They run
 * for every command of the master's stream, so none allocates unless it throws or meets a number
 * beyond 2^53.
 *
 * A reader takes the arguments and an index, checks that argument alone, and throws the text
 * Redis's reader of the same kind replies with (`object.c getLongLongFromObjectOrReply` and
 * others). Whether there is an argument at that index its caller knows, from the arity or from
 * `argv.count`.
 *
 * @module
 */

import {
  equalsIgnoreCase,
  latin1,
  parseBigInt64,
  parseDouble,
  parseInteger,
} from "../../base/ascii.ts";
import { INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN } from "../../base/limits.ts";
import type { Argv } from "../../resp/argv.ts";
import { expiryFromBigInt } from "../../store/memory/expiry.ts";
import {
  CommandError,
  DB_OUT_OF_RANGE,
  invalidExpire,
  NOT_A_FLOAT,
  NOT_AN_INTEGER,
  outOfRange,
  SYNTAX,
} from "./errors.ts";
import { Caller, type Context } from "./context.ts";

/** Databases that clients of a replica may select: as many as a snapshot may have keys in. */
const REPLICA_DATABASES = 16384;

/**
 * Whether argument `index` is the word `upper`, in any case. Redis compares by `strcasecmp`, to
 * which a zero byte ends the argument: `"NX\0junk"` is NX.
 */
export function isWord(argv: Argv, index: number, upper: string): boolean {
  const { bytes } = argv;
  const start = argv.starts[index];
  const end = argv.ends[index];
  const next = start + upper.length;
  return equalsIgnoreCase(bytes, start, next < end && bytes[next] === 0 ? next : end, upper);
}

/** Offset at which argument `index` ends as a C string: its first zero byte, or its end. */
export function cStringEnd({ bytes, starts, ends }: Argv, index: number): number {
  const end = ends[index];
  for (let i = starts[index]; i < end; i++) if (bytes[i] === 0) return i;
  return end;
}

/** Argument `index` as text with one code point for each byte: for error texts and propagation. */
export function textOf(argv: Argv, index: number): string {
  return latin1(argv.bytes, argv.starts[index], argv.ends[index]);
}

/** Whether arguments `a` and `b` are the same bytes. */
export function sameArgument(argv: Argv, a: number, b: number): boolean {
  const { bytes, starts, ends } = argv;
  const length = ends[a] - starts[a];
  if (length !== ends[b] - starts[b]) return false;
  for (let i = 0; i < length; i++) if (bytes[starts[a] + i] !== bytes[starts[b] + i]) return false;
  return true;
}

/**
 * Argument `index` as an int64: exact within +-2^53. Beyond it Infinity or -Infinity stands for the
 * number, which is right for whoever compares or clips; {@linkcode readBigInteger} has the number
 * itself.
 *
 * @param text What is said of what is no int64.
 * @throws {CommandError} `text`.
 */
export function readInteger(argv: Argv, index: number, text: string = NOT_AN_INTEGER): number {
  const value = parseInteger(argv.bytes, argv.starts[index], argv.ends[index]);
  if (value !== value) throw new CommandError(text);
  return value;
}

/**
 * Argument `index` as a number of keys, fields or elements, of which there must be one at least.
 *
 * @param text What is said of a number below 1.
 * @param notInteger What is said of what is no int64; `text` when left out.
 * @throws {CommandError} `text` or `notInteger`.
 */
export function readPositive(
  argv: Argv,
  index: number,
  text: string,
  notInteger: string = text,
): number {
  const count = readInteger(argv, index, notInteger);
  if (count < 1) throw new CommandError(text);
  return count;
}

/**
 * Argument `index` as a double; infinities are spelled `inf`.
 *
 * @throws {CommandError} `text` when it is none.
 */
export function readDouble(argv: Argv, index: number, text: string = NOT_A_FLOAT): number {
  const start = argv.starts[index];
  const end = argv.ends[index];
  // Most are whole and short, which costs a tenth.
  const whole = parseInteger(argv.bytes, start, end);
  if (Number.isSafeInteger(whole)) return whole;
  const value = parseDouble(argv.bytes, start, end);
  if (value !== value) throw new CommandError(text);
  return value;
}

/**
 * Whether a range whose bounds both count from the end begins after it ends. Two bounds below -2^53
 * were both read as -Infinity and are read again to be compared.
 *
 * @param index Of the first bound; the second follows it.
 * @param start The first bound as {@linkcode readInteger} answered it.
 * @param end The second bound likewise.
 */
export function isReversed(argv: Argv, index: number, start: number, end: number): boolean {
  if (start >= 0 || end >= 0) return false;
  if (start !== -Infinity || end !== -Infinity) return start > end;
  return readBigInteger(argv, index) > readBigInteger(argv, index + 1);
}

/**
 * Argument `index` as an int64, exact: for sums that may leave +-2^53.
 *
 * @throws {CommandError} NOT_AN_INTEGER when it is none.
 */
export function readBigInteger(argv: Argv, index: number): bigint {
  const value = parseBigInt64(argv.bytes, argv.starts[index], argv.ends[index]);
  if (value === undefined) throw new CommandError(NOT_AN_INTEGER);
  return value;
}

/**
 * Argument `index` as an int32, as `object.c getIntFromObjectOrReply` reads one.
 *
 * @param text What is said of what is none; when left out Redis's own text, which names the bounds.
 * @throws {CommandError} `text`.
 */
export function readInt32(argv: Argv, index: number, text?: string): number {
  const value = readInteger(argv, index, text);
  if (value > INT32_MAX || value < INT32_MIN) {
    throw new CommandError(text ?? outOfRange(INT32_MIN, INT32_MAX));
  }
  return value;
}

/**
 * Argument `index` as the number of a database that there is.
 *
 * @throws {CommandError} `text` when it is no int32, DB_OUT_OF_RANGE when there is no such
 * database.
 */
export function readDbIndex(ctx: Context, argv: Argv, index: number, text?: string): number {
  const db = readInt32(argv, index, text);
  if (!isDbIndex(ctx, db)) throw new CommandError(DB_OUT_OF_RANGE);
  return db;
}

/**
 * Whether there is a database of that number. The master is taken at its word: it may have more
 * than us. How many it has it does not say, so that a replica's clients may select any up to a bound.
 */
export function isDbIndex(ctx: Context, db: number): boolean {
  if (db < 0 || ctx.caller === Caller.MASTER_STREAM) return db >= 0;
  const most = ctx.caller === Caller.REPLICA_CLIENT ? REPLICA_DATABASES : 0;
  return db < Math.max(ctx.host.databases, most);
}

/**
 * Checks that the arguments end before `index`.
 *
 * @throws {CommandError} SYNTAX when there is an argument at `index` or after it.
 */
export function expectEnd(argv: Argv, index: number): void {
  if (argv.count > index) throw new CommandError(SYNTAX);
}

/**
 * Argument `index` as absolute milliseconds since 1970.
 *
 * @param scale Milliseconds of one unit: 1 or 1000.
 * @param baseMs What the time counts from: now, or 0 for an absolute one.
 * @param name The command as its error names it.
 * @returns An expiry as the store keeps it; 0 for what lies before 1970.
 * @throws {CommandError} When it is no int64 or the sum leaves int64. From a master such a sum overflows as in
 * C: servers before 7.0 did not check it.
 */
export function readTime(
  ctx: Context,
  argv: Argv,
  index: number,
  scale: number,
  baseMs: number,
  name: string,
): number {
  const near = readInteger(argv, index) * scale + baseMs;
  if (near <= Number.MAX_SAFE_INTEGER && near >= Number.MIN_SAFE_INTEGER) return Math.max(0, near);
  const scaled = readBigInteger(argv, index) * BigInt(scale);
  const sum = scaled + BigInt(baseMs);
  if (scaled > INT64_MAX || scaled < INT64_MIN || sum > INT64_MAX) {
    if (ctx.caller !== Caller.MASTER_STREAM) throw new CommandError(invalidExpire(name));
  }
  return expiryFromBigInt(sum);
}

/**
 * {@linkcode readTime} for commands that refuse zero and negative times, as SET with EX does.
 *
 * @throws {CommandError} As {@linkcode readTime}, and when the argument is below 1.
 */
export function readPositiveTime(
  ctx: Context,
  argv: Argv,
  index: number,
  scale: number,
  baseMs: number,
  name: string,
): number {
  if (readInteger(argv, index) <= 0) throw new CommandError(invalidExpire(name));
  return readTime(ctx, argv, index, scale, baseMs, name);
}

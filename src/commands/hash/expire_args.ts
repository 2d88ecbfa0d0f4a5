/**
 * The arguments of HEXPIRE, HGETEX and HSETEX. Up to Redis 8.2 options come before FIELDS, which ends the arguments;
 * later they may come behind the fields too, and Redis 8.6 sends them on as they came. The master's stream is read that
 * way whatever the version; clients of a stand-alone master are answered as its version does.
 *
 * @module
 */

import { INT32_MAX } from "../../base/limits.ts";
import type { Argv } from "../../resp/argv.ts";
import { isWord, readInteger, readPositive, readTime, textOf } from "../engine/args.ts";
import { Caller, type Context } from "../engine/context.ts";
import {
  CommandError,
  FIELD_TIME_NEGATIVE,
  FIELDS_ABSENT,
  FIELDS_ALONE,
  FIELDS_CONDITIONS,
  FIELDS_COUNT,
  FIELDS_MISSING,
  FIELDS_NUMBER,
  FIELDS_POSITIVE,
  FIELDS_SHORT,
  FIELDS_TWICE,
  HGETEX_ONE_TIME,
  HSETEX_FNX_FXX,
  HSETEX_NO_TIME,
  HSETEX_NUMBER,
  HSETEX_ONE_TIME,
  invalidExpire,
  UNFIT_ARGUMENT,
  unknownArgument,
  wrongArity,
} from "../engine/errors.ts";
import { isRedisSince } from "../engine/master_version.ts";

/**
 * The latest expiry in milliseconds that Redis accepts, 2^46 - 1: `HFE_MAX_ABS_TIME_MSEC`,
 * EB_EXPIRE_TIME_MAX / 4.
 */
const MAX_TIME_MS = 70368744177663;

/** Conditions on the expiry that a field has: bits, because Valkey propagates several at once. */
export const Condition = { NX: 1, XX: 2, GT: 4, LT: 8 } as const;

/** How a time is given. */
export interface TimeForm {
  /** Milliseconds of one unit. */
  readonly scale: number;
  /** Whether it counts from 1970, else from now. */
  readonly absolute: boolean;
}

/** Seconds from now: EX. */
export const SECONDS: TimeForm = { scale: 1000, absolute: false };
/** Milliseconds from now: PX. */
export const MILLIS: TimeForm = { scale: 1, absolute: false };
/** Seconds since 1970: EXAT. */
export const AT_SECONDS: TimeForm = { scale: 1000, absolute: true };
/** Milliseconds since 1970: PXAT. */
export const AT_MILLIS: TimeForm = { scale: 1, absolute: true };

/**
 * Argument `index` as an expiry.
 *
 * @param name The command, for the error text.
 * @throws {CommandError} When it is no integer, negative, or later than Redis's latest time. The
 * master's stream may go beyond that: Valkey does, up to what int64 holds.
 */
export function readFieldTime(
  ctx: Context,
  argv: Argv,
  index: number,
  form: TimeForm,
  name: string,
): number {
  const value = readInteger(argv, index);
  if (value < 0) throw new CommandError(FIELD_TIME_NEGATIVE);
  const base = form.absolute ? 0 : ctx.nowMs;
  if (ctx.caller === Caller.MASTER_STREAM) {
    return readTime(ctx, argv, index, form.scale, base, name);
  }
  const at = value * form.scale + base;
  if (!(at <= MAX_TIME_MS)) throw new CommandError(invalidExpire(name));
  return at;
}

/**
 * Checks `FIELDS numfields field [field ...]` from argument `index` to the last; the first field is argument
 * `index + 2`.
 *
 * @param numberError The error text when numfields is no positive number: commands differ in it.
 * @throws {CommandError} When FIELDS is not there, or the number is another than that of the fields.
 */
export function checkFields(argv: Argv, index: number, numberError: string): void {
  if (index >= argv.count || !isWord(argv, index, "FIELDS")) throw new CommandError(FIELDS_MISSING);
  if (index + 1 >= argv.count) throw new CommandError(numberError);
  const count = readPositive(argv, index + 1, numberError);
  if (count !== argv.count - index - 2) throw new CommandError(FIELDS_COUNT);
}

/** Whether options may stand behind the fields. */
function isFree(ctx: Context): boolean {
  return ctx.caller === Caller.MASTER_STREAM || isRedisSince(ctx.keyspace, [8, 4]);
}

/** What HEXPIRE, HGETEX or HSETEX was asked: where its fields stand, and its options. */
export class FieldQuery {
  /** Index of the argument FIELDS; 0 while none was read. */
  fields: number = 0;
  /** Index behind the last field, or behind its value. */
  end: number = 0;
  /** Bits of {@linkcode Condition}. */
  conditions: number = 0;
  /** The condition of HSETEX: FNX sets only if all fields are absent, FXX only if all are present. */
  mustBe: "any" | "absent" | "present" = "any";
  /** The expiry that EX, PX, EXAT or PXAT gives, undefined without one. */
  time: number | undefined = undefined;
  /**
   * Index of EX, PX or EXAT, whose time is propagated as PXAT; -2 without one, also for PXAT
   * itself.
   */
  timeAt: number = -2;
  /** KEEPTTL: the fields keep their expiry. */
  keepTtl: boolean = false;
  /** PERSIST: the fields lose their expiry. */
  persist: boolean = false;

  /** Index of the first field. */
  get first(): number {
    return this.fields + 2;
  }

  /** Takes the fields from the argument FIELDS to the last one. */
  takeRest(argv: Argv, index: number): void {
    this.fields = index;
    this.end = argv.count;
  }

  /**
   * Takes FIELDS, its number and as many fields of `width` arguments each.
   *
   * @returns Index of the argument behind them.
   * @throws {CommandError} `numberError` when the number is none or below 1, or that there are fewer fields.
   */
  take(argv: Argv, index: number, width: number, numberError: string): number {
    if (this.fields !== 0) throw new CommandError(FIELDS_TWICE);
    const count = readInteger(argv, index + 1, numberError);
    if (count < 1 || count > INT32_MAX) throw new CommandError(numberError);
    this.fields = index;
    this.end = index + 2 + count * width;
    if (this.end > argv.count) throw new CommandError(FIELDS_SHORT);
    return this.end;
  }
}

/**
 * Reads the arguments of HEXPIRE and its kin behind the time.
 *
 * @throws {CommandError} When FIELDS is missing, an option is unknown, or the number does not fit.
 */
export function readExpireQuery(ctx: Context, argv: Argv): FieldQuery {
  const query = new FieldQuery();
  if (!isFree(ctx)) {
    query.conditions = conditionAt(argv, 3);
    const index = query.conditions === 0 ? 3 : 4;
    checkFields(argv, index, FIELDS_NUMBER);
    query.takeRest(argv, index);
    return query;
  }
  for (let i = 3; i < argv.count;) {
    const condition = conditionAt(argv, i);
    if (condition !== 0) {
      query.conditions |= condition;
      i++;
    } else if (isWord(argv, i, "FIELDS")) {
      if (query.fields === 0 && i + 2 >= argv.count) throw new CommandError(FIELDS_ALONE);
      i = query.take(argv, i, 1, FIELDS_NUMBER);
    } else throw new CommandError(unknownArgument(textOf(argv, i)));
  }
  if (query.fields === 0) throw new CommandError(FIELDS_ABSENT);
  const isOne = (query.conditions & (query.conditions - 1)) === 0;
  if (!isOne && ctx.caller !== Caller.MASTER_STREAM) throw new CommandError(FIELDS_CONDITIONS);
  return query;
}

/** The {@linkcode Condition} that argument `index` names, 0 when there is no such argument or it names none. */
function conditionAt(argv: Argv, index: number): number {
  if (index >= argv.count) return 0;
  if (isWord(argv, index, "NX")) return Condition.NX;
  if (isWord(argv, index, "XX")) return Condition.XX;
  if (isWord(argv, index, "GT")) return Condition.GT;
  return isWord(argv, index, "LT") ? Condition.LT : 0;
}

/** What of HGETEX and HSETEX differs. */
interface TimedCommand {
  readonly name: string;
  /** The error text for two options of a time. */
  readonly oneTime: string;
  /** Arguments of one field. */
  readonly width: number;
}

const HGETEX: TimedCommand = { name: "hgetex", oneTime: HGETEX_ONE_TIME, width: 1 };
const HSETEX: TimedCommand = { name: "hsetex", oneTime: HSETEX_ONE_TIME, width: 2 };

/** Reads the option at argument `index`. Returns how many arguments it has; 0 when it is none. */
function readOption(
  ctx: Context,
  argv: Argv,
  index: number,
  query: FieldQuery,
  { name, oneTime }: TimedCommand,
): number {
  if (isWord(argv, index, "FNX") || isWord(argv, index, "FXX")) {
    if (query.mustBe !== "any") throw new CommandError(HSETEX_FNX_FXX);
    query.mustBe = isWord(argv, index, "FNX") ? "absent" : "present";
    return 1;
  }
  const form = timeForm(argv, index);
  const keeps = isWord(argv, index, "KEEPTTL");
  if (form === undefined && !keeps && !isWord(argv, index, "PERSIST")) return 0;
  // KEEPTTL and PERSIST are never both for one command: which is not is told at the end.
  const excluded = query.keepTtl && (form !== undefined || keeps) ||
    query.persist && (form !== undefined || !keeps);
  if (query.time !== undefined || excluded) throw new CommandError(oneTime);
  if (form === undefined) {
    if (keeps) query.keepTtl = true;
    else query.persist = true;
    return 1;
  }
  if (index + 1 === argv.count) throw new CommandError(HSETEX_NO_TIME);
  if (form !== AT_MILLIS) query.timeAt = index;
  query.time = readFieldTime(ctx, argv, index + 1, form, name);
  return 2;
}

/** Reads options and fields in any order. */
function readFreely(ctx: Context, argv: Argv, query: FieldQuery, command: TimedCommand): void {
  for (let i = 2; i < argv.count;) {
    if (isWord(argv, i, "FIELDS")) {
      i = query.take(argv, i, command.width, HSETEX_NUMBER);
      continue;
    }
    const used = readOption(ctx, argv, i, query, command);
    if (used === 0) throw new CommandError(unknownArgument(textOf(argv, i)));
    i += used;
  }
  if (query.fields === 0) throw new CommandError(FIELDS_ABSENT);
}

/**
 * Reads the arguments of HGETEX behind the key.
 *
 * @throws {CommandError} When an option is unknown or contradicts another, or FIELDS does not fit.
 */
export function readGetExQuery(ctx: Context, argv: Argv): FieldQuery {
  const query = new FieldQuery();
  if (isFree(ctx)) {
    readFreely(ctx, argv, query, HGETEX);
    if (query.keepTtl || query.mustBe !== "any") throw new CommandError(UNFIT_ARGUMENT);
    return query;
  }
  const form = timeForm(argv, 2);
  query.persist = isWord(argv, 2, "PERSIST");
  if (form !== undefined) query.time = readFieldTime(ctx, argv, 3, form, "hgetex");
  const index = form !== undefined ? 4 : query.persist ? 3 : 2;
  checkFields(argv, index, FIELDS_POSITIVE);
  query.takeRest(argv, index);
  return query;
}

/**
 * Reads the arguments of HSETEX behind the key (`hsetexParseArgs`).
 *
 * @throws {CommandError} When an option is unknown, contradicts another, or FIELDS does not fit the arguments.
 */
export function readSetExQuery(ctx: Context, argv: Argv): FieldQuery {
  const query = new FieldQuery();
  if (isFree(ctx)) {
    readFreely(ctx, argv, query, HSETEX);
    if (query.persist) throw new CommandError(UNFIT_ARGUMENT);
    return query;
  }
  let i = 2;
  while (i < argv.count && !isWord(argv, i, "FIELDS")) {
    const isOther = isWord(argv, i, "PERSIST");
    const used = isOther ? 0 : readOption(ctx, argv, i, query, HSETEX);
    if (used === 0) throw new CommandError(unknownArgument(textOf(argv, i)));
    i += used;
  }
  if (i >= argv.count - 3) throw new CommandError(wrongArity("hsetex"));
  const count = readInteger(argv, i + 1, HSETEX_NUMBER);
  if (count < 1 || count > INT32_MAX) throw new CommandError(HSETEX_NUMBER);
  if (count * 2 !== argv.count - i - 2) throw new CommandError(wrongArity("hsetex"));
  query.takeRest(argv, i);
  return query;
}

/**
 * The form of the time that an option of HGETEX or HSETEX announces, undefined when it is no such
 * option.
 */
function timeForm(argv: Argv, index: number): TimeForm | undefined {
  if (isWord(argv, index, "EX")) return SECONDS;
  if (isWord(argv, index, "PX")) return MILLIS;
  if (isWord(argv, index, "EXAT")) return AT_SECONDS;
  return isWord(argv, index, "PXAT") ? AT_MILLIS : undefined;
}

/**
 * The options that SET, GETEX and MSETEX share (`t_string.c parseExtendedStringArgumentsOrReply`).
 * They are read into one module-level object, which saves an allocation a command: no command runs inside
 * another, and the next call of {@linkcode parseOptions} overwrites it.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { NO_EXPIRY } from "../../store/memory/record.ts";
import { cStringEnd, isWord, readPositiveTime } from "../engine/args.ts";
import { Caller, type Context } from "../engine/context.ts";
import { CommandError, SYNTAX } from "../engine/errors.ts";
import { isValkey } from "../engine/master_version.ts";

/**
 * What must hold for the command to change anything: the key is missing (NX) or exists (XX), its string
 * equals the given one (IFEQ) or not (IFNE), its digest does (IFDEQ) or not (IFDNE). JUDGED is a condition on
 * the digest that a master has found to hold.
 */
export const Condition = {
  NONE: 0,
  NX: 1,
  XX: 2,
  IFEQ: 3,
  IFNE: 4,
  JUDGED: 5,
  IFDEQ: 6,
  IFDNE: 7,
} as const;
/** One of {@linkcode Condition}'s numbers. */
export type Condition = typeof Condition[keyof typeof Condition];

// Groups of options, or-ed into one number a command.
/** EX, PX, EXAT and PXAT. */
const EXPIRES = 1;
/** The option KEEPTTL alone. */
const KEEPS = 2;
/** The option PERSIST alone. */
const PERSISTS = 4;
/** The conditions NX and XX. */
const EXISTS = 8;
/** IFEQ, IFNE, IFDEQ and IFDNE. */
const COMPARES = 16;
/** The option GET alone. */
const GETS = 32;

/** Which groups of options each command takes: the last argument of {@linkcode parseOptions}. */
export const Takes: Readonly<Record<"SET" | "GETEX" | "MSETEX", number>> = {
  SET: EXPIRES | KEEPS | EXISTS | COMPARES | GETS,
  GETEX: EXPIRES | PERSISTS,
  MSETEX: EXPIRES | KEEPS | EXISTS,
};

/** The options of one command, as {@linkcode parseOptions} leaves them. */
export class StringOptions {
  /** The condition; NONE when no option names one. */
  condition: Condition = Condition.NONE;
  /** Index of the argument that IFEQ, IFNE, IFDEQ or IFDNE compares with; 0 without one. */
  matchIndex: number = 0;
  /** NX or XX, which must hold beside a comparison; NONE without one. */
  also: Condition = Condition.NONE;
  /** GET: the command replies with the old value. */
  get: boolean = false;
  /** KEEPTTL: the key keeps its old expiry. */
  keepTtl: boolean = false;
  /** PERSIST: the key loses its expiry. */
  persist: boolean = false;
  /** Index of the argument that is the time of EX, PX, EXAT or PXAT; 0 without one. */
  timeIndex: number = 0;
  /** EX or EXAT: the time is in seconds, else in milliseconds. */
  seconds: boolean = false;
  /** EX or PX: the time counts from now, else from 1970. */
  relative: boolean = false;

  /** Goes back to no options at all. */
  clear(): void {
    this.condition = Condition.NONE;
    this.matchIndex = 0;
    this.also = Condition.NONE;
    this.get = false;
    this.keepTtl = false;
    this.persist = false;
    this.timeIndex = 0;
    this.seconds = false;
    this.relative = false;
  }

  /**
   * Takes argument `index` as the time, in units of `scale` milliseconds, counted from now when `relative`.
   */
  expireWith(index: number, scale: number, relative: boolean): void {
    this.timeIndex = index;
    this.seconds = scale === 1000;
    this.relative = relative;
  }
}

/** The options that {@linkcode parseOptions} read last. */
export const options: StringOptions = new StringOptions();

/**
 * Reads the options from argument `first` on into {@linkcode options}. The time's index is kept and its
 * number not read yet: Redis reports a syntax error before a bad time.
 *
 * @throws {CommandError} SYNTAX when an option is unknown, not for this command, or does not fit an earlier
 * one.
 */
export function parseOptions(ctx: Context, argv: Argv, first: number, takes: number): void {
  options.clear();
  let index = first;
  while (index < argv.count) {
    const used = parseOption(ctx, argv, index, takes);
    if (used === 0) throw new CommandError(SYNTAX);
    index += used;
  }
}

/**
 * The expiry that the options ask for, as the store keeps it; NO_EXPIRY without a time.
 *
 * @param name The command, for the error.
 * @throws {CommandError} When the time is not positive or leaves int64.
 */
export function optionExpiry(ctx: Context, argv: Argv, name: string): number {
  if (options.timeIndex === 0) return NO_EXPIRY;
  const base = options.relative ? ctx.nowMs : 0;
  const scale = options.seconds ? 1000 : 1;
  return readPositiveTime(ctx, argv, options.timeIndex, scale, base, name);
}

/**
 * Reads the option at argument `index`. Its length selects the words it is compared with: at most four of
 * the twelve.
 *
 * @returns How many arguments it takes, 0 when it is unknown or does not fit.
 */
function parseOption(ctx: Context, argv: Argv, index: number, takes: number): number {
  switch (cStringEnd(argv, index) - argv.starts[index]) {
    case 2:
      if (isWord(argv, index, "EX")) return expire(argv, index, takes, 1000, true);
      if (isWord(argv, index, "PX")) return expire(argv, index, takes, 1, true);
      if (isWord(argv, index, "NX")) return exists(ctx, takes, Condition.NX);
      if (isWord(argv, index, "XX")) return exists(ctx, takes, Condition.XX);
      return 0;
    case 3:
      if ((takes & GETS) === 0 || !isWord(argv, index, "GET")) return 0;
      options.get = true;
      return 1;
    case 4:
      if (isWord(argv, index, "PXAT")) return expire(argv, index, takes, 1, false);
      if (isWord(argv, index, "EXAT")) return expire(argv, index, takes, 1000, false);
      if (isWord(argv, index, "IFEQ")) return compare(argv, index, takes, Condition.IFEQ);
      if (isWord(argv, index, "IFNE")) return compare(argv, index, takes, Condition.IFNE);
      return 0;
    case 5:
      if (isWord(argv, index, "IFDEQ")) return digest(ctx, argv, index, takes, Condition.IFDEQ);
      if (isWord(argv, index, "IFDNE")) return digest(ctx, argv, index, takes, Condition.IFDNE);
      return 0;
    case 7:
      if (isWord(argv, index, "KEEPTTL")) return keepTtl(takes);
      return isWord(argv, index, "PERSIST") ? persist(takes) : 0;
    default:
      return 0;
  }
}

/** Takes EX, PX, EXAT or PXAT; the same option twice is allowed and the last time holds, as in Redis. */
function expire(
  argv: Argv,
  index: number,
  takes: number,
  scale: number,
  relative: boolean,
): number {
  if ((takes & EXPIRES) === 0 || options.keepTtl || options.persist) return 0;
  if (index + 1 === argv.count) return 0;
  const isOther = options.seconds !== (scale === 1000) || options.relative !== relative;
  if (options.timeIndex !== 0 && isOther) return 0;
  options.expireWith(index + 1, scale, relative);
  return 2;
}

/**
 * Takes NX or XX, alone or repeated. Redis, other than Valkey, takes either behind a comparison too, and
 * both must hold.
 */
function exists(ctx: Context, takes: number, condition: Condition): number {
  if (options.matchIndex !== 0 && !isValkey(ctx.keyspace)) {
    if (options.also !== Condition.NONE && options.also !== condition) return 0;
    options.also = condition;
    return 1;
  }
  const fits = options.condition === Condition.NONE || options.condition === condition;
  if ((takes & EXISTS) === 0 || !fits) return 0;
  options.condition = condition;
  return 1;
}

/** Takes IFDEQ or IFDNE. A master propagates the command only when the condition held. */
function digest(
  ctx: Context,
  argv: Argv,
  index: number,
  takes: number,
  condition: Condition,
): number {
  const judged = ctx.caller === Caller.MASTER_STREAM;
  return compare(argv, index, takes, judged ? Condition.JUDGED : condition);
}

/** Takes IFEQ, IFNE or a digest condition and the argument it compares with. */
function compare(argv: Argv, index: number, takes: number, condition: Condition): number {
  const fits = options.condition === Condition.NONE || options.condition === condition;
  if ((takes & COMPARES) === 0 || !fits || index + 1 === argv.count) return 0;
  options.condition = condition;
  options.matchIndex = index + 1;
  return 2;
}

/** Takes KEEPTTL, which excludes times and PERSIST. */
function keepTtl(takes: number): number {
  if ((takes & KEEPS) === 0 || options.timeIndex !== 0 || options.persist) return 0;
  options.keepTtl = true;
  return 1;
}

/** Takes PERSIST, which excludes times and KEEPTTL. */
function persist(takes: number): number {
  if ((takes & PERSISTS) === 0 || options.timeIndex !== 0 || options.keepTtl) return 0;
  options.persist = true;
  return 1;
}

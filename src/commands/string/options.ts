/**
 * The options SET, GETEX, MSETEX and DELEX share. They are read into one object that is used again and
 * again: no command runs inside another.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { NO_EXPIRY } from "../../store/memory/record.ts";
import { cStringEnd, isWord, readPositiveTime } from "../engine/args.ts";
import { Caller, type Context } from "../engine/context.ts";
import { CommandError, SYNTAX } from "../engine/errors.ts";

/** What must hold for a SET to happen. */
export const Condition = { NONE: 0, NX: 1, XX: 2, IFEQ: 3, IFNE: 4, JUDGED: 5 } as const;
/** One of {@linkcode Condition}'s numbers. */
export type Condition = typeof Condition[keyof typeof Condition];

const EXPIRES = 1;
const KEEPS = 2;
const PERSISTS = 4;
const EXISTS = 8;
const COMPARES = 16;
const GETS = 32;

/** Which options each command takes. */
export const Takes: Readonly<Record<"SET" | "GETEX" | "MSETEX" | "DELEX", number>> = {
  SET: EXPIRES | KEEPS | EXISTS | COMPARES | GETS,
  GETEX: EXPIRES | PERSISTS,
  MSETEX: EXPIRES | KEEPS | EXISTS,
  DELEX: COMPARES,
};

/** What the options said. */
export class StringOptions {
  /** NX, XX and the like. */
  condition: Condition = Condition.NONE;
  /** Index of the argument to compare with. */
  matchIndex: number = 0;
  /** The old value is the reply. */
  get: boolean = false;
  /** The expiry stays. */
  keepTtl: boolean = false;
  /** The expiry goes. */
  persist: boolean = false;
  /** Index of the time, 0 for none. */
  timeIndex: number = 0;
  /** It is in seconds. */
  seconds: boolean = false;
  /** It counts from now. */
  relative: boolean = false;

  /** Nothing said. */
  clear(): void {
    this.condition = Condition.NONE;
    this.matchIndex = 0;
    this.get = false;
    this.keepTtl = false;
    this.persist = false;
    this.timeIndex = 0;
    this.seconds = false;
    this.relative = false;
  }

  /** The time is argument `index`, of `scale` milliseconds a unit. */
  expireWith(index: number, scale: number, relative: boolean): void {
    this.timeIndex = index;
    this.seconds = scale === 1000;
    this.relative = relative;
  }
}

/** What {@linkcode parseOptions} last read. */
export const options: StringOptions = new StringOptions();

/**
 * Reads the options from argument `first` on into {@linkcode options}. Times are only placed: Redis
 * reads them when all the rest is in order.
 *
 * @throws {CommandError} SYNTAX.
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

/** The expiry the options ask for, NO_EXPIRY when they ask for none. `name` is for the error. */
export function optionExpiry(ctx: Context, argv: Argv, name: string): number {
  if (options.timeIndex === 0) return NO_EXPIRY;
  const base = options.relative ? ctx.nowMs : 0;
  return readPositiveTime(argv, options.timeIndex, options.seconds ? 1000 : 1, base, name);
}

/** Reads one option; how many arguments it took, 0 when it does not fit. */
function parseOption(ctx: Context, argv: Argv, index: number, takes: number): number {
  switch (cStringEnd(argv, index) - argv.starts[index]) {
    case 2:
      if (isWord(argv, index, "EX")) return expire(argv, index, takes, 1000, true);
      if (isWord(argv, index, "PX")) return expire(argv, index, takes, 1, true);
      if (isWord(argv, index, "NX")) return exists(takes, Condition.NX);
      if (isWord(argv, index, "XX")) return exists(takes, Condition.XX);
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
      if (!isWord(argv, index, "IFDEQ") && !isWord(argv, index, "IFDNE")) return 0;
      // A digest of the value: in the master's stream it is known to have held.
      return ctx.caller === Caller.MASTER_STREAM
        ? compare(argv, index, takes, Condition.JUDGED)
        : 0;
    case 7:
      if (isWord(argv, index, "KEEPTTL")) return keepTtl(takes);
      return isWord(argv, index, "PERSIST") ? persist(takes) : 0;
    default:
      return 0;
  }
}

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

function exists(takes: number, condition: Condition): number {
  const fits = options.condition === Condition.NONE || options.condition === condition;
  if ((takes & EXISTS) === 0 || !fits) return 0;
  options.condition = condition;
  return 1;
}

function compare(argv: Argv, index: number, takes: number, condition: Condition): number {
  const fits = options.condition === Condition.NONE || options.condition === condition;
  if ((takes & COMPARES) === 0 || !fits || index + 1 === argv.count) return 0;
  options.condition = condition;
  options.matchIndex = index + 1;
  return 2;
}

function keepTtl(takes: number): number {
  if ((takes & KEEPS) === 0 || options.timeIndex !== 0 || options.persist) return 0;
  options.keepTtl = true;
  return 1;
}

function persist(takes: number): number {
  if ((takes & PERSISTS) === 0 || options.timeIndex !== 0 || options.keepTtl) return 0;
  options.persist = true;
  return 1;
}

/**
 * VRANGE: the names of a vector set's elements in the order of their bytes. Redis finds them in a tree; here all names
 * are looked at, in slices, and those in the range are sorted.
 *
 * @module
 */

import { compareBytes } from "../../base/ascii.ts";
import { Best } from "../../base/best.ts";
import type { Argv } from "../../resp/argv.ts";
import type { VectorSet } from "../../store/types/vector_set.ts";
import { readInteger } from "../engine/args.ts";
import { type Command, command, MODULE, READONLY } from "../engine/command.ts";
import type { Context } from "../engine/context.ts";
import { CommandError, wrongArity } from "../engine/errors.ts";
import { runInSlices } from "../engine/execute.ts";
import type { Steps } from "../engine/long_read.ts";
import { openVectors } from "./args.ts";

/** How many buckets of names are looked at in one step, and how many names are sorted, then written. */
const BUCKETS_A_STEP = 8;
const SORTED_A_STEP = 64;
const WRITTEN_A_STEP = 256;

const MINUS = 0x2d;
const PLUS = 0x2b;
const OPEN_BRACKET = 0x5b;
const OPEN_PARENTHESIS = 0x28;

/** One end of a range. */
interface Bound {
  /** The name it stands at; undefined for the lowest, `-`, or the highest, `+`. */
  readonly name: Uint8Array | undefined;
  /** Whether an element of that very name is in the range. */
  readonly includes: boolean;
  readonly isLowest: boolean;
  readonly isHighest: boolean;
}

/** `[name`, `(name`, `-` or `+`. */
function readBound(argv: Argv, index: number, which: string): Bound {
  const text = argv.at(index);
  const isLowest = text.length === 1 && text[0] === MINUS;
  const isHighest = text.length === 1 && text[0] === PLUS;
  if (isLowest || isHighest) return { name: undefined, includes: false, isLowest, isHighest };
  const includes = text[0] === OPEN_BRACKET;
  if (text.length < 2 || (!includes && text[0] !== OPEN_PARENTHESIS)) {
    throw new CommandError(`ERR invalid ${which} range format`);
  }
  // Copied: the arguments are gone when the next slice begins.
  return { name: text.slice(1), includes, isLowest, isHighest };
}

/** The names in a range, the lowest `count` of them. */
class RangeWalk {
  readonly #set: VectorSet;
  readonly #first: Bound;
  readonly #last: Bound;
  readonly #best: Best<Uint8Array>;

  constructor(set: VectorSet, first: Bound, last: Bound, count: number) {
    this.#set = set;
    this.#first = first;
    this.#last = last;
    this.#best = new Best(compareNames, count);
  }

  /** Looks at all names, sorts those in the range, and writes them. */
  *work(ctx: Context): Steps {
    let cursor = 0;
    do {
      for (let left = BUCKETS_A_STEP; left > 0; left--) {
        cursor = this.#walk(cursor);
        if (cursor === 0) break;
      }
      yield;
    } while (cursor !== 0);
    while (!this.#best.sort(SORTED_A_STEP)) yield;
    yield* this.#reply(ctx);
  }

  #walk(cursor: number): number {
    return this.#set.scanNames(cursor, (bytes, start, end) => {
      if (!this.#isIn(bytes, start, end)) return;
      const { worst, isFull } = this.#best;
      if (isFull && worst !== undefined) {
        if (compareBytes(bytes, start, end, worst, 0, worst.length) >= 0) return;
      }
      this.#best.offer(bytes.slice(start, end));
    });
  }

  #isIn(bytes: Uint8Array, start: number, end: number): boolean {
    const { name: low, includes: includesLow } = this.#first;
    const { name: high, includes: includesHigh } = this.#last;
    if (low !== undefined) {
      const order = compareBytes(bytes, start, end, low, 0, low.length);
      if (order < 0 || (order === 0 && !includesLow)) return false;
    }
    if (high === undefined) return true;
    const order = compareBytes(bytes, start, end, high, 0, high.length);
    return order < 0 || (order === 0 && includesHigh);
  }

  /** Writes the names. One may have been seen twice while the table changed between two slices. */
  *#reply(ctx: Context): Steps {
    const { items } = this.#best;
    let count = 0;
    for (let i = 0; i < items.length; i++) {
      if (isNew(items, i)) count++;
      if (i % WRITTEN_A_STEP === WRITTEN_A_STEP - 1) yield;
    }
    ctx.reply.array(count);
    for (let i = 0; i < items.length; i++) {
      if (isNew(items, i)) ctx.reply.bulk(items[i], 0, items[i].length);
      if (i % WRITTEN_A_STEP === WRITTEN_A_STEP - 1) yield;
    }
  }
}

/** Whether a name is not the one before it. */
function isNew(names: readonly Uint8Array[], i: number): boolean {
  return i === 0 || compareNames(names[i - 1], names[i]) !== 0;
}

function compareNames(a: Uint8Array, b: Uint8Array): number {
  return compareBytes(a, 0, a.length, b, 0, b.length);
}

/**
 * `VRANGE key start end [count]`: names from `start` to `end`, each `[name`, `(name`, `-` or `+`; a negative count
 * means all. O(n log n), in slices.
 */
const vrange = command("vrange", -4, READONLY | MODULE, "RW.access.update@1", (ctx, argv) => {
  if (argv.count > 5) throw new CommandError(wrongArity("VRANGE"));
  const count = argv.count === 5 ? readInteger(argv, 4, "ERR invalid COUNT value") : -1;
  const first = readBound(argv, 2, "start");
  const last = readBound(argv, 3, "end");
  if (first.isHighest || last.isLowest) {
    throw new CommandError(
      "ERR '-' can only be used as first argument, '+' only as second",
    );
  }
  const set = openVectors(ctx, argv);
  if (set === undefined) return ctx.reply.array(0);
  const walk = new RangeWalk(set, first, last, count < 0 ? Infinity : count);
  const steps = walk.work(ctx);
  runInSlices(ctx, () => steps.next().done === true);
});

/** What `vector.ts` takes from this file. */
export const rangeCommands: readonly Command[] = [vrange];

/**
 * What SCAN, HSCAN, SSCAN and ZSCAN have in common (`db.c scanGenericCommand`): the cursor, the
 * options, and how far one call goes.
 *
 * COUNT is a wish: one call goes on until it found so many elements, but looks at no more than ten
 * buckets for each of them, so that a call over a table that is nearly empty ends, too. Small
 * values have no buckets: one call answers all of them and cursor 0, whatever COUNT says.
 *
 * @module
 */

import type { ByteBuffer } from "../../base/byte_buffer.ts";
import type { Argv } from "../../resp/argv.ts";
import type { ReplyTarget } from "../../resp/reply_target.ts";
import type { Context } from "./context.ts";
import { cStringEnd, isWord, readInteger } from "./args.ts";
import { CommandError, INVALID_CURSOR, NO_VALUES_OF_HSCAN, SYNTAX } from "./errors.ts";
import { runInSlices } from "./execute.ts";
import { Found } from "./found.ts";
import { drain } from "./long_read.ts";

/** How many elements are asked for without a COUNT. */
export const SCAN_COUNT = 10;
/** How many buckets one call looks at for each element asked for: `maxiterations` of `db.c`. */
export const SCAN_STEPS = 10;
/** How many elements one call looks at at most, whatever its COUNT, so that no call takes long. */
export const SCAN_MOST = 50_000;

const MINUS = 0x2d;
const SPACE = 0x20;
const PLUS = 0x2b;
const ZERO = 0x30;

/**
 * Argument `index` as a cursor: a uint64 as `strtoull` reads it, up to a zero byte, with leading
 * space and a sign. Ours have 32 bits; of a larger one, which we never gave, the low bits are
 * taken.
 *
 * @throws {CommandError} INVALID_CURSOR when it is none or leaves uint64.
 */
export function readCursor(argv: Argv, index: number): number {
  const { bytes } = argv;
  let pos = argv.starts[index];
  const end = cStringEnd(argv, index);
  const first = pos;
  while (pos < end && (bytes[pos] === SPACE || (bytes[pos] >= 9 && bytes[pos] <= 13))) pos++;
  // Redis refuses what `string2ll` reads as a negative number; what only `strtoull` takes for one,
  // as with space before it, wraps around.
  const isNegative = bytes[pos] === MINUS;
  const isRefused = isNegative && pos === first && bytes[pos + 1] !== ZERO;
  if (isNegative || bytes[pos] === PLUS) pos++;
  if (pos >= end) throw new CommandError(INVALID_CURSOR);
  let cursor = 0n;
  for (; pos < end; pos++) {
    const digit = bytes[pos] - ZERO;
    if (digit < 0 || digit > 9) throw new CommandError(INVALID_CURSOR);
    cursor = cursor * 10n + BigInt(digit);
    if (cursor > 0xffffffffffffffffn) throw new CommandError(INVALID_CURSOR);
  }
  if (isRefused && cursor <= 1n << 63n) throw new CommandError(INVALID_CURSOR);
  return Number((isNegative ? -cursor : cursor) & 0xffffffffn);
}

/** One call of HSCAN, SSCAN or ZSCAN: what it asks for and what it has found so far. */
export class ElementScan {
  /** Whether HSCAN replies values, too: false after NOVALUES. */
  withValues: boolean = true;
  readonly #found: Found;
  #count: number = SCAN_COUNT;
  #seen: number = 0;

  /**
   * Reads the options, which begin at argument 3.
   *
   * @param hasValues Whether NOVALUES may stand among them, as it may for HSCAN alone.
   * @throws {CommandError} SYNTAX, NOT_AN_INTEGER of a COUNT, or NO_VALUES_OF_HSCAN.
   */
  constructor(argv: Argv, hasValues: boolean = false) {
    let pattern: Uint8Array | undefined;
    for (let i = 3; i < argv.count; i++) {
      if (isWord(argv, i, "NOVALUES")) {
        if (!hasValues) throw new CommandError(NO_VALUES_OF_HSCAN);
        this.withValues = false;
        continue;
      }
      if (i + 1 === argv.count) throw new CommandError(SYNTAX);
      if (isWord(argv, i, "COUNT")) {
        this.#count = readInteger(argv, i + 1);
        if (this.#count < 1) throw new CommandError(SYNTAX);
      } else if (isWord(argv, i, "MATCH")) {
        pattern = argv.at(i + 1).slice();
      } else throw new CommandError(SYNTAX);
      i++;
    }
    this.#found = new Found(pattern);
  }

  /** Bulk strings of the elements found, as they will be replied. */
  get found(): ByteBuffer {
    return this.#found.out;
  }

  /**
   * Counts an element that was met; true when MATCH lets it pass and the caller appends it to
   * `found`, what is matched first.
   */
  takes(bytes: Uint8Array, start: number, end: number): boolean {
    this.#seen++;
    return this.#found.takes(bytes, start, end);
  }

  /**
   * Walks a table's buckets from `cursor` until there is enough.
   *
   * @param step Visits the elements of one bucket and returns the next cursor.
   * @returns The cursor the client goes on from, 0 at the end.
   */
  walk(cursor: number, step: (cursor: number) => number): number {
    let steps = Math.min(this.#count, SCAN_MOST) * SCAN_STEPS;
    do cursor = step(cursor); while (
      cursor !== 0 && --steps > 0 && this.#seen < SCAN_MOST && this.#found.count < this.#count
    );
    return cursor;
  }

  /** Replies the next cursor and what was found: `parts` bulk strings for each element. */
  reply(ctx: Context, cursor: number, parts: number): void {
    replyScan(ctx, cursor, this.#found, parts);
  }
}

/** Replies the next cursor and what was found, in slices where a match takes long. */
export function replyScan(ctx: Context, cursor: number, found: Found, parts: number): void {
  runInSlices(ctx, (later) => {
    if (!found.decide()) return false;
    later.reply.array(2);
    later.reply.bulkText(String(cursor));
    drain(found.reply(later.reply, parts));
    return true;
  });
}

/** Replies cursor 0 and no elements: the key is missing. */
export function replyNoScan(reply: ReplyTarget): void {
  reply.array(2);
  reply.bulkText("0");
  reply.array(0);
}

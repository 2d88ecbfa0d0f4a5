/**
 * What SCAN, HSCAN, SSCAN and ZSCAN have in common: the cursor, the options, how far one call goes.
 *
 * @module
 */

import { ByteBuffer } from "../../base/byte_buffer.ts";
import { globMatch } from "../../base/glob.ts";
import type { Argv } from "../../resp/argv.ts";
import type { ReplyWriter } from "../../resp/writer.ts";
import { cStringEnd, isWord, readInteger } from "./args.ts";
import { CommandError, INVALID_CURSOR, SYNTAX } from "./errors.ts";

/** Elements that are asked for without a COUNT. */
export const SCAN_COUNT = 10;
/** Buckets one call looks at for each element asked for, as Redis does. */
export const SCAN_STEPS = 10;
/** Elements one call looks at at most, whatever its COUNT: the next call goes on. */
export const SCAN_MOST = 50_000;

const MINUS = 0x2d;
const SPACE = 0x20;
const PLUS = 0x2b;
const ZERO = 0x30;

/**
 * SCAN's cursor, a uint64 as `strtoull` reads it, up to a zero byte. Our own are 32 bits: one that is not
 * ours stands for some place or other.
 */
export function readCursor(argv: Argv, index: number): number {
  const { bytes } = argv;
  let pos = argv.starts[index];
  const end = cStringEnd(argv, index);
  const first = pos;
  while (pos < end && (bytes[pos] === SPACE || (bytes[pos] >= 9 && bytes[pos] <= 13))) pos++;
  // What is a negative number to string2ll is none; what only strtoull takes for one wraps around.
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

/** What HSCAN, SSCAN or ZSCAN was asked for, and what it found. */
export class ElementScan {
  /** Elements found, as they are replied. */
  readonly found: ByteBuffer = new ByteBuffer(256);
  /** No NOVALUES was said. */
  withValues: boolean = true;
  #pattern: Uint8Array | undefined = undefined;
  #count: number = SCAN_COUNT;
  #seen: number = 0;
  #taken: number = 0;

  /**
   * @param knowsNoValues Whether NOVALUES is an option.
   * @throws {CommandError} SYNTAX and the like.
   */
  constructor(argv: Argv, knowsNoValues: boolean = false) {
    for (let i = 3; i < argv.count; i++) {
      if (knowsNoValues && isWord(argv, i, "NOVALUES")) {
        this.withValues = false;
        continue;
      }
      if (i + 1 === argv.count) throw new CommandError(SYNTAX);
      if (isWord(argv, i, "COUNT")) {
        this.#count = readInteger(argv, i + 1);
        if (this.#count < 1) throw new CommandError(SYNTAX);
      } else if (isWord(argv, i, "MATCH")) {
        this.#pattern = argv.at(i + 1);
      } else throw new CommandError(SYNTAX);
      i++;
    }
  }

  /** Whether an element of that name is asked for, and is to be appended to `found`. */
  takes(bytes: Uint8Array, start: number, end: number): boolean {
    this.#seen++;
    if (this.#pattern !== undefined && !globMatch(this.#pattern, bytes, start, end)) return false;
    this.#taken++;
    return true;
  }

  /** Goes on in a table from `cursor` by `step`, until there is enough; the next cursor. */
  walk(cursor: number, step: (cursor: number) => number): number {
    let steps = Math.min(this.#count, SCAN_MOST) * SCAN_STEPS;
    do cursor = step(cursor); while (
      cursor !== 0 && --steps > 0 && this.#seen < SCAN_MOST && this.#taken < this.#count
    );
    return cursor;
  }

  /** Replies what was found, which is `parts` bulk strings an element. */
  reply(reply: ReplyWriter, cursor: number, parts: number): void {
    reply.array(2);
    reply.bulkText(String(cursor));
    reply.array(parts * this.#taken);
    if (!reply.silent) reply.out.writeBytes(this.found.bytes, 0, this.found.length);
  }
}

/** The reply where there is no key. */
export function replyNoScan(reply: ReplyWriter): void {
  reply.array(2);
  reply.bulkText("0");
  reply.array(0);
}

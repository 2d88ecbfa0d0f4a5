/**
 * The arguments of one command as offsets into one buffer: neither an object nor a view for each,
 * of which a command of ten would cost half a microsecond.
 *
 * ```text
 *   bytes    *3 $3 SET $1 k $5 value          starts   SET k value
 *                  ^^^    ^    ^^^^^          ends     after each of them
 * ```
 *
 * @module
 */

import { assert } from "../base/assert.ts";

/** Arguments that there is room for before the arrays grow. */
const FIRST_ARGUMENTS = 16;

/**
 * A command's arguments; the name is argument 0. Parsers reuse theirs: copy what must outlive a
 * call.
 */
export class Argv {
  /** The buffer that holds every argument; borrowed. */
  bytes: Uint8Array = new Uint8Array(0);
  /** True where an argument was passed over: it stands here as an empty one. */
  passed: boolean = false;
  /** How many arguments there are, the command's name included. */
  count: number = 0;
  /** Offset in `bytes` of each argument's first byte. */
  starts: Int32Array = new Int32Array(FIRST_ARGUMENTS);
  /** Offset in `bytes` after each argument's last byte. */
  ends: Int32Array = new Int32Array(FIRST_ARGUMENTS);

  /** Argument `index` as a view: valid only as long as `bytes` is. */
  at(index: number): Uint8Array {
    return this.bytes.subarray(this.starts[index], this.ends[index]);
  }

  /** Length in bytes of argument `index`. */
  lengthOf(index: number): number {
    return this.ends[index] - this.starts[index];
  }

  /** Appends the argument `[start, end)` of `bytes`. */
  push(start: number, end: number): void {
    if (this.count === this.starts.length) this.#grow();
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
  }

  /** Forgets the arguments and keeps the memory. */
  clear(): void {
    this.count = 0;
    this.passed = false;
  }

  /** Forgets the arguments, and gives back memory for more than `most` of them. */
  shrink(most: number): void {
    this.count = 0;
    this.passed = false;
    if (this.starts.length <= most) return;
    this.starts = new Int32Array(FIRST_ARGUMENTS);
    this.ends = new Int32Array(FIRST_ARGUMENTS);
  }

  /** A copy that owns its bytes, of which it holds no more than the arguments span. */
  copy(): Argv {
    const owned = new Argv();
    const first = this.count === 0 ? 0 : this.starts[0];
    const last = this.count === 0 ? 0 : this.ends[this.count - 1];
    owned.bytes = this.bytes.slice(first, last);
    for (let i = 0; i < this.count; i++) owned.push(this.starts[i] - first, this.ends[i] - first);
    return owned;
  }

  /** Makes arguments that lie end to end in a buffer of their own. Strings are written as UTF-8. */
  static of(...args: readonly (string | Uint8Array)[]): Argv {
    const parts = args.map((arg) => typeof arg === "string" ? new TextEncoder().encode(arg) : arg);
    const argv = new Argv();
    argv.bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let offset = 0;
    for (const part of parts) {
      argv.bytes.set(part, offset);
      argv.push(offset, offset += part.length);
    }
    return argv;
  }

  #grow(): void {
    assert(this.count === this.starts.length, "the arrays are full");
    const starts = new Int32Array(this.starts.length * 2);
    const ends = new Int32Array(this.ends.length * 2);
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
  }
}

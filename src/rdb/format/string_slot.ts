/**
 * A string that was read from a snapshot, wherever it lies: in the chunk when all of it came in
 * one, else in memory that the slot owns.
 *
 * ```text
 *   borrowed   bytes -> the chunk         start, end anywhere in it    valid until the chunk goes
 *   owned      bytes -> the slot's own    start 0                      valid until the next string
 * ```
 *
 * Most strings are borrowed, so reading one copies nothing. When a chunk ends, `keep` copies what
 * an element still holds of it (a key whose value has not come yet).
 *
 * @module
 */

import { writeInteger } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import { copyBytes } from "../../base/copy.ts";

/** The first memory of a slot: room for any integer's text, "-2147483648" being the longest. */
const INTEGER_TEXT_BYTES = 22;
/** The first growth goes at least this far. */
const FIRST_GROWTH_BYTES = 4096;
/** More memory than this, needed by one huge string, is given back before the next. */
const KEPT_BYTES = 1 << 20;

/** One string, borrowed from a chunk or owned; reused for one string after the other. */
export class StringSlot {
  /** The buffer that holds the string: the chunk, or the slot's own. */
  bytes: Uint8Array;
  /** Offset in `bytes` of the string's first byte. */
  start: number = 0;
  /** Offset in `bytes` after the string's last byte. */
  end: number = 0;
  #own: Uint8Array;

  /** Makes an empty string in memory of its own. */
  constructor() {
    this.#own = new Uint8Array(INTEGER_TEXT_BYTES);
    this.bytes = this.#own;
  }

  /** Length of the string in bytes. */
  get length(): number {
    return this.end - this.start;
  }

  /** Bytes of the slot's own memory. */
  get ownBytes(): number {
    return this.#own.length;
  }

  /** Makes the slot point at bytes `[start, end)` of a chunk, which are not copied. */
  borrow(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  /**
   * Copies a borrowed string into the slot's own memory, before the chunk's owner takes it back.
   */
  keep(): void {
    if (this.bytes === this.#own) return;
    const { bytes, start, end } = this;
    this.clear();
    this.append(bytes, start, end, end - start);
  }

  /** Makes the string empty and owned; gives back memory beyond 1 MB that a huge one needed. */
  clear(): void {
    if (this.#own.length > KEPT_BYTES) this.#own = new Uint8Array(FIRST_GROWTH_BYTES);
    this.bytes = this.#own;
    this.start = 0;
    this.end = 0;
  }

  /**
   * Appends bytes `[start, end)` to an owned string.
   *
   * @param expected Length of the whole string, as announced: memory never runs ahead of it.
   */
  append(bytes: Uint8Array, start: number, end: number, expected: number): void {
    const at = this.end;
    const count = end - start;
    this.reserve(at + count, expected);
    copyBytes(this.#own, at, bytes, start, end);
    this.end = at + count;
  }

  /**
   * Makes the slot's own memory at least `needed` bytes long. It doubles, but not past `expected`:
   * a length that only a few hostile bytes announce costs no memory before its bytes come.
   */
  reserve(needed: number, expected: number): void {
    const own = this.#own;
    assert(this.bytes === own && this.start === 0, "only an owned string grows");
    if (needed <= own.length) return;
    const doubled = Math.max(own.length * 2, FIRST_GROWTH_BYTES);
    const grown = new Uint8Array(Math.max(needed, Math.min(expected, doubled)));
    grown.set(own.subarray(0, this.end));
    this.#own = grown;
    this.bytes = grown;
  }

  /** Makes the string the decimal text of a 32-bit integer. */
  setInteger(value: number): void {
    this.clear();
    this.end = writeInteger(this.#own, 0, value);
    assert(this.end <= INTEGER_TEXT_BYTES, "an integer's text fits the first memory of a slot");
  }

  /** The string as a view, valid until the slot is used again or the chunk goes. */
  view(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }

  /** The string as a copy that the caller owns. */
  copy(): Uint8Array {
    return this.bytes.slice(this.start, this.end);
  }
}

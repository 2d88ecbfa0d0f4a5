/**
 * The texts of field names: hashes of one kind have the same few names by the million, and making a string of each
 * again and again costs more than finding the value.
 *
 * ```text
 *  slot = hash of length, first and last bytes      seen          bytes        text
 *  0                                                0x5be1..      "name"       "name"    kept: met twice in a row
 *  1                                                0x0071..      -            -         met once
 *  ...
 * ```
 *
 * @module
 */

import { utf8 } from "./text.ts";

/** Number of slots, a power of two. */
const SLOTS = 1024;
/** Longer names are not kept: few fields have such. */
const MAX_NAME = 32;

/** Keeps the texts of names that come again and again, at most a thousand of 32 bytes. */
export class Names {
  readonly #seen: Int32Array = new Int32Array(SLOTS);
  readonly #bytes: (Uint8Array | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #texts: string[] = new Array(SLOTS).fill("");

  /** The text of a name. It is kept when the same one comes a second time before another of its slot. */
  text(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length > MAX_NAME) return utf8(bytes, start, end);
    let hash = length;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const kept = this.#bytes[slot];
    if (kept !== undefined && this.#seen[slot] === hash && isSame(kept, bytes, start, length)) {
      return this.#texts[slot];
    }
    const text = utf8(bytes, start, end);
    if (this.#seen[slot] === hash) {
      this.#bytes[slot] = bytes.slice(start, end);
      this.#texts[slot] = text;
    } else {
      this.#seen[slot] = hash;
      this.#bytes[slot] = undefined;
    }
    return text;
  }
}

function isSame(name: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) if (name[i] !== bytes[start + i]) return false;
  return true;
}

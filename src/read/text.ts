/**
 * Between the strings of an application and the bytes of the store: keys and members to UTF-8, values to text.
 *
 * @module
 */

import { writeUtf8 } from "../base/ascii.ts";
import { loadTextOf, type TextOf } from "../net/text.ts";

/** A key, a value or an argument: bytes, or a string that stands for its UTF-8 bytes. */
export type Key = string | Uint8Array;

const encoder = new TextEncoder();

/** Bytes `[start, end)` as text; malformed ones as U+FFFD. */
export const utf8: TextOf = loadTextOf();

/** The bytes of a key or value; a string's are UTF-8. */
export function toBytes(key: Key): Uint8Array {
  return typeof key === "string" ? encoder.encode(key) : key;
}

/** A key or an argument as bytes: its own where it is bytes, else a buffer that the next string overwrites. */
export class KeyBytes {
  /** The buffer that holds the key; borrowed. */
  bytes: Uint8Array = new Uint8Array(256);
  /** Offset after the key's last byte; the first one stands at 0. */
  end: number = 0;
  #buffer: Uint8Array = this.bytes;

  /** Points at a key that is bytes, or writes the UTF-8 of one that is text. */
  set(key: Key): void {
    if (typeof key !== "string") {
      this.bytes = key;
      this.end = key.length;
      return;
    }
    if (key.length * 3 > this.#buffer.length) this.#buffer = new Uint8Array(key.length * 4);
    this.bytes = this.#buffer;
    this.end = writeUtf8(this.#buffer, 0, key);
  }
}

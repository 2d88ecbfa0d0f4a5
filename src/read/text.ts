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
/** Bytes that there is room for from the start: of one key, and of a batch of them. */
const FIRST_BYTES = 256;
const BATCH_BYTES = 4096;
/** A buffer for keys that has grown beyond this is not kept for the next ones. */
const KEPT_BYTES = 1 << 16;
/** Keys of one batch: as many as the misses of the processor's cache overlap for. */
const BATCH_KEYS = 64;

/** Bytes `[start, end)` as text; malformed ones as U+FFFD. */
export const utf8: TextOf = loadTextOf();

/** The bytes of a key or value; a string's are UTF-8. */
export function toBytes(key: Key): Uint8Array {
  return typeof key === "string" ? encoder.encode(key) : key;
}

/** A key or an argument as bytes: its own where it is bytes, else a buffer that the next string overwrites. */
export class KeyBytes {
  /** The buffer that holds the key; borrowed. */
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
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
    if (key.length * 3 > this.#buffer.length) this.#grow(key.length * 3);
    this.end = writeUtf8(this.bytes = this.#buffer, 0, key);
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = new Uint8Array(FIRST_BYTES);
  }

  #grow(needed: number): void {
    this.#buffer = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
  }
}

/** Up to 64 keys end to end in one buffer, so that they can be looked up together. */
export class KeyBatch {
  /** The buffer that holds every key. */
  bytes: Uint8Array = new Uint8Array(BATCH_BYTES);
  /** How many keys there are. */
  count: number = 0;
  /** Offset of each key's first byte. */
  readonly starts: Int32Array = new Int32Array(BATCH_KEYS);
  /** Offset after each key's last byte. */
  readonly ends: Int32Array = new Int32Array(BATCH_KEYS);

  /** Takes the keys from index `from` on, as many as there is room for. */
  set(keys: readonly Key[], from: number): void {
    this.count = Math.min(keys.length - from, BATCH_KEYS);
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(BATCH_BYTES);
    let end = 0;
    for (let i = 0; i < this.count; i++) {
      const key = keys[from + i];
      this.#reserve(end, typeof key === "string" ? key.length * 3 : key.length);
      this.starts[i] = end;
      if (typeof key === "string") end = writeUtf8(this.bytes, end, key);
      else {
        this.bytes.set(key, end);
        end += key.length;
      }
      this.ends[i] = end;
    }
  }

  /** Makes room for `more` bytes behind the `end` bytes in use. */
  #reserve(end: number, more: number): void {
    if (end + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, end + more));
    grown.set(this.bytes.subarray(0, end));
    this.bytes = grown;
  }
}

/**
 * Numbered keys with values of any length, each of which tells a mix-up with another. Not a test itself.
 *
 * @module
 */

import assert from "node:assert/strict";
import { BytesRef } from "../../src/base/byte_buffer.ts";
import { Prng } from "../../src/base/prng.ts";
import { NO_EXPIRY } from "../../src/store/memory/record.ts";
import type { Records } from "../../src/store/memory/records.ts";
import { setString } from "../../src/store/types/string.ts";

/** Bytes of a megabyte. */
export const MB: number = 1024 * 1024;

/** What values are cut from: noise. */
export const noise: Uint8Array = new Prng(1).bytes(4 * MB);

/** Bytes of the key that was numbered last. */
export const numberedKey: Uint8Array = new Uint8Array(8);
const keyView = new DataView(numberedKey.buffer);
const ref = new BytesRef();

/** Writes a number's key to `numberedKey`. */
export function toKey(number: number): void {
  keyView.setFloat64(0, number);
}

/** Sets a number's key to a value of `length` bytes that begins where the number says. */
export function set(db: Records, number: number, length: number): void {
  toKey(number);
  const start = (number * 31) % (4 * MB - length);
  setString(db, numberedKey, 0, 8, noise, start, start + length, NO_EXPIRY);
}

/** Checks that a number's key has the value that {@linkcode set} gave it. */
export function check(db: Records, number: number, length: number): void {
  toKey(number);
  const entry = db.find(numberedKey, 0, 8);
  assert.notEqual(entry, 0);
  db.valueRef(entry, ref);
  assert.equal(ref.end - ref.start, length);
  const start = (number * 31) % (4 * MB - length);
  for (let i = 0; i < length; i += 61) assert.equal(ref.bytes[ref.start + i], noise[start + i]);
}

/** Deletes a number's key, which must be there. */
export function remove(db: Records, number: number): void {
  toKey(number);
  assert.ok(db.remove(numberedKey, 0, 8));
}

/**
 * In which form a reader gives values: text, or bytes of their own.
 *
 * @module
 */

import { HotTexts } from "./hot_texts.ts";
import { utf8 } from "./text.ts";

/** What values are given as: text, or bytes. */
export type Value = string | Uint8Array;

/** Makes values of one form. */
export interface Codec<T extends Value> {
  /** Bytes `[start, end)`, which are borrowed, as a value. */
  value(bytes: Uint8Array, start: number, end: number): T;
  /** Keeps values that are read again and again; undefined where each read gives a copy of its own. */
  readonly hot: HotTexts<T> | undefined;
}

/** Values as text: bytes that are no UTF-8 become U+FFFD. */
export function textCodec(): Codec<string> {
  return { value: utf8, hot: new HotTexts() };
}

/** Values as copies of their bytes. */
export function bytesCodec(): Codec<Uint8Array> {
  return { value: (bytes, start, end) => bytes.slice(start, end), hot: undefined };
}

/**
 * String keys on both sides of every threshold of the format, seeded, and how a golden file's JSON spells
 * them.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { Prng } from "../../../src/base/prng.ts";
import { bytesOf, textOf } from "../../support/bytes.ts";

/** One string key. */
export interface Item {
  readonly db: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** -1 for none. */
  readonly expireAtMs: number;
}

/** An item as a golden file's JSON spells it: bytes as latin-1 text, long values as what sums them up. */
export interface ItemJson {
  readonly db: number;
  readonly key: string;
  readonly value: string | { readonly sha256: string; readonly bytes: number };
  readonly expireAtMs: number;
}

const MAX_INLINE_VALUE = 512;
const INTEGERS = [0, 1, -1, 63, 64, 127, 128, -128, -129, 32767, 32768, -32768, -32769]
  .concat([2147483647, -2147483648, 2147483648, -2147483649, 9007199254740991]);
const ALMOST_INTEGERS = ["007", "+1", " 1", "1 ", "-0", "1e3", "0x10", "-", "00", "12345678901"]
  .concat(["9223372036854775807", "-9223372036854775808", "9223372036854775808", "1.0"]);
const LENGTHS = [0, 1, 19, 20, 21, 44, 45, 62, 63, 64, 65, 255, 256];
const LONG_LENGTHS = [16382, 16383, 16384, 16385];
/** Year 2100: as good as never for a test, and beyond 32 bits of seconds and of milliseconds. */
const FAR_MS = 4102444800123;

/** Random bytes, which LZF cannot shorten. */
export function noise(prng: Prng, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => prng.uint32() & 255);
}

function item(
  db: number,
  key: string | Uint8Array,
  value: string | Uint8Array,
  expireAtMs = -1,
): Item {
  return {
    db,
    key: typeof key === "string" ? bytesOf(key) : key,
    value: typeof value === "string" ? bytesOf(value) : value,
    expireAtMs,
  };
}

/** Under 3 KB in a snapshot: every cut of it can be tried. */
export function smallItems(seed: number): Item[] {
  const prng = new Prng(seed);
  const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);
  return [
    ...INTEGERS.map((value) => item(0, `int:${value}`, String(value))),
    ...INTEGERS.slice(0, 8).map((value) => item(1, String(value), "its key is an integer")),
    ...ALMOST_INTEGERS.map((value) => item(0, `almost:${value}`, value)),
    ...[10, 20, 21, 30, 300].map((count) => item(0, `run:${count}`, "a".repeat(count))),
    item(0, "", "the empty key"),
    item(0, everyByte, everyByte),
    item(2, "pairs", "ab".repeat(100)),
    item(2, "k".repeat(70), "a key that is compressed"),
    item(2, noise(prng, 70), noise(prng, 70)),
    item(3, "expires", "far away", FAR_MS),
    item(3, "expires:soon", "1", FAR_MS - 4_000_000_000),
    item(15, "last", "database of sixteen"),
  ];
}

/** {@linkcode smallItems} and some that are long or many; about 80 KB in a snapshot. */
export function allItems(seed: number): Item[] {
  const prng = new Prng(seed + 1);
  return [
    ...smallItems(seed),
    ...LENGTHS.map((length) => item(4, `length:${length}`, noise(prng, length))),
    ...LENGTHS.map((length) => item(4, `key:${length}:`.padEnd(length, "."), String(length))),
    ...LONG_LENGTHS.map((length) => item(5, `noise:${length}`, noise(prng, length))),
    ...LONG_LENGTHS.map((length) =>
      item(5, `text:${length}`, "The same words. ".repeat(length / 16))
    ),
    item(5, "huge", "0123456789".repeat(20000)),
    ...Array.from({ length: 200 }, (_, i) => item(6, `many:${i}`, String(i * i), FAR_MS + i)),
  ];
}

/** How a golden file's JSON spells an item. */
export function toJson({ db, key, value, expireAtMs }: Item): ItemJson {
  const isShort = value.length <= MAX_INLINE_VALUE;
  return { db, key: textOf(key), value: isShort ? textOf(value) : sumOf(value), expireAtMs };
}

function sumOf(value: Uint8Array): { sha256: string; bytes: number } {
  return { sha256: createHash("sha256").update(value).digest("hex"), bytes: value.length };
}

/** In one order, whatever order they were found in. */
export function sortItems(items: readonly ItemJson[]): ItemJson[] {
  return [...items].sort((a, b) => a.db - b.db || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/**
 * Decoded values, kept until the record they were made of changes. Nobody tells the cache of writes: a value is used
 * again only where the bytes are those it was made of, so it is never a stale one.
 *
 * ```text
 *   the database counts the same changes as when the value was last used ──▶ the value: one look into a Map
 *   it counts others: the record is read ──▶ the same bytes ──▶ the value, and the count is noted
 *                                      └──▶ other bytes ───▶ decoded anew
 *
 *   one Map for each decoder and database:  record ──▶ Slot { text or bytes, value, changes }
 *   over the bound the slot goes that was made first, unless it was used since: then it gets another round
 * ```
 *
 * @module
 */

import { equalBytes } from "../base/ascii.ts";
import { type Decode, decodeBytes, decodeText, deepFreeze } from "./decode.ts";
import { type Key, utf8 } from "./text.ts";

/** What a cache holds and how it did. */
export interface DecodeCacheStatus {
  /** Reads that were answered by a kept value. */
  readonly hits: number;
  /** Reads that had to decode. */
  readonly misses: number;
  /** How many values are kept, of all decoders. */
  readonly values: number;
  /** About what they and the text they were made of take: five bytes for each byte of a value, and 200 a value. */
  readonly bytes: number;
}

/** How many bytes a cache holds unless told. */
export const DECODE_CACHE_BYTES: number = 32 * 1024 * 1024;

/** What is counted for each byte of a value: its text, and the objects that are made of it. */
const BYTES_A_BYTE = 5;
/** What a slot, its names and its places in maps are counted as. */
const SLOT_BYTES = 200;

/** A value that is kept with what it was made of. */
export class Slot {
  /** The record's name in its map. */
  readonly name: string;
  /** The map that it is in. */
  readonly slots: Slots;
  /** What the value was made of, as text where the decoder takes text. */
  text: string | undefined = undefined;
  /** What the value was made of, where the decoder takes bytes. */
  bytes: Uint8Array | undefined = undefined;
  /** What the decoder made; every read gives this same one. */
  value: unknown = undefined;
  /** What the database counted when the value was last known to be true; -1 where that does not tell. */
  changes: number = -1;
  /** When the record expires, milliseconds since 1970; Infinity for never. */
  expireAtMs: number = Infinity;
  /** Bytes that it is counted as. */
  size: number = 0;
  /** It was used since it was last looked at for removal. */
  used: boolean = false;

  /** Makes a slot that holds nothing yet. */
  constructor(name: string, slots: Slots) {
    this.name = name;
    this.slots = slots;
  }
}

/** The kept values of one decoder in one database, by the record's name. */
export type Slots = Map<string, Slot>;

/** The decoded values of one replica. */
export class DecodeCache {
  readonly #maxBytes: number;
  readonly #freeze: boolean;
  readonly #json: Map<number, Slots> = new Map();
  readonly #others: WeakMap<object, Map<number, Slots>> = new WeakMap();
  /** Every slot, the one that was made first in front. */
  readonly #all: Set<Slot> = new Set();
  #bytes: number = 0;
  #hits: number = 0;
  #misses: number = 0;

  /** Keeps up to `maxBytes`; `freeze` says whether what is decoded is frozen. */
  constructor(maxBytes: number, freeze: boolean) {
    this.#maxBytes = maxBytes;
    this.#freeze = freeze;
  }

  /** What is kept, and how often it helped. */
  status(): DecodeCacheStatus {
    const [hits, misses] = [this.#hits, this.#misses];
    return { hits, misses, values: this.#all.size, bytes: this.#bytes };
  }

  /** Forgets every kept value; later reads decode anew. */
  clear(): void {
    for (const slot of this.#all) this.#remove(slot);
  }

  /** The kept values of a decoder in a database. */
  slotsOf(dbIndex: number, decode: Decode<unknown>): Slots {
    let maps = decode === "json" ? this.#json : this.#others.get(decode);
    if (maps === undefined) this.#others.set(decode as object, maps = new Map());
    let slots = maps.get(dbIndex);
    if (slots === undefined) maps.set(dbIndex, slots = new Map());
    return slots;
  }

  /** Counts a slot's value as used and gives it. */
  use(slot: Slot): unknown {
    this.#hits++;
    slot.used = true;
    return slot.value;
  }

  /** The record of this name is gone: what was made of it goes, too. */
  drop(slots: Slots, name: string): void {
    const slot = slots.get(name);
    if (slot !== undefined) this.#remove(slot);
  }

  /**
   * What a decoder makes of bytes `[start, end)`: the kept value where it was made of the same.
   *
   * @param changes What the database counts, -1 where that says nothing of these bytes.
   * @throws {DecodeError} When it cannot be decoded.
   */
  decode<V>(
    slots: Slots,
    name: string,
    decode: Decode<V>,
    bytes: Uint8Array,
    start: number,
    end: number,
    key: Key,
    changes: number,
    expireAtMs: number,
  ): V {
    const slot = slots.get(name);
    const text = typeof decode === "function" ? undefined : utf8(bytes, start, end);
    if (slot !== undefined && isMadeOf(slot, text, bytes, start, end)) {
      slot.changes = changes;
      slot.expireAtMs = expireAtMs;
      return this.use(slot) as V;
    }
    if (slot !== undefined) this.#remove(slot);
    this.#misses++;
    // Copied before the decoder runs, whose reads may overwrite the text of an integer.
    const own = text === undefined ? bytes.slice(start, end) : undefined;
    const value = typeof decode === "function"
      ? decodeBytes(decode, own!, 0, end - start, key)
      : decodeText(decode, text!, key);
    const kept = this.keep(slots, name, value, end - start);
    if (kept === undefined) return value;
    kept.text = text;
    kept.bytes = own;
    kept.changes = changes;
    kept.expireAtMs = expireAtMs;
    return value;
  }

  /** The kept value that was made of bytes `[start, end)`, undefined when there is none. */
  find(
    slots: Slots,
    name: string,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Slot | undefined {
    const slot = slots.get(name);
    if (slot === undefined) return undefined;
    if (isMadeOf(slot, undefined, bytes, start, end)) return slot;
    this.#remove(slot);
    return undefined;
  }

  /**
   * Keeps a value that was just decoded, whose record has `length` bytes; the caller says what it was made of. Undefined
   * where it is too large to be kept.
   */
  keep(slots: Slots, name: string, value: unknown, length: number): Slot | undefined {
    if (this.#freeze) deepFreeze(value);
    this.drop(slots, name);
    const size = SLOT_BYTES + 2 * name.length + BYTES_A_BYTE * length;
    if (size > this.#maxBytes / 4) return undefined;
    const slot = new Slot(name, slots);
    slot.value = value;
    slot.size = size;
    slots.set(name, slot);
    this.#all.add(slot);
    this.#bytes += size;
    if (this.#bytes > this.#maxBytes) this.#makeRoom();
    return slot;
  }

  /** Counts a value that was decoded without being looked for here. */
  missed(): void {
    this.#misses++;
  }

  #makeRoom(): void {
    for (const slot of this.#all) {
      if (this.#bytes <= this.#maxBytes) return;
      if (!slot.used) {
        this.#remove(slot);
        continue;
      }
      // Goes to the end: a set gives its elements in the order in which they came.
      slot.used = false;
      this.#all.delete(slot);
      this.#all.add(slot);
    }
  }

  #remove(slot: Slot): void {
    slot.slots.delete(slot.name);
    this.#all.delete(slot);
    this.#bytes -= slot.size;
  }
}

function isMadeOf(
  slot: Slot,
  text: string | undefined,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (text !== undefined) return slot.text === text;
  const own = slot.bytes;
  return own !== undefined && equalBytes(own, 0, own.length, bytes, start, end);
}

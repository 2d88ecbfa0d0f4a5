/**
 * Keys that a filter would keep by their names and whose values are not held: too large, or lost because the master
 * would not tell them. Each is remembered by eight bytes, so that a command which changes it is passed over instead of
 * being applied to nothing.
 *
 * ```text
 *   a table for each database, open addressing, at most two thirds full; an entry is two words
 *
 *     high   32 bits of one hash of the key            0, 0: free
 *     low    16 bits of another | 14 bits: its cluster slot | 2 bits: why it is left out, never 0
 * ```
 *
 * Two keys that look alike here cost one of them its place in the copy; with a million keys that happens once in
 * some 10^7 such tables. It never makes a value wrong.
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { keySlot } from "../../base/crc16.ts";
import { hash32 } from "../../base/hash.ts";
import type { SlotRange } from "./slot_ranges.ts";

/** Why a key is left out. */
export const LeftOutReason = { SIZE: 1, REFUSED: 2, PREDICATE: 3 } as const;
/** One of {@linkcode LeftOutReason}'s numbers. */
export type LeftOutReason = typeof LeftOutReason[keyof typeof LeftOutReason];

const REASON_BITS = 3;
const SLOT_SHIFT = 2;
const SLOT_MASK = 0x3fff;
const FIRST_CAPACITY = 64;
/** Bytes of an entry. */
const ENTRY_BYTES = 8;
/** The hash keys are fixed, as the entries are kept in snapshot files. */
const SEEDS: readonly number[] = [0x72696d72, 0x6c656674, 0x6f757421, 0x6b657973];

/** The keys of every database that are left out. */
export class LeftOutKeys {
  /** How many there are in all databases. */
  size: number = 0;
  readonly #tables: Map<number, HashTable> = new Map();

  /** How many there are for one reason. O(all). */
  count(reason: LeftOutReason): number {
    let count = 0;
    for (const table of this.#tables.values()) {
      table.each((_high, low) => {
        if ((low & REASON_BITS) === reason) count++;
      });
    }
    return count;
  }

  /** Whether key `[start, end)` of `bytes` is left out of database `db`. */
  has(db: number, bytes: Uint8Array, start: number, end: number): boolean {
    const table = this.#tables.get(db);
    if (table === undefined || table.size === 0) return false;
    hash(bytes, start, end);
    return table.find(high, low) >= 0;
  }

  /** Leaves a key out; one that is left out already gets the new reason. */
  add(db: number, bytes: Uint8Array, start: number, end: number, reason: LeftOutReason): void {
    hash(bytes, start, end);
    if (this.#table(db).add(high, low | reason)) this.size++;
  }

  /** The key is left out no more. Returns false where it was not. */
  delete(db: number, bytes: Uint8Array, start: number, end: number): boolean {
    const table = this.#tables.get(db);
    if (table === undefined || table.size === 0) return false;
    hash(bytes, start, end);
    const at = table.find(high, low);
    if (at < 0) return false;
    table.deleteAt(at);
    this.size--;
    return true;
  }

  /** Forgets the keys of one database. */
  clearDb(db: number): void {
    this.size -= this.#tables.get(db)?.size ?? 0;
    this.#tables.delete(db);
  }

  /** Forgets the keys of every database. */
  clear(): void {
    this.#tables.clear();
    this.size = 0;
  }

  /** Forgets the keys of cluster slots that were emptied as a whole. O(all). */
  clearSlots(ranges: readonly SlotRange[]): void {
    for (const [db, table] of this.#tables) {
      const kept = new HashTable();
      table.each((high, low) => {
        const slot = (low >>> SLOT_SHIFT) & SLOT_MASK;
        if (!ranges.some(([first, last]) => slot >= first && slot <= last)) kept.add(high, low);
      });
      this.size += kept.size - table.size;
      this.#tables.set(db, kept);
    }
  }

  /** Exchanges the keys of two databases. */
  swap(a: number, b: number): void {
    const [ofA, ofB] = [this.#tables.get(a), this.#tables.get(b)];
    this.#tables.delete(a);
    this.#tables.delete(b);
    if (ofB !== undefined) this.#tables.set(a, ofB);
    if (ofA !== undefined) this.#tables.set(b, ofA);
  }

  /** Takes over the keys of `other`, which is left empty. */
  replaceWith(other: LeftOutKeys): void {
    this.clear();
    for (const [db, table] of other.#tables) this.#tables.set(db, table);
    this.size = other.size;
    other.clear();
  }

  /** All keys, for a snapshot file: of each database its number and count, then its entries, 32 bits a word. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.size * ENTRY_BYTES + this.#tables.size * ENTRY_BYTES);
    const view = new DataView(bytes.buffer);
    let pos = 0;
    for (const [db, table] of this.#tables) {
      view.setUint32(pos, db, true);
      view.setUint32(pos + 4, table.size, true);
      pos += ENTRY_BYTES;
      table.each((high, low) => {
        view.setUint32(pos, high, true);
        view.setUint32(pos + 4, low, true);
        pos += ENTRY_BYTES;
      });
    }
    assert(pos === bytes.length, "every key was written");
    return bytes;
  }

  /** Adds what `toBytes` wrote; false where the bytes are something else. */
  addBytes(bytes: Uint8Array): boolean {
    if (bytes.length % ENTRY_BYTES !== 0) return false;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let pos = 0; pos < bytes.length;) {
      const table = this.#table(view.getUint32(pos, true));
      const end = pos + ENTRY_BYTES + view.getUint32(pos + 4, true) * ENTRY_BYTES;
      if (end > bytes.length) return false;
      for (pos += ENTRY_BYTES; pos < end; pos += ENTRY_BYTES) {
        const low = view.getUint32(pos + 4, true);
        if ((low & REASON_BITS) === 0) return false;
        if (table.add(view.getUint32(pos, true), low)) this.size++;
      }
    }
    return true;
  }

  #table(db: number): HashTable {
    let table = this.#tables.get(db);
    if (table === undefined) this.#tables.set(db, table = new HashTable());
    return table;
  }
}

/** The two words of the key that was hashed last; the reason's bits are 0. */
let high = 0;
let low = 0;

function hash(bytes: Uint8Array, start: number, end: number): void {
  high = hash32(bytes, start, end, SEEDS[0], SEEDS[1]) >>> 0;
  const other = hash32(bytes, start, end, SEEDS[2], SEEDS[3]) & 0xffff0000;
  low = (other | (keySlot(bytes, start, end) << SLOT_SHIFT)) >>> 0;
}

/** A set of two-word entries by linear probing. */
class HashTable {
  size: number = 0;
  #words: Uint32Array = new Uint32Array(FIRST_CAPACITY * 2);
  #mask: number = FIRST_CAPACITY - 1;

  /** Index of the entry that equals these words but for the reason; -1 for none. */
  find(high: number, low: number): number {
    const words = this.#words;
    const mask = this.#mask;
    const wanted = (low & ~REASON_BITS) >>> 0;
    for (let at = high & mask;; at = (at + 1) & mask) {
      const found = words[at * 2 + 1];
      if (found === 0) return -1;
      if (words[at * 2] === high && ((found & ~REASON_BITS) >>> 0) === wanted) return at;
    }
  }

  /** Adds an entry or changes its reason; true where it is new. */
  add(high: number, low: number): boolean {
    assert((low & REASON_BITS) !== 0, "an entry has a reason");
    const found = this.find(high, low);
    if (found >= 0) {
      this.#words[found * 2 + 1] = low;
      return false;
    }
    if ((this.size + 1) * 3 > (this.#mask + 1) * 2) this.#grow();
    this.#insert(high, low);
    this.size++;
    return true;
  }

  /** Takes an entry out and moves those behind it up, so that no search ends too early. */
  deleteAt(at: number): void {
    const words = this.#words;
    const mask = this.#mask;
    let free = at;
    for (let next = (free + 1) & mask; words[next * 2 + 1] !== 0; next = (next + 1) & mask) {
      const home = words[next * 2] & mask;
      // It stays where its home lies between the free place and itself.
      if (((next - home) & mask) < ((next - free) & mask)) continue;
      words[free * 2] = words[next * 2];
      words[free * 2 + 1] = words[next * 2 + 1];
      free = next;
    }
    words[free * 2] = words[free * 2 + 1] = 0;
    this.size--;
  }

  each(visit: (high: number, low: number) => void): void {
    const words = this.#words;
    for (let i = 0; i < words.length; i += 2) {
      if (words[i + 1] !== 0) visit(words[i], words[i + 1]);
    }
  }

  #insert(high: number, low: number): void {
    const words = this.#words;
    const mask = this.#mask;
    let at = high & mask;
    while (words[at * 2 + 1] !== 0) at = (at + 1) & mask;
    words[at * 2] = high;
    words[at * 2 + 1] = low;
  }

  #grow(): void {
    const old = this.#words;
    this.#words = new Uint32Array(old.length * 2);
    this.#mask = this.#words.length / 2 - 1;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] !== 0) this.#insert(old[i], old[i + 1]);
    }
  }
}

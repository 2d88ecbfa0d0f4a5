/**
 * Keys that were touched, each once, and what happened to whole databases before them: what a commit is, and what
 * several of them are together. Bytes lie in one buffer and numbers beside it, so that a key costs no object.
 *
 * ```text
 *  bytes     | user:1 | user:2 | flag |       key i begins where the one before it ends
 *  ends           6       12      16
 *  dbs            0        0       3
 *  commands     "set"   "del"   "expire"
 *  hashes    of every key, and a table of open addressing over them, once there are more than a few
 * ```
 *
 * Events come before the keys: a flush drops the keys that were touched before it, a swap gives them the number
 * of the database where they are now.
 *
 * @module
 */

import { ByteBuffer, type BytesRef } from "../../base/byte_buffer.ts";
import { hash32 } from "../../base/hash.ts";
import type { StoreSettings } from "../../store/memory/settings.ts";

/** Up to so many keys are compared one by one; more are looked up in a hash table. */
const LINEAR_KEYS = 8;
/** Keys of so many bytes are copied without a call. */
const SHORT_KEY = 32;
/** A buffer that has grown beyond this is given back when it is cleared. */
const KEPT_BYTES = 1 << 20;
const KEPT_KEYS = 1 << 16;

/** Commands that change when a key, or a field of a hash, expires, and nothing else. */
const EXPIRY_COMMANDS: ReadonlySet<string> = new Set([
  "expire",
  "expireat",
  "pexpire",
  "pexpireat",
  "persist",
  "getex",
  "hexpire",
  "hexpireat",
  "hpexpire",
  "hpexpireat",
  "hpersist",
  "hgetex",
]);

/** Whether a command changes nothing but when a key or a field of it expires. @param command In lower case. */
export function isExpiry(command: string): boolean {
  return EXPIRY_COMMANDS.has(command);
}

/** A change of more than single keys. */
export type WholeChange =
  /** FLUSHDB, FLUSHALL: every key of database `db` is gone, or with -1 of every database. */
  | { readonly kind: "flush"; readonly db: number }
  /** SWAPDB: two databases have exchanged their contents. */
  | { readonly kind: "swap"; readonly a: number; readonly b: number }
  /**
   * Cluster slots have moved: any of their keys may have become visible or hidden. Which ones follows in
   * later commits, whose keys are named one by one.
   */
  | { readonly kind: "slots" };

/** A list of touched keys. */
export class TouchedKeys {
  /** How many keys there are. */
  count: number = 0;
  /** What happened to whole databases, in order, before the keys. */
  events: WholeChange[] = [];
  readonly #seed0: number;
  readonly #seed1: number;
  readonly #bytes: ByteBuffer = new ByteBuffer(1024);
  #dbs: Int32Array = new Int32Array(16);
  #ends: Int32Array = new Int32Array(16);
  #commands: string[] = [];
  /** Hashes of the keys, from the first key on that is looked up in the table. */
  #hashes: Int32Array = new Int32Array(0);
  /** Index of a key plus 1, 0 for a free place. */
  #table: Int32Array = new Int32Array(0);

  /** Begins empty. @param settings Has the secret that keys are hashed with. */
  constructor({ seed0, seed1 }: Pick<StoreSettings, "seed0" | "seed1">) {
    this.#seed0 = seed0;
    this.#seed1 = seed1;
  }

  /** True while there are neither keys nor events. */
  get isEmpty(): boolean {
    return this.count === 0 && this.events.length === 0;
  }

  /** Bytes of all keys. */
  get byteLength(): number {
    return this.#bytes.length;
  }

  /** Number of the database of key `index`. */
  dbAt(index: number): number {
    return this.#dbs[index];
  }

  /** Points `ref` at the bytes of key `index`: valid until the next key is added. */
  keyAt(index: number, ref: BytesRef): void {
    ref.set(this.#bytes.bytes, this.#startOf(index), this.#ends[index]);
  }

  /** The command that touched key `index` last; one that changed an expiry only gives way to any other. */
  commandAt(index: number): string {
    return this.#commands[index];
  }

  /**
   * Hash of key `index`, as the hash tables of the databases have it. Known only where
   * {@linkcode TouchedKeys.hasHashes}.
   */
  hashAt(index: number): number {
    return this.#hashes[index];
  }

  /** Whether the keys were so many that they were hashed. */
  get hasHashes(): boolean {
    return this.count >= LINEAR_KEYS;
  }

  /** Adds a key, whose bytes are copied, or notes that another command has touched it. */
  add(db: number, bytes: Uint8Array, start: number, end: number, command: string): void {
    const { count } = this;
    if (count >= LINEAR_KEYS) return this.#addHashed(db, bytes, start, end, command);
    // Most commits touch one key, which has none to be compared with.
    const known = count === 0 ? -1 : this.#find(db, bytes, start, end);
    if (known >= 0) return this.#noteCommand(known, command);
    this.#append(db, bytes, start, end, command);
    if (count + 1 === LINEAR_KEYS) this.#fillTable(0);
  }

  /** Notes that whole databases have changed. O(keys). */
  addEvent(change: WholeChange): void {
    this.events.push(change);
    if (change.kind === "flush") {
      this.#renumber((db) => change.db < 0 || db === change.db ? -1 : db);
    } else if (change.kind === "swap") {
      const { a, b } = change;
      this.#renumber((db) => db === a ? b : db === b ? a : db);
    }
  }

  /** Forgets everything. Memory for a great many keys is given back. */
  clear(): void {
    this.count = 0;
    if (this.events.length > 0) this.events = [];
    this.#bytes.clear();
    if (this.#bytes.bytes.length > KEPT_BYTES) this.#bytes.shrink(1024);
    if (this.#dbs.length <= KEPT_KEYS) return;
    this.#dbs = new Int32Array(16);
    this.#ends = new Int32Array(16);
    this.#commands = [];
    this.#hashes = new Int32Array(0);
    this.#table = new Int32Array(0);
  }

  /** Whether a key is among them. */
  has(db: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.count < LINEAR_KEYS) return this.#find(db, bytes, start, end) >= 0;
    const hash = this.#hash(bytes, start, end);
    return this.#table[this.#slotOf(hash, db, bytes, start, end)] !== 0;
  }

  /** The hash that the tables of all databases have for a key. */
  #hash(bytes: Uint8Array, start: number, end: number): number {
    return hash32(bytes, start, end, this.#seed0, this.#seed1);
  }

  #addHashed(db: number, bytes: Uint8Array, start: number, end: number, command: string): void {
    const hash = this.#hash(bytes, start, end);
    const slot = this.#slotOf(hash, db, bytes, start, end);
    const known = this.#table[slot] - 1;
    if (known >= 0) return this.#noteCommand(known, command);
    this.#append(db, bytes, start, end, command);
    const { count } = this;
    this.#hashes[count - 1] = hash;
    this.#table[slot] = count;
    // At most half full, so that a key is found near its place.
    if (count * 2 > this.#table.length) this.#fillTable(count);
  }

  #append(db: number, bytes: Uint8Array, start: number, end: number, command: string): void {
    const { count } = this;
    if (count === this.#dbs.length) this.#grow();
    const own = this.#bytes;
    let to = own.length;
    if (end - start > SHORT_KEY || to + end - start > own.bytes.length) {
      own.writeBytes(bytes, start, end);
    } else {
      const target = own.bytes;
      for (let i = start; i < end; i++) target[to++] = bytes[i];
      own.length = to;
    }
    this.#dbs[count] = db;
    this.#ends[count] = own.length;
    this.#commands[count] = command;
    this.count = count + 1;
  }

  #noteCommand(index: number, command: string): void {
    if (command === this.#commands[index] || isExpiry(command)) return;
    this.#commands[index] = command;
  }

  /** Gives keys another database, or drops them where `numberOf` answers -1. */
  #renumber(numberOf: (db: number) => number): void {
    if (this.count === 0) return;
    const { count } = this;
    const bytes = this.#bytes.toBytes();
    const ends = this.#ends.slice(0, count);
    const dbs = this.#dbs.slice(0, count);
    const commands = this.#commands.slice(0, count);
    this.#bytes.clear();
    this.count = 0;
    let start = 0;
    for (let i = 0; i < count; i++) {
      const db = numberOf(dbs[i]);
      if (db >= 0) this.add(db, bytes, start, ends[i], commands[i]);
      start = ends[i];
    }
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1];
  }

  #grow(): void {
    const dbs = new Int32Array(this.#dbs.length * 2);
    const ends = new Int32Array(this.#dbs.length * 2);
    dbs.set(this.#dbs);
    ends.set(this.#ends);
    this.#dbs = dbs;
    this.#ends = ends;
    if (this.#hashes.length > 0) this.#growHashes();
  }

  /** As many hashes as there is room for keys. */
  #growHashes(): void {
    const hashes = new Int32Array(this.#dbs.length);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
  }

  #find(db: number, bytes: Uint8Array, start: number, end: number): number {
    for (let i = 0; i < this.count; i++) if (this.#isAt(i, db, bytes, start, end)) return i;
    return -1;
  }

  #isAt(index: number, db: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#startOf(index);
    if (this.#dbs[index] !== db || this.#ends[index] - from !== end - start) return false;
    const own = this.#bytes.bytes;
    for (let i = start, at = from; i < end; i++, at++) if (own[at] !== bytes[i]) return false;
    return true;
  }

  /** The place of a key in the table: its own, or the free one where it belongs. */
  #slotOf(hash: number, db: number, bytes: Uint8Array, start: number, end: number): number {
    const table = this.#table;
    const hashes = this.#hashes;
    const mask = table.length - 1;
    for (let slot = hash & mask;; slot = (slot + 1) & mask) {
      const index = table[slot] - 1;
      if (index < 0) return slot;
      if (hashes[index] === hash && this.#isAt(index, db, bytes, start, end)) return slot;
    }
  }

  /** Makes a table for the keys there are, with room for as many again. The first `hashed` keys have their hashes. */
  #fillTable(hashed: number): void {
    let size = Math.max(this.#table.length, 32);
    while (size < this.count * 4) size *= 2;
    if (size === this.#table.length) this.#table.fill(0);
    else this.#table = new Int32Array(size);
    if (this.#hashes.length < this.#dbs.length) this.#growHashes();
    const { bytes } = this.#bytes;
    for (let i = hashed; i < this.count; i++) {
      this.#hashes[i] = this.#hash(bytes, this.#startOf(i), this.#ends[i]);
    }
    const table = this.#table;
    const mask = size - 1;
    for (let i = 0; i < this.count; i++) {
      let slot = this.#hashes[i] & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = i + 1;
    }
  }
}

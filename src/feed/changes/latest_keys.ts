/**
 * The keys of the latest commits, each once, where they lie in the log: what a consumer that keeps up is told of
 * without a copy of them.
 *
 * ```text
 *  log      set a | set b | del a | set c          from an address on
 *  keys     a (del)  b (set)  c (set)              block and place in it, hash, number of the command
 * ```
 *
 * @module
 */

import type { BytesRef } from "../../base/byte_buffer.ts";
import { hash32 } from "../../base/hash.ts";
import { isExpiry, type WholeChange } from "../../commands/engine/touched_keys.ts";
import type { StoreSettings } from "../../store/memory/settings.ts";
import type { FeedFilter } from "./filter.ts";
import { BEGINS, type Block, type FeedLog, HEADER } from "./log.ts";

const FIRST_KEYS = 1024;
const NO_EVENTS: readonly WholeChange[] = [];

/** A list of keys that is valid until the log is written again. One serves all consumers of a feed, in turn. */
export class LatestKeys {
  /** How many keys there are. */
  count: number = 0;
  /** How many commits touched one of them. */
  commits: number = 0;
  /** Events are never left in the log. */
  readonly events: readonly WholeChange[] = NO_EVENTS;
  readonly #seed0: number;
  readonly #seed1: number;
  #blocks: readonly Block[] = [];
  #names: readonly string[] = [];
  #blockAt: Int32Array = new Int32Array(FIRST_KEYS);
  #posAt: Int32Array = new Int32Array(FIRST_KEYS);
  #hashes: Int32Array = new Int32Array(FIRST_KEYS);
  #commands: Int32Array = new Int32Array(FIRST_KEYS);
  /** Index of a key plus 1, 0 for a free place. */
  #table: Int32Array = new Int32Array(2 * FIRST_KEYS);

  /** Begins empty. @param settings Has the secret that keys are hashed with. */
  constructor({ seed0, seed1 }: Pick<StoreSettings, "seed0" | "seed1">) {
    this.#seed0 = seed0;
    this.#seed1 = seed1;
  }

  /** Number of the database of key `index`. */
  dbAt(index: number): number {
    return this.#blocks[this.#blockAt[index]].words[this.#posAt[index] >> 2];
  }

  /** Points `ref` at the bytes of key `index`. */
  keyAt(index: number, ref: BytesRef): void {
    const { bytes, words } = this.#blocks[this.#blockAt[index]];
    const pos = this.#posAt[index];
    const start = pos + HEADER;
    ref.set(bytes, start, start + words[(pos >> 2) + 1]);
  }

  /** The command that touched key `index` last; one that changed an expiry only gives way to any other. */
  commandAt(index: number): string {
    return this.#names[this.#commands[index]];
  }

  /** Hash of key `index`, as the hash tables of the databases have it. */
  hashAt(index: number): number {
    return this.#hashes[index];
  }

  /** Takes the keys that are followed, from an address that the log's `add` gave. O(entries behind it). */
  read(log: FeedLog, filter: FeedFilter, from: number): void {
    this.#blocks = log.blocksFrom(from);
    this.#names = log.commandNames;
    this.count = 0;
    this.commits = 0;
    this.#table.fill(0);
    for (let block = 0; block < this.#blocks.length; block++) this.#readBlock(block, filter, from);
  }

  #readBlock(block: number, filter: FeedFilter, from: number): void {
    const { bytes, words, length, base } = this.#blocks[block];
    let isCounted = true;
    for (let pos = Math.max(from - base, 0), next = pos; pos < length; pos = next) {
      const word = pos >> 2;
      const db = words[word];
      const start = pos + HEADER;
      const end = start + words[word + 1];
      next = (end + 7) & ~7;
      const command = words[word + 4];
      if (command < 0) isCounted = false;
      if (!filter.hasKey(db, bytes, start, end)) continue;
      this.#add(block, pos, db, bytes, start, end, command & ~BEGINS);
      if (isCounted) continue;
      isCounted = true;
      this.commits++;
    }
  }

  #add(
    block: number,
    pos: number,
    db: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    command: number,
  ): void {
    const hash = hash32(bytes, start, end, this.#seed0, this.#seed1);
    const table = this.#table;
    const hashes = this.#hashes;
    const mask = table.length - 1;
    let slot = hash & mask;
    for (; table[slot] !== 0; slot = (slot + 1) & mask) {
      const index = table[slot] - 1;
      if (hashes[index] === hash && this.#isAt(index, db, bytes, start, end)) {
        return this.#noteCommand(index, command);
      }
    }
    const index = this.count++;
    table[slot] = index + 1;
    hashes[index] = hash;
    this.#blockAt[index] = block;
    this.#posAt[index] = pos;
    this.#commands[index] = command;
    if (this.count === hashes.length) this.#grow();
  }

  #noteCommand(index: number, command: number): void {
    if (command === this.#commands[index] || isExpiry(this.#names[command])) return;
    this.#commands[index] = command;
  }

  #isAt(index: number, db: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { bytes: own, words } = this.#blocks[this.#blockAt[index]];
    const pos = this.#posAt[index];
    if (words[pos >> 2] !== db || words[(pos >> 2) + 1] !== end - start) return false;
    for (let i = start, at = pos + HEADER; i < end; i++, at++) {
      if (own[at] !== bytes[i]) return false;
    }
    return true;
  }

  /** Room for twice as many keys; the table stays at most half full. */
  #grow(): void {
    this.#blockAt = doubled(this.#blockAt);
    this.#posAt = doubled(this.#posAt);
    this.#commands = doubled(this.#commands);
    const hashes = this.#hashes = doubled(this.#hashes);
    const table = this.#table = new Int32Array(this.#table.length * 2);
    const mask = table.length - 1;
    for (let i = 0; i < this.count; i++) {
      let slot = hashes[i] & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = i + 1;
    }
  }
}

function doubled(from: Int32Array): Int32Array {
  const to = new Int32Array(from.length * 2);
  to.set(from);
  return to;
}

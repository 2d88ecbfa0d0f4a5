/**
 * What a stream knows of its idempotent producers (`XADD ... IDMP`, Redis 8.6): which ids of theirs it has
 * seen lately and the entries these became, so that a repeated one adds nothing (`stream.h idmpProducer`).
 *
 * ```text
 *   producer -> id of the producer's -> entry id, the oldest first      at most `maxEntries` a producer,
 *                                                                      each for `durationSeconds`
 * ```
 *
 * On a replica it decides nothing, since the master has judged every entry. It is kept for XINFO, DUMP and
 * snapshots, and so that a stand-alone master can judge.
 *
 * @module
 */

import { latin1 } from "../../base/ascii.ts";
import { assert } from "../../base/assert.ts";
import type { StreamId } from "../packed/stream_id.ts";

/** Seconds that ids are kept unless XCFGSET says otherwise: `stream-idmp-duration`. */
export const DEFAULT_DURATION_SECONDS = 100;
/** Ids of one producer that are kept unless XCFGSET says otherwise: `stream-idmp-maxsize`. */
export const DEFAULT_MAX_ENTRIES = 100;

const ID_BYTES = 16;
/** What a producer and an id of a producer's take beside their names, about. */
const ENTRY_BYTES = 100;
const TWO_32 = 4294967296;

const idBytes = new Uint8Array(ID_BYTES);

/** The ids of a stream's producers. Names are texts of one code unit for each byte. */
export class StreamProducers {
  /** For how many seconds an id is known. */
  durationSeconds: number = DEFAULT_DURATION_SECONDS;
  /** How many ids of one producer are known at most. */
  maxEntries: number = DEFAULT_MAX_ENTRIES;
  /** How many entries came with an id, ever (`iids-added`). */
  added: number = 0;
  /** How many of them were repeated and added nothing (`iids-duplicates`). */
  duplicates: number = 0;
  /** By producer and id the entry, as its 16 bytes in one code unit each: a text is one object. */
  readonly #producers: Map<string, Map<string, string>> = new Map();
  /** When ids that are too old are looked for next, in milliseconds since 1970. */
  #sweepAtMs: number = 0;

  /** Whether nothing was ever set or counted: a stream without producers says the same. */
  get isPristine(): boolean {
    return this.durationSeconds === DEFAULT_DURATION_SECONDS &&
      this.maxEntries === DEFAULT_MAX_ENTRIES &&
      this.added === 0 && this.duplicates === 0 && this.#producers.size === 0;
  }

  /** Bytes of names and ids, about. O(ids). */
  get memoryBytes(): number {
    let bytes = ENTRY_BYTES;
    for (const [name, entries] of this.#producers) {
      bytes += ENTRY_BYTES + name.length;
      for (const id of entries.keys()) bytes += ENTRY_BYTES + id.length;
    }
    return bytes;
  }

  /** Sets what is kept (`XCFGSET`). What was known is forgotten when either number changes. */
  configure(durationSeconds: number, maxEntries: number): void {
    if (durationSeconds === this.durationSeconds && maxEntries === this.maxEntries) return;
    this.durationSeconds = durationSeconds;
    this.maxEntries = maxEntries;
    this.#producers.clear();
  }

  /**
   * Reads the entry that an id of a producer's became; false when it is not known, or no longer at `nowMs`.
   */
  find(producer: string, id: string, nowMs: number, out: StreamId): boolean {
    const entry = this.#producers.get(producer)?.get(id);
    if (entry === undefined || this.#isOld(entry, nowMs)) return false;
    readEntry(entry, out);
    return true;
  }

  /**
   * Notes that an id of a producer's became an entry. One that is known is noted anew: a master that sends
   * it had forgotten it.
   */
  note(producer: string, id: string, entry: StreamId, nowMs: number): void {
    this.#sweep(nowMs);
    this.load(producer, id, entry);
    const entries = this.#producers.get(producer)!;
    for (const [oldest, at] of entries) {
      if (entries.size <= this.maxEntries && !this.#isOld(at, nowMs)) break;
      if (oldest !== id) entries.delete(oldest);
      else break;
    }
    assert(entries.size <= Math.max(this.maxEntries, 1), "no producer has more ids than are kept");
  }

  /** Adds an id as a snapshot has it: behind the others, whatever the limits. */
  load(producer: string, id: string, entry: StreamId): void {
    let entries = this.#producers.get(producer);
    if (entries === undefined) this.#producers.set(producer, entries = new Map());
    entries.delete(id);
    entry.writeBytes(idBytes, 0);
    entries.set(id, latin1(idBytes, 0, ID_BYTES));
  }

  /** Counts producers and ids that are known at `nowMs`. O(ids). */
  tracked(nowMs: number): { producers: number; ids: number } {
    let producers = 0;
    let ids = 0;
    for (const entries of this.#producers.values()) {
      let known = 0;
      for (const entry of entries.values()) if (!this.#isOld(entry, nowMs)) known++;
      if (known > 0) producers++;
      ids += known;
    }
    return { producers, ids };
  }

  /** Producers in the order of their names as bytes, with their ids, the oldest first. */
  *each(): Iterable<readonly [producer: string, entries: ReadonlyMap<string, string>]> {
    const names = [...this.#producers.keys()].sort((a, b) => a < b ? -1 : 1);
    for (const name of names) yield [name, this.#producers.get(name)!];
  }

  /** How many producers there are, those with old ids included. */
  get size(): number {
    return this.#producers.size;
  }

  /** An independent copy. O(ids). */
  copy(): StreamProducers {
    const copy = new StreamProducers();
    copy.durationSeconds = this.durationSeconds;
    copy.maxEntries = this.maxEntries;
    copy.added = this.added;
    copy.duplicates = this.duplicates;
    for (const [name, entries] of this.#producers) copy.#producers.set(name, new Map(entries));
    return copy;
  }

  /** Forgets what is too old, once in the time that an id is kept. */
  #sweep(nowMs: number): void {
    if (nowMs < this.#sweepAtMs) return;
    this.#sweepAtMs = nowMs + this.durationSeconds * 1000;
    this.forgetOld(nowMs);
  }

  /** Forgets what is too old to be known at `nowMs`, as a real server does once a second. O(ids). */
  forgetOld(nowMs: number): void {
    for (const [name, entries] of this.#producers) {
      for (const [id, entry] of entries) if (this.#isOld(entry, nowMs)) entries.delete(id);
      if (entries.size === 0) this.#producers.delete(name);
    }
  }

  /** Whether an entry is older than ids are kept: it has its age in its milliseconds. */
  #isOld(entry: string, nowMs: number): boolean {
    return word(entry, 0) * TWO_32 + word(entry, 4) + this.durationSeconds * 1000 <= nowMs;
  }
}

/** Reads the entry's id of one of {@linkcode StreamProducers.each}'s texts. */
export function readEntry(entry: string, out: StreamId): void {
  out.setWords(word(entry, 0), word(entry, 4), word(entry, 8), word(entry, 12));
}

function word(text: string, at: number): number {
  const high = (text.charCodeAt(at) << 8) | text.charCodeAt(at + 1);
  return (high * 65536 + (text.charCodeAt(at + 2) << 8)) + text.charCodeAt(at + 3);
}

/**
 * What watched keys were as of earlier offsets: the master's answer is as of an offset that is known only when it
 * comes, and the stream has moved on by then.
 *
 * ```text
 *  watch(key)             write at 120        write at 150
 *      |---- first value ------|---- second -------|---- the value now ----
 *     100                      kept, up to 120-1   kept, up to 150-1
 *
 *  at(110)  the first        at(130)  the second         at(160)  the value now
 * ```
 *
 * Each value is copied right before the stream changes it, by the hook that snapshots use. Values too large for that
 * leave a gap, as do databases that are emptied or exchanged: whoever asks for one watches the key again.
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";
import { assert } from "../base/assert.ts";
import { copyValue, type Database } from "../store/keyspace/database.ts";
import type { Keyspace, SnapshotHook } from "../store/keyspace/keyspace.ts";
import type { Entry } from "../store/memory/record.ts";

/** Largest value that is copied, in bytes. */
const MAX_COPY_BYTES = 256 * 1024;
/** Bytes of all copies at once: beyond it there are gaps. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Sizes of one database that are remembered. */
const MAX_SIZES = 100_000;

/** What a key was up to an offset. */
export interface State {
  /** The last offset that it was so at. */
  readonly upTo: number;
  /** Name of the copy among the copies; undefined where the key was absent, null for a gap. */
  readonly copy: Uint8Array | undefined | null;
}

/** A key that is watched. */
export interface WatchedKey {
  /** Number of its database. */
  readonly db: number;
  /** Its bytes, which must not change. */
  readonly key: Uint8Array;
  /** Database and key as one text, which it is found by. */
  readonly id: string;
  /** How often it is watched. */
  watchers: number;
  /** What it was before each change, the earliest first. */
  readonly states: State[];
}

/** Where a value lies: `entry` is 0 where there is none. */
export interface Spot {
  /** The database that holds it. */
  db: Database;
  /** Its record in that database; 0 for none. */
  entry: Entry;
}

/** Which offset the data stands at. */
export interface Applied {
  /** Offset of the last byte of the stream that the data shows. */
  readonly applied: number;
}

/** Remembers watched keys, and sizes of databases, while it is open. */
export class Past implements SnapshotHook {
  /** Databases were exchanged since it was opened: a walk through them has lost its way. */
  swapped: boolean = false;
  readonly #keyspace: Keyspace;
  readonly #place: Applied;
  readonly #keys: Map<string, WatchedKey> = new Map();
  readonly #copies: Database;
  readonly #sizes: Map<number, { upTo: number; size: number }[]> = new Map();
  #bytes: number = 0;
  #copied: number = 0;

  /** Watches nothing yet. @param place Tells the offset, which moves behind each change. */
  constructor(keyspace: Keyspace, place: Applied) {
    this.#keyspace = keyspace;
    this.#place = place;
    this.#copies = keyspace.sibling().db(0);
  }

  /** Begins to be told of changes. */
  open(): void {
    this.#keyspace.snapshotHooks.add(this);
  }

  /** Is told of nothing any more. */
  close(): void {
    this.#keyspace.snapshotHooks.delete(this);
  }

  /** A place for values that are not the keyspace's own, under the same settings. */
  get scratch(): Database {
    return this.#copies;
  }

  /** Remembers what a key is from now on, until it is unwatched. */
  watch(db: number, key: Uint8Array): WatchedKey {
    const id = idOf(db, key, 0, key.length);
    let watched = this.#keys.get(id);
    if (watched === undefined) {
      watched = { db, key, id, watchers: 0, states: [] };
      this.#keys.set(id, watched);
    }
    watched.watchers++;
    return watched;
  }

  /** Forgets a key, and what it was. */
  unwatch(watched: WatchedKey): void {
    assert(watched.watchers > 0, "a key is unwatched as often as it was watched");
    if (--watched.watchers > 0) return;
    this.#keys.delete(watched.id);
    for (const { copy } of watched.states) if (copy instanceof Uint8Array) this.#drop(copy);
  }

  /**
   * Where the value lies that a key had at an offset, which is applied; undefined where it is not known. Valid until
   * the next write.
   */
  at(watched: WatchedKey, offset: number): Spot | undefined {
    assert(offset <= this.#place.applied, "what is yet to come is not known");
    const state = watched.states.find(({ upTo }) => upTo >= offset);
    if (state === undefined) return this.now(watched.db, watched.key);
    if (state.copy === null) return undefined;
    const db = this.#copies;
    const entry = state.copy === undefined ? 0 : db.find(state.copy, 0, state.copy.length);
    return { db, entry };
  }

  /** Where the value lies that a key has now. */
  now(index: number, key: Uint8Array): Spot {
    const db = this.#keyspace.peek(index);
    const entry = db?.find(key, 0, key.length) ?? 0;
    if (db === undefined || entry === 0) return { db: this.#copies, entry: 0 };
    const { slots } = this.#keyspace;
    return { db, entry: slots.hiding && slots.hidesEntry(db, entry) ? 0 : entry };
  }

  /** Remembers how many keys a database has from now on, until `uncount`. */
  count(db: number): void {
    this.#sizes.set(db, []);
  }

  /** How many keys a database had at an offset; undefined where it is not known. */
  sizeAt(db: number, offset: number): number | undefined {
    const sizes = this.#sizes.get(db);
    if (sizes === undefined || sizes.length >= MAX_SIZES) return undefined;
    return sizes.find(({ upTo }) => upTo >= offset)?.size ?? this.#sizeOf(db);
  }

  /** Forgets how many keys a database had. */
  uncount(db: number): void {
    this.#sizes.delete(db);
  }

  beforeKeyWrite(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    this.#noteSize(dbIndex);
    if (this.#keys.size === 0) return;
    const watched = this.#keys.get(idOf(dbIndex, bytes, start, end));
    if (watched === undefined) return;
    const upTo = this.#place.applied;
    if (watched.states.at(-1)?.upTo === upTo) return;
    watched.states.push({ upTo, copy: this.#copy(this.now(dbIndex, watched.key)) });
  }

  afterClear(dbIndex: number): void {
    this.#gap(dbIndex);
  }

  beforeSwap(a: number, b: number): void {
    this.swapped = true;
    this.#gap(a);
    this.#gap(b);
  }

  /** What keys of a database were is not known from here on back. */
  #gap(db: number): void {
    const upTo = this.#place.applied;
    for (const watched of this.#keys.values()) {
      if (watched.db === db) watched.states.push({ upTo, copy: null });
    }
    // Counted anew.
    this.#sizes.delete(db);
  }

  #noteSize(db: number): void {
    const sizes = this.#sizes.get(db);
    if (sizes === undefined || sizes.length >= MAX_SIZES) return;
    const upTo = this.#place.applied;
    if (sizes.at(-1)?.upTo !== upTo) sizes.push({ upTo, size: this.#sizeOf(db) });
  }

  #sizeOf(db: number): number {
    return this.#keyspace.peek(db)?.visibleSize ?? 0;
  }

  /** Copies a value; null where it is too large. */
  #copy({ db, entry }: Spot): Uint8Array | undefined | null {
    if (entry === 0) return undefined;
    const bytes = db.recordBytes(entry) + (db.objectOf(entry)?.memoryBytes ?? 0);
    if (bytes > MAX_COPY_BYTES || this.#bytes + bytes > MAX_BYTES) return null;
    const name = nameOf(this.#copied++, bytes);
    this.#bytes += bytes;
    copyValue(db, entry, this.#copies, name, 0, name.length, db.expireAtMs(entry));
    return name;
  }

  #drop(copy: Uint8Array): void {
    this.#bytes -= bytesOf(copy);
    this.#copies.remove(copy, 0, copy.length);
  }
}

/** A name for a copy: its number, and how many bytes it takes. */
function nameOf(number: number, bytes: number): Uint8Array {
  const name = new Uint8Array(12);
  const view = new DataView(name.buffer);
  view.setFloat64(0, number);
  view.setUint32(8, bytes);
  return name;
}

function bytesOf(name: Uint8Array): number {
  return new DataView(name.buffer).getUint32(8);
}

function idOf(db: number, bytes: Uint8Array, start: number, end: number): string {
  return `${db}:${latin1(bytes, start, end)}`;
}

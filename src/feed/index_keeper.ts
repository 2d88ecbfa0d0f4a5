/**
 * Keeps the rows of one collection equal to the data: builds them in steps, then follows the commits.
 *
 * ```text
 *  made ------> building ---------------> kept            commits are followed from the first moment on: a step
 *                  ^   every key scanned   |  |           that comes later finds the same row and changes nothing
 *                  +------- SWAPDB --------+  |
 *                                             |
 *  a snapshot is whole --> prepared: rows of the new data, built before it takes the place of the old
 * ```
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";
import { ByteBuffer, BytesRef } from "../base/byte_buffer.ts";
import type { Commit } from "../commands/engine/commit.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { IndexShape, KeyPattern } from "./collection_shape.ts";
import { IndexRows, type SortKeys } from "./index_rows.ts";
import { type IndexSource, newSortKeys } from "./index_source.ts";
import { IndexTopics } from "./index_topics.ts";

/** What an {@linkcode IndexKeeper} is made from. */
export interface KeeperParts {
  /** The databases that rows are made of. */
  readonly keyspace: Keyspace;
  /** Number of the database. */
  readonly db: number;
  /** Which keys have a row. */
  readonly pattern: KeyPattern;
  /** Which indexes there are: one at least. */
  readonly indexes: readonly IndexShape[];
  /** Reads the fields that they sort by. */
  readonly source: IndexSource;
}

/** Keys that one step looks at which have changed while rows were put in order. */
const LATE_KEYS = 8;

/** Walks a database, makes rows, puts them in order. */
interface Build {
  readonly rows: IndexRows;
  readonly db: Database | undefined;
  cursor: number;
  /** Every key was met. */
  scanned: boolean;
  /** Keys, latin1, that commits have named while no row could be written: looked at afterwards. */
  readonly late: Set<string>;
  done: boolean;
}

/** The rows of one collection. */
export class IndexKeeper {
  readonly #parts: KeeperParts;
  readonly #keys: SortKeys;
  readonly #key: BytesRef = new BytesRef();
  readonly #named: ByteBuffer = new ByteBuffer();
  /** What live values depend on that ask these indexes. */
  readonly topics: IndexTopics = new IndexTopics();
  /** Why the rows could not be kept; undefined while they are. */
  failure: Error | undefined = undefined;
  #build: Build;
  #prepared: Build | undefined = undefined;

  /** Has everything to build. */
  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#keys = newSortKeys(parts.indexes);
    this.#build = this.#begin(parts.keyspace);
  }

  /** The rows: all of them once nothing is being built. */
  get rows(): IndexRows {
    return this.#build.rows;
  }

  /** True while keys may have no row yet. */
  get building(): boolean {
    return !this.#build.done;
  }

  /** Whether a value of a unique index belongs to several keys. */
  get hasDuplicates(): boolean {
    const { rows } = this;
    return this.#parts.indexes.some((_, i) => rows.duplicates(i) > 0);
  }

  /** Looks at some of the keys that are still to be looked at, some ten microseconds; true when none is left. */
  step(): boolean {
    return this.#step(this.#build);
  }

  /** The rows could not be kept: they are dropped, so that none of them is wrong. */
  fail(error: Error): void {
    this.failure = error;
    this.#build = this.#begin(undefined);
  }

  /** Follows a commit. Returns true when everything is to be built again. */
  committed(commit: Commit): boolean {
    const { db, keyspace } = this.#parts;
    if (this.failure !== undefined) return false;
    let rebuilds = false;
    for (const event of commit.events) {
      if (event.kind === "swap" && (event.a === db || event.b === db)) rebuilds = true;
      if (event.kind !== "flush" || (event.db !== db && event.db !== -1)) continue;
      rebuilds = false;
      this.#build = this.#begin(undefined);
    }
    if (rebuilds) this.#build = this.#begin(keyspace);
    this.#follow(commit);
    return rebuilds;
  }

  /**
   * Follows changes of keys that no read sees yet, as their cluster slots are being imported: they have rows all the
   * same, and whoever reads leaves them out. So they are found from the moment on that makes them visible.
   */
  hidden(commit: Commit): void {
    if (this.failure === undefined) this.#follow(commit);
  }

  /** Makes the rows of a commit's keys what their values say. */
  #follow(commit: Commit): void {
    const { db, pattern, keyspace } = this.#parts;
    const key = this.#key;
    const database = keyspace.peek(db);
    const { rows } = this;
    const { size } = rows;
    for (let i = 0; i < commit.count; i++) {
      if (commit.dbAt(i) !== db) continue;
      commit.keyAt(i, key);
      if (!pattern.matches(key.bytes, key.start, key.end)) continue;
      if (rows.settling) {
        this.#build.late.add(latin1(key.bytes, key.start, key.end));
        continue;
      }
      const entry = database?.find(key.bytes, key.start, key.end) ?? 0;
      this.#update(rows, database, entry, key);
    }
    if (rows.size !== size) this.topics.resized();
  }

  /** Begins to build rows of data that is to take the place of this. Returns what does a step, true at the last. */
  prepare(fresh: Keyspace): () => boolean {
    const build = this.#prepared = this.#begin(fresh);
    return () => this.#prepared !== build || this.#step(build);
  }

  /** Forgets what was prepared. */
  abandoned(): void {
    this.#prepared = undefined;
  }

  /** The data was replaced. Returns true when rows are still to be built. */
  replaced(): boolean {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    this.failure = undefined;
    this.#build = prepared?.done ? prepared : this.#begin(this.#parts.keyspace);
    return this.building;
  }

  /** Lets go of all rows. */
  clear(): void {
    this.#prepared = undefined;
    this.#build = this.#begin(undefined);
  }

  /** New rows, of the keys that a keyspace has; of none where there is no keyspace. */
  #begin(keyspace: Keyspace | undefined): Build {
    const { indexes, db } = this.#parts;
    const { settings } = this.#parts.keyspace;
    const unique = indexes.map((index) => index.unique);
    // While rows are built nobody may ask for them, and afterwards everybody is told.
    const rows: IndexRows = new IndexRows(settings, unique, (index, bytes, start, end) => {
      if (rows === this.#build?.rows && this.#build.done) {
        this.topics.moved(index, bytes, start, end);
      }
    });
    const database = keyspace?.peek(db);
    const done = (database?.size ?? 0) === 0;
    if (!done) rows.beginLoad();
    return { rows, db: database, cursor: 0, scanned: false, late: new Set(), done };
  }

  #step(build: Build): boolean {
    const { db, rows } = build;
    if (build.done || db === undefined) return true;
    if (build.scanned) {
      build.done = rows.settleStep() && this.#catchUp(build);
      return build.done;
    }
    const { pattern } = this.#parts;
    const key = this.#key;
    build.cursor = db.scan(build.cursor, (entry) => {
      db.keyRef(entry, key);
      if (!pattern.matches(key.bytes, key.start, key.end)) return;
      this.#update(rows, db, entry, key);
    });
    build.scanned = build.cursor === 0;
    return false;
  }

  /** Makes the rows of some keys that have changed meanwhile what their values say; true when none is left. */
  #catchUp({ late, rows, db }: Build): boolean {
    const key = this.#key;
    let left = LATE_KEYS;
    for (const name of late) {
      if (left-- === 0) return false;
      late.delete(name);
      const named = this.#named;
      named.clear();
      named.writeLatin1(name);
      key.set(named.bytes, 0, named.length);
      this.#update(rows, db, db!.find(named.bytes, 0, named.length), key);
    }
    return true;
  }

  /** Makes the row of a key, whose entry is 0 when it is gone, what its value says. */
  #update(rows: IndexRows, db: Database | undefined, entry: number, key: BytesRef): void {
    const { pattern, source } = this.#parts;
    const start = key.start + pattern.prefix.length;
    const end = key.end - pattern.suffix.length;
    if (db === undefined || entry === 0 || db.typeOf(entry) !== source.type) {
      rows.remove(key.bytes, start, end);
      return;
    }
    source.read(db, entry, -Infinity, this.#keys);
    rows.set(key.bytes, start, end, this.#keys);
  }
}

/**
 * The dataset as a plain store, for programs that come from the Go library `redis-inmemory-replica`: the
 * methods of its `Storage`, in camelCase.
 *
 * @module
 */

import { beforeKeyWrite } from "../commands/engine/copy_on_write.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { expiryFromBigInt } from "../store/memory/expiry.ts";
import { NO_EXPIRY } from "../store/memory/record.ts";
import { setString } from "../store/types/string.ts";
import type { ReaderSource } from "../read/core.ts";
import type { ScanOptions } from "../read/keys.ts";
import { type Reader, textReader } from "../read/reader.ts";
import { type Key, toBytes } from "../read/text.ts";
import { reservedBytes } from "./status.ts";

/** Thrown by writes while a master is followed: only the master's stream may change its copy. */
export class ReadOnlyError extends Error {
  /** Always "ReadOnlyError", to be told from other errors. */
  override readonly name: string = "ReadOnlyError";
  /** Always "READONLY", as the error reply begins. */
  readonly code: string = "READONLY";
}

/** A store that can always be read, and be written where no master is followed. Starts at the chosen database. */
export class Storage {
  readonly #source: ReaderSource;
  readonly #keyspace: Keyspace;
  readonly #close: () => Promise<void>;
  readonly #follows: boolean;
  #reader: Reader;

  /**
   * Made by the replica, which hands it out as `Replica.storage`.
   *
   * @internal
   */
  constructor(reader: Reader, source: ReaderSource, follows: boolean, close: () => Promise<void>) {
    this.#source = source;
    this.#keyspace = source.keyspace;
    this.#follows = follows;
    this.#close = close;
    this.#reader = reader;
  }

  /** The string at `key` as a copy of its bytes, or undefined. */
  get(key: Key): Uint8Array | undefined {
    return this.#reader.getBytes(key);
  }

  /**
   * Sets `key` to a string.
   *
   * @param expireAtMs When it expires, milliseconds since 1970; never when left out.
   * @throws {ReadOnlyError} While a master is followed.
   * @throws {RangeError} When `expireAtMs` is no whole number.
   */
  set(key: Key, value: Key, expireAtMs?: number): void {
    const keyBytes = toBytes(key);
    const valueBytes = toBytes(value);
    const db = this.#writable();
    const at = expireAtMs === undefined || expireAtMs === -1
      ? NO_EXPIRY
      : expiryFromBigInt(BigInt(expireAtMs));
    beforeKeyWrite(this.#keyspace, this.#reader.index, keyBytes, 0, keyBytes.length);
    setString(
      db,
      keyBytes,
      0,
      keyBytes.length,
      valueBytes,
      0,
      valueBytes.length,
      at,
    );
  }

  /**
   * Deletes keys.
   *
   * @returns How many of them there were; one that had expired does not count.
   * @throws {ReadOnlyError} While a master is followed.
   */
  del(...keys: Key[]): number {
    const db = this.#writable();
    let count = 0;
    for (const key of keys) {
      const visible = this.#reader.has(key);
      const bytes = toBytes(key);
      beforeKeyWrite(this.#keyspace, this.#reader.index, bytes, 0, bytes.length);
      if (db.remove(bytes, 0, bytes.length) && visible) count++;
    }
    return count;
  }

  /** How many of `keys` there are; one named twice counts twice. */
  exists(...keys: Key[]): number {
    return this.#reader.exists(...keys);
  }

  /** Every key that the glob pattern `match` fits. */
  keys(match: Key = "*"): string[] {
    return this.#reader.keys(match);
  }

  /** How many keys the selected database has. */
  keyCount(): number {
    return this.#reader.size;
  }

  /** Walks the keys of the selected database, as `Replica.scan`. */
  scan(options: ScanOptions = {}): Generator<string, void, undefined> {
    return this.#reader.scan(options);
  }

  /** Selects the database of every later call. */
  selectDb(index: number): void {
    this.#reader = textReader(this.#source, index);
  }

  /**
   * Deletes every key of every database.
   *
   * @throws {ReadOnlyError} While a master is followed.
   */
  flushAll(): void {
    this.#writable();
    this.#keyspace.clear();
  }

  /** Keys and keys with an expiry of each database, as `INFO keyspace` shows them. */
  info(): Record<string, { keys: number; expires: number }> {
    const info: Record<string, { keys: number; expires: number }> = {};
    for (const index of this.#keyspace.indexes()) {
      const db = this.#keyspace.db(index);
      const keys = db.size - (db.slots?.absentKeys ?? 0);
      const expires = db.expiresCount - (db.slots?.absentExpires ?? 0);
      if (keys > 0) info[`db${index}`] = { keys, expires };
    }
    return info;
  }

  /** Bytes reserved for keys, values and tables. */
  memoryUsage(): number {
    return reservedBytes(this.#keyspace);
  }

  /** Closes the replica that the store belongs to. */
  close(): Promise<void> {
    return this.#close();
  }

  #writable(): Database {
    if (this.#follows) throw new ReadOnlyError("The data follows a master and is read only");
    return this.#keyspace.db(this.#reader.index);
  }
}

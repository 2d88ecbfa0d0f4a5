/**
 * The dataset as a plain store, for programs that come from the Go library `redis-inmemory-replica`: the
 * methods of its `Storage`, in camelCase.
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";
import { CommandError } from "../commands/engine/errors.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { ReaderSource } from "../read/core.ts";
import type { ScanOptions, TypeName } from "../read/keys.ts";
import { type Reader, textReader } from "../read/reader.ts";
import { type Key, toBytes } from "../read/text.ts";
import { Argv } from "../resp/argv.ts";
import type { OwnData } from "./own_data.ts";

/** As a replica answers writes of its clients: server.c, `shared.roslaveerr`. */
const READ_ONLY = "READONLY You can't write against a read only replica.";

/**
 * A store that can always be read, and be written where no master is followed. Starts at the chosen database. A write is a
 * commit: the change feed, live values, collections and WATCH of clients are told of it, and keys that have expired are
 * deleted until the replica is closed.
 */
export class Storage {
  readonly #source: ReaderSource;
  readonly #keyspace: Keyspace;
  readonly #close: () => Promise<void>;
  readonly #own: OwnData | undefined;
  #reader: Reader;

  /**
   * Made by the replica, which hands it out as `Replica.storage`.
   *
   * @internal
   */
  constructor(
    reader: Reader,
    source: ReaderSource,
    own: OwnData | undefined,
    close: () => Promise<void>,
  ) {
    this.#source = source;
    this.#keyspace = source.keyspace;
    this.#own = own;
    this.#close = close;
    this.#reader = reader;
  }

  /**
   * The string at `key` as a copy of its bytes, or undefined.
   *
   * @throws {CommandError} WRONGTYPE when the key holds another type: the replica itself reads all of them.
   */
  get(key: Key): Uint8Array | undefined {
    return this.#reader.getBytes(key);
  }

  /**
   * Sets `key`, of whatever type it was, to a string.
   *
   * @param expireAt When it expires: a date, or milliseconds since 1970. Never when left out or -1.
   * @throws {CommandError} READONLY while a master is followed.
   * @throws {RangeError} When `expireAt` is no whole number of 1 or more.
   */
  set(key: Key, value: Key, expireAt?: number | Date): void {
    const isFinal = expireAt === undefined || expireAt === -1;
    if (isFinal) this.#change(Argv.of("SET", key, value));
    else this.#change(Argv.of("SET", key, value, "PXAT", momentText(expireAt)));
  }

  /**
   * Deletes keys of any type, as one commit.
   *
   * @returns How many of them there were; one that had expired does not count.
   * @throws {CommandError} READONLY while a master is followed.
   */
  del(...keys: Key[]): number {
    const there = new Set<string>();
    for (const key of keys) if (this.#reader.has(key)) there.add(nameOf(key));
    this.#change(...keys.map((key) => Argv.of("DEL", key)));
    return there.size;
  }

  /** How many of `keys` there are; one named twice counts twice. */
  exists(...keys: Key[]): number {
    return this.#reader.exists(...keys);
  }

  /**
   * Lets a key of any type expire.
   *
   * @param expireAt A date, or milliseconds since 1970; one that has passed deletes the key.
   * @returns Whether there is such a key.
   * @throws {CommandError} READONLY while a master is followed.
   * @throws {RangeError} When `expireAt` is no whole number of 1 or more.
   */
  expire(key: Key, expireAt: number | Date): boolean {
    const text = momentText(expireAt);
    const isThere = this.#reader.has(key);
    const hasCome = Number(text) <= this.#source.clock.now();
    this.#change(hasCome ? Argv.of("DEL", key) : Argv.of("PEXPIREAT", key, text));
    return isThere;
  }

  /** Milliseconds until `key` expires: -1 for never, -2 when there is no such key. */
  ttl(key: Key): number {
    return this.#reader.pttl(key);
  }

  /** Type of the value at `key` as `TYPE` names it, or undefined when there is none. */
  type(key: Key): TypeName | undefined {
    return this.#reader.type(key);
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

  /**
   * Selects the database of every later call.
   *
   * @param index Database number, 0 to 2^31 - 1.
   * @throws {RangeError} When `index` is no database number.
   */
  selectDb(index: number): void {
    checkDatabase(index);
    this.#reader = textReader(this.#source, index);
  }

  /** Number of the database that is selected. */
  currentDb(): number {
    return this.#reader.index;
  }

  /**
   * Deletes every key of every database.
   *
   * @throws {CommandError} READONLY while a master is followed.
   */
  flushAll(): void {
    this.#change(Argv.of("FLUSHALL"));
  }

  /** Keys and keys with an expiry of each database, as `INFO keyspace` shows them. */
  info(): Record<string, { keys: number; expires: number }> {
    const info: Record<string, { keys: number; expires: number }> = {};
    for (const index of this.#keyspace.indexes()) {
      const db = this.#keyspace.db(index);
      const keys = db.presentSize;
      const expires = db.presentExpires;
      if (keys > 0) info[`db${index}`] = { keys, expires };
    }
    return info;
  }

  /** Bytes reserved for keys, values and tables. */
  memoryUsage(): number {
    return this.#keyspace.heldBytes;
  }

  /** Closes the replica that the store belongs to. */
  close(): Promise<void> {
    return this.#close();
  }

  #change(...commands: Argv[]): void {
    if (this.#own === undefined) throw new CommandError(READ_ONLY);
    this.#own.change(this.#reader.index, commands);
  }
}

/**
 * Refuses what is no database number.
 *
 * @throws {RangeError} When `index` is not a whole number from 0 to 2^31 - 1.
 */
export function checkDatabase(index: number): void {
  if (Number.isInteger(index) && index >= 0 && index <= 0x7fffffff) return;
  throw new RangeError(`${index} is not a database number`);
}

/** A moment as PXAT takes it: milliseconds since 1970. */
function momentText(moment: number | Date): string {
  const ms = moment instanceof Date ? moment.getTime() : moment;
  if (Number.isInteger(ms) && ms >= 1) return BigInt(ms).toString();
  throw new RangeError(`${ms} is no moment in milliseconds since 1970`);
}

/** A key as text that is equal for equal bytes. */
function nameOf(key: Key): string {
  const bytes = toBytes(key);
  return latin1(bytes, 0, bytes.length);
}

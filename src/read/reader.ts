/**
 * The reads of one database: synchronous, in process, straight from the keyspace.
 *
 * `get` is what a replica is made for, so its way is short: key -> hot texts -> (key bytes -> hash table
 * -> record) -> text. Every read checks the expiry, because keys that have expired stay in the keyspace until
 * the master deletes them.
 *
 * @module
 */

import { latin1, utf8 as shortUtf8 } from "../base/ascii.ts";
import { BytesRef } from "../base/byte_buffer.ts";
import type { Clock } from "../base/clock.ts";
import { globMatch } from "../base/glob.ts";
import { CommandError, WRONG_TYPE } from "../commands/engine/errors.ts";
import { loadTextOf, type TextOf } from "../net/text.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { type Entry, NO_EXPIRY, ValueType } from "../store/memory/record.ts";
import { moduleValueOf } from "../store/types/module.ts";
import { readString } from "../store/types/string.ts";
import { HotTexts } from "./hot_texts.ts";
import type { ReadTracker } from "./tracker.ts";

/** A key, a value or an argument: bytes, or a string that stands for its UTF-8 bytes. */
export type Key = string | Uint8Array;

/** An argument of {@linkcode Reader.call}: text, bytes, or a number that is sent as its decimal text. */
export type CallArgument = Key | number | bigint;

/** A reply as {@linkcode Reader.call} gives it, with bulk strings as text. */
export type Reply =
  | string
  | number
  | bigint
  | boolean
  | null
  | Reply[]
  | Map<Reply, Reply>
  | Set<Reply>;

/** A reply as {@linkcode Reader.callBytes} gives it, with bulk strings as bytes. */
export type BytesReply =
  | Uint8Array
  | string
  | number
  | bigint
  | boolean
  | null
  | BytesReply[]
  | Map<BytesReply, BytesReply>
  | Set<BytesReply>;

/** What `TYPE` answers, with one word for the values of all modules. */
export type TypeName = "string" | "list" | "set" | "zset" | "hash" | "stream" | "module";

/** Which keys {@linkcode Reader.scan} gives. */
export interface ScanOptions {
  /** Glob pattern, as in `SCAN MATCH`. */
  readonly match?: Key;
  /** Only keys whose value has this type. */
  readonly type?: TypeName;
}

/** What a {@linkcode Reader} reads from. */
export interface ReaderSource {
  /** The keyspace with every database. */
  readonly keyspace: Keyspace;
  /** Clock that expiry is judged by. */
  readonly clock: Clock;
  /** Uniform in [0, 1), for a key at random. */
  readonly random: () => number;
  /** Makes the error that every read throws; undefined while reads are answered. */
  readonly refusal?: (() => Error) | undefined;
  /** Is told what reads look at, while somebody records it; undefined otherwise. */
  tracker?: ReadTracker | undefined;
  /** Runs a read command on a database. @throws {CommandError} When the reply is an error. */
  call(dbIndex: number, args: readonly CallArgument[]): BytesReply;
}

const TYPE_NAMES: readonly [number, TypeName][] = [
  [ValueType.STRING, "string"],
  [ValueType.LIST, "list"],
  [ValueType.SET, "set"],
  [ValueType.ZSET, "zset"],
  [ValueType.HASH, "hash"],
  [ValueType.MODULE, "module"],
  [ValueType.STREAM, "stream"],
];
/** Up to this length a loop over single characters is faster than a call of the runtime's codec. */
const SHORT_TEXT = 32;
/** db.c, dbRandomKey: keys looked at before an expired one is given after all. */
const RANDOM_TRIES = 100;

const encoder = new TextEncoder();
const longUtf8: TextOf = loadTextOf();

/** The reads of one database. Expired keys are hidden, as on any replica. */
export class Reader {
  /** Number of the database that is read. */
  readonly index: number;
  readonly #source: ReaderSource;
  readonly #value: BytesRef = new BytesRef();
  #keyBytes: Uint8Array = new Uint8Array(256);
  #keyEnd: number = 0;
  #hot: HotTexts = new HotTexts();
  #database: Database | undefined = undefined;

  /**
   * Made by the replica, which hands it out as `Replica.db(index)`.
   *
   * @ignore
   */
  constructor(source: ReaderSource, index: number) {
    this.index = index;
    this.#source = source;
  }

  /** Number of keys, expired ones included that the master still has to delete, as `DBSIZE`. */
  get size(): number {
    const db = this.#db();
    this.#source.tracker?.size(this.index);
    return db?.visibleSize ?? 0;
  }

  /**
   * The string at `key` as UTF-8 text, or undefined when there is none. O(1).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  get(key: Key): string | undefined {
    const db = this.#db();
    if (db === undefined) return this.#missing(key);
    if (typeof key !== "string" || this.#source.tracker !== undefined) {
      return this.#text(db, this.#find(db, key));
    }
    const { changes } = db;
    const hot = this.#hot.find(key, changes);
    if (hot !== undefined) {
      const at = this.#hot.expireAtMs;
      return at === Infinity || at >= this.#source.clock.now() ? hot : undefined;
    }
    const entry = this.#find(db, key);
    const text = this.#text(db, entry);
    if (text !== undefined) {
      const at = db.expireAtMs(entry);
      this.#hot.keep(key, text, changes, at === NO_EXPIRY ? Infinity : at);
    }
    return text;
  }

  /**
   * The string at `key` as a copy of its bytes, or undefined when there is none. O(length).
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  getBytes(key: Key): Uint8Array | undefined {
    const value = this.#string(key);
    return value?.bytes.slice(value.start, value.end);
  }

  /** The strings at `keys` in order, as `MGET`: null for what is missing or no string. */
  mget(...keys: Key[]): (string | null)[] {
    return keys.map((key) => {
      const db = this.#db();
      const entry = this.#find(db, key);
      if (db === undefined || entry === 0 || db.typeOf(entry) !== ValueType.STRING) return null;
      readString(db, entry, this.#value);
      return utf8(this.#value.bytes, this.#value.start, this.#value.end);
    });
  }

  /**
   * Length in bytes of the string at `key`, 0 when there is none.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  strlen(key: Key): number {
    const value = this.#string(key);
    return value === undefined ? 0 : value.end - value.start;
  }

  /** Whether there is such a key. O(1). */
  has(key: Key): boolean {
    return this.#find(this.#db(), key) !== 0;
  }

  /** How many of `keys` there are; one named twice counts twice. */
  exists(...keys: Key[]): number {
    let count = 0;
    for (const key of keys) if (this.has(key)) count++;
    return count;
  }

  /** Type of the value at `key`, or undefined when there is none. */
  type(key: Key): TypeName | undefined {
    const db = this.#db();
    const entry = this.#find(db, key);
    return db === undefined || entry === 0 ? undefined : typeName(db.typeOf(entry));
  }

  /** When `key` expires, in milliseconds since 1970: -1 for never, -2 when there is no such key. */
  expireTime(key: Key): number {
    const db = this.#db();
    const entry = this.#find(db, key);
    if (db === undefined || entry === 0) return -2;
    return db.expireAtMs(entry);
  }

  /** Milliseconds until `key` expires: -1 for never, -2 when there is no such key. */
  pttl(key: Key): number {
    const at = this.expireTime(key);
    return at < 0 ? at : Math.max(0, at - this.#source.clock.now());
  }

  /** Seconds until `key` expires, rounded as `TTL` does: -1 for never, -2 when there is no such key. */
  ttl(key: Key): number {
    const left = this.pttl(key);
    return left < 0 ? left : Math.floor((left + 500) / 1000);
  }

  /** A key at random, or undefined when the database is empty. Gives an expired one when nearly all are. */
  randomKey(): string | undefined {
    const db = this.#db();
    this.#source.tracker?.size(this.index);
    if (db === undefined || db.visibleSize === 0) return undefined;
    const { slots } = this.#source.keyspace;
    let entry = 0;
    for (let tries = 0; tries < RANDOM_TRIES; tries++) {
      entry = slots.hiding
        ? slots.randomVisible(db, this.#source.random)
        : db.randomEntry(this.#source.random);
      if (!this.#hidden(db, entry)) break;
    }
    db.keyRef(entry, this.#value);
    return utf8(this.#value.bytes, this.#value.start, this.#value.end);
  }

  /**
   * Every key that the glob pattern `match` fits, at once. Blocks as long as it takes to look at every key
   * (about 50 ns each): prefer {@linkcode Reader.scan} where there are millions.
   */
  keys(match: Key = "*"): string[] {
    return [...new Set(this.scan({ match }))];
  }

  /**
   * Walks the keys as text, with the guarantee of `SCAN`: a key that is there throughout is given at least
   * once, perhaps twice, whatever is written meanwhile; one that comes or goes may be given or not.
   *
   * @param options Which keys; all of them when left out.
   */
  *scan(options: ScanOptions = {}): Generator<string, void, undefined> {
    for (const key of this.scanBytes(options)) yield utf8(key, 0, key.length);
  }

  /** As {@linkcode Reader.scan}, with each key as bytes of its own. */
  *scanBytes(options: ScanOptions = {}): Generator<Uint8Array, void, undefined> {
    const pattern = toBytes(options.match ?? "*");
    const all = latin1(pattern) === "*";
    const found: Uint8Array[] = [];
    const key = new BytesRef();
    let cursor = 0;
    do {
      const db = this.#db();
      this.#source.tracker?.scan(this.index, all ? undefined : pattern);
      if (db === undefined) return;
      cursor = db.scan(cursor, (entry) => {
        if (options.type !== undefined && typeName(db.typeOf(entry)) !== options.type) return;
        if (this.#hidden(db, entry)) return;
        db.keyRef(entry, key);
        if (!all && !globMatch(pattern, key.bytes, key.start, key.end)) return;
        found.push(key.bytes.slice(key.start, key.end));
      });
      yield* found;
      found.length = 0;
    } while (cursor !== 0);
  }

  /**
   * Runs any read command, answered as to a RESP3 client, bulk strings as UTF-8 text. No call changes what a
   * later one answers: commands about a connection (MULTI, SELECT, CLIENT REPLY, SUBSCRIBE...) and those that
   * would wait are errors.
   *
   * @param args The command's name and its arguments.
   * @throws {CommandError} When the reply is an error, as in `WRONGTYPE Operation against a key...`.
   * @throws {TypeError} When an argument is neither text, bytes nor a number.
   */
  call(...args: CallArgument[]): Reply {
    return toText(this.#source.call(this.index, args));
  }

  /** As {@linkcode Reader.call}, with bulk strings as bytes of their own. */
  callBytes(...args: CallArgument[]): BytesReply {
    return this.#source.call(this.index, args);
  }

  /** The database, undefined before its first key. A number keeps its database for good: looked up once. */
  #db(): Database | undefined {
    const { refusal } = this.#source;
    if (refusal !== undefined) throw refusal();
    return this.#database ??= this.#source.keyspace.peek(this.index);
  }

  /** The string at `key`, valid until the next read; undefined when there is no such key. */
  #string(key: Key): BytesRef | undefined {
    const db = this.#db();
    const entry = this.#find(db, key);
    return db !== undefined && this.#open(db, entry) ? this.#value : undefined;
  }

  #text(db: Database, entry: Entry): string | undefined {
    if (!this.#open(db, entry)) return undefined;
    return utf8(this.#value.bytes, this.#value.start, this.#value.end);
  }

  /** Points `#value` at an entry's string; false when there is no entry. */
  #open(db: Database, entry: Entry): boolean {
    if (entry === 0) return false;
    if (db.typeOf(entry) !== ValueType.STRING) throw wrongType(db, entry);
    readString(db, entry, this.#value);
    return true;
  }

  /** The entry of a key that is there and has not expired, else 0. */
  #find(db: Database | undefined, key: Key): Entry {
    if (this.#source.tracker !== undefined) this.#track(db, key);
    if (db === undefined) return 0;
    let entry: Entry;
    if (typeof key === "string") {
      this.#encode(key);
      entry = db.find(this.#keyBytes, 0, this.#keyEnd);
    } else {
      entry = db.find(key, 0, key.length);
    }
    return entry === 0 || this.#hidden(db, entry) ? 0 : entry;
  }

  /** What a read gives where the database has no key yet: undefined, told to whoever records reads. */
  #missing(key: Key): undefined {
    if (this.#source.tracker !== undefined) this.#track(undefined, key);
  }

  /** Tells whoever records reads of a key and of its expiry. */
  #track(db: Database | undefined, key: Key): void {
    const bytes = toBytes(key);
    const { tracker } = this.#source;
    tracker?.key(this.index, bytes, 0, bytes.length);
    const entry = db?.find(bytes, 0, bytes.length) ?? 0;
    if (db === undefined || entry === 0) return;
    const at = db.expireAtMs(entry);
    if (at !== NO_EXPIRY) tracker?.expires(at);
  }

  #hidden(db: Database, entry: Entry): boolean {
    const at = db.expireAtMs(entry);
    if (at !== NO_EXPIRY && at < this.#source.clock.now()) return true;
    const { slots } = this.#source.keyspace;
    return slots.hiding && slots.hidesEntry(db, entry);
  }

  /** Writes the key's UTF-8 to `#keyBytes`. The loop ends at the first character that is not ASCII. */
  #encode(key: string): void {
    const length = key.length;
    if (length * 3 > this.#keyBytes.length) this.#keyBytes = new Uint8Array(length * 4);
    const bytes = this.#keyBytes;
    if (length <= SHORT_TEXT) {
      let i = 0;
      for (; i < length; i++) {
        const code = key.charCodeAt(i);
        if (code > 0x7f) break;
        bytes[i] = code;
      }
      if (i === length) {
        this.#keyEnd = length;
        return;
      }
    }
    this.#keyEnd = encoder.encodeInto(key, bytes).written;
  }
}

function utf8(bytes: Uint8Array, start: number, end: number): string {
  return end - start > SHORT_TEXT ? longUtf8(bytes, start, end) : shortUtf8(bytes, start, end);
}

/** The error for a value of another type; of one that is not read here it tells whose it is. */
function wrongType(db: Database, entry: Entry): CommandError {
  const value = moduleValueOf(db, entry);
  if (value === undefined) return new CommandError(WRONG_TYPE);
  return new CommandError(`${WRONG_TYPE}: ${value.module}, which is kept without being read`);
}

function typeName(type: number): TypeName {
  return TYPE_NAMES.find((row) => row[0] === type)?.[1] ?? "module";
}

/** The bytes of a key or value; a string's are UTF-8. */
export function toBytes(key: Key): Uint8Array {
  return typeof key === "string" ? encoder.encode(key) : key;
}

function toText(reply: BytesReply): Reply {
  if (reply instanceof Uint8Array) return utf8(reply, 0, reply.length);
  if (Array.isArray(reply)) return reply.map(toText);
  if (reply instanceof Map) {
    return new Map([...reply].map(([key, value]) => [toText(key), toText(value)]));
  }
  if (reply instanceof Set) return new Set([...reply].map(toText));
  return reply;
}

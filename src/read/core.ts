/**
 * What the reads of every family stand on: a key becomes an entry that has not expired, and bytes become values.
 *
 * ```text
 *   key ──▶ bytes ──▶ hash table ──▶ entry ──▶ hidden? another type? ──▶ the family's read ──▶ Codec ──▶ value
 *                          │
 *                          └ told to the tracker, while somebody records what is read
 * ```
 *
 * Every read checks the expiry, because keys that have expired stay in the keyspace until the master deletes them.
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";
import { BytesRef } from "../base/byte_buffer.ts";
import type { Clock } from "../base/clock.ts";
import { CommandError, WRONG_TYPE } from "../commands/engine/errors.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { isExpired } from "../store/memory/expiry.ts";
import { type Entry, ValueType } from "../store/memory/record.ts";
import { moduleValueOf } from "../store/types/module.ts";
import { readString } from "../store/types/string.ts";
import type { Codec, Value } from "./codec.ts";
import type { Decode } from "./decode.ts";
import { DECODE_CACHE_BYTES, DecodeCache, type Slots } from "./decode_cache.ts";
import type { HotTexts } from "./hot_texts.ts";
import type { BytesReply, CallArgument, Reply } from "./reply.ts";
import { type Key, KeyBatch, KeyBytes } from "./text.ts";
import type { ReadTracker } from "./tracker.ts";

/** What reads are answered from. */
export interface ReaderSource {
  /** The keyspace with every database. */
  readonly keyspace: Keyspace;
  /** Clock that expiry is judged by. */
  readonly clock: Clock;
  /** Uniform in [0, 1), for a key or a member at random. */
  readonly random: () => number;
  /** Makes the error that every read throws; undefined while reads are answered. */
  readonly refusal?: (() => Error) | undefined;
  /** Is told what reads look at, while somebody records it; undefined otherwise. */
  tracker?: ReadTracker | undefined;
  /** Decoded values that are kept; each reader keeps its own where there is none. */
  readonly decoded?: DecodeCache | undefined;
  /** Gets the hot texts of each reader that keeps some, for whoever counts memory. */
  readonly hot?: HotTexts<Value>[] | undefined;
  /** Runs a read command on a database. @throws {CommandError} When the reply is an error. */
  call(dbIndex: number, args: readonly CallArgument[]): BytesReply;
  /** Runs a read command, with bulk strings as text. @throws {CommandError} When the reply is an error. */
  callText(dbIndex: number, args: readonly CallArgument[]): Reply;
}

/** The reads of one database in one form of values. */
export class ReadCore<T extends Value> {
  /** The keyspace, clock and dice that every read of a replica shares. */
  readonly source: ReaderSource;
  /** Number of the database. */
  readonly index: number;
  /** Makes text or bytes of what a read finds. */
  readonly codec: Codec<T>;
  /** A field, a member or another argument as bytes; the next one overwrites it. */
  readonly arg: KeyBytes = new KeyBytes();
  /** Points at a value that is being read. */
  readonly value: BytesRef = new BytesRef();
  /** Decoded values that are kept. */
  readonly decoded: DecodeCache;
  readonly #key: KeyBytes = new KeyBytes();
  #json: Slots | undefined = undefined;
  readonly #batch: KeyBatch = new KeyBatch();
  #database: Database | undefined = undefined;

  /** Reads database `index` of `source`. */
  constructor(source: ReaderSource, index: number, codec: Codec<T>) {
    this.source = source;
    this.index = index;
    this.codec = codec;
    if (codec.hot !== undefined) source.hot?.push(codec.hot as unknown as HotTexts<Value>);
    this.decoded = source.decoded ?? new DecodeCache(DECODE_CACHE_BYTES, true);
  }

  /**
   * The database, undefined before its first key. A number keeps its database for good: looked up once.
   *
   * @throws {CommandError} LOADING or MASTERDOWN while reads are refused.
   */
  open(): Database | undefined {
    const { refusal } = this.source;
    if (refusal !== undefined) throw refusal();
    return this.#database ??= this.source.keyspace.peek(this.index);
  }

  /** The database of an entry that was found. */
  get db(): Database {
    return this.#database!;
  }

  /** Milliseconds since 1970 by which expiry is judged. */
  get nowMs(): number {
    return this.source.clock.now();
  }

  /** The entry of a key that is there and has not expired, else 0; valid until the next write. */
  find(key: Key): Entry {
    const db = this.open();
    this.#key.set(key);
    return this.#findBytes(db, this.#key.bytes, 0, this.#key.end);
  }

  /**
   * As {@linkcode ReadCore.find} for each of `keys` in order, faster where they are many: what looking them up will
   * read of the table is brought into the processor's cache for 64 keys at a time, as their waits overlap.
   *
   * @param visit Gets each key's index and its entry, 0 for a key that is missing.
   */
  findAll(keys: readonly Key[], visit: (index: number, entry: Entry) => void): void {
    const db = this.open();
    const batch = this.#batch;
    for (let from = 0; from < keys.length; from += batch.count) {
      batch.set(keys, from);
      if (batch.count > 1) db?.table.prefetch(batch);
      const { bytes, starts, ends } = batch;
      for (let i = 0; i < batch.count; i++) {
        visit(from + i, this.#findBytes(db, bytes, starts[i], ends[i]));
      }
    }
  }

  /**
   * The entry of a key that holds a value of this type, 0 when there is none.
   *
   * @throws {CommandError} WRONGTYPE when the key holds something else.
   */
  findType(key: Key, type: ValueType): Entry {
    const entry = this.find(key);
    if (entry !== 0 && this.db.typeOf(entry) !== type) throw wrongType(this.db, entry);
    return entry;
  }

  /** The string at a key as a value, undefined when there is none. */
  get(key: Key): T | undefined {
    const { hot } = this.codec;
    if (hot !== undefined && typeof key === "string" && hot.awaits()) return this.#getHot(key, hot);
    return this.string(this.findType(key, ValueType.STRING));
  }

  /** The string of an entry as a value; undefined for entry 0. */
  string(entry: Entry): T | undefined {
    if (entry === 0) return undefined;
    const { value } = this;
    readString(this.db, entry, value);
    return this.codec.value(value.bytes, value.start, value.end);
  }

  /** What a decoder makes of the string at a key, undefined when there is none. */
  decodeString<V>(key: Key, decode: Decode<V>): V | undefined {
    const slots = this.slotsOf(decode);
    const name = nameOf(key);
    const db = this.open();
    if (db !== undefined && typeof key === "string" && this.source.tracker === undefined) {
      const slot = slots.get(name);
      if (slot !== undefined && slot.changes === db.changes) {
        const at = slot.expireAtMs;
        if (at !== Infinity && at < this.source.clock.now()) return undefined;
        return this.decoded.use(slot) as V;
      }
    }
    const entry = this.findType(key, ValueType.STRING);
    if (entry === 0) {
      this.decoded.drop(slots, name);
      return undefined;
    }
    return this.#decodeEntry(slots, name, entry, key, decode);
  }

  /** What a decoder makes of the string at a key; undefined when there is none, or something else. */
  decodeIfString<V>(key: Key, decode: Decode<V>): V | undefined {
    const entry = this.find(key);
    if (entry === 0 || this.db.typeOf(entry) !== ValueType.STRING) return undefined;
    return this.#decodeEntry(this.slotsOf(decode), nameOf(key), entry, key, decode);
  }

  /** The kept values of a decoder in this database. */
  slotsOf(decode: Decode<unknown>): Slots {
    if (decode === "json") return this.#json ??= this.decoded.slotsOf(this.index, decode);
    return this.decoded.slotsOf(this.index, decode);
  }

  #decodeEntry<V>(slots: Slots, name: string, entry: Entry, key: Key, decode: Decode<V>): V {
    const { db, value, decoded } = this;
    readString(db, entry, value);
    const { bytes, start, end } = value;
    const at = db.expireAtMs(entry);
    const until = at < 0 ? Infinity : at;
    // A name of bytes may be some text's, too: only what it was made of tells.
    const changes = typeof key === "string" ? db.changes : -1;
    return decoded.decode(slots, name, decode, bytes, start, end, key, changes, until);
  }

  /** What a decoder makes of what `value` points at: part `part` of what the key holds. */
  decodePart<V>(key: Key, part: Key | number, value: BytesRef, decode: Decode<V>): V {
    const name = `${nameOf(key)}\0${typeof part === "number" ? part : nameOf(part)}`;
    const { bytes, start, end } = value;
    const slots = this.slotsOf(decode);
    return this.decoded.decode(slots, name, decode, bytes, start, end, key, -1, Infinity);
  }

  /** The same for bytes of their own. */
  decodeCopy<V>(key: Key, part: Key | number, bytes: Uint8Array, decode: Decode<V>): V {
    this.value.set(bytes, 0, bytes.length);
    return this.decodePart(key, part, this.value, decode);
  }

  /** What `value` points at, as a value. */
  take(): T {
    const { bytes, start, end } = this.value;
    return this.codec.value(bytes, start, end);
  }

  /** Whether an entry has expired, or lies in a cluster slot that is not served. */
  isHidden(db: Database, entry: Entry): boolean {
    const at = db.expireAtMs(entry);
    // Asked before the clock is read, which costs more.
    if (at >= 0 && isExpired(at, this.source.clock.now())) return true;
    const { slots } = this.source.keyspace;
    return slots.hiding && slots.hidesEntry(db, entry);
  }

  /** Runs a read command through its handler. @throws {CommandError} When the reply is an error. */
  run(args: readonly CallArgument[]): BytesReply {
    const { refusal } = this.source;
    if (refusal !== undefined) throw refusal();
    return this.source.call(this.index, args);
  }

  /** The elements of an array or a set that a handler replied: undefined for null. */
  values(reply: BytesReply): (T | undefined)[] {
    const elements = reply instanceof Set ? [...reply] : Array.isArray(reply) ? reply : [];
    return elements.map((element) => this.valueOf(element));
  }

  /** A bulk string that a handler replied, undefined for null. */
  valueOf(reply: BytesReply): T | undefined {
    if (!(reply instanceof Uint8Array)) return undefined;
    return this.codec.value(reply, 0, reply.length);
  }

  #findBytes(db: Database | undefined, bytes: Uint8Array, start: number, end: number): Entry {
    if (this.source.tracker !== undefined) this.#track(db, bytes, start, end);
    if (db === undefined) return 0;
    const entry = db.find(bytes, start, end);
    return entry === 0 || this.isHidden(db, entry) ? 0 : entry;
  }

  /** As `get`, by way of the texts that are kept, unless somebody records what is read. */
  #getHot(key: string, hot: HotTexts<T>): T | undefined {
    const db = this.open();
    if (db === undefined || this.source.tracker !== undefined) {
      return this.string(this.findType(key, ValueType.STRING));
    }
    const { changes } = db;
    const kept = hot.find(key, changes);
    if (kept !== undefined) {
      const at = hot.expireAtMs;
      return at === Infinity || at >= this.source.clock.now() ? kept : undefined;
    }
    const entry = this.findType(key, ValueType.STRING);
    const text = this.string(entry);
    if (text !== undefined) {
      const at = db.expireAtMs(entry);
      hot.keep(key, text, changes, at < 0 ? Infinity : at);
    }
    return text;
  }

  /** Tells whoever records reads of a key and of its expiry. */
  #track(db: Database | undefined, bytes: Uint8Array, start: number, end: number): void {
    const { tracker } = this.source;
    tracker?.key(this.index, bytes, start, end);
    const entry = db?.find(bytes, start, end) ?? 0;
    if (db === undefined || entry === 0) return;
    const at = db.expireAtMs(entry);
    if (at >= 0) tracker?.expires(at);
  }
}

function nameOf(key: Key): string {
  return typeof key === "string" ? key : latin1(key);
}

/** The error for a value of another type; of one that is not read here it tells whose it is. */
export function wrongType(db: Database, entry: Entry): CommandError {
  const value = moduleValueOf(db, entry);
  if (value === undefined) return new CommandError(WRONG_TYPE);
  return new CommandError(`${WRONG_TYPE}: ${value.module}, which is kept without being read`);
}

/**
 * From a touched key to what a consumer is told of it. Keys whose time has come are told as they are in the
 * data: it is the master that deletes them.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Clock } from "../../base/clock.ts";
import { isExpiry } from "../../commands/engine/touched_keys.ts";
import type { Codec, Value } from "../../read/codec.ts";
import { type Decode, decodeBytes, DecodeError, validate } from "../../read/decode.ts";
import type { DecodeCache } from "../../read/decode_cache.ts";
import { defineField } from "../../read/hashes.ts";
import type { StreamMessage } from "../../read/streams.ts";
import { ReadCore, type ReaderSource } from "../../read/core.ts";
import { Reader } from "../../read/reader.ts";
import { type Key, utf8 } from "../../read/text.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import { type Entry, NO_EXPIRY, TYPE_NAMES, ValueType } from "../../store/memory/record.ts";
import { readString } from "../../store/types/string.ts";
import { hashEach } from "../../store/types/hash.ts";
import type { Change, FeedValue } from "./types.ts";

/** A clock before every expiry: nothing counts as expired. */
const BEFORE_ALL: Clock = {
  now: () => 0,
  monotonic: () => 0,
  setTimer: () => undefined,
  clearTimer: () => {},
  soon: () => {},
};

const ref = new BytesRef();

/** The entry of a key that readers may see, expired or not; 0 for none. */
export function visibleEntry(
  keyspace: Keyspace,
  db: Database | undefined,
  bytes: Uint8Array,
  start: number,
  end: number,
): Entry {
  const entry = db?.find(bytes, start, end) ?? 0;
  if (db === undefined || entry === 0) return 0;
  const { slots } = keyspace;
  return slots.hiding && slots.hidesEntry(db, entry) ? 0 : entry;
}

/** A value that was read as bytes. */
type BytesValue = Exclude<FeedValue<Uint8Array>, undefined>;

/** How values become what a consumer works with. */
export interface Decoding {
  /** What becomes of the bytes. */
  readonly decode: Decode<unknown>;
  /** Keeps what was decoded, for reads too. */
  readonly decoded: DecodeCache | undefined;
  /** Reads bytes, for values that are decoded later. */
  readonly bytes: FeedReads<Uint8Array>;
}

/** Reads keys and values of one keyspace in one form: text or bytes, or values decoded. */
export class FeedReads<T extends Value> {
  /** The data that is read. */
  readonly keyspace: Keyspace;
  readonly #codec: Codec<T>;
  readonly #decoding: Decoding | undefined;
  readonly #source: ReaderSource;
  readonly #readers: Map<number, Reader<T>> = new Map();
  /** The command that was told last, and whether it changes expiries only: most are like the one before. */
  #lastCommand: string = "";
  #isTime: boolean = false;

  /** Reads `keyspace`. @param codec Text or bytes. @param decoding Decodes values; undefined for those of `codec`. */
  constructor(keyspace: Keyspace, codec: Codec<T>, decoding?: Decoding) {
    this.keyspace = keyspace;
    this.#codec = codec;
    this.#decoding = decoding;
    this.#source = {
      keyspace,
      clock: BEFORE_ALL,
      random: () => 0,
      decoded: decoding?.decoded,
      call: refuseCommand,
      callText: refuseCommand,
    };
  }

  /** Whether code of the application runs as values are read. */
  get decodes(): boolean {
    return this.#decoding !== undefined;
  }

  /** Bytes `[start, end)`, which are borrowed, as a key or value. */
  value(bytes: Uint8Array, start: number, end: number): T {
    return this.#codec.value(bytes, start, end);
  }

  /** The whole value of a key that has this type. O(its size). */
  read(db: number, key: Uint8Array, type: ValueType): FeedValue<T> {
    const reader = this.#readerOf(db);
    switch (type) {
      case ValueType.STRING:
        return reader.get(key);
      case ValueType.LIST:
        return reader.lrange(key, 0, -1);
      case ValueType.SET:
        return reader.smembers(key);
      case ValueType.ZSET:
        return reader.zrange(key, 0, -1, { withScores: true });
      case ValueType.HASH:
        return reader.hgetall(key);
      case ValueType.STREAM:
        return reader.xrange(key);
      default:
        return undefined;
    }
  }

  /** The same for a value that changes next: as bytes where it is decoded once it is told. */
  readOld(db: number, key: Uint8Array, type: ValueType): FeedValue<T> | FeedValue<Uint8Array> {
    return this.#decoding === undefined
      ? this.read(db, key, type)
      : this.#decoding.bytes.read(db, key, type);
  }

  /** What is told of a value that `readOld` gave; undefined for one that cannot be decoded. */
  oldOf(key: T, value: FeedValue<T> | FeedValue<Uint8Array>): unknown {
    if (this.#decoding === undefined || value === undefined) return value;
    try {
      return decodeValue(this.#decoding.decode, key, value as BytesValue);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return undefined;
    }
  }

  #readerOf(db: number): Reader<T> {
    let reader = this.#readers.get(db);
    if (reader === undefined) {
      reader = new Reader(new ReadCore(this.#source, db, this.#codec));
      this.#readers.set(db, reader);
    }
    return reader;
  }

  /** What a decoder makes of the value of a key. The key's bytes are its own: a decoder may read and write over others. */
  #decode(decode: Decode<unknown>, db: number, key: Uint8Array, type: ValueType): unknown {
    const reader = this.#readerOf(db);
    switch (type) {
      case ValueType.STRING:
        return reader.get(key, { decode });
      case ValueType.LIST:
        return reader.lrange(key, 0, -1, { decode });
      case ValueType.SET:
        return reader.smembers(key, { decode });
      case ValueType.ZSET:
        return reader.zrange(key, 0, -1, { withScores: true, decode });
      case ValueType.HASH:
        return reader.hgetall(key, { decode });
      case ValueType.STREAM:
        return reader.xrange(key, "-", "+", { decode });
      default:
        return undefined;
    }
  }

  /**
   * What to tell of a key that is there.
   *
   * @param command The command that changed it; "" for a key of a snapshot.
   * @param withValue Whether its value is read.
   */
  present(
    dbIndex: number,
    db: Database,
    entry: Entry,
    command: string,
    withValue: boolean,
  ): Change<T> & { old?: FeedValue<T> } {
    db.keyRef(entry, ref);
    const key = this.#codec.value(ref.bytes, ref.start, ref.end);
    return this.told(dbIndex, db, entry, key, command, withValue);
  }

  /** The same for a key that the caller has read. */
  told(
    dbIndex: number,
    db: Database,
    entry: Entry,
    key: T,
    command: string,
    withValue: boolean,
  ): Change<T> & { old?: FeedValue<T> } {
    const type = db.typeOf(entry);
    const at = db.expireAtMs(entry);
    if (command !== this.#lastCommand) {
      this.#lastCommand = command;
      this.#isTime = isExpiry(command);
    }
    const isTime = this.#isTime;
    const kind = isTime ? "expire" as const : "set" as const;
    const name = TYPE_NAMES[type];
    const expireAtMs = at === NO_EXPIRY ? undefined : at;
    if (this.#decoding !== undefined || (isTime && type === ValueType.HASH)) {
      const told = { kind, db: dbIndex, key, type: name, command, expireAtMs };
      const fields = isTime && type === ValueType.HASH
        ? { fields: fieldExpiries(db, entry) }
        : undefined;
      const value = withValue ? this.#valueOrError(dbIndex, db, entry, type) : undefined;
      return { ...told, ...fields, ...value } as Change<T>;
    }
    if (!withValue) return { kind, db: dbIndex, key, type: name, command, expireAtMs };
    const value = this.#value(dbIndex, db, entry, type);
    return { kind, db: dbIndex, key, type: name, command, expireAtMs, value };
  }

  #valueOrError(
    dbIndex: number,
    db: Database,
    entry: Entry,
    type: ValueType,
  ): { readonly value: unknown; readonly error?: DecodeError } {
    if (this.#decoding === undefined) return { value: this.#value(dbIndex, db, entry, type) };
    db.keyRef(entry, ref);
    const key = ref.view().slice();
    try {
      return { value: this.#decode(this.#decoding.decode, dbIndex, key, type) };
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return { value: undefined, error };
    }
  }

  #value(dbIndex: number, db: Database, entry: Entry, type: ValueType): FeedValue<T> {
    if (type === ValueType.STRING) return this.#string(db, entry);
    db.keyRef(entry, ref);
    return this.read(dbIndex, ref.view(), type);
  }

  /** The string of an entry. The key is not looked up once more. */
  #string(db: Database, entry: Entry): T {
    readString(db, entry, ref);
    return this.#codec.value(ref.bytes, ref.start, ref.end);
  }
}

/** What a decoder makes of a value that was read as bytes. @throws {DecodeError} When it cannot be decoded. */
function decodeValue(
  decode: Decode<unknown>,
  key: Key,
  value: BytesValue,
): unknown {
  const one = (bytes: Uint8Array) => decodeBytes(decode, bytes, 0, bytes.length, key);
  if (value instanceof Uint8Array) return one(value);
  if (!Array.isArray(value)) return decodeObject(decode, key, value);
  return value.map((element) => {
    if (element instanceof Uint8Array) return one(element);
    if ("score" in element) return { value: one(element.value), score: element.score };
    const { id, message } = element as StreamMessage<Uint8Array>;
    return { id, message: decodeObject(decode, key, message) };
  });
}

function decodeObject(
  decode: Decode<unknown>,
  key: Key,
  object: Record<string, Uint8Array>,
): unknown {
  const isSchema = typeof decode === "object";
  const made: Record<string, unknown> = {};
  for (const [name, bytes] of Object.entries(object)) {
    const value = isSchema
      ? utf8(bytes, 0, bytes.length)
      : decodeBytes(decode, bytes, 0, bytes.length, key);
    defineField(made, name, value);
  }
  return isSchema ? validate(decode, made, key) : made;
}

function refuseCommand(): never {
  throw new Error("values are read without commands");
}

/** When each field expires that does. */
function fieldExpiries(db: Database, entry: Entry): Record<string, number> {
  const fields: Record<string, number> = {};
  hashEach(db, entry, (field, start, end, _value, _from, _to, at) => {
    if (at !== NO_EXPIRY) setOwn(fields, utf8(field, start, end), at);
  });
  return fields;
}

/** Sets a property whatever its name, "__proto__" too. */
function setOwn(object: Record<string, number>, name: string, value: number): void {
  if (name !== "__proto__") object[name] = value;
  else {Object.defineProperty(object, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });}
}

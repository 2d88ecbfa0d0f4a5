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
import { ReadCore, type ReaderSource } from "../../read/core.ts";
import { Reader } from "../../read/reader.ts";
import { utf8 } from "../../read/text.ts";
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

/** Reads keys and values of one keyspace in one form: text or bytes. */
export class FeedReads<T extends Value> {
  /** The data that is read. */
  readonly keyspace: Keyspace;
  readonly #codec: Codec<T>;
  readonly #source: ReaderSource;
  readonly #readers: Map<number, Reader<T>> = new Map();
  /** The command that was told last, and whether it changes expiries only: most are like the one before. */
  #lastCommand: string = "";
  #isTime: boolean = false;

  /** Reads `keyspace`. @param codec Text or bytes. */
  constructor(keyspace: Keyspace, codec: Codec<T>) {
    this.keyspace = keyspace;
    this.#codec = codec;
    this.#source = {
      keyspace,
      clock: BEFORE_ALL,
      random: () => 0,
      call: refuseCommand,
      callText: refuseCommand,
    };
  }

  /** Bytes `[start, end)`, which are borrowed, as a key or value. */
  value(bytes: Uint8Array, start: number, end: number): T {
    return this.#codec.value(bytes, start, end);
  }

  /** The whole value of a key that has this type. O(its size). */
  read(db: number, key: Uint8Array, type: ValueType): FeedValue<T> {
    let reader = this.#readers.get(db);
    if (reader === undefined) {
      reader = new Reader(new ReadCore(this.#source, db, this.#codec));
      this.#readers.set(db, reader);
    }
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
    if (isTime && type === ValueType.HASH) {
      const told = { kind, db: dbIndex, key, type: name, command, expireAtMs };
      const fields = fieldExpiries(db, entry);
      return withValue
        ? { ...told, fields, value: this.#value(dbIndex, db, entry, type) }
        : { ...told, fields };
    }
    if (!withValue) return { kind, db: dbIndex, key, type: name, command, expireAtMs };
    const value = this.#value(dbIndex, db, entry, type);
    return { kind, db: dbIndex, key, type: name, command, expireAtMs, value };
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

/**
 * The reads of hashes. A field whose own expiry has passed is hidden, as a key is.
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";
import { globMatch } from "../base/glob.ts";
import { isExpired } from "../store/memory/expiry.ts";
import { type Entry, NO_EXPIRY, ValueType } from "../store/memory/record.ts";
import {
  FieldCursor,
  hashEach,
  hashFind,
  hashHasExpiries,
  hashLength,
} from "../store/types/hash.ts";
import { type FieldVisitor, hashTableOf } from "../store/types/hash_table.ts";
import { checkInteger } from "./arguments.ts";
import type { Value } from "./codec.ts";
import { type Decode, type DecodeOptions, type Schema, validate } from "./decode.ts";
import { Names } from "./names.ts";
import type { BytesReply, CallArgument } from "./reply.ts";
import { StringReads } from "./strings.ts";
import { type Key, toBytes, utf8 } from "./text.ts";
import { walk } from "./walk.ts";

/** A field and its value. */
export interface FieldValue<T extends Value> {
  /** The name under which the hash holds the value. */
  readonly field: T;
  /** What the field holds. */
  readonly value: T;
}

/** Which elements a generator gives. */
export interface MatchOptions {
  /** Glob pattern of the field or member, as in `HSCAN MATCH`. */
  readonly match?: Key;
}

const cursor = new FieldCursor();
/** Shared by all readers: what is a name in one database is one in the next. */
const names = new Names();

/** The reads of hashes. */
export class HashReads<T extends Value> extends StringReads<T> {
  #object: Record<string, T> = {};
  #list: T[] = [];
  /** By when a field that is read must expire at the earliest; -Infinity where no field has an expiry. */
  #nowMs: number = -Infinity;

  /**
   * The value of a field, undefined when there is none. O(1), but O(fields) of a small hash.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  hget(key: Key, field: Key): T | undefined;
  /** What a decoder makes of it: kept until the value changes. */
  hget<V>(key: Key, field: Key, options: DecodeOptions<V>): V | undefined;
  hget<V>(key: Key, field: Key, options?: DecodeOptions<V>): T | V | undefined {
    const entry = this.core.findType(key, ValueType.HASH);
    if (entry === 0 || !this.#find(entry, field)) return undefined;
    if (options !== undefined) {
      return this.core.decodePart(key, field, cursor.value, options.decode);
    }
    const { bytes, start, end } = cursor.value;
    return this.core.codec.value(bytes, start, end);
  }

  /**
   * The values of fields in order, undefined for those that are missing.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  hmget(key: Key, fields: readonly Key[]): (T | undefined)[];
  /** What a decoder makes of each of them. */
  hmget<V>(key: Key, fields: readonly Key[], options: DecodeOptions<V>): (V | undefined)[];
  hmget<V>(
    key: Key,
    fields: readonly Key[],
    options?: DecodeOptions<V>,
  ): (T | V | undefined)[] {
    const entry = this.core.findType(key, ValueType.HASH);
    return fields.map((field) => {
      if (entry === 0 || !this.#find(entry, field)) return undefined;
      if (options !== undefined) {
        return this.core.decodePart(key, field, cursor.value, options.decode);
      }
      const { bytes, start, end } = cursor.value;
      return this.core.codec.value(bytes, start, end);
    });
  }

  /**
   * All fields and values as an object, undefined when there is no such key. Names are text, also where values are
   * bytes: names that are no text come from `hscan`.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  hgetall(key: Key): Record<string, T> | undefined;
  /** What a schema makes of the object of all fields, whose values it gets as text. */
  hgetall<V>(key: Key, options: { readonly decode: Schema<V> }): V | undefined;
  /** The object with what a decoder makes of each value. */
  hgetall<V>(key: Key, options: DecodeOptions<V>): Record<string, V> | undefined;
  hgetall<V>(
    key: Key,
    options?: DecodeOptions<V>,
  ): Record<string, T | V> | V | undefined {
    const entry = this.core.findType(key, ValueType.HASH);
    if (entry === 0) return undefined;
    if (options !== undefined) return this.#decodeAll(key, entry, options.decode);
    const object: Record<string, T> = {};
    this.#object = object;
    this.#each(entry, this.#addToObject);
    return this.#isEmpty(object) ? undefined : object;
  }

  /** Whether every field of a hash has expired, which its master will delete. */
  #isEmpty(object: Record<string, unknown>): boolean {
    return this.#nowMs !== -Infinity && Object.keys(object).length === 0;
  }

  #decodeAll<V>(key: Key, entry: Entry, decode: Decode<V>): Record<string, V> | V | undefined {
    if (typeof decode === "object") return this.#validate(key, entry, decode);
    // A decoder is code of the application, which may read: all fields are read before it runs.
    const fields: [name: string, bytes: Uint8Array][] = [];
    this.#each(entry, (f, fs, fe, v, vs, ve, at) => {
      if (this.#sees(at)) fields.push([names.text(f, fs, fe), v.slice(vs, ve)]);
    });
    if (fields.length === 0) return undefined;
    const object: Record<string, V> = {};
    for (const [name, bytes] of fields) {
      cursor.value.set(bytes, 0, bytes.length);
      defineField(object, name, this.core.decodePart(key, name, cursor.value, decode));
    }
    return object;
  }

  /** What a schema makes of all fields; kept while the hash lies in one run of bytes and no field expires. */
  #validate<V>(key: Key, entry: Entry, schema: Schema<V>): V | undefined {
    const { db, decoded, value } = this.core;
    const slots = this.core.slotsOf(schema);
    const name = `\0${typeof key === "string" ? key : latin1(key)}`;
    const isKept = db.objectOf(entry) === undefined && !hashHasExpiries(db, entry);
    if (isKept) {
      db.valueRef(entry, value);
      const slot = decoded.find(slots, name, value.bytes, value.start, value.end);
      if (slot !== undefined) return decoded.use(slot) as V;
    }
    decoded.missed();
    const object: Record<string, string> = {};
    this.#each(entry, (f, fs, fe, v, vs, ve, at) => {
      if (this.#sees(at)) defineField(object, names.text(f, fs, fe), utf8(v, vs, ve));
    });
    if (this.#isEmpty(object)) return undefined;
    const made = validate(schema, object, key);
    if (!isKept) return made;
    // A schema is code of the application, which may have read something meanwhile.
    db.valueRef(entry, value);
    const { bytes, start, end } = value;
    const slot = decoded.keep(slots, name, made, end - start);
    if (slot !== undefined) slot.bytes = bytes.slice(start, end);
    return made;
  }

  /**
   * The names of all fields, empty when there is no such key.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  hkeys(key: Key): T[] {
    return this.#collect(key, this.#addName);
  }

  /**
   * The values of all fields, empty when there is no such key.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  hvals(key: Key): T[] {
    return this.#collect(key, this.#addValue);
  }

  /**
   * How many fields there are, 0 when there is no such key. O(1), but O(fields) where one has an expiry.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  hlen(key: Key): number {
    const entry = this.core.findType(key, ValueType.HASH);
    if (entry === 0) return 0;
    if (!hashHasExpiries(this.core.db, entry)) return hashLength(this.core.db, entry);
    let count = 0;
    this.#each(entry, (_f, _fs, _fe, _v, _vs, _ve, at) => {
      if (this.#sees(at)) count++;
    });
    return count;
  }

  /**
   * Whether there is such a field.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  hexists(key: Key, field: Key): boolean {
    const entry = this.core.findType(key, ValueType.HASH);
    return entry !== 0 && this.#find(entry, field);
  }

  /**
   * Length in bytes of a field's value, 0 when there is no such field.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  hstrlen(key: Key, field: Key): number {
    const entry = this.core.findType(key, ValueType.HASH);
    return entry !== 0 && this.#find(entry, field) ? cursor.value.end - cursor.value.start : 0;
  }

  /**
   * A field at random, undefined when there is no such key.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  hrandfield(key: Key): T | undefined;
  /** The names of up to `count` different fields; of `-count` fields, perhaps repeated, when it is negative. */
  hrandfield(key: Key, count: number, options?: { readonly withValues?: false }): T[];
  /** The same with their values. */
  hrandfield(key: Key, count: number, options: { readonly withValues: true }): FieldValue<T>[];
  hrandfield(
    key: Key,
    count?: number,
    options: { readonly withValues?: boolean } = {},
  ): T | undefined | T[] | FieldValue<T>[] {
    const { core } = this;
    if (count === undefined) return core.valueOf(core.run(["HRANDFIELD", key]));
    checkInteger(count, "count");
    if (!options.withValues) return core.values(core.run(["HRANDFIELD", key, count])) as T[];
    const pairs = core.run(["HRANDFIELD", key, count, "WITHVALUES"]) as BytesReply[][];
    return pairs.map(([field, value]) => ({
      field: core.valueOf(field)!,
      value: core.valueOf(value)!,
    }));
  }

  /**
   * Walks the fields as `[field, value]` and copies nothing ahead, with the guarantee of `HSCAN`: a field that is there
   * throughout is given at least once, perhaps twice, whatever is written meanwhile; one that comes or goes may be
   * given or not. The walk ends when the key goes.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else, also once the walk has begun.
   */
  hscan(key: Key, options: MatchOptions = {}): Generator<[field: T, value: T], void, undefined> {
    const { codec } = this.core;
    const pattern = options.match === undefined ? undefined : toBytes(options.match);
    return walk<[T, T]>((at, out) => {
      const entry = this.core.findType(key, ValueType.HASH);
      if (entry === 0) return 0;
      const visit: FieldVisitor = (f, fs, fe, v, vs, ve, expireAtMs) => {
        if (!this.#sees(expireAtMs)) return;
        if (pattern !== undefined && !globMatch(pattern, f, fs, fe)) return;
        out.push([codec.value(f, fs, fe), codec.value(v, vs, ve)]);
      };
      const table = hashTableOf(this.core.db, entry);
      this.#nowMs = this.core.nowMs;
      if (table !== undefined) return table.fields.scan(at, (field) => table.visit(field, visit));
      hashEach(this.core.db, entry, visit);
      return 0;
    });
  }

  /**
   * Seconds until fields expire, as `HTTL`: -1 for never, -2 where there is no such field.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  httl(key: Key, fields: readonly Key[]): number[] {
    return this.#times("HTTL", key, fields);
  }

  /**
   * Milliseconds until fields expire: -1 for never, -2 where there is no such field.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  hpttl(key: Key, fields: readonly Key[]): number[] {
    return this.#times("HPTTL", key, fields);
  }

  /**
   * When fields expire, in seconds since 1970: -1 for never, -2 where there is no such field.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  hexpiretime(key: Key, fields: readonly Key[]): number[] {
    return this.#times("HEXPIRETIME", key, fields);
  }

  /**
   * When fields expire, in milliseconds since 1970: -1 for never, -2 where there is no such field.
   *
   * @throws {CommandError} `WRONGTYPE` when the key holds something else.
   */
  hpexpiretime(key: Key, fields: readonly Key[]): number[] {
    return this.#times("HPEXPIRETIME", key, fields);
  }

  #times(command: string, key: Key, fields: readonly Key[]): number[] {
    if (fields.length === 0) return [];
    const args: CallArgument[] = [command, key, "FIELDS", fields.length, ...fields];
    const reply = this.core.run(args);
    // Beyond 2^53 the handler answers a bigint.
    return Array.isArray(reply) ? reply.map(Number) : fields.map(() => -2);
  }

  /** Points `cursor` at a field that has not expired; false when there is none. */
  #find(entry: Entry, field: Key): boolean {
    const { core } = this;
    core.arg.set(field);
    if (!hashFind(core.db, entry, core.arg.bytes, 0, core.arg.end, cursor)) return false;
    if (cursor.expireAtMs === NO_EXPIRY) return true;
    this.#nowMs = core.nowMs;
    return this.#sees(cursor.expireAtMs);
  }

  /** Whether a field with this expiry is shown. */
  #sees(expireAtMs: number): boolean {
    if (isExpired(expireAtMs, this.#nowMs)) return false;
    if (expireAtMs >= 0) this.core.source.tracker?.expires(expireAtMs);
    return true;
  }

  #each(entry: Entry, visit: FieldVisitor): void {
    const { core } = this;
    this.#nowMs = hashHasExpiries(core.db, entry) ? core.nowMs : -Infinity;
    hashEach(core.db, entry, visit);
  }

  #collect(key: Key, visit: FieldVisitor): T[] {
    const entry = this.core.findType(key, ValueType.HASH);
    const list: T[] = [];
    if (entry === 0) return list;
    this.#list = list;
    this.#each(entry, visit);
    this.#list = [];
    return list;
  }

  // Made once, so that a read allocates nothing beside its result.
  readonly #addToObject: FieldVisitor = (f, fs, fe, v, vs, ve, at) => {
    if (at !== NO_EXPIRY && !this.#sees(at)) return;
    const name = names.text(f, fs, fe);
    const value = this.core.codec.value(v, vs, ve);
    if (name !== "__proto__") this.#object[name] = value;
    else defineField(this.#object, name, value);
  };

  readonly #addName: FieldVisitor = (f, fs, fe, _v, _vs, _ve, at) => {
    if (this.#sees(at)) this.#list.push(this.core.codec.value(f, fs, fe));
  };

  readonly #addValue: FieldVisitor = (_f, _fs, _fe, v, vs, ve, at) => {
    if (this.#sees(at)) this.#list.push(this.core.codec.value(v, vs, ve));
  };
}

/** Sets a field whose name an assignment would take for the object's prototype. */
export function defineField<V>(object: Record<string, V>, name: string, value: V): void {
  Object.defineProperty(object, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

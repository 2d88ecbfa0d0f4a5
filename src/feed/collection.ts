/**
 * Collections: the keys of a pattern as one map from ids to values, with indexes that find values by what they hold.
 *
 * ```text
 *  get, has            straight from the data
 *  find, range         sort key ──▶ index (index_rows.ts) ──▶ ids ──▶ values, straight from the data
 *  iteration, size     the rows, or without indexes a scan of the keys
 * ```
 *
 * What an index gives is looked at once more before it is handed out: a key that has expired, and a hash whose field has,
 * is hidden here as everywhere, although its row stays until the master deletes it.
 *
 * @module
 */

import { compareBytes, latin1 } from "../base/ascii.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import { copyBytes } from "../base/copy.ts";
import { type Key, utf8 } from "../read/text.ts";
import type { Reader } from "../read/reader.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { CollectionOwner, CollectionStatus, IndexStatus } from "./collection_owner.ts";
import {
  CollectionError,
  type IndexField,
  type IndexShape,
  type KeyPattern,
} from "./collection_shape.ts";
import { BEHIND, Tag } from "./index_key.ts";
import type { IndexKeeper } from "./index_keeper.ts";
import { type Comparable, type IndexSource, newSortKeys } from "./index_source.ts";
import type { SortKeys } from "./index_rows.ts";
import type { Live, LiveOptions, LiveSource } from "./live.ts";

/** One value of a collection, with what the pattern's star stands for in its key. */
export interface Found<T, Id = string> {
  /** What the star stands for; an array for several stars. */
  readonly id: Id;
  /** The value as `get` gives it. */
  readonly value: T;
}

/** Which fields are to have which values. */
export interface Where {
  /** A field's name, and what it is to be equal to. */
  readonly [field: string]: Comparable;
}

/** Bounds of a {@linkcode Collection.range}. */
export interface IndexRange {
  /** Fields that stand before the ranged one in a compound index, and what they are equal to. */
  readonly where?: Where;
  /** Only values above this one. */
  readonly gt?: Comparable;
  /** Only this value and those above it. */
  readonly gte?: Comparable;
  /** Only values below this one. */
  readonly lt?: Comparable;
  /** Only this value and those below it. */
  readonly lte?: Comparable;
  /** From the highest to the lowest. */
  readonly desc?: boolean;
  /** How many at most; all unless given. */
  readonly limit?: number;
}

/** What a {@linkcode Collection} is made from. */
export interface CollectionParts<T> {
  /** Makes live values and keeps the indexes. */
  readonly owner: CollectionOwner;
  /** What reads are answered from. */
  readonly source: LiveSource & { readonly keyspace: Keyspace };
  /** Reads keys of the database. */
  readonly reader: Reader;
  /** Which keys belong to it. */
  readonly pattern: KeyPattern;
  /** `hash` or `string`: keys with values of other types do not belong to it. */
  readonly type: "hash" | "string";
  /** Reads the value of a key that has the type; undefined when it is gone. */
  readonly read: (key: Key) => T | undefined;
  /** Which indexes there are. */
  readonly indexes: readonly IndexShape[];
  /** Reads the indexed fields. */
  readonly rows: IndexSource;
  /** Keeps the rows; undefined without indexes. */
  readonly keeper: IndexKeeper | undefined;
}

/** A range of an index: from the first bound up to, not including, the second. */
interface Span {
  readonly index: number;
  readonly low: Uint8Array;
  readonly high: Uint8Array;
  /** True for the rows that begin with `low`, false for those between two bounds. */
  readonly isValue: boolean;
}

/** Rows that are looked at before their values are read. */
const BATCH = 64;

/**
 * The keys of a pattern as a map from ids to values. Made by `Replica.collection`; with indexes it follows the commits
 * until it is disposed.
 */
export class Collection<T, Id extends string | readonly string[] = string> {
  readonly #parts: CollectionParts<T>;
  readonly #keys: SortKeys;
  #disposed: boolean = false;

  /**
   * Made by the replica, which hands it out as `Replica.collection(...)`.
   *
   * @ignore
   */
  constructor(parts: CollectionParts<T>) {
    this.#parts = parts;
    this.#keys = newSortKeys(parts.indexes);
  }

  /** Resolves when the indexes are complete; at once when they are, or when there are none. */
  get ready(): Promise<void> {
    const { keeper, owner } = this.#parts;
    return keeper === undefined ? Promise.resolve() : owner.built(keeper);
  }

  /** The value of an id, undefined when there is none. */
  get(id: Id): T | undefined {
    return this.#valueAt(this.#parts.pattern.keyOf(id));
  }

  /** Whether there is a value of this id. */
  has(id: Id): boolean {
    const { reader, pattern, type } = this.#parts;
    return reader.type(pattern.keyOf(id)) === type;
  }

  /**
   * How many values there are: with indexes in constant time, and expired keys included that the master still has to
   * delete; else by a walk over all keys.
   */
  get size(): number {
    const { keeper, source, owner } = this.#parts;
    if (this.#disposed || keeper === undefined || keeper.building || keeper.failure) {
      return this.#count();
    }
    // Rows are not counted by cluster slot.
    if (source.keyspace.slots.hiding) return this.#count();
    this.#refuse();
    owner.depend(() => keeper.topics.size);
    return keeper.rows.size;
  }

  /** Every id and value, in no order; what changes meanwhile is given or not, as by `SCAN`. */
  *[Symbol.iterator](): Generator<[Id, T], void, undefined> {
    for (const key of this.#scan()) {
      const value = this.#valueAt(key);
      if (value !== undefined) yield [this.#idOf(key), value];
    }
  }

  /** Every id, in no order. */
  *ids(): Generator<Id, void, undefined> {
    for (const key of this.#scan()) yield this.#idOf(key);
  }

  /**
   * The values whose fields are equal to these, sorted by the other fields of the index, then by id. A number is equal to
   * every spelling of it, a text to itself.
   *
   * @throws {CollectionError} NO_INDEX when no index begins with these fields, BUILDING before `ready`.
   */
  find(where: Where, { limit = Infinity }: { readonly limit?: number } = {}): Found<T, Id>[] {
    const names = Object.keys(where);
    const { index, fields } = this.#indexOf(names, undefined);
    const low = new ByteBuffer();
    this.#writeEqual(index, fields, where, low, false);
    const last = where[fields[fields.length - 1].name];
    const span = { index, low: low.view(), high: behind(low, last), isValue: true };
    return this.#take(span, limit, false);
  }

  /**
   * The one value whose fields are equal to these, undefined when there is none.
   *
   * @throws {CollectionError} NOT_UNIQUE when there are several; and as {@linkcode Collection.find}.
   */
  findOne(where: Where): Found<T, Id> | undefined {
    const found = this.find(where, { limit: 2 });
    if (found.length < 2) return found[0];
    const names = Object.keys(where).join(",");
    throw new CollectionError("NOT_UNIQUE", `Several keys have the same ${names}`);
  }

  /**
   * The values whose field lies between bounds, in its order. Without bounds all that have the field; with one, those of
   * the same kind: numbers for a number, texts for a text.
   *
   * @throws {CollectionError} NO_INDEX when no index has this field behind those of `where`, BUILDING before `ready`.
   */
  range(field: string, options: IndexRange = {}): Found<T, Id>[] {
    const { where = {}, limit = Infinity, desc = false } = options;
    const { index, fields } = this.#indexOf(Object.keys(where), field);
    const begin = new ByteBuffer();
    this.#writeEqual(index, fields.slice(0, -1), where, begin, true);
    const ranged = fields[fields.length - 1];
    const low = this.#lowBound(begin.view(), ranged, options);
    const high = this.#highBound(begin.view(), ranged, options);
    return this.#take({ index, low, high, isValue: false }, limit, desc);
  }

  /** A live value of this collection: as `Replica.live`, with the collection handed to the function. */
  live<U>(fn: (collection: this) => U, options?: LiveOptions<U>): Live<U> {
    return this.#parts.owner.live(() => fn(this), options);
  }

  /** How the indexes stand, and what they cost. */
  status(): CollectionStatus {
    const { pattern, reader, indexes, keeper } = this.#parts;
    const rows = keeper?.rows;
    let bytes = rows?.rowBytes ?? 0;
    const status: Record<string, IndexStatus> = {};
    indexes.forEach(({ name }, i) => {
      const own = rows?.indexBytes(i) ?? 0;
      bytes += own;
      status[name] = {
        rows: rows?.indexSize(i) ?? 0,
        bytes: own,
        duplicates: rows?.duplicates(i) ?? 0,
      };
    });
    return {
      pattern: pattern.text,
      db: reader.index,
      rows: rows?.size ?? 0,
      building: keeper?.building ?? false,
      bytes,
      indexes: status,
    };
  }

  /** Lets go of the indexes: `find` and `range` are refused from then on. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    const { keeper, owner } = this.#parts;
    if (keeper !== undefined) owner.forget(keeper);
  }

  #valueAt(key: Key): T | undefined {
    const { reader, type, read } = this.#parts;
    return reader.type(key) === type ? read(key) : undefined;
  }

  #idOf(key: Uint8Array): Id {
    return this.#parts.pattern.idOf(utf8(key, 0, key.length)) as string | readonly string[] as Id;
  }

  #count(): number {
    let count = 0;
    for (const _ of this.#scan()) count++;
    return count;
  }

  /** The keys, each once. */
  *#scan(): Generator<Uint8Array, void, undefined> {
    const { reader, pattern, type } = this.#parts;
    const seen = new Set<string>();
    for (const key of reader.scanBytes({ match: pattern.bytes, type })) {
      const name = latin1(key);
      if (!seen.has(name)) yield key;
      seen.add(name);
    }
  }

  /** The index that begins with these fields in any order and goes on with `ranged`. */
  #indexOf(
    names: readonly string[],
    ranged: string | undefined,
  ): { index: number; fields: readonly IndexField[] } {
    const { indexes } = this.#parts;
    const count = names.length + (ranged === undefined ? 0 : 1);
    const index = indexes.findIndex(({ fields }) =>
      fields.length >= count &&
      names.every((name) => fields.slice(0, names.length).some((field) => field.name === name)) &&
      (ranged === undefined || fields[names.length].name === ranged)
    );
    if (index >= 0 && count > 0) return { index, fields: indexes[index].fields.slice(0, count) };
    const wanted = [...names, ...ranged === undefined ? [] : [ranged]].join(",");
    const known = indexes.map(({ name }) => `"${name}"`).join(", ");
    throw new CollectionError(
      "NO_INDEX",
      `No index of "${this.#parts.pattern.text}" answers "${wanted}": there are ${known || "none"}`,
    );
  }

  /** Writes what the first fields of an index are equal to. */
  #writeEqual(
    index: number,
    fields: readonly IndexField[],
    where: Where,
    out: ByteBuffer,
    followed: boolean,
  ): void {
    fields.forEach((field, i) => {
      const value = where[field.name];
      this.#parts.rows.compare(field, value, out);
      if (typeof value !== "number" || (i === fields.length - 1 && !followed)) return;
      // Rows that spell the number in other ways lie elsewhere, each with its own order of what follows.
      const begin = out.view();
      const { rows } = this.#keeper();
      const before = join(begin, Tag.SPELLED);
      const after = join(begin, BEHIND);
      const others = rows.countBelow(index, after, 0, after.length) -
        rows.countBelow(index, before, 0, before.length);
      if (others === 0) return;
      throw new CollectionError(
        "AMBIGUOUS",
        `"${field.name}" holds texts that spell ${value} in several ways: give it a type`,
      );
    });
  }

  #lowBound(begin: Uint8Array, field: IndexField, { gt, gte, lt, lte }: IndexRange): Uint8Array {
    const bound = gte ?? gt;
    const other = lte ?? lt;
    if (bound === undefined && other === undefined) return join(begin, Tag.MISSING + 1);
    const out = new ByteBuffer();
    out.writeBytes(begin);
    this.#parts.rows.compare(field, bound ?? other, out);
    if (bound === undefined) return out.toBytes().slice(0, begin.length + 1);
    return gte === undefined ? behind(out, bound) : out.toBytes();
  }

  #highBound(begin: Uint8Array, field: IndexField, { gt, gte, lt, lte }: IndexRange): Uint8Array {
    const bound = lte ?? lt;
    const other = gte ?? gt;
    if (bound === undefined && other === undefined) return join(begin, BEHIND);
    const out = new ByteBuffer();
    out.writeBytes(begin);
    this.#parts.rows.compare(field, bound ?? other, out);
    if (bound === undefined) return join(begin, out.bytes[begin.length] + 1);
    return lte === undefined ? out.toBytes() : behind(out, bound);
  }

  /** Throws as every read does while there is no data, or while it is too old. */
  #refuse(): void {
    const { refusal } = this.#parts.source;
    if (refusal !== undefined) throw refusal();
  }

  /** The keeper of complete rows. @throws {CollectionError} BUILDING while they are not, DISPOSED at the end. */
  #keeper(): IndexKeeper {
    const { keeper, pattern } = this.#parts;
    this.#refuse();
    if (this.#disposed || keeper === undefined || this.#parts.owner.closed) {
      throw new CollectionError("DISPOSED", `The indexes of "${pattern.text}" are gone`);
    }
    if (keeper.failure !== undefined) {
      const what = `The indexes of "${pattern.text}" cannot be kept: ${keeper.failure.message}`;
      throw new CollectionError("FAILED", what, { cause: keeper.failure });
    }
    if (keeper.building) {
      throw new CollectionError(
        "BUILDING",
        `The indexes of "${pattern.text}" are being built: wait for ready`,
      );
    }
    return keeper;
  }

  /** The first values of a span, or the last ones. */
  #take({ index, low, high, isValue }: Span, limit: number, desc: boolean): Found<T, Id>[] {
    if (!(limit >= 0)) throw new RangeError("limit must be a number, 0 or more");
    const { rows, topics } = this.#keeper();
    this.#parts.owner.depend(() =>
      isValue ? topics.value(index, low) : topics.range(index, low, high)
    );
    const first = rows.countBelow(index, low, 0, low.length);
    const end = rows.countBelow(index, high, 0, high.length);
    const found: Found<T, Id>[] = [];
    for (let done = 0; done < end - first && found.length < limit;) {
      const count = Math.min(end - first - done, BATCH);
      const keys: Uint8Array[] = [];
      const rank = desc ? end - 1 - done : first + done;
      rows.each(index, rank, count, desc, (b, s, e) => void keys.push(this.#keyOf(b, s, e)));
      done += count;
      for (const key of keys) {
        if (found.length >= limit) break;
        const value = this.#holds(key, index, low, high) ? this.#valueAt(key) : undefined;
        if (value !== undefined) found.push({ id: this.#idOf(key), value });
      }
    }
    return found;
  }

  #keyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
    const { prefix, suffix } = this.#parts.pattern;
    const key = new Uint8Array(prefix.length + end - start + suffix.length);
    key.set(prefix);
    copyBytes(key, prefix.length, bytes, start, end);
    key.set(suffix, key.length - suffix.length);
    return key;
  }

  /** Whether a row is still in a span, where fields may have expired that the master has not deleted yet. */
  #holds(key: Uint8Array, index: number, low: Uint8Array, high: Uint8Array): boolean {
    const { source, reader, rows } = this.#parts;
    const db = source.keyspace.peek(reader.index);
    const entry = db?.find(key, 0, key.length) ?? 0;
    if (db === undefined || entry === 0 || db.typeOf(entry) !== rows.type) return false;
    if (!rows.fades(db, entry)) return true;
    const keys = this.#keys;
    rows.read(db, entry, source.clock.now(), keys);
    const start = index === 0 ? 0 : keys.ends[index - 1];
    const end = keys.ends[index];
    const own = keys.bytes.bytes;
    return start < end && compareBytes(own, start, end, low, 0, low.length) >= 0 &&
      compareBytes(own, start, end, high, 0, high.length) < 0;
  }
}

function join(bytes: Uint8Array, byte: number): Uint8Array {
  const joined = new Uint8Array(bytes.length + 1);
  joined.set(bytes);
  joined[bytes.length] = byte;
  return joined;
}

/** Behind every row that begins with a key: a number stands for all of its spellings, a text for itself. */
function behind(key: ByteBuffer, value: unknown): Uint8Array {
  return join(key.view(), typeof value === "number" ? BEHIND : Tag.SPELLED);
}

/**
 * From a stored value to the sort keys of its row, and from what an application asks for to sort keys that it is compared
 * with.
 *
 * @module
 */

import { encodeUtf8 } from "../base/ascii.ts";
import { ByteBuffer, BytesRef } from "../base/byte_buffer.ts";
import type { Database } from "../store/keyspace/database.ts";
import { type Entry, NO_EXPIRY, ValueType } from "../store/memory/record.ts";
import { FieldCursor, hashFind, hashHasExpiries } from "../store/types/hash.ts";
import { readString } from "../store/types/string.ts";
import type { IndexField, IndexShape } from "./collection_shape.ts";
import {
  numberOf,
  Tag,
  writeBigInt,
  writeBoolean,
  writeField,
  writeMissing,
  writeNumber,
  writeText,
} from "./index_key.ts";
import type { SortKeys } from "./index_rows.ts";

/** What a field may be compared with. */
export type Comparable = string | number | bigint | boolean | Date;

/** Reads values of one type for the rows of a collection. */
export interface IndexSource {
  /** The type of value that has a row. */
  readonly type: ValueType;
  /**
   * Writes the sort keys of an entry of this type. A value that cannot be read has none.
   *
   * @param nowMs Fields that expire before this time count as missing; -Infinity for none.
   */
  read(db: Database, entry: Entry, nowMs: number, out: SortKeys): void;
  /** Whether fields of the entry disappear by time, before the master deletes them. */
  fades(db: Database, entry: Entry): boolean;
  /** Writes what a field is compared with. @throws {TypeError} When nothing can be compared with it. */
  compare(field: IndexField, value: unknown, out: ByteBuffer): void;
}

/** Makes sort keys for some indexes, used again for each row. */
export function newSortKeys(indexes: readonly IndexShape[]): SortKeys {
  return { bytes: new ByteBuffer(), ends: new Int32Array(indexes.length) };
}

/** Writes each index's key by means of `write`; one whose fields are all missing stays empty. */
function writeKeys(
  indexes: readonly IndexShape[],
  out: SortKeys,
  write: (field: IndexField) => void,
): void {
  const { bytes, ends } = out;
  bytes.clear();
  for (let i = 0; i < indexes.length; i++) {
    const start = bytes.length;
    const { fields } = indexes[i];
    let present = false;
    for (let k = 0; k < fields.length; k++) {
      const at = bytes.length;
      write(fields[k]);
      present ||= bytes.bytes[at] !== Tag.MISSING;
    }
    if (!present) bytes.length = start;
    ends[i] = bytes.length;
  }
}

/** Rows of hashes: their fields are texts, read without being decoded. */
export class HashSource implements IndexSource {
  readonly type: ValueType = ValueType.HASH;
  readonly #indexes: readonly IndexShape[];
  readonly #cursor: FieldCursor = new FieldCursor();

  /** Reads the fields of these indexes. */
  constructor(indexes: readonly IndexShape[]) {
    this.#indexes = indexes;
  }

  read(db: Database, entry: Entry, nowMs: number, out: SortKeys): void {
    const cursor = this.#cursor;
    writeKeys(this.#indexes, out, ({ bytes, type }) => {
      const found = hashFind(db, entry, bytes, 0, bytes.length, cursor) &&
        (cursor.expireAtMs === NO_EXPIRY || cursor.expireAtMs >= nowMs);
      if (!found) return writeMissing(out.bytes);
      const { value } = cursor;
      writeField(out.bytes, type, value.bytes, value.start, value.end);
    });
  }

  fades(db: Database, entry: Entry): boolean {
    return hashHasExpiries(db, entry);
  }

  compare({ name, type }: IndexField, value: unknown, out: ByteBuffer): void {
    if (typeof value === "number" && type !== "string") {
      if (Number.isNaN(value)) throw new TypeError(`"${name}" cannot be compared with NaN`);
      return writeNumber(out, value);
    }
    if (!["string", "number", "bigint", "boolean"].includes(typeof value)) {
      throw new TypeError(`"${name}" is compared with a text or a number`);
    }
    const bytes = encodeUtf8(String(value));
    const at = out.length;
    writeField(out, type, bytes, 0, bytes.length);
    if (out.bytes[at] === Tag.MISSING) throw new TypeError(`"${name}" is compared with a number`);
  }
}

/** Makes a value of bytes `[start, end)`, which are borrowed. */
export type DecodeBorrowed = (bytes: Uint8Array, start: number, end: number) => unknown;

/** Rows of strings, decoded to objects whose properties have types of their own. */
export class DecodedSource implements IndexSource {
  readonly type: ValueType = ValueType.STRING;
  /** How many times a value could not be decoded. */
  failures: number = 0;
  readonly #indexes: readonly IndexShape[];
  readonly #decode: DecodeBorrowed;
  readonly #ref: BytesRef = new BytesRef();

  /** Reads the properties of these indexes. @param decode Makes an object of a string's bytes, which are borrowed. */
  constructor(indexes: readonly IndexShape[], decode: DecodeBorrowed) {
    this.#indexes = indexes;
    this.#decode = decode;
  }

  read(db: Database, entry: Entry, _nowMs: number, out: SortKeys): void {
    const ref = this.#ref;
    readString(db, entry, ref);
    let object: unknown;
    try {
      object = this.#decode(ref.bytes, ref.start, ref.end);
    } catch {
      // Whoever reads the value gets the error.
      this.failures++;
    }
    writeKeys(
      this.#indexes,
      out,
      ({ name, type }) => writeValue(out.bytes, this.#property(object, name), type),
    );
  }

  /** A property of a decoded value, which may be code of the application. */
  #property(object: unknown, name: string): unknown {
    try {
      return propertyOf(object, name);
    } catch {
      this.failures++;
      return undefined;
    }
  }

  fades(): boolean {
    return false;
  }

  compare({ name, type }: IndexField, value: unknown, out: ByteBuffer): void {
    const at = out.length;
    writeValue(out, value, type);
    if (out.bytes[at] === Tag.MISSING) {
      throw new TypeError(`"${name}" is compared with a text, a number, a boolean or a date`);
    }
  }
}

/** The property of this name or, where there is none, the one that a path with dots leads to. */
function propertyOf(object: unknown, name: string): unknown {
  if (typeof object !== "object" || object === null) return undefined;
  if (Object.hasOwn(object, name)) return (object as Record<string, unknown>)[name];
  const dot = name.indexOf(".");
  if (dot < 0) return undefined;
  return propertyOf((object as Record<string, unknown>)[name.slice(0, dot)], name.slice(dot + 1));
}

/** Appends a value of a decoded object; what has no order is missing. */
function writeValue(out: ByteBuffer, value: unknown, type: IndexField["type"]): void {
  if (value instanceof Date) return writeNumber(out, value.getTime());
  switch (typeof value) {
    case "boolean":
      return writeBoolean(out, value);
    case "number":
      if (type !== "string") return writeNumber(out, value);
      break;
    case "bigint":
      if (type !== "string") return writeBigInt(out, value);
      break;
    case "string":
      if (type === "number") return writeNumber(out, numberOf(value));
      break;
    default:
      return writeMissing(out);
  }
  const bytes = encodeUtf8(String(value));
  writeText(out, bytes, 0, bytes.length);
}

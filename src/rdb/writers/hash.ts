/**
 * Hashes as they are written: a listpack where the version has that form, else field by field.
 * Expiries of fields are written from version 12 on, and to Valkey in its own form; lower versions
 * have no place for them, and there the fields never expire. The layouts are drawn in
 * `elements/hash.ts`.
 *
 * @module
 */

import type { Database } from "../../store/keyspace/database.ts";
import { Encoding, type Entry, NO_EXPIRY } from "../../store/memory/record.ts";
import {
  hashEach,
  hashEarliestExpiry,
  hashHasExpiries,
  hashLength,
} from "../../store/types/hash.ts";
import { fitsTriple, MAX_FIELD_EXPIRY } from "../../store/types/hash_listpack.ts";
import { type FieldVisitor, type HashTable, hashTableOf } from "../../store/types/hash_table.ts";
import { Type } from "../format/opcodes.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import {
  FIRST_FIELD_EXPIRY_VERSION,
  FIRST_LISTPACK_VERSION,
  FIRST_VALKEY_VERSION,
  type SnapshotVersion,
} from "../format/version.ts";
import { type ValueRest, type ValueWriter, writeBeginning, writeBlob } from "./writer.ts";

/** Fields of a table that are still to be written. */
class FieldsRest implements ValueRest {
  readonly #table: HashTable;
  readonly #type: number;
  readonly #base: number;
  #cursor: number = 0;

  constructor(table: HashTable, type: number, base: number) {
    this.#table = table;
    this.#type = type;
    this.#base = base;
  }

  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    const enough = writer.out.length + budgetBytes;
    const visit = fieldWriter(writer, this.#type, this.#base);
    const { fields } = this.#table;
    const write = (entry: Entry) => this.#table.visit(entry, visit);
    do {
      this.#cursor = fields.scan(this.#cursor, write);
    } while (this.#cursor !== 0 && writer.out.length < enough);
    return this.#cursor !== 0;
  }
}

/** Writes hashes: a listpack as it is where the version knows it, else every field. */
export const hashWriter: ValueWriter = {
  typeOf,
  write(writer, db, entry, version) {
    const type = typeOf(db, entry, version);
    const hasBase = type === Type.HASH_METADATA || type === Type.HASH_LISTPACK_EX;
    // A LISTPACK_EX whose fields have all lost their expiry answers -1: it is written as 0.
    const earliest = hasBase ? Math.max(hashEarliestExpiry(db, entry), 0) : 0;
    const base = Math.min(earliest, MAX_FIELD_EXPIRY);
    if (hasBase) writer.int64(base);
    const table = hashTableOf(db, entry);
    if (table !== undefined) {
      writer.length(table.size);
      return writeBeginning(writer, new FieldsRest(table, type, base));
    }
    if (type === Type.HASH_LISTPACK || type === Type.HASH_LISTPACK_EX) {
      return writeBlob(writer, db, entry);
    }
    writer.length(hashLength(db, entry));
    hashEach(db, entry, fieldWriter(writer, type, base));
    return undefined;
  },
};

function typeOf(db: Database, entry: Entry, version: SnapshotVersion): number {
  const encoding = db.encodingOf(entry);
  if (encoding !== Encoding.HASHTABLE) return packedType(encoding, version);
  if (version < FIRST_FIELD_EXPIRY_VERSION || !hashHasExpiries(db, entry)) return Type.HASH;
  return version >= FIRST_VALKEY_VERSION ? Type.VALKEY_HASH_2 : Type.HASH_METADATA;
}

function packedType(encoding: Encoding, version: SnapshotVersion): number {
  if (version < FIRST_LISTPACK_VERSION) return Type.HASH;
  if (encoding === Encoding.LISTPACK) return Type.HASH_LISTPACK;
  if (version < FIRST_FIELD_EXPIRY_VERSION) return Type.HASH;
  return version >= FIRST_VALKEY_VERSION ? Type.VALKEY_HASH_2 : Type.HASH_LISTPACK_EX;
}

/**
 * Writes one field in the form of a type.
 *
 * @param base The expiry that METADATA counts from: the earliest of all, so that no ttl is below 1.
 */
function fieldWriter(writer: RecordWriter, type: number, base: number): FieldVisitor {
  return (field, fieldStart, fieldEnd, value, start, end, at) => {
    if (type === Type.HASH_METADATA) {
      writer.length(at === NO_EXPIRY ? 0 : (fitsTriple(at) ? at : MAX_FIELD_EXPIRY) - base + 1);
    }
    writer.string(field, fieldStart, fieldEnd);
    writer.string(value, start, end);
    if (type === Type.VALKEY_HASH_2) writer.expiryTime(at);
  };
}

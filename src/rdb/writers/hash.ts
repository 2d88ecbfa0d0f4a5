/**
 * Hashes, written: a listpack where the version has one, else field by field. Expiries of fields are
 * written from version 12 on, and to Valkey in its own form; versions below have no place for them.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import {
  hashEach,
  hashEarliestExpiry,
  hashHasExpiries,
  hashLength,
} from "../../store/types/hash.ts";
import { type FieldVisitor, type HashTable, hashTableOf } from "../../store/types/hash_table.ts";
import type { Database } from "../../store/keyspace/database.ts";
import { Encoding, type Entry, NO_EXPIRY } from "../../store/memory/record.ts";
import { FIRST_VALKEY_VERSION, Type } from "../format/opcodes.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import type { SnapshotVersion, ValueRest, ValueWriter } from "./writer.ts";

/** From this version on there is HASH_LISTPACK. */
const FIRST_LISTPACK_VERSION = 10;
/** From this version on fields may expire. */
const FIRST_EXPIRY_VERSION = 12;
/** What is written at once before the rest of a hash is left for later. */
const FIRST_BYTES = 64 * 1024;

const TWO_32 = 4294967296;

const blob = new BytesRef();
const int64 = new Uint8Array(8);
const int64View = new DataView(int64.buffer);

function typeOf(db: Database, entry: Entry, version: SnapshotVersion): number {
  const encoding = db.encodingOf(entry);
  if (encoding !== Encoding.HASHTABLE) return packedType(encoding, version);
  if (version < FIRST_EXPIRY_VERSION || !hashHasExpiries(db, entry)) return Type.HASH;
  return version >= FIRST_VALKEY_VERSION ? Type.VALKEY_HASH_2 : Type.HASH_METADATA;
}

function packedType(encoding: Encoding, version: SnapshotVersion): number {
  if (version < FIRST_LISTPACK_VERSION) return Type.HASH;
  if (encoding === Encoding.LISTPACK) return Type.HASH_LISTPACK;
  if (version < FIRST_EXPIRY_VERSION) return Type.HASH;
  return version >= FIRST_VALKEY_VERSION ? Type.VALKEY_HASH_2 : Type.HASH_LISTPACK_EX;
}

function writeInt64(writer: RecordWriter, value: number): void {
  int64View.setUint32(0, value >>> 0, true);
  int64View.setInt32(4, Math.floor(value / TWO_32), true);
  writer.out.writeBytes(int64, 0, 8);
}

/** Writes one field in the form of a type. @param base What METADATA counts expiries from. */
function fieldWriter(writer: RecordWriter, type: number, base: number): FieldVisitor {
  return (field, fieldStart, fieldEnd, value, start, end, at) => {
    if (type === Type.HASH_METADATA) writer.length(at === NO_EXPIRY ? 0 : at - base + 1);
    writer.string(field, fieldStart, fieldEnd);
    writer.string(value, start, end);
    if (type === Type.VALKEY_HASH_2) writeInt64(writer, at);
  };
}

/** Fields still to be written. */
class FieldsRest implements ValueRest {
  readonly #large: HashTable;
  readonly #type: number;
  readonly #base: number;
  #cursor: number = 0;

  constructor(large: HashTable, type: number, base: number) {
    this.#large = large;
    this.#type = type;
    this.#base = base;
  }

  writeOn(writer: RecordWriter, budgetBytes: number): boolean {
    const enough = writer.out.length + budgetBytes;
    const visit = fieldWriter(writer, this.#type, this.#base);
    const { fields } = this.#large;
    const look = (entry: Entry) => this.#large.visit(entry, visit);
    do {
      this.#cursor = fields.scan(this.#cursor, look);
    } while (this.#cursor !== 0 && writer.out.length < enough);
    return this.#cursor !== 0;
  }
}

/** Every hash, whatever its encoding. */
export const hashWriter: ValueWriter = {
  typeOf,
  write(writer, db, entry, version) {
    const type = typeOf(db, entry, version);
    const hasMinimum = type === Type.HASH_METADATA || type === Type.HASH_LISTPACK_EX;
    // A listpack may have lost the last of its expiries.
    const base = hasMinimum ? Math.max(hashEarliestExpiry(db, entry), 0) : 0;
    if (hasMinimum) writeInt64(writer, base);
    const large = hashTableOf(db, entry);
    if (large !== undefined) {
      writer.length(large.size);
      const rest = new FieldsRest(large, type, base);
      return rest.writeOn(writer, FIRST_BYTES) ? rest : undefined;
    }
    if (type === Type.HASH_LISTPACK || type === Type.HASH_LISTPACK_EX) {
      db.valueRef(entry, blob);
      writer.string(blob.bytes, blob.start, blob.end);
      return undefined;
    }
    writer.length(hashLength(db, entry));
    hashEach(db, entry, fieldWriter(writer, type, base));
    return undefined;
  },
};

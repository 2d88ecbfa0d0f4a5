/**
 * What a value's writer is, and what all of them share.
 *
 * A small value is written whole. A large one is written up to a budget of bytes, and the rest is
 * left to a `ValueRest`, which the encoder asks for more in later slices, so that a value of a
 * gigabyte does not stop the event loop. Meanwhile other keys may change and move in memory; the
 * value itself must not change, and the encoder's copy-on-write hook finishes it before a command
 * changes it.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Entry } from "../../store/memory/record.ts";
import type { RecordWriter } from "../format/record_writer.ts";
import type { SnapshotVersion } from "../format/version.ts";

/** Bytes of a large value that are written at once, before the rest is left for later slices. */
const FIRST_BYTES = 64 * 1024;

const blob = new BytesRef();

/** The rest of a large value. It holds the value itself and not the entry, which may move. */
export interface ValueRest {
  /**
   * Writes about `budgetBytes` more; false once the value is whole. Must not be called after that.
   */
  writeOn(writer: RecordWriter, budgetBytes: number): boolean;
}

/** Writes the values of one type, each in the form that a version has for it. */
export interface ValueWriter {
  /** The type byte under which an entry's value is written. */
  typeOf(db: Database, entry: Entry, version: SnapshotVersion): number;
  /** Writes all that follows the key, or the beginning of it: then the rest is returned. */
  write(
    writer: RecordWriter,
    db: Database,
    entry: Entry,
    version: SnapshotVersion,
  ): ValueRest | undefined;
}

/**
 * Writes the beginning of a large value; the rest is returned, undefined when that was all of it.
 */
export function writeBeginning(writer: RecordWriter, rest: ValueRest): ValueRest | undefined {
  return rest.writeOn(writer, FIRST_BYTES) ? rest : undefined;
}

/** Writes all of a value. */
export function writeAll(writer: RecordWriter, rest: ValueRest | undefined): void {
  while (rest?.writeOn(writer, FIRST_BYTES));
}

/** Writes the run of bytes that an entry's record holds, as it is. */
export function writeBlob(writer: RecordWriter, db: Database, entry: Entry): undefined {
  db.valueRef(entry, blob);
  writer.string(blob.bytes, blob.start, blob.end);
}

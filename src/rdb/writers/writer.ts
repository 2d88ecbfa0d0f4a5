/**
 * What a value's writer is.
 *
 * @module
 */

import type { Database } from "../../store/keyspace/database.ts";
import type { Entry } from "../../store/memory/record.ts";
import type { RecordWriter } from "../format/record_writer.ts";

/** Versions that can be written, all of them with checksum and auxiliary fields. */
export type SnapshotVersion = 9 | 10 | 11 | 12 | 80;

/**
 * The rest of a large value. The value must not change until it is whole, but its entry may move: what is
 * held here is the value itself.
 */
export interface ValueRest {
  /** Writes about `budgetBytes` more; false once the value is whole. */
  writeOn(writer: RecordWriter, budgetBytes: number): boolean;
}

/** Writes the values of one type, each in the form that a version has for it. */
export interface ValueWriter {
  /** The type byte an entry's value is written under. */
  typeOf(db: Database, entry: Entry, version: SnapshotVersion): number;
  /** Writes a value, or its beginning: then the rest is returned. */
  write(
    writer: RecordWriter,
    db: Database,
    entry: Entry,
    version: SnapshotVersion,
  ): ValueRest | undefined;
}

/** The version that a Redis server of version "7.0.15" and so on writes; development versions the last. */
export function snapshotVersionOf(redisVersion: string): SnapshotVersion {
  const [major, minor] = redisVersion.split(".").map(Number);
  if (major < 7) return 9;
  if (major > 7 || minor >= 4) return 12;
  return minor >= 2 ? 11 : 10;
}

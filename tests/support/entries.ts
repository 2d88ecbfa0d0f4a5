/**
 * Every key of a keyspace, as it physically is: what has expired and what a cluster slot hides are there, too.
 *
 * @module
 */

import { BytesRef } from "../../src/base/byte_buffer.ts";
import type { Database } from "../../src/store/keyspace/database.ts";
import type { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import type { Entry } from "../../src/store/memory/record.ts";

/** One key. What the reference points at is valid during the visit only. */
export interface Found {
  /** Number of the database. */
  readonly index: number;
  /** The database itself. */
  readonly db: Database;
  /** The key's record. */
  readonly entry: Entry;
  /** The key's bytes. */
  readonly key: BytesRef;
}

/** Visits every key of every database; a visit must not write. */
export function eachKey(keyspace: Keyspace, visit: (found: Found) => void): void {
  const key = new BytesRef();
  for (const index of keyspace.indexes()) {
    const db = keyspace.db(index);
    let cursor = 0;
    do {
      cursor = db.scan(cursor, (entry) => {
        db.keyRef(entry, key);
        visit({ index, db, entry, key });
      });
    } while (cursor !== 0);
  }
}

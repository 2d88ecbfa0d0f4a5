/**
 * Active expiry, where no master does it for us: keys that have expired are deleted even if nobody asks for them, a
 * few at a time, ten times a second, round and round through every database.
 *
 * Redis samples keys at random (expire.c, activeExpireCycle); a walk with SCAN's cursor finds every key within
 * a bounded time instead, which tests can wait for.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import { isExpired } from "../memory/expiry.ts";
import type { Entry } from "../memory/record.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

/** Milliseconds between two rounds: server.c, `hz 10`. */
export const EXPIRY_ROUND_MS = 100;

/** Steps of SCAN in one round over all databases: bounds what one round costs. */
const STEPS_PER_ROUND = 400;

/** Deletes a key that has expired, a copy of it, and says whether it was there. */
export type DeleteExpired = (dbIndex: number, key: Uint8Array) => boolean;

/** Finds what has expired, and remembers where in each database it stopped. */
export class ActiveExpiry {
  readonly #keyspace: Keyspace;
  readonly #delete: DeleteExpired;
  readonly #cursors: Map<number, number> = new Map();
  readonly #ref: BytesRef = new BytesRef();

  /** Deletes nothing yet. @param keyspace Where to look. @param deleteExpired Called with each key that has expired. */
  constructor(keyspace: Keyspace, deleteExpired: DeleteExpired) {
    this.#keyspace = keyspace;
    this.#delete = deleteExpired;
  }

  /** Runs one round. Returns how many keys it deleted. */
  run(nowMs: number): number {
    const indexes = this.#keyspace.indexes();
    let deleted = 0;
    for (const index of indexes) {
      const db = this.#keyspace.db(index);
      if (db.expiresCount === 0) continue;
      deleted += this.#runDb(index, db, nowMs, Math.ceil(STEPS_PER_ROUND / indexes.length));
    }
    return deleted;
  }

  /**
   * Entries are valid until the next write only, so the keys of all steps are copied before any is deleted.
   */
  #runDb(index: number, db: Database, nowMs: number, steps: number): number {
    const due: Uint8Array[] = [];
    const visit = (entry: Entry) => {
      if (!isExpired(db.expireAtMs(entry), nowMs)) return;
      db.keyRef(entry, this.#ref);
      due.push(this.#ref.bytes.slice(this.#ref.start, this.#ref.end));
    };
    let cursor = this.#cursors.get(index) ?? 0;
    for (let i = 0; i < steps; i++) {
      cursor = db.scan(cursor, visit);
      if (cursor === 0) break;
    }
    this.#cursors.set(index, cursor);
    let deleted = 0;
    for (const key of due) {
      // SCAN may show a key twice while the table is resized.
      if (this.#delete(index, key)) deleted++;
    }
    return deleted;
  }
}

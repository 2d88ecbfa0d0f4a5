/**
 * Keys whose time is over are deleted even if nobody asks for them: a little at a time, a few times a
 * second, round and round through every database.
 *
 * @module
 */

import { BytesRef } from "../base/byte_buffer.ts";
import type { Database } from "../store/keyspace/database.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { type Entry, NO_EXPIRY } from "../store/memory/record.ts";

/** Steps of SCAN in one round, shared by all databases: bounds what one round costs. */
const STEPS_PER_ROUND = 400;

/** Gets every key deleted, after its deletion. */
export type OnExpired = (dbIndex: number, key: Uint8Array) => void;

/** See the module's text. */
export class ActiveExpiry {
  readonly #keyspace: Keyspace;
  readonly #onExpired: OnExpired;
  readonly #cursors: Map<number, number> = new Map();
  readonly #ref: BytesRef = new BytesRef();

  /** @param keyspace What is looked through. @param onExpired Gets every key deleted. */
  constructor(keyspace: Keyspace, onExpired: OnExpired) {
    this.#keyspace = keyspace;
    this.#onExpired = onExpired;
  }

  /** One round; how many keys it deleted. */
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

  /** Entries are only valid until the next write: each step's keys are copied before any is deleted. */
  #runDb(index: number, db: Database, nowMs: number, steps: number): number {
    const due: Uint8Array[] = [];
    const visit = (entry: Entry) => {
      const at = db.expireAtMs(entry);
      if (at === NO_EXPIRY || at >= nowMs) return;
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
      // SCAN may show a key twice while the table grows.
      if (!db.remove(key, 0, key.length)) continue;
      deleted++;
      this.#onExpired(index, key);
    }
    return deleted;
  }
}

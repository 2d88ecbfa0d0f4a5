/**
 * A map that is kept only from a feed, and what it should hold: the data as typed reads give it.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Batch, ChangesOptions, FeedType, FeedValue, Replica } from "../../../mod.ts";
import { globMatch } from "../../../src/base/glob.ts";

/** Databases that are followed by "all". */
export const DATABASES: readonly number[] = [0, 1, 2];

/** A key's type, value and expiry, by "db:key". */
export type Data = Map<string, { readonly text: string; readonly expireAtMs: number | undefined }>;

/** A value as text that does not depend on the order of what has none. */
function textOf(type: string, value: FeedValue | 0): string {
  if (type === "set" && Array.isArray(value)) return `set ${JSON.stringify([...value].sort())}`;
  if (type === "hash") return `hash ${JSON.stringify(Object.entries(value ?? {}).sort())}`;
  return `${type} ${JSON.stringify(value)}`;
}

/** What is kept from the batches of one feed. */
export class Follower {
  readonly options: ChangesOptions;
  readonly data: Data = new Map();
  token: string | undefined = undefined;
  inSnapshot: boolean = false;
  /** Whether the map is promised to be the data: not after a mark of loss, before the next snapshot. */
  isWhole: boolean = false;
  closed: boolean = false;
  batches: number = 0;

  constructor(options: ChangesOptions) {
    this.options = options;
  }

  get followed(): readonly number[] {
    return this.options.databases === "all" ? DATABASES : [0];
  }

  apply(batch: Batch): void {
    this.batches++;
    if (batch.control === "lagged") this.isWhole = false;
    if (batch.control === "snapshot-begin") {
      this.inSnapshot = true;
      if (batch.whole) this.data.clear();
      if (batch.whole) this.isWhole = true;
    }
    if (batch.control === "snapshot-end") this.inSnapshot = false;
    assert.ok(!this.inSnapshot || batch.token === undefined, "no token inside a snapshot");
    if (batch.token !== undefined) this.token = batch.token;
    for (const change of batch.changes) this.#change(change);
    if (!this.inSnapshot && this.isWhole) this.#checkPairs();
  }

  #change(change: Batch["changes"][number]): void {
    const { data, options } = this;
    if (change.kind === "flush") {
      for (const name of [...data.keys()]) {
        if (change.db === undefined || name.startsWith(`${change.db}:`)) data.delete(name);
      }
    } else if (change.kind === "swap") {
      const all = [...data];
      data.clear();
      for (const [name, value] of all) {
        const db = Number(name[0]);
        const now = db === change.db ? change.with : db === change.with ? change.db : db;
        data.set(now + name.slice(1), value);
      }
    } else if (change.kind === "delete") {
      data.delete(`${change.db}:${change.key}`);
    } else {
      const value = options.values === "none" ? 0 : change.value;
      data.set(`${change.db}:${change.key}`, {
        text: textOf(change.type, value),
        expireAtMs: change.expireAtMs,
      });
    }
  }

  /** Two keys change in one transaction alone. */
  #checkPairs(): void {
    for (const db of this.followed) {
      assert.equal(
        this.data.get(`${db}:pair:a`)?.text,
        this.data.get(`${db}:pair:b`)?.text,
        `half of a transaction, ${JSON.stringify(this.options)}`,
      );
    }
  }
}

/** What is kept, without what reads hide because its time has come. */
export function visibleOf(data: Data, nowMs: number): string[] {
  return [...data]
    .filter(([, { expireAtMs }]) => expireAtMs === undefined || expireAtMs >= nowMs)
    .map(([name, { text, expireAtMs }]) => `${name} ${text} ${expireAtMs}`).sort();
}

/** What typed reads give of all that a feed with these options follows. */
export function wantedOf(replica: Replica, options: ChangesOptions): string[] {
  const { databases, match, types, values } = options;
  const rows: string[] = [];
  for (const index of databases === "all" ? DATABASES : [0]) {
    const db = replica.db(index);
    for (const key of db.keys("*")) {
      const type = db.type(key);
      // Its time has come since the keys were listed.
      if (type === undefined) continue;
      if (types !== undefined && !types.includes(type as FeedType)) continue;
      if (match !== undefined && !fits(match as string[], key)) continue;
      const at = db.pexpiretime(key);
      const value = values === "none" ? 0 : READS[type](replica, index, key);
      rows.push(`${index}:${key} ${textOf(type, value)} ${at === -1 ? undefined : at}`);
    }
  }
  return rows.sort();
}

const READS: Readonly<Record<string, (replica: Replica, db: number, key: string) => FeedValue>> = {
  string: (replica, db, key) => replica.db(db).get(key),
  hash: (replica, db, key) => replica.db(db).hgetall(key),
  list: (replica, db, key) => replica.db(db).lrange(key, 0, -1),
  set: (replica, db, key) => replica.db(db).smembers(key),
  zset: (replica, db, key) => replica.db(db).zrange(key, 0, -1, { withScores: true }),
  stream: (replica, db, key) => replica.db(db).xrange(key),
};

function fits(patterns: readonly string[], key: string): boolean {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(key);
  return patterns.some((pattern) => globMatch(encoder.encode(pattern), bytes, 0, bytes.length));
}

/**
 * Data that changes commit by commit, without a replica around it: what the parts of `feed/` are tested with.
 *
 * @module
 */

import { encodeUtf8 } from "../../src/base/ascii.ts";
import { Commits, type WholeChange } from "../../src/commands/engine/commit.ts";
import type { Logger } from "../../src/base/logger.ts";
import type { ReaderSource } from "../../src/read/core.ts";
import { type Reader, textReader } from "../../src/read/reader.ts";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { Encoding, NO_EXPIRY, ValueType } from "../../src/store/memory/record.ts";
import {
  hashCreate,
  hashLength,
  hashRemove,
  hashSet,
  hashSetExpiry,
} from "../../src/store/types/hash.ts";
import { ManualClock } from "../support/clock.ts";

/** In which database a key is, and when it expires, in milliseconds since 1970. */
export interface Where {
  readonly db?: number;
  readonly expireAtMs?: number;
}

/** Keyspace, readers and commits of a replica that follows nobody. */
export class Rig {
  readonly clock: ManualClock = new ManualClock();
  readonly keyspace: Keyspace = new Keyspace({ random: () => 0.5 });
  /** What was logged as an error, and what listeners of commits threw. */
  readonly errors: string[] = [];
  readonly logger: Logger = {
    debug() {},
    info() {},
    warn: (text) => void this.errors.push(text),
    error: (text) => void this.errors.push(text),
  };
  readonly commits: Commits = new Commits(
    this.keyspace,
    (error) => void this.errors.push(String(error)),
  );
  /** The error that reads throw; undefined while they are answered. */
  refused: Error | undefined = undefined;
  readonly source: ReaderSource;
  readonly #readers: Map<number, Reader> = new Map();

  constructor() {
    const { keyspace, clock } = this;
    const refusal = () => this.refused === undefined ? undefined : () => this.refused!;
    this.source = {
      keyspace,
      clock,
      random: () => 0.5,
      get refusal() {
        return refusal();
      },
      call: () => null,
      callText: () => null,
    };
  }

  db(index: number): Reader {
    let reader = this.#readers.get(index);
    if (reader === undefined) this.#readers.set(index, reader = textReader(this.source, index));
    return reader;
  }

  get(key: string): string | undefined {
    return this.db(0).get(key);
  }

  /** Sets a string, in a commit of its own unless `commit` runs. */
  set(key: string, value: string, { db = 0, expireAtMs = NO_EXPIRY }: Where = {}): void {
    const name = encodeUtf8(key);
    const bytes = encodeUtf8(value);
    this.keyspace.db(db).setBlob(
      name,
      0,
      name.length,
      ValueType.STRING,
      Encoding.RAW,
      bytes,
      0,
      bytes.length,
      expireAtMs,
    );
    this.#touched(db, name);
  }

  /** Sets fields of a hash; undefined removes one. The key goes with its last field. */
  hset(key: string, fields: Record<string, string | undefined>, { db = 0 }: Where = {}): void {
    const name = encodeUtf8(key);
    const database = this.keyspace.db(db);
    let entry = database.find(name, 0, name.length);
    if (entry !== 0 && database.typeOf(entry) !== ValueType.HASH) entry = 0;
    if (entry === 0) entry = hashCreate(database, name, 0, name.length);
    for (const [field, value] of Object.entries(fields)) {
      const f = encodeUtf8(field);
      const v = encodeUtf8(value ?? "");
      entry = value === undefined
        ? hashRemove(database, entry, f, 0, f.length)
        : hashSet(database, entry, f, 0, f.length, v, 0, v.length, undefined);
    }
    if (hashLength(database, entry) === 0) database.removeEntry(entry);
    this.#touched(db, name);
  }

  /** Gives a field of a hash an expiry. */
  expireField(key: string, field: string, atMs: number): void {
    const [name, f] = [encodeUtf8(key), encodeUtf8(field)];
    const database = this.keyspace.db(0);
    hashSetExpiry(database, database.find(name, 0, name.length), f, 0, f.length, atMs);
    this.#touched(0, name);
  }

  del(key: string, { db = 0 }: Where = {}): void {
    const name = encodeUtf8(key);
    this.keyspace.db(db).remove(name, 0, name.length);
    this.#touched(db, name);
  }

  flush(db: number): void {
    if (db < 0) this.keyspace.clear();
    else this.keyspace.clearDb(db);
    this.changed({ kind: "flush", db });
  }

  swap(a: number, b: number): void {
    this.keyspace.swap(a, b);
    this.changed({ kind: "swap", a, b });
  }

  /** Tells that whole databases were changed. */
  changed(change: WholeChange): void {
    this.commits.changed(change);
    if (!this.#open) this.commits.end();
  }

  #open: boolean = false;

  /** Makes one commit of several changes. */
  commit(change: () => void): void {
    this.#open = true;
    change();
    this.#open = false;
    this.commits.end();
  }

  #touched(db: number, name: Uint8Array): void {
    this.commits.touched(db, name, 0, name.length);
    if (!this.#open) this.commits.end();
  }
}

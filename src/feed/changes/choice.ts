/**
 * From touched keys to changes, as one consumer wants them: which it follows, what is there, what was there.
 *
 * @module
 */

import { BytesRef } from "../../base/byte_buffer.ts";
import type { Commit, OnlyKey } from "../../commands/engine/commit.ts";
import type { TouchedKeys, WholeChange } from "../../commands/engine/touched_keys.ts";
import type { Value } from "../../read/codec.ts";
import type { Database } from "../../store/keyspace/database.ts";
import type { Keyspace } from "../../store/keyspace/keyspace.ts";
import type { FeedFilter } from "./filter.ts";
import { keyName, type OldState, type OldStates, oldValue } from "./old_states.ts";
import type { Change } from "./types.ts";
import { type FeedReads, visibleEntry } from "./values.ts";

const NO_CHANGES: readonly never[] = [];

const ref = new BytesRef();

/** Keys with their databases and commands; a commit is such a list. */
export type KeyList = Pick<Commit, "events" | "count" | "dbAt" | "keyAt" | "commandAt">;

/** The same, where all keys are followed and their hashes are known. */
export type HashedKeys = KeyList & Pick<TouchedKeys, "hashAt">;

/** States before a change, by the names of keys. */
export type Olds = Pick<OldStates, "get">;

/** What a consumer wants to know of each key. */
export interface ChoiceOptions<T extends Value> {
  /** Which databases, keys and types. */
  readonly filter: FeedFilter;
  /** Reads values in the consumer's form. */
  readonly reads: FeedReads<T>;
  /** Whether old values are kept as bytes: that is the form, or they are decoded. */
  readonly oldAsBytes: boolean;
  /** Whether changes carry values, and old ones. */
  readonly values: "none" | "new" | "both";
}

/** Chooses and describes for one consumer. */
export class Choice<T extends Value> {
  /** Whether states before a commit are needed: old values, or old types. */
  readonly wantsOld: boolean;
  readonly #options: ChoiceOptions<T>;
  readonly #keyspace: Keyspace;
  readonly #olds: Olds;
  readonly #own: Map<string, OldState>;

  /**
   * Describes keys of `keyspace`.
   *
   * @param olds States before the commit that is told.
   * @param own States before the first change that waits for the consumer: those it was told are taken out.
   */
  constructor(
    options: ChoiceOptions<T>,
    keyspace: Keyspace,
    olds: Olds,
    own: Map<string, OldState>,
  ) {
    this.wantsOld = options.values === "both" || options.filter.types !== undefined;
    this.#options = options;
    this.#keyspace = keyspace;
    this.#olds = olds;
    this.#own = own;
  }

  /** What there is to tell of the only key of a commit, to who follows every type; undefined for nothing. */
  only({ db: dbIndex, bytes, start, end, command }: OnlyKey): Change<T> | undefined {
    const { filter, reads, values } = this.#options;
    if (!filter.hasKey(dbIndex, bytes, start, end)) return undefined;
    const db = this.#keyspace.peek(dbIndex);
    const entry = visibleEntry(this.#keyspace, db, bytes, start, end);
    const key = reads.value(bytes, start, end);
    return db !== undefined && entry !== 0
      ? reads.told(dbIndex, db, entry, key, command, values !== "none")
      : { kind: "delete", db: dbIndex, key, command };
  }

  /** Whether a key is followed: it has, or had before this commit, one of the types. */
  follows(dbIndex: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { filter } = this.#options;
    if (!filter.hasKey(dbIndex, bytes, start, end)) return false;
    if (filter.types === undefined) return true;
    const name = keyName(dbIndex, bytes, start, end);
    const old = this.#own.get(name) ?? this.#olds.get(name);
    // What a log tells of was touched in an earlier commit: its old type is not known.
    if (old === undefined || filter.hasType(old.type)) return true;
    const db = this.#keyspace.peek(dbIndex);
    const entry = visibleEntry(this.#keyspace, db, bytes, start, end);
    return db !== undefined && entry !== 0 && filter.hasType(db.typeOf(entry));
  }

  /** Whether an event about whole databases is told. */
  followsEvent(event: WholeChange): boolean {
    const { filter } = this.#options;
    if (event.kind === "flush") return event.db < 0 || filter.hasDb(event.db);
    return event.kind === "swap" && filter.hasDb(event.a) && filter.hasDb(event.b);
  }

  /** What there is to tell of a commit, or of several that were merged. @param olds States before it. */
  changesOf(keys: KeyList, olds: Olds): readonly Change<T>[] {
    const { count, events } = keys;
    // Most commits are of one key, which may not be followed: nothing is made for it.
    if (count === 1 && events.length === 0) {
      const change = this.describe(keys, 0, olds);
      return change === undefined ? NO_CHANGES : [change];
    }
    const changes: Change<T>[] = [];
    if (events.length > 0) this.#describeEvents(events, changes);
    for (let i = 0; i < count; i++) {
      const change = this.describe(keys, i, olds);
      if (change !== undefined) changes.push(change);
    }
    return changes;
  }

  /** What there is to tell of keys that are followed whatever their types. */
  hashed(keys: HashedKeys): readonly Change<T>[] {
    const { reads, values } = this.#options;
    const keyspace = this.#keyspace;
    const { slots } = keyspace;
    const { count } = keys;
    const changes: Change<T>[] = [];
    let dbIndex = -1;
    let db: Database | undefined = undefined;
    for (let i = 0; i < count; i++) {
      if (keys.dbAt(i) !== dbIndex) db = keyspace.peek(dbIndex = keys.dbAt(i));
      keys.keyAt(i, ref);
      const { bytes, start, end } = ref;
      const entry = db === undefined ? 0 : db.table.find(keys.hashAt(i), bytes, start, end);
      const command = keys.commandAt(i);
      if (db === undefined || entry === 0 || (slots.hiding && slots.hidesEntry(db, entry))) {
        const key = reads.value(bytes, start, end);
        changes.push({ kind: "delete", db: dbIndex, key, command });
      } else {
        const key = reads.value(bytes, start, end);
        changes.push(reads.told(dbIndex, db, entry, key, command, values !== "none"));
      }
    }
    return changes;
  }

  #describeEvents(events: readonly WholeChange[], changes: Change<T>[]): void {
    for (const event of events) {
      if (!this.followsEvent(event)) continue;
      if (event.kind === "flush") {
        changes.push({ kind: "flush", db: event.db < 0 ? undefined : event.db });
      } else if (event.kind === "swap") {
        changes.push({ kind: "swap", db: event.a, with: event.b });
      }
    }
  }

  /** What there is to tell of one key; undefined for nothing. */
  describe(keys: KeyList, index: number, olds: Olds): Change<T> | undefined {
    const { filter, reads, values, oldAsBytes } = this.#options;
    keys.keyAt(index, ref);
    const { bytes, start, end } = ref;
    const dbIndex = keys.dbAt(index);
    if (!filter.hasKey(dbIndex, bytes, start, end)) return undefined;
    const db = this.#keyspace.peek(dbIndex);
    const entry = visibleEntry(this.#keyspace, db, bytes, start, end);
    const isThere = db !== undefined && entry !== 0 && filter.hasType(db.typeOf(entry));
    const name = this.wantsOld ? keyName(dbIndex, bytes, start, end) : "";
    const old = this.wantsOld ? olds.get(name) : undefined;
    // From here on the consumer knows the key as it is now.
    if (this.wantsOld) this.#own.delete(name);
    // A deletion of what was never told harms nobody; a type that is known not to fit is left out.
    if (!isThere && old !== undefined && !filter.hasType(old.type)) return undefined;
    const key = reads.value(bytes, start, end);
    const command = keys.commandAt(index);
    const change: Change<T> = isThere
      ? reads.told(dbIndex, db, entry, key, command, values !== "none")
      : { kind: "delete", db: dbIndex, key, command };
    if (values !== "both") return change;
    return { ...change, old: reads.oldOf(key, oldValue<T>(old, oldAsBytes)) } as Change<T>;
  }
}

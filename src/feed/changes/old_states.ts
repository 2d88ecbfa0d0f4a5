/**
 * What keys were before the commit that is being applied: type and, where somebody wants it, value. Kept by the
 * copy on write that snapshots use, and only while a consumer asks for old values or for certain types.
 *
 * @module
 */

import { latin1 } from "../../base/ascii.ts";
import type { CommitPlace } from "../../commands/engine/commit.ts";
import type { Value } from "../../read/codec.ts";
import type { Keyspace, SnapshotHook } from "../../store/keyspace/keyspace.ts";
import type { ValueType } from "../../store/memory/record.ts";
import type { FeedValue } from "./types.ts";
import { type FeedReads, visibleEntry } from "./values.ts";

/** What a key was. */
export interface OldState {
  /** Number of its type; -1 when there was no such key. */
  readonly type: ValueType | -1;
  /** Its value as text; undefined unless somebody wants it. */
  readonly text: FeedValue<string>;
  /** Its value as bytes; undefined unless somebody wants it. */
  readonly bytes: FeedValue<Uint8Array>;
}

const ABSENT: OldState = { type: -1, text: undefined, bytes: undefined };

/** The name of a key among those of all databases. */
export function keyName(db: number, bytes: Uint8Array, start: number, end: number): string {
  return `${db}:${latin1(bytes, start, end)}`;
}

/** Who wants old values, and in which form. */
export interface OldWishes {
  /** Reads text; undefined when nobody wants it. */
  readonly text: FeedReads<string> | undefined;
  /** Reads bytes; undefined when nobody wants them. */
  readonly bytes: FeedReads<Uint8Array> | undefined;
}

/** The states before the commit. */
export class OldStates implements SnapshotHook {
  /** In which form values are kept. */
  wishes: OldWishes = { text: undefined, bytes: undefined };
  readonly #keyspace: Keyspace;
  readonly #place: () => CommitPlace;
  readonly #states: Map<string, OldState> = new Map();
  /** Offset that the data stood at when the first of them was kept. */
  #at: number = -1;

  /** Keeps nothing before it is told of a write. @param place Where the data stands. */
  constructor(keyspace: Keyspace, place: () => CommitPlace) {
    this.#keyspace = keyspace;
    this.#place = place;
  }

  beforeKeyWrite(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    const { applied } = this.#place();
    // Commands that changed nothing are no commits: what was kept for them goes with the next one.
    if (applied !== this.#at) this.#states.clear();
    this.#at = applied;
    const name = keyName(dbIndex, bytes, start, end);
    if (!this.#states.has(name)) this.#states.set(name, this.#read(dbIndex, bytes, start, end));
  }

  afterClear(dbIndex: number): void {
    // A flush says of every key that it is gone: what comes after it had no value.
    const prefix = `${dbIndex}:`;
    for (const name of this.#states.keys()) {
      if (name.startsWith(prefix)) this.#states.delete(name);
    }
  }

  beforeSwap(a: number, b: number): void {
    const all = [...this.#states];
    this.#states.clear();
    for (const [name, state] of all) {
      const colon = name.indexOf(":");
      const db = Number(name.slice(0, colon));
      const now = db === a ? b : db === b ? a : db;
      this.#states.set(`${now}${name.slice(colon)}`, state);
    }
  }

  /** What a key was before the commit; undefined when that is not known. */
  get(name: string): OldState | undefined {
    return this.#states.get(name);
  }

  /** The commit has been told. */
  clear(): void {
    // V8 makes a new table for a map that is cleared, an empty one included: 3% of applying SETs.
    if (this.#states.size > 0) this.#states.clear();
  }

  #read(dbIndex: number, bytes: Uint8Array, start: number, end: number): OldState {
    const db = this.#keyspace.peek(dbIndex);
    const entry = visibleEntry(this.#keyspace, db, bytes, start, end);
    return db === undefined || entry === 0
      ? ABSENT
      : readState(this.wishes, dbIndex, bytes.slice(start, end), db.typeOf(entry));
  }
}

/** The state of a key that is there, with its value in the forms that are wanted. */
export function readState(
  { text, bytes }: OldWishes,
  db: number,
  key: Uint8Array,
  type: ValueType,
): OldState {
  return { type, text: text?.read(db, key, type), bytes: bytes?.read(db, key, type) };
}

/** The old value in one form. */
export function oldValue<T extends Value>(
  state: OldState | undefined,
  asBytes: boolean,
): FeedValue<T> {
  return (asBytes ? state?.bytes : state?.text) as FeedValue<T>;
}

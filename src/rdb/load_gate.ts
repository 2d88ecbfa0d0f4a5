/**
 * A filter at the door of a keyspace that is being loaded: says of each key of a snapshot whether it is wanted, and
 * remembers those that only their size keeps out.
 *
 * @module
 */

import { type KeyFilter, Refusal } from "../store/keyspace/key_filter.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { LeftOutReason } from "../store/keyspace/left_out.ts";
import type { ValueGate } from "./format/sink.ts";

/** Asks a filter about the keys of one snapshot. */
export class LoadGate implements ValueGate {
  /** Number of the database that the keys belong to; the loader sets it. */
  db: number = 0;
  readonly #filter: KeyFilter;
  readonly #keyspace: Keyspace;

  /** Remembers what is too large in `keyspace`. */
  constructor(filter: KeyFilter, keyspace: Keyspace) {
    this.#filter = filter;
    this.#keyspace = keyspace;
  }

  /** Most bytes of a value. */
  get maxValueBytes(): number {
    return this.#filter.maxValueBytes;
  }

  /** Whether the value of a key is read. */
  wants(bytes: Uint8Array, start: number, end: number, type: string | undefined): boolean {
    const filter = this.#filter;
    const { leftOut } = this.#keyspace;
    const { db } = this;
    const refusal = filter.refusalOf(db, bytes, start, end);
    if (refusal !== Refusal.NONE) {
      filter.count(refusal);
      if (refusal === Refusal.FAILED) leftOut.add(db, bytes, start, end, LeftOutReason.PREDICATE);
      return false;
    }
    if (type !== undefined && !this.wantsType(type)) return false;
    // A file of ours names those that were left out before its keys.
    return leftOut.size === 0 || !leftOut.has(db, bytes, start, end);
  }

  /** Whether values of this type are wanted. */
  wantsType(type: string): boolean {
    if (this.#filter.keepsType(type)) return true;
    this.#filter.leftOut.type++;
    return false;
  }

  /** A value is too large: its key is remembered. */
  tooLarge(bytes: Uint8Array, start: number, end: number): void {
    this.#filter.leftOut.size++;
    this.#keyspace.leftOut.add(this.db, bytes, start, end, LeftOutReason.SIZE);
  }
}

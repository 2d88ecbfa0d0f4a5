/**
 * A filter that became narrower: what it leaves out from now on is deleted, in slices. The stream passes over those
 * keys from the same moment, so that each is right until it is gone.
 *
 * @module
 */

import { BytesRef } from "../base/byte_buffer.ts";
import type { Clock } from "../base/clock.ts";
import { nextSlice, Slice } from "../base/slices.ts";
import type { StreamExecutor } from "../replication/types.ts";
import { Argv } from "../resp/argv.ts";
import { type KeyFilter, Refusal } from "../store/keyspace/key_filter.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { LeftOutReason } from "../store/keyspace/left_out.ts";

/** Steps of SCAN between two looks at the clock. */
const STEPS = 32;

/** What a narrowing works on. */
export interface NarrowingParts {
  /** The keyspace whose keys are walked. */
  readonly keyspace: Keyspace;
  /** The clock that the slices of the walk are measured by. */
  readonly clock: Clock;
  /** The filter that every key is judged by. */
  readonly filter: KeyFilter;
  /** Deletes keys, and tells that they are gone. */
  readonly executor: StreamExecutor;
  /** Called behind each slice: what it has deleted is one commit. */
  committed(): void;
  /** A narrowing begins, and while it lasts keys may be held that are left out; or none is under way any more. */
  sweeping(isSweeping: boolean): void;
}

/** A walk over all keys. */
interface Walk {
  /** Databases still to be walked, the one at hand first. */
  databases: number[];
  cursor: number;
}

/** Deletes what a filter leaves out. */
export class Narrowing {
  readonly #parts: NarrowingParts;
  readonly #slice: Slice;
  readonly #ref: BytesRef = new BytesRef();
  #walk: Walk | undefined = undefined;
  #deleted: number = 0;
  #done: PromiseWithResolvers<number> | undefined = undefined;
  #closed: boolean = false;

  /** Walks nothing before `run`. */
  constructor(parts: NarrowingParts) {
    this.#parts = parts;
    this.#slice = new Slice(parts.clock);
  }

  /** True while keys are being deleted. */
  get running(): boolean {
    return this.#walk !== undefined;
  }

  /** Deletes all keys that the filter leaves out now; joins what is under way. Resolves with how many there were. */
  run(): Promise<number> {
    const isNew = this.#walk === undefined;
    // What was walked already was judged by a wider filter.
    this.#walk = { databases: this.#parts.keyspace.indexes(), cursor: 0 };
    this.#done ??= Promise.withResolvers<number>();
    if (isNew) {
      this.#parts.sweeping(true);
      this.#parts.clock.soon(() => this.#step());
    }
    return this.#done.promise;
  }

  /** Deletes no further key. */
  close(): void {
    this.#closed = true;
    if (this.#walk !== undefined) this.#finish();
  }

  #step(): void {
    if (this.#walk === undefined) return;
    const { clock, executor } = this.#parts;
    this.#slice.start();
    executor.begin(clock.now());
    let more = true;
    while (more && !this.#slice.over()) {
      for (let i = 0; more && i < STEPS; i++) more = this.#look(this.#walk);
    }
    this.#parts.committed();
    if (more && !this.#closed) nextSlice(clock, () => this.#step());
    else this.#finish();
  }

  #finish(): void {
    this.#walk = undefined;
    this.#parts.sweeping(false);
    this.#done?.resolve(this.#deleted);
    this.#done = undefined;
    this.#deleted = 0;
  }

  /** Looks at some keys. Returns false when there are no more. */
  #look(walk: Walk): boolean {
    const [db] = walk.databases;
    if (db === undefined) return false;
    const database = this.#parts.keyspace.peek(db);
    if (database === undefined) {
      walk.databases.shift();
      return true;
    }
    const unwanted: Uint8Array[] = [];
    walk.cursor = database.scan(walk.cursor, (entry) => {
      const ref = this.#ref;
      database.keyRef(entry, ref);
      const { bytes, start, end } = ref;
      if (this.#isUnwanted(db, bytes, start, end, entry)) unwanted.push(bytes.slice(start, end));
    });
    for (const key of unwanted) {
      this.#parts.executor.execute(db, Argv.of("DEL", key));
      this.#deleted++;
    }
    if (walk.cursor === 0) walk.databases.shift();
    return true;
  }

  #isUnwanted(db: number, bytes: Uint8Array, start: number, end: number, entry: number): boolean {
    const { filter, keyspace } = this.#parts;
    const refusal = filter.refusalOf(db, bytes, start, end);
    if (refusal !== Refusal.NONE) {
      filter.count(refusal);
      if (refusal === Refusal.FAILED) {
        keyspace.leftOut.add(db, bytes, start, end, LeftOutReason.PREDICATE);
      }
      return true;
    }
    const reason = filter.valueRefusal(keyspace.db(db), entry);
    if (reason === undefined) return false;
    filter.leftOut[reason]++;
    if (reason === "size") keyspace.leftOut.add(db, bytes, start, end, LeftOutReason.SIZE);
    return true;
  }
}

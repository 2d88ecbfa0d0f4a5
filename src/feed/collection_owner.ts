/**
 * What a collection needs of the whole: somebody who keeps its indexes and makes its live values; and what it tells of
 * itself.
 *
 * @module
 */

import type { IndexKeeper } from "./index_keeper.ts";
import type { Live, LiveOptions } from "./live.ts";
import type { Topic } from "./reads.ts";

/** How an index stands. */
export interface IndexStatus {
  /** Rows that are in it: all but those that have none of its fields. */
  readonly rows: number;
  /** Bytes of the index itself; the rows that it points at are counted once for the collection. */
  readonly bytes: number;
  /** For a unique index: values that more than one key has. */
  readonly duplicates: number;
}

/** How the indexes of a collection stand. */
export interface CollectionStatus {
  /** The pattern of its keys. */
  readonly pattern: string;
  /** Number of its database. */
  readonly db: number;
  /** Keys that have a row, expired ones included that the master still has to delete. */
  readonly rows: number;
  /** True while keys may have no row yet. */
  readonly building: boolean;
  /** Bytes of rows and indexes together. */
  readonly bytes: number;
  /** Each index by its name. */
  readonly indexes: Readonly<Record<string, IndexStatus>>;
}

/** Keeps the indexes of collections. */
export interface CollectionOwner {
  /** True once the replica is closed: indexes are not kept any more. */
  readonly closed: boolean;
  /** Resolves when a keeper's rows are complete. */
  built(keeper: IndexKeeper): Promise<void>;
  /** The collection of a keeper was disposed. */
  forget(keeper: IndexKeeper): void;
  /** The function of a live value that runs, if one does, depends on this. */
  depend(topic: () => Topic): void;
  /** Makes a live value. */
  live<T>(fn: () => T, options?: LiveOptions<T>): Live<T>;
}

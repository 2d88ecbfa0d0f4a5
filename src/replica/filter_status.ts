/**
 * What a status says of a filter.
 *
 * @module
 */

import type { LeftOutCounts } from "../store/keyspace/key_filter.ts";

/** How a filter stands at one moment. */
export interface FilterStatus {
  /** What was left out since the replica was made, by the rule that did it: keys of snapshots, commands of the stream. */
  readonly leftOut: Readonly<LeftOutCounts>;
  /** Commands of the stream that were passed over whole. */
  readonly commandsPassedOver: number;
  /** Keys that are kept by name and not held, by why: they return when they are deleted or replaced whole. */
  readonly remembered: {
    /** The value is too large. */
    readonly size: number;
    /** The master refused the value. */
    readonly dropped: number;
    /** `predicate` failed. */
    readonly predicate: number;
  };
  /** Keys that are computed from what is left out, and fetched from the master. */
  readonly border: {
    /** So many are awaited now. */
    readonly awaited: number;
    /** So many were awaited in all. */
    readonly begun: number;
    /** So many were lost, as the master refused their values. */
    readonly dropped: number;
    /** Databases whose keys are searched for: SWAPDB put them in place of one that is held. */
    readonly searchedDatabases: number;
  };
  /** How often `predicate` threw or answered no boolean. */
  readonly predicateErrors: number;
  /** True while `narrow` deletes keys. */
  readonly narrowing: boolean;
}

/**
 * What a comparison with the master is made from: the replica as it sees it.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { MasterDesk } from "../replication/repair/master.ts";
import type { Repair } from "../replication/repair/repair.ts";
import type { Place } from "../replication/repair/types.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";

/** The replica, as far as a comparison needs it. */
export interface VerifyParts {
  /** The data that is compared. */
  readonly keyspace: Keyspace;
  /** Measures pauses. */
  readonly clock: Clock;
  /** Uniform in [0, 1): draws the keys of a sample. */
  readonly random: () => number;
  /** Where the data stands; it moves as the stream is applied. */
  readonly place: Place;
  /** The master, on a connection of its own. */
  readonly desk: MasterDesk;
  /** Fetches keys; undefined unless `onDivergence` is `repair`. */
  readonly repair: Repair | undefined;
  /** Whether the data is whole and the stream is followed. */
  isLive(): boolean;
  /** Whether a filter leaves nothing out, so that databases have as many keys here as at the master. */
  countsAreEqual(): boolean;
  /** Whether a filter keeps keys of this database. */
  keepsDatabase(db: number): boolean;
  /** Whether a filter keeps a key of this name. */
  keepsKey(db: number, key: Uint8Array): boolean;
  /** Whether a filter keeps a value, by its type as TYPE names it and by its bytes at the master, about. */
  keepsValue(type: string, bytes: number): boolean;
}

/**
 * What a comparison with the master is made from: the replica as it sees it.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { MasterDesk } from "../replication/repair/master.ts";
import type { Repair } from "../replication/repair/repair.ts";
import type { Place } from "../replication/repair/types.ts";
import type { KeyFilter } from "../store/keyspace/key_filter.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";

/** The replica, as far as a comparison needs it. */
export interface VerifyParts {
  /** The data that is compared. */
  readonly keyspace: Keyspace;
  /** Measures pauses, patience and slices. */
  readonly clock: Clock;
  /** Uniform in [0, 1): draws the keys of a sample. */
  readonly random: () => number;
  /** Where the data stands; it moves as the stream is applied. */
  readonly place: Place;
  /** The master, on a connection of its own. */
  readonly desk: MasterDesk;
  /** Fetches keys that differ, where that is asked for. */
  readonly repair: Repair;
  /** Whether the data is whole and the stream is followed. */
  isLive(): boolean;
  /** What the replica keeps of the master's data. */
  readonly filter: KeyFilter;
}

/**
 * Which byte of whose history the keyspace stands at: all a master needs to know to go on from there.
 *
 * @module
 */

import { assert } from "../base/assert.ts";

/** The place of the data held. Moves only when a command or a transaction has been applied whole. */
export class Position {
  /** The history's id, 40 lower-case hex digits; "" when it is unknown. */
  replid: string = "";
  /** The id before the last failover, valid up to `secondOffset`; "" for none. */
  replid2: string = "";
  /** Last offset that `replid2` covers plus one, as `second_repl_offset`; -1 for none. */
  secondOffset: number = -1;
  /** Stream bytes applied. A double: exact up to 2^53, which is 9 PB. */
  applied: number = 0;
  /** Database the stream has selected: PSYNC does not repeat it. */
  db: number = 0;
  /** True when `PSYNC replid applied+1` would go on without a gap. */
  resumable: boolean = false;
  /** True once any snapshot has been loaded. */
  hasData: boolean = false;
  /** True from when the data was thrown away for a snapshot until that is whole. */
  emptied: boolean = false;

  /** What to ask for: the next byte of our history, or everything. */
  psyncArguments(): readonly [replid: string, offset: string] {
    return this.resumable ? [this.replid, String(this.applied + 1)] : ["?", "-1"];
  }

  /** A snapshot was loaded: its id and offset replace everything. */
  replace(replid: string, offset: number): void {
    this.replid = replid;
    this.replid2 = "";
    this.secondOffset = -1;
    this.applied = offset;
    // The first command after a full sync that needs a database is always preceded by SELECT.
    this.db = 0;
    this.resumable = replid !== "";
    this.hasData = true;
    this.emptied = false;
  }

  /** A place kept from an earlier life: the data that belongs to it has just been loaded. */
  restore(replid: string, offset: number, db: number): void {
    this.replace(replid, offset);
    this.db = db;
  }

  /** The master goes on with our bytes under another id: what we have becomes its past. */
  rename(replid: string): void {
    assert(this.resumable, "only a position that was resumed can be renamed");
    if (replid === this.replid) return;
    this.replid2 = this.replid;
    this.secondOffset = this.applied + 1;
    this.replid = replid;
  }
}

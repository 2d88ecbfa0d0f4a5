/**
 * The replication offset: which byte of which history the keyspace stands at, which is all a master needs
 * to know to go on from there.
 *
 * ```text
 *  master  replid 8d9f...                                     master_repl_offset
 *   |-------------------|---------------|-----------------------|
 *   0                acknowledged    applied                received
 *
 *  received      the last byte read from the socket       MasterStream.readOffset and what the inbox holds
 *  applied       the end of the last command, or whole    ReplicationOffset.applied
 *                transaction, that the keyspace shows
 *  acknowledged  the `applied` of the last REPLCONF ACK   sent each second and when asked by GETACK
 *
 *  acknowledged <= applied <= received, and each of them only grows while a history is followed
 * ```
 *
 * @module
 */

import { assert } from "../base/assert.ts";

/**
 * Replication id and offset of the data held, as `replid` and `master_repl_offset` of `INFO replication`,
 * with what a later PSYNC depends on.
 */
export class ReplicationOffset {
  /** The history's id, 40 lower-case hex digits; "" when it is unknown. */
  replid: string = "";
  /** The id before the last failover, valid below `secondOffset`; "" for none. */
  replid2: string = "";
  /** First offset that `replid2` does not cover, as `second_repl_offset`; -1 for none. */
  secondOffset: number = -1;
  /** Database the stream has selected: PSYNC does not repeat it. */
  db: number = 0;
  /** True when `PSYNC replid applied+1` would go on without a gap. */
  resumable: boolean = false;
  /** True once any snapshot has been loaded. */
  hasData: boolean = false;
  /** True from when the data was thrown away for a snapshot until that is whole. */
  emptied: boolean = false;
  // A double: exact up to 2^53, which is 9 PB of stream.
  #applied: number = 0;

  /** Stream bytes applied, counted from the master's offset 0. */
  get applied(): number {
    return this.#applied;
  }

  /**
   * Moves to the end of a command, or of a transaction, that was applied whole. Equal offsets occur beyond
   * 2^53 only, where doubles no longer tell bytes apart.
   */
  advance(offset: number): void {
    assert(offset >= this.#applied, "the offset only grows");
    this.#applied = offset;
  }

  /** What PSYNC asks for: the byte after the last one applied, or `? -1` for everything. */
  psyncArguments(): readonly [replid: string, offset: string] {
    return this.resumable ? [this.replid, String(this.#applied + 1)] : ["?", "-1"];
  }

  /** The history cannot be resumed any more: a full sync begins, or what we hold is not to be trusted. */
  endHistory(): void {
    this.resumable = false;
  }

  /** The old data was emptied to make room for the snapshot (`resync: "flush"`). */
  empty(): void {
    assert(!this.resumable, "data is emptied only after its history has ended");
    this.hasData = false;
    this.emptied = true;
  }

  /** A snapshot was loaded: its id and offset replace everything. Without an id it cannot be resumed. */
  replace(replid: string, offset: number): void {
    assert(offset >= 0, "stream offsets are not negative");
    this.replid = replid;
    this.replid2 = "";
    this.secondOffset = -1;
    this.#applied = offset;
    // The first command after a full sync that needs a database is always preceded by SELECT.
    this.db = 0;
    this.resumable = replid !== "";
    this.hasData = true;
    this.emptied = false;
  }

  /** Data that was kept over a restart has been loaded, which stands at `offset` with `db` selected. */
  restore(replid: string, offset: number, db: number): void {
    assert(replid !== "", "kept data has a replication id");
    assert(db >= 0, "database numbers are not negative");
    this.replace(replid, offset);
    this.db = db;
  }

  /** The master goes on with our bytes under another id, as after a failover: ours becomes `replid2`. */
  rename(replid: string): void {
    assert(this.resumable, "only a history that was resumed can be renamed");
    if (replid === this.replid) return;
    this.replid2 = this.replid;
    this.secondOffset = this.#applied + 1;
    this.replid = replid;
  }
}

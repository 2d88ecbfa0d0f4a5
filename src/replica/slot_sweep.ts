/**
 * What follows when cluster slots have moved, in slices: keys of emptied slots are removed from the tables, and
 * those that an import has made visible are told to who listens. Readers see the change from the moment the
 * master's command was applied; a table of millions of keys is walked without holding the event loop.
 *
 * @module
 */

import { BytesRef } from "../base/byte_buffer.ts";
import type { Clock } from "../base/clock.ts";
import { SLOT_COUNT } from "../base/crc16.ts";
import { nextSlice, Slice } from "../base/slices.ts";
import type { Commits } from "../commands/engine/commit.ts";
import { beforeKeyWrite } from "../commands/engine/copy_on_write.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { SlotRange } from "../store/keyspace/slot_ranges.ts";

/** Keys looked at between two looks at the clock: about half a millisecond. */
const KEYS = 1024;

/** Follows the slots of `keyspace` for good. @param commits Is told of keys that come and go. */
export function followSlots(keyspace: Keyspace, clock: Clock, commits: Commits): void {
  sweepEmptied(keyspace, clock, commits);
  tellImported(keyspace, clock, commits);
}

/** Sweeps the tables whenever slots were emptied, as long as it takes. */
function sweepEmptied(keyspace: Keyspace, clock: Clock, commits: Commits): void {
  const { slots } = keyspace;
  const slice = new Slice(clock);
  let running = false;
  const before = (dbIndex: number, bytes: Uint8Array, start: number, end: number) => {
    beforeKeyWrite(keyspace, dbIndex, bytes, start, end);
    commits.touched(dbIndex, bytes, start, end);
  };
  const step = () => {
    slice.start();
    commits.command = "del";
    let done = slots.sweep(KEYS, before);
    while (!done && !slice.over()) done = slots.sweep(KEYS, before);
    commits.end();
    if (done) running = false;
    else nextSlice(clock, step);
  };
  slots.onEmptied = () => {
    if (running) return;
    running = true;
    clock.soon(step);
  };
}

/** Tells the keys of slots whose import has succeeded; nothing is walked while nobody listens. */
function tellImported(keyspace: Keyspace, clock: Clock, commits: Commits): void {
  const slice = new Slice(clock);
  const wanted = new Uint8Array(SLOT_COUNT);
  const ref = new BytesRef();
  /** Databases that are still to be walked, and the place in the first of them. */
  let databases: number[] = [];
  let cursor = 0;
  const walk = (dbIndex: number) => {
    const db = keyspace.db(dbIndex);
    let seen = 0;
    do {
      cursor = db.scan(cursor, (entry) => {
        seen++;
        if (wanted[db.slotOf(entry)] === 0 || keyspace.slots.hidesEntry(db, entry)) return;
        db.keyRef(entry, ref);
        commits.touched(dbIndex, ref.bytes, ref.start, ref.end);
      });
    } while (cursor !== 0 && seen < KEYS);
    if (cursor === 0) databases.shift();
  };
  const step = () => {
    slice.start();
    commits.command = "restore";
    while (commits.listening && databases.length > 0 && !slice.over()) walk(databases[0]);
    commits.end();
    if (commits.listening && databases.length > 0) return clock.soon(step);
    databases = [];
    wanted.fill(0);
  };
  keyspace.slots.onImported = (ranges: readonly SlotRange[]) => {
    if (!commits.listening) return;
    for (const [first, last] of ranges) wanted.fill(1, first, last + 1);
    const idle = databases.length === 0;
    // A walk under way begins again: it has passed keys of these slots.
    databases = keyspace.indexes();
    cursor = 0;
    if (idle) clock.soon(step);
  };
}

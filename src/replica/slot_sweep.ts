/**
 * Removes from the tables what emptied cluster slots still hold, in slices: readers see those slots empty
 * from the moment the master's command was applied, and a table of millions of keys is walked without
 * holding the event loop.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { Slice } from "../base/slices.ts";
import { beforeKeyWrite } from "../commands/engine/copy_on_write.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";

/** Keys looked at between two looks at the clock: about half a millisecond. */
const KEYS = 1024;

/** Sweeps the tables of `keyspace` whenever slots were emptied, as long as it takes. */
export function sweepSlots(keyspace: Keyspace, clock: Clock): void {
  const { slots } = keyspace;
  const slice = new Slice(clock);
  let running = false;
  const before = (dbIndex: number, bytes: Uint8Array, start: number, end: number) =>
    beforeKeyWrite(keyspace, dbIndex, bytes, start, end);
  const step = () => {
    slice.start();
    while (!slots.sweep(KEYS, before)) if (slice.over()) return clock.soon(step);
    running = false;
  };
  slots.onEmptied = () => {
    if (running) return;
    running = true;
    clock.soon(step);
  };
}

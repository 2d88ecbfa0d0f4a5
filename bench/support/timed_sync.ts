/**
 * One full sync of a real server or of ours, timed and weighed.
 *
 * @module
 */

import type { FilterOptions } from "../../src/store/keyspace/key_filter.ts";
import type { Runtime } from "../../tests/support/runtimes.ts";
import { followWith, Host, type Master, memoryOf, pause, resetPeak } from "./subject.ts";
import { startReplica } from "./subject.ts";

/** What a sync took. */
export interface Outcome {
  /** Until the link is up. */
  readonly seconds: number;
  /** Resident before the sync. */
  readonly beforeBytes: number;
  /** Resident two seconds later. */
  readonly afterBytes: number;
  /** Resident at most, from before the sync on. */
  readonly peakBytes: number;
}

const SETTLE_MS = 2000;

/** A redis-server that becomes a replica of `master`. */
export async function syncServer(master: Master): Promise<Outcome> {
  const replica = await startReplica();
  try {
    const { now } = memoryOf(replica.pid);
    const ms = await followWith(replica, master.port);
    return await outcome(replica.pid, ms, now);
  } finally {
    await replica.stop();
  }
}

/** Our replica, in a process of its own; `keys` is what must arrive of what `filter` keeps. */
export async function syncHost(
  master: Master,
  runtime: Runtime,
  keys: number,
  filter?: FilterOptions,
): Promise<Outcome> {
  const host = await Host.start(runtime);
  try {
    resetPeak(host.pid);
    const before = memoryOf(host.pid).now;
    const started = performance.now();
    await host.follow(master, undefined, undefined, filter);
    const ms = performance.now() - started;
    const { keys: arrived } = await host.request("status");
    if (arrived !== keys) throw new Error(`${arrived} keys arrived, not ${keys}`);
    return await outcome(host.pid, ms, before);
  } finally {
    await host.stop();
  }
}

async function outcome(pid: number, ms: number, beforeBytes: number): Promise<Outcome> {
  await pause(SETTLE_MS);
  const { now, peak } = memoryOf(pid);
  return { seconds: ms / 1000, beforeBytes, afterBytes: now, peakBytes: peak };
}

/**
 * Runs a replica for the command line: shows it while it runs, and closes it at a signal, at a time limit or
 * when it gives up.
 *
 * @module
 */

import { type Clock, systemClock } from "../base/clock.ts";
import type { Replica } from "../replica/replica.ts";
import type { ReplicaStatus } from "../replica/status.ts";
import { explain } from "./explain.ts";
import { formatDuration, type Sample } from "./format.ts";
import type { Progress } from "./progress.ts";

/** Milliseconds between two looks at whether the replica has given up. */
const STATE_CHECK_MS = 200;

/**
 * Starts `replica`, waits until `stopped` resolves, and closes it in any case.
 *
 * @throws {Error} What made the replica give up.
 */
export async function followUntil(
  replica: Replica,
  progress: Progress,
  stopped: Promise<void>,
): Promise<void> {
  const gaveUp = watchForFailure(replica, systemClock);
  try {
    const abort = new AbortController();
    const stop = stopped.then(() => abort.abort());
    const started = replica.start({ signal: abort.signal });
    // Only the promise that settles first is handled below; the other must not count as unhandled.
    started.catch(() => {});
    progress.follow(() => toSample(replica.status(), systemClock));
    await Promise.race([started, stop]).catch((error) => {
      // An abort by the signal is no failure.
      if (!abort.signal.aborted) throw error;
    });
    await Promise.race([stop, gaveUp.failed]);
  } finally {
    gaveUp.dispose();
    progress.close();
    await replica.close();
  }
}

/** Reduces a replica's status to what is shown of it. */
export function toSample(status: ReplicaStatus, clock: Clock): Sample {
  const { sync, nextRetryAtMs, error } = status;
  const live = status.state === "live";
  const syncing = status.state === "syncing" && sync !== undefined;
  const wait = nextRetryAtMs === undefined
    ? ""
    : `; next attempt in ${formatDuration(Math.max(0, nextRetryAtMs - clock.now()))}`;
  return {
    atMs: clock.monotonic(),
    live,
    awaiting: status.state === "connecting" && status.link === "receivePsyncReply",
    syncing,
    bytesRead: sync?.bytesRead ?? 0,
    bytesTotal: sync?.bytesTotal,
    keys: syncing ? sync.keys : status.keys,
    memoryBytes: status.memoryBytes,
    lagBytes: status.lagBytes,
    lastIoAgoMs: status.lastIoAgoMs,
    commands: status.counters.commands,
    trouble: live || error === undefined ? undefined : `${explain(error)}${wait}`,
  };
}

/** A promise that rejects when the replica has given up, and what stops watching. */
function watchForFailure(
  replica: Replica,
  clock: Clock,
): { failed: Promise<never>; dispose: () => void } {
  let timer: unknown;
  const failed = new Promise<never>((_, reject) => {
    const check = () => {
      const { state, error } = replica.status();
      if (state === "failed") return reject(error ?? new Error("The replica gave up"));
      timer = clock.setTimer(check, STATE_CHECK_MS);
    };
    timer = clock.setTimer(check, STATE_CHECK_MS);
  });
  failed.catch(() => {});
  return { failed, dispose: () => clock.clearTimer(timer) };
}

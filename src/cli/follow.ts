/**
 * A replica run from the command line: shown while it lives, stopped by a signal, a limit or its own
 * failure.
 *
 * @module
 */

import { type Clock, systemClock } from "../base/clock.ts";
import type { Replica } from "../replica/replica.ts";
import type { ReplicaStatus } from "../replica/status.ts";
import { explain } from "./explain.ts";
import { formatDuration, type Sample } from "./format.ts";
import type { Progress } from "./progress.ts";

const STATE_CHECK_MS = 200;

/**
 * Starts `replica` and stays until `stopped`; closes it in any case.
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
    // Whichever comes first is told; the other must not be reported as unhandled.
    started.catch(() => {});
    progress.follow(() => toSample(replica.status(), systemClock));
    await Promise.race([started, stop]).catch((error) => {
      // Being stopped while it starts is no failure.
      if (!abort.signal.aborted) throw error;
    });
    await Promise.race([stop, gaveUp.failed]);
  } finally {
    gaveUp.dispose();
    progress.close();
    await replica.close();
  }
}

/** What is shown of a status. */
export function toSample(status: ReplicaStatus, clock: Clock): Sample {
  const { sync, nextRetryAtMs, error } = status;
  const live = status.state === "connected";
  const syncing = status.state === "syncing" && sync !== undefined;
  const wait = nextRetryAtMs === undefined
    ? ""
    : `; next attempt in ${formatDuration(Math.max(0, nextRetryAtMs - clock.now()))}`;
  return {
    atMs: clock.monotonic(),
    live,
    syncing,
    bytesRead: sync?.bytesRead ?? 0,
    bytesTotal: sync?.bytesTotal,
    keys: syncing ? sync.keys : status.keys,
    memoryBytes: status.memoryBytes,
    lagBytes: status.lagBytes,
    lastIoMs: status.lastIoMs,
    commands: status.counters.commands,
    trouble: live || error === undefined ? undefined : `${explain(error)}${wait}`,
  };
}

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

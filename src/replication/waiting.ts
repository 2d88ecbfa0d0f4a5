/**
 * Waits that end at a signal or after a time, with an error that says what was missing.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import { stopped } from "./errors.ts";

/** Bounds on how long {@linkcode Replica.start} and {@linkcode Replica.ready} wait. */
export interface WaitOptions {
  /** Ends the wait with STOPPED when it fires. */
  readonly signal?: AbortSignal;
  /** Milliseconds until it rejects with a `TimeoutError`; forever when left out. */
  readonly timeoutMs?: number;
}

/** A wait took longer than it was allowed to. `cause` is the last failure, when there was one. */
export class TimeoutError extends Error {
  /** Always "TimeoutError", as for the platform's own timeouts. */
  override readonly name: string = "TimeoutError";
  /** Always "TIMEOUT"; stable, to be compared. */
  readonly code: string = "TIMEOUT";
}

/**
 * Settles as `wait` does, unless the signal or the time comes first. What `wait` comes to after that is dropped.
 *
 * @param wait Gets a signal that fires when it is given up.
 * @param late Makes the error for when the time is over, before `wait` hears of it.
 * @param stop Makes the error for when the owner's signal came first.
 * @throws {ReplicationError} STOPPED when the owner's signal came first, unless `stop` makes another error.
 */
export function within<T>(
  clock: Clock,
  { signal, timeoutMs }: WaitOptions,
  wait: (signal: AbortSignal) => Promise<T>,
  late: () => Error,
  stop: () => Error = stopped,
): Promise<T> {
  const abort = new AbortController();
  let timer: TimerId | undefined;
  let onAbort = () => {};
  const given = new Promise<never>((_, reject) => {
    const giveUp = (error: Error) => {
      reject(error);
      abort.abort();
    };
    onAbort = () => giveUp(stop());
    if (signal?.aborted) return onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    if (timeoutMs !== undefined) timer = clock.setTimer(() => giveUp(late()), timeoutMs);
  });
  return Promise.race([given, wait(abort.signal)]).finally(() => {
    clock.clearTimer(timer);
    signal?.removeEventListener("abort", onAbort);
  });
}

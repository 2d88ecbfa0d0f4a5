/**
 * Connecting within bounds: a timeout and an `AbortSignal`, for every adapter alike. Runtimes differ in
 * what they can stop once it has begun (Bun stops nothing), so the promise is settled here, and a
 * connection that comes too late is thrown away.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import { abortedError, timeoutError, toSocketError } from "./failure.ts";
import { type ConnectOptions, formatAddress } from "./socket.ts";

/** How far an attempt to connect has come. */
export interface ConnectProgress {
  /** What the error says behind the timeout: "" while nothing is known. */
  note: string;
}

/**
 * Runs `open` until it settles, the time is up or the signal fires.
 *
 * @param options What was asked of `connect`.
 * @param clock Measures the timeout.
 * @param open Makes the connection; should stop early when `cancel` fires.
 * @param discard Closes a connection that `open` brought after the bounds had been passed.
 * @returns The connection, or a rejection with a {@linkcode SocketError} only.
 */
export function connectWithin<T>(
  options: ConnectOptions,
  clock: Clock,
  open: (cancel: AbortSignal, progress: ConnectProgress) => Promise<T>,
  discard: (late: T) => void,
): Promise<T> {
  const doing = `connect to ${formatAddress(options.address)}`;
  const { signal, timeoutMs = 0 } = options;
  if (signal?.aborted) return Promise.reject(abortedError(doing, signal));
  return new Promise((resolve, reject) => {
    const cancel = new AbortController();
    const progress: ConnectProgress = { note: "" };
    let timer: TimerId;
    let settled = false;
    const settle = (): void => {
      settled = true;
      if (timeoutMs > 0) clock.clearTimer(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    const giveUp = (error: Error): void => {
      if (settled) return;
      settle();
      reject(error);
      cancel.abort();
    };
    const onAbort = (): void => giveUp(abortedError(doing, signal!));
    if (timeoutMs > 0) {
      timer = clock.setTimer(
        () => giveUp(timeoutError(doing, timeoutMs, progress.note)),
        timeoutMs,
      );
    }
    signal?.addEventListener("abort", onAbort);
    open(cancel.signal, progress).then((opened) => {
      if (settled) return discard(opened);
      settle();
      resolve(opened);
    }, (error: unknown) => {
      if (settled) return;
      settle();
      reject(toSocketError(error, doing));
    });
  });
}

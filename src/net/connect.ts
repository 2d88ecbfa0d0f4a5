/**
 * One attempt to connect, bounded by a timeout and an `AbortSignal`, for every adapter alike.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import { abortedError, timeoutError, toSocketError } from "./failure.ts";
import { type ConnectOptions, formatAddress } from "./socket.ts";

/**
 * Runs `open` until it settles, the time is up or the owner gives up.
 *
 * @param options What was asked of `connect`.
 * @param clock Measures the timeout.
 * @param open Makes the connection; should stop early when `cancel` fires.
 * @param discard Closes what `open` brought after the attempt had already failed.
 * @throws {SocketError} By rejecting.
 */
export function connectWithin<T>(
  options: ConnectOptions,
  clock: Clock,
  open: (cancel: AbortSignal) => Promise<T>,
  discard: (late: T) => void,
): Promise<T> {
  const doing = `connect to ${formatAddress(options.address)}`;
  const { signal, timeoutMs = 0 } = options;
  if (signal?.aborted) return Promise.reject(abortedError(doing, signal));
  return new Promise((resolve, reject) => {
    const cancel = new AbortController();
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
      timer = clock.setTimer(() => giveUp(timeoutError(doing, timeoutMs)), timeoutMs);
    }
    signal?.addEventListener("abort", onAbort);
    open(cancel.signal).then((opened) => {
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

/**
 * Time, injected. Everything that waits or asks the hour does so through a {@linkcode Clock}, so that
 * a simulation can own time whole.
 *
 * @module
 */

/** Names a pending callback of one {@linkcode Clock}. */
export type TimerId = unknown;

/** What the core may know of time. */
export interface Clock {
  /** Wall clock, milliseconds since 1970, whole. Expiry is judged against this. */
  now(): number;
  /** Milliseconds from an arbitrary start, never going back. Timeouts are judged against this. */
  monotonic(): number;
  /** Calls back once after `ms`. */
  setTimer(callback: () => void, ms: number): TimerId;
  /** Forgets a pending callback; harmless when it has already run. */
  clearTimer(id: TimerId): void;
  /** Calls back as soon as pending input and output had their turn: the seam between two slices. */
  soon(callback: () => void): void;
}

const setImmediateOrTimeout: (callback: () => void) => void =
  (globalThis as { setImmediate?: (callback: () => void) => unknown }).setImmediate ??
    ((callback) => setTimeout(callback, 0));

/** The host's own clock and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (callback, ms) => setTimeout(callback, ms),
  clearTimer: (id) => clearTimeout(id as ReturnType<typeof setTimeout>),
  soon: (callback) => void setImmediateOrTimeout(callback),
};

/** Resolves after `ms` on `clock`. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(resolve, ms));
}

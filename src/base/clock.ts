/**
 * The clock that the whole library reads time from and sets timers with. It is passed in, so that a
 * simulation can decide when time passes; no other file calls `Date.now` or `setTimeout` for its
 * own purposes.
 *
 * @module
 */

/** Identifies a pending callback of the {@linkcode Clock} that returned it. */
export type TimerId = unknown;

/** Two clocks and the timers of a runtime. */
export interface Clock {
  /**
   * Wall clock in whole milliseconds since 1970: expiries are compared with it. It can be set back.
   */
  now(): number;
  /**
   * Milliseconds since an arbitrary start, never going back: timeouts and budgets are measured with
   * it.
   */
  monotonic(): number;
  /** Calls `callback` once, no sooner than after `ms` milliseconds. */
  setTimer(callback: () => void, ms: number): TimerId;
  /** Cancels a pending callback; has no effect when it has already run. */
  clearTimer(id: TimerId): void;
  /** Calls `callback` in a later turn of the event loop, which need not have let input in. */
  soon(callback: () => void): void;
  /**
   * Calls `callback` in a later turn, and sees that input is let in every few milliseconds: where long work
   * yields between slices. Left out where `soon` does that.
   */
  afterInput?(callback: () => void): void;
}

/**
 * `setImmediate` runs behind pending I/O and costs microseconds; a timer of 0 ms waits for 1 ms or
 * more.
 */
function soon(callback: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  if (setImmediate === undefined) setTimeout(callback, 0);
  else setImmediate(callback);
}

/** The clock and the timers of the runtime, looked up at each call: fakes of a test count. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (callback, ms) => setTimeout(callback, ms),
  clearTimer: (id) => clearTimeout(id as ReturnType<typeof setTimeout>),
  soon,
};

/** Resolves after `ms` milliseconds of `clock`. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(resolve, ms));
}

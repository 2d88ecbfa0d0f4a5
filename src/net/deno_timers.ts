/**
 * Timers of Deno that `mock.timers` of `node:test` does not hold. Under Deno 2.9 the global functions are those of
 * `node:timers`, and these ask the mock themselves, whoever kept them before it was enabled. The timers of AbortSignal
 * do not ask it. They cannot be cleared and fire about a millisecond late: they serve while the mock is enabled.
 *
 * @module
 */

/** What a clock is made of. */
export interface RealTimers {
  /** Calls back after `ms` milliseconds. Returns what `clearTimeout` takes. */
  readonly setTimeout: (callback: () => void, ms: number) => unknown;
  /** Keeps a timer from calling back. */
  readonly clearTimeout: (id: unknown) => void;
  /** Calls back in a later turn of the event loop. */
  readonly soon: (callback: () => void) => unknown;
}

/** The names of functions that a mock replaces. */
export type MockedName = "setTimeout" | "setImmediate";

/** A timer of AbortSignal: it calls back unless it was cleared. */
class SignalTimer {
  #callback: (() => void) | undefined;

  constructor(callback: () => void, ms: number) {
    this.#callback = callback;
    AbortSignal.timeout(Math.max(0, ms)).addEventListener("abort", () => {
      const due = this.#callback;
      this.#callback = undefined;
      due?.();
    }, { once: true });
  }

  clear(): void {
    this.#callback = undefined;
  }
}

/**
 * The same timers, with others in their place while the mock is enabled.
 *
 * @param timers Deno's own.
 * @param unmocked The functions by their names as they were when nothing was mocked.
 */
export function pastMocks(
  timers: RealTimers,
  unmocked: { readonly [key in MockedName]?: unknown },
): RealTimers {
  const isMocked = () => isMock("setTimeout", unmocked) || isMock("setImmediate", unmocked);
  const { setTimeout, clearTimeout, soon } = timers;
  return {
    setTimeout: (callback, ms) =>
      isMocked() ? new SignalTimer(callback, ms) : setTimeout(callback, ms),
    clearTimeout: (id) => id instanceof SignalTimer ? id.clear() : clearTimeout(id),
    soon: (callback) => isMocked() ? new SignalTimer(callback, 0) : soon(callback),
  };
}

/** Whether an arrow function stands where Deno has a function: that is how its mock replaces one. */
function isMock(name: MockedName, unmocked: { readonly [key in MockedName]?: unknown }): boolean {
  const current = (globalThis as { readonly [key in MockedName]?: unknown })[name];
  return current !== unmocked[name] && typeof current === "function" && !("prototype" in current);
}

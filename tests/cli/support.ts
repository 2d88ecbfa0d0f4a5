/**
 * A replica at one moment, and a clock that moves only when told.
 *
 * @module
 */

import type { Clock } from "../../src/base/clock.ts";
import type { Sample } from "../../src/cli/format.ts";

/** A live replica with a million keys. */
export const SAMPLE: Sample = {
  atMs: 0,
  live: true,
  awaiting: false,
  syncing: false,
  bytesRead: 0,
  bytesTotal: undefined,
  keys: 1_234_567,
  memoryBytes: 312_000_000,
  lagBytes: 0,
  lastIoAgoMs: 200,
  commands: 0,
  trouble: undefined,
};

/** Time that passes only when told; `now` and `monotonic` are the same. */
export class StillClock implements Clock {
  ms: number = 0;
  readonly #timers: Map<number, { at: number; callback: () => void }> = new Map();
  #next: number = 1;

  now(): number {
    return this.ms;
  }

  monotonic(): number {
    return this.ms;
  }

  setTimer(callback: () => void, ms: number): number {
    this.#timers.set(this.#next, { at: this.ms + ms, callback });
    return this.#next++;
  }

  clearTimer(id: unknown): void {
    this.#timers.delete(id as number);
  }

  soon(callback: () => void): void {
    this.setTimer(callback, 0);
  }

  /** How many timers are left. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets time pass, running each timer at its moment. */
  pass(ms: number): void {
    const end = this.ms + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end)
        .sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.ms = due[1].at;
      due[1].callback();
    }
    this.ms = end;
  }
}

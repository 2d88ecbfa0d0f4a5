/**
 * Clocks that tests move: {@linkcode HandClock} for code that only asks the time, {@linkcode ManualClock}
 * for code that sets timers and yields. `tests/sim/clock.ts` has the one that owns a simulation's time.
 *
 * @module
 */

import type { Clock, TimerId } from "../../src/base/clock.ts";

/** 2024-01-01, and only moved by hand. */
export const START_MS = 1704067200000;

/** A clock that stands still until told. */
export class HandClock implements Clock {
  nowMs: number = START_MS;
  now(): number {
    return this.nowMs;
  }
  monotonic(): number {
    return this.nowMs;
  }
  setTimer(): undefined {}
  clearTimer(): void {}
  soon(callback: () => void): void {
    callback();
  }
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** Time moves in {@linkcode ManualClock.advance} only. `soon` waits for the next advance or `settle`. */
export class ManualClock implements Clock {
  time: number = 1_700_000_000_000;
  /** Added by each look at `monotonic`: makes work appear to take time. */
  costMs: number = 0;
  readonly timers: Map<number, Timer> = new Map();
  readonly turns: (() => void)[] = [];
  #next: number = 1;

  now(): number {
    return Math.floor(this.time);
  }

  monotonic(): number {
    this.time += this.costMs;
    return this.time - 1_700_000_000_000;
  }

  setTimer(callback: () => void, ms: number): TimerId {
    const id = this.#next++;
    this.timers.set(id, { at: this.time + ms, callback });
    return id;
  }

  clearTimer(id: TimerId): void {
    this.timers.delete(id as number);
  }

  soon(callback: () => void): void {
    this.turns.push(callback);
  }

  /** Runs what `soon` was given, and what that gives, until nothing is left. */
  async turn(): Promise<void> {
    await settle();
    while (this.turns.length > 0) {
      this.turns.shift()!();
      await settle();
    }
  }

  /** Moves time, running each timer at its moment. */
  async advance(ms: number): Promise<void> {
    const target = this.time + ms;
    await this.turn();
    for (;;) {
      const due = [...this.timers].filter(([, timer]) => timer.at <= target)
        .sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (due === undefined) break;
      this.time = Math.max(this.time, due[1].at);
      this.timers.delete(due[0]);
      due[1].callback();
      await this.turn();
    }
    this.time = target;
  }
}

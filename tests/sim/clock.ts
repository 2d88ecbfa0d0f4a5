/**
 * Time of a simulation: it passes only from one event of a queue to the next, so that equal seeds see equal
 * moments on every runtime.
 *
 * @module
 */

import type { Clock, TimerId } from "../../src/base/clock.ts";

const EPOCH_MS = 1_700_000_000_000;

const SETTLE_STEPS = 40;

interface Event {
  readonly atMs: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

/** A clock over a queue of events, kept as a binary heap by time and order. */
export class SimClock implements Clock {
  /** Each look at `monotonic` takes this long: what makes work take time. */
  lookMs: number = 0;
  /** Callbacks that wait, cancelled ones not counted. */
  pending: number = 0;
  /** Events run. */
  steps: number = 0;
  #elapsedMs: number = 0;
  #order: number = 0;
  readonly #heap: Event[] = [];

  now(): number {
    return EPOCH_MS + Math.floor(this.#elapsedMs);
  }

  monotonic(): number {
    this.#elapsedMs += this.lookMs;
    return this.#elapsedMs;
  }

  /** Milliseconds since the simulation began. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  setTimer(callback: () => void, ms: number): TimerId {
    const event: Event = { atMs: this.#elapsedMs + ms, order: this.#order++, callback };
    this.pending++;
    this.#push(event);
    return event;
  }

  clearTimer(id: TimerId): void {
    const event = id as Event | undefined;
    if (event?.callback === undefined) return;
    event.callback = undefined;
    this.pending--;
  }

  soon(callback: () => void): void {
    this.setTimer(callback, 0);
  }

  /** Runs events up to `ms` from now, or until `done` says so after one; promises settle between them. */
  async run(ms: number, done: () => boolean = () => false): Promise<boolean> {
    const untilMs = this.#elapsedMs + ms;
    for (;;) {
      await settle();
      if (done()) return true;
      const event = this.#heap[0];
      if (event === undefined || event.atMs > untilMs) break;
      this.#pop();
      const { callback } = event;
      if (callback === undefined) continue;
      event.callback = undefined;
      this.pending--;
      this.steps++;
      this.#elapsedMs = Math.max(this.#elapsedMs, event.atMs);
      callback();
    }
    this.#elapsedMs = Math.max(this.#elapsedMs, untilMs);
    return done();
  }

  /** What waits, as source text. */
  left(): string {
    return this.#heap.map((event) => String(event.callback ?? "")).filter((text) => text !== "")
      .join(" | ");
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/**
 * Lets promises settle. Runtimes differ by a step or two in how long a chain takes, so that it must be long
 * enough for every chain: then all of them see the same.
 */
async function settle(): Promise<void> {
  for (let i = 0; i < SETTLE_STEPS; i++) await null;
}

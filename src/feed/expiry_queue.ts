/**
 * Who is to be told when a time comes: a heap by time, with one timer for the first.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import { MAX_TIMER_MS } from "../base/shape.ts";

/** Entries that are out of date are swept out once there are more than those in date and so many. */
const SLACK = 64;

interface Entry<Owner> {
  readonly atMs: number;
  readonly owner: Owner;
}

/** Owners with one time each, by the wall clock. */
export class ExpiryQueue<Owner extends object> {
  readonly #clock: Clock;
  readonly #due: (owner: Owner) => void;
  /** The time that counts for an owner: entries of the heap with another one are out of date. */
  readonly #times: Map<Owner, number> = new Map();
  #heap: Entry<Owner>[] = [];
  #timer: TimerId = undefined;
  #timerAtMs: number = Infinity;

  /** Waits for nobody. @param due Called with an owner whose time has passed; its time is forgotten then. */
  constructor(clock: Clock, due: (owner: Owner) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  /** Gives an owner a time in place of the one it had; Infinity takes it away. */
  set(owner: Owner, atMs: number): void {
    if (atMs === Infinity) {
      this.#times.delete(owner);
    } else if (this.#times.get(owner) !== atMs) {
      this.#times.set(owner, atMs);
      this.#push({ atMs, owner });
      if (this.#heap.length > 2 * this.#times.size + SLACK) this.#sweep();
    }
    this.#arm();
  }

  /** Forgets everybody and stops the timer. */
  clear(): void {
    this.#times.clear();
    this.#heap = [];
    this.#arm();
  }

  /** Lets the timer run to the first time, if anyone waits. */
  #arm(): void {
    if (this.#times.size === 0) this.#heap.length = 0;
    const first = this.#heap.length === 0 ? Infinity : this.#heap[0].atMs;
    if (first >= this.#timerAtMs && first !== Infinity) return;
    if (this.#timerAtMs !== Infinity) this.#clock.clearTimer(this.#timer);
    this.#timerAtMs = first;
    if (first === Infinity) return;
    // What expires at a time is still there in that millisecond.
    const waitMs = Math.max(first + 1 - this.#clock.now(), 1);
    this.#timer = this.#clock.setTimer(() => this.#fire(), Math.min(waitMs, MAX_TIMER_MS));
  }

  /** The timer has run: also when the clock was set back meanwhile, or the wait is longer than a timer can be. */
  #fire(): void {
    this.#timerAtMs = Infinity;
    const now = this.#clock.now();
    while (this.#heap.length > 0 && this.#heap[0].atMs < now) {
      const { atMs, owner } = this.#pop();
      if (this.#times.get(owner) !== atMs) continue;
      this.#times.delete(owner);
      this.#due(owner);
    }
    this.#arm();
  }

  #sweep(): void {
    const inDate = this.#heap.filter(({ atMs, owner }) => this.#times.get(owner) === atMs);
    this.#heap = [];
    for (const entry of inDate) this.#push(entry);
  }

  #push(entry: Entry<Owner>): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent].atMs <= entry.atMs) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry<Owner> {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop()!;
    const { length } = heap;
    if (length === 0) return first;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && heap[child + 1].atMs < heap[child].atMs) child++;
      if (heap[child].atMs >= last.atMs) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

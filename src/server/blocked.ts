/**
 * Clients that wait for keys: who waits for what, in the order they came, and when each is looked at
 * again. A client stays in its place until it was served, however often it is woken in vain.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import type { BlockingHost, Session, Unblocked, WaitingClient } from "../commands/engine/host.ts";
import { keyName } from "./key_name.ts";

interface Waiter {
  readonly session: Session;
  readonly names: readonly string[];
  readonly client: WaitingClient;
  timer: TimerId;
}

/** Blocked clients of one server. */
export class Blocked implements BlockingHost {
  readonly #clock: Clock;
  /** By database and key, in the order they began to wait. */
  readonly #queues: Map<string, Set<Waiter>> = new Map();
  /** By the session's id. */
  readonly #waiters: Map<number, Waiter> = new Map();
  /** Keys that were changed and whose clients have not been looked at yet. */
  readonly #ready: Set<string> = new Set();
  #serving: boolean = false;
  #scheduled: boolean = false;

  /** @param clock Ends the waiting. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many clients wait. */
  get count(): number {
    return this.#waiters.size;
  }

  add(
    session: Session,
    dbIndex: number,
    keys: readonly Uint8Array[],
    untilMs: number,
    client: WaitingClient,
  ): void {
    const names = keys.map((key) => keyName(dbIndex, key, 0, key.length));
    const waiter: Waiter = { session, names, client, timer: undefined };
    this.#waiters.set(session.id, waiter);
    for (const name of names) {
      const queue = this.#queues.get(name) ?? new Set();
      this.#queues.set(name, queue.add(waiter));
    }
    if (untilMs !== 0) this.#arm(waiter, untilMs);
  }

  remove(session: Session): void {
    const waiter = this.#waiters.get(session.id);
    if (waiter === undefined) return;
    this.#waiters.delete(session.id);
    this.#clock.clearTimer(waiter.timer);
    for (const name of waiter.names) {
      const queue = this.#queues.get(name);
      queue?.delete(waiter);
      if (queue?.size === 0) this.#queues.delete(name);
    }
  }

  unblock(id: number, how: Unblocked): boolean {
    const waiter = this.#waiters.get(id);
    if (waiter === undefined) return false;
    this.remove(waiter.session);
    waiter.client.end(how);
    return true;
  }

  /** A key was changed: whoever waits for it is looked at once the command at hand is over. */
  touch(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#queues.size === 0) return;
    const name = keyName(dbIndex, bytes, start, end);
    if (!this.#queues.has(name)) return;
    this.#ready.add(name);
    this.#schedule();
  }

  /** Every key of a database, or with -1 of all, may have changed. */
  touchAll(dbIndex: number): void {
    if (this.#queues.size === 0) return;
    for (const name of this.#queues.keys()) {
      if (dbIndex < 0 || name.startsWith(`${dbIndex}:`)) this.#ready.add(name);
    }
    this.#schedule();
  }

  /** Looks at those whose keys were changed. What they change in turn is looked at in the same go. */
  serve(): void {
    if (this.#serving || this.#ready.size === 0) return;
    this.#serving = true;
    try {
      for (const name of this.#ready) {
        this.#ready.delete(name);
        const queue = this.#queues.get(name);
        if (queue === undefined) continue;
        for (const waiter of [...queue]) {
          if (this.#waiters.get(waiter.session.id) === waiter) waiter.client.wake();
        }
      }
    } finally {
      this.#serving = false;
    }
  }

  /** For changes that no client's command made: the master's stream, a snapshot. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(() => {
      this.#scheduled = false;
      this.serve();
    });
  }

  /** A timer holds no more than 31 bits of milliseconds. */
  #arm(waiter: Waiter, untilMs: number): void {
    const leftMs = untilMs - this.#clock.now();
    const stepMs = Math.min(Math.max(leftMs, 0), 0x7fffffff);
    waiter.timer = this.#clock.setTimer(() => {
      if (this.#clock.now() < untilMs) return this.#arm(waiter, untilMs);
      this.remove(waiter.session);
      waiter.client.end("timeout");
    }, stepMs);
  }
}

/**
 * Clients that wait for keys (BLPOP, XREAD BLOCK and their like): who waits for what, in the order they
 * came, and when each is looked at again. It corresponds to blocked.c.
 *
 * ```text
 *   add() ──▶ waiting ── touch(key) ──▶ ready ── serve() ──▶ wake(): served? remove() : waiting, same place
 *               │
 *               └── timeout, CLIENT UNBLOCK ──▶ remove(), end(how)
 * ```
 *
 * A client keeps its place in each queue until it was served, however often it is woken in vain, so the
 * one that has waited longest is served first, as in Redis.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { Clock, TimerId } from "../base/clock.ts";
import type { BlockingHost, Session, Unblocked, WaitingClient } from "../commands/engine/host.ts";
import { keyName } from "./key_name.ts";

interface Waiter {
  readonly session: Session;
  /** Its keys by {@linkcode keyName}, each once or more. */
  readonly names: readonly string[];
  readonly client: WaitingClient;
  /** When it ends in absolute milliseconds, 0 for never. */
  readonly untilMs: number;
  timer: TimerId;
}

/** Blocked clients of one server. */
export class Blocked implements BlockingHost {
  readonly #clock: Clock;
  /** Who waits for a key, by {@linkcode keyName}, in the order they began to. No queue is empty. */
  readonly #queues: Map<string, Set<Waiter>> = new Map();
  /** Every waiting client, by its session's id. */
  readonly #waiters: Map<number, Waiter> = new Map();
  /** Keys that were changed since their clients were looked at. */
  readonly #ready: Set<string> = new Set();
  /** `serve` is on the stack: what a served client changes is looked at by its loop. */
  #serving: boolean = false;
  /** A turn is asked for in which `serve` is called. */
  #scheduled: boolean = false;

  /**
   * Begins with nobody waiting.
   *
   * @param clock Ends the waiting of clients that gave a timeout.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many clients wait for keys. */
  get count(): number {
    return this.#waiters.size;
  }

  /** How many of them wait until some time. */
  get countWithTimeout(): number {
    let count = 0;
    for (const { untilMs } of this.#waiters.values()) if (untilMs !== 0) count++;
    return count;
  }

  add(
    session: Session,
    dbIndex: number,
    keys: readonly Uint8Array[],
    untilMs: number,
    client: WaitingClient,
  ): void {
    assert(!this.#waiters.has(session.id), "a client waits for one command at a time");
    const names = keys.map((key) => keyName(dbIndex, key, 0, key.length));
    const waiter: Waiter = { session, names, client, untilMs, timer: undefined };
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
    assert(waiter.session === session, "a waiter is found by its own session");
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

  endAll(): void {
    for (const id of [...this.#waiters.keys()]) this.unblock(id, "moved");
  }

  /**
   * Notes that a key was changed: who waits for it is looked at once the command at hand is over, or, for
   * a change by the master's stream, in the next turn. One comparison while nobody waits.
   */
  touch(dbIndex: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#queues.size === 0) return;
    const name = keyName(dbIndex, bytes, start, end);
    if (!this.#queues.has(name)) return;
    this.#ready.add(name);
    this.#schedule();
  }

  /** The same for every key of a database, or with -1 of all. */
  touchAll(dbIndex: number): void {
    if (this.#queues.size === 0) return;
    for (const name of this.#queues.keys()) {
      if (dbIndex < 0 || name.startsWith(`${dbIndex}:`)) this.#ready.add(name);
    }
    this.#schedule();
  }

  /**
   * Wakes those whose keys were changed (blocked.c, `handleClientsBlockedOnKeys`). A key that a woken
   * client changes joins the set under the loop, so chains of moves end in the same call.
   */
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

  /**
   * Asks for a turn, for changes that no client's command made: those of the stream and of
   * snapshots.
   */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(() => {
      this.#scheduled = false;
      this.serve();
    });
  }

  /**
   * Ends the waiting at `untilMs`. A timer takes at most 31 bits of milliseconds, 25 days: it is
   * set anew.
   */
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

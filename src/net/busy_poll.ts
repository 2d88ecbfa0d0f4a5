/**
 * Busy polling: for a millisecond after bytes came the host's event loop looks for more instead of going
 * to sleep.
 *
 * Why: when the loop sleeps, the kernel wakes it from inside the peer's own `write`, for every packet. A
 * master on the same machine pays for that with time it would otherwise spend on its snapshot. While the
 * loop is awake a write only fills a buffer.
 *
 * What it costs: processor time in which the thread would sleep. Each look is a turn of the event loop
 * (`Clock.soon`), so timers, other sockets and the host's own callbacks run as ever in between.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Address } from "./socket.ts";

/**
 * Milliseconds awake after the last bytes: longer than a busy peer pauses, too short to cost an
 * idle host.
 */
const AWAKE_MS = 1;

/** Keeps the event loop awake after bytes came on one connection. */
export class BusyPoll {
  readonly #clock: Clock;
  readonly #turn: () => void;
  #on: boolean = false;
  /** A turn is asked for. */
  #turning: boolean = false;
  /** When the loop may sleep again, by the monotonic clock. */
  #untilMs: number = 0;

  /**
   * Begins switched off.
   *
   * @param clock Tells when the millisecond is over, and gives turns.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#turn = () => this.#look();
  }

  /**
   * Makes one for a connection to `remote`. Undefined where it would gain nothing: the peer is on another
   * machine, or there is one processor, on which looking would keep the peer from running.
   */
  static for(remote: Address, clock: Clock): BusyPoll | undefined {
    return isNear(remote) && hasProcessors() ? new BusyPoll(clock) : undefined;
  }

  /** Switches it on or off; off, the loop sleeps as soon as it has nothing to do. */
  set on(on: boolean) {
    this.#on = on;
  }

  /** Called when bytes came: keeps the loop awake from now on, when switched on. */
  stir(): void {
    if (!this.#on) return;
    this.#untilMs = this.#clock.monotonic() + AWAKE_MS;
    if (this.#turning) return;
    this.#turning = true;
    this.#clock.soon(this.#turn);
  }

  #look(): void {
    this.#turning = this.#on && this.#clock.monotonic() < this.#untilMs;
    if (this.#turning) this.#clock.soon(this.#turn);
  }
}

/** Whether the peer is on this machine, by its address alone. */
function isNear(address: Address): boolean {
  return address.transport === "unix" || address.host === "::1" || address.host.startsWith("127.");
}

/** Whether there is a second processor on which the peer can run while we look. */
function hasProcessors(): boolean {
  const host = globalThis as { navigator?: { hardwareConcurrency?: number } };
  return (host.navigator?.hardwareConcurrency ?? 1) > 1;
}

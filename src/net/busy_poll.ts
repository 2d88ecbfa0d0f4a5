/**
 * Busy polling: for a moment after bytes came the host's event loop looks for more instead of going to
 * sleep. A peer on the same machine otherwise spends its own time on waking us for every packet, which
 * a master that shares the processors with us can't spend on its snapshot. Timers, other sockets and
 * whatever else the host does have their turns as ever; what is used is time the thread would sleep.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Address } from "./socket.ts";

/** Longer than a busy peer's pauses, shorter than anyone would notice. */
const AWAKE_MS = 1;

/** Keeps the event loop awake. */
export class BusyPoll {
  readonly #clock: Clock;
  readonly #turn: () => void;
  #on: boolean = false;
  #turning: boolean = false;
  #untilMs: number = 0;

  /** @param clock Tells when the moment is over, and gives turns. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#turn = () => this.#look();
  }

  /** One for a connection to `remote`; undefined where it would gain nothing: a far peer, a lone processor. */
  static for(remote: Address, clock: Clock): BusyPoll | undefined {
    return isNear(remote) && hasProcessors() ? new BusyPoll(clock) : undefined;
  }

  /** Off, the loop sleeps when it likes. */
  set on(on: boolean) {
    this.#on = on;
  }

  /** Bytes came. */
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

/** True for a peer on this machine. */
function isNear(address: Address): boolean {
  return address.transport === "unix" || address.host === "::1" || address.host.startsWith("127.");
}

/** True when the peer can run while we look. */
function hasProcessors(): boolean {
  const host = globalThis as { navigator?: { hardwareConcurrency?: number } };
  return (host.navigator?.hardwareConcurrency ?? 1) > 1;
}

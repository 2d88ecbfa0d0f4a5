/**
 * `maxStalenessMs`: when data becomes too old to be read. A timer tells, so that a read need not look at the
 * clock.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import type { LinkStatus } from "../replication/types.ts";

/** Watches how old the data is while the link is down. */
export class StalenessBound {
  readonly #clock: Clock;
  readonly #maxMs: number;
  readonly #tell: (tooStale: boolean) => void;
  #timer: TimerId | undefined;

  /**
   * Calls the data too old until the link says otherwise.
   *
   * @param clock Judges the age, and calls back when it is reached.
   * @param maxMs How old the data may be.
   * @param tell Gets true when the data becomes too old, false when it is not.
   */
  constructor(clock: Clock, maxMs: number, tell: (tooStale: boolean) => void) {
    this.#clock = clock;
    this.#maxMs = maxMs;
    this.#tell = tell;
    tell(true);
  }

  /** The link has changed its state: judges the age again, and sets a timer for the moment it is reached. */
  linkChanged(status: LinkStatus): void {
    this.stop();
    if (status.state === "connected") return this.#tell(false);
    const { downSinceMs } = status;
    if (!status.hasData || downSinceMs === undefined) return this.#tell(true);
    const leftMs = downSinceMs + this.#maxMs - this.#clock.now();
    this.#tell(leftMs <= 0);
    if (leftMs > 0) this.#timer = this.#clock.setTimer(() => this.#tell(true), leftMs);
  }

  /** Ends watching; no timer is left. */
  stop(): void {
    this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}

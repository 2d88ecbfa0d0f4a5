/**
 * `maxStalenessMs`: when data becomes too old to be answered from. A timer tells, so that a read costs no
 * look at the clock.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import type { LinkStatus } from "../replication/types.ts";

/** Watches the age of the data. */
export class StalenessBound {
  readonly #clock: Clock;
  readonly #maxMs: number;
  readonly #tell: (tooStale: boolean) => void;
  #timer: TimerId | undefined;

  /**
   * Too stale until the link says otherwise.
   *
   * @param maxMs How old it may be. @param tell Gets the verdict.
   */
  constructor(clock: Clock, maxMs: number, tell: (tooStale: boolean) => void) {
    this.#clock = clock;
    this.#maxMs = maxMs;
    this.#tell = tell;
    tell(true);
  }

  /** The link stands otherwise than before. */
  linkChanged(status: LinkStatus): void {
    this.stop();
    if (status.state === "connected") return this.#tell(false);
    const { downSinceMs } = status;
    if (!status.hasData || downSinceMs === undefined) return this.#tell(true);
    const leftMs = downSinceMs + this.#maxMs - this.#clock.now();
    this.#tell(leftMs <= 0);
    if (leftMs > 0) this.#timer = this.#clock.setTimer(() => this.#tell(true), leftMs);
  }

  /** No timer is left. */
  stop(): void {
    this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}

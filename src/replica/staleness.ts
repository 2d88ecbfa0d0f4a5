/**
 * `maxStalenessMs`: when data becomes too old to be read. A timer tells, so that a read need not look at the
 * clock.
 *
 * ```text
 *  last byte heard        half of the bound          the bound
 *  |----------------------|--------------------------|------------->
 *    fresh                  the master is asked        reads are refused until it is heard again
 * ```
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import type { LinkStatus } from "../replication/types.ts";

/** Milliseconds between two looks while data is too old and the connection stands. */
const RECHECK_MS = 100;

/** What a {@linkcode StalenessBound} works with. */
export interface StalenessParts {
  /** Judges the age, and calls back when it is reached. */
  readonly clock: Clock;
  /** How old the data may be, in milliseconds. */
  readonly maxMs: number;
  /** How the link stands; undefined before there is one. */
  linkStatus(): LinkStatus | undefined;
  /** Asks the master whether the data is still the newest; true when it is. Never rejects. */
  ask(status: LinkStatus): Promise<boolean>;
  /** Gets true when the data becomes too old, false when it is not. */
  tell(tooStale: boolean): void;
}

/** Watches how old the data is, whether the link is down or only silent. */
export class StalenessBound {
  readonly #parts: StalenessParts;
  #timer: TimerId | undefined;
  /** When the master was asked and had nothing that we lack, on the monotonic clock. */
  #confirmedMs: number = -Infinity;
  #asking: boolean = false;
  #stopped: boolean = false;

  /** Calls the data too old until the link says otherwise. @param parts What it works with. */
  constructor(parts: StalenessParts) {
    this.#parts = parts;
    parts.tell(true);
  }

  /** The link has changed its state, or a timer is over: judges the age, and sets the next timer. */
  judge(): void {
    const { clock, maxMs } = this.#parts;
    clock.clearTimer(this.#timer);
    this.#timer = undefined;
    if (this.#stopped) return;
    const status = this.#parts.linkStatus();
    const ageMs = this.#ageOf(status);
    this.#parts.tell(ageMs >= maxMs);
    if (status?.state === "connected") this.#watch(status, ageMs);
    else if (ageMs < maxMs) this.#again(maxMs - ageMs);
  }

  /** Milliseconds since the data was surely the master's; Infinity before there is data. */
  #ageOf(status: LinkStatus | undefined): number {
    const { clock } = this.#parts;
    if (status === undefined || !status.hasData) return Infinity;
    if (status.state === "connected") {
      return Math.min(status.lastIoAgoMs, clock.monotonic() - this.#confirmedMs);
    }
    this.#confirmedMs = -Infinity;
    return status.downSinceMs === undefined ? Infinity : clock.now() - status.downSinceMs;
  }

  /** The connection stands: asks the master when half of the bound went by in silence. */
  #watch(status: LinkStatus, ageMs: number): void {
    const { maxMs } = this.#parts;
    const askAtMs = maxMs / 2;
    if (ageMs < askAtMs) return this.#again(askAtMs - ageMs);
    if (!this.#asking) this.#ask(status);
    this.#again(ageMs < maxMs ? Math.min(maxMs - ageMs, RECHECK_MS) : RECHECK_MS);
  }

  #ask(status: LinkStatus): void {
    const askedMs = this.#parts.clock.monotonic();
    this.#asking = true;
    void this.#parts.ask(status).then((fresh) => {
      this.#asking = false;
      if (!fresh) return;
      this.#confirmedMs = askedMs;
      this.judge();
    });
  }

  #again(ms: number): void {
    this.#timer = this.#parts.clock.setTimer(() => this.judge(), Math.max(1, Math.ceil(ms)));
  }

  /** Ends watching; no timer is left. */
  stop(): void {
    this.#stopped = true;
    this.#parts.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}

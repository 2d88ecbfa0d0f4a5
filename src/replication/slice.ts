/**
 * How long we have been at work without letting the host have its turn.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** A pause this long between two pieces of work means that others had their turn. */
const REST_MS = 1;
/** A slice ends in time when this many looks at the clock fit into it. */
const LOOKS = 16;

/**
 * Adds up work over several socket reads: an adapter may deliver many chunks in one turn of the event
 * loop, each small, together too long.
 */
export class Slice {
  readonly #clock: Clock;
  readonly #budgetMs: number;
  #worked: number = 0;
  #began: number = 0;
  #looked: number = 0;
  #ended: number = -Infinity;
  #isQuick: boolean = false;

  /** @param clock The clock. @param budgetMs How much work is enough. */
  constructor(clock: Clock, budgetMs: number) {
    this.#clock = clock;
    this.#budgetMs = budgetMs;
  }

  /** Work begins; the answer is the time. */
  begin(): number {
    const now = this.#clock.monotonic();
    if (now - this.#ended >= REST_MS) this.#worked = 0;
    this.#began = now;
    this.#looked = now;
    return now;
  }

  /** True when it is time to let others run. */
  over(): boolean {
    const now = this.#clock.monotonic();
    this.#isQuick = (now - this.#looked) * LOOKS < this.#budgetMs;
    this.#looked = now;
    return this.#worked + now - this.#began >= this.#budgetMs;
  }

  /** Whether more might have been done before the last `over`. */
  get isQuick(): boolean {
    return this.#isQuick;
  }

  /** Work ends for now. */
  end(): void {
    this.#ended = this.#clock.monotonic();
    this.#worked += this.#ended - this.#began;
  }

  /** Others had their turn. */
  reset(): void {
    this.#worked = 0;
  }
}

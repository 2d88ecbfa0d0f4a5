/**
 * How long to wait before the next attempt: short where a moment helps, long where each attempt costs
 * the master a fork for nothing, and never the same for two replicas of a fleet.
 *
 * @module
 */

import type { ReplicationError } from "./errors.ts";
import type { LinkBackoff } from "./types.ts";

/** Counts failures and turns them into pauses. */
export class Backoff {
  /** Failures since the link last held. */
  failures: number = 0;
  #doomed: number = 0;
  readonly #random: () => number;
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #doomedMs: number;
  readonly #doomedMaxMs: number;

  /** @param options Bounds. @param random Uniform in [0, 1). */
  constructor(options: LinkBackoff, random: () => number) {
    this.#random = random;
    this.#minMs = options.minMs ?? 1000;
    this.#maxMs = options.maxMs ?? 30_000;
    this.#doomedMs = options.doomedMs ?? 60_000;
    this.#doomedMaxMs = options.doomedMaxMs ?? 900_000;
  }

  /** Notes one more failure; the answer is the pause after it, milliseconds. */
  next(error: ReplicationError): number {
    const before = this.failures++;
    if (error.doomed) {
      return this.#jittered(Math.min(this.#doomedMaxMs, this.#doomedMs * 2 ** this.#doomed++));
    }
    if (error.brief) return this.#jittered(this.#minMs);
    return this.#jittered(Math.min(this.#maxMs, this.#minMs * 2 ** Math.min(before, 30)));
  }

  /** The link holds: the next failure is a first one again. */
  reset(): void {
    this.failures = 0;
    this.#doomed = 0;
  }

  #jittered(ms: number): number {
    return Math.ceil(ms * (0.5 + this.#random() / 2));
  }
}

/**
 * How long to wait before the next connection: short where a moment helps, long where each attempt costs
 * the master a fork for nothing. A real replica tries each second for ever (replicationCron); ours may be
 * many, in processes that restart together.
 *
 * ```text
 *  ordinary   minMs, 2 minMs, 4 minMs ... maxMs
 *  brief      minMs, minMs, minMs ...
 *  doomed     doomedMs, 2 doomedMs ... doomedMaxMs      each of them shortened by up to half at random
 * ```
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { ReplicationError } from "./errors.ts";
import type { LinkBackoff } from "./types.ts";

/** Counts the failures of one link and turns them into pauses. */
export class Backoff {
  /** Failures since the link last held, of every kind. */
  failures: number = 0;
  #doomed: number = 0;
  readonly #random: () => number;
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #doomedMs: number;
  readonly #doomedMaxMs: number;

  /** Begins without failures. @param options Bounds of the pauses. @param random Uniform in [0, 1). */
  constructor(options: LinkBackoff, random: () => number) {
    this.#random = random;
    this.#minMs = options.minMs ?? 1000;
    this.#maxMs = options.maxMs ?? 30_000;
    this.#doomedMs = options.doomedMs ?? 60_000;
    this.#doomedMaxMs = options.doomedMaxMs ?? 900_000;
  }

  /** Counts one more failure. Returns the milliseconds to wait after it. */
  next(error: ReplicationError): number {
    const before = this.failures++;
    assert(this.#doomed <= before, "a doomed failure is a failure");
    if (error.doomed) {
      return this.#jittered(Math.min(this.#doomedMaxMs, this.#doomedMs * 2 ** this.#doomed++));
    }
    if (error.brief) return this.#jittered(this.#minMs);
    return this.#jittered(Math.min(this.#maxMs, this.#minMs * 2 ** Math.min(before, 30)));
  }

  /** The link holds: the next failure counts as the first again. */
  reset(): void {
    this.failures = 0;
    this.#doomed = 0;
  }

  #jittered(ms: number): number {
    return Math.ceil(ms * (0.5 + this.#random() / 2));
  }
}

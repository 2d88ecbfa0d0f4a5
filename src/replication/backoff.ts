/**
 * How long to wait before the next connection. An attempt that costs nobody anything is made each second for
 * ever, as a real replica does (replicationCron); long pauses are for attempts that cost the master a fork,
 * and for mistakes that only an owner can mend.
 *
 * ```text
 *  what ended the connection                     pause
 *  sentinels or REPLICAOF name another master    none
 *  nothing sent that cost the master anything    minMs, minMs, minMs ...
 *  a full sync that broke, or did not hold       minMs, 2 minMs, 4 minMs ... maxMs
 *  wrong password, missing rights, no PSYNC      minMs, 2 minMs, 4 minMs ... maxMs
 *  a full sync that is bound to fail again       doomedMs, 2 doomedMs ... doomedMaxMs
 *
 *  each of them shortened by up to half at random: replicas of a fleet must not come back together
 * ```
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { ReplicationError } from "./errors.ts";
import type { LinkBackoff } from "./types.ts";

/** Most doublings of a pause: beyond them every sensible maximum is reached. */
const MAX_DOUBLINGS = 30;

/** Counts the failures of one link and turns them into pauses. */
export class Backoff {
  /** Failures since the link last held, of every kind. */
  failures: number = 0;
  /** Those among them whose pauses grow to `maxMs`. */
  #costly: number = 0;
  /** Those among them whose pauses grow to `doomedMaxMs`. */
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
    this.#maxMs = options.maxMs ?? Math.max(30_000, this.#minMs);
    this.#doomedMs = options.doomedMs ?? 60_000;
    this.#doomedMaxMs = options.doomedMaxMs ?? Math.max(900_000, this.#doomedMs);
  }

  /**
   * Counts one more failure. Returns the milliseconds to wait after it.
   *
   * @param error What ended the connection.
   * @param tookSnapshot True when the connection made the master begin a snapshot, and did not hold.
   */
  next(error: ReplicationError, tookSnapshot: boolean): number {
    this.failures++;
    assert(this.#doomed + this.#costly < this.failures, "each failure is of one kind");
    if (error.code === "SWITCHED") return 0;
    if (error.doomed) return this.#grown(this.#doomedMs, this.#doomed++, this.#doomedMaxMs);
    // The data no longer fits the offset: the next connection asks for a snapshot.
    const costly = tookSnapshot || error.losesOffset;
    if (costly || error.fatal) return this.#grown(this.#minMs, this.#costly++, this.#maxMs);
    return this.#jittered(this.#minMs);
  }

  /** The link holds: the next failure counts as the first again. */
  reset(): void {
    this.failures = 0;
    this.#costly = 0;
    this.#doomed = 0;
  }

  #grown(ms: number, doublings: number, maxMs: number): number {
    return this.#jittered(Math.min(maxMs, ms * 2 ** Math.min(doublings, MAX_DOUBLINGS)));
  }

  #jittered(ms: number): number {
    return Math.ceil(ms * (0.5 + this.#random() / 2));
  }
}

/**
 * Waits until the data has reached a token: what makes a write readable to the one who made it, here or in
 * another process.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { type WaitOptions, within } from "../replication/waiting.ts";
import { WriteError } from "./errors.ts";
import type { HistoryChain, Place } from "../replication/history.ts";
import { formatToken, type Token } from "../replication/token.ts";

interface Waiter {
  readonly token: Token;
  resolve(): void;
  reject(error: Error): void;
}

/** Who waits for which token. Costs a comparison for each command of the stream while somebody waits. */
export class Waits {
  /** Where the data stands; an object whose fields follow it. */
  place: Place;
  readonly #clock: Clock;
  readonly #chain: HistoryChain;
  readonly #waiters: Set<Waiter> = new Set();
  /** The least offset of any waiter: before it is settled nobody needs to be looked at. */
  #least: number = Infinity;

  /** Nobody waits yet. @param chain Judges tokens of earlier histories. */
  constructor(clock: Clock, chain: HistoryChain, place: Place) {
    this.#clock = clock;
    this.#chain = chain;
    this.place = place;
  }

  /** How many callers wait for a token. */
  get size(): number {
    return this.#waiters.size;
  }

  /**
   * Resolves when every byte up to the token is applied.
   *
   * @throws {WriteError} HISTORY_LOST when that cannot happen any more.
   * @throws {ReplicationError} STOPPED when the signal came first.
   */
  wait(token: Token, options: WaitOptions, late: () => Error): Promise<void> {
    const reach = this.#chain.reach(token, this.place);
    if (reach === "reached") return Promise.resolve();
    if (reach === "lost") return Promise.reject(lost(token));
    return within(this.#clock, options, (signal) => this.#join(token, signal), late);
  }

  /** The offset has moved: a command was applied, or keys that were fetched are settled. */
  moved(): void {
    if (this.place.settled >= this.#least) this.judge();
  }

  /** Looks at everybody: another history is followed, or the master has told where one ended. */
  judge(): void {
    this.#least = Infinity;
    for (const waiter of this.#waiters) {
      const { token } = waiter;
      const reach = this.#chain.reach(token, this.place);
      if (reach === "awaited") {
        this.#least = Math.min(this.#least, token.offset);
        continue;
      }
      this.#waiters.delete(waiter);
      if (reach === "reached") waiter.resolve();
      else waiter.reject(lost(token));
    }
  }

  /** Nobody will come any further: all waits end with `error`. */
  end(error: Error): void {
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
    this.#least = Infinity;
  }

  #join(token: Token, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { token, resolve, reject };
      this.#waiters.add(waiter);
      this.#least = Math.min(this.#least, token.offset);
      signal.addEventListener("abort", () => this.#waiters.delete(waiter), { once: true });
    });
  }
}

function lost(token: Token): WriteError {
  return new WriteError(
    "HISTORY_LOST",
    `${
      formatToken(token)
    } is not part of what is followed now: after a failover, or a restart of the ` +
      "master, it is lost or cannot be told",
  );
}

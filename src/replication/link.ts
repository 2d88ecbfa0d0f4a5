/**
 * The link to a master: connects, stays, reconnects, and tells how it stands. What happens on one
 * connection is {@linkcode MasterConnection}'s.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { TimerId } from "../base/clock.ts";
import { Backoff } from "./backoff.ts";
import { MasterConnection } from "./connection.ts";
import { asReplicationError, ReplicationError, stopped } from "./errors.ts";
import { LinkShared } from "./shared.ts";
import type { LinkOptions, LinkState, LinkStatus } from "./types.ts";

/** A full sync that held this long was no failure: what breaks later starts a new count. */
const HELD_MS = 10_000;

/** Waits for a promise that somebody else settles. */
interface Waiter {
  resolve(): void;
  reject(error: ReplicationError): void;
}

/**
 * Keeps a keyspace equal to a master's data.
 *
 * A connection goes through the states of {@linkcode LinkState}; when it breaks, another is made after
 * a pause, for ever, going on where the last one ended when the master still has those bytes. Until the
 * master has agreed to replicate for the first time, errors that no further attempt can mend
 * (`ReplicationError.fatal`: wrong password, missing rights, PSYNC unknown, protected mode, a certificate
 * that does not verify) end the link instead.
 */
export class ReplicationLink {
  readonly #shared: LinkShared;
  readonly #backoff: Backoff;
  #state: LinkState = "none";
  #sinceMs: number;
  #downSinceMs: number | undefined;
  #connection: MasterConnection | undefined;
  #abort: AbortController | undefined;
  #loop: Promise<void> | undefined;
  #retryTimer: TimerId | undefined;
  #retryNow: (() => void) | undefined;
  #nextRetryAtMs: number | undefined;
  #lastError: ReplicationError | undefined;
  #heldSince: number | undefined;
  #running: boolean = false;
  #starters: Waiter[] = [];
  #syncWaiters: Waiter[] = [];

  /** @param options What to follow, into what, and how. Nothing is connected before `start`. */
  constructor(options: LinkOptions) {
    this.#shared = new LinkShared(options, {
      entered: (state) => this.#enter(state),
      accepted: () => this.#accepted(),
      synced: (kind) => this.#synced(kind),
    });
    this.#backoff = new Backoff(options.backoff ?? {}, options.random);
    this.#sinceMs = options.clock.now();
  }

  /**
   * Begins, and resolves once a master has agreed to replicate, however many attempts that takes; the
   * snapshot is then still to come, see {@linkcode ReplicationLink.synced}. From then on the link
   * reconnects for ever.
   *
   * @throws {ReplicationError} A `fatal` one, after which the link is stopped; or STOPPED, when `signal`
   * or `stop()` came first.
   */
  start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(stopped());
    if (this.#loop === undefined) {
      this.#abort = new AbortController();
      this.#running = false;
      this.#downSinceMs ??= this.#shared.clock.now();
      this.#loop = this.#run(this.#abort.signal).finally(() => this.#loop = undefined);
    }
    if (this.#running) return Promise.resolve();
    return this.#wait(this.#starters, signal, () => void this.stop());
  }

  /**
   * Resolves when the data is whole and followed: now, when it is already.
   *
   * @throws {ReplicationError} The error of a synchronisation bound to fail again (the link still tries,
   * after long pauses), a `fatal` one before the link ever ran, or STOPPED.
   */
  synced(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (options.signal?.aborted) return Promise.reject(stopped());
    if (this.#state === "connected") return Promise.resolve();
    if (this.#loop === undefined) return Promise.reject(this.#lastError ?? stopped());
    return this.#wait(this.#syncWaiters, options.signal);
  }

  /** Ends the connection and all waiting. Resolves when no timer and no socket is left. */
  async stop(): Promise<void> {
    this.#abort?.abort();
    this.#retryNow?.();
    await this.#loop;
  }

  /** Cuts short a pause between two attempts. */
  retryNow(): void {
    this.#retryNow?.();
  }

  /**
   * Takes over a place in a master's history, whose data the keyspace holds already: the first PSYNC asks
   * for what came after it. Before the first `start` only.
   *
   * @param asOfMs When that data was last known to be the master's, milliseconds since 1970.
   */
  restore(place: { replid: string; offset: number; db: number }, asOfMs: number): void {
    assert(this.#loop === undefined, "a place is taken over before anything is followed");
    this.#shared.replOffset.restore(place.replid, place.offset, place.db);
    this.#downSinceMs = asOfMs;
  }

  /** The master is elsewhere now: leaves the one at hand, if any, and looks for it at once. */
  relocate(reason: string): void {
    const connection = this.#connection;
    if (connection === undefined) this.#retryNow?.();
    else connection.fail(new ReplicationError("SWITCHED", reason));
  }

  /** A moment's view. */
  status(): LinkStatus {
    const { replOffset, clock, counters, address } = this.#shared;
    const connection = this.#connection;
    const heardAt = connection?.lastIoMs ?? -1;
    return {
      state: this.#state,
      sinceMs: this.#sinceMs,
      address,
      hasData: replOffset.hasData,
      emptied: replOffset.emptied,
      resumable: replOffset.resumable,
      replid: replOffset.replid,
      replid2: replOffset.replid2,
      secondOffset: replOffset.secondOffset,
      readOffset: connection?.readOffset ?? replOffset.applied,
      inboxBytes: connection?.inboxBytes ?? 0,
      appliedOffset: replOffset.applied,
      db: replOffset.db,
      sync: connection?.progress,
      lastIoMs: heardAt < 0 ? -1 : clock.monotonic() - heardAt,
      downSinceMs: this.#downSinceMs,
      lastError: this.#lastError,
      failures: this.#backoff.failures,
      nextRetryAtMs: this.#nextRetryAtMs,
      counters: { ...counters },
    };
  }

  async #run(signal: AbortSignal): Promise<void> {
    let error = stopped();
    while (!signal.aborted) {
      error = await this.#connectOnce(signal);
      if (signal.aborted) break;
      const ends = (error.fatal && !this.#running) ||
        (error.code === "DIVERGED" && this.#shared.onDivergence === "stop");
      if (ends) return this.#end(error);
      await this.#pause(error);
    }
    this.#end(signal.aborted ? stopped() : error);
  }

  async #connectOnce(signal: AbortSignal): Promise<ReplicationError> {
    const { counters, clock, replOffset } = this.#shared;
    counters.attempts++;
    this.#nextRetryAtMs = undefined;
    const connection = new MasterConnection(this.#shared);
    this.#connection = connection;
    const error = asReplicationError(await connection.run(signal));
    this.#connection = undefined;
    if (error.losesOffset) replOffset.endHistory();
    if (this.#heldSince !== undefined && clock.monotonic() - this.#heldSince >= HELD_MS) {
      this.#backoff.reset();
    }
    this.#heldSince = undefined;
    const silentMs = connection.lastIoMs < 0
      ? 0
      : Math.floor(clock.monotonic() - connection.lastIoMs);
    this.#downSinceMs ??= clock.now() - silentMs;
    return error;
  }

  /** Tells of the failure and waits before the next connection. */
  async #pause(error: ReplicationError): Promise<void> {
    const { clock } = this.#shared;
    this.#lastError = error;
    const retryInMs = this.#backoff.next(error);
    this.#nextRetryAtMs = clock.now() + retryInMs;
    this.#enter("connect");
    this.#shared.log("warn", `${error.message}; next attempt in ${retryInMs} ms`);
    this.#shared.emit({ type: "disconnected", error, retryInMs });
    if (error.doomed) settle(this.#syncWaiters, (waiter) => waiter.reject(error));
    // An observer may have stopped us just now.
    if (this.#abort?.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#retryNow = resolve;
      this.#retryTimer = clock.setTimer(resolve, retryInMs);
    });
    clock.clearTimer(this.#retryTimer);
    this.#retryNow = undefined;
    this.#retryTimer = undefined;
  }

  #end(error: ReplicationError): void {
    this.#nextRetryAtMs = undefined;
    this.#enter("none");
    if (error.code !== "STOPPED") {
      this.#lastError = error;
      this.#shared.log("error", `${error.message}; giving up`);
      this.#shared.emit({ type: "failed", error });
    }
    settle(this.#starters, (waiter) => waiter.reject(error));
    settle(this.#syncWaiters, (waiter) => waiter.reject(error));
  }

  #enter(state: LinkState): void {
    const previous = this.#state;
    if (state === previous) return;
    this.#state = state;
    this.#sinceMs = this.#shared.clock.now();
    this.#shared.log("debug", `${previous} -> ${state}`);
    this.#shared.emit({ type: "state", state, previous });
    if (state === "connected") settle(this.#syncWaiters, (waiter) => waiter.resolve());
  }

  #accepted(): void {
    this.#running = true;
    settle(this.#starters, (waiter) => waiter.resolve());
  }

  /** A partial sync costs nothing, so the next failure is a first one; a full one must hold first. */
  #synced(kind: "full" | "partial"): void {
    this.#lastError = undefined;
    this.#downSinceMs = undefined;
    this.#heldSince = this.#shared.clock.monotonic();
    if (kind === "partial") this.#backoff.reset();
  }

  #wait(waiters: Waiter[], signal?: AbortSignal, onAbort?: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        waiters.splice(waiters.indexOf(waiter), 1);
        reject(stopped());
        onAbort?.();
      };
      const leave = () => signal?.removeEventListener("abort", abort);
      const waiter: Waiter = {
        resolve: () => (leave(), resolve()),
        reject: (error) => (leave(), reject(error)),
      };
      signal?.addEventListener("abort", abort, { once: true });
      waiters.push(waiter);
    });
  }
}

function settle(waiters: Waiter[], how: (waiter: Waiter) => void): void {
  for (const waiter of waiters.splice(0)) how(waiter);
}

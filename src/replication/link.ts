/**
 * The link to a master over all its connections: connects, waits after a failure, connects again. What
 * happens on one connection is in connection.ts.
 *
 * ```text
 *            start()                    MasterConnection.run()
 *  none ---------------> connecting ----------------------------> connected
 *   ^                    ^                                            |
 *   |        pause over  |                                            | it broke
 *   |                 connect <---------------------------------------+
 *   |                    |
 *   +--------------------+  stop(), a fatal error before the link ever ran, or a divergence with "stop"
 * ```
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { TimerId } from "../base/clock.ts";
import type { CommitPlace } from "../commands/engine/commit.ts";
import { type Address, formatAddress, SocketError } from "../net/socket.ts";
import { Backoff } from "./backoff.ts";
import { MasterConnection } from "./connection.ts";
import { asReplicationError, MemoryError, ReplicationError, stopped } from "./errors.ts";
import type { StreamFilter } from "./filter.ts";
import type { DeskOptions } from "./repair/master.ts";
import type { Repair } from "./repair/repair.ts";
import type { Place } from "./repair/types.ts";
import { LinkShared } from "./shared.ts";
import type { LinkOptions, LinkState, LinkStatus } from "./types.ts";

/** A full sync whose stream was followed this long was no failure: what breaks later is a first failure. */
const HELD_MS = 10_000;

/** The two ends of a promise that `start` or `synced` gave away. */
interface Waiter {
  resolve(): void;
  reject(error: ReplicationError): void;
}

/**
 * Keeps a keyspace equal to a master's data.
 *
 * A connection goes through the states of `LinkState`. When it breaks, another one is made after a pause,
 * for ever, and goes on where the last one ended if the master still has those bytes in its backlog. Until
 * the master has agreed to replicate for the first time, an error that no further attempt can mend
 * (`ReplicationError.fatal`: wrong password, missing rights, PSYNC unknown, protected mode, a certificate
 * that does not verify) ends the link instead.
 */
export class ReplicationLink {
  readonly #shared: LinkShared;
  readonly #backoff: Backoff;
  #state: LinkState = "none";
  #sinceMs: number;
  /** Since when the data may be stale, milliseconds since 1970; undefined while connected. */
  #downSinceMs: number | undefined;
  #connection: MasterConnection | undefined;
  #abort: AbortController | undefined;
  /** Settles when the loop over connections ends; undefined while the link is stopped. */
  #loop: Promise<void> | undefined;
  #retryTimer: TimerId | undefined;
  #retryNow: (() => void) | undefined;
  #nextRetryAtMs: number | undefined;
  #lastError: ReplicationError | undefined;
  /** A failure of a doomed synchronisation that nobody waited for: whoever waits next is told. */
  #untold: ReplicationError | undefined;
  /** When the stream of this connection began, on the monotonic clock. */
  #heldSince: number | undefined;
  /** True when the last connection made the master begin a snapshot, and did not hold. */
  #tookSnapshot: boolean = false;
  /** The kind of failure that was logged last; the same one is not logged again and again. */
  #logged: string = "";
  /** True once a master has agreed to replicate since `start`: no error is fatal any more. */
  #running: boolean = false;
  /** Who waits for `start`, and who for `synced`. */
  #starters: Waiter[] = [];
  #syncWaiters: Waiter[] = [];

  /** Connects nothing before `start`. @param options Which master, into which keyspace, and how. */
  constructor(options: LinkOptions) {
    this.#shared = new LinkShared(options, {
      entered: (state) => this.#enter(state),
      accepted: () => this.#accepted(),
      synced: (kind) => this.#synced(kind),
      failed: (error) => this.#connection?.fail(error),
    });
    this.#backoff = new Backoff(options.backoff ?? {}, options.random);
    this.#sinceMs = options.clock.now();
  }

  /**
   * Begins, and resolves once a master has agreed to replicate, however many attempts that takes; the
   * snapshot is then still to come, see `synced`. From then on the link reconnects for ever.
   *
   * @param options `signal` stops the link as long as this promise is pending.
   * @throws {ReplicationError} A `fatal` one, after which the link is stopped; or STOPPED, when `signal`
   * or `stop()` came first.
   */
  start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(stopped());
    // A link that is being stopped begins anew once it has stopped.
    if (this.#loop !== undefined && this.#abort?.signal.aborted) {
      return this.#loop.then(() => this.start(options));
    }
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
   * Resolves when the data is whole and the stream is followed, at once when that is so already.
   *
   * @param options `signal` gives up waiting, and only waiting.
   * @throws {ReplicationError} The error of a synchronisation bound to fail again (the link still tries,
   * after long pauses), a `fatal` one before the link ever ran, or STOPPED.
   */
  synced(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (options.signal?.aborted) return Promise.reject(stopped());
    if (this.#state === "connected") return Promise.resolve();
    if (this.#loop === undefined) return Promise.reject(this.#lastError ?? stopped());
    const untold = this.#untold;
    this.#untold = undefined;
    if (untold !== undefined) return Promise.reject(untold);
    return this.#wait(this.#syncWaiters, options.signal);
  }

  /** Ends the connection and every wait. Resolves when no timer and no socket is left. */
  async stop(): Promise<void> {
    this.#abort?.abort();
    this.#retryNow?.();
    await this.#loop;
  }

  /** Cuts short a pause between two attempts. */
  retryNow(): void {
    this.#untold = undefined;
    this.#retryNow?.();
  }

  /**
   * Takes over a replication offset whose data the keyspace holds already: the first PSYNC asks for what came
   * after it. To be called before the first `start` only.
   *
   * @param place Replication id, offset, and the database the stream had selected there.
   * @param asOfMs When that data was last known to be the master's, milliseconds since 1970.
   */
  restore(place: { replid: string; offset: number; db: number }, asOfMs: number): void {
    assert(this.#loop === undefined, "an offset is taken over before anything is followed");
    this.#shared.replOffset.restore(place.replid, place.offset, place.db);
    this.#downSinceMs = asOfMs;
  }

  /**
   * The master is another server now: ends the connection to the old one, and connects anew at once.
   *
   * @param reason Why, for the log and the status.
   * @param to Where it is, if that is known: a connection that leads there already is kept.
   */
  relocate(reason: string, to?: Address): void {
    const connection = this.#connection;
    if (connection === undefined) return this.#retryNow?.();
    const stands = connection.state !== "connecting";
    const leadsThere = to !== undefined &&
      formatAddress(to) === formatAddress(this.#shared.address);
    if (!stands || !leadsThere) connection.fail(new ReplicationError("SWITCHED", reason));
  }

  /**
   * Follows the server at `address` from now on, with the credentials and TLS there are. Where the master is
   * looked up, it is asked for again when the connection to `address` ends or cannot be made.
   *
   * @param address The new master.
   * @param reason Why, for the log and the status.
   */
  follow(address: Address, reason: string): void {
    this.#shared.told = address;
    this.#shared.address = address;
    this.relocate(reason);
  }

  /** Where the master is, as far as is known at this moment. */
  get address(): Address {
    return this.#shared.address;
  }

  /** Where the data stands at each moment: an object whose fields follow it. */
  get place(): CommitPlace {
    const { replOffset, border } = this.#shared;
    return {
      get replid() {
        return replOffset.replid;
      },
      get applied() {
        return replOffset.applied;
      },
      get settled() {
        return border.awaited === 0 && border.doubts.size === 0
          ? replOffset.applied
          : border.settledOffset;
      },
      get hasData() {
        return replOffset.hasData;
      },
    };
  }

  /** What passes of the stream. */
  get filter(): StreamFilter {
    return this.#shared.filter;
  }

  /** The link's state at this moment. */
  get state(): LinkState {
    return this.#state;
  }

  /** Fetches keys from the master: those of a filter's border, and those that were compared and differ. */
  get repair(): Repair {
    return this.#shared.border;
  }

  /** Which byte of which history the data stands at: an object whose fields follow it. */
  get offset(): Place {
    return this.#shared.replOffset;
  }

  /** How the master that is followed is asked as a client asks it. */
  get desk(): DeskOptions {
    return this.#shared.desk;
  }

  /** How the link stands at this moment; a copy. */
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
      heldBytes: connection?.heldBytes ?? 0,
      appliedOffset: replOffset.applied,
      db: replOffset.db,
      sync: connection?.progress,
      syncedAtMs: this.#shared.syncedAtMs,
      lastIoAgoMs: heardAt < 0 ? -1 : clock.monotonic() - heardAt,
      downSinceMs: this.#downSinceMs,
      lastError: this.#lastError,
      failures: this.#backoff.failures,
      nextRetryAtMs: this.#nextRetryAtMs,
      repairs: (this.#shared.filter.active ? this.#shared.border : this.#shared.repair)?.status(),
      ignored: this.#shared.ignored.toRecord(),
      counters: { ...counters },
    };
  }

  /** Makes one connection after the other until `stop`, or until an error ends the link. */
  async #run(signal: AbortSignal): Promise<void> {
    let error = stopped();
    while (!signal.aborted) {
      error = await this.#connectOnce(signal);
      if (signal.aborted) break;
      const ends = (error.fatal && !this.#running) ||
        (error.code === "DIVERGED" && this.#shared.settings.onDivergence === "stop");
      if (ends) return this.#end(error);
      await this.#pause(error);
    }
    this.#end(signal.aborted ? stopped() : error);
  }

  /** Makes one connection and waits for its end. Returns why it ended. */
  async #connectOnce(signal: AbortSignal): Promise<ReplicationError> {
    const { counters, clock, replOffset } = this.#shared;
    counters.attempts++;
    this.#nextRetryAtMs = undefined;
    assert(this.#connection === undefined, "one connection at a time");
    const connection = new MasterConnection(this.#shared);
    this.#connection = connection;
    const error = asReplicationError(await connection.run(signal));
    this.#connection = undefined;
    if (error.losesOffset) replOffset.endHistory();
    if (error instanceof MemoryError) this.#outOfMemory(error, connection.resumed);
    const held = this.#heldSince !== undefined &&
      clock.monotonic() - this.#heldSince >= HELD_MS;
    if (held) this.#backoff.reset();
    this.#tookSnapshot = connection.tookSnapshot && !held;
    this.#heldSince = undefined;
    const silentMs = connection.lastIoMs < 0
      ? 0
      : Math.floor(clock.monotonic() - connection.lastIoMs);
    this.#downSinceMs ??= clock.now() - silentMs;
    return error;
  }

  /**
   * The limit on memory was reached. Data stays as it is where it is a state of the master's and the policy is to stop;
   * a stream that was resumed only to be given up again begins anew where that empties first.
   */
  #outOfMemory(error: MemoryError, resumed: boolean): void {
    const { replOffset, settings } = this.#shared;
    const flushes = settings.memory?.policy === "flush" || error.isTorn;
    if (flushes && replOffset.hasData) this.#shared.emptyData();
    else if (resumed && settings.resync === "flush") replOffset.endHistory();
    settings.memory?.reached(error);
  }

  /** Reports the failure, then waits before the next connection; `retryNow` and `stop` cut that short. */
  async #pause(error: ReplicationError): Promise<void> {
    const { clock } = this.#shared;
    this.#lastError = error;
    const retryInMs = this.#backoff.next(error, this.#tookSnapshot);
    this.#nextRetryAtMs = clock.now() + retryInMs;
    this.#enter("connect");
    this.#logFailure(error, retryInMs);
    this.#shared.emit({ type: "disconnected", error, retryInMs });
    this.#untold = error.doomed && this.#syncWaiters.length === 0 ? error : undefined;
    if (error.doomed) settle(this.#syncWaiters, (waiter) => waiter.reject(error));
    // A listener may have called stop() just now.
    if (this.#abort?.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#retryNow = resolve;
      this.#retryTimer = clock.setTimer(resolve, retryInMs);
    });
    clock.clearTimer(this.#retryTimer);
    this.#retryNow = undefined;
    this.#retryTimer = undefined;
  }

  /** Warns of a failure once: an outage is tried to be ended each second, and is one outage. */
  #logFailure(error: ReplicationError, retryInMs: number): void {
    const { cause } = error;
    const kind = cause instanceof SocketError ? `${error.code} ${cause.code}` : error.code;
    const level = kind === this.#logged ? "debug" : "warn";
    this.#logged = kind;
    this.#shared.log(level, `${error.message}; next attempt in ${retryInMs} ms`, {
      event: "connection_failed",
      code: error.code,
      retryInMs,
    });
  }

  /** Tells of the end of an outage where the outage was told, and at the same level. */
  #logRecovery(kind: "full" | "partial"): void {
    if (this.#logged === "") return;
    this.#logged = "";
    const { clock } = this.#shared;
    const ms = clock.now() - (this.#downSinceMs ?? clock.now());
    this.#shared.log("warn", `Followed again after ${ms} ms, by a ${kind} resync`, {
      event: "recovered",
      afterMs: ms,
      kind,
    });
  }

  /** The link ends: every promise that waits for it rejects with the reason. */
  #end(error: ReplicationError): void {
    this.#nextRetryAtMs = undefined;
    this.#shared.endRepair();
    this.#enter("none");
    if (error.code !== "STOPPED") {
      this.#lastError = error;
      this.#shared.log("error", `${error.message}; giving up`, {
        event: "gave_up",
        code: error.code,
      });
      this.#shared.emit({ type: "failed", error });
    }
    settle(this.#starters, (waiter) => waiter.reject(error));
    settle(this.#syncWaiters, (waiter) => waiter.reject(error));
  }

  /** Takes over a state, its own or its connection's, and tells of the change. */
  #enter(state: LinkState): void {
    const previous = this.#state;
    if (state === previous) return;
    this.#state = state;
    this.#sinceMs = this.#shared.clock.now();
    this.#shared.log("debug", `${previous} -> ${state}`, { event: "link_state", previous, state });
    this.#shared.emit({ type: "state", state, previous });
    if (state === "connected") settle(this.#syncWaiters, (waiter) => waiter.resolve());
  }

  /** The master agreed to replicate: `start` resolves, and from now on the link tries for ever. */
  #accepted(): void {
    this.#running = true;
    settle(this.#starters, (waiter) => waiter.resolve());
  }

  /**
   * A partial resync costs the master nothing, so the next failure counts as the first; a full one must
   * hold.
   */
  #synced(kind: "full" | "partial"): void {
    this.#shared.settings.memory?.followed();
    this.#logRecovery(kind);
    this.#lastError = undefined;
    this.#untold = undefined;
    this.#downSinceMs = undefined;
    this.#heldSince = this.#shared.clock.monotonic();
    if (kind === "partial") this.#backoff.reset();
  }

  /** A promise that is settled with the others of `waiters`, or rejects with STOPPED at `signal`. */
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

/** Settles and removes every waiter: one that is added meanwhile waits for the next time. */
function settle(waiters: Waiter[], how: (waiter: Waiter) => void): void {
  for (const waiter of waiters.splice(0)) how(waiter);
}

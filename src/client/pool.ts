/**
 * Connections to one server that are kept and shared: ordinary commands are pipelined on a few of them, what
 * blocks or needs a session of its own gets one to itself for as long as it lasts.
 *
 * ```text
 *  shared(db)      the one with the fewest unanswered commands; another is made while all are busy and there
 *                  are fewer than `shared`
 *  exclusive(db)   one that nobody uses, else a new one while there are fewer than `exclusive`; else it waits
 *  idle            closed after `idleMs` without use
 * ```
 *
 * A connection belongs to one database and speaks one protocol for good: SELECT and HELLO are part of how it is
 * made, so that no command can run in a wrong one, and no reply has another form than was asked for.
 *
 * @module
 */

import type { Clock, TimerId } from "../base/clock.ts";
import { ErrorReply } from "../resp/types.ts";
import { ClientConnection, type ClientOptions } from "./connection.ts";

/** Unanswered commands from which on another connection is worth its cost. */
const BUSY_COMMANDS = 64;

/** Options of a {@linkcode ClientPool}. */
export interface PoolOptions {
  /** Measures how long a connection has been idle. */
  readonly clock: Clock;
  /** Most connections for pipelined commands, for each database. */
  readonly shared: number;
  /** Most connections that are given to one user each. */
  readonly exclusive: number;
  /** Milliseconds without use after which a connection is closed. */
  readonly idleMs: number;
  /**
   * How a connection is made at this moment: address, login, timeouts. `replyMs` counts for shared ones: what
   * has one to itself may wait there.
   */
  connect(signal: AbortSignal): Promise<Omit<ClientOptions, "signal" | "db" | "protocol">>;
}

/** A connection that one user has to itself until it calls `release`. */
export interface Lease {
  /** The connection; one that has been closed is not given to anybody else. */
  readonly connection: ClientConnection;
  /** Gives it back; harmless when called again. @param reuse False to end it, with what is asked on it. */
  release(reuse: boolean): void;
}

/** Which connections can serve each other's users. */
export interface PoolKey {
  /** Database that is selected. */
  readonly db: number;
  /** Version of RESP that replies come in; 3 unless told. A server before 6.0 speaks 2 in any case. */
  readonly protocol?: 2 | 3;
}

interface Pooled {
  readonly connection: ClientConnection;
  /** {@linkcode keyOf} its database and protocol. */
  readonly key: string;
  /** When it was used last, on the monotonic clock. */
  usedMs: number;
}

/** Connections to one server; none is made before the first is asked for. */
export class ClientPool {
  readonly #options: PoolOptions;
  readonly #abort: AbortController = new AbortController();
  readonly #shared: Set<Pooled> = new Set();
  readonly #idle: Set<Pooled> = new Set();
  readonly #opening: Map<string, Promise<ClientConnection>> = new Map();
  readonly #waiting: (() => void)[] = [];
  #leased: number = 0;
  #timer: TimerId | undefined;
  #draining: boolean = false;

  /** Connects nothing yet. @param options Bounds, and how a connection is made. */
  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** How many connections stand. */
  get size(): number {
    return this.#shared.size + this.#idle.size + this.#leased;
  }

  /** How many connections have one user each. */
  get leased(): number {
    return this.#leased;
  }

  /**
   * A connection for pipelined commands on a database.
   *
   * @throws {Error} When the server cannot be reached, or the pool is closed.
   */
  async shared(wanted: PoolKey): Promise<ClientConnection> {
    this.#check();
    const key = keyOf(wanted);
    let best: Pooled | undefined;
    let count = 0;
    for (const pooled of this.#shared) {
      if (pooled.connection.closed) this.#shared.delete(pooled);
      if (pooled.connection.closed || pooled.key !== key) continue;
      count++;
      if (best === undefined || pooled.connection.unanswered < best.connection.unanswered) {
        best = pooled;
      }
    }
    const isBusy = best === undefined || best.connection.unanswered >= BUSY_COMMANDS;
    if (isBusy && count < this.#options.shared) {
      const opening = this.#openShared(wanted);
      if (best === undefined) return await opening;
      // Whoever asks now does not wait for it; it serves those who come later.
      opening.catch(() => undefined);
    }
    best!.usedMs = this.#options.clock.monotonic();
    return best!.connection;
  }

  /**
   * A connection of its own. Waits while `exclusive` of them are in use.
   *
   * @throws {Error} When the server cannot be reached, the pool is closed, or `signal` came first.
   */
  async exclusive(wanted: PoolKey, signal?: AbortSignal): Promise<Lease> {
    this.#check();
    while (this.#leased >= this.#options.exclusive) await this.#turn(signal);
    this.#leased++;
    try {
      const key = keyOf(wanted);
      return this.#lease(this.#takeIdle(key) ?? await this.#open(wanted, { replyMs: 0 }), key);
    } catch (error) {
      this.#released();
      throw error;
    }
  }

  /** Makes no connection any more, and closes each one when what is asked on it is answered. */
  drain(): void {
    this.#draining = true;
    this.#sweep(0);
    for (const { connection } of this.#shared) connection.closeWhenAnswered();
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Ends every connection at once; what is asked on them is rejected. */
  close(): void {
    this.drain();
    this.#abort.abort();
    this.#options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    if (this.#draining) throw new Error("the connections are closed");
  }

  /** One attempt at a time for each database: those who ask meanwhile share it. */
  #openShared(wanted: PoolKey): Promise<ClientConnection> {
    const key = keyOf(wanted);
    const opening = this.#opening.get(key) ?? this.#open(wanted).then((connection) => {
      this.#shared.add({ connection, key, usedMs: this.#options.clock.monotonic() });
      this.#watchIdle();
      return connection;
    }).finally(() => this.#opening.delete(key));
    this.#opening.set(key, opening);
    return opening;
  }

  /** Makes a connection that speaks RESP3 where that is wanted and the server knows HELLO, else RESP2. */
  async #open(
    { db, protocol = 3 }: PoolKey,
    bounds: { readonly replyMs?: number } = {},
  ): Promise<ClientConnection> {
    const { signal } = this.#abort;
    const options = { ...await this.#options.connect(signal), ...bounds, db, signal };
    try {
      return this.#opened(await ClientConnection.open({ ...options, protocol }));
    } catch (error) {
      const isOld = error instanceof ErrorReply &&
        /^(NOPROTO|ERR unknown command)/.test(error.message);
      if (!isOld || protocol === 2) throw error;
      return this.#opened(await ClientConnection.open({ ...options, protocol: 2 }));
    }
  }

  #opened(connection: ClientConnection): ClientConnection {
    if (!this.#draining) return connection;
    connection.close();
    throw new Error("the connections are closed");
  }

  #lease(connection: ClientConnection, key: string): Lease {
    let held = true;
    return {
      connection,
      release: (reuse) => {
        if (!held) return;
        held = false;
        this.#released();
        const keeps = reuse && !this.#draining && connection.unanswered === 0;
        // A command that waits there must not be done any more.
        if (!keeps) return connection.close();
        this.#idle.add({ connection, key, usedMs: this.#options.clock.monotonic() });
        this.#watchIdle();
      },
    };
  }

  #released(): void {
    this.#leased--;
    this.#waiting.shift()?.();
  }

  #takeIdle(key: string): ClientConnection | undefined {
    for (const pooled of this.#idle) {
      if (pooled.connection.closed) this.#idle.delete(pooled);
      else if (pooled.key === key) {
        this.#idle.delete(pooled);
        return pooled.connection;
      }
    }
    return undefined;
  }

  /** Waits until another user gives a connection back. */
  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#waiting.splice(this.#waiting.indexOf(wake), 1);
        reject(new Error("the wait for a connection was given up"));
      };
      const wake = () => {
        signal?.removeEventListener("abort", stop);
        if (this.#draining) reject(new Error("the connections are closed"));
        else resolve();
      };
      if (signal?.aborted) return reject(new Error("the wait for a connection was given up"));
      signal?.addEventListener("abort", stop, { once: true });
      this.#waiting.push(wake);
    });
  }

  /** Makes sure that idle connections are looked at while there are any. */
  #watchIdle(): void {
    if (this.#timer !== undefined || this.#draining) return;
    const { clock, idleMs } = this.#options;
    this.#timer = clock.setTimer(() => {
      this.#timer = undefined;
      this.#sweep(idleMs);
      if (this.#shared.size + this.#idle.size > 0) this.#watchIdle();
    }, idleMs);
  }

  /** Closes what has not been used for `idleMs`. */
  #sweep(idleMs: number): void {
    const before = this.#options.clock.monotonic() - idleMs;
    for (const set of [this.#shared, this.#idle]) {
      for (const pooled of set) {
        const { connection } = pooled;
        if (!connection.closed && (pooled.usedMs > before || connection.unanswered > 0)) continue;
        set.delete(pooled);
        connection.close();
      }
    }
  }
}

function keyOf({ db, protocol = 3 }: PoolKey): string {
  return `${db} ${protocol}`;
}

/**
 * Connections to wherever the master is at the moment, and what it says of its stream behind a command.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { type ClientConnection, textOf } from "../client/connection.ts";
import { ClientPool, type PoolOptions } from "../client/pool.ts";
import { type Address, formatAddress } from "../net/socket.ts";
import { type MasterHistory, readMasterHistory } from "../replication/history.ts";
import { ErrorReply } from "../resp/types.ts";

/** First words of errors that pass: the master has not looked at the command. */
export const PASSING: ReadonlySet<string> = new Set([
  "READONLY",
  "LOADING",
  "MASTERDOWN",
  "BUSY",
  "TRYAGAIN",
]);

/** What a {@linkcode MasterPool} works with. */
export interface MasterPoolOptions {
  /** Measures how long a connection has been idle. */
  readonly clock: Clock;
  /** Where the master is at this moment; undefined when that is not known. */
  address(): Address | undefined;
  /** Bounds of the connections. */
  readonly pool: Pick<PoolOptions, "shared" | "exclusive" | "idleMs">;
  /** How a connection to the master at `address` is made. */
  connect(address: Address, signal: AbortSignal): ReturnType<PoolOptions["connect"]>;
}

/** A pool that follows the master to another address. */
export class MasterPool {
  readonly #options: MasterPoolOptions;
  #pool: ClientPool | undefined;
  #address: string = "";

  /** Connects nothing yet. @param options Where the master is, and how it is reached. */
  constructor(options: MasterPoolOptions) {
    this.#options = options;
  }

  /** How many connections stand. */
  get size(): number {
    return this.#pool?.size ?? 0;
  }

  /** The connections to where the master is now. @throws {Error} When no master is known. */
  now(): ClientPool {
    const { clock, pool, connect } = this.#options;
    const address = this.#options.address();
    if (address === undefined) throw new Error("no master is known");
    this.relocated();
    if (this.#pool === undefined) {
      this.#address = formatAddress(address);
      this.#pool = new ClientPool({
        ...pool,
        clock,
        connect: (signal) => connect(address, signal),
      });
    }
    return this.#pool;
  }

  /**
   * The master may be elsewhere now. What is asked of the one before is answered, or not, by that one.
   *
   * @param ends Ends the connections to it at once instead.
   */
  relocated(ends: boolean = false): void {
    const address = this.#options.address();
    if (address === undefined || formatAddress(address) === this.#address) return;
    if (ends) this.#pool?.close();
    else this.#pool?.drain();
    this.#pool = undefined;
  }

  /** Ends every connection at once. */
  close(): void {
    this.#pool?.close();
    this.#pool = undefined;
  }
}

/** Asks where the master's stream stands behind commands. */
export class OffsetBehind {
  readonly #clock: Clock;
  /** What was asked behind the commands of this turn, for each connection. */
  readonly #asked: Map<ClientConnection, Promise<MasterHistory | undefined>> = new Map();

  /** Asks nothing yet. @param clock Gives the end of the turn. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Asks once behind everything that is sent on the connection in this turn. A rejection may stay unheard. */
  of(connection: ClientConnection): Promise<MasterHistory | undefined> {
    let behind = this.#asked.get(connection);
    if (behind === undefined) {
      behind = new Promise((resolve, reject) => {
        this.#clock.soon(() => {
          this.#asked.delete(connection);
          askHistory(connection).then(resolve, reject);
        });
      });
      behind.catch(() => undefined);
      this.#asked.set(connection, behind);
    }
    return behind;
  }
}

/**
 * What the master says of its histories; undefined where INFO is not allowed, or says nothing of replication.
 *
 * @throws {Error} When the connection ends first.
 */
export async function askHistory(connection: ClientConnection): Promise<MasterHistory | undefined> {
  try {
    return readMasterHistory(textOf(await connection.ask("INFO", "replication")));
  } catch (error) {
    if (error instanceof ErrorReply && error.code === "NOPERM") return undefined;
    throw error;
  }
}

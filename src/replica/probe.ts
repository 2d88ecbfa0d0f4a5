/**
 * Asks a silent master whether it has anything that we lack, as a client on a connection of its own: a replica
 * cannot ask on its link. The master needs to allow `+info` for that.
 *
 * @module
 */

import { messageOf } from "../base/errors.ts";
import { ClientConnection, textOf } from "../client/connection.ts";
import { fieldOf } from "../client/info.ts";
import type { ConnectOptions } from "../net/socket.ts";
import { askLogin, type LoginSettings } from "../replication/login.ts";
import type { LinkStatus } from "../replication/types.ts";
import type { Logger } from "../base/logger.ts";
import type { Net } from "../net/socket.ts";

/** What a {@linkcode MasterProbe} works with. */
export interface ProbeParts extends LoginSettings {
  /** Network that the connection is made on. */
  readonly net: Net;
  /** TLS to the master; without it the connection is plain. */
  readonly tls: ConnectOptions["tls"];
  /** Milliseconds that connecting and each reply may take. */
  readonly waitMs: number;
  /** Gets a warning when the master cannot be asked. */
  readonly logger: Logger;
}

/** Keeps a connection to the master from the first question to `close`. */
export class MasterProbe {
  readonly #parts: ProbeParts;
  #connection: ClientConnection | undefined;
  #abort: AbortController = new AbortController();
  #warned: boolean = false;

  /** Connects nothing before the first question. @param parts How the master is reached. */
  constructor(parts: ProbeParts) {
    this.#parts = parts;
  }

  /** True when the master has the history we follow and no byte of it beyond what is applied. Never rejects. */
  async isFresh({ address, replid, appliedOffset }: LinkStatus): Promise<boolean> {
    try {
      const connection = await this.#connect(address);
      const text = textOf(await connection.ask("INFO", "replication"));
      this.#warned = false;
      return fieldOf(text, "master_replid") === replid &&
        Number(fieldOf(text, "master_repl_offset") || NaN) <= appliedOffset;
    } catch (error) {
      this.close();
      if (!this.#warned) {
        this.#parts.logger.warn(
          `maxStalenessMs: the silent master cannot be asked whether the data is fresh: ${
            messageOf(error)
          }`,
          { event: "probe_failed" },
        );
      }
      this.#warned = true;
      return false;
    }
  }

  /** Ends the connection and what is asked on it; the next question makes another one. */
  close(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#connection?.close();
    this.#connection = undefined;
  }

  async #connect(address: LinkStatus["address"]): Promise<ClientConnection> {
    if (this.#connection?.closed === false) return this.#connection;
    const { net, clock, tls, waitMs } = this.#parts;
    const { signal } = this.#abort;
    const login = await askLogin(this.#parts, signal);
    this.#connection = await ClientConnection.open({
      net,
      clock,
      address,
      tls,
      login,
      signal,
      connectMs: waitMs,
      replyMs: waitMs,
    });
    return this.#connection;
  }
}

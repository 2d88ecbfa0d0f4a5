/**
 * The way to the master for what clients of the port write. The server does not import `write/`: it declares
 * here what it needs, and `write/forwards.ts` fills it.
 *
 * Nothing of it rejects: what goes wrong is an error reply, which the client gets.
 *
 * @module
 */

import type { RawReply } from "../resp/raw.ts";

/** For whom a command is sent. */
export interface Route {
  /** Database that the client has selected. */
  readonly db: number;
  /** Version of RESP that the client speaks: the reply comes in it. */
  readonly protocol: 2 | 3;
}

/** A command that is written as RESP already. */
export interface Request {
  /** Its name, for messages; never its arguments. */
  readonly name: string;
  /** All of it as an array of bulk strings. */
  readonly bytes: Uint8Array;
}

/** Running totals of what the port has forwarded. */
export interface ForwardStatus {
  /** Commands and transactions that were sent to the master. */
  readonly forwarded: number;
  /** Those that are not answered yet, or whose effect is not readable here yet. */
  readonly inFlight: number;
  /** Those that the master answered with an error. */
  readonly failed: number;
  /** Writes that were not sent, as the master is not followed or cannot be reached, or as too many wait. */
  readonly refused: number;
  /** Those whose connection ended before the reply: the master may have done them. */
  readonly unknown: number;
  /** Those whose reply was given before their effect was readable here, as `visibleMs` was over. */
  readonly late: number;
  /** Those that the master did, and a failover has lost. */
  readonly lost: number;
  /** Connections to the master that stand for it. */
  readonly connections: number;
}

/** A connection to the master that one client has to itself. */
export interface OwnConnection {
  /** True once it has ended, and what was watched on it with it. */
  readonly closed: boolean;
  /**
   * Sends a command.
   *
   * @param how Whether it may wait there as long as it wants, and whether its effect will be readable here.
   */
  send(
    request: Request,
    route: Route,
    how: { readonly blocks: boolean; readonly waits: boolean },
  ): Promise<RawReply>;
  /** Sends a whole transaction. */
  transact(requests: readonly Request[], route: Route): Promise<RawReply>;
  /** Asks the master to end the waiting of a blocked command, as CLIENT UNBLOCK does; false where it cannot. */
  unblock(how: "timeout" | "error"): boolean;
  /** Gives it back, or ends it with what is asked on it. Harmless when called again. */
  release(ends: boolean): void;
}

/** Sends what clients write. */
export interface MasterAccess {
  /**
   * Sends commands in their order on a connection that many share.
   *
   * @param waits Whether the effect of any of them will be readable here.
   * @returns A reply for each of them.
   */
  send(requests: readonly Request[], route: Route, waits: boolean): Promise<readonly RawReply[]>;
  /** Sends a transaction on a connection of its own. */
  transact(requests: readonly Request[], route: Route): Promise<RawReply>;
  /** A connection for what blocks and what is watched; an error reply where there is none to be had. */
  own(route: Route): Promise<OwnConnection | RawReply>;
  /** Counts a write that was refused before it came here. */
  refused(): void;
  /** How it stands at this moment. */
  status(): ForwardStatus;
}

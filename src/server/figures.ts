/**
 * The read port in numbers, for metrics.
 *
 * @module
 */

import type { Command } from "../commands/engine/command.ts";
import type { Dispatcher } from "./dispatch.ts";
import type { CommandStats } from "./statistics.ts";

/** The read port in numbers; totals count since the start or `CONFIG RESETSTAT`. */
export interface ServerFigures {
  /** Clients that are connected. */
  readonly connections: number;
  /** Reply bytes that clients have not taken. */
  readonly outputBufferBytes: number;
  /** Bytes read from clients. */
  readonly receivedBytes: number;
  /** Bytes of replies handed to sockets. */
  readonly sentBytes: number;
  /** Connections refused because `maxClients` were there. */
  readonly refusedConnections: number;
  /** Clients ended because they left too much untaken. */
  readonly outputLimitEnds: number;
  /** Clients ended because they sent what is no command. */
  readonly protocolErrors: number;
  /** Each command that was called or refused, those of the master's stream included. */
  readonly commands: readonly (readonly [Command, CommandStats])[];
  /** Error replies by their code, as `READONLY`. */
  readonly errors: ReadonlyMap<string, number>;
}

/** Reads the numbers of a server. */
export function figuresOf({ statistics, clients }: Dispatcher): ServerFigures {
  let connections = 0;
  let outputBufferBytes = 0;
  for (const { link } of clients.sessions.values()) {
    if (link === undefined) continue;
    connections++;
    outputBufferBytes += link.pendingBytes;
  }
  return {
    connections,
    outputBufferBytes,
    receivedBytes: statistics.inputBytes,
    sentBytes: statistics.outputBytes,
    refusedConnections: statistics.rejectedConnections,
    outputLimitEnds: statistics.outputLimitDisconnections,
    protocolErrors: statistics.protocolErrors,
    commands: [...statistics.entries()],
    errors: statistics.errors,
  };
}

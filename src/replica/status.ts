/**
 * How a {@linkcode Replica} stands, put together from link, keyspace and server.
 *
 * @module
 */

import { formatAddress } from "../net/socket.ts";
import { newCounters } from "../replication/shared.ts";
import type { LinkState, LinkStatus } from "../replication/types.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { SnapshotStatus } from "./snapshot.ts";

/** Where a replica stands, in one word. */
export type ReplicaState =
  /** Not started, or follows nobody. */
  | "idle"
  /** On its way to its first snapshot. */
  | "connecting"
  /** Loads a snapshot; an older dataset, if there is one, is still read. */
  | "syncing"
  /** Whole and following. */
  | "connected"
  /** Has data and has lost its master. */
  | "stale"
  /** Gave up, see `error`. */
  | "failed"
  /** Closed for good. */
  | "closed";

/** What {@linkcode Replica.status} answers. */
export interface ReplicaStatus {
  /** In one word. */
  readonly state: ReplicaState;
  /** The link's own state, named after server.h. */
  readonly link: LinkState;
  /** The master as `host:port` or path; undefined when nobody is followed. */
  readonly master: string | undefined;
  /** Where Redis clients are served; undefined when they are not. */
  readonly listening: string | undefined;
  /** Replication id of the data, 40 hex digits, or "". */
  readonly replid: string;
  /** Stream bytes applied. */
  readonly offset: number;
  /** Stream bytes received and still to be applied. */
  readonly lagBytes: number;
  /** Bytes drained from the socket that wait for their turn: part of the lag, or of a snapshot. */
  readonly inboxBytes: number;
  /** Milliseconds since the master's last byte, or -1 without a connection. A master pings every 10 s. */
  readonly lastIoMs: number;
  /** Since when the data may be stale: the last byte heard from the master, milliseconds since 1970; undefined while it is not. */
  readonly staleSinceMs: number | undefined;
  /** When the next attempt to connect begins, milliseconds since 1970. */
  readonly nextRetryAtMs: number | undefined;
  /** Why the last connection failed; undefined once it is followed again. */
  readonly error: Error | undefined;
  /** The snapshot being awaited or loaded. */
  readonly sync: LinkStatus["sync"];
  /** What is kept over a restart; undefined when nothing is. */
  readonly snapshot: SnapshotStatus | undefined;
  /** Keys in all databases. */
  readonly keys: number;
  /** Databases that hold keys. */
  readonly databases: readonly number[];
  /** Bytes the keyspace has reserved. */
  readonly memoryBytes: number;
  /** Running totals. */
  readonly counters: LinkStatus["counters"];
}

/** Puts a status together. */
export function describeStatus(
  keyspace: Keyspace,
  link: LinkStatus | undefined,
  listening: string | undefined,
  closed: boolean,
  snapshot: SnapshotStatus | undefined,
): ReplicaStatus {
  return {
    state: closed ? "closed" : stateOf(link),
    link: link?.state ?? "none",
    master: link === undefined ? undefined : formatAddress(link.address),
    listening,
    replid: link?.replid ?? "",
    offset: link?.appliedOffset ?? 0,
    lagBytes: link === undefined ? 0 : link.readOffset - link.appliedOffset,
    inboxBytes: link?.inboxBytes ?? 0,
    lastIoMs: link?.lastIoMs ?? -1,
    staleSinceMs: link?.hasData ? link.downSinceMs : undefined,
    nextRetryAtMs: link?.nextRetryAtMs,
    error: link?.lastError,
    sync: link?.sync,
    snapshot,
    keys: keyspace.keyCount,
    databases: keyspace.indexes(),
    memoryBytes: reservedBytes(keyspace),
    counters: link?.counters ?? newCounters(),
  };
}

function stateOf(link: LinkStatus | undefined): ReplicaState {
  if (link === undefined) return "idle";
  if (link.state === "connected") return "connected";
  if (link.state.startsWith("transfer")) return "syncing";
  if (link.state === "none") return link.lastError === undefined ? "idle" : "failed";
  return link.hasData ? "stale" : "connecting";
}

function reservedBytes(keyspace: Keyspace): number {
  const { reserved, table, objects } = keyspace.memory();
  return reserved + table + objects;
}

/**
 * What the server tells about replication: declared here, filled by whoever knows (`replica/` with its
 * link, TestMaster with its replicas). Asked for only by INFO and ROLE, so it may be put together anew
 * each time.
 *
 * @module
 */

import type { ReplicaView } from "../commands/engine/host.ts";

/** A moment's view of replication. */
export interface ReplicationView {
  /** Master's name or address as it was configured; "" where nobody is followed. */
  readonly masterHost: string;
  /** Master's port; 0 for a Unix socket. */
  readonly masterPort: number;
  /** As `ROLE` says: none, connect, connecting, handshake, sync, connected. */
  readonly linkState: "none" | "connect" | "connecting" | "handshake" | "sync" | "connected";
  /** Seconds since the master's last byte; -1 without a connection. */
  readonly lastIoSeconds: number;
  /** Seconds since the link broke; -1 when it never stood. Told only while it is not connected. */
  readonly downSinceSeconds: number;
  /** The snapshot being received; undefined while there is none. */
  readonly sync: SyncView | undefined;
  /** Stream bytes received, or -1 while unknown. */
  readonly readOffset: number;
  /** Stream bytes applied, or -1 while unknown; a master's own offset. */
  readonly offset: number;
  /** The data's replication id, 40 hex digits; "" while unknown. */
  readonly replid: string;
  /** The id before a failover; "" for none. */
  readonly replid2: string;
  /** Up to where `replid2` is valid, or -1. */
  readonly secondOffset: number;
  /** The backlog kept for replicas; undefined for none. */
  readonly backlog: BacklogView | undefined;
  /** Replicas that follow us. */
  readonly replicas: readonly ReplicaView[];
}

/** A snapshot on its way. */
export interface SyncView {
  /** In all, or 0 where the master does not say. */
  readonly totalBytes: number;
  /** Received. */
  readonly readBytes: number;
  /** Seconds since the last of them. */
  readonly lastIoSeconds: number;
  /** When it began, seconds since 1970. */
  readonly startedAtSeconds: number;
}

/** The backlog. */
export interface BacklogView {
  /** Capacity in bytes. */
  readonly size: number;
  /** Offset of the first byte it holds. */
  readonly firstByteOffset: number;
  /** Bytes it holds. */
  readonly length: number;
}

/** What a server says of replication that follows nobody and has no replicas. */
export const NO_REPLICATION: ReplicationView = {
  masterHost: "",
  masterPort: 0,
  linkState: "none",
  lastIoSeconds: -1,
  downSinceSeconds: -1,
  sync: undefined,
  readOffset: -1,
  offset: -1,
  replid: "",
  replid2: "",
  secondOffset: -1,
  backlog: undefined,
  replicas: [],
};

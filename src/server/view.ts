/**
 * What the server tells about replication. The server does not import the link: it declares here what it
 * needs, and who knows fills it (`replica/` from its link, TestMaster from its replicas). Only INFO, ROLE
 * and CONFIG ask, so it is put together for each of them.
 *
 * @module
 */

import type { ReplicaView } from "../commands/engine/host.ts";

/** The state of replication at one moment. */
export interface ReplicationView {
  /** Master's name or address as it was configured; "" where nobody is followed. */
  readonly masterHost: string;
  /** Master's port; 0 for a Unix socket. */
  readonly masterPort: number;
  /** The link's state in ROLE's words; "none" where nobody is followed. */
  readonly linkState: "none" | "connect" | "connecting" | "handshake" | "sync" | "connected";
  /** Seconds since the master's last byte; -1 without a connection. */
  readonly lastIoSeconds: number;
  /**
   * Seconds since the link broke, -1 when it was never connected. INFO tells it while the link is
   * down.
   */
  readonly downSinceSeconds: number;
  /** The snapshot being received; undefined while there is none. */
  readonly sync: SyncView | undefined;
  /** Replication offset up to which bytes were received; -1 while unknown. */
  readonly readOffset: number;
  /**
   * Replication offset up to which the stream is applied, a master's own offset; -1 while unknown.
   */
  readonly offset: number;
  /** Replication id of the data, 40 hex digits; "" while unknown. */
  readonly replid: string;
  /** The replication id before a failover; "" for none. */
  readonly replid2: string;
  /** Offset up to which `replid2` is valid; -1 for none. */
  readonly secondOffset: number;
  /** The backlog kept for replicas; undefined for none. */
  readonly backlog: BacklogView | undefined;
  /** Whether the master was told our port, so that Sentinel may show us to its clients. */
  readonly announced: boolean;
  /** Replicas that follow us. */
  readonly replicas: readonly ReplicaView[];
}

/** A snapshot that is being received. */
export interface SyncView {
  /** Bytes in all; 0 where the master does not say, as for a diskless one. */
  readonly totalBytes: number;
  /** Bytes received so far. */
  readonly readBytes: number;
  /** Seconds since the last of those bytes. */
  readonly lastIoSeconds: number;
  /** When it began, seconds since 1970. */
  readonly startedAtSeconds: number;
}

/** The backlog from which replicas resume. */
export interface BacklogView {
  /** How many bytes it can hold. */
  readonly size: number;
  /** Offset of the first byte it holds. */
  readonly firstByteOffset: number;
  /** How many bytes it holds now. */
  readonly length: number;
}

/** The view of a server that follows nobody and has no replicas. */
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
  announced: true,
  replicas: [],
};

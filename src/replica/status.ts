/**
 * What `Replica.status()` answers, put together from link, keyspace, server and snapshots.
 *
 * @module
 */

import type { FeedStatus } from "../feed/changes/types.ts";
import type { CollectionStatus } from "../feed/collection_owner.ts";
import type { DecodeCacheStatus } from "../read/decode_cache.ts";
import { formatAddress } from "../net/socket.ts";
import { newCounters } from "../replication/shared.ts";
import type { LinkState, LinkStatus } from "../replication/types.ts";
import type { ForwardStatus } from "../server/master_access.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { countModuleKeys, type ModuleKeys } from "../store/types/module.ts";
import type { FilterStatus } from "./filter_status.ts";
import type { MemoryStatus } from "./memory.ts";
import type { SnapshotStatus } from "./snapshot.ts";

/** How a replica stands, in one word. */
export type ReplicaState =
  /** Not started, or follows no master. */
  | "idle"
  /** On its way to its first snapshot. */
  | "connecting"
  /** Loads a snapshot; older data, if there is any, is still read. */
  | "syncing"
  /** The data is whole and the stream is followed. */
  | "live"
  /** Has data, perhaps an old one, and no connection to the master. */
  | "stale"
  /** The link gave up, see `error`. */
  | "failed"
  /** The replica is closed for good. */
  | "closed";

/**
 * What `Replica.status()` answers. Names that end in `AtMs` or `SinceMs` are moments, milliseconds since 1970; other ones
 * in `Ms` are durations.
 */
export interface ReplicaStatus {
  /** How the replica stands, in one word. */
  readonly state: ReplicaState;
  /** The link's own state, one of `REPL_STATE_*` in server.h. */
  readonly link: LinkState;
  /** The master as `host:port` or path; undefined when none is followed. */
  readonly master: string | undefined;
  /** Where Redis clients are served; undefined when they are not. */
  readonly listening: string | undefined;
  /** True once the data was whole, perhaps stale by now; also where no master is followed. */
  readonly hasData: boolean;
  /** How much of a snapshot has come, from 0 to 1, as `sync.fraction`; 1 while the data is whole and none is awaited. */
  readonly progress: number;
  /** When the last full or partial synchronisation ended, milliseconds since 1970; undefined before the first. */
  readonly syncedAtMs: number | undefined;
  /** Replication id of the data, 40 hex digits, or "" when it is unknown. */
  readonly replid: string;
  /** Replication offset: stream bytes applied. */
  readonly offset: number;
  /**
   * Up to here every key is what the stream made of it: the offset, but for keys that are being fetched from
   * the master, see `repairs`.
   */
  readonly settledOffset: number;
  /** Keys that are being fetched from the master, and what was; undefined unless `onDivergence` is `repair` or a filter is set. */
  readonly repairs: LinkStatus["repairs"];
  /** Stream bytes received and still to be applied. */
  readonly lagBytes: number;
  /** Bytes drained from the socket that wait for their turn: part of the lag, or of a snapshot. */
  readonly inboxBytes: number;
  /** Milliseconds since the master's last byte, or -1 without a connection. A master pings every 10 s. */
  readonly lastIoAgoMs: number;
  /**
   * Since when the data may be stale, milliseconds since 1970: when the master's last byte came. Undefined
   * while the master is followed and not silent beyond `maxStalenessMs`, and before there is data.
   */
  readonly staleSinceMs: number | undefined;
  /** When the next attempt to connect begins, milliseconds since 1970. */
  readonly nextRetryAtMs: number | undefined;
  /** Why the last connection failed; undefined once the master is followed again. */
  readonly error: Error | undefined;
  /** The master's snapshot that is awaited or loaded; undefined while there is none. */
  readonly sync: LinkStatus["sync"];
  /** The snapshot on disk; undefined when none is configured. */
  readonly snapshot: SnapshotStatus | undefined;
  /** Decoded values that are kept, and how often they spared decoding. */
  readonly decodeCache: DecodeCacheStatus;
  /** Number of keys in all databases, expired ones included that the master still has to delete. */
  readonly keys: number;
  /** Numbers of the databases that hold keys. */
  readonly databases: readonly number[];
  /**
   * The keys now held whose values are kept without being read, by the name of their type as `TYPE` tells it
   * (`ReJSON-RL`, `array`...), and how many of them are no longer known byte by byte.
   */
  readonly modules: Readonly<Record<string, ModuleKeys>>;
  /** Bytes reserved for keys, values and tables: `memory.data`. */
  readonly memoryBytes: number;
  /** What is held in memory, by what it is for and by database, and the limit on it. */
  readonly memory: MemoryStatus;
  /**
   * Commands of the stream that were passed over, by name in lower case, as `script|load` or `ft.dictadd`: they changed
   * nothing that is held here. At most 100 names; further ones are counted as `*`.
   */
  readonly ignored: LinkStatus["ignored"];
  /** Each collection that has indexes: how they stand, and what they cost. */
  readonly collections: readonly CollectionStatus[];
  /** The change feeds: who consumes them, and what waits. */
  readonly feed: FeedStatus;
  /** What clients of the port wrote and was forwarded; undefined unless `writes` is `forward`. */
  readonly writes: ForwardStatus | undefined;
  /** What the filter leaves out; undefined while none is set. */
  readonly filter: FilterStatus | undefined;
  /** Running totals since the replica was made. */
  readonly counters: LinkStatus["counters"];
}

/** What a status is put together from. */
export interface StatusParts {
  /** Keyspace whose keys and bytes are counted. */
  readonly keyspace: Keyspace;
  /** The link's status; undefined before there is a link. */
  readonly link: LinkStatus | undefined;
  /** Whether a master is followed, or will be once there is a link. */
  readonly follows: boolean;
  /** Where Redis clients are served; undefined when they are not. */
  readonly listening: string | undefined;
  /** True once the replica is closed. */
  readonly closed: boolean;
  /** The snapshot on disk; undefined when none is configured. */
  readonly snapshot: SnapshotStatus | undefined;
  /** What `status().decodeCache` is. */
  readonly decodeCache: DecodeCacheStatus;
  /** True while the data is older than `maxStalenessMs`. */
  readonly tooStale: boolean;
  /** The time now, milliseconds since 1970. */
  readonly nowMs: number;
  /** What is held in memory. */
  readonly memory: MemoryStatus;
  /** How the indexes of collections stand. */
  readonly collections: readonly CollectionStatus[];
  /** How the change feeds stand. */
  readonly feed: FeedStatus;
  /** What the port has forwarded; undefined where it forwards nothing. */
  readonly writes: ForwardStatus | undefined;
  /** What the filter leaves out; undefined while none is set. */
  readonly filter: FilterStatus | undefined;
}

/** Puts a status together. */
export function describeStatus(parts: StatusParts): ReplicaStatus {
  const { keyspace, link, listening, closed, snapshot } = parts;
  const hasData = link?.hasData ?? !parts.follows;
  return {
    state: closed ? "closed" : stateOf(link),
    link: link?.state ?? "none",
    master: link === undefined ? undefined : formatAddress(link.address),
    listening,
    hasData,
    progress: link?.sync?.fraction ?? (hasData ? 1 : 0),
    syncedAtMs: link?.syncedAtMs,
    replid: link?.replid ?? "",
    offset: link?.appliedOffset ?? 0,
    settledOffset: link?.repairs?.settledOffset ?? link?.appliedOffset ?? 0,
    repairs: link?.repairs,
    lagBytes: link === undefined ? 0 : link.readOffset - link.appliedOffset,
    inboxBytes: link?.inboxBytes ?? 0,
    lastIoAgoMs: link?.lastIoAgoMs ?? -1,
    staleSinceMs: link?.hasData ? staleSince(link, parts) : undefined,
    nextRetryAtMs: link?.nextRetryAtMs,
    error: link?.lastError,
    sync: link?.sync,
    snapshot,
    decodeCache: parts.decodeCache,
    keys: keyspace.visibleKeyCount,
    databases: keyspace.indexes(),
    modules: moduleKeysOf(keyspace),
    memoryBytes: parts.memory.data,
    memory: parts.memory,
    ignored: link?.ignored ?? {},
    collections: parts.collections,
    feed: parts.feed,
    writes: parts.writes,
    filter: parts.filter,
    counters: link?.counters ?? newCounters(),
  };
}

/** A link that stands and is silent for too long is stale since the last byte came. */
function staleSince(link: LinkStatus, { tooStale, nowMs }: StatusParts): number | undefined {
  if (link.downSinceMs !== undefined || !tooStale || link.lastIoAgoMs < 0) return link.downSinceMs;
  return nowMs - link.lastIoAgoMs;
}

function stateOf(link: LinkStatus | undefined): ReplicaState {
  if (link === undefined) return "idle";
  if (link.state === "connected") return "live";
  if (link.state.startsWith("transfer")) return "syncing";
  if (link.state === "none") return link.lastError === undefined ? "idle" : "failed";
  return link.hasData ? "stale" : "connecting";
}

/** The keys of every database whose values are kept without being read, by the name of their type. */
function moduleKeysOf(keyspace: Keyspace): Record<string, ModuleKeys> {
  const counts: Record<string, ModuleKeys> = {};
  for (const index of keyspace.indexes()) countModuleKeys(keyspace.db(index), counts);
  return counts;
}

/**
 * The options of a {@linkcode ReplicationLink}, its states, its events and its status.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Address, Net, TlsClientOptions } from "../net/socket.ts";
import type { Argv } from "../resp/argv.ts";
import type { KeyFilter } from "../store/keyspace/key_filter.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { ReplicationError } from "./errors.ts";
import type { MemoryWatch } from "./memory.ts";
import type { RepairStatus } from "./repair/types.ts";

/**
 * Where the link stands. The names are those of `REPL_STATE_*` in server.h (`RECEIVE_PSYNC_REPLY` is
 * `receivePsyncReply`); Redis's TRANSFER is three states here: the line that announces the snapshot, the
 * snapshot, the mark behind it.
 */
export type LinkState =
  | "none"
  | "connect"
  | "connecting"
  | "receivePingReply"
  | "receiveAuthReply"
  | "receivePortReply"
  | "receiveIpReply"
  | "receiveCapaReply"
  | "receiveVersionReply"
  | "receivePsyncReply"
  | "transferHeader"
  | "transfer"
  | "transferMark"
  | "connected";

/** Every state, in the order a connection goes through them; it may skip some, and never goes back. */
export const LINK_STATES: readonly LinkState[] = [
  "none",
  "connect",
  "connecting",
  "receivePingReply",
  "receiveAuthReply",
  "receivePortReply",
  "receiveIpReply",
  "receiveCapaReply",
  "receiveVersionReply",
  "receivePsyncReply",
  "transferHeader",
  "transfer",
  "transferMark",
  "connected",
];

/** The word that `ROLE` has for a state: replication.c, `roleCommand`. */
export function roleState(
  state: LinkState,
): "none" | "connect" | "connecting" | "handshake" | "sync" | "connected" {
  if (state === "none" || state === "connect" || state === "connecting") return state;
  if (state === "connected") return state;
  return state.startsWith("transfer") ? "sync" : "handshake";
}

/** Name and password of an ACL user, or of the default user when there is no name. */
export interface LinkLogin {
  /** ACL user; left out for `AUTH password`, which every version knows. */
  readonly username?: string;
  /** The user's password, in plain text. */
  readonly password: string;
}

/** How to log in at the master. */
export interface LinkCredentials {
  /** ACL user; left out for `AUTH password`. */
  readonly username?: string;
  /** The password, or a function that is called before each connection. */
  readonly password: string | (() => string | LinkLogin | Promise<string | LinkLogin>);
}

/** How long each kind of waiting may take, in milliseconds; 0 waits forever. */
export interface Timeouts {
  /** Until a connection stands, name lookup and TLS handshake included. 10,000. */
  readonly connectMs?: number;
  /** Until each reply of the handshake, and until the function for credentials answers. 5,000. */
  readonly handshakeMs?: number;
  /** Without any byte while a snapshot is awaited or loaded. 60,000. */
  readonly syncMs?: number;
  /** Without any byte from the master once it is followed; it pings every 10 s. 60,000. */
  readonly idleMs?: number;
  /** Without the socket taking any byte of ours. 60,000. */
  readonly writeMs?: number;
}

/**
 * How long the link waits before it tries again, in milliseconds. Each pause is shortened by up to half at
 * random, so that the replicas of a fleet do not come back together.
 */
export interface LinkBackoff {
  /** After each failure that costs the master nothing: refused, reset, a handshake cut short. 1,000. */
  readonly minMs?: number;
  /**
   * Never more than this after a full synchronisation that broke, or a mistake that only an owner can mend
   * (password, rights, certificates): these pauses begin with `minMs` and double. 30,000.
   */
  readonly maxMs?: number;
  /** After a synchronisation that is bound to fail again; doubled with each further one. 60,000. */
  readonly doomedMs?: number;
  /** Never more than this after a synchronisation that is bound to fail again. 900,000. */
  readonly doomedMaxMs?: number;
}

/** Bounds on what a master can make us hold. */
export interface LinkLimits {
  /** Longest argument in the stream, bytes. 2 GB, the longest value that can be held. */
  readonly bulkBytes?: number;
  /** Most arguments of one command of the stream. 2^31 - 1, as a real replica allows. */
  readonly argumentCount?: number;
  /** Most bytes of the commands between MULTI and EXEC. 1 GB. */
  readonly transactionBytes?: number;
  /** Longest line of the handshake, bytes. 16,384. */
  readonly lineBytes?: number;
  /**
   * Most bytes of the stream drained from the socket and not yet applied, while the host is busy. Beyond
   * it the socket is not read, and a master whose output buffer limit is reached cuts the link (OVERRUN).
   * 64 MB; at most 4 MB of it while a snapshot is loaded.
   */
  readonly inboxBytes?: number;
}

/**
 * What follows when a command of the stream is unknown or answers with an error, which on the master it
 * did not. It is counted and logged in any case.
 *
 * - `repair`: fetches the keys it changed from the master. Where they cannot be had, or there are none, asks
 *   for a new snapshot, at most once a minute; a command that only is unknown is then passed over.
 * - `resync`: drops the link and, after a long pause, asks for a new snapshot.
 * - `continue`: goes on, as a real replica does.
 * - `stop`: ends the link with the error.
 */
export type DivergencePolicy = "repair" | "resync" | "continue" | "stop";

/** A command of the stream that could not be applied. */
export interface Divergence {
  /** Its name in the letter case it came in, at most 200 characters. */
  readonly command: string;
  /** A copy of its first argument, which is nearly always the key, at most 1,024 bytes. */
  readonly key: Uint8Array | undefined;
  /** Number of the database that the stream had selected. */
  readonly db: number;
  /** Offset in the stream after the command. */
  readonly offset: number;
  /** The error it answered, as a client would see it. */
  readonly message: string;
}

/** Executes the commands of the stream that carry data. */
export interface StreamExecutor {
  /** Called before each batch of commands: relative expiry counts from `nowMs`. */
  begin(nowMs: number): void;
  /** Tells of keys of database `dbIndex` that the next commands may be about; a hint, `keys` is borrowed. */
  expect?(dbIndex: number, keys: Argv): void;
  /**
   * Applies `argv` to database `dbIndex`. Returns undefined, or the error it met.
   *
   * @param lasts Whether the bytes of `argv` stay as they are until `committed` is told next.
   */
  execute(dbIndex: number, argv: Argv, lasts?: boolean): string | undefined;
  /**
   * Is told of keys of which a command of the stream leaves it open whether they still exist: it took something
   * out of a value that is not read here. Set by who can ask the master.
   */
  onDoubt?: ((dbIndex: number, key: Uint8Array) => void) | undefined;
  /** Forgets the bytes of a value that is not read here. Returns false for a key without one. */
  forget?(dbIndex: number, key: Uint8Array): boolean;
  /**
   * Puts a key in place whose value is not read: the name of its type as TYPE told it, and when it expires,
   * milliseconds since 1970 or "0". Returns false for a type that is read here, of which the value is needed.
   */
  keepUnread?(dbIndex: number, key: Uint8Array, type: string, expireAtMs: string): boolean;
}

/** Listeners on the stream on its way into the keyspace. They must not throw. */
export interface StreamHooks {
  /**
   * Raw bytes `[start, end)` of the stream as they came, the first of them numbered `offset` + 1; borrowed.
   * A backlog for replicas of ours is fed from here.
   */
  streamBytes?(bytes: Uint8Array, start: number, end: number, offset: number): void;
  /**
   * A command, or a whole transaction, has been applied, and the offset has moved to `offset`; or a value that
   * was fetched has been put in place, and the offset is as before.
   */
  committed?(offset: number): void;
  /**
   * A full sync's snapshot is whole and will take the place of the data: neither changes before that, and the
   * stream waits. What the hook returns is called in slices until it answers true; undefined waits for nothing.
   */
  replacing?(fresh: Keyspace): (() => boolean) | undefined;
  /** The connection has failed, and the snapshot that `replacing` was told of is dropped. */
  abandoned?(): void;
  /** The snapshot has taken the place of the data, and the offset is the snapshot's. */
  replaced?(): void;
  /** The data was emptied to make room for a snapshot (`resync: "flush"`). */
  emptied?(): void;
  /**
   * A command of the stream has been performed, MULTI, EXEC, SELECT and PING too, in the database that is
   * selected now; `argv` is borrowed. MONITOR is fed from here.
   */
  called?(argv: Argv, dbIndex: number): void;
  /** The stream brought PUBLISH, or SPUBLISH when `sharded`; `argv` is borrowed. */
  publish?(argv: Argv, sharded: boolean): void;
}

/** Options of {@linkcode ReplicationLink}. */
export interface LinkOptions {
  /** Makes the connections to the master. */
  readonly net: Net;
  /** Every timeout, pause and slice is measured with it. */
  readonly clock: Clock;
  /** Uniform in [0, 1): the jitter of pauses. */
  readonly random: () => number;
  /** What is kept equal to the master's data. Nothing else may write to it while the link runs. */
  readonly keyspace: Keyspace;
  /** Executes the stream's commands on `keyspace`. */
  readonly executor: StreamExecutor;
  /** Where the master is, or what is shown until `locate` has answered once. */
  readonly address: Address;
  /**
   * Called before each connection: where the master is now, as sentinels tell it. What it throws counts as a
   * failed attempt.
   */
  readonly locate?: (signal: AbortSignal) => Promise<Address>;
  /** TLS to the master; without it the connection is plain. */
  readonly tls?: TlsClientOptions;
  /** What AUTH is sent with; without it no AUTH is sent. */
  readonly credentials?: LinkCredentials;
  /** What the master shows of us in INFO and ROLE; without a port it shows port 0. */
  readonly announce?: { readonly host?: string; readonly port?: number };
  /** How long each kind of waiting may take. */
  readonly timeouts?: Timeouts;
  /** How long the pauses between two connections are. */
  readonly backoff?: LinkBackoff;
  /** Bounds on what a master can make us hold. */
  readonly limits?: LinkLimits;
  /** The master's name for PSYNC, where it was renamed. */
  readonly psyncCommand?: string;
  /**
   * What a full resync does with the old data: `swap`, the default, serves it until the new is whole;
   * `flush` empties first, for machines that cannot hold both.
   */
  readonly resync?: "swap" | "flush";
  /** Which keys are kept, all unless told; one that is narrowed later counts from then on. */
  readonly filter?: KeyFilter | undefined;
  /** What follows when a command cannot be applied. `repair`. */
  readonly onDivergence?: DivergencePolicy;
  /** Values that only a module can read are kept as their keys, or `fail` the synchronisation. `keep`. */
  readonly onUnsupported?: "keep" | "fail";
  /** Holds what is kept within a limit; without it there is none. */
  readonly memory?: MemoryWatch;
  /** Milliseconds of work in one slice, before the event loop is given back. 4. */
  readonly sliceMs?: number;
  /** Gets messages, each with the master's address in front. */
  readonly logger?: Logger;
  /** Gets events; called synchronously, in order. */
  readonly onEvent?: (event: LinkEvent) => void;
  /** Listeners on the stream; none unless told. */
  readonly hooks?: StreamHooks;
}

/** An event of a link. */
export type LinkEvent =
  | { readonly type: "state"; readonly state: LinkState; readonly previous: LinkState }
  | { readonly type: "syncStart"; readonly replid: string; readonly offset: number }
  /** The old data is gone, for `resync: "flush"` or for the limit on memory; the new may be on its way. */
  | { readonly type: "emptied" }
  | { readonly type: "syncProgress"; readonly progress: SyncProgress }
  | {
    readonly type: "synced";
    readonly kind: "full" | "partial";
    readonly replid: string;
    readonly offset: number;
    /** How long the snapshot took, or 0 for a partial one. */
    readonly tookMs: number;
    /** Bytes of the snapshot, 0 for a partial one. */
    readonly bytes: number;
  }
  | { readonly type: "diverged"; readonly divergence: Divergence }
  | {
    readonly type: "disconnected";
    readonly error: ReplicationError;
    /** Milliseconds until the next attempt. */
    readonly retryInMs: number;
  }
  /** The link ended itself and will not try again. */
  | { readonly type: "failed"; readonly error: ReplicationError };

/** How far a snapshot has come. */
export interface SyncProgress {
  /** When the master agreed to send it, milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Bytes of the snapshot that were decoded. */
  readonly bytesRead: number;
  /** Bytes of the snapshot in all; undefined where the master streams without saying. */
  readonly bytesTotal: number | undefined;
  /** Keys loaded into the new keyspace. */
  readonly keys: number;
  /**
   * How much of it has come, from 0 to 1. An estimate where the master streams without saying a size: keys loaded by
   * keys announced, and each database of a snapshot is announced where it begins, so that it may fall there.
   */
  readonly fraction: number;
}

/** Running totals since the link was made. */
export interface LinkCounters {
  /** Snapshots loaded whole and put in the place of the data. */
  fullSyncs: number;
  /** Connections that went on where the last one ended. */
  partialSyncs: number;
  /** Snapshots begun and not finished. */
  failedSyncs: number;
  /** Connections attempted, those that failed included. */
  attempts: number;
  /** Commands of the stream applied, those inside transactions included. */
  commands: number;
  /** Transactions (MULTI to EXEC) applied. */
  transactions: number;
  /** Commands of the stream that concern no data here, such as SCRIPT LOAD and reads; `ignored` has their names. */
  ignoredCommands: number;
  /** Commands of the stream that could not be applied. */
  divergences: number;
  /** Commands of modules that were passed over: about an index or a dictionary, or unknown here. */
  moduleCommandsSkipped: number;
  /** Bytes read from the master in all, snapshots included. */
  bytesRead: number;
}

/** How the link stands at one moment. */
export interface LinkStatus {
  /** The state of the current connection, or `connect` and `none` between two. */
  readonly state: LinkState;
  /** Since when it is in that state, milliseconds since 1970. */
  readonly sinceMs: number;
  /** Where the master is, as far as it is known. */
  readonly address: Address;
  /** True once a snapshot has been loaded: the keyspace holds a master's data, perhaps stale. */
  readonly hasData: boolean;
  /** True while the old data was thrown away and the new is not whole. */
  readonly emptied: boolean;
  /** True while `PSYNC replid offset` can ask for what comes after the data. */
  readonly resumable: boolean;
  /** The data's replication id, 40 hex digits, or "" before the first sync. */
  readonly replid: string;
  /** The id before a failover, or "". */
  readonly replid2: string;
  /** First stream byte that `replid2` does not cover, or -1. */
  readonly secondOffset: number;
  /** Offset of the last stream byte received. */
  readonly readOffset: number;
  /** Bytes drained from the socket that wait for their turn. */
  readonly inboxBytes: number;
  /** Bytes held of what came from the master and is not data yet: it waits, or is half a command or transaction. */
  readonly heldBytes: number;
  /** Stream bytes applied: what is acknowledged and resumed from. */
  readonly appliedOffset: number;
  /** Number of the database that the stream has selected. */
  readonly db: number;
  /** The snapshot being awaited or loaded; undefined while there is none. */
  readonly sync: SyncProgress | undefined;
  /** When the last full or partial synchronisation ended, milliseconds since 1970; undefined before the first. */
  readonly syncedAtMs: number | undefined;
  /** Milliseconds since the master's last byte, or -1 while there is no connection. */
  readonly lastIoAgoMs: number;
  /**
   * Since when the data may be stale, milliseconds since 1970: the last byte heard before the link broke,
   * or the link's start; undefined while connected.
   */
  readonly downSinceMs: number | undefined;
  /** Why the last connection failed; cleared by the next sync. */
  readonly lastError: ReplicationError | undefined;
  /** Failures since the link last held. */
  readonly failures: number;
  /** When the next attempt begins, milliseconds since 1970; undefined while one is under way. */
  readonly nextRetryAtMs: number | undefined;
  /** Keys that are being fetched, and what was; undefined unless `onDivergence` says `repair` or a filter is set. */
  readonly repairs: RepairStatus | undefined;
  /**
   * Commands of the stream that were passed over since the link was made, by name in lower case, as `script|load`: they
   * changed nothing that is held here. At most 100 names; further ones are counted as `*`.
   */
  readonly ignored: Readonly<Record<string, number>>;
  /** Running totals; a copy. */
  readonly counters: Readonly<LinkCounters>;
}

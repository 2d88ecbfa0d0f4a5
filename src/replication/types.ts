/**
 * What a {@linkcode ReplicationLink} is told, and what it tells.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Address, Net, TlsClientOptions } from "../net/socket.ts";
import type { Argv } from "../resp/argv.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { ReplicationError } from "./errors.ts";

/**
 * Where the link stands. Named after `REPL_STATE_*` of server.h, with Redis's own TRANSFER parted in
 * three: the line that announces the snapshot, the snapshot, the mark after it.
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

/** The word `ROLE` has for a state. */
export function roleState(
  state: LinkState,
): "none" | "connect" | "connecting" | "handshake" | "sync" | "connected" {
  if (state === "none" || state === "connect" || state === "connecting") return state;
  if (state === "connected") return state;
  return state.startsWith("transfer") ? "sync" : "handshake";
}

/** Name and password of an ACL user; without a name, of the default user. */
export interface LinkLogin {
  /** ACL user. */
  readonly username?: string;
  /** Its password. */
  readonly password: string;
}

/** How to log in at the master. */
export interface LinkCredentials {
  /** ACL user; left out for `AUTH password`. */
  readonly username?: string;
  /** The password, or a function asked anew before each connection. */
  readonly password: string | (() => string | LinkLogin | Promise<string | LinkLogin>);
}

/** Milliseconds; 0 waits forever. */
export interface Timeouts {
  /** Until a connection stands, name and TLS included. 10,000. */
  readonly connectMs?: number;
  /** Until each reply of the handshake, and until the credentials are there. 5,000. */
  readonly handshakeMs?: number;
  /** Without any byte while a snapshot is awaited or loaded. 60,000. */
  readonly syncMs?: number;
  /** Without any byte from the master, who pings every 10 s. 60,000. */
  readonly idleMs?: number;
  /** Without the socket taking any byte of ours. 60,000. */
  readonly writeMs?: number;
}

/** How long to wait before trying again, milliseconds, each shortened by up to half at random. */
export interface LinkBackoff {
  /** After the first failure; doubled with each further one. 1,000. */
  readonly minMs?: number;
  /** Never more than this after an ordinary failure. 30,000. */
  readonly maxMs?: number;
  /** After a synchronisation that is bound to fail again; doubled with each further one. 60,000. */
  readonly doomedMs?: number;
  /** Never more than this after such a one. 900,000. */
  readonly doomedMaxMs?: number;
}

/** Bounds on what a master can make us hold. */
export interface LinkLimits {
  /** Longest argument in the stream, bytes. 512 MB, as a master's own `proto-max-bulk-len`. */
  readonly bulkBytes?: number;
  /** Most arguments of one command of the stream. 2^31 - 1, as a real replica allows. */
  readonly argumentCount?: number;
  /** Most bytes of the commands between MULTI and EXEC. 1 GB. */
  readonly transactionBytes?: number;
  /** Longest line of the handshake, bytes. 16,384. */
  readonly lineBytes?: number;
  /**
   * Most bytes of the stream drained from the socket and not yet applied, while the host is busy. Beyond
   * it the socket rests, and a master that loses patience cuts the link (OVERRUN). 64 MB; while a snapshot
   * is loaded at most 4 MB of it.
   */
  readonly inboxBytes?: number;
}

/**
 * What happens when a command of the stream is unknown or answers with an error, which on a master it
 * did not: it is counted and logged, then `resync` drops the link and, after a long pause, asks for a new
 * snapshot; `continue` goes on, as a real replica does; `stop` ends the link with the error.
 */
export type DivergencePolicy = "resync" | "continue" | "stop";

/** A command of the stream that could not be applied. */
export interface Divergence {
  /** Its name as it came. */
  readonly command: string;
  /** Its first argument, which is nearly always the key; a copy. */
  readonly key: Uint8Array | undefined;
  /** Selected database. */
  readonly db: number;
  /** Offset in the stream after the command. */
  readonly offset: number;
  /** The error it answered. */
  readonly message: string;
}

/** Executes one command of the stream. */
export interface StreamExecutor {
  /** Called before each batch of commands: relative expiry counts from here. */
  begin(nowMs: number): void;
  /** Tells of keys of database `dbIndex` that the next commands may be about; a hint, `keys` is borrowed. */
  expect?(dbIndex: number, keys: Argv): void;
  /** Applies `argv` to database `dbIndex`. The answer is undefined, or the error it met. */
  execute(dbIndex: number, argv: Argv): string | undefined;
}

/** Where the stream passes by on its way into the keyspace. Nothing called here may throw. */
export interface StreamHooks {
  /**
   * Raw bytes of the stream as they came, the first of them numbered `offset` + 1; borrowed. The one
   * place a backlog for replicas of ours is fed from.
   */
  streamBytes?(bytes: Uint8Array, start: number, end: number, offset: number): void;
  /** A command, or a whole transaction, has been applied, and the offset moved to `offset`. */
  committed?(offset: number): void;
  /** PUBLISH or SPUBLISH came by; `argv` is borrowed. */
  publish?(argv: Argv, sharded: boolean): void;
}

/** Options of {@linkcode ReplicationLink}. */
export interface LinkOptions {
  /** The network. */
  readonly net: Net;
  /** The clock. */
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter, and the seed of hash tables. */
  readonly random: () => number;
  /** What is kept equal to the master's data. Nobody else may write to it while the link runs. */
  readonly keyspace: Keyspace;
  /** Executes the stream's commands on `keyspace`. */
  readonly executor: StreamExecutor;
  /** The master. */
  readonly address: Address;
  /**
   * Asked before each attempt where the master is now, as sentinels tell it; `address` is then only what
   * is shown before the first answer. What it throws counts as a failed attempt.
   */
  readonly locate?: (signal: AbortSignal) => Promise<Address>;
  /** TLS, when given. */
  readonly tls?: TlsClientOptions;
  /** AUTH, when given. */
  readonly credentials?: LinkCredentials;
  /** What the master shows of us; without a port it shows port 0. */
  readonly announce?: { readonly host?: string; readonly port?: number };
  /** Every wait's limit. */
  readonly timeouts?: Timeouts;
  /** Pauses between attempts. */
  readonly backoff?: LinkBackoff;
  /** Bounds. */
  readonly limits?: LinkLimits;
  /** The master's name for PSYNC. */
  readonly psyncCommand?: string;
  /**
   * What a full resync does with the old data: `swap`, the default, serves it until the new is whole;
   * `flush` empties first, for machines that can't hold both.
   */
  readonly resync?: "swap" | "flush";
  /** What to do with commands that can't be applied. `resync`. */
  readonly onDivergence?: DivergencePolicy;
  /** Module values of a snapshot are passed over, or `fail` the synchronisation. `skip`. */
  readonly onUnsupported?: "skip" | "fail";
  /** Milliseconds of work in one go before the host gets its turn. 4. */
  readonly sliceMs?: number;
  /** Gets messages. */
  readonly logger?: Logger;
  /** Gets events; called synchronously, in order. */
  readonly onEvent?: (event: LinkEvent) => void;
  /** Where the stream passes by. */
  readonly hooks?: StreamHooks;
}

/** What a link tells. */
export type LinkEvent =
  | { readonly type: "state"; readonly state: LinkState; readonly previous: LinkState }
  | { readonly type: "syncStart"; readonly replid: string; readonly offset: number }
  /** `resync: "flush"`: the old data is gone, the new on its way. */
  | { readonly type: "emptied" }
  | { readonly type: "syncProgress"; readonly progress: SyncProgress }
  | {
    readonly type: "synced";
    readonly kind: "full" | "partial";
    readonly replid: string;
    readonly offset: number;
    /** How long the snapshot took, or 0 for a partial one. */
    readonly tookMs: number;
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
  /** Snapshot bytes read. */
  readonly bytesRead: number;
  /** Snapshot bytes in all; undefined where the master streams without saying. */
  readonly bytesTotal: number | undefined;
  /** Keys loaded. */
  readonly keys: number;
}

/** Running totals since the link was made. */
export interface LinkCounters {
  /** Snapshots loaded whole. */
  fullSyncs: number;
  /** Reconnects that went on where the last connection ended. */
  partialSyncs: number;
  /** Snapshots begun and not finished. */
  failedSyncs: number;
  /** Connections attempted. */
  attempts: number;
  /** Commands of the stream applied, those inside transactions included. */
  commands: number;
  /** Transactions applied. */
  transactions: number;
  /** Commands of the stream that concern no data here, such as SCRIPT and FUNCTION. */
  ignoredCommands: number;
  /** Commands of the stream that could not be applied. */
  divergences: number;
  /** Commands of modules that were passed over: their values are none that we hold. */
  moduleCommandsSkipped: number;
  /** Module values left out of the last snapshot. */
  moduleValuesSkipped: number;
  /** The same by the module's name. */
  modulesSkipped: Readonly<Record<string, number>>;
  /** Bytes read from the master in all. */
  bytesRead: number;
}

/** A moment's view of the link. */
export interface LinkStatus {
  /** Where it stands. */
  readonly state: LinkState;
  /** Since when, milliseconds since 1970. */
  readonly sinceMs: number;
  /** The master. */
  readonly address: Address;
  /** True once a snapshot has been loaded: the keyspace holds a master's data, perhaps stale. */
  readonly hasData: boolean;
  /** True while the old data was thrown away and the new is not whole. */
  readonly emptied: boolean;
  /** True while the data can be gone on from by `PSYNC replid offset`. */
  readonly resumable: boolean;
  /** The data's replication id, 40 hex digits, or "" before the first sync. */
  readonly replid: string;
  /** The id before a failover, or "". */
  readonly replid2: string;
  /** Up to where `replid2` is valid, or -1. */
  readonly secondOffset: number;
  /** Stream bytes received. */
  readonly readOffset: number;
  /** Bytes drained from the socket that wait for their turn. */
  readonly inboxBytes: number;
  /** Stream bytes applied: what is acknowledged and resumed from. */
  readonly appliedOffset: number;
  /** The stream's selected database. */
  readonly db: number;
  /** The snapshot being awaited or loaded. */
  readonly sync: SyncProgress | undefined;
  /** Milliseconds since the master's last byte, or -1 while there is no connection. */
  readonly lastIoMs: number;
  /**
   * Since when the data may be stale, milliseconds since 1970: the last byte heard before the link broke,
   * or its start; undefined while connected.
   */
  readonly downSinceMs: number | undefined;
  /** Why the last connection failed; cleared by the next sync. */
  readonly lastError: ReplicationError | undefined;
  /** Failures in a row. */
  readonly failures: number;
  /** When the next attempt begins, milliseconds since 1970. */
  readonly nextRetryAtMs: number | undefined;
  /** Totals. */
  readonly counters: Readonly<LinkCounters>;
}

/**
 * The options of a `TestMaster` and their defaults.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { hostClock } from "../net/host_clock.ts";
import type { Command } from "../commands/engine/command.ts";
import type { Net, TlsServerOptions } from "../net/socket.ts";
import type { SnapshotVersion } from "../rdb/encoder.ts";
import type { UserOptions } from "../server/users.ts";
import type { FeedOptions } from "./feed.ts";

/** Options of `TestMaster.start`; each may be left out. */
export interface TestMasterOptions {
  /** Address to listen at; "127.0.0.1". */
  readonly host?: string;
  /** TCP port; 0, the default, takes a free one. */
  readonly port?: number;
  /** Path of a Unix socket to listen on, instead of a port. */
  readonly path?: string;
  /** TLS for clients and replicas; without it connections are plain. */
  readonly tls?: TlsServerOptions;
  /** What clients and replicas must AUTH with; without it they need no AUTH. */
  readonly password?: string;
  /** Further users by name: a password, or passwords and what may be run. */
  readonly users?: Readonly<Record<string, string | UserOptions>>;
  /** How many databases SELECT may name; 16. */
  readonly databases?: number;
  /**
   * Version of the server it passes for; "8.0.2". Decides the RDB version of its snapshots, and below 6.2 that
   * SET with an expiry is sent as two commands. A real server that follows it tells no version and reads snapshots
   * of its own and of older ones: for a Redis 6.2 say "6.2.0".
   */
  readonly serverVersion?: string;
  /** True, the default, is `$EOF:` framing for replicas that announce `eof`; false is `$<length>` for all. */
  readonly diskless?: boolean;
  /** Milliseconds between PSYNC and the snapshot, as a master needs them that forks; 0. */
  readonly snapshotDelayMs?: number;
  /** Milliseconds between two newlines sent during that delay; 1,000. */
  readonly newlineIntervalMs?: number;
  /** Bytes of stream kept for partial resyncs; 1 MB. */
  readonly backlogBytes?: number;
  /** Milliseconds between two PINGs; 10,000. */
  readonly pingIntervalMs?: number;
  /** Milliseconds a replica may be silent before it is cut off; 60,000. */
  readonly timeoutMs?: number;
  /** Most bytes that may wait for a replica before it is cut off; 256 MB. */
  readonly outputLimitBytes?: number;
  /** False deletes expired keys only when a client asks for them; true, the default, also unasked. */
  readonly activeExpiry?: boolean;
  /**
   * Further commands, or others in place of those there are: what a replica meets in the stream of a newer
   * server.
   *
   * @internal
   */
  readonly commands?: readonly Command[];
  /** Network to listen on; the runtime's own. */
  readonly net?: Net;
  /** Clock for expiry, PINGs and delays; the host's own. */
  readonly clock?: Clock;
  /** Uniform in [0, 1): ids and hash seeds are drawn from it; `Math.random`. */
  readonly random?: () => number;
}

/** Every option of a `TestMaster` with its value. */
export interface ResolvedOptions extends Omit<FeedOptions, "keyspace"> {
  /** How many databases SELECT may name. */
  readonly databases: number;
  /** Whether expired keys are deleted although no client asks for them. */
  readonly activeExpiry: boolean;
}

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} When the version is not as in "7.0.15".
 * @throws {RangeError} When the backlog holds less than a byte.
 */
export function resolveOptions(options: TestMasterOptions): ResolvedOptions {
  const serverVersion = options.serverVersion ?? "8.0.2";
  const release = releaseOf(serverVersion);
  const backlogBytes = options.backlogBytes ?? 1024 * 1024;
  if (!(backlogBytes >= 1)) throw new RangeError(`backlogBytes is ${backlogBytes}, below 1`);
  return {
    databases: options.databases ?? 16,
    serverVersion,
    rdbVersion: rdbVersionOf(release),
    splitsExpiry: release < 602,
    diskless: options.diskless ?? true,
    snapshotDelayMs: options.snapshotDelayMs ?? 0,
    newlineIntervalMs: options.newlineIntervalMs ?? 1000,
    backlogBytes,
    pingIntervalMs: options.pingIntervalMs ?? 10_000,
    timeoutMs: options.timeoutMs ?? 60_000,
    outputLimitBytes: options.outputLimitBytes ?? 256 * 1024 * 1024,
    activeExpiry: options.activeExpiry ?? true,
    clock: options.clock ?? hostClock(),
    random: options.random ?? Math.random,
  };
}

/** Major and minor version as one number: "6.2.16" is 602. */
function releaseOf(version: string): number {
  const parts = /^(\d+)\.(\d+)(?:\.\d+)?$/.exec(version);
  if (parts === null) throw new TypeError(`serverVersion is "${version}", not as in "7.0.15"`);
  return Number(parts[1]) * 100 + Number(parts[2]);
}

/** RDB_VERSION in rdb.h of each release; what is older than 7.0 writes 9. */
function rdbVersionOf(release: number): SnapshotVersion {
  if (release >= 806) return 13;
  if (release >= 704) return 12;
  if (release >= 702) return 11;
  return release >= 700 ? 10 : 9;
}

/**
 * What a `TestMaster` may be told, and what it takes otherwise.
 *
 * @module
 */

import { type Clock, systemClock } from "../base/clock.ts";
import type { Net, TlsServerOptions } from "../net/socket.ts";
import type { SnapshotVersion } from "../rdb/encoder.ts";

/** Options of `TestMaster.start`; every one may be left out. */
export interface TestMasterOptions {
  /** Where to listen; "127.0.0.1". */
  readonly host?: string;
  /** Port; 0, the default, takes a free one. */
  readonly port?: number;
  /** Listens on a Unix socket instead. */
  readonly path?: string;
  /** TLS, when given. */
  readonly tls?: TlsServerOptions;
  /** What clients and replicas must AUTH with. */
  readonly password?: string;
  /** Further users by name: their passwords. */
  readonly users?: Readonly<Record<string, string>>;
  /** How many databases SELECT may name; 16. */
  readonly databases?: number;
  /** Server it passes for, "8.0.2" unless told: decides the snapshot's version, and below 6.2 the stream's dialect. */
  readonly serverVersion?: string;
  /** `$EOF:` framing for replicas that know it; true. False: `$<length>` for everybody. */
  readonly diskless?: boolean;
  /** Milliseconds between PSYNC and the snapshot, with newlines meanwhile; 0. */
  readonly snapshotDelayMs?: number;
  /** Milliseconds between two of these newlines; 1,000. */
  readonly newlineIntervalMs?: number;
  /** Bytes of stream kept for partial resyncs; 1 MB. */
  readonly backlogBytes?: number;
  /** Milliseconds between two PINGs; 10,000. */
  readonly pingIntervalMs?: number;
  /** Milliseconds a replica may be silent; 60,000. */
  readonly timeoutMs?: number;
  /** Bytes a replica may owe before it is cut off; 256 MB. */
  readonly outputLimitBytes?: number;
  /** False: keys whose time is over are deleted only when somebody asks for them. */
  readonly activeExpiry?: boolean;
  /** The network; the runtime's own. */
  readonly net?: Net;
  /** Time; the host's own. */
  readonly clock?: Clock;
  /** Uniform in [0, 1): ids and hash seeds are drawn from it; `Math.random`. */
  readonly random?: () => number;
}

/** Every option with its value. */
export interface ResolvedOptions {
  readonly databases: number;
  readonly serverVersion: string;
  readonly rdbVersion: SnapshotVersion;
  readonly splitsExpiry: boolean;
  readonly diskless: boolean;
  readonly snapshotDelayMs: number;
  readonly newlineIntervalMs: number;
  readonly backlogBytes: number;
  readonly pingIntervalMs: number;
  readonly timeoutMs: number;
  readonly outputLimitBytes: number;
  readonly activeExpiry: boolean;
  readonly clock: Clock;
  readonly random: () => number;
}

/** @throws {TypeError} For a version that is none. @throws {RangeError} For a size below 1. */
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
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}

/** "6.2.16" is 602. */
function releaseOf(version: string): number {
  const parts = /^(\d+)\.(\d+)(?:\.\d+)?$/.exec(version);
  if (parts === null) throw new TypeError(`serverVersion is "${version}", not as in "7.0.15"`);
  return Number(parts[1]) * 100 + Number(parts[2]);
}

/** rdb.h, RDB_VERSION of each release. */
function rdbVersionOf(release: number): SnapshotVersion {
  if (release >= 704) return 12;
  if (release >= 702) return 11;
  return release >= 700 ? 10 : 9;
}

/**
 * The options of a `TestMaster`, the rules for them, and their defaults.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import {
  callback,
  flag,
  integer,
  list,
  methods,
  millis,
  type Rules,
  shape,
  text,
} from "../base/shape.ts";
import { hostClock } from "../net/host_clock.ts";
import type { Command } from "../commands/engine/command.ts";
import type { Net, TlsServerOptions } from "../net/socket.ts";
import type { SnapshotVersion } from "../rdb/encoder.ts";
import {
  clockRule,
  MAX_DATABASES,
  netRule,
  secret,
  serverTls,
  users,
} from "../server/option_rules.ts";
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

const VERSION = /^(\d+)\.(\d+)(?:\.\d+)?$/;

const rules = shape(
  {
    host: text(),
    port: integer(0, 65535),
    path: text(),
    tls: serverTls,
    password: secret,
    users,
    databases: integer(1, MAX_DATABASES),
    serverVersion: text(VERSION, 'a version as in "7.0.15"'),
    diskless: flag,
    snapshotDelayMs: millis(),
    newlineIntervalMs: millis(1),
    backlogBytes: integer(1),
    pingIntervalMs: millis(1),
    timeoutMs: millis(1),
    outputLimitBytes: integer(1),
    activeExpiry: flag,
    commands: list(methods("run"), "commands"),
    net: netRule,
    clock: clockRule,
    random: callback,
  } satisfies Rules<TestMasterOptions>,
  { defined: ["tls", "password", "users"] },
);

/**
 * Checks the options, and fills in the defaults.
 *
 * @throws {TypeError} When an option is unknown or makes no sense; the message names it, and quotes no password.
 */
export function resolveOptions(options: TestMasterOptions): ResolvedOptions {
  rules(options, "");
  const { path, host, port } = options;
  if (path !== undefined && (host !== undefined || port !== undefined)) {
    throw new TypeError("path is a Unix socket's, and host and port are those of TCP: give one");
  }
  const serverVersion = options.serverVersion ?? "8.0.2";
  const release = releaseOf(serverVersion);
  return {
    databases: options.databases ?? 16,
    serverVersion,
    rdbVersion: rdbVersionOf(release),
    splitsExpiry: release < 602,
    diskless: options.diskless ?? true,
    snapshotDelayMs: options.snapshotDelayMs ?? 0,
    newlineIntervalMs: options.newlineIntervalMs ?? 1000,
    backlogBytes: options.backlogBytes ?? 1024 * 1024,
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
  const parts = VERSION.exec(version);
  assert(parts !== null, "the rule for serverVersion has been asked");
  return Number(parts[1]) * 100 + Number(parts[2]);
}

/** RDB_VERSION in rdb.h of each release; what is older than 7.0 writes 9. */
function rdbVersionOf(release: number): SnapshotVersion {
  if (release >= 806) return 13;
  if (release >= 704) return 12;
  if (release >= 702) return 11;
  return release >= 700 ? 10 : 9;
}

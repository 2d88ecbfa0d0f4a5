/**
 * What the public class is wired with that needs nothing of it: what it logs by default, how feeds are made, and small
 * translations between the rooms.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { consoleLogger, type Logger } from "../base/logger.ts";
import { Prng } from "../base/prng.ts";
import { MAX_TIMER_MS } from "../base/shape.ts";
import { Feed } from "../feed/changes/feed.ts";
import type { Address, Net } from "../net/socket.ts";
import type { Collections } from "../feed/collections.ts";
import type { SnapshotPosition } from "../rdb/encoder.ts";
import type { HistoryChain } from "../replication/history.ts";
import { SentinelWatch } from "../replication/sentinel.ts";
import { timeoutsWithDefaults } from "../replication/shared.ts";
import type { RepairStatus } from "../replication/repair/types.ts";
import type { LinkCredentials, LinkOptions, LinkStatus } from "../replication/types.ts";
import { TimeoutError } from "../replication/waiting.ts";
import type { ReplicaEngine } from "./engine.ts";
import type { MasterTarget, Password, Readers, ReplicaOptions, SentinelTarget } from "./options.ts";
import type { Emitter } from "./events.ts";
import { type HttpParts, ReplicaHttp } from "./http.ts";
import { ReplicaMetrics } from "./metrics.ts";
import { MasterProbe } from "./probe.ts";
import { ReplicaMemory } from "./memory.ts";
import type { ReplicaStatus } from "./status.ts";

/** Where messages go unless told: warnings and errors to the console. */
export const WARNINGS: Logger = consoleLogger({ level: "warn" });

/** Who may read, as the log says it. */
export const READERS: Readonly<Record<Readers, string>> = {
  everybody: "everybody who reaches it may read everything",
  loopback: "whoever runs on this machine may read everything",
  password: "with a password",
  certificate: "with a client certificate",
};

/** The change feeds. @param opened Whether there may be data: the link stands, or none is needed. */
export function makeFeed(
  engine: ReplicaEngine,
  chain: HistoryChain,
  logger: Logger,
  opened: () => boolean,
): Feed {
  const { keyspace, clock, commits, decoded } = engine;
  return new Feed({
    keyspace,
    decoded,
    commits,
    chain,
    clock,
    hasData: () => opened() && commits.place.hasData,
    report: (error) =>
      logger.error(`A listener to changes failed: ${messageOf(error)}`, {
        event: "listener_failed",
      }),
  });
}

/** What every connection of a replica's own is made with. */
export interface HostParts {
  /** Makes the connection to whom is asked. */
  readonly net: Net;
  /** The clock that its timeouts are measured with. */
  readonly clock: Clock;
  /** The log of the replica that it belongs to. */
  readonly logger: Logger;
}

/** What asks the master whether the data is fresh where its pings are too seldom. */
export function makeProbe(
  parts: HostParts,
  options: ReplicaOptions,
  target: MasterTarget,
): MasterProbe {
  const { connectMs, handshakeMs } = timeoutsWithDefaults(options.timeouts ?? {});
  return new MasterProbe({
    ...parts,
    tls: target.tls,
    credentials: toCredentials(target),
    timeouts: { handshakeMs },
    waitMs: Math.min(connectMs || MAX_TIMER_MS, options.maxStalenessMs ?? connectMs),
  });
}

/** What asks sentinels where the master is. @param onSwitch Called when they have promoted another. */
export function makeSentinel(
  parts: HostParts,
  options: ReplicaOptions,
  target: MasterTarget,
  sentinel: SentinelTarget,
  onSwitch: (to: Address) => void,
): SentinelWatch {
  return new SentinelWatch({
    ...parts,
    sentinels: sentinel.addresses,
    name: sentinel.name,
    tls: sentinel.tls,
    credentials: toCredentials(sentinel),
    master: { tls: target.tls, credentials: toCredentials(target) },
    timeouts: timeoutsWithDefaults(options.timeouts ?? {}),
    onSwitch,
  });
}

/** The metrics of a replica. @param status How it stands. */
export function makeMetrics(
  engine: ReplicaEngine,
  options: ReplicaOptions,
  logger: Logger,
  emitter: Emitter,
  status: () => ReplicaStatus,
): ReplicaMetrics {
  const { clock } = engine;
  return new ReplicaMetrics({
    options: options.metrics ?? {},
    emitter,
    clock,
    logger,
    read: () => ({
      status: status(),
      server: engine.figures,
      ready: engine.ready,
      nowMs: clock.now(),
    }),
  });
}

/** What answers over HTTP. @param parts What it tells of the replica. */
export function makeHttp(
  engine: ReplicaEngine,
  options: ReplicaOptions,
  logger: Logger,
  emitter: Emitter,
  parts: Pick<HttpParts, "status" | "prometheus" | "db">,
): ReplicaHttp {
  const { clock } = engine;
  return new ReplicaHttp({ ...parts, options: options.http, engine, emitter, clock, logger });
}

/** Counts the memory of a replica, and limits it where the options say so. */
export function makeMemory(
  options: ReplicaOptions,
  engine: ReplicaEngine,
  collections: Collections,
  feed: Feed,
  emitter: Emitter,
): ReplicaMemory {
  const memory = new ReplicaMemory({
    keyspace: engine.keyspace,
    decoded: engine.decoded,
    hot: engine.hot,
    indexBytes: () => collections.bytes,
    feed: () => feed.status(),
    tell: (event) => emitter.emit("memory", event),
  });
  memory.limit(options.maxMemory, options.onMaxMemory ?? "stop");
  return memory;
}

/** What the link logs in with; undefined where no password is given. */
export function toCredentials(
  { username, password }: { username: string | undefined; password: Password | undefined },
): LinkCredentials | undefined {
  return password === undefined ? undefined : { username, password };
}

/** Where the data stands in the master's stream; undefined when PSYNC could not resume from there. */
export function positionOf(
  link: LinkStatus | undefined,
  histories: readonly string[],
): SnapshotPosition | undefined {
  if (link === undefined || !link.resumable) return undefined;
  // A key that is being fetched is not what the stream made of it, and a later process would not know.
  if (link.repairs !== undefined && isUnsettled(link.repairs)) return undefined;
  return { replid: link.replid, offset: link.appliedOffset, streamDb: link.db, histories };
}

function isUnsettled({ awaited, doubtedDatabases }: RepairStatus): boolean {
  return awaited > 0 || doubtedDatabases > 0;
}

/** The TCP port of an address; undefined for a Unix socket. */
export function portOf(address: Address): number | undefined {
  return address.transport === "tcp" ? address.port : undefined;
}

/** A generator seeded from `crypto`: keys chosen to collide in our hash tables must not be foreseeable. */
export function secureRandom(): () => number {
  const [low, high] = crypto.getRandomValues(new Uint32Array(2));
  const prng = new Prng((high >>> 11) * 2 ** 32 + low);
  return () => prng.next();
}

/** What the link takes of the options as they are. @param port Where clients find us, while they are served. */
export function linkOptionsOf(options: ReplicaOptions, target: MasterTarget, port?: number): Pick<
  LinkOptions,
  | "address"
  | "tls"
  | "credentials"
  | "announce"
  | "timeouts"
  | "backoff"
  | "limits"
  | "resync"
  | "psyncCommand"
  | "onDivergence"
  | "onUnsupported"
> {
  const { timeouts, backoff, limits, resync, psyncCommand, onDivergence, onUnsupported } = options;
  return {
    address: target.address,
    tls: target.tls,
    credentials: toCredentials(target),
    announce: options.server?.allowReplicaOf === true
      ? { port, ...options.announce }
      : { host: options.announce?.host },
    timeouts,
    backoff,
    limits,
    resync,
    psyncCommand,
    onDivergence,
    onUnsupported,
  };
}

/** The error of a wait that took too long, with what is known of the reason. */
export function lateError(
  what: string,
  timeoutMs: number | undefined,
  link: LinkStatus | undefined,
): TimeoutError {
  const cause = link?.lastError;
  const reason = cause?.message ?? `the link is in state ${link?.state ?? "none"}`;
  return new TimeoutError(`${what} within ${timeoutMs} ms: ${reason}`, { cause });
}

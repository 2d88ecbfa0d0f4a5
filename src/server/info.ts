/**
 * The text of `INFO`, in the sections and the order of Redis 7.0 (server.c, `genRedisInfoString`). A field
 * is left out where it has no meaning here or its value is unknown; some that tools insist on are there
 * with the one value that is true of an embedded replica, as `aof_enabled:0`.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { CONTAINER } from "../commands/engine/command.ts";
import type { Address } from "../net/socket.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import type { Availability } from "./availability.ts";
import type { Clients } from "./clients.ts";
import type { ForwardStatus } from "./master_access.ts";
import type { PubSub } from "./pubsub.ts";
import type { Statistics } from "./statistics.ts";
import type { ReplicationView } from "./view.ts";

/** What the runtime tells of the process; a field that is left out is left out of INFO as well. */
export interface ProcessFacts {
  /** As in "Linux 6.1 x86_64". */
  readonly os?: string;
  /** As in "deno 2.9.6". */
  readonly runtime?: string;
  /** The process's number, `process_id`. */
  readonly pid?: number;
  /** How many files and sockets the process may still open; undefined where that is not told. */
  freeDescriptors?(): number | undefined;
  /** Resident bytes at this moment, `used_memory_rss`. */
  residentBytes?(): number;
  /** Seconds of processor time used. */
  cpuSeconds?(): { readonly user: number; readonly system: number };
}

/** Where a server listens and whom it lets in: filled in by the server once it listens. */
export interface Listening {
  /** Where it listens; undefined before and after. */
  address: Address | undefined;
  /** Whether clients must speak TLS. */
  tls: boolean;
  /** Most connections at once, as configured. */
  maxClients: number;
  /** Seconds a silent client is kept, as configured; 0 for ever. */
  timeoutSeconds: number;
}

/** What the sections are written from. */
export interface InfoSource {
  /** False for a stand-alone master. */
  readonly isReplica: boolean;
  /** The Redis version it behaves as. */
  readonly version: string;
  /** The package's own version. */
  readonly packageVersion: string | undefined;
  /** What the runtime tells of the process; undefined where it tells nothing. */
  readonly process: ProcessFacts | undefined;
  /** 40 hex digits, drawn at the start: monitoring tells a restart by another id. */
  readonly runId: string;
  /** Where it listens and whom it lets in. */
  readonly listening: Listening;
  /** `maxclients`, as CONFIG SET may have changed it. */
  readonly maxClients: number;
  /** Most bytes of memory that may be held; 0 for any number. */
  readonly maxMemory: number;
  /** The data that is served. */
  readonly keyspace: Keyspace;
  /** Tells the time and the uptime. */
  readonly clock: Clock;
  /** When it was made, milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Seconds since 1970 of the last snapshot loaded, or of the start. */
  readonly lastSaveSeconds: number;
  /** The connections, counted and asked for their buffers. */
  readonly clients: Clients;
  /** How many clients wait for keys until some time. */
  readonly blockedWithTimeout: number;
  /** The subscriptions, counted by kind. */
  readonly pubsub: PubSub;
  /** Totals since the start or CONFIG RESETSTAT. */
  readonly statistics: Statistics;
  /** Whether the data is being loaded. */
  readonly availability: Availability;
  /** What clients wrote and was forwarded; undefined where nothing is. */
  readonly forwarded: ForwardStatus | undefined;
  /** The state of replication at this moment. */
  readonly replication: ReplicationView;
}

type Fields = readonly (readonly [string, string | number] | undefined)[];
type Section = (about: InfoSource) => Fields;

/** `master_replid` where no id is known, as Redis spells it. */
const NO_REPLID = "0".repeat(40);
/** `repl_backlog_size` while there is no backlog: Redis's default, 1 MB. */
const DEFAULT_BACKLOG = 1024 * 1024;
const UNITS: readonly string[] = ["K", "M", "G", "T"];

const SECTIONS: Readonly<Record<string, Section>> = {
  server,
  clients,
  memory,
  persistence,
  stats,
  replication,
  cpu,
  modules: () => [],
  commandstats,
  errorstats,
  cluster: () => [["cluster_enabled", 0]],
  keyspace,
};
const TITLES: Readonly<Record<string, string>> = { cpu: "CPU" };
/** Sections written only when asked for by name, or by "all" or "everything". */
const NOT_DEFAULT: readonly string[] = ["commandstats"];

/**
 * Writes INFO's text.
 *
 * @param about What is told.
 * @param sections Names in lower case, "default", "all" or "everything"; none at all means the default
 *   ones. Unknown names are ignored, as in Redis.
 */
export function describeServer(about: InfoSource, sections: readonly string[]): string {
  const wanted = selectSections(sections);
  const texts: string[] = [];
  for (const name of Object.keys(SECTIONS)) {
    if (!wanted.has(name)) continue;
    const title = TITLES[name] ?? name[0].toUpperCase() + name.slice(1);
    const lines = SECTIONS[name](about)
      .filter((field) => field !== undefined)
      .map(([field, value]) => `${field}:${value}\r\n`);
    texts.push(`# ${title}\r\n${lines.join("")}`);
  }
  return texts.join("\r\n");
}

function selectSections(sections: readonly string[]): Set<string> {
  const names = Object.keys(SECTIONS);
  const wanted = new Set<string>();
  for (const section of sections.length === 0 ? ["default"] : sections) {
    if (section === "all" || section === "everything") names.forEach((name) => wanted.add(name));
    else if (section === "default") {
      for (const name of names) if (!NOT_DEFAULT.includes(name)) wanted.add(name);
    } else wanted.add(section);
  }
  return wanted;
}

function server(about: InfoSource): Fields {
  const { address } = about.listening;
  const nowMs = about.clock.now();
  const uptime = Math.max(0, Math.floor((nowMs - about.startedAtMs) / 1000));
  const facts = about.process;
  return [
    ["redis_version", about.version],
    ["redis_mode", "standalone"],
    about.packageVersion === undefined ? undefined : ["rimr_version", about.packageVersion],
    facts?.os === undefined ? undefined : ["os", facts.os],
    ["arch_bits", 64],
    facts?.runtime === undefined ? undefined : ["runtime", facts.runtime],
    facts?.pid === undefined ? undefined : ["process_id", facts.pid],
    ["run_id", about.runId],
    ["tcp_port", address?.transport === "tcp" ? address.port : 0],
    ["server_time_usec", `${nowMs}000`],
    ["uptime_in_seconds", uptime],
    ["uptime_in_days", Math.floor(uptime / 86400)],
    ["executable", ""],
    ["config_file", ""],
  ];
}

function clients(about: InfoSource): Fields {
  const sessions = [...about.clients.sessions.values()];
  return [
    ["connected_clients", sessions.length],
    ["cluster_connections", 0],
    ["maxclients", about.maxClients],
    ["client_recent_max_input_buffer", largest(sessions.map(({ link }) => link?.queryBytes ?? 0))],
    [
      "client_recent_max_output_buffer",
      largest(sessions.map(({ link }) => link?.pendingBytes ?? 0)),
    ],
    ["blocked_clients", sessions.filter(({ blocked }) => blocked).length],
    ["tracking_clients", 0],
    ["clients_in_timeout_table", about.blockedWithTimeout],
  ];
}

function memory(about: InfoSource): Fields {
  const held = about.keyspace.memory();
  const resident = about.process?.residentBytes?.();
  return [
    ["used_memory", held.reserved],
    ["used_memory_human", human(held.reserved)],
    resident === undefined ? undefined : ["used_memory_rss", resident],
    resident === undefined ? undefined : ["used_memory_rss_human", human(resident)],
    ["used_memory_overhead", held.table],
    ["used_memory_dataset", held.used],
    ["used_memory_dataset_perc", percent(held.used, held.reserved)],
    ["maxmemory", about.maxMemory],
    ["maxmemory_human", human(about.maxMemory)],
    ["maxmemory_policy", "noeviction"],
    ["mem_fragmentation_ratio", held.fragmentation.toFixed(2)],
    ["mem_fragmentation_bytes", held.wasted],
    ["mem_allocator", "javascript"],
  ];
}

function persistence(about: InfoSource): Fields {
  const { loading, loadingBeside } = about.availability;
  const { sync } = about.replication;
  const fields: (readonly [string, string | number])[] = [
    ["loading", loading ? 1 : 0],
    ["async_loading", loadingBeside ? 1 : 0],
    ["rdb_changes_since_last_save", 0],
    ["rdb_bgsave_in_progress", 0],
    ["rdb_last_save_time", about.lastSaveSeconds],
    ["rdb_last_bgsave_status", "ok"],
    ["aof_enabled", 0],
    ["aof_rewrite_in_progress", 0],
  ];
  if ((loading || loadingBeside) && sync !== undefined) {
    fields.push(
      ["loading_start_time", sync.startedAtSeconds],
      ["loading_total_bytes", sync.totalBytes],
      ["loading_loaded_bytes", sync.readBytes],
      ["loading_loaded_perc", percent(sync.readBytes, sync.totalBytes).replace("%", "")],
    );
  }
  return fields;
}

function stats({ statistics, pubsub, forwarded }: InfoSource): Fields {
  return [
    ["total_connections_received", statistics.connections],
    ["total_commands_processed", statistics.commands],
    ["instantaneous_ops_per_sec", statistics.commandsPerSecond],
    ["total_net_input_bytes", statistics.inputBytes],
    ["total_net_output_bytes", statistics.outputBytes],
    ["instantaneous_input_kbps", (statistics.inputBytesPerSecond / 1024).toFixed(2)],
    ["instantaneous_output_kbps", (statistics.outputBytesPerSecond / 1024).toFixed(2)],
    ["rejected_connections", statistics.rejectedConnections],
    ["evicted_keys", 0],
    ["pubsub_channels", pubsub.channelCount],
    ["pubsub_patterns", pubsub.patternCount],
    ["pubsubshard_channels", pubsub.shardChannelCount],
    // Keys with an expiry that clients wrote to a writable replica: nobody writes here.
    ["slave_expires_tracked_keys", 0],
    ["total_error_replies", statistics.errorReplies],
    ["client_output_buffer_limit_disconnections", statistics.outputLimitDisconnections],
    ...(forwarded === undefined ? [] : forwardedFields(forwarded)),
  ];
}

/** Fields of our own: a real replica forwards nothing. */
function forwardedFields(forwarded: ForwardStatus): Fields {
  return [
    ["forwarded_writes", forwarded.forwarded],
    ["forwarded_writes_in_flight", forwarded.inFlight],
    ["forwarded_writes_failed", forwarded.failed],
    ["forwarded_writes_refused", forwarded.refused],
    ["forwarded_writes_unknown", forwarded.unknown],
    ["forwarded_writes_late", forwarded.late],
    ["forwarded_writes_lost", forwarded.lost],
    ["forwarded_connections", forwarded.connections],
  ];
}

function replication({ isReplica, replication: view }: InfoSource): Fields {
  const follows = view.masterHost !== "";
  const replicas = view.replicas.map((replica, index) =>
    [
      `slave${index}`,
      `ip=${replica.host},port=${replica.port},state=${replica.state},` +
      `offset=${replica.offset},lag=${replica.lagSeconds}`,
    ] as const
  );
  return [
    ["role", isReplica ? "slave" : "master"],
    ...(isReplica ? masterLink(view, follows) : []),
    ["connected_slaves", replicas.length],
    ...replicas,
    ["master_failover_state", "no-failover"],
    ["master_replid", view.replid === "" ? NO_REPLID : view.replid],
    ["master_replid2", view.replid2 === "" ? NO_REPLID : view.replid2],
    ["master_repl_offset", Math.max(0, view.offset)],
    ["second_repl_offset", view.secondOffset],
    ["repl_backlog_active", view.backlog === undefined ? 0 : 1],
    ["repl_backlog_size", view.backlog?.size ?? DEFAULT_BACKLOG],
    ["repl_backlog_first_byte_offset", view.backlog?.firstByteOffset ?? 0],
    ["repl_backlog_histlen", view.backlog?.length ?? 0],
  ];
}

/**
 * The lines that only a replica has. Sentinel reads several of them: `slave_priority:0` keeps it from
 * promoting us, since we cannot become a master.
 */
function masterLink(view: ReplicationView, follows: boolean): Fields {
  const up = follows && view.linkState === "connected";
  const { sync } = view;
  const left = sync === undefined ? 0 : Math.max(0, sync.totalBytes - sync.readBytes);
  return [
    ["master_host", view.masterHost],
    ["master_port", view.masterPort],
    ["master_link_status", up ? "up" : "down"],
    ["master_last_io_seconds_ago", up ? view.lastIoSeconds : -1],
    ["master_sync_in_progress", sync === undefined ? 0 : 1],
    ["slave_read_repl_offset", Math.max(0, view.readOffset)],
    ["slave_repl_offset", Math.max(0, view.offset)],
    ...(sync === undefined ? [] : [
      ["master_sync_total_bytes", sync.totalBytes],
      ["master_sync_read_bytes", sync.readBytes],
      ["master_sync_left_bytes", left],
      ["master_sync_perc", percent(sync.readBytes, sync.totalBytes).replace("%", "")],
      ["master_sync_last_io_seconds_ago", sync.lastIoSeconds],
    ] as const),
    up ? undefined : ["master_link_down_since_seconds", view.downSinceSeconds],
    ["slave_priority", 0],
    ["slave_read_only", 1],
    ["replica_announced", view.announced ? 1 : 0],
  ];
}

function cpu(about: InfoSource): Fields {
  const used = about.process?.cpuSeconds?.();
  if (used === undefined) return [];
  return [
    ["used_cpu_sys", used.system.toFixed(6)],
    ["used_cpu_user", used.user.toFixed(6)],
  ];
}

function commandstats({ statistics }: InfoSource): Fields {
  return [...statistics.entries()]
    .filter(([command]) => (command.flags & CONTAINER) === 0 || command.name === "command")
    .map(([command, { calls, micros, rejected, failed }]) =>
      [
        `cmdstat_${command.name}`,
        `calls=${calls},usec=${Math.round(micros)},` +
        `usec_per_call=${(calls === 0 ? 0 : micros / calls).toFixed(2)},` +
        `rejected_calls=${rejected},failed_calls=${failed}`,
      ] as const
    );
}

function errorstats({ statistics }: InfoSource): Fields {
  return [...statistics.errors]
    .sort(([a], [b]) => a < b ? -1 : 1)
    .map(([code, count]) => [`errorstat_${code}`, `count=${count}`] as const);
}

function keyspace({ keyspace }: InfoSource): Fields {
  const fields: [string, string][] = [];
  for (const index of keyspace.indexes()) {
    const db = keyspace.db(index);
    const keys = db.presentSize;
    const expires = db.presentExpires;
    if (keys > 0) fields.push([`db${index}`, `keys=${keys},expires=${expires},avg_ttl=0`]);
  }
  return fields;
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function percent(part: number, whole: number): string {
  return `${(whole <= 0 ? 0 : part * 100 / whole).toFixed(2)}%`;
}

/** A size as INFO spells it for people, as in "1.50M" (server.c, `bytesToHuman`). */
function human(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(2)}${UNITS[unit]}`;
}

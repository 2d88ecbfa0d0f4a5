/**
 * Every metric of a replica: its name, what it says, and where its values are read.
 *
 * One row a metric. A row whose source is absent, as the snapshot file where none is configured, has no samples.
 *
 * @module
 */

import type { NameCounts } from "../base/name_counts.ts";
import type { HistogramSample, LabelledHistogram, Metric, Sample } from "../observe/metric.ts";
import { LINK_STATES } from "../replication/types.ts";
import type { ServerFigures } from "../server/figures.ts";
import type { ReplicaStatus } from "./status.ts";

/** What metrics are read from, all of one moment. */
export interface MetricFacts {
  /** What `status()` answers. */
  readonly status: ReplicaStatus;
  /** The read port in numbers. */
  readonly server: ServerFigures;
  /** Whether reads are answered from data that is whole. */
  readonly ready: boolean;
  /** What was counted as it happened. */
  readonly observed: Observed;
  /** The time now, milliseconds since 1970. */
  readonly nowMs: number;
}

/** What is counted as it happens. */
export interface Observed {
  /** Failures of the link by the error's code. */
  readonly linkFailures: NameCounts;
  /** Commands that could not be applied, by name in lower case. */
  readonly divergences: NameCounts;
  /** How long full synchronisations took. */
  readonly syncSeconds: LabelledHistogram;
}

/** Reads one metric with all of its samples. */
type Row = (facts: MetricFacts) => Metric;
/** Reads the value of a metric that has one sample; undefined for none. */
type ReadOne = (facts: MetricFacts) => number | undefined;
/** Reads the samples of a metric that has several. */
type ReadMany = (facts: MetricFacts) => readonly Sample[];

const LINK_ROWS: readonly Row[] = [
  gauge("rimr_link_up", "1 while the master's stream is followed.", ({ status }) => {
    return status.link === "connected" ? 1 : 0;
  }),
  gauges("rimr_link_state", "1 for the state that the link to the master is in.", ({ status }) => {
    return LINK_STATES.map((state) => sample({ state }, status.link === state ? 1 : 0));
  }),
  gauge("rimr_ready", "1 while there is data and it is as fresh as it must be.", ({ ready }) => {
    return ready ? 1 : 0;
  }),
  counter(
    "rimr_link_connects_total",
    "Connections to the master that were begun.",
    ({ status }) => {
      return status.counters.attempts;
    },
  ),
  counters(
    "rimr_link_failures_total",
    "Connections to the master that failed or broke, by the error's code.",
    ({ observed }) => byName("code", observed.linkFailures.toRecord()),
  ),
];

const SYNC_ROWS: readonly Row[] = [
  counters("rimr_syncs_total", "Synchronisations by kind and result.", ({ status }) => {
    const { fullSyncs, partialSyncs, failedSyncs } = status.counters;
    return [
      sample({ kind: "full", result: "ok" }, fullSyncs),
      sample({ kind: "full", result: "failed" }, failedSyncs),
      sample({ kind: "partial", result: "ok" }, partialSyncs),
    ];
  }),
  histogram(
    "rimr_sync_duration_seconds",
    "How long full synchronisations took from the master's agreement on.",
    ({ observed }) => observed.syncSeconds.samples(),
  ),
  gauge("rimr_sync_in_progress", "1 while a snapshot is awaited or loaded.", ({ status }) => {
    return status.sync === undefined ? 0 : 1;
  }),
  gauge("rimr_sync_loaded_bytes", "Bytes of the snapshot that is loaded.", ({ status }) => {
    return status.sync?.bytesRead;
  }),
  gauge("rimr_sync_expected_bytes", "Bytes that the snapshot has in all.", ({ status }) => {
    return status.sync?.bytesTotal;
  }),
  gauge("rimr_sync_loaded_keys", "Keys of the snapshot that are loaded.", ({ status }) => {
    return status.sync?.keys;
  }),
];

const STREAM_ROWS: readonly Row[] = [
  gauge(
    "rimr_replication_offset_bytes",
    "Offset up to which the stream is applied.",
    ({ status }) => {
      return status.offset;
    },
  ),
  gauge(
    "rimr_replication_received_offset_bytes",
    "Offset of the last byte received.",
    ({ status }) => {
      return status.offset + status.lagBytes;
    },
  ),
  gauge("rimr_replication_lag_bytes", "Bytes received and not yet applied.", ({ status }) => {
    return status.lagBytes;
  }),
  gauge("rimr_staleness_seconds", "How long the data may be old; 0 while it is not.", (facts) => {
    const { staleSinceMs } = facts.status;
    return staleSinceMs === undefined ? 0 : Math.max(0, facts.nowMs - staleSinceMs) / 1000;
  }),
  gauge("rimr_master_last_io_seconds", "Time since the master's last byte.", ({ status }) => {
    return status.lastIoAgoMs < 0 ? undefined : status.lastIoAgoMs / 1000;
  }),
  counter("rimr_stream_bytes_total", "Bytes read from the master, snapshots too.", ({ status }) => {
    return status.counters.bytesRead;
  }),
  counter(
    "rimr_stream_commands_total",
    "Commands of the stream that were applied.",
    ({ status }) => {
      return status.counters.commands;
    },
  ),
  counter("rimr_stream_transactions_total", "Transactions that were applied.", ({ status }) => {
    return status.counters.transactions;
  }),
  counter(
    "rimr_stream_ignored_commands_total",
    "Commands of the stream that concern no data here.",
    ({ status }) => status.counters.ignoredCommands,
  ),
  counters(
    "rimr_divergences_total",
    "Commands of the stream that could not be applied, by name.",
    ({ observed }) => byName("command", observed.divergences.toRecord()),
  ),
  gauge("rimr_repairs_awaited", "Keys that are being fetched from the master.", ({ status }) => {
    return status.repairs?.awaited;
  }),
  counters("rimr_repairs_total", "Keys that were awaited, by reason and result.", ({ status }) => {
    return Object.entries(status.repairs?.ended ?? {}).flatMap(([reason, results]) => {
      return Object.entries(results).map(([result, count]) => sample({ reason, result }, count));
    });
  }),
];

const DATA_ROWS: readonly Row[] = [
  gauges("rimr_keys", "Keys of each database.", ({ status }) => {
    return Object.entries(status.memory.databases).map(([db, { keys }]) => sample({ db }, keys));
  }),
  gauges("rimr_keys_expiring", "Keys of each database that expire.", ({ status }) => {
    return Object.entries(status.memory.databases).map(([db, { expiring }]) => {
      return sample({ db }, expiring);
    });
  }),
  gauges("rimr_unsupported_keys", "Keys whose values are kept unread, by type.", ({ status }) => {
    return Object.entries(status.modules).map(([type, { keys }]) => sample({ type }, keys));
  }),
  gauge(
    "rimr_memory_reserved_bytes",
    "Bytes reserved for keys, values and tables.",
    ({ status }) => {
      return status.memoryBytes;
    },
  ),
  gauge("rimr_memory_used_bytes", "Bytes of keys, values and tables in use.", ({ status }) => {
    return Object.values(status.memory.databases).reduce((sum, { used, table, objects }) => {
      return sum + used + table + objects;
    }, 0);
  }),
  gauges("rimr_memory_held_bytes", "What `maxMemory` bounds, by what it is for.", ({ status }) => {
    const { data, loading, caches, indexes, leftOut, feed, incoming } = status.memory;
    const parts = { data, loading, caches, indexes, left_out: leftOut, feed, incoming };
    return byName("part", parts);
  }),
  gauge("rimr_memory_limit_bytes", "Most bytes that may be held: `maxMemory`.", ({ status }) => {
    return status.memory.limit;
  }),
  gauge("rimr_memory_fragmentation_ratio", "Reserved by used bytes of records.", ({ status }) => {
    return status.memory.fragmentation;
  }),
  gauges("rimr_index_bytes", "Bytes of a collection's rows and indexes.", ({ status }) => {
    return status.collections.map(({ pattern, db, bytes }) => {
      return sample({ index: pattern, db: String(db) }, bytes);
    });
  }),
  counter("rimr_decode_cache_hits_total", "Reads that a kept value answered.", ({ status }) => {
    return status.decodeCache.hits;
  }),
  counter("rimr_decode_cache_misses_total", "Reads that had to decode.", ({ status }) => {
    return status.decodeCache.misses;
  }),
];

const SERVER_ROWS: readonly Row[] = [
  gauge("rimr_server_connections", "Clients that are connected.", ({ server }) => {
    return server.connections;
  }),
  counters("rimr_server_commands_total", "Commands called, the stream's too, by name.", (facts) => {
    return facts.server.commands.map(([{ name }, { calls }]) => sample({ command: name }, calls));
  }),
  counter("rimr_server_received_bytes_total", "Bytes read from clients.", ({ server }) => {
    return server.receivedBytes;
  }),
  counter("rimr_server_sent_bytes_total", "Bytes sent to clients.", ({ server }) => {
    return server.sentBytes;
  }),
  counters(
    "rimr_server_rejected_total",
    "Clients and commands refused, by reason.",
    ({ server }) => {
      return [
        sample({ reason: "max_clients" }, server.refusedConnections),
        sample({ reason: "output_limit" }, server.outputLimitEnds),
        sample({ reason: "protocol" }, server.protocolErrors),
      ];
    },
  ),
  counters("rimr_read_refusals_total", "Error replies to clients, by code.", ({ server }) => {
    return [...server.errors].map(([code, count]) => sample({ code }, count));
  }),
  gauge(
    "rimr_server_output_buffer_bytes",
    "Reply bytes that clients left untaken.",
    ({ server }) => {
      return server.outputBufferBytes;
    },
  ),
];

const FORWARD_ROWS: readonly Row[] = [
  counters(
    "rimr_forwarded_writes_total",
    "Writes of clients by result; `sent` is all that went to the master.",
    ({ status: { writes } }) => {
      if (writes === undefined) return [];
      const { forwarded: sent, failed, refused, unknown, late, lost } = writes;
      return byName("result", { sent, failed, refused, unknown, late, lost });
    },
  ),
  gauge(
    "rimr_forwarded_writes_in_flight",
    "Writes of clients that wait for the master or for the stream.",
    ({ status }) => status.writes?.inFlight,
  ),
];

const FEED_ROWS: readonly Row[] = [
  gauge("rimr_feed_subscribers", "Consumers of the change feed.", ({ status }) => {
    return status.feed.subscribers;
  }),
  counter("rimr_feed_changes_total", "Changes handed to consumers.", ({ status }) => {
    return status.feed.changes;
  }),
  counter("rimr_feed_coalesced_total", "Commits merged into a later batch.", ({ status }) => {
    return status.feed.coalesced;
  }),
  counter("rimr_feed_dropped_total", "Changes that slow consumers lost.", ({ status }) => {
    return status.feed.dropped;
  }),
  gauge("rimr_feed_queue_changes", "Keys that wait for consumers.", ({ status }) => {
    return status.feed.queued;
  }),
];

const FILTER_ROWS: readonly Row[] = [
  counters("rimr_filter_left_out_total", "Keys and commands left out, by rule.", ({ status }) => {
    return byName("rule", { ...status.filter?.leftOut });
  }),
  gauges("rimr_filter_remembered_keys", "Keys kept by name and not held, by why.", ({ status }) => {
    return byName("why", { ...status.filter?.remembered });
  }),
  gauge("rimr_filter_border_awaited", "Border keys that are being fetched.", ({ status }) => {
    return status.filter?.border.awaited;
  }),
  counter("rimr_filter_border_dropped_total", "Border keys the master refused.", ({ status }) => {
    return status.filter?.border.dropped;
  }),
];

const SNAPSHOT_ROWS: readonly Row[] = [
  gauge(
    "rimr_snapshot_last_success_timestamp_seconds",
    "When the last snapshot file was written.",
    ({ status }) => {
      const savedAtMs = status.snapshot?.savedAtMs;
      return savedAtMs === undefined ? undefined : savedAtMs / 1000;
    },
  ),
  counter("rimr_snapshot_failures_total", "Snapshot files that could not be written.", (facts) => {
    return facts.status.snapshot?.failures;
  }),
  gauge("rimr_snapshot_duration_seconds", "How long writing the last one took.", ({ status }) => {
    return status.snapshot === undefined ? undefined : status.snapshot.savedTookMs / 1000;
  }),
  gauge("rimr_snapshot_bytes", "Size of the last snapshot file.", ({ status }) => {
    return status.snapshot?.savedBytes;
  }),
];

const ROWS: readonly Row[] = [
  ...LINK_ROWS,
  ...SYNC_ROWS,
  ...STREAM_ROWS,
  ...DATA_ROWS,
  ...SERVER_ROWS,
  ...FORWARD_ROWS,
  ...FEED_ROWS,
  ...FILTER_ROWS,
  ...SNAPSHOT_ROWS,
];

/** Reads every metric. The list has the same names in the same order at each call. */
export function readMetrics(facts: MetricFacts): Metric[] {
  return ROWS.map((row) => row(facts));
}

function gauge(name: string, help: string, read: ReadOne): Row {
  return (facts) => ({ name, help, kind: "gauge", samples: one(read(facts)) });
}

function gauges(name: string, help: string, read: ReadMany): Row {
  return (facts) => ({ name, help, kind: "gauge", samples: read(facts) });
}

function counter(name: string, help: string, read: ReadOne): Row {
  return (facts) => ({ name, help, kind: "counter", samples: one(read(facts)) });
}

function counters(name: string, help: string, read: ReadMany): Row {
  return (facts) => ({ name, help, kind: "counter", samples: read(facts) });
}

function histogram(
  name: string,
  help: string,
  read: (facts: MetricFacts) => readonly HistogramSample[],
): Row {
  return (facts) => ({ name, help, kind: "histogram", samples: read(facts) });
}

function sample(labels: Readonly<Record<string, string>>, value: number): Sample {
  return { labels, value };
}

function one(value: number | undefined): Sample[] {
  return value === undefined ? [] : [sample({}, value)];
}

/** A sample for each entry of a record of numbers. */
function byName(label: string, counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([name, count]) => sample({ [label]: name }, count));
}

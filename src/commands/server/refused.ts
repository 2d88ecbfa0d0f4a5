/**
 * Commands that Redis or Valkey know and that have nothing to do here: each refused with its
 * reason, so that a client is told why, and never that the command is unknown. What a family
 * refuses of its own subcommands (ACL, MODULE, CLIENT) stands in that family's file.
 *
 * @module
 */

import {
  ADMIN,
  ALLOW_BUSY,
  BLOCKING,
  type Command,
  command,
  LOADING,
  NO_ASYNC_LOADING,
  NO_MULTI,
  NOSCRIPT,
  READONLY,
  STALE,
  WRITE,
} from "../engine/command.ts";
import { container } from "../engine/container.ts";
import { CLUSTER_DISABLED, CommandError, embedded } from "../engine/errors.ts";

/** Flags of what changes a cluster. */
const CLUSTER_WRITES: number = ADMIN | STALE | NO_ASYNC_LOADING;
/** Flags of what administrators ask in any state of the server. */
const ANYTIME: number = ADMIN | NOSCRIPT | LOADING | STALE;
/** Flags of what saves the dataset or sends it to a replica. */
const SAVES: number = ADMIN | NOSCRIPT | NO_ASYNC_LOADING;

/** How `replication.c waitCommand` answers on a replica, after the name of the command. */
const WAIT_ON_REPLICA =
  "cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is" +
  " configured to be writable (which is not the default) writes to replicas are just local and are" +
  " not propagated.";
/** What replicas of replicas are told: our own stream is not served on. */
const NO_REPLICAS = "ERR This server has no replicas of its own";

/** `BGREWRITEAOF`: refused, as there is no append only file. O(1). */
const bgrewriteaof = command("bgrewriteaof", 1, SAVES, "", refuseSave);

/** `BGSAVE [SCHEDULE]`: refused; the application writes snapshots where and when it wants. O(1). */
const bgsave = command("bgsave", -1, SAVES, "", refuseSave);

/** `SAVE`: refused as BGSAVE is. O(1). */
const save = command("save", 1, SAVES | NO_MULTI, "", refuseSave);

/** `SHUTDOWN [option ...]`: refused; it would end the application's process. O(1). */
const shutdown = command("shutdown", -1, ANYTIME | NO_MULTI | ALLOW_BUSY, "", () => {
  throw new CommandError(embedded("when it ends"));
});

/** `FAILOVER [option ...]`: refused, as only a master hands over. O(1). */
const failover = command("failover", -1, ADMIN | NOSCRIPT | STALE, "", () => {
  throw new CommandError("ERR FAILOVER is not valid when server is a replica.");
});

/**
 * `MIGRATE host port key db timeout [option ...] [KEYS key ...]`: refused, as a server inside an
 * application connects to nobody because a client says so. O(1).
 */
const migrate = command(
  "migrate",
  -6,
  WRITE,
  "RW.access.delete@3+RW.access.delete.incomplete@KEYS~-2:-1",
  () => {
    throw new CommandError("ERR MIGRATE is refused. This server sends keys to no other");
  },
);

/** `PSYNC replid offset`: refused here; a TestMaster has a row of its own. O(1). */
const psync = command("psync", -3, SAVES | NO_MULTI, "", refuseReplica);

/** `REPLCONF option value ...`: refused here; a TestMaster has a row of its own. O(1). */
const replconf = command("replconf", -1, ANYTIME | ALLOW_BUSY, "", refuseReplica);

/** `SYNC`: refused as PSYNC is; no replica since Redis 2.8 sends it. O(1). */
const sync = command("sync", 1, SAVES | NO_MULTI, "", refuseReplica);

/** `WAIT replicas ms`: refused here; a TestMaster has a row of its own. O(1). */
const wait = command("wait", 3, BLOCKING, "", () => {
  throw new CommandError(`ERR WAIT ${WAIT_ON_REPLICA}`);
});

/** `WAITAOF local replicas ms`: refused, as there is no append only file. O(1). */
const waitaof = command("waitaof", 4, BLOCKING, "", () => {
  throw new CommandError(`ERR WAITAOF ${WAIT_ON_REPLICA}`);
});

/** `CLUSTERSCAN cursor [option ...]`: Valkey's SCAN over a cluster, refused. O(1). */
const clusterscan = command("clusterscan", -2, READONLY, "", refuseCluster);

/**
 * `CLUSTER subcommand ...`: every one is refused, as this server is part of no cluster. Redis
 * answers the same with `cluster-enabled no`, and clients that look for a cluster go on without
 * one. The rows are kept for arity and flags, which COMMAND answers. O(1).
 */
const cluster: readonly Command[] = container("cluster", [
  command("cluster|addslots", -3, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|addslotsrange", -4, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|bumpepoch", 2, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|cancelslotmigrations", 2, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|count-failure-reports", 3, ADMIN | STALE, "", refuseCluster),
  command("cluster|countkeysinslot", 3, STALE, "", refuseCluster),
  command("cluster|delslots", -3, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|delslotsrange", -4, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|failover", -2, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|flushslot", -3, WRITE, "", refuseCluster),
  command("cluster|flushslots", 2, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|forget", 3, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|getkeysinslot", 4, STALE, "", refuseCluster),
  command("cluster|getslotmigrations", 2, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|info", 2, STALE, "", refuseCluster),
  command("cluster|keyslot", 3, STALE, "", refuseCluster),
  command("cluster|links", 2, STALE, "", refuseCluster),
  command("cluster|meet", -4, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|migrateslots", -4, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|migration", -4, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|myid", 2, STALE, "", refuseCluster),
  command("cluster|myshardid", 2, STALE, "", refuseCluster),
  command("cluster|nodes", 2, STALE, "", refuseCluster),
  command("cluster|replicas", 3, ADMIN | STALE, "", refuseCluster),
  command("cluster|replicate", 3, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|reset", -2, ADMIN | NOSCRIPT | STALE, "", refuseCluster),
  command("cluster|saveconfig", 2, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|set-config-epoch", 3, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|setslot", -4, CLUSTER_WRITES, "", refuseCluster),
  command("cluster|shards", 2, LOADING | STALE, "", refuseCluster),
  command("cluster|slaves", 3, ADMIN | STALE, "", refuseCluster),
  command("cluster|slot-stats", -4, LOADING | STALE, "", refuseCluster),
  command("cluster|slots", 2, LOADING | STALE, "", refuseCluster),
  command("cluster|syncslots", -3, CLUSTER_WRITES, "", refuseCluster),
], ["(no subcommand answers: cluster support is disabled)"]);

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const refusedCommands: readonly Command[] = [
  bgrewriteaof,
  bgsave,
  ...cluster,
  clusterscan,
  failover,
  migrate,
  psync,
  replconf,
  save,
  shutdown,
  sync,
  wait,
  waitaof,
];

/** The refusal of CLUSTER and CLUSTERSCAN. */
function refuseCluster(): void {
  throw new CommandError(CLUSTER_DISABLED);
}

/** The refusal of what would save the dataset. */
function refuseSave(): void {
  throw new CommandError(embedded("what is saved"));
}

/** The refusal of what a replica sends its master. */
function refuseReplica(): void {
  throw new CommandError(NO_REPLICAS);
}

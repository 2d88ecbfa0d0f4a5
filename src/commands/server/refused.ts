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
  STALE,
  WRITE,
} from "../engine/command.ts";
import { CommandError, embedded } from "../engine/errors.ts";

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

/** What `commands/table.ts` takes from this file: a row that is missing here answers nobody. */
export const refusedCommands: readonly Command[] = [
  bgrewriteaof,
  bgsave,
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

/** The refusal of what would save the dataset. */
function refuseSave(): void {
  throw new CommandError(embedded("what is saved"));
}

/** The refusal of what a replica sends its master. */
function refuseReplica(): void {
  throw new CommandError(NO_REPLICAS);
}

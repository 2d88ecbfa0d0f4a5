/**
 * Commands that Redis or Valkey know and that have nothing to do here: each refused with its reason, so
 * that a client is told why, and never that the command is unknown.
 *
 * @module
 */

import { isWord } from "../engine/args.ts";
import {
  ADMIN,
  ALLOW_BUSY,
  BLOCKING,
  type Command,
  type KeySpec,
  LOADING,
  MOVABLEKEYS,
  NO_ASYNC_LOADING,
  NO_KEYS,
  NO_MULTI,
  NOSCRIPT,
  READONLY,
  STALE,
  WRITE,
} from "../engine/command.ts";
import { CLUSTER_DISABLED, CommandError } from "../engine/errors.ts";

const EMBEDDED = "This server is part of an application, which alone decides";
const CLUSTER_WRITES: number = ADMIN | STALE | NO_ASYNC_LOADING;
const ANYTIME: number = ADMIN | NOSCRIPT | LOADING | STALE;
const MODULES: number = ADMIN | NOSCRIPT | NO_ASYNC_LOADING;
/** MIGRATE's one key, or where that is empty those after its word KEYS. */
const MIGRATED: KeySpec = {
  first: 3,
  last: 3,
  step: 1,
  find(argv, key) {
    let word = 6;
    while (word < argv.count && !isWord(argv, word, "KEYS")) word++;
    if (argv.lengthOf(3) > 0 || word >= argv.count) return key(3);
    for (let i = word + 1; i < argv.count; i++) key(i);
  },
};

type Row = readonly [name: string, arity: number, flags: number];

/** Of a cluster, which this server is no part of. */
const CLUSTER_ROWS: readonly Row[] = [
  ["cluster|addslots", -3, CLUSTER_WRITES],
  ["cluster|addslotsrange", -4, CLUSTER_WRITES],
  ["cluster|bumpepoch", 2, CLUSTER_WRITES],
  ["cluster|cancelslotmigrations", 2, CLUSTER_WRITES],
  ["cluster|count-failure-reports", 3, ADMIN | STALE],
  ["cluster|countkeysinslot", 3, STALE],
  ["cluster|delslots", -3, CLUSTER_WRITES],
  ["cluster|delslotsrange", -4, CLUSTER_WRITES],
  ["cluster|failover", -2, CLUSTER_WRITES],
  ["cluster|flushslot", -3, WRITE],
  ["cluster|flushslots", 2, CLUSTER_WRITES],
  ["cluster|forget", 3, CLUSTER_WRITES],
  ["cluster|getkeysinslot", 4, STALE],
  ["cluster|getslotmigrations", 2, CLUSTER_WRITES],
  ["cluster|info", 2, STALE],
  ["cluster|keyslot", 3, STALE],
  ["cluster|links", 2, STALE],
  ["cluster|meet", -4, CLUSTER_WRITES],
  ["cluster|migrateslots", -4, CLUSTER_WRITES],
  ["cluster|migration", -4, CLUSTER_WRITES],
  ["cluster|myid", 2, STALE],
  ["cluster|myshardid", 2, STALE],
  ["cluster|nodes", 2, STALE],
  ["cluster|replicas", 3, ADMIN | STALE],
  ["cluster|replicate", 3, CLUSTER_WRITES],
  ["cluster|reset", -2, ADMIN | NOSCRIPT | STALE],
  ["cluster|saveconfig", 2, CLUSTER_WRITES],
  ["cluster|set-config-epoch", 3, CLUSTER_WRITES],
  ["cluster|setslot", -4, CLUSTER_WRITES],
  ["cluster|shards", 2, LOADING | STALE],
  ["cluster|slaves", 3, ADMIN | STALE],
  ["cluster|slot-stats", -4, LOADING | STALE],
  ["cluster|slots", 2, LOADING | STALE],
  ["cluster|syncslots", -3, CLUSTER_WRITES],
  ["clusterscan", -2, READONLY],
];

/** Users, modules and roles are the application's. */
const EMBEDDED_ROWS: readonly (readonly [...Row, what: string])[] = [
  ["acl|deluser", -3, ANYTIME, "who its users are"],
  ["acl|dryrun", -4, ANYTIME, "who its users are"],
  ["acl|genpass", -2, NOSCRIPT | LOADING | STALE, "who its users are"],
  ["acl|load", 2, ANYTIME, "who its users are"],
  ["acl|save", 2, ANYTIME, "who its users are"],
  ["acl|setuser", -3, ANYTIME, "who its users are"],
  ["bgrewriteaof", 1, ADMIN | NOSCRIPT | NO_ASYNC_LOADING, "what is saved"],
  ["bgsave", -1, ADMIN | NOSCRIPT | NO_ASYNC_LOADING, "what is saved"],
  ["module|load", -3, MODULES, "what it is made of"],
  ["module|loadex", -3, MODULES, "what it is made of"],
  ["module|unload", 3, MODULES, "what it is made of"],
  ["save", 1, ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI, "what is saved"],
  ["shutdown", -1, ANYTIME | NO_MULTI | ALLOW_BUSY, "when it ends"],
];

const WAIT_ON_REPLICA =
  "cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is" +
  " configured to be writable (which is not the default) writes to replicas are just local and are" +
  " not propagated.";
const NO_REPLICAS = "ERR This server has no replicas of its own";

/** Each for a reason of its own. */
const OTHER_ROWS: readonly (readonly [...Row, keys: KeySpec, text: string])[] = [
  [
    "client|import-source",
    3,
    NOSCRIPT | LOADING | STALE,
    NO_KEYS,
    "ERR Server is not in import mode",
  ],
  [
    "failover",
    -1,
    ADMIN | NOSCRIPT | STALE,
    NO_KEYS,
    "ERR FAILOVER is not valid when server is a replica.",
  ],
  [
    "migrate",
    -6,
    WRITE | MOVABLEKEYS,
    MIGRATED,
    "ERR MIGRATE is refused. This server sends keys to no other",
  ],
  ["psync", -3, MODULES | NO_MULTI, NO_KEYS, NO_REPLICAS],
  ["replconf", -1, ANYTIME | ALLOW_BUSY, NO_KEYS, NO_REPLICAS],
  ["sync", 1, MODULES | NO_MULTI, NO_KEYS, NO_REPLICAS],
  ["wait", 3, BLOCKING, NO_KEYS, `ERR WAIT ${WAIT_ON_REPLICA}`],
  ["waitaof", 4, BLOCKING, NO_KEYS, `ERR WAITAOF ${WAIT_ON_REPLICA}`],
];

function refusal([name, arity, flags]: Row, keys: KeySpec, text: string): Command {
  return {
    name,
    arity,
    flags,
    keys,
    run() {
      throw new CommandError(text);
    },
  };
}

/** Every row of this file. */
export const refusedCommands: readonly Command[] = [
  ...CLUSTER_ROWS.map((row) => refusal(row, NO_KEYS, CLUSTER_DISABLED)),
  ...EMBEDDED_ROWS.map(([name, arity, flags, what]) =>
    refusal([name, arity, flags], NO_KEYS, `ERR ${EMBEDDED} ${what}`)
  ),
  ...OTHER_ROWS.map(([name, arity, flags, keys, text]) =>
    refusal([name, arity, flags], keys, text)
  ),
];

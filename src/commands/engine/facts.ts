/**
 * What `COMMAND INFO` and `COMMAND DOCS` tell beyond the row: group, first release, ACL categories that
 * do not follow from flags, tips, and key specs. Taken from what a Redis 8.0 server answers, and
 * where that lacks a command from a Valkey 9.
 *
 * One command a line: name, group, since, categories, tips, key specs, mark. A key spec reads
 * `flags@begin:find`, where begin is an index, `KEYWORD~startfrom` or `?`, and find is
 * `lastkey,keystep,limit`, `nkeynumidx,firstkey,keystep` or `?`.
 *
 * @module
 */

import {
  ADMIN,
  BLOCKING,
  type Command,
  CONTAINER,
  FAST,
  PUBSUB,
  READONLY,
  WRITE,
} from "./command.ts";

/** Where a key spec begins to look. */
export type BeginSearch =
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "keyword"; readonly keyword: string; readonly startFrom: number }
  | { readonly type: "unknown" };

/** How it goes on from there. */
export type FindKeys =
  | {
    readonly type: "range";
    readonly lastKey: number;
    readonly keyStep: number;
    readonly limit: number;
  }
  | {
    readonly type: "keynum";
    readonly keyNumIndex: number;
    readonly firstKey: number;
    readonly keyStep: number;
  }
  | { readonly type: "unknown" };

/** One key spec, as `COMMAND INFO` tells it. */
export interface KeyFacts {
  /** "RO", "access" and so on. */
  readonly flags: readonly string[];
  /** Where the keys begin. */
  readonly begin: BeginSearch;
  /** How many there are. */
  readonly find: FindKeys;
}

/** What is known of a command beyond its row. */
export interface CommandFacts {
  /** "string", "generic" and so on. */
  readonly group: string;
  /** The first release that had it. */
  readonly since: string;
  /** With "@", in the order Redis answers. */
  readonly categories: readonly string[];
  /** Hints for clients and proxies. */
  readonly tips: readonly string[];
  /** Where its keys are. */
  readonly keySpecs: readonly KeyFacts[];
  /** Whether it may be called without any key although it has a key spec. */
  readonly noMandatoryKeys: boolean;
}

/** Every ACL category, in the order of `ACL CAT`. */
export const CATEGORIES: readonly string[] = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
];

let facts: Map<string, CommandFacts> | undefined;

/** What is known of a row; for one the table below lacks, what its row itself says. */
export function factsOf(command: Command): CommandFacts {
  facts ??= readFacts();
  const known = facts.get(command.name);
  const found: CommandFacts = known ?? derive(command);
  return { ...found, categories: categoriesOf(command, found.categories) };
}

function categoriesOf(command: Command, explicit: readonly string[]): string[] {
  const { flags } = command;
  const set = new Set(explicit);
  if ((flags & WRITE) !== 0) set.add("write");
  if ((flags & READONLY) !== 0 && !set.has("scripting")) set.add("read");
  if ((flags & ADMIN) !== 0) set.add("admin").add("dangerous");
  if ((flags & PUBSUB) !== 0) set.add("pubsub");
  if ((flags & FAST) !== 0) set.add("fast");
  if ((flags & BLOCKING) !== 0) set.add("blocking");
  if (!set.has("fast")) set.add("slow");
  return CATEGORIES.filter((name) => set.has(name)).map((name) => `@${name}`);
}

/** For rows of other servers and of embedders. */
function derive(command: Command): CommandFacts {
  const { first, last, step } = command.keys;
  const find: FindKeys = {
    type: "range",
    lastKey: last < 0 ? last : last - first,
    keyStep: step,
    limit: 0,
  };
  const flags = (command.flags & WRITE) !== 0 ? ["RW", "update"] : ["RO", "access"];
  const container = (command.flags & CONTAINER) !== 0;
  return {
    group: "generic",
    since: "1.0.0",
    categories: [],
    tips: [],
    keySpecs: first === 0 || container ? [] : [
      { flags, begin: { type: "index", index: first }, find },
    ],
    noMandatoryKeys: false,
  };
}

function readFacts(): Map<string, CommandFacts> {
  const map = new Map<string, CommandFacts>();
  for (const line of FACTS.trim().split("\n")) {
    const [name, group, since, categories, tips, keys, mark] = line.split(" ");
    map.set(name, {
      group,
      since,
      categories: readList(categories),
      tips: readList(tips),
      keySpecs: keys === "-" ? [] : keys.split("+").map(readKeyFacts),
      noMandatoryKeys: mark !== undefined,
    });
  }
  return map;
}

function readList(text: string): string[] {
  return text === "-" ? [] : text.split(",");
}

function readKeyFacts(text: string): KeyFacts {
  const [flags, rest] = text.split("@");
  const [begin, find] = rest.split(":");
  return { flags: flags.split("."), begin: readBegin(begin), find: readFind(find) };
}

function readBegin(text: string): BeginSearch {
  if (text === "?") return { type: "unknown" };
  const [keyword, startFrom] = text.split("~");
  if (startFrom !== undefined) return { type: "keyword", keyword, startFrom: Number(startFrom) };
  return { type: "index", index: Number(text) };
}

function readFind(text: string): FindKeys {
  if (text === "?") return { type: "unknown" };
  const [a, b, c] = text.replace("n", "").split(",").map(Number);
  if (text.startsWith("n")) return { type: "keynum", keyNumIndex: a, firstKey: b, keyStep: c };
  return { type: "range", lastKey: a, keyStep: b, limit: c };
}

const FACTS = `
acl server 6.0.0 - - -
acl|cat server 6.0.0 - - -
acl|deluser server 6.0.0 - request_policy:all_nodes,response_policy:all_succeeded -
acl|dryrun server 7.0.0 - - -
acl|genpass server 6.0.0 - - -
acl|getuser server 6.0.0 - - -
acl|help server 6.0.0 - - -
acl|list server 6.0.0 - - -
acl|load server 6.0.0 - - -
acl|log server 6.0.0 - - -
acl|save server 6.0.0 - request_policy:all_nodes,response_policy:all_succeeded -
acl|setuser server 6.0.0 - request_policy:all_nodes,response_policy:all_succeeded -
acl|users server 6.0.0 - - -
acl|whoami server 6.0.0 - - -
append string 2.0.0 string - RW.insert@1:0,1,0
asking cluster 3.0.0 connection - -
auth connection 1.0.0 connection - -
bgrewriteaof server 1.0.0 - - -
bgsave server 1.0.0 - - -
bitcount bitmap 2.6.0 bitmap - RO.access@1:0,1,0
bitfield bitmap 3.2.0 bitmap - RW.access.update.variable_flags@1:0,1,0
bitfield_ro bitmap 6.0.0 bitmap - RO.access@1:0,1,0
bitop bitmap 2.6.0 bitmap - OW.update@2:0,1,0+RO.access@3:-1,1,0
bitpos bitmap 2.8.7 bitmap - RO.access@1:0,1,0
blmove list 6.2.0 list - RW.access.delete@1:0,1,0+RW.insert@2:0,1,0
blmpop list 7.0.0 list - RW.access.delete@2:n0,1,1
blpop list 2.0.0 list - RW.access.delete@1:-2,1,0
brpop list 2.0.0 list - RW.access.delete@1:-2,1,0
brpoplpush list 2.2.0 list - RW.access.delete@1:0,1,0+RW.insert@2:0,1,0
bzmpop sorted-set 7.0.0 sortedset - RW.access.delete@2:n0,1,1
bzpopmax sorted-set 5.0.0 sortedset - RW.access.delete@1:-2,1,0
bzpopmin sorted-set 5.0.0 sortedset - RW.access.delete@1:-2,1,0
client connection 2.4.0 - - -
client|caching connection 6.0.0 connection - -
client|getname connection 2.6.9 connection - -
client|getredir connection 6.0.0 connection - -
client|help connection 5.0.0 connection - -
client|id connection 5.0.0 connection - -
client|info connection 6.2.0 connection nondeterministic_output -
client|kill connection 2.4.0 connection - -
client|list connection 2.4.0 connection nondeterministic_output -
client|no-evict connection 7.0.0 connection - -
client|no-touch connection 7.2.0 connection - -
client|pause connection 3.0.0 connection - -
client|reply connection 3.2.0 connection - -
client|setinfo connection 7.2.0 connection request_policy:all_nodes,response_policy:all_succeeded -
client|setname connection 2.6.9 connection request_policy:all_nodes,response_policy:all_succeeded -
client|tracking connection 6.0.0 connection - -
client|trackinginfo connection 6.2.0 connection - -
client|unblock connection 5.0.0 connection - -
client|unpause connection 6.2.0 connection - -
cluster cluster 3.0.0 - - -
cluster|addslots cluster 3.0.0 - - -
cluster|addslotsrange cluster 7.0.0 - - -
cluster|bumpepoch cluster 3.0.0 - nondeterministic_output -
cluster|count-failure-reports cluster 3.0.0 - nondeterministic_output -
cluster|countkeysinslot cluster 3.0.0 - - -
cluster|delslots cluster 3.0.0 - - -
cluster|delslotsrange cluster 7.0.0 - - -
cluster|failover cluster 3.0.0 - - -
cluster|flushslots cluster 3.0.0 - - -
cluster|forget cluster 3.0.0 - - -
cluster|getkeysinslot cluster 3.0.0 - nondeterministic_output -
cluster|help cluster 5.0.0 - - -
cluster|info cluster 3.0.0 - nondeterministic_output -
cluster|keyslot cluster 3.0.0 - - -
cluster|links cluster 7.0.0 - nondeterministic_output -
cluster|meet cluster 3.0.0 - - -
cluster|myid cluster 3.0.0 - - -
cluster|myshardid cluster 7.2.0 - nondeterministic_output -
cluster|nodes cluster 3.0.0 - nondeterministic_output -
cluster|replicas cluster 5.0.0 - nondeterministic_output -
cluster|replicate cluster 3.0.0 - - -
cluster|reset cluster 3.0.0 - - -
cluster|saveconfig cluster 3.0.0 - - -
cluster|set-config-epoch cluster 3.0.0 - - -
cluster|setslot cluster 3.0.0 - - -
cluster|shards cluster 7.0.0 - nondeterministic_output -
cluster|slaves cluster 3.0.0 - nondeterministic_output -
cluster|slots cluster 3.0.0 - nondeterministic_output -
command server 2.8.13 connection nondeterministic_output_order -
command|count server 2.8.13 connection - -
command|docs server 7.0.0 connection nondeterministic_output_order -
command|getkeys server 2.8.13 connection - -
command|getkeysandflags server 7.0.0 connection - -
command|help server 5.0.0 connection - -
command|info server 2.8.13 connection nondeterministic_output_order -
command|list server 7.0.0 connection nondeterministic_output_order -
config server 2.0.0 - - -
config|get server 2.0.0 - - -
config|help server 5.0.0 - - -
config|resetstat server 2.0.0 - request_policy:all_nodes,response_policy:all_succeeded -
config|rewrite server 2.8.0 - request_policy:all_nodes,response_policy:all_succeeded -
config|set server 2.0.0 - request_policy:all_nodes,response_policy:all_succeeded -
copy generic 6.2.0 keyspace - RO.access@1:0,1,0+OW.update@2:0,1,0
dbsize server 1.0.0 keyspace request_policy:all_shards,response_policy:agg_sum -
debug server 1.0.0 - - -
decr string 1.0.0 string - RW.access.update@1:0,1,0
decrby string 1.0.0 string - RW.access.update@1:0,1,0
del generic 1.0.0 keyspace request_policy:multi_shard,response_policy:agg_sum RM.delete@1:-1,1,0
delifeq string 9.0.0 string - RM.delete@1:0,1,0
discard transactions 2.0.0 transaction - -
dump generic 2.6.0 keyspace nondeterministic_output RO.access@1:0,1,0
echo connection 1.0.0 connection - -
eval scripting 2.6.0 scripting - RW.access.update@2:n0,1,1 nomandatorykeys
eval_ro scripting 7.0.0 scripting - RO.access@2:n0,1,1 nomandatorykeys
evalsha scripting 2.6.0 scripting - RW.access.update@2:n0,1,1 nomandatorykeys
evalsha_ro scripting 7.0.0 scripting - RO.access@2:n0,1,1 nomandatorykeys
exec transactions 1.2.0 transaction - -
exists generic 1.0.0 keyspace request_policy:multi_shard,response_policy:agg_sum RO@1:-1,1,0
expire generic 1.0.0 keyspace - RW.update@1:0,1,0
expireat generic 1.2.0 keyspace - RW.update@1:0,1,0
expiretime generic 7.0.0 keyspace - RO.access@1:0,1,0
failover server 6.2.0 - - -
fcall scripting 7.0.0 scripting - RW.access.update@2:n0,1,1 nomandatorykeys
fcall_ro scripting 7.0.0 scripting - RO.access@2:n0,1,1 nomandatorykeys
flushall server 1.0.0 keyspace,dangerous request_policy:all_shards,response_policy:all_succeeded -
flushdb server 1.0.0 keyspace,dangerous request_policy:all_shards,response_policy:all_succeeded -
function scripting 7.0.0 - - -
function|delete scripting 7.0.0 scripting request_policy:all_shards,response_policy:all_succeeded -
function|dump scripting 7.0.0 scripting - -
function|flush scripting 7.0.0 scripting request_policy:all_shards,response_policy:all_succeeded -
function|help scripting 7.0.0 scripting - -
function|kill scripting 7.0.0 scripting request_policy:all_shards,response_policy:one_succeeded -
function|list scripting 7.0.0 scripting nondeterministic_output_order -
function|load scripting 7.0.0 scripting request_policy:all_shards,response_policy:all_succeeded -
function|restore scripting 7.0.0 scripting request_policy:all_shards,response_policy:all_succeeded -
function|stats scripting 7.0.0 scripting nondeterministic_output,request_policy:all_shards,response_policy:special -
geoadd geo 3.2.0 geo - RW.update@1:0,1,0
geodist geo 3.2.0 geo - RO.access@1:0,1,0
geohash geo 3.2.0 geo - RO.access@1:0,1,0
geopos geo 3.2.0 geo - RO.access@1:0,1,0
georadius geo 3.2.0 geo - RO.access@1:0,1,0+OW.update.incomplete@STORE~6:0,1,0+OW.update.incomplete@STOREDIST~6:0,1,0
georadius_ro geo 3.2.10 geo - RO.access@1:0,1,0
georadiusbymember geo 3.2.0 geo - RO.access@1:0,1,0+OW.update.incomplete@STORE~5:0,1,0+OW.update.incomplete@STOREDIST~5:0,1,0
georadiusbymember_ro geo 3.2.10 geo - RO.access@1:0,1,0
geosearch geo 6.2.0 geo - RO.access@1:0,1,0
geosearchstore geo 6.2.0 geo - OW.update@1:0,1,0+RO.access@2:0,1,0
get string 1.0.0 string - RO.access@1:0,1,0
getbit bitmap 2.2.0 bitmap - RO.access@1:0,1,0
getdel string 6.2.0 string - RW.access.delete@1:0,1,0
getex string 6.2.0 string - RW.access.update@1:0,1,0
getrange string 2.4.0 string - RO.access@1:0,1,0
getset string 1.0.0 string - RW.access.update@1:0,1,0
hdel hash 2.0.0 hash - RW.delete@1:0,1,0
hello connection 6.0.0 connection - -
hexists hash 2.0.0 hash - RO@1:0,1,0
hexpire hash 7.4.0 hash - RW.update@1:0,1,0
hexpireat hash 7.4.0 hash - RW.update@1:0,1,0
hexpiretime hash 7.4.0 hash - RO.access@1:0,1,0
hget hash 2.0.0 hash - RO.access@1:0,1,0
hgetall hash 2.0.0 hash nondeterministic_output_order RO.access@1:0,1,0
hgetdel hash 8.0.0 hash - RW.access.delete@1:0,1,0
hgetex hash 8.0.0 hash - RW.access.update@1:0,1,0
hincrby hash 2.0.0 hash - RW.access.update@1:0,1,0
hincrbyfloat hash 2.6.0 hash - RW.access.update@1:0,1,0
hkeys hash 2.0.0 hash nondeterministic_output_order RO.access@1:0,1,0
hlen hash 2.0.0 hash - RO@1:0,1,0
hmget hash 2.0.0 hash - RO.access@1:0,1,0
hmset hash 2.0.0 hash - RW.update@1:0,1,0
hpersist hash 7.4.0 hash - RW.update@1:0,1,0
hpexpire hash 7.4.0 hash - RW.update@1:0,1,0
hpexpireat hash 7.4.0 hash - RW.update@1:0,1,0
hpexpiretime hash 7.4.0 hash - RO.access@1:0,1,0
hpttl hash 7.4.0 hash nondeterministic_output RO.access@1:0,1,0
hrandfield hash 6.2.0 hash nondeterministic_output RO.access@1:0,1,0
hscan hash 2.8.0 hash nondeterministic_output RO.access@1:0,1,0
hset hash 2.0.0 hash - RW.update@1:0,1,0
hsetex hash 8.0.0 hash - RW.update@1:0,1,0
hsetnx hash 2.0.0 hash - RW.insert@1:0,1,0
hstrlen hash 3.2.0 hash - RO@1:0,1,0
httl hash 7.4.0 hash nondeterministic_output RO.access@1:0,1,0
hvals hash 2.0.0 hash nondeterministic_output_order RO.access@1:0,1,0
incr string 1.0.0 string - RW.access.update@1:0,1,0
incrby string 1.0.0 string - RW.access.update@1:0,1,0
incrbyfloat string 2.6.0 string - RW.access.update@1:0,1,0
info server 1.0.0 dangerous nondeterministic_output,request_policy:all_shards,response_policy:special -
keys generic 1.0.0 keyspace,dangerous request_policy:all_shards,nondeterministic_output_order -
lastsave server 1.0.0 admin,dangerous nondeterministic_output -
latency server 2.8.13 - - -
latency|doctor server 2.8.13 - nondeterministic_output,request_policy:all_nodes,response_policy:special -
latency|graph server 2.8.13 - nondeterministic_output,request_policy:all_nodes,response_policy:special -
latency|help server 2.8.13 - - -
latency|histogram server 7.0.0 - nondeterministic_output,request_policy:all_nodes,response_policy:special -
latency|history server 2.8.13 - nondeterministic_output,request_policy:all_nodes,response_policy:special -
latency|latest server 2.8.13 - nondeterministic_output,request_policy:all_nodes,response_policy:special -
latency|reset server 2.8.13 - request_policy:all_nodes,response_policy:agg_sum -
lcs string 7.0.0 string - RO.access@1:1,1,0
lindex list 1.0.0 list - RO.access@1:0,1,0
linsert list 2.2.0 list - RW.insert@1:0,1,0
llen list 1.0.0 list - RO@1:0,1,0
lmove list 6.2.0 list - RW.access.delete@1:0,1,0+RW.insert@2:0,1,0
lmpop list 7.0.0 list - RW.access.delete@1:n0,1,1
lolwut server 5.0.0 - - -
lpop list 1.0.0 list - RW.access.delete@1:0,1,0
lpos list 6.0.6 list - RO.access@1:0,1,0
lpush list 1.0.0 list - RW.insert@1:0,1,0
lpushx list 2.2.0 list - RW.insert@1:0,1,0
lrange list 1.0.0 list - RO.access@1:0,1,0
lrem list 1.0.0 list - RW.delete@1:0,1,0
lset list 1.0.0 list - RW.update@1:0,1,0
ltrim list 1.0.0 list - RW.delete@1:0,1,0
memory server 4.0.0 - - -
memory|doctor server 4.0.0 - nondeterministic_output,request_policy:all_shards,response_policy:special -
memory|help server 4.0.0 - - -
memory|malloc-stats server 4.0.0 - nondeterministic_output,request_policy:all_shards,response_policy:special -
memory|purge server 4.0.0 - request_policy:all_shards,response_policy:all_succeeded -
memory|stats server 4.0.0 - nondeterministic_output,request_policy:all_shards,response_policy:special -
memory|usage server 4.0.0 - - RO@2:0,1,0
mget string 1.0.0 string request_policy:multi_shard RO.access@1:-1,1,0
migrate generic 2.6.0 keyspace,dangerous nondeterministic_output RW.access.delete@3:0,1,0+RW.access.delete.incomplete@KEYS~-2:-1,1,0
module server 4.0.0 - - -
module|help server 5.0.0 - - -
module|list server 4.0.0 - nondeterministic_output_order -
module|load server 4.0.0 - - -
module|loadex server 7.0.0 - - -
module|unload server 4.0.0 - - -
monitor server 1.0.0 - - -
move generic 1.0.0 keyspace - RW.access.update@1:0,1,0
mset string 1.0.1 string request_policy:multi_shard,response_policy:all_succeeded OW.update@1:-1,2,0
msetex string 8.4.0 string request_policy:multi_shard,response_policy:all_succeeded OW.update@1:n0,1,2
msetnx string 1.0.1 string - OW.insert@1:-1,2,0
multi transactions 1.2.0 transaction - -
object generic 2.2.3 - - -
object|encoding generic 2.2.3 keyspace nondeterministic_output RO@2:0,1,0
object|freq generic 4.0.0 keyspace nondeterministic_output RO@2:0,1,0
object|help generic 6.2.0 keyspace - -
object|idletime generic 2.2.3 keyspace nondeterministic_output RO@2:0,1,0
object|refcount generic 2.2.3 keyspace nondeterministic_output RO@2:0,1,0
persist generic 2.2.0 keyspace - RW.update@1:0,1,0
pexpire generic 2.6.0 keyspace - RW.update@1:0,1,0
pexpireat generic 2.6.0 keyspace - RW.update@1:0,1,0
pexpiretime generic 7.0.0 keyspace - RO.access@1:0,1,0
pfadd hyperloglog 2.8.9 hyperloglog - RW.insert@1:0,1,0
pfcount hyperloglog 2.8.9 hyperloglog - RW.access@1:-1,1,0
pfdebug hyperloglog 2.8.9 hyperloglog - RW.access@2:0,1,0
pfmerge hyperloglog 2.8.9 hyperloglog - RW.access.insert@1:0,1,0+RO.access@2:-1,1,0
pfselftest hyperloglog 2.8.9 hyperloglog - -
ping connection 1.0.0 connection request_policy:all_shards,response_policy:all_succeeded -
psetex string 2.6.0 string - OW.update@1:0,1,0
psubscribe pubsub 2.0.0 - - -
psync server 2.8.0 - - -
pttl generic 2.6.0 keyspace nondeterministic_output RO.access@1:0,1,0
publish pubsub 2.0.0 - - -
pubsub pubsub 2.8.0 - - -
pubsub|channels pubsub 2.8.0 - - -
pubsub|help pubsub 6.2.0 - - -
pubsub|numpat pubsub 2.8.0 - - -
pubsub|numsub pubsub 2.8.0 - - -
pubsub|shardchannels pubsub 7.0.0 - - -
pubsub|shardnumsub pubsub 7.0.0 - - -
punsubscribe pubsub 2.0.0 - - -
quit connection 1.0.0 connection - -
randomkey generic 1.0.0 keyspace request_policy:all_shards,response_policy:special,nondeterministic_output -
readonly cluster 3.0.0 connection - -
readwrite cluster 3.0.0 connection - -
rename generic 1.0.0 keyspace - RW.access.delete@1:0,1,0+OW.update@2:0,1,0
renamenx generic 1.0.0 keyspace - RW.access.delete@1:0,1,0+OW.insert@2:0,1,0
replconf server 3.0.0 - - -
replicaof server 5.0.0 - - -
reset connection 6.2.0 connection - -
restore generic 2.6.0 keyspace,dangerous - OW.update@1:0,1,0
restore-asking server 3.0.0 keyspace,dangerous - OW.update@1:0,1,0
role server 2.8.12 admin,dangerous - -
rpop list 1.0.0 list - RW.access.delete@1:0,1,0
rpoplpush list 1.2.0 list - RW.access.delete@1:0,1,0+RW.insert@2:0,1,0
rpush list 1.0.0 list - RW.insert@1:0,1,0
rpushx list 2.2.0 list - RW.insert@1:0,1,0
sadd set 1.0.0 set - RW.insert@1:0,1,0
save server 1.0.0 - - -
scan generic 2.8.0 keyspace nondeterministic_output,request_policy:special,response_policy:special -
scard set 1.0.0 set - RO@1:0,1,0
script scripting 2.6.0 - - -
script|debug scripting 3.2.0 scripting - -
script|exists scripting 2.6.0 scripting request_policy:all_shards,response_policy:agg_logical_and -
script|flush scripting 2.6.0 scripting request_policy:all_nodes,response_policy:all_succeeded -
script|help scripting 5.0.0 scripting - -
script|kill scripting 2.6.0 scripting request_policy:all_shards,response_policy:one_succeeded -
script|load scripting 2.6.0 scripting request_policy:all_nodes,response_policy:all_succeeded -
sdiff set 1.0.0 set nondeterministic_output_order RO.access@1:-1,1,0
sdiffstore set 1.0.0 set - OW.update@1:0,1,0+RO.access@2:-1,1,0
select connection 1.0.0 connection - -
set string 1.0.0 string - RW.access.update.variable_flags@1:0,1,0
setbit bitmap 2.2.0 bitmap - RW.access.update@1:0,1,0
setex string 2.0.0 string - OW.update@1:0,1,0
setnx string 1.0.0 string - OW.insert@1:0,1,0
setrange string 2.2.0 string - RW.update@1:0,1,0
shutdown server 1.0.0 - - -
sinter set 1.0.0 set nondeterministic_output_order RO.access@1:-1,1,0
sintercard set 7.0.0 set - RO.access@1:n0,1,1
sinterstore set 1.0.0 set - OW.update@1:0,1,0+RO.access@2:-1,1,0
sismember set 1.0.0 set - RO@1:0,1,0
slaveof server 1.0.0 - - -
slowlog server 2.2.12 - - -
slowlog|get server 2.2.12 - request_policy:all_nodes,nondeterministic_output -
slowlog|help server 6.2.0 - - -
slowlog|len server 2.2.12 - request_policy:all_nodes,response_policy:agg_sum,nondeterministic_output -
slowlog|reset server 2.2.12 - request_policy:all_nodes,response_policy:all_succeeded -
smembers set 1.0.0 set nondeterministic_output_order RO.access@1:0,1,0
smismember set 6.2.0 set - RO.access@1:0,1,0
smove set 1.0.0 set - RW.access.delete@1:0,1,0+RW.insert@2:0,1,0
sort generic 1.0.0 set,sortedset,list,dangerous - RO.access@1:0,1,0+RO.access@?:?+OW.update@?:?
sort_ro generic 7.0.0 set,sortedset,list,dangerous - RO.access@1:0,1,0+RO.access@?:?
spop set 1.0.0 set nondeterministic_output RW.access.delete@1:0,1,0
spublish pubsub 7.0.0 - - not_key@1:0,1,0
srandmember set 1.0.0 set nondeterministic_output RO.access@1:0,1,0
srem set 1.0.0 set - RW.delete@1:0,1,0
sscan set 2.8.0 set nondeterministic_output RO.access@1:0,1,0
ssubscribe pubsub 7.0.0 - - not_key@1:-1,1,0
strlen string 2.2.0 string - RO@1:0,1,0
subscribe pubsub 2.0.0 - - -
substr string 1.0.0 string - RO.access@1:0,1,0
sunion set 1.0.0 set nondeterministic_output_order RO.access@1:-1,1,0
sunionstore set 1.0.0 set - OW.update@1:0,1,0+RO.access@2:-1,1,0
sunsubscribe pubsub 7.0.0 - - not_key@1:-1,1,0
swapdb server 4.0.0 keyspace,dangerous - -
sync server 1.0.0 - - -
time server 2.6.0 - nondeterministic_output -
touch generic 3.2.1 keyspace request_policy:multi_shard,response_policy:agg_sum RO@1:-1,1,0
ttl generic 1.0.0 keyspace nondeterministic_output RO.access@1:0,1,0
type generic 1.0.0 keyspace - RO@1:0,1,0
unlink generic 4.0.0 keyspace request_policy:multi_shard,response_policy:agg_sum RM.delete@1:-1,1,0
unsubscribe pubsub 2.0.0 - - -
unwatch transactions 2.2.0 transaction - -
wait generic 3.0.0 connection request_policy:all_shards,response_policy:agg_min -
waitaof generic 7.2.0 connection request_policy:all_shards,response_policy:agg_min -
watch transactions 2.2.0 transaction - RO@1:-1,1,0
xack stream 5.0.0 stream - RW.update@1:0,1,0
xadd stream 5.0.0 stream nondeterministic_output RW.update@1:0,1,0
xautoclaim stream 6.2.0 stream nondeterministic_output RW.delete@1:0,1,0
xclaim stream 5.0.0 stream nondeterministic_output RW.update@1:0,1,0
xdel stream 5.0.0 stream - RW.delete@1:0,1,0
xgroup stream 5.0.0 - - -
xgroup|create stream 5.0.0 stream - RW.insert@2:0,1,0
xgroup|createconsumer stream 6.2.0 stream - RW.insert@2:0,1,0
xgroup|delconsumer stream 5.0.0 stream - RW.delete@2:0,1,0
xgroup|destroy stream 5.0.0 stream - RW.delete@2:0,1,0
xgroup|help stream 5.0.0 stream - -
xgroup|setid stream 5.0.0 stream - RW.update@2:0,1,0
xinfo stream 5.0.0 - - -
xinfo|consumers stream 5.0.0 stream nondeterministic_output RO.access@2:0,1,0
xinfo|groups stream 5.0.0 stream - RO.access@2:0,1,0
xinfo|help stream 5.0.0 stream - -
xinfo|stream stream 5.0.0 stream - RO.access@2:0,1,0
xlen stream 5.0.0 stream - RO@1:0,1,0
xpending stream 5.0.0 stream nondeterministic_output RO.access@1:0,1,0
xrange stream 5.0.0 stream - RO.access@1:0,1,0
xread stream 5.0.0 stream - RO.access.incomplete@STREAMS~1:-1,1,2
xreadgroup stream 5.0.0 stream - RO.access.incomplete@STREAMS~4:-1,1,2
xrevrange stream 5.0.0 stream - RO.access@1:0,1,0
xsetid stream 5.0.0 stream - RW.update@1:0,1,0
xtrim stream 5.0.0 stream nondeterministic_output RW.delete@1:0,1,0
zadd sorted-set 1.2.0 sortedset - RW.update@1:0,1,0
zcard sorted-set 1.2.0 sortedset - RO@1:0,1,0
zcount sorted-set 2.0.0 sortedset - RO.access@1:0,1,0
zdiff sorted-set 6.2.0 sortedset - RO.access@1:n0,1,1
zdiffstore sorted-set 6.2.0 sortedset - OW.update@1:0,1,0+RO.access@2:n0,1,1
zincrby sorted-set 1.2.0 sortedset - RW.access.update@1:0,1,0
zinter sorted-set 6.2.0 sortedset - RO.access@1:n0,1,1
zintercard sorted-set 7.0.0 sortedset - RO.access@1:n0,1,1
zinterstore sorted-set 2.0.0 sortedset - OW.update@1:0,1,0+RO.access@2:n0,1,1
zlexcount sorted-set 2.8.9 sortedset - RO.access@1:0,1,0
zmpop sorted-set 7.0.0 sortedset - RW.access.delete@1:n0,1,1
zmscore sorted-set 6.2.0 sortedset - RO.access@1:0,1,0
zpopmax sorted-set 5.0.0 sortedset - RW.access.delete@1:0,1,0
zpopmin sorted-set 5.0.0 sortedset - RW.access.delete@1:0,1,0
zrandmember sorted-set 6.2.0 sortedset nondeterministic_output RO.access@1:0,1,0
zrange sorted-set 1.2.0 sortedset - RO.access@1:0,1,0
zrangebylex sorted-set 2.8.9 sortedset - RO.access@1:0,1,0
zrangebyscore sorted-set 1.0.5 sortedset - RO.access@1:0,1,0
zrangestore sorted-set 6.2.0 sortedset - OW.update@1:0,1,0+RO.access@2:0,1,0
zrank sorted-set 2.0.0 sortedset - RO.access@1:0,1,0
zrem sorted-set 1.2.0 sortedset - RW.delete@1:0,1,0
zremrangebylex sorted-set 2.8.9 sortedset - RW.delete@1:0,1,0
zremrangebyrank sorted-set 2.0.0 sortedset - RW.delete@1:0,1,0
zremrangebyscore sorted-set 1.2.0 sortedset - RW.delete@1:0,1,0
zrevrange sorted-set 1.2.0 sortedset - RO.access@1:0,1,0
zrevrangebylex sorted-set 2.8.9 sortedset - RO.access@1:0,1,0
zrevrangebyscore sorted-set 2.2.0 sortedset - RO.access@1:0,1,0
zrevrank sorted-set 2.0.0 sortedset - RO.access@1:0,1,0
zscan sorted-set 2.8.0 sortedset nondeterministic_output RO.access@1:0,1,0
zscore sorted-set 1.2.0 sortedset - RO.access@1:0,1,0
zunion sorted-set 6.2.0 sortedset - RO.access@1:n0,1,1
zunionstore sorted-set 2.0.0 sortedset - OW.update@1:0,1,0+RO.access@2:n0,1,1
`;

/**
 * What `COMMAND INFO` and `COMMAND DOCS` tell beyond the row: group, first release, ACL categories
 * that do not follow from flags, and tips. Taken from what a Redis 8.0 server answers, and where
 * that lacks a command from a Valkey 9.
 *
 * One command a line: name, group, since, categories, tips, and `nomandatorykeys` for a command
 * that Redis marks so. "-" stands for an empty list.
 *
 * @module
 */

import { ADMIN, BLOCKING, FAST, MODULE, PUBSUB, READONLY, WRITE } from "./command.ts";
import type { CommandRow } from "./host.ts";

/** What is known of a command beyond its row. */
export interface CommandFacts {
  /** The group of the documentation: "string", "generic" and others. */
  readonly group: string;
  /** The first release of Redis or Valkey that had the command. */
  readonly since: string;
  /** ACL categories with "@", in the order Redis answers them. */
  readonly categories: readonly string[];
  /** Command tips, hints for clients and proxies: "request_policy:all_shards" and others. */
  readonly tips: readonly string[];
  /** Whether it may be called without any key although it has a key spec. */
  readonly noMandatoryKeys: boolean;
}

/** Every ACL category, in the order ACL CAT answers them. */
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

/**
 * What is known of a row beyond itself. Categories follow from flags where they can, as
 * `setImplicitACLCategories` in `server.c` has it; a row the table below lacks is a generic one of
 * 1.0.0.
 */
export function factsOf(command: CommandRow): CommandFacts {
  facts ??= readFacts();
  const known = facts.get(command.name);
  const found: CommandFacts = known ?? UNKNOWN;
  return { ...found, categories: categoriesOf(command, found.categories) };
}

/** The categories of the table and those that follow from flags; what is not fast is slow. A module's have none. */
function categoriesOf(command: CommandRow, explicit: readonly string[]): string[] {
  const { flags } = command;
  if ((flags & MODULE) !== 0) return [];
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

/** What is told of rows of other servers and of embedders. */
const UNKNOWN: CommandFacts = {
  group: "generic",
  since: "1.0.0",
  categories: [],
  tips: [],
  noMandatoryKeys: false,
};

/** Reads the table below, at the first question: a stream never asks. */
function readFacts(): Map<string, CommandFacts> {
  const map = new Map<string, CommandFacts>();
  for (const line of FACTS.trim().split("\n")) {
    const [name, group, since, categories, tips, mark] = line.split(" ");
    map.set(name, {
      group,
      since,
      categories: readList(categories),
      tips: readList(tips),
      noMandatoryKeys: mark !== undefined,
    });
  }
  return map;
}

/** A list of the table: "-" for an empty one, else joined by commas. */
function readList(text: string): string[] {
  return text === "-" ? [] : text.split(",");
}

const FACTS = `
acl server 6.0.0 - -
acl|cat server 6.0.0 - -
acl|deluser server 6.0.0 - request_policy:all_nodes,response_policy:all_succeeded
acl|dryrun server 7.0.0 - -
acl|genpass server 6.0.0 - -
acl|getuser server 6.0.0 - -
acl|help server 6.0.0 - -
acl|list server 6.0.0 - -
acl|load server 6.0.0 - -
acl|log server 6.0.0 - -
acl|save server 6.0.0 - request_policy:all_nodes,response_policy:all_succeeded
acl|setuser server 6.0.0 - request_policy:all_nodes,response_policy:all_succeeded
acl|users server 6.0.0 - -
acl|whoami server 6.0.0 - -
append string 2.0.0 string -
asking cluster 3.0.0 connection -
auth connection 1.0.0 connection -
bgrewriteaof server 1.0.0 - -
bgsave server 1.0.0 - -
bitcount bitmap 2.6.0 bitmap -
bitfield bitmap 3.2.0 bitmap -
bitfield_ro bitmap 6.0.0 bitmap -
bitop bitmap 2.6.0 bitmap -
bitpos bitmap 2.8.7 bitmap -
blmove list 6.2.0 list -
blmpop list 7.0.0 list -
blpop list 2.0.0 list -
brpop list 2.0.0 list -
brpoplpush list 2.2.0 list -
bzmpop sorted-set 7.0.0 sortedset -
bzpopmax sorted-set 5.0.0 sortedset -
bzpopmin sorted-set 5.0.0 sortedset -
client connection 2.4.0 - -
client|caching connection 6.0.0 connection -
client|getname connection 2.6.9 connection -
client|getredir connection 6.0.0 connection -
client|help connection 5.0.0 connection -
client|id connection 5.0.0 connection -
client|info connection 6.2.0 connection nondeterministic_output
client|kill connection 2.4.0 connection -
client|list connection 2.4.0 connection nondeterministic_output
client|no-evict connection 7.0.0 connection -
client|no-touch connection 7.2.0 connection -
client|pause connection 3.0.0 connection -
client|reply connection 3.2.0 connection -
client|setinfo connection 7.2.0 connection request_policy:all_nodes,response_policy:all_succeeded
client|setname connection 2.6.9 connection request_policy:all_nodes,response_policy:all_succeeded
client|tracking connection 6.0.0 connection -
client|trackinginfo connection 6.2.0 connection -
client|unblock connection 5.0.0 connection -
client|unpause connection 6.2.0 connection -
cluster cluster 3.0.0 - -
cluster|addslots cluster 3.0.0 - -
cluster|addslotsrange cluster 7.0.0 - -
cluster|bumpepoch cluster 3.0.0 - nondeterministic_output
cluster|count-failure-reports cluster 3.0.0 - nondeterministic_output
cluster|countkeysinslot cluster 3.0.0 - -
cluster|delslots cluster 3.0.0 - -
cluster|delslotsrange cluster 7.0.0 - -
cluster|failover cluster 3.0.0 - -
cluster|flushslot cluster 9.0.0 keyspace,dangerous -
cluster|flushslots cluster 3.0.0 - -
cluster|forget cluster 3.0.0 - -
cluster|getkeysinslot cluster 3.0.0 - nondeterministic_output
cluster|help cluster 5.0.0 - -
cluster|info cluster 3.0.0 - nondeterministic_output
cluster|keyslot cluster 3.0.0 - -
cluster|links cluster 7.0.0 - nondeterministic_output
cluster|meet cluster 3.0.0 - -
cluster|myid cluster 3.0.0 - -
cluster|myshardid cluster 7.2.0 - nondeterministic_output
cluster|nodes cluster 3.0.0 - nondeterministic_output
cluster|replicas cluster 5.0.0 - nondeterministic_output
cluster|replicate cluster 3.0.0 - -
cluster|reset cluster 3.0.0 - -
cluster|saveconfig cluster 3.0.0 - -
cluster|set-config-epoch cluster 3.0.0 - -
cluster|setslot cluster 3.0.0 - -
cluster|shards cluster 7.0.0 - nondeterministic_output
cluster|slaves cluster 3.0.0 - nondeterministic_output
cluster|slots cluster 3.0.0 - nondeterministic_output
command server 2.8.13 connection nondeterministic_output_order
command|count server 2.8.13 connection -
command|docs server 7.0.0 connection nondeterministic_output_order
command|getkeys server 2.8.13 connection -
command|getkeysandflags server 7.0.0 connection -
command|help server 5.0.0 connection -
command|info server 2.8.13 connection nondeterministic_output_order
command|list server 7.0.0 connection nondeterministic_output_order
config server 2.0.0 - -
config|get server 2.0.0 - -
config|help server 5.0.0 - -
config|resetstat server 2.0.0 - request_policy:all_nodes,response_policy:all_succeeded
config|rewrite server 2.8.0 - request_policy:all_nodes,response_policy:all_succeeded
config|set server 2.0.0 - request_policy:all_nodes,response_policy:all_succeeded
copy generic 6.2.0 keyspace -
dbsize server 1.0.0 keyspace request_policy:all_shards,response_policy:agg_sum
debug server 1.0.0 - -
decr string 1.0.0 string -
decrby string 1.0.0 string -
del generic 1.0.0 keyspace request_policy:multi_shard,response_policy:agg_sum
delifeq string 9.0.0 string -
digest string 8.4.0 string -
discard transactions 2.0.0 transaction -
dump generic 2.6.0 keyspace nondeterministic_output
echo connection 1.0.0 connection -
eval scripting 2.6.0 scripting - nomandatorykeys
eval_ro scripting 7.0.0 scripting - nomandatorykeys
evalsha scripting 2.6.0 scripting - nomandatorykeys
evalsha_ro scripting 7.0.0 scripting - nomandatorykeys
exec transactions 1.2.0 transaction -
exists generic 1.0.0 keyspace request_policy:multi_shard,response_policy:agg_sum
expire generic 1.0.0 keyspace -
expireat generic 1.2.0 keyspace -
expiretime generic 7.0.0 keyspace -
failover server 6.2.0 - -
fcall scripting 7.0.0 scripting - nomandatorykeys
fcall_ro scripting 7.0.0 scripting - nomandatorykeys
flushall server 1.0.0 keyspace,dangerous request_policy:all_shards,response_policy:all_succeeded
flushdb server 1.0.0 keyspace,dangerous request_policy:all_shards,response_policy:all_succeeded
function scripting 7.0.0 - -
function|delete scripting 7.0.0 scripting request_policy:all_shards,response_policy:all_succeeded
function|dump scripting 7.0.0 scripting -
function|flush scripting 7.0.0 scripting request_policy:all_shards,response_policy:all_succeeded
function|help scripting 7.0.0 scripting -
function|kill scripting 7.0.0 scripting request_policy:all_shards,response_policy:one_succeeded
function|list scripting 7.0.0 scripting nondeterministic_output_order
function|load scripting 7.0.0 scripting request_policy:all_shards,response_policy:all_succeeded
function|restore scripting 7.0.0 scripting request_policy:all_shards,response_policy:all_succeeded
function|stats scripting 7.0.0 scripting nondeterministic_output,request_policy:all_shards,response_policy:special
geoadd geo 3.2.0 geo -
geodist geo 3.2.0 geo -
geohash geo 3.2.0 geo -
geopos geo 3.2.0 geo -
georadius geo 3.2.0 geo -
georadius_ro geo 3.2.10 geo -
georadiusbymember geo 3.2.0 geo -
georadiusbymember_ro geo 3.2.10 geo -
geosearch geo 6.2.0 geo -
geosearchstore geo 6.2.0 geo -
get string 1.0.0 string -
getbit bitmap 2.2.0 bitmap -
getdel string 6.2.0 string -
getex string 6.2.0 string -
getrange string 2.4.0 string -
getset string 1.0.0 string -
hdel hash 2.0.0 hash -
hello connection 6.0.0 connection -
hexists hash 2.0.0 hash -
hexpire hash 7.4.0 hash -
hexpireat hash 7.4.0 hash -
hexpiretime hash 7.4.0 hash -
hget hash 2.0.0 hash -
hgetall hash 2.0.0 hash nondeterministic_output_order
hgetdel hash 8.0.0 hash -
hgetex hash 8.0.0 hash -
hincrby hash 2.0.0 hash -
hincrbyfloat hash 2.6.0 hash -
hkeys hash 2.0.0 hash nondeterministic_output_order
hlen hash 2.0.0 hash -
hmget hash 2.0.0 hash -
hmset hash 2.0.0 hash -
hpersist hash 7.4.0 hash -
hpexpire hash 7.4.0 hash -
hpexpireat hash 7.4.0 hash -
hpexpiretime hash 7.4.0 hash -
hpttl hash 7.4.0 hash nondeterministic_output
hrandfield hash 6.2.0 hash nondeterministic_output
hscan hash 2.8.0 hash nondeterministic_output
hset hash 2.0.0 hash -
hsetex hash 8.0.0 hash -
hsetnx hash 2.0.0 hash -
hstrlen hash 3.2.0 hash -
httl hash 7.4.0 hash nondeterministic_output
hvals hash 2.0.0 hash nondeterministic_output_order
incr string 1.0.0 string -
incrby string 1.0.0 string -
incrbyfloat string 2.6.0 string -
info server 1.0.0 dangerous nondeterministic_output,request_policy:all_shards,response_policy:special
keys generic 1.0.0 keyspace,dangerous request_policy:all_shards,nondeterministic_output_order
lastsave server 1.0.0 admin,dangerous nondeterministic_output
latency server 2.8.13 - -
latency|doctor server 2.8.13 - nondeterministic_output,request_policy:all_nodes,response_policy:special
latency|graph server 2.8.13 - nondeterministic_output,request_policy:all_nodes,response_policy:special
latency|help server 2.8.13 - -
latency|histogram server 7.0.0 - nondeterministic_output,request_policy:all_nodes,response_policy:special
latency|history server 2.8.13 - nondeterministic_output,request_policy:all_nodes,response_policy:special
latency|latest server 2.8.13 - nondeterministic_output,request_policy:all_nodes,response_policy:special
latency|reset server 2.8.13 - request_policy:all_nodes,response_policy:agg_sum
lcs string 7.0.0 string -
lindex list 1.0.0 list -
linsert list 2.2.0 list -
llen list 1.0.0 list -
lmove list 6.2.0 list -
lmpop list 7.0.0 list -
lolwut server 5.0.0 - -
lpop list 1.0.0 list -
lpos list 6.0.6 list -
lpush list 1.0.0 list -
lpushx list 2.2.0 list -
lrange list 1.0.0 list -
lrem list 1.0.0 list -
lset list 1.0.0 list -
ltrim list 1.0.0 list -
memory server 4.0.0 - -
memory|doctor server 4.0.0 - nondeterministic_output,request_policy:all_shards,response_policy:special
memory|help server 4.0.0 - -
memory|malloc-stats server 4.0.0 - nondeterministic_output,request_policy:all_shards,response_policy:special
memory|purge server 4.0.0 - request_policy:all_shards,response_policy:all_succeeded
memory|stats server 4.0.0 - nondeterministic_output,request_policy:all_shards,response_policy:special
memory|usage server 4.0.0 - -
mget string 1.0.0 string request_policy:multi_shard
migrate generic 2.6.0 keyspace,dangerous nondeterministic_output
module server 4.0.0 - -
module|help server 5.0.0 - -
module|list server 4.0.0 - nondeterministic_output_order
module|load server 4.0.0 - -
module|loadex server 7.0.0 - -
module|unload server 4.0.0 - -
monitor server 1.0.0 - -
move generic 1.0.0 keyspace -
mset string 1.0.1 string request_policy:multi_shard,response_policy:all_succeeded
msetex string 8.4.0 string request_policy:multi_shard,response_policy:all_succeeded
msetnx string 1.0.1 string -
multi transactions 1.2.0 transaction -
object generic 2.2.3 - -
object|encoding generic 2.2.3 keyspace nondeterministic_output
object|freq generic 4.0.0 keyspace nondeterministic_output
object|help generic 6.2.0 keyspace -
object|idletime generic 2.2.3 keyspace nondeterministic_output
object|refcount generic 2.2.3 keyspace nondeterministic_output
persist generic 2.2.0 keyspace -
pexpire generic 2.6.0 keyspace -
pexpireat generic 2.6.0 keyspace -
pexpiretime generic 7.0.0 keyspace -
pfadd hyperloglog 2.8.9 hyperloglog -
pfcount hyperloglog 2.8.9 hyperloglog -
pfdebug hyperloglog 2.8.9 hyperloglog -
pfmerge hyperloglog 2.8.9 hyperloglog -
pfselftest hyperloglog 2.8.9 hyperloglog -
ping connection 1.0.0 connection request_policy:all_shards,response_policy:all_succeeded
psetex string 2.6.0 string -
psubscribe pubsub 2.0.0 - -
psync server 2.8.0 - -
pttl generic 2.6.0 keyspace nondeterministic_output
publish pubsub 2.0.0 - -
pubsub pubsub 2.8.0 - -
pubsub|channels pubsub 2.8.0 - -
pubsub|help pubsub 6.2.0 - -
pubsub|numpat pubsub 2.8.0 - -
pubsub|numsub pubsub 2.8.0 - -
pubsub|shardchannels pubsub 7.0.0 - -
pubsub|shardnumsub pubsub 7.0.0 - -
punsubscribe pubsub 2.0.0 - -
quit connection 1.0.0 connection -
randomkey generic 1.0.0 keyspace request_policy:all_shards,response_policy:special,nondeterministic_output
readonly cluster 3.0.0 connection -
readwrite cluster 3.0.0 connection -
rename generic 1.0.0 keyspace -
renamenx generic 1.0.0 keyspace -
replconf server 3.0.0 - -
replicaof server 5.0.0 - -
reset connection 6.2.0 connection -
restore generic 2.6.0 keyspace,dangerous -
restore-asking server 3.0.0 keyspace,dangerous -
role server 2.8.12 admin,dangerous -
rpop list 1.0.0 list -
rpoplpush list 1.2.0 list -
rpush list 1.0.0 list -
rpushx list 2.2.0 list -
sadd set 1.0.0 set -
save server 1.0.0 - -
scan generic 2.8.0 keyspace nondeterministic_output,request_policy:special,response_policy:special
scard set 1.0.0 set -
script scripting 2.6.0 - -
script|debug scripting 3.2.0 scripting -
script|exists scripting 2.6.0 scripting request_policy:all_shards,response_policy:agg_logical_and
script|flush scripting 2.6.0 scripting request_policy:all_nodes,response_policy:all_succeeded
script|help scripting 5.0.0 scripting -
script|kill scripting 2.6.0 scripting request_policy:all_shards,response_policy:one_succeeded
script|load scripting 2.6.0 scripting request_policy:all_nodes,response_policy:all_succeeded
sdiff set 1.0.0 set nondeterministic_output_order
sdiffstore set 1.0.0 set -
select connection 1.0.0 connection -
set string 1.0.0 string -
setbit bitmap 2.2.0 bitmap -
setex string 2.0.0 string -
setnx string 1.0.0 string -
setrange string 2.2.0 string -
shutdown server 1.0.0 - -
sinter set 1.0.0 set nondeterministic_output_order
sintercard set 7.0.0 set -
sinterstore set 1.0.0 set -
sismember set 1.0.0 set -
slaveof server 1.0.0 - -
slowlog server 2.2.12 - -
slowlog|get server 2.2.12 - request_policy:all_nodes,nondeterministic_output
slowlog|help server 6.2.0 - -
slowlog|len server 2.2.12 - request_policy:all_nodes,response_policy:agg_sum,nondeterministic_output
slowlog|reset server 2.2.12 - request_policy:all_nodes,response_policy:all_succeeded
smembers set 1.0.0 set nondeterministic_output_order
smismember set 6.2.0 set -
smove set 1.0.0 set -
sort generic 1.0.0 set,sortedset,list,dangerous -
sort_ro generic 7.0.0 set,sortedset,list,dangerous -
spop set 1.0.0 set nondeterministic_output
spublish pubsub 7.0.0 - -
srandmember set 1.0.0 set nondeterministic_output
srem set 1.0.0 set -
sscan set 2.8.0 set nondeterministic_output
ssubscribe pubsub 7.0.0 - -
strlen string 2.2.0 string -
subscribe pubsub 2.0.0 - -
substr string 1.0.0 string -
sunion set 1.0.0 set nondeterministic_output_order
sunionstore set 1.0.0 set -
sunsubscribe pubsub 7.0.0 - -
swapdb server 4.0.0 keyspace,dangerous -
sync server 1.0.0 - -
time server 2.6.0 - nondeterministic_output
touch generic 3.2.1 keyspace request_policy:multi_shard,response_policy:agg_sum
trimslots server 8.4.0 keyspace,dangerous -
ttl generic 1.0.0 keyspace nondeterministic_output
type generic 1.0.0 keyspace -
unlink generic 4.0.0 keyspace request_policy:multi_shard,response_policy:agg_sum
unsubscribe pubsub 2.0.0 - -
unwatch transactions 2.2.0 transaction -
vadd module 8.0.0 - -
vcard module 8.0.0 - -
vdim module 8.0.0 - -
vemb module 8.0.0 - -
vgetattr module 8.0.0 - -
vinfo module 8.0.0 - -
vismember module 8.0.0 - -
vlinks module 8.0.0 - -
vrandmember module 8.0.0 - -
vrange module 8.4.0 - -
vrem module 8.0.0 - -
vsetattr module 8.0.0 - -
vsim module 8.0.0 - -
wait generic 3.0.0 connection request_policy:all_shards,response_policy:agg_min
waitaof generic 7.2.0 connection request_policy:all_shards,response_policy:agg_min
watch transactions 2.2.0 transaction -
xack stream 5.0.0 stream -
xadd stream 5.0.0 stream nondeterministic_output
xautoclaim stream 6.2.0 stream nondeterministic_output
xcfgset stream 8.6.0 stream -
xclaim stream 5.0.0 stream nondeterministic_output
xdel stream 5.0.0 stream -
xgroup stream 5.0.0 - -
xgroup|create stream 5.0.0 stream -
xgroup|createconsumer stream 6.2.0 stream -
xgroup|delconsumer stream 5.0.0 stream -
xgroup|destroy stream 5.0.0 stream -
xgroup|help stream 5.0.0 stream -
xgroup|setid stream 5.0.0 stream -
xidmprecord stream 8.6.2 stream -
xinfo stream 5.0.0 - -
xinfo|consumers stream 5.0.0 stream nondeterministic_output
xinfo|groups stream 5.0.0 stream -
xinfo|help stream 5.0.0 stream -
xinfo|stream stream 5.0.0 stream -
xlen stream 5.0.0 stream -
xpending stream 5.0.0 stream nondeterministic_output
xrange stream 5.0.0 stream -
xread stream 5.0.0 stream -
xreadgroup stream 5.0.0 stream -
xrevrange stream 5.0.0 stream -
xsetid stream 5.0.0 stream -
xtrim stream 5.0.0 stream nondeterministic_output
zadd sorted-set 1.2.0 sortedset -
zcard sorted-set 1.2.0 sortedset -
zcount sorted-set 2.0.0 sortedset -
zdiff sorted-set 6.2.0 sortedset -
zdiffstore sorted-set 6.2.0 sortedset -
zincrby sorted-set 1.2.0 sortedset -
zinter sorted-set 6.2.0 sortedset -
zintercard sorted-set 7.0.0 sortedset -
zinterstore sorted-set 2.0.0 sortedset -
zlexcount sorted-set 2.8.9 sortedset -
zmpop sorted-set 7.0.0 sortedset -
zmscore sorted-set 6.2.0 sortedset -
zpopmax sorted-set 5.0.0 sortedset -
zpopmin sorted-set 5.0.0 sortedset -
zrandmember sorted-set 6.2.0 sortedset nondeterministic_output
zrange sorted-set 1.2.0 sortedset -
zrangebylex sorted-set 2.8.9 sortedset -
zrangebyscore sorted-set 1.0.5 sortedset -
zrangestore sorted-set 6.2.0 sortedset -
zrank sorted-set 2.0.0 sortedset -
zrem sorted-set 1.2.0 sortedset -
zremrangebylex sorted-set 2.8.9 sortedset -
zremrangebyrank sorted-set 2.0.0 sortedset -
zremrangebyscore sorted-set 1.2.0 sortedset -
zrevrange sorted-set 1.2.0 sortedset -
zrevrangebylex sorted-set 2.8.9 sortedset -
zrevrangebyscore sorted-set 2.2.0 sortedset -
zrevrank sorted-set 2.0.0 sortedset -
zscan sorted-set 2.8.0 sortedset nondeterministic_output
zscore sorted-set 1.2.0 sortedset -
zunion sorted-set 6.2.0 sortedset -
zunionstore sorted-set 2.0.0 sortedset -
`;

/**
 * The writes of a random run, a row for each form of a command: how often it comes, which servers have it,
 * and what makes it. `write_coverage_test.ts` fails on a server's write that no row makes.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Vocabulary, Words } from "./vocabulary.ts";

/** One form of a command. */
export interface Row {
  /** How often it comes, beside the others. */
  readonly weight: number;
  /** Servers that have it; all when empty. As in "7.4": Redis; as in "valkey-9.0": Valkey. */
  readonly since: readonly string[];
  /** Makes one. */
  readonly make: (w: Vocabulary) => Words;
}

const SCRIPT = "redis.call('SET', KEYS[1], ARGV[1]) redis.call('PEXPIRE', KEYS[1], ARGV[2])" +
  " redis.call('SADD', KEYS[2], ARGV[1], ARGV[2]) return redis.call('INCR', KEYS[3])";

const SCRIPT_SHA = createHash("sha1").update(SCRIPT).digest("hex");
const LIBRARY = "#!lua name=NAME\n" +
  "redis.register_function('NAME_push', function(keys, args)" +
  " redis.call('RPUSH', keys[1], unpack(args)) return redis.call('LLEN', keys[1]) end)";
/** Corners of a polygon that holds a good part of what is added. */
const POLYGON = ["-60", "-40", "70", "-50", "90", "45", "-20", "60"];

function row(weight: number, make: Row["make"], ...since: string[]): Row {
  return { weight, make, since };
}

const strings: readonly Row[] = [
  row(8, (w) => ["SET", w.key("s"), w.value()]),
  row(4, (w) => ["SET", w.key("s"), w.value(), "PX", w.ttl()]),
  row(2, (w) => ["SETRANGE", w.key("s"), w.number(300), w.value()]),
  row(3, (w) => ["APPEND", w.key("s"), w.value()]),
  row(4, (w) => ["INCRBY", w.key("s"), w.integer()]),
  row(2, (w) => ["INCRBYFLOAT", w.key("s"), w.score()]),
  row(2, (w) => ["MSET", w.key("s"), w.value(), w.key("s"), w.value()]),
  row(2, (w) => ["SETBIT", w.key("s"), w.number(4000), w.number(2)]),
  row(1, (w) => ["BITOP", w.pick(["AND", "OR", "XOR"]), w.key("s"), w.key("s"), w.key("s")]),
  row(1, (w) => ["BITFIELD", w.key("s"), "INCRBY", "i16", w.number(99), w.integer()]),
  row(1, (w) => ["BITOP", "NOT", w.key("s"), w.key("s")]),
  row(1, (w) => ["MSETNX", w.key("s"), w.value(), w.key("s"), w.value()]),
  row(1, (w) => ["SET", w.key("s"), w.value(), w.pick(["NX", "XX"]), "EX", "2"]),
  row(1, (w) => ["GETSET", w.key("s"), w.value()]),
  row(2, (w) => ["GETEX", w.key("s"), "PX", w.ttl()], "6.2"),
  row(1, (w) => ["GETDEL", w.key("s")], "6.2"),
  row(3, (w) => ["PFADD", w.key("p"), ...w.many(30)]),
  row(1, (w) => ["PFMERGE", w.key("p"), w.key("p"), w.key("p")]),
  row(1, (w) => ["PFCOUNT", w.key("p")]),
  row(2, (w) => ["SETEX", w.key("s"), "9000", w.value()]),
  row(2, (w) => ["PSETEX", w.key("s"), w.ttl(), w.value()]),
  row(2, (w) => ["SETNX", w.key("s"), w.value()]),
  row(3, (w) => [w.pick(["INCR", "DECR"]), w.key("s")]),
  row(2, (w) => ["DECRBY", w.key("s"), w.number(5000)]),
  row(1, (w) => ["SET", w.key("s"), w.value(), "KEEPTTL"]),
  row(1, (w) => ["SET", w.key("s"), w.value(), "XX", "GET"], "6.2"),
  row(1, (w) => ["SET", w.key("s"), w.value(), "NX", "GET"], "7.0"),
  row(1, (w) => ["SET", w.key("s"), w.value(), "EXAT", w.expirySeconds()], "6.2"),
  row(1, (w) => ["SET", w.key("s"), w.value(), "PXAT", w.expiryMs()], "6.2"),
  row(1, (w) => ["GETEX", w.key("s"), "PERSIST"], "6.2"),
  row(1, (w) => ["GETEX", w.key("s"), "EXAT", w.expirySeconds()], "6.2"),
  row(2, (w) => ["SET", w.key("s"), w.value(), "IFEQ", w.value()], "8.4", "valkey-8.1"),
  row(1, (w) => ["SET", w.key("s"), w.integer(), "IFNE", w.value(), "PX", w.ttl()], "8.4"),
  row(2, (w) => ["SET", w.key("s"), w.value(), "IFDNE", w.digest(), "GET"], "8.4"),
  row(1, (w) => ["DELEX", w.key("s"), "IFNE", w.value()], "8.4"),
  row(1, (w) => ["DELEX", w.key("s"), w.pick(["IFDEQ", "IFDNE"]), w.digest()], "8.4"),
  row(1, (w) => ["DELEX", w.anyKey()], "8.4"),
  row(2, (w) => ["DELIFEQ", w.key("s"), w.pick(["y", w.value()])], "valkey-9.0"),
  row(
    2,
    (w) => ["MSETEX", "2", w.key("s"), w.value(), w.key("s"), w.value(), "PX", w.ttl()],
    "8.4",
    "valkey-9.1",
  ),
  row(
    1,
    (w) => ["MSETEX", "1", w.key("s"), w.value(), w.pick(["NX", "XX"]), "EXAT", w.expirySeconds()],
    "8.4",
    "valkey-9.1",
  ),
  row(1, (w) => ["MSETEX", "1", w.key("s"), w.value(), "KEEPTTL"], "8.4", "valkey-9.1"),
  row(
    2,
    (w) => [
      "BITOP",
      w.pick(["DIFF", "DIFF1", "ANDOR", "ONE"]),
      w.key("s"),
      w.key("s"),
      w.key("s"),
      w.key("p"),
    ],
    "8.2",
  ),
  row(
    1,
    (w) => [
      "BITFIELD",
      w.key("s"),
      "SET",
      "u8",
      "#" + w.number(40),
      w.number(256),
      "OVERFLOW",
      w.pick(["WRAP", "SAT", "FAIL"]),
      "INCRBY",
      "i5",
      w.number(200),
      w.signed(40),
    ],
  ),
  row(1, (w) => ["PFDEBUG", "TODENSE", w.key("p")]),
];

const lists: readonly Row[] = [
  row(6, (w) => [w.pick(["LPUSH", "RPUSH"]), w.key("l"), ...w.many(8)]),
  row(1, (w) => ["RPUSH", w.key("l"), ...w.crowd()]),
  row(2, (w) => [w.pick(["LPUSHX", "RPUSHX"]), w.key("l"), w.value()]),
  row(4, (w) => [w.pick(["LPOP", "RPOP"]), w.key("l")]),
  row(2, (w) => [w.pick(["LPOP", "RPOP"]), w.key("l"), w.number(40)], "6.2"),
  row(2, (w) => ["LSET", w.key("l"), w.signed(20), w.value()]),
  row(2, (w) => ["LINSERT", w.key("l"), w.pick(["BEFORE", "AFTER"]), w.element(), w.value()]),
  row(2, (w) => ["LREM", w.key("l"), w.signed(3), w.element()]),
  row(1, (w) => ["LTRIM", w.key("l"), w.signed(20), w.signed(200)]),
  row(2, (w) => ["RPOPLPUSH", w.key("l"), w.key("l")]),
  row(2, (w) => ["LMOVE", w.key("l"), w.key("l"), w.end(), w.end()], "6.2"),
  row(1, (w) => ["LMPOP", "2", w.key("l"), w.key("l"), w.end(), "COUNT", "3"], "7.0"),
  row(1, (w) => ["BLPOP", w.key("l"), w.key("l"), "0.01"]),
  row(1, (w) => ["BRPOP", w.key("l"), w.key("l"), "0.01"]),
  row(1, (w) => ["BRPOPLPUSH", w.key("l"), w.key("l"), "0.01"]),
  row(1, (w) => ["BLMOVE", w.key("l"), w.key("l"), w.end(), w.end(), "0.01"], "6.2"),
  row(
    1,
    (w) => ["BLMPOP", "0.01", "2", w.key("l"), w.key("l"), w.end(), "COUNT", w.number(5)],
    "7.0",
  ),
];

const hashes: readonly Row[] = [
  row(6, (w) => ["HSET", w.key("h"), ...w.pairs(5)]),
  row(1, (w) => ["HSET", w.key("h"), ...w.crowd().flatMap((field) => [field, w.value()])]),
  row(2, (w) => ["HSETNX", w.key("h"), w.element(), w.value()]),
  row(3, (w) => ["HDEL", w.key("h"), ...w.many(6)]),
  row(2, (w) => ["HINCRBY", w.key("h"), w.element(), w.integer()]),
  // An infinite increment leaves an empty hash behind on servers before 7.2, which tell nobody. What
  // redis-8.0 tells of the others is an HSET, by which its replicas lose the field's expiry.
  row(2, (w) => ["HINCRBYFLOAT", w.plainKey(), w.element(), w.score().replace(/inf/i, "1.5")]),
  row(4, (w) => ["HPEXPIRE", w.key("h"), w.fieldTtl(), ...w.fields()], "7.4", "valkey-9.0"),
  row(
    2,
    (w) => ["HEXPIRE", w.key("h"), "50000", w.pick(["NX", "XX", "GT", "LT"]), ...w.fields()],
    "7.4",
    "valkey-9.0",
  ),
  row(1, (w) => ["HPEXPIREAT", w.key("h"), "1000", ...w.fields()], "7.4", "valkey-9.0"),
  row(
    1,
    (w) => ["HPEXPIRE", w.key("h"), w.fieldTtl(), ...w.fields(), w.pick(["NX", "XX", "GT", "LT"])],
    "8.4",
  ),
  row(
    1,
    (w) => ["HSETEX", w.key("h"), "FIELDS", "1", ...w.pairs(1), "EXAT", w.fieldSeconds()],
    "8.4",
  ),
  row(1, (w) => ["HSETEX", w.key("h"), "FIELDS", "1", ...w.pairs(1), "KEEPTTL", "FXX"], "8.4"),
  row(1, (w) => ["HGETEX", w.key("h"), ...w.fields(), "PX", w.fieldTtl()], "8.4"),
  row(2, (w) => ["HPERSIST", w.key("h"), ...w.fields()], "7.4", "valkey-9.0"),
  row(2, (w) => ["HGETEX", w.key("h"), "PX", w.fieldTtl(), ...w.fields()], "8.0", "valkey-9.0"),
  row(
    2,
    (w) => ["HSETEX", w.key("h"), "PX", w.fieldTtl(), "FIELDS", "2", ...w.twoPairs()],
    "8.0",
    "valkey-9.0",
  ),
  row(2, (w) => ["HGETDEL", w.key("h"), ...w.fields()], "8.0", "valkey-9.1"),
  row(2, (w) => ["HMSET", w.key("h"), ...w.pairs(4)]),
  row(1, (w) => ["HEXPIREAT", w.key("h"), w.fieldSeconds(), ...w.fields()], "7.4", "valkey-9.0"),
  row(
    1,
    (w) => [
      "HSETEX",
      w.key("h"),
      w.pick(["FNX", "FXX"]),
      "EXAT",
      w.fieldSeconds(),
      "FIELDS",
      "1",
      w.element(),
      w.value(),
    ],
    "8.0",
    "valkey-9.0",
  ),
  row(
    1,
    (w) => ["HSETEX", w.key("h"), "KEEPTTL", "FIELDS", "1", w.element(), w.value()],
    "8.0",
    "valkey-9.0",
  ),
  row(1, (w) => ["HGETEX", w.key("h"), "PERSIST", ...w.fields()], "8.0", "valkey-9.0"),
];

const sets: readonly Row[] = [
  row(6, (w) => ["SADD", w.key("t"), ...w.many(8)]),
  row(3, (w) => ["SADD", w.key("t"), w.integer(), w.number(600), w.number(600)]),
  row(1, (w) => ["SADD", w.key("t"), ...w.crowd()]),
  row(3, (w) => ["SREM", w.key("t"), ...w.many(8)]),
  row(2, (w) => ["SPOP", w.key("t")]),
  row(2, (w) => ["SPOP", w.key("t"), w.number(60)]),
  row(2, (w) => ["SMOVE", w.key("t"), w.key("t"), w.element()]),
  row(
    2,
    (
      w,
    ) => [w.pick(["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]), w.key("t"), w.key("t"), w.key("t")],
  ),
  row(
    1,
    (
      w,
    ) => ["SORT", w.key(w.pick(["t", "l", "z"])), "ALPHA", "LIMIT", "0", "20", "STORE", w.key("l")],
  ),
  row(1, (w) => ["SORT", w.key("l"), "BY", "nosort", "GET", "#", "STORE", w.key("l")]),
];

const zsets: readonly Row[] = [
  row(6, (w) => ["ZADD", w.key("z"), w.score(), w.element(), w.score(), w.element()]),
  row(2, (w) => ["ZADD", w.key("z"), w.pick(["XX", "NX"]), "CH", w.score(), w.element()]),
  row(
    2,
    (w) => ["ZADD", w.key("z"), w.pick(["GT", "LT"]), w.score(), w.element()],
    "6.2",
  ),
  row(1, (w) => ["ZADD", w.key("z"), ...w.crowd().flatMap((member) => [w.score(), member])]),
  row(3, (w) => ["ZINCRBY", w.key("z"), w.score(), w.element()]),
  row(3, (w) => ["ZREM", w.key("z"), ...w.many(8)]),
  row(2, (w) => [w.pick(["ZPOPMIN", "ZPOPMAX"]), w.key("z"), w.number(9)]),
  row(1, (w) => ["ZREMRANGEBYRANK", w.key("z"), w.signed(9), w.signed(20)]),
  row(1, (w) => ["ZREMRANGEBYSCORE", w.key("z"), "(" + w.integer(), w.integer()]),
  // Where scores differ, what a range of members holds is a matter of chance.
  row(3, (w) => ["ZADD", w.levelKey(), "0", w.element(), "0", w.element(), "0", w.element()]),
  row(1, (w) => ["ZREMRANGEBYLEX", w.levelKey(), "[" + w.element(), "(" + w.element()]),
  row(
    2,
    (
      w,
    ) => [
      w.pick(["ZUNIONSTORE", "ZINTERSTORE"]),
      w.key("z"),
      "2",
      w.key("z"),
      w.key("t"),
      "AGGREGATE",
      w.pick(["SUM", "MIN", "MAX"]),
    ],
  ),
  row(1, (w) => ["ZDIFFSTORE", w.key("z"), "2", w.key("z"), w.key("z")], "6.2"),
  row(1, (w) => ["ZRANGESTORE", w.key("z"), w.key("z"), "0", w.signed(99)], "6.2"),
  row(
    1,
    (w) => [
      ...["ZRANGESTORE", w.key("z"), w.key("z"), "-inf", "inf", "BYSCORE"],
      ...["LIMIT", w.signed(5), "9"],
    ],
    "6.2",
  ),
  row(1, (w) => ["ZMPOP", "2", w.key("z"), w.key("z"), "MIN", "COUNT", "3"], "7.0"),
  row(3, (w) => ["GEOADD", w.key("g"), w.degrees(170), w.degrees(80), w.element()]),
  row(1, (w) => ["GEORADIUS", w.key("g"), "0", "0", "9000", "km", "STORE", w.key("g")]),
  // Without STOREDIST: the last bit of a distance is the C library's that a server was built with.
  row(
    1,
    (
      w,
    ) => [
      "GEOSEARCHSTORE",
      w.key("g"),
      w.key("g"),
      "FROMLONLAT",
      "1",
      "1",
      "BYBOX",
      "9000",
      "9000",
      "km",
    ],
    "6.2",
  ),
  row(1, (w) => ["BZPOPMIN", w.key("z"), "0.01"]),
  row(1, (w) => ["ZADD", w.key("z"), "INCR", w.score(), w.element()]),
  row(
    1,
    (w) => [
      "ZUNIONSTORE",
      w.key("z"),
      "2",
      w.key("z"),
      w.key("z"),
      "WEIGHTS",
      w.number(5),
      w.signed(3),
    ],
    // Before 7.0 a small sorted set keeps a -0, which a listpack has not.
    "7.0",
  ),
  row(1, (w) => ["ZINTERSTORE", w.key("z"), "2", w.key("z"), w.key("z"), "WEIGHTS", "2", "0.5"]),
  row(
    1,
    (w) => [
      "ZRANGESTORE",
      w.key("z"),
      w.key("z"),
      "500",
      "-500",
      "BYSCORE",
      "REV",
      "LIMIT",
      "0",
      w.number(40),
    ],
    "6.2",
  ),
  row(
    1,
    (w) => ["GEOADD", w.key("g"), "XX", "CH", w.degrees(170), w.degrees(80), w.element()],
    "6.2",
  ),
  row(
    1,
    (w) => ["GEORADIUSBYMEMBER", w.key("g"), w.element(), "5000", "km", "STORE", w.key("g")],
  ),
  row(
    1,
    (w) => [
      "GEOSEARCHSTORE",
      w.key("g"),
      w.key("g"),
      "FROMLONLAT",
      "10",
      "5",
      "BYRADIUS",
      w.number(9000),
      "km",
      "COUNT",
      "60",
      "ASC",
    ],
    "6.2",
  ),
  row(
    1,
    (w) => ["GEOSEARCHSTORE", w.key("g"), w.key("g"), "BYPOLYGON", "4", ...POLYGON],
    "valkey-9.0",
  ),
  row(1, (w) => ["BZPOPMAX", w.key("z"), w.key("z"), "0.01"]),
  row(1, (w) => ["BZMPOP", "0.01", "1", w.key("z"), "MAX", "COUNT", "3"], "7.0"),
];

const streams: readonly Row[] = [
  row(8, (w) => ["XADD", w.key("x"), "*", ...w.pairs(3)]),
  row(
    2,
    (w) => ["XADD", w.key("x"), "MAXLEN", w.pick(["~", "="]), w.number(150), "*", ...w.pairs(2)],
  ),
  row(2, (w) => ["XTRIM", w.key("x"), "MAXLEN", w.number(200)]),
  row(2, (w) => ["XGROUP", "CREATE", w.key("x"), w.group(), w.pick(["0", "$"]), "MKSTREAM"]),
  row(1, (w) => ["XGROUP", "DESTROY", w.key("x"), w.group()]),
  row(1, (w) => ["XGROUP", "SETID", w.key("x"), w.group(), w.pick(["0", "$"])]),
  row(
    1,
    (w) => ["XGROUP", "CREATECONSUMER", w.key("x"), w.group(), w.consumer()],
    "6.2",
  ),
  row(1, (w) => ["XGROUP", "DELCONSUMER", w.key("x"), w.group(), w.consumer()]),
  row(
    5,
    (
      w,
    ) => ["XREADGROUP", "GROUP", w.group(), w.consumer(), "COUNT", "5", "STREAMS", w.key("x"), ">"],
  ),
  row(
    2,
    (w) => ["XAUTOCLAIM", w.key("x"), w.group(), w.consumer(), "0", "0", "COUNT", "3"],
    "6.2",
  ),
  row(1, (w) => ["XDEL", w.key("x"), `${Date.now() - w.prng.int(2000)}-0`]),
  // Whoever acknowledges and claims has to know ids.
  row(6, (w) => ["XADD", w.numberedKey(), w.nextId(), ...w.pairs(2)]),
  row(
    4,
    (w) => ["XADD", w.key("x"), "IDMP", w.pick(["p", "q"]), w.number(20), "*", ...w.pairs(2)],
    "8.6",
  ),
  row(
    2,
    (w) => ["XADD", w.key("x"), "IDMPAUTO", "p", "MAXLEN", "~", "50", "*", "f", w.number(20)],
    "8.6",
  ),
  row(1, (w) => ["XCFGSET", w.key("x"), "IDMP-MAXSIZE", w.pick(["5", "100"])], "8.6"),
  row(
    4,
    (w) => ["XREADGROUP", "GROUP", w.group(), w.consumer(), "STREAMS", w.numberedKey(), ">"],
  ),
  row(2, (w) => ["XGROUP", "CREATE", w.numberedKey(), w.group(), "0"]),
  row(3, (w) => ["XACK", w.numberedKey(), w.group(), ...w.recentIds()]),
  row(3, (w) => ["XCLAIM", w.numberedKey(), w.group(), w.consumer(), "0", ...w.recentIds()]),
  row(
    1,
    (
      w,
    ) => [
      "XCLAIM",
      w.numberedKey(),
      w.group(),
      w.consumer(),
      "0",
      ...w.recentIds(),
      "RETRYCOUNT",
      w.number(9),
      "FORCE",
      "JUSTID",
    ],
  ),
  row(2, (w) => ["XDEL", w.numberedKey(), ...w.recentIds()]),
  row(1, (w) => ["XSETID", w.numberedKey(), w.nextId()]),
  row(
    1,
    (w) => ["XTRIM", w.numberedKey(), "MINID", ...w.recentIds().slice(0, 1)],
    "6.2",
  ),
  row(1, (w) => ["XADD", w.key("x"), "NOMKSTREAM", "*", ...w.pairs(1)], "6.2"),
  row(1, (w) => ["XADD", w.key("x"), `${w.momentMs()}-*`, ...w.pairs(1)], "7.0"),
  // Without "~": with DELREF or ACKED a master of 8.6 then trims more than it tells its replicas.
  row(
    1,
    (w) => [
      "XADD",
      w.numberedKey(),
      w.pick(["KEEPREF", "DELREF", "ACKED"]),
      "MINID",
      w.recentId(),
      w.nextId(),
      ...w.pairs(1),
    ],
    "8.2",
  ),
  row(
    1,
    (w) => [
      "XTRIM",
      w.numberedKey(),
      "MAXLEN",
      w.number(90),
      w.pick(["KEEPREF", "DELREF", "ACKED"]),
    ],
    "8.2",
  ),
  row(1, (w) => ["XTRIM", w.key("x"), "MAXLEN", "~", w.number(90), "LIMIT", "200"], "6.2"),
  row(
    2,
    (w) => ["XDELEX", w.numberedKey(), w.pick(["KEEPREF", "DELREF", "ACKED"]), ...w.counted()],
    "8.2",
  ),
  row(
    2,
    (w) => [
      "XACKDEL",
      w.numberedKey(),
      w.group(),
      w.pick(["KEEPREF", "DELREF", "ACKED"]),
      ...w.counted(),
    ],
    "8.2",
  ),
  row(
    2,
    (w) => [
      "XREADGROUP",
      "GROUP",
      w.group(),
      w.consumer(),
      "NOACK",
      "COUNT",
      "3",
      "STREAMS",
      w.numberedKey(),
      ">",
    ],
  ),
  row(
    1,
    (w) => [
      "XREADGROUP",
      "GROUP",
      w.group(),
      w.consumer(),
      "STREAMS",
      w.numberedKey(),
      w.recentId(),
    ],
  ),
  row(
    1,
    (w) => [
      "XREADGROUP",
      "GROUP",
      w.group(),
      w.consumer(),
      "COUNT",
      "4",
      "CLAIM",
      "0",
      "STREAMS",
      w.numberedKey(),
      ">",
    ],
    "8.4",
  ),
  row(
    1,
    (w) => [
      "XGROUP",
      "CREATE",
      w.numberedKey(),
      w.group(),
      w.recentId(),
      "ENTRIESREAD",
      w.number(50),
    ],
    "7.0",
  ),
  row(
    1,
    (w) => [
      "XGROUP",
      "SETID",
      w.numberedKey(),
      w.group(),
      w.recentId(),
      "ENTRIESREAD",
      w.pick(["-1", "0", "7"]),
    ],
    "7.0",
  ),
  row(
    1,
    (w) => [
      "XSETID",
      w.numberedKey(),
      w.nextId(),
      "ENTRIESADDED",
      "100000",
      "MAXDELETEDID",
      w.recentId(),
    ],
    "7.0",
  ),
  row(
    1,
    (w) => [
      "XCLAIM",
      w.numberedKey(),
      w.group(),
      w.consumer(),
      "0",
      ...w.recentIds(),
      "IDLE",
      "5000",
      "LASTID",
      w.recentId(),
    ],
  ),
  row(
    1,
    (w) => ["XAUTOCLAIM", w.numberedKey(), w.group(), w.consumer(), "0", w.recentId(), "JUSTID"],
    "6.2",
  ),
  row(
    1,
    (w) => ["XIDMPRECORD", w.numberedKey(), w.pick(["p", "r"]), w.number(9), w.recentId()],
    "8.6",
  ),
];

const keys: readonly Row[] = [
  row(4, (w) => [w.pick(["DEL", "UNLINK"]), w.anyKey(), w.anyKey()]),
  row(3, (w) => [w.pick(["RENAME", "RENAMENX"]), w.anyKey(), w.anyKey()]),
  row(3, (w) => ["COPY", w.anyKey(), w.anyKey(), "REPLACE"], "6.2"),
  row(2, (w) => ["COPY", w.anyKey(), w.anyKey(), "DB", w.number(3)], "6.2"),
  row(2, (w) => ["MOVE", w.anyKey(), w.number(3)]),
  row(5, (w) => ["PEXPIRE", w.anyKey(), w.ttl()]),
  row(
    2,
    (w) => ["PEXPIRE", w.anyKey(), w.ttl(), w.pick(["NX", "XX", "GT", "LT"])],
    "7.0",
  ),
  row(2, (w) => ["EXPIREAT", w.anyKey(), w.pick(["1", w.expirySeconds()])]),
  row(2, (w) => ["PERSIST", w.anyKey()]),
  row(6, (w) => ["SELECT", w.number(3)]),
  row(3, (w) => ["EVAL", SCRIPT, "3", w.key("s"), w.key("t"), w.key("s"), w.integer(), w.ttl()]),
  row(
    2,
    (w) => ["FCALL", `lib${w.prng.int(3)}_push`, "1", w.key("l"), w.value()],
    "7.0",
  ),
  row(1, (w) => ["PUBLISH", "channel", w.value()]),
  row(2, (w) => ["EXPIRE", w.anyKey(), w.pick(["1", "2", "9000"])]),
  row(2, (w) => ["PEXPIREAT", w.anyKey(), w.expiryMs()]),
  row(
    1,
    (w) => ["PEXPIREAT", w.anyKey(), w.expiryMs(), w.pick(["NX", "XX", "GT", "LT"])],
    "7.0",
  ),
  row(1, () => ["SCRIPT", "LOAD", SCRIPT]),
  row(
    2,
    (w) => ["EVALSHA", SCRIPT_SHA, "3", w.key("s"), w.key("t"), w.key("s"), w.integer(), w.ttl()],
  ),
];

/** Functions come and go. */
const libraries: readonly Row[] = [
  row(3, (w) => ["FUNCTION", "LOAD", "REPLACE", libraryOf(w)], "7.0"),
  row(1, (w) => ["FUNCTION", "LOAD", libraryOf(w)], "7.0"),
  row(1, (w) => ["FUNCTION", "DELETE", `lib${w.number(3)}`], "7.0"),
  row(1, () => ["FUNCTION", "FLUSH"], "7.0"),
];

const vectors: readonly Row[] = [
  row(10, (w) => vadd(w, []), "8.0"),
  // One that is empty a snapshot does not hold; one that CAS adds a server before 8.8 does not count.
  row(3, (w) => vadd(w, ["SETATTR", w.attribute() || "y"]), "8.0"),
  row(1, (w) => vadd(w, ["CAS"]), "8.0"),
  row(4, (w) => ["VREM", w.vectorKey().key, w.vectorElement()], "8.0"),
  row(4, (w) => ["VSETATTR", w.vectorKey().key, w.vectorElement(), w.attribute()], "8.0"),
  row(1, (w) => ["VREM", w.anyKey(), w.vectorElement()], "8.0"),
];

function vadd(w: Vocabulary, more: string[]): Words {
  const { key, dim, options, reduce } = w.vectorKey();
  return ["VADD", key, ...reduce, ...w.vector(dim), w.newVectorElement(), ...options, ...more];
}

function libraryOf(w: Vocabulary): string {
  return LIBRARY.replaceAll("NAME", `lib${w.number(3)}`);
}

/** What empties or exchanges whole databases: so rarely that something is there again. */
export const SWEEPING: readonly Row[] = [
  row(2, (w) => ["SWAPDB", w.number(3), w.number(3)]),
  row(1, () => ["FLUSHDB"]),
  row(1, () => ["FLUSHALL", "ASYNC"]),
];

/** What only a node of a cluster takes. */
export const CLUSTER_ROWS: readonly Row[] = [
  row(1, (w) => ["CLUSTER", "FLUSHSLOT", w.slot(), w.pick(["SYNC", "ASYNC"])], "valkey-9.0"),
];

/** Every form that comes often. */
export const ROWS: readonly Row[] = [
  ...strings,
  ...lists,
  ...hashes,
  ...sets,
  ...zsets,
  ...streams,
  ...vectors,
  ...keys,
  ...libraries,
];

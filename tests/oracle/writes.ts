/**
 * Seeded random writes of every family, as a busy application mixes them: few keys, so that types clash
 * and values grow past their limits and shrink again; transactions, scripts, functions, expiries that
 * fire, whole databases exchanged, values dumped and restored.
 *
 * @module
 */

import { Prng } from "../../src/base/prng.ts";
import { commandIndex } from "../../src/commands/table.ts";
import { Argv } from "../../src/resp/argv.ts";
import { atLeast, type ServerBinary } from "../support/servers.ts";

/** One command. */
export type Words = string[];

type Make = (w: Writes) => Words;

interface Row {
  readonly weight: number;
  /** As in "7.4": of Redis; "valkey-9.0" beside it. */
  readonly since: readonly string[];
  readonly make: Make;
}

const FAR_MS = "9000000";
const LIBRARY = "#!lua name=NAME\n" +
  "redis.register_function('NAME_push', function(keys, args)" +
  " redis.call('RPUSH', keys[1], unpack(args)) return redis.call('LLEN', keys[1]) end)";
const SCRIPT = "redis.call('SET', KEYS[1], ARGV[1]) redis.call('PEXPIRE', KEYS[1], ARGV[2])" +
  " redis.call('SADD', KEYS[2], ARGV[1], ARGV[2]) return redis.call('INCR', KEYS[3])";

function isKnown(name: string): boolean {
  return name === "FCALL" || commandIndex.lookup(Argv.of(name)) !== undefined;
}

function row(weight: number, make: Make, ...since: string[]): Row {
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
  row(2, (w) => ["GETEX", w.key("s"), "PX", w.ttl()], "6.2", "valkey-8.0"),
  row(1, (w) => ["GETDEL", w.key("s")], "6.2", "valkey-8.0"),
  row(3, (w) => ["PFADD", w.key("p"), ...w.many(30)]),
  row(1, (w) => ["PFMERGE", w.key("p"), w.key("p"), w.key("p")]),
  row(1, (w) => ["PFCOUNT", w.key("p")]),
];

const lists: readonly Row[] = [
  row(6, (w) => [w.pick(["LPUSH", "RPUSH"]), w.key("l"), ...w.many(8)]),
  row(1, (w) => ["RPUSH", w.key("l"), ...w.crowd()]),
  row(2, (w) => [w.pick(["LPUSHX", "RPUSHX"]), w.key("l"), w.value()]),
  row(4, (w) => [w.pick(["LPOP", "RPOP"]), w.key("l")]),
  row(2, (w) => [w.pick(["LPOP", "RPOP"]), w.key("l"), w.number(40)], "6.2", "valkey-8.0"),
  row(2, (w) => ["LSET", w.key("l"), w.signed(20), w.value()]),
  row(2, (w) => ["LINSERT", w.key("l"), w.pick(["BEFORE", "AFTER"]), w.element(), w.value()]),
  row(2, (w) => ["LREM", w.key("l"), w.signed(3), w.element()]),
  row(1, (w) => ["LTRIM", w.key("l"), w.signed(20), w.signed(200)]),
  row(2, (w) => ["RPOPLPUSH", w.key("l"), w.key("l")]),
  row(2, (w) => ["LMOVE", w.key("l"), w.key("l"), w.end(), w.end()], "6.2", "valkey-8.0"),
  row(1, (w) => ["LMPOP", "2", w.key("l"), w.key("l"), w.end(), "COUNT", "3"], "7.0", "valkey-8.0"),
  row(1, (w) => ["BLPOP", w.key("l"), w.key("l"), "0.01"]),
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
  row(2, (w) => ["HPERSIST", w.key("h"), ...w.fields()], "7.4", "valkey-9.0"),
  row(2, (w) => ["HGETEX", w.key("h"), "PX", w.fieldTtl(), ...w.fields()], "8.0", "valkey-9.0"),
  row(
    2,
    (w) => ["HSETEX", w.key("h"), "PX", w.fieldTtl(), "FIELDS", "2", ...w.pairs(1), ...w.pairs(1)],
    "8.0",
    "valkey-9.0",
  ),
  row(2, (w) => ["HGETDEL", w.key("h"), ...w.fields()], "8.0", "valkey-9.1"),
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
];

const zsets: readonly Row[] = [
  row(6, (w) => ["ZADD", w.key("z"), w.score(), w.element(), w.score(), w.element()]),
  row(2, (w) => ["ZADD", w.key("z"), w.pick(["XX", "NX"]), "CH", w.score(), w.element()]),
  row(
    2,
    (w) => ["ZADD", w.key("z"), w.pick(["GT", "LT"]), w.score(), w.element()],
    "6.2",
    "valkey-8.0",
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
  row(1, (w) => ["ZDIFFSTORE", w.key("z"), "2", w.key("z"), w.key("z")], "6.2", "valkey-8.0"),
  row(1, (w) => ["ZRANGESTORE", w.key("z"), w.key("z"), "0", w.signed(99)], "6.2", "valkey-8.0"),
  row(1, (w) => ["ZMPOP", "2", w.key("z"), w.key("z"), "MIN", "COUNT", "3"], "7.0", "valkey-8.0"),
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
    "valkey-8.0",
  ),
  row(1, (w) => ["BZPOPMIN", w.key("z"), "0.01"]),
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
    "valkey-8.0",
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
    "valkey-8.0",
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
    "valkey-8.0",
  ),
];

const keys: readonly Row[] = [
  row(4, (w) => [w.pick(["DEL", "UNLINK"]), w.anyKey(), w.anyKey()]),
  row(3, (w) => [w.pick(["RENAME", "RENAMENX"]), w.anyKey(), w.anyKey()]),
  row(3, (w) => ["COPY", w.anyKey(), w.anyKey(), "REPLACE"], "6.2", "valkey-8.0"),
  row(2, (w) => ["COPY", w.anyKey(), w.anyKey(), "DB", w.number(3)], "6.2", "valkey-8.0"),
  row(2, (w) => ["MOVE", w.anyKey(), w.number(3)]),
  row(5, (w) => ["PEXPIRE", w.anyKey(), w.ttl()]),
  row(
    2,
    (w) => ["PEXPIRE", w.anyKey(), w.ttl(), w.pick(["NX", "XX", "GT", "LT"])],
    "7.0",
    "valkey-8.0",
  ),
  row(2, (w) => ["EXPIREAT", w.anyKey(), w.pick(["1", "99999999999"])]),
  row(2, (w) => ["PERSIST", w.anyKey()]),
  row(6, (w) => ["SELECT", w.number(3)]),
  row(3, (w) => ["EVAL", SCRIPT, "3", w.key("s"), w.key("t"), w.key("s"), w.integer(), w.ttl()]),
  row(
    2,
    (w) => ["FCALL", `lib${w.prng.int(3)}_push`, "1", w.key("l"), w.value()],
    "7.0",
    "valkey-8.0",
  ),
  row(1, (w) => ["PUBLISH", "channel", w.value()]),
];

const ALL: readonly Row[] = [
  ...strings,
  ...lists,
  ...hashes,
  ...sets,
  ...zsets,
  ...streams,
  ...keys,
];
/** Rare, one in so many. */
const SWEEPING_ONE_IN = 4000;

/** Makes commands without end. */
export class Writes {
  readonly prng: Prng;
  readonly #rows: readonly Row[];
  readonly #total: number;
  readonly #hasFunctions: boolean;
  readonly #isValkey: boolean;
  #ticks: number = 0;

  /** @param seed Repeats the same ones. @param binary Whose commands. */
  constructor(seed: number, { product, version }: ServerBinary) {
    this.prng = new Prng(seed);
    const has = (floor: string) =>
      product === "valkey"
        ? floor.startsWith("valkey-") && atLeast(version, floor.slice(7))
        : !floor.startsWith("valkey-") && atLeast(version, floor);
    this.#rows = ALL.filter(({ since }) => since.length === 0 || since.some(has));
    this.#total = this.#rows.reduce((sum, { weight }) => sum + weight, 0);
    this.#isValkey = product === "valkey";
    this.#hasFunctions = has("7.0") || has("valkey-8.0");
  }

  /** The next commands: one, or a transaction. */
  next(): Words[] {
    const { prng } = this;
    if (prng.oneIn(SWEEPING_ONE_IN)) {
      return [
        prng.pick([["SWAPDB", this.number(3), this.number(3)], ["FLUSHDB"], ["FLUSHALL", "ASYNC"]]),
      ];
    }
    if (this.#hasFunctions && prng.oneIn(200)) return [this.#library()];
    if (!prng.oneIn(40)) return [this.#one()];
    const commands: Words[] = [["MULTI"]];
    for (let i = prng.between(1, 6); i > 0; i--) commands.push(this.#one());
    commands.push([prng.oneIn(6) ? "DISCARD" : "EXEC"]);
    return commands;
  }

  #library(): Words {
    const name = `lib${this.prng.int(3)}`;
    if (this.prng.oneIn(4)) return ["FUNCTION", "DELETE", name];
    if (this.prng.oneIn(20)) return ["FUNCTION", "FLUSH"];
    return ["FUNCTION", "LOAD", "REPLACE", LIBRARY.replaceAll("NAME", name)];
  }

  /** What our table has no row for is not asked of it: `command_table_test.ts` tells what that is. */
  #one(): Words {
    for (;;) {
      const words = this.#any();
      if (isKnown(words[0])) return words;
    }
  }

  #any(): Words {
    let at = this.prng.int(this.#total);
    for (const { weight, make } of this.#rows) {
      at -= weight;
      if (at < 0) return make(this);
    }
    return ["PING"];
  }

  pick<T>(list: readonly T[]): T {
    return this.prng.pick(list);
  }

  /** Mostly of its own type, sometimes of another's. */
  key(prefix: string): string {
    const { prng } = this;
    if (prng.oneIn(25)) return this.anyKey();
    return prng.oneIn(50) ? `${prefix}\0\xff\r\n` : `${prefix}:${prng.int(12)}`;
  }

  /** A hash whose fields never expire. */
  plainKey(): string {
    return `plain:${this.prng.int(4)}`;
  }

  /** A sorted set of one score. */
  levelKey(): string {
    return `level:${this.prng.int(4)}`;
  }

  /** A stream whose ids are counted. */
  numberedKey(): string {
    return `y:${this.prng.int(4)}`;
  }

  /** Larger than every one before. */
  nextId(): string {
    return `${++this.#ticks}-1`;
  }

  /** Some of the latest. */
  recentIds(): string[] {
    return Array.from(
      { length: this.prng.between(1, 6) },
      () => `${Math.max(1, this.#ticks - this.prng.int(200))}-1`,
    );
  }

  anyKey(): string {
    return `${this.pick([..."slhtzgxyp"])}:${this.prng.int(12)}`;
  }

  number(below: number): string {
    return String(this.prng.int(below));
  }

  signed(around: number): string {
    return String(this.prng.int(2 * around) - around);
  }

  integer(): string {
    const { prng } = this;
    if (prng.oneIn(9)) {
      return this.pick(["9007199254740993", "-9223372036854775808", "32768", "70000"]);
    }
    return String(prng.int(2000) - 1000);
  }

  score(): string {
    return this.pick([
      this.integer(),
      "0.1",
      "-2.5",
      "1e10",
      "3.14159265358979",
      "inf",
      "1e-7",
    ]);
  }

  degrees(most: number): string {
    return String((this.prng.next() * 2 - 1) * most);
  }

  /** Soon, or not while the run lasts. */
  ttl(): string {
    return String(this.prng.oneIn(2) ? this.prng.between(1, 1500) : 10_000_000);
  }

  /** As {@linkcode ttl}; on Valkey far away: its digest leaves out fields that are past their time. */
  fieldTtl(): string {
    return this.#isValkey ? FAR_MS : this.ttl();
  }

  element(): string {
    const { prng } = this;
    if (prng.oneIn(4)) return this.number(50);
    return prng.oneIn(30) ? "long".repeat(prng.between(15, 40)) : `e${prng.int(60)}`;
  }

  value(): string {
    const { prng } = this;
    switch (prng.int(8)) {
      case 0:
        return this.integer();
      case 1:
        return "x".repeat(prng.pick([0, 43, 44, 45, 63, 64, 65, 200]));
      case 2:
        return String.fromCharCode(...prng.bytes(prng.int(20)));
      case 3:
        return prng.oneIn(10) ? "abcd".repeat(prng.between(200, 4000)) : "y";
      default:
        return `v${prng.int(100_000)}`;
    }
  }

  many(most: number): string[] {
    return Array.from({ length: this.prng.between(1, most) }, () => this.element());
  }

  /** So many that limits are crossed. */
  crowd(): string[] {
    const from = this.prng.int(500);
    const prefix = this.pick(["", "e", "member:"]);
    return Array.from({ length: this.prng.between(50, 300) }, (_, i) => `${prefix}${from + i}`);
  }

  pairs(most: number): string[] {
    return this.many(most).flatMap((field) => [field, this.value()]);
  }

  fields(): string[] {
    const names = [...new Set(this.many(3))];
    return ["FIELDS", String(names.length), ...names];
  }

  end(): string {
    return this.pick(["LEFT", "RIGHT"]);
  }

  group(): string {
    return `group${this.prng.int(3)}`;
  }

  consumer(): string {
    return `consumer${this.prng.int(4)}`;
  }
}

/**
 * Random commands of an application that uses the modules of Redis Stack beside plain types: documents, filters,
 * sketches, time series and indexes, and everything that names, moves, copies, expires or replaces a key of any
 * type. Keys are few, so that types meet under one name.
 *
 * @module
 */

import { Prng } from "../../src/base/prng.ts";

/** One command. */
export type Words = readonly string[];

/** Databases that are written to. */
export const DATABASES = 3;
const KEYS_OF_KIND = 8;
/** One key in so many is of another kind than the command is about. */
const STRAY_ONE_IN = 6;
const KINDS = ["doc", "bloom", "cuckoo", "sketch", "top", "digest", "series", "sugg", "plain"];
/**
 * Outside MULTI, Redis 7.4 frees what a flush removes on another thread even if it says SYNC, and so does its
 * replica, which goes on meanwhile. RedisJSON and RedisTimeSeries keep tables that only one thread may touch:
 * the server crashes, now or some thousands of commands later.
 */
const FLUSHES = ["FLUSHALL", "FLUSHDB"];
const PATHS = [
  "$",
  ".",
  "$.a",
  "$.l",
  "$.n",
  "$.o",
  "$.o.x",
  "$..x",
  "$.*",
  "$.none",
  ".a",
  "$.l[0]",
];
const DOCUMENTS = [
  "1",
  '"text"',
  "[1,[2],{}]",
  '{"a":1,"l":[1,2],"n":3,"o":{"x":"y"},"t":true}',
  "null",
];

/**
 * The commands of one seed: of an even one with time series and without SWAPDB, of an odd one the other way round.
 * RedisTimeSeries says in the log that it does not support SWAPDB: the server crashes some thousands of commands later.
 */
export class ModuleWrites {
  readonly prng: Prng;
  readonly #hasSeries: boolean;
  #time = 1000;

  constructor(seed: number) {
    this.prng = new Prng(seed);
    this.#hasSeries = seed % 2 === 0;
  }

  /** The next commands: one, or a transaction. */
  next(): Words[] {
    const { prng } = this;
    const inner = [this.#one()];
    if (prng.oneIn(40)) { while (!prng.oneIn(3)) inner.push(this.#one()); }
    else if (!FLUSHES.includes(inner[0][0])) return inner;
    // A transaction of one command is sent without MULTI: see FLUSHES.
    return [["MULTI"], ["SET", this.anyKey(), "x"], ...inner, ["EXEC"]];
  }

  /** Every key that commands may make. */
  static keys(): string[] {
    const keys = KINDS.flatMap((kind) =>
      Array.from({ length: KEYS_OF_KIND }, (_, i) => `${kind}${i}`)
    );
    return [...keys, ...keys.map((key) => `${key}twin`)];
  }

  /** Any key. */
  anyKey(): string {
    return this.#keyOf(this.prng.pick(KINDS));
  }

  #one(): Words {
    const { prng } = this;
    const draw = prng.uint32() % 100;
    if (draw < 22) return this.#document();
    if (draw < 36) return this.#filter();
    if (draw < 46 && this.#hasSeries) return this.#series();
    if (draw < 50) return this.#search();
    if (draw < 68) return this.#plain();
    if (draw < 97) return this.#anyType();
    return this.#whole();
  }

  #keyOf(kind: string): string {
    return `${kind}${this.prng.uint32() % KEYS_OF_KIND}`;
  }

  #key(kind: string): string {
    return this.prng.oneIn(STRAY_ONE_IN) ? this.anyKey() : this.#keyOf(kind);
  }

  #database(): string {
    return this.#number(DATABASES);
  }

  #number(limit: number): string {
    return String(this.prng.uint32() % limit);
  }

  /** An expiry that either passes before the next comparison or long after the run. */
  #ttlMs(): string {
    const { prng } = this;
    return prng.oneIn(3) ? this.#number(50) : String(2_000_000 + prng.uint32() % 1_000_000);
  }

  #document(): Words {
    const { prng } = this;
    const key = this.#key("doc");
    const path = prng.pick(PATHS);
    const json = prng.pick(DOCUMENTS);
    return prng.pick<() => Words>([
      () => ["JSON.SET", key, "$", json, ...prng.pick([[], ["NX"], ["XX"]])],
      () => ["JSON.SET", key, "$", DOCUMENTS[3]],
      () => ["JSON.SET", key, path, json],
      // RedisJSON 2.8 crashes when one command names a key twice, and at a path that leads to several places.
      () => ["JSON.MSET", key, "$", json, `${key}twin`, "$", "2"],
      () => ["JSON.MSET", key, prng.pick(["$.a", "$.l[0]"]), json, `${key}twin`, "$", "2"],
      () => ["JSON.MERGE", key, path, json],
      () => ["JSON.DEL", key, path],
      () => [prng.pick(["JSON.DEL", "json.forget"]), key],
      () => ["JSON.NUMINCRBY", key, path, "2"],
      () => ["JSON.NUMMULTBY", key, path, "1.5"],
      () => ["JSON.STRAPPEND", key, path, '"z"'],
      () => ["JSON.ARRAPPEND", key, path, "1", "{}"],
      () => ["JSON.ARRINSERT", key, path, "0", "1"],
      () => ["JSON.ARRPOP", key, path],
      () => ["JSON.ARRTRIM", key, path, "0", "1"],
      () => ["JSON.CLEAR", key, path],
      () => ["JSON.TOGGLE", key, path],
    ])();
  }

  #filter(): Words {
    const { prng } = this;
    const item = this.#number(50);
    return prng.pick<() => Words>([
      () => ["BF.ADD", this.#key("bloom"), item],
      () => ["BF.MADD", this.#key("bloom"), item, "b"],
      () => ["BF.RESERVE", this.#key("bloom"), "0.01", "20", ...prng.pick([[], ["NONSCALING"]])],
      () => ["BF.INSERT", this.#key("bloom"), ...prng.pick([[], ["NOCREATE"]]), "ITEMS", item],
      () => ["CF.ADD", this.#key("cuckoo"), item],
      () => ["CF.ADDNX", this.#key("cuckoo"), item],
      () => ["CF.INSERT", this.#key("cuckoo"), ...prng.pick([[], ["NOCREATE"]]), "ITEMS", item],
      () => ["CF.RESERVE", this.#key("cuckoo"), "20"],
      () => ["CF.DEL", this.#key("cuckoo"), item],

      () => ["CMS.INITBYDIM", this.#key("sketch"), "10", "2"],
      () => ["CMS.INITBYPROB", this.#key("sketch"), "0.1", "0.1"],
      () => ["CMS.INCRBY", this.#key("sketch"), item, "2"],
      () => ["CMS.MERGE", this.#key("sketch"), "1", this.#key("sketch")],
      () => ["TOPK.RESERVE", this.#key("top"), "3"],
      () => ["TOPK.ADD", this.#key("top"), item],
      () => ["TOPK.INCRBY", this.#key("top"), item, "2"],
      () => ["TDIGEST.CREATE", this.#key("digest")],
      () => ["TDIGEST.ADD", this.#key("digest"), item],
      () => ["TDIGEST.RESET", this.#key("digest")],
      () => ["TDIGEST.MERGE", `digest${prng.uint32() % 4}`, "1", "digest7"],
      () => ["TDIGEST.MERGE", `digest${prng.uint32() % 4}`, "1", "digest6", "OVERRIDE"],
    ])();
  }

  /**
   * No LABELS: RedisTimeSeries 1.12 has one index of labels for all databases, of which it forgets entries that it
   * uses later: the server crashes at TS.ALTER, UNLINK or FLUSHDB some thousands of commands later.
   */
  #series(): Words {
    const { prng } = this;
    const key = this.#key("series");
    const at = prng.oneIn(3) ? "*" : String(this.#time += 7);
    return prng.pick<() => Words>([
      () => ["TS.CREATE", key, ...prng.pick([[], ["RETENTION", "100000"]])],
      () => ["TS.ADD", key, at, this.#number(100)],
      () => ["TS.ADD", key, at, this.#number(100), "ON_DUPLICATE", "LAST"],
      () => ["TS.MADD", key, at, "1", this.#key("series"), "*", "2"],
      () => ["TS.INCRBY", key, "1"],
      () => ["TS.DECRBY", key, "1", "TIMESTAMP", at],
      () => ["TS.ALTER", key, "RETENTION", "200000"],
      () => ["TS.DEL", key, "0", this.#number(5000)],
    ])();
  }

  /** No FT.CREATE: the module of Redis Stack 7.4 crashes now and then when many indexes come and go. */
  #search(): Words {
    const { prng } = this;
    return prng.pick<() => Words>([
      () => ["FT.SUGADD", this.#key("sugg"), this.#number(4), "1"],
      () => ["FT.SUGDEL", this.#key("sugg"), this.#number(4)],
      () => ["FT.SYNUPDATE", "index", "group", "word"],
      () => ["FT.DICTADD", "words", "word"],
      () => ["FT.ALIASADD", "alias", "index"],
      () => ["FT.ALIASDEL", "alias"],
    ])();
  }

  #plain(): Words {
    const { prng } = this;
    const key = this.#key("plain");
    const value = this.#number(1000);
    return prng.pick<() => Words>([
      () => ["SET", key, value],
      () => ["SET", this.anyKey(), value, ...prng.pick([["XX"], ["NX"], ["KEEPTTL"], ["GET"]])],
      () => ["SET", this.anyKey(), value, "XX", "KEEPTTL"],
      () => ["SET", key, value, "PX", this.#ttlMs()],
      () => ["SETNX", this.anyKey(), value],
      () => ["MSETNX", this.anyKey(), value, this.anyKey(), value],
      () => ["GETDEL", key],
      () => ["GETEX", key, "PERSIST"],
      () => ["APPEND", key, value],
      () => ["INCR", key],
      () => ["RPUSH", key, value, "x"],
      () => ["LMOVE", key, this.#key("plain"), "LEFT", "RIGHT"],
      () => ["HSET", key, "f", value],
      () => ["HDEL", key, "f"],
      () => ["SADD", key, value, "x"],
      () => ["SUNIONSTORE", this.anyKey(), key, this.#key("plain")],
      () => ["ZADD", key, value, "m"],
      () => ["XADD", key, "*", "f", value],
      () => ["SORT", key, "ALPHA", "STORE", this.anyKey()],
      () => ["BITOP", "NOT", this.anyKey(), key],
    ])();
  }

  #anyType(): Words {
    const { prng } = this;
    const key = this.anyKey();
    const other = this.anyKey();
    const db = this.#database();
    return prng.pick<() => Words>([
      () => ["RENAME", key, other],
      () => ["RENAMENX", key, other],
      () => this.#copy(key, other, prng.pick([[], ["REPLACE"]])),
      () => this.#copy(key, other, ["DB", db, "REPLACE"]),
      () => ["MOVE", key, db],
      () => ["DEL", key, other],
      () => ["UNLINK", key],
      () => ["PEXPIRE", key, this.#ttlMs(), ...prng.pick([[], ["NX"], ["XX"], ["GT"], ["LT"]])],
      () => ["PEXPIRE", key, String(2_000_000 + prng.uint32() % 1_000_000)],
      () => ["PERSIST", key],
      () => ["SELECT", db],
      () => ["EVAL", "return redis.call('RENAME', KEYS[1], KEYS[2])", "2", key, other],
      () => ["EVAL", "return redis.call('JSON.SET', KEYS[1], '$', ARGV[1])", "1", key, "5"],
    ])();
  }

  /** No COPY beside time series: of a copied one RedisTimeSeries frees what the first one still uses. */
  #copy(key: string, other: string, options: Words): Words {
    return this.#hasSeries ? ["RENAME", key, other] : ["COPY", key, other, ...options];
  }

  /** No ASYNC, for the reason that {@linkcode FLUSHES} has. */
  #whole(): Words {
    const { prng } = this;
    const draw = prng.uint32() % 60;
    if (draw === 0) return ["FLUSHALL", "SYNC"];
    if (draw < 4) return ["FLUSHDB", "SYNC"];
    if (this.#hasSeries) return this.#anyType();
    return ["SWAPDB", this.#database(), this.#database()];
  }
}

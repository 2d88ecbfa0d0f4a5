/**
 * Random commands on sorted sets and on positions for the oracle of `differential.ts`, and where
 * versions of servers differ from Redis 8.0.
 *
 * @module
 */

import { latin1 } from "../../../src/base/ascii.ts";
import { readReply, type Reply } from "../../support/resp.ts";
import { type Difference, optionWords, type Tolerance } from "../differential.ts";
import type { Generator, Maker } from "../generator.ts";

const KEYS = ["z1", "z2", "z3", "big", "\xff\x00"];
const GEO_KEYS = ["g1", "g2"];
const OTHERS = ["str", "set1", "set2"];
const SCORES = ["0", "1", "-1", "1.5", "2", "3", "inf", "-inf", "1e3", "1e20", "0.1", "-2.5"];
const WRONG_SCORES = ["x", "", "nan", "1.2.3", " 1", "1e400"];
const BOUNDS = [...SCORES, "(1", "(1.5", "(inf", "-inf", "+inf", "(", "", "x", "(x", "nan", " 2"];
const UNITS = ["m", "km", "ft", "mi", "KM", "parsec"];
const POINTS = [
  ["13.361389", "38.115556"],
  ["15.087269", "37.502669"],
  ["2.3522", "48.8566"],
  ["-122.4194", "37.7749"],
  ["179.9", "10"],
  ["-179.9", "-10"],
  ["0", "0"],
  ["12.5", "84.9"],
  ["180", "85.05112878"],
  ["-180", "-85.05112878"],
];

function key(g: Generator): string {
  if (g.prng.oneIn(25)) return g.pick(OTHERS);
  return g.prng.oneIn(25) ? "none" : g.pick(KEYS);
}

function member(g: Generator): string {
  switch (g.prng.int(8)) {
    case 0:
      return String(g.prng.int(300));
    case 1:
      return g.bytes(g.prng.int(4));
    case 2:
      return g.prng.oneIn(12) ? g.bytes(g.pick([63, 64, 65, 100])) : "long";
    default:
      return "m" + g.prng.int(g.prng.oneIn(3) ? 200 : 20);
  }
}

function score(g: Generator): string {
  if (g.prng.oneIn(40)) return g.pick(WRONG_SCORES);
  return g.prng.oneIn(2) ? g.pick(SCORES) : String((g.prng.int(400) - 200) / 8);
}

function pairs(g: Generator, most: number): string[] {
  return Array.from({ length: 1 + g.prng.int(most) }, () => [score(g), member(g)]).flat();
}

function bound(g: Generator): string {
  const text = g.prng.oneIn(3) ? score(g) : g.pick(BOUNDS);
  // Servers before 8.0 accept space before a number.
  return g.has("8.0") ? text : text.trim();
}

function index(g: Generator): string {
  if (g.prng.oneIn(25)) return g.pick(["x", "", "9223372036854775807", "-9223372036854775808"]);
  return String(g.prng.int(30) - 15);
}

function limit(g: Generator): string[] {
  // Some negative offsets end a Redis 6.2.
  const offset = g.has("7.0") ? index(g) : String(g.prng.int(10));
  return g.prng.oneIn(3) ? [g.word("LIMIT"), offset, index(g)] : [];
}

function counted(g: Generator): string[] {
  const names = Array.from({ length: 1 + g.prng.int(3) }, () => key(g));
  const count = g.prng.oneIn(25) ? g.pick(["0", "-1", "9", "x"]) : String(names.length);
  return [count, ...names];
}

function weights(g: Generator, count: number): string[] {
  const words = Array.from({ length: count }, () => g.prng.oneIn(30) ? "x" : g.pick(SCORES));
  return [
    ...g.prng.oneIn(3) ? [g.word("WEIGHTS"), ...words] : [],
    ...g.prng.oneIn(3) ? [g.word("AGGREGATE"), g.word(g.pick(["SUM", "MIN", "MAX", "X"]))] : [],
  ];
}

function position(g: Generator): string[] {
  if (g.prng.oneIn(30)) return g.pick([["181", "0"], ["0", "86"], ["x", "0"], ["0", "inf"]]);
  // 6.0 does not find members beyond the date line and near the poles.
  const [points, wide, high] = g.has("7.0") ? [POINTS, 360, 170] : [POINTS.slice(0, 3), 120, 100];
  if (g.prng.oneIn(3)) return [...g.pick(points)];
  if (g.prng.oneIn(2)) return [(13 + g.prng.next()).toFixed(6), (38 + g.prng.next()).toFixed(6)];
  return [((g.prng.next() - 0.5) * wide).toFixed(5), ((g.prng.next() - 0.5) * high).toFixed(5)];
}

function geoKey(g: Generator): string {
  return g.prng.oneIn(20) ? key(g) : g.pick(GEO_KEYS);
}

function size(g: Generator): string {
  if (g.prng.oneIn(30)) return g.pick(["-1", "x", "0", ""]);
  // 6.0 does not find members far away.
  const far = g.has("7.0") ? [1000, 5000, 20000, 1e6, 3e7] : [];
  return String(g.pick([1, 10, 100, 500, ...far]) * (1 + g.prng.int(4)));
}

function unit(g: Generator): string {
  if (!g.has("7.0")) return g.pick(["m", "km", "ft", "mi"]);
  return g.prng.oneIn(30) ? g.pick(UNITS) : g.pick(["m", "km", "mi"]);
}

function geoOptions(g: Generator): string[] {
  const hasAny = g.has("6.2") && g.prng.oneIn(8);
  return g.shuffle([
    g.maybe("WITHDIST"),
    g.maybe("WITHHASH"),
    g.maybe("WITHCOORD"),
    // Without an order members are compared in any order; with one, those at equal distances are.
    [g.word(g.pick(["ASC", "DESC"]))],
    g.prng.oneIn(4) ? [g.word("COUNT"), index(g), ...hasAny ? [g.word("ANY")] : []] : [],
  ]);
}

function from(g: Generator): string[] {
  if (g.prng.oneIn(2)) return [g.word("FROMMEMBER"), "p" + g.prng.int(30)];
  return [g.word("FROMLONLAT"), ...position(g)];
}

function by(g: Generator): string[] {
  if (g.prng.oneIn(2)) return [g.word("BYRADIUS"), size(g), unit(g)];
  return [g.word("BYBOX"), size(g), size(g), unit(g)];
}

function scanOptions(g: Generator): string[] {
  return [
    ...g.prng.oneIn(4) ? [g.word("MATCH"), g.pick(["*", "m1*", "?", "[0-9]*"])] : [],
    ...g.prng.oneIn(4) ? [g.word("COUNT"), g.pick(["1", "10", "1000", "0", "x"])] : [],
  ];
}

/** Commands on sorted sets and on whole keys: weight, first version, maker. */
export const ZSET_MAKERS: readonly Maker[] = [
  [12, "6.0", (g) => ["ZADD", key(g), ...pairs(g, 4)]],
  [3, "6.0", (g) => ["ZADD", "big", ...pairs(g, 60)]],
  [6, "6.2", (g) => [
    "ZADD",
    key(g),
    ...g.shuffle(["NX", "XX", "GT", "LT", "CH"].map((word) => g.prng.oneIn(4) ? [word] : [])),
    ...pairs(g, 3),
  ]],
  [3, "6.0", (g) => ["ZADD", key(g), ...g.maybe("XX"), g.word("INCR"), ...pairs(g, 1)]],
  [4, "6.0", (g) => ["ZINCRBY", key(g), score(g), member(g)]],
  [6, "6.0", (g) => ["ZREM", key(g), member(g), member(g)]],
  [2, "6.0", (g) => ["ZCARD", key(g)]],
  [3, "6.0", (g) => ["ZSCORE", key(g), member(g)]],
  [2, "6.2", (g) => ["ZMSCORE", key(g), member(g), member(g)]],
  [3, "7.2", (g) => [g.pick(["ZRANK", "ZREVRANK"]), key(g), member(g), ...g.maybe("WITHSCORE")]],
  [2, "6.0", (g) => [g.pick(["ZRANK", "ZREVRANK"]), key(g), member(g)]],
  [3, "6.0", (g) => ["ZCOUNT", key(g), bound(g), bound(g)]],
  [3, "6.0", (g) => [
    g.pick(["ZRANGE", "ZREVRANGE"]),
    key(g),
    index(g),
    index(g),
    ...g.maybe("WITHSCORES"),
  ]],
  [4, "6.2", (g) => [
    "ZRANGE",
    key(g),
    ...g.prng.oneIn(2) ? [bound(g), bound(g), "BYSCORE"] : [index(g), index(g)],
    ...g.maybe("REV"),
    ...limit(g),
    ...g.maybe("WITHSCORES"),
  ]],
  [3, "6.2", (g) => [
    "ZRANGESTORE",
    key(g),
    key(g),
    ...g.prng.oneIn(2) ? [bound(g), bound(g), "BYSCORE"] : [index(g), index(g)],
    ...g.maybe("REV"),
    ...limit(g),
  ]],
  [4, "6.0", (g) => [
    g.pick(["ZRANGEBYSCORE", "ZREVRANGEBYSCORE"]),
    key(g),
    bound(g),
    bound(g),
    ...g.maybe("WITHSCORES"),
    ...limit(g),
  ]],
  [1, "6.0", (g) => ["ZREMRANGEBYRANK", key(g), index(g), index(g)]],
  [1, "6.0", (g) => ["ZREMRANGEBYSCORE", key(g), bound(g), bound(g)]],
  [3, "6.2", (g) => [g.pick(["ZPOPMIN", "ZPOPMAX"]), key(g), ...g.prng.oneIn(2) ? [index(g)] : []]],
  [2, "7.0", (g) => [
    "ZMPOP",
    ...counted(g),
    g.word(g.pick(["MIN", "MAX"])),
    ...g.prng.oneIn(2) ? [g.word("COUNT"), index(g)] : [],
  ]],
  [2, "6.0", (g) => ["ZSCAN", key(g), "0", ...scanOptions(g)]],
  [2, "6.2", (g) => [
    "ZRANDMEMBER",
    key(g),
    ...g.prng.oneIn(2) ? [index(g), ...g.maybe("WITHSCORES")] : [],
  ]],
  [4, "6.0", (g) => {
    const keys = counted(g);
    return [
      g.pick(["ZUNIONSTORE", "ZINTERSTORE"]),
      key(g),
      ...keys,
      ...weights(g, keys.length - 1),
    ];
  }],
  [4, "6.2", (g) => {
    const keys = counted(g);
    return [
      g.pick(["ZUNION", "ZINTER"]),
      ...keys,
      ...weights(g, keys.length - 1),
      ...g.maybe("WITHSCORES"),
    ];
  }],
  [2, "6.2", (g) => ["ZDIFF", ...counted(g), ...g.maybe("WITHSCORES")]],
  [1, "6.2", (g) => ["ZDIFFSTORE", key(g), ...counted(g)]],
  [2, "7.0", (g) => ["ZINTERCARD", ...counted(g), ...g.maybe("LIMIT", index(g))]],
  [1, "6.0", (g) => ["SET", g.pick(["str", key(g)]), "v"]],
  [1, "6.0", (g) => ["DEL", key(g)]],
  [1, "6.0", (g) => ["RENAME", key(g), key(g)]],
  [1, "6.2", (g) => ["COPY", key(g), key(g), ...g.maybe("REPLACE")]],
  [1, "6.0", (g) => ["EXPIRE", key(g), "100000"]],
  [2, "6.0", (g) => ["OBJECT", "ENCODING", key(g)]],
  [3, "6.0", (g) => ["SADD", g.pick(["set1", "set2"]), member(g), member(g), member(g)]],
];

/**
 * Bun computes sines with the C library, as servers do; V8 has its own. One sine in a thousand
 * differs in its last bit, which shows in a stored distance: on V8 distances are not stored.
 */
const STORES: readonly string[] = "Bun" in globalThis ? ["STORE", "STOREDIST"] : ["STORE"];

/** Commands on positions: weight, first version, maker. */
export const GEO_MAKERS: readonly Maker[] = [
  [8, "6.0", (g) => ["GEOADD", geoKey(g), ...position(g), "p" + g.prng.int(30)]],
  [4, "6.2", (g) => [
    "GEOADD",
    g.pick(GEO_KEYS),
    ...g.maybe("NX"),
    ...g.prng.oneIn(6) ? ["XX"] : [],
    ...g.maybe("CH"),
    ...position(g),
    "p" + g.prng.int(200),
    ...position(g),
    "p" + g.prng.int(200),
  ]],
  [3, "6.0", (g) => ["GEOPOS", geoKey(g), "p" + g.prng.int(30), "p" + g.prng.int(30)]],
  [3, "6.0", (g) => ["GEOHASH", geoKey(g), "p" + g.prng.int(30), "p" + g.prng.int(30)]],
  [4, "6.0", (g) => [
    "GEODIST",
    geoKey(g),
    "p" + g.prng.int(30),
    "p" + g.prng.int(30),
    ...g.prng.oneIn(2) ? [unit(g)] : [],
  ]],
  [4, "6.0", (g) => [
    g.pick(["GEORADIUS", "GEORADIUS_RO"]),
    geoKey(g),
    ...position(g),
    size(g),
    unit(g),
    ...geoOptions(g),
  ]],
  [4, "6.0", (g) => [
    g.pick(["GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO"]),
    geoKey(g),
    "p" + g.prng.int(30),
    size(g),
    unit(g),
    ...geoOptions(g),
    // 6.0 leaves the destination alone when the source is missing, so the two datasets would
    // differ.
    ...g.has("7.0") && g.prng.oneIn(5) ? [g.pick(STORES), g.pick(KEYS)] : [],
  ]],
  [6, "6.2", (g) => ["GEOSEARCH", geoKey(g), ...g.shuffle([from(g), by(g), geoOptions(g)])]],
  // As 6.0 with STORE, 6.2 leaves the destination alone when the source is missing.
  [3, "7.0", (g) => [
    "GEOSEARCHSTORE",
    g.pick([...KEYS, ...GEO_KEYS]),
    geoKey(g),
    ...g.shuffle([from(g), by(g), STORES.length > 1 ? g.maybe("STOREDIST") : []]),
  ]],
  [1, "6.0", (g) => ["DEL", g.pick(GEO_KEYS)]],
];

/** Where servers answer otherwise than 8.0. */
export const ZSET_DIFFERENCES: readonly Difference[] = [
  // 6.0 looks for the member even when the key is missing.
  {
    product: "redis",
    below: "7.0",
    fits: /^"georadiusbymember(_ro)?" .*-ERR could not decode requested zset member\r\n/is,
  },
  // 6.0 looks the key up before it reads the other arguments.
  { product: "redis", below: "7.0", fits: /^"(geo|z|bz).* (\*0|:0|_|\*-1|\$-1)\r\n-ERR/is },
  // Before 7.0 a count of 0 was answered before the key was looked up.
  { product: "redis", below: "7.0", fits: /^"zpop(min|max)" .* \*0\r\n-WRONGTYPE/is },
  // Before 7.0 any count was taken.
  { product: "redis", below: "7.0", fits: /^"zrandmember" .*-ERR value is out of range\r\n$/is },
  // Before 7.2 ZRANK had no WITHSCORE: a fourth argument was a wrong number of them.
  { product: "redis", below: "7.2", fits: /^"z(rev)?rank" .*-ERR wrong number .*\n-ERR syntax/is },
  { product: "valkey", from: "9.0", fits: /-ERR member .* does not exist\r\n-ERR could not dec/s },
];

function parse(bytes: Uint8Array): Reply {
  return readReply(bytes, 0, bytes.length)!.value;
}

/** A reply as text, with the elements of every array sorted. */
function unordered(reply: Reply): string {
  if (reply instanceof Uint8Array) return latin1(reply);
  if (Array.isArray(reply)) return `[${reply.map(unordered).sort().join(",")}]`;
  return String(reply);
}

/** A flat reply of member and score in turn, sorted by member. */
function byMember(reply: Reply): Reply {
  const flat = reply as Uint8Array[];
  const pairs = Array.from({ length: flat.length / 2 }, (_, i) => flat.slice(2 * i, 2 * i + 2));
  const name = (pair: Uint8Array[]) => latin1(pair[0]);
  return pairs.sort((a, b) => name(a) < name(b) ? -1 : 1).flat();
}

/**
 * Whether two replies are equal with their numbers as doubles: servers before 7.2 print 17 digits.
 */
function sameNumbers(theirs: Reply, ours: Reply): boolean {
  if (theirs instanceof Uint8Array && ours instanceof Uint8Array) {
    const [a, b] = [latin1(theirs), latin1(ours)];
    return a === b || (a !== "" && b !== "" && isNear(Number(a), Number(b)));
  }
  if (typeof theirs === "number" && typeof ours === "number") return isNear(theirs, ours);
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    return theirs.length === ours.length && theirs.every((item, i) => sameNumbers(item, ours[i]));
  }
  return Object.is(theirs, ours);
}

function isNear(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) < 1e-16;
}

/**
 * Whether two searches found the same: members at equal distances come in any order, and COUNT may
 * cut any of them.
 */
function isSameSearch(args: readonly string[], theirs: Reply, ours: Reply): boolean {
  if (unordered(theirs) === unordered(ours)) return true;
  if (!Array.isArray(theirs) || !Array.isArray(ours)) return false;
  const words = optionWords(args);
  if (!words.includes("COUNT") || theirs.length !== ours.length) return false;
  return !words.includes("WITHDIST") ||
    theirs.every((item, i) => sameNumbers(distanceOf(item), distanceOf(ours[i])));
}

function distanceOf(item: Reply): Reply {
  return Array.isArray(item) ? item[1] : item;
}

/** Replies that may differ in order, by chance or in digits. */
export const sameZset: Tolerance = (args, theirs, ours) => {
  const name = args[0].toUpperCase();
  if (theirs[0] === 0x2d || ours[0] === 0x2d) return false;
  const [their, our] = [parse(theirs), parse(ours)];
  if (name === "ZRANDMEMBER") {
    if (Array.isArray(their) && Array.isArray(our)) return their.length === our.length;
    return (their === null) === (our === null);
  }
  if (name === "ZSCAN" && Array.isArray(their) && Array.isArray(our)) {
    // A listpack is scanned whole whatever the cursor, a table from the cursor on: its order is its
    // own.
    if (args[2] !== "0") return true;
    const isDone = latin1(their[0] as Uint8Array) === "0" && latin1(our[0] as Uint8Array) === "0";
    return !isDone || sameNumbers(byMember(their[1]), byMember(our[1]));
  }
  if (name.startsWith("GEO") && isSameSearch(args, their, our)) return true;
  if (name === "SMEMBERS") return unordered(their) === unordered(our);
  if (name === "OBJECT") {
    // Before 7.2 sets had no listpacks.
    if (latin1(theirs).includes("hashtable") && latin1(ours).includes("listpack")) return true;
    return latin1(theirs).replace("ziplist", "listpack").replace("$7", "$8") === latin1(ours);
  }
  return sameNumbers(their, our);
};

/** The commands that read a value whole at the end of a run, by type. */
export const ZSET_READS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  zset: [["ZRANGE", "0", "-1", "WITHSCORES"]],
  set: [["SMEMBERS"]],
};

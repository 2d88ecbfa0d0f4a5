/**
 * Random commands on hashes for the oracle of `differential.ts`: small and large hashes, fields
 * that expire, and keys of other types.
 *
 * @module
 */

import { latin1 } from "../../../src/base/ascii.ts";
import type { EncodingLimits } from "../../../src/store/memory/settings.ts";
import { readReply, type Reply } from "../../support/resp.ts";
import { type ServerBinary, sinceRedis } from "../../support/servers.ts";
import { type Difference, type Family, optionWords, type Tolerance } from "../differential.ts";
import type { Generator, Maker } from "../generator.ts";

/** The two clocks read one command's time at most this far apart. */
const CLOCK_TOLERANCE_MS = 20_000;
const ERROR = 0x2d;

/** A field, often one of a few names, so that commands meet fields that exist. */
function field(g: Generator): string {
  switch (g.prng.int(12)) {
    case 0:
      return g.value();
    case 1:
      return g.prng.oneIn(20) ? "F".repeat(g.pick([63, 64, 65, 300])) : g.integer();
    case 2:
      return `f${g.prng.int(700)}`;
    default:
      return g.pick(["a", "b", "c", "1", "2", "-5", "300", "70000", "n", "x", ""]);
  }
}

function value(g: Generator): string {
  switch (g.prng.int(10)) {
    case 0:
      return g.value();
    case 1:
      return g.prng.oneIn(20) ? "v".repeat(g.pick([63, 64, 65, 127, 128, 5000])) : g.float();
    case 2:
    case 3:
      return g.integer();
    default:
      return g.pick(["a", "b", "7", "-1", "1.5", "10000", ""]);
  }
}

function fields(g: Generator): string[] {
  return Array.from({ length: 1 + g.prng.int(4) }, () => field(g));
}

function pairs(g: Generator): string[] {
  const many = g.prng.oneIn(150);
  // Just below and above 512 fields, the limit of a listpack.
  if (many) {
    const count = g.pick([20, 100, 505, 512, 513]);
    return Array.from({ length: count }, (_, i) => [`f${i}`, String(i)]).flat();
  }
  return Array.from({ length: 1 + g.prng.int(3) }, () => [field(g), value(g)]).flat();
}

/** `FIELDS numfields field ...`; one time in twenty the number is wrong. */
function list(g: Generator, each: (g: Generator) => string[] = (h) => [field(h)]): string[] {
  const items = Array.from({ length: 1 + g.prng.int(3) }, () => each(g));
  const count = g.prng.oneIn(20) ? g.integer() : String(items.length);
  const word = g.prng.oneIn(40) ? g.junk() : g.word("FIELDS");
  return [word, count, ...items.flat()];
}

function condition(g: Generator): string[] {
  const words = g.maybe(g.pick(["NX", "XX", "GT", "LT"]));
  return g.prng.oneIn(25) ? [...words, g.word(g.pick(["NX", "XX", "GT", "LT", "FOO"]))] : words;
}

/**
 * HEXPIRE or its kin with a time that is far away or has passed: no field may expire while a test
 * runs.
 */
function expire(g: Generator): string[] {
  const name = g.pick(["HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT"]);
  const scale = name.includes("P", 2) && name.startsWith("HP") ? 1 : 1000;
  const time = g.prng.oneIn(15)
    ? g.pick(["70368744177663", "70368744177664", "70368744177", "70368744178", "0", "-1"])
    : name.endsWith("AT")
    ? g.moment(scale, true)
    : g.ttl(scale);
  return [g.word(name), g.key(), time, ...around(g, condition(g), list(g))];
}

/** Options before the fields, or behind them, which Redis takes since 8.4. */
function around(g: Generator, options: string[], fields: string[]): string[] {
  return g.prng.oneIn(6) ? [...fields, ...options] : [...options, ...fields];
}

function setEx(g: Generator): string[] {
  const groups = [g.expiry(true, true), g.maybe(g.pick(["FNX", "FXX"]))];
  if (g.prng.oneIn(25)) groups.push([g.word(g.pick(["FNX", "FXX", "KEEPTTL", "PERSIST"]))]);
  return ["HSETEX", g.key(), ...around(g, g.shuffle(groups), list(g, (h) => [field(h), value(h)]))];
}

function scan(g: Generator): string[] {
  const options = g.shuffle([
    g.prng.oneIn(2) ? [g.word("MATCH"), g.pick(["*", "f*", "?", "[a-c]"])] : [],
    g.prng.oneIn(2) ? [g.word("COUNT"), g.pick(["1", "10", "100000", "0", "-1", "x"])] : [],
    g.has("7.4") && g.prng.oneIn(3) ? [g.word("NOVALUES")] : [],
  ]);
  return ["HSCAN", g.key(), g.pick(["0", "0", "0", "0", "x", "00"]), ...options];
}

/**
 * An increment; none for old servers that leaves an empty hash behind (infinite) or a ziplist (a
 * long sum).
 */
function increment(g: Generator): string {
  const text = g.float();
  return !g.has("7.0") && /inf|nan|e\+?\d\d/i.test(text) ? "1.5" : text;
}

function random(g: Generator): string[] {
  const count = g.prng.oneIn(4)
    ? g.pick(["x", "0", "9223372036854775807", "-9223372036854775808", "-4611686018427387905"])
    : String(g.prng.int(24) - 8);
  return ["HRANDFIELD", g.key(), count, ...g.maybe("WITHVALUES")];
}

/**
 * Commands that add, remove, read, and put other types under the same keys. The expiry of fields is
 * compared with Redis only: Valkey 9 reads conditions in any number and place, accepts later times,
 * and counts differently.
 */
export const HASH_MAKERS: readonly Maker[] = [
  [14, "5.0", (g) => [g.word("HSET"), g.key(), ...pairs(g)]],
  [3, "5.0", (g) => ["HMSET", g.key(), ...pairs(g)]],
  [3, "5.0", (g) => ["HSETNX", g.key(), field(g), value(g)]],
  [4, "5.0", (g) => ["HGET", g.key(), field(g)]],
  [4, "5.0", (g) => ["HMGET", g.key(), ...fields(g)]],
  [2, "5.0", (g) => ["HSTRLEN", g.key(), field(g)]],
  [2, "5.0", (g) => ["HEXISTS", g.key(), field(g)]],
  [3, "5.0", (g) => ["HLEN", g.key()]],
  [6, "5.0", (g) => [g.word("HDEL"), g.key(), ...fields(g)]],
  [4, "5.0", (g) => [g.pick(["HGETALL", "HKEYS", "HVALS"]), g.key()]],
  [5, "5.0", (g) => ["HINCRBY", g.key(), field(g), g.integer()]],
  [6, "5.0", (g) => ["HINCRBYFLOAT", g.key(), field(g), increment(g)]],
  [2, "6.2", (g) => ["HRANDFIELD", g.key()]],
  [4, "6.2", random],
  [4, "5.0", scan],
  [12, "7.4", expire],
  [4, "7.4", (g) => ["HPERSIST", g.key(), ...list(g)]],
  [8, "7.4", (g) => [
    g.word(g.pick(["HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME"])),
    g.key(),
    ...list(g),
  ]],
  [6, "8.0", (g) => ["HGETEX", g.key(), ...around(g, g.expiry(false, true), list(g))]],
  [6, "8.0", setEx],
  [4, "8.0", (g) => ["HGETDEL", g.key(), ...list(g)]],
  [4, "5.0", (g) => [g.word("OBJECT"), g.word("ENCODING"), g.key()]],
  [2, "5.0", (g) => ["SET", g.key(), g.value()]],
  [2, "5.0", (g) => ["DEL", g.key()]],
  [1, "5.0", (g) => ["TYPE", g.key()]],
  [2, "5.0", (g) => [g.pick(["RENAME", "RENAMENX"]), g.key(), g.key()]],
  [3, "6.2", (g) => ["COPY", g.key(), g.key(), ...g.maybe("REPLACE")]],
  [1, "5.0", (g) => ["EXPIRE", g.key(), g.ttl(1000)]],
  [1, "5.0", (g) => ["MOVE", g.key(), g.db()]],
  [1, "5.0", (g) => ["GET", g.key()]],
];

/** Where versions differ. */
const HASH_DIFFERENCES: readonly Difference[] = [
  // Before 7.0 any count was taken.
  { product: "redis", below: "7.0", fits: /^"hrandfield" .*-ERR value is out of range\r\n$/is },
];

function valueOf(bytes: Uint8Array): Reply {
  return readReply(bytes, 0, bytes.length)!.value;
}

/** The items of a reply as text, in groups of `width`, the groups sorted. */
function unordered(reply: Reply, width: number): string {
  if (!Array.isArray(reply)) return String(reply);
  const texts = reply.map(textOfReply);
  const groups: string[] = [];
  for (let i = 0; i < texts.length; i += width) {
    groups.push(JSON.stringify(texts.slice(i, i + width)));
  }
  return groups.sort().join();
}

function textOfReply(reply: Reply): string {
  if (reply instanceof Uint8Array) return latin1(reply);
  return Array.isArray(reply) ? JSON.stringify(reply.map(textOfReply)) : String(reply);
}

/**
 * The order of a table is its own: HGETALL, HKEYS and HVALS are equal when their sorted elements
 * are.
 */
const sameFields: Tolerance = (args, theirs, ours) => {
  if (theirs[0] === ERROR || ours[0] === ERROR || theirs[0] !== ours[0]) return false;
  const name = args[0].toUpperCase();
  if (!/^(HGETALL|HKEYS|HVALS)$/.test(name)) return false;
  return flat(theirs, name === "HGETALL" ? 2 : 1) === flat(ours, name === "HGETALL" ? 2 : 1);
};

/**
 * The bulk strings of a reply that nests nothing, in groups of `width`, sorted together with its
 * first line.
 */
function flat(bytes: Uint8Array, width: number): string {
  const text = latin1(bytes);
  const items: string[] = [];
  let at = text.indexOf("\r\n") + 2;
  while (at < text.length) {
    const end = text.indexOf("\r\n", at);
    const length = Number(text.slice(at + 1, end));
    items.push(text.slice(end + 2, end + 2 + length));
    at = end + 4 + length;
  }
  const groups: string[] = [text.slice(0, text.indexOf("\r\n"))];
  for (let i = 0; i < items.length; i += width) {
    groups.push(JSON.stringify(items.slice(i, i + width)));
  }
  return groups.sort().join();
}

/** HRANDFIELD draws by chance: replies are equal when they have as many elements. */
const sameDraw: Tolerance = (args, theirs, ours) => {
  if (!/^hrandfield$/i.test(args[0]) || theirs[0] === ERROR || theirs[0] !== ours[0]) return false;
  const [their, our] = [valueOf(theirs), valueOf(ours)];
  if (!Array.isArray(their) || !Array.isArray(our)) return (their === null) === (our === null);
  return their.length === our.length;
};

/**
 * HSCAN: replies that both end the scan hold the same fields in any order; others are not compared.
 */
const sameScan: Tolerance = (args, theirs, ours) => {
  if (!/^hscan$/i.test(args[0]) || theirs[0] === ERROR || ours[0] === ERROR) return false;
  const [their, our] = [valueOf(theirs), valueOf(ours)] as Reply[][];
  const bothDone = /^0+$/.test(args[2]) &&
    [their, our].every((reply) => textOfReply(reply[0]) === "0");
  const width = optionWords(args).includes("NOVALUES") ? 1 : 2;
  return !bothDone || unordered(their[1], width) === unordered(our[1], width);
};

/** Times come from two clocks: equal to within {@linkcode CLOCK_TOLERANCE_MS}. */
const sameTimes: Tolerance = (args, theirs, ours) => {
  const match = /^h(p?)(ttl|expiretime)$/i.exec(args[0]);
  if (match === null || theirs[0] === ERROR || ours[0] === ERROR) return false;
  const [their, our] = [valueOf(theirs), valueOf(ours)];
  if (!Array.isArray(their) || !Array.isArray(our) || their.length !== our.length) return false;
  const most = match[1] === "" ? CLOCK_TOLERANCE_MS / 1000 : CLOCK_TOLERANCE_MS;
  return their.every((item, i) => {
    const [a, b] = [Number(item), Number(our[i])];
    return a < 0 || b < 0 ? a === b : Math.abs(a - b) <= most;
  });
};

/** Before 7.0 a listpack was a ziplist and became a table by other rules. */
function sameEncoding(binary: ServerBinary): Tolerance {
  const isOld = !sinceRedis("7.0")(binary);
  return (args, theirs, ours) =>
    isOld && /^object$/i.test(args[0]) && /^encoding$/i.test(args[1] ?? "") &&
    /ziplist|hashtable/.test(latin1(theirs)) && /listpack|hashtable/.test(latin1(ours));
}

/**
 * The family of hash commands; `entries` and `longest` are the limits of a listpack, in fields and
 * in bytes.
 */
export function hashFamily(binary: ServerBinary, entries = 512, longest = 64): Family {
  const limits: Partial<EncodingLimits> = {
    hashMaxListpackEntries: entries,
    hashMaxListpackValue: longest,
  };
  const isDefault = entries === 512 && longest === 64;
  // The names that 6.0 knows, and every later one too.
  const parameters = [
    ...["--hash-max-ziplist-entries", String(entries)],
    ...["--hash-max-ziplist-value", String(longest)],
  ];
  // A hash that never becomes a table has a defined order, which is compared.
  const isOrdered = entries > 10_000;
  const tolerances = [sameDraw, sameScan, sameTimes, sameEncoding(binary)];
  if (!isOrdered) tolerances.push(sameFields);
  return {
    limits,
    parameters: isDefault ? [] : parameters,
    makers: HASH_MAKERS,
    differences: HASH_DIFFERENCES,
    same: (args, theirs, ours) => tolerances.some((same) => same(args, theirs, ours)),
    reads: { hash: [["HLEN"], ["HGETALL"], ["DEBUG", "DIGEST-VALUE"]] },
  };
}

/**
 * Random commands on sets for the oracle of `differential.ts`: integers of every width, few and
 * many members, and keys of other types.
 *
 * @module
 */

import { latin1 } from "../../../src/base/ascii.ts";
import type { EncodingLimits } from "../../../src/store/memory/settings.ts";
import { readReply, type Reply } from "../../support/resp.ts";
import type { Difference, Family, Tolerance } from "../differential.ts";
import type { Generator, Maker } from "../generator.ts";

/** One of a few keys, so that commands combine sets and meet other types. */
function key(g: Generator): string {
  return g.prng.oneIn(12) ? g.key() : g.pick(["s1", "s2", "s3", "s4"]);
}

function keys(g: Generator): string[] {
  return Array.from({ length: 1 + g.prng.int(4) }, () => key(g));
}

/** A member, often one of a few, so that sets have members in common. */
function member(g: Generator): string {
  switch (g.prng.int(24)) {
    case 0:
      return g.integer();
    case 1:
      return g.value();
    case 2:
      return "m".repeat(g.pick([63, 64, 65, 300]));
    case 3:
    case 4:
      return g.pick(["a", "b", "c", "", "a\0", "-0", "01"]);
    case 5:
      return String(g.prng.int(200_000) - 100_000);
    default:
      return String(g.prng.int(40));
  }
}

/**
 * A few members; one time in fifteen a run of numbers or words long enough to change the form of a
 * set.
 */
function members(g: Generator): string[] {
  const chance = g.prng.int(30);
  if (chance > 1) return Array.from({ length: 1 + g.prng.int(6) }, () => member(g));
  const count = g.pick([20, 100, 127, 128, 129, 200, 511, 512, 513]);
  const first = g.prng.int(100);
  const prefix = chance === 0 ? "" : "w";
  return Array.from({ length: count }, (_, i) => prefix + (first + i));
}

function scanOptions(g: Generator): string[] {
  const count = [g.word("COUNT"), g.prng.oneIn(5) ? g.integer() : g.pick(["1", "10", "1000"])];
  return g.shuffle([
    g.prng.oneIn(2) ? [g.word("MATCH"), g.pick(["*", "1*", "[a-c]", "?", ""])] : [],
    g.prng.oneIn(2) ? count : [],
  ]);
}

function counted(g: Generator): string[] {
  const all = keys(g);
  const count = g.prng.oneIn(12) ? g.integer() : String(all.length);
  const limit = g.prng.oneIn(5) ? g.integer() : g.pick(["0", "1", "5"]);
  return [count, ...all, ...(g.prng.oneIn(2) ? [g.word("LIMIT"), limit] : [])];
}

/**
 * Commands that add, remove and read; SPOP only where it draws none or all, since chance differs.
 */
const SET_MAKERS: readonly Maker[] = [
  [16, "5.0", (g) => [g.word("SADD"), key(g), ...members(g)]],
  [8, "5.0", (g) => ["SREM", key(g), ...members(g)]],
  [6, "5.0", (g) => ["SMOVE", key(g), key(g), member(g)]],
  [4, "5.0", (g) => ["SISMEMBER", key(g), member(g)]],
  [3, "6.2", (g) => ["SMISMEMBER", key(g), ...members(g).slice(0, 9)]],
  [3, "5.0", (g) => ["SCARD", key(g)]],
  [5, "5.0", (g) => ["SMEMBERS", key(g)]],
  [1, "5.0", (g) => ["SPOP", key(g), g.pick(["0", "100000", "-1", "x", "9223372036854775808"])]],
  [3, "5.0", (g) => [
    "SRANDMEMBER",
    key(g),
    ...g.pick([[], ["0"], ["3"], ["-5"], ["1000"], ["x"]]),
  ]],
  [1, "6.2", (g) => ["SRANDMEMBER", key(g), "-9223372036854775808"]],
  [4, "5.0", (g) => ["SSCAN", key(g), g.prng.oneIn(8) ? g.integer() : "0", ...scanOptions(g)]],
  [5, "5.0", (g) => [g.pick(["SINTER", "SUNION", "SDIFF"]), ...keys(g)]],
  [8, "5.0", (g) => [
    g.pick(["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE", "SDIFFSTORE"]),
    key(g),
    ...keys(g),
  ]],
  [4, "7.0", (g) => ["SINTERCARD", ...counted(g)]],
  [8, "5.0", (g) => ["OBJECT", "ENCODING", key(g)]],
  [8, "7.2", (g) => ["DUMP", key(g)]],
  [2, "5.0", (g) => ["ZADD", g.pick(["z1", "s4"]), "2", member(g), "3", member(g)]],
  [2, "6.2", (g) => [g.pick(["ZUNION", "ZINTER", "ZDIFF"]), "2", key(g), "z1", "WITHSCORES"]],
  [1, "5.0", (g) => ["SET", key(g), g.value()]],
  [4, "5.0", (g) => ["DEL", key(g)]],
  [2, "5.0", (g) => [g.pick(["RENAME", "RENAMENX"]), key(g), key(g)]],
  [3, "6.2", (g) => ["COPY", key(g), key(g), ...g.maybe("REPLACE")]],
  [1, "5.0", (g) => ["EXPIRE", key(g), g.ttl(1000)]],
  [1, "5.0", (g) => ["MOVE", key(g), g.db()]],
  [1, "5.0", (g) => ["TYPE", key(g)]],
];

const SET_DIFFERENCES: readonly Difference[] = [
  // 6.0 accepts -2^63 as a count, which has no positive counterpart.
  { product: "redis", below: "6.2", fits: /^"srandmember" .*-ERR value is out of range/is },
];

function parse(bytes: Uint8Array): Reply {
  return readReply(bytes, 0, bytes.length)!.value;
}

function sorted(reply: Reply): string {
  if (reply instanceof Uint8Array) return latin1(reply);
  if (Array.isArray(reply)) return `[${reply.map(sorted).sort().join(",")}]`;
  return String(reply);
}

/**
 * Compares only the type byte of two DUMP payloads, which tells the form: a table's members have no
 * order.
 */
function isSameDump(theirs: Reply, ours: Reply): boolean {
  if (!(theirs instanceof Uint8Array) || !(ours instanceof Uint8Array)) return false;
  return theirs[0] === ours[0];
}

/**
 * Replies that differ in order or by chance, and forms of sets of servers before 7.2, which had no
 * listpacks.
 */
function sameWith(listpacks: boolean): Tolerance {
  return (args, theirs, ours) => {
    if (theirs[0] === 0x2d || ours[0] === 0x2d) return false;
    const [their, our] = [parse(theirs), parse(ours)];
    const name = args[0].toUpperCase();
    if (name === "DUMP") return isSameDump(their, our);
    if (name === "OBJECT") {
      const old = /^\$(9\r\nhashtable|7\r\nziplist)/;
      return !listpacks && latin1(theirs).replace(old, "$8\r\nlistpack") === latin1(ours);
    }
    if (name === "SRANDMEMBER") {
      if (!Array.isArray(their) || !Array.isArray(our)) return (their === null) === (our === null);
      return their.length === our.length;
    }
    if (name === "SSCAN" && Array.isArray(their) && Array.isArray(our)) {
      // A cursor other than 0 means something to the table that gave it only.
      if (args[2] !== "0") return true;
      const isDone = [their, our].every((reply) => latin1(reply[0] as Uint8Array) === "0");
      return !isDone || sorted(their[1]) === sorted(our[1]);
    }
    const isSet = /^(smembers|sinter|sunion|sdiff|spop)$/i.test(args[0]);
    return isSet && sorted(their) === sorted(our) && theirs[0] === ours[0];
  };
}

/**
 * The family of set commands, on both sides with these limits; `listpacks` says that the server has
 * sets of them.
 */
export function setFamily(listpacks: boolean, limits: Partial<EncodingLimits> = {}): Family {
  const parameters: string[] = [];
  const { setMaxIntsetEntries, setMaxListpackEntries, setMaxListpackValue } = limits;
  const add = (name: string, value: number | undefined) => {
    if (value !== undefined) parameters.push(`--${name}`, String(value));
  };
  add("set-max-intset-entries", setMaxIntsetEntries);
  add("set-max-listpack-entries", setMaxListpackEntries);
  add("set-max-listpack-value", setMaxListpackValue);
  return {
    limits,
    parameters,
    makers: SET_MAKERS,
    differences: SET_DIFFERENCES,
    same: sameWith(listpacks),
    reads: {
      set: [["SMEMBERS"], ["SCARD"], ["DEBUG", "DIGEST-VALUE"]],
      zset: [["ZRANGE", "0", "-1", "WITHSCORES"]],
    },
  };
}

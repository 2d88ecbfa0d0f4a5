/**
 * Commands on lists: long and short ones, huge elements, other types in between.
 *
 * @module
 */

import type { Difference, Family, Tolerance } from "../differential.ts";
import type { Generator, Maker } from "../generator.ts";

/** Elements of which some come again and again, so that they are found. */
function element(g: Generator): string {
  switch (g.prng.int(12)) {
    case 0:
      return g.value();
    case 1:
      return g.bytes(g.pick([63, 64, 126, 127, 128, 300, 700]));
    case 2:
      return "long element ".repeat(20);
    case 3:
      return g.integer();
    case 4:
      // Around the longest element that a node of 8 KB takes, and far beyond.
      return g.prng.oneIn(12)
        ? "h".repeat(g.pick([3000, 4095, 4096, 8170, 8192, 8193, 20000]))
        : "";
    default:
      return g.pick(["a", "b", "c", "1", "2", "-5", "300", "70000"]);
  }
}

function elements(g: Generator): string[] {
  const most = g.prng.oneIn(10) ? 60 : 4;
  return Array.from({ length: 1 + g.prng.int(most) }, () => element(g));
}

/** Indexes in lists that are there, at their ends and far outside. */
function index(g: Generator): string {
  if (g.prng.oneIn(20)) return g.integer();
  if (g.prng.oneIn(3)) return g.pick(["0", "-1", "1", "-2", "2"]);
  return String(g.prng.int(160) - 80);
}

function side(g: Generator): string {
  return g.prng.oneIn(30) ? g.junk() : g.word(g.pick(["LEFT", "RIGHT"]));
}

/** Times that pass while one waits for them, or are refused. */
function timeout(g: Generator): string {
  // 6.0 rounds down, and what is 0 waits for ever.
  if (!g.has("7.0")) return g.pick(["x", "-1", "0.02", "0.02", "0.02"]);
  return g.prng.oneIn(6)
    ? g.pick(["x", "-1", "inf", "1e400", "", "-0.5", "9223372036854775807", "nan", "1e17"])
    : g.pick(["0.001", "0.0001", "1e-3", "1e-20", "0x.004"]);
}

function counted(g: Generator): string[] {
  const keys = g.keys(3);
  const count = g.prng.oneIn(12) ? g.integer() : String(keys.length);
  const more = g.prng.oneIn(2) ? [g.word("COUNT"), g.prng.oneIn(8) ? g.integer() : "2"] : [];
  return [count, ...keys, side(g), ...more];
}

function positionOptions(g: Generator): string[] {
  return g.shuffle([
    g.prng.oneIn(2)
      ? [g.word("RANK"), g.prng.oneIn(5) ? g.integer() : g.pick(["1", "-1", "2", "-3"])]
      : [],
    g.prng.oneIn(2)
      ? [g.word("COUNT"), g.prng.oneIn(5) ? g.integer() : g.pick(["0", "1", "2"])]
      : [],
    g.prng.oneIn(3)
      ? [g.word("MAXLEN"), g.prng.oneIn(5) ? g.integer() : g.pick(["0", "3", "50"])]
      : [],
  ]);
}

/** What grows, what shrinks, what looks; and what lets types clash. */
export const LIST_MAKERS: readonly Maker[] = [
  [10, "5.0", (g) => [g.word("RPUSH"), g.key(), ...elements(g)]],
  [8, "5.0", (g) => [g.word("LPUSH"), g.key(), ...elements(g)]],
  [3, "5.0", (g) => [g.pick(["LPUSHX", "RPUSHX"]), g.key(), ...elements(g)]],
  [4, "5.0", (g) => [g.pick(["LPOP", "RPOP"]), g.key()]],
  [4, "6.2", (g) => [g.pick(["LPOP", "RPOP"]), g.key(), index(g)]],
  [3, "5.0", (g) => ["LLEN", g.key()]],
  [5, "5.0", (g) => ["LRANGE", g.key(), index(g), index(g)]],
  [4, "5.0", (g) => ["LINDEX", g.key(), index(g)]],
  [8, "5.0", (g) => ["LSET", g.key(), index(g), element(g)]],
  [8, "5.0", (g) => [
    "LINSERT",
    g.key(),
    g.prng.oneIn(30) ? g.junk() : g.word(g.pick(["BEFORE", "AFTER"])),
    element(g),
    element(g),
  ]],
  [4, "5.0", (g) => ["LREM", g.key(), g.prng.oneIn(3) ? "0" : index(g), element(g)]],
  [3, "5.0", (g) => ["LTRIM", g.key(), g.pick(["0", "0", "1", "5", index(g)]), index(g)]],
  [6, "6.2", (g) => ["LPOS", g.key(), element(g), ...positionOptions(g)]],
  [6, "6.2", (g) => ["LMOVE", g.key(), g.key(), side(g), side(g)]],
  [4, "5.0", (g) => ["RPOPLPUSH", g.key(), g.key()]],
  [4, "7.0", (g) => ["LMPOP", ...counted(g)]],
  [1, "5.0", (g) => [g.pick(["BLPOP", "BRPOP"]), ...g.keys(3), timeout(g)]],
  [1, "6.2", (g) => ["BLMOVE", g.key(), g.key(), side(g), side(g), timeout(g)]],
  [1, "5.0", (g) => ["BRPOPLPUSH", g.key(), g.key(), timeout(g)]],
  [1, "7.0", (g) => ["BLMPOP", timeout(g), ...counted(g)]],
  [4, "5.0", (g) => [g.word("OBJECT"), g.word("ENCODING"), g.key()]],
  [2, "5.0", (g) => ["SET", g.key(), g.value()]],
  [1, "5.0", (g) => ["DEL", g.key()]],
  [1, "5.0", (g) => ["TYPE", g.key()]],
  [2, "5.0", (g) => [g.pick(["RENAME", "RENAMENX"]), g.key(), g.key()]],
  [3, "6.2", (g) => ["COPY", g.key(), g.key(), ...g.maybe("REPLACE")]],
  [1, "5.0", (g) => ["EXPIRE", g.key(), g.ttl(1000)]],
  [1, "5.0", (g) => ["MOVE", g.key(), g.db()]],
  [1, "5.0", (g) => ["GET", g.key()]],
];

/** Where versions differ. */
export const LIST_DIFFERENCES: readonly Difference[] = [
  // 7.0 takes any rank.
  { product: "redis", below: "7.2", fits: /^"lpos" .*value must between/is },
  // Before 7.0 a missing key was a null under RESP2, with a count too.
  { product: "redis", below: "7.0", fits: /^"[lr]pop" .* \$-1\r\n\*-1\r\n$/is },
  // Before 7.0 a count of 0 was answered as a missing key, before the key was looked up.
  {
    product: "redis",
    below: "7.0",
    fits: /^"[lr]pop" .* (_|\$-1|\*-1)\r\n(\*0\r\n$|-WRONGTYPE)/is,
  },
];

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 100));
}

/** One that waited in vain gets a null array, and what never waits a null. */
const timedOut: Tolerance = (args, theirs, ours) =>
  /^(blmove|brpoplpush)$/i.test(args[0]) && text(theirs) === "*-1\r\n" && text(ours) === "$-1\r\n";

/** Before 7.2 every list was a quicklist. */
const quicklistOnly: Tolerance = (args, theirs, ours) =>
  /^object$/i.test(args[0]) && /^encoding$/i.test(args[1] ?? "") &&
  text(theirs).includes("quicklist") && text(ours).includes("listpack");

/** Lists against the oracle, with `list-max-listpack-size` as given. */
export function listFamily(hasListpacks: boolean, fill = -2): Family {
  return {
    limits: { listMaxListpackSize: fill },
    parameters: fill === -2 ? [] : ["--list-max-listpack-size", String(fill)],
    makers: LIST_MAKERS,
    differences: LIST_DIFFERENCES,
    same: (args, theirs, ours) =>
      timedOut(args, theirs, ours) || (!hasListpacks && quicklistOnly(args, theirs, ours)),
    reads: { list: [["LLEN"], ["DEBUG", "DIGEST-VALUE"]] },
  };
}

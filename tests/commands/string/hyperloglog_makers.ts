/**
 * Commands on HyperLogLogs: sparse and dense ones, damaged ones, other types in between.
 *
 * @module
 */

import { latin1 } from "../../../src/base/ascii.ts";
import type { Difference, Family, Tolerance } from "../differential.ts";
import type { Generator, Maker } from "../generator.ts";

/** Few keys, so that they grow. */
function key(g: Generator): string {
  return g.prng.oneIn(30) ? g.key() : g.pick(["h1", "h2", "h3", "h4"]);
}

function element(g: Generator): string {
  return g.prng.oneIn(4) ? g.value() : g.bytes(g.prng.int(24));
}

function elements(g: Generator): string[] {
  const most = g.prng.oneIn(80) ? 250 : 6;
  return Array.from({ length: g.prng.int(most) }, () => element(g));
}

/** Strings that are nearly one. */
function forged(g: Generator): string {
  const head = "HYLL" + g.pick(["\x01", "\x01", "\x00", "\x02"]) + "\0\0\0";
  const card = g.pick([
    "\0\0\0\0\0\0\0\x80",
    "\x05\0\0\0\0\0\0\0",
    "\xff\xff\xff\xff\xff\xff\xff\x7f",
  ]);
  const body = g.pick([
    "\x7f\xff",
    "\x7f\xfe\x00",
    "\x40\x00\x7f\xfe",
    "\x80\x7f\xfe",
    "\xfc\x7f\xfe",
    "\x83\x87\x8b\x7f\xf3",
    "\x7f\xff\x00",
    // What goes on behind the last register was let through before.
    g.has("8.0") ? "\x7f\xff\x80" : "",
    "",
    "\x3f",
    "\x7f\xbf\x3f",
    "\x03".repeat(4096),
    "\x83".repeat(4096),
  ]);
  return head + card + body;
}

const MAKERS: readonly Maker[] = [
  [40, "", (g) => ["PFADD", key(g), ...elements(g)]],
  [14, "", (g) => ["PFCOUNT", key(g)]],
  [6, "", (g) => ["PFCOUNT", key(g), key(g), ...g.maybe("h3")]],
  [3, "", (g) => ["PFMERGE", key(g), key(g), ...(g.prng.oneIn(2) ? [key(g)] : [])]],
  [1, "", (g) => ["PFMERGE", key(g)]],
  [4, "", (g) => ["GET", key(g)]],
  [3, "", (g) => ["OBJECT", "ENCODING", key(g)]],
  [2, "", (g) => ["PFDEBUG", g.word("ENCODING"), key(g)]],
  [2, "", (g) => ["PFDEBUG", g.word("DECODE"), key(g)]],
  [
    1,
    "",
    (
      g,
    ) => [
      "PFDEBUG",
      g.word(g.pick(["TODENSE", "NONE", g.prng.oneIn(4) ? "GETREG" : "todense"])),
      key(g),
    ],
  ],
  [5, "", (g) => ["DEL", key(g)]],
  [6, "", (g) => ["SET", key(g), forged(g)]],
  [1, "", (g) => ["SET", key(g), g.value()]],
  [1, "", (g) => ["RPUSH", key(g), "x"]],
  [1, "", (g) => ["EXPIRE", key(g), "1000"]],
  [1, "", (g) => ["RENAME", key(g), key(g)]],
];

const DIFFERENCES: readonly Difference[] = [
  // Before 7.2 PFDEBUG took any number of arguments and looked the key up first.
  { product: "redis", below: "7.2", fits: /^"pfdebug" .*-ERR wrong number of arg/is },
];

/** Lists are in here as what is no string. */
const same: Tolerance = (args, theirs, ours) => {
  const both = latin1(theirs) + latin1(ours);
  return args[0] === "OBJECT" && both.includes("list");
};

/** HyperLogLogs against the oracle. */
export const hyperloglogFamily: Family = {
  makers: MAKERS,
  differences: DIFFERENCES,
  same,
  reads: { string: [["GET"]], list: [["LLEN"]] },
};

/**
 * SORT of lists, sets and sorted sets: by themselves, by keys and fields, into lists. Which comes first of
 * a list's elements that weigh the same is the sort's own affair, and compared; a table has no order.
 *
 * @module
 */

import { latin1 } from "../../../src/base/ascii.ts";
import { type ServerBinary, sinceRedis } from "../../support/servers.ts";
import { type Difference, type Family, optionWords, type Tolerance } from "../differential.ts";
import type { Generator, Maker } from "../generator.ts";

/** Few keys, so that types clash. */
function key(g: Generator): string {
  return g.pick(["l1", "l1", "l2", "z1", "z2", "t1", "t2", "out"]);
}

/** Keys that never hold what a table does. */
function isOrdered(key: string): boolean {
  return key === "l1" || key === "out";
}

/** Mostly small numbers: they are parts of keys, too. */
function element(g: Generator): string {
  switch (g.prng.int(30)) {
    case 0:
      return g.pick(["x", "a\0b", "a\0c", "abc", "long ".repeat(30)]);
    case 1:
      // Only 8.0 and its successors read these as we do.
      return g.dialect.product === "redis" && g.has("8.0")
        ? g.pick(["1\0a", " 2", "2 ", "", "inf", "0x10", "1e400", "-0", "\t3"])
        : g.pick(["1\0a", "2 ", "inf", "-0"]);
    case 2:
    case 3:
      return g.pick(["1.5", "-1e3", "10", "-7", "9007199254740993", "0.25"]);
    default:
      return String(g.prng.int(12));
  }
}

function elements(g: Generator): string[] {
  const most = g.prng.oneIn(20) ? 200 : 6;
  return Array.from({ length: 1 + g.prng.int(most) }, () => element(g));
}

/** Without what ends at a zero byte: such are equal, and then in the order of a hash. */
function members(g: Generator): string[] {
  return elements(g).filter((text) => !text.includes("\0")).concat("1");
}

function pattern(g: Generator): string {
  return g.pick([
    ...["w*", "w*", "h*->f", "h*->f", "h*->g", "*", "h*->", "w\0*", "w*\0->f", "w*x", "h*->f->g"],
    ...["#", "#\0", "nosort", "x->*", "", "l*", "#*", "**"],
  ]);
}

/** ALPHA with BY leaves equal weights in the order they had before, or the one that LIMIT makes of it. */
function options(g: Generator, source: string, mayStore: boolean, isMixed: boolean): string[] {
  // To Valkey 9 "" is no number: there a SORT into a list may fail where ours does not.
  const stores = mayStore && (isMixed || !g.has("valkey-9.0"));
  const by = g.prng.oneIn(2) && !(isMixed && stores && !isOrdered(source))
    ? [g.word("BY"), pattern(g)]
    : [];
  const isExact = by.length === 0 || !stores || isOrdered(source);
  const alpha = isExact && (g.prng.oneIn(3) || isMixed && stores) ? [g.word("ALPHA")] : [];
  const limit = ["0", "1", "3", "-1", "5", "1000"];
  return g.shuffle([
    by,
    alpha,
    g.prng.oneIn(3) ? [g.word("LIMIT"), g.pick(limit), g.pick(limit)] : [],
    g.prng.oneIn(2) ? [g.word(g.pick(["ASC", "DESC"]))] : [],
    g.prng.oneIn(3) ? [g.word("GET"), pattern(g)] : [],
    g.prng.oneIn(6) ? [g.word("GET"), pattern(g)] : [],
    stores ? [g.word("STORE"), g.pick(["out", "l2", "z2"])] : [],
  ]).flat();
}

/** Stores what is ordered by numbers. */
function storesByNumber(args: readonly string[]): boolean {
  const words = optionWords(args);
  const takes = ["BY", "GET", "STORE"];
  return words[0] === "SORT" && words.includes("STORE") &&
    !words.some((word, i) => word === "ALPHA" && !takes.includes(words[i - 1]));
}

function sorts(isMixed: boolean): readonly Maker[] {
  const sort = (g: Generator, name: string, source: string, mayStore: boolean) => {
    return [name, source, ...options(g, source, mayStore, isMixed)];
  };
  return [
    [20, "", (g) => sort(g, "SORT", key(g), false)],
    [10, "", (g) => sort(g, "SORT", key(g), true)],
    [10, "7.0", (g) => sort(g, "SORT_RO", key(g), g.prng.oneIn(20))],
    [3, "", (g) => ["SORT", key(g)]],
    [1, "", (g) => sort(g, "SORT", g.key(), false)],
  ];
}

const WRITES: readonly Maker[] = [
  [6, "", (g) => ["SADD", g.pick(["t1", "t2"]), ...members(g)]],
  [10, "", (g) => ["RPUSH", g.pick(["l1", "l2"]), ...elements(g)]],
  [
    10,
    "",
    (
      g,
    ) => [
      "ZADD",
      g.pick(["z1", "z2"]),
      ...members(g).flatMap((e) => [g.pick(["1", "2", "3"]), e]),
    ],
  ],
  [5, "", (g) => ["DEL", key(g)]],
  [3, "", () => ["LTRIM", "l1", "0", "5"]],
  [12, "", (g) => ["SET", `w${g.prng.int(12)}`, element(g)]],
  [3, "", (g) => ["DEL", `${g.pick(["h", "w"])}${g.prng.int(12)}`]],
  [12, "", (g) => ["HSET", `h${g.prng.int(12)}`, g.pick(["f", "g", "f->g"]), element(g)]],
  [2, "", (g) => ["SET", `h${g.prng.int(12)}`, element(g)]],
  [1, "", (g) => ["PEXPIRE", `w${g.prng.int(12)}`, "1"]],
  [3, "", (g) => ["LRANGE", g.pick(["out", "l2"]), "0", "-1"]],
  [2, "", (g) => ["OBJECT", "ENCODING", key(g)]],
];

const DIFFERENCES: readonly Difference[] = [
  { product: "valkey", from: "9.0", fits: /^"sort(?!.*"store").*-ERR One or more scores/is },
];

/**
 * Elements of a table that weigh the same have no order; before 7.2 every list is a quicklist, and sets of
 * words are tables.
 */
function sameWith(listpacks: boolean): Tolerance {
  return (args, theirs, ours) => {
    const words = optionWords(args);
    if (words[0] === "OBJECT") return !listpacks && /list|hashtable/.test(latin1(theirs));
    if (!/^SORT/.test(words[0]) || isOrdered(args[1])) return false;
    // To ALPHA alone texts are the same that go on differently behind a zero byte.
    const isEqual = words.includes("ALPHA") &&
      (words.includes("GET") || theirs.includes(0) || ours.includes(0));
    const isLoose = words.includes("BY") || isEqual;
    return isLoose && theirs[0] === ours[0] && theirs[0] === 0x2a;
  };
}

/** 6.0 adds up the two numbers of LIMIT without a look: it answers with an array of -1 elements, or dies. */
function limitsFar(args: readonly string[]): boolean {
  const at = optionWords(args).indexOf("LIMIT");
  return at > 0 && args.slice(at + 1, at + 3).some((arg) => Math.abs(Number(arg)) > 2 ** 31);
}

/**
 * Where elements are any texts, versions disagree about what is a number, and what a command before has
 * left in C's `errno` fails a SORT by numbers, too: among other families such a SORT stores nothing.
 */
const NUMBERS = /^"sort.*-ERR One or more scores/is;
const MIXED_DIFFERENCES: readonly Difference[] = [
  { product: "redis", fits: NUMBERS },
  { product: "valkey", fits: NUMBERS },
];

/** SORT against the oracle: alone, or mixed with other families. */
export function sortFamily(binary: ServerBinary, isMixed: boolean = false): Family {
  const isOld = !sinceRedis("7.0")(binary);
  return {
    makers: [...sorts(isMixed), ...WRITES],
    isBarred: (args) => isMixed && storesByNumber(args) || isOld && limitsFar(args),
    differences: isMixed ? [...DIFFERENCES, ...MIXED_DIFFERENCES] : DIFFERENCES,
    same: sameWith(sinceRedis("7.2")(binary)),
    reads: {
      list: [["LLEN"], ["DEBUG", "DIGEST-VALUE"]],
      zset: [["ZCARD"]],
      set: [["SCARD"]],
      hash: [["HLEN"]],
      string: [["GET"]],
    },
  };
}

/**
 * Commands on streams: few keys, few groups, ids that come again, nodes of few entries.
 *
 * @module
 */

import type { Family } from "./differential.ts";
import type { Generator, Maker } from "./generator.ts";

const MAX = "18446744073709551615";

/** Ids around those that are there. */
function id(g: Generator): string {
  switch (g.prng.int(14)) {
    case 0:
      return g.pick([
        "0-0",
        "0",
        "0-1",
        "-",
        "+",
        "$",
        ">",
        "",
        "x",
        "1-",
        "-1",
        "1-x",
        "01-1",
      ]);
    case 1:
      return g.prng.oneIn(20) ? g.pick([`${MAX}-${MAX}`, `${MAX}-0`, `5-${MAX}`]) : "3";
    case 2:
      return g.prng.oneIn(10)
        ? g.pick(["18446744073709551616-1", "1-18446744073709551616"])
        : "7-*";
    case 3:
      return String(g.prng.int(40));
    default:
      return `${g.prng.int(40)}-${g.prng.int(6)}`;
  }
}

function ids(g: Generator): string[] {
  return Array.from({ length: 1 + g.prng.int(3) }, () => id(g));
}

let clock = 0;

/** Mostly ascending, so that something is added. */
function newId(g: Generator): string {
  if (g.prng.oneIn(12)) return id(g);
  if (g.prng.oneIn(10)) return `${clock}-*`;
  if (g.prng.oneIn(3)) clock += g.prng.int(2);
  return `${clock % 100000}-${g.prng.oneIn(2) ? "*" : String(g.prng.int(2000))}`;
}

function fields(g: Generator): string[] {
  const count = g.prng.oneIn(20) ? 0 : 1 + g.prng.int(3);
  const all: string[] = [];
  for (let i = 0; i < count; i++) {
    const value = g.prng.oneIn(20) ? "v".repeat(g.prng.int(3000)) : g.value();
    all.push(g.pick(["f", "g", "1", "-70000", ""]), value);
  }
  if (g.prng.oneIn(30)) all.push("odd");
  return all;
}

function trim(g: Generator): string[] {
  const how = g.pick([[], [], ["="], ["~"]]);
  const limit = g.prng.oneIn(6) ? [g.word("LIMIT"), g.pick(["0", "1", "5", "100", "-1", "x"])] : [];
  return g.prng.oneIn(3)
    ? [g.word("MINID"), ...how, id(g), ...limit]
    : [g.word("MAXLEN"), ...how, g.pick(["0", "1", "3", "10", "20", "50", "-1", "x"]), ...limit];
}

function bound(g: Generator): string {
  const one = g.prng.oneIn(4) ? g.pick(["-", "+"]) : id(g);
  return g.prng.oneIn(6) ? `(${one}` : one;
}

function count(g: Generator): string[] {
  return g.prng.oneIn(2) ? [] : [g.word("COUNT"), g.pick(["1", "2", "5", "0", "-1", "x", "100"])];
}

function group(g: Generator): string {
  return g.pick(["g", "h", "none"]);
}

function consumer(g: Generator): string {
  return g.pick(["alice", "bob", "c"]);
}

function streams(g: Generator, isGroup: boolean): string[] {
  const keys = g.keys(2);
  const all = keys.map(() => isGroup && !g.prng.oneIn(3) ? ">" : id(g));
  if (g.prng.oneIn(20)) all.push("1");
  return [g.word("STREAMS"), ...keys, ...all];
}

function claimOptions(g: Generator): string[] {
  const all: string[] = [];
  if (g.prng.oneIn(3)) all.push(g.word("FORCE"));
  if (g.prng.oneIn(2)) all.push(g.word("JUSTID"));
  if (g.prng.oneIn(4)) all.push(g.word("RETRYCOUNT"), g.pick(["0", "5", "x", "-3"]));
  if (g.prng.oneIn(4)) all.push(g.word("TIME"), g.pick(["1000", "x", "-3"]));
  if (g.prng.oneIn(5)) all.push(g.word("LASTID"), id(g));
  if (g.prng.oneIn(40)) all.push("junk");
  return all;
}

type Make = (g: Generator) => string[];

const add: Make = (g) => {
  const none = g.has("6.2") && g.prng.oneIn(8) ? [g.word("NOMKSTREAM")] : [];
  const cut = g.prng.oneIn(6) ? trim(g) : [];
  return ["xadd", g.key(), ...none, ...cut, newId(g), ...fields(g)];
};

const MAKES: readonly Make[] = [
  add,
  add,
  add,
  add,
  add,
  add,
  (g) => ["xtrim", g.key(), ...trim(g)],
  (g) => ["xlen", g.key()],
  (g) => ["xrange", g.key(), bound(g), bound(g), ...count(g)],
  (g) => ["xrevrange", g.key(), bound(g), bound(g), ...count(g)],
  (g) => ["xdel", g.key(), ...ids(g)],
  (
    g,
  ) => [
    "xsetid",
    g.key(),
    id(g),
    ...(g.prng.oneIn(2) ? [] : ["ENTRIESADDED", g.pick(["0", "50", "-1"])]),
  ],
  (g) => ["xsetid", g.key(), id(g), "MAXDELETEDID", id(g)],
  (g) => ["xread", ...count(g), ...streams(g, false)],
  (
    g,
  ) => [
    "xreadgroup",
    "GROUP",
    group(g),
    consumer(g),
    ...count(g),
    ...(g.prng.oneIn(8) ? ["NOACK"] : []),
    ...streams(g, true),
  ],
  (g) => ["xreadgroup", "GROUP", group(g), consumer(g), ...count(g), "STREAMS", g.key(), ">"],
  (g) => ["xack", g.key(), group(g), ...ids(g)],
  (
    g,
  ) => [
    "xclaim",
    g.key(),
    group(g),
    consumer(g),
    g.pick(["0", "0", "100000", "x", "-1"]),
    ...ids(g),
    ...claimOptions(g),
  ],
  (
    g,
  ) => [
    "xautoclaim",
    g.key(),
    group(g),
    consumer(g),
    g.pick(["0", "100000"]),
    bound(g),
    ...count(g),
    ...(g.prng.oneIn(2) ? ["JUSTID"] : []),
  ],
  (g) => ["xpending", g.key(), group(g)],
  (
    g,
  ) => [
    "xgroup",
    g.word("CREATE"),
    g.key(),
    group(g),
    g.prng.oneIn(3) ? "$" : id(g),
    ...(g.prng.oneIn(2) ? ["MKSTREAM"] : []),
    ...(g.prng.oneIn(5) ? ["ENTRIESREAD", g.pick(["0", "3", "-1", "-2"])] : []),
  ],
  (
    g,
  ) => [
    "xgroup",
    "SETID",
    g.key(),
    group(g),
    g.prng.oneIn(3) ? "$" : id(g),
    ...(g.prng.oneIn(5) ? ["ENTRIESREAD", "3"] : []),
  ],
  (g) => g.prng.oneIn(8) ? ["xgroup", "DESTROY", g.key(), group(g)] : ["xlen", g.key()],
  (g) => ["xgroup", g.pick(["CREATECONSUMER", "DELCONSUMER"]), g.key(), group(g), consumer(g)],
  (g) => ["xinfo", "STREAM", g.key()],
  (g) => ["xinfo", "GROUPS", g.key()],
  (g) => ["xinfo", g.pick(["STREAM", "GROUPS", "CONSUMERS", "nope", "HELP"]), g.key()],
  (g) => g.prng.oneIn(10) ? ["del", g.key()] : ["object", "encoding", g.key()],
  (g) => g.prng.oneIn(4) ? ["copy", g.key(), g.key()] : ["type", g.key()],
  (g) => g.prng.oneIn(8) ? ["set", g.key(), "s"] : ["exists", g.key()],
];

const MAKERS: readonly Maker[] = MAKES.map((make) => [1, "5.0", make]);

/** What is asked. */
export const streamFamily: Family = {
  makers: MAKERS,
  reads: { stream: [["XLEN"], ["XINFO", "STREAM"], ["XINFO", "GROUPS"]] },
};

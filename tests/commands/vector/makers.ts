/**
 * Random commands on vector sets for the oracle of `differential.ts`: a few sets of every form, whose elements come
 * and go, attributes that are JSON or nearly, and filters that can be read or nearly.
 *
 * @module
 */

import { latin1 } from "../../../src/base/ascii.ts";
import { readReply, type Reply } from "../../support/resp.ts";
import { type Family, optionWords, type Tolerance } from "../differential.ts";
import type { Generator, Maker } from "../generator.ts";

/** Sets by name: how their vectors are given and held. */
const FORMS: Readonly<Record<string, { dim: number; options: string[]; reduce: string[] }>> = {
  q1: { dim: 3, options: [], reduce: [] },
  q2: { dim: 70, options: ["Q8"], reduce: [] },
  n1: { dim: 5, options: ["NOQUANT"], reduce: [] },
  n2: { dim: 41, options: ["NOQUANT", "M", "8"], reduce: ["REDUCE", "37"] },
  b1: { dim: 40, options: ["BIN"], reduce: [] },
  b2: { dim: 130, options: ["BIN", "EF", "20"], reduce: ["REDUCE", "66"] },
};
const KEYS: readonly string[] = Object.keys(FORMS);

function key(g: Generator): string {
  return g.prng.oneIn(15) ? g.key() : g.pick(KEYS);
}

function element(g: Generator): string {
  if (g.prng.oneIn(15)) return g.pick(["", "\0", "\xff\r\n", "e".repeat(300), g.value()]);
  return "e" + g.prng.int(40);
}

/** A number of a vector, none that overflows a float: servers hang and crash over those. */
function number(g: Generator): string {
  switch (g.prng.int(10)) {
    case 0:
      return "0";
    case 1:
      return g.pick(["1e10", "-1e-10", "0x10", "-0", "0.1", "3.14159265358979323846"]);
    default:
      return String((g.prng.int(2001) - 1000) / 64);
  }
}

/** A vector of so many dimensions, as numbers or as bytes. */
function vector(g: Generator, dim: number): string[] {
  if (g.prng.oneIn(3)) {
    const floats = Float32Array.from({ length: dim }, () => (g.prng.int(2001) - 1000) / 64);
    return [g.word("FP32"), latin1(new Uint8Array(floats.buffer))];
  }
  return [g.word("VALUES"), String(dim), ...Array.from({ length: dim }, () => number(g))];
}

function attribute(g: Generator): string {
  const fields = Array.from({ length: g.prng.int(4) }, () => {
    const space = g.pick(["", "", " ", "\n"]);
    return `${space}"${g.pick(["n", "s", "t", "a-b", "a_1"])}"${space}:${space}${json(g, 0)}`;
  });
  const text = `{${fields.join(",")}}`;
  if (!g.prng.oneIn(6)) return text;
  return g.pick(["", "x", "[1]", text.slice(1), text.slice(0, -1), text.replace(":", "")]);
}

function json(g: Generator, depth: number): string {
  switch (g.prng.int(depth > 2 ? 7 : 9)) {
    case 0:
      return g.pick(["true", "false", "null", "nullx", "tru"]);
    case 1:
      return g.pick(["1e2", "-5", "+5", ".5", "5.", "1e", "--1", "01", "0x1"]);
    case 2:
      return g.pick(['""', '"a"', '"b\\n"', '"\\u0061"', '"12"', '" 7"', '"\\"', '"0x10"']);
    case 7:
      return `[${Array.from({ length: g.prng.int(4) }, () => json(g, depth + 1)).join(",")}]`;
    case 8:
      return `{"n":${json(g, depth + 1)}}`;
    default:
      return String(g.prng.int(20));
  }
}

function filter(g: Generator, depth = 0): string {
  const operand = () => {
    if (depth < 3 && g.prng.oneIn(3)) return `(${filter(g, depth + 1)})`;
    return g.pick([
      ".n",
      ".s",
      ".t",
      ".a-b",
      ".a_1",
      ".none",
      "'a'",
      '"12"',
      "''",
      "null",
      "[1,2,'a']",
      "[]",
      "0",
      "-1",
      String(g.prng.int(20)),
      "1e2",
      ".5",
      "1.5",
    ]);
  };
  const operator = () => {
    return g.pick("== != < <= > >= + - * / % ** in and or && ||".split(" "));
  };
  const isNegated = g.prng.oneIn(8);
  const text = [isNegated ? g.pick(["not ", "!"]) : "", operand()];
  for (let more = g.prng.int(3); more > 0; more--) text.push(` ${operator()} `, operand());
  const whole = text.join("");
  if (depth > 0 || !g.prng.oneIn(10)) return whole;
  const at = g.prng.int(whole.length + 1);
  return whole.slice(0, at) + g.pick(["", " ", "(", ")", "'", "#", "=", "\\", "nul"]) +
    whole.slice(at + 1);
}

function add(g: Generator): string[] {
  const name = key(g);
  const { dim, options, reduce } = FORMS[name] ?? FORMS.q1;
  const wanted = g.prng.oneIn(20) ? FORMS[g.pick(KEYS)].options : options;
  const vectorDim = g.prng.oneIn(20) ? 1 + g.prng.int(9) : dim;
  return [
    g.word("VADD"),
    name,
    ...(g.prng.oneIn(30) ? [] : reduce),
    ...vector(g, vectorDim),
    element(g),
    ...g.shuffle([
      wanted,
      // Servers up to 8.6 forget to count the attribute of an element that CAS adds.
      g.prng.oneIn(3) ? [g.word("SETATTR"), attribute(g)] : g.maybe("CAS"),
    ]),
  ];
}

function search(g: Generator, extra: string[]): string[] {
  const name = key(g);
  const { dim } = FORMS[name] ?? FORMS.q1;
  const query = g.prng.oneIn(2) ? [g.word("ELE"), element(g)] : vector(g, dim);
  return [
    "VSIM",
    name,
    ...query,
    ...g.shuffle([
      [g.word("TRUTH")],
      ["WITHSCORES"],
      g.prng.oneIn(2) ? [g.word("COUNT"), g.pick(["1", "3", "200", "0", "x"])] : [],
      g.prng.oneIn(8) ? [g.word("EF"), g.pick(["1", "200", "0", "x"])] : [],
      g.prng.oneIn(8) ? ["FILTER-EF", g.pick(["1", "0", "x"])] : [],
      g.maybe("NOTHREAD"),
      extra,
    ]),
  ];
}

const BOUNDS = ["-", "+", "[e1", "(e1", "[e2", "(e39", "[", "(", "[\xff", "e1", ""];

const VECTOR_MAKERS: readonly Maker[] = [
  [30, "8.0", add],
  [6, "8.0", (g) => ["VREM", key(g), element(g)]],
  [6, "8.0", (g) => ["VSETATTR", key(g), element(g), attribute(g)]],
  [2, "8.0", (g) => ["VCARD", key(g)]],
  [1, "8.0", (g) => ["VDIM", key(g)]],
  [4, "8.0", (g) => ["VEMB", key(g), element(g), ...g.maybe("RAW")]],
  [3, "8.0", (g) => ["VGETATTR", key(g), element(g)]],
  [2, "8.0", (g) => ["VISMEMBER", key(g), element(g)]],
  [1, "8.0", (g) => ["VINFO", key(g)]],
  [2, "8.0", (g) => [
    "VRANDMEMBER",
    key(g),
    // A few different ones a server may look for without end, where its graph has parts.
    ...g.pick([[], ["0"], ["1"], ["-5"], ["1000"], ["x"]]),
  ]],
  [8, "8.0", (g) => search(g, [])],
  [12, "8.2", (g) => search(g, ["FILTER", filter(g), ...g.maybe("WITHATTRIBS")])],
  [3, "8.2", (g) => search(g, ["EPSILON", g.pick(["0.1", "0.5", "1", "0", "x"])])],
  [4, "8.4", (g) => [
    "VRANGE",
    key(g),
    g.pick(BOUNDS),
    g.pick(BOUNDS),
    ...g.pick([[], ["3"], ["0"], ["-1"], ["x"]]),
  ]],
  [1, "8.0", (g) => ["SADD", key(g), g.value()]],
  [2, "8.0", (g) => ["DEL", key(g)]],
  [1, "8.0", (g) => ["COPY", key(g), key(g), ...g.maybe("REPLACE")]],
  [1, "8.0", (g) => ["RENAMENX", key(g), key(g)]],
  [1, "8.0", (g) => ["TYPE", key(g)]],
  [1, "8.0", (g) => ["DEBUG", "DIGEST-VALUE", key(g)]],
];

/** Counts of VRANDMEMBER over which servers hang: many, or a few different ones where the graph has parts. */
function drawsLong([name, , count = "0"]: readonly string[]): boolean {
  const drawn = Number(count);
  if (name.toUpperCase() !== "VRANDMEMBER" || Number.isNaN(drawn)) return false;
  return drawn < -100 || (drawn > 1 && drawn < 1000);
}

/** Dimensions over which Redis 8.0 runs out of memory. */
function isEndless(args: readonly string[]): boolean {
  const at = optionWords(args).indexOf("VALUES");
  return at > 0 && Number(args[at + 1]) > 100_000;
}

/** What hangs on chance or on the process that answers. */
const CHANCE = /((?:max-level|vset-uid)\r\n:)\d+/g;

const sameVectors: Tolerance = (args, theirs, ours) => {
  if (theirs[0] === 0x2d || ours[0] === 0x2d) return false;
  const name = args[0].toUpperCase();
  const [their, our] = [theirs, ours].map((bytes) => latin1(bytes));
  if (name === "VINFO") return their.replace(CHANCE, "$1") === our.replace(CHANCE, "$1");
  if (name !== "VRANDMEMBER") return false;
  const [a, b] = [theirs, ours].map((bytes): Reply => readReply(bytes, 0, bytes.length)!.value);
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length;
  return (a === null) === (b === null);
};

/** Before 8.6 vectors are projected onto more dimensions than they have. */
function expands(args: readonly string[]): boolean {
  const [name, , reduce = "", to, form = "", given = ""] = args;
  if (name.toUpperCase() !== "VADD" || optionWords([reduce])[0] !== "REDUCE") return false;
  const isBlob = optionWords([form])[0] === "FP32";
  return Number(to) > (isBlob ? given.length / 4 : Number(given));
}

/** The family of commands on vector sets. */
export const vectorFamily: Family = {
  makers: VECTOR_MAKERS,
  isBarred: (args) => expands(args) || drawsLong(args) || isEndless(args),
  same: sameVectors,
  reads: {
    vectorset: [["VCARD"], ["VDIM"], ["DEBUG", "DIGEST-VALUE"]],
    set: [["SCARD"]],
  },
};

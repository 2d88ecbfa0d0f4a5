/**
 * Seeded random commands on strings, keys and expiries: mostly sound, some with an argument too many,
 * too few or out of place.
 *
 * @module
 */

import type { Prng } from "../../src/base/prng.ts";
import { atLeast } from "../support/servers.ts";

/** What the server at hand can do. */
export interface Dialect {
  /** Which of the two. */
  readonly product: "redis" | "valkey";
  /** As in "7.0.15". */
  readonly version: string;
}

/** Makes one command, as latin1 strings. */
export type Make = (g: Generator) => string[];
/** How often, from which version (`"6.0"`, `"valkey-9.0"`), what. */
export type Maker = readonly [weight: number, floor: string, make: Make];

const KEYS = ["a", "b", "c", "key:1", "key:2", "counter", "bits", "f", "", "\xff\x00\r\n", "{t}1"];
const INTEGERS = [
  "0",
  "1",
  "-1",
  "2",
  "7",
  "10",
  "-10",
  "100",
  "9999",
  "10000",
  "2147483647",
  "-2147483648",
  "4294967296",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "-9007199254740993",
  "9223372036854775807",
  "-9223372036854775808",
  "9223372036854775806",
  "-9223372036854775807",
];
const NO_INTEGERS = [
  "",
  "x",
  "01",
  "+1",
  "-0",
  " 1",
  "1 ",
  "1.0",
  "1e3",
  "9223372036854775808",
  "-9223372036854775809",
  "99999999999999999999",
];
const FLOATS = [
  "0.1",
  "-0.1",
  "3.0e3",
  "1e-5",
  "1.5",
  ".5",
  "5.",
  "0x1p3",
  "-0x.8",
  "1e17",
  "123456789.123456789",
  "-0.0",
  "1e-20",
  "5e-18",
  "4.99e-18",
  "1e300",
  "-1e300",
  "1e4000",
  "-1e4000",
  "1e-4940",
  "3.14159265358979323846264338327950288",
  "99999999999999999999.5",
  "0.30000000000000004",
];
const NO_FLOATS = [
  "inf",
  "-inf",
  "nan",
  "1e5000",
  "1e-5000",
  "1.2.3",
  "1e",
  "0x",
  "infinity",
  "--1",
];

/** Makes commands; one for each run. */
export class Generator {
  readonly prng: Prng;
  readonly dialect: Dialect;
  readonly #makers: Make[] = [];

  constructor(prng: Prng, dialect: Dialect, makers: readonly Maker[]) {
    this.prng = prng;
    this.dialect = dialect;
    for (const [weight, floor, make] of makers) {
      if (!this.has(floor)) continue;
      for (let i = 0; i < weight; i++) this.#makers.push(make);
    }
  }

  /** Whether the server is a Redis (or a Valkey that grew from one) of at least `floor`. */
  has(floor: string): boolean {
    if (floor.startsWith("valkey-")) {
      return this.dialect.product === "valkey" && atLeast(this.dialect.version, floor.slice(7));
    }
    const known = this.dialect.product === "valkey" ? "7.2.4" : this.dialect.version;
    return atLeast(known, floor);
  }

  /** The next command, as latin1 strings. */
  next(): string[] {
    for (;;) {
      const args = this.#damage(this.pick(this.#makers)(this));
      if (
        isHarmless(args, this.has("6.2")) && !drawsSome(args) && !passesSoon(args) &&
        !addsByClock(args) &&
        !countsFar(args) &&
        !blocksLong(args, this.has("7.2")) &&
        (this.has("7.2") || !isWideIndex(args)) &&
        (this.has("7.0") || !overflowsOldServers(args))
      ) return args;
    }
  }

  #damage(args: string[]): string[] {
    const chance = this.prng.int(40);
    const at = 1 + this.prng.int(Math.max(1, args.length - 1));
    if (chance === 0 && args.length > 1) args.splice(at, 1);
    else if (chance === 1) args.splice(at, 0, this.junk());
    else if (chance === 2 && args.length > 1) args[at] = this.junk();
    else if (chance === 3 && at > 1 && at < args.length && isCString(args, at)) {
      args[at] += "\0" + this.pick(["", "x", "1"]);
    }
    return args;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.prng.int(list.length)];
  }

  word(text: string): string {
    const chance = this.prng.int(4);
    if (chance === 0) return text.toLowerCase();
    if (chance > 1) return text;
    return [...text].map((letter) => this.prng.oneIn(2) ? letter.toLowerCase() : letter).join("");
  }

  maybe(...words: string[]): string[] {
    return this.prng.oneIn(3) ? words.map((word) => this.word(word)) : [];
  }

  key(): string {
    return this.pick(KEYS);
  }

  keys(most: number): string[] {
    return Array.from({ length: 1 + this.prng.int(most) }, () => this.key());
  }

  value(): string {
    switch (this.prng.int(8)) {
      case 0:
        return this.pick(INTEGERS);
      case 1:
        return this.pick(NO_INTEGERS);
      case 2:
        return this.pick(FLOATS);
      case 3:
        return String(this.prng.int(20000) - 5000);
      case 4:
        return this.bytes(this.pick([0, 1, 2, 20, 43, 44, 45, 63, 64, 65, 200]));
      case 5:
        return this.pick([
          "foobar",
          "ohmytext",
          "mynewtext",
          "\x00",
          "\xff\xff\xff",
          "\x00\x00\x0f",
        ]);
      default:
        return this.bytes(this.prng.int(12));
    }
  }

  bytes(length: number): string {
    let text = "";
    for (let i = 0; i < length; i++) {
      text += String.fromCharCode(this.pick([0, 255, this.prng.int(256)]));
    }
    return text;
  }

  integer(): string {
    if (this.prng.oneIn(12)) return this.pick(NO_INTEGERS);
    return this.prng.oneIn(2) ? this.pick(INTEGERS) : String(this.prng.int(200) - 100);
  }

  float(): string {
    if (this.prng.oneIn(15)) return this.pick(NO_FLOATS);
    if (this.prng.oneIn(4)) return this.pick(INTEGERS);
    if (this.prng.oneIn(2)) return this.pick(FLOATS);
    const size = this.prng.next() * 10 ** (this.prng.int(36) - 18);
    return (this.prng.oneIn(2) ? size : -size).toPrecision(1 + this.prng.int(21));
  }

  /** Positions within strings that are there, around them and far outside. */
  position(): string {
    if (this.prng.oneIn(15)) return this.pick(NO_INTEGERS);
    if (this.prng.oneIn(10)) return this.pick(INTEGERS);
    return String(this.prng.int(100) - 50);
  }

  /** A place to write to: near, or refused. */
  place(): string {
    if (this.prng.oneIn(15)) return this.pick(["-1", "4294967296", "536870912", "x", "", "-5"]);
    return String(this.prng.int(this.prng.oneIn(5) ? 2000 : 60));
  }

  /** Seconds or milliseconds from now, far enough that no run sees them pass; or past, or none. */
  ttl(scale: number): string {
    const chance = this.prng.int(20);
    if (chance === 0) return this.pick(["0", "-1", "-1000", "x", "1.5", "9223372036854775807"]);
    if (chance === 1) {
      // As milliseconds those are no overflow, and one a moment later could be the same moment.
      const most = scale === 1 ? "9223372036854775806" : "9223372036854775";
      return this.pick([most, "9223372036854776000", "-9223372036854775808"]);
    }
    return String(
      (100_000 + this.prng.int(1_000_000)) * (scale === 1 ? 1000 : 1) +
        (scale === 1 ? this.prng.int(1000) : 0),
    );
  }

  /** A moment: years from now; or long past when `past` allows it. */
  moment(scale: number, past: boolean): string {
    if (this.prng.oneIn(20)) return this.pick(["0", "-1", "x", "9223372036854775807"]);
    if (past && this.prng.oneIn(8)) return String(1 + this.prng.int(1_000_000_000));
    if (this.prng.oneIn(8)) return this.#farMoment(scale);
    const ms = 4_000_000_000_000 + this.prng.int(1_000_000_000);
    return String(scale === 1 ? ms : Math.floor(ms / 1000));
  }

  /** A moment beyond 2^53 ms, about which no number of JavaScript is exact. */
  #farMoment(scale: number): string {
    const bits = this.prng.between(53, 62);
    const ms = BigInt.asUintN(bits, BigInt(this.prng.uint32()) << 31n | BigInt(this.prng.uint32()));
    return String(((1n << BigInt(bits)) + ms) / BigInt(scale));
  }

  db(): string {
    return this.prng.oneIn(15)
      ? this.pick(["16", "-1", "x", "99999999999", ""])
      : String(this.prng.int(3));
  }

  junk(): string {
    // 6.0 does not know some of these words, and would not do what the others say.
    switch (this.prng.int(5) || (this.has("7.0") ? 0 : 4)) {
      case 0:
        return this.pick([
          "NX",
          "XX",
          "GET",
          "EX",
          "PX",
          "KEEPTTL",
          "GT",
          "REPLACE",
          "BIT",
          "PERSIST",
        ]);
      case 1:
        return this.pick(INTEGERS);
      case 2:
        return this.bytes(this.prng.int(6));
      case 3:
        return this.bytes(150);
      default:
        return this.pick(["foo", "", "*", "-1", "help"]);
    }
  }

  /** What SET, GETEX and MSETEX may say about expiry. */
  expiry(keepTtl: boolean, past: boolean): string[] {
    const at = this.has("6.2");
    switch (this.prng.int(7)) {
      case 0:
        return [this.word("EX"), this.ttl(1000)];
      case 1:
        return [this.word("PX"), this.ttl(1)];
      case 2:
        return at ? [this.word("EXAT"), this.moment(1000, past)] : [];
      case 3:
        return at ? [this.word("PXAT"), this.moment(1, past)] : [];
      case 4:
        return keepTtl ? [this.word("KEEPTTL")] : [this.word("PERSIST")];
      default:
        return [];
    }
  }

  flags(): string[] {
    if (!this.has("7.0")) return [];
    return [
      ...this.maybe(this.pick(["NX", "XX", "GT", "LT"])),
      ...this.prng.oneIn(8) ? this.maybe("XX") : [],
    ];
  }

  shuffle(groups: string[][]): string[] {
    for (let i = groups.length - 1; i > 0; i--) {
      const j = this.prng.int(i + 1);
      [groups[i], groups[j]] = [groups[j], groups[i]];
    }
    return groups.flat();
  }
}

/** No string or reply of hundreds of megabytes: positions and counts that would make one are left out. */
function isHarmless(args: string[], refusesMost: boolean): boolean {
  if (/^([sz]randmember|hrandfield)$/i.test(args[0])) {
    // The one number below -LONG_MAX is refused, since 6.2.
    const isMost = refusesMost && args[2] === "-9223372036854775808";
    return isMost || !(Number(args[2]) < -100_000);
  }
  if (!/^(setbit|setrange|bitfield)$/i.test(args[0])) return true;
  return !args.some((arg) => {
    const number = Number(arg.replace(/^#/, ""));
    return number > 100_000 && number < 2 ** 32 * 8 &&
      !(arg === "4294967296" || arg === "536870912");
  }) && !args.some((arg) => arg === "536870912" && /^(setbit|bitfield)$/i.test(args[0]));
}

/** A SPOP of some members and not all: which is chance, and then the two hold different sets. */
function drawsSome(args: string[]): boolean {
  if (!/^spop$/i.test(args[0]) || args.length < 2) return false;
  return args.length === 2 || (Number(args[2]) > 0 && Number(args[2]) < 100_000);
}

/** An id that is the moment at which it was given. */
/**
 * Whether a zero byte may end an argument: words are C strings. Of BITFIELD's types versions differ about
 * that, and behind a damaged counter servers read what is not theirs.
 */
function isCString(args: string[], at: number): boolean {
  return !/^bitfield/i.test(args[0]) && !args[at].startsWith("HYLL");
}

function addsByClock(args: string[]): boolean {
  return /^xadd$/i.test(args[0]) && args.some((arg) => /^\*(\0|$)/.test(arg));
}

/** A counter of a stream that no server comes to: ours end at 2^52. */
function countsFar(args: string[]): boolean {
  return /^x/i.test(args[0]) &&
    args.some((arg, i) =>
      i > 0 && /^(entriesadded|entriesread|retrycount|time)$/i.test(args[i - 1]) &&
      Math.abs(Number(arg)) >= 2 ** 52
    );
}

/** A command that would wait, for ever or for long; what runs over the end of int64 does before 7.2. */
function blocksLong(args: string[], refusesHuge: boolean): boolean {
  if (/^xread(group)?$/i.test(args[0])) {
    return args.some((arg, i) =>
      /^block$/i.test(arg) && !(Number(args[i + 1]) < 5 && args[i + 1] !== "0")
    );
  }
  if (!/^b(lpop|rpop|rpoplpush|lmove|lmpop|zpopmin|zpopmax|zmpop)$/i.test(args[0])) return false;
  const text = /mpop$/i.test(args[0]) ? args[1] : args[args.length - 1];
  const timeout = /^\+?inf/i.test(text) ? Infinity : Number(text);
  return timeout === 0 || (timeout >= 0.05 && (timeout < 1e17 || !refusesHuge));
}

/** An index that 7.2 and later cut to 32 bits, a count that 7.0 and later refuse. */
function isWideIndex(args: string[]): boolean {
  return /^(lset|lrem)$/i.test(args[0]) && Math.abs(Number(args[2])) > 2 ** 31;
}

/** A time that would pass during the run, and not at one moment for both. */
function passesSoon(args: string[]): boolean {
  const isSoon = (arg: string) => Number(arg) > 0 && Number(arg) < 90_000;
  if (/^(h?p?expire|p?setex)$/i.test(args[0]) && args.length > 2) return isSoon(args[2]);
  // What SET is told has passed long ago stays, or not, until some command meets it.
  const isPast = (arg: string) =>
    !/^(h?getex|hsetex)$/i.test(args[0]) && Number(arg) > 0 && Number(arg) < 3e9;
  return args.some((arg, i) =>
    i > 0 && (/^[ep]x$/i.test(args[i - 1]) && isSoon(arg) ||
      /^exat$/i.test(args[i - 1]) && isPast(arg) ||
      /^pxat$/i.test(args[i - 1]) && isPast(String(Number(arg) / 1000)))
  );
}

/** 6.0 lets times and decrements run over the end of int64, and cuts a database's number to 32 bits. */
function overflowsOldServers(args: string[]): boolean {
  // And this one ends it.
  if (/^setrange$/i.test(args[0])) return args.some((arg) => Number(arg) > 2 ** 40);
  if (/^decrby$/i.test(args[0])) return args.includes("-9223372036854775808");
  if (/^(select|move|swapdb)$/i.test(args[0])) {
    return args.some((arg) => Math.abs(Number(arg)) > 1e9);
  }
  if (!/^(set|setex|psetex|p?expire(at)?|getex)$/i.test(args[0])) return false;
  return args.slice(args[0].length === 3 ? 3 : 2).some((arg) => Math.abs(Number(arg)) > 1e14);
}

function pairs(g: Generator): string[] {
  return Array.from({ length: 1 + g.prng.int(3) }, () => [g.key(), g.value()]).flat();
}

function field(g: Generator): string {
  if (g.prng.oneIn(20)) return g.pick(["u64", "i65", "u0", "i", "8", "I8", ""]);
  return g.pick(["u", "i"]) +
    g.pick([1, 2, 5, 7, 8, 9, 16, 31, 32, 33, 53, 62, 63, g.prng.between(1, 63)]);
}

function fields(g: Generator, writes: boolean): string[] {
  const args: string[] = [];
  for (let i = g.prng.int(4); i >= 0; i--) {
    const offset = (g.prng.oneIn(4) ? "#" : "") + g.place();
    const type = g.prng.oneIn(12) ? "i64" : field(g);
    const kind = writes ? g.prng.int(4) : 0;
    if (kind === 1) args.push(g.word("SET"), type, offset, g.integer());
    else if (kind === 2) args.push(g.word("INCRBY"), type, offset, g.integer());
    else if (kind === 3) {
      args.push(g.word("OVERFLOW"), g.word(g.pick(["WRAP", "SAT", "FAIL", "SAT", "FAIL", "NO"])));
    } else args.push(g.word("GET"), type, offset);
  }
  return args;
}

function setArguments(g: Generator): string[] {
  const groups = [g.expiry(true, false), g.maybe(g.pick(["NX", "XX"]))];
  if (g.has("7.0")) groups.push(g.maybe("GET"));
  if (g.has("valkey-8.1") && g.prng.oneIn(4)) groups.push([g.word("IFEQ"), g.value()]);
  return ["SET", g.key(), g.value(), ...g.shuffle(groups)];
}

function rangeWithUnit(g: Generator): string[] {
  const unit = g.has("7.0") && g.prng.oneIn(2) ? [g.word(g.pick(["BIT", "BYTE"]))] : [];
  return [g.position(), g.position(), ...unit];
}

/** Weight, since when, and how. */
/** Strings, keys and expiries. */
export const STRING_MAKERS: readonly Maker[] = [
  [12, "5.0", (g) => ["SET", g.key(), g.value()]],
  [12, "6.0", setArguments],
  [8, "5.0", (g) => ["GET", g.key()]],
  [3, "5.0", (g) => ["SETNX", g.key(), g.value()]],
  [3, "5.0", (g) => ["SETEX", g.key(), g.ttl(1000), g.value()]],
  [3, "5.0", (g) => ["PSETEX", g.key(), g.ttl(1), g.value()]],
  [3, "5.0", (g) => ["GETSET", g.key(), g.value()]],
  [2, "6.2", (g) => ["GETDEL", g.key()]],
  [4, "6.2", (g) => ["GETEX", g.key(), ...g.expiry(false, true)]],
  [4, "5.0", (g) => [g.word("GETRANGE"), g.key(), g.position(), g.position()]],
  [1, "5.0", (g) => ["SUBSTR", g.key(), g.position(), g.position()]],
  [4, "5.0", (g) => ["SETRANGE", g.key(), g.place(), g.value()]],
  [3, "5.0", (g) => ["STRLEN", g.key()]],
  [5, "5.0", (g) => ["APPEND", g.key(), g.value()]],
  [5, "5.0", (g) => [g.word(g.pick(["INCR", "DECR"])), g.key()]],
  [5, "5.0", (g) => [g.word(g.pick(["INCRBY", "DECRBY"])), g.key(), g.integer()]],
  [8, "5.0", (g) => ["INCRBYFLOAT", g.key(), g.float()]],
  [4, "5.0", (g) => ["MGET", ...g.keys(4)]],
  [3, "5.0", (g) => ["MSET", ...pairs(g)]],
  [3, "5.0", (g) => ["MSETNX", ...pairs(g)]],
  [
    4,
    "7.0",
    (
      g,
    ) => [
      "LCS",
      g.key(),
      g.key(),
      ...g.shuffle([
        g.maybe("LEN"),
        g.maybe("IDX"),
        g.maybe("WITHMATCHLEN"),
        g.prng.oneIn(3) ? [g.word("MINMATCHLEN"), g.position()] : [],
      ]),
    ],
  ],
  [5, "5.0", (g) => ["SETBIT", g.key(), g.place(), g.pick(["0", "1", "1", "0", "2", "x"])]],
  [4, "5.0", (g) => ["GETBIT", g.key(), g.place()]],
  [4, "5.0", (g) => ["BITCOUNT", g.key(), ...g.prng.oneIn(2) ? rangeWithUnit(g) : []]],
  [
    5,
    "5.0",
    (
      g,
    ) => [
      "BITPOS",
      g.key(),
      g.pick(["0", "1"]),
      ...g.prng.oneIn(2) ? rangeWithUnit(g) : g.maybe(g.position()),
    ],
  ],
  [5, "5.0", (g) => ["BITOP", g.word(g.pick(["AND", "OR", "XOR", "NOT"])), g.key(), ...g.keys(3)]],
  [
    3,
    "8.2",
    (g) => ["BITOP", g.word(g.pick(["DIFF", "DIFF1", "ANDOR", "ONE"])), g.key(), ...g.keys(4)],
  ],
  [7, "5.0", (g) => ["BITFIELD", g.key(), ...fields(g, true)]],
  [3, "6.0", (g) => ["BITFIELD_RO", g.key(), ...fields(g, g.prng.oneIn(10))]],
  [5, "5.0", (g) => [g.word(g.pick(["DEL", "UNLINK"])), ...g.keys(2)]],
  [4, "5.0", (g) => [g.pick(["EXISTS", "TOUCH"]), ...g.keys(4)]],
  [3, "5.0", (g) => ["TYPE", g.key()]],
  [
    2,
    "5.0",
    (g) => ["KEYS", g.pick(["*", "?", "key:*", "[a-c]", "[^a]", "\\*", "*\xff*", "", "k[e-z]y:?"])],
  ],
  [3, "5.0", () => ["RANDOMKEY"]],
  [4, "5.0", (g) => [g.pick(["RENAME", "RENAMENX"]), g.key(), g.key()]],
  [
    5,
    "6.2",
    (
      g,
    ) => [
      "COPY",
      g.key(),
      g.key(),
      ...g.shuffle([g.prng.oneIn(2) ? [g.word("DB"), g.db()] : [], g.maybe("REPLACE")]),
    ],
  ],
  [3, "5.0", (g) => ["MOVE", g.key(), g.db()]],
  [1, "5.0", (g) => ["SWAPDB", g.db(), g.db()]],
  [
    1,
    "6.2",
    (g) =>
      g.prng.oneIn(20)
        ? [g.pick(["FLUSHDB", "FLUSHALL"]), ...g.maybe(g.pick(["SYNC", "ASYNC", "foo"]))]
        : ["DBSIZE"],
  ],
  [2, "5.0", () => ["DBSIZE"]],
  [3, "5.0", (g) => ["SELECT", String(g.prng.int(3))]],
  [4, "5.0", (g) => [g.word("OBJECT"), g.word("ENCODING"), g.key()]],
  [
    1,
    "5.0",
    (g) => ["OBJECT", g.word(g.pick(["REFCOUNT", "IDLETIME", "FREQ", "HELP", "foo"])), g.key()],
  ],
  [4, "5.0", (g) => [g.word("EXPIRE"), g.key(), g.ttl(1000), ...g.flags()]],
  [4, "5.0", (g) => [g.word("PEXPIRE"), g.key(), g.ttl(1), ...g.flags()]],
  [4, "5.0", (g) => ["EXPIREAT", g.key(), g.moment(1000, true), ...g.flags()]],
  [4, "5.0", (g) => ["PEXPIREAT", g.key(), g.moment(1, true), ...g.flags()]],
  [4, "5.0", (g) => [g.pick(["TTL", "PTTL"]), g.key()]],
  [4, "7.0", (g) => [g.pick(["EXPIRETIME", "PEXPIRETIME"]), g.key()]],
  [3, "5.0", (g) => ["PERSIST", g.key()]],
  [
    2,
    "5.0",
    (
      g,
    ) => [
      "SCAN",
      g.pick(["0", "0", "0", "x", "-1", "", "18446744073709551616", "+0", "00"]),
      ...g.shuffle([
        g.prng.oneIn(2) ? [g.word("MATCH"), g.pick(["*", "k*", "?"])] : [],
        g.prng.oneIn(2) ? [g.word("COUNT"), g.pick(["1", "10", "1000", "0", "-1", "x"])] : [],
        g.has("6.0") && g.prng.oneIn(3)
          ? [g.word("TYPE"), g.pick(["string", "STRING", "list", "zset"])]
          : [],
      ]),
    ],
  ],
  [
    1,
    "5.0",
    (
      g,
    ) => [
      g.pick(["nosuch", "\xff\x01", "get|x", "x".repeat(140), "a\r\nb", "a\0b"]),
      g.value(),
      ...g.keys(3),
    ],
  ],
  [2, "valkey-9", (g) => ["DELIFEQ", g.key(), g.value()]],
  [3, "valkey-9.1", (g) => {
    const list = pairs(g);
    const count = g.prng.oneIn(10) ? g.integer() : String(list.length / 2);
    return [
      "MSETEX",
      count,
      ...list,
      ...g.shuffle([g.expiry(true, false), g.maybe(g.pick(["NX", "XX"]))]),
    ];
  }],
];

/**
 * Commands on streams: few keys, few groups, ids that come again, nodes of few entries and of many.
 *
 * @module
 */

import type { Difference, Family, Tolerance } from "../differential.ts";
import type { Generator, Maker } from "../generator.ts";
import { atLeast, type ServerBinary, sinceRedis } from "../../support/servers.ts";
import { plain, readReply, type Reply } from "../../support/resp.ts";

const MAX = "18446744073709551615";
const NO_IDS = ["0-0", "0", "0-1", "-", "+", "$", ">", "", "x", "1-", "-1", "1-x", "01-1", "1-1-1"];

/** Ids around those that are there. */
function id(g: Generator): string {
  switch (g.prng.int(14)) {
    case 0:
      return g.pick(NO_IDS);
    case 1:
      return g.prng.oneIn(20) ? g.pick([`${MAX}-${MAX}`, `${MAX}-0`, `5-${MAX}`]) : "3";
    case 2:
      if (!g.prng.oneIn(10)) return g.has("7.0") ? "7-*" : "7-x";
      return g.pick(["18446744073709551616-1", "1-18446744073709551616"]);
    case 3:
      return String(g.prng.int(40));
    default:
      return `${g.prng.int(40)}-${g.prng.int(6)}`;
  }
}

function ids(g: Generator): string[] {
  return Array.from({ length: 1 + g.prng.int(3) }, () => id(g));
}

const clocks: WeakMap<Generator, number> = new WeakMap();

/** Mostly ascending, so that something is added. */
function newId(g: Generator): string {
  if (g.prng.oneIn(12)) return id(g);
  let clock = clocks.get(g) ?? 0;
  if (g.prng.oneIn(3)) clock += g.prng.int(2);
  clocks.set(g, clock);
  const sequence = String(g.prng.int(2000));
  return `${clock % 100000}-${g.has("7.0") && g.prng.oneIn(2) ? "*" : sequence}`;
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
  const limits = ["0", "1", "5", "100", "-1", "x"];
  const limit = g.has("6.2") && g.prng.oneIn(6) ? [g.word("LIMIT"), g.pick(limits)] : [];
  if (g.has("6.2") && g.prng.oneIn(3)) return [g.word("MINID"), ...how, id(g), ...limit];
  const lengths = ["0", "1", "3", "10", "20", "50", "150", "-1", "x"];
  return [g.word("MAXLEN"), ...how, g.pick(lengths), ...limit];
}

function bound(g: Generator): string {
  const one = g.prng.oneIn(4) ? g.pick(["-", "+"]) : id(g);
  return g.has("6.2") && g.prng.oneIn(6) ? `(${one}` : one;
}

function count(g: Generator): string[] {
  return g.prng.oneIn(2) ? [] : [g.word("COUNT"), g.pick(["1", "2", "5", "0", "-1", "x", "100"])];
}

/** A wait that is over at once, or is refused. */
function block(g: Generator): string[] {
  return g.prng.oneIn(12) ? [g.word("BLOCK"), g.pick(["1", "2", "-1", "x", "1.5"])] : [];
}

function group(g: Generator): string {
  return g.pick(["g", "g", "h", "none"]);
}

function consumer(g: Generator): string {
  return g.pick(["alice", "bob", "c"]);
}

function streams(g: Generator, isGroup: boolean): string[] {
  const keys = g.keys(2);
  const all = keys.map(() => isGroup && !g.prng.oneIn(3) ? ">" : id(g));
  // Until 7.4 no id of XREAD.
  if (!g.has("7.4")) { for (let i = 0; i < all.length; i++) if (all[i] === "+") all[i] = "1"; }
  if (g.prng.oneIn(20)) all.push("1");
  return [g.word("STREAMS"), ...keys, ...all];
}

function readGroup(g: Generator): string[] {
  const noAck = g.prng.oneIn(8) ? [g.word("NOACK")] : [];
  const options = [...count(g), ...block(g), ...noAck, ...streams(g, true)];
  return ["XREADGROUP", g.word("GROUP"), group(g), consumer(g), ...options];
}

function claim(g: Generator): string[] {
  const minIdle = g.pick(["0", "0", "100000", "x", "-1"]);
  const all = ["XCLAIM", g.key(), group(g), consumer(g), minIdle, ...ids(g)];
  if (g.prng.oneIn(3)) all.push(g.word("FORCE"));
  if (g.prng.oneIn(2)) all.push(g.word("JUSTID"));
  if (g.prng.oneIn(4)) all.push(g.word("RETRYCOUNT"), g.pick(["0", "5", "x", "-3"]));
  if (g.prng.oneIn(4)) all.push(g.word("TIME"), g.pick(["1000", "x", "-3"]));
  if (g.prng.oneIn(5)) all.push(g.word("IDLE"), g.pick(["500000", "x", "-3"]));
  if (g.prng.oneIn(5)) all.push(g.word("LASTID"), id(g));
  if (g.prng.oneIn(40)) all.push("junk");
  return all;
}

function autoclaim(g: Generator): string[] {
  const minIdle = g.pick(["0", "100000"]);
  const onlyIds = g.prng.oneIn(2) ? [g.word("JUSTID")] : [];
  return ["XAUTOCLAIM", g.key(), group(g), consumer(g), minIdle, bound(g), ...count(g), ...onlyIds];
}

function pending(g: Generator): string[] {
  const idle = g.has("6.2") && g.prng.oneIn(3)
    ? [g.word("IDLE"), g.pick(["0", "100000", "x", "-1"])]
    : [];
  const most = g.pick(["1", "3", "100", "0", "-1", "x"]);
  const whose = g.prng.oneIn(3) ? [consumer(g)] : [];
  return ["XPENDING", g.key(), group(g), ...idle, bound(g), bound(g), most, ...whose];
}

function create(g: Generator): string[] {
  const from = g.prng.oneIn(3) ? "$" : id(g);
  const make = g.prng.oneIn(2) ? [g.word("MKSTREAM")] : [];
  return [g.word("XGROUP"), g.word("CREATE"), g.key(), group(g), from, ...make, ...entriesRead(g)];
}

function entriesRead(g: Generator): string[] {
  if (!g.has("7.0") || !g.prng.oneIn(5)) return [];
  return [g.word("ENTRIESREAD"), g.pick(["0", "3", "-1", "-2", "x"])];
}

function setId(g: Generator): string[] {
  // Until 7.2 it may be before what was deleted.
  if (!g.has("7.2")) return ["XSETID", g.key(), `${41 + g.prng.int(100)}-0`];
  if (g.prng.oneIn(3)) return ["XSETID", g.key(), id(g)];
  const added = g.prng.oneIn(2) ? [g.word("ENTRIESADDED"), g.pick(["0", "50", "900", "-1"])] : [];
  const deleted = g.prng.oneIn(2) ? [g.word("MAXDELETEDID"), id(g)] : [];
  return ["XSETID", g.key(), id(g), ...added, ...deleted];
}

function describe(g: Generator): string[] {
  const name = g.prng.oneIn(20) ? "nope" : g.pick(["STREAM", "GROUPS"]);
  return ["XINFO", g.word(name), g.key()];
}

function describeWhole(g: Generator): string[] {
  return ["XINFO", g.word("STREAM"), g.key(), g.word("FULL"), ...count(g)];
}

/** What adds, what reads, what groups do; and what lets types clash. */
export const STREAM_MAKERS: readonly Maker[] = [
  [12, "5.0", (g) => ["XADD", g.key(), ...g.prng.oneIn(6) ? trim(g) : [], newId(g), ...fields(g)]],
  [1, "6.2", (g) => ["XADD", g.key(), g.word("NOMKSTREAM"), newId(g), ...fields(g)]],
  [2, "5.0", (g) => ["XTRIM", g.key(), ...trim(g)]],
  [1, "5.0", (g) => ["XLEN", g.key()]],
  [2, "5.0", (g) => ["XRANGE", g.key(), bound(g), bound(g), ...count(g)]],
  [2, "5.0", (g) => ["XREVRANGE", g.key(), bound(g), bound(g), ...count(g)]],
  [3, "5.0", (g) => ["XDEL", g.key(), ...ids(g)]],
  [2, "5.0", setId],
  [2, "5.0", (g) => ["XREAD", ...count(g), ...block(g), ...streams(g, false)]],
  [3, "5.0", readGroup],
  [3, "5.0", (g) => [
    "XREADGROUP",
    "GROUP",
    group(g),
    consumer(g),
    ...count(g),
    "STREAMS",
    g.key(),
    ">",
  ]],
  [2, "5.0", (g) => ["XACK", g.key(), group(g), ...ids(g)]],
  [3, "5.0", claim],
  // 6.2 claims entries that have been deleted, too, and does not tell of them.
  [3, "7.0", autoclaim],
  [1, "5.0", (g) => ["XPENDING", g.key(), group(g)]],
  [2, "5.0", pending],
  [3, "5.0", create],
  [1, "5.0", (g) => ["XGROUP", "SETID", g.key(), group(g), id(g), ...entriesRead(g)]],
  [1, "5.0", (g) => g.prng.oneIn(4) ? ["XGROUP", "DESTROY", g.key(), group(g)] : ["TYPE", g.key()]],
  // Which consumers there are is known from 7.2 on: see `withPending`.
  [1, "7.2", (g) => ["XGROUP", "CREATECONSUMER", g.key(), group(g), consumer(g)]],
  [1, "5.0", (g) => ["XGROUP", "DELCONSUMER", g.key(), group(g), consumer(g)]],
  [2, "5.0", describe],
  [1, "5.0", (g) => ["XINFO", "CONSUMERS", g.key(), group(g)]],
  [2, "6.0", describeWhole],
  [1, "8.0", (g) => [g.pick(["XINFO", "XGROUP"]), "HELP"]],
  [1, "5.0", (g) => g.prng.oneIn(3) ? ["DEL", g.key()] : ["OBJECT", "ENCODING", g.key()]],
  [1, "6.2", (g) => ["COPY", g.key(), g.key(), ...g.maybe("REPLACE")]],
  [1, "5.0", (g) => g.prng.oneIn(4) ? ["RENAME", g.key(), g.key()] : ["EXISTS", g.key()]],
  [1, "5.0", (g) => g.prng.oneIn(8) ? ["SET", g.key(), "s"] : ["EXPIRE", g.key(), g.ttl(1000)]],
];

/** Where versions differ. */
export const STREAM_DIFFERENCES: readonly Difference[] = [
  // Until 7.2 one text for both commands.
  { product: "redis", below: "7.2", fits: /-ERR Unbalanced XREAD list .*-ERR Unbalanced 'xread/s },
  // How much is too much is the machine's matter: they take memory for as many ids as may come.
  { product: "redis", fits: /^"xautoclaim" .*-ERR Insufficient memory, failed allocating/is },
  { product: "valkey", fits: /^"xautoclaim" .*-ERR Insufficient memory, failed allocating/is },
  // 6.0 counts XPENDING's words.
  { product: "redis", below: "6.2", fits: /^"xpending" .*-ERR syntax error\r\n\*/is },
  // Valkey does not know the `+` that is meant.
  // `+` is of Redis 7.4.
  {
    product: "redis",
    below: "7.4",
    fits: /-ERR Unbalanced 'xread' .*-ERR Unbalanced 'xread' .*'\+'/s,
  },
  { product: "valkey", fits: /-ERR Unbalanced 'xread' .*-ERR Unbalanced 'xread' .*'\+'/s },
  // Before 7.0 HELP took any number of words.
  { product: "redis", below: "7.0", fits: /^"x(info|group)" "help" .*-ERR wrong number/is },
  // 6.0 looks the key up before it reads the rest.
  { product: "redis", below: "6.2", fits: /^"x\w+" .* (:0|\*0|\*-1|\$-1|_)\r\n-ERR/is },
];

type Plain = null | string | number | boolean | Plain[] | Map<string, Plain>;

/** A description as a map, under either protocol. */
function described(reply: Plain): Map<string, Plain> {
  if (reply instanceof Map) return reply;
  const map = new Map<string, Plain>();
  if (Array.isArray(reply)) {
    for (let i = 0; i + 1 < reply.length; i += 2) map.set(String(reply[i]), reply[i + 1]);
  }
  return map;
}

/** Of a time only whether there is one. */
function isTime(value: Plain | undefined): Plain {
  return typeof value === "number" ? value >= 0 : value ?? null;
}

function rowsWithout(rows: Plain | undefined, column: number): Plain {
  if (!Array.isArray(rows)) return rows ?? null;
  return rows.map((row) =>
    Array.isArray(row) ? row.map((cell, i) => i === column ? isTime(cell) : cell) : row
  );
}

function each(rows: Plain | undefined, change: (map: Map<string, Plain>) => void): Plain {
  if (!Array.isArray(rows)) return rows ?? null;
  return rows.map((row) => {
    const map = new Map(described(row));
    change(map);
    return map;
  });
}

/** A claim in vain makes its consumer from 7.2 on: before, those are compared that have something. */
function withPending(consumers: Plain): Plain {
  if (!Array.isArray(consumers)) return null;
  return consumers.filter((map) =>
    map instanceof Map && map.get("pending") !== 0 && map.get("pel-count") !== 0
  );
}

function maskConsumer(map: Map<string, Plain>): void {
  for (const name of ["idle", "inactive", "seen-time", "active-time"]) {
    if (map.has(name)) map.set(name, isTime(map.get(name)));
  }
  if (map.has("pending")) map.set("pending", rowsWithout(map.get("pending"), 1));
}

function maskGroup(map: Map<string, Plain>): void {
  if (Array.isArray(map.get("pending"))) map.set("pending", rowsWithout(map.get("pending"), 2));
  if (Array.isArray(map.get("consumers"))) {
    map.set("consumers", each(map.get("consumers"), maskConsumer));
  }
}

/** A reply without the moments in it, which are two clocks'; and without idle consumers. */
function timeless(args: readonly string[], reply: Plain, hidesIdle: boolean): Plain {
  const hide = (consumers: Plain) => hidesIdle ? withPending(consumers) : consumers;
  const group = (map: Map<string, Plain>) => {
    maskGroup(map);
    const consumers = map.get("consumers") ?? null;
    if (hidesIdle || Array.isArray(consumers)) map.set("consumers", hide(consumers));
  };
  if (/^xpending$/i.test(args[0])) return args.length > 3 ? rowsWithout(reply, 2) : reply;
  if (/^consumers$/i.test(args[1])) return hide(each(reply, maskConsumer));
  if (/^groups$/i.test(args[1])) return each(reply, group);
  const map = new Map(described(reply));
  if (Array.isArray(map.get("groups"))) map.set("groups", each(map.get("groups"), group));
  return map;
}

function text(value: Plain): string {
  return JSON.stringify(value, (_, item) => item instanceof Map ? [...item] : item);
}

/** Whether a version may estimate what a name stands for as it does. */
type Unlike = (name: string, theirs: Plain, ours: Plain) => boolean;

/** Leaves in `ours` what `theirs` names: what older servers do not tell is not compared. */
function named(ours: Plain, theirs: Plain, unlike: Unlike): [Plain, Plain] {
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    if (ours.length !== theirs.length) return [ours, theirs];
    const both = ours.map((item, i) => named(item, theirs[i], unlike));
    return [both.map(([our]) => our), both.map(([, their]) => their)];
  }
  if (!(ours instanceof Map && theirs instanceof Map)) return [ours, theirs];
  const our = new Map<string, Plain>();
  const their = new Map<string, Plain>();
  for (const [name, value] of theirs) {
    if (unlike(name, value, ours.get(name) ?? null)) continue;
    const [a, b] = named(ours.get(name) ?? null, value, unlike);
    our.set(name, a);
    their.set(name, b);
  }
  return [our, their];
}

/** What is told of a stream, apart from times and from what a version does not tell or estimates otherwise. */
function sameDescription(unlike: Unlike, hidesIdle: boolean): Tolerance {
  return (args, theirs, ours) => {
    if (!/^(xinfo|xpending)$/i.test(args[0])) return false;
    if (theirs[0] === 0x2d || ours[0] === 0x2d) return false;
    const [their, our] = [theirs, ours].map((bytes) => {
      const { value } = readReply(bytes, 0, bytes.length) as { value: Reply };
      return timeless(args, plain(value) as Plain, hidesIdle);
    });
    const [ourNamed, theirNamed] = named(our, their, unlike);
    return text(ourNamed) === text(theirNamed);
  };
}

/**
 * What a group has read and has still to read where entries were deleted or trimmed ahead of it, is
 * estimated in other ways before 8.0 and by Valkey.
 */
const isEstimated: Unlike = (name) => name === "lag" || name === "entries-read";

/**
 * 6.2.0 to 6.2.5 count the bytes of a node without the entry that is added: there the number of entries alone
 * ends a node, so that approximate trimming finds the same ones.
 */
function nodesByEntries({ version }: ServerBinary): Partial<Family> {
  if (!atLeast(version, "6.2") || atLeast(version, "6.2.6")) return {};
  return { limits: { streamNodeMaxBytes: 0 }, parameters: ["--stream-node-max-bytes", "0"] };
}

/** Streams against the oracle. */
export function streamFamily(binary: ServerBinary): Family {
  const isExact = binary.product === "redis" && atLeast(binary.version, "8.0");
  return {
    makers: STREAM_MAKERS,
    differences: STREAM_DIFFERENCES,
    same: sameDescription(
      isExact ? () => false : isEstimated,
      !sinceRedis("7.2")(binary),
    ),
    ...nodesByEntries(binary),
    reads: { stream: [["XLEN"], ["XINFO", "STREAM"], ["XINFO", "GROUPS"]] },
  };
}

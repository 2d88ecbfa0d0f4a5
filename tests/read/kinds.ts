/**
 * Every typed read beside the command it stands for.
 *
 * @module
 */

import { KEYS } from "./dataset.ts";
import {
  bool,
  bools,
  coordinates,
  counted,
  int,
  type Kind,
  list,
  map,
  members,
  messages,
  missing,
  number,
  numbers,
  object,
  ofElement,
  ofElements,
  ofKey,
  ofKeys,
  pairsOf,
  rest,
  same,
  scored,
  type Shape,
  some,
  streams,
  text,
  toNumber,
  type Word,
} from "./kind.ts";
import { VECTOR_KINDS } from "./vector_kinds.ts";

const strings: Kind[] = [
  ofKey("GET", "string", (r, k) => r.get(k), same, "get"),
  ofKeys("MGET", "string", (r, k) => r.mget(k), list, "mGet"),
  ofKey("DIGEST", "string", (r, k) => r.digest(k), same, "digest"),
  ofKey("STRLEN", "string", (r, k) => r.strlen(k), same, "strLen"),
  {
    args: (d) => ["GETRANGE", d.key("string"), d.index(), d.index()],
    read: (r, a) => r.getrange(text(a[1]), int(a[2]), int(a[3])),
    shape: same,
    node: (c, a) => c.getRange(a[1], a[2], a[3]),
  },
  {
    args: (d) => ["GETBIT", d.key("string"), d.prng.int(3000)],
    read: (r, a) => r.getbit(text(a[1]), int(a[2])),
    shape: same,
    node: (c, a) => c.getBit(a[1], a[2]),
  },
  ofKey("BITCOUNT", "string", (r, k) => r.bitcount(k), same, "bitCount"),
  {
    args: (d) => ["BITCOUNT", d.key("string"), d.index(), d.index(), d.prng.pick(["BIT", "BYTE"])],
    read: (r, a) =>
      r.bitcount(text(a[1]), {
        start: int(a[2]),
        end: int(a[3]),
        unit: a[4] === "BIT" ? "bit" : "byte",
      }),
    shape: same,
    node: (c, a) => c.bitCount(a[1], { start: a[2], end: a[3], mode: a[4] }),
  },
  {
    args: (d) => ["BITPOS", d.key("string"), d.prng.int(2), d.index(), d.index()],
    read: (r, a) => r.bitpos(text(a[1]), int(a[2]) as 0 | 1, { start: int(a[3]), end: int(a[4]) }),
    shape: same,
    node: (c, a) => c.bitPos(a[1], a[2], a[3], a[4]),
  },
  {
    args: (d) => ["BITPOS", d.key("string"), d.prng.int(2)],
    read: (r, a) => r.bitpos(text(a[1]), int(a[2]) as 0 | 1),
    shape: same,
    node: (c, a) => c.bitPos(a[1], a[2]),
  },
  {
    args: (d) => ["BITFIELD_RO", d.key("string"), "GET", "i53", d.prng.int(500), "GET", "u7", "#3"],
    read: (r, a) =>
      r.bitfieldRo(text(a[1]), [
        { encoding: "i53", offset: int(a[4]) },
        { encoding: "u7", offset: "#3" },
      ]),
    shape: (reply) => (reply as unknown[]).map((one) => BigInt(one as number)),
  },
  {
    args: (d) => ["LCS", d.key("string"), d.key("string")],
    read: (r, a) => r.lcs(text(a[1]), text(a[2])),
    shape: same,
    node: (c, a) => c.lcs(a[1], a[2]),
  },
  {
    args: (d) => ["LCS", d.key("string"), d.key("string"), "LEN"],
    read: (r, a) => r.lcs(text(a[1]), text(a[2]), { give: "length" }),
    shape: same,
    node: (c, a) => c.lcsLen(a[1], a[2]),
  },
  ofKeys("PFCOUNT", "hll", (r, k) => r.pfcount(...k), same, "pfCount"),
];

const keys: Kind[] = [
  ofKeys("EXISTS", "hash", (r, k) => r.exists(...k), same, "exists"),
  ofKey("TYPE", "zset", (r, k) => r.type(k) ?? "none", same, "type"),
  ofKey("EXPIRETIME", "string", (r, k) => r.expiretime(k), same, "expireTime"),
  ofKey("PEXPIRETIME", "string", (r, k) => r.pexpiretime(k), same, "pExpireTime"),
  {
    args: (d) => ["OBJECT", "ENCODING", d.key(d.prng.pick(Object.keys(KEYS)))],
    read: (r, a) => r.object(text(a[2]))?.encoding,
    shape: same,
    node: (c, a) => c.objectEncoding(a[2]),
  },
  {
    args: (d) => ["SORT_RO", d.key("set"), "LIMIT", 1, 7, "DESC", "ALPHA"],
    read: (r, a) => r.sort(text(a[1]), { limit: { offset: 1, count: 7 }, desc: true, alpha: true }),
    shape: list,
    node: (c, a) =>
      c.sortRo(a[1], { LIMIT: { offset: 1, count: 7 }, DIRECTION: "DESC", ALPHA: true }),
  },
  {
    args: (d) => ["SORT_RO", d.key("list"), "BY", "w_*", "GET", "#", "GET", "w_*"],
    read: (r, a) => r.sort(text(a[1]), { by: "w_*", get: ["#", "w_*"] }),
    shape: list,
  },
];

const hashes: Kind[] = [
  ofElement("HGET", "hash", (r, k, f) => r.hget(k, f), same, "hGet"),
  ofElements("HMGET", "hash", (r, k, f) => r.hmget(k, f), list, "hmGet"),
  ofKey("HGETALL", "hash", (r, k) => r.hgetall(k), map, "hGetAll"),
  ofKey("HKEYS", "hash", (r, k) => r.hkeys(k), list, "hKeys"),
  ofKey("HVALS", "hash", (r, k) => r.hvals(k), list, "hVals"),
  ofKey("HLEN", "hash", (r, k) => r.hlen(k), same, "hLen"),
  ofElement("HEXISTS", "hash", (r, k, f) => r.hexists(k, f), bool, "hExists"),
  ofElement("HSTRLEN", "hash", (r, k, f) => r.hstrlen(k, f), same, "hStrLen"),
  ...(["HEXPIRETIME", "HPEXPIRETIME"] as const).map((command): Kind => ({
    args: (d) => {
      const fields = some(d);
      return [command, d.key("hash"), "FIELDS", fields.length, ...fields];
    },
    read: (r, a) =>
      command === "HEXPIRETIME"
        ? r.hexpiretime(text(a[1]), rest(a, 4))
        : r.hpexpiretime(text(a[1]), rest(a, 4)),
    shape: same,
    node: (c, a) => c[command === "HEXPIRETIME" ? "hExpireTime" : "hpExpireTime"](a[1], a.slice(4)),
  })),
];

const lists: Kind[] = [
  {
    args: (d) => ["LRANGE", d.key("list"), d.index(), d.index()],
    read: (r, a) => r.lrange(text(a[1]), int(a[2]), int(a[3])),
    shape: list,
    node: (c, a) => c.lRange(a[1], a[2], a[3]),
  },
  {
    args: (d) => ["LINDEX", d.key("list"), d.index()],
    read: (r, a) => r.lindex(text(a[1]), int(a[2])),
    shape: same,
    node: (c, a) => c.lIndex(a[1], a[2]),
  },
  ofKey("LLEN", "list", (r, k) => r.llen(k), same, "lLen"),
  ofElement("LPOS", "list", (r, k, e) => r.lpos(k, e), same, "lPos"),
  {
    args: (d) => ["LPOS", d.key("list"), d.element(), "RANK", -1, "COUNT", 2],
    read: (r, a) => r.lpos(text(a[1]), text(a[2]), { rank: -1, count: 2 }),
    shape: list,
    node: (c, a) => c.lPosCount(a[1], a[2], 2, { RANK: -1 }),
  },
];

const sets: Kind[] = [
  ofKey("SMEMBERS", "set", (r, k) => r.smembers(k), members, "sMembers"),
  ofKey("SCARD", "set", (r, k) => r.scard(k), same, "sCard"),
  {
    ...ofElement("SISMEMBER", "set", (r, k, m) => r.sismember(k, m), bool),
    node: (c, a) => c.sIsMember(a[1], a[2]),
  },
  {
    ...ofElements("SMISMEMBER", "set", (r, k, m) => r.smismember(k, m), bools),
    node: (c, a) => c.smIsMember(a[1], a.slice(2)),
  },
  ofKeys("SINTER", "set", (r, k) => r.sinter(k), members, "sInter", true),
  ofKeys("SUNION", "set", (r, k) => r.sunion(k), members, "sUnion", true),
  ofKeys("SDIFF", "set", (r, k) => r.sdiff(k), members, "sDiff", true),
  counted("SINTERCARD", "set", (r, k) => r.sintercard(k), same, "sInterCard"),
];

/** ZRANGE with options, in the command's words and in ours. */
function zrange(withScores: boolean, by: "score" | "lex" | undefined): Kind {
  return {
    args: (d) => {
      const lex = () => d.prng.pick(["-", "+", "[b", "(c", "[member:5", "(gg"]);
      const ends = by === undefined
        ? [d.index(), d.index()]
        : by === "score"
        ? [d.bound(), d.bound()]
        : [lex(), lex()];
      const words: Word[] = ["ZRANGE", d.key("zset"), ...ends];
      if (by !== undefined) words.push(by === "score" ? "BYSCORE" : "BYLEX");
      if (d.once(2)) words.push("REV");
      if (by !== undefined && d.once(2)) words.push("LIMIT", d.prng.int(5), d.prng.int(20) - 1);
      if (withScores) words.push("WITHSCORES");
      return words;
    },
    read: (r, a) => {
      const at = a.indexOf("LIMIT");
      const limit = at < 0 ? undefined : { offset: int(a[at + 1]), count: int(a[at + 2]) };
      const options = { by, rev: a.includes("REV"), limit, withScores } as {
        by: "score";
        withScores: true;
      };
      return r.zrange(text(a[1]), a[2] as number, a[3] as number, options);
    },
    shape: withScores ? scored : list,
    node: (c, a) => {
      const at = a.indexOf("LIMIT");
      const method = withScores ? "zRangeWithScores" : "zRange";
      const BY = by === undefined ? undefined : by === "score" ? "SCORE" : "LEX";
      const LIMIT = at < 0 ? undefined : { offset: a[at + 1], count: a[at + 2] };
      return c[method](a[1], a[2], a[3], { BY, REV: a.includes("REV"), LIMIT });
    },
  };
}

const sortedSets: Kind[] = [
  zrange(false, undefined),
  zrange(true, undefined),
  zrange(false, "score"),
  zrange(true, "score"),
  zrange(false, "lex"),
  ofElement("ZSCORE", "zset", (r, k, m) => r.zscore(k, m), number, "zScore"),
  ofElements("ZMSCORE", "zset", (r, k, m) => r.zmscore(k, m), numbers, "zmScore"),
  ofKey("ZCARD", "zset", (r, k) => r.zcard(k), same, "zCard"),
  ofElement("ZRANK", "zset", (r, k, m) => r.zrank(k, m), same, "zRank"),
  ofElement("ZREVRANK", "zset", (r, k, m) => r.zrank(k, m, { rev: true }), same, "zRevRank"),
  {
    args: (d) => ["ZRANK", d.key("zset"), d.element(), "WITHSCORE"],
    read: (r, a) => r.zrank(text(a[1]), text(a[2]), { withScore: true }),
    shape: (reply) => {
      const pair = reply as [number, unknown] | null;
      return pair === null ? undefined : { rank: pair[0], score: toNumber(pair[1]) };
    },
    // node-redis has NaN for an infinite score here.
  },
  {
    args: (d) => ["ZCOUNT", d.key("zset"), d.bound(), d.bound()],
    read: (r, a) => r.zcount(text(a[1]), a[2] as number, a[3] as number),
    shape: same,
    node: (c, a) => c.zCount(a[1], a[2], a[3]),
  },
  {
    args: (d) => ["ZLEXCOUNT", d.key("zset"), "[b", d.prng.pick(["+", "(g", "[z"])],
    read: (r, a) => r.zlexcount(text(a[1]), text(a[2]), text(a[3])),
    shape: same,
    node: (c, a) => c.zLexCount(a[1], a[2], a[3]),
  },
  counted("ZINTER", "zset", (r, k) => r.zinter(k), list, "zInter"),
  counted("ZUNION", "zset", (r, k) => r.zunion(k), list, "zUnion"),
  counted("ZDIFF", "zset", (r, k) => r.zdiff(k), list, "zDiff"),
  counted(
    "ZUNION",
    "zset",
    (r, k) => r.zunion(k, { aggregate: "max", withScores: true }),
    scored,
    undefined,
    ["AGGREGATE", "MAX", "WITHSCORES"],
  ),
  counted("ZINTERCARD", "zset", (r, k) => r.zintercard(k), same, "zInterCard"),
];

/** Corners of a polygon around Sicily. */
const CORNERS = [[12, 37], [14, 36.5], [16, 37], [15.5, 38.6], [12.5, 38.4]] as const;

const geo: Kind[] = [
  {
    args: (d) => {
      const corners = CORNERS.slice(0, 3 + d.prng.int(3));
      return [
        ...["GEOSEARCH", d.key("zset"), "BYPOLYGON", corners.length, ...corners.flat()],
        ...["ASC", "WITHDIST"],
      ];
    },
    read: (r, a) => {
      const polygon = CORNERS.slice(0, int(a[3])).map(([longitude, latitude]) => ({
        longitude,
        latitude,
      }));
      return r.geosearch(text(a[1]), undefined, { polygon }, { sort: "asc", with: ["distance"] });
    },
    shape: (reply) =>
      (reply as [string, string][]).map(([member, distance]) => ({
        member,
        distance: Number(distance),
      })),
  },
  ofElements("GEOPOS", "zset", (r, k, m) => r.geopos(k, m), coordinates),
  ofElements("GEOHASH", "zset", (r, k, m) => r.geohash(k, m), list, "geoHash"),
  {
    args: (d) => ["GEODIST", d.key("zset"), d.element(), d.element(), "km"],
    read: (r, a) => r.geodist(text(a[1]), text(a[2]), text(a[3]), "km"),
    shape: number,
    node: (c, a) => c.geoDist(a[1], a[2], a[3], "km"),
  },
  {
    args: (d) => {
      const radius = 10 + d.prng.int(200);
      return ["GEOSEARCH", "z:geo", "FROMLONLAT", 15, 37, "BYRADIUS", radius, "km", "ASC"];
    },
    read: (r, a) =>
      r.geosearch("z:geo", { longitude: 15, latitude: 37 }, { radius: int(a[6]), unit: "km" }, {
        sort: "asc",
      }),
    shape: list,
    node: (c, a) =>
      c.geoSearch("z:geo", { longitude: 15, latitude: 37 }, { radius: a[6], unit: "km" }, {
        SORT: "ASC",
      }),
  },
  {
    args: (d) => {
      const size = 10 + d.prng.int(200);
      return [
        ...["GEOSEARCH", d.key("zset"), "FROMMEMBER", "Palermo", "BYBOX", size, size, "km"],
        ...["DESC", "COUNT", 5, "WITHDIST", "WITHHASH", "WITHCOORD"],
      ];
    },
    read: (r, a) =>
      r.geosearch(text(a[1]), "Palermo", { width: int(a[5]), height: int(a[6]), unit: "km" }, {
        sort: "desc",
        count: 5,
        with: ["distance", "hash", "coordinates"],
      }),
    shape: (reply) =>
      (reply as [string, string, number, [unknown, unknown]][]).map((
        [member, distance, hash, [longitude, latitude]],
      ) => ({
        member,
        distance: Number(distance),
        hash: Number(hash),
        coordinates: { longitude: toNumber(longitude), latitude: toNumber(latitude) },
      })),
  },
];

/** What both forms of XINFO STREAM begin with. */
function counters(fields: Record<string, unknown>): Record<string, unknown> {
  return {
    length: fields["length"],
    radixTreeKeys: fields["radix-tree-keys"],
    radixTreeNodes: fields["radix-tree-nodes"],
    lastGeneratedId: fields["last-generated-id"],
    maxDeletedEntryId: fields["max-deleted-entry-id"],
    entriesAdded: fields["entries-added"],
    recordedFirstEntryId: fields["recorded-first-entry-id"],
    producers: fields["idmp-duration"] === undefined ? undefined : {
      durationSeconds: fields["idmp-duration"],
      maxSize: fields["idmp-maxsize"],
      pidsTracked: fields["pids-tracked"],
      iidsTracked: fields["iids-tracked"],
      iidsAdded: fields["iids-added"],
      iidsDuplicates: fields["iids-duplicates"],
    },
  };
}

const edge: Shape = (reply) => reply === null ? undefined : (messages([reply]) as unknown[])[0];

const streamInfo: Shape = (reply) => {
  if (typeof reply === "string") return reply;
  const fields = object(pairsOf(reply));
  return {
    ...counters(fields),
    groups: fields["groups"],
    firstEntry: edge(fields["first-entry"]),
    lastEntry: edge(fields["last-entry"]),
  };
};

const fullInfo: Shape = (reply) => {
  if (typeof reply === "string") return reply;
  const fields = object(pairsOf(reply));
  const groups = (fields["groups"] as unknown[]).map((row) => object(pairsOf(row)));
  return {
    ...counters(fields),
    entries: messages(fields["entries"]),
    groups: groups.map((group) => ({
      name: group["name"],
      lastDeliveredId: group["last-delivered-id"],
      entriesRead: missing(group["entries-read"]),
      lag: missing(group["lag"]),
      pelCount: group["pel-count"],
      pending: (group["pending"] as unknown[][]).map(([id, consumer, time, times]) => ({
        id,
        consumer,
        deliveryTime: time,
        deliveriesCounter: times,
      })),
      consumers: (group["consumers"] as unknown[]).map((row) => {
        const consumer = object(pairsOf(row));
        return {
          name: consumer["name"],
          seenTime: consumer["seen-time"],
          activeTime: consumer["active-time"],
          pelCount: consumer["pel-count"],
          pending: (consumer["pending"] as unknown[][]).map(([id, time, times]) => ({
            id,
            deliveryTime: time,
            deliveriesCounter: times,
          })),
        };
      }),
    })),
  };
};

const streamKinds: Kind[] = [
  ...[undefined, 0, 3].map((count): Kind => ({
    args: (d) => [
      ...["XINFO", "STREAM", d.key("stream"), "FULL"],
      ...(count === undefined ? [] : ["COUNT", count]),
    ],
    read: (r, a) => r.xinfoStream(text(a[2]), { full: true, count }) ?? "ERR no such key",
    shape: fullInfo,
  })),
  {
    args: (d) => ["XINFO", "STREAM", d.key("stream")],
    read: (r, a) => r.xinfoStream(text(a[2])) ?? "ERR no such key",
    shape: streamInfo,
  },
  ofKey("XLEN", "stream", (r, k) => r.xlen(k), same, "xLen"),
  {
    args: (d) => {
      const id = () => d.prng.pick(["-", "+", "5", "(5-1", `${d.prng.int(1000)}-0`]);
      return ["XRANGE", d.key("stream"), id(), id(), "COUNT", 1 + d.prng.int(30)];
    },
    read: (r, a) => r.xrange(text(a[1]), text(a[2]), text(a[3]), { count: int(a[5]) }),
    shape: messages,
    node: (c, a) => c.xRange(a[1], a[2], a[3], { COUNT: a[5] }),
  },
  {
    args: (d) => ["XREVRANGE", d.key("stream"), "+", `${d.prng.int(900)}-0`, "COUNT", 10],
    read: (r, a) => r.xrange(text(a[1]), text(a[3]), "+", { count: 10, rev: true }),
    shape: messages,
    node: (c, a) => c.xRevRange(a[1], a[2], a[3], { COUNT: a[5] }),
  },
  {
    args: (d) => ["XREAD", "COUNT", 3, "STREAMS", d.key("stream"), "x:one", "5-1", "0"],
    read: (r, a) =>
      r.xread([{ key: text(a[4]), id: "5-1" }, { key: text(a[5]), id: "0" }], { count: 3 }),
    shape: streams,
  },
  {
    args: (d) => ["XPENDING", d.key("stream"), "g1"],
    read: (r, a) => r.xpending(text(a[1]), "g1"),
    shape: (reply) => {
      const [pending, firstId, lastId, rows] = reply as [number, unknown, unknown, unknown];
      return {
        pending,
        firstId: missing(firstId),
        lastId: missing(lastId),
        consumers: ((rows ?? []) as [string, string][]).map(([name, count]) => ({
          name,
          pending: Number(count),
        })),
      };
    },
  },
  {
    args: (d) => ["XINFO", "GROUPS", d.key("stream")],
    read: (r, a) => r.xinfoGroups(text(a[2])) ?? "ERR no such key",
    shape: (reply) =>
      typeof reply === "string" ? reply : (reply as unknown[]).map((row) => {
        const fields = object(pairsOf(row));
        return {
          name: fields["name"],
          consumers: fields["consumers"],
          pending: fields["pending"],
          lastDeliveredId: fields["last-delivered-id"],
          entriesRead: missing(fields["entries-read"]),
          lag: missing(fields["lag"]),
        };
      }),
  },
];

/** Every kind of read that is compared. */
export const KINDS: readonly Kind[] = [
  ...strings,
  ...keys,
  ...hashes,
  ...lists,
  ...sets,
  ...sortedSets,
  ...geo,
  ...streamKinds,
  ...VECTOR_KINDS,
];

/**
 * The reads that `bench/reads.ts` compares: the data they go over, and how many of each a second. It runs in
 * the process under measurement.
 *
 * @module
 */

import type { Replica } from "../../src/replica/replica.ts";
import { median } from "./report.ts";

/** One kind of read. */
export interface Read {
  /** As the report calls it. */
  readonly name: string;
  /** Share of the rate of random `get` that is wanted; undefined where none is. */
  readonly atLeast?: number;
  /** The share that would be fine. */
  readonly aim?: number;
  /** Reads key number `i` of as many as there are; what it returns is what must be there. */
  readonly run: (replica: Replica, i: number) => unknown;
}

/** Bounds by what is read: a field or element, all of three fields, ten elements, a call. */
const ONE = { atLeast: 0.7, aim: 0.9 };
const ALL = { atLeast: 0.4, aim: 0.6 };
const TEN = { atLeast: 0.25, aim: 0.4 };
const CALL = { atLeast: 0.2, aim: 0.3 };

/** Elements of each large collection. */
export const LARGE = 10_000;
/** Ranks behind which ten members follow. */
const TAIL = LARGE - 10;
/** A read and `get` take turns of so many milliseconds: noise that lasts longer meets both. */
const ROUND_MS = 15;
const WARM_ROUNDS = 6;
const ROUNDS = 9;
/** Reads between two looks at the clock. */
const BATCH = 500;

/** What is measured against random `get`. */
export const READS: readonly Read[] = [
  { name: "exists", ...ONE, run: (replica, i) => replica.has(small("hash", i)) },
  { name: "hget, small", ...ONE, run: (replica, i) => replica.hget(small("hash", i), "city") },
  {
    name: "hget, large",
    ...ONE,
    run: (replica, i) => replica.hget("large:hash", fields[i % LARGE]),
  },
  {
    name: "zscore, small",
    ...ONE,
    run: (replica, i) => replica.zscore(small("zset", i), "member:5"),
  },
  {
    name: "zscore, large",
    ...ONE,
    run: (replica, i) => replica.zscore("large:zset", members[i % LARGE]),
  },
  {
    name: "sismember, small",
    ...ONE,
    run: (replica, i) => replica.sismember(small("set", i), "member:5"),
  },
  {
    name: "sismember, large",
    ...ONE,
    run: (replica, i) => replica.sismember("large:set", members[i % LARGE]),
  },
  { name: "lindex, small", ...ONE, run: (replica, i) => replica.lindex(small("list", i), 5) },
  { name: "lindex, large", ...ONE, run: (replica, i) => replica.lindex("large:list", i % LARGE) },
  { name: "hgetall of 3", ...ALL, run: (replica, i) => replica.hgetall(small("hash", i)) },
  {
    name: "zrange of 10, small",
    ...TEN,
    run: (replica, i) => replica.zrange(small("zset", i), 0, 9, { withScores: true }),
  },
  {
    name: "zrange of 10, large",
    ...TEN,
    run: (replica, i) => replica.zrange("large:zset", i % TAIL, i % TAIL + 9, { withScores: true }),
  },
  {
    name: 'call("HGETALL") of 3',
    ...CALL,
    run: (replica, i) => replica.call("HGETALL", small("hash", i)),
  },
  {
    name: 'call("ZRANGE") of 10, small',
    ...CALL,
    run: (replica, i) => replica.call("ZRANGE", small("zset", i), 0, 9, "WITHSCORES"),
  },
  {
    name: 'call("ZRANGE") of 10, large',
    ...CALL,
    run: (replica, i) => replica.call("ZRANGE", "large:zset", i % TAIL, i % TAIL + 9),
  },
  { name: 'call("GET")', ...CALL, run: (replica, i) => replica.call("GET", names[i]) },
];

/** Lua that writes what the reads ask for: `ARGV[1]` to `ARGV[2]` of the small values. */
export const FILL_SMALL = `for i=ARGV[1],ARGV[2] do
  redis.call('HSET','hash:'..i,'name','user '..i,'age',i%90,'city','city '..i%500)
  for k=1,10 do redis.call('ZADD','zset:'..i,k*1.5,'member:'..k) end
  for k=1,10 do redis.call('RPUSH','list:'..i,'element:'..k) end
  for k=1,10 do redis.call('SADD','set:'..i,'member:'..k) end
end`;
/** Lua that writes the large values, elements `ARGV[1]` to `ARGV[2]`. */
export const FILL_LARGE = `for i=ARGV[1],ARGV[2] do
  redis.call('HSET','large:hash','field:'..i,'value:'..i)
  redis.call('ZADD','large:zset',(i*7919)%1000003,'member:'..i)
  redis.call('RPUSH','large:list','element:'..i)
  redis.call('SADD','large:set','member:'..i)
end`;

const fields = Array.from({ length: LARGE }, (_, i) => `field:${1 + (i * 7919) % LARGE}`);
const members = Array.from({ length: LARGE }, (_, i) => `member:${1 + (i * 7919) % LARGE}`);
/** Names `key:N` in a random order, made before any clock starts. */
let names: string[] = [];
let smallKeys = 1;
let smallNames = new Map<string, string[]>();

/** Name of small value number `i` of a kind; made once, as an application would have it at hand. */
function small(kind: string, i: number): string {
  return smallNames.get(kind)![i % smallKeys];
}

/**
 * Makes the names that reads go over.
 *
 * @param keys Strings there are, `key:0` and so on, each read once a round.
 * @param smalls Small values of each kind, numbered from 1.
 */
export function prepareReads(keys: number, smalls: number): void {
  let seed = 0x9e3779b9;
  const draw = (of: number) => {
    seed = (Math.imul(seed ^ (seed >>> 15), 0x85ebca6b) + 0x6d2b79f5) >>> 0;
    return seed % of;
  };
  names = Array.from({ length: Math.min(keys, 1_000_000) }, () => `key:${draw(keys)}`);
  smallKeys = smalls;
  const kinds = ["hash", "zset", "list", "set"];
  smallNames = new Map(kinds.map((kind) => [
    kind,
    Array.from({ length: smalls }, () => `${kind}:${1 + draw(smalls)}`),
  ]));
}

/** How fast something is beside random `get`, measured in turn with it. */
export interface Pace {
  /** Millions a second. */
  readonly rate: number;
  /** Millions of random `get` a second in the rounds between. */
  readonly get: number;
  /** The median of both rates' quotients, round by round. */
  readonly share: number;
}

/** The pace of one of {@linkcode READS}. */
export function readPace(replica: Replica, name: string): Pace {
  const read = READS.find((row) => row.name === name);
  if (read === undefined) throw new Error(`There is no read named ${name}`);
  return pace(replica, (i) => read.run(replica, i));
}

/** The pace of a `Map` with the same strings: what no copy of bytes can reach. */
export function mapPace(replica: Replica): Pace {
  const map = new Map(names.map((name) => [name, replica.get(name)]));
  return pace(replica, (i) => map.get(names[i]));
}

/** Millions of random `get` a second. */
export function getRate(replica: Replica): number {
  const run = rounds((i) => replica.get(names[i]));
  run();
  return run();
}

function pace(replica: Replica, read: (i: number) => unknown): Pace {
  const [gets, others] = [rounds((i) => replica.get(names[i])), rounds(read)];
  for (let i = 0; i < WARM_ROUNDS; i++) {
    gets();
    others();
  }
  const list = Array.from({ length: ROUNDS }, () => ({ get: gets(), rate: others() }));
  return {
    rate: median(list.map(({ rate }) => rate)),
    get: median(list.map(({ get }) => get)),
    share: median(list.map(({ get, rate }) => rate / get)),
  };
}

/** Makes a function that reads for {@linkcode ROUND_MS} and answers millions a second. */
function rounds(run: (i: number) => unknown): () => number {
  let index = 0;
  return () => {
    let missing = 0;
    let reads = 0;
    const started = performance.now();
    let now = started;
    while (now - started < ROUND_MS) {
      for (let n = 0; n < BATCH; n++) {
        if (run(index) === undefined) missing++;
        index = index + 1 === names.length ? 0 : index + 1;
      }
      reads += BATCH;
      now = performance.now();
    }
    if (missing > 0) throw new Error("What is read is not there");
    return reads / (now - started) / 1000;
  };
}

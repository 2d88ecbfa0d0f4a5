/**
 * Reads in slices (long_read.ts): whatever is written between two slices, the reply is that of the moment when the
 * command came; and what is pushed to the client meanwhile does not come between its parts.
 *
 * ROUNDS=n plays n times as many random rounds, SEED=n begins with another seed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { Prng } from "../../../src/base/prng.ts";
import { Argv } from "../../../src/resp/argv.ts";
import { Bench, type Talker } from "../../server/support.ts";
import { HandClock } from "../../support/clock.ts";

/** A clock on which every look at the time costs five milliseconds: a slice is over after one step. */
class TiredClock extends HandClock {
  #looks: number = 0;

  override monotonic(): number {
    return super.monotonic() + 5 * this.#looks++;
  }
}

const ELEMENTS = 1300;
const SEED = Number(env.SEED ?? 1);
const ROUNDS = Number(env.ROUNDS ?? 1) * 2;

const WEIGHTS = Array.from({ length: ELEMENTS }, (_, i) => `w_e${i}`);
const WHERE = ["FROMLONLAT", "14", "37", "BYBOX", "200", "150", "km"];

/** The reads: those of the second column have their replies compared in no order. */
const READS: readonly { says: string[]; unordered?: boolean }[] = [
  { says: ["HGETALL", "hash"] },
  { says: ["HKEYS", "hash"] },
  { says: ["HVALS", "hash"] },
  { says: ["HGETALL", "fading"] },
  { says: ["SMEMBERS", "set"] },
  { says: ["SINTER", "set", "half", "set"] },
  { says: ["SINTERCARD", "2", "set", "half", "LIMIT", "600"] },
  { says: ["SUNION", "set", "half", "missing"] },
  { says: ["SDIFF", "set", "half"] },
  { says: ["SDIFF", "set", "few"] },
  { says: ["LRANGE", "list", "5", "-5"] },
  { says: ["LPOS", "list", "e7", "COUNT", "0"] },
  { says: ["ZRANGE", "zset", "0", "-1", "WITHSCORES"] },
  { says: ["ZRANGE", "zset", "+inf", "-inf", "BYSCORE", "REV", "LIMIT", "3", "1200"] },
  { says: ["ZUNION", "2", "zset", "set", "WITHSCORES"] },
  { says: ["ZINTER", "3", "zset", "set", "zset", "WITHSCORES"] },
  { says: ["ZDIFF", "2", "zset", "half"] },
  { says: ["ZINTERCARD", "2", "zset", "half"] },
  { says: ["XRANGE", "stream", "-", "+"] },
  { says: ["XRANGE", "stream", "20-0", "+", "COUNT", "1200"] },
  { says: ["XREVRANGE", "stream", "+", "-"] },
  { says: ["SORT_RO", "set", "ALPHA", "DESC"] },
  { says: ["SORT_RO", "list", "BY", "w_*", "GET", "#", "LIMIT", "10", "1100"] },
  { says: ["SORT_RO", "zset", "BY", "nosort", "GET", "w_*", "GET", "hash->*"] },
  { says: ["KEYS", "*"], unordered: true },
  { says: ["KEYS", "w_*9*"], unordered: true },
  { says: ["DEBUG", "DIGEST"] },
  { says: ["DEBUG", "DIGEST-VALUE", "zset", "list", "stream", "hash", "set", "long"] },
  { says: ["GET", "long"] },
  { says: ["GETRANGE", "long", "10", "-10"] },
  { says: ["BITCOUNT", "long"] },
  { says: ["BITCOUNT", "long", "13", "-17", "BIT"] },
  { says: ["BITPOS", "zeros", "1"] },
  { says: ["BITPOS", "zeros", "1", "3", "-1", "BIT"] },
  { says: ["MGET", ...WEIGHTS] },
  { says: ["MGET", "w_e1", "long", "missing", "hash", "long", "w_e2"] },
  { says: ["PFCOUNT", ...Array.from({ length: 20 }, (_, i) => `hll${i}`), "missing"] },
  { says: ["SRANDMEMBER", "set", "2000"] },
  { says: ["HRANDFIELD", "hash", "2000", "WITHVALUES"] },
  { says: ["HRANDFIELD", "fading", "2000"] },
  { says: ["ZRANDMEMBER", "zset", "2000", "WITHSCORES"] },
  { says: ["VRANDMEMBER", "vectors", "2000"] },
  { says: ["DUMP", "wide hash"] },
  { says: ["DUMP", "wide zset"] },
  { says: ["DUMP", "wide stream"] },
  { says: ["XREAD", "STREAMS", "stream", "brief", "missing", "0", "0", "0"] },
  { says: ["XREAD", "COUNT", "1200", "STREAMS", "stream", "stream", "20-0", "+"] },
  { says: ["GEOSEARCH", "places", ...WHERE, "ASC", "WITHDIST", "WITHCOORD"] },
  { says: ["GEOSEARCH", "places", ...WHERE, "DESC", "COUNT", "700", "WITHHASH"] },
  { says: ["GEORADIUS_RO", "places", "14", "37", "90", "km", "COUNT", "500", "ANY"] },
];

/** Writes that change what is read, and the databases around it. */
const WRITES: readonly ((random: Prng) => string[])[] = [
  (random) => ["HSET", "hash", name(random), "new"],
  (random) => ["HDEL", "hash", name(random)],
  (random) => ["HPEXPIRE", "fading", "1000", "FIELDS", "1", name(random)],
  (random) => ["SADD", "set", name(random), `new${random.int(100)}`],
  (random) => ["SREM", "half", name(random)],
  () => ["LPUSH", "list", "first"],
  () => ["LTRIM", "list", "1", "-2"],
  (random) => ["ZADD", "zset", String(random.int(9)), name(random)],
  () => ["ZPOPMIN", "zset", "3"],
  (random) => ["XADD", "stream", `${10_000 + random.int(1e9)}-*`, "a", "b"],
  (random) => ["XDEL", "stream", `${random.int(ELEMENTS)}-1`],
  (random) => ["SET", `w_${name(random)}`, String(random.int(1000))],
  (random) => ["DEL", `w_${name(random)}`],
  (random) => ["SETRANGE", "long", String(random.int(1000)), "new"],
  (random) => ["SET", `other${random.int(1000)}`, "x"],
  (random) => ["PEXPIRE", `w_${name(random)}`, "1"],
  (random) => ["SETBIT", "zeros", String(random.int(1000)), "1"],
  (random) => ["PFADD", `hll${random.int(20)}`, name(random)],
  (random) => ["HDEL", "wide hash", name(random)],
  (random) => ["ZREM", "wide zset", noise(random.int(ELEMENTS))],
  (random) => ["XTRIM", "wide stream", "MAXLEN", String(ELEMENTS - random.int(300))],
  (random) => ["GEOADD", "places", "14", "37", name(random)],
  (random) => ["ZREM", "places", name(random)],
  (random) => ["VADD", "vectors", "VALUES", "2", "1", "1", `new${random.int(9)}`],
  (random) => ["XADD", "brief", `${10_000 + random.int(1e9)}-*`, "a", "b"],
  () => ["RENAME", "set", "set2"],
  () => ["RENAME", "set2", "set"],
  () => ["DEL", "list"],
  () => ["SWAPDB", "0", "1"],
  () => ["FLUSHDB"],
  () => ["FLUSHALL"],
];
/** How many of the writes leave most of the data alone. */
const MILD = WRITES.length - 3;

function name(random: Prng): string {
  return `e${random.int(ELEMENTS)}`;
}

/** Some 240 letters that LZF makes no shorter. */
function noise(seed: number): string {
  const random = new Prng(seed);
  return Array.from({ length: 40 }, () => random.int(1e9).toString(36)).join("");
}

const NAMES = Array.from({ length: ELEMENTS }, (_, i) => `e${i}`);
const MANY = Array.from({ length: 4 * ELEMENTS }, (_, i) => `e${i}`);

/** Keys that few of the reads are about, by how their names begin. */
const FILLS: Readonly<Record<string, (talker: Talker) => void>> = {
  brief: (talker) => talker.call("XADD", "brief", "1-1", "n", "1"),
  "wide hash": (talker) =>
    talker.call("HSET", "wide hash", ...NAMES.flatMap((text, i) => [text, noise(i)])),
  "wide zset": (talker) =>
    talker.call("ZADD", "wide zset", ...NAMES.flatMap((_, i) => [String(i), noise(i)])),
  "wide stream": (talker) =>
    NAMES.forEach((_, i) => talker.call("XADD", "wide stream", `${i}-1`, "n", noise(i))),
  zeros: (talker) => talker.call("SETBIT", "zeros", String(8 * 600_000), "1"),
  hll: (talker) => {
    for (let i = 0; i < 20; i++) talker.call("PFADD", `hll${i}`, ...NAMES.slice(i, 300 + i));
  },
  places: (talker) =>
    NAMES.forEach((text, i) => {
      const [x, y] = [13 + 2 * i / ELEMENTS, 36 + (i % 97) / 50];
      talker.call("GEOADD", "places", String(x), String(y), text);
    }),
  vectors: (talker) =>
    NAMES.forEach((text, i) =>
      talker.call("VADD", "vectors", "VALUES", "2", String(i), String(ELEMENTS - i), text)
    ),
  many: (talker) => {
    talker.call("SADD", "many", ...MANY);
    talker.call("ZADD", "many scored", ...MANY.flatMap((text, i) => [String(i), text]));
  },
};

/** A server of which each value that `words` name takes many slices. */
function makeBench(
  words: readonly string[],
  random: () => number = () => 0.5,
): { bench: Bench; clock: TiredClock } {
  const clock = new TiredClock();
  const bench = new Bench({ clock, role: "master", random });
  const talker = bench.talker();
  const names = NAMES;
  talker.call("HSET", "hash", ...names.flatMap((text) => [text, `v${text}`]));
  talker.call("HSET", "fading", ...names.flatMap((text) => [text, `v${text}`]));
  talker.call("HPEXPIRE", "fading", "5000", "FIELDS", "500", ...names.slice(0, 500));
  talker.call("SADD", "set", ...names);
  talker.call("SADD", "half", ...names.filter((_, i) => i % 2 === 0));
  talker.call("SADD", "few", ...names.slice(0, 3));
  talker.call("RPUSH", "list", ...names);
  talker.call("ZADD", "zset", ...names.flatMap((text, i) => [String(i * 1.25), text]));
  talker.call("MSET", ...names.flatMap((text, i) => [`w_${text}`, String((i * 7919) % ELEMENTS)]));
  talker.call("SET", "long", "0123456789".repeat(60_000));
  for (let i = 0; i < ELEMENTS; i++) talker.call("XADD", "stream", `${i}-1`, "n", String(i));
  for (const [name, fill] of Object.entries(FILLS)) {
    if (words.some((word) => word.startsWith(name))) fill(talker);
  }
  talker.call("SELECT", "1");
  talker.call("SET", "elsewhere", "1");
  return { bench, clock };
}

/** Runs a command in slices; `between` is called between each two of them. */
function slice(bench: Bench, talker: Talker, says: string[], between: () => void): string {
  const { dispatcher } = bench;
  dispatcher.tick();
  dispatcher.dispatch(talker.session, Argv.of(...says), talker.writer);
  let slices = 1;
  for (; talker.session.step !== undefined; slices++) {
    between();
    dispatcher.resume(talker.session, talker.writer);
  }
  assert.ok(slices > 1, `${says.join(" ")} takes more than one slice`);
  assert.equal(talker.session.halted, false);
  assert.equal(talker.session.read, undefined);
  return talker.heard();
}

/** The parts of a reply in an order that does not depend on how it was found. */
function sorted(reply: string): string {
  return reply.split("$").sort().join("$");
}

/** What a command replies in process, at once. */
function atOnce(bench: Bench, says: string[]): string {
  const talker = bench.talker();
  talker.call("MULTI");
  talker.call(...says);
  const reply = talker.call("EXEC").slice(3);
  talker.kill();
  return reply;
}

for (const { says, unordered } of READS) {
  const shown = says.join(" ").slice(0, 50);
  test(`${shown}: the reply is one state, whatever is written between its slices`, () => {
    for (let round = 0; round < ROUNDS; round++) {
      const random = new Prng(SEED + round);
      const { bench, clock } = makeBench(says);
      const writer = bench.talker();
      const expected = atOnce(bench, says);
      const kinds = round % 2 === 0 ? MILD : WRITES.length;
      let writes = 0;
      const reply = slice(bench, bench.talker(), says, () => {
        clock.nowMs += 2000;
        for (let i = random.int(8); i > 0; i--) {
          writer.call(...WRITES[random.int(kinds)](random));
          writes++;
        }
      });
      const message = `seed ${SEED + round}, ${writes} writes`;
      if (unordered) assert.equal(sorted(reply), sorted(expected), message);
      else assert.equal(reply, expected, message);
      assert.equal(bench.keyspace.snapshotHooks.size, 0, "nothing is held any more");
    }
  });
}

/** Members drawn at random: those with repeats, and few of many, which are drawn until they differ. */
const DRAWS: readonly { says: string[]; parts: number; differ: boolean }[] = [
  { says: ["SRANDMEMBER", "set", "-3000"], parts: 3000, differ: false },
  { says: ["SRANDMEMBER", "few", "-3000"], parts: 3000, differ: false },
  { says: ["HRANDFIELD", "hash", "-3000", "WITHVALUES"], parts: 6000, differ: false },
  { says: ["HRANDFIELD", "fading", "-3000"], parts: 3000, differ: false },
  { says: ["ZRANDMEMBER", "zset", "-3000", "WITHSCORES"], parts: 6000, differ: false },
  { says: ["VRANDMEMBER", "vectors", "-3000"], parts: 3000, differ: false },
  { says: ["SRANDMEMBER", "set", "1200"], parts: 1200, differ: true },
  { says: ["HRANDFIELD", "hash", "1200"], parts: 1200, differ: true },
  { says: ["HRANDFIELD", "fading", "7"], parts: 7, differ: true },
  { says: ["ZRANDMEMBER", "zset", "1200"], parts: 1200, differ: true },
  { says: ["VRANDMEMBER", "vectors", "1200"], parts: 1200, differ: true },
  { says: ["SRANDMEMBER", "many", "1200"], parts: 1200, differ: true },
  { says: ["ZRANDMEMBER", "many scored", "1200"], parts: 1200, differ: true },
];

for (const { says, parts, differ } of DRAWS) {
  test(`${says.join(" ")}: takes many slices, and draws from what was there`, () => {
    const prng = new Prng(SEED);
    const { bench } = makeBench(says, () => prng.next());
    const writer = bench.talker();
    const reply = slice(bench, bench.talker(), says, () => {
      writer.call("SADD", says[1], "new");
      writer.call("DEL", says[1]);
    });
    assert.ok(reply.startsWith(`*${parts}|`), reply.slice(0, 20));
    const members = reply.split("|").filter((line) => /^e\d+$/.test(line));
    if (differ) assert.equal(new Set(members).size, parts);
    const isPair = says.length > 3;
    assert.equal(members.length, isPair ? parts / 2 : parts);
  });
}

test("of many keys that a read holds, a write to any ends it, and one to another seldom", () => {
  const { bench } = makeBench([]);
  const reader = bench.talker();
  const writer = bench.talker();
  const says = ["MGET", ...WEIGHTS];
  let ended = 0;
  for (let i = 0; i < 20; i++) {
    bench.dispatcher.tick();
    bench.dispatcher.dispatch(reader.session, Argv.of(...says), reader.writer);
    assert.equal(bench.keyspace.snapshotHooks.size, 1);
    writer.call("SET", `other key ${i}`, "x");
    ended += 1 - bench.keyspace.snapshotHooks.size;
    writer.call("SET", WEIGHTS[i * 60], "new");
    assert.equal(bench.keyspace.snapshotHooks.size, 0, "the read has ended before the write");
    while (reader.session.step !== undefined) {
      bench.dispatcher.resume(reader.session, reader.writer);
    }
    assert.ok(!reader.heard().includes("new") || i > 0);
  }
  assert.ok(ended < 10, `${ended} of 20 writes to other keys`);
});

test("a read whose client goes away lets go of its keys", () => {
  const { bench } = makeBench(READS.flatMap(({ says }) => says));
  const { table } = bench.keyspace.db(0);
  for (const { says } of READS) {
    const talker = bench.talker();
    bench.dispatcher.dispatch(talker.session, Argv.of(...says), talker.writer);
    talker.session.read?.release();
    assert.equal(bench.keyspace.snapshotHooks.size, 0, says.join(" "));
    assert.throws(() => table.resumeRehash(), /as often as/, says.join(" "));
  }
});

test("CLIENT REPLY SKIP and OFF drop the whole of a reply in slices", () => {
  const { bench } = makeBench([]);
  const talker = bench.talker();
  talker.call("CLIENT", "REPLY", "SKIP");
  assert.equal(slice(bench, talker, ["HGETALL", "hash"], () => {}), "");
  assert.equal(talker.call("PING"), "+PONG|");
  talker.call("CLIENT", "REPLY", "OFF");
  assert.equal(slice(bench, talker, ["KEYS", "*"], () => {}), "");
});

test("an error that is found late is the whole reply", () => {
  const { bench } = makeBench([]);
  const talker = bench.talker();
  const reply = slice(bench, talker, ["SORT_RO", "set"], () => {});
  assert.equal(reply, "-ERR One or more scores can't be converted into double|");
});

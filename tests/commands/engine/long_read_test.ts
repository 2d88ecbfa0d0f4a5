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

/** A server of which each value takes many slices. */
function makeBench(): { bench: Bench; clock: TiredClock } {
  const clock = new TiredClock();
  const bench = new Bench({ clock, role: "master" });
  const talker = bench.talker();
  const names = Array.from({ length: ELEMENTS }, (_, i) => `e${i}`);
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
      const { bench, clock } = makeBench();
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

test("a read whose client goes away lets go of its keys", () => {
  const { bench } = makeBench();
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
  const { bench } = makeBench();
  const talker = bench.talker();
  talker.call("CLIENT", "REPLY", "SKIP");
  assert.equal(slice(bench, talker, ["HGETALL", "hash"], () => {}), "");
  assert.equal(talker.call("PING"), "+PONG|");
  talker.call("CLIENT", "REPLY", "OFF");
  assert.equal(slice(bench, talker, ["KEYS", "*"], () => {}), "");
});

test("an error that is found late is the whole reply", () => {
  const { bench } = makeBench();
  const talker = bench.talker();
  const reply = slice(bench, talker, ["SORT_RO", "set"], () => {});
  assert.equal(reply, "-ERR One or more scores can't be converted into double|");
});

/**
 * Commands that work in slices: what a slow one replies, and that other clients are served between two slices.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Argv } from "../../src/resp/argv.ts";
import { HandClock } from "../support/clock.ts";
import { Bench, fill } from "./support.ts";

/** A clock on which every look at the time costs a millisecond: a slice is over after a few steps. */
class TiredClock extends HandClock {
  #looks: number = 0;

  override monotonic(): number {
    return super.monotonic() + this.#looks++;
  }
}

/** Runs a command of one client; another one says PING before each further slice. */
function alternate(bench: Bench, ...args: string[]): { reply: string; slices: number } {
  const slow = bench.talker();
  const other = bench.talker();
  const { dispatcher } = bench;
  dispatcher.dispatch(slow.session, Argv.of(...args), slow.writer);
  let slices = 1;
  while (slow.session.step !== undefined) {
    assert.equal(slow.session.halted, true);
    assert.equal(other.say("PING"), "+PONG|");
    dispatcher.resume(slow.session, slow.writer);
    slices++;
  }
  assert.equal(slow.session.halted, false);
  return { reply: slow.heard(), slices };
}

/** A dataset in which matching `PATTERN` with the long texts takes the product of two lengths. */
const PATTERN = `*${"a".repeat(300)}b`;
const FITS = `${"a".repeat(1000)}b`;
const FAILS = "a".repeat(1001);

const SLOW: readonly { name: string; says: string[]; alone: string[] }[] = [
  { name: "KEYS", says: ["KEYS", PATTERN], alone: [FITS] },
  { name: "SCAN", says: ["SCAN", "0", "MATCH", PATTERN, "COUNT", "1000"], alone: [FITS] },
  { name: "HSCAN", says: ["HSCAN", "hash", "0", "MATCH", PATTERN], alone: [FITS, "1"] },
  { name: "SSCAN", says: ["SSCAN", "set", "0", "MATCH", PATTERN], alone: [FITS] },
  { name: "ZSCAN", says: ["ZSCAN", "zset", "0", "MATCH", PATTERN], alone: [FITS, "1"] },
];

for (const { name, says, alone } of SLOW) {
  test(`${name} decides about texts that take long in slices, and lets others in`, () => {
    const bench = new Bench({ clock: new TiredClock(), role: "master" });
    const writer = bench.talker();
    fill(bench.keyspace, { [FITS]: "1", [FAILS]: "2", [`x${FAILS}`]: "3", short: "4" });
    writer.call("HSET", "hash", FAILS, "0", FITS, "1", "short", "2");
    writer.call("SADD", "set", FAILS, FITS, "short");
    writer.call("ZADD", "zset", "0", FAILS, "1", FITS, "2", "short");
    const { reply, slices } = alternate(bench, ...says);
    const bulks = alone.map((text) => `$${text.length}|${text}|`).join("");
    const array = `*${alone.length}|${bulks}`;
    assert.equal(reply, name === "KEYS" ? array : `*2|$1|0|${array}`);
    assert.ok(slices > 5, `${slices} slices`);
  });
}

test("a command in slices is timed for all of them", () => {
  const clock = new TiredClock();
  const bench = new Bench({ clock, role: "master" });
  const fields = Array.from({ length: 500 }, (_, i) => [`key${i}`, "1"]);
  fill(bench.keyspace, Object.fromEntries([...fields, [FAILS, "2"]]));
  const talker = bench.talker();
  talker.say("CONFIG SET slowlog-log-slower-than 0");
  talker.say("SLOWLOG RESET");
  const beganMs = clock.monotonic();
  const { slices } = alternate(bench, "KEYS", PATTERN);
  const tookMs = clock.monotonic() - beganMs;
  assert.ok(slices > 5, `${slices} slices`);
  const stats = /cmdstat_keys:calls=1,usec=(\d+),/.exec(talker.say("INFO commandstats"));
  const countedMs = Number(stats?.[1]) / 1000;
  // On this clock every look is a millisecond: most of them are the slices' own.
  assert.ok(countedMs > tookMs / 3 && countedMs <= tookMs, `${countedMs} of ${tookMs} ms`);
  const logged = /\|:(\d+)\|\*2\|\$4\|KEYS\|/.exec(talker.say("SLOWLOG GET 99"));
  assert.equal(Number(logged?.[1]) / 1000, countedMs);
});

test("LCS fills its table in slices, and answers as at once", () => {
  const bench = new Bench({ clock: new TiredClock() });
  const a = "abcdefghij".repeat(80);
  const b = "jihgfedcba".repeat(80);
  fill(bench.keyspace, { a, b, c: a.slice(3) });
  for (const options of [[], ["LEN"], ["IDX", "MINMATCHLEN", "2"]]) {
    for (const key of ["b", "c"]) {
      const { reply, slices } = alternate(bench, "LCS", "a", key, ...options);
      assert.ok(slices > 5, `${slices} slices`);
      const atOnce = new Bench();
      fill(atOnce.keyspace, { a, b, c: a.slice(3) });
      assert.equal(reply, atOnce.talker().call("LCS", "a", key, ...options));
    }
  }
});

test("inside EXEC and in process a command in slices is done at once", () => {
  const bench = new Bench({ clock: new TiredClock() });
  fill(bench.keyspace, { [FITS]: "1", [FAILS]: "2" });
  const talker = bench.talker();
  talker.call("MULTI");
  talker.call("KEYS", PATTERN);
  const { reply, slices } = alternate(bench, "KEYS", PATTERN);
  assert.ok(slices > 1);
  assert.equal(talker.call("EXEC"), `*1|${reply}`);
});

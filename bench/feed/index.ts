/**
 * Does building indexes over a million hashes leave the event loop to others, and what do they cost then?
 *
 *     [KEYS=1000000] [RUNS=3] deno task bench feed/index
 *
 * Hashes of three fields, a unique index on one and a compound one on the others. A slice is one turn of building, timed
 * whole, with the garbage collections that fall into it. Updates are commits of one hash whose indexed fields change,
 * against the same commits without a collection.
 *
 * @module
 */

import process, { cpuUsage } from "node:process";
import { encodeUtf8 } from "../../src/base/ascii.ts";
import { Collections } from "../../src/feed/collections.ts";
import { hashCreate, hashSet } from "../../src/store/types/hash.ts";
import { feedParts } from "../support/feed_parts.ts";
import { headline, line, size, spread } from "../support/report.ts";

const KEYS = size("KEYS", 1_000_000);
const RUNS = size("RUNS", 3);
const UPDATES = 100_000;
const READS = 100_000;
const PLANS = ["free", "pro", "team", "enterprise"];

const slices: number[] = [];
/**
 * The same in milliseconds of the processor: a machine that others use makes slices longer by the clock. Of this thread
 * where the runtime tells that (Node 24), else of all, those of the garbage collector included.
 */
const worked: number[] = [];
const { threadCpuUsage = cpuUsage } = process as unknown as { threadCpuUsage?: typeof cpuUsage };

function timed<T>(run: () => T): T {
  const before = threadCpuUsage();
  const began = performance.now();
  const result = run();
  slices.push(performance.now() - began);
  const { user, system } = threadCpuUsage(before);
  worked.push((user + system) / 1000);
  return result;
}

const { prng, keyspace, commits, source, reader, live, logger } = feedParts(timed);
const db = keyspace.db(0);
const collections = new Collections({ source, commits, live, logger });

function put(key: Uint8Array, fields: readonly [string, string][]): void {
  let entry = db.find(key, 0, key.length);
  if (entry === 0) entry = hashCreate(db, key, 0, key.length, 80);
  for (const [field, value] of fields) {
    const [f, v] = [encodeUtf8(field), encodeUtf8(value)];
    entry = hashSet(db, entry, f, 0, f.length, v, 0, v.length, undefined);
  }
}

function update(): void {
  const key = encodeUtf8(`user:${prng.int(KEYS)}`);
  put(key, [["plan", prng.pick(PLANS)], ["createdAt", `${1.7e9 + prng.int(1e8)}`]]);
  commits.touched(0, key, 0, key.length);
  commits.end();
}

/** Thousands a second. */
function rate(count: number, run: (i: number) => void): number {
  const began = performance.now();
  for (let i = 0; i < count; i++) run(i);
  return count / (performance.now() - began);
}

/** The milliseconds that so many of a hundred slices take at most. */
function shares(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))].toFixed(2);
  return `${at(0.5)}, ${at(0.99)}, ${at(0.999)} ms`;
}

headline("feed/index: indexes over hashes", { KEYS, RUNS });
for (let i = 0; i < KEYS; i++) {
  put(encodeUtf8(`user:${i}`), [
    ["email", `user.${i}@example.org`],
    ["plan", prng.pick(PLANS)],
    ["createdAt", `${1.7e9 + prng.int(1e8)}`],
  ]);
}
const plain = rate(UPDATES, update);
const seconds: number[] = [];
const longest: number[] = [];
const longestWork: number[] = [];
const work: number[] = [];
const over5: number[] = [];
const over5Work: number[] = [];
for (let run = 0; run < RUNS; run++) {
  slices.length = worked.length = 0;
  const began = performance.now();
  const users = timed(() =>
    collections.collection<Record<string, string>, "user:*">(reader, "user:*", {
      type: "hash",
      index: { email: { unique: true }, "plan,createdAt": {} },
    })
  );
  await users.ready;
  seconds.push((performance.now() - began) / 1000);
  longest.push(Math.max(...slices));
  longestWork.push(Math.max(...worked));
  work.push(worked.reduce((sum, ms) => sum + ms, 0) / 1000);
  over5.push(slices.filter((ms) => ms > 5).length);
  over5Work.push(worked.filter((ms) => ms > 5).length);
  if (run < RUNS - 1) {
    users[Symbol.dispose]();
    continue;
  }
  const { bytes, indexes } = users.status();
  line("", "build", spread(seconds, "s"));
  line("", "build, processor time", spread(work, "s"));
  line("", "longest slice", spread(longest, "ms"));
  line("", "longest slice, processor time", spread(longestWork, "ms"));
  line("", `slices over 5 ms, of ${slices.length}`, spread(over5, "", 0));
  line("", "the same of processor time", spread(over5Work, "", 0));
  line("", "slices at 50, 99, 99.9%", shares(slices));
  line("", "the same of processor time", shares(worked));
  line("", "bytes a row, both indexes", (bytes / KEYS).toFixed(1));
  for (const [name, index] of Object.entries(indexes)) {
    line("", `bytes an element of "${name}"`, (index.bytes / index.rows).toFixed(1));
  }
  const indexed = rate(UPDATES, update);
  line("", "commits without indexes", `${plain.toFixed(0)} thousand a second`);
  line("", "commits with indexes", `${indexed.toFixed(0)} (${(indexed / plain).toFixed(2)})`);
  const get = rate(READS, () => users.get(`${prng.int(KEYS)}`));
  const find = rate(READS, () => users.findOne({ email: `user.${prng.int(KEYS)}@example.org` }));
  line("", "get(id)", `${get.toFixed(0)} thousand a second`);
  line("", "findOne({ email })", `${find.toFixed(0)} (${(find / get).toFixed(2)} of get)`);
  const range = rate(READS / 10, () => {
    const gt = 1.7e9 + prng.int(9e7);
    users.range("createdAt", { where: { plan: "pro" }, gt, limit: 10 });
  });
  line("", "range of ten", `${range.toFixed(1)} (${(10 * range / get).toFixed(2)} a value of get)`);
}

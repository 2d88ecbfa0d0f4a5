/**
 * Does the table's cost of a key stay flat from 0.1 to 20 million of them? Prints nanoseconds per set and
 * per find (hot: 1,000 keys again and again; random: all of them), and bytes per key.
 *
 *     deno run -A bench/store/dict.ts [value bytes] [million keys ...]
 *
 * @module
 */

import process from "node:process";
import { Keyspace } from "../../src/store/keyspace/keyspace.ts";
import { NO_EXPIRY } from "../../src/store/memory/record.ts";
import { setString } from "../../src/store/types/string.ts";

const valueBytes = Number(process.argv[2] ?? 8);
const sizes = process.argv.length > 3 ? process.argv.slice(3).map(Number) : [0.1, 1, 5, 20];
const KEY_BYTES = 20;
const HOT_KEYS = 1000;
const FINDS = 4_000_000;
/** Keys are written a batch at a time into one buffer, as a stream's chunk would bring them. */
const BATCH = 1024;

const keys = new Uint8Array(BATCH * KEY_BYTES);
const value = new Uint8Array(valueBytes).fill(0x78);
let sink = 0;

/** Writes `user:` and the decimal number, 20 bytes in all. */
function writeKey(at: number, number: number): void {
  keys[at] = 0x75;
  keys[at + 1] = 0x73;
  keys[at + 2] = 0x65;
  keys[at + 3] = 0x72;
  keys[at + 4] = 0x3a;
  for (let i = KEY_BYTES - 1; i > 4; i--) {
    const rest = Math.floor(number / 10);
    keys[at + i] = 48 + (number - rest * 10);
    number = rest;
  }
}

/** Milliseconds that `run` took over all batches, without the time the keys took to write. */
function timed(count: number, pick: (i: number) => number, run: (at: number) => void): number {
  let total = 0;
  for (let done = 0; done < count; done += BATCH) {
    const batch = Math.min(BATCH, count - done);
    for (let i = 0; i < batch; i++) writeKey(i * KEY_BYTES, pick(done + i));
    const start = performance.now();
    for (let i = 0; i < batch; i++) run(i * KEY_BYTES);
    total += performance.now() - start;
  }
  return total;
}

function measure(millions: number): void {
  const count = Math.round(millions * 1e6);
  const db = new Keyspace({ random: Math.random }).db(0);
  const set = (at: number): void => {
    setString(db, keys, at, at + KEY_BYTES, value, 0, valueBytes, NO_EXPIRY);
  };
  const find = (at: number): void => {
    sink += db.find(keys, at, at + KEY_BYTES);
  };
  const load = timed(count, (i) => i, set);
  const hot = timed(FINDS, (i) => (i * 7919) % HOT_KEYS, find);
  const random = timed(FINDS, () => Math.floor(Math.random() * count), find);
  const overwrite = timed(FINDS, () => Math.floor(Math.random() * count), set);
  const { used, reserved, table } = db.memory();
  const ns = (ms: number, n: number): string => (ms * 1e6 / n).toFixed(0).padStart(6);
  console.log(
    `${String(millions).padStart(5)} M  load ${ns(load, count)}  find hot ${ns(hot, FINDS)}` +
      `  random ${ns(random, FINDS)}  overwrite ${ns(overwrite, FINDS)} ns` +
      `   ${((used + table) / count).toFixed(1)} B/key, table ${(table / count).toFixed(1)}` +
      `   reserved ${(reserved / 1e6).toFixed(0)} MB, rss ${
        (process.memoryUsage().rss / 1e6).toFixed(0)
      } MB`,
  );
}

console.log(`${KEY_BYTES}-byte keys, ${valueBytes}-byte values`);
for (const size of sizes) measure(size);
if (sink === 0) console.log("nothing was found");

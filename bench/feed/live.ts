/**
 * What do ten thousand live values cost the stream, when a commit touches one of them and when it touches none?
 *
 *     [LIVES=10000] [COMMITS=200000] deno task bench feed/live
 *
 * Commits of one key, applied to a keyspace without a replica around it: nobody listens; nobody is touched; one of the
 * live values is touched by each. Then all of them at once, as after a full resync, in slices.
 *
 * @module
 */

import { encodeUtf8 } from "../../src/base/ascii.ts";
import { systemClock } from "../../src/base/clock.ts";
import { yieldTurn } from "../../src/base/slices.ts";
import { Encoding, NO_EXPIRY, ValueType } from "../../src/store/memory/record.ts";
import { feedParts } from "../support/feed_parts.ts";
import { headline, line, size } from "../support/report.ts";

const LIVES = size("LIVES", 10_000);
const COMMITS = size("COMMITS", 200_000);
/** Commits between two turns of the event loop. */
const TURN = 1000;

let longest = 0;
const { keyspace, commits, reader, live } = feedParts((run) => {
  const began = performance.now();
  run();
  longest = Math.max(longest, performance.now() - began);
});

const value = encodeUtf8("a value of some twenty bytes");
function write(prefix: string, i: number): void {
  const key = encodeUtf8(`${prefix}:${i % LIVES}`);
  const { length } = key;
  const { STRING } = ValueType;
  value[0] = 48 + i % 10;
  const db = keyspace.db(0);
  db.setBlob(key, 0, length, STRING, Encoding.RAW, value, 0, value.length, NO_EXPIRY);
  commits.touched(0, key, 0, length);
  commits.end();
}

async function rate(prefix: string): Promise<number> {
  const began = performance.now();
  for (let i = 0; i < COMMITS; i++) {
    write(prefix, i);
    if (i % TURN === 0) await yieldTurn(systemClock);
  }
  return COMMITS / (performance.now() - began);
}

headline("feed/live: live values beside commits", { LIVES, COMMITS });
await rate("warm");
const alone = await rate("other");
let runs = 0;
let told = 0;
const offs = Array.from({ length: LIVES }, (_, i) =>
  live.live(() => {
    runs++;
    return reader.get(`key:${i}`);
  }).subscribe(() => told++));
const untouched = await rate("other");
runs = told = 0;
const touched = await rate("key");
await yieldTurn(systemClock);
line("", "commits, nobody listens", `${alone.toFixed(0)} thousand a second`);
line("", "commits that touch none", `${untouched.toFixed(0)} (${(untouched / alone).toFixed(2)})`);
line("", "commits that touch one each", `${touched.toFixed(0)} (${(touched / alone).toFixed(2)})`);
line("", "runs, listeners called", `${runs}, ${told} of ${COMMITS} commits`);
longest = runs = 0;
const began = performance.now();
live.changedAll();
while (runs < LIVES) await yieldTurn(systemClock);
line("", "all of them at once", `${(performance.now() - began).toFixed(1)} ms`);
line("", "longest slice", `${longest.toFixed(1)} ms`);
for (const off of offs) off();

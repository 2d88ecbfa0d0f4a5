/**
 * How much memory does a full sync take of which one key in a thousand is kept? At its peak at most what is kept and
 * 32 MB are wanted.
 *
 *     [RUNTIME=deno,bun,node] [KEYS=1000000] [VALUE=200] [RUNS=3] deno task bench partial
 *
 * A replica with a filter follows a master with all keys, another one without a filter a master that has those
 * keys alone; what the first one takes more at its peak is the cost of passing over the others.
 *
 * @module
 */

import type { FilterOptions } from "../src/store/keyspace/key_filter.ts";
import { headline, line, median, megabytes, size, spread } from "./support/report.ts";
import { populate, startMaster, subjects } from "./support/subject.ts";
import { type Outcome, syncHost } from "./support/timed_sync.ts";

const keys = size("KEYS", 1_000_000);
const value = size("VALUE", 200);
const runs = size("RUNS", 3);
/** Of `key:0`, `key:1`... those that end in 500. */
const kept = Math.floor((keys + 499) / 1000);
const filters: readonly FilterOptions[] = [
  { keys: ["key:*500"] },
  { keys: ["key:*500"], types: ["string"], maxValueBytes: 1 << 20 },
];

const peakOf = (outcomes: readonly Outcome[]) =>
  median(outcomes.map(({ beforeBytes, peakBytes }) => megabytes(peakBytes - beforeBytes)));

headline("A full sync of which one key in a thousand is kept", { keys, kept, value, runs });
await using all = await startMaster();
await populate(all, keys, value);
await using few = await startMaster();
await populate(few, kept, value);
for (const runtime of await subjects()) {
  const name = `${runtime.name} ${runtime.version}`;
  const alone: Outcome[] = [];
  for (let run = 0; run < runs; run++) alone.push(await syncHost(few, runtime, kept));
  line(name, "those keys alone, peak above the start", `${peakOf(alone).toFixed(1)} MB`);
  for (const filter of filters) {
    const outcomes: Outcome[] = [];
    for (let run = 0; run < runs; run++) outcomes.push(await syncHost(all, runtime, kept, filter));
    const more = peakOf(outcomes) - peakOf(alone);
    line(
      name,
      `${JSON.stringify(filter)}, peak above the start`,
      `${peakOf(outcomes).toFixed(1)} MB`,
    );
    line(name, "that is more than alone by", `${more.toFixed(1)} MB of 32`);
    line(name, "full sync", spread(outcomes.map(({ seconds }) => seconds), "s"));
  }
}

/**
 * Measures 1, 2 and 3: is a full sync as fast as redis-server's, and as small, during and after?
 *
 *     [RUNTIME=deno,bun,node] [KEYS=5000000] [VALUE=200] [RUNS=5] deno task bench full_sync
 *
 * One master streams its snapshot without a file (diskless, no delay) to a redis-server that loads it
 * straight from the socket (`repl-diskless-load on-empty-db`) and to us, in turn. Wall time from
 * REPLICAOF or `start()` until the link is up; memory is resident memory from /proc, two seconds
 * later; the peak is counted from before the sync.
 *
 * @module
 */

import { headline, line, median, megabytes, size, spread, verdict } from "./support/report.ts";
import { opponent, populate, startMaster, subjects } from "./support/subject.ts";
import { type Outcome, syncHost, syncServer } from "./support/sync.ts";
import type { Runtime } from "../tests/support/runtimes.ts";

const keys = size("KEYS", 5_000_000);
const value = size("VALUE", 200);
const runs = size("RUNS", 5);

function show(name: string, outcomes: readonly Outcome[]): void {
  line(name, "full sync", spread(outcomes.map((o) => o.seconds), "s"));
  line(name, "resident after", spread(outcomes.map((o) => megabytes(o.afterBytes)), "MB", 0));
  line(name, "peak", spread(outcomes.map((o) => megabytes(o.peakBytes)), "MB", 0));
}

const binary = await opponent();
const rivals = `${binary.product}-server ${binary.version}`;
headline(`Full sync against ${rivals}`, { keys, "value bytes": value, runs });
await using master = await startMaster();
await populate(master, keys, value);
const theirs: Outcome[] = [];
const ours = new Map<Runtime, Outcome[]>((await subjects()).map((runtime) => [runtime, []]));
for (let run = 0; run < runs; run++) {
  theirs.push(await syncServer(master));
  for (const [runtime, outcomes] of ours) outcomes.push(await syncHost(master, runtime, keys));
}
show(rivals, theirs);
const middle = (outcomes: readonly Outcome[], field: keyof Outcome) =>
  median(outcomes.map((outcome) => outcome[field]));
for (const [runtime, outcomes] of ours) {
  const name = `${runtime.name} ${runtime.version}`;
  show(name, outcomes);
  const time = middle(outcomes, "seconds") / middle(theirs, "seconds");
  const memory = middle(outcomes, "afterBytes") / middle(theirs, "afterBytes");
  const peak = middle(outcomes, "peakBytes") / middle(outcomes, "afterBytes");
  verdict(name, "1 time / theirs", time, { atLeast: 1, aim: 0.7 });
  verdict(name, "2 memory after / theirs", memory, { atLeast: 1, aim: 0.85 });
  verdict(name, "3 peak / after", peak, { atLeast: 1.15, aim: 1.05 });
}

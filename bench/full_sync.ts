/**
 * Measures 1, 2 and 3: is a full sync as fast as redis-server's, and as small, during and after?
 *
 *     [RUNTIME=deno,bun,node] [KEYS=5000000] [VALUE=200] [RUNS=5] [MASTER=recorded,real]
 *         deno task bench full_sync
 *
 * One master sends its snapshot to a redis-server that loads it straight from the socket
 * (`repl-diskless-load on-empty-db`) and to us, in turn. Wall time from REPLICAOF or `start()` until the
 * link is up; memory is resident memory from /proc, two seconds later; the peak is counted from before the
 * sync.
 *
 * A real master streams without a file (diskless, no delay): a process of its makes the snapshot, another
 * passes it on, and where both share two cores with the replica that takes them longer than it takes us to
 * load it (some 170 MB a second, also to a reader that throws all of it away). Then it is the master's pace
 * that shows. The recorded one is the same snapshot, saved once by such a master and sent from memory as
 * fast as it is taken.
 *
 * @module
 */

import { env } from "node:process";
import type { Runtime } from "../tests/support/runtimes.ts";
import { Firehose } from "./support/firehose.ts";
import { headline, line, median, megabytes, size, spread, verdict } from "./support/report.ts";
import { type Master, opponent, populate } from "./support/subject.ts";
import { snapshotOf, startMaster, subjects } from "./support/subject.ts";
import { type Outcome, syncHost, syncServer } from "./support/timed_sync.ts";

const keys = size("KEYS", 5_000_000);
const value = size("VALUE", 200);
const runs = size("RUNS", 5);
const kinds = (env.MASTER ?? "recorded,real").split(",");

function show(name: string, outcomes: readonly Outcome[]): void {
  line(name, "full sync", spread(outcomes.map((o) => o.seconds), "s"));
  line(name, "resident after", spread(outcomes.map((o) => megabytes(o.afterBytes)), "MB", 0));
  line(name, "peak", spread(outcomes.map((o) => megabytes(o.peakBytes)), "MB", 0));
}

function judge(name: string, ours: readonly Outcome[], theirs: readonly Outcome[]): void {
  const middle = (outcomes: readonly Outcome[], field: keyof Outcome) =>
    median(outcomes.map((outcome) => outcome[field]));
  const time = middle(ours, "seconds") / middle(theirs, "seconds");
  const memory = middle(ours, "afterBytes") / middle(theirs, "afterBytes");
  const peak = middle(ours, "peakBytes") / middle(ours, "afterBytes");
  verdict(name, "1 time / theirs", time, { atLeast: 1, aim: 0.7 });
  verdict(name, "2 memory after / theirs", memory, { atLeast: 1, aim: 0.85 });
  verdict(name, "3 peak / after", peak, { atLeast: 1.15, aim: 1.05 });
}

/** The snapshot of a real master, which is then gone. */
async function record(): Promise<Uint8Array> {
  await using master = await startMaster();
  await populate(master, keys, value);
  return await snapshotOf(master);
}

async function measure(kind: string, master: Master): Promise<void> {
  const theirs: Outcome[] = [];
  const ours = new Map<Runtime, Outcome[]>(runtimes.map((runtime) => [runtime, []]));
  for (let run = 0; run < runs; run++) {
    theirs.push(await syncServer(master));
    for (const [runtime, outcomes] of ours) outcomes.push(await syncHost(master, runtime, keys));
  }
  console.log(`  from a ${kind} master`);
  show(rivals, theirs);
  for (const [runtime, outcomes] of ours) {
    const name = `${runtime.name} ${runtime.version}`;
    show(name, outcomes);
    judge(name, outcomes, theirs);
  }
}

const binary = await opponent();
const rivals = `${binary.product}-server ${binary.version}`;
const runtimes = await subjects();
headline(`Full sync against ${rivals}`, { keys, "value bytes": value, runs });
if (kinds.includes("recorded")) {
  const hose = await Firehose.start(await record());
  await measure("recorded", hose);
  hose.close();
}
if (kinds.includes("real")) {
  await using master = await startMaster();
  await populate(master, keys, value);
  await measure("real", master);
}

/**
 * Measure 4: how many SETs a second does one core apply from the stream?
 *
 *     [RUNTIME=deno,bun,node] [COMMANDS=5000000] [KEYS=1000000] [VALUE=64] [RUNS=5] deno task bench apply
 *
 * A scripted master sends commands encoded before as fast as they are taken, in random key order; the
 * clock stops when the replica has acknowledged the last. redis-server takes the same as a replica.
 * Processor time is the replica process's own, all its threads.
 *
 * @module
 */

import type { Runtime } from "../tests/support/runtimes.ts";
import { Firehose } from "./support/firehose.ts";
import { floodHost, floodServer, type Rate } from "./support/timed_apply.ts";
import { BLOCK_COMMANDS, makeLoad } from "./support/loads.ts";
import { headline, line, median, size, spread, verdict } from "./support/report.ts";
import { opponent, subjects } from "./support/subject.ts";

const keys = size("KEYS", 1_000_000);
const valueBytes = size("VALUE", 64);
const runs = size("RUNS", 5);
const blocks = Math.ceil(size("COMMANDS", 5_000_000) / BLOCK_COMMANDS);

function show(name: string, rates: readonly Rate[]): void {
  const millions = (field: keyof Rate) => rates.map((rate) => rate[field] / 1e6);
  line(name, "SETs applied, wall", spread(millions("perSecond"), "M/s"));
  line(name, "SETs applied, processor time", spread(millions("perCpuSecond"), "M/s"));
}

const load = makeLoad("SET", { blocks, keys, valueBytes });
const binary = await opponent();
const rivals = `${binary.product}-server ${binary.version}`;
headline("Applying SET from the stream", {
  commands: blocks * BLOCK_COMMANDS,
  keys,
  "value bytes": valueBytes,
  runs,
});
const hose = await Firehose.start();
const theirs: Rate[] = [];
const ours = new Map<Runtime, Rate[]>((await subjects()).map((runtime) => [runtime, []]));
for (let run = 0; run < runs; run++) {
  theirs.push(await floodServer(hose, load));
  for (const [runtime, rates] of ours) rates.push(await floodHost(hose, load, runtime));
}
hose.close();
show(rivals, theirs);
for (const [runtime, rates] of ours) {
  const name = `${runtime.name} ${runtime.version}`;
  show(name, rates);
  const rate = median(rates.map((one) => one.perSecond));
  const ratio = rate / median(theirs.map((one) => one.perSecond));
  line(name, "rate / theirs", ratio.toFixed(2));
  verdict(name, "4 SETs a second", rate / 1e6, { atLeast: 1, aim: 2, unit: " M/s", higher: true });
}

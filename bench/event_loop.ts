/**
 * Measure 8: how long does the application around a replica wait for its turn while the replica syncs
 * and while it takes a blast of writes?
 *
 *     [RUNTIME=deno,bun,node] [KEYS=5000000] [VALUE=200] [SECONDS=10] [RUNS=5] deno task bench event_loop
 *
 * A timer inside the application asks for its turn every millisecond and notes how late it comes. The
 * idle line shows what the runtime and the machine do by themselves.
 *
 * @module
 */

import type { Runtime } from "../tests/support/runtimes.ts";
import { Blast } from "./support/load_generator.ts";
import type { LoopDelays } from "./support/loop_probe.ts";
import { headline, line, median, size, verdict } from "./support/report.ts";
import { Host, pause, populate, startMaster, subjects } from "./support/subject.ts";

const PHASES = ["idle", "sync", "blast"] as const;
type Phase = typeof PHASES[number];

const IDLE_MS = 3000;
const keys = size("KEYS", 5_000_000);
const value = size("VALUE", 200);
const seconds = size("SECONDS", 10);
const runs = size("RUNS", 5);

async function watch(host: Host, work: () => Promise<unknown>): Promise<LoopDelays> {
  await host.request("probeStart");
  await work();
  return await host.request<LoopDelays>("probeStop");
}

async function measure(runtime: Runtime): Promise<Record<Phase, LoopDelays>> {
  await using master = await startMaster();
  await populate(master, keys, value);
  const host = await Host.start(runtime);
  try {
    const idle = await watch(host, () => pause(IDLE_MS));
    const sync = await watch(host, () => host.follow(master));
    const blast = await watch(host, async () => {
      const load = Blast.start(master, keys, value);
      await pause(seconds * 1000);
      await load.stop();
    });
    return { idle, sync, blast };
  } finally {
    await host.stop();
  }
}

function show(runtime: Runtime, outcomes: readonly Record<Phase, LoopDelays>[]): void {
  const name = `${runtime.name} ${runtime.version}`;
  const middle = (phase: Phase, field: keyof LoopDelays) =>
    median(outcomes.map((outcome) => outcome[phase][field]));
  for (const phase of PHASES) {
    const fields = (["p50", "p99", "max"] as const)
      .map((field) => `${field} ${middle(phase, field).toFixed(1)} ms`);
    line(name, `delay, ${phase}`, fields.join(", "));
  }
  for (const phase of ["sync", "blast"] as const) {
    const p99 = { atLeast: 10, aim: 5, unit: " ms" };
    const max = { atLeast: 30, aim: 15, unit: " ms" };
    verdict(name, `8 p99 during ${phase}`, middle(phase, "p99"), p99);
    verdict(name, `8 max during ${phase}`, middle(phase, "max"), max);
  }
}

headline("Event loop delay in the host", { keys, "value bytes": value, seconds, runs });
for (const runtime of await subjects()) {
  const outcomes: Record<Phase, LoopDelays>[] = [];
  for (let run = 0; run < runs; run++) outcomes.push(await measure(runtime));
  show(runtime, outcomes);
}

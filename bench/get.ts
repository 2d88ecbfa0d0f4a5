/**
 * Measure 6: how many `replica.get` a second, of a few keys and of any of 5 M?
 *
 *     [RUNTIME=deno,bun,node] [KEYS=5000000] [VALUE=200] [RUNS=5] deno task bench get
 *
 * In process, one core, values decoded to strings. "Hot" goes round 100 keys, "random" round 1 M names
 * drawn from all, made before the clock starts.
 *
 * @module
 */

import type { Runtime } from "../tests/support/runtimes.ts";
import { headline, line, median, size, spread, verdict } from "./support/report.ts";
import { Host, populate, startMaster, subjects } from "./support/subject.ts";

const keys = size("KEYS", 5_000_000);
const value = size("VALUE", 200);
const runs = size("RUNS", 5);
const shapes = [
  { name: "hot", distinct: Math.min(100, keys), rounds: 50_000, atLeast: 5, aim: 10 },
  { name: "random", distinct: Math.min(1_000_000, keys), rounds: 3, atLeast: 1, aim: 1.5 },
];

async function measure(host: Host): Promise<Map<string, number[]>> {
  const rates = new Map(shapes.map(({ name }) => [name, [] as number[]]));
  for (let run = 0; run < runs; run++) {
    for (const { name, distinct, rounds } of shapes) {
      const { ns } = await host.request("getCost", { prefix: "key", keys, distinct, rounds });
      rates.get(name)?.push(1000 / ns);
    }
  }
  return rates;
}

async function run(runtime: Runtime): Promise<void> {
  const host = await Host.start(runtime);
  try {
    await host.follow(master);
    const rates = await measure(host);
    for (const { name, atLeast, aim } of shapes) {
      const list = rates.get(name) ?? [];
      line(host.name, `get, ${name}`, spread(list, "M/s"));
      const bounds = { atLeast, aim, unit: " M/s", higher: true };
      verdict(host.name, `6 get a second, ${name}`, median(list), bounds);
    }
  } finally {
    await host.stop();
  }
}

headline("Reads in process", { keys, "value bytes": value, runs });
await using master = await startMaster();
await populate(master, keys, value);
for (const runtime of await subjects()) await run(runtime);

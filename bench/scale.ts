/**
 * Measure 9: does a key cost the same among a hundred thousand as among twenty million?
 *
 *     [RUNTIME=deno,bun,node] [SIZES=100000,1000000,5000000,20000000] [VALUE=10] [RUNS=3]
 *         deno task bench scale
 *
 * Short keys and values, so that the table shows and not the bytes. Per key: time and memory of a full
 * sync (the fixed cost of connecting and of the master's fork taken off, measured with a hundred keys),
 * and one random `get`, whose rise with the size is the processor's caches, shown beside.
 *
 * @module
 */

import { env } from "node:process";
import type { Runtime } from "../tests/support/runtimes.ts";
import { headline, line, median, size, verdict } from "./support/report.ts";
import { Host, memoryOf, populate, startMaster, subjects } from "./support/subject.ts";

interface Outcome {
  readonly syncMs: number;
  readonly usedBytes: number;
  readonly residentBytes: number;
  readonly getNs: number;
}

const FIXED_COST_KEYS = 100;
const DISTINCT = 1_000_000;
const sizes = (env.SIZES ?? "100000,1000000,5000000,20000000").split(",").map(Number);
const value = size("VALUE", 10);
const runs = size("RUNS", 3);

async function syncOnce(runtime: Runtime, keys: number, port: Master): Promise<Outcome> {
  const host = await Host.start(runtime);
  try {
    const before = memoryOf(host.pid).now;
    const { ms } = await host.follow(port);
    const { keys: arrived, memoryBytes } = await host.request("status");
    if (arrived !== keys) throw new Error(`${arrived} keys arrived, not ${keys}`);
    const residentBytes = memoryOf(host.pid).now - before;
    const distinct = Math.min(keys, DISTINCT);
    const cost = await host.request("getCost", { prefix: "key", keys, distinct, rounds: 2 });
    return { syncMs: ms, usedBytes: memoryBytes, residentBytes, getNs: cost.ns };
  } finally {
    await host.stop();
  }
}

type Master = Awaited<ReturnType<typeof startMaster>>;

/** Medians of all runs at one size, for each runtime. */
async function measure(keys: number, runtimes: readonly Runtime[]): Promise<Outcome[]> {
  await using master = await startMaster();
  await populate(master, keys, value);
  const middle: Outcome[] = [];
  for (const runtime of runtimes) {
    const outcomes: Outcome[] = [];
    for (let run = 0; run < runs; run++) outcomes.push(await syncOnce(runtime, keys, master));
    const pick = (field: keyof Outcome) => median(outcomes.map((outcome) => outcome[field]));
    middle.push({
      syncMs: pick("syncMs"),
      usedBytes: pick("usedBytes"),
      residentBytes: pick("residentBytes"),
      getNs: pick("getNs"),
    });
  }
  return middle;
}

headline("Cost per key by the number of keys", {
  sizes: sizes.join(" "),
  "value bytes": value,
  runs,
});
const runtimes = await subjects();
const fixed = await measure(FIXED_COST_KEYS, runtimes);
const nsPerKey = runtimes.map(() => [] as number[]);
const bytesPerKey = runtimes.map(() => [] as number[]);
for (const keys of sizes) {
  const outcomes = await measure(keys, runtimes);
  outcomes.forEach((outcome, i) => {
    const ns = (outcome.syncMs - fixed[i].syncMs) * 1e6 / keys;
    nsPerKey[i].push(ns);
    bytesPerKey[i].push(outcome.usedBytes / keys);
    const costs = [
      `${ns.toFixed(0)} ns to load`,
      `${(outcome.usedBytes / keys).toFixed(1)} bytes reserved`,
      `${(outcome.residentBytes / keys).toFixed(1)} bytes resident`,
      `${outcome.getNs.toFixed(0)} ns to get`,
    ];
    line(`${runtimes[i].name} ${runtimes[i].version}`, `${keys} keys, each`, costs.join(", "));
  });
}
runtimes.forEach((runtime, i) => {
  const name = `${runtime.name} ${runtime.version}`;
  const bounds = { atLeast: 1.25, aim: 1.1 };
  const ratio = (list: readonly number[]) => Math.max(...list) / Math.min(...list);
  verdict(name, "9 time per key, most / least", ratio(nsPerKey[i]), bounds);
  verdict(name, "9 bytes per key, most / least", ratio(bytesPerKey[i]), bounds);
});

/**
 * Measures 11 and 12: what does each read cost beside a random `get`, and beside a client's GET over loopback?
 *
 *     [RUNTIME=deno,bun,node] [KEYS=100000] [SMALL=10000] [VALUE=100] [RUNS=5] deno task bench reads
 *
 * In process, one core, on random keys: KEYS strings of VALUE bytes, SMALL hashes, sorted sets, lists and sets
 * of three or ten elements, and one large one of each. A `Map` of the same strings says what a JavaScript value that
 * is made already would cost. The clients ask the same master, one GET after the other, in the same process.
 *
 * @module
 */

import type { Runtime } from "../tests/support/runtimes.ts";
import { FILL_LARGE, FILL_SMALL, LARGE, READS } from "./support/read_costs.ts";
import { headline, line, median, size, spread, verdict } from "./support/report.ts";
import { Host, populate, startMaster, subjects } from "./support/subject.ts";

const keys = size("KEYS", 100_000);
const smalls = size("SMALL", 10_000);
const value = size("VALUE", 100);
const runs = size("RUNS", 5);
const BATCH = 1000;

async function fill(script: string, count: number): Promise<void> {
  for (let i = 0; i < count; i += BATCH) {
    await master.call("EVAL", script, 0, i + 1, Math.min(i + BATCH, count));
  }
}

/** The rates of each read, and its shares of the rate of `get` in the same run. */
async function reads(host: Host): Promise<void> {
  const gets: number[] = [];
  const maps: number[] = [];
  const shares = new Map(READS.map(({ name }) => [name, [] as number[]]));
  const rates = new Map(READS.map(({ name }) => [name, [] as number[]]));
  for (let run = 0; run < runs; run++) {
    const { get, map, others } = await host.request<Rates>("readRates", {});
    gets.push(get);
    maps.push(map);
    for (const [name, rate] of Object.entries(others)) {
      rates.get(name)?.push(rate);
      shares.get(name)?.push(rate / get);
    }
  }
  line(host.name, "get, random", spread(gets, "M/s"));
  line(host.name, "Map of the same strings", spread(maps, "M/s"));
  for (const { name, atLeast, aim } of READS) {
    line(host.name, name, spread(rates.get(name) ?? [], "M/s"));
    if (atLeast === undefined || aim === undefined) continue;
    const share = median(shares.get(name) ?? []);
    verdict(host.name, `11 ${name} / get`, share, { atLeast, aim, higher: true });
  }
  await clients(host, median(gets));
}

interface Rates {
  readonly get: number;
  readonly map: number;
  readonly others: Record<string, number>;
}

async function clients(host: Host, get: number): Promise<void> {
  const rates = await host.request<Record<string, number>>("clientRates", {
    port: master.port,
    keys,
  });
  for (const [name, rate] of Object.entries(rates)) {
    line(host.name, `${name} GET over loopback`, `${(rate / 1000).toFixed(1)} k/s`);
    const bounds = { atLeast: 100, aim: 300, unit: "x", higher: true };
    verdict(host.name, `12 get / ${name} GET`, get * 1e6 / rate, bounds);
  }
}

async function run(runtime: Runtime): Promise<void> {
  const host = await Host.start(runtime);
  try {
    await host.follow(master);
    await host.request("prepareReads", { keys, smalls });
    await reads(host);
  } finally {
    await host.stop();
  }
}

headline("Every read beside a random get", { keys, smalls, "value bytes": value, runs });
await using master = await startMaster();
await populate(master, keys, value);
await fill(FILL_SMALL, smalls);
await fill(FILL_LARGE, LARGE);
for (const runtime of await subjects()) await run(runtime);

/**
 * Measures 11 and 12: what does each read cost beside a random `get`, and beside a client's GET over loopback?
 *
 *     [RUNTIME=deno,bun,node] [KEYS=100000] [SMALL=10000] [VALUE=100] [RUNS=3] deno task bench reads
 *
 * In process, one core, on random keys: KEYS strings of VALUE bytes, SMALL hashes, sorted sets, lists and sets
 * of three or ten elements, and one large one of each. A `Map` of the same strings says what a JavaScript value that
 * is made already would cost. The clients ask the same master, one GET after the other, in the same process.
 *
 * @module
 */

import type { Runtime } from "../tests/support/runtimes.ts";
import { FILL_LARGE, FILL_SMALL, LARGE, type Pace, type Read } from "./support/read_costs.ts";
import { READS } from "./support/read_costs.ts";
import { headline, line, median, size, spread, verdict } from "./support/report.ts";
import { Host, populate, startMaster, subjects } from "./support/subject.ts";

const keys = size("KEYS", 100_000);
const smalls = size("SMALL", 10_000);
const value = size("VALUE", 100);
const runs = size("RUNS", 3);
const BATCH = 1000;

async function fill(script: string, count: number): Promise<void> {
  for (let i = 0; i < count; i += BATCH) {
    await master.call("EVAL", script, 0, i + 1, Math.min(i + BATCH, count));
  }
}

/** Each read's rate, and its share of the rate of `get`. */
async function reads(host: Host): Promise<void> {
  const rows: (Partial<Read> & { readonly name: string })[] = [
    { name: "Map of the same strings" },
    ...READS,
  ];
  for (const row of rows) {
    const paces: Pace[] = [];
    const read = row.run === undefined ? undefined : row.name;
    for (let run = 0; run < runs; run++) paces.push(await host.request("readPace", { read }));
    if (read === undefined) line(host.name, "get, random", spread(paces.map((p) => p.get), "M/s"));
    line(host.name, row.name, spread(paces.map((p) => p.rate), "M/s"));
    const share = median(paces.map((p) => p.share));
    const { atLeast, aim } = row;
    if (atLeast === undefined || aim === undefined) continue;
    verdict(host.name, `11 ${row.name} / get`, share, { atLeast, aim, higher: true });
  }
}

interface ClientRates {
  readonly get: number;
  readonly clients: Record<string, number>;
}

async function clients(host: Host): Promise<void> {
  const asked = { port: master.port, keys };
  const { get, clients } = await host.request<ClientRates>("clientRates", asked);
  for (const [name, rate] of Object.entries(clients)) {
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
    await clients(host);
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

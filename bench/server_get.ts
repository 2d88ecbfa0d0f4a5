/**
 * Measure 7: how many GETs a second does the RESP server answer, one at a time and 16 pipelined?
 *
 *     [RUNTIME=deno,bun,node] [KEYS=1000000] [VALUE=100] [REQUESTS=1000000] [RUNS=5]
 *         deno task bench server_get
 *
 * 50 connections of the server package's own load generator, random keys, against a redis-server
 * replica and against ours, of the same master, in turn.
 *
 * @module
 */

import { run as runProgram } from "../tests/support/process.ts";
import type { Runtime } from "../tests/support/runtimes.ts";
import type { RunningServer } from "../tests/support/servers.ts";
import { headline, line, median, size, spread, verdict } from "./support/report.ts";
import { followWith, Host, opponent, startMaster, startReplica } from "./support/subject.ts";
import { subjects } from "./support/subject.ts";

const CONNECTIONS = 50;
const BATCH = 10_000;
const keys = size("KEYS", 1_000_000);
const value = size("VALUE", 100);
const requests = size("REQUESTS", 1_000_000);
const runs = size("RUNS", 5);
const shapes = [
  { name: "unpipelined", depth: 1, requests: Math.ceil(requests / 4), atLeast: 0.9, aim: 1 },
  { name: "16 pipelined", depth: 16, requests, atLeast: 0.7, aim: 0.9 },
];

/** The load generator writes its random numbers with twelve digits. */
async function fill(server: RunningServer): Promise<void> {
  const text = "v".repeat(value);
  for (let i = 0; i < keys; i += BATCH) {
    const commands = Array.from({ length: Math.min(BATCH, keys - i) }, (_, k) => {
      return ["SET", `key:${String(i + k).padStart(12, "0")}`, text];
    });
    await server.pipeline(commands);
  }
}

async function load(port: number, depth: number, count: number): Promise<number> {
  if (binary.benchmark === undefined) {
    throw new Error(`${binary.name} comes without a load generator`);
  }
  const done = await runProgram(binary.benchmark, [
    ...["-h", "127.0.0.1", "-p", String(port), "-c", String(CONNECTIONS), "-P", String(depth)],
    ...["-n", String(count), "-r", String(keys), "--csv", "GET", "key:__rand_int__"],
  ]);
  // The last line of the table: "GET key:__rand_int__","123456.78",...
  const rate = done.stdout.trim().split("\n").at(-1)?.match(/^".*?","([\d.]+)"/)?.[1];
  if (rate === undefined) {
    throw new Error(`The load generator failed: ${done.stdout}${done.stderr}`);
  }
  return Number(rate);
}

type Rates = Map<string, number[]>;

async function measure(port: number, rates: Rates): Promise<void> {
  for (const { name, depth, requests: count } of shapes) {
    const list = rates.get(name) ?? [];
    rates.set(name, list);
    list.push(await load(port, depth, count));
  }
}

function show(name: string, rates: Rates): void {
  for (const [shape, list] of rates) {
    line(name, `GET ${shape}`, spread(list.map((rate) => rate / 1000), "k/s", 0));
  }
}

const binary = await opponent();
const rivals = `${binary.product}-server ${binary.version}`;
headline(`GET over RESP against ${rivals}`, {
  keys,
  "value bytes": value,
  connections: CONNECTIONS,
  runs,
});
await using master = await startMaster();
await fill(master);
await using replica = await startReplica();
await followWith(replica, master.port);
const hosts: { host: Host; port: number; rates: Rates }[] = [];
for (const runtime of await subjects() as Runtime[]) {
  const host = await Host.start(runtime);
  const { listening } = await host.follow(master, "127.0.0.1:0");
  hosts.push({ host, port: Number(listening.split(":").at(-1)), rates: new Map() });
}
const theirs: Rates = new Map();
for (let run = 0; run < runs; run++) {
  await measure(replica.port, theirs);
  for (const { port, rates } of hosts) await measure(port, rates);
}
show(rivals, theirs);
for (const { host, rates } of hosts) {
  show(host.name, rates);
  for (const { name, atLeast, aim } of shapes) {
    const ratio = median(rates.get(name) ?? []) / median(theirs.get(name) ?? []);
    verdict(host.name, `7 GET ${name} / theirs`, ratio, { atLeast, aim, higher: true });
  }
  await host.stop();
}

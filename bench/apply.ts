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

import { encodeCommand } from "../tests/support/resp.ts";
import type { Runtime } from "../tests/support/runtimes.ts";
import { Firehose, type Load } from "./support/firehose.ts";
import { headline, line, median, size, spread, verdict } from "./support/report.ts";
import { cpuSecondsOf, Host, opponent, startReplica, subjects } from "./support/subject.ts";

interface Outcome {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

const BLOCK_COMMANDS = 2000;
const MAX_BLOCKS = 500;
const keys = size("KEYS", 1_000_000);
const value = size("VALUE", 64);
const runs = size("RUNS", 5);
const count = Math.ceil(size("COMMANDS", 5_000_000) / BLOCK_COMMANDS);

function makeLoad(): Load {
  const blocks: Uint8Array[] = [];
  const bytes = "v".repeat(value);
  let seed = 42;
  const next = () => seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  for (let i = 0; i < Math.min(count, MAX_BLOCKS); i++) {
    const commands = Array.from(
      { length: BLOCK_COMMANDS },
      () => encodeCommand(["SET", `key:${String(next() % keys).padStart(8, "0")}`, bytes]),
    );
    blocks.push(join(commands));
  }
  return { blocks, count };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let pos = 0;
  for (const part of parts) {
    whole.set(part, pos);
    pos += part.length;
  }
  return whole;
}

async function flood(
  hose: Firehose,
  pid: number,
  follow: () => Promise<unknown>,
): Promise<Outcome> {
  const connected = hose.replica();
  void follow().catch((error) => console.error(error));
  const replica = await connected;
  const cpu = cpuSecondsOf(pid);
  const started = performance.now();
  await replica.flood(load);
  const seconds = (performance.now() - started) / 1000;
  const used = cpuSecondsOf(pid) - cpu;
  replica.close();
  const commands = count * BLOCK_COMMANDS;
  return { perSecond: commands / seconds, perCpuSecond: commands / used };
}

async function floodServer(hose: Firehose): Promise<Outcome> {
  await using server = await startReplica();
  return await flood(hose, server.pid, () => server.call("REPLICAOF", "127.0.0.1", hose.port));
}

async function floodHost(hose: Firehose, runtime: Runtime): Promise<Outcome> {
  const host = await Host.start(runtime);
  try {
    const master = `redis://127.0.0.1:${hose.port}`;
    return await flood(hose, host.pid, () => host.request("start", { master }));
  } finally {
    await host.stop();
  }
}

function show(name: string, outcomes: readonly Outcome[]): void {
  const millions = (field: keyof Outcome) => outcomes.map((outcome) => outcome[field] / 1e6);
  line(name, "SETs applied, wall", spread(millions("perSecond"), "M/s"));
  line(name, "SETs applied, processor time", spread(millions("perCpuSecond"), "M/s"));
}

const load = makeLoad();
const binary = await opponent();
const rivals = `${binary.product}-server ${binary.version}`;
headline("Applying SET from the stream", {
  commands: count * BLOCK_COMMANDS,
  keys,
  "value bytes": value,
  runs,
});
const hose = await Firehose.start();
const theirs: Outcome[] = [];
const ours = new Map<Runtime, Outcome[]>((await subjects()).map((runtime) => [runtime, []]));
for (let run = 0; run < runs; run++) {
  theirs.push(await floodServer(hose));
  for (const [runtime, outcomes] of ours) outcomes.push(await floodHost(hose, runtime));
}
hose.close();
show(rivals, theirs);
for (const [runtime, outcomes] of ours) {
  const name = `${runtime.name} ${runtime.version}`;
  show(name, outcomes);
  const rate = median(outcomes.map((outcome) => outcome.perSecond));
  const ratio = rate / median(theirs.map((outcome) => outcome.perSecond));
  line(name, "rate / theirs", ratio.toFixed(2));
  verdict(name, "4 SETs a second", rate / 1e6, { atLeast: 1, aim: 2, unit: " M/s", higher: true });
}

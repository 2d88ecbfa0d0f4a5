/**
 * The process under measurement: an application with a replica in it. Takes one JSON request a line
 * on its input and answers each with one line. Runs under all three runtimes.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { Replica } from "../../src/replica/replica.ts";
import type { FilterOptions } from "../../src/store/keyspace/key_filter.ts";
import { LoopProbe } from "./loop_probe.ts";
import { clientRates } from "./loopback_clients.ts";
import { getRate, mapPace, prepareReads, readPace } from "./read_costs.ts";

interface Request {
  readonly name: string;
  readonly [field: string]: unknown;
}

const HEARTBEAT_EVERY_MS = 10;

let replica: Replica | undefined;
const levels: string[] = [];
let heartbeats: { timer: ReturnType<typeof setInterval>; maxMs: number } | undefined;
const probe = new LoopProbe();

const handlers: Record<string, (request: Request) => unknown> = {
  /** Follows `master`, optionally serving on `listen`, and answers when the data is there. */
  async start({ master, listen, server = {}, filter }) {
    const started = performance.now();
    const served = listen === undefined ? {} : { listen: String(listen), server: server as object };
    const part = filter === undefined ? {} : { filter: filter as FilterOptions };
    replica = new Replica({ master: String(master), logger: false, ...served, ...part });
    await replica.start();
    await replica.ready();
    return { ms: performance.now() - started, listening: replica.status().listening };
  },
  status() {
    const { state, keys, memoryBytes, offset, lagBytes, counters } = running().status();
    return { state, keys, memoryBytes, offset, lagBytes, commands: counters.commands };
  },
  /** Begins to watch how late timers come. */
  probeStart() {
    probe.start();
  },
  probeStop() {
    return probe.stop();
  },
  /** Begins to watch how old the master's heartbeat is when read here. */
  heartbeatStart({ key }) {
    const watch = { maxMs: 0, timer: setInterval(() => beat(String(key)), HEARTBEAT_EVERY_MS) };
    heartbeats = watch;
  },
  heartbeatStop() {
    clearInterval(heartbeats?.timer);
    return { maxMs: heartbeats?.maxMs ?? 0 };
  },
  /** Nanoseconds of one `get` over `distinct` of `keys` keys named `prefix:N`. */
  getCost({ prefix, keys, distinct, rounds }) {
    return { ns: getCost(String(prefix), Number(keys), Number(distinct), Number(rounds)) };
  },
  /** Makes the names that `readPace` goes over. */
  prepareReads({ keys, smalls }) {
    prepareReads(Number(keys), Number(smalls));
  },
  /** How fast one of the reads is beside random `get`; without a name, a `Map`. */
  readPace({ read }) {
    return read === undefined ? mapPace(running()) : readPace(running(), String(read));
  },
  /** GETs a second of other clients in this process, and millions of `get` just before. */
  async clientRates({ port, keys }) {
    const get = getRate(running());
    return { get, clients: await clientRates(Number(port), Number(keys)) };
  },
  /** Collects garbage where the runtime lets us. */
  collect() {
    (globalThis as { gc?: () => void }).gc?.();
  },
  async stop() {
    await replica?.close();
    replica = undefined;
  },
};

/** What is asked of a replica with a limit on memory. */
const limits: typeof handlers = {
  /** Follows `master` within a limit on memory; answers when the data is there, or the limit is reached. */
  async limited({ master, maxMemory, onMaxMemory }) {
    const policy = onMaxMemory as "stop" | "flush";
    const options = { maxMemory: Number(maxMemory), onMaxMemory: policy, logger: false } as const;
    replica = new Replica({ master: String(master), ...options });
    replica.on("memory", ({ level }) => levels.push(level));
    await replica.start();
    await replica.ready().catch(() => undefined);
  },
  /** How it stands with the limit. */
  limitStatus() {
    const { state, keys, memory, error, counters } = running().status();
    const code = (error as { code?: string } | undefined)?.code;
    return { state, keys, total: memory.total, level: memory.level, levels, code, counters };
  },
};

function running(): Replica {
  if (replica === undefined) throw new Error("Not started");
  return replica;
}

function beat(key: string): void {
  const sent = Number(running().get(key));
  if (heartbeats === undefined || !Number.isFinite(sent) || sent === 0) return;
  heartbeats.maxMs = Math.max(heartbeats.maxMs, Date.now() - sent);
}

function getCost(prefix: string, keys: number, distinct: number, rounds: number): number {
  const target = running();
  let seed = 0x9e3779b9;
  const names: string[] = [];
  for (let i = 0; i < distinct; i++) {
    seed = (Math.imul(seed ^ (seed >>> 15), 0x85ebca6b) + i) >>> 0;
    names.push(`${prefix}:${seed % keys}`);
  }
  let sink = 0;
  const read = () => {
    for (let i = 0; i < distinct; i++) sink += target.get(names[i])?.length ?? -1;
  };
  read();
  const started = performance.now();
  for (let round = 0; round < rounds; round++) read();
  const elapsedMs = performance.now() - started;
  if (sink < 0) throw new Error("The keys are not there");
  return elapsedMs * 1e6 / (rounds * distinct);
}

async function answer(line: string): Promise<void> {
  const request = JSON.parse(line) as Request;
  let reply: unknown;
  try {
    reply = { result: await (handlers[request.name] ?? limits[request.name])(request) ?? null };
  } catch (error) {
    reply = { error: error instanceof Error ? error.stack ?? error.message : String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => void answer(line));
lines.on("close", () => process.exit(0));
process.stdout.write('{"result":"up"}\n');

/**
 * Does `maxMemory` hold? What is counted and what is resident at most, against the limit, in each way to reach it.
 *
 *     [RUNTIME=deno,bun,node] [LIMIT_MB=100] [SERVER=redis-8.6] deno task bench max_memory
 *
 * Resident memory is the highest there was since the process began (VmHWM), without what the process held before it
 * followed anybody. It may be the limit and 64 MB; what is counted may be 5% more than the limit.
 *
 * @module
 */

import process from "node:process";
import { Host, memoryOf, opponent, pause, subjects } from "./support/subject.ts";
import { headline, line, megabytes, size } from "./support/report.ts";
import { type RunningServer, startServer } from "../tests/support/servers.ts";

const MB = 1024 * 1024;
const limit = size("LIMIT_MB", 100) * MB;
const VALUE = "x".repeat(1000);
const SETTLE_MS = 60_000;

interface Standing {
  readonly state: string;
  readonly keys: number;
  readonly total: number;
  readonly level: string;
  readonly levels: readonly string[];
  readonly code: string | undefined;
}

interface Way {
  readonly name: string;
  readonly policy: "stop" | "flush";
  /** What the master has before it is followed. */
  readonly before?: (master: RunningServer) => Promise<void>;
  /** What it is sent then. */
  readonly then?: (master: RunningServer) => Promise<void>;
}

/** Strings of 1,000 bytes that differ, `bytes` together. */
async function strings(master: RunningServer, bytes: number, prefix = "k"): Promise<void> {
  const count = Math.floor(bytes / VALUE.length);
  for (let from = 0; from < count; from += 1000) {
    await master.pipeline(Array.from({ length: 1000 }, (_, i) => {
      return ["SET", `${prefix}:${from + i}`, `${from + i}${VALUE}`];
    }));
  }
}

/** A string of `bytes` zeros, by a command that is short itself. */
async function zeros(master: RunningServer, bytes: number): Promise<void> {
  await master.call("CONFIG", "SET", "proto-max-bulk-len", "2gb");
  await master.call("SETRANGE", "huge", String(bytes - 1), "x");
}

/** Many small elements by one command. */
async function oneCommand(master: RunningServer, name: string, count: number): Promise<void> {
  const withScores = name === "ZADD";
  const args = Array.from(
    { length: count },
    (_, i) => withScores ? [String(i), `e${i}`] : [`e${i}`],
  );
  await master.pipeline([[name, name, ...args.flat()]]);
}

const WAYS: readonly Way[] = [
  { name: "snapshot of twice the limit", policy: "stop", before: (m) => strings(m, 2 * limit) },
  { name: "stream of twice the limit", policy: "stop", then: (m) => strings(m, 2 * limit) },
  { name: "the same, flush", policy: "flush", then: (m) => strings(m, 2 * limit) },
  { name: "1 GB value, compressed snapshot", policy: "stop", before: (m) => zeros(m, 1024 * MB) },
  {
    name: "1 GB value, plain snapshot",
    policy: "stop",
    before: async (master) => {
      await master.call("CONFIG", "SET", "rdbcompression", "no");
      await zeros(master, 1024 * MB);
    },
  },
  { name: "1 GB value by SETRANGE", policy: "stop", then: (m) => zeros(m, 1024 * MB) },
  {
    name: "value of four times the limit by SET",
    policy: "stop",
    then: async (master) => void await master.call("SET", "long", "y".repeat(4 * limit)),
  },
  {
    name: "value of half the limit, appended to",
    policy: "stop",
    then: async (master) => {
      await master.call("SET", "grows", "y".repeat(limit / 2));
      for (let i = 0; i < 100; i++) await master.call("APPEND", "grows", "z".repeat(limit / 50));
    },
  },
  { name: "list by one RPUSH", policy: "stop", then: (m) => oneCommand(m, "RPUSH", limit / 20) },
  {
    name: "sorted set by one ZADD",
    policy: "stop",
    then: (m) => oneCommand(m, "ZADD", limit / 40),
  },
  {
    name: "copies of a list by COPY",
    policy: "stop",
    before: (m) => oneCommand(m, "RPUSH", 1_000_000),
    then: async (master) => {
      for (let i = 0; i < 60; i++) await master.call("COPY", "RPUSH", `copy:${i}`);
    },
  },
  {
    name: "second snapshot beside the data",
    policy: "stop",
    before: (master) => strings(master, limit * 0.6),
    then: resync,
  },
  {
    name: "the same, flush",
    policy: "flush",
    before: (master) => strings(master, limit * 0.6),
    then: resync,
  },
];

/** Makes the master forget its history, and its replicas ask for everything. */
async function resync(master: RunningServer): Promise<void> {
  await master.call("DEBUG", "CHANGE-REPL-ID");
  await master.call("CLIENT", "KILL", "TYPE", "replica");
  await pause(3000);
}

/** Waits until nothing is on its way any more. */
async function settled(host: Host): Promise<Standing> {
  const until = Date.now() + SETTLE_MS;
  let last: Standing | undefined;
  let same = 0;
  while (Date.now() < until && same < 10) {
    await pause(100);
    const now = await host.request<Standing>("limitStatus") as unknown as Standing;
    same = last?.total === now.total && last.state === now.state && now.state !== "syncing"
      ? same + 1
      : 0;
    last = now;
  }
  return last!;
}

async function measure(way: Way, runtimeIndex: number): Promise<void> {
  const runtime = (await subjects())[runtimeIndex];
  await using master = await startServer(await opponent(), [
    "--save",
    "",
    "--repl-diskless-sync-delay",
    "0",
  ]);
  await way.before?.(master);
  const host = await Host.start(runtime);
  const idle = memoryOf(host.pid).now;
  const url = `redis://127.0.0.1:${master.port}`;
  await host.request("limited", { master: url, maxMemory: limit, onMaxMemory: way.policy });
  await way.then?.(master);
  const { state, total, code, levels, keys } = await settled(host);
  const peak = memoryOf(host.pid).peak - idle;
  await host.stop();
  const verdict = peak <= limit + 64 * MB && total <= limit * 1.05 ? "held" : "NOT HELD";
  line(
    host.name,
    way.name,
    `${verdict}: counted ${megabytes(total).toFixed(1)} MB, resident at most ${
      megabytes(peak).toFixed(1)
    } MB ` +
      `over idle; ${state}${code === undefined ? "" : ` ${code}`}, ${keys} keys [${
        levels.join(" ")
      }]`,
  );
}

headline("Memory against maxMemory", { "limit MB": limit / MB, server: (await opponent()).name });
const asked = process.argv[2];
for (let i = 0; i < (await subjects()).length; i++) {
  for (const way of WAYS) {
    if (asked === undefined || way.name.includes(asked)) await measure(way, i);
  }
}

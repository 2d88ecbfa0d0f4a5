/**
 * Measure 5: how far behind is the replica while the master takes writes at full speed for 30 s, and
 * when has it caught up?
 *
 *     [RUNTIME=deno,bun,node] [SECONDS=30] [KEYS=1000000] [VALUE=100] deno task bench blast
 *
 * The load generator of the server package writes pipelined SETs; the driver writes a heartbeat with
 * the wall clock every 20 ms, and the application reads it from its replica every 10 ms: the oldest it
 * saw is the greatest lag. After the last write the clock runs until the replica's offset is the
 * master's. A redis-server replica is measured the same way, alone, for comparison.
 *
 * @module
 */

import { plain } from "../tests/support/resp.ts";
import type { RunningServer } from "../tests/support/servers.ts";
import type { Runtime } from "../tests/support/runtimes.ts";
import { beat, Blast, HEARTBEAT_KEY } from "./support/load_generator.ts";
import { headline, line, size, verdict } from "./support/report.ts";
import { followWith, Host, infoNumber, opponent, pause, startMaster } from "./support/subject.ts";
import { startReplica, subjects } from "./support/subject.ts";

interface Outcome {
  readonly writesPerSecond: number;
  readonly maxLagMs: number;
  readonly catchUpMs: number;
}

/** What is asked of either kind of replica. */
interface Follower {
  offset(): Promise<number>;
  watch(): Promise<() => Promise<number>>;
}

const POLL_MS = 2;
const GIVE_UP_MS = 120_000;
const seconds = size("SECONDS", 30);
const keys = size("KEYS", 1_000_000);
const value = size("VALUE", 100);

async function blast(master: RunningServer, follower: Follower): Promise<Outcome> {
  const stopBeat = await beat(master);
  await pause(200);
  const before = await infoNumber(master, "stats", "total_commands_processed");
  const unwatch = await follower.watch();
  const started = performance.now();
  const load = Blast.start(master, keys, value);
  await pause(seconds * 1000);
  await load.stop();
  const elapsed = (performance.now() - started) / 1000;
  const writes = await infoNumber(master, "stats", "total_commands_processed") - before;
  stopBeat();
  const catchUpMs = await untilCaughtUp(master, follower);
  return { writesPerSecond: writes / elapsed, maxLagMs: await unwatch(), catchUpMs };
}

async function untilCaughtUp(master: RunningServer, follower: Follower): Promise<number> {
  const started = performance.now();
  const target = await infoNumber(master, "replication", "master_repl_offset");
  while (await follower.offset() < target) {
    if (performance.now() - started > GIVE_UP_MS) return Infinity;
    await pause(POLL_MS);
  }
  return performance.now() - started;
}

async function blastServer(): Promise<Outcome> {
  await using master = await startMaster();
  await using replica = await startReplica();
  await followWith(replica, master.port);
  return await blast(master, {
    offset: () => infoNumber(replica, "replication", "slave_repl_offset"),
    watch: () => Promise.resolve(watchServer(replica)),
  });
}

/** The same watch as in the host, over a socket, as there is no other way into that process. */
function watchServer(replica: RunningServer): () => Promise<number> {
  let max = 0;
  const timer = setInterval(async () => {
    const sent = Number(plain(await replica.call("GET", HEARTBEAT_KEY).catch(() => "0")));
    if (sent > 0) max = Math.max(max, Date.now() - sent);
  }, 10);
  return () => {
    clearInterval(timer);
    return Promise.resolve(max);
  };
}

async function blastHost(runtime: Runtime): Promise<Outcome> {
  await using master = await startMaster();
  const host = await Host.start(runtime);
  try {
    await host.follow(master);
    return await blast(master, {
      offset: async () => (await host.request("status")).offset,
      watch: async () => {
        await host.request("heartbeatStart", { key: HEARTBEAT_KEY });
        return async () => (await host.request("heartbeatStop")).maxMs;
      },
    });
  } finally {
    await host.stop();
  }
}

function show(name: string, outcome: Outcome): void {
  line(name, "master's commands a second", `${(outcome.writesPerSecond / 1e6).toFixed(2)} M/s`);
  line(name, "greatest lag", `${outcome.maxLagMs.toFixed(0)} ms`);
  line(name, "caught up after", `${outcome.catchUpMs.toFixed(0)} ms`);
}

const binary = await opponent();
headline("Lag under a blast of writes", { seconds, keys, "value bytes": value });
show(`${binary.product}-server ${binary.version}`, await blastServer());
for (const runtime of await subjects()) {
  const name = `${runtime.name} ${runtime.version}`;
  const outcome = await blastHost(runtime);
  show(name, outcome);
  const bounds = { atLeast: 1000, aim: 1000, unit: " ms" };
  verdict(name, "5 lag gone after", outcome.catchUpMs, bounds);
  line(name, "5 never above 1 s (the aim)", outcome.maxLagMs <= 1000 ? "reached" : "missed");
}

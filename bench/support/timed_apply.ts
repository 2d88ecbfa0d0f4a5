/**
 * One replica, a real server or ours, under one load: commands applied a second.
 *
 * @module
 */

import type { Runtime } from "../../tests/support/runtimes.ts";
import type { Firehose, Load } from "./firehose.ts";
import { BLOCK_COMMANDS } from "./loads.ts";
import { cpuSecondsOf, Host, startReplica } from "./subject.ts";

/** How fast a load was applied. */
export interface Rate {
  /** Commands a second of wall time. */
  readonly perSecond: number;
  /** Commands a second of the process's own processor time, all its threads. */
  readonly perCpuSecond: number;
}

/** redis-server as a replica. */
export async function floodServer(hose: Firehose, load: Load): Promise<Rate> {
  await using server = await startReplica();
  const follow = () => server.call("REPLICAOF", "127.0.0.1", hose.port);
  return await flood(hose, load, server.pid, follow);
}

/** Ours, in a process of its own. */
export async function floodHost(hose: Firehose, load: Load, runtime: Runtime): Promise<Rate> {
  const host = await Host.start(runtime);
  try {
    const master = `redis://127.0.0.1:${hose.port}`;
    return await flood(hose, load, host.pid, () => host.request("start", { master }));
  } finally {
    await host.stop();
  }
}

async function flood(
  hose: Firehose,
  load: Load,
  pid: number,
  follow: () => Promise<unknown>,
): Promise<Rate> {
  const connected = hose.replica();
  void follow().catch((error) => console.error(error));
  const replica = await connected;
  const cpu = cpuSecondsOf(pid);
  const started = performance.now();
  await replica.flood(load);
  const seconds = (performance.now() - started) / 1000;
  const used = cpuSecondsOf(pid) - cpu;
  replica.close();
  const commands = load.count * BLOCK_COMMANDS;
  return { perSecond: commands / seconds, perCpuSecond: commands / used };
}

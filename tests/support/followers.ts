/**
 * Real replicas of real masters.
 *
 * @module
 */

import { infoField } from "./info.ts";
import { type RunningServer, startServer } from "./servers.ts";
import { until } from "./waiting.ts";

/** Starts a server of the master's kind that follows it, and waits until it has its data. */
export async function startFollower(
  master: RunningServer,
  extraArgs: readonly string[] = [],
): Promise<RunningServer> {
  const of = ["--replicaof", "127.0.0.1", String(master.port)];
  const follower = await startServer(master.binary, [...extraArgs, ...of]);
  try {
    await untilLinked(follower);
  } catch (error) {
    await follower.stop();
    throw error;
  }
  return follower;
}

/** Waits until a real replica follows its master. */
export async function untilLinked(follower: RunningServer): Promise<void> {
  await until("a real replica follows its master", async () => {
    return await infoField(follower, "master_link_status") === "up";
  });
}

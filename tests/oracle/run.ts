/**
 * What random runs against real servers have in common: commands drawn and sent, and a replica of ours that follows.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SILENT } from "../../src/base/logger.ts";
import type { ReplicaOptions } from "../../src/replica/options.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { Connection } from "../support/connection.ts";
import { ErrorValue } from "../support/resp.ts";
import type { RunningServer } from "../support/servers.ts";
import type { Words } from "./module_writes.ts";
import { toBytes } from "./vocabulary.ts";

/** Commands that are sent at once. */
export const BATCH = 200;
/** Most keys that a failure shows. */
export const SHOWN = 10;
/** Errors of a server whose word means that the test is wrong. */
const UNSOUND = /^(ERR (syntax|unknown|wrong number|Number of keys)|BUSY )/;

/** Draws commands; one draw may give several that belong together. */
export function batchOf(writes: { next(): readonly Words[] }, draws: number = BATCH): Words[] {
  return Array.from({ length: draws }, () => writes.next()).flat();
}

/** Sends some commands; tells how many the server took. */
export async function send(client: Connection, commands: readonly Words[]): Promise<number> {
  const replies = await client.pipeline(commands.map((words) => words.map(toBytes)));
  let taken = 0;
  for (const [i, reply] of replies.entries()) {
    if (!(reply instanceof ErrorValue)) taken++;
    else if (UNSOUND.test(reply.message)) {
      assert.fail(`${JSON.stringify(commands[i])}: ${reply.message}`);
    }
  }
  return taken;
}

/** A replica of ours that has the master's data; its warnings and errors are pushed to `told`. */
export async function startReplica(
  master: RunningServer,
  told: string[],
  options: ReplicaOptions & { readonly readyMs: number },
): Promise<Replica> {
  const { readyMs, ...others } = options;
  const tell = (message: string) => void told.push(message);
  const replica = new Replica({
    master: `redis://127.0.0.1:${master.port}`,
    logger: { ...SILENT, warn: tell, error: tell },
    ...others,
  });
  try {
    await replica.start();
    await replica.ready({ timeoutMs: readyMs });
  } catch (error) {
    await replica.close();
    throw error;
  }
  return replica;
}

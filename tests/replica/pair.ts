/**
 * A master in this process with a replica of it.
 *
 * @module
 */

import { Replica, type ReplicaOptions } from "../../mod.ts";
import { TestMaster, type TestMasterOptions } from "../../src/testing/mod.ts";

/** Milliseconds any wait of these tests may take. */
export const READY_MS: number = 10_000;

/** A master in this process and a replica of it, neither of them asked for anything yet. */
export interface Pair {
  readonly master: TestMaster;
  readonly replica: Replica;
}

/** Runs a test with a pair, and closes both. */
export async function follow(
  run: (pair: Pair) => Promise<void> | void,
  options: ReplicaOptions = {},
  masterOptions: TestMasterOptions = {},
): Promise<void> {
  await using master = await TestMaster.start(masterOptions);
  await using replica = new Replica({ master: master.url, logger: false, ...options });
  await run({ master, replica });
}

/** Starts the replica and waits until it has what the master has. */
export async function started({ master, replica }: Pair): Promise<void> {
  await replica.start();
  await replica.ready({ timeoutMs: READY_MS });
  await master.wait(1, READY_MS);
}

/**
 * Commands of every family mixed, on the same few keys, to real servers and to our engine: every reply
 * the same, and all that is held the same at stops and at the end.
 *
 *     [SEED=n] [COUNT=2000000] deno test -A tests/oracle/differential_test.ts
 *
 * @module
 */

import { serverTest } from "../support/servers.ts";
import { RUN_MS, runFamily } from "../commands/differential.ts";
import { allFamilies } from "./families.ts";

await serverTest("commands of all families answer as a real server does", async (binary) => {
  await runFamily(binary, allFamilies(binary));
}, { timeoutMs: RUN_MS });

/**
 * SORT and SORT_RO against the oracle of `differential.ts`.
 *
 * @module
 */

import { atLeast, serverTest } from "../support/servers.ts";
import { RUN_MS, runFamily } from "./differential.ts";
import { sortFamily } from "./sort_makers.ts";

await serverTest("our SORT is a real server's", async (binary) => {
  const listpacks = binary.product === "valkey" || atLeast(binary.version, "7.2");
  await runFamily(binary, sortFamily(listpacks));
}, RUN_MS);

/**
 * SORT and SORT_RO against the oracle of `differential.ts`.
 *
 * @module
 */

import { serverTest } from "../../support/servers.ts";
import { RUN_MS, runFamily } from "../differential.ts";
import { sortFamily } from "./sort_makers.ts";

await serverTest("our SORT is a real server's", async (binary) => {
  await runFamily(binary, sortFamily(binary));
}, { timeoutMs: RUN_MS });

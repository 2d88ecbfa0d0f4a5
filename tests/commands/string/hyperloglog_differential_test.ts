/**
 * HyperLogLogs against the oracle of `differential.ts`.
 *
 * @module
 */

import { serverTest } from "../../support/servers.ts";
import { RUN_MS, runFamily } from "../differential.ts";
import { hyperloglogFamily } from "./hyperloglog_makers.ts";

await serverTest("our HyperLogLogs are a real server's", async (binary) => {
  await runFamily(binary, hyperloglogFamily);
}, { timeoutMs: RUN_MS });

/**
 * Streams against the oracle of `differential.ts`.
 *
 * @module
 */

import { serverTest } from "../../support/servers.ts";
import { RUN_MS, runFamily } from "../differential.ts";
import { streamFamily } from "./makers.ts";

await serverTest("our streams are a real server's", async (binary) => {
  await runFamily(binary, streamFamily(binary));
}, { timeoutMs: RUN_MS });

/**
 * Lists against the oracle of `differential.ts`.
 *
 * @module
 */

import { serverTest, sinceRedis } from "../../support/servers.ts";
import { COUNT, RUN_MS, runFamily } from "../differential.ts";
import { listFamily } from "./makers.ts";

const hasListpacks = sinceRedis("7.2");

await serverTest("our lists are a real server's", async (binary) => {
  await runFamily(binary, listFamily(hasListpacks(binary)));
}, { timeoutMs: RUN_MS });

// Nodes of few entries are split and merged all the time. 7.0 splits others for huge elements.
const FILLS = COUNT > 20_000 ? [3, 50, -1] : [3];

for (const fill of FILLS) {
  await serverTest(`our lists are a real server's, ${fill} a node`, async (binary) => {
    await runFamily(binary, listFamily(true, fill));
  }, { timeoutMs: RUN_MS, isFor: hasListpacks });
}

/**
 * Lists against the oracle of `differential.ts`.
 *
 * @module
 */

import { atLeast, type ServerBinary, serverTest } from "../support/servers.ts";
import { COUNT, RUN_MS, runFamily } from "./differential.ts";
import { listFamily } from "./list_makers.ts";

function hasListpacks(binary: ServerBinary): boolean {
  return binary.product === "valkey" || atLeast(binary.version, "7.2");
}

await serverTest("our lists are a real server's", async (binary) => {
  await runFamily(binary, listFamily(hasListpacks(binary)));
}, RUN_MS);

// Nodes of few entries are split and merged all the time. 7.0 splits others for huge elements.
const FILLS = COUNT > 20_000 ? [3, 50, -1] : [3];

for (const fill of FILLS) {
  await serverTest(`our lists are a real server's, ${fill} a node`, async (binary) => {
    if (!hasListpacks(binary)) return;
    await runFamily(binary, listFamily(true, fill));
  }, RUN_MS);
}

/**
 * Streams against the oracle of `differential.ts`.
 *
 * @module
 */

import { serverTest } from "../support/servers.ts";
import { runFamily } from "./differential.ts";
import { streamFamily } from "./stream_makers.ts";

await serverTest("our streams are a real server's", async (binary) => {
  await runFamily(binary, streamFamily(binary));
}, 3_600_000);

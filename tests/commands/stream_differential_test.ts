/**
 * Streams against the oracle of `differential.ts`.
 *
 * @module
 */

import { atLeast, serverTest } from "../support/servers.ts";
import { runFamily } from "./differential.ts";
import { streamFamily } from "./stream_makers.ts";

await serverTest("our streams are a real server's", async (binary) => {
  // Older servers and Valkey word errors and estimate lags otherwise.
  if (binary.product === "valkey" || !atLeast(binary.version, "8.0")) return;
  await runFamily(binary, streamFamily);
}, 3_600_000);

/**
 * Lists against the oracle of `differential.ts`.
 *
 * @module
 */

import { atLeast, serverTest } from "../support/servers.ts";
import { runFamily } from "./differential.ts";
import { listFamily } from "./list_makers.ts";

await serverTest("our lists are a real server's", async (binary) => {
  await runFamily(
    binary,
    listFamily(binary.product === "valkey" || atLeast(binary.version, "7.2")),
  );
}, 3_600_000);

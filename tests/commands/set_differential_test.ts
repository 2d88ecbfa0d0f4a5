/**
 * Sets against the oracle of `differential.ts`.
 *
 * @module
 */

import { atLeast, type ServerBinary, serverTest } from "../support/servers.ts";
import { runFamily } from "./differential.ts";
import { setFamily } from "./set_makers.ts";

function hasListpacks(binary: ServerBinary): boolean {
  return binary.product === "valkey" || atLeast(binary.version, "7.2");
}

await serverTest("our sets are a real server's", async (binary) => {
  await runFamily(binary, setFamily(hasListpacks(binary)));
}, 3_600_000);

// Narrow limits are crossed all the time.
await serverTest("our sets are a real server's, few members a form", async (binary) => {
  if (!hasListpacks(binary)) return;
  const limits = { setMaxIntsetEntries: 12, setMaxListpackEntries: 6, setMaxListpackValue: 8 };
  await runFamily(binary, setFamily(true, limits));
}, 3_600_000);

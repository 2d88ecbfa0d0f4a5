/**
 * Sets against the oracle of `differential.ts`.
 *
 * @module
 */

import { serverTest, sinceRedis } from "../../support/servers.ts";
import { RUN_MS, runFamily } from "../differential.ts";
import { setFamily } from "./makers.ts";

const hasListpacks = sinceRedis("7.2");

await serverTest("our sets are a real server's", async (binary) => {
  await runFamily(binary, setFamily(hasListpacks(binary)));
}, { timeoutMs: RUN_MS });

// Limits so small that sets change their form all the time.
await serverTest("our sets are a real server's, few members a form", async (binary) => {
  const limits = { setMaxIntsetEntries: 12, setMaxListpackEntries: 6, setMaxListpackValue: 8 };
  await runFamily(binary, setFamily(true, limits));
}, { timeoutMs: RUN_MS, isFor: hasListpacks });

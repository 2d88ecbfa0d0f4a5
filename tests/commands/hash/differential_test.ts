/**
 * Hashes against the oracle of `differential.ts`.
 *
 * @module
 */

import { serverTest } from "../../support/servers.ts";
import { RUN_MS, runFamily } from "../differential.ts";
import { hashFamily } from "./makers.ts";

await serverTest("our hashes are a real server's", async (binary) => {
  await runFamily(binary, hashFamily(binary));
}, { timeoutMs: RUN_MS });

await serverTest("our hashes are a real server's, tables beyond a few fields", async (binary) => {
  await runFamily(binary, hashFamily(binary, 6, 20));
}, { timeoutMs: RUN_MS });

// Hashes never become tables, so the order of their fields is compared, too.
await serverTest("our hashes are a real server's, all of them packed", async (binary) => {
  await runFamily(binary, hashFamily(binary, 100_000, 100_000));
}, { timeoutMs: RUN_MS });

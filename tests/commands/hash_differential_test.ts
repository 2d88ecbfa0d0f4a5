/**
 * Hashes against the oracle of `differential.ts`.
 *
 * @module
 */

import { serverTest } from "../support/servers.ts";
import { runFamily } from "./differential.ts";
import { hashFamily } from "./hash_makers.ts";

await serverTest("our hashes are a real server's", async (binary) => {
  await runFamily(binary, hashFamily());
}, 3_600_000);

await serverTest("our hashes are a real server's, tables beyond a few fields", async (binary) => {
  await runFamily(binary, hashFamily(6, 20));
}, 3_600_000);

// Every field stays where a listpack has it. Valkey 9 keeps what expires in tables.
await serverTest("our hashes are a real server's, all of them packed", async (binary) => {
  await runFamily(binary, hashFamily(100_000, 100_000));
}, 3_600_000);

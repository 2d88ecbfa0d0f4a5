/**
 * Strings, keys and expiries against the oracle of `differential.ts`.
 *
 * @module
 */

import { serverTest } from "../support/servers.ts";
import { RUN_MS, runFamily } from "./differential.ts";
import { STRING_MAKERS } from "./generator.ts";

await serverTest("our replies and keys are a real server's", async (binary) => {
  await runFamily(binary, { makers: STRING_MAKERS });
}, { timeoutMs: RUN_MS });

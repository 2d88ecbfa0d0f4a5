/**
 * Vector sets against the oracle of `differential.ts`.
 *
 * @module
 */

import { serverTest, sinceRedis } from "../../support/servers.ts";
import { COUNT, RUN_MS, runFamily } from "../differential.ts";
import { vectorFamily } from "./makers.ts";

/** A command of these is so many times as long as others. */
const LONG = 8;
const hasVectors = sinceRedis("8.0");

await serverTest("our vector sets are a real server's", async (binary) => {
  await runFamily(binary, vectorFamily, COUNT / LONG);
}, { timeoutMs: RUN_MS, isFor: (binary) => binary.product === "redis" && hasVectors(binary) });

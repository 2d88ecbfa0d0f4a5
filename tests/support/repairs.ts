/**
 * Repairs as a status shows them.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { RepairResult, RepairStatus } from "../../src/replication/repair/types.ts";

/** How many awaited keys came to a result, whatever they were awaited for. */
export function endedAs(repairs: RepairStatus | undefined, result: RepairResult): number {
  assert.ok(repairs !== undefined, "repairs are made");
  return Object.values(repairs.ended).reduce((sum, results) => sum + results[result], 0);
}

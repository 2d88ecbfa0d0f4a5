/**
 * How many keys were awaited, for which reason, and what became of them.
 *
 * @module
 */

import type { RepairReason, RepairResult } from "./types.ts";

/** Reasons with nothing counted yet. */
export function noReasons(): Record<RepairReason, number> {
  return { unknown: 0, failed: 0, derived: 0, doubted: 0, border: 0, differs: 0 };
}

/** Results, of each reason, with nothing counted yet. */
export function noOutcomes(): Record<RepairReason, Record<RepairResult, number>> {
  return {
    unknown: noResults(),
    failed: noResults(),
    derived: noResults(),
    doubted: noResults(),
    border: noResults(),
    differs: noResults(),
  };
}

function noResults(): Record<RepairResult, number> {
  return { fetched: 0, replaced: 0, cleared: 0, refused: 0, leftOut: 0, dropped: 0 };
}

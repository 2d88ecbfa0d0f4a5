/**
 * Ranges of cluster slots as text, and the text by which Redis 8.4 and later describe a task that moves
 * them: in its stream (`CLUSTER SYNCSLOTS CONF ASM-TASK`) and in its snapshots (`cluster-asm-task`).
 *
 * @module
 */

import { SLOT_COUNT } from "../../base/crc16.ts";

/** First and last slot of a range, both included. */
export type SlotRange = readonly [number, number];

/** A task that moves slots from one node to another. */
export interface SlotTask {
  /** Names the task as long as it lives; 40 hexadecimal digits in Redis. */
  readonly id: string;
  /** `import` at the node that gets the slots, `migrate` at the one that gives them away. */
  readonly operation: string;
  /** How far it is: `connecting`, `completed`, `failed`, and others between. */
  readonly state: string;
  /** The slots that move. */
  readonly ranges: readonly SlotRange[];
}

/** Reads `id:source:dest:operation:state:ranges`; undefined for any other text. */
export function readSlotTask(text: string): SlotTask | undefined {
  const parts = text.split(":");
  if (parts.length !== 6) return undefined;
  const [id, , , operation, state] = parts;
  const ranges = readRanges(parts[5]);
  return ranges === undefined ? undefined : { id, operation, state, ranges };
}

/** Ranges as Redis spells them: `0-100 200-200`. */
export function rangesText(ranges: readonly SlotRange[]): string {
  return ranges.map(([first, last]) => `${first}-${last}`).join(" ");
}

/** Reads such a text, in which one number is a range of one slot; undefined for any other text. */
export function readRanges(text: string): SlotRange[] | undefined {
  const ranges: SlotRange[] = [];
  for (const part of text.split(" ")) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (first > last || last >= SLOT_COUNT || ranges.length >= SLOT_COUNT) return undefined;
    ranges.push([first, last]);
  }
  return ranges;
}

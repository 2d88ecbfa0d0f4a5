/**
 * Moves records out of the slab's victim, a few at a time, so that its memory can be given back. Only the
 * table (and the index of a sorted set) points at a record, so a move is a copy and one pointer changed.
 *
 * ```
 *  victim    [ moved | moved | free | record | record ]       victimUnit: the next block to look at
 *                                     ^
 *  current   [ record | record | record |  untouched  ]       moved records go where all new ones go
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import {
  blockUnitsAt,
  contentUnitsAt,
  type Entry,
  EXTENDED,
  FREE,
  MAX_SLACK,
  SEGMENT_SHIFT,
  SLACK_SHIFT,
  TYPE_MASK,
  UNIT_MASK,
} from "./record.ts";
import type { Slab } from "./slab.ts";

/** What points at the records of a slab, and is told of each that moves. */
export interface Relocatable {
  /** Points at `to` instead of `from`. The record's bytes are the same in both places during the call. */
  relocate(from: Entry, to: Entry): void;
}

/** Looking at one block costs about as much as moving this many units. */
const BLOCK_COST_UNITS = 8;

/**
 * Works on the victim, and on those chosen after it, until `budgetUnits` are spent or none is left. The
 * bytes at the old place of a record stay as they were, so a caller may still be reading them.
 *
 * @returns Units of work done, somewhat more than the budget if the last record was long; 0 for none.
 */
export function evacuate(slab: Slab, table: Relocatable, budgetUnits: number): number {
  assert(budgetUnits >= 0, "a budget is not negative");
  let spent = 0;
  while (spent < budgetUnits && slab.victim >= 0) {
    if (!slab.victimRemains) {
      slab.dropVictim();
      continue;
    }
    const unit = slab.victimUnit;
    const words = slab.words[slab.victim];
    const units = blockUnitsAt(words, unit << 1);
    if ((words[unit << 1] & TYPE_MASK) === FREE) {
      slab.passFree(unit);
      spent += BLOCK_COST_UNITS;
    } else {
      moveRecord(slab, table, unit, units);
      spent += BLOCK_COST_UNITS + units;
    }
    slab.victimUnit = unit + units;
  }
  return spent;
}

/** Copies the record at `unit` of the victim to a new block and points the table there. */
function moveRecord(slab: Slab, table: Relocatable, unit: number, units: number): void {
  const slot = slab.victim;
  const source = ((slot << SEGMENT_SHIFT) | unit) >>> 0;
  const extended = (slab.words[slot][unit << 1] & EXTENDED) !== 0;
  // An EXTENDED record, such as a string that grows, keeps its room to grow; others lose their slack.
  const content = contentUnitsAt(slab.words[slot], unit << 1);
  const target = slab.allocate(extended ? units : content);
  const targetUnit = target & UNIT_MASK;
  const targetWords = slab.words[target >>> SEGMENT_SHIFT];
  const start = unit << 3;
  slab.bytes[target >>> SEGMENT_SHIFT].set(
    slab.bytes[slot].subarray(start, start + (content << 3)),
    targetUnit << 3,
  );
  const word = targetUnit << 1;
  assert(slab.allocatedUnits >= content, "the new block holds the record");
  if (extended) {
    targetWords[word + 3] = slab.allocatedUnits;
  } else {
    const slack = slab.allocatedUnits - content;
    targetWords[word] = (targetWords[word] & ~(MAX_SLACK << SLACK_SHIFT)) | (slack << SLACK_SHIFT);
  }
  assert(target >>> SEGMENT_SHIFT !== slot, "a record leaves the victim");
  table.relocate(source, target);
  slab.forget(slot, units);
}

/**
 * What a write pays for compaction while there is a victim: more when it has allocated more, so that
 * evacuation outruns any writer.
 *
 * @param baseUnits Paid by every write.
 * @param maxUnits The most that one write pays.
 */
export function evacuateAfterWrite(
  slab: Slab,
  table: Relocatable,
  baseUnits: number,
  maxUnits: number,
): void {
  if (slab.victim < 0) return;
  evacuate(slab, table, Math.min(baseUnits + 4 * slab.debtUnits, maxUnits));
  slab.debtUnits = 0;
}

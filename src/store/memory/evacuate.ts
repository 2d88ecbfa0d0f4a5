/**
 * Moves records out of the slab's victim, a few at a time. Only the table points at a record, so a
 * move is a copy and one pointer changed.
 *
 * @module
 */

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

/** Whatever points at records, and must be told when one has moved. */
export interface Relocatable {
  /** The record's bytes are the same in both places until this returns. */
  relocate(from: Entry, to: Entry): void;
}

/** What looking at one block costs, expressed in units moved. */
const BLOCK_COST_UNITS = 8;

/**
 * Works on the victim until `budgetUnits` are spent or nothing is left to do. The bytes of a moved
 * record stay as they were, so a caller may still be reading them.
 *
 * @returns Units of work done; 0 when there was none.
 */
export function evacuate(slab: Slab, dict: Relocatable, budgetUnits: number): number {
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
      moveRecord(slab, dict, unit, units);
      spent += BLOCK_COST_UNITS + units;
    }
    slab.victimUnit = unit + units;
  }
  return spent;
}

/** Copies the record at `unit` of the victim to a block of its own length and points the table there. */
function moveRecord(slab: Slab, dict: Relocatable, unit: number, units: number): void {
  const slot = slab.victim;
  const source = ((slot << SEGMENT_SHIFT) | unit) >>> 0;
  const extended = (slab.words[slot][unit << 1] & EXTENDED) !== 0;
  // A grown string keeps its room to grow; the slack of others ends with the move.
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
  if (extended) {
    targetWords[word + 3] = slab.allocatedUnits;
  } else {
    const slack = slab.allocatedUnits - content;
    targetWords[word] = (targetWords[word] & ~(MAX_SLACK << SLACK_SHIFT)) | (slack << SLACK_SHIFT);
  }
  dict.relocate(source, target);
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

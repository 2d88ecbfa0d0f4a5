/**
 * How many keys of one database lie in each cluster slot, and how many of them readers may see. Kept only
 * while a cluster's node is followed: each key made or removed then costs the hash of its name.
 *
 * ```text
 *  pages[slot >>> 8] ──▶ Uint32Array   slot & 255:  keys | keys with an expiry
 *                        made by the first key of one of its 256 slots
 * ```
 *
 * @module
 */

import { assert } from "../../base/assert.ts";
import { SLOT_COUNT } from "../../base/crc16.ts";

/** Bits of a slot's state; 0 is a slot whose keys anybody may see. */
export const SlotState = {
  /** Redis imports the slot: its keys are hidden, but DEBUG DIGEST and INFO count them, as Redis does. */
  IMPORTED_BY_TASK: 1,
  /** Valkey imports the slot: its keys are hidden from everything. */
  IMPORTED_BY_JOB: 2,
  /** The slot was emptied: keys that are still in the table are as good as removed. */
  EMPTIED: 4,
} as const;

/** States in which keys count nowhere. */
export const ABSENT: number = SlotState.IMPORTED_BY_JOB | SlotState.EMPTIED;

const PAGE_SHIFT = 8;
const PAGE_SLOTS = 1 << PAGE_SHIFT;
const PAGE_MASK = PAGE_SLOTS - 1;

/** Counts of one database; `states`, a byte a slot, belongs to the keyspace and is only read here. */
export class SlotCounts {
  /** Keys in slots of any state but 0: what DBSIZE leaves out. */
  hiddenKeys: number = 0;
  /** Keys in slots whose state is {@linkcode ABSENT}: what INFO leaves out. */
  absentKeys: number = 0;
  /** Those of them that have an expiry. */
  absentExpires: number = 0;
  /** Keys of slots that were emptied: what is still to be removed from the table. */
  emptiedKeys: number = 0;
  #states: Uint8Array;
  readonly #pages: (Uint32Array | undefined)[] = new Array(SLOT_COUNT >>> PAGE_SHIFT).fill(
    undefined,
  );

  /** Counts nothing yet. @param states The state of each slot, read at each change. */
  constructor(states: Uint8Array) {
    assert(states.length === SLOT_COUNT, "every slot has a state");
    this.#states = states;
  }

  /** Counts a key that was made (`keys` 1), removed (-1), or has got or lost its expiry (0). */
  add(slot: number, keys: number, expires: number): void {
    const page = this.#pages[slot >>> PAGE_SHIFT] ??= new Uint32Array(PAGE_SLOTS * 2);
    const at = (slot & PAGE_MASK) << 1;
    assert(page[at] + keys >= 0, "no more keys leave a slot than were in it");
    page[at] += keys;
    page[at + 1] += expires;
    const state = this.#states[slot];
    if (state !== 0) this.#hide(state, keys, expires);
  }

  /** How many keys a slot has, hidden ones included. */
  keysIn(slot: number): number {
    return this.#pages[slot >>> PAGE_SHIFT]?.[(slot & PAGE_MASK) << 1] ?? 0;
  }

  /** Takes other states, or the same after they changed, and counts what they hide. O(slots). */
  restate(states: Uint8Array): void {
    this.#states = states;
    this.hiddenKeys = 0;
    this.absentKeys = 0;
    this.absentExpires = 0;
    this.emptiedKeys = 0;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const page = this.#pages[slot >>> PAGE_SHIFT];
      if (page === undefined || states[slot] === 0) continue;
      const at = (slot & PAGE_MASK) << 1;
      this.#hide(states[slot], page[at], page[at + 1]);
    }
  }

  /** Sets every count to zero; the states stay as they are. */
  clear(): void {
    this.#pages.fill(undefined);
    this.hiddenKeys = 0;
    this.absentKeys = 0;
    this.absentExpires = 0;
    this.emptiedKeys = 0;
  }

  #hide(state: number, keys: number, expires: number): void {
    this.hiddenKeys += keys;
    if ((state & ABSENT) !== 0) {
      this.absentKeys += keys;
      this.absentExpires += expires;
    }
    if ((state & SlotState.EMPTIED) !== 0) this.emptiedKeys += keys;
  }
}

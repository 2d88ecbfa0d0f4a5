/**
 * Tests of what is counted for each cluster slot, and of records that count.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { keySlot, SLOT_COUNT } from "../../../src/base/crc16.ts";
import { Prng } from "../../../src/base/prng.ts";
import { Keyspace } from "../../../src/store/keyspace/keyspace.ts";
import { NO_EXPIRY } from "../../../src/store/memory/record.ts";
import type { Records } from "../../../src/store/memory/records.ts";
import { SlotCounts, SlotState } from "../../../src/store/memory/slot_counts.ts";
import { setString } from "../../../src/store/types/string.ts";
import { bytesOf } from "../../support/bytes.ts";

const KEYS = 300;
const STEPS = 20_000;

test("counts follow the states of slots", () => {
  const states = new Uint8Array(SLOT_COUNT);
  const counts = new SlotCounts(states);
  counts.add(5, 1, 1);
  counts.add(5, 1, 0);
  counts.add(16383, 1, 0);
  assert.deepEqual([counts.keysIn(5), counts.keysIn(6), counts.hiddenKeys], [2, 0, 0]);
  states[5] = SlotState.IMPORTED_BY_TASK;
  states[16383] = SlotState.EMPTIED;
  counts.restate(states);
  assert.deepEqual(totals(counts), [3, 1, 0, 1]);
  states[5] = SlotState.IMPORTED_BY_JOB;
  counts.restate(states);
  assert.deepEqual(totals(counts), [3, 3, 1, 1]);
  counts.add(5, 0, -1);
  counts.add(16383, -1, 0);
  assert.deepEqual(totals(counts), [2, 2, 0, 0]);
  counts.clear();
  assert.deepEqual([...totals(counts), counts.keysIn(5)], [0, 0, 0, 0, 0]);
});

test("records count by slot whatever is done to them, from the start or later", () => {
  const states = new Uint8Array(SLOT_COUNT);
  for (let slot = 0; slot < SLOT_COUNT; slot += 2) states[slot] = SlotState.EMPTIED;
  const db = new Keyspace({ random: () => 0.25 }).db(0);
  const late = new Keyspace({ random: () => 0.25 }).db(0);
  db.countSlots(states);
  const prng = new Prng(11);
  for (let step = 1; step <= STEPS; step++) {
    const key = bytesOf(`k${Math.floor(prng.next() * KEYS)}`);
    const draw = prng.next();
    for (const records of [db, late]) change(records, key, draw, step);
    if (step % 500 !== 0) continue;
    assert.deepEqual(readOut(db), expected(db, states), `step ${step}`);
  }
  late.countSlots(states);
  assert.deepEqual(readOut(late), expected(late, states));
  db.exchange(late);
  assert.deepEqual(readOut(late), expected(late, states));
  late.clear();
  assert.deepEqual(readOut(late), [0, 0, 0, 0, 0]);
});

function change(records: Records, key: Uint8Array, draw: number, step: number): void {
  const entry = records.find(key, 0, key.length);
  const value = bytesOf("x".repeat(step % 90));
  if (draw < 0.5) {
    const at = draw < 0.2 ? step : NO_EXPIRY;
    setString(records, key, 0, key.length, value, 0, value.length, at);
  } else if (draw < 0.7) records.remove(key, 0, key.length);
  else if (entry !== 0 && draw < 0.75) records.removeEntry(entry);
  else if (entry !== 0) records.setExpire(entry, draw < 0.87 ? NO_EXPIRY : step);
}

/** Size that readers see, and the four totals. */
function readOut(records: Records): number[] {
  return [records.visibleSize, ...totals(records.slots!)];
}

/** The same, counted key by key. */
function expected(records: Records, states: Uint8Array): number[] {
  let hidden = 0;
  let expires = 0;
  for (let i = 0; i < KEYS; i++) {
    const key = bytesOf(`k${i}`);
    const entry = records.find(key, 0, key.length);
    if (entry === 0 || states[keySlot(key, 0, key.length)] === 0) continue;
    hidden++;
    if (records.expireAtMs(entry) !== NO_EXPIRY) expires++;
  }
  return [records.size - hidden, hidden, hidden, expires, hidden];
}

function totals(counts: SlotCounts): number[] {
  return [counts.hiddenKeys, counts.absentKeys, counts.absentExpires, counts.emptiedKeys];
}

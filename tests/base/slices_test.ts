/**
 * The time budget of a slice, with a clock that moves only when told.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Slice, yieldTurn } from "../../src/base/slices.ts";
import { ManualClock } from "../support/clock.ts";

/** Where a manual clock begins: its monotonic time is 0 there. */
const START = new ManualClock().time;

test("over() is false below the budget and true from it on", () => {
  const clock = new ManualClock();
  const slice = new Slice(clock, 4);
  assert.equal(slice.start(), 0);
  clock.time = START + 3.9;
  assert.equal(slice.over(), false);
  clock.time = START + 4;
  assert.equal(slice.over(), true);
});

test("resume() adds up stretches of work that follow at once", () => {
  const clock = new ManualClock();
  const slice = new Slice(clock, 4);
  slice.start();
  clock.time = START + 3;
  slice.pause();
  clock.time = START + 3.5;
  assert.equal(slice.resume(), 3.5);
  clock.time = START + 4.4;
  assert.equal(slice.over(), false, "the half millisecond between the two is not charged");
  clock.time = START + 4.5;
  assert.equal(slice.over(), true);
});

test("resume() starts the budget again after an idle gap of a millisecond", () => {
  const clock = new ManualClock();
  const slice = new Slice(clock, 4);
  slice.start();
  clock.time = START + 3;
  slice.pause();
  clock.time = START + 4;
  slice.resume();
  clock.time = START + 7.9;
  assert.equal(slice.over(), false);
});

test("isQuick tells whether a sixteenth of the budget passed between two looks", () => {
  const clock = new ManualClock();
  const slice = new Slice(clock, 4);
  slice.start();
  clock.time = START + 0.2;
  slice.over();
  assert.equal(slice.isQuick, true);
  clock.time = START + 0.5;
  slice.over();
  assert.equal(slice.isQuick, false);
});

test("yield() resolves in a later turn, with the whole budget", async () => {
  const clock = new ManualClock();
  const slice = new Slice(clock, 4);
  slice.start();
  clock.time = START + 9;
  let resolved = false;
  const yielded = slice.yield().then(() => resolved = true);
  await Promise.resolve();
  assert.equal(resolved, false);
  clock.turns.shift()!();
  await yielded;
  clock.time = START + 12;
  assert.equal(slice.over(), false);
});

test("yieldTurn() waits for the clock's soon()", async () => {
  const clock = new ManualClock();
  const turn = yieldTurn(clock);
  assert.equal(clock.turns.length, 1);
  clock.turns[0]();
  await turn;
});

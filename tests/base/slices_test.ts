/**
 * The time budget of a slice, with a clock that moves only when told.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../../src/base/clock.ts";
import { Slice, yieldTurn } from "../../src/base/slices.ts";

/** Milliseconds pass by assignment; `turns` holds what waits for the event loop. */
class StillClock implements Clock {
  ms: number = 0;
  readonly turns: (() => void)[] = [];
  now(): number {
    return this.ms;
  }
  monotonic(): number {
    return this.ms;
  }
  setTimer(): undefined {}
  clearTimer(): void {}
  soon(callback: () => void): void {
    this.turns.push(callback);
  }
}

test("over() is false below the budget and true from it on", () => {
  const clock = new StillClock();
  const slice = new Slice(clock, 4);
  assert.equal(slice.start(), 0);
  clock.ms = 3.9;
  assert.equal(slice.over(), false);
  clock.ms = 4;
  assert.equal(slice.over(), true);
});

test("resume() adds up stretches of work that follow at once", () => {
  const clock = new StillClock();
  const slice = new Slice(clock, 4);
  slice.start();
  clock.ms = 3;
  slice.pause();
  clock.ms = 3.5;
  assert.equal(slice.resume(), 3.5);
  clock.ms = 4.4;
  assert.equal(slice.over(), false, "the half millisecond between the two is not charged");
  clock.ms = 4.5;
  assert.equal(slice.over(), true);
});

test("resume() starts the budget again after an idle gap of a millisecond", () => {
  const clock = new StillClock();
  const slice = new Slice(clock, 4);
  slice.start();
  clock.ms = 3;
  slice.pause();
  clock.ms = 4;
  slice.resume();
  clock.ms = 7.9;
  assert.equal(slice.over(), false);
});

test("isQuick tells whether a sixteenth of the budget passed between two looks", () => {
  const clock = new StillClock();
  const slice = new Slice(clock, 4);
  slice.start();
  clock.ms = 0.2;
  slice.over();
  assert.equal(slice.isQuick, true);
  clock.ms = 0.5;
  slice.over();
  assert.equal(slice.isQuick, false);
});

test("yield() resolves in a later turn, with the whole budget", async () => {
  const clock = new StillClock();
  const slice = new Slice(clock, 4);
  slice.start();
  clock.ms = 9;
  let resolved = false;
  const yielded = slice.yield().then(() => resolved = true);
  await Promise.resolve();
  assert.equal(resolved, false);
  clock.turns.shift()!();
  await yielded;
  clock.ms = 12;
  assert.equal(slice.over(), false);
});

test("yieldTurn() waits for the clock's soon()", async () => {
  const clock = new StillClock();
  const turn = yieldTurn(clock);
  assert.equal(clock.turns.length, 1);
  clock.turns[0]();
  await turn;
});

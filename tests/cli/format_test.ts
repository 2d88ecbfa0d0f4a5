/**
 * Numbers and lines as a person reads them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cut,
  formatBar,
  formatBytes,
  formatCount,
  formatDuration,
  formatProgress,
  formatStatus,
} from "../../src/cli/format.ts";
import { SAMPLE } from "./support.ts";

const counts = [[0, "0"], [999, "999"], [1000, "1,000"], [1234567.4, "1,234,567"]] as const;
for (const [value, expected] of counts) {
  test(`formatCount(${value})`, () => assert.equal(formatCount(value), expected));
}

const sizes = [
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.00 kB"],
  [9_994, "9.99 kB"],
  [12_345, "12.3 kB"],
  [432_100_000, "432 MB"],
  [999_600_000, "1.00 GB"],
  [5e15, "5000 TB"],
] as const;
for (const [bytes, expected] of sizes) {
  test(`formatBytes(${bytes})`, () => assert.equal(formatBytes(bytes), expected));
}

const durations = [
  [0, "0 ms"],
  [999, "999 ms"],
  [999.7, "1.0 s"],
  [3210, "3.2 s"],
  [59_400, "59 s"],
  [59_600, "1 min 00 s"],
  [245_000, "4 min 05 s"],
  [7_800_000, "2 h 10 min"],
] as const;
for (const [ms, expected] of durations) {
  test(`formatDuration(${ms})`, () => assert.equal(formatDuration(ms), expected));
}

const bars = [[-1, "░░░░"], [0.5, "██░░"], [1, "████"], [7, "████"]] as const;
for (const [fraction, expected] of bars) {
  test(`formatBar(${fraction})`, () => assert.equal(formatBar(fraction, 4), expected));
}

test("cut() leaves what fits and marks what it cut", () => {
  assert.equal(cut("abc", 3), "abc");
  assert.equal(cut("abcd", 3), "ab…");
});

test("formatProgress() shows bytes, keys, percent and the time left where the total is known", () => {
  const sample = { ...SAMPLE, live: false, syncing: true, bytesRead: 4.3e8, bytesTotal: 1e9 };
  assert.equal(
    formatProgress(sample, 1e8),
    "syncing ██████████░░░░░░░░░░░░░░ 43%  430 MB of 1.00 GB  1,234,567 keys  100 MB/s  5.7 s left",
  );
});

test("formatProgress() shows no percent where the master streams without a length", () => {
  const sample = { ...SAMPLE, live: false, syncing: true, bytesRead: 4.3e8 };
  assert.equal(formatProgress(sample, undefined), "⠋ syncing  430 MB  1,234,567 keys");
  assert.match(
    formatProgress({ ...sample, bytesRead: 0 }, undefined),
    /waiting for the master's snapshot/,
  );
});

test("formatStatus() shows keys, memory, lag and commands a second", () => {
  assert.equal(
    formatStatus(SAMPLE, 512),
    "live  1,234,567 keys  312 MB in memory  lag 0 B  512 commands/s  heard 200 ms ago",
  );
  const down = { ...SAMPLE, live: false, trouble: "refused; next attempt in 2 s" };
  assert.match(formatStatus(down, undefined), /^not connected .* refused; next attempt in 2 s$/);
});

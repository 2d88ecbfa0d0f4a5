import assert from "node:assert/strict";
import { test } from "node:test";
import { Histogram, LabelledHistogram } from "../../src/observe/metric.ts";

test("a histogram counts what is at most as large as each bound", () => {
  const histogram = new Histogram([1, 2.5]);
  for (const value of [0, 1, 2, 2.5, 3, 100]) histogram.observe(value);
  assert.deepEqual(histogram.sample({ kind: "full" }), {
    labels: { kind: "full" },
    buckets: [
      { atMost: 1, count: 2 },
      { atMost: 2.5, count: 4 },
      { atMost: Infinity, count: 6 },
    ],
    sum: 108.5,
    count: 6,
  });
});

test("histograms are kept apart by their label", () => {
  const histograms = new LabelledHistogram("kind", [1]);
  histograms.observe("full", 2);
  histograms.observe("partial", 0.5);
  histograms.observe("full", 1);
  const counts = histograms.samples().map(({ labels, count, sum }) => ({ labels, count, sum }));
  assert.deepEqual(counts, [
    { labels: { kind: "full" }, count: 2, sum: 3 },
    { labels: { kind: "partial" }, count: 1, sum: 0.5 },
  ]);
});

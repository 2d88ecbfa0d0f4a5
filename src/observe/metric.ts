/**
 * What a metric is: a name with a unit, what it means, and its values by label.
 *
 * Names, units and kinds follow the conventions of Prometheus: base units, `_total` behind what only grows.
 *
 * @module
 */

import { assert } from "../base/assert.ts";

/** What a metric's value does: it moves both ways, only grows, or counts observations by size. */
export type MetricKind = "gauge" | "counter" | "histogram";

/** The names and values by which samples of one metric differ. */
export type Labels = Readonly<Record<string, string>>;

/** One value of a gauge or counter. */
export interface Sample {
  /** What tells it from the metric's other samples; empty where there is one. */
  readonly labels: Labels;
  /** The value, in the metric's unit. */
  readonly value: number;
}

/** The observations of a histogram. */
export interface HistogramSample {
  /** What tells it from the metric's other samples; empty where there is one. */
  readonly labels: Labels;
  /** How many observations were at most as large as each bound; the last bound is infinity. */
  readonly buckets: readonly { readonly atMost: number; readonly count: number }[];
  /** All observations added up, in the metric's unit. */
  readonly sum: number;
  /** How many observations there were. */
  readonly count: number;
}

/** What every metric has: a name, and what it says. */
export interface MetricDescription {
  /** Name, as `rimr_keys` or `rimr_syncs_total`. */
  readonly name: string;
  /** What it says, as one sentence. */
  readonly help: string;
}

/** A metric with one value for each set of labels. */
export interface ValueMetric extends MetricDescription {
  /** What the value does. */
  readonly kind: "gauge" | "counter";
  /** The values; empty where there is nothing to tell. */
  readonly samples: readonly Sample[];
}

/** A metric that counts observations by their size. */
export interface HistogramMetric extends MetricDescription {
  /** Says that samples have buckets. */
  readonly kind: "histogram";
  /** The observations; empty where there is nothing to tell. */
  readonly samples: readonly HistogramSample[];
}

/** One metric with its values at one moment. */
export type Metric = ValueMetric | HistogramMetric;

/** Counts observations by their size. An observation allocates nothing. */
export class Histogram {
  /** All observations added up. */
  sum: number = 0;
  /** How many observations there were. */
  count: number = 0;
  readonly #bounds: Float64Array;
  /** How many observations fell between a bound and the one before; one more for those beyond the last. */
  readonly #counts: Float64Array;

  /** Begins without observations. @param bounds Largest value of each bucket, rising; infinity is added. */
  constructor(bounds: readonly number[]) {
    assert(bounds.every((bound, i) => i === 0 || bound > bounds[i - 1]!), "bounds rise");
    this.#bounds = Float64Array.from(bounds);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** Counts one observation. @param value Its size, in the metric's unit. */
  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.sum += value;
    this.count++;
  }

  /** The observations so far, as a sample with `labels`. */
  sample(labels: Labels = {}): HistogramSample {
    let below = 0;
    const buckets = [...this.#counts].map((count, i) => {
      below += count;
      return { atMost: this.#bounds[i] ?? Infinity, count: below };
    });
    return { labels, buckets, sum: this.sum, count: this.count };
  }
}

/** Histograms with the same bounds, one for each value of a label. */
export class LabelledHistogram {
  readonly #label: string;
  readonly #bounds: readonly number[];
  readonly #histograms: Map<string, Histogram> = new Map();

  /** Begins without observations. @param label Name of the label. @param bounds As for a histogram. */
  constructor(label: string, bounds: readonly number[]) {
    this.#label = label;
    this.#bounds = bounds;
  }

  /** Counts one observation under a value of the label; there must be few of those. */
  observe(labelValue: string, value: number): void {
    let histogram = this.#histograms.get(labelValue);
    if (histogram === undefined) {
      histogram = new Histogram(this.#bounds);
      this.#histograms.set(labelValue, histogram);
    }
    histogram.observe(value);
  }

  /** A sample for each value of the label that was observed. */
  samples(): HistogramSample[] {
    return [...this.#histograms].map(([value, histogram]) => {
      return histogram.sample({ [this.#label]: value });
    });
  }
}

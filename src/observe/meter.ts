/**
 * Metrics for OpenTelemetry: instruments of a `Meter` that are asked when its reader collects.
 *
 * The meter is typed by its shape, so that no package is needed: an object of `@opentelemetry/api` fits.
 *
 * @module
 */

import type { HistogramMetric, Labels, Metric } from "./metric.ts";

/** What an instrument's callback reports values to. */
export interface MeterResult {
  /** Reports one value. @param value The value. @param attributes What tells it from others. */
  observe(value: number, attributes?: Labels): void;
}

/** An instrument that is asked for its values. */
export interface MeterInstrument {
  /** Adds a function that is called at each collection. */
  addCallback(callback: (result: MeterResult) => void): void;
  /** Takes it away again. */
  removeCallback(callback: (result: MeterResult) => void): void;
}

/** What is needed of an OpenTelemetry `Meter`. */
export interface Meter {
  /** Makes an instrument whose value moves both ways. */
  createObservableGauge(name: string, options: MeterOptions): MeterInstrument;
  /** Makes an instrument whose value only grows. */
  createObservableCounter(name: string, options: MeterOptions): MeterInstrument;
}

/** What an instrument is made with. */
export interface MeterOptions {
  /** What it says, as one sentence. */
  readonly description: string;
  /** Its unit in the spelling of UCUM: `s`, `By`, `1`; left out for what is merely counted. */
  readonly unit?: string;
}

/** UCUM's spelling of a unit, by the end of a name. */
const UNITS: Readonly<Record<string, string>> = { seconds: "s", bytes: "By", ratio: "1" };

/** How long what was read is used again: a reader asks every instrument in one turn. */
const SAME_COLLECTION_MS = 50;

/**
 * Makes an instrument for every metric. A histogram becomes two counters, `name.sum` and `name.count`: OpenTelemetry has none
 * that is asked.
 *
 * @param meter Makes the instruments.
 * @param read Reads all metrics; called once a collection.
 * @param nowMs The time now, in milliseconds.
 * @returns A function that takes the instruments' callbacks away.
 */
export function instrument(
  meter: Meter,
  read: () => readonly Metric[],
  nowMs: () => number,
): () => void {
  let readAtMs = -Infinity;
  let values: ReadonlyMap<string, Metric> = new Map();
  const find = (name: string): Metric | undefined => {
    if (Math.abs(nowMs() - readAtMs) > SAME_COLLECTION_MS) {
      readAtMs = nowMs();
      values = new Map(read().map((metric) => [metric.name, metric]));
    }
    return values.get(name);
  };
  const offs = read().flatMap((metric) => {
    if (metric.kind === "histogram") return instrumentHistogram(meter, metric, find);
    const { name, help, kind } = metric;
    const options = optionsOf(name, help);
    const made = kind === "counter"
      ? meter.createObservableCounter(otelName(name), options)
      : meter.createObservableGauge(otelName(name), options);
    return watch(made, (result) => {
      const now = find(name);
      if (now === undefined || now.kind === "histogram") return;
      for (const { value, labels } of now.samples) result.observe(value, labels);
    });
  });
  return () => offs.forEach((off) => off());
}

function instrumentHistogram(
  meter: Meter,
  { name, help }: HistogramMetric,
  find: (name: string) => Metric | undefined,
): (() => void)[] {
  return (["sum", "count"] as const).map((part) => {
    const options = part === "sum" ? optionsOf(name, help) : { description: help };
    const made = meter.createObservableCounter(`${otelName(name)}.${part}`, options);
    return watch(made, (result) => {
      const now = find(name);
      if (now?.kind !== "histogram") return;
      for (const sample of now.samples) result.observe(sample[part], sample.labels);
    });
  });
}

function watch(made: MeterInstrument, callback: (result: MeterResult) => void): () => void {
  made.addCallback(callback);
  return () => made.removeCallback(callback);
}

/** `rimr_stream_bytes_total` is `rimr.stream_bytes`: OpenTelemetry adds unit and `_total` where a format wants them. */
function otelName(name: string): string {
  return name.replace(/^rimr_/, "rimr.").replace(/_total$/, "");
}

function optionsOf(name: string, help: string): MeterOptions {
  const ending = name.replace(/_total$/, "").match(/_([a-z]+)$/)?.[1] ?? "";
  const unit = UNITS[ending];
  return unit === undefined ? { description: help } : { description: help, unit };
}

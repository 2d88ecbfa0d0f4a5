/**
 * Metrics as text: the format that Prometheus scrapes (version 0.0.4) and OpenMetrics 1.0.
 *
 * They differ in little. OpenMetrics names a counter without its `_total`, tells units, and ends with `# EOF`.
 *
 * @module
 */

import type { HistogramSample, Labels, Metric } from "./metric.ts";

/** What the `Content-Type` of the text is in the format that Prometheus has always read. */
export const PROMETHEUS_TYPE: string = "text/plain; version=0.0.4; charset=utf-8";
/** What the `Content-Type` of the text is in OpenMetrics. */
export const OPEN_METRICS_TYPE: string =
  "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** Units that OpenMetrics wants told, by the end of a name. */
const UNITS: readonly string[] = ["seconds", "bytes", "ratio"];

/** How metrics are written. */
export interface ExpositionOptions {
  /** Writes OpenMetrics; the format of Prometheus unless told. */
  readonly openMetrics?: boolean;
  /** Labels that every sample gets, before its own. */
  readonly labels?: Labels;
}

/** Writes metrics as text. Metrics without samples are left out. */
export function exposition(metrics: readonly Metric[], options: ExpositionOptions = {}): string {
  const { openMetrics = false, labels = {} } = options;
  const lines: string[] = [];
  for (const metric of metrics) {
    if (metric.samples.length === 0) continue;
    describe(metric, openMetrics, lines);
    if (metric.kind === "histogram") {
      for (const sample of metric.samples) {
        writeHistogram(metric.name, sample, { labels, openMetrics }, lines);
      }
      continue;
    }
    for (const sample of metric.samples) {
      lines.push(line(metric.name, { ...labels, ...sample.labels }, sample.value));
    }
  }
  if (openMetrics) lines.push("# EOF");
  return lines.map((text) => `${text}\n`).join("");
}

/** Which format a client of HTTP asks for. @param accept Its `Accept` header. */
export function wantsOpenMetrics(accept: string | null | undefined): boolean {
  return /(^|,)\s*application\/openmetrics-text\b/i.test(accept ?? "");
}

function describe({ name, help, kind }: Metric, openMetrics: boolean, lines: string[]): void {
  const family = openMetrics && kind === "counter" ? name.replace(/_total$/, "") : name;
  const text = escapeText(help);
  lines.push(`# HELP ${family} ${openMetrics ? text.replaceAll('"', '\\"') : text}`);
  lines.push(`# TYPE ${family} ${kind}`);
  const unit = UNITS.find((candidate) => family.endsWith(`_${candidate}`));
  if (openMetrics && unit !== undefined) lines.push(`# UNIT ${family} ${unit}`);
}

function writeHistogram(
  name: string,
  sample: HistogramSample,
  options: { readonly labels: Labels; readonly openMetrics: boolean },
  lines: string[],
): void {
  const labels = { ...options.labels, ...sample.labels };
  for (const { atMost, count } of sample.buckets) {
    // OpenMetrics compares these labels as text, and spells every float with a point.
    const le = numberText(atMost) + (options.openMetrics && Number.isInteger(atMost) ? ".0" : "");
    lines.push(line(`${name}_bucket`, { ...labels, le }, count));
  }
  lines.push(line(`${name}_sum`, labels, sample.sum));
  lines.push(line(`${name}_count`, labels, sample.count));
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => {
    return `${label}="${escapeText(text).replaceAll('"', '\\"')}"`;
  });
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numberText(value)}`;
}

/** A backslash and a line break would end the line or the text early. */
function escapeText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

/**
 * Sizes from the environment, medians, and the lines a bench prints.
 *
 * @module
 */

import { cpus } from "node:os";
import { env } from "node:process";

/** A number from the environment, as in KEYS=100000. */
export function size(name: string, otherwise: number): number {
  const text = env[name];
  const value = text === undefined ? otherwise : Number(text.replaceAll("_", ""));
  if (!(value > 0)) throw new Error(`${name} is a number above 0, not "${text}"`);
  return value;
}

/** The middle one; of an even count the mean of the two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Median with the least and the most, as in "2.31 s (2.20 to 2.50)". */
export function spread(values: readonly number[], unit: string, digits = 2): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const text = `${median(values).toFixed(digits)} ${unit}`;
  return values.length === 1 ? text : `${text} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

/** Opens a report: the question, the machine and the sizes. */
export function headline(question: string, sizes: Record<string, string | number>): void {
  const list = cpus();
  const machine = `${list.length} x ${list[0]?.model.trim() ?? "unknown processor"}`;
  console.log(question);
  console.log(`  on ${machine}; ${Object.entries(sizes).map(([k, v]) => `${k} ${v}`).join(", ")}`);
}

/** One result. */
export function line(subject: string, what: string, value: string): void {
  console.log(`  ${subject.padEnd(18)} ${what.padEnd(34)} ${value}`);
}

/** One result against its bounds, the lower the better unless `higher`. */
export function verdict(
  subject: string,
  what: string,
  value: number,
  bounds: { atLeast: number; aim: number; unit?: string; higher?: boolean },
): void {
  const { atLeast, aim, unit = "", higher = false } = bounds;
  const meets = (bound: number) => higher ? value >= bound : value <= bound;
  const word = meets(aim) ? "reaches the aim" : meets(atLeast) ? "reaches at least" : "MISSES";
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const text = `${value.toFixed(digits)}${unit}`;
  line(subject, what, `${text.padEnd(12)} ${word} (at least ${atLeast}${unit}, aim ${aim}${unit})`);
}

/** Bytes in MB. */
export function megabytes(bytes: number): number {
  return bytes / 1e6;
}

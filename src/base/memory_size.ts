/**
 * Numbers of bytes as people write them: `512mb`, with the units of a redis.conf (`util.c`, `memtoull`).
 *
 * ```text
 *  1k => 1000      1kb => 1024      1m => 1000^2     1mb => 1024^2     1g => 1000^3     1gb => 1024^3
 *  1b, 1 => 1      case does not matter
 * ```
 *
 * @module
 */

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1000,
  kb: 1024,
  m: 1000 ** 2,
  mb: 1024 ** 2,
  g: 1000 ** 3,
  gb: 1024 ** 3,
};

const SIZE = /^(\d+)([a-z]*)$/;
const KB = 1024;
const MB: number = 1024 ** 2;
/** From here on (10 MB) a size is told in megabytes. */
const MANY_KB: number = 10 * MB;

/**
 * Reads a number of bytes, a whole number with or without a unit.
 *
 * @returns Undefined for what is none, for a unit that Redis has not, and beyond 2^53.
 */
export function parseMemorySize(text: string): number | undefined {
  const [, digits, unit] = SIZE.exec(text.toLowerCase()) ?? [];
  if (digits === undefined || !Object.hasOwn(UNITS, unit)) return undefined;
  const bytes = Number(digits) * UNITS[unit];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A number of bytes for a sentence, such that `parseMemorySize` reads it: rounded to `512mb`, `9216kb` or `100b`. */
export function memorySizeText(bytes: number): string {
  if (bytes >= MANY_KB) return `${Math.round(bytes / MB)}mb`;
  return bytes >= KB ? `${Math.round(bytes / KB)}kb` : `${Math.round(bytes)}b`;
}

/**
 * Text as a number, as a filter of VSIM reads it: by C's `strtod`.
 *
 * @module
 */

import { parseDouble } from "../../base/ascii.ts";

/** Decimal digits with at most one point among them, and perhaps an exponent. */
const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const HEXADECIMAL = /^[+-]?0[xX]/;
const NOT_A_NUMBER = /^[+-]?nan(?:\([0-9a-zA-Z_]*\))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;
const LEADING_SPACE = /^[ \t-\r]+/;

/**
 * The number that fills a text with one code point for each byte, white space before it aside; 0 for an empty
 * text, and undefined when it is no number. The text ends at its first zero byte.
 */
export function toNumber(text: string): number | undefined {
  const end = text.indexOf("\0");
  const whole = end < 0 ? text : text.slice(0, end);
  if (whole === "") return 0;
  const number = whole.replace(LEADING_SPACE, "");
  if (DECIMAL.test(number)) return Number(number);
  if (NOT_A_NUMBER.test(number)) return NaN;
  const infinite = INFINITE.exec(number);
  if (infinite !== null) return infinite[1] === "-" ? -Infinity : Infinity;
  if (!HEXADECIMAL.test(number)) return undefined;
  const bytes = Uint8Array.from(number, (letter) => letter.charCodeAt(0));
  const value = parseDouble(bytes, 0, bytes.length);
  return value !== value ? undefined : value;
}

/**
 * Scores as text: what ZRANGEBYSCORE's bounds and SORT's weights are read by.
 *
 * @module
 */

import { latin1, parseDouble, parseInteger } from "../../base/ascii.ts";
import { Caller, type Context } from "./context.ts";

const HEXADECIMAL = /^[+-]?0x/i;
/** Numbers that `Number()` reads as `strtod` does: no hexadecimal, no infinity, no space. */
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const LEADING_SPACE = /^[ \t\n\v\f\r]+/;

/**
 * Bytes `[start, end)` as a score, NaN when they are none: a zero byte ends them, nothing at all is
 * 0, and what is too large is infinite. Before 8.0 Redis read scores with `strtod`, which takes
 * hexadecimal numbers and space before a number: what a master's stream says so is taken.
 */
export function parseScore(
  ctx: Pick<Context, "caller">,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const whole = parseInteger(bytes, start, end);
  if (Number.isSafeInteger(whole)) return whole;
  let text = latin1(bytes, start, end);
  const zero = text.indexOf("\0");
  if (zero >= 0) text = text.slice(0, zero);
  if (text === "") return 0;
  const obeys = ctx.caller === Caller.MASTER_STREAM;
  if (obeys) text = text.replace(LEADING_SPACE, "");
  if (DECIMAL.test(text)) return Number(text);
  if (!obeys && HEXADECIMAL.test(text)) return NaN;
  return parseDouble(Uint8Array.from(text, (letter) => letter.charCodeAt(0)), 0, text.length);
}

/**
 * How long a command may block its client, as `timeout.c getTimeoutFromObjectOrReply` reads it:
 * seconds as an 80-bit `long double`, whose fraction is rounded up to a millisecond. A double would
 * round such a number another way than Redis does, so mantissa and exponent are kept apart until
 * the last step.
 *
 * @module
 */

import { INT64_MAX } from "../../base/limits.ts";
import { parseLongDouble } from "../../base/long_double.ts";
import type { Argv } from "../../resp/argv.ts";
import {
  CommandError,
  TIMEOUT_NEGATIVE,
  TIMEOUT_NOT_FLOAT,
  TIMEOUT_OUT_OF_RANGE,
} from "./errors.ts";

/**
 * Argument `index`, seconds that may have a fraction, as the absolute milliseconds at which they
 * end; 0 for never.
 *
 * @param nowMs When they begin.
 * @throws {CommandError} TIMEOUT_NOT_FLOAT, TIMEOUT_NEGATIVE, or TIMEOUT_OUT_OF_RANGE for an end
 * beyond int64 milliseconds.
 */
export function readTimeoutSeconds(argv: Argv, index: number, nowMs: number): number {
  const value = parseLongDouble(argv.bytes, argv.starts[index], argv.ends[index]);
  if (value === undefined) throw new CommandError(TIMEOUT_NOT_FLOAT);
  const { mantissa, exponent, infinite } = value;
  if (infinite > 0) throw new CommandError(TIMEOUT_OUT_OF_RANGE);
  if (infinite < 0) throw new CommandError(TIMEOUT_NEGATIVE);
  const ms = ceiling(mantissa * 1000n, exponent);
  if (ms > INT64_MAX) throw new CommandError(TIMEOUT_OUT_OF_RANGE);
  if (ms < 0n) throw new CommandError(TIMEOUT_NEGATIVE);
  if (ms === 0n) return 0;
  const at = ms + BigInt(nowMs);
  if (at > INT64_MAX) throw new CommandError(TIMEOUT_OUT_OF_RANGE);
  return Number(at);
}

/** `mantissa * 2 ** exponent`, rounded up: the right shift of a bigint rounds down. */
function ceiling(mantissa: bigint, exponent: number): bigint {
  if (exponent >= 0) return mantissa << BigInt(exponent);
  return -(-mantissa >> BigInt(-exponent));
}

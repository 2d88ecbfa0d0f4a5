/**
 * How long a command may block its client, as Redis's `getTimeoutFromObjectOrReply` reads it.
 *
 * @module
 */

import { parseLongDouble } from "../../base/long_double.ts";
import type { Argv } from "../../resp/argv.ts";
import {
  CommandError,
  TIMEOUT_NEGATIVE,
  TIMEOUT_NOT_FLOAT,
  TIMEOUT_OUT_OF_RANGE,
} from "./errors.ts";

const INT64_MAX = 0x7fffffffffffffffn;

/**
 * Argument `index`, seconds that may have a fraction, as the absolute milliseconds they end at, rounded
 * up; 0 for never.
 *
 * @throws {CommandError} When it is no number, negative, or ends beyond int64.
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

/** `mantissa * 2 ** exponent`, rounded up. */
function ceiling(mantissa: bigint, exponent: number): bigint {
  if (exponent >= 0) return mantissa << BigInt(exponent);
  return -(-mantissa >> BigInt(-exponent));
}

/**
 * Sorted sets, written.
 *
 * @module
 */

import type { ValueWriter } from "./writer.ts";

/** Not there yet. */
export const zsetWriter: ValueWriter | undefined = undefined;

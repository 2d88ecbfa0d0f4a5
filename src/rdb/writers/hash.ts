/**
 * Hashes, written.
 *
 * @module
 */

import type { ValueWriter } from "./writer.ts";

/** Not there yet. */
export const hashWriter: ValueWriter | undefined = undefined;

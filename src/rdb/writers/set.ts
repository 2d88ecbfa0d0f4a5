/**
 * Sets, written.
 *
 * @module
 */

import type { ValueWriter } from "./writer.ts";

/** Not there yet. */
export const setWriter: ValueWriter | undefined = undefined;

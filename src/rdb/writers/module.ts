/**
 * Module values, written.
 *
 * @module
 */

import type { ValueWriter } from "./writer.ts";

/** Not there yet. */
export const moduleWriter: ValueWriter | undefined = undefined;

/**
 * Lists, written.
 *
 * @module
 */

import type { ValueWriter } from "./writer.ts";

/** Not there yet. */
export const listWriter: ValueWriter | undefined = undefined;

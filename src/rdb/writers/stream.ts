/**
 * Streams, written.
 *
 * @module
 */

import type { ValueWriter } from "./writer.ts";

/** Not there yet. */
export const streamWriter: ValueWriter | undefined = undefined;

/**
 * Sorted sets.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** The family. */
export const zsetCommands: readonly Command[] = [];

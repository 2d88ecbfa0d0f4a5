/**
 * SORT and SORT_RO.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** The family. */
export const sortCommands: readonly Command[] = [];

/**
 * MEMORY.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** The family. */
export const memoryCommands: readonly Command[] = [];

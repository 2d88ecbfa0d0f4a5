/**
 * Hashes.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** The family. */
export const hashCommands: readonly Command[] = [];

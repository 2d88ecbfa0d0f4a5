/**
 * DUMP and RESTORE.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** The family. */
export const dumpCommands: readonly Command[] = [];

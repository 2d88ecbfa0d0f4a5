/**
 * DEBUG.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** The family. */
export const debugCommands: readonly Command[] = [];

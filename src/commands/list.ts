/**
 * Lists.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** The family. */
export const listCommands: readonly Command[] = [];

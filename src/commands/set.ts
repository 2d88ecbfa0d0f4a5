/**
 * Sets.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** The family. */
export const setCommands: readonly Command[] = [];

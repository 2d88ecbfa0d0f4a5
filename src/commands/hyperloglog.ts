/**
 * PF*.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** The family. */
export const hyperloglogCommands: readonly Command[] = [];

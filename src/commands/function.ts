/**
 * FUNCTION, FCALL and EVAL.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** The family. */
export const functionCommands: readonly Command[] = [];

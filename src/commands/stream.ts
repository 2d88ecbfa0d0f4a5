/**
 * Streams.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** The family. */
export const streamCommands: readonly Command[] = [];

/**
 * GEO*.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** The family. */
export const geoCommands: readonly Command[] = [];

/**
 * Which commands may keep their connection waiting.
 *
 * @module
 */

import type { Argv } from "../../resp/argv.ts";
import { isWord } from "./args.ts";
import { BLOCKING } from "./command.ts";
import type { CommandRow } from "./host.ts";

/** Whether a command may wait for keys or replicas. XREAD and XREADGROUP do only when told. */
export function mayBlock({ name, flags }: CommandRow, argv: Argv): boolean {
  if ((flags & BLOCKING) === 0) return false;
  if (name !== "xread" && name !== "xreadgroup") return true;
  for (let i = 1; i < argv.count; i++) if (isWord(argv, i, "BLOCK")) return true;
  return false;
}

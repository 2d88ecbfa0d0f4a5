/**
 * Which files are tests: those whose name ends in `_test.ts`.
 *
 * @module
 */

import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT } from "./paths.ts";

/** Test files at or below each path, sorted; all of `tests` when no path is given. */
export function testFiles(paths: readonly string[]): string[] {
  return (paths.length === 0 ? ["tests"] : paths).flatMap(filesBelow).sort();
}

/** @throws {Error} When there is nothing at `path`, which counts from the top of the repository. */
function filesBelow(path: string): string[] {
  const full = join(ROOT, path);
  if (!existsSync(full)) throw new Error(`There is no ${path}`);
  if (statSync(full).isFile()) return [relative(ROOT, full)];
  return readdirSync(full, { withFileTypes: true }).flatMap((entry) => {
    const child = join(path, entry.name);
    if (entry.isDirectory()) return filesBelow(child);
    return entry.name.endsWith("_test.ts") ? [child] : [];
  });
}

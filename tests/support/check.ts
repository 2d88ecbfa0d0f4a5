/**
 * What `deno task check` runs: layout, lint, types, docs, and whether the package can be published.
 * Every step runs, so that one look shows all that is wrong.
 *
 * @module
 */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "./paths.ts";
import { run } from "./process.ts";
import { findRuntime } from "./runtimes.ts";

const SOURCES = ["mod.ts", "src", "tests", "bench", "examples"];

interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

const steps: readonly Step[] = [
  { name: "layout", args: ["fmt", "--check"] },
  { name: "lint", args: ["lint"] },
  { name: "types", args: ["check", ...present(SOURCES)] },
  {
    name: "types of examples in docs",
    args: ["check", "--doc", ...present(["mod.ts", "src", "README.md"])],
  },
  { name: "docs of all exports", args: ["doc", "--lint", "mod.ts", ...filesBelow("src")] },
  { name: "package", args: ["publish", "--dry-run", "--allow-dirty"] },
];

const deno = await findRuntime("deno");
const failed: string[] = [];
for (const { name, args } of steps) {
  const done = await run(deno.path, args, { cwd: ROOT, env: { NO_COLOR: "1" } });
  console.log(`${done.code === 0 ? "ok    " : "FAILED"} ${name}: deno ${args.join(" ")}`);
  if (done.code === 0) continue;
  failed.push(name);
  console.log((done.stdout + done.stderr).trim());
}
console.log(failed.length === 0 ? "check: all clean" : `check: failed: ${failed.join(", ")}`);
process.exit(failed.length === 0 ? 0 : 1);

function filesBelow(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts")).map((path) => join(directory, path)).sort();
}

function present(paths: readonly string[]): string[] {
  return paths.filter((path) => existsSync(join(ROOT, path)));
}

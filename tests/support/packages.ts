/**
 * npm packages that tests and benches compare with: installed once into `.cache/npm` by the npm
 * client, never part of the project.
 *
 * @module
 */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { env } from "node:process";
import { CACHE, NPM_DIR } from "./paths.ts";
import { run, which, withLock } from "./process.ts";

/** What is installed, all at once. */
const PACKAGES = {
  ioredis: "5",
  redis: "5",
  mitata: "1",
  wabt: "1",
  react: "19",
  "react-dom": "19",
  "playwright-core": "1",
  vitest: "3",
} as const;

/** A package tests may ask for. */
export type PackageName = keyof typeof PACKAGES;

const INSTALL_TIMEOUT_MS = 3 * 60_000;

let prepared: Promise<void> | undefined;

/**
 * Installs what is missing.
 *
 * @throws {Error} One sentence saying why it cannot.
 */
export function preparePackages(): Promise<void> {
  prepared ??= withLock(join(CACHE, "npm.lock"), install);
  return prepared;
}

/**
 * A package's exports, or those of a part of it, as of "/server".
 *
 * @throws {Error} One sentence saying why it is not to be had: a reason to skip.
 */
export async function loadPackage(
  name: PackageName,
  part: string = "",
): Promise<Record<string, unknown>> {
  if (!isInstalled(name)) await preparePackages();
  // All three runtimes' `require` takes both module kinds; Deno's `import` takes no CommonJS file.
  return createRequire(join(NPM_DIR, "package.json"))(name + part);
}

/** The package's exports, or the reason to skip. */
export async function tryPackage(
  name: PackageName,
  part: string = "",
): Promise<{ exports: Record<string, unknown>; reason?: undefined } | { reason: string }> {
  try {
    return { exports: await loadPackage(name, part) };
  } catch (error) {
    return { reason: `${name} is not to be had: ${(error as Error).message}` };
  }
}

/**
 * The folder whose `node_modules` has the package.
 *
 * @throws {Error} One sentence saying why it is not to be had: a reason to skip.
 */
export async function packageFolder(name: PackageName): Promise<string> {
  if (!isInstalled(name)) await preparePackages();
  return NPM_DIR;
}

function isInstalled(name: string): boolean {
  return existsSync(join(NPM_DIR, "node_modules", name, "package.json"));
}

async function install(): Promise<void> {
  const names = Object.keys(PACKAGES) as PackageName[];
  if (names.every(isInstalled)) return;
  // The runner has tried already: its children do not try again, each for itself.
  if (env.RIMR_PREPARED === "1") throw new Error("npm could not install it before the tests");
  if (which("npm") === undefined) throw new Error("there is no npm on this machine");
  mkdirSync(NPM_DIR, { recursive: true });
  const manifest = { private: true, dependencies: PACKAGES };
  writeFileSync(join(NPM_DIR, "package.json"), JSON.stringify(manifest, null, 2));
  const args = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"];
  const done = await run("npm", args, { cwd: NPM_DIR, timeoutMs: INSTALL_TIMEOUT_MS });
  if (done.code !== 0) throw new Error(`npm install failed: ${firstError(done.stderr)}`);
}

function firstError(text: string): string {
  return text.split("\n").find((line) => /err(or|!)/i.test(line)) ?? text.trim();
}

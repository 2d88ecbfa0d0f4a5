/**
 * The three runtimes: where each is on this machine, fetched by npm where it is missing or too old.
 *
 * @module
 */

import process from "node:process";
import { run, which } from "./process.ts";

/** What a runtime is called. */
export type RuntimeName = "deno" | "bun" | "node";

/** All of them, in the order they are tested. */
export const RUNTIMES: readonly RuntimeName[] = ["deno", "bun", "node"];

/** A runtime that can be started. */
export interface Runtime {
  /** Which of the three it is: its arguments and output differ by it. */
  readonly name: RuntimeName;
  /** Full path of its program. */
  readonly path: string;
  /** As in "24.21.0". */
  readonly version: string;
}

/** The oldest version that will do, and the npm package that brings one. */
const NEEDS: Record<RuntimeName, { readonly floor: string; readonly npm: string }> = {
  deno: { floor: "2.2.0", npm: "deno@2" },
  bun: { floor: "1.4.0", npm: "bun@1" },
  node: { floor: "22.18.0", npm: "node@24" },
};

const FETCH_TIMEOUT_MS = 5 * 60_000;

/** The runtime this process runs in. */
export function currentRuntime(): Runtime {
  const versions = process.versions as Record<string, string | undefined>;
  const name = versions.deno !== undefined ? "deno" : versions.bun !== undefined ? "bun" : "node";
  return { name, path: process.execPath, version: versions[name] ?? "" };
}

/**
 * Finds a runtime: this process's own, then PATH, then npm's.
 *
 * @throws {Error} One sentence, when there is none and npm brings none.
 */
export async function findRuntime(name: RuntimeName): Promise<Runtime> {
  return await installedRuntime(name) ?? await fetchRuntime(name);
}

/** This process's own runtime or one that PATH has; undefined when it is missing or too old. */
export async function installedRuntime(name: RuntimeName): Promise<Runtime | undefined> {
  const current = currentRuntime();
  if (current.name === name) return current;
  const onPath = which(name);
  return onPath === undefined ? undefined : await identify(name, onPath);
}

/** How a script is run in it, before the script's own path. */
export function scriptArguments(name: RuntimeName): string[] {
  return name === "deno" ? ["run", "-A", "--no-check", "--no-lock"] : [];
}

async function fetchRuntime(name: RuntimeName): Promise<Runtime> {
  const { floor, npm } = NEEDS[name];
  if (which("npx") === undefined) throw new Error(`install ${name} ${floor} or later, or npm`);
  const args = ["-y", "-p", npm, "-c", `command -v ${name}`];
  const found = await run("npx", args, { timeoutMs: FETCH_TIMEOUT_MS });
  const path = found.stdout.trim().split("\n").at(-1) ?? "";
  const runtime = found.code === 0 ? await identify(name, path) : undefined;
  if (runtime !== undefined) return runtime;
  throw new Error(`install ${name} ${floor} or later: npx ${npm} failed: ${found.stderr.trim()}`);
}

/** The runtime at `path`, or undefined when it does not run or is too old. */
async function identify(name: RuntimeName, path: string): Promise<Runtime | undefined> {
  const { code, stdout } = await run(path, ["--version"], { timeoutMs: 60_000 });
  const version = stdout.match(/(\d+\.\d+\.\d+)/)?.[1];
  if (code !== 0 || version === undefined || !isAtLeast(version, NEEDS[name].floor)) {
    return undefined;
  }
  return { name, path, version };
}

function isAtLeast(version: string, floor: string): boolean {
  const have = version.split(".").map(Number);
  const need = floor.split(".").map(Number);
  for (let i = 0; i < 3; i++) if (have[i] !== need[i]) return have[i] > need[i];
  return true;
}

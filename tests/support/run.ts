/**
 * What `deno task test` runs: makes sure that runtimes, servers and packages are there, once, then
 * gives every test file to Deno, Bun and Node in turn and adds up.
 *
 *     deno run -A tests/support/run.ts [deno] [bun] [node] [PATH...]
 *
 * The last line is `N passed, N failed`, with `, N skipped` when some were.
 *
 * @module
 */

import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import process from "node:process";
import { loadPackage } from "./packages.ts";
import { ROOT } from "./paths.ts";
import { run } from "./process.ts";
import { findRuntime, type Runtime, type RuntimeName, RUNTIMES } from "./runtimes.ts";
import { servers } from "./servers.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Longer than any one test may take; Bun's own limit would be five seconds. */
const TEST_TIMEOUT_MS = 10 * 60_000;
const RUN_TIMEOUT_MS = 40 * 60_000;

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  const named = RUNTIMES.filter((name) => args.includes(name));
  const paths = args.filter((arg) => !RUNTIMES.includes(arg as RuntimeName));
  const files = (paths.length === 0 ? ["tests"] : paths).flatMap((path) => testFiles(path)).sort();
  await prepare();
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const lines: string[] = [];
  for (const name of named.length === 0 ? RUNTIMES : named) {
    const counts = await testIn(name, files);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    lines.push(`${name.padEnd(5)} ${summary(counts)}`);
  }
  console.log(`\n${lines.join("\n")}`);
  console.log(summary(total));
  process.exit(total.failed > 0 ? 1 : 0);
}

function summary({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed` + (skipped > 0 ? `, ${skipped} skipped` : "");
}

/** Fetches before the tests what they would otherwise fetch three times over. */
async function prepare(): Promise<void> {
  try {
    const list = await servers();
    console.log(
      `servers: ${list.map((binary) => `${binary.name} (${binary.version})`).join(", ")}`,
    );
  } catch (error) {
    console.log(`servers: none: ${(error as Error).message}`);
  }
  try {
    await loadPackage("ioredis");
    console.log("packages: ready");
  } catch (error) {
    console.log(`packages: none: ${(error as Error).message}`);
  }
}

async function testIn(name: RuntimeName, files: readonly string[]): Promise<Counts> {
  const runtime = await findRuntime(name).catch((error: Error) => error);
  if (runtime instanceof Error) {
    console.log(`\n${name}: ${runtime.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  console.log(`\n${name} ${runtime.version}: ${files.length} files`);
  const started = Date.now();
  const done = await run(runtime.path, testArguments(runtime, files), {
    cwd: ROOT,
    env: { NO_COLOR: "1", RIMR_PREPARED: "1" },
    timeoutMs: RUN_TIMEOUT_MS,
    onOutput: (chunk) => void process.stdout.write(chunk),
  });
  const counts = readCounts(name, stripColor(done.stdout + "\n" + done.stderr));
  console.log(`${name}: ${summary(counts)} in ${Math.round((Date.now() - started) / 1000)} s`);
  // A file that does not even load fails the run without counting as a failed test everywhere.
  const broken = done.code !== 0 && counts.failed === 0;
  if (broken) console.log(`${name}: exit code ${done.code} with no failed test counted`);
  if (counts.passed + counts.failed === 0) console.log(`${name}: no test was run`);
  if (broken || counts.passed + counts.failed === 0) counts.failed++;
  return counts;
}

function testArguments(runtime: Runtime, files: readonly string[]): string[] {
  switch (runtime.name) {
    case "deno":
      // Types are `deno task check`'s business.
      return ["test", "-A", "--no-check", "--no-lock", ...files];
    case "bun":
      return ["test", `--timeout=${TEST_TIMEOUT_MS}`, ...files.map((file) => `./${file}`)];
    case "node":
      return ["--test", "--test-reporter=spec", "--test-reporter-destination=stdout", ...files];
  }
}

/** The counts of a runtime's own closing lines; the last ones, as tests may print such lines too. */
function readCounts(name: RuntimeName, output: string): Counts {
  const number = (pattern: RegExp) => {
    const all = [...output.matchAll(pattern)];
    return Number(all.at(-1)?.[1] ?? 0);
  };
  switch (name) {
    case "deno":
      return {
        passed: number(/^(?:ok|FAILED) \| (\d+) passed/gm),
        failed: number(/^(?:ok|FAILED) \| \d+ passed.*? \| (\d+) failed/gm),
        skipped: number(/^(?:ok|FAILED) \| .* \| (\d+) ignored/gm),
      };
    case "bun":
      return {
        passed: number(/^\s*(\d+) pass$/gm),
        failed: Math.max(number(/^\s*(\d+) fail$/gm), number(/^\s*(\d+) errors?$/gm)),
        skipped: number(/^\s*(\d+) skip$/gm) + number(/^\s*(\d+) todo$/gm),
      };
    case "node":
      return {
        passed: number(/^\S+ pass (\d+)$/gm),
        failed: number(/^\S+ fail (\d+)$/gm) + number(/^\S+ cancelled (\d+)$/gm),
        skipped: number(/^\S+ skipped (\d+)$/gm) + number(/^\S+ todo (\d+)$/gm),
      };
  }
}

function stripColor(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}

function testFiles(path: string): string[] {
  const full = join(ROOT, path);
  if (!existsSync(full)) throw new Error(`There is no ${path}`);
  if (statSync(full).isFile()) return [relative(ROOT, full)];
  return readdirSync(full, { withFileTypes: true }).flatMap((entry) => {
    const child = join(path, entry.name);
    if (entry.isDirectory()) return testFiles(child);
    return entry.name.endsWith("_test.ts") ? [child] : [];
  });
}

/**
 * What `deno task test` runs: makes sure that runtimes, servers and packages are there, once, then
 * gives every test file to Deno, Bun and Node in turn and adds up. Under Deno every server is asked that is
 * at hand, under the others the newest of each product, as what a server's version changes no runtime does.
 *
 *     deno run -A tests/support/run.ts [deno] [bun] [node] [PATH...]
 *
 * What failed is told again at the end, shortened, as the whole output is long. The last line is
 * `N passed, N failed`, with `, N skipped` when some were.
 *
 * @module
 */

import process from "node:process";
import { loadPackage } from "./packages.ts";
import { ROOT } from "./paths.ts";
import { run } from "./process.ts";
import { findRuntime, type Runtime, type RuntimeName, RUNTIMES } from "./runtimes.ts";
import { servers } from "./servers.ts";
import { testFiles } from "./test_files.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface Outcome {
  counts: Counts;
  /** What the runtime said of each test that failed. */
  failures: string;
}

/** Longer than any one test may take; Bun's own limit would be five seconds. */
const TEST_TIMEOUT_MS = 10 * 60_000;
const RUN_TIMEOUT_MS = 40 * 60_000;
/** Node gives each file a process; many of them wait for servers, so that one at a time leaves a core idle. */
const NODE_OPTIONS = [
  "--test-concurrency=2",
  "--test-reporter=spec",
  "--test-reporter-destination=stdout",
];
/** As much of a runtime's failures as is told again at the end. */
const MAX_FAILURES = 3000;

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  const named = RUNTIMES.filter((name) => args.includes(name));
  const paths = args.filter((arg) => !RUNTIMES.includes(arg as RuntimeName));
  const files = testFiles(paths);
  await prepare();
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const lines: string[] = [];
  const again: string[] = [];
  for (const name of named.length === 0 ? RUNTIMES : named) {
    const { counts, failures } = await testIn(name, files);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    lines.push(`${name.padEnd(5)} ${summary(counts)}`);
    if (failures !== "") again.push(`failed in ${name}:\n${failures.slice(0, MAX_FAILURES)}`);
  }
  if (again.length > 0) console.log(`\n${again.join("\n\n")}`);
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

async function testIn(name: RuntimeName, files: readonly string[]): Promise<Outcome> {
  const runtime = await findRuntime(name).catch((error: Error) => error);
  if (runtime instanceof Error) {
    console.log(`\n${name}: ${runtime.message}`);
    return { counts: { passed: 0, failed: 1, skipped: 0 }, failures: runtime.message };
  }
  console.log(`\n${name} ${runtime.version}: ${files.length} files`);
  const started = Date.now();
  const done = await run(runtime.path, testArguments(runtime, files), {
    cwd: ROOT,
    env: { NO_COLOR: "1", RIMR_PREPARED: "1", ...(name === "deno" ? {} : { RIMR_NEWEST: "1" }) },
    timeoutMs: RUN_TIMEOUT_MS,
    onOutput: (chunk) => void process.stdout.write(chunk),
  });
  const output = stripColor(done.stdout + "\n" + done.stderr);
  const counts = readCounts(name, output);
  console.log(`${name}: ${summary(counts)} in ${Math.round((Date.now() - started) / 1000)} s`);
  // A file that does not even load fails the run without counting as a failed test everywhere.
  const broken = done.code !== 0 && counts.failed === 0;
  if (broken) console.log(`${name}: exit code ${done.code} with no failed test counted`);
  if (counts.passed + counts.failed === 0) console.log(`${name}: no test was run`);
  if (broken || counts.passed + counts.failed === 0) counts.failed++;
  return { counts, failures: counts.failed > 0 ? readFailures(name, output) : "" };
}

function testArguments(runtime: Runtime, files: readonly string[]): string[] {
  switch (runtime.name) {
    case "deno":
      // Types are `deno task check`'s business.
      return ["test", "-A", "--no-check", "--no-lock", ...files];
    case "bun":
      return ["test", `--timeout=${TEST_TIMEOUT_MS}`, ...files.map((file) => `./${file}`)];
    case "node":
      return ["--test", ...NODE_OPTIONS, ...files];
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

/** What a runtime said of the tests that failed: Deno and Node at the end, Bun ahead of each. */
function readFailures(name: RuntimeName, output: string): string {
  switch (name) {
    case "deno":
      return output.split(/^ ERRORS *$/m).at(-1)!.split(/^FAILED \| /m)[0].trim();
    case "bun":
      return bunFailures(output.split("\n"));
    case "node":
      return output.split(/^\S+ failing tests:$/m).at(-1)!.trim();
  }
}

/** Each failed test's line, and the last of what was printed since the test before. */
function bunFailures(lines: readonly string[]): string {
  const failures: string[] = [];
  let start = 0;
  lines.forEach((line, index) => {
    const [, result] = /^\((pass|fail|skip|todo)\) /.exec(line) ?? [];
    if (result === undefined) return;
    if (result === "fail") {
      failures.push(line, lines.slice(start, index).join("\n").trim().slice(-800));
    }
    start = index + 1;
  });
  return failures.join("\n");
}

function stripColor(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}

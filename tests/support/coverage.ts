/**
 * What `deno task coverage` runs: the tests under Deno, then which share of each room's lines and branches
 * they reach. What other processes run (the command line, other runtimes) is not counted.
 *
 *     deno task coverage [--files] [PATH...]
 *
 * `--files` adds a row for each file, the least covered first. Runs of differential tests are short unless
 * `COUNT` and `COMMANDS` say otherwise.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process, { env } from "node:process";
import { ROOT } from "./paths.ts";
import { run } from "./process.ts";
import { findRuntime } from "./runtimes.ts";
import { testFiles } from "./test_files.ts";

/** How many lines and branches there are, and how many of them some test reached. */
interface Reached {
  lines: number;
  linesHit: number;
  branches: number;
  branchesHit: number;
}

const RUN_TIMEOUT_MS = 40 * 60_000;

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  const paths = args.filter((arg) => !arg.startsWith("--"));
  const directory = mkdtempSync(join(tmpdir(), "rimr-coverage-"));
  try {
    const { path: deno } = await findRuntime("deno");
    const tests = [
      "test",
      "-A",
      "--no-check",
      "--no-lock",
      "--coverage-raw-data-only",
      `--coverage=${directory}`,
    ];
    const code = await show(deno, [...tests, ...testFiles(paths)]);
    const lcov = await run(deno, ["coverage", "--lcov", "--include=/src/", directory], {
      cwd: ROOT,
      timeoutMs: RUN_TIMEOUT_MS,
    });
    if (lcov.code !== 0) throw new Error(`deno coverage failed: ${lcov.stderr.trim()}`);
    print(readLcov(lcov.stdout), args.includes("--files"));
    process.exitCode = code;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs a program and passes its output on; answers its exit code. */
async function show(path: string, args: readonly string[]): Promise<number> {
  const { code } = await run(path, args, {
    cwd: ROOT,
    env: { NO_COLOR: "1", COUNT: env.COUNT ?? "2000", COMMANDS: env.COMMANDS ?? "10000" },
    timeoutMs: RUN_TIMEOUT_MS,
    onOutput: (chunk) => void process.stdout.write(chunk),
  });
  return code;
}

/** Counts by file. LCOV names a file by SF, its lines by LF (found) and LH (hit), its branches by BRF and BRH. */
function readLcov(text: string): Map<string, Reached> {
  const files = new Map<string, Reached>();
  let reached = empty();
  for (const line of text.split("\n")) {
    const [key, value] = line.split(/:(.*)/);
    if (key === "SF") files.set(relative(ROOT, value), reached = empty());
    else if (key === "LF") reached.lines = Number(value);
    else if (key === "LH") reached.linesHit = Number(value);
    else if (key === "BRF") reached.branches = Number(value);
    else if (key === "BRH") reached.branchesHit = Number(value);
  }
  return files;
}

function empty(): Reached {
  return { lines: 0, linesHit: 0, branches: 0, branchesHit: 0 };
}

function print(files: ReadonlyMap<string, Reached>, eachFile: boolean): void {
  const rooms = new Map<string, Reached>();
  for (const [path, reached] of files) {
    const room = path.split("/").slice(0, -1).join("/");
    add(rooms, room, reached);
    add(rooms, "all", reached);
  }
  console.log(`\n${"room".padEnd(40)}   lines  branches`);
  for (const [room, reached] of [...rooms].sort()) console.log(row(room, reached));
  if (!eachFile) return;
  const share = ([, { lines, linesHit }]: [string, Reached]) => linesHit / Math.max(lines, 1);
  console.log();
  for (const [path, reached] of [...files].sort((a, b) => share(a) - share(b))) {
    console.log(row(path, reached));
  }
}

function add(rooms: Map<string, Reached>, room: string, reached: Reached): void {
  const sum = rooms.get(room) ?? empty();
  sum.lines += reached.lines;
  sum.linesHit += reached.linesHit;
  sum.branches += reached.branches;
  sum.branchesHit += reached.branchesHit;
  rooms.set(room, sum);
}

function row(name: string, { lines, linesHit, branches, branchesHit }: Reached): string {
  const percent = (hit: number, of: number) => `${(100 * hit / Math.max(of, 1)).toFixed(1)}%`;
  return name.padEnd(40) + percent(linesHit, lines).padStart(8) +
    percent(branchesHit, branches).padStart(10);
}

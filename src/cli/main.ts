/**
 * The command line: `start` follows a master, `demo` shows one being followed. The same source runs
 * as `deno run -A`, `bun` and `node`.
 *
 * @module
 */

import { systemClock } from "../base/clock.ts";
import { VERSION } from "../replica/version.ts";
import { HELP, parseArgs, UsageError } from "./args.ts";
import { demo } from "./demo.ts";
import { explain } from "./explain.ts";
import { Progress } from "./progress.ts";
import { start } from "./start.ts";
import {
  isStartedScript,
  onStop,
  processTerminal,
  processWords,
  setExitCode,
  type Terminal,
} from "./terminal.ts";

export type { Terminal };

/** Exit codes, as `--help` lists them. */
const STOPPED = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

/**
 * Runs a command line to its end.
 *
 * @param words The words after the program's name.
 * @param terminal Where output goes.
 * @param stopped Resolves when the run is to end, as at Ctrl-C.
 * @returns The exit code: 0 stopped, 1 failed, 2 wrong usage.
 */
export async function main(
  words: readonly string[],
  terminal: Terminal,
  stopped: Promise<void>,
): Promise<number> {
  try {
    const args = parseArgs(words);
    if (args.command === "help") terminal.write(HELP);
    else if (args.command === "version") terminal.write(`${VERSION}\n`);
    else {
      const progress = new Progress(terminal, systemClock, args);
      if (args.command === "start") await start(args, progress, stopped);
      else await demo(args, progress, stopped);
    }
    return STOPPED;
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.writeError(`${error.message}. See --help.`);
      return WRONG_USAGE;
    }
    terminal.writeError(`error: ${explain(error)}`);
    return FAILED;
  }
}

// Node has `import.meta.main` only since 24.2.
if (import.meta.main ?? isStartedScript(import.meta.url)) {
  const { stopped, dispose } = onStop();
  setExitCode(await main(processWords(), processTerminal, stopped));
  dispose();
}

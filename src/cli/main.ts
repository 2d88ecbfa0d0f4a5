/**
 * The command line: `start` follows a master, `demo` shows one being followed, `verify` compares a copy with its master.
 * The same source runs as `deno run -A`, `bun` and `node`.
 *
 * @module
 */

import { systemClock } from "../base/clock.ts";
import { VERSION } from "../replica/version.ts";
import { type Environment, parseArgs, UsageError } from "./args.ts";
import { demo } from "./demo.ts";
import { explain } from "./explain.ts";
import { colored, Progress } from "./progress.ts";
import { helpText } from "./help.ts";
import { start } from "./start.ts";
import {
  isStartedScript,
  onStop,
  processEnvironment,
  processTerminal,
  processWords,
  setExitCode,
  type Terminal,
} from "./terminal.ts";
import { verify } from "./verify.ts";

export type { Terminal };

/** Exit codes, as `--help` lists them. */
const STOPPED = 0;
const FAILED = 1;
const WRONG_USAGE = 2;
/** Red, as a parameter of SGR. */
const RED = 31;

/**
 * Runs a command line to its end.
 *
 * @param words The words after the program's name.
 * @param terminal Where output goes.
 * @param stopped Resolves when the run is to end, as at Ctrl-C.
 * @param environment Variables by name: VALKEY_URL or REDIS_URL names the master where `--master` is left out.
 * @returns The exit code: 0 stopped or equal, 1 failed or different, 2 wrong usage.
 */
export async function main(
  words: readonly string[],
  terminal: Terminal,
  stopped: Promise<void>,
  environment: Environment = {},
): Promise<number> {
  try {
    const args = parseArgs(words, environment);
    if (args.command === "help") terminal.write(helpText(terminal.program, args.about));
    else if (args.command === "version") terminal.write(`${VERSION}\n`);
    else {
      const progress = new Progress(terminal, systemClock, args);
      if (args.command === "verify") {
        return await verify(args, progress, stopped) ? STOPPED : FAILED;
      }
      if (args.command === "start") await start(args, progress, stopped);
      else await demo(args, progress, stopped);
    }
    return STOPPED;
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.writeError(`${error.message}. See --help.`);
      return WRONG_USAGE;
    }
    terminal.writeError(`${colored("error:", RED, terminal)} ${explain(error)}`);
    return FAILED;
  }
}

// Node has `import.meta.main` only since 24.2.
if (import.meta.main ?? isStartedScript(import.meta.url)) {
  const { stopped, dispose } = onStop();
  setExitCode(await main(processWords(), processTerminal, stopped, processEnvironment));
  dispose();
}

/**
 * The process that the command line runs in: its words, output, signals and files. One source for all three
 * runtimes, which agree on these `node:` modules.
 *
 * @module
 */

import { readFileSync, realpathSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Where a run's output goes; tests pass their own. */
export interface Terminal {
  /** What the program was started with, as `deno run -A cli.ts`: for examples. */
  readonly program: string;
  /** True where colours are wanted: on a terminal, unless NO_COLOR says otherwise. */
  readonly isColored: boolean;
  /** True where a person looks at it, so that a line can renew itself. */
  readonly isTerminal: boolean;
  /** Its width in columns at this moment. */
  columns(): number;
  /** Writes text as it is, without a line end. */
  write(text: string): void;
  /** Writes a line to the error output. */
  writeError(text: string): void;
}

/** Width taken where the terminal does not tell its own. */
const DEFAULT_COLUMNS = 80;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** Exit code of a process ended by SIGINT: 128 + 2. */
const CODE_OF_INTERRUPT = 130;

/** What an {@linkcode Output} needs of a stream of the process. */
export interface OutputStream {
  /** Writes text, and tells whether that failed. */
  write(text: string, done: (error?: Error | null) => void): unknown;
  /** Calls a listener with each failure. */
  on(event: "error", listener: (error: Error) => void): unknown;
}

/**
 * Output that may fail without ending the process: its reader has gone (EPIPE), or the disk is full. What was
 * lost meanwhile is counted, and told as soon as writing succeeds again.
 */
export class Output {
  readonly #stream: OutputStream;
  #lost: number = 0;

  /** Writes nothing yet. @param stream One of the process's own; a failure it tells is listened to from now on. */
  constructor(stream: OutputStream) {
    this.#stream = stream;
    // An error without a listener ends the process. Each is also told to the write that failed, which counts it.
    stream.on("error", () => {});
  }

  /** Writes text as it is. */
  write(text: string): void {
    const lost = this.#lost;
    this.#lost = 0;
    const notice = lost === 0 ? "" : `${lost} earlier writes to this output failed\n`;
    try {
      this.#stream.write(notice + text, (error) => {
        if (error) this.#lost += lost + 1;
      });
    } catch {
      // A file on a full disk throws at once: counted like a failure that is told later.
      this.#lost += lost + 1;
    }
  }
}

const output = new Output(process.stdout);
const errorOutput = new Output(process.stderr);

/** The output of this process. */
export const processTerminal: Terminal = {
  program: programName(),
  isColored: process.stdout.isTTY === true && (process.env.NO_COLOR ?? "") === "" &&
    process.env.TERM !== "dumb",
  isTerminal: process.stdout.isTTY === true,
  columns: () => process.stdout.columns || DEFAULT_COLUMNS,
  write: (text) => output.write(text),
  writeError: (text) => errorOutput.write(`${text}\n`),
};

/** The variables of this process's environment. */
export const processEnvironment: Readonly<Record<string, string | undefined>> = process.env;

/** How this process was started, as a person would type it. */
function programName(): string {
  const script = process.argv[1] ?? "cli.ts";
  const below = `${process.cwd()}/`;
  const path = script.startsWith(below) ? script.slice(below.length) : script;
  const { bun, deno } = process.versions as Record<string, string | undefined>;
  return `${bun !== undefined ? "bun" : deno !== undefined ? "deno run -A" : "node"} ${path}`;
}

/** The words after the program's name. */
export function processWords(): string[] {
  return process.argv.slice(2);
}

/** Sets the exit code; the process ends by itself when no timer and no socket is left. */
export function setExitCode(code: number): void {
  process.exitCode = code;
}

/** A file's text without the line end an editor leaves behind. */
export function readTextFile(path: string): string {
  return readFileSync(path, "utf8").replace(/\r?\n$/, "");
}

/** Whether the module at `url` is the script that this process was started with. */
export function isStartedScript(url: string): boolean {
  const script = process.argv[1];
  if (script === undefined || !url.startsWith("file:")) return false;
  try {
    return realpathSync(script) === realpathSync(fileURLToPath(url));
  } catch {
    return false;
  }
}

/**
 * Resolves at the first Ctrl-C or SIGTERM; a second one ends the process at once. SIGHUP is passed over.
 *
 * @returns The promise, and a function that removes the listeners.
 */
export function onStop(): { stopped: Promise<void>; dispose: () => void } {
  let stop: () => void;
  let asked = false;
  const stopped = new Promise<void>((resolve) => stop = resolve);
  const listener = () => {
    if (asked) process.exit(CODE_OF_INTERRUPT);
    asked = true;
    stop();
  };
  // As redis-server does, a server outlives the terminal it was started from.
  const outlive = () => {};
  for (const signal of SIGNALS) process.on(signal, listener);
  process.on("SIGHUP", outlive);
  return {
    stopped,
    dispose: () => {
      SIGNALS.forEach((signal) => process.removeListener(signal, listener));
      process.removeListener("SIGHUP", outlive);
    },
  };
}

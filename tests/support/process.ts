/**
 * Running other programs from tests, and a lock between processes.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdirSync, readFileSync, statSync, unlinkSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process, { env, kill, pid } from "node:process";

/** What a program left behind. */
export interface Finished {
  /** Exit code; 127 when it could not be started, 128 and more when a signal ended it. */
  readonly code: number;
  /** Its standard output. */
  readonly stdout: string;
  /** Its standard error. */
  readonly stderr: string;
}

/** Options of {@linkcode run}. */
export interface RunOptions {
  /** Directory to run in. */
  readonly cwd?: string;
  /** Added to the environment; undefined takes a variable away, under Node. */
  readonly env?: Record<string, string | undefined>;
  /** Milliseconds until it is ended. */
  readonly timeoutMs?: number;
  /** Called with every piece of output as it comes. */
  readonly onOutput?: (chunk: Uint8Array) => void;
}

/** Runs a program to its end. Never rejects: what went wrong is in the result. */
export function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(command, [...args], {
      cwd: options.cwd,
      env: { ...env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output: Uint8Array[] = [];
    const errors: Uint8Array[] = [];
    const collect = (into: Uint8Array[]) => (chunk: Uint8Array) => {
      into.push(chunk);
      options.onOutput?.(chunk);
    };
    child.stdout.on("data", collect(output));
    child.stderr.on("data", collect(errors));
    const timer = options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => child.kill("SIGKILL"), options.timeoutMs);
    const finish = (code: number, note: string) => {
      clearTimeout(timer);
      resolve({ code, stdout: text(output), stderr: text(errors) + note });
    };
    child.on("error", (error) => finish(127, `${command}: ${error.message}`));
    child.on("close", (code, signal) => finish(code ?? 128, signal === null ? "" : `: ${signal}`));
  });
}

/** Ends a program with this one, should it still run then. */
export function killAtExit(child: ChildProcess): void {
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.removeListener("exit", end));
}

/** A program's full path, or undefined when PATH has none of that name. */
export function which(name: string): string | undefined {
  for (const directory of (env.PATH ?? "").split(delimiter)) {
    const path = join(directory, name);
    if (directory !== "" && isExecutable(path)) return path;
  }
  return undefined;
}

/** Whether `path` is a file that may be run. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Runs `work` while no other process holds the lock file at `path`; waits for whoever does. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  while (!takeLock(path)) await new Promise((resolve) => setTimeout(resolve, 200));
  try {
    return await work();
  } finally {
    unlinkSync(path);
  }
}

function takeLock(path: string): boolean {
  try {
    writeFileSync(path, String(pid), { flag: "wx" });
    return true;
  } catch {
    if (!holderLives(path)) removeQuietly(path);
    return false;
  }
}

function holderLives(path: string): boolean {
  try {
    const holder = Number(readFileSync(path, "latin1"));
    // A holder that has just made the file may not have written its number yet.
    if (holder === 0) return Date.now() - statSync(path).mtimeMs < 5000;
    kill(holder, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else removed it first.
  }
}

function text(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
}

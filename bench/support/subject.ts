/**
 * Starts the processes a bench compares: {@linkcode Host}, an application with our replica in it, and
 * a real server as a replica. Both report memory and processor time from /proc.
 *
 * @module
 */

import type { FilterOptions } from "../../src/store/keyspace/key_filter.ts";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { killAtExit } from "../../tests/support/process.ts";
import { findRuntime, type Runtime, type RuntimeName } from "../../tests/support/runtimes.ts";
import { RUNTIMES, scriptArguments } from "../../tests/support/runtimes.ts";
import { newestServer, type RunningServer } from "../../tests/support/servers.ts";
import { type ServerBinary, servers, startServer } from "../../tests/support/servers.ts";
import { plain } from "../../tests/support/resp.ts";

const HOST_SCRIPT = fileURLToPath(new URL("host.ts", import.meta.url));
const POLL_MS = 2;
/** What /proc/PID/stat counts in, on every Linux we know. */
const TICKS_PER_SECOND = 100;

/** Who is followed, on loopback. */
export interface Master {
  /** Where. */
  readonly port: number;
}

interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Our replica in a process of its own. */
export class Host {
  /** What it runs under. */
  readonly runtime: Runtime;
  readonly #child: ChildProcess;
  readonly #waiters: Waiter[] = [];

  private constructor(runtime: Runtime, child: ChildProcess) {
    this.runtime = runtime;
    this.#child = child;
    const fail = () => {
      for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error("The host ended"));
    };
    child.once("exit", fail);
    killAtExit(child);
    if (child.stdout === null) throw new Error("The host has no output");
    createInterface({ input: child.stdout }).on("line", (line) => this.#take(line));
  }

  /** Starts the process; nothing is followed yet. */
  static async start(runtime: Runtime): Promise<Host> {
    const args = [...scriptArguments(runtime.name), HOST_SCRIPT];
    const host = new Host(
      runtime,
      spawn(runtime.path, args, { stdio: ["pipe", "pipe", "inherit"] }),
    );
    await new Promise((resolve, reject) => host.#waiters.push({ resolve, reject }));
    return host;
  }

  /** As in "deno 2.9.6". */
  get name(): string {
    return `${this.runtime.name} ${this.runtime.version}`;
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Asks the host; see its handlers for names and fields. */
  request<T = Record<string, number>>(name: string, fields: object = {}): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify({ name, ...fields })}\n`);
    }) as Promise<T>;
  }

  /** Follows a master; resolves when the data is there, with the milliseconds it took. */
  async follow(
    master: Master,
    listen?: string,
    server?: { allowDebug: boolean },
    filter?: FilterOptions,
  ): Promise<{ ms: number; listening: string }> {
    const url = `redis://127.0.0.1:${master.port}`;
    return await this.request("start", { master: url, listen, server, filter });
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    await this.request("stop").catch(() => {});
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(timer);
  }

  #take(line: string): void {
    const { result, error } = JSON.parse(line);
    const waiter = this.#waiters.shift();
    if (error === undefined) waiter?.resolve(result);
    else waiter?.reject(new Error(error));
  }
}

/** The runtimes asked for in RUNTIME (`deno,bun,node` or `all`); Deno unless told. */
export async function subjects(): Promise<Runtime[]> {
  const asked = (env.RUNTIME ?? "deno").split(",");
  const names = RUNTIMES.filter((name) => asked.includes(name) || asked.includes("all"));
  return await Promise.all(names.map((name: RuntimeName) => findRuntime(name)));
}

/**
 * The server to measure against: SERVER by name, or Redis 7.0, the fastest at both ends of a full sync
 * (8.0's separate snapshot channel takes about twice as long over loopback).
 */
export async function opponent(): Promise<ServerBinary> {
  const asked = env.SERVER;
  const list = await servers();
  const named = list.find((binary) => binary.name === (asked ?? "redis-7.0"));
  const found = asked === undefined ? named ?? await newestServer("redis") ?? list[0] : named;
  if (found === undefined) throw new Error(`There is no server named ${asked}`);
  return found;
}

/** A master that hands out its snapshot at once, without a file. */
export async function startMaster(args: readonly string[] = []): Promise<RunningServer> {
  return await startServer(await opponent(), [
    "--repl-diskless-sync",
    "yes",
    // The values of DEBUG POPULATE are mostly zeros: squeezed, a "1 GB" snapshot would be small.
    "--rdbcompression",
    "no",
    ...args,
  ]);
}

/** Fills `master` with keys `key:0`, `key:1`... of `bytes` bytes each. */
export async function populate(master: RunningServer, keys: number, bytes: number): Promise<void> {
  const reply = await master.call("DEBUG", "POPULATE", keys, "key", bytes);
  if (reply !== "OK") throw new Error(`DEBUG POPULATE: ${plain(reply)}`);
}

/** What a master would send now. */
export async function snapshotOf(master: RunningServer): Promise<Uint8Array> {
  const reply = await master.call("SAVE");
  if (reply !== "OK") throw new Error(`SAVE: ${plain(reply)}`);
  return readFileSync(join(master.dir, "dump.rdb"));
}

/** A real server that will be a replica. */
export async function startReplica(): Promise<RunningServer> {
  return await startServer(await opponent(), ["--repl-diskless-load", "on-empty-db"]);
}

/** Makes `replica` follow `master`; resolves when its link is up, with the milliseconds it took. */
export async function followWith(replica: RunningServer, port: number): Promise<number> {
  const started = performance.now();
  await replica.call("REPLICAOF", "127.0.0.1", port);
  while (!/master_link_status:up/.test(await info(replica, "replication"))) await pause(POLL_MS);
  return performance.now() - started;
}

/** A section of INFO as text. */
export async function info(server: RunningServer, section: string): Promise<string> {
  return String(plain(await server.call("INFO", section)));
}

/** A number out of INFO. */
export async function infoNumber(
  server: RunningServer,
  section: string,
  field: string,
): Promise<number> {
  const match = (await info(server, section)).match(new RegExp(`^${field}:(\\d+)`, "m"));
  return Number(match?.[1] ?? NaN);
}

/** Resident bytes now and at most; NaN where there is no /proc. */
export function memoryOf(pid: number): { now: number; peak: number } {
  const status = readProc(pid, "status");
  const kilobytes = (field: string) =>
    Number(status.match(new RegExp(`^${field}:\\s+(\\d+) kB`, "m"))?.[1] ?? NaN);
  return { now: kilobytes("VmRSS") * 1024, peak: kilobytes("VmHWM") * 1024 };
}

/** Lets the peak count from now on. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
  } catch {
    // Then it counts from the start of the process, which is no less.
  }
}

/** Processor seconds a process has used, all threads. */
export function cpuSecondsOf(pid: number): number {
  const fields = readProc(pid, "stat").replace(/^.*\) /s, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}

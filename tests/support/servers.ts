/**
 * Real Redis and Valkey servers for tests and benches: finding them, starting and stopping them.
 *
 * Which: `RIMR_SERVERS` names one or several, separated by `:` or `,`: paths of server programs,
 * directories of unpacked servers, names as in {@linkcode KINDS}, or `all`. Without it: whatever lies
 * in `.cache/servers`, what PATH has, and on Debian-like machines the default kinds, unpacked once.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import process, { env } from "node:process";
import { test } from "node:test";
import { type Argument, type Connection, open } from "./connection.ts";
import { ROOT, SERVERS_DIR } from "./paths.ts";
import { isExecutable, run, which } from "./process.ts";
import type { Reply } from "./resp.ts";
import { addLauncher, DEFAULT_KINDS, isUnpacked, KINDS, unpackKinds } from "./unpack.ts";

export { KINDS };

/** A server program on this machine. */
export interface ServerBinary {
  /** As in "redis-7.0": what tests put in their names. */
  readonly name: string;
  /** Whose behaviour it has: Redict, which parted from Redis after 7.2, counts as a Redis of its version. */
  readonly product: "redis" | "valkey";
  /** As in "7.0.15". */
  readonly version: string;
  /** Path of the server. */
  readonly server: string;
  /** Path of its command line client, when there is one. */
  readonly cli?: string;
  /** Path of its load generator, when there is one. */
  readonly benchmark?: string;
  /** Path of a launcher of the same server with Redis Stack's modules loaded, when there is one. */
  readonly withModules?: string;
}

/** A server that answers. */
export interface RunningServer extends AsyncDisposable {
  /** Its loopback port. */
  readonly port: number;
  /** Its process. */
  readonly pid: number;
  /** As in "redis-7.0". */
  readonly name: string;
  /** As in "7.0.15". */
  readonly version: string;
  /** The program. */
  readonly binary: ServerBinary;
  /** Its working directory, removed when it stops. */
  readonly dir: string;
  /** Sends a command over a connection kept for this; error replies are values. */
  call(...args: Argument[]): Promise<Reply>;
  /** Sends many commands at once over that connection. */
  pipeline(commands: readonly (readonly Argument[])[]): Promise<Reply[]>;
  /** A connection of its own; closed at the latest when the server stops. */
  connect(): Promise<Connection>;
  /** What it has logged. */
  log(): string;
  /** Ends the process and removes its directory. */
  stop(): Promise<void>;
}

const WHAT_TO_INSTALL =
  "install redis-server or valkey-server, or name one in RIMR_SERVERS, to run the tests against real servers";
const START_TIMEOUT_MS = 20_000;
const START_ATTEMPTS = 5;
const FIRST_REPLY_MS = 2000;
const FIRST_PORT = 10_000;
const PORTS = 22_000;
const PORT_ATTEMPTS = 100;

let found: Promise<ServerBinary[]> | undefined;

/**
 * The servers to test against.
 *
 * @throws {Error} One sentence saying what to install, when there is none.
 */
export function servers(): Promise<ServerBinary[]> {
  found ??= findServers();
  return found;
}

/** Options of {@linkcode serverTest}. */
export interface ServerTestOptions {
  /** 120,000 unless told. */
  readonly timeoutMs?: number;
  /** Servers it is about; all unless told. */
  readonly isFor?: (binary: ServerBinary) => boolean;
}

/** Registers one test for each server, or one skipped test that says what to install. */
export async function serverTest(
  title: string,
  body: (binary: ServerBinary) => Promise<void>,
  { timeoutMs = 120_000, isFor = () => true }: ServerTestOptions = {},
): Promise<void> {
  let list: ServerBinary[];
  try {
    list = (await servers()).filter(isFor);
  } catch (error) {
    test(title, { skip: (error as Error).message }, () => {});
    return;
  }
  if (list.length === 0) test(title, { skip: "not about any server that is here" }, () => {});
  for (const binary of list) {
    test(`${title} [${binary.name}]`, { timeout: timeoutMs }, () => body(binary));
  }
}

/** True where another runtime runs all of it: what has nothing to do with the runtime is then left to that one. */
export const IS_SECOND_RUNTIME: boolean = env.RIMR_NEWEST === "1";

/** Milliseconds for `count` commands, many times what they take: who waits for a reply that never comes fails. */
export function timeFor(count: number): number {
  return 180_000 + 20 * count;
}

/** Every Valkey, and Redis from that version on: what parted from Redis after 7.2 has what 7.2 has. */
export function sinceRedis(floor: string): (binary: ServerBinary) => boolean {
  return ({ product, version }) => product === "valkey" || atLeast(version, floor);
}

/** The newest server of `product`, or of any when left out; undefined when there is none. */
export async function newestServer(
  product?: "redis" | "valkey",
): Promise<ServerBinary | undefined> {
  const list = await servers().catch((): ServerBinary[] => []);
  return list.filter((binary) => product === undefined || binary.product === product)
    .sort((a, b) => compareVersions(a.version, b.version)).at(-1);
}

/** Whether `version` is at least `floor`, both as in "7.0.15". */
export function atLeast(version: string, floor: string): boolean {
  return compareVersions(version, floor) >= 0;
}

/**
 * Starts a server on a free loopback port, in a directory of its own, and waits until it answers. It lets DEBUG be
 * called, and makes a snapshot without delay.
 */
export async function startServer(
  binary: ServerBinary,
  extraArgs: readonly string[] = [],
): Promise<RunningServer> {
  let last: Error | undefined;
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
    try {
      return await startOnce(binary, extraArgs, await freePort());
    } catch (error) {
      last = error as Error;
      if (!/in use/i.test(last.message)) break;
    }
  }
  throw last;
}

/**
 * A loopback port that was free a moment ago. Drawn from below those that systems give to whoever asks
 * for any, outgoing connections among them: of tests that run in parallel one would soon have it.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 1;; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    try {
      return await bindOnce(port);
    } catch (error) {
      if (attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

function bindOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(port)));
  });
}

async function findServers(): Promise<ServerBinary[]> {
  const asked = env.RIMR_SERVERS ?? "";
  const { paths, failures } = asked === "" ? await defaultPaths() : await askedPaths(asked);
  const list: ServerBinary[] = [];
  for (const path of paths) {
    const binary = await identify(path);
    if (binary === undefined) failures.push(`${path} is no Redis or Valkey server`);
    else if (!list.some((other) => other.name === binary.name)) list.push(binary);
  }
  if (list.length > 0) return asked === "" && env.RIMR_NEWEST === "1" ? newestOf(list) : list;
  throw new Error([...failures, WHAT_TO_INSTALL].join("; "));
}

/** The newest server of each product. */
function newestOf(list: readonly ServerBinary[]): ServerBinary[] {
  return list.filter(({ product, version }) =>
    !list.some((other) => other.product === product && compareVersions(other.version, version) > 0)
  );
}

async function defaultPaths(): Promise<{ paths: string[]; failures: string[] }> {
  // The runner has already unpacked what can be had; its children only look.
  const failures = env.RIMR_PREPARED === "1" ? [] : await unpackKinds(DEFAULT_KINDS);
  const paths = unpackedIn(SERVERS_DIR);
  if (paths.length < DEFAULT_KINDS.length) {
    for (const name of ["redis-server", "valkey-server", "redict-server"]) {
      const path = which(name);
      if (path !== undefined) paths.push(path);
    }
  }
  return { paths, failures };
}

async function askedPaths(asked: string): Promise<{ paths: string[]; failures: string[] }> {
  const paths: string[] = [];
  const failures: string[] = [];
  for (const word of asked.split(/[:,]/).filter((part) => part !== "")) {
    const kinds = KINDS.filter((kind) => word === "all" || word === kind.name);
    if (kinds.length > 0) {
      failures.push(...await unpackKinds(kinds.map((kind) => kind.name)));
      const ready = kinds.filter((kind) => isUnpacked(kind.name));
      paths.push(...ready.map((kind) => join(SERVERS_DIR, kind.name, "server")));
      continue;
    }
    const path = resolve(ROOT, word);
    if (isExecutable(path)) paths.push(path);
    else if (isExecutable(join(path, "server"))) paths.push(join(path, "server"));
    else if (existsSync(path) && statSync(path).isDirectory()) paths.push(...unpackedIn(path));
    else {failures.push(
        `RIMR_SERVERS names ${word}, which is neither a server nor a directory of them`,
      );}
  }
  return { paths, failures };
}

function unpackedIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).filter((name) => !name.startsWith(".")).sort()
    .map((name) => join(directory, name, "server")).filter(isExecutable);
}

async function identify(path: string): Promise<ServerBinary | undefined> {
  const { stdout } = await run(path, ["--version"], { timeoutMs: 10_000 });
  const version = stdout.match(/\bv=(\d+\.\d+\.\d+)/)?.[1];
  if (version === undefined) return undefined;
  const program = stdout.match(/valkey|redict/i)?.[0].toLowerCase() ?? "redis";
  const product = program === "valkey" ? "valkey" : "redis";
  const directory = dirname(path);
  const unpacked = basename(path) === "server";
  const tool = (kind: string) => {
    const path = join(directory, unpacked ? kind : `${program}-${kind}`);
    if (isExecutable(path)) return path;
    // Started without a launcher it would look for its libraries on this machine, and not find them.
    return unpacked ? addLauncher(directory, kind, `${program}-${kind}`) : undefined;
  };
  const name = unpacked
    ? basename(directory)
    : `${program}-${version.split(".").slice(0, 2).join(".")}`;
  const launcher = join(directory, "with-modules");
  const withModules = unpacked && isExecutable(launcher) ? launcher : undefined;
  const [cli, benchmark] = [tool("cli"), tool("benchmark")];
  return { name, product, version, server: path, cli, benchmark, withModules };
}

function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Processes to end when the test's own process does, whatever the reason. */
const running = new Set<number>();
let watching = false;

function watchExit(): void {
  if (watching) return;
  watching = true;
  const killAll = () => running.forEach((pid) => killQuietly(pid));
  process.once("exit", killAll);
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    process.once(signal, () => {
      killAll();
      process.exit(code);
    });
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

async function startOnce(
  binary: ServerBinary,
  extraArgs: readonly string[],
  port: number,
): Promise<RunningServer> {
  const dir = mkdtempSync(join(tmpdir(), `rimr-${binary.name}-`));
  const logFile = join(dir, "server.log");
  const debug = atLeast(binary.version, "7.0.0") ? ["--enable-debug-command", "local"] : [];
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--save", ""]
    .concat(["--appendonly", "no", "--logfile", logFile, "--repl-diskless-sync-delay", "0"])
    .concat(debug, extraArgs);
  watchExit();
  const child = spawn(binary.server, args, { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  let exited = false;
  child.stderr.on("data", (chunk: Uint8Array) => errors += new TextDecoder().decode(chunk));
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      exited = true;
      running.delete(child.pid ?? 0);
      resolve();
    };
    child.once("exit", end);
    child.once("error", end);
  });
  if (child.pid !== undefined) running.add(child.pid);
  const log = () => (existsSync(logFile) ? readFileSync(logFile, "latin1") : "") + errors;
  const stop = async () => {
    if (!exited && child.pid !== undefined) killQuietly(child.pid);
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  const main = await answering(port, () => exited);
  if (main === undefined) {
    const said = log();
    await stop();
    throw new Error(`${binary.name} did not start on port ${port}: ${said.slice(-2000)}`);
  }
  return serverOf(binary, { port, pid: child.pid ?? 0, dir, main, log, stop });
}

interface Parts {
  readonly port: number;
  readonly pid: number;
  readonly dir: string;
  readonly main: Connection;
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

function serverOf(binary: ServerBinary, parts: Parts): RunningServer {
  const connections = new Set<Connection>([parts.main]);
  const stop = () => {
    for (const connection of connections) connection.close();
    return parts.stop();
  };
  return {
    port: parts.port,
    pid: parts.pid,
    dir: parts.dir,
    name: binary.name,
    version: binary.version,
    binary,
    call: (...args) => parts.main.call(...args),
    pipeline: (commands) => parts.main.pipeline(commands),
    connect: async () => {
      const connection = await open(parts.port);
      connections.add(connection);
      return connection;
    },
    log: parts.log,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A connection to a server that says anything but LOADING; undefined when it ended or never did. */
async function answering(port: number, ended: () => boolean): Promise<Connection | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && !ended()) {
    // "+PONG", or "-NOAUTH" where the test has set a password.
    const connection = await openWhere(port, (reply) => !isLoading(reply), "PING");
    if (connection !== undefined) return connection;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return undefined;
}

/**
 * A connection on which a first command is answered as it should be, and soon: who listens on the port
 * may be another. Undefined when it is not.
 */
export async function openWhere(
  port: number,
  isRight: (reply: Uint8Array) => boolean,
  ...command: string[]
): Promise<Connection | undefined> {
  const connection = await open(port).catch(() => undefined);
  if (connection === undefined) return undefined;
  const timer = setTimeout(() => connection.close(), FIRST_REPLY_MS);
  const reply = await connection.raw(...command).catch(() => undefined);
  clearTimeout(timer);
  if (reply !== undefined && isRight(reply)) return connection;
  connection.close();
  return undefined;
}

function isLoading(reply: Uint8Array): boolean {
  return new TextDecoder().decode(reply).startsWith("-LOADING");
}

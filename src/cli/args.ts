/**
 * Parses the command line. Nothing here reads a file or connects: what comes out is checked as far as words
 * alone can be.
 *
 * ```text
 *  words  start --master redis://h:1 --listen=6380 --json
 *         |     |        |           |             flag, takes no value
 *         |     option and value     option=value
 *         subcommand: start, demo, verify, help, version
 * ```
 *
 * @module
 */

import { messageOf } from "../base/errors.ts";
import { LOG_LEVELS, type LogLevel } from "../base/logger.ts";
import { memorySizeText, parseMemorySize } from "../base/memory_size.ts";
import { nearestName } from "../base/shape.ts";
import { parseMasterUrl } from "../replica/master_url.ts";
import { LEAST_MEMORY_BYTES } from "../replica/memory.ts";
import { checkReaders, parseListen, type ServerOptions } from "../replica/options.ts";
import type { MemoryPolicy } from "../replication/memory.ts";
import type { LinkBackoff } from "../replication/types.ts";
import type { FilterOptions } from "../store/keyspace/key_filter.ts";
import type { HELP_OF } from "./help.ts";

/** A command line that makes no sense: the message says why, the exit code is 2. */
export class UsageError extends Error {
  /** Always "UsageError", on every runtime and after minifying. */
  override readonly name: string = "UsageError";
}

/** Options that both subcommands have. */
export interface OutputArgs {
  /** The lowest level that is shown, one of the logger's. */
  readonly logLevel: LogLevel;
  /** True prints a JSON object a line in place of text. */
  readonly json: boolean;
}

/** The master, and what of its data is held: options of `start` and `verify`. */
export interface MasterArgs extends OutputArgs {
  /** URL of the master, which has been checked. */
  readonly master: string;
  /** The variable of the environment that the URL came from; undefined for `--master`. */
  readonly masterFrom: string | undefined;
  /** Path of a file with the master's password, read anew at each connection. */
  readonly passwordFile: string | undefined;
  /** What is held; undefined for all. */
  readonly filter: FilterOptions | undefined;
  /** Path of the snapshot to restart from, and to write. */
  readonly snapshot: string | undefined;
  /** Paths of certificates to trust; empty for the system's. */
  readonly tlsCa: readonly string[];
  /** Path of our own certificate, which `tlsKey` goes with. */
  readonly tlsCert: string | undefined;
  /** Path of the private key of `tlsCert`. */
  readonly tlsKey: string | undefined;
  /** Name the master's certificate must carry. */
  readonly tlsServerName: string | undefined;
}

/** The options of `verify`. */
export interface VerifyArgs extends MasterArgs {
  /** Always `verify`, the subcommand. */
  readonly command: "verify";
  /** Keys that are compared; undefined for all. */
  readonly sample: number | undefined;
  /** True fetches keys that differ. */
  readonly repair: boolean;
  /** Keys that the master is asked for in a second, at most. */
  readonly keysPerSecond: number;
}

/** The options of `start`. */
export interface StartArgs extends MasterArgs {
  /** Always `start`, the subcommand. */
  readonly command: "start";
  /** Where to serve RESP; undefined for nowhere. */
  readonly listen: string | undefined;
  /** What becomes of writes of clients. */
  readonly writes: "reject" | "forward";
  /** Path of a file with the password our clients must give. */
  readonly requirepassFile: string | undefined;
  /** True lets everybody who reaches `listen` read everything. */
  readonly open: boolean;
  /** True lets clients say whom to follow, and announces the listening port to the master. */
  readonly allowReplicaOf: boolean;
  /** True lets clients run DEBUG. */
  readonly allowDebug: boolean;
  /** Where to serve the page, probes and metrics; undefined for nowhere. */
  readonly http: string | undefined;
  /** Path of a file with the token that they ask for. */
  readonly httpTokenFile: string | undefined;
  /** Bounds of the pauses between two connections, in milliseconds; undefined where none is given. */
  readonly backoff: LinkBackoff | undefined;
  /** Most bytes of memory; undefined for no limit. */
  readonly maxMemory: number | undefined;
  /** What follows when they are reached. */
  readonly onMaxMemory: MemoryPolicy;
}

/** The options of `demo`. */
export interface DemoArgs extends OutputArgs {
  /** Always `demo`, the subcommand. */
  readonly command: "demo";
  /** Where the replica serves RESP. */
  readonly listen: string;
  /** Where the page is served. */
  readonly http: string;
  /** Actions a second on the sample master. */
  readonly rate: number;
  /** Seconds after which the demo ends by itself; undefined for never. */
  readonly seconds: number | undefined;
}

/** A command line that asks for a text only. */
export type TextArgs =
  | { readonly command: "help"; readonly about?: Command }
  | { readonly command: "version" };

/** A command line that was understood. */
export type Args = StartArgs | DemoArgs | VerifyArgs | TextArgs;

/** The name of a subcommand that has a help text of its own. */
export type Command = keyof typeof HELP_OF;

type Options = ReadonlyMap<string, readonly string[]>;

const FLAGS: ReadonlySet<string> = new Set([
  "json",
  "open",
  "allow-replicaof",
  "allow-debug",
  "full",
  "repair",
  "help",
  "version",
]);
const REPEATED: ReadonlySet<string> = new Set(["tls-ca", "keys"]);
const SHARED: readonly string[] = ["log-level", "json", "help", "version"];
const OF_MASTER: readonly string[] = [
  "master",
  "password-file",
  "snapshot",
  "tls-ca",
  "tls-cert",
  "tls-key",
  "tls-server-name",
  "databases",
  "keys",
  "types",
];
const KNOWN: Readonly<Record<Command, ReadonlySet<string>>> = {
  start: new Set([
    ...SHARED,
    ...OF_MASTER,
    "listen",
    "requirepass-file",
    "open",
    "writes",
    "allow-replicaof",
    "allow-debug",
    "http",
    "http-token-file",
    "backoff-min-ms",
    "backoff-max-ms",
    "backoff-doomed-ms",
    "backoff-doomed-max-ms",
    "max-memory",
    "on-max-memory",
  ]),
  demo: new Set([...SHARED, "listen", "http", "rate", "seconds"]),
  verify: new Set([...SHARED, ...OF_MASTER, "sample", "full", "repair", "keys-per-second"]),
};
const COMMANDS: readonly string[] = Object.keys(KNOWN);
/** Variables of the environment that name the master where `--master` is left out, the first that is set. */
const MASTER_VARIABLES: readonly string[] = ["VALKEY_URL", "REDIS_URL"];
const MAX_SAMPLE = 100_000_000;
const MAX_KEYS_PER_SECOND = 10_000_000;
const MAX_DATABASE = 0x7fffffff;
const DEFAULT_SAMPLE = "10000";
const DEFAULT_KEYS_PER_SECOND = "20000";
const MAX_RATE = 1_000_000;
const MAX_SECONDS = 1_000_000;
const MAX_PAUSE_MS = 86_400_000;

/** Variables of the environment by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Parses a command line.
 *
 * @param words The words after the program's name.
 * @param environment Names the master where the words do not.
 * @throws {UsageError} When it makes no sense; the message is fit for the terminal.
 */
export function parseArgs(words: readonly string[], environment: Environment = {}): Args {
  const [first, ...rest] = words;
  if (first === undefined) throw new UsageError(`Say ${COMMANDS.join(", ")}`);
  if (first === "--help" || first === "-h") return { command: "help" };
  if (first === "help") return isCommand(rest[0]) ? helpAbout(rest[0]) : { command: "help" };
  if (first === "--version" || first === "-V") return { command: "version" };
  if (!isCommand(first)) {
    const near = nearestName(first, COMMANDS);
    const hint = near === undefined ? `say ${COMMANDS.join(", ")}` : `did you mean ${near}?`;
    throw new UsageError(`Unknown command "${first.slice(0, 40)}": ${hint}`);
  }
  const options = readOptions(first, rest);
  if (options.has("help")) return helpAbout(first);
  if (options.has("version")) return { command: "version" };
  if (first === "demo") return demoArgs(options);
  return first === "start" ? startArgs(options, environment) : verifyArgs(options, environment);
}

function helpAbout(about: Command): TextArgs {
  return { command: "help", about };
}

function isCommand(word: string | undefined): word is Command {
  return word !== undefined && Object.hasOwn(KNOWN, word);
}

/** Reads `--name value`, `--name=value` and flags. Every name is one that `command` knows. */
function readOptions(command: Command, words: readonly string[]): Options {
  const options = new Map<string, string[]>();
  for (let pos = 0; pos < words.length; pos++) {
    const word = words[pos] === "-h" ? "--help" : words[pos];
    const parts = /^--([a-z][a-z-]*)(?:=([\s\S]*))?$/.exec(word);
    // A word in the wrong place may be a URL with a password: it is not quoted.
    if (parts === null) {
      throw new UsageError(`Word ${pos + 2} is not an option: they begin with --`);
    }
    const [, name, inline] = parts;
    if (!KNOWN[command].has(name)) {
      const near = nearestName(name, [...KNOWN[command]]);
      const hint = near === undefined ? "" : `: did you mean --${near}?`;
      throw new UsageError(`${command} has no option --${name}${hint}`);
    }
    const values = options.get(name) ?? [];
    if (values.length > 0 && !REPEATED.has(name)) throw new UsageError(`--${name} is given twice`);
    options.set(name, values);
    if (FLAGS.has(name)) {
      if (inline !== undefined) throw new UsageError(`--${name} takes no value`);
      values.push("");
      continue;
    }
    const value = inline ?? words[++pos];
    if (value === undefined || (inline === undefined && value.startsWith("--"))) {
      throw new UsageError(`--${name} needs a value`);
    }
    values.push(value);
  }
  return options;
}

/** The options about the master. */
function masterArgs(command: Command, options: Options, environment: Environment): MasterArgs {
  const from = MASTER_VARIABLES.find((name) => (environment[name] ?? "") !== "");
  const given = options.get("master")?.[0];
  const master = given ?? (from === undefined ? undefined : environment[from]);
  if (master === undefined) {
    throw new UsageError(
      `${command} needs --master URL, or ${MASTER_VARIABLES.join(" or ")} in the environment`,
    );
  }
  const masterFrom = given === undefined ? from : undefined;
  const args: MasterArgs = {
    master,
    masterFrom,
    passwordFile: options.get("password-file")?.[0],
    filter: readFilter(options),
    snapshot: options.get("snapshot")?.[0],
    tlsCa: options.get("tls-ca") ?? [],
    tlsCert: options.get("tls-cert")?.[0],
    tlsKey: options.get("tls-key")?.[0],
    tlsServerName: options.get("tls-server-name")?.[0],
    ...outputArgs(options),
  };
  const { tls } = orUsage(masterFrom ?? "--master", () => parseMasterUrl(master));
  if (tls === undefined && [...options.keys()].some((name) => name.startsWith("tls-"))) {
    throw new UsageError("The --tls- options need a rediss:// master");
  }
  if ((args.tlsCert === undefined) !== (args.tlsKey === undefined)) {
    throw new UsageError("--tls-cert and --tls-key go together");
  }
  return args;
}

/** What is held of the master's data; undefined where nothing was said. */
function readFilter(options: Options): FilterOptions | undefined {
  const [databases, keys, types] = ["databases", "keys", "types"].map((name) => {
    const values = options.get(name);
    if (values === undefined) return undefined;
    const words = values.flatMap((value) => value.split(","));
    if (words.includes("")) throw new UsageError(`--${name} has an empty place in its list`);
    return words;
  });
  if (databases === undefined && keys === undefined && types === undefined) return undefined;
  return {
    ...(databases === undefined ? {} : { databases: databases.map(readDatabase) }),
    ...(keys === undefined ? {} : { keys }),
    ...(types === undefined ? {} : { types }),
  };
}

function readDatabase(text: string): number {
  const db = /^\d+$/.test(text) ? Number(text) : NaN;
  if (db <= MAX_DATABASE) return db;
  throw new UsageError(`--databases is numbers joined by commas, as 0,1, and has "${text}"`);
}

function verifyArgs(options: Options, environment: Environment): VerifyArgs {
  if (options.has("full") && options.has("sample")) {
    throw new UsageError("--full and --sample exclude each other");
  }
  const whole = (name: string, unlessTold: string, max: number): number => {
    const value = readNumber(`--${name}`, options.get(name)?.[0] ?? unlessTold, max);
    if (Number.isInteger(value)) return value;
    throw new UsageError(`--${name} is a whole number, not ${value}`);
  };
  return {
    command: "verify",
    ...masterArgs("verify", options, environment),
    sample: options.has("full") ? undefined : whole("sample", DEFAULT_SAMPLE, MAX_SAMPLE),
    repair: options.has("repair"),
    keysPerSecond: whole("keys-per-second", DEFAULT_KEYS_PER_SECOND, MAX_KEYS_PER_SECOND),
  };
}

function startArgs(options: Options, environment: Environment): StartArgs {
  const args: StartArgs = {
    command: "start",
    ...masterArgs("start", options, environment),
    listen: options.get("listen")?.[0],
    writes: readWrites(options),
    requirepassFile: options.get("requirepass-file")?.[0],
    open: options.has("open"),
    allowReplicaOf: options.has("allow-replicaof"),
    allowDebug: options.has("allow-debug"),
    http: options.get("http")?.[0],
    httpTokenFile: options.get("http-token-file")?.[0],
    backoff: readBackoff(options),
    maxMemory: readMaxMemory(options),
    onMaxMemory: readOnMaxMemory(options),
  };
  if (args.listen !== undefined) checkAddress("--listen", args.listen);
  if (args.http !== undefined) checkAddress("--http", args.http);
  else if (args.httpTokenFile !== undefined) {
    throw new UsageError("--http-token-file needs --http");
  }
  const serves = args.requirepassFile !== undefined || args.open || args.allowReplicaOf ||
    args.allowDebug || args.writes === "forward";
  if (args.listen === undefined && serves) {
    throw new UsageError(
      "--requirepass-file, --allow-debug, --allow-replicaof, --writes forward and --open need --listen",
    );
  }
  if (args.open && args.writes === "forward") {
    throw new UsageError(
      "--writes forward and --open exclude each other: everybody could write to the master",
    );
  }
  if (args.listen !== undefined && args.requirepassFile === undefined) {
    checkProtected(args.listen, { open: args.open });
  }
  return args;
}

function demoArgs(options: Options): DemoArgs {
  const listen = options.get("listen")?.[0] ?? "127.0.0.1:0";
  checkAddress("--listen", listen);
  const http = options.get("http")?.[0] ?? "127.0.0.1:0";
  checkAddress("--http", http);
  const seconds = options.get("seconds")?.[0];
  return {
    command: "demo",
    listen,
    http,
    rate: readNumber("--rate", options.get("rate")?.[0] ?? "500", MAX_RATE),
    seconds: seconds === undefined ? undefined : readNumber("--seconds", seconds, MAX_SECONDS),
    ...outputArgs(options),
  };
}

function readWrites(options: Options): "reject" | "forward" {
  const writes = options.get("writes")?.[0] ?? "reject";
  if (writes === "reject" || writes === "forward") return writes;
  throw new UsageError(`--writes is reject or forward, not "${writes.slice(0, 40)}"`);
}

/** The limit on memory in bytes; undefined when none was given. */
function readMaxMemory(options: Options): number | undefined {
  const size = options.get("max-memory")?.[0];
  if (size === undefined) return undefined;
  const bytes = parseMemorySize(size);
  if (bytes !== undefined && bytes >= LEAST_MEMORY_BYTES) return bytes;
  throw new UsageError(
    `--max-memory is a size such as 512mb, of ${memorySizeText(LEAST_MEMORY_BYTES)} or more, ` +
      `not "${size.slice(0, 40)}"`,
  );
}

function readOnMaxMemory(options: Options): MemoryPolicy {
  const policy = options.get("on-max-memory")?.[0];
  if (policy === undefined) return "stop";
  if (policy !== "stop" && policy !== "flush") {
    throw new UsageError(`--on-max-memory is stop or flush, not "${policy.slice(0, 40)}"`);
  }
  if (options.has("max-memory")) return policy;
  throw new UsageError("--on-max-memory needs --max-memory");
}

/** The bounds of the pauses that were given; undefined when none was. */
function readBackoff(options: Options): LinkBackoff | undefined {
  const read = (name: string): number | undefined => {
    const text = options.get(name)?.[0];
    if (text === undefined) return undefined;
    const ms = readNumber(`--${name}`, text, MAX_PAUSE_MS);
    if (!Number.isInteger(ms)) throw new UsageError(`--${name} is whole milliseconds`);
    return ms;
  };
  const backoff: LinkBackoff = {
    minMs: read("backoff-min-ms"),
    maxMs: read("backoff-max-ms"),
    doomedMs: read("backoff-doomed-ms"),
    doomedMaxMs: read("backoff-doomed-max-ms"),
  };
  return Object.values(backoff).some((ms) => ms !== undefined) ? backoff : undefined;
}

function outputArgs(options: Options): OutputArgs {
  const logLevel = (options.get("log-level")?.[0] ?? "info") as LogLevel;
  if (!LOG_LEVELS.includes(logLevel)) {
    throw new UsageError(`--log-level is one of ${LOG_LEVELS.join(", ")}, not "${logLevel}"`);
  }
  return { logLevel, json: options.has("json") };
}

function checkAddress(option: string, address: string): void {
  orUsage(option, () => parseListen(address));
}

/** Refuses to serve strangers without a password, in the command line's own words. */
function checkProtected(listen: string, server: ServerOptions): void {
  try {
    checkReaders(parseListen(listen), server);
  } catch {
    throw new UsageError(
      "--listen is an address that others can reach, and nothing keeps them from reading everything: " +
        "give start --requirepass-file, or --open if that is meant",
    );
  }
}

function readNumber(name: string, text: string, max: number): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(value > 0 && value <= max)) {
    throw new UsageError(`${name} is a number above 0 and up to ${max}, not "${text}"`);
  }
  return value;
}

/** Runs `parse`; its error becomes one of usage, with the option's name in front. */
function orUsage<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(`${name}: ${messageOf(error)}`);
  }
}

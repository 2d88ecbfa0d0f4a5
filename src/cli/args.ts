/**
 * Parses the command line. Nothing here reads a file or connects: what comes out is checked as far as words
 * alone can be.
 *
 * ```text
 *  words  start --master redis://h:1 --listen=6380 --json
 *         |     |        |           |             flag, takes no value
 *         |     option and value     option=value
 *         subcommand: start, demo, help, version
 * ```
 *
 * @module
 */

import { messageOf } from "../base/errors.ts";
import { LOG_LEVELS, type LogLevel } from "../base/logger.ts";
import { nearestName } from "../base/shape.ts";
import { parseMasterUrl } from "../replica/master_url.ts";
import { checkReaders, parseListen, type ServerOptions } from "../replica/options.ts";
import type { LinkBackoff } from "../replication/types.ts";

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

/** The options of `start`. */
export interface StartArgs extends OutputArgs {
  /** Always `start`, the subcommand. */
  readonly command: "start";
  /** URL of the master, which has been checked. */
  readonly master: string;
  /** Where to serve RESP; undefined for nowhere. */
  readonly listen: string | undefined;
  /** Path of a file with the master's password, read anew at each connection. */
  readonly passwordFile: string | undefined;
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
  /** Bounds of the pauses between two connections, in milliseconds; undefined where none is given. */
  readonly backoff: LinkBackoff | undefined;
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
export type TextArgs = { readonly command: "help" } | { readonly command: "version" };

/** A command line that was understood. */
export type Args = StartArgs | DemoArgs | TextArgs;

/** The text that `--help` prints. */
export const HELP: string = `A live copy of a Redis or Valkey dataset, following its master.

start --master URL      follow a master until Ctrl-C
  --master URL            redis://[user:password@]host[:port], rediss:// for TLS, unix:/path,
                          redis+sentinel://host:port,host:port/NAME, or HOST:PORT; also valkey://
  --listen HOST:PORT      serve the data over RESP, read-only; also PORT or unix:/path
  --open                  let everybody read who reaches --listen, without a password
  --allow-replicaof       let clients say whom to follow (REPLICAOF), and let Sentinel find us
  --allow-debug           let clients run DEBUG, whose digests take long
  --password-file F       file with the master's password, read anew at each connection
  --requirepass-file F    file with the password our own clients must give
  --http HOST:PORT        serve a page for people, /livez, /readyz, /metrics, /status, /events
  --http-token-file F     file with the token that all of them but the first two ask for
  --snapshot F            file to restart from, written every five minutes and at the end
  --tls-ca F              certificates to trust in place of the system's; may be given again
  --tls-cert F            our certificate, with --tls-key
  --tls-key F             its private key
  --tls-server-name NAME  name the master's certificate must carry
  --backoff-min-ms N      pause before the next attempt where it costs the master nothing (1000)
  --backoff-max-ms N      longest pause after a full sync that broke, or a refused login (30000)
  --backoff-doomed-ms N   first pause after a full sync that is bound to fail again (60000)
  --backoff-doomed-max-ms N  longest of those (900000)

demo                    a built-in sample master with live traffic, and a replica of it
  --listen HOST:PORT      where the replica serves RESP (default 127.0.0.1:0, a free port)
  --http HOST:PORT        where its page is served (default 127.0.0.1:0)
  --rate N                commands a second on the master (default 500)
  --seconds N             end after N seconds

both
  --log-level LEVEL       ${LOG_LEVELS.join(", ")} (default info)
  --json                  a JSON object a line in place of text
  --help, --version

Exit codes: 0 stopped, 1 failed, 2 wrong usage
`;

type Options = ReadonlyMap<string, readonly string[]>;

const FLAGS: ReadonlySet<string> = new Set([
  "json",
  "open",
  "allow-replicaof",
  "allow-debug",
  "help",
  "version",
]);
const REPEATED: ReadonlySet<string> = new Set(["tls-ca"]);
const SHARED: readonly string[] = ["log-level", "json", "help", "version"];
const KNOWN: Readonly<Record<"start" | "demo", ReadonlySet<string>>> = {
  start: new Set([
    ...SHARED,
    "master",
    "listen",
    "password-file",
    "requirepass-file",
    "open",
    "allow-replicaof",
    "allow-debug",
    "http",
    "http-token-file",
    "snapshot",
    "tls-ca",
    "tls-cert",
    "tls-key",
    "tls-server-name",
    "backoff-min-ms",
    "backoff-max-ms",
    "backoff-doomed-ms",
    "backoff-doomed-max-ms",
  ]),
  demo: new Set([...SHARED, "listen", "http", "rate", "seconds"]),
};
const MAX_RATE = 1_000_000;
const MAX_SECONDS = 1_000_000;
const MAX_PAUSE_MS = 86_400_000;

/**
 * Parses a command line.
 *
 * @param words The words after the program's name.
 * @throws {UsageError} When it makes no sense; the message is fit for the terminal.
 */
export function parseArgs(words: readonly string[]): Args {
  const [first, ...rest] = words;
  if (first === undefined) throw new UsageError("Say start or demo");
  if (first === "--help" || first === "-h" || first === "help") return { command: "help" };
  if (first === "--version" || first === "-V") return { command: "version" };
  if (first !== "start" && first !== "demo") {
    throw new UsageError(`Unknown command "${first.slice(0, 40)}": say start or demo`);
  }
  const options = readOptions(first, rest);
  if (options.has("help")) return { command: "help" };
  if (options.has("version")) return { command: "version" };
  return first === "start" ? startArgs(options) : demoArgs(options);
}

/** Reads `--name value`, `--name=value` and flags. Every name is one that `command` knows. */
function readOptions(command: "start" | "demo", words: readonly string[]): Options {
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

function startArgs(options: Options): StartArgs {
  const master = options.get("master")?.[0];
  if (master === undefined) throw new UsageError("start needs --master URL");
  const args: StartArgs = {
    command: "start",
    master,
    listen: options.get("listen")?.[0],
    passwordFile: options.get("password-file")?.[0],
    requirepassFile: options.get("requirepass-file")?.[0],
    open: options.has("open"),
    allowReplicaOf: options.has("allow-replicaof"),
    allowDebug: options.has("allow-debug"),
    http: options.get("http")?.[0],
    httpTokenFile: options.get("http-token-file")?.[0],
    snapshot: options.get("snapshot")?.[0],
    tlsCa: options.get("tls-ca") ?? [],
    tlsCert: options.get("tls-cert")?.[0],
    tlsKey: options.get("tls-key")?.[0],
    tlsServerName: options.get("tls-server-name")?.[0],
    backoff: readBackoff(options),
    ...outputArgs(options),
  };
  const { tls } = orUsage("--master", () => parseMasterUrl(master));
  if (args.listen !== undefined) checkAddress("--listen", args.listen);
  if (args.http !== undefined) checkAddress("--http", args.http);
  else if (args.httpTokenFile !== undefined) {
    throw new UsageError("--http-token-file needs --http");
  }
  if (tls === undefined && [...options.keys()].some((name) => name.startsWith("tls-"))) {
    throw new UsageError("The --tls- options need a rediss:// master");
  }
  if ((args.tlsCert === undefined) !== (args.tlsKey === undefined)) {
    throw new UsageError("--tls-cert and --tls-key go together");
  }
  const serves = args.requirepassFile !== undefined || args.open || args.allowReplicaOf ||
    args.allowDebug;
  if (args.listen === undefined && serves) {
    throw new UsageError(
      "--requirepass-file, --allow-debug, --allow-replicaof and --open need --listen",
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

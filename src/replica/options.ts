/**
 * The options of a `Replica`, how they are checked, and how the master's URL is taken apart. Nothing here
 * connects.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Address, Net, TlsClientOptions, TlsServerOptions } from "../net/socket.ts";
import type { LinkBackoff, LinkLimits, Timeouts } from "../replication/types.ts";
import { checkSnapshotOptions, type SnapshotOptions } from "./snapshot.ts";

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26379;

/** A password, or a function that is called for it before each connection. */
export type Password = string | (() => string | Promise<string>);

/** The master as an object, in place of a URL. */
export type MasterOptions =
  | {
    /** Host name or IP address. */
    readonly host: string;
    /** TCP port; 6379 unless told. */
    readonly port?: number;
  }
  | {
    /** Path of a Unix socket. */
    readonly path: string;
  }
  | {
    /** Where the sentinels are, each as `host:port`, or `host` for port 26379. */
    readonly sentinels: readonly string[];
    /** The master's name in the sentinels' configuration. */
    readonly name: string;
  };

/** How sentinels are reached, where that differs from the master. */
export interface SentinelAccess {
  /** ACL user at the sentinels; the default user when left out. */
  readonly username?: string;
  /** Password at the sentinels; without it no AUTH is sent to them. */
  readonly password?: Password;
  /** TLS to the sentinels: true, false, or its options. As to the master unless told. */
  readonly tls?: boolean | TlsClientOptions;
}

/** How Redis clients are served. */
export interface ServerOptions {
  /** False keeps the server off even where `listen` is given. */
  readonly enabled?: boolean;
  /** What clients must AUTH with as the default user; without it they need no AUTH. */
  readonly password?: string;
  /** Further users by name, with their passwords; each may read everything. */
  readonly users?: Readonly<Record<string, string>>;
  /** TLS for clients; with `ca` they must show a certificate. */
  readonly tls?: TlsServerOptions;
  /** Most clients at once. 10,000 unless told. */
  readonly maxClients?: number;
  /** Milliseconds a silent client is kept; 0, the default, is for ever. */
  readonly idleTimeoutMs?: number;
  /** While the master is out of reach, true (the default) answers, false replies MASTERDOWN. */
  readonly serveStaleData?: boolean;
}

/** Options of {@linkcode Replica}. */
export interface ReplicaOptions {
  /**
   * `redis://[user[:password]@]host[:port]`, `rediss://` for TLS, `unix:/path`,
   * `redis+sentinel://[user[:password]@]host[:port],host[:port]/name` (`rediss+sentinel://` for TLS), or an
   * object. User and password are the master's. Left out, the replica follows no master and `storage` can be
   * written.
   */
  readonly master?: string | MasterOptions;
  /** ACL user at the master; wins over the URL's. */
  readonly username?: string;
  /** Password at the master; wins over the URL's. */
  readonly password?: Password;
  /** How the sentinels are reached, where that differs from the master. */
  readonly sentinel?: SentinelAccess;
  /** TLS to the master: true, or its options. On with `rediss://`. */
  readonly tls?: boolean | TlsClientOptions;
  /** `host:port`, a port, `unix:/path`, or an object: serve the data over RESP there. */
  readonly listen?: string | number | MasterOptions;
  /** How Redis clients are served at `listen`. */
  readonly server?: ServerOptions;
  /** Host and port that the master shows of us in INFO and ROLE; the listening port unless told. */
  readonly announce?: { readonly host?: string; readonly port?: number };
  /** How long each kind of waiting may take. */
  readonly timeouts?: Timeouts;
  /** How long the pauses between two connections are. */
  readonly backoff?: LinkBackoff;
  /** Bounds on what a master can make us hold. */
  readonly limits?: LinkLimits;
  /**
   * What a full resync does with the old data: `swap`, the default, serves it until the new is whole;
   * `flush` empties first, for machines that cannot hold both, and reads throw LOADING until it is whole.
   */
  readonly resync?: "swap" | "flush";
  /**
   * How old the data may be to be read, in milliseconds: when the master was heard longer ago, or never,
   * reads throw MASTERDOWN and clients get that error. A master is heard every 10 s at least; a link that is
   * silent counts as up until `timeouts.idleMs`. No bound unless told.
   */
  readonly maxStalenessMs?: number;
  /** Keeps the data over a restart, which then needs only what was missed. */
  readonly snapshot?: SnapshotOptions;
  /** The master's name for PSYNC, where it was renamed. */
  readonly psyncCommand?: string;
  /**
   * What follows when a command of the master's stream is unknown or fails here: it is counted and logged,
   * then a new snapshot is asked for after a pause of a minute or more (`resync`, unless told), or the stream
   * goes on (`continue`), as with a real replica.
   */
  readonly onDivergence?: "resync" | "continue";
  /**
   * What becomes of keys whose value only a module can read (Redis's own vector sets are kept): they are
   * passed over and counted in the status by the module's name (`skip`, unless told), or the synchronisation
   * fails (`fail`).
   */
  readonly onUnsupported?: "skip" | "fail";
  /** Gets every message; unless told, warnings and errors go to the console. False is silence. */
  readonly logger?: Logger | false;
  /** Called after each synchronisation, full or partial: a listener of the event `sync`. */
  readonly onSync?: (event: { readonly kind: "full" | "partial" }) => void;
  /** Network in place of the runtime's own: of an edge runtime, or of a simulation. */
  readonly net?: Net;
  /** Clock in place of the host's own. */
  readonly clock?: Clock;
  /** Source of numbers in [0, 1) in place of one seeded from `crypto`. */
  readonly random?: () => number;
}

/** The sentinels to ask for a master, with everything needed to reach them. */
export interface SentinelTarget {
  /** Where the sentinels are, at least one. */
  readonly addresses: readonly Address[];
  /** The master's name in the sentinels' configuration. */
  readonly name: string;
  /** ACL user to log in as; undefined for the default user. */
  readonly username: string | undefined;
  /** Password to log in with; undefined for no AUTH. */
  readonly password: Password | undefined;
  /** TLS options, or undefined for none. */
  readonly tls: TlsClientOptions | undefined;
}

/** The master with everything needed to reach it, from its URL and the other options. */
export interface MasterTarget {
  /** Where the master is; the first sentinel's address until the sentinels have said. */
  readonly address: Address;
  /** The sentinels to ask; undefined when the address is fixed. */
  readonly sentinel: SentinelTarget | undefined;
  /** ACL user to log in as; undefined for the default user. */
  readonly username: string | undefined;
  /** Password to log in with; undefined for no AUTH. */
  readonly password: Password | undefined;
  /** TLS options, or undefined for none. */
  readonly tls: TlsClientOptions | undefined;
}

const KNOWN_OPTIONS: ReadonlySet<string> = new Set<keyof ReplicaOptions>([
  "master",
  "username",
  "password",
  "sentinel",
  "tls",
  "listen",
  "server",
  "announce",
  "timeouts",
  "backoff",
  "limits",
  "resync",
  "maxStalenessMs",
  "snapshot",
  "psyncCommand",
  "onDivergence",
  "onUnsupported",
  "logger",
  "onSync",
  "net",
  "clock",
  "random",
]);

/**
 * Checks what needs no connection to be checked. A name that no option has is refused: a misspelt option must
 * not be ignored.
 *
 * @throws {TypeError} When an option is unknown or makes no sense.
 * @throws {RangeError} When a number lies outside its range.
 */
export function checkOptions(options: ReplicaOptions): void {
  for (const name of Object.keys(options)) {
    if (!KNOWN_OPTIONS.has(name)) throw new TypeError(`Unknown option "${name}"`);
  }
  const { resync, maxStalenessMs, snapshot } = options;
  if (resync !== undefined && resync !== "swap" && resync !== "flush") {
    throw new TypeError(`resync is "${resync}", neither "swap" nor "flush"`);
  }
  if (maxStalenessMs !== undefined && !(maxStalenessMs >= 0)) {
    throw new RangeError(`maxStalenessMs is ${maxStalenessMs}, below 0`);
  }
  if (snapshot !== undefined) checkSnapshotOptions(snapshot);
}

/**
 * Takes the master's URL or object apart. Options beside it win over what the URL says.
 *
 * @returns Undefined when no master is given.
 * @throws {TypeError} When the URL is none, or contradicts another option.
 * @throws {RangeError} When a port is none.
 */
export function parseMaster(options: ReplicaOptions): MasterTarget | undefined {
  const { master } = options;
  if (master === undefined) return undefined;
  const given = typeof master === "string" ? parseMasterUrl(master) : parseMasterObject(master);
  if (given.sentinel === undefined && options.sentinel !== undefined) {
    throw new TypeError("The option sentinel is set, but the master is not behind sentinels");
  }
  const tls = chooseTls(options.tls, given.tls);
  return {
    address: given.address,
    sentinel: given.sentinel === undefined
      ? undefined
      : toSentinel(given.sentinel, options.sentinel ?? {}, tls),
    username: options.username ?? given.username,
    password: options.password ?? given.password,
    tls,
  };
}

/**
 * Takes `listen` apart: `host:port`, a port on 127.0.0.1, `unix:/path`, or an object.
 *
 * @throws {TypeError} When it is none of these.
 * @throws {RangeError} When the port is none.
 */
export function parseListen(listen: string | number | MasterOptions): Address {
  if (typeof listen === "object") return toAddress(listen);
  if (typeof listen === "number") {
    return { transport: "tcp", host: "127.0.0.1", port: toPort(listen) };
  }
  if (listen.startsWith("unix:")) return parseUnix(listen);
  const parts = /^(?:(\[[0-9a-fA-F:.%a-z]+\]|[^:[\]]*):)?(\d+)$/.exec(listen);
  if (parts === null) throw new TypeError(`"${listen}" is not host:port, a port or unix:/path`);
  const host = unbracket(parts[1] ?? "");
  return {
    transport: "tcp",
    host: host === "" ? "127.0.0.1" : host,
    port: toPort(Number(parts[2])),
  };
}

/** What a URL or an object says about the master. */
interface GivenMaster {
  readonly address: Address;
  readonly sentinel?: { readonly addresses: readonly Address[]; readonly name: string };
  readonly username?: string;
  readonly password?: string;
  readonly tls?: TlsClientOptions;
}

function parseMasterObject(master: MasterOptions): GivenMaster {
  if (!("sentinels" in master)) return { address: toAddress(master) };
  if (master.name === "") throw new TypeError("The master's name is empty");
  const addresses = parseSentinels(master.sentinels);
  return { address: addresses[0], sentinel: { addresses, name: master.name } };
}

function parseSentinels(texts: readonly string[]): Address[] {
  if (texts.length === 0) throw new TypeError("There is no sentinel");
  return texts.map((text) => {
    const parts = /^(\[[0-9a-fA-F:.%a-z]+\]|[^:[\]\s]+)(?::(\d+))?$/.exec(text);
    if (parts === null) throw new TypeError(`"${text}" is no sentinel: host:port`);
    const port = toPort(Number(parts[2] ?? DEFAULT_SENTINEL_PORT));
    return { transport: "tcp", host: unbracket(parts[1]), port };
  });
}

/** Takes a URL with several hosts apart by hand: `URL` allows only one. */
function parseSentinelUrl(text: string): GivenMaster {
  const parts = /^redis(s?)\+sentinel:\/\/(?:([^@/]*)@)?([^@/?#]+)\/([^/?#]+)$/.exec(text);
  if (parts === null) {
    throw new TypeError(
      `"${withoutSecret(text)}" is not redis+sentinel://host:port,host:port/name`,
    );
  }
  const [, secure, secret = "", hosts, name] = parts;
  const colon = secret.indexOf(":");
  const username = decodeURIComponent(colon < 0 ? secret : secret.slice(0, colon));
  const password = colon < 0 ? "" : decodeURIComponent(secret.slice(colon + 1));
  const addresses = parseSentinels(hosts.split(","));
  return {
    address: addresses[0],
    sentinel: { addresses, name: decodeURIComponent(name) },
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
    ...(secure === "" ? {} : { tls: {} }),
  };
}

function toSentinel(
  { addresses, name }: { readonly addresses: readonly Address[]; readonly name: string },
  access: SentinelAccess,
  masterTls: TlsClientOptions | undefined,
): SentinelTarget {
  const tls = typeof access.tls === "object"
    ? access.tls
    : access.tls ?? masterTls !== undefined
    ? masterTls ?? {}
    : undefined;
  return { addresses, name, username: access.username, password: access.password, tls };
}

function parseMasterUrl(text: string): GivenMaster {
  if (text.startsWith("unix:")) return { address: parseUnix(text) };
  if (/^rediss?\+sentinel:/.test(text)) return parseSentinelUrl(text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "redis:" && url.protocol !== "rediss:")) {
    throw new TypeError(
      `"${
        withoutSecret(text)
      }" is not a master URL: redis://host:port, rediss://host:port, unix:/path or redis+sentinel://host:port/name`,
    );
  }
  if (url.hostname === "") throw new TypeError(`"${withoutSecret(text)}" names no host`);
  if (url.search !== "" || url.hash !== "" || (url.pathname !== "" && url.pathname !== "/")) {
    throw new TypeError(
      `"${
        withoutSecret(text)
      }" has more than host and port: a replica follows every database, read one with db(n)`,
    );
  }
  return {
    address: {
      transport: "tcp",
      host: unbracket(url.hostname),
      port: url.port === "" ? DEFAULT_PORT : toPort(Number(url.port)),
    },
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.protocol === "rediss:" ? { tls: {} } : {}),
  };
}

function parseUnix(text: string): Address {
  const path = text.slice("unix:".length).replace(/^\/\//, "");
  if (path === "") throw new TypeError(`"${text}" names no path`);
  return { transport: "unix", path };
}

function toAddress(target: MasterOptions): Address {
  if ("sentinels" in target) throw new TypeError("Nothing can listen on sentinels");
  if ("path" in target) return { transport: "unix", path: target.path };
  if (target.host === "") throw new TypeError("The host is empty");
  return { transport: "tcp", host: target.host, port: toPort(target.port ?? DEFAULT_PORT) };
}

function toPort(port: number): number {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(`${port} is not a port`);
  }
  return port;
}

function unbracket(host: string): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

function chooseTls(
  told: boolean | TlsClientOptions | undefined,
  fromUrl: TlsClientOptions | undefined,
): TlsClientOptions | undefined {
  if (told === undefined) return fromUrl;
  if (told === false && fromUrl !== undefined) {
    throw new TypeError("tls: false contradicts a rediss:// URL");
  }
  if (typeof told === "object") return told;
  return told ? fromUrl ?? {} : undefined;
}

/** A URL without user and password, fit for a message. */
export function withoutSecret(text: string): string {
  return text.replace(/\/\/[^@/]*@/, "//***@");
}

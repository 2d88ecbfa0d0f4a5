/**
 * URLs of masters, as environments and clouds hand them out, taken apart by hand: `URL` allows one host only,
 * and its errors quote what may be a password.
 *
 * ```text
 *   redis://user:password@host:6379/0        valkey:     the same
 *   rediss://...  redis+tls://...            valkeys:, valkey+tls:    over TLS
 *   redis+sentinel://user:password@s1:26379,s2/name/0     rediss+sentinel:    over TLS
 *   unix:/path  unix://user:password@/path?db=0
 *   host:6379
 * ```
 *
 * No message holds any part of the URL. A password with an unencoded "/" or "@", or a URL without its scheme,
 * puts the password where another part is expected, so every part may hold one.
 *
 * @module
 */

import type { Address, TlsClientOptions } from "../net/socket.ts";

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26379;
const MAX_DATABASE = 0x7fffffff;
/** A host name, an IPv4 address, or an IPv6 address in brackets; then a port. */
const HOST = /^(\[[0-9a-fA-F:.]+(?:%[\w.-]+)?\]|[^\s:[\]@/?#,%]+)(?::(\d{1,5}))?$/;
const FORMS =
  "redis://host:port/0, rediss://host:port, unix:/path, redis+sentinel://host:port/name or host:port";
const ENCODE =
  'in user and password write "/" as %2F, "@" as %40, "?" as %3F, "#" as %23 and "%" as %25';

type Kind = "plain" | "sentinel" | "unix";

/** What each scheme means, and whether it is TLS. */
const SCHEMES: Readonly<Record<string, readonly [Kind, boolean]>> = {
  redis: ["plain", false],
  valkey: ["plain", false],
  rediss: ["plain", true],
  valkeys: ["plain", true],
  "redis+tls": ["plain", true],
  "valkey+tls": ["plain", true],
  "redis+sentinel": ["sentinel", false],
  "valkey+sentinel": ["sentinel", false],
  "rediss+sentinel": ["sentinel", true],
  "valkeys+sentinel": ["sentinel", true],
  unix: ["unix", false],
};

/** What a URL says about the master. */
export interface GivenMaster {
  /** Where the master is, or the first sentinel. */
  readonly address: Address;
  /** The sentinels and the master's name there. */
  readonly sentinel?: { readonly addresses: readonly Address[]; readonly name: string };
  /** ACL user at the master. */
  readonly username?: string;
  /** Password at the master. */
  readonly password?: string;
  /** Empty options for TLS, where the scheme says so. */
  readonly tls?: TlsClientOptions;
  /** Number of the database that the URL names. */
  readonly database?: number;
}

/**
 * Takes a master's URL apart.
 *
 * @param given The URL; spaces and line ends around it do not count.
 * @throws {TypeError} When it is none; the message quotes no part of it.
 */
export function parseMasterUrl(given: string): GivenMaster {
  const url = given.trim();
  if (url === "") throw new TypeError("master is empty: leave it out to follow nobody");
  const bare = HOST.exec(url);
  if (bare?.[2] !== undefined) return { address: toAddress(bare, DEFAULT_PORT, "master") };
  const parts = /^([a-z][a-z0-9+]*):(\/\/)?(.*)$/is.exec(url);
  const scheme = parts?.[1].toLowerCase() ?? "";
  if (parts === null || !Object.hasOwn(SCHEMES, scheme)) {
    throw new TypeError(`master is not a URL that is understood: ${FORMS}`);
  }
  const [kind, isTls] = SCHEMES[scheme];
  const rest = parts[3];
  if (kind === "unix") return parseUnix(rest, parts[2] !== undefined);
  if (parts[2] === undefined) throw new TypeError(`master lacks the // after its scheme: ${FORMS}`);
  const tls = isTls ? { tls: {} } : {};
  return { ...(kind === "plain" ? parsePlain(rest) : parseSentinel(rest)), ...tls };
}

/**
 * Takes the address of a sentinel apart: `host:port`, or `host` for port 26379.
 *
 * @param name The option's name, for the message.
 * @throws {TypeError} When it is neither.
 */
export function parseSentinelAddress(text: string, name: string): Address {
  const parts = HOST.exec(text);
  if (parts === null) throw new TypeError(`${name} is not host:port`);
  return toAddress(parts, DEFAULT_SENTINEL_PORT, name);
}

/**
 * Takes `listen` apart: `host:port`, a port on 127.0.0.1, or `unix:/path`.
 *
 * @throws {TypeError} When it is none of these.
 */
export function parseListenText(listen: string): Address {
  if (listen.startsWith("unix:")) {
    return { transport: "unix", path: unixPath(listen.slice(5), "listen") };
  }
  const parts = /^(?:(\[[0-9a-fA-F:.%a-z]+\]|[^:[\]\s@/]*):)?(\d{1,5})$/.exec(listen);
  if (parts === null) throw new TypeError("listen is not host:port, a port or unix:/path");
  const host = unbracket(parts[1] ?? "");
  return {
    transport: "tcp",
    host: host === "" ? "127.0.0.1" : host,
    port: checkPort(Number(parts[2]), 0, "listen"),
  };
}

/** What stands before the hosts and behind them, in one URL. */
interface Authority {
  readonly login: { readonly username?: string; readonly password?: string };
  readonly hosts: string;
  readonly path: readonly string[];
  readonly database: number | undefined;
}

function parsePlain(rest: string): GivenMaster {
  const { login, hosts, path, database } = splitRest(rest);
  const host = HOST.exec(hosts);
  if (host === null) {
    throw new TypeError(`master names no host, or a port that is none; ${ENCODE}`);
  }
  if (path.length > 1) {
    throw new TypeError(`master has more than a database after the host; ${ENCODE}`);
  }
  const address = toAddress(host, DEFAULT_PORT, "master");
  return { address, ...login, ...inDatabase(path[0], database) };
}

function parseSentinel(rest: string): GivenMaster {
  const { login, hosts, path, database } = splitRest(rest);
  const [name, index] = path;
  if (name === undefined || path.length > 2) {
    throw new TypeError(
      `master is not redis+sentinel://host:port,host:port/name/database; ${ENCODE}`,
    );
  }
  const addresses = hosts.split(",").map((host) => {
    const parts = HOST.exec(host);
    if (parts === null) {
      throw new TypeError(`master names a sentinel that is not host:port; ${ENCODE}`);
    }
    return toAddress(parts, DEFAULT_SENTINEL_PORT, "master");
  });
  const sentinel = { addresses, name: decode(name) };
  return { address: addresses[0], sentinel, ...login, ...inDatabase(index, database) };
}

/** A Unix socket: the path as it stands, and with `//` perhaps a login before it. */
function parseUnix(rest: string, hasAuthority: boolean): GivenMaster {
  const query = /\?db=(\d+)$/.exec(rest);
  const target = query === null ? rest : rest.slice(0, query.index);
  const at = hasAuthority ? target.indexOf("@/") : -1;
  const login = at < 0 ? {} : parseLogin(target.slice(0, at));
  const path = unixPath(at < 0 ? target : target.slice(at + 1), "master");
  return {
    address: { transport: "unix", path },
    ...login,
    ...inDatabase(undefined, toDatabase(query?.[1])),
  };
}

function splitRest(rest: string): Authority {
  const [, authority, path, query, hash] = /^([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(rest)!;
  if (path.includes("@") || query?.includes("@") || hash !== undefined) {
    throw new TypeError(`master has an "@" or a "#" where none can be; ${ENCODE}`);
  }
  const asked = query === undefined ? undefined : /^\?(?:db=(\d+))?$/.exec(query);
  if (asked === null) {
    throw new TypeError(
      `master has a query, of which only ?db=n is understood: give user and password before the host; ${ENCODE}`,
    );
  }
  const at = authority.lastIndexOf("@");
  return {
    login: at < 0 ? {} : parseLogin(authority.slice(0, at)),
    hosts: authority.slice(at + 1),
    path: path.replace(/^\/|\/$/g, "").split("/").filter((part, index) => index > 0 || part !== ""),
    database: toDatabase(asked?.[1]),
  };
}

function parseLogin(text: string): { readonly username?: string; readonly password?: string } {
  const colon = text.indexOf(":");
  const username = decode(colon < 0 ? text : text.slice(0, colon));
  const password = colon < 0 ? "" : decode(text.slice(colon + 1));
  return {
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // The engine's error may quote the text.
    throw new TypeError(
      `master has a "%" that is not followed by the two digits of a UTF-8 byte; ${ENCODE}`,
    );
  }
}

function inDatabase(
  text: string | undefined,
  asked: number | undefined,
): { readonly database?: number } {
  const database = toDatabase(text) ?? asked;
  return database === undefined ? {} : { database };
}

function toDatabase(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (number <= MAX_DATABASE) return number;
  throw new TypeError(`master ends in something that is no database number; ${ENCODE}`);
}

function toAddress(parts: RegExpExecArray, defaultPort: number, name: string): Address {
  const port = parts[2] === undefined ? defaultPort : checkPort(Number(parts[2]), 1, name);
  return { transport: "tcp", host: unbracket(parts[1]), port };
}

/** A wrong port is not quoted: digits may be a password, too. */
function checkPort(port: number, least: number, name: string): number {
  if (port >= least && port <= 65535) return port;
  throw new TypeError(`${name} has a port that is not from ${least} to 65535`);
}

function unixPath(text: string, name: string): string {
  const path = text.replace(/^\/\//, "");
  if (path === "") throw new TypeError(`${name} names no path`);
  return path;
}

function unbracket(host: string): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}
